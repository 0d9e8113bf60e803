"""Discounted expected residual lifetime against sums, integrals and closed forms."""

import numpy as np
import pytest
from scipy import integrate, stats

from crmlib.stats.optimise import NotIdentified
from crmlib.value import residual_lifetime
from crmlib.value.contract_value import retention_value
from crmlib.value.contracts import ShiftedBetaGeometric

SURVIVORS = [1000, 869, 743, 653, 593, 551, 517, 491]  # High End, Fader & Hardie (2007)
PARAMETERS = [
    (0.668, 3.806, 0, 0.1),
    (0.668, 3.806, 7, 0.008),
    (0.05, 2.0, 3, 0.008),
    (3.0, 400.0, 500, 0.004),  # scipy's hyp2f1 is wrong in the seventh digit here
    (30.0, 6_000.0, 100, 0.008),
    (1e6, 2e8, 40, 0.008),  # contracts that hardly differ
    (1e10, 2e12, 400, 0.001),
    (5.0, 0.01, 0, 0.1),  # almost everybody leaves at once
    (1e-7, 1e3, 0, 0.01),  # almost nobody ever does
]


@pytest.fixture(scope="module")
def fitted():
    return ShiftedBetaGeometric().fit_survivors(SURVIVORS)


def to_infinity(alpha, beta, renewed, rate):
    points = np.array([[alpha], [beta]])
    return residual_lifetime.expected(points, np.array([float(renewed)]), rate, np.inf, 1)[0, 0]


@pytest.mark.parametrize("alpha, beta, renewed, rate", PARAMETERS)
def test_equals_the_sum_to_convergence(alpha, beta, renewed, rate):
    """Σ S(n+k)/S(n)/(1+i)^k until the discount is e⁻⁴⁰."""
    k = np.arange(int(40 / np.log1p(rate)))
    terms = np.cumsum(-np.log1p(alpha / (beta + renewed + k)) - np.log1p(rate))
    expected = np.exp(terms).sum()
    assert to_infinity(alpha, beta, renewed, rate) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("alpha, beta, renewed, rate", PARAMETERS[:2])
def test_equals_the_mean_over_customers(alpha, beta, renewed, rate):
    """r/(1 + i − r) of one customer, over p ~ Beta(α, β + n) of those who renewed n times."""

    def integrand(p):
        return retention_value(1.0, 1 - p, rate) * stats.beta.pdf(p, alpha, beta + renewed)

    expected = integrate.quad(integrand, 0, 1, points=[1e-3, 1e-2, 0.1], limit=500)[0]
    assert to_infinity(alpha, beta, renewed, rate) == pytest.approx(expected, rel=1e-6)


def test_before_and_after_a_payment(fitted):
    """Just before the renewal the same payments come one period sooner."""
    after = fitted.residual_lifetime([0, 4], 0.1)
    before = fitted.residual_lifetime([0, 4], 0.1, first_payment=0)
    assert before == pytest.approx(1.1 * after)


def test_horizon(fitted):
    """One period is one retention; long horizons approach infinity from below."""
    assert fitted.residual_lifetime(3, 0.1, 1)[0] == pytest.approx(fitted.retention(4)[0] / 1.1)
    assert fitted.residual_lifetime(3, 0.1, 0)[0] == 0
    values = [fitted.residual_lifetime(3, 0.1, h)[0] for h in (5, 50, 500, np.inf)]
    assert np.all(np.diff(values[:3]) > 0)
    assert values[2] == pytest.approx(values[3], rel=1e-9)
    undiscounted = fitted.residual_lifetime(3, 0.0, 20)[0]
    assert undiscounted == pytest.approx(fitted.survival(range(1, 21), 3).sum())


def test_older_contracts_are_worth_more(fitted):
    assert (np.diff(fitted.residual_lifetime(range(40), 0.1)) > 0).all()


def test_without_discount_the_lifetime_is_infinite_where_alpha_is_below_one(fitted):
    with pytest.raises(NotIdentified, match="infinite without discounting"):
        fitted.residual_lifetime(0, 0.0)
    points = np.array([[3.0], [10.0]])
    value = residual_lifetime.expected(points, np.array([2.0]), 0.0, np.inf, 1)
    assert value[0, 0] == pytest.approx(12 / 2)


@pytest.mark.parametrize("alpha", [0.3, 40.0, 1e6, 1e10])
@pytest.mark.parametrize("renewed", [0, 7])
def test_survival_equals_the_product_of_retentions(alpha, renewed):
    beta = 50 * alpha
    steps = np.arange(400)
    expected = np.exp(np.cumsum(-np.log1p(alpha / (beta + renewed + steps))))
    found = residual_lifetime.survival(np.array([alpha, beta]), steps + 1.0, float(renewed))
    assert found == pytest.approx(expected, rel=1e-9)


def test_interval_equals_the_profile_likelihood(fitted):
    """The bounds are where the best likelihood that attains them has fallen by χ²/2."""
    interval = fitted.residual_lifetime_interval([5], 0.1, level=0.9).iloc[0]
    grid = np.exp(np.stack(np.meshgrid(np.linspace(-1.5, 0.8, 500), np.linspace(0.3, 2.6, 500))))
    alpha, beta = grid.reshape(2, -1)
    allowed = 2 * (fitted.llf - fitted.likelihood.llf(alpha, beta)) <= stats.chi2.ppf(0.9, 1)
    points = np.array([alpha[allowed], beta[allowed]])
    value = residual_lifetime.expected(points, np.array([5.0]), 0.1, np.inf, 1)
    assert interval["lo"] == pytest.approx(value.min(), abs=0.01)
    assert interval["hi"] == pytest.approx(value.max(), abs=0.01)
    assert interval["lo"] < interval["value"] < interval["hi"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"renewed": -1, "rate": 0.1}, "whole numbers, 0 or more: found -1"),
        ({"renewed": 0.5, "rate": 0.1}, "whole numbers, 0 or more: found 0.5"),
        ({"renewed": 0, "rate": -0.1}, "rate must be 0 or more"),
        ({"renewed": 0, "rate": np.nan}, "rate must be 0 or more"),
        ({"renewed": 0, "rate": 0.1, "horizon": 2.5}, "horizon must be whole periods"),
        ({"renewed": 0, "rate": 0.1, "first_payment": 2}, "first_payment must be 0 or 1"),
    ],
)
def test_impossible_questions(fitted, arguments, message):
    with pytest.raises(ValueError, match=message):
        fitted.residual_lifetime(**arguments)
