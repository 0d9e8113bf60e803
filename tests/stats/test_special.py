"""Special functions against identities and direct quadrature."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special

from crmlib.stats.special import (
    gauss_legendre,
    hyp2f1_negative,
    log_power_integral,
    power_integral,
    softplus,
)


@pytest.mark.parametrize("big", [1.2, 27.0, 1001.0])
@pytest.mark.parametrize("s", [0.0, 0.3, 5.0, 80.0])
@pytest.mark.parametrize("a, b", [(0.8, 2.4), (1.0, 1.0), (3.5, 2.2)])
def test_hyp2f1_equals_eulers_integral(big, s, a, b):
    """∫ p^(a−1)(1−p)^(c−a−1)(1+ps)^(−big) dp / B(a, c−a), summed over logit(p)."""
    c = a + b + big - 1.2
    logit = np.linspace(-60, 60, 6_000)
    p = special.expit(logit)
    log_terms = a * np.log(p) + (c - a) * special.log_expit(-logit) - big * np.log1p(p * s)
    total = np.exp(log_terms).sum() * (logit[1] - logit[0])
    expected = total / special.beta(a, c - a)
    assert float(hyp2f1_negative(big, a, c, s)) == pytest.approx(expected, rel=2e-8)


@pytest.mark.parametrize(
    "big, a, c, s",
    [
        (162_758.0, 0.00166, 1_905.0, 26 / 3_044_995),
        (149_333.0, 935.0, 56_921.0, 1e-5),
        (162_760.0, 6e-6, 18_796.0, 26 / 718_271),
        (5.0, 105_565.0, 268_322.0, 0.65),
    ],
)
def test_hyp2f1_of_runaway_parameters_is_the_mean_over_a_beta(big, a, c, s):
    """scipy gives NaN for all of these; parameters as fits of tiny bases left them."""
    draws = (1 + s * np.random.default_rng(3).beta(a, c - a, 1_000_000)) ** -big
    value = float(hyp2f1_negative(big, a, c, s))
    assert abs(value - draws.mean()) < 5 * draws.std() / 1_000 + 2e-8


def test_hyp2f1_repairs_one_element_and_leaves_its_neighbours():
    both = hyp2f1_negative(np.array([5.0, 162_758.0]), 0.00166, 1_905.0, 8.5e-6)
    alone = [float(hyp2f1_negative(big, 0.00166, 1_905.0, 8.5e-6)) for big in (5.0, 162_758.0)]
    assert both.tolist() == alone and np.isfinite(both).all()


def test_softplus_at_the_ends():
    assert softplus(np.array([-np.inf, 0.0, 800.0])).tolist() == [0.0, np.log(2), 800.0]


def test_quadrature_is_exact_for_polynomials():
    points, weights = gauss_legendre(6)
    assert weights @ points**11 == pytest.approx(1 / 12, rel=1e-13)


@pytest.mark.parametrize(
    "alpha, beta", [(2.0, 9.0), (9.0, 2.0), (5.0, 5.0), (1e-3, 50.0), (80.0, 0.02)]
)
@pytest.mark.parametrize("rho, start", [(0.3, 0.0), (3.7, 12.0), (250.0, 1.0), (1e5, 39.0)])
def test_power_integral_equals_adaptive_quadrature(alpha, beta, rho, start):
    """Scaled by its value at the start, in the logarithm of time."""
    sigma, end = 1.6, 40.0
    near = min(alpha, beta) + start

    def integrand(y):
        grown = near * np.expm1(y)
        log = y - rho * np.log1p(grown / (alpha + start)) - sigma * np.log1p(grown / (beta + start))
        return np.exp(log)

    reach = np.log1p((end - start) / near)
    steps = np.append(0, np.geomspace(1e-7, 1, 40)) * reach
    pieces = [integrate.quad(integrand, a, b, epsrel=1e-12)[0] for a, b in pairwise(steps)]
    scale = np.log(near) - rho * np.log(alpha + start) - sigma * np.log(beta + start)
    point = [np.array([v]) for v in (rho, alpha, sigma, beta, start)]
    found = power_integral(*point, end)
    assert found.log[0] == pytest.approx(np.log(sum(pieces)) + scale, abs=1e-9, rel=1e-14)


def test_power_integral_slopes_equal_differences():
    """The derivatives by its four parameters, as the likelihood takes them."""
    point = [np.array([v]) for v in (3.7, 2.0, 1.6, 9.0, 12.0)]
    found = power_integral(*point, 40.0)
    slopes = [-found.log_alpha, -3.7 * found.per_alpha, -found.log_beta, -1.6 * found.per_beta]
    for k, slope in enumerate(slopes):
        up, down = [*point], [*point]
        up[k], down[k] = point[k] + 1e-5, point[k] - 1e-5
        numeric = (power_integral(*up, 40.0).log - power_integral(*down, 40.0).log) / 2e-5
        assert slope == pytest.approx(numeric, rel=1e-7)


def test_power_integral_of_many_rows_is_that_of_each():
    rng = np.random.default_rng(1)
    columns = [*rng.uniform(0.5, 9, (4, 25_000)), rng.uniform(0, 39, 25_000)]
    together = power_integral(*columns, 40.0)
    for row in (0, 499, 500, 19_999, 24_999):
        alone = power_integral(*(column[[row]] for column in columns), 40.0)
        assert [float(v[row]) for v in together] == pytest.approx([float(v[0]) for v in alone])
    assert (log_power_integral(*columns, 40.0) == together.log).all()
