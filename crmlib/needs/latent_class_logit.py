"""Classes of people who weigh offers alike: the panel latent-class logit (N2).

Each person is in one class for all of her tasks (Kamakura & Russell 1989; Greene & Hensher
2003, *Transportation Research B* 37:681). Taking each task for a person of its own is the
usual mistake: it finds hardly any difference between people. The likelihood is climbed by
the mixture core; what is added here is one class's Newton step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from crmlib.needs.choice_likelihood import Contrasts, LogitMaximum, inverse_or_refuse, newton
from crmlib.needs.choice_tables import ChoiceTable, as_table
from crmlib.needs.conditional_logit import table_notes
from crmlib.needs.louis import covariance_by_louis
from crmlib.needs.preferences import (
    Preferences,
    asked,
    coefficient_table,
    in_rows,
    likeliest,
    normal_draws,
    probabilities,
)
from crmlib.stats.bootstrap import generator
from crmlib.stats.mixtures import (
    Mixture,
    classification_error,
    doubts,
    entropy_r2,
    fit_mixture,
)
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

_DAMPING = 1e-3  # of a Newton step, in observations: only a class that almost nobody is in feels it
_HALVINGS = 10  # of a step that would lead down; then the class stays where it is


class LatentClassLogit(BaseEstimator):
    """Panel latent-class logit with `n_classes` classes of respondents.

    Parameters
    ----------
    n_classes : int
    n_init : int
        Starts of the climb; each begins at the part-worths of respondents drawn at random.
    random_state : int
    tolerance : float
        Log-likelihood that a climb may leave below its summit.

    Attributes
    ----------
    params : DataFrame of shape (p, K)
        Coefficients of each class; the largest class first.
    shares : Series of length K
        Of people in each class.
    posterior : DataFrame of shape (N, K)
        Probability of each class for each respondent.
    llf : float
    starts : DataFrame
        Log-likelihood, steps and convergence of each start.
    reached : int
        Starts that ended at the best likelihood.
    converged : bool
    n_respondents, n_tasks, n_parameters : int
    coding : ChoiceCoding
    notes : tuple of str
    """

    def __init__(
        self, n_classes: int, n_init: int = 20, random_state: int = 0, tolerance: float = 1e-4
    ) -> None:
        self.n_classes = n_classes
        self.n_init = n_init
        self.random_state = random_state
        self.tolerance = tolerance

    def fit(
        self,
        choices: pd.DataFrame | ChoiceTable,
        attributes: Sequence[str] | None = None,
        weights: pd.Series | None = None,
    ) -> Self:
        """Fit to a long table of choices; see `ConditionalLogit.fit`.

        Raises
        ------
        NotIdentified
            As there, and if there are fewer respondents than coefficients and shares.
        """
        table = as_table(choices, attributes, weights)
        table.check_identified()
        self._check_size(table)
        scale = table.standardised
        contrasts = Contrasts.of(table, scale)
        pooled = newton(contrasts, table.task_weights)
        inverse_or_refuse(pooled, table.names, scale)
        classes = _LogitClasses(contrasts, self.n_classes, pooled.coefficients)
        people = respondent_coefficients(contrasts, pooled, table.weights)
        mixture = fit_mixture(
            classes, table.weights, self._starts(classes, people), tolerance=self.tolerance
        )
        self._keep(mixture, table, contrasts, scale)
        return self

    def _check_size(self, table: ChoiceTable) -> None:
        if self.n_classes < 1 or self.n_init < 1:
            raise ValueError("n_classes and n_init must be at least 1")
        needed = self.n_classes * (len(table.names) + 1) - 1
        if table.n_respondents <= needed:
            raise NotIdentified(
                f"{self.n_classes} classes have {needed} parameters, but only "
                f"{table.n_respondents} people made choices: fewer classes are needed"
            )

    def _starts(self, classes: _LogitClasses, people: FloatArray) -> list[_PartWorths]:
        """Each class begins at one respondent's part-worths; a stream for each start."""
        streams = generator(self.random_state, 0).spawn(self.n_init)
        drawn = [rng.choice(len(people), self.n_classes, replace=False) for rng in streams]
        return [classes.state(people[who].T) for who in drawn]

    def _keep(
        self,
        mixture: Mixture[_PartWorths],
        table: ChoiceTable,
        contrasts: Contrasts,
        scale: FloatArray,
    ) -> None:
        """Read a mixture in the units of the table, the largest class first."""
        found = mixture.state.coefficients
        order = np.lexsort([*found[::-1].round(6), -mixture.shares.round(9)])
        names = pd.Index([f"class {at + 1}" for at in range(self.n_classes)], name="class")
        self._scale, self._shares = scale, mixture.shares[order]
        self._coefficients = (scale @ found[:, order]).T
        self.params = pd.DataFrame(self._coefficients.T, table.names, names)
        self.shares = pd.Series(self._shares, names, name="share")
        self.posterior = pd.DataFrame(mixture.posterior[:, order], table.respondents, names)
        self.llf, self.starts = mixture.llf, mixture.starts
        self.reached, self.converged = mixture.reached, mixture.converged
        self.coding, self._weights = table.coding, table.weights
        self.n_respondents, self.n_tasks = table.n_respondents, table.n_tasks
        self.n_parameters = found.size + self.n_classes - 1
        self._joint = covariance_by_louis(
            contrasts, found[:, order], self._shares, self.posterior.to_numpy(), table.weights
        )
        self.notes = (*table_notes(table), *self._doubts(mixture))

    def _doubts(self, mixture: Mixture[_PartWorths]) -> list[str]:
        """What weakens the fit, in words."""
        found = doubts(mixture)
        if self._joint is None:
            found.append(
                "some part-worth of a class has no finite estimate: there are no intervals; "
                "fewer classes would have"
            )
        return found

    @property
    def bic(self) -> float:
        """Bayesian information criterion, n = respondents."""
        return float(self.n_parameters * np.log(self.n_respondents) - 2 * self.llf)

    @property
    def entropy_r2(self) -> float:
        """How far choices settle the class, 0–1."""
        return entropy_r2(self.posterior.to_numpy(), self._shares, self._weights)

    @property
    def classification_error(self) -> float:
        """Expected share of respondents whose likeliest class is not theirs."""
        return classification_error(self.posterior.to_numpy(), self._weights)

    @property
    def classes(self) -> pd.Series:
        """The likeliest class of each respondent."""
        return self.posterior.idxmax(axis=1).rename("class")

    def cov_params(self) -> FloatArray | None:
        """Covariance of each class's coefficients, (K, p, p); None where the notes say why."""
        if self._joint is None:
            return None
        k, p = self._coefficients.shape
        blocks = [self._joint[at : at + p, at : at + p] for at in range(0, k * p, p)]
        return np.array([self._scale @ block @ self._scale.T for block in blocks])

    @property
    def bse(self) -> pd.DataFrame:
        """Standard errors, like `params`; NaN where the notes say why."""
        covariance = self.cov_params()
        if covariance is None:
            return self.params * np.nan
        errors = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)).T
        return pd.DataFrame(errors, self.params.index, self.params.columns)

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Estimates, standard errors and intervals by class and coefficient."""
        covariance, p = self.cov_params(), len(self.params)
        if covariance is None:
            covariance = np.full((self.n_classes, p, p), np.nan)
        tables = [
            coefficient_table(one, covariance[at], self.params.index, level)
            for at, one in enumerate(self._coefficients)
        ]
        return pd.concat(tables, keys=self.params.columns, names=["class", "coefficient"])

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Wald intervals by class and coefficient, columns lower and upper."""
        return self.summary(level)[["lower", "upper"]]

    def share_intervals(self, level: float = 0.95) -> pd.DataFrame:
        """Share of people in each class, computed on the logit scale; share, lower, upper."""
        table = self.shares.to_frame()
        if self._joint is None or self.n_classes == 1:
            return table.assign(lower=self.shares, upper=self.shares) * (
                np.nan if self._joint is None else 1.0
            )
        k = self.n_classes
        move = np.diag(self._shares) - np.outer(self._shares, self._shares)
        covariance = move[:, 1:] @ self._joint[1 - k :, 1 - k :] @ move[1:, :]
        odds = self._shares * (1 - self._shares)
        logits = np.log(self._shares / (1 - self._shares))
        wald = coefficient_table(
            logits, covariance / np.outer(odds, odds), self.shares.index, level
        )
        bounds = 1 / (1 + np.exp(-wald[["lower", "upper"]]))
        return table.join(bounds)

    def predict_proba(self, choices: pd.DataFrame | ChoiceTable) -> pd.Series:
        """Probability of each alternative; known respondents by their posterior classes."""
        table = asked(choices, self.coding)
        return in_rows(choices, table, self.task_probabilities(table), "probability")

    def predict(self, choices: pd.DataFrame | ChoiceTable) -> pd.Series:
        """1 for the likeliest alternative of each task, 0 for the others."""
        table = asked(choices, self.coding)
        return in_rows(
            choices, table, likeliest(table, self.task_probabilities(table)), "chosen"
        ).astype(int)

    def task_probabilities(self, table: ChoiceTable) -> FloatArray:
        """Probability of each alternative, (T, J)."""
        who = self.posterior.index.get_indexer(table.respondents)
        members = np.where(who[:, None] >= 0, self.posterior.to_numpy()[who], self._shares)
        each = [probabilities(table, one) for one in self._coefficients]
        return np.einsum("ktj,tk->tj", np.array(each), members[table.person])

    def preferences(self, draws: int = 1000, random_state: int = 0) -> Preferences:
        """Part-worths and shares of the classes, with draws of both.

        Raises
        ------
        NotIdentified
            Where a class has no finite part-worths.
        """
        if self._joint is None:
            raise NotIdentified(self.notes[-1])
        k, p = self._coefficients.shape
        # draws on the common scale; shares by logits against the first class
        logits = np.log(self._shares[1:] / self._shares[0])
        standard = np.linalg.solve(self._scale, self._coefficients.T).T
        point = np.concatenate([standard.ravel(), logits])
        drawn = normal_draws(
            point, self._joint, draws, generator(self.random_state, 1, random_state)
        )
        odds = np.exp(np.hstack([np.zeros((draws, 1)), drawn[:, k * p :]]))
        return Preferences(
            self.coding, self.params.columns, self._shares, self._coefficients,
            self.cov_params(), odds / odds.sum(axis=1, keepdims=True),
            drawn[:, : k * p].reshape(draws, k, p) @ self._scale.T, False,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _PartWorths:
    """Coefficients (p, K) and what they say of the choices, so that it is computed once."""

    coefficients: FloatArray
    odds: FloatArray  # of the alternatives not chosen, (K, m, T)
    density: FloatArray  # log probability of each respondent's choices, (N, K)


@dataclass(frozen=True, eq=False)
class _LogitClasses:
    """Classes of respondents for the mixture core."""

    contrasts: Contrasts
    k: int
    pooled: FloatArray

    def state(self, coefficients: FloatArray) -> _PartWorths:
        """Everything that follows from coefficients (p, K)."""
        loss, odds = self.contrasts.weighed(coefficients)
        return _PartWorths(coefficients, odds, -self.contrasts.by_respondent(loss, axis=1).T)

    def log_density(self, state: _PartWorths) -> FloatArray:
        """Log probability of each respondent's choices in each class, (N, K)."""
        return state.density

    def maximise(self, responsibilities: FloatArray, before: _PartWorths | None) -> _PartWorths:
        """One Newton step for each class, shortened where it would lead down."""
        here = self.state(np.tile(self.pooled[:, None], self.k)) if before is None else before
        step = self._step(responsibilities, here)
        height = np.einsum("nk,nk->k", responsibilities, here.density)
        for _ in range(_HALVINGS):
            there = self.state(here.coefficients + step)
            reached = np.einsum("nk,nk->k", responsibilities, there.density)
            fallen = ~(reached >= height)
            if not fallen.any():
                return there
            step = np.where(fallen, step / 2, step)
        return self.state(here.coefficients + np.where(fallen, 0.0, step))

    def _step(self, responsibilities: FloatArray, here: _PartWorths) -> FloatArray:
        """Newton's direction of each class, (p, K)."""
        members = self.contrasts.for_tasks(responsibilities.T)
        slopes = [self.contrasts.slopes(*one) for one in zip(here.odds, members, strict=True)]
        curvature = np.array([each[1] for each in slopes])
        curvature += _DAMPING * np.eye(curvature.shape[1])
        gradient = np.array([each[0] for each in slopes])
        return np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0].T


def respondent_coefficients(
    contrasts: Contrasts, pooled: LogitMaximum, weights: FloatArray
) -> FloatArray:
    """Roughly each respondent's coefficients: one Newton step from everybody's, (N, p).

    Drawn towards everybody's as if by as much information as a respondent has on average.
    """
    scores = contrasts.by_respondent(contrasts.scores(pooled.coefficients))
    own = contrasts.by_respondent(contrasts.information(pooled.coefficients))
    typical = np.average(own, axis=0, weights=weights)
    return pooled.coefficients + np.linalg.solve(own + typical, scores[:, :, None])[:, :, 0]
