"""No fit depends on the time unit, the order of rows, or how weights are written: other models."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crmlib.value import BetaGeometricBetaBernoulli, ModifiedBetaGeometric, ParetoNBD

HISTORY = ["frequency", "recency", "observed_time"]
MODELS = {
    "MBG/NBD": (ModifiedBetaGeometric, (0.6, 5.0, 0.9, 2.5)),
    "Pareto/NBD": (ParetoNBD, (0.6, 5.0, 0.9, 9.0)),
    "BG/BB": (BetaGeometricBetaBernoulli, (1.2, 0.75, 0.8, 3.0)),
}


@pytest.fixture(scope="module")
def worlds(simulate_as):
    observed = np.random.default_rng(0).integers(4, 40, 1_500).astype(float)
    return {
        name: simulate_as(name, params, observed, seed=3) for name, (_, params) in MODELS.items()
    }


def fit(name, table, **arguments):
    return MODELS[name][0]().fit(*(table[c] for c in HISTORY), **arguments)


@pytest.mark.parametrize("unit", [7.0, 1 / 7, 24 * 7, 1 / 52, 1e-4, 1e4])
@pytest.mark.parametrize("name", ["MBG/NBD", "Pareto/NBD"])
def test_time_unit(worlds, name, unit):
    world = worlds[name]
    rescaled = world.assign(**{c: world[c] * unit for c in ("recency", "observed_time")})
    one, other = fit(name, world), fit(name, rescaled)
    powers = np.power(unit, one.model.time_powers, dtype=float)
    assert_allclose(other.params / powers, one.params, rtol=1e-5)
    assert_allclose(other.bse / powers, one.bse, rtol=1e-4)
    assert other.llf + world["frequency"].sum() * np.log(unit) == pytest.approx(one.llf, abs=1e-6)
    assert_allclose(
        other.discounted_expected_purchases(
            10 * unit, 0.01 / unit, *(rescaled[c] for c in HISTORY)
        ),
        one.discounted_expected_purchases(10, 0.01, *(world[c] for c in HISTORY)),
        rtol=1e-5,
    )


@pytest.mark.parametrize("name", MODELS)
def test_row_order(worlds, name):
    world = worlds[name]
    for seed in range(3):
        shuffled = world.sample(frac=1, random_state=seed)
        assert fit(name, shuffled).params.equals(fit(name, world).params)
        alive = fit(name, world).probability_alive(*(shuffled[c] for c in HISTORY))
        straight = fit(name, world).probability_alive(*(world[c] for c in HISTORY))
        assert_allclose(alive, straight[shuffled.index], rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_a_weight_is_a_number_of_customers(worlds, name):
    world = worlds[name]
    weights = np.random.default_rng(5).integers(0, 4, len(world))
    copied = fit(name, world.loc[world.index.repeat(weights)])
    weighted = fit(name, world, weights=weights)
    # and a row may be split into rows that share its weight
    split = fit(name, world.loc[world.index.repeat(2)], weights=np.repeat(weights / 2, 2))
    for other in (copied, split):
        assert_allclose(weighted.params, other.params, rtol=1e-6)
        assert_allclose(weighted.bse, other.bse, rtol=1e-5)
        assert weighted.nobs == pytest.approx(other.nobs)
        assert weighted.llf == pytest.approx(other.llf, rel=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_arrays_lists_series_and_names_are_the_same(worlds, name):
    world = worlds[name]
    columns = [world[c] for c in HISTORY]
    third = "occasions" if name == "BG/BB" else "observed_time"
    named = dict(zip(["frequency", "recency", third], columns, strict=True))
    model, expected = MODELS[name][0](), fit(name, world).params
    assert model.fit(*(c.tolist() for c in columns)).params.equals(expected)
    assert model.fit(*(c.to_numpy() for c in columns)).params.equals(expected)
    assert model.fit(**named).params.equals(expected)


@pytest.mark.parametrize("name", MODELS)
def test_warm_start_reaches_the_same_optimum(worlds, name):
    cold = fit(name, worlds[name])
    assert cold.verdict.grade == "good"
    warm = fit(name, worlds[name], start=cold.params * 1.3)
    assert_allclose(warm.params, cold.params, rtol=1e-5)
