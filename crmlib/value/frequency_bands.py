"""Bands of repeat frequency: customers who buy about equally often.

Spend has a distribution for each band where who buys more often also spends more, or
less, per purchase (V6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

MOST_BANDS = 4
LEAST_IN_BAND = 50  # customers, for two parameters of their own


@dataclass(frozen=True)
class FrequencyBands:
    """Bands of repeat purchases, from each start up to the next.

    Attributes
    ----------
    starts : tuple of int
        Fewest repeat purchases of each band, the first 1; the last has no end.

    Raises
    ------
    ValueError
        If they do not begin with 1 or do not ascend.
    """

    starts: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        ascends = all(one < next_ for one, next_ in zip(self.starts, self.starts[1:], strict=False))
        if not self.starts or self.starts[0] != 1 or not ascends:
            raise ValueError(f"bands of frequency must start at 1 and ascend: got {self.starts}")

    def of(self, frequency: ArrayLike) -> NDArray[np.int64]:
        """Band 0, 1, … of each frequency; without repeat purchase the lowest.

        There is no repeat spend to learn another one from, and to extrapolate from
        the bands to a frequency of 0 would be a guess.
        """
        return np.maximum(np.searchsorted(self.starts, frequency, side="right") - 1, 0)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names such as "1", "2–3", "4+"."""
        ends = [start - 1 for start in self.starts[1:]]
        closed = [
            f"{start}" if start == end else f"{start}–{end}"
            for start, end in zip(self.starts, ends, strict=False)
        ]
        return (*closed, f"{self.starts[-1]}+")


EVERYONE = FrequencyBands()


def even_bands(
    frequency: FloatArray, weights: FloatArray, most: int = MOST_BANDS, least: float = LEAST_IN_BAND
) -> FrequencyBands:
    """At most so many bands of about equally many customers, none with fewer than `least`.

    Parameters
    ----------
    frequency : array of shape (n_rows,)
        Repeat purchases, 1 or more.
    weights : array of shape (n_rows,)
        Customers per row.
    """
    values, index = np.unique(frequency, return_inverse=True)
    starts, gathered, left = [1], 0.0, float(weights.sum())
    enough = max(left / most, least)
    for value, size in zip(values, np.bincount(index, weights), strict=True):
        if gathered >= enough and left >= least and len(starts) < most:
            starts.append(int(value))
            enough = max(left / (most - len(starts) + 1), least)
            gathered = 0.0
        gathered += size
        left -= size
    return FrequencyBands(tuple(starts))
