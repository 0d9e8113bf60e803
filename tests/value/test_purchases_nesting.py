"""A richer model may not have a lower likelihood than the poorer one inside it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, special

from crmlib.value import BetaGeometric, BetaGeometricBetaBernoulli, ModifiedBetaGeometric, ParetoNBD
from crmlib.value.purchases.shared import nested, objective

HISTORY = ["frequency", "recency", "observed_time"]


@pytest.fixture(scope="module")
def nobody_leaves(cdnow):
    """Likelihood of the NBD, in which all stay: the limit of every model over time."""
    x, _, end = (cdnow[c].to_numpy(dtype=float) for c in HISTORY)

    def loss(theta):
        r, alpha = np.exp(theta)
        each = special.gammaln(r + x) - special.gammaln(r) + r * theta[1]
        return -(each - (r + x) * np.log(alpha + end)).sum()

    found = optimize.minimize(loss, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-8})
    return -found.fun


@pytest.mark.parametrize("model", [BetaGeometric, ModifiedBetaGeometric, ParetoNBD])
def test_leaving_adds_likelihood_to_the_negative_binomial(cdnow, nobody_leaves, model):
    fitted = model().fit(*(cdnow[c] for c in HISTORY))
    assert fitted.llf > nobody_leaves + 50


@pytest.mark.parametrize(
    "model, stay",
    [
        (BetaGeometric, [1e-30, 1.0]),
        (ModifiedBetaGeometric, [1e-30, 1.0]),
        (ParetoNBD, [1e-30, 1.0]),
    ],
)
def test_without_leaving_it_is_the_negative_binomial(cdnow, model, stay):
    columns = [cdnow[c].to_numpy(dtype=float) for c in HISTORY]
    x, _, end = columns
    likelihood = model().likelihood(*columns)
    actual = likelihood.evaluate(np.log([0.4, 7.0, *stay]), np.ones(x.size))[0]
    each = special.gammaln(0.4 + x) - special.gammaln(0.4) + 0.4 * np.log(7.0)
    expected = (each - (0.4 + x) * np.log(7.0 + end)).sum()
    assert actual == pytest.approx(expected, abs=1e-3)


def test_leaving_adds_likelihood_to_the_beta_binomial(donations):
    """BG/BB without leaving forgets recency: the beta-binomial of each history's own order."""
    x, last, n, w = (donations[c] for c in ("frequency", "recency", "occasions", "weights"))

    def loss(theta):
        alpha, beta = np.exp(theta)
        return -w @ (special.betaln(alpha + x, beta + n - x) - special.betaln(alpha, beta))

    stay = -optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead").fun
    assert BetaGeometricBetaBernoulli().fit(x, last, n, w).llf > stay + 1_000


@pytest.mark.parametrize("model", [BetaGeometric, ModifiedBetaGeometric, ParetoNBD])
def test_the_limit_that_a_fit_is_held_against(cdnow, nobody_leaves, model):
    fitted = model().fit(*(cdnow[c] for c in HISTORY))
    goal = objective(fitted.model.likelihood(*fitted.groups.columns), fitted.groups.weights)
    stay = fitted.model._all_stay(goal, np.zeros(4), fitted.nobs)
    assert stay == pytest.approx(nobody_leaves, abs=1e-3)


def test_a_fit_below_the_model_inside_it_is_refused(cdnow):
    verdict = BetaGeometric().fit(*(cdnow[c] for c in HISTORY)).verdict
    assert nested(verdict, -100.0, -100.005, "if nobody left") == verdict
    refused = nested(verdict, -100.0, -90.0, "if nobody left")
    assert refused.grade == "refused"
    assert refused.reasons == ("lower likelihood (-100.00) than if nobody left (-90.00)",)
    weak = replace(verdict, grade="weak", reasons=("runaway parameter",))
    still = nested(weak, -100.0, -90.0, "if nobody left")
    assert still.grade == "weak"
    assert len(still.reasons) == 2
