"""Latent classes: segments within which features have nothing more to do with each other (S1).

A bank's customers hold a product or not, and what they hold it for is skewed: neither
spheres nor ellipsoids describe them. A latent class model (Lazarsfeld & Henry 1968;
McLachlan & Peel 2000, ch. 5; for mixed data Hunt & Jorgensen 2003) asks for no shape. Each
feature is cut into cells of about as many customers, a figure that many share (nothing
bought) is a cell of its own, and a segment is a share of customers with a probability of
each cell of each feature. Features may depend on each other through the segment alone, so
segments are what explains that features go together; within one feature any distribution is
allowed, so that two humps of one feature are no reason for two segments. It is fitted by EM
with a few customers' worth of prior in each segment, and for customers who stand at a
feature's centre exactly, as those do who lack a figure, the feature says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CELLS = 10  # of a feature: tenths of the customers, where no figure is shared by more
PRIOR = 1.0  # customers like all others who are added to each segment: no probability is 0
_TRIALS = 4  # random starts for each start that is asked for; most are given up early
_TRIAL_ROWS, _TRIAL_STEPS = 1_500, 15  # customers and EM steps of a trial
_FINISHED = 2  # trials that are followed to the end
_STEPS = 400  # of the EM algorithm at most
_STILL = 1e-6  # gain of log likelihood a customer at which EM stops
_CONCENTRATION = 0.5  # of the Dirichlet distribution that memberships start from
_NO_FIGURE = -1


@dataclass(frozen=True, eq=False)
class Classes:
    """Segments with a share, and for each feature a probability of each of its cells.

    Attributes
    ----------
    weights : array of shape (k,)
        Shares of customers, sum 1.
    means : array of shape (k, p)
        Of the features, each customer counted as far as they are a member.
    cuts : array of shape (p, m)
        Upper bounds of each feature's cells but the last, infinite behind that.
    chances : array of shape (k, p, m + 1)
        Probability of each cell within a segment; 0 where a feature has no such cell.
    """

    weights: FloatArray
    means: FloatArray
    cuts: FloatArray
    chances: FloatArray
    label: ClassVar[str] = "latent classes"

    def scores(self, matrix: FloatArray) -> FloatArray:
        """Log of each segment's share times its probability of each row; shape (n, k)."""
        n, p = matrix.shape
        logs = np.log(np.where(self.chances > 0, self.chances, 1.0))
        found = np.tile(np.log(self.weights), (n, 1))
        for j in range(p):
            # one more cell that adds nothing, for those without a figure
            by_cell = np.vstack([logs[:, j].T, np.zeros(len(self.weights))])
            found += by_cell[_cells_of(matrix[:, j], self.cuts[j])]
        return found

    def log_likelihood(self, matrix: FloatArray) -> float:
        """Of the rows' cells under the classes."""
        return float(logsumexp(self.scores(matrix), axis=1).sum())

    @property
    def parameters(self) -> int:
        """Free numbers: shares, and probabilities of cells."""
        return len(self.weights) * (1 + int(np.isfinite(self.cuts).sum())) - 1

    def ordered(self, order: IntArray) -> Classes:
        """The same with segment `order[i]` as number i."""
        return Classes(self.weights[order], self.means[order], self.cuts, self.chances[order])

    def arrays(self) -> dict[str, FloatArray]:
        """What a file has to hold, by name."""
        return {
            "weights": self.weights, "means": self.means, "cuts": self.cuts,
            "chances": self.chances,
        }  # fmt: skip


def fit_classes(
    matrix: FloatArray, k: int, seed: int, *, starts: int, draws: FloatArray | None = None
) -> Classes:
    """Latent classes by EM, the likeliest of several random starts.

    Many starts are tried for a few steps on some of the customers, and the best are followed
    to the end: likelihoods of mixtures have many summits.

    Parameters
    ----------
    matrix : array of shape (n, p)
        Prepared features. Only the order of figures matters, and who stands at 0 exactly,
        which is read as having none.
    k, seed, starts : int
        Segments, seed of the starts, and how many starts; four trials are made for each.
    draws : array of shape (n,), optional
        How often each row was drawn.
    """
    times = np.ones(len(matrix)) if draws is None else np.asarray(draws, dtype=float)
    cuts = cut_points(matrix, times)
    table = _Cells.of(matrix, cuts, times)
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(matrix))[:_TRIAL_ROWS]
    few = _Cells.of(matrix[some], cuts, times[some])
    trials = []
    for _ in range(_TRIALS * starts if k > 1 else 1):
        members = rng.dirichlet(np.full(k, _CONCENTRATION), len(some)).T
        trials.append(_climb(few, few.maximised(members), _TRIAL_STEPS))
    trials.sort(key=lambda found: -found.height)
    best = max((_climb(table, found, _STEPS) for found in trials[:_FINISHED]),
               key=lambda found: found.height)  # fmt: skip
    members, _ = table.members(best)
    held = members * times
    means = (held @ matrix) / np.maximum(held.sum(axis=1), np.finfo(float).tiny)[:, None]
    return Classes(best.weights, means, cuts, table.by_feature(best.chances, cuts))


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


def _cells_of(column: FloatArray, cuts: FloatArray) -> IntArray:
    """Cell of each figure of a feature, `_NO_FIGURE` where there is none; shape (n,)."""
    return np.where(column == 0, _NO_FIGURE, np.searchsorted(cuts, column, side="left"))


@dataclass(frozen=True, eq=False)
class _Found:
    """Where a climb stands: shares (k,), chances of all features' cells (k, c), its height."""

    weights: FloatArray
    chances: FloatArray
    height: float = -np.inf


@dataclass(frozen=True, eq=False)
class _Cells:
    """Customers as the cells that they are in.

    Attributes
    ----------
    within : sparse array of shape (n, c)
        1 where a customer is in a cell; the cells of all features side by side.
    of_cell : sparse array of shape (c, n)
        The same the other way round.
    feature : array of shape (c,)
        Feature of each cell.
    usual : array of shape (c,)
        Share of each cell among those with a figure.
    times : array of shape (n,)
        How often each customer counts.
    """

    within: csr_matrix
    of_cell: csr_matrix
    feature: IntArray
    usual: FloatArray
    times: FloatArray

    @classmethod
    def of(cls, matrix: FloatArray, cuts: FloatArray, times: FloatArray) -> _Cells:
        """Rows by the cells that `cuts` make."""
        n, p = matrix.shape
        sizes = np.isfinite(cuts).sum(axis=1) + 1
        first = np.append(0, sizes.cumsum())
        cell = np.column_stack([_cells_of(matrix[:, j], cuts[j]) for j in range(p)])
        has = cell != _NO_FIGURE
        ends = np.append(0, has.sum(axis=1).cumsum())
        places = (cell + first[:-1])[has]
        within = csr_matrix((np.ones(places.size), places, ends), shape=(n, first[-1]))
        feature = np.repeat(np.arange(p), sizes)
        of_cell = within.T.tocsr()
        held = of_cell @ times
        # a feature of which nobody has a figure has one cell, and that says nothing
        of_feature = np.bincount(feature, held, p)[feature]
        usual = np.divide(held, of_feature, out=np.full(len(held), 1.0), where=of_feature > 0)
        return cls(within, of_cell, feature, usual, times)

    def members(self, found: _Found) -> tuple[FloatArray, float]:
        """Probability of each customer's segments (k, n), and the log likelihood: the E step."""
        # segments along the first axis: sums over a few segments of a row each are slow
        scores = np.ascontiguousarray((self.within @ np.log(found.chances).T).T)
        scores += np.log(found.weights)[:, None]
        highest = scores.max(axis=0)
        shares = np.exp(scores - highest)
        total = shares.sum(axis=0)
        return shares / total, float(self.times @ (np.log(total) + highest))

    def maximised(self, members: FloatArray, height: float = -np.inf) -> _Found:
        """Shares and chances from memberships (k, n): the M step."""
        held = members * self.times
        counts = (self.of_cell @ held.T).T + PRIOR * self.usual
        # shares too: a segment that loses all its customers must not become impossible
        weights = (held.sum(axis=1) + PRIOR) / (self.times.sum() + len(held) * PRIOR)
        totals = np.array([np.bincount(self.feature, row) for row in counts])
        # a cell that is empty in all of a trial's customers keeps a trace
        chances = np.maximum(counts / totals[:, self.feature], np.finfo(float).tiny)
        return _Found(weights, chances, height)

    def by_feature(self, chances: FloatArray, cuts: FloatArray) -> FloatArray:
        """Chances with an axis for features, 0 where a feature has no such cell."""
        k, (p, m) = len(chances), cuts.shape
        found = np.zeros((k, p, m + 1))
        inside = np.arange(m + 1) <= np.isfinite(cuts).sum(axis=1)[:, None]
        found[:, inside] = chances
        return found


def _climb(table: _Cells, start: _Found, steps: int) -> _Found:
    """EM from a start, until it hardly gains or the steps are used up."""
    found, enough = start, _STILL * float(table.times.sum())
    before = -np.inf
    for _ in range(steps):
        members, height = table.members(found)
        found = table.maximised(members, height)
        if height - before < enough:
            break
        before = height
    return found
