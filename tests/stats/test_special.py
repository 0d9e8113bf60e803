"""Special functions against identities and direct quadrature."""

import numpy as np
import pytest
from scipy import special

from crmlib.stats.special import gauss_legendre, hyp2f1_negative, softplus


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
