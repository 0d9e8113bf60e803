"""Probabilities of answers within classes, and the two steps of EM on them (N1).

A nominal item has a probability of each answer in each class. An ordinal item has common
steps between its answers and one location for each class, log P(m | k) = a_m + b_k s_m + const
with the scores s_m of its answers (the adjacent-category form of Goodman 1979, *JASA* 74:537,
as in Vermunt & Magidson 2016, *Technical Guide for Latent GOLD 5.1*, section 2.3): fewer
parameters, and a class that rates higher on the whole rates every answer so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crmlib.needs.answers import MISSING, Item

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_TINY = float(np.finfo(float).tiny)
_NEWTON = 3  # steps for an ordinal item in each step of EM, which needs a rise and no summit
_HALVINGS = 20
_DAMPING = 1e-6  # of a Newton step, in respondents
_FARTHEST = 40.0  # log odds between the ends of a scale: an item that a class settles


@dataclass(frozen=True, eq=False)
class Answers:
    """Parameters of all classes.

    Attributes
    ----------
    table : array of shape (L, K)
        Probability of each answer in each class; the items' answers one below the other.
    steps, locations : dict of item position to arrays of shape (m,) and (K,)
        Of ordinal items; the first step and the first class's location are 0.
    """

    table: FloatArray
    steps: dict[int, FloatArray] = field(default_factory=dict)
    locations: dict[int, FloatArray] = field(default_factory=dict)

    def ordered(self, order: IntArray) -> Answers:
        """The same with class `order[k]` as number k."""
        locations = {j: b[order] - b[order][0] for j, b in self.locations.items()}
        return Answers(self.table[:, order], self.steps, locations)


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
    """

    items: tuple[Item, ...]
    within: FloatArray
    first: IntArray
    usual: FloatArray

    @classmethod
    def of(cls, items: Sequence[Item], codes: IntArray, weights: FloatArray) -> AnswerClasses:
        """Patterns by the positions of their answers, shape (n, n_items)."""
        first = np.append(0, np.cumsum([len(item.levels) for item in items]))
        within = indicators(codes, first)
        held = weights @ within
        totals = np.add.reduceat(held, first[:-1])
        return cls(tuple(items), within, first, held / np.repeat(totals, np.diff(first)))

    @property
    def n_item_parameters(self) -> int:
        """Free probabilities of one class alone, nominal items."""
        return int(sum(len(item.levels) - 1 for item in self.items if not item.ordinal))

    def n_parameters(self, k: int) -> int:
        """Shares, probabilities of nominal items, steps and locations of ordinal ones."""
        ordinal = [len(item.levels) for item in self.items if item.ordinal]
        # an item with one answer has no step, and no location either
        scale = sum(m - 1 + (k - 1 if m > 1 else 0) for m in ordinal)
        return k - 1 + k * self.n_item_parameters + scale

    def log_density(self, state: Answers) -> FloatArray:
        """Log probability of each pattern in each class, shape (n, K)."""
        return self.within @ np.log(np.maximum(state.table, _TINY))

    def maximise(self, responsibilities: FloatArray, before: Answers | None) -> Answers:
        """Probabilities from weighted memberships (n, K)."""
        held = self.within.T @ responsibilities
        totals = np.add.reduceat(held, self.first[:-1], axis=0)
        totals = np.repeat(totals, np.diff(self.first), axis=0)
        # a class in which nobody answered an item answers as everybody does
        table = np.where(totals > 0, held / np.where(totals > 0, totals, 1), self.usual[:, None])
        steps: dict[int, FloatArray] = {}
        locations: dict[int, FloatArray] = {}
        for j, item in enumerate(self.items):
            if not item.ordinal or len(item.levels) < 2:
                continue
            place = slice(self.first[j], self.first[j + 1])
            begun = None if before is None else (before.steps[j], before.locations[j])
            steps[j], locations[j] = adjacent_categories(held[place], item.scores, begun)
            table[place] = _scale(steps[j], locations[j], item.scores)
        return Answers(table, steps, locations)


def indicators(codes: IntArray, first: IntArray) -> FloatArray:
    """1 in the place of each answer, shape (n, L)."""
    found = np.zeros((len(codes), first[-1]))
    for j in range(codes.shape[1]):
        rows = np.flatnonzero(codes[:, j] != MISSING)
        found[rows, first[j] + codes[rows, j]] = 1.0
    return found


def _scale(steps: FloatArray, locations: FloatArray, scores: FloatArray) -> FloatArray:
    """Probabilities (m, K) of an ordinal item's answers."""
    logits = steps[:, None] + scores[:, None] * locations
    odds = np.exp(logits - logits.max(axis=0))
    return odds / odds.sum(axis=0)


def adjacent_categories(
    counts: FloatArray, scores: FloatArray, begun: tuple[FloatArray, FloatArray] | None
) -> tuple[FloatArray, FloatArray]:
    """Steps and class locations nearer to the likeliest: a concave function, by Newton.

    Parameters
    ----------
    counts : array of shape (m, K)
        Weighted respondents by answer and class.
    scores : array of shape (m,)
    begun : (steps, locations), optional
        Where to go on from.
    """
    m, k = counts.shape
    if begun is None:
        shares = counts.sum(axis=1) + 0.5
        begun = np.log(shares / shares[0]), np.zeros(k)
    point = np.concatenate([begun[0][1:], begun[1][1:]])
    people = counts.sum(axis=0)

    def apart(at: FloatArray) -> tuple[FloatArray, FloatArray]:
        return np.append(0.0, at[: m - 1]), np.append(0.0, at[m - 1 :])

    def height(at: FloatArray) -> float:
        return float((counts * np.log(np.maximum(_scale(*apart(at), scores), _TINY))).sum())

    reached = height(point)
    for _ in range(_NEWTON):
        chances = _scale(*apart(point), scores)
        left = counts - chances * people
        gradient = np.concatenate([left.sum(axis=1)[1:], (scores @ left)[1:]])
        step = np.linalg.solve(_information(chances, people, scores), gradient)
        for _ in range(_HALVINGS):
            there = np.clip(point + step, -_FARTHEST, _FARTHEST)
            higher = height(there)
            if higher >= reached:
                break
            step = step / 2
        else:
            break
        point, gained, reached = there, higher - reached, higher
        if gained <= 1e-10 * abs(reached):
            break
    return apart(point)


def _information(chances: FloatArray, people: FloatArray, scores: FloatArray) -> FloatArray:
    """Curvature of an ordinal item's log-likelihood in steps and locations."""
    m, k = chances.shape
    weighted = chances * people
    among = np.diag(weighted.sum(axis=1)) - weighted @ chances.T
    mean = scores @ chances
    across = weighted * (scores[:, None] - mean)
    spread = (scores[:, None] ** 2 * weighted).sum(axis=0) - mean**2 * people
    found = np.zeros((m + k - 2,) * 2)
    found[: m - 1, : m - 1] = among[1:, 1:]
    found[: m - 1, m - 1 :] = across[1:, 1:]
    found[m - 1 :, : m - 1] = across[1:, 1:].T
    found[m - 1 :, m - 1 :] = np.diag(spread[1:])
    found.flat[:: m + k - 1] += _DAMPING
    return found
