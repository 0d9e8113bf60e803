"""Gamma-Gamma: published figures, the usual mistake, gradient, refusals, invariances."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import optimize, stats

from crmlib.stats.optimise import NotIdentified
from crmlib.value.spend import GammaGamma, SpendLikelihood

TRUTH = np.array([4.0, 3.0, 20.0])


@pytest.fixture(scope="module")
def repeat_buyers(cdnow) -> pd.DataFrame:
    return cdnow[(cdnow["frequency"] > 0) & (cdnow["mean_repeat_spend"] > 0)]


def spenders(count: int, seed: int, params=TRUTH) -> pd.DataFrame:
    """Mean of x purchases ~ Gamma(p, ν) each, ν ~ Gamma(q, v)."""
    p, q, v = params
    rng = np.random.default_rng(seed)
    x = 1 + rng.poisson(2.0, count)
    nu = rng.gamma(q, 1 / v, count)
    return pd.DataFrame({"x": x, "spend": rng.gamma(p * x, 1 / nu) / x, "mean": p / nu})


def test_published_figures(repeat_buyers):
    """Fader & Hardie (2013), section 4: 946 customers, same-day rows summed, repeat days only."""
    fitted = GammaGamma().fit(repeat_buyers["frequency"], repeat_buyers["mean_repeat_spend"])
    assert fitted.nobs == 946
    assert_allclose(fitted.params, [6.25, 3.74, 15.44], rtol=0, atol=0.005)
    assert fitted.llf == pytest.approx(-4055.92, abs=0.005)
    assert fitted.verdict.grade == "good"


def test_means_over_all_purchases_give_the_wrong_figures(repeat_buyers):
    """The trap: 7.86 / 3.97 / 13.33 where the first purchase counts among x and in the mean."""
    fitted = GammaGamma().fit(repeat_buyers["frequency"] + 1, repeat_buyers["mean_any_spend"])
    assert_allclose(fitted.params, [7.86, 3.97, 13.33], rtol=0, atol=0.005)


def test_dependence_is_spearmans(repeat_buyers):
    x, spend = repeat_buyers["frequency"], repeat_buyers["mean_repeat_spend"]
    fitted = GammaGamma().fit(x, spend)
    assert fitted.dependence == pytest.approx(stats.spearmanr(x, spend).statistic, abs=1e-12)
    assert fitted.dependence == pytest.approx(0.21, abs=0.005)


@pytest.mark.parametrize("seed", range(6))
def test_gradient_equals_differences(seed):
    table = spenders(50, seed)
    likelihood = SpendLikelihood.of(table["x"].to_numpy(float), table["spend"].to_numpy() / 10)
    objective = likelihood.objective(np.random.default_rng(seed).random(50))
    theta = np.random.default_rng(seed).normal(0.5, 0.5, 3)
    numeric = optimize.approx_fprime(theta, lambda at: objective(at)[0], 1e-6)
    assert_allclose(objective(theta)[1], numeric, rtol=1e-4, atol=1e-3)


def test_planted_parameters_and_conditional_means():
    """Estimates within 4 standard errors; expected spend is unbiased given what was seen."""
    table = spenders(40_000, 1)
    fitted = GammaGamma().fit(table["x"], table["spend"])
    assert (np.abs(fitted.params - TRUTH) < 4 * fitted.bse).all()
    assert fitted.mean == pytest.approx(table["mean"].mean(), rel=0.02)
    assert fitted.median == pytest.approx(table["mean"].median(), rel=0.02)
    gap = table["mean"] - fitted.expected_spend(table["x"], table["spend"])
    by_history = gap.groupby([table["x"].clip(upper=4), pd.qcut(table["spend"], 4)], observed=True)
    assert (by_history.mean().abs() < 4 * by_history.sem() + 0.005 * fitted.mean).all()


def test_without_repeat_purchase_the_population_mean():
    table = spenders(2_000, 2)
    fitted = GammaGamma().fit(table["x"], table["spend"])
    expected = fitted.expected_spend([0, 0, 2], [np.nan, 5.0, 30.0])
    assert_allclose(expected[:2], fitted.mean)
    assert min(30.0, fitted.mean) < expected[2] < max(30.0, fitted.mean)


def test_infinite_mean_is_refused_with_the_median():
    table = spenders(4_000, 3, params=(3.0, 0.8, 5.0))
    fitted = GammaGamma().fit(table["x"], table["spend"])
    assert fitted.verdict.grade == "refused"
    assert "infinite mean" in fitted.verdict.reasons[0]
    assert fitted.median == pytest.approx(table["mean"].median(), rel=0.1)
    p, q, v = fitted.params
    assert p * v / (q - 1) < 0  # the formula of the mean, used where there is none
    with pytest.raises(NotIdentified, match=r"infinite .* median is"):
        fitted.expected_spend([1], [10.0])


def test_one_repeat_purchase_each_does_not_identify_p():
    with pytest.raises(NotIdentified, match="two repeat purchases"):
        GammaGamma().fit([1, 1, 1], [5.0, 8.0, 20.0])


@pytest.mark.parametrize(
    "x, spend, message",
    [
        ([0, 2], [5.0, 5.0], "frequency must be at least 1: 0 at position 0"),
        ([1, 2], [5.0, 0.0], "mean_spend must be positive: 0 at position 1"),
        ([1, 2], [5.0, np.nan], "mean_spend must be finite: found nan at position 1"),
        ([1, 2], [5.0], "mean_spend has 1 values where 2 were expected"),
    ],
)
def test_impossible_input_is_named(x, spend, message):
    with pytest.raises(ValueError, match=message):
        GammaGamma().fit(x, spend)


@settings(max_examples=8, deadline=None)
@given(currency=st.sampled_from([100.0, 0.01]) | st.floats(1e-4, 1e6), seed=st.integers(0, 99))
def test_currency_order_and_weights(currency, seed):
    table = spenders(600, 7)
    one = GammaGamma().fit(table["x"], table["spend"])
    weights = np.random.default_rng(seed).integers(1, 3, len(table))
    shuffled = table.loc[table.index.repeat(weights)].sample(frac=1, random_state=seed)
    copied = GammaGamma().fit(shuffled["x"], shuffled["spend"])
    weighted = GammaGamma().fit(table["x"], table["spend"] * currency, weights=weights)
    assert_allclose(weighted.params, copied.params * [1, 1, currency], rtol=1e-5)
    rescaled = GammaGamma().fit(table["x"], table["spend"] * currency)
    assert_allclose(rescaled.params, one.params * [1, 1, currency], rtol=1e-5)
    assert_allclose(rescaled.bse, one.bse * [1, 1, currency], rtol=1e-4)
    assert rescaled.llf + len(table) * np.log(currency) == pytest.approx(one.llf, abs=1e-6)
