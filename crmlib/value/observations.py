"""What purchase histories must look like before a model sees them.

Every refusal names the argument, the first offending value and its position.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

TOLERANCE = 1e-9  # relative; recency and observed time may differ by rounding alone


def check_column(name: str, values: ArrayLike, size: int | None = None) -> FloatArray:
    """A finite, non-negative, one-dimensional column as floats.

    Raises
    ------
    ValueError
        Naming the argument and the first offending value.
    """
    column = np.asarray(values, dtype=float)
    if column.ndim != 1 or column.size == 0:
        raise ValueError(f"{name} must be a non-empty column, got shape {column.shape}")
    if size is not None and column.size != size:
        raise ValueError(f"{name} has {column.size} values where {size} were expected")
    _refuse(~np.isfinite(column), name, column, "must be finite")
    _refuse(column < 0, name, column, "must not be negative")
    return column


def check_purchases(
    frequency: ArrayLike, recency: ArrayLike, observed_time: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Frequency, recency and observed time, checked against each other.

    Raises
    ------
    ValueError
        If shapes differ, a value is negative or not finite, a frequency is not
        whole, recency exceeds observed time, recency is zero for a repeat buyer
        or positive for a one-time buyer.
    """
    x = check_column("frequency", frequency)
    last = check_column("recency", recency, x.size)
    end = check_column("observed_time", observed_time, x.size)
    _refuse(x != np.round(x), "frequency", x, "must be whole numbers")
    _refuse(last > end * (1 + TOLERANCE), "recency", last, "must not exceed observed_time")
    _refuse((x == 0) & (last > 0), "recency", last, "must be 0 where frequency is 0")
    _refuse((x > 0) & (last == 0), "recency", last, "must be positive where frequency is")
    return x, np.minimum(last, end), end


def check_occasions(
    frequency: ArrayLike, recency: ArrayLike, occasions: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Frequency, recency and number of occasions, whole numbers checked against each other.

    Raises
    ------
    ValueError
        As `check_purchases`; also if recency or occasions are not whole, or there
        are more purchases than occasions up to the last of them.
    """
    x = check_column("frequency", frequency)
    last = check_column("recency", recency, x.size)
    end = check_column("occasions", occasions, x.size)
    for name, column in (("frequency", x), ("recency", last), ("occasions", end)):
        _refuse(column != np.round(column), name, column, "must be whole numbers")
    _refuse(last > end, "recency", last, "must not exceed occasions")
    _refuse(x > last, "frequency", x, "must not exceed recency, the occasions up to the last")
    _refuse((x == 0) & (last > 0), "recency", last, "must be 0 where frequency is 0")
    return x, last, end


def check_weights(weights: ArrayLike | None, size: int) -> FloatArray | None:
    """Non-negative weights with a positive sum, or None."""
    if weights is None:
        return None
    column = check_column("weights", weights, size)
    if column.sum() == 0:
        raise ValueError("weights must not all be 0")
    return column


def _refuse(bad: NDArray[np.bool_], name: str, column: FloatArray, rule: str) -> None:
    if bad.any():
        first = int(np.argmax(bad))
        raise ValueError(f"{name} {rule}: found {column[first]:g} at position {first}")
