"""Whether two segments differ beyond noise, in value, in behaviour or in anything else (S2).

Welch's unequal-variances t on mid-ranks (Zimmerman & Zumbo 1993, *Can. J. Exp. Psych.*
47:523): neither a currency nor a heavy tail decides. The smallest p-value of a pair is
corrected for the figures compared (Bonferroni), the pairs are corrected by Holm (1979,
*Scand. J. Stat.* 6:65), so that of all pairs that do not differ one is taken to differ
at most with the stated probability.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.multiplicity import holm

FloatArray = NDArray[np.float64]

COLUMNS = ("first", "second", "p_value", "apart", "apart_otherwise", "by")


def rank_moments(
    codes: ArrayLike, segments: int, figures: pd.DataFrame
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """How many customers, mean and variance of mid-ranks (0–1) per segment and figure.

    Parameters
    ----------
    codes : int array of shape (n_customers,)
        Segment of each customer, 0 … segments − 1.
    figures : DataFrame of shape (n_customers, n_figures)
        NaN where a figure has no meaning; such customers are left out of it.

    Returns
    -------
    three arrays of shape (segments, n_figures)
    """
    places = np.asarray(codes)
    counts, means, variances = (np.full((segments, figures.shape[1]), np.nan) for _ in range(3))
    for at, name in enumerate(figures):
        column = figures[name].to_numpy(dtype=float, na_value=np.nan)
        there = np.isfinite(column)
        # centred, so that sums of squares lose no digits
        ranks = stats.rankdata(column[there]) / max(there.sum(), 1) - 0.5
        inside = places[there]
        n = np.bincount(inside, minlength=segments).astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(inside, ranks, segments) / n
            square = np.bincount(inside, (ranks - mean[inside]) ** 2, segments)
            counts[:, at], means[:, at], variances[:, at] = n, mean, square / (n - 1)
    return counts, means, variances


def welch(
    counts: FloatArray, means: FloatArray, variances: FloatArray, one: ArrayLike, other: ArrayLike
) -> FloatArray:
    """Two-sided p-values of Welch's t between rows `one` and `other` of the moments.

    Where a side has fewer than two customers nothing is tested (p = 1). Where all ranks
    of both sides are equal within, they differ for certain or not at all.
    """
    a, b = np.asarray(one), np.asarray(other)
    with np.errstate(invalid="ignore", divide="ignore"):
        va, vb = variances[a] / counts[a], variances[b] / counts[b]
        error = va + vb
        freedom = error**2 / (va**2 / (counts[a] - 1) + vb**2 / (counts[b] - 1))
        t = np.abs(means[a] - means[b]) / np.sqrt(error)
        p = 2 * stats.t.sf(t, freedom)
    flat = error <= 1e-24
    p = np.where(flat, np.where(np.abs(means[a] - means[b]) > 1e-9, 0.0, 1.0), p)
    testable = (counts[a] >= 2) & (counts[b] >= 2)
    return np.where(testable & np.isfinite(p), p, 1.0)


def distinct_pairs(
    segment: pd.Series,
    evidence: pd.DataFrame | None,
    formed_by: Collection[str],
    level: float,
) -> pd.DataFrame:
    """Of each two segments, whether they differ beyond noise and in what most.

    Parameters
    ----------
    segment : Series, index customer_id
    evidence : DataFrame, optional
        customer_id and numeric columns.
    formed_by : collection of str
        Columns that formed the segments.
    level : float
        Family-wise error rate over all pairs.

    Returns
    -------
    DataFrame
        first, second, p_value, apart, apart_otherwise, by; empty without evidence.
    """
    columns = [] if evidence is None else [c for c in evidence if c != "customer_id"]
    names = np.unique(segment.to_numpy(dtype=str))
    if evidence is None or not columns or names.size < 2:
        return pd.DataFrame(columns=list(COLUMNS)).astype({"apart": bool, "apart_otherwise": bool})
    figures = evidence.drop_duplicates("customer_id").set_index("customer_id")[columns]
    codes = np.searchsorted(names, segment.to_numpy(dtype=str))
    moments = rank_moments(codes, names.size, figures.reindex(segment.index))
    first, second = np.triu_indices(names.size, 1)
    p = welch(*moments, first, second)
    free = np.array([column not in set(formed_by) for column in columns])
    best = p.argmin(axis=1)
    within = np.minimum(p.min(axis=1) * len(columns), 1.0)
    otherwise = np.ones(first.size)
    if free.any():
        otherwise = np.minimum(p[:, free].min(axis=1) * free.sum(), 1.0)
    return pd.DataFrame(
        {
            "first": names[first],
            "second": names[second],
            "p_value": within,
            "apart": holm(within) <= level,
            "apart_otherwise": holm(otherwise) <= level,
            "by": np.array(columns, dtype=object)[best],
        }
    )
