"""Limits that a person can remember: the roundest number that moves hardly anybody (S3)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_STEPS = (5.0, 2.0, 1.0)  # within a power of ten, roundest first
_FINEST = 12  # powers of ten below the widest that is tried
_SMALLEST = 280
_SEPARATED = 10_000


def roundest(column: FloatArray, threshold: float, tolerance: float) -> float:
    """The roundest limit t for which `column < t` cuts nearly as `column <= threshold` does.

    Parameters
    ----------
    column : array of shape (n_customers,)
        Finite figures of those who are cut, some on either side.
    threshold : float
    tolerance : float
        Share of them who may come to the other side.

    Notes
    -----
    All limits between two neighbouring figures cut alike; the tolerance widens that by a
    few customers to either side. Never so far that a side stays empty.

    >>> roundest(np.arange(100.0), 38.5, 0.02), roundest(np.array([1.0, 3.0]), 2.0, 0.0)
    (40.0, 2.0)
    """
    ranked = np.sort(column)
    cut = int(np.searchsorted(ranked, threshold, side="right"))
    spare = int(tolerance * ranked.size)
    # the figure below the limit, exclusive, and the one above it, inclusive
    low = ranked[max(cut - 1 - spare, 0)]
    high = ranked[min(cut + spare, ranked.size - 1)]
    return _roundest_between(low, high, threshold)


def _roundest_between(low: float, high: float, near: float) -> float:
    """The multiple of the coarsest step in (low, high] that is nearest to `near`."""
    if low < 0 <= high:
        return 0.0
    top = math.floor(math.log10(max(abs(low), abs(high)))) + 1
    if top < -_SMALLEST:
        return float(high)  # powers of ten run out
    for power in range(top, top - _FINEST, -1):
        for step in _STEPS:
            size = step * 10.0**power
            first, last = math.floor(low / size) + 1, math.floor(high / size)
            if first <= last:
                multiple = min(max(round(near / size), first), last)
                # by division a tenth is a tenth; by multiplication it is one plus rounding
                found = multiple * step / 10.0**-power if power < 0 else multiple * size
                if low < found <= high:
                    return found
    return float(high)


def written(limit: float) -> str:
    """A limit with all its digits; thousands separated from five digits on, years stay years.

    >>> written(12000.0), written(1985.0), written(0.3), written(-2.0)
    ('12,000', '1985', '0.3', '-2')
    """
    return f"{limit:.12g}" if abs(limit) < _SEPARATED else f"{limit:,.12g}"
