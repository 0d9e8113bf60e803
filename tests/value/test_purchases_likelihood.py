"""The BG/NBD likelihood: gradient against differences, and against independent code."""

import numpy as np
import pytest
from scipy import optimize, special, stats

from crmlib.value.purchases import BetaGeometric, PurchaseLikelihood, shared

HISTORIES = np.array(
    [[0, 0, 39], [0, 0, 30.5], [1, 12, 39], [3, 38, 39], [3, 39, 39], [40, 35.2, 38]], dtype=float
).T
WEIGHTS = np.array([5.0, 2, 3, 1, 0.5, 1])


@pytest.mark.parametrize("seed", range(8))
def test_gradient_equals_differences(seed):
    objective = shared.objective(PurchaseLikelihood.of(*HISTORIES), WEIGHTS)
    theta = np.random.default_rng(seed).normal(0, 1, 4)
    numeric = optimize.approx_fprime(theta, lambda at: objective(at)[0], 1e-6)
    assert objective(theta)[1] == pytest.approx(numeric, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("column", range(HISTORIES.shape[1]))
def test_likelihood_equals_integral_over_customers(column):
    """The individual likelihood (FHL eq. 3) summed over the Gamma and Beta priors.

    The trapezoidal rule in log(rate) and logit(p) is exact to rounding for such integrands.
    """
    r, alpha, a, b = params = np.array([0.8, 6.0, 1.3, 2.5])
    x, recency, end = history = HISTORIES[:, column]
    log_rate, logit = np.linspace(-60, 6, 800)[:, None], np.linspace(-40, 40, 800)
    rate, p = np.exp(log_rate), special.expit(logit)
    stayed = (1 - p) ** x * rate**x * np.exp(-rate * end)
    left = (x > 0) * p * (1 - p) ** max(x - 1, 0) * rate**x * np.exp(-rate * recency)
    prior = stats.gamma.pdf(rate, r, scale=1 / alpha) * rate * stats.beta.pdf(p, a, b) * p * (1 - p)
    cell = (log_rate[1, 0] - log_rate[0, 0]) * (logit[1] - logit[0])
    expected = ((stayed + left) * prior).sum() * cell

    likelihood = PurchaseLikelihood.of(*history[:, None])
    actual = likelihood.evaluate(np.log(params), np.ones(1))[0]
    assert actual == pytest.approx(np.log(expected), abs=1e-6)


def test_fit_agrees_with_lifetimes(cdnow):
    """The lifetimes package (Davidson-Pilon) as independent implementation."""
    try:
        from lifetimes import BetaGeoFitter
    except ImportError:
        pytest.skip("lifetimes does not import with this setuptools")
    columns = [cdnow[c] for c in ("frequency", "recency", "observed_time")]
    ours = BetaGeometric().fit(*columns)
    theirs = BetaGeoFitter().fit(*columns)
    for name in ours.params.index:
        assert ours.params[name] == pytest.approx(theirs.params_[name], rel=1e-3)
    # theirs defines P(alive) = 1 for one-time buyers too
    alive = theirs.conditional_probability_alive(*columns)
    assert ours.probability_alive(*columns) == pytest.approx(np.asarray(alive), abs=1e-3)
    expected = theirs.conditional_expected_number_of_purchases_up_to_time(39, *columns)
    assert ours.expected_purchases(39, *columns) == pytest.approx(np.asarray(expected), rel=5e-3)
