"""The same customers, features and segments on two dates, and what chance alone would change.

Every test of change in 03_segments rests on one null hypothesis: the two dates could
change places. A customer who is there on both dates then swaps their two records at
random; those who are there on one date only swap which date it is. Sums over the later
date less those over the earlier are signed sums over customers, so that all tests see
the same swaps and their largest statistic keeps the family-wise error rate (Westfall &
Young 1993, *Resampling-Based Multiple Testing*, ch. 2). Growth alone is no change: tests
compare shares of the customers of a date. Pairs kept together make the
null distribution narrower than that of two independent samples: most customers of one
date are those of the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.segments.features import active
from crmlib.stats.bootstrap import generator
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FEWEST = 50  # customers on a date, below which no change could be told from chance
SAMPLE = 50_000  # customers drawn where there are more: tests of shares are sharp by then
_PURPOSE = 31
_CHUNK = 2_000_000  # signs kept at a time


class Recipe(Protocol):
    """How features become a matrix: the recipe of `crmlib.segments.features`."""

    def apply(self, features: pd.DataFrame) -> FloatArray: ...


class Predicting(Protocol):
    """Segments that can be given to others: a fitted `crmlib.segments.clusters.Segmentation`."""

    def predict(self, matrix: FloatArray) -> IntArray: ...


@dataclass(frozen=True)
class Snapshot:
    """Customers, their prepared features and their segments on one date.

    Attributes
    ----------
    ids : array of shape (n,)
        Customers who were there, each once.
    matrix : array of shape (n, p)
        Prepared features by the recipe of the segments.
    labels : array of int, shape (n,)
        Position of each customer's segment in `segments`.
    features, segments : tuple of str
        Names of the p features and of the segments.
    """

    ids: NDArray[np.object_]
    matrix: FloatArray
    labels: IntArray
    features: tuple[str, ...]
    segments: tuple[str, ...]

    @property
    def n(self) -> int:
        """Customers who were there."""
        return len(self.ids)

    @property
    def named(self) -> pd.Series:
        """The name of each customer's segment, by customer."""
        names = np.asarray(self.segments, dtype=object)[self.labels]
        return pd.Series(names, index=pd.Index(self.ids, name="customer_id"), name="segment")

    def of(self, rows: IntArray) -> Snapshot:
        """The same for some of the customers."""
        return Snapshot(
            self.ids[rows], self.matrix[rows], self.labels[rows], self.features, self.segments
        )


def still_there(features: pd.DataFrame) -> pd.DataFrame:
    """Those of the customers known on a date who had not left by then."""
    return features[active(features)].reset_index(drop=True)


def snapshot(
    features: pd.DataFrame,
    recipe: Recipe,
    segmentation: Predicting,
    *,
    names: Sequence[str],
    segments: Sequence[str],
) -> Snapshot:
    """Put customers as they were on one date into segments that were formed on another.

    Parameters
    ----------
    features : DataFrame
        customer_id and features, one row per customer who was there on that date.
    recipe, segmentation
        As they were fitted, on whatever date.
    names : sequence of str
        Of the columns of the prepared matrix.
    segments : sequence of str
        Of the segments, by the number that `segmentation` gives.
    """
    matrix = np.asarray(recipe.apply(features), dtype=float)
    return Snapshot(
        features["customer_id"].to_numpy(object),
        matrix,
        np.asarray(segmentation.predict(matrix), dtype=np.int64),
        tuple(names),
        tuple(segments),
    )


@dataclass(frozen=True)
class Comparison:
    """Two dates, and the random swaps of them on which tests of change rest.

    Attributes
    ----------
    before, after : Snapshot
        Ordered by id; samples of the same customers where there are very many.
    pairs : array of int, shape (n_pairs, 2)
        Rows before and after of the customers who are there on both dates.
    only_before, only_after : array of int
        Rows of the others.
    replications, seed : int
        Of the swaps.
    since : date, optional
        The earlier date, where it is named.
    """

    before: Snapshot
    after: Snapshot
    pairs: IntArray
    only_before: IntArray
    only_after: IntArray
    replications: int
    seed: int
    since: dt.date | None = None

    def changes(self, before: ArrayLike, after: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Sums over customers, later less earlier, as observed and with dates swapped.

        Parameters
        ----------
        before, after : arrays of shape (n_before, c), (n_after, c)
            What is summed, e.g. indicators of bins.

        Returns
        -------
        observed, swapped : arrays of shape (c,), (replications, c)
        """
        first, second = np.asarray(before, np.float32), np.asarray(after, np.float32)
        moved = np.vstack(
            [
                second[self.pairs[:, 1]] - first[self.pairs[:, 0]],
                -first[self.only_before],
                second[self.only_after],
            ]
        )
        rng = generator(self.seed, _PURPOSE)  # the same swaps for every test
        step = max(1, _CHUNK // len(moved))
        parts = []
        for start in range(0, self.replications, step):
            size = min(step, self.replications - start)
            signs = 2 * rng.integers(0, 2, (size, len(moved)), dtype=np.int8) - 1
            parts.append(signs.astype(np.float32) @ moved)
        return moved.sum(axis=0, dtype=float), np.vstack(parts).astype(float)

    def sums(
        self, before: ArrayLike, after: ArrayLike
    ) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
        """Sums over customers on each date, as observed and with dates swapped.

        Returns
        -------
        (before, after) as observed, each of shape (c,); (before, after) with dates swapped,
        each of shape (replications, c).
        """
        first, second = np.asarray(before, float), np.asarray(after, float)
        total = first.sum(axis=0) + second.sum(axis=0)
        observed, swapped = self.changes(first, second)
        return (
            ((total - observed) / 2, (total + observed) / 2),
            ((total - swapped) / 2, (total + swapped) / 2),
        )


def compare_dates(
    before: Snapshot,
    after: Snapshot,
    *,
    replications: int,
    seed: int,
    sample: int = SAMPLE,
    since: dt.date | None = None,
) -> Comparison:
    """Match the customers of two dates.

    Parameters
    ----------
    before, after : Snapshot
        Of the same features and segments.
    replications : int
        Random swaps; a family-wise rate of 1 % needs at least 99.
    sample : int
        Customers of either date to be drawn where there are more.
    since : date, optional
        The earlier date, where it is to be named.

    Raises
    ------
    NotIdentified
        If a date has fewer than 50 customers.
    ValueError
        If features or segments differ, or a customer stands twice.
    """
    if (before.features, before.segments) != (after.features, after.segments):
        raise ValueError("both dates need the same features and segments, in the same order")
    if min(before.n, after.n) < FEWEST:
        raise NotIdentified(
            f"change needs at least {FEWEST} customers on both dates, "
            f"there are {before.n} and {after.n}"
        )
    everyone = pd.Index(before.ids).union(pd.Index(after.ids))
    if len(everyone) > sample:
        rng = generator(seed, _PURPOSE, 1)
        drawn = everyone[np.sort(rng.choice(len(everyone), sample, replace=False))]
        before, after = (s.of(np.flatnonzero(pd.Index(s.ids).isin(drawn))) for s in (before, after))
    # by id, so that the order of rows in a table changes no draw
    before, after = (s.of(np.argsort(s.ids.astype(str), kind="stable")) for s in (before, after))
    first, second = pd.Index(before.ids), pd.Index(after.ids)
    if not (first.is_unique and second.is_unique):
        raise ValueError("a customer stands twice on one date")
    at = second.get_indexer(first)
    pairs = np.column_stack([np.flatnonzero(at >= 0), at[at >= 0]])
    return Comparison(
        before, after, pairs, np.flatnonzero(at < 0),
        np.flatnonzero(~second.isin(first)), replications, seed, since,
    )  # fmt: skip
