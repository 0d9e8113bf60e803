"""Migration and balance of service as a board sees them."""

import datetime as dt
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib import intake, value
from crmlib.exhibits import Scope, formats, trace
from crmlib.exhibits import value as exhibits
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a bank: ledger", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "revenue", 10)  # fmt: skip
TIERS = value.TierRule((0.5, 0.8), ("high", "medium", "low"), of="value")
REDRAWN = {"replications": 40, "seed": 1, "level": 0.9}
LEDGER = Refusal("the client gave no ledger (inputs.ledger)")


def cells(exhibit) -> tuple[list[str], list[list[str]]]:
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    return list(exhibit.table.columns), text.to_numpy().tolist()


def quarters(n: int = 800, seed: int = 1) -> np.ndarray:
    """Eight quarters in which nobody changes; shape (n, 8)."""
    rng = np.random.default_rng(seed)
    return rng.lognormal(3, 0.8, (n, 1)) * rng.gamma(4, 0.25, (n, 8))


def moved(parts: np.ndarray, **columns) -> value.ValueMoved:
    names = [f"{name}_{at}" for name in ("first", "second") for at in range(1, 5)]
    table = pd.DataFrame(parts, columns=names).assign(**columns)
    return value.value_moved(table, TIERS, **REDRAWN)


def changed(shrinking: int = 0, leaving: int = 0) -> value.ValueMoved:
    """The first customers bring half as much in the second year, the next ones leave."""
    parts = quarters()
    parts[:shrinking, 4:] *= 0.5
    gone = np.arange(len(parts)) >= len(parts) - leaving
    parts[gone, 4:] = 0
    return moved(parts, leaving=gone, joining=False)


def test_in_a_base_where_nobody_changes_nothing_is_claimed(tmp_path):
    """From the ledger's file to the title: what chance moves is no migration."""
    parts = quarters(500, seed=4)
    rows = [
        (f"c{i}", dt.date(2024 + q // 4, 3 * (q % 4) + 1, 1), Decimal(f"{parts[i, q]:.2f}"))
        for i in range(500) for q in range(8)
    ]  # fmt: skip
    ledger = pd.DataFrame(rows, columns=["customer_id", "month", "amount"])
    path = tmp_path / "ledger.parquet"
    ledger.assign(line="revenue", product="all").to_parquet(path, index=False)
    none = ibis.memtable({"customer_id": ["x"], "date": [dt.date(2024, 1, 1)]})
    both = intake.two_periods(path, None, none, SCOPE.start, SCOPE.end, 1.0)
    assert both.months == 12, "the booking of October is of the whole last quarter"
    found = value.attempt(value.value_moved, both.table, TIERS, **REDRAWN)
    flows = exhibits.migration_flows(found, both.same_months, 500, SCOPE)
    assert flows.title == "No more value was lost than chance alone would take away"
    observed = flows.table.set_index("flow")["observed"]
    assert observed["fell to a lower tier"] > 0.03, "though chance alone does move value"
    assert exhibits.migration_findings(found, SCOPE) == []


def test_the_flows_add_up_to_the_change_of_value():
    found = changed(shrinking=300, leaving=60)
    exhibit = exhibits.migration_flows(found, True, 800, SCOPE)
    table = exhibit.table.set_index("flow")
    each = table.drop("stayed and brought less")
    signed = each["amount"].where(each["kind"] == "won", -each["amount"])
    change = found.observed.total_2 - found.observed.total_1
    assert signed.sum() == pytest.approx(change, abs=0.01)
    both = table.loc[["fell to a lower tier", "brought less in their tier"]]
    for column in ("customers", "amount", "observed", "beyond_chance"):
        assert table.loc["stayed and brought less", column] == pytest.approx(both[column].sum())
    assert (table["lo"] <= table["beyond_chance"]).all()
    assert table["customers"].drop("stayed and brought less").sum() == 800
    assert "Both periods hold the same months" in exhibit.note


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shrinking": 700}, "Shrinking cost at least"),
        ({"leaving": 120}, "Leaving cost"),
        ({"shrinking": 700, "leaving": 30}, "leaving only"),
        ({"shrinking": 350, "leaving": 300}, "Leavers cost"),
        ({"shrinking": 300, "leaving": 80}, "shrinking cost at least"),
    ],
)
def test_the_title_says_which_loss_is_beyond_chance_and_which_is_larger(change, words):
    found = changed(**change)
    exhibit = exhibits.migration_flows(found, True, 800, SCOPE)
    assert words in exhibit.title
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []
    named = {f.id for f in exhibits.migration_findings(found, SCOPE)}
    assert ("lost_by_leaving" in named) == ("leaving" in change)
    assert ("lost_by_shrinking" in named) == ("shrinking" in change)


def test_different_months_are_no_season_told_from_change():
    note = exhibits.migration_flows(changed(leaving=60), False, 800, SCOPE).note
    assert "season is not told from change" in note and "who pauses" not in note
    unknown = moved(quarters())
    assert "who pauses counts as well" in exhibits.migration_flows(unknown, True, 800, SCOPE).note


def test_where_leavers_are_unknown_shrinking_is_no_least_and_leaving_is_no_only():
    """Who left in the course of the second period is then among those who shrank."""
    parts = quarters()
    parts[:80, 6:] = 0  # they leave after half of it
    parts[80:110, 4:] = 0
    parts[200:700, 4:] *= 0.3
    exhibit = exhibits.migration_flows(moved(parts), True, 800, SCOPE)
    assert exhibit.title.startswith("Beyond chance shrinking cost ")
    assert "at least" not in exhibit.title and "only" not in exhibit.title
    assert "who left in its course counts as shrinking" in exhibit.note
    assert all("at least" not in f.sentence for f in exhibits.migration_findings(
        moved(parts), SCOPE))  # fmt: skip


def test_the_matrix_holds_the_customers_of_the_flows():
    found = changed(shrinking=300, leaving=60)
    exhibit = exhibits.migration_matrix(found, SCOPE)
    table = exhibit.table
    assert table["customers"].sum() == 800
    assert table.loc[table["to"] == "gone", "customers"].sum() == 60
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []
    shares = table[table["from"] == "high"]["share"].sum()
    assert shares == pytest.approx(1)


def test_cells_of_few_stand_together_and_tiers_may_be_called_anything():
    names = ("best or so", "the middle one", "all the rest of them")
    rule = value.TierRule((0.5, 0.8), names, of="value")
    parts = quarters(300)
    parts[-30:, 4:] = 0
    columns = [f"{name}_{at}" for name in ("first", "second") for at in range(1, 5)]
    table = pd.DataFrame(parts, columns=columns)
    table.loc[:19, columns[:4]] = 0
    found = value.value_moved(table, rule, **REDRAWN)
    exhibit = exhibits.migration_matrix(found, SCOPE)
    counts = exhibit.table["customers"].dropna()
    assert not ((counts > 0) & (counts < 10)).any()
    assert exhibit.png() and len(exhibit.title.split()) <= 12


def test_a_flow_of_few_is_shown_with_another_of_its_kind():
    exhibit = exhibits.migration_flows(changed(shrinking=800), True, 800, SCOPE)
    flows = exhibit.table["flow"].tolist()
    assert "stayed and brought more" in flows and "rose to a higher tier" not in flows


def test_few_leavers_withhold_both_exhibits():
    found = changed(leaving=4)
    assert "cannot be shown" in exhibits.migration_flows(found, True, 800, SCOPE).title
    assert exhibits.migration_matrix(found, SCOPE) is None
    assert exhibits.migration_findings(found, SCOPE) == []


def test_what_is_missing_is_said_once():
    exhibit = exhibits.migration_flows(Refusal("too short"), True, 800, SCOPE)
    assert "cannot be computed" in exhibit.title and exhibit.table["reason"][0] == "too short"
    assert exhibits.migration_matrix(Refusal("too short"), SCOPE) is None
    exhibit = exhibits.balance_by_decile(LEDGER, 800, SCOPE)
    assert "inputs.ledger" in exhibit.table["reason"][0]
    assert exhibits.balance_by_tier(LEDGER, SCOPE) is None
    assert exhibits.balance_findings(LEDGER, 1.0, SCOPE) == []


def balance(unequal: float = 1.0, n: int = 400, less: float = 0.0) -> value.ServiceBalance:
    """Future value by rank to a power, less the same for all; everybody costs about the same."""
    rng = np.random.default_rng(5)
    worth = (1 + np.arange(n)) ** unequal - less
    ids = [f"c{i:04}" for i in range(n)]
    ahead = value.FutureValues(
        pd.DataFrame({"customer_id": ids, "future_value": worth}), "running contracts"
    )
    rows = [
        (one, "cost_to_serve", cost) for one, cost in zip(ids, rng.gamma(20, 1, n), strict=True)
    ]
    rows += [(f"x{i}", "marketing", 3.0) for i in range(12)]
    served = pd.DataFrame(rows, columns=["customer_id", "line", "amount"])
    return value.service_balance(
        ahead, served, (0.5, 0.8), ("high", "medium", "low"),
        bands=SCOPE.bands(n, 10), min_cell=10, **REDRAWN,
    )  # fmt: skip


def test_the_best_tenth_beside_what_it_gets():
    found = balance(3.0)
    exhibit = exhibits.balance_by_decile(found, 400, SCOPE)
    table = exhibit.table
    worth = np.sort((1 + np.arange(400)) ** 3.0)[::-1]
    share = worth[:40].sum() / worth.sum()
    assert f"holds {formats.percent(share)} of future value" in exhibit.title
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []
    assert table["customers"].iloc[:-1].tolist() == [40] * 10
    assert table["to_move"].iloc[:-1].sum() == pytest.approx(0, abs=0.1)
    assert table["gap"].iloc[-1] == pytest.approx(table["gap"].iloc[:-1].abs().sum() / 2)
    assert "A further EUR 36.00 went to customers without a running contract" in exhibit.note
    assert exhibit.population == "customers with running contracts"
    assert "would get nothing" not in exhibit.note
    finding = exhibits.balance_findings(found, 1e4, SCOPE)[0]
    assert trace.untraced(finding.sentence, *cells(exhibit)) == []
    assert finding.size == pytest.approx(found.bands.amount / 1e4)


def test_groups_that_cost_more_than_they_bring_are_said_to_get_nothing():
    found = balance(3.0, less=2e6)
    exhibit = exhibits.balance_by_decile(found, 400, SCOPE)
    lost = exhibit.table[exhibit.table["verdict"] == "no value ahead"]
    assert 0 < len(lost) < 10
    assert lost["to_move"].tolist() == (-lost["cost"]).tolist()
    assert "groups without a value ahead would get nothing" in exhibit.note


def test_where_value_is_even_nothing_is_to_be_moved():
    found = balance(0.0)
    assert exhibits.balance_findings(found, 1e4, SCOPE) == []
    assert exhibits.balance_by_tier(found, SCOPE).title == (
        "No value tier is clearly over- or under-served"
    )


def test_a_base_too_small_for_bands_is_withheld():
    found = balance(1.0, n=15)
    assert "cannot be shown" in exhibits.balance_by_decile(found, 15, SCOPE).title
    assert exhibits.balance_by_tier(found, SCOPE) is None
