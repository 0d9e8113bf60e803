"""Parameters of an sBG model that the data allow, for likelihood intervals (V7).

Wald intervals need a curved likelihood. Where contracts hardly differ in risk it is a
ridge without end, α and β unknown and yet survival well known; the region tells so.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]

SLICES = 80  # on each side of the estimate
LOG_TOTAL = (-15.0, 25.0)  # of α + β, beyond which it makes no difference
LOGIT = 25.0  # of α/(α+β), on both sides
HALVINGS, SECTIONS = 50, 60  # of an edge, of a slice


def likelihood_region(
    llf_of: Callable[[FloatArray, FloatArray], FloatArray],
    params: FloatArray,
    llf: float,
    level: float,
) -> FloatArray:
    """Edge of the parameters whose deviance a χ² of one degree of freedom allows.

    The extremes over this region of a quantity that moves with α/(α+β) at given α+β are
    the ends of its profile-likelihood interval (Cox & Hinkley 1974, *Theoretical
    Statistics*, ch. 9). The region is cut into slices of equal α+β.

    Parameters
    ----------
    llf_of : callable
        Log-likelihood of arrays of α and β.
    params : array of shape (2,)
        The estimate.
    llf : float
        Log-likelihood of the estimate.
    level : float
        Nominal coverage of the interval.

    Returns
    -------
    array of shape (2, n_points)
        α and β, all of them positive and finite; the last point is the estimate.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    least = llf - stats.chi2.ppf(level, 1) / 2
    steps = np.geomspace(1e-4, 20.0, SLICES)
    total = np.log(params.sum()) + np.concatenate([-steps, [0.0], steps])
    total = np.unique(np.clip(total, *LOG_TOTAL))

    def height(logit: FloatArray) -> FloatArray:
        return llf_of(*_split(total, logit))

    best = _argmax(height, np.full(total.size, -LOGIT), np.full(total.size, LOGIT))
    inside = height(best) >= least
    edges = []
    for bound in (-LOGIT, LOGIT):
        within, outside = best.copy(), np.full(total.size, bound)
        for _ in range(HALVINGS):
            middle = (within + outside) / 2
            allowed = height(middle) >= least
            within = np.where(allowed, middle, within)
            outside = np.where(allowed, outside, middle)
        edges.append(np.array(_split(total, within))[:, inside])
    return np.concatenate([*edges, params[:, None]], axis=1)


def _split(log_total: FloatArray, logit: FloatArray) -> tuple[FloatArray, FloatArray]:
    """α and β from log(α+β) and the logit of α/(α+β)."""
    total = np.exp(log_total)
    return total / (1 + np.exp(-logit)), total / (1 + np.exp(logit))


def _argmax(
    height: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray
) -> FloatArray:
    """Maximiser of each slice by golden sections; along a slice there is one maximum."""
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(SECTIONS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        falls = height(left) > height(right)
        low, high = np.where(falls, low, left), np.where(falls, right, high)
    return (low + high) / 2
