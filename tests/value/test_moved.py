"""Flows and their excess from a table of customers, by quarters or by purchases."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value.excess import excess_migration
from crmlib.value.migration import TierRule
from crmlib.value.moved import BOOKED, BOUGHT, ValueMoved, value_moved
from crmlib.value.stationary import SwappedParts

TIERS = TierRule((0.5, 0.8), ("high", "medium", "low"), of="value")
OPTIONS = {"replications": 30, "seed": 3, "level": 0.9}


def quarters(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """A base in which nobody changes: a level for each customer, noisy quarters around it."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(3, 0.8, (n, 1)) * rng.gamma(4, 0.25, (n, 8))
    names = [f"{name}_{at}" for name in ("first", "second") for at in range(1, 5)]
    table = pd.DataFrame(level, columns=names)
    return table.assign(customer_id=[f"c{i}" for i in range(n)])


def purchases(n: int = 1500, seed: int = 2, leaving: float = 0.0) -> pd.DataFrame:
    """Poisson purchases at a customer's own rate in both periods; a share buys no more."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(1.0, 5.0, n)
    later = np.where(rng.random(n) < leaving, 0.0, 1.0)
    counts = rng.poisson([rate, rate * later])
    scale = 120 / rng.gamma(5, size=n)
    value = rng.standard_gamma(3.0 * counts) * scale
    return pd.DataFrame(
        {"customer_id": range(n), "purchases_1": counts[0], "value_1": value[0],
         "purchases_2": counts[1], "value_2": value[1]}
    )  # fmt: skip


def test_quarters_are_swapped_of_those_who_were_there_throughout():
    table = quarters().assign(joining=False, leaving=False)
    table.loc[:19, "joining"], table.loc[20:49, "leaving"] = True, True
    found = value_moved(table, TIERS, **OPTIONS)
    parts = [table.filter(like=name).to_numpy() for name in ("first_", "second_")]
    masks = {name: table[name].to_numpy() for name in ("joining", "leaving")}
    base = SwappedParts(*parts, throughout=np.arange(600) >= 50)
    by_hand = excess_migration(
        *(part.sum(axis=1) for part in parts), TIERS, base, refit=base.refit, draws=100,
        refit_draws=5, **masks, **OPTIONS,
    )  # fmt: skip
    pd.testing.assert_frame_equal(found.excess.flows, by_hand.flows)
    assert found.of == BOOKED and found.knows_leavers
    assert found.observed.flows.loc["gone", "customers"] == 30
    assert found.observed.flows.loc["new", "customers"] == 20


def test_parts_are_taken_in_their_order_whatever_the_columns_order():
    table = quarters(100)
    reverse = table[table.columns[::-1]]
    one, other = (value_moved(t, TIERS, **OPTIONS).excess.flows for t in (table, reverse))
    pd.testing.assert_frame_equal(one, other)


def excess_holds_zero(found: ValueMoved) -> bool:
    return (
        0 in found.excess.value_of(["down", "less"])
        and found.excess.flows.loc["gone", "value_excess_lo"] <= 0
    )


def test_where_nobody_changes_no_loss_is_beyond_chance():
    for table, of in ((quarters(), BOOKED), (purchases(), BOUGHT)):
        found = value_moved(table, TIERS, **OPTIONS)
        assert found.of == of and not found.knows_leavers
        assert excess_holds_zero(found)
        assert found.observed.flows.loc["down", "value_share"] < -0.02, "chance alone moves value"


def test_planted_leavers_are_found_beyond_chance():
    found = value_moved(purchases(leaving=0.2), TIERS, **OPTIONS)
    gone = found.excess.flows.loc["gone"]
    assert gone["value_excess_hi"] < -0.1 and abs(gone["value_excess"] + 0.2) < 0.05
    assert found.excess.less_beyond_gone.hi < 0


def test_several_flows_together_have_an_interval_of_their_own():
    excess = value_moved(purchases(400), TIERS, **OPTIONS).excess
    both = excess.flows.loc[["down", "less"], "value_excess"].sum()
    lost = excess.value_of(["down", "less"])
    assert lost.value == pytest.approx(both) and lost.lo < both < lost.hi
    for flow, row in excess.flows.iterrows():
        one = excess.value_of([flow])
        assert (one.lo, one.hi) == (row["value_excess_lo"], row["value_excess_hi"])


def test_who_came_during_the_first_period_tells_no_rate():
    """Newcomers with a tenth of a period would make everybody seem to grow."""
    table = purchases()
    came = np.arange(len(table)) < 300
    short = table.assign(joining=came)
    short.loc[came, ["purchases_1", "value_1"]] = 0
    short.loc[came, "purchases_1"], short.loc[came, "value_1"] = 1, 1.0
    found = value_moved(short, TIERS, **OPTIONS)
    alone = value_moved(table[~came].reset_index(drop=True), TIERS, **OPTIONS)
    assert found.excess.flows.loc["down", "value_expected"] == pytest.approx(
        alone.excess.flows.loc["down", "value_expected"], abs=1e-9
    )
    # of the newcomers those who bought nothing in period 2 are gone: they too belong to it
    assert found.observed.flows.loc["new", "customers"] > 250


def test_absent_customers_are_counted_and_a_short_time_is_refused():
    table = quarters(50)
    table.iloc[:7, :8] = 0.0
    assert value_moved(table, TIERS, **OPTIONS).absent == 7
    with pytest.raises(NotIdentified, match="too short to compare two periods"):
        value_moved(table[["customer_id"]], TIERS, **OPTIONS)
    nearly_all = np.arange(50) < 31
    with pytest.raises(NotIdentified, match="too few customers were there throughout"):
        value_moved(table.assign(joining=nearly_all), TIERS, **OPTIONS)


def test_a_base_that_only_leavers_paid_for_has_no_chance_to_compare_with():
    table = quarters(100).assign(leaving=np.arange(100) < 50)
    table.iloc[50:, :8] *= -0.1
    with pytest.raises(NotIdentified, match="a base without change has none"):
        value_moved(table, TIERS, **OPTIONS)


def test_periods_that_would_tell_of_a_withheld_month_are_refused():
    """Of the first period's months one has three buyers: its total less the others tells them."""
    months = pd.DataFrame(
        {
            "month": pd.date_range("2023-01-01", "2025-12-01", freq="MS"),
            "customers": [40, 3, 60] + [40] * 33,
            "revenue": 100.0,
            "first": [False] * 12 + [True] * 12 + [False] * 12,
            "second": [False] * 24 + [True] * 12,
        }
    )
    given = {"by_month": months, "observed_end": dt.date(2025, 12, 31), "min_cell": 10}
    table = purchases(300)
    value_moved(table, TIERS, **given, **OPTIONS)
    months["customers"] = months["customers"].iloc[::-1].to_numpy()  # now in the second period
    months.loc[13, "customers"] = 4
    with pytest.raises(NotIdentified, match="would tell of fewer than 10 customers"):
        value_moved(table, TIERS, **given, **OPTIONS)
