"""An sBG fit does not depend on the order of rows or on how weights are written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.value.contracts import ShiftedBetaGeometric


@pytest.fixture(scope="module")
def contracts():
    rng = np.random.default_rng(8)
    lifetime = rng.geometric(rng.beta(0.9, 6.0, 900))
    entry = rng.integers(0, 4, 900)
    kept = lifetime > entry
    lifetime, entry = lifetime[kept], entry[kept]
    end = entry + 10
    return np.minimum(lifetime, end), lifetime <= end, entry


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_row_order(contracts, seed):
    order = np.random.default_rng(seed).permutation(contracts[0].size)
    shuffled = ShiftedBetaGeometric().fit(*(column[order] for column in contracts))
    assert shuffled.params.equals(ShiftedBetaGeometric().fit(*contracts).params)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_weight_is_a_number_of_contracts(contracts, seed):
    weights = np.random.default_rng(seed).integers(0, 4, contracts[0].size)
    weighted = ShiftedBetaGeometric().fit(*contracts, weights=weights)
    copied = ShiftedBetaGeometric().fit(*(np.repeat(column, weights) for column in contracts))
    halved = ShiftedBetaGeometric().fit(
        *(np.tile(column, 2) for column in contracts), weights=np.tile(weights / 2, 2)
    )
    for other in (copied, halved):
        assert other.params.to_numpy() == pytest.approx(weighted.params.to_numpy(), rel=1e-6)
        assert other.bse.to_numpy() == pytest.approx(weighted.bse.to_numpy(), rel=1e-5)
        assert other.llf == pytest.approx(weighted.llf, abs=1e-6)
        assert other.nobs == weighted.nobs


def test_contracts_never_at_risk_change_nothing(contracts):
    duration, ended, entry = contracts
    more = [np.append(duration, [3, 0]), np.append(ended, [False] * 2), np.append(entry, [3, 0])]
    one, other = ShiftedBetaGeometric().fit(*contracts), ShiftedBetaGeometric().fit(*more)
    assert one.params.equals(other.params)
    assert one.nobs == other.nobs
