"""Fixed-horizon sizes against statsmodels, published sizes and a simulated test."""

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import (
    power_proportions_2indep,
    samplesize_proportions_2indep_onetail,
)

from crmlib.roi.power import (
    detectable_effect,
    power_for_means,
    size_for_means,
    size_for_shares,
)
from crmlib.stats.optimise import NotIdentified


@pytest.mark.parametrize("effect, sd, ratio, alpha, power", [
    (0.3, 2.0, 1.0, 0.05, 0.8), (-0.02, 0.5, 3.0, 0.01, 0.9), (1.0, 9.0, 0.25, 0.1, 0.7),
])  # fmt: skip
def test_means_as_statsmodels_has_them(effect, sd, ratio, alpha, power):
    found = size_for_means(effect, sd, alpha=alpha, power=power, control_per_treated=ratio)
    expected = NormalIndPower().solve_power(abs(effect) / sd, None, alpha, power, ratio)
    assert 0 <= found.treated - expected < 1 + 1e-6 * expected
    assert 0 <= found.control - expected * ratio < 1 + 1e-6 * expected


def test_published_sizes_of_a_website_test():
    """Feit & Berman (2019), website example: 2 % lift on .68, without and with correction."""
    sd = (0.68 * 0.32) ** 0.5
    endless = size_for_means(0.02 * 0.68, sd, alpha=0.05, power=0.8)
    drawn = size_for_means(0.02 * 0.68, sd, alpha=0.05, power=0.8, population=100_000)
    assert (endless.treated, endless.control, drawn.treated) == (18_468, 18_468, 13_487)


def test_power_as_statsmodels_has_it_in_both_directions():
    for effect in (0.4, -0.4):
        found = power_for_means(300, 500, effect, 2.5, alpha=0.05)
        assert found == pytest.approx(NormalIndPower().power(0.4 / 2.5, 300, 0.05, 500 / 300))
    assert power_for_means(300, 500, 0.0, 2.5, alpha=0.05) == pytest.approx(0.05)


def test_detectable_effect_is_seen_with_that_power():
    effect = detectable_effect(300, 500, 2.5, alpha=0.05, power=0.8)
    assert power_for_means(300, 500, effect, 2.5, alpha=0.05) == pytest.approx(0.8, abs=1e-5)
    size = size_for_means(effect, 2.5, alpha=0.05, power=0.8, control_per_treated=5 / 3)
    assert (size.treated, size.control) == (300, 500)


def test_shares_as_statsmodels_has_them():
    found = size_for_shares(0.10, 0.12, alpha=0.05, power=0.8)
    expected = samplesize_proportions_2indep_onetail(0.02, 0.10, 0.8, ratio=1, alpha=0.05)
    assert found.treated == pytest.approx(expected, rel=1e-3)
    power = power_proportions_2indep(
        0.02, 0.10, found.treated, ratio=1, alpha=0.05, return_results=False
    )
    assert power == pytest.approx(0.8, abs=0.002)


@pytest.mark.parametrize("ratio", [0.2, 1.0, 6.0])
def test_unequal_arms_of_shares_as_statsmodels_has_them(ratio):
    expected = samplesize_proportions_2indep_onetail(0.28, 0.02, 0.8, ratio=ratio, alpha=0.05)
    found = size_for_shares(0.02, 0.30, alpha=0.05, power=0.8, control_per_treated=ratio)
    assert 0 <= found.treated - expected < 1
    assert 0 <= found.control - expected * ratio < 1


def test_unequal_arms_of_shares_hold_their_power():
    """A z test with pooled variance in 40,000 simulated trials of the size found."""
    size = size_for_shares(0.20, 0.25, alpha=0.05, power=0.8, control_per_treated=0.5)
    rng = np.random.default_rng(2)
    treated = rng.binomial(size.treated, 0.25, 40_000) / size.treated
    control = rng.binomial(size.control, 0.20, 40_000) / size.control
    pooled = (treated * size.treated + control * size.control) / size.total
    error = np.sqrt(pooled * (1 - pooled) * (1 / size.treated + 1 / size.control))
    assert (np.abs(treated - control) > 1.959964 * error).mean() == pytest.approx(0.8, abs=0.015)


def test_correction_holds_the_error_of_means_drawn_from_few():
    """All N customers have both outcomes; the difference's error is that of sampling them."""
    found = size_for_means(0.5, 2.0, alpha=0.05, power=0.8, population=300)
    endless = size_for_means(0.5, 2.0, alpha=0.05, power=0.8)
    # the variance of a total's mean under sampling without replacement shrinks by (N−n)/(N−1)
    n, total = found.treated, found.total
    shrunk = 2 * 4.0 / n * (300 - total) / 299
    assert shrunk <= 2 * 4.0 / endless.treated * 1.001
    assert shrunk == pytest.approx(2 * 4.0 / endless.treated, rel=0.03)


def test_correction_never_asks_for_more_than_there_are():
    for population in (1, 2, 7, 1_000):
        size = size_for_means(1e-4, 1.0, alpha=0.05, power=0.8, population=population)
        assert size.total <= population + 1
    assert not size_for_means(1, 1, alpha=0.05, power=0.8, population=1).feasible


def test_questions_without_an_answer_are_named():
    with pytest.raises(NotIdentified, match="effect to be seen is 0"):
        size_for_means(0.0, 1.0, alpha=0.05, power=0.8)
    with pytest.raises(NotIdentified, match="too small for any number"):
        size_for_means(1e-300, 1.0, alpha=0.05, power=0.8, population=100)
    with pytest.raises(NotIdentified, match="effect to be seen is 0"):
        size_for_shares(0.1, 0.1, alpha=0.05, power=0.8)
    for wrong in ({"alpha": 0.0}, {"power": 1.0}, {"alpha": 0.5, "power": 0.1}):
        with pytest.raises(ValueError, match=r"alpha|power"):
            size_for_means(1.0, 1.0, **{"alpha": 0.05, "power": 0.8} | wrong)


def test_ends_are_finite():
    assert size_for_means(1.0, 0.0, alpha=0.05, power=0.8, population=50).total == 2
    assert size_for_shares(0.0, 1.0, alpha=0.05, power=0.8).treated >= 1
    assert power_for_means(5, 5, 1.0, 0.0, alpha=0.05) == 1.0
