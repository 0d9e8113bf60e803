"""Customers as cells of their features, and the two steps of EM on them (S1).

Each feature is cut into cells of about as many customers. Within a segment a customer has
a probability of each cell, and two features may have joint cells: a *lift* for each pair of
cells, by which both together are likelier than features that go their own way would have it.
How two features hang together is taken to be the same in all segments (the log-linear model
without three-way interaction, Bishop, Fienberg & Holland 1975, ch. 3): a table of ten by ten
cells for each segment would be more than a small segment can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Pairs = Sequence[tuple[int, int]]

CELLS = 10  # of a feature: tenths of the customers, where no figure is shared by more
PRIOR = 1.0  # customers like all others who are added to each segment: no probability is 0
_CYCLES = 1  # of proportional fitting in each step of EM, which goes on from the step before
NO_FIGURE = -1
_TINY = float(np.finfo(float).tiny)


def cut_points(matrix: FloatArray, times: FloatArray) -> FloatArray:
    """Bounds of each feature's cells, shape (p, m), infinite behind the last.

    Cells are filled from below until each holds a tenth of those who have a figure; a figure
    that so many share is a cell alone. Bounds lie half way between figures.
    """
    found = [_cuts_of(column[column != 0], times[column != 0]) for column in matrix.T]
    most = max((len(cuts) for cuts in found), default=0)
    return np.array([np.append(cuts, np.full(most - len(cuts), np.inf)) for cuts in found])


def _cuts_of(figures: FloatArray, times: FloatArray) -> FloatArray:
    values, where = np.unique(figures, return_inverse=True)
    held = np.bincount(where, times)
    enough = held.sum() / CELLS
    cuts: list[float] = []
    filled = 0.0
    for at in range(len(values) - 1):
        filled += held[at]
        if filled >= enough or held[at + 1] >= enough:
            cuts.append(float(values[at] + values[at + 1]) / 2)
            filled = 0.0
    return np.array(cuts)


def cells_of(column: FloatArray, cuts: FloatArray) -> IntArray:
    """Cell of each figure of a feature, `NO_FIGURE` where there is none; shape (n,)."""
    return np.where(column == 0, NO_FIGURE, np.searchsorted(cuts, column, side="left"))


@dataclass(frozen=True, eq=False)
class Found:
    """Where a climb stands: shares (k,), chances of all features' cells and lifts of all
    joint cells (k, c), its height."""

    weights: FloatArray
    chances: FloatArray
    height: float = -np.inf


@dataclass(frozen=True, eq=False)
class Cells:
    """Customers as the cells that they are in.

    Attributes
    ----------
    within : sparse array of shape (n, c)
        1 where a customer is in a cell; the cells of all features side by side, and behind
        them the joint cells of all pairs.
    of_cell : sparse array of shape (c, n)
        The same the other way round.
    feature : array of shape (c without joint cells,)
        Feature of each cell.
    usual : array of shape (c without joint cells,)
        Share of each cell among those with a figure.
    times : array of shape (n,)
        How often each customer counts.
    pair, left, right : arrays of shape (joint cells,)
        Number of the pair of each joint cell, and the two cells that it joins.
    """

    within: csr_matrix
    of_cell: csr_matrix
    feature: IntArray
    usual: FloatArray
    times: FloatArray
    pair: IntArray
    left: IntArray
    right: IntArray

    @classmethod
    def of(cls, matrix: FloatArray, cuts: FloatArray, times: FloatArray) -> Cells:
        """Rows by the cells that `cuts` make."""
        n, p = matrix.shape
        sizes = np.isfinite(cuts).sum(axis=1) + 1
        first = np.append(0, sizes.cumsum())
        cell = np.column_stack([cells_of(matrix[:, j], cuts[j]) for j in range(p)])
        has = cell != NO_FIGURE
        ends = np.append(0, has.sum(axis=1).cumsum())
        places = (cell + first[:-1])[has]
        within = csr_matrix((np.ones(places.size), places, ends), shape=(n, first[-1]))
        feature = np.repeat(np.arange(p), sizes)
        of_cell = within.T.tocsr()
        held = of_cell @ times
        # a feature of which nobody has a figure has one cell, and that says nothing
        of_feature = np.bincount(feature, held, p)[feature]
        usual = np.divide(held, of_feature, out=np.full(len(held), 1.0), where=of_feature > 0)
        none = np.empty(0, dtype=np.int64)
        return cls(within, of_cell, feature, usual, times, none, none, none)

    def joined(self, pairs: Pairs) -> Cells:
        """With joint cells of pairs of features; who lacks one of the figures is in none."""
        blocks, lefts, rights = [self.within], [], []
        for a, b in pairs:
            in_a, in_b = np.flatnonzero(self.feature == a), np.flatnonzero(self.feature == b)
            blocks.append(self._both(in_a, in_b))
            lefts.append(np.repeat(in_a, len(in_b)))
            rights.append(np.tile(in_b, len(in_a)))
        if not lefts:
            return self
        within = hstack(blocks, format="csr")
        pair = np.repeat(np.arange(len(lefts)), [len(cells) for cells in lefts])
        return replace(
            self, within=within, of_cell=within.T.tocsr(), pair=pair,
            left=np.concatenate(lefts), right=np.concatenate(rights),
        )  # fmt: skip

    def _both(self, in_a: IntArray, in_b: IntArray) -> csr_matrix:
        """1 where a customer is in a cell of each of two features, shape (n, a · b)."""
        a, b = (self.within[:, cells] for cells in (in_a, in_b))
        rows = np.flatnonzero((np.diff(a.indptr) > 0) & (np.diff(b.indptr) > 0))
        places = a[rows].indices * len(in_b) + b[rows].indices
        shape = (a.shape[0], len(in_a) * len(in_b))
        return csr_matrix((np.ones(rows.size), (rows, places)), shape=shape)

    def members(self, found: Found) -> tuple[FloatArray, float]:
        """Probability of each customer's segments (k, n), and the log likelihood: the E step."""
        # segments along the first axis: sums over a few segments of a row each are slow
        scores = np.ascontiguousarray((self.within @ np.log(found.chances).T).T)
        scores += np.log(found.weights)[:, None]
        highest = scores.max(axis=0)
        shares = np.exp(scores - highest)
        total = shares.sum(axis=0)
        return shares / total, float(self.times @ (np.log(total) + highest))

    def maximised(
        self, members: FloatArray, height: float = -np.inf, before: FloatArray | None = None
    ) -> Found:
        """Shares, chances and lifts from memberships (k, n): the M step.

        Lifts have no closed form: they are brought nearer from `before`, the chances and lifts
        of the last step, which raises the likelihood all the same (Meng & Rubin 1993,
        *Biometrika* 80:267).
        """
        held = members * self.times
        found = (self.of_cell @ held.T).T
        counts = found[:, : len(self.usual)] + PRIOR * self.usual
        # shares too: a segment that loses all its customers must not become impossible
        weights = (held.sum(axis=1) + PRIOR) / (self.times.sum() + len(held) * PRIOR)
        totals = np.array([np.bincount(self.feature, row) for row in counts])
        # a cell that is empty in all of a trial's customers keeps a trace
        chances = np.maximum(counts / totals[:, self.feature], _TINY)
        if not self.pair.size:
            return Found(weights, chances, height)
        first = len(self.usual)
        start = np.ones((1, 1)) if before is None else before[:, first:]
        lifts = self._lifts(found[:, first:], chances, start)
        return Found(weights, np.hstack([chances, lifts]), height)

    def _lifts(self, counts: FloatArray, chances: FloatArray, start: FloatArray) -> FloatArray:
        """Probability of joint cells over the product of their cells' chances, shape (k, j)."""
        k = len(counts)
        apart = np.maximum(chances[:, self.left] * chances[:, self.right], _TINY)
        begun = apart * start
        found = np.empty_like(counts)
        for q in range(int(self.pair[-1]) + 1):
            here = self.pair == q
            shape = (k, np.unique(self.left[here]).size, -1)
            alone, there = apart[:, here].reshape(shape), begun[:, here].reshape(shape)
            together = proportional(counts[:, here].reshape(shape) + PRIOR * alone, there)
            found[:, here] = (together / alone).reshape(k, -1)
        return np.maximum(found, _TINY)

    def by_feature(self, chances: FloatArray, cuts: FloatArray) -> FloatArray:
        """Chances (k, c) of cells as an array of shape (k, p, m + 1)."""
        k, (p, m) = len(chances), cuts.shape
        found = np.zeros((k, p, m + 1))
        inside = np.arange(m + 1) <= np.isfinite(cuts).sum(axis=1)[:, None]
        found[:, inside] = chances[:, : len(self.usual)]
        return found

    def by_pair(self, chances: FloatArray, pairs: Pairs, cuts: FloatArray) -> FloatArray:
        """Lifts of joint cells as an array of shape (k, pairs, m + 1, m + 1)."""
        k, most = len(chances), cuts.shape[1] + 1
        sizes = np.isfinite(cuts).sum(axis=1) + 1
        found = np.ones((k, len(pairs), most, most))
        lifts = chances[:, len(self.usual) :]
        for q, (a, b) in enumerate(pairs):
            block = lifts[:, self.pair == q].reshape(k, sizes[a], sizes[b])
            found[:, q, : sizes[a], : sizes[b]] = block
        return found


def proportional(counts: FloatArray, start: FloatArray) -> FloatArray:
    """Tables with the margins of counts, and one association for all of them.

    Iterative proportional fitting (Deming & Stephan 1940) of what two features have in each
    segment, and of what they have together in all.

    Parameters
    ----------
    counts, start : arrays of shape (k, a, b)
        Customers in two features' cells by segment, and tables with the association so far.

    Returns
    -------
    array of shape (k, a, b)
        Probabilities, sum 1 for each segment.
    """
    found = start * counts.sum(axis=(1, 2), keepdims=True)
    for _ in range(_CYCLES):
        for axis in (0, 2, 1):
            there = np.maximum(found.sum(axis=axis, keepdims=True), _TINY)
            found = found * (counts.sum(axis=axis, keepdims=True) / there)
    return found / found.sum(axis=(1, 2), keepdims=True)
