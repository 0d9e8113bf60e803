"""Likelihood of choices under the logit rule, and its maximum by Newton's method (N2).

McFadden (1974), "Conditional logit analysis of qualitative choice behavior". Written in
differences from the chosen alternative, a choice has probability 1 / (1 + Σ exp(d'β)) over
the others: one alternative fewer to compute, and no probability underflows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlib.needs.choice_tables import ChoiceTable
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TOLERANCE = 1e-10  # of the squared Newton decrement at which a search ends
MAX_STEPS = 60
# Where one attribute decides all choices the likelihood has no maximum. The search then ends
# far out, where the standard error is about 1/√TOLERANCE; one of a column at the scale of its
# own spread that is known from a single choice is below 10.
MAX_ERROR = 1e3


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Other alternatives less the chosen one, for tasks that are sorted by respondent.

    Tasks stand along the last axis: a sum over the few alternatives of a task is then a few
    additions of long rows, four times faster than many short sums.

    Attributes
    ----------
    gaps : array of shape (p, m, T)
        m = J − 1 alternatives of each task.
    closed : array of shape (m, T) or None
        −inf for an alternative that the task does not have, else 0.
    starts : array of shape (N,)
        First task of each respondent.
    """

    gaps: FloatArray
    closed: FloatArray | None
    starts: IntArray

    @classmethod
    def of(cls, table: ChoiceTable, scale: FloatArray) -> Contrasts:
        """Contrasts of a table for coefficients β' with β = `scale` β'; scale has shape (p, p)."""
        tasks, wide, p = table.design.shape
        at = table.chosen[:, None]
        is_chosen = np.zeros((tasks, wide), dtype=bool)
        np.put_along_axis(is_chosen, at, True, axis=1)
        gap = table.design - np.take_along_axis(table.design, at[:, :, None], axis=1)
        gap[~table.available] = 0.0
        open_ = table.available[~is_chosen].reshape(tasks, wide - 1).T
        closed = None if open_.all() else np.where(open_, 0.0, -np.inf)
        rows = gap[~is_chosen].reshape(tasks, wide - 1, p) @ scale
        starts = np.searchsorted(table.person, np.arange(table.n_respondents))
        return cls(np.ascontiguousarray(rows.transpose(2, 1, 0)), closed, starts)

    def log_probability(self, coefficients: FloatArray) -> FloatArray:
        """Of each choice under each column of coefficients, (p, K) to (T, K)."""
        return -self.weighed(coefficients)[0].T

    def by_respondent(self, tasks: FloatArray, axis: int = 0) -> FloatArray:
        """Sums over the tasks of each respondent along an axis, (T, …) to (N, …)."""
        return np.add.reduceat(tasks, self.starts, axis=axis)

    def for_tasks(self, people: FloatArray) -> FloatArray:
        """Values of respondents for each of their tasks, (…, N) to (…, T)."""
        tasks = self.gaps.shape[2]
        return np.repeat(people, np.diff(np.append(self.starts, tasks)), axis=-1)

    def scores(self, coefficients: FloatArray) -> FloatArray:
        """Gradient of each choice's log-probability, (p,) to (T, p)."""
        return -self._mean_others(self._odds(coefficients)).T

    def derivatives(
        self, coefficients: FloatArray, task_weights: FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """Weighted log-likelihood, its gradient (p,) and the *negative* Hessian (p, p)."""
        loss, odds = self.weighed(coefficients[:, None])
        return float(-task_weights @ loss[0]), *self.slopes(odds[0], task_weights)

    def slopes(self, odds: FloatArray, task_weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Gradient (p,) and negative Hessian (p, p) where the others have odds (m, T)."""
        p = len(self.gaps)
        mean = self._mean_others(odds)
        weighted = mean * task_weights
        pulled = self.gaps * (odds * task_weights)
        curvature = pulled.reshape(p, -1) @ self.gaps.reshape(p, -1).T - weighted @ mean.T
        return -weighted.sum(axis=1), curvature

    def information(self, coefficients: FloatArray) -> FloatArray:
        """Negative Hessian of each choice, (p,) to (T, p, p)."""
        odds = self._odds(coefficients)
        mean = self._mean_others(odds).T
        outer = np.einsum("pjt,qjt->tpq", self.gaps * odds, self.gaps)
        return outer - mean[:, :, None] * mean[:, None, :]

    def _odds(self, coefficients: FloatArray) -> FloatArray:
        """Probability of each alternative that was not chosen, (m, T)."""
        return self.weighed(coefficients[:, None])[1][0]

    def weighed(self, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Under coefficients (p, K): −log-probability (K, T), and that of the others (K, m, T)."""
        p, others, tasks = self.gaps.shape
        utility = (coefficients.T @ self.gaps.reshape(p, -1)).reshape(-1, others, tasks)
        if self.closed is not None:
            utility += self.closed
        top = np.maximum(utility.max(axis=1), 0)
        utility -= top[:, None]
        expected = np.exp(utility, out=utility)
        total = np.exp(-top) + expected.sum(axis=1)
        expected /= total[:, None]
        return np.log(total) + top, expected

    def _mean_others(self, odds: FloatArray) -> FloatArray:
        """Σ p d over the others of each task, (m, T) to (p, T)."""
        return np.einsum("pjt,jt->pt", self.gaps, odds)


@dataclass(frozen=True, eq=False)
class LogitMaximum:
    """Where the likelihood is highest: coefficients (p,) and negative Hessian (p, p)."""

    coefficients: FloatArray
    llf: float
    curvature: FloatArray
    converged: bool


def newton(
    contrasts: Contrasts,
    task_weights: FloatArray,
    start: FloatArray | None = None,
    *,
    steps: int = MAX_STEPS,
    ridge: float = 0.0,
) -> LogitMaximum:
    """Maximise the weighted log-likelihood of choices, which is concave.

    Parameters
    ----------
    task_weights : array of shape (T,)
    start : array of shape (p,), optional
        0 where omitted.
    steps : int
        At most; a step that lowers the likelihood is halved.
    ridge : float
        Precision of a normal prior around 0 on each coefficient.
    """
    here = np.zeros(len(contrasts.gaps)) if start is None else start
    eye = ridge * np.eye(here.size)

    def at(point: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, gradient, curvature = contrasts.derivatives(point, task_weights)
        return value - ridge * point @ point / 2, gradient - ridge * point, curvature + eye

    value, gradient, curvature = at(here)
    for _ in range(steps):
        step = np.linalg.lstsq(curvature, gradient, rcond=1e-14)[0]
        if gradient @ step < TOLERANCE:
            return LogitMaximum(here, value, curvature, True)
        for _ in range(30):
            found = at(here + step)
            if found[0] >= value - 1e-12 * abs(value):
                break
            step = step / 2
        else:  # no shorter step is higher: the optimum, to the last digit
            return LogitMaximum(here, value, curvature, True)
        here = here + step
        value, gradient, curvature = found
    return LogitMaximum(here, value, curvature, False)


def inverse_or_refuse(found: LogitMaximum, names: list[str], scale: FloatArray) -> FloatArray:
    """Covariance (p, p) of β = `scale` β' from the maximum in β'.

    Raises
    ------
    NotIdentified
        Naming the coefficient that has no finite estimate because it decides all choices.
    """
    values, vectors = np.linalg.eigh(found.curvature)
    if values[0] < MAX_ERROR**-2:
        worst = names[int(np.argmax(np.abs(found.coefficients)))]
        raise NotIdentified(
            f"no finite part-worth of {worst!r}: it decides every choice in which it differs; "
            "leave it out, or join its levels"
        )
    return scale @ (vectors / values @ vectors.T) @ scale.T
