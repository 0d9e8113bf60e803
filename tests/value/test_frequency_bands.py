"""Bands of frequency: who belongs where, and how they are chosen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlib.value.frequency_bands import EVERYONE, FrequencyBands, even_bands


def test_members_and_names():
    bands = FrequencyBands((1, 2, 4))
    assert bands.of([1, 2, 3, 4, 900]).tolist() == [0, 1, 1, 2, 2]
    assert bands.labels == ("1", "2–3", "4+")
    assert EVERYONE.labels == ("1+",)


def test_without_repeat_purchase_the_lowest_band():
    assert FrequencyBands((1, 2, 4)).of([0.0]).tolist() == [0]


@pytest.mark.parametrize("starts", [(), (0, 2), (2, 4), (1, 4, 4), (1, 5, 3)])
def test_bands_that_are_none_are_refused(starts):
    with pytest.raises(ValueError, match="must start at 1 and ascend"):
        FrequencyBands(starts)


def test_chosen_by_hand():
    """400 of 1, 200 of 2, 100 each of 3 and 4, 50 each of 5 to 8: quarters of what is left."""
    frequency = np.arange(1.0, 9.0)
    customers = np.array([400.0, 200, 100, 100, 50, 50, 50, 50])
    assert even_bands(frequency, customers).starts == (1, 2, 3, 5)
    assert even_bands(frequency, customers, most=2).starts == (1, 3)
    assert even_bands(frequency, customers / 10).starts == (1,)


@given(
    customers=st.lists(st.integers(0, 300), min_size=1, max_size=30),
    most=st.integers(1, 6),
    least=st.integers(1, 120),
)
def test_chosen_bands_are_few_and_none_is_small(customers, most, least):
    frequency, sizes = np.arange(1.0, len(customers) + 1), np.array(customers, dtype=float)
    bands = even_bands(frequency, sizes, most, least)
    held = np.bincount(bands.of(frequency), sizes, len(bands.starts))
    assert len(bands.starts) <= most
    assert len(bands.starts) == 1 or held.min() >= least
