"""What tables by several groupings tell, by hand and against every union of customers."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.stats.disclosure import told
from crmlib.value.shown_groups import shown_migration, tells_of_few

LABELS = ("high", "medium", "low")


def test_a_group_within_another_is_told_by_what_is_left():
    tenths = np.repeat(np.arange(10), 10)
    costly = np.where(np.arange(100) >= 88, "costly", "other")
    assert tells_of_few([tenths, costly], 5), "two of the ninth tenth"
    assert not tells_of_few([tenths, np.where(np.arange(100) >= 80, "costly", "other")], 5)
    crossing = np.where(np.arange(100) % 10 < 5, "even", "odd")
    assert not tells_of_few([tenths, crossing], 5)


def test_a_small_group_of_its_own_is_told():
    assert tells_of_few([list("aaaaaabb"), list("xxxxyyyy")], 3)
    assert not tells_of_few([list("aaaaabbb"), list("xxxxxyyy")], 3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(6, 9), st.integers(2, 4))
def test_what_is_said_to_be_safe_tells_no_few_atoms(seed, customers, min_cell):
    """Every set of customers that is a union of atoms is tried against the shown sums."""
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, 2, customers), rng.integers(0, 3, customers)
    if tells_of_few([one, other], min_cell):
        return
    sums = [one == g for g in np.unique(one)] + [other == g for g in np.unique(other)]
    atoms = np.unique(np.column_stack([one, other]), axis=0, return_inverse=True)[1]
    for size in range(1, atoms.max() + 1):
        for union in combinations(range(atoms.max() + 1), size):
            group = np.isin(atoms, union)
            if 0 < group.sum() < min_cell:
                assert not told(np.array(sums), group[None])[0]


def customers(cells: dict[tuple[str, str, str], int]) -> pd.DataFrame:
    rows = [key for key, count in cells.items() for _ in range(count)]
    return pd.DataFrame(rows, columns=["tier_1", "tier_2", "flow"])


FULL = {
    ("high", "high", "less"): 20, ("high", "high", "more"): 20, ("high", "medium", "down"): 15,
    ("high", "low", "down"): 12, ("high", "gone", "gone"): 11, ("medium", "high", "up"): 14,
    ("medium", "medium", "less"): 30, ("medium", "medium", "more"): 30,
    ("medium", "low", "down"): 25, ("medium", "gone", "gone"): 20, ("low", "high", "up"): 13,
    ("low", "medium", "up"): 25, ("low", "low", "less"): 60, ("low", "low", "more"): 60,
    ("low", "gone", "gone"): 40, ("new", "high", "new"): 12, ("new", "medium", "new"): 18,
    ("new", "low", "new"): 30,
}  # fmt: skip


def test_all_cells_may_be_shown_where_none_is_small():
    shown = shown_migration(customers(FULL), LABELS, 0, 10)
    assert (shown.cells["group"] >= 0).all() and all(shown.rows.values())
    pairs = shown.cells.groupby(["tier_1", "group"]).size()
    assert (pairs == 1).all()


def test_a_small_cell_is_shown_with_its_neighbour():
    """Falling from high to low: 4, told by the flow less the others, unless both are one."""
    shown = shown_migration(customers(FULL | {("high", "low", "down"): 4}), LABELS, 0, 10)
    cells = shown.cells.set_index(["tier_1", "tier_2"])["group"]
    assert cells["high", "low"] == cells["high", "medium"] >= 0
    assert cells["medium", "low"] >= 0 and cells["high", "high"] >= 0


@pytest.mark.parametrize(
    "few",
    [
        {("high", "gone", "gone"): 1, ("medium", "gone", "gone"): 1, ("low", "gone", "gone"): 1},
        {("high", "gone", "gone"): 0, ("medium", "gone", "gone"): 0, ("low", "gone", "gone"): 9},
    ],
)
def test_few_leavers_are_not_shown(few):
    assert shown_migration(customers(FULL | few), LABELS, 0, 10) is None


def test_a_small_flow_is_shown_with_others_of_its_kind():
    """Nine rose; with those who rose within their tier they are enough."""
    few = {("medium", "high", "up"): 3, ("low", "high", "up"): 2, ("low", "medium", "up"): 4}
    shown = shown_migration(customers(FULL | few), LABELS, 0, 10)
    assert shown.flows == (("down",), ("less",), ("gone",), ("up", "more"), ("new",))
    came = dict.fromkeys([key for key in FULL if key[0] == "new"], 2)
    assert shown_migration(customers(FULL | came), LABELS, 0, 10).flows[-1] == ("up", "more", "new")


def test_few_who_were_in_neither_period_are_not_told_either():
    assert shown_migration(customers(FULL), LABELS, 3, 10) is None
    assert shown_migration(customers(FULL), LABELS, 10, 10) is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=len(FULL), max_size=len(FULL)))
def test_what_is_shown_of_a_migration_tells_no_small_cell(sizes):
    """Unknown: every cell, those within a tier by flow; shown: flows, cells, unions, rows."""
    cells = dict(zip(FULL, sizes, strict=True))
    shown = shown_migration(customers(cells), LABELS, 0, 10)
    if shown is None:
        return
    keys = [key for key in cells if cells[key]]
    if not keys:
        return
    counts = np.array([cells[key] for key in keys])
    sums = [[key[2] in flows for key in keys] for flows in shown.flows]
    for (start, group), ends in shown.cells.groupby(["tier_1", "group"])["tier_2"]:
        if group >= 0:
            sums.append([key[0] == start and key[1] in set(ends) for key in keys])
    sums += [[key[0] == row for key in keys] for row, may in shown.rows.items() if may]
    published = np.array(sums, dtype=bool)
    for row in published:
        assert counts[row].sum() == 0 or counts[row].sum() >= 10
    rows = [[key[0] == row for key in keys] for row in shown.rows]
    ends = [[key[1] == end for key in keys] for end in (*LABELS, "gone")]
    groups = np.array([*np.eye(len(keys)), *rows, *ends], dtype=bool)
    sizes = groups @ counts
    small = groups[(sizes > 0) & (sizes < 10)]
    if len(small):
        assert not told(published, small).any()
