"""Grouping rows: lossless, independent of order, safe for many distinct values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crmlib.stats.grouping import group_rows

ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.5, 1.25, -2.0])), min_size=1)


@given(ROWS, st.randoms())
def test_groups_restore_rows_and_do_not_depend_on_order(rows, random):
    table = np.array(rows, dtype=float)
    groups = group_rows(*table.T)
    np.testing.assert_array_equal(np.column_stack(groups.columns)[groups.index], table)
    assert len(groups.weights) == len(set(rows))
    random.shuffle(rows)
    again = group_rows(*np.array(rows, dtype=float).T)
    np.testing.assert_array_equal(again.columns, groups.columns)
    np.testing.assert_array_equal(again.weights, groups.weights)


def test_weights_are_summed():
    groups = group_rows([1, 2, 1], weights=[0.5, 1, 2])
    assert groups.columns[0].tolist() == [1, 2]
    assert groups.weights.tolist() == [2.5, 1]


def test_keys_of_many_wide_columns_do_not_overflow():
    """Six columns of 3,000 distinct values: the plain key would need 69 bits."""
    rng = np.random.default_rng(0)
    columns = [rng.permutation(3_000).astype(float) for _ in range(6)]
    doubled = [np.concatenate([c, c]) for c in columns]
    groups = group_rows(*doubled)
    assert (groups.weights == 2).all()
    np.testing.assert_array_equal(
        np.column_stack(groups.columns)[groups.index], np.transpose(doubled)
    )
    assert (np.diff(groups.columns[0]) > 0).all()
