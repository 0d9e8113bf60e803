"""Answer sheets of a survey as numbers: which answer to which item, and which are alike (N1).

People who gave the same answers are one pattern with their weights together, so that a
million sheets of eight items with three answers each are 6,560 rows. Who did not answer an
item says nothing by it; who answered none is not counted.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.grouping import group_rows
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_LEVELS = 50  # different answers to one item; more are a number or a key, not an item
MISSING = -1


@dataclass(frozen=True, eq=False)
class Item:
    """A question and the answers that were given to it.

    Attributes
    ----------
    name : str
    levels : Index of length m
        Answers in the order of their numbers, alphabet or categories.
    scores : array of shape (m,) or None
        Place of each answer of an ordinal item between lowest (0) and highest (1); None for
        an item whose answers have no order.
    """

    name: Hashable
    levels: pd.Index
    scores: FloatArray | None

    @property
    def ordinal(self) -> bool:
        return self.scores is not None


@dataclass(frozen=True, eq=False)
class Patterns:
    """Distinct answer patterns in lexicographic order of answers.

    Attributes
    ----------
    items : tuple of Item
    codes : array of shape (n_patterns, n_items)
        Position of the answer among the item's levels, `MISSING` where there is none.
    weights : array of shape (n_patterns,)
        Sums of respondents' weights, scaled to a mean of 1.
    index : array of shape (n_rows,)
        Pattern of each row; -1 for a row that is not counted.
    respondents : int
        Rows with an answer and a weight.
    each : array of shape (n_rows,)
        Scaled weight of each row, 0 for one that is not counted.
    """

    items: tuple[Item, ...]
    codes: IntArray
    weights: FloatArray
    index: IntArray
    respondents: int
    each: FloatArray

    def of_codes(self, codes: IntArray, each: FloatArray) -> Patterns:
        """Other sheets of the same items, with the weight of each."""
        return _grouped(self.items, codes, each)


def read_answers(
    table: pd.DataFrame, ordinal: Sequence[Hashable] = (), weights: ArrayLike | None = None
) -> Patterns:
    """Group the sheets of a survey.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_items)
        Numbers, booleans, text or categories; NaN where an item was not answered.
    ordinal : sequence of column names
        Items whose answers have an order: numbers, booleans or ordered categories.
    weights : array of shape (n_rows,), optional
        Survey weights. Only their proportions matter: they are scaled so that their sum is
        the number of respondents, which is the n of all criteria.

    Raises
    ------
    NotIdentified
        For an item without answers, with answers that cannot be ordered or too many of
        them, for weights that are negative, unknown or all 0, or if nobody answered.
    """
    items = read_items(table, ordinal)
    codes = codes_of(table, items)
    return _grouped(items, codes, _counted(codes, weights))


def _grouped(items: tuple[Item, ...], codes: IntArray, each: FloatArray) -> Patterns:
    """Equal sheets of who has a weight together."""
    rows = np.flatnonzero(each > 0)
    if not rows.size:
        raise NotIdentified("no respondent has both an answer and a weight")
    each = each * (rows.size / each.sum())
    groups = group_rows(*codes[rows].T, weights=each[rows])
    index = np.full(len(codes), -1, dtype=np.int64)
    index[rows] = groups.index
    distinct = np.column_stack(groups.columns).astype(np.int64)
    return Patterns(items, distinct, groups.weights, index, rows.size, each)


def read_items(table: pd.DataFrame, ordinal: Sequence[Hashable] = ()) -> tuple[Item, ...]:
    """Items of a table with the answers that occur in it."""
    if not table.shape[1]:
        raise NotIdentified("the table of answers has no item")
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise NotIdentified(f"the table of answers has item {twice!r} twice")
    for name in ordinal:
        if name not in table.columns:
            known = ", ".join(map(str, table.columns))
            raise NotIdentified(f"ordinal item {name!r} is not in the table, which has {known}")
    return tuple(_item(name, table[name], name in set(ordinal)) for name in table.columns)


def codes_of(table: pd.DataFrame, items: Sequence[Item]) -> IntArray:
    """Answers as positions among the items' levels, shape (n_rows, n_items).

    Raises
    ------
    NotIdentified
        If an item is missing from the table, or has an answer that is not among its levels.
    """
    codes = np.empty((len(table), len(items)), dtype=np.int64)
    for j, item in enumerate(items):
        if item.name not in table.columns:
            raise NotIdentified(f"item {item.name!r} is missing from the table of answers")
        column = table[item.name]
        codes[:, j] = _positions(column, item.levels)
        unknown = (codes[:, j] == MISSING) & column.notna().to_numpy()
        if unknown.any():
            at = int(np.argmax(unknown))
            known = ", ".join(map(str, item.levels))
            raise NotIdentified(
                f"item {item.name!r} has the answer {column.iloc[at]} in row {table.index[at]}, "
                f"but the classes were found with {known}"
            )
    return codes


def _positions(column: pd.Series, levels: pd.Index) -> IntArray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        # by category: a million text labels need not be compared
        where = np.append(levels.get_indexer(column.cat.categories), MISSING)
        return where[column.cat.codes.to_numpy()]
    return levels.get_indexer(_plain(column))


def _plain(column: pd.Series) -> pd.Index:
    """Answers with nullable numbers and booleans as numpy's, which compare alike."""
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Index(column.to_numpy(dtype=float, na_value=np.nan))
    return pd.Index(column)


def _item(name: Hashable, column: pd.Series, ordinal: bool) -> Item:
    scores: FloatArray | None = None
    if isinstance(column.dtype, pd.CategoricalDtype):
        places = np.unique(column.cat.codes)
        places = places[places != MISSING]
        levels = column.cat.categories[places]
        orderly, values = bool(column.cat.ordered), places.astype(float)
    else:
        levels = _distinct(name, column)
        orderly = pd.api.types.is_numeric_dtype(levels.dtype)
        values = levels.to_numpy(dtype=float) if orderly and ordinal else np.zeros(len(levels))
    if not len(levels):
        raise NotIdentified(f"nobody answered item {name!r}: leave it out")
    if len(levels) > MOST_LEVELS:
        raise NotIdentified(
            f"item {name!r} has {len(levels)} different answers, at most {MOST_LEVELS} can be "
            "told apart by class: group its answers, or leave it out if it is a key"
        )
    if ordinal and not orderly:
        raise NotIdentified(
            f"item {name!r} is to be ordinal but its answers have no order: give numbers or an "
            "ordered categorical"
        )
    if ordinal:
        spread = np.ptp(values)
        scores = (values - values.min()) / (spread if spread > 0 else 1.0)
    return Item(name, levels, scores)


def _distinct(name: Hashable, column: pd.Series) -> pd.Index:
    try:
        levels = pd.Index(pd.factorize(_plain(column), sort=True)[1])
    except TypeError:
        raise NotIdentified(
            f"item {name!r} mixes answers of different kinds, such as numbers and text"
        ) from None
    if pd.api.types.is_numeric_dtype(levels.dtype) and not np.isfinite(levels).all():
        raise NotIdentified(f"item {name!r} has an infinite answer")
    if pd.api.types.is_float_dtype(levels.dtype) and (levels == np.round(levels)).all():
        levels = levels.astype(np.int64)  # whole numbers are read as floats beside a gap
    kinds = {isinstance(level, str) for level in levels[: MOST_LEVELS + 1]}
    if len(kinds) > 1:
        raise NotIdentified(
            f"item {name!r} mixes answers of different kinds, such as numbers and text"
        )
    return levels


def _counted(codes: IntArray, weights: ArrayLike | None) -> FloatArray:
    """Weight of each row, 0 where nothing was answered."""
    each = np.ones(len(codes)) if weights is None else np.asarray(weights, dtype=float)
    if each.shape != (len(codes),):
        raise NotIdentified(f"{len(codes)} answer sheets but {each.size} weights")
    bad = ~(np.isfinite(each) & (each >= 0))
    if bad.any():
        at = int(np.argmax(bad))
        raise NotIdentified(
            f"the weight of answer sheet {at + 1} is {each[at]:g}: weights must be known and "
            "not negative"
        )
    return np.where((codes != MISSING).any(axis=1), each, 0.0)
