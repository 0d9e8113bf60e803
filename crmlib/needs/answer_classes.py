"""Probabilities of answers within classes, and the two steps of EM on them (N1).

A nominal item has a probability of each answer in each class. An ordinal item has common
steps between its answers and one location for each class, log P(m | k) = a_m + b_k s_m + const
with the scores s_m of its answers (the adjacent-category form of Goodman 1979, *JASA* 74:537,
as in Vermunt & Magidson 2016, *Technical Guide for Latent GOLD 5.1*, section 2.3): fewer
parameters, and a class that rates higher on the whole rates every answer so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlib.needs.answers import MISSING, Item

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_TINY = float(np.finfo(float).tiny)
_HALVINGS = 20  # of a Newton step that would lead down; then an item stays where it is
_DAMPING = 1e-6  # of a Newton step, in respondents
_FARTHEST = 40.0  # log odds between the ends of a scale: an item that a class settles


@dataclass(frozen=True, eq=False)
class Scales:
    """Ordinal items with as many answers each, which are worked on together.

    Attributes
    ----------
    places : array of shape (J, m)
        Rows of the table of probabilities.
    scores : array of shape (J, m)
        From 0, the lowest answer, to 1.
    """

    places: IntArray
    scores: FloatArray


@dataclass(frozen=True, eq=False)
class Answers:
    """Parameters of all classes.

    Attributes
    ----------
    table : array of shape (L, K)
        Probability of each answer in each class; the items' answers one below the other.
    steps, locations : tuples of arrays of shape (J, m) and (J, K)
        Of ordinal items, one for each of the `Scales`; the first step and the first class's
        location are 0.
    """

    table: FloatArray
    steps: tuple[FloatArray, ...] = ()
    locations: tuple[FloatArray, ...] = ()


@dataclass(frozen=True, eq=False)
class AnswerClasses:
    """Answer patterns for the mixture core.

    Attributes
    ----------
    items : tuple of Item
    within : array of shape (n, L)
        1 where a pattern has an answer; 0 in all of an item's places says that it has none.
    first : array of shape (n_items + 1,)
        Where each item's answers begin.
    usual : array of shape (L,)
        Share of each answer among those who answered.
    scales : tuple of Scales
    """

    items: tuple[Item, ...]
    within: FloatArray
    first: IntArray
    usual: FloatArray
    scales: tuple[Scales, ...]

    @classmethod
    def of(cls, items: Sequence[Item], codes: IntArray, weights: FloatArray) -> AnswerClasses:
        """Patterns by the positions of their answers, shape (n, n_items)."""
        first = np.append(0, np.cumsum([len(item.levels) for item in items]))
        within = indicators(codes, first)
        held = weights @ within
        totals = np.add.reduceat(held, first[:-1])
        usual = held / np.repeat(totals, np.diff(first))
        return cls(tuple(items), within, first, usual, _scales(items, first))

    def n_parameters(self, k: int) -> int:
        """Shares, probabilities of nominal items, steps and locations of ordinal ones."""
        free = k - 1
        for item in self.items:
            m = len(item.levels)
            # an item with one answer has no step, and no location either
            free += (m - 1 + (k - 1) * (m > 1)) if item.ordinal else k * (m - 1)
        return free

    def log_density(self, state: Answers) -> FloatArray:
        """Log probability of each pattern in each class, shape (n, K)."""
        return self.within @ np.log(np.maximum(state.table, _TINY))

    def maximise(self, responsibilities: FloatArray, before: Answers | None) -> Answers:
        """Probabilities from weighted memberships (n, K).

        Steps and locations have no closed form: one step of Newton's raises the likelihood,
        which is enough (generalised EM: Dempster, Laird & Rubin 1977).
        """
        held = self.within.T @ responsibilities
        totals = np.add.reduceat(held, self.first[:-1], axis=0)
        totals = np.repeat(totals, np.diff(self.first), axis=0)
        # a class in which nobody answered an item answers as everybody does
        table = np.where(totals > 0, held / np.where(totals > 0, totals, 1), self.usual[:, None])
        steps, locations = [], []
        for at, scale in enumerate(self.scales):
            begun = None if before is None else (before.steps[at], before.locations[at])
            step, location, table[scale.places] = adjacent_categories(
                held[scale.places], scale.scores, begun
            )
            steps.append(step)
            locations.append(location)
        return Answers(table, tuple(steps), tuple(locations))

    def ordered(self, state: Answers, order: IntArray) -> Answers:
        """The same parameters with class `order[k]` as number k."""
        steps, locations = [], []
        for scale, step, location in zip(self.scales, state.steps, state.locations, strict=True):
            moved = location[:, order]
            # the first class's location is 0: what it was goes over to the steps
            steps.append(step + moved[:, :1] * scale.scores)
            locations.append(moved - moved[:, :1])
        return Answers(state.table[:, order], tuple(steps), tuple(locations))


def _scales(items: Sequence[Item], first: IntArray) -> tuple[Scales, ...]:
    """Ordinal items that tell something, by their number of answers."""
    ordinal = [j for j, item in enumerate(items) if item.ordinal and len(item.levels) > 1]
    found = []
    for m in sorted({len(items[j].levels) for j in ordinal}):
        alike = [j for j in ordinal if len(items[j].levels) == m]
        places = first[alike][:, None] + np.arange(m)
        found.append(Scales(places, np.array([items[j].scores for j in alike])))
    return tuple(found)


def indicators(codes: IntArray, first: IntArray) -> FloatArray:
    """1 in the place of each answer, shape (n, L)."""
    found = np.zeros((len(codes), first[-1]))
    for j in range(codes.shape[1]):
        rows = np.flatnonzero(codes[:, j] != MISSING)
        found[rows, first[j] + codes[rows, j]] = 1.0
    return found


def _chances(steps: FloatArray, locations: FloatArray, scores: FloatArray) -> FloatArray:
    """Probabilities (J, m, K) of ordinal items' answers."""
    logits = steps[:, :, None] + scores[:, :, None] * locations[:, None, :]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def adjacent_categories(
    counts: FloatArray, scores: FloatArray, begun: tuple[FloatArray, FloatArray] | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Steps and class locations nearer to the likeliest: a concave function, by Newton.

    Parameters
    ----------
    counts : array of shape (J, m, K)
        Weighted respondents by item, answer and class.
    scores : array of shape (J, m)
    begun : (steps (J, m), locations (J, K)), optional
        Where to go on from; else from what all classes answer together.

    Returns
    -------
    steps (J, m), locations (J, K), and the probabilities (J, m, K) that follow from them
    """
    items, m, k = counts.shape
    if begun is None:
        shares = counts.sum(axis=2) + 0.5
        begun = np.log(shares / shares[:, :1]), np.zeros((items, k))
    steps, locations = begun

    def height(chances: FloatArray) -> FloatArray:
        return np.einsum("jmk,jmk->j", counts, np.log(np.maximum(chances, _TINY)))

    chances, people = _chances(steps, locations, scores), counts.sum(axis=1)
    reached = height(chances)
    left = counts - chances * people[:, None, :]
    by_class = np.einsum("jm,jmk->jk", scores, left)
    gradient = np.concatenate([left.sum(axis=2)[:, 1:], by_class[:, 1:]], axis=1)
    curvature = _information(chances, people, scores)
    move = np.zeros((items, m + k))  # the first answer's step and the first class's place are 0
    move[:, _free(m, k)] = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
    for _ in range(_HALVINGS):
        there = np.clip(steps + move[:, :m], -_FARTHEST, _FARTHEST)
        place = np.clip(locations + move[:, m:], -_FARTHEST, _FARTHEST)
        after = _chances(there, place, scores)
        fallen = ~(height(after) >= reached)
        if not fallen.any():
            return there, place, after
        move = np.where(fallen[:, None], move / 2, move)
    kept = fallen[:, None]
    return (
        np.where(kept, steps, there), np.where(kept, locations, place),
        np.where(kept[:, :, None], chances, after),
    )  # fmt: skip


def _free(m: int, k: int) -> IntArray:
    """Places of what is estimated among m steps and k locations."""
    return np.r_[1:m, m + 1 : m + k]


def _information(chances: FloatArray, people: FloatArray, scores: FloatArray) -> FloatArray:
    """Curvature of ordinal items' log-likelihoods in steps and locations, (J, p, p)."""
    items, m, k = chances.shape
    weighted = chances * people[:, None, :]
    mean = np.einsum("jm,jmk->jk", scores, chances)
    across = weighted * (scores[:, :, None] - mean[:, None, :])
    spread = np.einsum("jm,jmk->jk", scores**2, weighted) - mean**2 * people
    found = np.zeros((items, m + k - 2, m + k - 2))
    found[:, : m - 1, : m - 1] = -(weighted @ chances.transpose(0, 2, 1))[:, 1:, 1:]
    found[:, : m - 1, m - 1 :] = across[:, 1:, 1:]
    found[:, m - 1 :, : m - 1] = across[:, 1:, 1:].transpose(0, 2, 1)
    diagonal = np.arange(m + k - 2)
    found[:, diagonal, diagonal] += _DAMPING
    found[:, diagonal[: m - 1], diagonal[: m - 1]] += weighted.sum(axis=2)[:, 1:]
    found[:, diagonal[m - 1 :], diagonal[m - 1 :]] += spread[:, 1:]
    return found
