"""A line that may bend once, and what moving along it brings (N4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class KinkedLine:
    """One line or many: of several issues, or of one issue in many resamples.

    Attributes
    ----------
    at : array of shape (n_lines,)
        Where each line bends, in points of the issue; infinite where it is straight.
    before, beyond : array of shape (n_lines,)
        Points of outcome per point of the issue, below and above the kink.
    """

    at: FloatArray
    before: FloatArray
    beyond: FloatArray

    @classmethod
    def straight(cls, slope: ArrayLike) -> KinkedLine:
        """Lines without a kink."""
        each = np.asarray(slope, dtype=float)
        return cls(np.full_like(each, np.inf), each, each)

    def gain(self, start: ArrayLike, end: ArrayLike) -> FloatArray:
        """Points of outcome for a rise from `start` to `end`, each part at its own slope.

        >>> KinkedLine(np.array([7.0]), np.array([0.5]), np.array([0.1])).gain(5, 9)
        array([1.2])
        """
        low, high = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
        below = np.minimum(high, self.at) - np.minimum(low, self.at)
        return self.before * below + self.beyond * (high - low - below)
