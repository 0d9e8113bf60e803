"""Small groups are merged or withheld, and no linear combination of what is left tells them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.stats.disclosure import (
    BANDS,
    band_ends,
    bands,
    is_small,
    merge_small,
    told,
    withhold,
)

COUNTS = st.lists(st.integers(0, 30), min_size=1, max_size=12)
MIN_CELL = st.integers(1, 12)


def solved(equations: np.ndarray) -> np.ndarray:
    """Which unknowns a linear system determines: those on which its null space is zero."""
    _, lengths, rows = np.linalg.svd(np.atleast_2d(equations).astype(float))
    rank = int((lengths > 1e-9 * max(lengths.max(initial=0), 1)).sum())
    return (np.abs(rows[rank:]) < 1e-7).all(axis=0)


@given(COUNTS, MIN_CELL)
def test_merged_groups_are_a_partition_without_small_groups(counts, min_cell):
    groups = merge_small(counts, min_cell)
    assert [first for first, _ in groups] == [0, *[end for _, end in groups[:-1]]]
    assert groups[-1][1] == len(counts)
    sizes = [sum(counts[first:end]) for first, end in groups]
    if sum(counts) >= min_cell:
        assert min(sizes) >= min_cell
    else:
        assert len(groups) == 1


@given(st.lists(st.integers(10, 30), min_size=1, max_size=9))
def test_groups_that_are_large_enough_stay(counts):
    assert merge_small(counts, 10) == [(i, i + 1) for i in range(len(counts))]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=10, max_size=60),
    MIN_CELL,
)
def test_two_partitions_of_the_same_customers_differ_by_no_small_group(customers, min_cell):
    """A limit is kept only where nobody or enough customers are on different sides of it."""
    before = np.array([x for x, _ in customers])
    after = before + np.array([more for _, more in customers])
    crossing = [int(((before <= k) & (after > k)).sum()) for k in range(7)]
    for _, end in merge_small(np.bincount(before, minlength=7), min_cell, crossing)[:-1]:
        few = (before < end).sum() - (after < end).sum()
        assert not is_small(few, min_cell)


@given(st.integers(1, 5_000), MIN_CELL)
def test_bands_are_large_enough_and_grids_nest(n, min_cell):
    finest = bands(n, min_cell)
    assert finest == 1 or np.diff(band_ends(n, finest)).min() >= min_cell
    for most in (10, 5):
        coarser = bands(n, min_cell, most)
        assert finest % coarser == 0
        assert set(band_ends(n, coarser)) <= set(band_ends(n, finest))


def test_no_finer_grid_is_safe():
    assert [bands(n, 10) for n in (1000, 999, 500, 200, 100, 50, 20, 19)] == [
        100, 50, 50, 20, 10, 5, 2, 1,
    ]  # fmt: skip
    assert tuple(sorted(BANDS, reverse=True)) == BANDS


@given(COUNTS, MIN_CELL)
def test_what_is_withheld_of_one_total_is_enough_together(counts, min_cell):
    counts = np.array(counts)
    found = withhold(counts, np.ones((1, counts.size)), min_cell)
    assert (found.cells | ~is_small(counts, min_cell)).all()
    left = counts[found.cells].sum()
    assert not left or left >= min(min_cell, counts.sum())
    assert not found.totals.any()


def test_the_complement_is_the_smallest_that_suffices():
    found = withhold([40, 3, 25, 12, 0], np.ones((1, 5)), 10)
    assert found.cells.tolist() == [False, True, False, True, False]
    assert withhold([40, 3, 25, 8, 0], np.ones((1, 5)), 10).cells.sum() == 2
    overlap = withhold([40, 3, 25, 8, 0], np.ones((1, 5)), 10, overlapping=True)
    assert overlap.cells.tolist() == [False, True, True, True, False]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(2, 5).flatmap(
        lambda columns: st.lists(
            st.lists(st.integers(0, 25), min_size=columns, max_size=columns), min_size=2, max_size=5
        )
    ),
    st.booleans(),
)
def test_a_table_with_both_margins_tells_no_small_cell(rows, fixed):
    """Cells crossed by rows and columns; margins that are small are not published."""
    table = np.array(rows)
    places = np.arange(table.size).reshape(table.shape)
    totals = np.array([np.isin(np.arange(table.size), line) for line in (*places, *places.T)])
    totals = totals[~is_small(totals @ table.ravel(), 10)]
    if not len(totals):
        return
    published = np.full(len(totals), fixed)
    found = withhold(table.ravel(), totals, 10, published=published)
    equations = [*np.eye(table.size)[~found.cells], *totals[~found.totals]]
    if not fixed:
        exposed = solved(np.array(equations)) & is_small(table.ravel(), 10)
        assert not exposed.any()
    assert not (found.totals & published).any()
    assert (found.cells | ~is_small(table.ravel(), 10)).all()


def test_a_named_union_of_cells_is_not_told_either():
    """Two totals differ by a pair of cells; each alone is unknown, the pair is not."""
    counts, totals = [20, 4, 3, 30], [[1, 1, 1, 1], [1, 0, 0, 1], [0, 1, 1, 1]]
    pair = [[0, 1, 1, 0]]
    options = {"published": [True, False, False]}
    assert told(np.array(totals), pair).all()
    found = withhold(counts, totals, 10, groups=np.array(pair, bool), **options)
    kept = np.array(totals)[~found.totals]
    assert found.safe and not told(np.vstack([kept, np.eye(4)[~found.cells]]), pair).any()


def test_totals_that_tell_by_themselves_are_reported():
    assert not withhold([20, 4], [[1, 1], [1, 0]], 10).safe
    assert withhold([20, 4], [[1, 1], [1, 0]], 10, published=[True, False]).safe


def test_what_could_be_solved_for_is_found():
    cells = np.eye(3)
    assert told([[1, 1, 0], [0, 1, 1], [1, 0, 1]], cells).all()
    assert not told([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]], np.eye(4)).any()
    assert told(np.zeros((0, 3)), cells).tolist() == [False] * 3


@pytest.mark.parametrize("seed", range(5))
def test_what_is_told_agrees_with_the_null_space(seed):
    system = np.random.default_rng(seed).integers(0, 2, (5, 7))
    assert told(system, np.eye(7)).tolist() == solved(system).tolist()
