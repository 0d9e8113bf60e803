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


def test_softplus_at_the_ends():
    assert softplus(np.array([-np.inf, 0.0, 800.0])).tolist() == [0.0, np.log(2), 800.0]


def test_quadrature_is_exact_for_polynomials():
    points, weights = gauss_legendre(6)
    assert weights @ points**11 == pytest.approx(1 / 12, rel=1e-13)
