"""Grouped sufficient statistics: equal rows become one row with a weight.

A million customers observed in whole days share about a hundred thousand
distinct (frequency, recency, observed time) rows; likelihoods need no more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """Distinct rows in lexicographic order.

    Attributes
    ----------
    columns : tuple of arrays of shape (n_groups,)
    weights : array of shape (n_groups,)
        Sum of the rows' weights.
    index : array of shape (n_rows,)
        Group of each row, so that ``columns[k][index]`` restores column k.
    """

    columns: tuple[FloatArray, ...]
    weights: FloatArray
    index: NDArray[np.int64]


def group_rows(*columns: ArrayLike, weights: ArrayLike | None = None) -> Groups:
    """Group equal rows of several columns; the result does not depend on row order.

    Parameters
    ----------
    *columns : arrays of shape (n_rows,)
    weights : array of shape (n_rows,), optional
        One per row where omitted.
    """
    arrays = [np.asarray(column, dtype=float) for column in columns]
    key, size = np.zeros(arrays[0].size, dtype=np.int64), 1
    for array in arrays:
        codes, values = pd.factorize(array, sort=True)
        if size * max(len(values), 1) > 2**62:  # the mixed-radix key would overflow
            key, distinct = pd.factorize(key, sort=True)
            size = len(distinct)
        key, size = key * len(values) + codes, size * max(len(values), 1)
    index, distinct = pd.factorize(key, sort=True)
    first = np.empty(len(distinct), dtype=np.int64)
    first[index[::-1]] = np.arange(index.size)[::-1]
    row_weights = None if weights is None else np.asarray(weights, dtype=float)
    total = np.bincount(index, weights=row_weights, minlength=len(distinct)).astype(float)
    return Groups(tuple(array[first] for array in arrays), total, index)
