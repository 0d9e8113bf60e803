"""The sBG likelihood: against integration over customers, gradient against differences."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from crmlib.value.contracts import LossLikelihood, ShiftedBetaGeometric
from crmlib.value.life_table import exposure

#                    ended in first, late, running, entered late and ended, late and running
DURATION, ENDED = [1, 5, 5, 7, 9], [True, True, False, True, False]
ENTRY, WEIGHTS = [0, 0, 0, 4, 6], [2.0, 1.0, 0.5, 3.0, 1.5]


@pytest.mark.parametrize("seed", range(8))
def test_gradient_equals_differences(seed):
    counts = exposure(DURATION, ENDED, ENTRY, WEIGHTS)
    objective = LossLikelihood.of(counts).objective(odds=7.0)
    theta = np.random.default_rng(seed).normal(0, 1.5, 2)
    numeric = optimize.approx_fprime(theta, lambda at: objective(at)[0], 1e-6)
    assert objective(theta)[1] == pytest.approx(numeric, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("row", range(5))
def test_likelihood_equals_integral_over_customers(row):
    """P(T = t) or S(t) of one customer, given survival to entry, over p ~ Beta(α, β)."""
    alpha, beta = 0.8, 3.5
    duration, ended, entry = DURATION[row], ENDED[row], ENTRY[row]

    def seen(p):
        return (1 - p) ** (duration - 1) * p if ended else (1 - p) ** duration

    def mean(of):
        return integrate.quad(lambda p: of(p) * stats.beta.pdf(p, alpha, beta), 0, 1)[0]

    expected = np.log(mean(seen) / mean(lambda p: (1 - p) ** entry))
    counts = exposure([duration], [ended], [entry])
    assert float(LossLikelihood.of(counts).llf(alpha, beta)) == pytest.approx(expected, rel=1e-7)


def test_exposure_equals_a_loop_over_contracts():
    counts = exposure(DURATION, ENDED, ENTRY, WEIGHTS)
    for period, at_risk, ended in zip(counts.tenure, counts.at_risk, counts.ended, strict=True):
        rows = list(zip(DURATION, ENDED, ENTRY, WEIGHTS, strict=True))
        assert at_risk == sum(w for d, _, e, w in rows if e < period <= d)
        assert ended == sum(w for d, lost, _, w in rows if lost and d == period)
    assert counts.contracts == 8.0


def test_the_optimum_is_one():
    """No step in any direction from the estimate raises the likelihood."""
    rng = np.random.default_rng(3)
    risk = rng.beta(0.7, 5.0, 3_000)
    lifetime = rng.geometric(risk)
    fitted = ShiftedBetaGeometric().fit(np.minimum(lifetime, 12), lifetime <= 12)
    best = np.log(fitted.params.to_numpy())
    for step in rng.normal(0, 0.05, (40, 2)):
        assert float(fitted.likelihood.llf(*np.exp(best + step))) <= fitted.llf
