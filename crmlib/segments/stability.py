"""Whether segments would be found again: the gate before they go live (S4).

Customers are drawn anew with replacement, segments are found again among those drawn,
and each old segment is compared with the new one that resembles it most. What decides is
the *weakest* segment: an average stays high while a segment in it is broken. After
Hennig (2007), "Cluster-wise assessment of cluster stability", *Computational Statistics
& Data Analysis* 52, 258–271.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import cpu_count

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import ThreadpoolController

from crmlib.stats.bootstrap import generator

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
# rows (m, p), how often each was drawn (m,), a seed; the segment of each row (m,)
Refit = Callable[[FloatArray, FloatArray, int], IntArray]

HIGHLY_STABLE, VALID, PATTERN, NOT_TRUSTED = (
    "highly stable", "valid", "pattern only", "not trusted",
)  # fmt: skip
# Hennig's reading of a mean Jaccard coefficient, best first
READING = ((0.85, HIGHLY_STABLE), (0.75, VALID), (0.60, PATTERN), (0.0, NOT_TRUSTED))
GATE = 0.75  # what the weakest segment needs before segments go live
TRUSTED = 0.60  # below it a segment is no pattern even
_DISSOLVED = 0.5  # a segment with no more than this in common with any new one is gone
_BATCH = 10  # resamples between two looks at what is decided
_PURPOSE = 301
ONE_THREAD = ThreadpoolController()


@dataclass(frozen=True, eq=False)
class Stability:
    """How much of each segment comes back among customers drawn anew.

    Attributes
    ----------
    by_segment : array of shape (k,)
        Mean Jaccard coefficient with the best match, 0–1.
    dissolved : array of shape (k,)
        Share of resamples in which a segment has at most half in common with any other.
    sizes : array of shape (k,)
        Customers by segment among those that were drawn from.
    error : array of shape (k,)
        Standard error of `by_segment` for the number of resamples.
    ari : float
        Mean adjusted Rand index over the resamples: shown beside, since it hides.
    replications : int
        Resamples drawn.
    """

    by_segment: FloatArray
    dissolved: FloatArray
    sizes: IntArray
    error: FloatArray
    ari: float
    replications: int

    @property
    def minimum(self) -> float:
        """Jaccard coefficient of the weakest segment, which decides."""
        return float(self.by_segment.min())

    @property
    def sure(self) -> float:
        """That coefficient less twice its standard error: what more resamples would leave."""
        weakest = int(self.by_segment.argmin())
        error = self.error[weakest]
        return self.minimum - 2 * float(error) if np.isfinite(error) else 0.0

    @property
    def mean(self) -> float:
        """Mean Jaccard coefficient of the segments, each counted once."""
        return float(self.by_segment.mean())

    @property
    def verdict(self) -> str:
        """Hennig's word for the weakest segment."""
        return verdict(self.minimum)

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Hennig's word for each segment."""
        return tuple(verdict(value) for value in self.by_segment)

    @property
    def passes(self) -> bool:
        """Whether every segment may go live."""
        return self.minimum >= GATE


def verdict(jaccard: float) -> str:
    """Hennig's word for a mean Jaccard coefficient.

    >>> verdict(0.91), verdict(0.75), verdict(0.7), verdict(0.53)
    ('highly stable', 'valid', 'pattern only', 'not trusted')
    """
    return next(word for least, word in READING if jaccard >= least)


def stability(
    matrix: ArrayLike,
    *,
    fit: Refit,
    labels: ArrayLike,
    replications: int,
    seed: int,
    until_clear_of: float | None = None,
) -> Stability:
    """Find segments again among customers drawn with replacement, and compare.

    Parameters
    ----------
    matrix : array of shape (n, p)
        Prepared features of the customers to draw from.
    fit : callable
        Finds segments among rows of which each was drawn so many times; its seed comes
        third. Returns the segment of each row.
    labels : array of shape (n,)
        The segments to be tested, 0…k−1.
    replications : int
        Resamples.
    seed : int
    until_clear_of : float, optional
        After ten resamples, or twenty and so on, no more are drawn where the weakest
        segment lies three standard errors below this, or all segments lie as far above.

    Returns
    -------
    Stability

    Raises
    ------
    ValueError
        If there is no customer or resample, or labels and rows differ in number.

    Notes
    -----
    Coefficients are counted over the distinct customers of a resample, so that one who
    was drawn three times is not three customers who agree. A segment of which nobody was
    drawn was not found.
    """
    rows, old = np.asarray(matrix, dtype=float), np.asarray(labels, dtype=np.int64)
    if len(rows) == 0 or rows.shape[0] != old.size or replications < 1:
        raise ValueError("stability needs customers, a label for each, and a resample")
    k = int(old.max()) + 1
    with ONE_THREAD.limit(limits=1), ThreadPoolExecutor(cpu_count()) as pool:
        found: list[tuple[FloatArray, float]] = []
        for start in range(0, replications, _BATCH):
            numbers = range(start, min(start + _BATCH, replications))
            found += _compare(pool, rows, old, k, fit, numbers, seed)
            if until_clear_of is not None and _clear(found, until_clear_of):
                break
    coefficients = np.array([one for one, _ in found])
    count = len(found)
    spread = coefficients.std(axis=0, ddof=1) if count > 1 else np.full(k, np.nan)
    return Stability(
        by_segment=coefficients.mean(axis=0),
        dissolved=(coefficients <= _DISSOLVED).mean(axis=0),
        sizes=np.bincount(old, minlength=k),
        error=spread / np.sqrt(count),
        ari=float(np.mean([index for _, index in found])),
        replications=count,
    )


def _clear(found: list[tuple[FloatArray, float]], limit: float) -> bool:
    """Whether a segment's mean lies three standard errors below the limit, or all above."""
    coefficients = np.array([one for one, _ in found])
    if len(coefficients) < _BATCH:
        return False
    mean = coefficients.mean(axis=0)
    reach = 3 * coefficients.std(axis=0, ddof=1) / np.sqrt(len(coefficients))
    return bool((mean + reach < limit).any() or (mean - reach > limit).all())


def _compare(
    pool: ThreadPoolExecutor,
    rows: FloatArray,
    old: IntArray,
    k: int,
    fit: Refit,
    numbers: range,
    seed: int,
) -> list[tuple[FloatArray, float]]:
    """Coefficients by segment and the adjusted Rand index of each numbered resample."""

    def one(number: int) -> tuple[FloatArray, float]:
        # a number has a stream of its own: the order in which threads end changes nothing
        rng = generator(seed, _PURPOSE, number)
        draws = np.bincount(rng.integers(0, len(rows), len(rows)), minlength=len(rows))
        drawn = draws > 0
        # OpenMP counts threads per thread: the limit outside does not reach in here
        with ONE_THREAD.limit(limits=1, user_api="openmp"):
            new = fit(rows[drawn], draws[drawn].astype(float), int(rng.integers(2**31)))
        table = contingency(old[drawn], new, k)
        return best_jaccard(table), adjusted_rand(table)

    return list(pool.map(one, numbers))


def contingency(old: IntArray, new: IntArray, k: int) -> FloatArray:
    """Customers by old segment (`k` of them) and new one."""
    m = int(new.max()) + 1
    return np.bincount(old * m + new, minlength=k * m).reshape(k, m).astype(float)


def best_jaccard(table: FloatArray) -> FloatArray:
    """Jaccard coefficient of each row's segment with the column that resembles it most.

    Parameters
    ----------
    table : array of shape (k, m)
        Customers in both, from `contingency`.

    Returns
    -------
    array of shape (k,)
        |A ∩ B| / |A ∪ B|; 0 for a segment without customers.
    """
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    return np.divide(table, union, out=np.zeros_like(table), where=union > 0).max(axis=1)


def adjusted_rand(table: FloatArray) -> float:
    """Agreement of two partitions beyond chance, 1 for the same (Hubert & Arabie 1985, eq. 5)."""

    def pairs(counts: FloatArray) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    total = pairs(table.sum(keepdims=True))
    by_chance = rows * columns / total if total else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == by_chance else (both - by_chance) / (most - by_chance)
