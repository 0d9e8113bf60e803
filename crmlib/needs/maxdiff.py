"""What people find best and worst among a few things at a time: MaxDiff (N2).

The sequential best–worst model (Marley & Louviere 2005, *Journal of Mathematical Psychology*
49:464; Marley, Islam & Hawkins 2016): the best is chosen from all items of the task by the
logit rule, then the worst from the rest by the logit rule with utilities negated. A task is
so two choices, and any of the choice models fits them.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from crmlib.needs.choice_tables import ChoiceTable, choice_table
from crmlib.needs.conditional_logit import ConditionalLogit
from crmlib.needs.preferences import (
    ChoiceModel,
    Preferences,
    figures,
    logit_rule,
    part_worth_table,
)
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

ITEM = "item"


class MaxDiff(BaseEstimator):
    """Scores of items from best and worst answers.

    Parameters
    ----------
    model : ConditionalLogit, LatentClassLogit or HierarchicalLogit, optional
        Of the choices; a conditional logit where omitted. It is cloned.

    Attributes
    ----------
    fitted : the model that was fitted
    items : list
    llf, bic : float
        Of best and worst together; a hierarchical logit has no bic.
    n_parameters : int
    """

    def __init__(self, model: ChoiceModel | None = None) -> None:
        self.model = model

    def fit(self, answers: pd.DataFrame | ChoiceTable, weights: pd.Series | None = None) -> Self:
        """Fit to a table of answers.

        Parameters
        ----------
        answers : DataFrame or ChoiceTable
            One row for each item of each task: respondent_id, task, item, best and worst
            (0/1); or what `maxdiff_table` has made of it.
        weights : Series, optional
            Of respondents, by respondent_id.

        Raises
        ------
        ValueError
            Naming what is wrong with which rows.
        NotIdentified
            Naming the item that is always best or never.
        """
        table = answers
        if not isinstance(answers, ChoiceTable):
            table = maxdiff_table(answers, weights=weights)
        self.fitted = clone(ConditionalLogit() if self.model is None else self.model).fit(table)
        self.items = list(table.coding.attribute(ITEM).levels)
        self.llf, self.n_parameters = self.fitted.llf, self.fitted.n_parameters
        return self

    @property
    def bic(self) -> float:
        """Of the fitted model."""
        return self.fitted.bic

    def preferences(self) -> Preferences:
        """Part-worths of the items by group."""
        return self.fitted.preferences()

    def scores(self, level: float = 0.95) -> pd.DataFrame:
        """Part-worths of the items, which sum to zero in each group.

        Returns
        -------
        DataFrame with columns group, item, score, std_err, lower, upper
        """
        table = part_worth_table(self.preferences(), level=level)
        return table.drop(columns="attribute").rename(
            columns={"level": ITEM, "part_worth": "score"}
        )

    def shares(self, level: float = 0.95) -> pd.DataFrame:
        """How often each item would be the best of all items, 0–1; sums to 1 in each group.

        Returns
        -------
        DataFrame with columns group, item, value, lower, upper
        """
        preferences = self.preferences()
        rows = preferences.coding.at_levels(ITEM)
        return figures(
            preferences, lambda people: logit_rule(people @ rows.T),
            pd.Index(self.items, name=ITEM), level,
        )  # fmt: skip

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Scores and shares together, by group and item."""
        keys = ["group", ITEM]
        scores = self.scores(level).set_index(keys)
        shares = self.shares(level).set_index(keys).rename(columns={"value": "share"})
        return scores.join(shares.add_prefix("share_").rename(columns={"share_share": "share"}))


def maxdiff_table(answers: pd.DataFrame, *, weights: pd.Series | None = None) -> ChoiceTable:
    """Best and worst answers as choices: two tasks for each, labelled 2n and 2n + 1.

    Raises
    ------
    ValueError
        If a column is missing, an item stands twice in a task, or a task does not have
        exactly one best and another one worst item.
    """
    for column in ("respondent_id", "task", ITEM, "best", "worst"):
        if column not in answers:
            raise ValueError(f"there is no column {column!r} in the MaxDiff answers")
    number = pd.factorize(answers["task"], sort=True)[0]
    both = _marks(answers, "best") & _marks(answers, "worst")
    if both.any():
        row = answers.index[int(np.argmax(both))]
        raise NotIdentified(
            f"an item is best and worst in one task, {int(both.sum())} times in all, the first "
            f"in row {row}"
        )
    long = answers[["respondent_id", ITEM]].assign(alternative=answers[ITEM])
    best = long.assign(task=2 * number, chosen=answers["best"])
    rest = long.assign(task=2 * number + 1, chosen=answers["worst"])[~_marks(answers, "best")]
    tables = []
    for kind, part in (("best", best), ("worst", rest)):
        try:
            choice_table(part, [ITEM], categorical=[ITEM])
        except ValueError as error:
            raise ValueError(f"in the answers on the {kind} item: {error}") from error
        tables.append(part)
    table = choice_table(
        pd.concat(tables, ignore_index=True), [ITEM], weights=weights, categorical=[ITEM]
    )
    return table.reversed(table.tasks.astype(np.int64) % 2 == 1)


def _marks(answers: pd.DataFrame, column: str) -> NDArray[np.bool_]:
    return pd.to_numeric(answers[column]).to_numpy(dtype=float) == 1
