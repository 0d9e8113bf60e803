"""Planted BG/NBD parameters come back, and their intervals hold them as often as they say."""

import numpy as np
import pytest

from crmlib.value import expectations
from crmlib.value.purchases import BetaGeometric

HISTORY = ["frequency", "recency", "observed_time"]
TRUTH = {"r": 0.6, "alpha": 6.0, "a": 0.8, "b": 2.5}


def test_planted_parameters(simulate):
    """40,000 customers: every estimate within 4 of its own standard errors, which are small."""
    world = simulate(TRUTH.values(), np.full(40_000, 52.0), seed=5)
    fitted = BetaGeometric().fit(*(world[c] for c in HISTORY))
    assert fitted.verdict.grade == "good"
    for name, truth in TRUTH.items():
        assert abs(fitted.params[name] - truth) < 4 * fitted.bse[name]
        assert fitted.bse[name] < 0.1 * truth


@pytest.mark.slow
def test_coverage_of_r_and_of_the_expected_total(simulate):
    """200 simulations of 1,500 customers, 95 % intervals.

    Monte-Carlo error at 200 is sqrt(.05·.95/200) = 1.54 points: nominal coverage
    lies between 90.4 and 99.6 % with 3 such errors, and so do the bounds.
    """
    simulations, customers, horizon = 200, 1_500, 26.0
    truth = np.array(list(TRUTH.values()))
    observed = np.repeat(np.arange(27.0, 39.0), customers // 12)
    ages = np.unique(observed)
    grown = [
        expectations.purchases_if_alive(truth, 0.0, 0.0, ages + more, 0.0) for more in (0, horizon)
    ]
    expected_total = (grown[1] - grown[0]).sum() * (customers // 12)
    held_r = held_total = 0
    for seed in range(simulations):
        world = simulate(truth, observed, seed=seed)
        world["recency"] = np.ceil(world["recency"] * 7) / 7
        fitted = BetaGeometric(n_starts=1).fit(*(world[c] for c in HISTORY))
        bounds = fitted.conf_int(0.95).loc["r"]
        held_r += bounds["lower"] <= TRUTH["r"] <= bounds["upper"]
        interval = fitted.total_interval(horizon, replications=80, seed=seed, level=0.95)
        held_total += expected_total in interval
    assert 0.904 <= held_r / simulations <= 0.996
    assert 0.904 <= held_total / simulations <= 0.996
