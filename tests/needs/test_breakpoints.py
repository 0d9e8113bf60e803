"""Kinks: recovered, not invented, corrected for number, refused where not identified."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs.breakpoints import Breakpoint, breakpoint_of, breakpoints
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

GIVEN = {"alpha": 0.05, "replications": 99, "seed": 5, "level": 0.9}


def survey(kink, beyond, n=400, seed=0, noise=1.0):
    """An item of ten levels whose slope is 0.6 up to the kink; a second, correlated item."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    x = pd.Series(np.clip(np.round(6 + 1.5 * common + 1.5 * rng.normal(size=n)), 1, 10), name="x")
    other = pd.Series(np.clip(np.round(6 + 2 * common + rng.normal(size=n)), 1, 10), name="other")
    line = 0.6 * np.minimum(x, kink) + beyond * np.maximum(x - kink, 0) + 0.3 * other
    return x, other, line + noise * (0.5 + x / 10) * rng.normal(size=n)


def test_kink_and_slopes_are_recovered_and_their_intervals_hold():
    held, found = [], 0
    for seed in range(60):
        x, other, y = survey(6.5, 0.0, seed=seed)
        fit = breakpoint_of(x, y, others=other.to_frame(), **GIVEN)
        truth = (6.5, 0.6, 0.0)
        parts = (fit.at, fit.before, fit.beyond)
        held.append([t in part for t, part in zip(truth, parts, strict=True)])
        found += fit.shape == "levels off"
    assert found >= 57
    assert (np.mean(held, axis=0) >= 0.78).all(), np.mean(held, axis=0)
    assert np.mean(held) <= 0.98


def test_a_straight_line_is_rarely_called_kinked_though_the_ends_scatter():
    alarms = 0
    for seed in range(200):
        x, other, y = survey(10, 0.6, n=150, seed=seed, noise=0.0)
        y += (x - x.mean()) ** 2 * np.random.default_rng(10**6 + seed).normal(size=len(x))
        given = {**GIVEN, "seed": seed, "alpha": 0.1, "replications": 39}
        alarms += breakpoint_of(x, y, others=other.to_frame(), **given).is_break
    assert 8 <= alarms <= 34  # 20 expected; 0.1 % tails of the binomial


def test_the_straight_slope_is_that_of_weighted_least_squares():
    import statsmodels.api as sm

    x, other, y = survey(6.5, 0.0)
    weights = pd.Series(np.random.default_rng(1).uniform(0.2, 3, len(x)))
    fit = breakpoint_of(x, y, others=other.to_frame(), weights=weights, **GIVEN)
    wls = sm.WLS(y, sm.add_constant(pd.concat([x, other], axis=1)), weights=weights).fit()
    assert fit.slope.value == pytest.approx(wls.params["x"])
    hinge = np.maximum(x - fit.at.value, 0).rename("hinge")
    wls = sm.WLS(y, sm.add_constant(pd.concat([x, other, hinge], axis=1)), weights=weights).fit()
    assert fit.before.value == pytest.approx(wls.params["x"])
    assert fit.beyond.value == pytest.approx(wls.params["x"] + wls.params["hinge"])


def test_gain_follows_the_line():
    x, other, y = survey(6.5, 0.0, n=2000, noise=0.3)
    kinked = breakpoint_of(x, y, others=other.to_frame(), **GIVEN)
    assert kinked.limit == pytest.approx(6.5, abs=0.3)
    assert kinked.gain(5, 9) == pytest.approx(0.6 * 1.5, abs=0.1)
    assert kinked.gain(8, 9) == pytest.approx(kinked.beyond.value)
    x, other, y = survey(10, 0.6, n=2000, noise=0.3)
    straight = breakpoint_of(x, y, others=other.to_frame(), **GIVEN)
    assert (straight.shape, straight.limit) == ("straight", None)
    assert straight.gain(5, 9) == pytest.approx(4 * straight.slope.value)
    assert "straight" in straight.summary() and "levels off" in kinked.summary()


def test_several_items_are_corrected_and_a_bad_one_is_refused_alone():
    x, other, y = survey(6.5, 0.0)
    items = pd.DataFrame({"x": x, "other": other, "yes": (x > 5).astype(float)})
    found = breakpoints(items, y, **GIVEN)
    assert isinstance(found["yes"], Refusal) and "2 levels" in found["yes"].reason
    assert isinstance(found["x"], Breakpoint)
    assert found["x"].p_corrected == pytest.approx(2 * found["x"].p_value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x, o, y: (x[:20], o, y), "20 complete answers are too few"),
        (lambda x, o, y: (x, x.to_frame("same"), y), "other items repeat x"),
        (lambda x, o, y: (x.where(x > 9, 1.0) * 0 + 3, o, y), "x has 1 levels"),
    ],
)
def test_what_cannot_be_told_is_refused(change, reason):
    x, other, y = survey(6.5, 0.0)
    x, others, y = change(x, other.to_frame(), y)
    with pytest.raises(NotIdentified, match=reason):
        breakpoint_of(x, y, others=others, **GIVEN)
