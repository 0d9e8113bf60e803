"""A fit does not depend on the time unit, the order of rows, or how weights are written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from crmlib.value.purchases import BetaGeometric

HISTORY = ["frequency", "recency", "observed_time"]


@pytest.fixture(scope="module")
def world(simulate):
    observed = np.random.default_rng(0).integers(10, 40, 800).astype(float)
    return simulate((0.4, 5.0, 0.9, 2.5), observed, seed=3)


def fit(table, **arguments):
    return BetaGeometric().fit(*(table[c] for c in HISTORY), **arguments)


@settings(max_examples=8, deadline=None)
@given(unit=st.sampled_from([7.0, 1 / 7, 24 * 7, 1 / 52]) | st.floats(1e-4, 1e4))
def test_time_unit(world, unit):
    rescaled = world.assign(**{c: world[c] * unit for c in ("recency", "observed_time")})
    one, other = fit(world), fit(rescaled)
    assert_allclose(other.params / [1, unit, 1, 1], one.params, rtol=1e-5)
    assert_allclose(other.bse / [1, unit, 1, 1], one.bse, rtol=1e-4)
    jacobian = world["frequency"].sum() * np.log(unit)
    assert other.llf + jacobian == pytest.approx(one.llf, abs=1e-6)
    assert_allclose(
        other.expected_purchases(10 * unit, *(rescaled[c] for c in HISTORY)),
        one.expected_purchases(10, *(world[c] for c in HISTORY)),
        rtol=1e-5,
    )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_row_order(world, seed):
    shuffled = world.sample(frac=1, random_state=seed)
    assert fit(shuffled).params.equals(fit(world).params)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_weight_is_a_number_of_customers(world, seed):
    weights = np.random.default_rng(seed).integers(0, 4, len(world))
    repeated = world.loc[world.index.repeat(weights)]
    weighted, copied = fit(world, weights=weights), fit(repeated)
    assert_allclose(weighted.params, copied.params, rtol=1e-6)
    assert weighted.nobs == copied.nobs
    assert_allclose(weighted.bse, copied.bse, rtol=1e-5)
    # and a row may be split into rows that share its weight
    split = fit(world.loc[world.index.repeat(2)], weights=np.repeat(weights / 2, 2))
    assert_allclose(split.params, weighted.params, rtol=1e-6)
    assert split.llf == pytest.approx(weighted.llf, rel=1e-10)


def test_arrays_lists_and_series_are_the_same(world):
    columns = [world[c] for c in HISTORY]
    as_lists = BetaGeometric().fit(*(c.tolist() for c in columns))
    as_arrays = BetaGeometric().fit(*(c.to_numpy() for c in columns))
    assert as_lists.params.equals(fit(world).params)
    assert as_arrays.params.equals(fit(world).params)


def test_warm_start_reaches_the_same_optimum(world):
    cold = fit(world)
    warm = fit(world, start=cold.params * 1.3)
    assert_allclose(warm.params, cold.params, rtol=1e-5)
