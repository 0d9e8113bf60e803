"""Season and trend: planted ones are recovered, none are invented, few are not told of."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simulated_months import START, UNIT, cells_of, fitted, people, read, simulated

from crmlib import value
from crmlib.demo.settings import SEASON
from crmlib.stats.optimise import NotIdentified
from crmlib.value.season import expected_by_month, month_effects, shown_repeat_months

REST = {"days_per_unit": UNIT, "min_cell": 10, "level": 0.9}


@pytest.fixture(scope="module")
def base():
    bought, first, end = simulated(5)
    return cells_of(bought, first), fitted(bought, first, end), first, end


@pytest.fixture(scope="module")
def planted():
    return read(2, n=4000, season=SEASON, yearly=-0.08)


def test_a_planted_season_is_recovered(planted):
    assert planted.season == "season" and planted.season_p < 1e-6
    factors = planted.factors
    assert factors["factor"].to_numpy() == pytest.approx(SEASON, abs=0.06)
    assert factors["factor"].mean() == pytest.approx(1)
    held = (factors["lo"] <= SEASON) & (factors["hi"] >= SEASON)
    assert held.sum() >= 9
    assert factors["factor"].idxmax() == 11 and factors["factor"].idxmin() == 7


def test_a_planted_trend_is_found(planted):
    """The model's dropout takes a part of a decline for leaving: less than all is left."""
    assert planted.trend == "trend"
    assert -0.11 < planted.yearly.value < -0.04


def test_a_rise_is_no_fall():
    assert read(3, n=3000, yearly=0.1).yearly.lo > 0.03


def test_a_stationary_base_has_neither_more_often_than_by_chance():
    """Under uniform p-values 12 draws hold more than 3 below 0.05 in 1 of 400 cases."""
    found = [read(seed, n=500, months=24) for seed in range(12)]
    for p in ("season_p", "trend_p"):
        values = np.array([getattr(one, p) for one in found])
        assert (values < 0.05).sum() <= 3, p
        assert 0.2 < values.mean() < 0.8, p


def test_months_expected_are_differences_of_the_cumulative_curve(base):
    _, result, first, end = base
    cells = expected_by_month(result, first, end, UNIT)
    sums = cells.groupby("month")["expected"].sum()
    ends = [START - pd.Timedelta(days=1), *sums.index.to_period("M").end_time.normalize()]
    times = np.array([(day - START).days / UNIT for day in ends])
    births = (first - START).dt.days / UNIT
    curve = result.expected_cumulative(np.maximum(times, 0), births)
    assert sums.to_numpy() == pytest.approx(np.diff(curve), rel=1e-9)


def test_effects_of_months_agree_with_statsmodels():
    """Poisson regression with a dummy for each cohort and each month."""
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    expected = np.triu(rng.uniform(20, 200, (6, 6))).T  # cohorts begin one after the other
    actual = rng.poisson(expected * rng.uniform(0.5, 2, 6)).astype(float)
    found = month_effects(actual, expected)
    seen = expected > 0
    month, cohort = np.nonzero(seen)
    dummies = np.hstack([np.eye(6)[month], np.eye(6)[cohort][:, 1:]])
    model = sm.GLM(actual[seen], dummies, sm.families.Poisson(), offset=np.log(expected[seen]))
    reference = model.fit(tol=1e-12)
    contrast = np.hstack([-np.ones((5, 1)), np.eye(5)])
    assert contrast @ found.log_effect == pytest.approx(contrast @ reference.params[:6], abs=1e-6)
    covariance = np.linalg.inv(found.information[1:, 1:])
    wanted = contrast @ reference.cov_params()[:6, :6] @ contrast.T
    assert covariance == pytest.approx(wanted, rel=1e-5)
    assert found.information.sum(axis=1) == pytest.approx(np.zeros(6), abs=1e-8)


def test_cohorts_at_a_level_of_their_own_are_no_trend(base):
    """Who came first buys twice as often: that is who they are, not what time does."""
    cells, result, first, end = base
    early = cells["cohort"] < "2021-04-01"
    columns = ["repeat_purchases"]
    more = cells.assign(**cells[columns].mul(np.where(early, 2, 1), axis=0))
    found = value.season_and_trend(more, result, people(first), START.date(), end, **REST)
    assert abs(found.yearly.value) < 0.06


def test_the_order_of_rows_does_not_matter(base):
    cells, result, first, end = base
    one = value.season_and_trend(cells, result, people(first), START.date(), end, **REST)
    other = value.season_and_trend(
        cells.sample(frac=1, random_state=1), result, people(first), START.date(), end, **REST
    )
    pd.testing.assert_frame_equal(one.months, other.months)
    assert other.yearly.value == pytest.approx(one.yearly.value, rel=1e-9)
    assert other.season_p == pytest.approx(one.season_p, rel=1e-9)


def test_less_than_two_years_cannot_tell():
    found = read(1, months=18)
    assert (found.season, found.trend) == ("cannot be told", "cannot be told")
    assert len(found.months) <= 18 and "two full years" in found.reason
    assert found.yearly is None and found.factors.empty


def test_a_last_month_cut_short_is_not_looked_at(base):
    cells, result, first, end = base
    cut = end - dt.timedelta(days=10)
    found = value.season_and_trend(cells, result, people(first), START.date(), cut, **REST)
    assert found.months["month"].max() == pd.Timestamp("2023-11-01")


def test_where_nearly_nothing_is_bought_again_it_is_refused(base):
    _, result, *_ = base
    bought, first, end = simulated(1, n=30, months=6)
    with pytest.raises(NotIdentified, match="fewer than two whole months"):
        value.season_and_trend(
            cells_of(bought, first), result, people(first), START.date(), end, **REST
        )


def test_a_month_of_few_is_not_told_not_even_by_subtraction(base):
    cells, _, first, end = base
    both = cells.assign(expected=100.0)
    n = len(first)
    few = both["month"] == "2022-05-01"
    both.loc[few, ["customers", "repeat_customers", "repeat_purchases"]] = 0
    one = both.index[few][0]
    both.loc[one, ["customers", "repeat_customers", "repeat_purchases"]] = 4
    shown = shown_repeat_months(both, n, START.date(), end, 10)
    assert pd.Timestamp("2022-05-01") not in shown
    every = pd.date_range(START, end, freq="MS")
    left = every.difference(shown)
    people = both.groupby("month")["repeat_customers"].sum()
    assert people[left].max() >= 10


def test_season_moves_a_part_of_a_year_and_no_whole_one(planted):
    end = dt.date(2023, 12, 31)
    assert planted.part_year(end, 3.0) == 0
    summer = planted.factors["factor"].iloc[:6].sum() - 6
    assert planted.part_year(end, 1.5) == pytest.approx(summer / 18)
    assert replace(planted, season="none seen").part_year(end, 1.5) == 0
