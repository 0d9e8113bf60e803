"""Whether customers are still those for whom segments were made: population stability (S6).

The population stability index compares the distribution of a feature, or of segments, on
two dates: PSI = Σ (c − r) ln(c / r) over bins, the symmetrised Kullback–Leibler divergence
(Siddiqi 2006, *Credit Risk Scorecards*, ch. 9, with the customary reading at .1 and .25).
That reading does not know how many customers there are: for independent samples PSI is
about (1/n + 1/m) χ² with bins − 1 degrees of freedom (Yurdakul & Naranjo 2020, *Journal of
Risk Model Validation* 14(4)), far below .1 for thousands of customers and above it for
dozens. Both are given: the reading, and what chance shows when dates change places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.segments.two_dates import Comparison, FloatArray, IntArray

SEGMENTS = "segments"  # the row of segment shares
MODERATE, LARGE = 0.10, 0.25
READINGS = ("stable", "moderate shift", "large shift")
_HALF = 0.5  # customer added to each bin, so that an empty one has a logarithm


@dataclass(frozen=True)
class Surprises:
    """Tests of one kind, on a common scale, as observed and with dates swapped.

    Attributes
    ----------
    kind : str
    names : tuple of str
    observed : array of shape (m,)
        −log p by the moments of the swapped statistics: the larger the less by chance.
    swapped : array of shape (replications, m)
    """

    kind: str
    names: tuple[str, ...]
    observed: FloatArray
    swapped: FloatArray


@dataclass(frozen=True)
class PopulationStability:
    """Population stability of each feature and of the segments' shares.

    Attributes
    ----------
    table : DataFrame
        By feature and *segments*: psi, reading (.1 and .25), bins, by_chance (the mean with
        dates swapped), by_chance_hi (their quantile at `level`), chi_square (that quantile
        for independent samples), p.
    tested : Surprises
    level : float
    """

    table: pd.DataFrame
    tested: Surprises
    level: float


def psi(reference: NDArray[np.floating], current: NDArray[np.floating]) -> FloatArray:
    """Population stability index of counts by bin; bins are the last axis.

    >>> round(float(psi(np.array([500.0, 500.0]), np.array([400.0, 600.0]))), 4)
    0.0404
    """
    r, c = np.asarray(reference, float) + _HALF, np.asarray(current, float) + _HALF
    r, c = r / r.sum(axis=-1, keepdims=True), c / c.sum(axis=-1, keepdims=True)
    return ((c - r) * np.log(c / r)).sum(axis=-1)


def population_stability(
    compared: Comparison,
    edges: Mapping[str, Sequence[float]] | None = None,
    *,
    bins: int = 10,
    level: float,
    leave_out: Sequence[str] = (),
) -> PopulationStability:
    """Population stability of features and of segment shares, with what chance shows.

    Parameters
    ----------
    compared : Comparison
    edges : mapping, optional
        Inner edges of the bins of some features; else quantiles of both dates together,
        which favour neither, ties in one bin.
    bins : int
        Bins wanted of a feature without edges.
    level : float
        At which quantile chance is shown.
    leave_out : sequence of str
        Features that change by the calendar, such as time as a customer: they would tell
        that a year has passed.
    """
    names = [name for name in compared.before.features if name not in set(leave_out)]
    coded = {SEGMENTS: (compared.before.labels, compared.after.labels)}
    for name in names:
        at = compared.before.features.index(name)
        first, second = compared.before.matrix[:, at], compared.after.matrix[:, at]
        inner = (edges or {}).get(name)
        cuts = _quantiles(first, second, bins) if inner is None else np.asarray(inner, float)
        coded[name] = tuple(np.searchsorted(cuts, x, side="left") for x in (first, second))
    sizes = {name: int(max(a.max(), b.max())) + 1 for name, (a, b) in coded.items()}
    both = [np.hstack([_one_hot(pair[date], sizes[name]) for name, pair in coded.items()])
            for date in (0, 1)]  # fmt: skip
    (r, c), (r_null, c_null) = compared.sums(*both)
    rows, observed, swapped = [], [], []
    starts = np.cumsum([0, *sizes.values()])
    rate = 1 / compared.before.n + 1 / compared.after.n
    for place, (name, size) in enumerate(sizes.items()):
        part = slice(starts[place], starts[place] + size)
        value, null = float(psi(r[part], c[part])), psi(r_null[:, part], c_null[:, part])
        used = int(((r + c)[part] > 0).sum())
        rows.append({
            "feature": name, "psi": value, "reading": reading(value), "bins": used,
            "by_chance": null.mean(), "by_chance_hi": np.quantile(null, level),
            "chi_square": rate * stats.chi2.ppf(level, max(used - 1, 1)) if used > 1 else 0.0,
            "p": swap_p(value, null),
        })  # fmt: skip
        observed.append(_gamma_surprise(value, null))
        swapped.append(_gamma_surprise(null, null))
    tested = Surprises("shares", tuple(sizes), np.array(observed), np.column_stack(swapped))
    return PopulationStability(pd.DataFrame(rows).set_index("feature"), tested, level)


def reading(value: float) -> str:
    """The customary reading of a population stability index.

    >>> reading(0.05), reading(0.1), reading(0.3)
    ('stable', 'moderate shift', 'large shift')
    """
    return READINGS[int(value >= MODERATE) + int(value >= LARGE)]


def swap_p(value: float, null: FloatArray) -> float:
    """How often chance shows as much, counted with the observed one: (b + 1) / (B + 1)."""
    return float((1 + (null >= value - 1e-12).sum()) / (1 + null.size))


def normal_surprise(values: FloatArray, null: FloatArray, sides: int) -> FloatArray:
    """−log p of signed statistics by the mean and deviation of the swapped ones.

    Parameters
    ----------
    values, null : arrays of shape (…, m), (replications, m)
    sides : {1, 2}
        1 where only a positive statistic is evidence.
    """
    spread = null.std(axis=0)
    z = (values - null.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    log_p = stats.norm.logsf(np.abs(z) if sides == 2 else z)
    return -np.minimum(log_p + np.log(sides), 0)


def _gamma_surprise(values: FloatArray | float, null: FloatArray) -> FloatArray:
    """−log p by the gamma distribution with the moments of the swapped statistics."""
    mean, variance = null.mean(), null.var()
    if not variance > 0:
        return np.zeros(np.shape(values))
    return -stats.gamma.logsf(values, mean**2 / variance, scale=variance / mean)


def _quantiles(first: FloatArray, second: FloatArray, bins: int) -> FloatArray:
    """Inner edges of bins with about equally many customers, each edge a value that occurs."""
    both = np.concatenate([first, second])
    cuts = np.unique(np.quantile(both, np.arange(1, bins) / bins, method="inverted_cdf"))
    return cuts[cuts < both.max()]


def _one_hot(codes: IntArray, size: int) -> FloatArray:
    return (codes[:, None] == np.arange(size)).astype(np.float32)


@dataclass(frozen=True)
class ShareChanges:
    """How the segments' shares of customers changed.

    Attributes
    ----------
    table : DataFrame
        By segment: before, after (customers), share_before, share_after, change, p (two-sided).
    tested : Surprises
    """

    table: pd.DataFrame
    tested: Surprises


def share_changes(compared: Comparison) -> ShareChanges:
    """Change of each segment's share of customers, with what chance shows."""
    before, after = compared.before, compared.after
    size = len(before.segments)
    (r, c), (r_null, c_null) = compared.sums(
        _one_hot(before.labels, size), _one_hot(after.labels, size)
    )
    change, null = shares(c) - shares(r), shares(c_null) - shares(r_null)
    table = pd.DataFrame(
        {
            "before": r.round().astype(int),
            "after": c.round().astype(int),
            "share_before": r / before.n,
            "share_after": c / after.n,
            "change": change,
            "p": [swap_p(abs(v), np.abs(d)) for v, d in zip(change, null.T, strict=True)],
        },
        index=pd.Index(before.segments, name="segment"),
    )
    surprise = [normal_surprise(values, null, 2) for values in (change, null)]
    return ShareChanges(table, Surprises("size", before.segments, *surprise))


def shares(counts: FloatArray) -> FloatArray:
    """Counts over the last axis as shares of their sum."""
    return counts / counts.sum(axis=-1, keepdims=True)
