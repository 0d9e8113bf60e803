"""Profit by product and decile, by channel, and of the costliest: what the ledger holds."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib import value
from crmlib.exhibits import Scope, formats, trace
from crmlib.exhibits import value as exhibits
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a bank: ledger", dt.date(2023, 1, 1), dt.date(2023, 12, 31), "EUR", "month",
              "revenue", 10)  # fmt: skip
COLUMNS = ["customer_id", "product", "line", "amount", "channel"]


def ledger(n: int = 400, seed: int = 7) -> pd.DataFrame:
    """All hold a loan, most a card; a quarter is served dearly, in branches or by phone."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"c{i:04}" for i in range(n)])
    brought, cost = rng.lognormal(5, 1, n), rng.lognormal(2, 0.3, n)
    dear = rng.random(n) < 0.25
    cost[dear] += rng.uniform(0.2, 1.8, dear.sum()) * brought[dear]
    channel = np.where(dear, "branch", np.where(rng.random(n) < 0.5, "online", "phone"))
    card = rng.random(n) < 0.7
    rows = [(i, "loan", "revenue", b, None) for i, b in zip(ids, brought, strict=True)]
    rows += [(i, "loan", "cost_to_serve", c, w) for i, c, w in zip(ids, cost, channel, strict=True)]
    rows += [(i, "card", "revenue", 9.0, None) for i in ids[card]]
    rows += [(i, "card", "risk_cost", 30.0, None) for i in ids[card & (rng.random(n) < 0.2)]]
    return pd.DataFrame(rows, columns=COLUMNS)


def earned(rows: pd.DataFrame) -> value.Profit:
    return value.profit(rows)


def cells(exhibit) -> tuple[list[str], list[list[str]]]:
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    return list(exhibit.table.columns), text.to_numpy().tolist()


def signed(rows: pd.DataFrame) -> pd.Series:
    return rows["amount"].where(rows["line"] == "revenue", -rows["amount"])


def test_the_heat_table_adds_up_to_products_and_deciles():
    found = earned(ledger())
    table = exhibits.profit_heat(found, SCOPE).table
    assert table["profit"].notna().all()
    by_product = table.groupby("product")["profit"].sum()
    by_decile = table.groupby("decile")["profit"].sum()
    products = exhibits.profit_by_product(found, SCOPE).table.set_index("product")["profit"]
    deciles = exhibits.profit_by_decile(found, SCOPE).table.set_index("decile")["profit"]
    pd.testing.assert_series_equal(by_product.sort_index(), products.sort_index(), atol=0.1)
    pd.testing.assert_series_equal(by_decile, deciles, atol=0.1)
    rows = ledger()
    decile = found.customers.set_index("customer_id")["profit_decile"]
    keys = ["product", rows["customer_id"].map(decile).rename("decile")]
    holders = rows.groupby(keys)["customer_id"].nunique()
    counted = table.set_index(["product", "decile"])["customers"].dropna()
    assert len(counted) >= 10 and (holders.reindex(counted.index) == counted).all()
    assert (40 - counted >= 10).all() or (counted == 40).any()


def test_the_heat_title_names_the_largest_loss():
    exhibit = exhibits.profit_heat(earned(ledger()), SCOPE)
    worst = exhibit.table.loc[exhibit.table["profit"].idxmin()]
    lost = SCOPE.money(-worst["profit"])
    assert exhibit.title == f"loan loses {lost} in decile {worst['decile']}, more than elsewhere"
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []


@pytest.mark.parametrize("name", ["plan 9", "a product with a name of many words in it"])
def test_the_title_does_without_a_name_that_would_mislead_or_fill_it(name):
    rows = ledger().replace({"product": {"loan": name}})
    exhibit = exhibits.profit_heat(earned(rows), SCOPE)
    assert exhibit.title.startswith("One product loses EUR")


def test_without_a_loss_the_title_says_so():
    rows = ledger()
    exhibit = exhibits.profit_heat(earned(rows[rows["line"] == "revenue"]), SCOPE)
    assert exhibit.title == "No product loses money with any decile of customers"


def test_cells_of_few_holders_are_withheld_with_others():
    """The best customers alone hold a fund: 5 of a decile."""
    rows = ledger()
    best = signed(rows).groupby(rows["customer_id"]).sum().nlargest(45).index
    funds = pd.DataFrame([(i, "fund", "revenue", 1000.0, None) for i in best], columns=COLUMNS)
    exhibit = exhibits.profit_heat(earned(pd.concat([rows, funds])), SCOPE)
    table = exhibit.table.set_index(["product", "decile"])["profit"]
    assert np.isnan(table["fund", 2]) and table.isna().sum() >= 4
    assert "would tell of fewer than 10 customers" in exhibit.note


def test_many_products_stand_as_one_row():
    rows = ledger()
    more = [rows[rows["line"] == "revenue"].assign(product=f"p{i:02}") for i in range(20)]
    table = exhibits.profit_heat(earned(pd.concat([rows, *more])), SCOPE).table
    assert table["product"].nunique() == 12 and "other products" in set(table["product"])
    total = earned(pd.concat([rows, *more])).total
    assert table["profit"].sum() == pytest.approx(total, abs=1)


def test_channels_hold_each_customer_once():
    rows = ledger()
    exhibit = exhibits.profit_by_channel(earned(rows), SCOPE)
    table = exhibit.table.set_index("channel")
    served = rows.dropna(subset="channel").set_index("customer_id")["channel"]
    by_hand = signed(rows).groupby(rows["customer_id"].map(served)).sum()
    assert table["profit"].to_dict() == pytest.approx(by_hand.round(2).to_dict())
    assert table["customers"].sum() == 400 and table["profit_share"].sum() == pytest.approx(1)
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []


def test_a_channel_of_few_stands_with_the_next_smallest():
    rows = ledger()
    served = rows["channel"].notna()
    rows.loc[served & rows["customer_id"].isin([f"c{i:04}" for i in range(4)]), "channel"] = "fax"
    table = exhibits.profit_by_channel(earned(rows), SCOPE).table
    assert "fax" not in set(table["channel"]) and (table["customers"] >= 10).all()


def test_without_channels_there_is_no_exhibit_of_them():
    assert exhibits.profit_by_channel(earned(ledger().drop(columns="channel")), SCOPE) is None
    assert exhibits.costliest(earned(ledger().drop(columns="channel")), SCOPE) is not None


def test_the_costliest_are_groups_that_hold_enough():
    """1% of 400 are four: the costliest tenth is the first group that may be shown."""
    rows = ledger()
    exhibit = exhibits.costliest(earned(rows), SCOPE)
    cost = rows["amount"].where(rows["line"] != "revenue", 0).groupby(rows["customer_id"]).sum()
    share = cost.nlargest(40).sum() / cost.sum()
    assert exhibit.title.startswith(
        f"The costliest 10% of customers cause {formats.percent(share)}"
    )
    assert exhibit.table["customers"].tolist() == [40, 360]
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []


def test_a_larger_base_shows_the_costliest_hundredth():
    exhibit = exhibits.costliest(earned(ledger(2000)), SCOPE)
    assert exhibit.table["customers"].tolist() == [20, 180, 1800]
    assert "main_channel" in exhibit.table and exhibit.formatted.shape == exhibit.table.shape


def test_groups_that_a_subtraction_would_tell_are_withheld():
    """Three more than the last tenth are served in branches: its sum less theirs tells them."""
    ids = [f"c{i:04}" for i in range(400)]
    book = [(one, "loan", "revenue", 1000.0 - i, None) for i, one in enumerate(ids)]
    for branch, told in ((43, True), (60, False)):
        served = [
            (one, "loan", "cost_to_serve", 1.0, "branch" if i >= 400 - branch else "online")
            for i, one in enumerate(ids)
        ]
        exhibit = exhibits.profit_by_channel(
            earned(pd.DataFrame(book + served, columns=COLUMNS)), SCOPE
        )
        assert ("cannot be shown" in exhibit.title) == told


def test_without_a_ledger_or_with_a_small_base_nothing_is_shown():
    none = Refusal("the client gave no ledger (inputs.ledger)")
    shown = (exhibits.profit_heat, exhibits.profit_by_channel, exhibits.costliest)
    assert [show(none, SCOPE) for show in shown] == [None] * 3
    few = earned(ledger(60))
    assert exhibits.profit_heat(few, SCOPE) is None
    assert "cannot be shown" in exhibits.costliest(few, SCOPE).title
