"""The period life table, and the check of what kind of export survival is read from."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from crmlib.stats.optimise import NotIdentified
from crmlib.value.export_check import export_check, recorded_ends
from crmlib.value.life_table import life_table


def base(seed, months, rate=0.02, history=240, count=40_000):
    """Contracts begun evenly over `history` months, one risk for all, seen for `months`."""
    rng = np.random.default_rng(seed)
    began = rng.integers(0, history, count)
    lifetime = rng.geometric(rate, count)
    entry = np.maximum(history - months - began, 0)
    age = history - began
    seen = lifetime > entry
    return np.minimum(lifetime, age)[seen], (lifetime <= age)[seen], entry[seen]


def test_by_hand():
    """Of five, one ends in period 1; in period 2 a late one joins: one of four ends."""
    table = life_table([1, 2, 2, 3, 1, 3], [1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], level=0.9)
    assert table.table["at_risk"].tolist() == [5, 4, 2]
    assert table.table["hazard"].tolist() == pytest.approx([1 / 5, 1 / 4, 0])
    assert table.table["survival"].tolist() == pytest.approx([4 / 5, 3 / 5, 3 / 5])
    lower, upper = proportion_confint(1, 4, alpha=0.1, method="wilson")
    assert table.table.loc[2, ["lower", "upper"]].tolist() == pytest.approx([lower, upper])
    assert (table.since, table.until) == (0, 3)
    assert table.survival([1, 2], 1) == pytest.approx([3 / 4, 3 / 4])


def test_planted_rate_from_a_window():
    table = life_table(*base(1, months=36), level=0.95).table.iloc[:120]
    held = (table["lower"] <= 0.02) & (table["upper"] >= 0.02)
    assert 0.88 <= held.mean() <= 1
    assert table["ended"].sum() / table["at_risk"].sum() == pytest.approx(0.02, rel=0.03)


def test_a_gap_is_left_out_and_counted():
    table = life_table([3, 3, 9], [1, 0, 0], [0, 0, 7], level=0.9)
    assert (table.since, table.until) == (0, 3)
    assert table.left_out == 2
    with pytest.raises(NotIdentified, match="nobody was at risk after age 3"):
        table.survival(5)


def test_where_nobody_was_at_risk_survival_is_refused():
    late = life_table([9, 9, 8], [1, 0, 0], [5, 5, 5], level=0.9)
    assert late.since == 5
    with pytest.raises(NotIdentified, match="nobody was at risk before age 6"):
        late.survival(1, 3)
    all_left = life_table([2, 2], [1, 1], level=0.9)
    assert all_left.survival([1, 2, 30], 0).tolist() == [1, 0, 0]
    assert all_left.survival(5, 7).tolist() == 0
    with pytest.raises(NotIdentified, match="for a whole period"):
        life_table([2], [0], [2], level=0.9)


def test_an_age_at_which_all_left_does_not_end_those_seen_later():
    """Both ended at age 2; two others come under observation there and one ends at 4."""
    table = life_table([2, 2, 4, 4], [1, 1, 1, 0], [0, 0, 2, 2], level=0.9)
    assert table.survival([1, 2, 1, 2], [0, 0, 2, 2]).tolist() == pytest.approx([1, 0, 1, 0.5])
    with pytest.raises(NotIdentified, match="nobody was at risk after age 4"):
        table.survival(3, 2)


def test_complete_histories_agree():
    check = export_check(*base(2, months=240))
    assert check.verdict == "histories"
    assert check.gap == 0
    assert check.agree


def test_a_window_is_named_with_both_figures():
    check = export_check(*base(3, months=36), unit="month")
    assert check.verdict == "window"
    assert not check.agree
    assert "at most 36 months" in check.words[0]
    at = check.table.loc[60]
    assert at["at_risk_only"] == pytest.approx(0.98**60, abs=0.03)
    assert at["as_if_complete"] > at["at_risk_only"] + 0.2
    # begun evenly at one risk: as old as the rates say
    assert check.median_age == pytest.approx(check.expected_median_age, abs=2)


def test_a_snapshot_is_named():
    check = export_check(*base(4, months=1), unit="month")
    assert check.verdict == "snapshot"
    assert "at most 1 month and" in check.words[0]
    assert "rates of loss were always what they are now" in check.words[1]
    assert len(check.words) == 2


def test_losses_that_cannot_be_of_one_period_are_named():
    """As in a public telecom table: a quarter has left 'last month', half are older than 38."""
    rng = np.random.default_rng(5)
    tenure = rng.integers(0, 73, 7_000)
    left = rng.random(7_000) < 0.45 * np.exp(-tenure / 40)
    check = export_check(tenure, left & (tenure > 0), np.maximum(tenure - 1, 0), unit="month")
    assert check.verdict == "snapshot"
    assert not check.agree
    assert "It cannot have been so" in check.words[2]
    assert check.median_age > 10 * max(check.expected_median_age, 1)


def test_nothing_to_check():
    with pytest.raises(NotIdentified, match="nothing to compare"):
        export_check([3, 4], [0, 0], [0, 0])
    with pytest.raises(NotIdentified, match="too few to compare"):
        export_check([3, 4], [1, 0], [0, 1])


def test_ends_recorded_from_the_middle_of_the_window():
    days = pd.date_range("2025-07-01", "2025-12-31", freq="3D")
    early = recorded_ends([None, *days], start="2023-01-01", end="2025-12-31")
    assert not early.plausible
    assert "between 2023-01-01 and 2025-07-01" in early.words
    right = recorded_ends([None, *days], start="2025-06-25", end="2025-12-31")
    assert right.plausible
    assert right.ends == len(days)
    with pytest.raises(NotIdentified, match="no contract ended"):
        recorded_ends([None, "2020-01-01"], start="2023-01-01", end="2025-12-31")
