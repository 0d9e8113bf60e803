"""What the other models refuse or doubt: impossible input, no repeat buyers, ridges."""

import numpy as np
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value import BetaGeometricBetaBernoulli, ModifiedBetaGeometric, ParetoNBD

GOOD = {"frequency": [0, 1, 3], "recency": [0, 4, 9], "occasions": [10, 10, 10]}
HISTORY = ["frequency", "recency", "observed_time"]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"frequency": [0, 1.5, 3]}, "frequency must be whole numbers: found 1.5 at position 1"),
        ({"recency": [0, 4.5, 9]}, "recency must be whole numbers: found 4.5 at position 1"),
        ({"occasions": [10, 10, 9.5]}, "occasions must be whole numbers: found 9.5 at position 2"),
        ({"recency": [0, 4, 11]}, "recency must not exceed occasions: found 11 at position 2"),
        ({"frequency": [0, 5, 3]}, "frequency must not exceed recency"),
        ({"recency": [2, 4, 9]}, "recency must be 0 where frequency is 0: found 2 at position 0"),
        ({"occasions": [10, np.nan, 10]}, "occasions must be finite: found nan at position 1"),
        ({"frequency": []}, "nobody had bought yet"),
        ({"weights": [1, -2, 1]}, "weights must not be negative: found -2 at position 1"),
    ],
)
def test_impossible_occasions_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        BetaGeometricBetaBernoulli().fit(**GOOD | change)


@pytest.mark.parametrize("model", [ModifiedBetaGeometric, ParetoNBD, BetaGeometricBetaBernoulli])
def test_nobody_bought_twice(model):
    with pytest.raises(NotIdentified, match="no customer has a repeat purchase"):
        model().fit([0, 0], [0, 0], [5, 9])


@pytest.mark.parametrize("model", [ModifiedBetaGeometric, ParetoNBD, BetaGeometricBetaBernoulli])
def test_impossible_histories_are_refused_when_asked(model):
    fitted = model().fit([0, 1, 3, 2], [0, 4, 9, 2], [10, 10, 10, 10])
    with pytest.raises(ValueError, match="recency must not exceed"):
        fitted.probability_alive([1], [12], [10])
    with pytest.raises(ValueError, match="infinite horizon needs a positive discount rate"):
        fitted.discounted_expected_purchases(np.inf, 0.0, [1], [4], [10])
    with pytest.raises(ValueError, match="horizon must be 0 or more"):
        fitted.expected_purchases(-1.0, [1], [4], [10])


@pytest.mark.parametrize(
    "name, model, params, end",
    [
        ("MBG/NBD", ModifiedBetaGeometric, (0.8, 5.0, 0.5, 5_000.0), 40.0),
        ("Pareto/NBD", ParetoNBD, (0.8, 5.0, 0.5, 50_000.0), 40.0),
        ("BG/BB", BetaGeometricBetaBernoulli, (1.2, 0.8, 0.5, 20_000.0), 8.0),
    ],
)
def test_customers_who_never_leave_are_a_ridge(simulate_as, name, model, params, end):
    """The leaving parameters cannot be told, those of the purchase rate can."""
    world = simulate_as(name, params, np.full(3_000, end), seed=2)
    fitted = model().fit(*(world[c] for c in HISTORY))
    assert fitted.verdict.grade == "weak"
    third, fourth = fitted.params.index[2:]
    assert any(third in reason or fourth in reason for reason in fitted.verdict.reasons)
    assert fitted.params.iloc[0] == pytest.approx(params[0], rel=0.15)
    assert fitted.bse is None or np.isfinite(fitted.bse).all()
    assert np.isfinite(fitted.expected_purchases(10, *(world[c] for c in HISTORY))).all()


@pytest.mark.parametrize("model", [ModifiedBetaGeometric, ParetoNBD, BetaGeometricBetaBernoulli])
@pytest.mark.parametrize(
    "history",
    [
        ([1], [4], [10]),  # one customer
        ([0, 1], [0, 10], [10, 10]),
        ([10] * 20, [10] * 20, [10] * 20),  # all equal
        ([0] * 999 + [1], [0] * 999 + [1], [10] * 1_000),
    ],
)
def test_poor_data_never_get_a_good_verdict(model, history):
    """And never a NaN: whatever cannot be told is None."""
    fitted = model().fit(*history)
    assert fitted.verdict.grade != "good"
    assert fitted.verdict.reasons
    assert np.isfinite(fitted.params).all() and np.isfinite(fitted.llf)
    assert fitted.summary().notna().all(axis=None)
    answers = [
        fitted.probability_alive(*history),
        fitted.expected_purchases(5, *history),
        fitted.expected_purchases_new([0.0, 5.0]),
        fitted.discounted_expected_purchases(np.inf, 0.05, *history),
    ]
    assert all(np.isfinite(answer).all() for answer in answers)


def test_a_runaway_fit_does_not_depend_on_the_last_digit():
    """Everybody leaves at one rate: the spread of Pareto/NBD lifetimes has no finite optimum."""
    rng = np.random.default_rng(0)
    rate, gone = rng.gamma(1.0, 1.0, 1_500), rng.exponential(100.0, 1_500)
    bought = rng.poisson(rate * np.minimum(gone, 36.0))
    last = np.minimum(gone, 36.0) * rng.random(1_500) ** (1 / np.maximum(bought, 1))
    last = np.where(bought > 0, np.maximum(last, 0.1), 0.0)
    fits = [
        ParetoNBD().fit(bought, last * scale, np.full(1_500, 36.0) * scale)
        for scale in (1.0, 1 + 1e-13)
    ]
    assert "runaway" in " ".join(fits[0].verdict.reasons)
    np.testing.assert_allclose(fits[0].params, fits[1].params, rtol=1e-5)
