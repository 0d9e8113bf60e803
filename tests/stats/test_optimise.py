"""Maximum likelihood on log-parameters: optimum, errors, verdicts on planted defects."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from crmlib.stats.optimise import (
    LikelihoodResult,
    chord_newton,
    distance_in_errors,
    hessian_by_differences,
    maximise,
    refitted,
)

SAMPLE = np.random.default_rng(0).gamma(3.0, 2.0, 5_000)
STARTS = [np.zeros(2), np.ones(2)]


def gamma_likelihood(sample):
    """Gamma(shape, rate): log-likelihood and gradient in log-parameters."""
    count, total, logs = sample.size, sample.sum(), np.log(sample).sum()

    def objective(theta):
        shape, rate = np.exp(theta)
        value = count * (shape * theta[1] - special.gammaln(shape))
        value += (shape - 1) * logs - rate * total
        gradient = np.array(
            [count * (theta[1] - special.digamma(shape)) + logs, count * shape / rate - total]
        )
        return value, np.exp(theta) * gradient

    return objective


@pytest.fixture(scope="module")
def optimum():
    return maximise(gamma_likelihood(SAMPLE), STARTS, ("shape", "rate"), SAMPLE.size)


def test_agrees_with_scipy_and_fisher_information(optimum):
    shape, _, scale = stats.gamma.fit(SAMPLE, floc=0)
    np.testing.assert_allclose(np.exp(optimum.log_params), [shape, 1 / scale], rtol=1e-5)
    assert optimum.llf == pytest.approx(stats.gamma.logpdf(SAMPLE, shape, scale=scale).sum())
    rate = 1 / scale
    information = SAMPLE.size * np.array(
        [[special.polygamma(1, shape), -1 / rate], [-1 / rate, shape / rate**2]]
    )
    expected = np.sqrt(np.diag(np.linalg.inv(information)))
    errors = np.sqrt(np.diag(optimum.covariance)) * np.exp(optimum.log_params)
    np.testing.assert_allclose(errors, expected, rtol=1e-4)
    assert optimum.verdict.grade == "good"
    assert optimum.verdict.spread < 1e-3


def test_chord_reaches_the_optimum_of_resampled_data(optimum):
    resampled = np.random.default_rng(1).choice(SAMPLE, SAMPLE.size)
    objective = gamma_likelihood(resampled)
    found = chord_newton(objective, optimum.log_params, optimum.hessian)
    again = maximise(objective, STARTS, ("shape", "rate"), SAMPLE.size)
    errors = np.sqrt(np.diag(optimum.covariance))
    assert (np.abs(found - again.log_params) < 1e-3 * errors).all()
    away = distance_in_errors(objective, optimum.log_params, optimum.hessian)
    assert 0.1 < away < 5
    assert distance_in_errors(objective, found, optimum.hessian) < 1e-3


def test_chord_gives_up_where_it_diverges_or_has_no_curvature(optimum):
    objective = gamma_likelihood(SAMPLE)
    assert (
        chord_newton(objective, optimum.log_params + np.array([4.0, -4.0]), optimum.hessian) is None
    )
    assert chord_newton(objective, optimum.log_params, np.zeros((2, 2))) is None


@pytest.mark.parametrize("curved", [True, False])
def test_a_refit_reaches_the_optimum_also_where_the_chord_gives_up(optimum, curved):
    resampled = np.random.default_rng(1).choice(SAMPLE, SAMPLE.size)
    objective, names = gamma_likelihood(resampled), ("shape", "rate")
    hessian = optimum.hessian if curved else np.zeros((2, 2))
    found = refitted(objective, optimum.log_params, hessian, names, SAMPLE.size)
    again = maximise(objective, STARTS, names, SAMPLE.size).log_params
    assert (np.abs(found - again) < 1e-3 * np.sqrt(np.diag(optimum.covariance))).all()


def test_a_ridge_is_named():
    """Only the product of two rates enters: nothing tells them apart."""

    def objective(theta):
        value, gradient = gamma_likelihood(SAMPLE)(np.array([theta[0], theta[1] + theta[2]]))
        return value, np.array([gradient[0], gradient[1], gradient[1]])

    found = maximise(objective, [np.zeros(3)], ("shape", "one", "other"), SAMPLE.size)
    assert found.verdict.grade == "weak"
    assert any("ridge" in r and "one, other" in r for r in found.verdict.reasons)


def test_an_unbounded_likelihood_is_not_good_and_has_no_errors():
    """A constant sample: the more even the gamma, the likelier, without end."""
    found = maximise(gamma_likelihood(np.full(100, 2.0)), STARTS, ("shape", "rate"), 100)
    assert found.verdict.grade == "refused"
    assert any("shape, rate" in reason for reason in found.verdict.reasons)
    assert found.covariance is None


def test_a_runaway_parameter_is_named_and_has_no_errors():
    """The likelihood levels off as the second parameter grows."""

    def objective(theta):
        value = -100 * (theta[0] ** 2 + np.exp(-theta[1]))
        return value, np.array([-200 * theta[0], 100 * np.exp(-theta[1])])

    found = maximise(objective, STARTS, ("steady", "growing"), 100)
    assert found.verdict.grade == "weak"
    assert found.verdict.reasons[0] == "runaway parameter: no finite optimum for growing"
    assert found.covariance is None


def test_starts_in_a_lower_optimum_are_counted():
    def objective(theta):  # maxima near −1 and +1, the right one higher
        t = theta[0]
        return 100 * (-((t**2 - 1) ** 2) + 0.2 * t), np.array([100 * (-4 * t * (t**2 - 1) + 0.2)])

    found = maximise(objective, [np.array([-1.0]), np.array([1.0])], ("t",), 100)
    assert found.log_params[0] > 0.9
    assert found.verdict.spread == pytest.approx(40, rel=0.05)
    assert "1 of 2 starts" in found.verdict.reasons[0]


def test_a_wrong_gradient_does_not_pass_as_converged():
    def objective(theta):
        value, gradient = gamma_likelihood(SAMPLE)(theta)
        return value, gradient + 50.0

    found = maximise(objective, STARTS, ("shape", "rate"), SAMPLE.size)
    right = gamma_likelihood(SAMPLE)(found.log_params)[1]
    assert found.verdict.grade != "good" or np.abs(right).max() > 1


def test_hessian_of_a_quadratic_is_exact():
    matrix = np.array([[-3.0, 1.0], [1.0, -2.0]])
    hessian = hessian_by_differences(lambda t: (t @ matrix @ t / 2, matrix @ t), np.ones(2))
    np.testing.assert_allclose(hessian, matrix, rtol=1e-9)


def test_result_reads_like_statsmodels(optimum):
    params = pd.Series(np.exp(optimum.log_params), index=["shape", "rate"], name="estimate")
    result = LikelihoodResult(params, optimum.covariance, optimum.llf, 5_000.0, optimum.verdict)
    bounds = result.conf_int(0.95)
    np.testing.assert_allclose(np.sqrt(bounds["lower"] * bounds["upper"]), params)
    assert (result.conf_int(0.5)["lower"] > bounds["lower"]).all()
    np.testing.assert_allclose(np.diag(result.cov_params()), result.bse**2)
    unknown = LikelihoodResult(params, None, optimum.llf, 5_000.0, optimum.verdict)
    assert unknown.bse is unknown.conf_int() is unknown.cov_params() is None
    assert list(unknown.summary().columns) == ["estimate"]
