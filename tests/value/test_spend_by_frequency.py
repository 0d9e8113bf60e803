"""Spend that depends on frequency: recovery, nesting, refusals, and the choice of a model."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats

from crmlib.stats.grouping import group_rows
from crmlib.stats.optimise import NotIdentified
from crmlib.value import BetaGeometric, holdout_money, holdout_scorecard, lifetime_values
from crmlib.value.frequency_bands import FrequencyBands
from crmlib.value.futures import Histories, simulate_spend
from crmlib.value.spend import GammaGamma, SpendLikelihood, expected_spend
from crmlib.value.spend_by_frequency import (
    GammaGammaByFrequency,
    equal_means_p_value,
    fit_spend,
)

BANDS = FrequencyBands((1, 2, 4))
BANDS_OF_TWO = FrequencyBands((1, 3))
TRUTH = np.array([4.0, 2.6, 3.0, 4.0, 14.0, 20.0, 33.0])  # p, q and v of three bands
HISTORY = ["frequency", "recency", "observed_time"]


def spenders(count: int, seed: int, params=TRUTH, bands=BANDS) -> pd.DataFrame:
    """Frequency first; the mean of x purchases ~ Gamma(p, ν) each, ν ~ Gamma(q, v) by band."""
    rng = np.random.default_rng(seed)
    x = 1 + rng.poisson(rng.gamma(1.0, 2.0, count))
    number = len(bands.starts)
    band = np.array([sum(each >= start for start in bands.starts) - 1 for each in x])
    q, v = params[1 : 1 + number][band], params[1 + number :][band]
    nu = rng.gamma(q, 1 / v)
    spend = rng.gamma(params[0] * x, 1 / nu) / x
    return pd.DataFrame({"x": x, "spend": spend, "mean": params[0] / nu, "band": band})


@pytest.fixture(scope="module")
def world():
    return spenders(40_000, 1)


@pytest.fixture(scope="module")
def fitted(world):
    return GammaGammaByFrequency(BANDS).fit(world["x"], world["spend"])


def test_planted_parameters_and_conditional_means(world, fitted):
    """Within 4 standard errors; expected spend is unbiased given what was seen, in each band."""
    assert fitted.verdict.grade == "good"
    assert list(fitted.params.index) == [
        "p", "q: 1", "q: 2–3", "q: 4+", "v: 1", "v: 2–3", "v: 4+",
    ]  # fmt: skip
    assert (np.abs(fitted.params - TRUTH) < 4 * fitted.bse).all()
    gap = world["mean"] - fitted.expected_spend(world["x"], world["spend"])
    by_history = gap.groupby([world["band"], pd.qcut(world["spend"], 4)], observed=True)
    assert (by_history.mean().abs() < 4 * by_history.sem() + 0.005 * fitted.mean).all()


def test_mean_and_median_are_those_of_the_customers(world, fitted):
    assert fitted.mean == pytest.approx(world["mean"].mean(), rel=0.02)
    assert fitted.median == pytest.approx(world["mean"].median(), rel=0.02)


def test_the_pooled_model_is_biased_where_this_one_is_not(world, fitted):
    for band in (0, 2):
        rows = world[world["band"] == band]
        pooled, own = (
            rows["mean"] - model.expected_spend(rows["x"], rows["spend"])
            for model in (fitted.pooled, fitted)
        )
        assert abs(pooled.mean()) > 6 * pooled.sem()
        assert abs(own.mean()) < 4 * own.sem()


def test_without_repeat_purchase_the_mean_of_the_lowest_band(fitted):
    expected = fitted.expected_spend([0, 0], [np.nan, 70.0])
    p, q, v = fitted.params[["p", "q: 1", "v: 1"]]
    assert_allclose(expected, p * v / (q - 1))
    assert fitted.verdict.notes == (
        "customers without repeat purchase are valued with the mean spend of those "
        "with 1 repeat purchase",
    )


@pytest.mark.parametrize("seed", range(3))
def test_gradient_equals_differences(seed):
    table = spenders(60, seed)
    likelihood = SpendLikelihood.of(table["x"].to_numpy(float), table["spend"] / 10, BANDS)
    objective = likelihood.objective(np.random.default_rng(seed).random(60))
    theta = np.random.default_rng(seed).normal(0.5, 0.5, 7)
    numeric = optimize.approx_fprime(theta, lambda at: objective(at)[0], 1e-6)
    assert_allclose(objective(theta)[1], numeric, rtol=1e-4, atol=1e-3)


def test_likelihood_equals_the_sum_of_integrals_over_customers():
    """Density of each mean given ν, integrated over ν ~ Gamma(q, v) of the customer's band."""
    table = spenders(25, 5)
    p, q, v = TRUTH[0], TRUTH[1:4], TRUTH[4:]
    total = 0.0
    for x, spend, band in table[["x", "spend", "band"]].itertuples(index=False):

        def given(nu, x=x, spend=spend, band=band):
            density = stats.gamma.pdf(spend, p * x, scale=1 / (nu * x))
            return density * stats.gamma.pdf(nu, q[band], scale=1 / v[band])

        peak = (p * x + q[band]) / (v[band] + x * spend)
        ends = (0, peak / 2, peak, 2 * peak, 40 * peak)
        pieces = itertools.pairwise(ends)
        total += np.log(sum(integrate.quad(given, *piece, epsrel=1e-12)[0] for piece in pieces))
    likelihood = SpendLikelihood.of(table["x"].to_numpy(float), table["spend"].to_numpy(), BANDS)
    assert likelihood.objective(np.ones(25))(np.log(TRUTH))[0] == pytest.approx(total, abs=1e-7)


def test_one_band_is_the_pooled_model(world):
    part = world.head(3_000)
    one = GammaGammaByFrequency(FrequencyBands((1,))).fit(part["x"], part["spend"])
    pooled = GammaGamma().fit(part["x"], part["spend"])
    assert one.llf == pytest.approx(pooled.llf, abs=1e-8)
    assert_allclose(one.params, pooled.params)
    test = one.likelihood_ratio()
    assert (test["statistic"], test["degrees_of_freedom"], test["p_value"]) == (0, 0, 1)


def test_equal_bands_have_the_likelihood_of_the_pooled_model(world):
    part = world.head(3_000)
    x, spend = part["x"].to_numpy(float), part["spend"].to_numpy()
    theta = np.log([3.0, 2.5, 15.0])
    values = [
        SpendLikelihood.of(x, spend, bands).objective(np.ones(3_000))(np.repeat(theta, times))[0]
        for bands, times in ((FrequencyBands(), 1), (BANDS, [1, 3, 3]))
    ]
    assert values[1] == pytest.approx(values[0], abs=1e-8)


def test_never_below_the_pooled_model_even_on_a_ridge():
    """Everybody spends the same: no start from afar comes near the pooled fit."""
    x = np.random.default_rng(1).geometric(0.3, 600).astype(float)
    found = GammaGammaByFrequency().fit(x, np.full(600, 20.0))
    assert found.llf >= found.pooled.llf - 1e-6
    assert found.verdict.grade == "weak"
    assert fit_spend(x, np.full(600, 20.0)).pooled is None


def test_between_the_pooled_model_and_a_model_for_each_band(world, fitted):
    """p of each band its own could only do better; the lowest band alone does not identify it."""
    test = fitted.likelihood_ratio()
    assert test["statistic"] == pytest.approx(2 * (fitted.llf - fitted.pooled.llf))
    assert test["degrees_of_freedom"] == 4
    assert test["p_value"] < 1e-6
    bands = FrequencyBands((1, 4))
    two = GammaGammaByFrequency(bands).fit(world["x"], world["spend"])
    apart = sum(
        GammaGamma().fit(rows["x"], rows["spend"]).llf
        for _, rows in world.groupby(bands.of(world["x"]))
    )
    assert two.pooled.llf < two.llf < fitted.llf
    assert two.llf < apart


@pytest.mark.slow
def test_likelihood_ratio_keeps_its_level():
    """300 independent worlds of skewed spend: 1 % is held within 3 Monte-Carlo errors of 5 %."""
    truth = np.array([1.0, *[3.0] * 3, *[20.0] * 3])
    rejected = 0
    for seed in range(300):
        table = spenders(1_500, seed, truth)
        found = GammaGammaByFrequency(BANDS).fit(table["x"], table["spend"])
        rejected += found.likelihood_ratio()["p_value"] < 0.05
    assert abs(rejected / 300 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 300)


def test_currency_order_and_weights(world):
    part = world.head(2_500)
    one = GammaGammaByFrequency(BANDS).fit(part["x"], part["spend"])
    unit = np.array([1.0] * 4 + [100.0] * 3)
    cents = GammaGammaByFrequency(BANDS).fit(part["x"], part["spend"] * 100)
    assert_allclose(cents.params, one.params * unit, rtol=1e-5)
    assert_allclose(cents.bse, one.bse * unit, rtol=1e-4)
    assert cents.llf + len(part) * np.log(100) == pytest.approx(one.llf, abs=1e-6)
    expected = one.expected_spend(part["x"], part["spend"])
    assert_allclose(cents.expected_spend(part["x"], part["spend"] * 100), 100 * expected, rtol=1e-5)
    shuffled = part.sample(frac=1, random_state=2)
    assert (
        GammaGammaByFrequency(BANDS).fit(shuffled["x"], shuffled["spend"]).params.equals(one.params)
    )
    weights = np.random.default_rng(3).integers(1, 4, len(part))
    copied = part.loc[part.index.repeat(weights)]
    split = part.loc[part.index.repeat(2)]
    results = [
        GammaGammaByFrequency(BANDS).fit(rows["x"], rows["spend"], counts)
        for rows, counts in ((part, weights), (copied, None), (split, np.repeat(weights / 2, 2)))
    ]
    for other in results[1:]:
        assert_allclose(other.params, results[0].params, rtol=1e-6)
        assert_allclose(other.bse, results[0].bse, rtol=1e-5)


def test_a_group_too_small_is_refused_without_its_number(world):
    part = world[world["x"] <= 6].head(2_000)
    with pytest.raises(NotIdentified, match=r"fewer than 50 customers with 7\+ repeat purchases"):
        GammaGammaByFrequency(FrequencyBands((1, 3, 7))).fit(part["x"], part["spend"])


def test_an_infinite_mean_in_one_group_is_refused():
    table = spenders(6_000, 4, np.array([4.0, 3.0, 3.0, 0.7, 20.0, 20.0, 6.0]))
    found = GammaGammaByFrequency(BANDS).fit(table["x"], table["spend"])
    assert found.verdict.grade == "refused"
    assert "infinite mean" in found.verdict.reasons[0]
    assert found.median == pytest.approx(table["mean"].median(), rel=0.1)
    with pytest.raises(NotIdentified, match=r"infinite .* median is"):
        found.expected_spend([1], [10.0])
    assert fit_spend(table["x"], table["spend"]).bands == FrequencyBands((1,))


def test_auto_takes_groups_where_spend_depends_on_frequency(world):
    chosen = fit_spend(world["x"], world["spend"])
    assert len(chosen.bands.starts) > 1
    assert "since spend depends on frequency: likelihood ratio" in chosen.choice
    few = fit_spend(world["x"].head(80), world["spend"].head(80))
    assert "too few with repeat purchases" in few.choice


def lognormal(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Independent of frequency, skewed, and not Gamma."""
    rng = np.random.default_rng(seed)
    x = 1 + rng.poisson(rng.gamma(1.0, 2.0, count))
    level = np.exp(rng.normal(3, 0.4, count))
    return x, np.array([level[i] * np.exp(rng.normal(0, 0.8, k)).mean() for i, k in enumerate(x)])


def test_skewed_spend_without_dependence_stays_pooled():
    """Rank correlation and likelihood ratio are both significant: of skewness and of shape."""
    x, spend = lognormal(10_000, 1)
    pooled = fit_spend(x, spend)
    assert stats.spearmanr(x, spend).pvalue < 1e-6
    assert GammaGammaByFrequency().fit(x, spend).likelihood_ratio()["p_value"] < 1e-4
    assert pooled.bands.starts == (1,) and pooled.pooled is None
    assert "mean spend of groups by frequency differs by no more than chance" in pooled.choice


def test_test_of_equal_means_keeps_its_level():
    """400 samples without dependence: 5 % within 3 Monte-Carlo errors."""
    found = GammaGammaByFrequency(BANDS_OF_TWO).fit(*lognormal(400, 0))
    p_values = np.array(
        [
            equal_means_p_value(replace(found, groups=group_rows(*lognormal(300, seed))))
            for seed in range(400)
        ]
    )
    assert abs((p_values < 0.05).mean() - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 400)


def test_a_likelihood_no_higher_than_by_chance_stays_pooled(monkeypatch, world):
    fit = GammaGammaByFrequency.fit

    def fitted(self, *data):
        found = fit(self, *data)
        return replace(found, llf=found.pooled.llf + 2.0)

    monkeypatch.setattr(GammaGammaByFrequency, "fit", fitted)
    pooled = fit_spend(world["x"], world["spend"])
    assert pooled.pooled is None
    assert "would fit no better than by chance (likelihood ratio 4.0 with 6" in pooled.choice


def test_settings_may_force_either(world):
    part = world.head(3_000)
    pooled = fit_spend(part["x"], part["spend"], "gamma_gamma")
    assert pooled.likelihood_ratio() is None and "as set" in pooled.choice
    forced = fit_spend(part["x"], part["spend"], "by_frequency")
    assert len(forced.bands.starts) == 4 and "as set: likelihood ratio" in forced.choice
    with pytest.raises(ValueError, match="must be auto, gamma_gamma or by_frequency: got 'other'"):
        fit_spend(part["x"], part["spend"], "other")


def test_cdnow_follows_the_means_of_its_groups(cdnow):
    """Expected means of the bands within 1.5 standard errors of those observed."""
    repeat = cdnow[cdnow["mean_repeat_spend"] > 0]
    x, spend = repeat["frequency"], repeat["mean_repeat_spend"]
    found = GammaGammaByFrequency().fit(x, spend)
    assert found.nobs == 946
    assert len(found.bands.starts) == 4
    observed = spend.groupby(found.bands.of(x)).mean().to_numpy()
    names = [f"{name}: {label}" for name in "qv" for label in found.bands.labels]
    q, v = found.params[names].to_numpy().reshape(2, -1)
    error = spend.groupby(found.bands.of(x)).sem().to_numpy()
    assert (np.abs(found.params["p"] * v / (q - 1) - observed) < 1.5 * error).all()


def test_cdnow_stays_pooled_since_p_runs_away(cdnow):
    """p is 6.25 without groups and 28.5 with them; single customers' amounts say 3 to 4."""
    repeat = cdnow[cdnow["mean_repeat_spend"] > 0]
    found = GammaGammaByFrequency().fit(repeat["frequency"], repeat["mean_repeat_spend"])
    assert found.likelihood_ratio()["p_value"] < 1e-6
    assert found.verdict.grade == "weak"
    assert found.verdict.reasons == (
        "p is 28.5 with groups by frequency and 6.25 without: "
        "they make up for amounts that are not Gamma",
    )
    chosen = fit_spend(repeat["frequency"], repeat["mean_repeat_spend"])
    assert chosen.params.to_numpy() == pytest.approx([6.25, 3.74, 15.44], abs=0.005)


SETTINGS = {
    "horizon": 52.0,
    "rate": 0.0027,
    "margin_rate": 0.3,
    "replications": 25,
    "seed": 11,
    "level": 0.9,
    "tier_cuts": (0.5, 0.8),
    "tier_labels": ("high", "medium", "low"),
}


@pytest.fixture(scope="module")
def models(cdnow):
    repeat = cdnow[cdnow["mean_repeat_spend"] > 0]
    spend = GammaGammaByFrequency(BANDS_OF_TWO)
    return (
        BetaGeometric().fit(*(cdnow[c] for c in HISTORY)),
        spend.fit(repeat["frequency"], repeat["mean_repeat_spend"]),
    )


def test_lifetime_values_take_it(cdnow, models):
    purchases, spend = models
    base = cdnow.reset_index().assign(current_value=1.0)
    valued = lifetime_values(base, *models, **SETTINGS)
    ahead = purchases.discounted_expected_purchases(52.0, 0.0027, *(cdnow[c] for c in HISTORY))
    each = spend.expected_spend(cdnow["frequency"], cdnow["mean_repeat_spend"])
    table = valued.customers
    assert table["future_value"].to_numpy() == pytest.approx(0.3 * ahead * each)
    assert np.isfinite(table.select_dtypes("number")).all(axis=None)
    assert valued.notes == spend.verdict.notes
    assert "are valued with the mean spend of those with 1–2 repeat purchases" in valued.notes[0]
    assert valued.equity.lo < valued.equity.value < valued.equity.hi
    parameters = valued.replicates[list(spend.params.index)]
    spread = np.log(parameters).std() / np.sqrt(np.diag(spend.log_covariance))
    assert spread.between(0.4, 2.0).all()
    other = GammaGammaByFrequency(BANDS_OF_TWO).fit([1, 2, 4] * 60, [9.0, 8.0, 30.0] * 60)
    with pytest.raises(ValueError, match="spend_result was not fitted to these customers"):
        lifetime_values(base, purchases, other, **SETTINGS)


def test_simulated_futures_average_to_the_expectation_in_every_band():
    histories = Histories(*np.array([[0, 1, 6], [0, 30, 38], [39, 39, 39], [0, 35, 20.0]]))
    theta, futures = np.array([0.5, 5.0, 0.8, 2.5]), 40_000
    params = np.array([4.0, 9.0, 12.0, 11.0, 60.0, 90.0, 30.0])
    rows = [np.tile(row, (futures, 1)) for row in (theta, params)]
    plan = {"horizon": 52.0, "rate": 0.01, "rng": np.random.default_rng(2), "bands": BANDS}
    spend = simulate_spend(histories, *rows, **plan)
    x, end = histories.frequency, histories.observed_time
    model = BetaGeometric()
    ahead = model.purchases_if_alive(theta, x, end, 52.0, 0.01)
    ahead = ahead * model.probability_alive(theta, x, histories.recency, end)
    expected = ahead * expected_spend(params, x, x * histories.mean_spend, BANDS)
    assert (np.abs(spend.mean(axis=1) - expected) < 4.5 * spend.std(axis=1) / 200).all()


def test_holdout_in_money_takes_it(cdnow, models):
    purchases, spend = models
    history = [cdnow[c] for c in HISTORY]
    card = holdout_scorecard(*history, cdnow["holdout"], 39.0, purchases, cdnow["previous_window"])
    money = [cdnow["frequency"], cdnow["mean_repeat_spend"], cdnow["realised"], cdnow["realised"]]
    table = holdout_money(card, spend, *money, best_share=0.2)
    expected = card.predicted @ spend.expected_spend(*money[:2])
    assert table["total_predicted"].iloc[0] == pytest.approx(expected)
