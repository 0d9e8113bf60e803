"""Payback of acquisition by hand, in simulated bases, in the demo bank, and to an attacker."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.demo.people import ACQUIRED_BY, ACQUISITION_COST
from crmlib.stats.optimise import NotIdentified
from crmlib.value.payback import ALL, BY_CHANNEL, BY_HALF_YEAR, payback, payback_month
from crmlib.value.payback_groups import OTHER_CHANNELS, joined_groups

BANK = Path(__file__).parents[2] / "data" / "demo_bank"
REDRAWN = {"replications": 60, "seed": 3, "level": 0.9}
FIRST = pd.Timestamp("2023-01-15")


def base(monthly: list, cost: list, observed: list, won_by: object = None) -> pd.DataFrame:
    """Customers by what each brings in months 0, 1, …, what each cost, and months observed."""
    longest = max(observed)
    late = [longest - seen for seen in observed]
    sums = pd.DataFrame(np.cumsum(np.array(monthly, dtype=float), axis=1)).iloc[:, : longest + 1]
    sums = sums.where(np.arange(longest + 1) <= np.array(observed)[:, None])
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i:04}" for i in range(len(cost))],
            "joined": [FIRST + pd.DateOffset(months=months) for months in late],
            "acquisition_cost": cost,
            "won_by": won_by,
            "observed": observed,
        }
    )
    return table.join(sums.add_prefix("month_"))


def simulated(seed: int, n: int = 150, months: int = 18, cost: float = 55.0) -> pd.DataFrame:
    """Customers who bring a gamma of mean 10 a month each, from the first; joined evenly."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2.0, 5.0, (n, 1))
    monthly = rate * rng.gamma(2.0, 0.5, (n, months + 1))
    monthly[:, 0] = 0
    costs = cost * rng.gamma(6.0, 1 / 6.0, n)
    ways = rng.choice(["shop", "web"], n)
    return base(monthly, list(costs), list(rng.integers(1, months + 1, n)), ways)


def one(found, kind=ALL, group=ALL) -> pd.Series:
    rows = found.groups.set_index(["kind", "group"])
    return rows.loc[(kind, group)]


def test_by_hand():
    table = base([[0, 4, 4, 4], [0, 2, 2, 0], [0, 6, 0, 0]], [5.0, 5.0, 8.0], [3, 3, 1])
    found = payback(table, min_cell=1, after=2, **REDRAWN)
    line = found.lines[found.lines["kind"] == ALL]
    assert line["contribution"].tolist() == [0, 4, 7, 9], "12/3, then 6/2, then 4/2"
    assert line["customers"].tolist() == [3, 3, 2, 2]
    row = one(found)
    assert (row["customers"], row["acquisition_cost"], row["months"]) == (3, 6, 3)
    assert row["payback"] == 2
    assert (row["customers_after"], row["contribution_after"], row["cost_after"]) == (2, 6, 5)
    assert row["repaid_after"] == 0.5 and row["return_after"] == 1.2
    assert found.spent == 18 and found.n == 3


def test_payback_is_the_month_from_which_the_line_stays_above():
    assert payback_month(np.array([0.0, 9, 4, 9, 9]), 5.0) == 3
    assert payback_month(np.array([0.0, 5, 9]), 5.0) == 1
    assert payback_month(np.array([0.0, 9, 4]), 5.0) == np.inf
    assert payback_month(np.array([3.0]), 0.0) == 0


def test_what_is_not_reached_is_missing_and_not_continued():
    row = one(payback(simulated(1, cost=400.0), min_cell=10, **REDRAWN))
    assert row[["payback", "payback_lo", "payback_hi"]].isna().all()
    assert row["months"] <= 18 and 0 < row["return_after"] < 1
    near = one(payback(simulated(1, cost=170.0), min_cell=10, **REDRAWN))
    assert np.isnan(near["payback_hi"]) and near["payback_lo"] < near["months"]


def test_a_group_that_nobody_has_observed_for_so_long_has_no_quality():
    table = base([[0, 1, 1]] * 30, [5.0] * 30, [2] * 30)
    row = one(payback(table, min_cell=10, **REDRAWN))
    assert row["customers_after"] == 0
    assert row[["repaid_after", "return_after", "return_lo", "cost_after"]].isna().all()


def test_intervals_cover_the_payback_month_and_the_return():
    """Planted: 10 a month against 55, so month 6, and 120/55 after a year."""
    months = returns = 0
    for seed in range(100):
        row = one(payback(simulated(seed), min_cell=10, **REDRAWN | {"seed": seed}))
        months += row["payback_lo"] <= 6 <= row["payback_hi"]
        returns += row["return_lo"] <= 120 / 55 <= row["return_hi"]
    assert months >= 83, "90 of 100 nominal, 83 lies 2.3 standard errors below"
    assert 82 <= returns <= 98


def test_currency_scales_money_alone():
    table = simulated(2)
    dear = table.copy()
    money = ["acquisition_cost", *table.filter(like="month_")]
    dear[money] *= 1000
    once, again = (payback(t, min_cell=10, **REDRAWN).groups for t in (table, dear))
    for name in ("acquisition_cost", "cost_after", "contribution_after"):
        once[name] *= 1000
    pd.testing.assert_frame_equal(once, again)


def test_the_order_of_customers_does_not_matter():
    table = simulated(3)
    mixed = table.sample(frac=1, random_state=1)
    once, again = (payback(t, min_cell=10, **REDRAWN) for t in (table, mixed))
    pd.testing.assert_frame_equal(once.groups, again.groups)
    pd.testing.assert_frame_equal(once.lines, again.lines)


def test_refusals_say_what_is_missing():
    table = simulated(4)
    for broken, said in (
        (table.assign(acquisition_cost=np.nan), "customers.acquisition_cost"),
        (table.iloc[:0], "customers.acquisition_cost"),
        (table.iloc[:9], "fewer than 10 customers"),
        (table.assign(acquisition_cost=0.0), "add up to nothing"),
        (table.assign(observed=0), "whole month"),
    ):
        with pytest.raises(NotIdentified, match=said):
            payback(broken, min_cell=10, **REDRAWN)
    with pytest.raises(ValueError, match="must not be negative"):
        payback(table.assign(acquisition_cost=-1.0), min_cell=10, **REDRAWN)


def test_a_few_without_a_cost_count_at_the_mean_and_many_not_at_all():
    table = simulated(5)
    few, many = table.copy(), table.copy()
    few.loc[:3, "acquisition_cost"] = np.nan
    many.loc[:39, "acquisition_cost"] = np.nan
    found = payback(few, min_cell=10, **REDRAWN)
    assert found.n == 150 and "at the mean" in found.notes[0]
    assert one(found)["acquisition_cost"] == pytest.approx(few["acquisition_cost"].mean())
    found = payback(many, min_cell=10, **REDRAWN)
    assert found.n == 110 and found.notes[0].startswith("40 customers")


@pytest.mark.parametrize("seed", range(12))
def test_no_cell_of_channel_by_block_of_months_holds_a_few(seed):
    """Every figure sums whole cells, so these are all that an attacker can get at."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(25, 400))
    observed = pd.Series(rng.integers(0, 30, n))
    joined = pd.Series([FIRST + pd.DateOffset(months=int(30 - m)) for m in observed])
    ways = pd.Series(rng.choice(["a", "b", "c", None], n, p=[0.6, 0.3, 0.05, 0.05]), dtype=object)
    groups = joined_groups(joined, observed, ways, 10)
    channel = ["all"] * n if groups.channel is None else groups.channel
    cells = pd.DataFrame({"way": channel, "half": groups.half_year, "counted": groups.counted})
    assert cells.groupby(["way", "half", "counted"]).size().min() >= 10
    assert (groups.counted <= observed).all()


def test_rare_ways_stand_together_and_half_years_are_named():
    table = simulated(6)
    table["won_by"] = ["rare"] * 6 + ["seldom"] * 12 + ["web"] * 132
    found = payback(table, min_cell=10, **REDRAWN)
    names = found.groups.groupby("kind")["group"].apply(list)
    assert names[BY_CHANNEL] == ["web", OTHER_CHANNELS]
    assert found.groups.groupby("kind")["customers"].sum().nunique() == 1
    assert payback(table.assign(won_by=None), min_cell=10, **REDRAWN).groups["kind"].tolist() == [
        ALL, BY_HALF_YEAR, BY_HALF_YEAR, BY_HALF_YEAR
    ]  # fmt: skip


def test_a_share_that_would_tell_of_few_is_withheld_with_the_others_of_its_kind():
    table = simulated(7, n=400)
    table.loc[table["won_by"] == "shop", "acquisition_cost"] = 2000.0
    few = table[(table["won_by"] == "shop") & (table["observed"] >= 12)].index[:3]
    table.loc[few, "acquisition_cost"] = 0.0
    groups = payback(table, min_cell=10, **REDRAWN).groups.set_index("kind")
    assert groups.loc[BY_CHANNEL, "repaid_after"].isna().all()
    assert not np.isnan(groups.loc[ALL, "repaid_after"])


def test_costs_planted_in_the_demo_bank_are_found_by_channel():
    people = pd.read_csv(BANK / "customers.csv", parse_dates=["joined"])
    won = people[people["acquisition_cost"].notna()].reset_index(drop=True)
    end = pd.Timestamp(dt.date(2025, 12, 31))
    seen = ((end - won["joined"]).dt.days / 30.4375).astype(int)
    table = won[["customer_id", "joined", "acquisition_cost"]].assign(
        won_by=won["acquisition_channel"], observed=seen
    )
    months = {f"month_{month}": 0.0 for month in range(int(seen.max()) + 1)}
    found = payback(table.assign(**months), min_cell=10, **REDRAWN)
    by_channel = found.groups.set_index("group")
    for way, cost in zip(ACQUIRED_BY, ACQUISITION_COST, strict=True):
        row = by_channel.loc[way]
        error = cost / np.sqrt(6.0 * row["customers"])  # of a mean of gammas of shape 6
        assert abs(row["acquisition_cost"] - cost) < 3 * error
