"""Concentration: CDNOW figures, brute force, negative values, weights, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.value.concentration import band_table, concentration, concentration_intervals

MONEY = st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any)


@pytest.fixture(scope="module")
def spend(cdnow_days):
    return cdnow_days.groupby("customer_id")["amount"].sum()


def test_cdnow_sample(spend):
    """78 weeks, 2,357 customers; recomputed from the public transactions."""
    result = concentration(spend)
    assert result.gini == pytest.approx(0.631, abs=5e-4)
    assert result.top(0.1) == pytest.approx(0.508, abs=5e-4)
    assert result.top(0.2) == pytest.approx(0.674, abs=5e-4)


@given(MONEY)
def test_gini_is_half_the_relative_mean_difference(values):
    numbers = np.array(values, dtype=float)
    mean_difference = np.abs(np.subtract.outer(numbers, numbers)).mean()
    assert concentration(values).gini == pytest.approx(
        mean_difference / (2 * numbers.mean()), abs=1e-12
    )


@given(MONEY, st.randoms())
def test_order_currency_and_weights(values, random):
    weights = [random.randint(1, 3) for _ in values]
    copied = np.repeat(values, weights).astype(float)
    random.shuffle(copied)
    weighted, repeated = concentration(np.multiply(values, 100.0), weights), concentration(copied)
    assert weighted.gini == pytest.approx(repeated.gini, abs=1e-12)
    assert weighted.top(0.3) == pytest.approx(repeated.top(0.3), abs=1e-12)


def test_negative_values_make_a_whale_curve():
    result = concentration([100.0, 20.0, -40.0])
    assert result.gini is None
    assert result.curve["value"].tolist() == pytest.approx([0, 1.25, 1.5, 1.0])
    assert result.top(1 / 3) == pytest.approx(1.25)


@pytest.mark.parametrize("values", [[0.0, 0.0], [1.0, -1.0], [1.0, -5.0]])
@pytest.mark.parametrize("function", [concentration, lambda v: band_table(v, 10)])
def test_without_a_positive_total_there_are_no_shares(function, values):
    with pytest.raises(ValueError, match="total value is"):
        function(values)


def test_missing_values_are_named():
    with pytest.raises(ValueError, match="found nan at position 1"):
        concentration([1.0, np.nan])
    with pytest.raises(ValueError, match="share must lie between 0 and 1"):
        concentration([1.0]).top(20)


def test_a_tenth_of_customers_is_the_same_on_the_curve_and_in_the_table(spend):
    """2,357 customers do not divide by ten: interpolation would split a customer."""
    curve, table = concentration(spend), band_table(spend, 10)
    for bands in (100, 50, 20, 10):
        points = curve.banded(bands).iloc[:: bands // 10]
        assert points["customers"].tolist() == [0, *table["customers"].cumsum()]
        assert points["value"].tolist() == pytest.approx([0, *table["cumulative_share"]])


def test_band_table(spend):
    table = band_table(spend, 10)
    assert table["band"].tolist() == list(range(1, 11))
    assert table["customers"].sum() == 2357
    assert np.ptp(table["customers"]) <= 1
    assert table["value"].sum() == pytest.approx(spend.sum())
    assert table["cumulative_share"].iloc[-1] == pytest.approx(1)
    assert table["mean"].is_monotonic_decreasing
    best = spend.sort_values(ascending=False).iloc[: table["customers"].iloc[0]]
    assert table["share"].iloc[0] == pytest.approx(best.sum() / spend.sum())


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6))
def test_intervals_depend_on_seed_alone(spend, shuffle):
    options = {"replications": 50, "seed": 3, "level": 0.9}
    one = concentration_intervals(spend, (0.1,), **options)
    other = concentration_intervals(spend.sample(frac=1, random_state=shuffle), (0.1,), **options)
    assert one.to_dict() == other.to_dict()
    assert list(one.index) == [0.1, "gini"]


def test_interval_width_agrees_with_repeated_sampling():
    """Exponential spend: bootstrap spread of the Gini against that over fresh samples (±25 %)."""
    rng = np.random.default_rng(0)
    fresh = [concentration(rng.exponential(50, 800)).gini for _ in range(300)]
    interval = concentration_intervals(
        rng.exponential(50, 800), (0.2,), replications=300, seed=1, level=0.9
    )["gini"]
    lo, hi = np.quantile(fresh, [0.05, 0.95])
    assert (interval.hi - interval.lo) == pytest.approx(hi - lo, rel=0.25)
