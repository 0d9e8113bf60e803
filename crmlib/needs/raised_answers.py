"""Who stands below a target, and what raising them to it brings (N4).

An issue is mended for people, not for a mean: whoever stands at the target already is left
there, and behind a kink of the line that changes what is gained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.needs.kinked_line import KinkedLine

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AnswerShares:
    """How the answers to one issue are spread.

    Attributes
    ----------
    levels : array of shape (n_levels,)
        Answers that were given, ascending.
    shares : array of shape (n_levels,)
        Weighted share of people with each, sum 1.
    """

    levels: FloatArray
    shares: FloatArray

    @classmethod
    def of(cls, answers: pd.Series, weights: pd.Series | None = None) -> AnswerShares:
        """Of everybody who answered; weights by the same index, those of 0 are left out.

        >>> AnswerShares.of(pd.Series([7, 5, None, 7])).shares.round(2)
        array([0.33, 0.67])
        """
        given = answers.to_numpy(dtype=float)
        weight = np.ones(len(given))
        if weights is not None:
            weight = weights.reindex(answers.index).to_numpy(dtype=float)
        used = np.isfinite(given) & (weight > 0)
        levels, place = np.unique(given[used], return_inverse=True)
        counts = np.bincount(place, weights=weight[used], minlength=len(levels))
        return cls(levels, counts / counts.sum() if len(levels) else counts)

    @property
    def mean(self) -> float:
        """Mean answer."""
        return float(self.shares @ self.levels)

    def points(self, target: float) -> float:
        """Mean points by which people are raised: E[max(T − x, 0)]."""
        return float(self.shares @ np.maximum(target - self.levels, 0.0))

    def lift(self, line: KinkedLine, target: float) -> FloatArray:
        """Mean rise of the outcome, E[f(max(x, T)) − f(x)], along each of n lines.

        >>> half = AnswerShares(np.array([5.0, 9.0]), np.array([0.5, 0.5]))
        >>> half.lift(KinkedLine(np.array([7.0]), np.array([0.5]), np.array([0.1])), 8)
        array([0.55])
        """
        start = self.levels.reshape(-1, *([1] * np.ndim(line.at)))
        return self.shares @ line.gain(start, np.maximum(start, target))

    def target_within(self, line: KinkedLine, target: float, most: float) -> float:
        """The target, or where short of it the outcome of one line has risen by `most` (≥ 0).

        The lift is linear in the target between answers and the kink, so that the last of
        these with a lift of at most `most` and the next one hold the place.
        """
        if self.lift(line, target) <= most:
            return target
        knots = np.union1d(self.levels, line.at[np.isfinite(line.at)])
        knots = np.append(knots[knots < target], target)
        lifts = np.array([float(self.lift(line, knot)) for knot in knots])
        last = int(np.flatnonzero(lifts <= most)[-1])
        part = (most - lifts[last]) / (lifts[last + 1] - lifts[last])
        return float(knots[last] + part * (knots[last + 1] - knots[last]))
