"""What BG/NBD refuses or doubts: impossible input, no repeat buyers, ridges, extreme customers."""

import numpy as np
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value import expectations
from crmlib.value.purchases import BetaGeometric

GOOD = {"frequency": [0, 1, 3], "recency": [0.0, 4.0, 9.0], "observed_time": [10.0, 10.0, 10.0]}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"frequency": [0, -1, 3]}, "frequency must not be negative: found -1 at position 1"),
        ({"frequency": [0, 1.5, 3]}, "frequency must be whole numbers: found 1.5 at position 1"),
        ({"recency": [0, np.nan, 9]}, "recency must be finite: found nan at position 1"),
        ({"recency": [0, 4, 10.5]}, "recency must not exceed observed_time: found 10.5"),
        ({"recency": [2, 4, 9]}, "recency must be 0 where frequency is 0: found 2 at position 0"),
        ({"recency": [0, 0, 9]}, "recency must be positive where frequency is: found 0"),
        ({"observed_time": [10, np.inf, 10]}, "observed_time must be finite: found inf"),
        ({"observed_time": [10, 10]}, "observed_time has 2 values where 3 were expected"),
        ({"frequency": []}, "nobody had bought yet"),
        ({"weights": [1, -2, 1]}, "weights must not be negative: found -2 at position 1"),
        ({"weights": [0, 0, 0]}, "weights must not all be 0"),
    ],
)
def test_impossible_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        BetaGeometric().fit(**GOOD | change)


def test_nobody_bought_twice():
    with pytest.raises(NotIdentified, match="no customer has a repeat purchase"):
        BetaGeometric().fit([0, 0], [0, 0], [5, 9])
    with pytest.raises(NotIdentified, match="no customer has a repeat purchase"):
        BetaGeometric().fit(**GOOD, weights=[1, 0, 0])


def test_customers_who_never_leave_are_named_as_a_ridge(simulate):
    """Dropout of about 1 in 10,000: a and b cannot be told, r and alpha can."""
    world = simulate((0.8, 5.0, 0.5, 5_000.0), np.full(3_000, 40.0), seed=2)
    fitted = BetaGeometric().fit(world["frequency"], world["recency"], world["observed_time"])
    assert fitted.verdict.grade == "weak"
    assert any(" b" in reason or " a" in reason for reason in fitted.verdict.reasons)
    assert fitted.params["r"] == pytest.approx(0.8, rel=0.1)
    assert fitted.bse is None or np.isfinite(fitted.bse).all()


def test_equal_customers_have_no_gamma_to_estimate():
    """Everyone buys at one rate: r and alpha run away together."""
    rng = np.random.default_rng(4)
    times = np.cumsum(rng.exponential(5.0, (2_000, 60)), axis=1)
    dropout = rng.beta(1.0, 3.0, (2_000, 1))
    stays = np.cumprod(rng.random((2_000, 60)) > dropout, axis=1)
    stays = np.hstack([np.ones((2_000, 1)), stays[:, :-1]])  # the purchase itself still happens
    bought = (times <= 40.0) & (stays > 0)
    frequency, recency = bought.sum(axis=1), np.where(bought, times, 0).max(axis=1)
    fitted = BetaGeometric().fit(frequency, recency, np.full(2_000, 40.0))
    assert fitted.verdict.grade == "weak"
    assert any("r, alpha" in reason for reason in fitted.verdict.reasons)


def test_extreme_customers_stay_finite():
    params = np.array([0.2426, 4.4136, 0.7929, 2.4259])
    x = np.array([0.0, 1.0, 1_500.0, 100_000.0, 3.0])
    recency = np.array([0.0, 39.0, 39.0, 38.0, 1e-6])
    end = np.array([0.0, 39.0, 39.0, 39.0, 1e4])
    alive = expectations.probability_alive(params, x, recency, end)
    ahead = expectations.purchases_if_alive(params, x, end, 520.0, 0.003)
    assert np.isfinite(ahead).all()
    assert (ahead > 0).all()
    assert ((alive >= 0) & (alive <= 1)).all()
    assert alive[0] == 1.0
    # t_x = T: only the dropout at the very last purchase is in doubt
    assert alive[1] == pytest.approx(2.4259 / (2.4259 + 0.7929))


@pytest.mark.parametrize(
    "horizon, rate, message",
    [
        (-1.0, 0.0, "horizon"),
        (np.nan, 0.0, "horizon"),
        (1.0, -0.1, "rate"),
        (np.inf, 0.0, "infinite"),
    ],
)
def test_impossible_horizons(horizon, rate, message):
    fitted = BetaGeometric().fit(**GOOD)
    with pytest.raises(ValueError, match=message):
        fitted.discounted_expected_purchases(horizon, rate, **GOOD)
