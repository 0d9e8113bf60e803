"""The default bank of several seeds, for every property that is planted."""

from __future__ import annotations

import pytest
from whole_bank import Bank, make_bank

from crmlib.demo.settings import BankSettings

SEEDS = (BankSettings().seed, 1, 2, 3)  # the committed bank's, and others


@pytest.fixture(scope="session", params=SEEDS, ids=lambda seed: f"seed {seed}")
def bank(request: pytest.FixtureRequest) -> Bank:
    """The default bank of one of several seeds."""
    return make_bank(seed=request.param)
