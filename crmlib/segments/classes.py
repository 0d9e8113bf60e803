"""Latent classes: segments within which features have nothing more to do with each other (S1).

A bank's customers hold a product or not, and what they hold it for is skewed: neither
spheres nor ellipsoids describe them. A latent class model (Lazarsfeld & Henry 1968;
McLachlan & Peel 2000, ch. 5; for mixed data Hunt & Jorgensen 2003) asks for no shape. Each
feature is cut into cells of about as many customers, a figure that many share (nothing
bought) is a cell of its own, and a segment is a share of customers with a probability of
each cell of each feature. Features may depend on each other through the segment alone, so
segments are what explains that features go together; within one feature any distribution is
allowed, so that two humps of one feature are no reason for two segments. Pairs of features
that this leaves far from explained get joint cells: they hang together within segments as
well (direct effects; Hagenaars 1988, *Sociological Methods & Research* 16:379). It is fitted
by EM with a few customers' worth of prior in each segment, and for customers who stand at a
feature's centre exactly, as those do who lack a figure, the feature says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from crmlib.segments.cells import Cells, Found, Pairs, cells_of, cut_points
from crmlib.segments.pairs import residual_pairs

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_TRIALS = 4  # random starts for each start that is asked for; most are given up early
_TRIAL_ROWS, _TRIAL_STEPS = 1_500, 15  # customers and EM steps of a trial
_FINISHED = 2  # trials that are followed to the end
_STEPS = 400  # of the EM algorithm at most
_STILL = 1e-5  # gain of log likelihood a customer at which EM stops
_SLOWER = 1e-4  # the same as long as pairs are not known, which move all segments again
_CONCENTRATION = 0.5  # of the Dirichlet distribution that memberships start from


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
    pairs : array of shape (q, 2)
        Features with joint cells, by position.
    lifts : array of shape (k, q, m + 1, m + 1)
        By which two cells of a pair are likelier together than the product of their chances.
    """

    weights: FloatArray
    means: FloatArray
    cuts: FloatArray
    chances: FloatArray
    pairs: FloatArray
    lifts: FloatArray
    label: ClassVar[str] = "latent classes"

    def scores(self, matrix: FloatArray) -> FloatArray:
        """Log of each segment's share times its probability of each row; shape (n, k)."""
        n, p = matrix.shape
        cells = [cells_of(matrix[:, j], self.cuts[j]) for j in range(p)]
        logs = np.log(np.where(self.chances > 0, self.chances, 1.0))
        found = np.tile(np.log(self.weights), (n, 1))
        for j in range(p):
            # one more cell that adds nothing, for those without a figure
            by_cell = np.vstack([logs[:, j].T, np.zeros(len(self.weights))])
            found += by_cell[cells[j]]
        for q, (a, b) in enumerate(self.pairs.astype(int)):
            # and so for pairs: who lacks one of two figures has the other by itself
            together = np.pad(np.log(self.lifts[:, q]), ((0, 0), (0, 1), (0, 1)))
            found += together[:, cells[a], cells[b]].T
        return found

    def log_likelihood(self, matrix: FloatArray) -> float:
        """Of the rows' cells under the classes."""
        return float(logsumexp(self.scores(matrix), axis=1).sum())

    @property
    def parameters(self) -> int:
        """Free numbers: shares, probabilities of cells, and one association for each pair."""
        bounds = np.isfinite(self.cuts).sum(axis=1)
        joint = sum(int(bounds[a] * bounds[b]) for a, b in self.pairs.astype(int))
        return len(self.weights) * (1 + int(bounds.sum())) - 1 + joint

    def ordered(self, order: IntArray) -> Classes:
        """The same with segment `order[i]` as number i."""
        return Classes(
            self.weights[order], self.means[order], self.cuts, self.chances[order], self.pairs,
            self.lifts[order],
        )  # fmt: skip

    def arrays(self) -> dict[str, FloatArray]:
        """What a file has to hold, by name."""
        return {
            "weights": self.weights, "means": self.means, "cuts": self.cuts,
            "chances": self.chances, "pairs": self.pairs, "lifts": self.lifts,
        }  # fmt: skip


def fit_classes(
    matrix: FloatArray, k: int, seed: int, *, starts: int, draws: FloatArray | None = None
) -> Classes:
    """Latent classes by EM, the likeliest of several random starts.

    Many starts are tried for a few steps on some of the customers, and the best are followed
    to the end: likelihoods of mixtures have many summits. Then pairs of features that hang
    together within segments get joint cells, and EM goes on from there.

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
    table = Cells.of(matrix, cuts, times)
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(matrix))[:_TRIAL_ROWS]
    few = Cells.of(matrix[some], cuts, times[some])
    trials = []
    for _ in range(_TRIALS * starts if k > 1 else 1):
        members = rng.dirichlet(np.full(k, _CONCENTRATION), len(some)).T
        trials.append(_climb(few, few.maximised(members), _TRIAL_STEPS, _SLOWER))
    trials.sort(key=lambda found: -found.height)
    finalists = trials[: max(_FINISHED, starts // 2)]
    ends = [_climb(table, found, _STEPS, _SLOWER) for found in finalists]
    best = max(ends, key=lambda found: found.height)
    members, _ = table.members(best)
    pairs = residual_pairs(table, members)
    table = table.joined(pairs)
    best = _climb(table, table.maximised(members), _STEPS, _STILL)
    return _classes(matrix, table, best, pairs, cuts)


def _classes(
    matrix: FloatArray, table: Cells, found: Found, pairs: Pairs, cuts: FloatArray
) -> Classes:
    """Where a climb has ended, in arrays by feature and pair."""
    members, _ = table.members(found)
    held = members * table.times
    means = (held @ matrix) / np.maximum(held.sum(axis=1), np.finfo(float).tiny)[:, None]
    return Classes(
        found.weights, means, cuts, table.by_feature(found.chances, cuts),
        np.array(pairs, dtype=float).reshape(-1, 2), table.by_pair(found.chances, pairs, cuts),
    )  # fmt: skip


def _climb(table: Cells, start: Found, steps: int, still: float) -> Found:
    """EM from a start, until it hardly gains or the steps are used up."""
    found, enough = start, still * float(table.times.sum())
    before = -np.inf
    for _ in range(steps):
        members, height = table.members(found)
        found = table.maximised(members, height, found.chances)
        if height - before < enough:
            break
        before = height
    return found
