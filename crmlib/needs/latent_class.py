"""Benefit segments from a survey: latent class analysis (N1).

People are in classes that nobody has recorded; within a class, answers to different items
have nothing more to do with each other (Lazarsfeld & Henry 1968; Goodman 1974, *Biometrika*
61:215). Items are nominal, binary or ordinal, respondents have survey weights, and an item
that somebody did not answer is left out of what that person says (missing at random). Sheets
are grouped by answer pattern, so that a million of them are no more work than their patterns.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr
from sklearn.base import BaseEstimator

from crmlib.needs.answer_classes import AnswerClasses, Answers, indicators
from crmlib.needs.answers import Patterns, codes_of, read_answers
from crmlib.stats.bootstrap import generator
from crmlib.stats.mixtures import (
    Mixture,
    classification_error,
    doubts,
    entropy_r2,
    fit_mixture,
    matched,
    random_memberships,
)
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

BOUNDARY = 1e-4  # probability of an answer that nobody in a class gives
_START, _REDRAWN = 0, 1  # purposes of random streams


class LatentClass(BaseEstimator):
    """Latent class model of answers, by EM from several starts.

    Parameters
    ----------
    n_classes : int
    n_init : int
        Starts of the climb, from memberships drawn at random.
    random_state : int
    ordinal : sequence of column names
        Items whose answers have an order; all others are nominal.
    tolerance : float
        Log-likelihood that a climb may leave below its summit.

    Attributes
    ----------
    shares : Series of length K
        Of the population in each class, the largest first.
    item_probabilities : DataFrame, index (item, answer), columns classes
    posterior : DataFrame of shape (n, K)
        Probability of each class for each sheet; of who answered nothing, the shares.
    llf : float
        Log-likelihood; weights count with a mean of 1.
    starts : DataFrame
        Log-likelihood, steps and convergence of each start.
    reached : int
        Starts that ended at the best likelihood.
    converged : bool
    n_respondents, n_patterns, n_parameters : int
    notes : tuple of str
        What a reader should know of the fit.

    Examples
    --------
    >>> sheets = pd.DataFrame({"a": [1] * 40 + [2] * 40, "b": [1] * 36 + [2] * 44,
    ...                        "c": [1] * 38 + [2] * 42})
    >>> LatentClass(n_classes=2).fit(sheets).shares.round(2).tolist()
    [0.53, 0.47]
    """

    def __init__(
        self,
        n_classes: int,
        n_init: int = 10,
        random_state: int = 0,
        ordinal: Sequence[Hashable] = (),
        tolerance: float = 1e-6,
    ) -> None:
        self.n_classes = n_classes
        self.n_init = n_init
        self.random_state = random_state
        self.ordinal = ordinal
        self.tolerance = tolerance

    def fit(self, items: pd.DataFrame, weights: ArrayLike | None = None) -> Self:
        """Find the classes.

        Parameters
        ----------
        items : DataFrame of shape (n, n_items)
            Answers: integers, booleans, text or categories; NaN where there is none.
        weights : array of shape (n,), optional
            Survey weights; only their proportions matter.

        Raises
        ------
        NotIdentified
            As `read_answers`, and if different patterns are fewer than classes.
        """
        return self.fit_patterns(read_answers(items, self.ordinal, weights), items.index)

    def fit_patterns(self, patterns: Patterns, index: pd.Index | None = None) -> Self:
        """The same from sheets that `read_answers` has grouped."""
        if self.n_classes < 1 or self.n_init < 1:
            raise ValueError("n_classes and n_init must be at least 1")
        if len(patterns.codes) < self.n_classes:
            raise NotIdentified(
                f"{self.n_classes} classes need as many different answer sheets, there are "
                f"{len(patterns.codes)}"
            )
        classes = AnswerClasses.of(patterns.items, patterns.codes, patterns.weights)
        rng = generator(self.random_state, _START, self.n_classes)
        starts = random_memberships(len(patterns.codes), self.n_classes, self.n_init, rng)
        mixture = fit_mixture(classes, patterns.weights, starts, tolerance=self.tolerance)
        self._keep(mixture, classes, patterns, index)
        return self

    def _keep(
        self,
        mixture: Mixture[Answers],
        classes: AnswerClasses,
        patterns: Patterns,
        index: pd.Index | None,
    ) -> None:
        """Name the classes: the largest first, ties by their answers."""
        table = mixture.state.table
        order = np.lexsort([*table[::-1].round(6), -mixture.shares.round(9)])
        names = pd.Index([f"class {at + 1}" for at in range(self.n_classes)], name="class")
        self._classes, self._patterns = classes, patterns
        self._state, self._shares = classes.ordered(mixture.state, order), mixture.shares[order]
        self._members = mixture.posterior[:, order]
        self.shares = pd.Series(self._shares, names, name="share")
        self.item_probabilities = pd.DataFrame(
            self._state.table, _answers_of(classes), columns=names
        )
        rows = np.vstack([self._members, self._shares])[patterns.index]
        self.posterior = pd.DataFrame(rows, index, names)
        self.llf, self.starts = mixture.llf, mixture.starts
        self.reached, self.converged = mixture.reached, mixture.converged
        self.n_respondents, self.n_patterns = patterns.respondents, len(patterns.codes)
        self.n_parameters = classes.n_parameters(self.n_classes)
        self.notes = tuple(self._doubts(mixture))

    def _doubts(self, mixture: Mixture[Answers]) -> list[str]:
        """What weakens the fit, in words."""
        found = doubts(mixture)
        edge = int((self._state.table < BOUNDARY).sum())
        if edge:
            found.append(
                f"{edge} answers are given by nobody in some class: their probabilities lie at "
                "the boundary, and count as parameters all the same"
            )
        constant = [str(item.name) for item in self._classes.items if len(item.levels) == 1]
        if constant:
            found.append(f"all answer alike to {', '.join(constant)}, which tells nothing")
        if self.n_parameters >= self.n_patterns - 1:
            found.append(
                f"{self.n_parameters} parameters for {self.n_patterns} different sheets: other "
                "classes describe the answers as well"
            )
        return found

    @property
    def bic(self) -> float:
        """Bayesian information criterion, n = respondents, whatever their weights add up to."""
        return float(self.n_parameters * np.log(self.n_respondents) - 2 * self.llf)

    @property
    def icl(self) -> float:
        """BIC plus twice the entropy of who is in which class (Biernacki et al. 2000)."""
        doubt = self._patterns.weights @ entr(self._members).sum(axis=1)
        return float(self.bic + 2 * doubt)

    @property
    def entropy_r2(self) -> float:
        """How far answers settle the class, 0–1."""
        return entropy_r2(self._members, self._shares, self._patterns.weights)

    @property
    def classification_error(self) -> float:
        """Expected share of respondents whose likeliest class is not theirs."""
        return classification_error(self._members, self._patterns.weights)

    @property
    def classes(self) -> pd.Series:
        """The likeliest class of each sheet."""
        return self.posterior.idxmax(axis=1).rename("class")

    def predict_proba(self, items: pd.DataFrame) -> pd.DataFrame:
        """Probability of each class for other sheets, from the answers that they have."""
        codes = codes_of(items, self._classes.items)
        scores = indicators(codes, self._classes.first) @ np.log(
            np.maximum(self._state.table, np.finfo(float).tiny)
        )
        with np.errstate(divide="ignore"):
            scores = scores + np.log(self._shares)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return pd.DataFrame(odds / odds.sum(axis=1, keepdims=True), items.index, self.shares.index)

    def predict(self, items: pd.DataFrame) -> pd.Series:
        """The likeliest class of other sheets."""
        return self.predict_proba(items).idxmax(axis=1).rename("class")

    def summary(self) -> pd.DataFrame:
        """Shares and probabilities of answers in one table, index (item, answer)."""
        share = self.shares.to_frame().T
        share.index = pd.MultiIndex.from_tuples([("share", "")], names=["item", "answer"])
        return pd.concat([share, self.item_probabilities])

    def means(self) -> pd.DataFrame:
        """Mean answer of each class to each item with numbers, index item."""
        rows = {}
        for at, item in enumerate(self._classes.items):
            if pd.api.types.is_numeric_dtype(item.levels.dtype):
                place = slice(self._classes.first[at], self._classes.first[at + 1])
                rows[item.name] = item.levels.to_numpy(dtype=float) @ self._state.table[place]
        return pd.DataFrame.from_dict(rows, orient="index", columns=self.shares.index)

    def align(self, reference: LatentClass) -> Self:
        """Number the classes as another model does whose items are the same, by likeness.

        Raises
        ------
        NotIdentified
            If items or the number of classes differ.
        """
        own, others = self.item_probabilities, reference.item_probabilities
        if own.shape != others.shape or not own.index.equals(others.index):
            raise NotIdentified("classes of different items or numbers cannot be matched")
        order = matched(_distances(others.to_numpy(), own.to_numpy()))
        names = self.shares.index
        self._state = self._classes.ordered(self._state, order)
        self._shares = self._shares[order]
        self._members = self._members[:, order]
        self.shares = pd.Series(self._shares, names, name="share")
        self.item_probabilities = pd.DataFrame(self._state.table, own.index, names)
        self.posterior = pd.DataFrame(
            self.posterior.to_numpy()[:, order], self.posterior.index, names
        )
        return self

    def intervals(self, replications: int = 200, level: float = 0.9) -> ClassIntervals:
        """Bootstrap intervals over respondents of shares, probabilities and mean answers.

        Each resample is climbed from these classes, and its classes are matched with these
        by their answers (Hungarian method): another start could name them otherwise.
        """
        patterns, rng = self._patterns, generator(self.random_state, _REDRAWN)
        counted = np.flatnonzero(patterns.index >= 0)
        where, each = patterns.index[counted], patterns.each[counted]
        shares, tables, times = [], [], []
        for _ in range(replications):
            drawn = rng.integers(0, counted.size, counted.size)
            weights = np.bincount(where[drawn], each[drawn], len(patterns.codes))
            begun = Mixture(
                self._state, self._shares, self._members, self.llf, 0, True, self.starts
            )
            found = fit_mixture(self._classes, weights, [begun], tolerance=1e-3)
            order = matched(_distances(self._state.table, found.state.table))
            shares.append(found.shares[order])
            tables.append(found.state.table[:, order])
            often = np.bincount(counted[drawn], minlength=patterns.index.size)
            # who answered nothing is not drawn, and stays as he is
            times.append(np.where(patterns.index >= 0, often, 1).astype(np.uint16))
        return ClassIntervals(self, np.array(shares), np.array(tables), np.array(times), level)


class ClassIntervals:
    """Bootstrap intervals of a latent class model.

    Parameters
    ----------
    model : LatentClass
    shares : array of shape (R, K)
    tables : array of shape (R, L, K)
        Probabilities of answers in each resample.
    times : array of int, shape (R, n)
        How often each respondent is in a resample.
    level : float
    """

    def __init__(
        self,
        model: LatentClass,
        shares: FloatArray,
        tables: FloatArray,
        times: NDArray[np.uint16],
        level: float,
    ) -> None:
        self._model, self._shares, self._tables, self.level = model, shares, tables, level
        self._times = times

    def redrawn(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Of each resample: all respondents' posterior (n, K) by its classes, and how often
        each is drawn (n,)."""
        within, index = self._model._classes.within, self._model._patterns.index
        for shares, table, times in zip(self._shares, self._tables, self._times, strict=True):
            tiny = np.finfo(float).tiny
            scores = within @ np.log(np.maximum(table, tiny)) + np.log(np.maximum(shares, tiny))
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            members = odds / odds.sum(axis=1, keepdims=True)
            yield np.vstack([members, shares])[index], times.astype(float)

    def shares(self) -> pd.DataFrame:
        """share, lower, upper by class."""
        bounds = self._bounds(self._shares)
        return self._model.shares.to_frame().assign(lower=bounds[0], upper=bounds[1])

    def item_probabilities(self) -> pd.DataFrame:
        """probability, lower, upper by item, answer and class."""
        return self._long(self._model.item_probabilities, self._tables, "probability")

    def means(self) -> pd.DataFrame:
        """mean, lower, upper by item and class, of items with numbers."""
        found = self._model.means().rename_axis("item")
        return self._long(found, self.mean_draws(found.index), "mean")

    def mean_draws(self, items: Sequence[Hashable]) -> FloatArray:
        """Mean answers in each resample of some items with numbers, shape (R, n_items, K)."""
        classes = self._model._classes
        places = {item.name: at for at, item in enumerate(classes.items)}
        drawn = []
        for name in items:
            at = places[name]
            table = self._tables[:, classes.first[at] : classes.first[at + 1]]
            levels = classes.items[at].levels.to_numpy(dtype=float)
            drawn.append(np.einsum("m,rmk->rk", levels, table))
        return np.stack(drawn, axis=1)

    def _bounds(self, drawn: FloatArray) -> FloatArray:
        return np.quantile(drawn, [(1 - self.level) / 2, (1 + self.level) / 2], axis=0)

    def _long(self, point: pd.DataFrame, drawn: FloatArray, name: str) -> pd.DataFrame:
        bounds = self._bounds(drawn)
        found = {name: point.to_numpy(), "lower": bounds[0], "upper": bounds[1]}
        tables = {key: pd.DataFrame(v, point.index, point.columns).stack()
                  for key, v in found.items()}  # fmt: skip
        return pd.DataFrame(tables).reset_index()


def _answers_of(classes: AnswerClasses) -> pd.MultiIndex:
    pairs = [(item.name, answer) for item in classes.items for answer in item.levels]
    return pd.MultiIndex.from_tuples(pairs, names=["item", "answer"])


def _distances(reference: FloatArray, found: FloatArray) -> FloatArray:
    """Squared distance of each reference class to each class found, (K, K)."""
    return ((reference[:, :, None] - found[:, None, :]) ** 2).sum(axis=0)
