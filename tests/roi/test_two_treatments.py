"""Test & Roll: published sizes, every size there is, and simulated roll-outs."""

import numpy as np
import pytest

from crmlib.roi import two_treatments as rolling  # pytest would take the function for a test
from crmlib.stats.optimise import NotIdentified

Treatment = rolling.Treatment
PAGE = Treatment(0.68, 0.03, (0.68 * 0.32) ** 0.5)
NONE, CATALOGUE = Treatment(19.39, 20.97, 87.69), Treatment(29.26, 13.48, 179.36)


def test_published_website_example():
    """Feit & Berman (2019), sec. 5.1: n* 2,284, error 10.0 %, regret .22 %, profit 69,536."""
    found = rolling.test_and_roll(PAGE, PAGE, 100_000)
    assert (found.first, found.second) == (2_284, 2_284)
    assert found.error_rate == pytest.approx(0.100, abs=5e-4)
    assert found.regret == pytest.approx(0.0022, abs=5e-5)
    assert round(found.profit) == 69_536
    assert found.untested == pytest.approx(68_000)


def test_published_catalogue_example():
    """Feit & Berman (2019), holdout of a catalogue: 588 control and 1,884 treated."""
    found = rolling.test_and_roll(NONE, CATALOGUE, 100_000)
    assert abs(found.first - 588) <= 1 and abs(found.second - 1_884) <= 1
    swapped = rolling.test_and_roll(CATALOGUE, NONE, 100_000)
    assert (swapped.second, swapped.first) == (found.first, found.second)


@pytest.mark.parametrize("first, second, n1, n2", [
    (PAGE, PAGE, 2_284, 2_284), (NONE, CATALOGUE, 588, 1_884), (NONE, CATALOGUE, 40, 10),
    (NONE, CATALOGUE, 0, 300),
])  # fmt: skip
def test_profit_and_error_equal_simulated_tests(first, second, n1, n2):
    rng = np.random.default_rng(3)
    draws, population = 400_000, 100_000
    means, posteriors = [], []
    for arm, n in ((first, n1), (second, n2)):
        mean = rng.normal(arm.prior_mean, arm.prior_sd, draws)
        seen = mean + rng.normal(0, arm.outcome_sd / np.sqrt(max(n, 1)), draws)
        precision = 1 / arm.prior_sd**2, n / arm.outcome_sd**2
        posteriors.append((arm.prior_mean * precision[0] + seen * precision[1]) / sum(precision))
        means.append(mean)
    rolled = np.where(posteriors[0] > posteriors[1], *means)
    profit = n1 * means[0] + n2 * means[1] + (population - n1 - n2) * rolled
    closed = float(rolling.expected_profit(first, second, population, n1, n2))
    assert closed == pytest.approx(profit.mean(), abs=4 * profit.std() / np.sqrt(draws))
    wrong = (posteriors[0] > posteriors[1]) != (means[0] > means[1])
    assert float(rolling.error_rate(first, second, n1, n2)) == pytest.approx(
        wrong.mean(), abs=4 * np.sqrt(0.25 / draws)
    )


def test_sizes_are_the_best_of_all_that_there_are():
    rng = np.random.default_rng(11)
    tested = 0
    for case in range(40):
        population = int(rng.integers(2, 400))
        one, two = (
            Treatment(rng.normal(0, 0.5), rng.gamma(1.0), rng.gamma(1.0) * 4) for _ in range(2)
        )
        two = one if case % 4 == 0 else two
        found = rolling.test_and_roll(one, two, population)
        n1, n2 = np.indices((population + 1, population + 1)).reshape(2, -1)
        keep = (n1 == n2) & (2 * n1 <= population) if one == two else n1 + n2 <= population
        best = rolling.expected_profit(one, two, population, n1[keep], n2[keep]).max()
        scale = population * (one.prior_sd + two.prior_sd)
        assert found.profit == pytest.approx(best, abs=1e-6 * scale)
        tested += found.first + found.second > 0
    assert tested > 20


def test_ends_are_finite():
    none, exact = Treatment(1.0, 0.0, 1.0), Treatment(1.0, 1.0, 0.0)
    for one, two, population in [
        (PAGE, PAGE, 1), (PAGE, PAGE, 2), (none, none, 1_000), (exact, exact, 1_000),
        (none, exact, 3), (Treatment(1.0, 1e-200, 1.0),) * 2 + (1_000,), (exact, PAGE, 2),
    ]:  # fmt: skip
        found = rolling.test_and_roll(one, two, population)
        numbers = [found.profit, found.untested, found.perfect, found.error_rate]
        assert np.isfinite(numbers).all() and np.isfinite(found.curve.to_numpy()).all()
        assert found.untested - 1e-9 <= found.profit <= found.perfect + 1e-9
    assert rolling.test_and_roll(none, none, 1_000).first == 0
    assert rolling.test_and_roll(exact, exact, 1_000).first == 1


def test_nobody_and_nonsense_are_named():
    with pytest.raises(NotIdentified, match="no customer"):
        rolling.test_and_roll(PAGE, PAGE, 0)
    with pytest.raises(ValueError, match="spreads not negative"):
        Treatment(0.0, -1.0, 1.0)
