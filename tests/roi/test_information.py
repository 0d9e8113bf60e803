"""Value of information from draws, against closed forms, quadrature and repetition."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.roi.information import (
    partial_information,
    perfect_information,
    value_of_information,
)
from crmlib.roi.normal_loss import sample_information
from crmlib.stats.optimise import NotIdentified

KNOWN = {"everything": 0.479811, "p1": 0.083315, "p2": 0.395593}  # closed forms, p1 − p2


def drawn(n, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"p1": rng.normal(1, 1, n), "p2": rng.normal(0, 2, n)})


def test_linear_choice_within_its_error():
    parameters = drawn(40_000, 1)
    table = value_of_information(parameters["p1"] - parameters["p2"], parameters)
    assert table["known"].tolist() == ["everything", "p2", "p1"]
    for row in table.itertuples():
        assert 0 < row.standard_error < 0.01
        assert abs(row.value - KNOWN[row.known]) < 4 * row.standard_error
    assert table["share"].iloc[0] == 1


def test_standard_errors_are_those_of_repeated_draws():
    """300 sets of 2,000 draws: spread of the values against the mean stated error, bias small."""
    for name, truth in KNOWN.items():
        found = []
        for seed in range(300):
            parameters = drawn(2_000, seed)
            benefit = parameters["p1"] - parameters["p2"]
            found.append(
                perfect_information(benefit)
                if name == "everything"
                else partial_information(benefit, parameters[[name]])
            )
        values = np.array([each.value for each in found])
        stated = np.mean([each.standard_error for each in found])
        assert values.std() == pytest.approx(stated, rel=0.15)
        assert abs(values.mean() - truth) < 0.3 * stated


@pytest.mark.parametrize("n", [1, 10])
def test_sample_information_equals_regression_on_simulated_samples(n):
    """Closed form within 4 standard errors of the sample mean simulated from each draw."""
    parameters = drawn(60_000, 3)
    benefit = parameters["p1"] - parameters["p2"]
    rng = np.random.default_rng(4)
    mean = parameters["p1"] + rng.normal(0, 1 / np.sqrt(n), len(parameters))
    found = partial_information(benefit, pd.DataFrame({"mean": mean}))
    assert abs(found.value - float(sample_information(1, 1, 1, n))) < 4 * found.standard_error


def test_sample_information_equals_nested_simulation():
    """Outer samples, inner posterior by its own normal equations, no unit normal loss."""
    rng = np.random.default_rng(9)
    effect = rng.normal(-0.5, 1.0, 400_000)
    seen = effect + rng.normal(0, 3.0 / np.sqrt(25), effect.size)
    posterior = (-0.5 + seen * 25 / 9) / (1 + 25 / 9)
    gain = np.where(posterior > 0, effect, 0.0)
    error = gain.std() / np.sqrt(gain.size)
    assert float(sample_information(-0.5, 1.0, 3.0, 25)) == pytest.approx(
        gain.mean(), abs=4 * error
    )


@pytest.mark.parametrize("scale", [np.positive, lambda x: np.exp(8 * x)], ids=["even", "long tail"])
def test_a_curved_effect_is_followed(scale):
    """NB = 2 sin(5x) − .5 + noise, x known on any scale; the truth by quadrature over x."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-2, 2, 40_000)

    def mean(at):
        return 2 * np.sin(5 * at) - 0.5

    grid = (np.arange(200_000) + 0.5) / 50_000 - 2
    truth = np.maximum(mean(grid), 0).mean() - max(mean(grid).mean(), 0)
    found = partial_information(mean(x) + rng.normal(0, 2, x.size), pd.DataFrame({"x": scale(x)}))
    assert abs(found.value - truth) < 4 * found.standard_error


def test_two_quantities_that_matter_only_together():
    """NB = x·y: neither alone is worth anything, both are E|xy|/2 = 1/π."""
    rng = np.random.default_rng(6)
    known = pd.DataFrame(rng.normal(size=(40_000, 2)), columns=["x", "y"])
    benefit = known["x"] * known["y"]
    both = partial_information(benefit, known)
    assert abs(both.value - 1 / np.pi) < 4 * both.standard_error + 0.002
    assert partial_information(benefit, known[["x"]]).value < 0.03


def test_few_levels_have_a_mean_each():
    rng = np.random.default_rng(7)
    level = rng.choice([0.0, 1.0, 5.0], 30_000, p=[0.5, 0.3, 0.2])
    benefit = np.select([level == 0, level == 1], [-1.0, 2.0], -3.0) + rng.normal(size=level.size)
    found = partial_information(benefit, pd.DataFrame({"level": level}))
    assert abs(found.value - 0.6) < 4 * found.standard_error  # .3 · 2 against doing nothing


def test_three_options_against_the_multinormal_maximum():
    """Three equal and independent standard normals: E max = 3 / (2√π)."""
    benefits = np.random.default_rng(8).normal(size=(100_000, 3))
    found = perfect_information(benefits)
    assert abs(found.value - 1.5 / np.sqrt(np.pi)) < 4 * found.standard_error


def test_irrelevant_and_constant_quantities_are_worth_nothing():
    parameters = drawn(5_000, 2).assign(noise=stats.norm.rvs(size=5_000, random_state=1), fixed=3.0)
    benefit = parameters["p1"] - parameters["p2"]
    table = value_of_information(benefit, parameters).set_index("known")
    assert table.at["fixed", "value"] == 0
    assert table.at["noise", "value"] < 0.01


def test_what_is_shared_by_all_options_changes_nothing():
    parameters = drawn(5_000, 2)
    two = np.column_stack([parameters["p1"], parameters["p2"]])
    shared = two + 100 * np.random.default_rng(1).normal(size=(5_000, 1))
    plain = partial_information(two, parameters[["p2"]])
    noisy = partial_information(shared, parameters[["p2"]])
    assert noisy.value == pytest.approx(plain.value)
    assert noisy.standard_error == pytest.approx(plain.standard_error)


def test_scale_and_extreme_money():
    parameters = drawn(3_000, 2)
    benefit = parameters["p1"] - parameters["p2"]
    one = partial_information(benefit, parameters[["p2"]])
    many = partial_information(1e9 * benefit, 1e-6 * parameters[["p2"]])
    assert many.value == pytest.approx(1e9 * one.value, rel=1e-6)


def test_what_draws_cannot_say_is_named():
    few = drawn(40, 1)
    with pytest.raises(NotIdentified, match="40 draws are too few for a regression on 2"):
        partial_information(few["p1"], few)
    with pytest.raises(NotIdentified, match="1 draws cannot say"):
        perfect_information([[1.0, 2.0]])
    with pytest.raises(ValueError, match="finite"):
        perfect_information([1.0, np.nan])
    with pytest.raises(ValueError, match="40 draws of net benefits, 39"):
        partial_information(few["p1"], few.head(39))
