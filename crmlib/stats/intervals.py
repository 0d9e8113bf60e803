"""An estimate with its interval, the form in which every chapter reports uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Interval:
    """A value and the bounds that hold it with the stated probability.

    Attributes
    ----------
    value, lo, hi : float
        Point estimate, lower and upper bound, in one unit.
    level : float
        Nominal coverage, 0–1.
    """

    value: float
    lo: float
    hi: float
    level: float

    def __contains__(self, number: float) -> bool:
        return self.lo <= number <= self.hi


def percentile_interval(
    value: float, replicates: ArrayLike, level: float, infinite: int = 0
) -> Interval:
    """Interval between the two tail quantiles of bootstrap replicates.

    Parameters
    ----------
    value : float
        Estimate from the data themselves.
    replicates : array of shape (replications,)
    level : float
        Nominal coverage, between 0 and 1.
    infinite : int
        Further replicates that were +∞; they move both quantiles up.

    Raises
    ------
    ValueError
        If `level` is not between 0 and 1, a replicate is not finite, or so many
        are +∞ that there is no upper bound.

    Notes
    -----
    Efron & Tibshirani (1993), *An Introduction to the Bootstrap*, ch. 13.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    draws = np.asarray(replicates, dtype=float)
    if draws.size == 0 or not np.isfinite(draws).all():
        raise ValueError("replicates must be finite numbers, at least one")
    tails = np.array([(1 - level) / 2, (1 + level) / 2]) * (draws.size + infinite) / draws.size
    if tails[1] > 1:
        raise ValueError(f"{infinite} of {draws.size + infinite} replicates are infinite")
    lo, hi = np.quantile(draws, tails)
    return Interval(float(value), float(lo), float(hi), float(level))
