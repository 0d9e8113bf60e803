"""Closed forms of choosing under a normal effect, against quadrature and published values."""

import numpy as np
import pytest
from scipy import integrate, stats

from crmlib.roi.normal_loss import gain_of_knowing, preposterior_sd, sample_information


@pytest.mark.parametrize("mean, sd", [(0.0, 2.0), (1.5, 0.7), (-3.0, 1.2), (-6.0, 1.0)])
def test_gain_equals_quadrature(mean, sd):
    def kept(x):
        return x * stats.norm.pdf(x, mean, sd)

    positive = integrate.quad(kept, 0, max(mean, 0) + 40 * sd, epsabs=1e-18, limit=200)[0]
    assert gain_of_knowing(mean, sd) == pytest.approx(
        positive - max(0.0, mean), rel=1e-6, abs=1e-13
    )


def test_value_of_information_of_a_linear_choice():
    """Net benefit p1 − p2, p1 ~ N(1, 1), p2 ~ N(0, sd 2): worked values of the closed form."""
    assert gain_of_knowing(1, np.sqrt(5)) == pytest.approx(0.479811, abs=5e-7)
    assert gain_of_knowing(1, [1, 2]) == pytest.approx([0.083315, 0.395593], abs=5e-7)
    assert sample_information(1, 1, 1, [1, 10]) == pytest.approx([0.025127, 0.072325], abs=5e-7)


def test_gain_far_out_keeps_its_digits():
    """∫Φ(−x)dx beyond u by its asymptotic series φ(u)/u²·(1 − 3/u² + 15/u⁴ − …)."""
    u = 30.0
    series = stats.norm.pdf(u) / u**2 * (1 - 3 / u**2 + 15 / u**4 - 105 / u**6)
    assert float(gain_of_knowing(-u, 1.0)) == pytest.approx(series, rel=1e-6)
    assert gain_of_knowing([1e300, 1.0, 0.0], [1e-300, 0.0, 0.0]).tolist() == [0, 0, 0]


def test_posterior_mean_spreads_as_simulated():
    rng = np.random.default_rng(5)
    effect = rng.normal(0.4, 1.5, 400_000)
    estimate = effect + rng.normal(0, 2.0, effect.size)
    posterior = (estimate * 1.5**2 + 0.4 * 2.0**2) / (1.5**2 + 2.0**2)
    assert float(preposterior_sd(1.5, 2.0)) == pytest.approx(posterior.std(), rel=0.005)
    assert preposterior_sd(0.0, [0.0, 1.0, np.inf]).tolist() == [0, 0, 0]


def test_sample_information_grows_towards_knowing():
    n = np.array([0, 1, 10, 1_000, 10**9])
    found = sample_information(0.3, 1.0, 4.0, n)
    assert found[0] == 0 and (np.diff(found) > 0).all()
    assert found[-1] == pytest.approx(float(gain_of_knowing(0.3, 1.0)), rel=1e-6)


@pytest.mark.parametrize("mean, sd", [(0.0, -1.0), (np.nan, 1.0), (0.0, np.inf)])
def test_numbers_that_are_none_are_refused(mean, sd):
    with pytest.raises(ValueError, match="sd"):
        gain_of_knowing(mean, sd)
