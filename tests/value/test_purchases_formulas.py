"""BG/NBD expectations against closed forms, quadrature over the prior, and simulation."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy import integrate, special, stats

from crmlib.value import expectations

CDNOW_PARAMS = np.array([0.2426, 4.4136, 0.7929, 2.4259])


def closed_form(params, x, recency, observed_time, horizon):
    """Fader, Hardie & Lee (2005), eq. 10, as printed."""
    r, alpha, a, b = params
    z = horizon / (alpha + observed_time + horizon)
    hyper = special.hyp2f1(r + x, b + x, a + b + x - 1, z)
    ratio = ((alpha + observed_time) / (alpha + observed_time + horizon)) ** (r + x)
    numerator = (a + b + x - 1) / (a - 1) * (1 - ratio * hyper)
    odds = a / (b + x - 1) * ((alpha + observed_time) / (alpha + recency)) ** (r + x)
    return numerator / (1 + (x > 0) * odds)


def exact_closed_form(params, x, observed_time, horizon):
    """The same given active, in 60 digits: what cancels in the closed form cannot hurt."""
    with localcontext() as context:
        context.prec = 60
        r, alpha, a, b, x, end, t = map(Decimal, (*map(float, params), x, observed_time, horizon))
        z = t / (alpha + end + t)
        term = hyper = Decimal(1)
        for k in range(20_000):
            term *= (r + x + k) * (b + x + k) / ((a + b + x - 1 + k) * (k + 1)) * z
            hyper += term
            if k > r + x and abs(term) < hyper * Decimal("1e-55"):
                break
        ratio = ((alpha + end) / (alpha + end + t)) ** (r + x)
        return float((a + b + x - 1) / (a - 1) * (1 - ratio * hyper))


def integral_form(params, x, recency, observed_time, horizon, rate=0.0):
    ahead = expectations.purchases_if_alive(params, x, observed_time, horizon, rate)
    history = (np.array([x]), np.array([recency]), np.array([observed_time]))
    return float(ahead * expectations.probability_alive(params, *history)[0])


@pytest.mark.parametrize("x, recency", [(0.0, 0.0), (1.0, 3.0), (2.0, 30.43), (26.0, 38.0)])
@pytest.mark.parametrize("horizon", [1.0, 39.0, 520.0])
def test_integral_equals_published_closed_form(x, recency, horizon):
    expected = closed_form(CDNOW_PARAMS, x, recency, 38.86, horizon)
    assert integral_form(CDNOW_PARAMS, x, recency, 38.86, horizon) == pytest.approx(
        expected, rel=1e-9
    )


def test_published_customer():
    """Fader, Hardie & Lee (2005), section 4: x=2, t_x=30.43, T=38.86 expects 1.226 in 39 weeks."""
    params = np.array([0.243, 4.414, 0.793, 2.426])
    assert integral_form(params, 2.0, 30.43, 38.86, 39.0) == pytest.approx(1.226, abs=5e-4)


@pytest.mark.parametrize("a", [0.2, 0.7929, 1 + 2**-30, 3.0])
@pytest.mark.parametrize("x", [0.0, 2.0, 26.0, 400.0])
@pytest.mark.parametrize("horizon", [1.0, 39.0, 520.0])
def test_integral_is_exact_to_thirteen_digits(a, x, horizon):
    params = np.array([0.2426, 4.4136, a, 2.4259])
    ahead = float(expectations.purchases_if_alive(params, x, 38.86, horizon, 0.0))
    exact = exact_closed_form(params, x, 38.86, horizon)
    assert ahead == pytest.approx(exact, rel=3e-13)


def test_the_closed_form_fails_near_a_equal_to_one_and_for_heavy_buyers():
    """It loses three digits at 1e-9 from 1, all at 1, and has no value for x = 1,001."""

    def closed_if_alive(a, x):
        params = np.array([0.25, 4.0, a, 2.5])
        with np.errstate(all="ignore"):
            z = 52 / (4.0 + 39 + 52)
            hyper = special.hyp2f1(0.25 + x, 2.5 + x, a + 2.5 + x - 1, z)
            ratio = ((4.0 + 39) / (4.0 + 39 + 52)) ** (0.25 + x)
            printed = (a + 2.5 + x - 1) / (np.float64(a) - 1) * (1 - ratio * hyper)
        return printed, float(expectations.purchases_if_alive(params, x, 39.0, 52.0, 0.0))

    printed, ours = closed_if_alive(1 + 2**-40, 3.0)
    exact = exact_closed_form([0.25, 4.0, 1 + 2**-40, 2.5], 3.0, 39.0, 52.0)
    assert abs(printed / exact - 1) > 1e-6
    assert ours == pytest.approx(exact, rel=3e-13)
    printed, ours = closed_if_alive(1.0, 3.0)
    assert not np.isfinite(printed) and np.isfinite(ours)
    printed, ours = closed_if_alive(0.8, 1_001.0)
    assert not np.isfinite(printed)
    exact = exact_closed_form([0.25, 4.0, 0.8, 2.5], 1_001.0, 39.0, 52.0)
    assert ours == pytest.approx(exact, rel=1e-12)


def test_no_hole_at_a_equal_to_one():
    """The closed form divides by a − 1; the integral passes through."""
    near = [
        integral_form(np.array([0.25, 4.0, a, 2.5]), 3.0, 20.0, 39.0, 52.0)
        for a in (1 - 1e-4, 1.0, 1 + 1e-4)
    ]
    assert near[1] == pytest.approx((near[0] + near[2]) / 2, rel=1e-7)
    sides = [
        closed_form(np.array([0.25, 4.0, a, 2.5]), 3.0, 20.0, 39.0, 52.0) for a in (0.999, 1.001)
    ]
    assert near[1] == pytest.approx(np.mean(sides), rel=1e-5)


@pytest.mark.parametrize("x", [0.0, 4.0, 1500.0])
def test_discounting_equals_quadrature_over_the_posterior(x):
    """E[λ exp(−λpτ)] integrated over p ~ Beta(a, b+x) and τ, without any 2F1."""
    r, alpha, a, b = params = np.array([0.5, 4.0, 1.2, 2.5])
    end, rate = 39.0, 0.01

    def purchase_rate(tau: float) -> float:
        def given(p: float) -> float:
            decay = (1 + p * tau / (alpha + end)) ** -(r + x + 1)
            return stats.beta.pdf(p, a, b + x) * decay

        peak = a / (a + b + x)
        return (r + x) / (alpha + end) * integrate.quad(given, 0, 1, points=[peak])[0]

    expected = integrate.quad(lambda t: np.exp(-rate * t) * purchase_rate(t), 0, 100)[0]
    actual = float(expectations.purchases_if_alive(params, x, end, 100.0, rate))
    assert actual == pytest.approx(expected, rel=1e-6)


def test_infinite_horizon_is_the_limit_of_long_ones():
    infinite = expectations.purchases_if_alive(CDNOW_PARAMS, 2.0, 30.0, np.inf, 0.0027)
    long = expectations.purchases_if_alive(CDNOW_PARAMS, 2.0, 30.0, 20_000.0, 0.0027, 200)
    assert float(infinite) == pytest.approx(float(long), rel=1e-9)


def test_frequency_probabilities_equal_the_printed_sum():
    """FHL eq. 8 with its bracket written out."""
    r, alpha, a, b = CDNOW_PARAMS
    t, x = 25.0, 4
    share = t / (alpha + t)
    j = np.arange(x)
    negative_binomial = stats.nbinom.pmf(np.arange(x + 1), r, 1 - share)
    stayed = special.beta(a, b + x) / special.beta(a, b) * negative_binomial[x]
    left = special.beta(a + 1, b + x - 1) / special.beta(a, b) * (1 - negative_binomial[j].sum())
    table = expectations.frequency_probabilities(CDNOW_PARAMS, np.array([t]), 10)
    assert table[0, x] == pytest.approx(stayed + left, rel=1e-10)
    assert table.sum() == pytest.approx(1)


def test_expectations_equal_simulation(simulate):
    """Means of 150,000 simulated customers, by observed frequency, within 4 standard errors."""
    world = simulate(CDNOW_PARAMS, np.full(150_000, 39.0), seed=1, horizon=39.0)
    x, recency, end = (world[c].to_numpy() for c in ("frequency", "recency", "observed_time"))
    ahead = expectations.purchases_if_alive(CDNOW_PARAMS, x, end, 39.0, 0.0)
    world["predicted"] = ahead * expectations.probability_alive(CDNOW_PARAMS, x, recency, end)
    world["gap"] = world["future"] - world["predicted"]
    by_frequency = world.groupby(world["frequency"].clip(upper=7))["gap"]
    assert (by_frequency.mean().abs() < 4 * by_frequency.sem()).all()
    assert abs(world["gap"].mean()) < 4 * world["gap"].sem()

    new = expectations.purchases_if_alive(CDNOW_PARAMS, 0.0, 0.0, 39.0, 0.0)
    assert abs(world["frequency"].mean() - float(new)) < 4 * world["frequency"].sem()
    table = expectations.frequency_probabilities(CDNOW_PARAMS, np.array([39.0]), 5)[0]
    observed = np.bincount(np.minimum(x, 5).astype(int)) / x.size
    assert np.abs(observed - table).max() < 4 * np.sqrt(0.25 / x.size)
