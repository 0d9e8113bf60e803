"""Exhibits of profit say what the ledger holds, of groups that are not few."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib import value
from crmlib.exhibits import Scope, formats, trace
from crmlib.exhibits import value as exhibits
from crmlib.stats.refusal import Refusal
from crmlib.value.profit import LINES

SCOPE = Scope("a bank: ledger", dt.date(2023, 1, 1), dt.date(2023, 12, 31), "EUR", "month",
              "revenue", 10)  # fmt: skip
REDRAWN = {"replications": 20, "seed": 1, "level": 0.9}


def account(n: int = 400, losing: float = 0.25, seed: int = 7) -> pd.DataFrame:
    """Customers with two products; a share of them costs more than they bring."""
    rng = np.random.default_rng(seed)
    brought, cost = rng.lognormal(5, 1, n), rng.lognormal(2, 0.3, n)
    cost[: int(losing * n)] += brought[: int(losing * n)] + 1
    ids = [f"c{i:04}" for i in range(n)]
    rows = [(i, "loan", "revenue", b) for i, b in zip(ids, brought, strict=True)]
    rows += [(i, "card", "cost_to_serve", c) for i, c in zip(ids, cost, strict=True)]
    return pd.DataFrame(rows, columns=["customer_id", "product", "line", "amount"])


def computed(rows: pd.DataFrame):
    earned = value.profit(rows)
    profits = value.customer_profits(earned)
    return (
        earned,
        value.whale_curve(profits, [0.1, 0.2, 0.5], **REDRAWN),
        value.unprofitable(profits, **REDRAWN),
    )


def by_hand(rows: pd.DataFrame) -> pd.Series:
    signed = rows["amount"].where(rows["line"] == "revenue", -rows["amount"])
    return signed.groupby(rows["customer_id"]).sum().sort_values(ascending=False)


def cells(exhibit) -> tuple[list[str], list[list[str]]]:
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    return list(exhibit.table.columns), text.to_numpy().tolist()


def test_the_curve_says_what_a_sum_by_hand_says():
    rows = account()
    exhibit = exhibits.profit_curve(*computed(rows), 400, SCOPE)
    ranked = by_hand(rows)
    best, losing = ranked.iloc[:80].sum() / ranked.sum(), (ranked < 0).mean()
    assert exhibit.title == (
        f"The best fifth earns {formats.percent(best)} of profit; {formats.percent(losing)} of "
        "customers bring losses"
    )
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []
    lost = exhibit.table.set_index("group").loc["customers who bring losses"]
    exact = -ranked[ranked < 0].sum() / ranked.sum()
    assert exact - 0.01 < lost["lost"] <= exact


def test_the_loss_beside_the_curve_tells_of_no_few_customers():
    """Exact, it would give the profit of those between the last shown point and the peak."""
    exhibit = exhibits.profit_curve(*computed(account(losing=0.243)), 400, SCOPE)
    table = exhibit.table
    drawn = table[table["group"] == "best customers"]
    lost = table.loc[table["group"] == "customers who bring losses", "lost"].item()
    assert lost == pytest.approx(drawn["profit"].max() - 1)


def test_few_who_bring_losses_are_not_counted():
    exhibit = exhibits.profit_curve(*computed(account(losing=0.02)), 400, SCOPE)
    assert "losses" not in exhibit.title
    assert set(exhibit.table["group"]) == {"best customers"}
    found = exhibits.profit_findings(*computed(account(losing=0.02)), SCOPE)
    assert [finding.id for finding in found] == ["top_fifth_profit_share"]


def test_deciles_add_up_to_the_ledger():
    rows = account()
    exhibit = exhibits.profit_by_decile(computed(rows)[0], SCOPE)
    table, ranked = exhibit.table, by_hand(rows)
    assert table["customers"].tolist() == [40] * 10
    assert table["profit"].sum() == pytest.approx(ranked.sum(), abs=0.1)
    assert table["profit"].iloc[-1] == pytest.approx(ranked.iloc[-40:].sum(), abs=0.01)
    assert exhibit.title.endswith(f"a loss of {SCOPE.money(-ranked.iloc[-40:].sum())}")
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []


def test_without_a_losing_group_the_title_says_so():
    exhibit = exhibits.profit_by_decile(computed(account(losing=0.0))[0], SCOPE)
    assert exhibit.title == "Every decile of customers earns a profit"


def test_products_of_few_customers_are_shown_with_others():
    rows = account()
    few = pd.DataFrame(
        [(f"c{i:04}", "safe", "revenue", 50.0) for i in range(4)]
        + [(f"c{i:04}", "fund", "revenue", 60.0) for i in range(30)],
        columns=rows.columns,
    )
    exhibit = exhibits.profit_by_product(computed(pd.concat([rows, few]))[0], SCOPE)
    table = exhibit.table.set_index("product")
    assert set(table.index) == {"loan", "card", "other products"}
    assert table.loc["other products", "revenue"] == pytest.approx(4 * 50 + 30 * 60)
    assert np.isnan(table.loc["other products", "customers"])
    assert table["profit"].sum() == pytest.approx(by_hand(pd.concat([rows, few])).sum(), abs=0.1)
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []


def test_the_lines_of_a_product_are_its_own():
    table = exhibits.profit_by_product(computed(account())[0], SCOPE).table.set_index("product")
    assert table.loc["loan", "cost_to_serve"] == 0 and table.loc["card", "revenue"] == 0
    assert (table["profit"] == table["revenue"] - table[list(LINES[1:])].sum(axis=1)).all()


def test_without_a_ledger_one_exhibit_says_why_and_the_others_are_silent():
    none = Refusal("the client gave no ledger (inputs.ledger)")
    exhibit = exhibits.profit_curve(none, none, none, 400, SCOPE)
    assert "cannot be computed" in exhibit.title and "inputs.ledger" in exhibit.table["reason"][0]
    assert exhibits.profit_by_decile(none, SCOPE) is None
    assert exhibits.profit_by_product(none, SCOPE) is None
    assert exhibits.profit_findings(none, none, none, SCOPE) == []


def test_a_base_too_small_for_bands_is_withheld():
    earned, whale, losing = computed(account(n=15))
    assert "cannot be shown" in exhibits.profit_curve(earned, whale, losing, 15, SCOPE).title
    assert "cannot be shown" in exhibits.profit_by_decile(earned, SCOPE).title


def test_who_earns_the_profit_is_what_the_decision_is_about():
    from crmlib.exhibits import summary

    rows = account()
    found = [f.record("02_value") for f in exhibits.profit_findings(*computed(rows), SCOPE)]
    spent = {"id": "top_fifth_share", "value": 0.9, "unit": "share of revenue", "exhibit": "x"}
    said = summary.decision([spent, *found], "")
    assert said.exhibit == "profit_curve" and "of profit" in said.sentence
