"""Likelihoods of MBG/NBD, Pareto/NBD and BG/BB: gradients, and sums over the latent traits.

The reference integrates the likelihood of one customer of known traits over their
two densities by the trapezoidal rule, which is exact to rounding in log(rate) and
logit(p); no formula of the models is used.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, special, stats

from crmlib.value import BetaGeometricBetaBernoulli, ModifiedBetaGeometric, ParetoNBD
from crmlib.value.purchases import BetaGeometric, shared

HISTORIES = np.array(
    [[0, 0, 39], [0, 0, 30.5], [1, 12, 39], [3, 38, 39], [3, 39, 39], [40, 35.2, 38]], dtype=float
).T
OCCASIONS = np.array(
    [[0, 0, 6], [1, 1, 6], [1, 6, 6], [4, 5, 6], [6, 6, 6], [0, 0, 9], [3, 7, 9], [2, 2, 3]],
    dtype=float,
).T
WEIGHTS = np.array([5.0, 2, 3, 1, 0.5, 1, 2, 4])
PARAMS = {
    ModifiedBetaGeometric: (0.8, 6.0, 1.3, 2.5),
    ParetoNBD: (0.8, 6.0, 1.3, 9.0),
    BetaGeometricBetaBernoulli: (1.2, 0.75, 0.66, 2.8),
}


def histories(model) -> np.ndarray:
    return OCCASIONS if model is BetaGeometricBetaBernoulli else HISTORIES


def traits(model, params, size=700):
    """Grids of the purchase and the leaving trait with their probabilities."""
    first, second, third, fourth = params
    log_rate, logit = np.linspace(-60, 7, size), np.linspace(-40, 40, size)
    rate, p = np.exp(log_rate), special.expit(logit)

    def of_rate(shape, scale):
        return stats.gamma.pdf(rate, shape, scale=1 / scale) * rate * (log_rate[1] - log_rate[0])

    def of_share(a, b):
        density = special.expit(logit) ** a * special.expit(-logit) ** b / special.beta(a, b)
        return density * (logit[1] - logit[0])

    if model is ModifiedBetaGeometric:
        return rate, of_rate(first, second), p, of_share(third, fourth)
    if model is ParetoNBD:
        return rate, of_rate(first, second), rate, of_rate(third, fourth)
    return p, of_share(first, second), p, of_share(third, fourth)


def individual(model, history, buying, leaving):
    """Likelihood of staying and of having left, given both traits."""
    x, recency, end = history
    if model is ModifiedBetaGeometric:
        stayed = (1 - leaving) ** (x + 1) * buying**x * np.exp(-buying * end)
        return stayed, leaving * (1 - leaving) ** x * buying**x * np.exp(-buying * recency)
    if model is ParetoNBD:
        both = buying + leaving
        stayed = buying**x * np.exp(-both * end)
        gap = np.exp(-both * recency) - np.exp(-both * end)
        return stayed, leaving * buying**x * gap / both
    stayed = buying**x * (1 - buying) ** (end - x) * (1 - leaving) ** end
    left = np.zeros_like(stayed)
    for after in range(int(recency), int(end)):
        left += buying**x * (1 - buying) ** (after - x) * leaving * (1 - leaving) ** after
    return stayed, left


def integrals(model, params, history):
    """Probability of the history while active, and having left."""
    buying, of_buying, leaving, of_leaving = traits(model, params)
    parts = individual(model, history, buying[:, None], leaving)
    return [float(of_buying @ part @ of_leaving) for part in parts]


@pytest.mark.parametrize("model", PARAMS)
@pytest.mark.parametrize("seed", range(4))
def test_gradient_equals_differences(model, seed):
    columns = histories(model)
    likelihood = model().likelihood(*columns)
    objective = shared.objective(likelihood, WEIGHTS[: columns.shape[1]])
    theta = np.random.default_rng(seed).normal(0, 1, 4)
    numeric = optimize.approx_fprime(theta, lambda at: objective(at)[0], 1e-6)
    assert objective(theta)[1] == pytest.approx(numeric, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("model", [BetaGeometric, ModifiedBetaGeometric, ParetoNBD])
def test_gradient_of_profiles_equals_differences(model):
    """Each profile of customers has its own parameters, the shape of the rate apart."""
    profile = np.array([0, 1, 1, 0, 2, 2])
    likelihood = model().likelihood(*HISTORIES, profile)
    logs = np.random.default_rng(1).normal(0, 0.5, (4, 3))
    logs[0] = logs[0, 0]
    if model is ParetoNBD:
        logs[2] = logs[2, 0]
    value, gradient = likelihood.evaluate(logs, WEIGHTS[:6])
    apart = [
        model()
        .likelihood(*HISTORIES[:, profile == k])
        .evaluate(logs[:, k], WEIGHTS[:6][profile == k])
        for k in range(3)
    ]
    assert value == pytest.approx(sum(one[0] for one in apart))
    assert gradient == pytest.approx(np.stack([one[1] for one in apart], axis=1))


@pytest.mark.parametrize("model", PARAMS)
def test_likelihood_equals_integral_over_customers(model):
    for history in histories(model).T:
        expected = np.log(sum(integrals(model, PARAMS[model], history)))
        likelihood = model().likelihood(*history[:, None])
        actual = likelihood.evaluate(np.log(PARAMS[model]), np.ones(1))[0]
        assert actual == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("model", PARAMS)
def test_probability_alive_equals_ratio_of_integrals(model):
    for history in histories(model).T:
        stayed, left = integrals(model, PARAMS[model], history)
        alive = model().probability_alive(np.array(PARAMS[model]), *history[:, None])
        assert alive[0] == pytest.approx(stayed / (stayed + left), abs=1e-6)


@pytest.mark.parametrize("rate", [0.0, 0.02])
@pytest.mark.parametrize("model", PARAMS)
def test_expected_purchases_equal_integral_over_customers(model, rate):
    """Purchases of each kind of customer over 7 units, weighted by the posterior of the kind."""
    buying, of_buying, leaving, of_leaving = traits(model, PARAMS[model])
    if model is ModifiedBetaGeometric:  # leaves at rate λp
        out = buying[:, None] * leaving + rate
        each = buying[:, None] * -np.expm1(-7 * out) / out
    elif model is ParetoNBD:
        each = buying[:, None] * -np.expm1(-7 * (leaving + rate)) / (leaving + rate)
    else:
        each = buying[:, None] * sum(((1 - leaving) * np.exp(-rate)) ** k for k in range(1, 8))
    for history in histories(model).T:
        stayed, _ = individual(model, history, buying[:, None], leaving)
        expected = (of_buying @ (stayed * each) @ of_leaving) / (of_buying @ stayed @ of_leaving)
        ahead = model().purchases_if_alive(
            np.array(PARAMS[model]), history[0], history[2], 7.0, rate
        )
        assert float(ahead) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("model", PARAMS)
def test_frequencies_are_distributed_as_the_likelihood_says(model):
    """P(X = 0) and P(X = 1) from the likelihoods of such histories summed over recency."""
    params, end = np.array(PARAMS[model]), 6.0

    def density(x, recency):
        likelihood = model().likelihood(*np.array([[x], [recency], [end]], dtype=float))
        return np.exp(likelihood.evaluate(np.log(params), np.ones(1))[0])

    if model is BetaGeometricBetaBernoulli:
        once = sum(density(1, last) for last in range(1, 7))
    else:
        once = integrate.quad(lambda last: density(1, last), 0, end)[0]
    table = model().frequency_probabilities(params, np.array([0.0, end]), 5)
    assert table[1, :2] == pytest.approx([density(0, 0), once], rel=1e-7)
    assert table[0] == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-12)
    assert table.sum(axis=1) == pytest.approx(1)


def test_formulas_agree_with_lifetimes(cdnow, donations):
    """The lifetimes package (Davidson-Pilon) as independent implementation, at our estimates."""
    try:
        import lifetimes
    except ImportError:
        pytest.skip("lifetimes does not import with this setuptools")
    history = [cdnow[c] for c in ("frequency", "recency", "observed_time")]
    pairs = [
        (ModifiedBetaGeometric(), lifetimes.ModifiedBetaGeoFitter()),
        (ParetoNBD(), lifetimes.ParetoNBDFitter()),
    ]
    for model, theirs in pairs:
        ours = model.fit(*history)
        theirs.params_ = pd.Series(ours.params)
        alive = np.asarray(theirs.conditional_probability_alive(*history))
        assert ours.probability_alive(*history) == pytest.approx(alive, abs=1e-9)
        ahead = theirs.conditional_expected_number_of_purchases_up_to_time(39, *history)
        assert ours.expected_purchases(39, *history) == pytest.approx(np.asarray(ahead), rel=1e-7)
    columns = [donations[c] for c in ("frequency", "recency", "occasions")]
    giving = BetaGeometricBetaBernoulli().fit(*columns, donations["weights"])
    peer = lifetimes.BetaGeoBetaBinomFitter().fit(*columns, donations["weights"])
    assert giving.params.to_numpy() == pytest.approx(peer.params_.to_numpy(), rel=1e-3)
    ahead = peer.conditional_expected_number_of_purchases_up_to_time(5, *columns)
    assert giving.expected_purchases(5, *columns) == pytest.approx(np.asarray(ahead), rel=1e-3)


@pytest.mark.parametrize("model", PARAMS)
def test_replicates_of_parameters_are_asked_at_once(model):
    """As simulated futures do: histories down, replicates across."""
    columns = histories(model)
    replicates = np.array(PARAMS[model])[:, None] * np.linspace(0.7, 1.4, 5)
    table = model().probability_alive(replicates[:, None, :], *(c[:, None] for c in columns))
    rows = [model().probability_alive(replicate, *columns) for replicate in replicates.T]
    assert table == pytest.approx(np.stack(rows, axis=1), rel=1e-12)
