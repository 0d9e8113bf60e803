"""Columns of the customer base as numbers that tell segments apart (N5).

Numbers become normal scores of their rank, so that units and long tails of money do
not matter; words become one column per common level; a gap is a level of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

FloatArray = NDArray[np.float64]

FEWEST = 10  # respondents with a level, or with a gap, for it to have a column
_GAP, _RARE = "(gap)", "(other)"


@dataclass(frozen=True)
class Encoding:
    """What was learnt from respondents, to be applied to everybody.

    Attributes
    ----------
    scores : dict of str to (array, array)
        Values of each number, ascending, and their normal scores.
    levels : dict of str to tuple of str
        Levels with a column of their own, by column of words.
    gaps : tuple of str
        Numbers whose gaps have a column.
    centre, spread : array of shape (n_features,)
        By which the features are standardised.
    left_out : dict of str to str
        Columns that are not used, with the reason.
    """

    scores: dict[str, tuple[FloatArray, FloatArray]]
    levels: dict[str, tuple[str, ...]]
    gaps: tuple[str, ...]
    centre: FloatArray
    spread: FloatArray
    left_out: dict[str, str] = field(default_factory=dict)

    def transform(self, table: pd.DataFrame) -> FloatArray:
        """Standardised features, shape (len(table), n_features)."""
        return (_features(table, self) - self.centre) / self.spread


def learn_encoding(table: pd.DataFrame) -> Encoding:
    """Learn an encoding from the respondents' rows of the customer table.

    Parameters
    ----------
    table : DataFrame of shape (n_respondents, n_columns)
        Numbers, yes/no, dates and words, with gaps.

    Notes
    -----
    A level with fewer than `FEWEST` respondents, and one that none of them has, is pooled
    with the other rare ones. A number beyond those seen counts as the nearest one seen.
    """
    scores, levels, gaps, left_out = {}, {}, [], {}
    for name, column in table.items():
        values = _numbers(column)
        if values is None:
            common = _common_levels(column)
            if len(common) == 0 or (len(common) == 1 and _in_words(column).nunique() == 1):
                left_out[str(name)] = "no two levels that enough respondents have"
            else:
                levels[name] = common
            continue
        known = values[np.isfinite(values)]
        if np.unique(known).size < 2:
            left_out[str(name)] = "does not vary among respondents"
            continue
        scores[name] = _normal_scores(known)
        if FEWEST <= len(values) - len(known) <= len(values) - FEWEST:
            gaps.append(name)
    plain = Encoding(scores, levels, tuple(gaps), np.zeros(1), np.ones(1))
    raw = _features(table, plain)
    spread = raw.std(axis=0)
    return Encoding(
        scores,
        levels,
        tuple(gaps),
        raw.mean(axis=0),
        np.where(spread > 1e-12, spread, 1.0),
        left_out,
    )


def _numbers(column: pd.Series) -> FloatArray | None:
    """Numbers, yes/no and dates (in days) as floats; None for words."""
    if pd.api.types.is_datetime64_any_dtype(column):
        days = (column - pd.Timestamp(0, tz=column.dt.tz)) / pd.Timedelta(days=1)
        return days.to_numpy(float)
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isfinite(values), values, np.nan)
    return None


def _in_words(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), _GAP).astype(str)


def _common_levels(column: pd.Series) -> tuple[str, ...]:
    counts = _in_words(column).value_counts()
    return tuple(sorted(counts.index[counts >= FEWEST]))


def _normal_scores(known: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distinct values and the normal quantile of their middle rank."""
    values, counts = np.unique(known, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return values, ndtri(middle / counts.sum())


def _features(table: pd.DataFrame, encoding: Encoding) -> FloatArray:
    parts = []
    for name, (values, score) in encoding.scores.items():
        given = _numbers(table[name])
        if given is None:
            raise ValueError(f"column {name} holds words here and numbers among respondents")
        gap = np.isnan(given)
        parts.append(np.where(gap, 0.0, np.interp(np.where(gap, 0.0, given), values, score)))
        if name in encoding.gaps:
            parts.append(gap.astype(float))
    for name, known in encoding.levels.items():
        words = _in_words(table[name])
        words = words.where(words.isin(known), _RARE)
        parts.extend((words == level).to_numpy(float) for level in known)
    return np.column_stack(parts) if parts else np.empty((len(table), 0))
