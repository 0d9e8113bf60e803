"""Intervals of the likelihood models hold the truth as often as they say: 2,000 simulations each.

Judged are a few parameters named in advance: of BG/NBD and MBG/NBD the two of the purchase
rate, of Pareto/NBD the same, of Gamma-Gamma p and q, of the shifted-beta-geometric model
survival to the sixth and twelfth period. Intervals of 95 % should hold between 93 and 97 %.
"""

import numpy as np
import pytest

from crmlib.value import (
    BetaGeometric,
    GammaGamma,
    ModifiedBetaGeometric,
    ParetoNBD,
    ShiftedBetaGeometric,
)

SIMULATIONS = 2_000
LEAST, MOST = 0.93, 0.97
RATE = (0.8, 6.0)  # r, alpha
LEAVING = (0.8, 2.5)  # a, b
LIFETIME = (1.2, 20.0)  # s, beta
SPEND = (6.0, 4.0, 15.0)  # p, q, v
LOSS = (0.7, 3.8)  # alpha, beta


def histories(rng, n, at_first=False, lifetime=None):
    """Purchases of customers observed for 39 weeks, times to a fifth of a week."""
    end = np.full(n, 39.0)
    rate = rng.gamma(RATE[0], 1 / RATE[1], n)
    quits = rng.beta(*LEAVING, n) if lifetime is None else np.zeros(n)
    gone = np.full(n, np.inf)
    if lifetime is not None:
        gone = rng.standard_exponential(n) / rng.gamma(lifetime[0], 1 / lifetime[1], n)
    at, frequency, recency = np.zeros(n), np.zeros(n), np.zeros(n)
    active = rng.random(n) >= quits if at_first else np.ones(n, dtype=bool)
    while active.any():
        at = at + rng.standard_exponential(n) / rate
        active &= at <= np.minimum(end, gone)
        frequency += active
        recency = np.where(active, at, recency)
        active &= rng.random(n) >= quits
    return frequency, np.where(frequency > 0, np.maximum((5 * recency).round() / 5, 0.2), 0.0), end


def held(intervals, truth):
    """Share of simulations whose interval holds each truth; intervals of shape (…, 2)."""
    found = np.asarray(intervals)
    return ((found[..., 0] <= truth) & (truth <= found[..., 1])).mean(axis=0)


MODELS = {  # model, parameters of leaving, customers, how they leave
    "BG/NBD": (BetaGeometric(n_starts=1), LEAVING, 600, {}),
    "MBG/NBD": (ModifiedBetaGeometric(n_starts=1), LEAVING, 2_000, {"at_first": True}),
    "Pareto/NBD": (ParetoNBD(n_starts=1), LIFETIME, 400, {"lifetime": LIFETIME}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_intervals_of_the_purchase_rate(name):
    model, leaving, n, how = MODELS[name]
    rng, intervals = np.random.default_rng(20), []
    for _ in range(SIMULATIONS):
        fit = model.fit(*histories(rng, n, **how), start=(*RATE, *leaving))
        found = fit.conf_int(0.95)
        if found is not None:  # a ridge of the leaving parameters; counted below
            intervals.append(found.loc[["r", "alpha"]].to_numpy())
    assert len(intervals) > 0.9 * SIMULATIONS
    shares = held(intervals, np.array(RATE))
    assert (shares > LEAST).all() and (shares < MOST).all(), shares


@pytest.mark.slow
def test_intervals_of_the_spread_of_spend():
    rng, intervals, n = np.random.default_rng(21), [], 1_500
    p, q, v = SPEND
    for _ in range(SIMULATIONS):
        count = rng.integers(1, 9, n)
        mean = rng.gamma(p * count, 1 / rng.gamma(q, 1 / v, n)) / count
        found = GammaGamma(n_starts=1).fit(count, mean).conf_int(0.95)
        intervals.append(found.loc[["p", "q"]].to_numpy())
    shares = held(intervals, np.array([p, q]))
    assert (shares > LEAST).all() and (shares < MOST).all(), shares


@pytest.mark.slow
def test_intervals_of_survival():
    rng, intervals, n = np.random.default_rng(22), [], 600
    alpha, beta = LOSS
    ages = np.array([6, 12])
    stays = [(beta + np.arange(t)) / (alpha + beta + np.arange(t)) for t in ages]
    truth = np.array([np.prod(each) for each in stays])
    for _ in range(SIMULATIONS):
        loss = rng.geometric(rng.beta(alpha, beta, n))
        fit = ShiftedBetaGeometric(n_starts=1).fit(np.minimum(loss, 8), loss <= 8)
        intervals.append(fit.survival_interval(ages, level=0.95)[["lo", "hi"]].to_numpy())
    shares = held(intervals, truth)
    assert (shares > LEAST).all() and (shares < MOST).all(), shares
