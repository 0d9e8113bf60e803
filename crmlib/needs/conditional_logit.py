"""One set of part-worths for all respondents: the conditional logit (N2).

McFadden (1974), "Conditional logit analysis of qualitative choice behavior". The simplest
model of choices, and the one that the others have to beat on tasks held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from crmlib.needs.choice_likelihood import Contrasts, inverse_or_refuse, newton
from crmlib.needs.choice_tables import ChoiceTable, as_table
from crmlib.needs.preferences import (
    ALL,
    Preferences,
    asked,
    coefficient_table,
    in_rows,
    likeliest,
    normal_draws,
    probabilities,
)
from crmlib.stats.bootstrap import generator

FloatArray = NDArray[np.float64]


class ConditionalLogit(BaseEstimator):
    """Conditional logit by Newton's method.

    Parameters
    ----------
    covariance : {"clustered", "model"}
        Standard errors that allow choices of one respondent to hang together and weights to
        be unequal (a sandwich over respondents; Cameron & Trivedi 2005, section 24.5), or
        those of the likelihood. With no more respondents than coefficients always the latter.

    Attributes
    ----------
    params : Series of length p
    llf, llnull : float
        Log-likelihood, weighted where there are weights, and that of choosing at random.
    n_respondents, n_tasks, n_parameters : int
    coding : ChoiceCoding
    notes : tuple of str
        What a reader should know of the fit.

    Examples
    --------
    >>> import pandas as pd
    >>> choices = pd.DataFrame({
    ...     "respondent_id": [1, 1, 2, 2, 3, 3], "task": 1, "alternative": ["a", "b"] * 3,
    ...     "chosen": [1, 0, 1, 0, 0, 1], "fee": [1, 2, 1, 2, 1, 2],
    ... })
    >>> round(float(ConditionalLogit().fit(choices, attributes=["fee"]).params["fee"]), 3)
    -0.693
    """

    def __init__(self, covariance: Literal["clustered", "model"] = "clustered") -> None:
        self.covariance = covariance

    def fit(
        self,
        choices: pd.DataFrame | ChoiceTable,
        attributes: Sequence[str] | None = None,
        weights: pd.Series | None = None,
    ) -> Self:
        """Fit to a long table of choices, or to one that `choice_table` has arranged.

        Parameters
        ----------
        choices : DataFrame or ChoiceTable
        attributes : sequence of str
            Columns that describe the alternatives; words are effects-coded.
        weights : Series, optional
            Of respondents, by respondent_id.

        Raises
        ------
        NotIdentified
            Naming the attribute that does not vary, or that decides every choice.
        """
        table = as_table(choices, attributes, weights)
        table.check_identified()
        scale = table.standardised
        contrasts = Contrasts.of(table, scale)
        found = newton(contrasts, table.task_weights)
        self._covariance = inverse_or_refuse(found, table.names, scale)
        if self.covariance == "clustered" and table.n_respondents > len(scale):
            self._covariance = _clustered(
                contrasts, found.coefficients, table.weights, scale, self._covariance
            )
        self.params = pd.Series(scale @ found.coefficients, table.names, name="estimate")
        self.llf = found.llf
        self.llnull = float(-table.task_weights @ np.log(table.available.sum(axis=1)))
        self.coding = table.coding
        self.n_respondents, self.n_tasks = table.n_respondents, table.n_tasks
        self.n_parameters = len(scale)
        self.notes = table_notes(table)
        return self

    @property
    def bic(self) -> float:
        """Bayesian information criterion, n = respondents, as for the models of people."""
        return float(self.n_parameters * np.log(self.n_respondents) - 2 * self.llf)

    @property
    def bse(self) -> pd.Series:
        """Standard errors."""
        return pd.Series(np.sqrt(np.diag(self._covariance)), self.params.index, name="std_err")

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the coefficients, (p, p)."""
        return pd.DataFrame(self._covariance, self.params.index, self.params.index)

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Wald intervals, columns lower and upper."""
        return self.summary(level)[["lower", "upper"]]

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Estimates with standard errors and intervals, one row per coefficient."""
        return coefficient_table(self.params.to_numpy(), self._covariance, self.params.index, level)

    def predict_proba(self, choices: pd.DataFrame | ChoiceTable) -> pd.Series:
        """Probability of each alternative within its task, one for each row."""
        table = asked(choices, self.coding)
        return in_rows(choices, table, self.task_probabilities(table), "probability")

    def predict(self, choices: pd.DataFrame | ChoiceTable) -> pd.Series:
        """1 for the likeliest alternative of each task, 0 for the others."""
        table = asked(choices, self.coding)
        found = likeliest(table, self.task_probabilities(table))
        return in_rows(choices, table, found, "chosen").astype(int)

    def task_probabilities(self, table: ChoiceTable) -> FloatArray:
        """Probability of each alternative, (T, J)."""
        return probabilities(table, self.params.to_numpy())

    def preferences(self, draws: int = 1000, random_state: int = 0) -> Preferences:
        """Part-worths of one group, everybody, with draws of them."""
        rng = generator(random_state, 1)
        mean = self.params.to_numpy()
        drawn = normal_draws(mean, self._covariance, draws, rng)
        return Preferences(
            self.coding, pd.Index([ALL]), np.ones(1), mean[None], self._covariance[None],
            np.ones((draws, 1)), drawn[:, None], False,
        )  # fmt: skip


def _clustered(
    contrasts: Contrasts,
    coefficients: FloatArray,
    weights: FloatArray,
    scale: FloatArray,
    bread: FloatArray,
) -> FloatArray:
    """Sandwich over respondents, (p, p)."""
    n = len(weights)
    scores = contrasts.by_respondent(contrasts.scores(coefficients)) * weights[:, None]
    # scores are by β' with β = scale β': by β they are scale⁻ᵀ times that
    scores = np.linalg.solve(scale.T, scores.T).T
    return bread @ (scores.T @ scores) @ bread * n / (n - 1)


def table_notes(table: ChoiceTable) -> tuple[str, ...]:
    """What a reader should know of the tasks that a model was fitted on."""
    if not table.single:
        return ()
    return (f"{table.single} tasks with a single alternative say nothing and were left out",)
