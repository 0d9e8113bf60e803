"""What a fitted choice model says of people: groups, their shares, their part-worths (N2).

One group is everybody (conditional logit), a class (latent classes) or a respondent
(hierarchical logit). Importance, willingness to pay and the simulator work on this alone, so
that they are the same for each model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.needs.choice_coding import ChoiceCoding
from crmlib.needs.choice_tables import ChoiceTable, arranged

FloatArray = NDArray[np.float64]

ALL = "all"


@dataclass(frozen=True, eq=False)
class Preferences:
    """Part-worths of G groups of people, and D draws of them that say how sure they are.

    Attributes
    ----------
    coding : ChoiceCoding
    groups : Index of length G
    shares : array of shape (G,)
        Of people, sum 1.
    coefficients : array of shape (G, p)
    covariance : array of shape (G, p, p)
    share_draws : array of shape (D, G)
    draws : array of shape (D, G, p)
    sampled : bool
        Whether draws are from a posterior: figures are then means over draws, and groups
        are respondents. Else draws are from the estimates' normal distribution.
    """

    coding: ChoiceCoding
    groups: pd.Index
    shares: FloatArray
    coefficients: FloatArray
    covariance: FloatArray
    share_draws: FloatArray
    draws: FloatArray
    sampled: bool

    @property
    def averaged(self) -> Preferences:
        """One group of everybody, with the average person's part-worths."""
        mean = np.einsum("dg,dgp->dp", self.share_draws, self.draws)
        point = mean.mean(axis=0) if self.sampled else self.shares @ self.coefficients
        spread = np.atleast_2d(np.cov(mean, rowvar=False))
        if len(self.groups) == 1 and not self.sampled:
            spread = self.covariance[0]
        ones = np.ones((len(mean), 1))
        return Preferences(
            self.coding, pd.Index([ALL]), np.ones(1), point[None], spread[None], ones,
            mean[:, None], self.sampled,
        )  # fmt: skip


class ChoiceModel(Protocol):
    """What each of the choice models can do."""

    n_parameters: int
    llf: float

    def fit(
        self,
        choices: pd.DataFrame | ChoiceTable,
        attributes: Sequence[str] | None = None,
        weights: pd.Series | None = None,
    ) -> Self:
        """Fit to a long table, or to one that is arranged."""
        ...

    def task_probabilities(self, table: ChoiceTable) -> FloatArray:
        """Probability of each alternative, (T, J)."""
        ...

    def preferences(self) -> Preferences:
        """Groups, shares and part-worths with draws."""
        ...


def part_worth_table(preferences: Preferences, *, level: float = 0.95) -> pd.DataFrame:
    """Part-worths of all levels, the base levels' too, with intervals.

    Parameters
    ----------
    level : float
        Nominal coverage.

    Returns
    -------
    DataFrame with columns group, attribute, level, part_worth, std_err, lower, upper
        Respondents of a hierarchical logit are averaged.
    """
    one = preferences.averaged if preferences.sampled else preferences
    index, rows = one.coding.level_table()
    tables = []
    for at, group in enumerate(one.groups):
        found = coefficient_table(
            rows @ one.coefficients[at], rows @ one.covariance[at] @ rows.T, index, level
        )
        found = found.rename(columns={"estimate": "part_worth"}).reset_index()
        found.insert(0, "group", group)
        tables.append(found)
    return pd.concat(tables, ignore_index=True)


def figures(
    preferences: Preferences,
    of: Callable[[FloatArray], FloatArray],
    index: pd.Index,
    level: float,
) -> pd.DataFrame:
    """A figure of people's coefficients, by group and for all, with intervals.

    Parameters
    ----------
    of : callable
        Coefficients (n, p) to figures (n, F); of each group or respondent alone.
    index : Index of length F
        Names of the figures.
    level : float
        Nominal coverage of the intervals, between quantiles of draws.

    Returns
    -------
    DataFrame with columns group, those of the index, value, lower, upper
        "all" is the mean over people, each with figures of their own. Respondents have no
        rows of theirs.
    """
    drawn = np.array([of(draw) for draw in preferences.draws])
    total = np.einsum("dg,dgf->df", preferences.share_draws, drawn)
    if preferences.sampled:
        groups, point, draws = [ALL], total.mean(axis=0)[None], total[:, None]
    else:
        own = of(preferences.coefficients)
        groups, point, draws = list(preferences.groups), own, drawn
        if len(groups) > 1:
            groups = [ALL, *groups]
            point = np.vstack([preferences.shares @ own, own])
            draws = np.concatenate([total[:, None], drawn], axis=1)
    lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    tables = [
        pd.DataFrame({"value": point[at], "lower": lower[at], "upper": upper[at]}, index)
        for at in range(len(groups))
    ]
    return pd.concat(tables, keys=groups, names=["group"]).reset_index()


def coefficient_table(
    estimate: FloatArray, covariance: FloatArray, index: pd.Index, level: float
) -> pd.DataFrame:
    """Estimates with standard errors and Wald intervals, one row each."""
    error = np.sqrt(np.maximum(np.diag(covariance), 0))
    reach = stats.norm.ppf((1 + level) / 2) * error
    return pd.DataFrame(
        {
            "estimate": estimate, "std_err": error,
            "lower": estimate - reach, "upper": estimate + reach,
        },
        index=index,
    )  # fmt: skip


def normal_draws(
    mean: FloatArray, covariance: FloatArray, draws: int, rng: np.random.Generator
) -> FloatArray:
    """Draws from a normal distribution whose covariance may be singular, (draws, n)."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return mean + rng.standard_normal((draws, mean.size)) @ root.T


def probabilities(table: ChoiceTable, coefficients: FloatArray) -> FloatArray:
    """Of each alternative by the logit rule, shape (T, J).

    Parameters
    ----------
    coefficients : array of shape (p,) or (T, p)
        The same for all tasks, or those of each task's respondent.
    """
    if coefficients.ndim == 1:
        utility = table.design @ coefficients
    else:
        utility = np.einsum("tjp,tp->tj", table.design, coefficients)
    return logit_rule(np.where(table.available, utility, -np.inf))


def logit_rule(utility: FloatArray) -> FloatArray:
    """exp(u) / Σ exp(u) over the last axis; −inf has probability 0."""
    odds = np.exp(utility - utility.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def asked(choices: pd.DataFrame | ChoiceTable, coding: ChoiceCoding) -> ChoiceTable:
    """Tasks to predict, coded as those that a model was fitted on."""
    if isinstance(choices, ChoiceTable):
        return choices
    return arranged(choices, coding, answered=False)


def in_rows(
    choices: pd.DataFrame | ChoiceTable, table: ChoiceTable, found: FloatArray, name: str
) -> pd.Series:
    """Values of alternatives (T, J) beside the rows that were asked about."""
    index = choices.index if isinstance(choices, pd.DataFrame) else None
    return pd.Series(table.in_rows(found), index=index, name=name)


def likeliest(table: ChoiceTable, probability: FloatArray) -> FloatArray:
    """1 for the alternative of each task that is likeliest, the first of equals; (T, J)."""
    best = np.where(table.available, probability, -1.0).argmax(axis=1)
    return (np.arange(probability.shape[1]) == best[:, None]).astype(float)
