"""How the explained variance of an outcome divides over correlated predictors (N4).

Two decompositions of R² from a correlation matrix, batched over resamples: the mean
gain over all orders of entry (LMG, the Shapley value of R²) and Johnson's relative weights.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MOST_PREDICTORS = 15  # 32,768 subsets; beyond it the exact sum is not worth its time
_PIVOT = 1e-10  # what a predictor must add to those before it, as a share of its variance


def subset_r2(correlation: FloatArray) -> FloatArray:
    """R² of the outcome on every subset of predictors.

    Parameters
    ----------
    correlation : array of shape (n_samples, p + 1, p + 1)
        Correlation matrices, the outcome last.

    Returns
    -------
    array of shape (n_samples, 2**p)
        Bit j of the position says whether predictor j is in the subset.

    Notes
    -----
    Predictors are taken in turn, the last first. Those left, and the outcome, are
    kept once as they are and once with the predictor swept out (Schur complement),
    so that all subsets cost about six numbers each. A predictor that repeats those
    before it adds nothing.
    """
    samples, size, _ = correlation.shape
    residual = correlation[:, None].astype(float)
    for last in range(size - 2, -1, -1):
        keep = [*range(last), last + 1]  # what is behind `last` is the outcome
        pivot = residual[:, :, last, last]
        column = residual[:, :, keep, last]
        rest = residual[:, :, keep][:, :, :, keep]
        scale = np.where(pivot > _PIVOT, 1 / np.where(pivot > _PIVOT, pivot, 1.0), 0.0)
        swept = rest - column[..., :, None] * column[..., None, :] * scale[..., None, None]
        # without `last`, then with it: earlier predictors are lower bits
        residual = np.stack([rest, swept], axis=2).reshape(samples, -1, len(keep), len(keep))
    return correlation[:, -1, -1, None] - residual[:, :, 0, 0]


def lmg(correlation: FloatArray) -> FloatArray:
    """Mean gain in R² of each predictor over all orders of entry.

    Parameters
    ----------
    correlation : array of shape (n_samples, p + 1, p + 1)
        The outcome last; p at most `MOST_PREDICTORS`.

    Returns
    -------
    array of shape (n_samples, p)
        Not negative, and summing to R².

    Notes
    -----
    Lindeman, Merenda & Gold (1980); Grömping (2006), *Relative importance for linear
    regression in R*, J. Stat. Softw. 17(1), eq. 5.
    """
    p = correlation.shape[-1] - 1
    member = (np.arange(2**p)[:, None] >> np.arange(p)) & 1
    size = member.sum(axis=1)
    joined = np.array([0.0, *(1 / (p * comb(p - 1, s - 1)) for s in range(1, p + 1))])
    absent = np.array([*(1 / (p * comb(p - 1, s)) for s in range(p)), 0.0])
    share = np.where(member == 1, joined[size, None], -absent[size, None])
    return np.maximum(subset_r2(correlation) @ share, 0.0)


def johnson(correlation: FloatArray) -> FloatArray:
    """Relative weights: R² on the nearest orthogonal predictors, given back to the real ones.

    Parameters and result as in `lmg`; any number of predictors.

    Notes
    -----
    Johnson (2000), *A heuristic method for estimating the relative weight of predictor
    variables in multiple regression*, Multivar. Behav. Res. 35:1. With a generalised
    inverse, so that predictors that repeat each other share what they explain.
    """
    among, outcome = correlation[:, :-1, :-1], correlation[:, :-1, -1]
    values, vectors = np.linalg.eigh(among)
    known = values > _PIVOT * values.max(axis=1, keepdims=True)
    root = np.sqrt(np.where(known, values, 0.0))
    inverse = np.where(known, 1 / np.where(known, root, 1.0), 0.0)
    half = (vectors * root[:, None, :]) @ vectors.transpose(0, 2, 1)
    back = (vectors * inverse[:, None, :]) @ vectors.transpose(0, 2, 1)
    on_orthogonal = (back @ outcome[..., None])[..., 0]
    return (half**2 @ on_orthogonal[..., None] ** 2)[..., 0]


def slopes(covariance: FloatArray) -> FloatArray:
    """Coefficients of the outcome on all predictors, shape (n_samples, p); outcome last.

    Of predictors that repeat each other the shortest solution is given.
    """
    among, outcome = covariance[:, :-1, :-1], covariance[:, :-1, -1]
    inverse = np.linalg.pinv(among, rcond=_PIVOT, hermitian=True)
    return (inverse @ outcome[..., None])[..., 0]
