"""Behaviour segments: customers who use the client in a similar way (S1, second rung).

K-means, a Gaussian mixture or latent classes on prepared features, found on a sample and
numbered in a way that does not depend on a random start. How many there are is the question
of `crmlib.segments.choice`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from crmlib.segments.densities import FITS, METHODS, Shape
from crmlib.segments.stability import ONE_THREAD, Refit
from crmlib.stats.bootstrap import generator
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_STARTS, _RESTARTS = 10, 3  # k-means starts of a fit, and of one among resamples
_CHUNK = 100_000  # rows scored at once: 10 MB per 12 segments
SAMPLE, _FIT = 302, 303  # purposes of random streams


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Customers in segments, and what it takes to place others.

    Segments are numbered by size among the customers they were found on, the largest
    first, so that a number does not depend on a random start.

    Attributes
    ----------
    method : {"kmeans", "mixture", "classes"}
    k : int
    labels : array of shape (n,)
        Segment 0…k−1 of each customer.
    shape : Spheres, Ellipsoids or Classes
        The segments as arrays.
    fitted_on : int
        Customers in the sample that they were found on.
    """

    method: str
    k: int
    labels: IntArray
    shape: Shape
    fitted_on: int

    @property
    def centres(self) -> FloatArray:
        """Where the segments lie in the prepared features, shape (k, p)."""
        return self.shape.means

    @property
    def sizes(self) -> IntArray:
        """Customers by segment."""
        return np.bincount(self.labels, minlength=self.k)

    def predict(self, matrix: ArrayLike) -> IntArray:
        """Segment of each row, prepared by the same recipe; shape (n,)."""
        parts = [self.shape.scores(rows).argmax(axis=1) for rows in _chunks(matrix)]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def membership(self, matrix: ArrayLike) -> FloatArray:
        """Probability of each segment for each row, shape (n, k).

        For k-means, of equal spheres with the spread that members have around their
        centres, so that the likeliest segment is the nearest.
        """
        parts = [softmax(self.shape.scores(rows), axis=1) for rows in _chunks(matrix)]
        return np.concatenate(parts) if parts else np.empty((0, self.k))

    def arrays(self) -> dict[str, FloatArray]:
        """What a file has to hold to score customers later; `restored` takes it."""
        return self.shape.arrays()


def restored(method: str, arrays: dict[str, Any], labels: ArrayLike = ()) -> Segmentation:
    """A segmentation from the arrays that another one gave."""
    values = {name: np.asarray(value, dtype=float) for name, value in arrays.items()}
    if "variance" in values:
        values["variance"] = float(values["variance"])
    shape = METHODS[method](**values)
    given = np.asarray(labels, dtype=np.int64)
    return Segmentation(method, len(shape.means), given, shape, given.size)


def _chunks(matrix: ArrayLike) -> Iterator[FloatArray]:
    rows = np.asarray(matrix, dtype=float)
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def fit_segments(
    matrix: ArrayLike, *, method: str, k: int, seed: int, sample: int = 50_000
) -> Segmentation:
    """Find k segments on a sample of customers, and place all in them.

    Parameters
    ----------
    matrix : array of shape (n, p)
        Prepared features, one row per customer, without gaps.
    method : {"kmeans", "mixture", "classes"}
    k : int
        Segments, at least one.
    seed : int
    sample : int
        Customers to find segments on; the others are only placed. A sample loses little
        (adjusted Rand index .97 at a million customers), mini-batches much (.81).

    Returns
    -------
    Segmentation

    Raises
    ------
    NotIdentified
        If fewer than k different rows are in the sample, or a segment stays empty.
    ValueError
        If the matrix has gaps, or the method is not known.
    """
    rows = checked(matrix)
    if method not in FITS:
        raise ValueError(f"method must be one of {', '.join(FITS)}, got {method!r}")
    return fit_on(rows, rows[drawn_rows(len(rows), sample, seed, SAMPLE)], method, k, seed)


def fit_on(rows: FloatArray, chosen: FloatArray, method: str, k: int, seed: int) -> Segmentation:
    """Segments found on the chosen rows, by size, with a place for all rows."""
    _require_different(chosen, k)
    start = int(generator(seed, _FIT, k).integers(2**31))
    # several threads would add up in any order, and the last digits differ between runs
    with ONE_THREAD.limit(limits=1):
        shape = FITS[method](chosen, k, start, starts=_STARTS)
    shape = shape.ordered(_by_size(shape.scores(chosen).argmax(axis=1), shape.means))
    found = Segmentation(method, k, np.empty(0, np.int64), shape, len(chosen))
    labels = found.predict(rows)
    if np.bincount(labels, minlength=k).min() == 0:
        raise NotIdentified(f"one of {k} segments would have no customer")
    return Segmentation(method, k, labels, shape, len(chosen))


def _by_size(labels: IntArray, means: FloatArray) -> IntArray:
    """Segments with the most customers first, ties by their centres."""
    sizes = np.bincount(labels, minlength=len(means))
    # lexsort reads its last key first
    return np.lexsort((*means.T[::-1], -sizes))


def checked(matrix: ArrayLike) -> FloatArray:
    rows = np.asarray(matrix, dtype=float)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError("the matrix must have rows and columns, and no gaps")
    return rows


def _require_different(rows: FloatArray, k: int) -> None:
    different = different_rows(rows, k)
    if different < k:
        are = "is only 1" if different == 1 else f"are only {different}"
        raise NotIdentified(f"{k} segments need {k} customers who differ, there {are}")


def different_rows(rows: FloatArray, enough: int) -> int:
    """Number of different rows, or `enough` where there are as many."""
    # nearly always the first rows tell, and a million need not be sorted
    first = len(np.unique(rows[: 10 * enough], axis=0))
    return min(first if first >= enough else len(np.unique(rows, axis=0)), enough)


def drawn_rows(n: int, size: int, seed: int, purpose: int) -> IntArray:
    """Row numbers of a sample without replacement, all where there are no more."""
    if n <= size:
        return np.arange(n)
    return np.sort(generator(seed, purpose).choice(n, size, replace=False))


def refit(method: str, k: int) -> Refit:
    """How segments are found again in a resample; for `stability`."""

    def found(rows: FloatArray, draws: FloatArray, seed: int) -> IntArray:
        # a resample may hold fewer different customers than there are segments
        count = different_rows(rows, k)
        shape = FITS[method](rows, count, seed, starts=_RESTARTS, draws=draws)
        return shape.scores(rows).argmax(axis=1)

    return found
