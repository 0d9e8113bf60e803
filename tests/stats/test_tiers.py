"""Deciles and tiers: sizes, ties, negative values, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlib.stats.tiers import threshold_tiers, value_deciles, value_tiers

LABELS = ("high", "medium", "low")
VALUES = st.lists(st.integers(0, 9), min_size=1, max_size=60).filter(any)


@given(VALUES)
def test_deciles_are_of_equal_size_and_ordered(values):
    deciles = value_deciles(values)
    sizes = np.bincount(deciles, minlength=11)[1:]
    assert np.ptp(sizes) <= 1
    ordered = np.asarray(values)[np.argsort(deciles, kind="stable")]
    worst_before = [ordered[: np.sum(deciles <= d)].min() for d in set(deciles)]
    best_after = [np.max(np.asarray(values)[deciles > d], initial=0) for d in set(deciles)]
    assert all(w >= b for w, b in zip(worst_before, best_after, strict=True))


@given(VALUES, st.randoms())
def test_ids_make_ties_independent_of_row_order(values, random):
    ids = list(range(len(values)))
    random.shuffle(ids)
    back = np.argsort(ids)
    for rank in (value_deciles, lambda v, i: value_tiers(v, (0.5, 0.8), LABELS, i)):
        shuffled = rank(np.asarray(values)[ids], np.asarray(ids))
        assert list(shuffled[back]) == list(rank(values, range(len(values))))


@given(VALUES)
def test_a_tier_is_the_smallest_group_that_reaches_its_cut(values):
    tiers = value_tiers(values, (0.5, 0.8), LABELS)
    numbers, total = np.asarray(values), sum(values)
    for cut, members in ((0.5, tiers == "high"), (0.8, tiers != "low")):
        assert numbers[members].sum() >= cut * total - 1e-9
        assert numbers[members].sum() - numbers[members].min() < cut * total


def test_cut_met_exactly_and_negative_values():
    assert value_tiers([5, 3, 2], (0.5, 0.8), LABELS).tolist() == ["high", "medium", "low"]
    assert value_tiers([9, 3, -2], (0.5, 0.95), LABELS).tolist() == ["high", "medium", "low"]
    # 0.1 × 10 sums to a hair less than half after five: rounding opens no sixth place
    assert value_tiers([0.1] * 10, (0.5,), ("a", "b")).tolist() == ["a"] * 5 + ["b"] * 5


@pytest.mark.parametrize(
    "values, cuts, labels, message",
    [
        ([1, 2], (0.8, 0.5), LABELS, "cut_points must increase"),
        ([1, 2], (0.5, 1.0), LABELS, "cut_points must increase between 0 and 1"),
        ([1, 2], (0.5,), LABELS, "1 cut points need 2 labels, got 3"),
        ([0, 0], (0.5, 0.8), LABELS, "total value must be positive"),
        ([1, np.inf], (0.5, 0.8), LABELS, "found inf at position 1"),
        ([], (0.5, 0.8), LABELS, "non-empty"),
    ],
)
def test_impossible_input_is_named(values, cuts, labels, message):
    with pytest.raises(ValueError, match=message):
        value_tiers(values, cuts, labels)


def test_thresholds_are_met_by_their_own_value():
    """In whatever order; a value that meets a threshold is in the better tier."""
    found = threshold_tiers([100, 99.9, 20, -5, 1e9], (100, 20), LABELS)
    assert found.tolist() == ["high", "medium", "medium", "low", "high"]
    assert threshold_tiers([-3.0, -1.0], (-2,), ("ours", "costly")).tolist() == ["costly", "ours"]


@pytest.mark.parametrize(
    "values, thresholds, labels, message",
    [
        ([1.0], (1, 2), LABELS, "thresholds must fall"),
        ([1.0], (), LABELS, "thresholds must fall"),
        ([1.0], (2, np.nan), LABELS, "thresholds must fall"),
        ([1.0], (2,), LABELS, "1 thresholds need 2 labels, got 3"),
        ([np.nan], (2, 1), LABELS, "values must be finite"),
    ],
)
def test_impossible_thresholds_are_named(values, thresholds, labels, message):
    with pytest.raises(ValueError, match=message):
        threshold_tiers(values, thresholds, labels)
