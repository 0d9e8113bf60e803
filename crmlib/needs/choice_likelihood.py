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

    Attributes
    ----------
    rows : array of shape (T·m, p)
        m = J − 1 rows of each task.
    closed : array of shape (T·m, 1) or None
        −inf for an alternative that the task does not have, else 0.
    others : int
        m.
    starts : array of shape (N,)
        First task of each respondent.
    """

    rows: FloatArray
    closed: FloatArray | None
    others: int
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
        open_ = table.available[~is_chosen]
        closed = None if open_.all() else np.where(open_, 0.0, -np.inf)[:, None]
        rows = gap[~is_chosen].reshape(-1, p) @ scale
        starts = np.searchsorted(table.person, np.arange(table.n_respondents))
        return cls(rows, closed, wide - 1, starts)

    def log_probability(self, coefficients: FloatArray) -> FloatArray:
        """Of each choice under each column of coefficients, (p, K) to (T, K)."""
        return -self.weighed(coefficients)[0]

    def by_respondent(self, tasks: FloatArray) -> FloatArray:
        """Sums over the tasks of each respondent, (T, …) to (N, …)."""
        return np.add.reduceat(tasks, self.starts, axis=0)

    def for_tasks(self, people: FloatArray) -> FloatArray:
        """Values of respondents for each of their tasks, (N,) to (T,)."""
        tasks = len(self.rows) // self.others
        return np.repeat(people, np.diff(np.append(self.starts, tasks)))

    def scores(self, coefficients: FloatArray) -> FloatArray:
        """Gradient of each choice's log-probability, (p,) to (T, p)."""
        return -self._mean_others(self._odds(coefficients)[:, None])

    def derivatives(
        self, coefficients: FloatArray, task_weights: FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """Weighted log-likelihood, its gradient (p,) and the *negative* Hessian (p, p)."""
        loss, odds = self.weighed(coefficients[:, None])
        weighted = odds * np.repeat(task_weights, self.others)[:, None]
        mean = self._mean_others(odds)
        curvature = self.rows.T @ (self.rows * weighted)
        curvature -= mean.T @ (mean * task_weights[:, None])
        return float(-task_weights @ loss[:, 0]), -task_weights @ mean, curvature

    def information(self, coefficients: FloatArray) -> FloatArray:
        """Negative Hessian of each choice, (p,) to (T, p, p)."""
        p = self.rows.shape[1]
        odds = self._odds(coefficients)
        mean = self._mean_others(odds[:, None])
        rows = self.rows.reshape(-1, self.others, p)
        outer = np.einsum("tjp,tjq->tpq", rows * odds.reshape(-1, self.others, 1), rows)
        return outer - mean[:, :, None] * mean[:, None, :]

    def _odds(self, coefficients: FloatArray) -> FloatArray:
        """Probability of each alternative that was not chosen, (T·m,)."""
        return self.weighed(coefficients[:, None])[1][:, 0]

    def weighed(self, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Under coefficients (p, K): −log-probability (T, K), and that of the others (T·m, K)."""
        utility = self.rows @ coefficients
        if self.closed is not None:
            utility = utility + self.closed
        utility = utility.reshape(-1, self.others, coefficients.shape[1])
        top = np.maximum(utility.max(axis=1, keepdims=True), 0)
        expected = np.exp(utility - top)
        total = np.exp(-top[:, 0]) + expected.sum(axis=1)
        odds = (expected / total[:, None]).reshape(-1, coefficients.shape[1])
        return np.log(total) + top[:, 0], odds

    def _mean_others(self, odds: FloatArray) -> FloatArray:
        """Σ p d over the others of each task, (T·m, 1) to (T, p)."""
        return (self.rows * odds).reshape(-1, self.others, self.rows.shape[1]).sum(axis=1)


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
    here = np.zeros(contrasts.rows.shape[1]) if start is None else start
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
