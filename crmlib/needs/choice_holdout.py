"""Which choice model to believe: the last tasks of each respondent decide (N2).

The likelihood of a richer model is always higher, and on choice panels BIC keeps falling with
each class more. So the models are fitted without the last tasks of each respondent and judged
by how they foresee these: by log-likelihood and by the share of choices that were the
likeliest. The simplest model that is not worse than the best is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.base import clone

from crmlib.needs.choice_tables import ChoiceTable, as_table
from crmlib.needs.preferences import ChoiceModel, likeliest
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Models judged by tasks that they have not seen.

    Attributes
    ----------
    table : DataFrame, index model
        n_parameters; log_likelihood and hit_rate, means over held-out tasks; behind_best,
        lower, upper: log-likelihood a task that the best model has more, with interval
        paired over respondents; not_worse; reason where a model was refused.
    chosen : str
        The first, thus simplest, model that is not worse than the best.
    best : str
        Highest log-likelihood.
    by_chance : float
        Log-likelihood a task of choosing at random.
    n_respondents, n_tasks : int
        Who had tasks held out, and how many tasks.
    level : float
        Nominal coverage.
    """

    table: pd.DataFrame
    chosen: str
    best: str
    by_chance: float
    n_respondents: int
    n_tasks: int
    level: float


def last_tasks(table: ChoiceTable, last: int) -> NDArray[np.bool_]:
    """Which tasks are the last of their respondent, by label; none of who has no more, (T,)."""
    count = np.bincount(table.person, minlength=table.n_respondents)
    from_end = np.cumsum(count)[table.person] - np.arange(table.n_tasks)
    return (from_end <= last) & (count > last)[table.person]


def held_out(
    choices: pd.DataFrame | ChoiceTable,
    models: Mapping[str, ChoiceModel],
    attributes: Sequence[str] | None = None,
    weights: pd.Series | None = None,
    *,
    last: int = 1,
    level: float = 0.95,
) -> HeldOut:
    """Judge choice models by the last tasks of each respondent.

    Parameters
    ----------
    choices, attributes, weights
        As in `ConditionalLogit.fit`.
    models : mapping of name to model
        The simplest first; they are cloned.
    last : int
        Tasks of each respondent held out; who has no more keeps them all in the fit.
    level : float
        Nominal coverage of the paired intervals.

    Raises
    ------
    NotIdentified
        If nobody has more than `last` tasks, or every model is refused.
    """
    table = as_table(choices, attributes, weights)
    if last < 1 or not models:
        raise ValueError("at least one task and one model are needed")
    out = last_tasks(table, last)
    if not out.any():
        raise NotIdentified(f"nobody has more than {last} tasks: none can be held out")
    seen, unseen = table.of_tasks(~out), table.of_tasks(out)
    logs: dict[str, FloatArray] = {}
    rows = {}
    for name, model in models.items():
        try:
            fitted = clone(model).fit(seen)
        except NotIdentified as error:
            rows[name] = {"reason": str(error)}
            continue
        expected = fitted.task_probabilities(unseen)
        logs[name] = np.log(_of_chosen(unseen, expected))
        hits = _of_chosen(unseen, likeliest(unseen, expected))
        rows[name] = {
            "n_parameters": fitted.n_parameters,
            "log_likelihood": np.average(logs[name], weights=unseen.task_weights),
            "hit_rate": np.average(hits, weights=unseen.task_weights), "reason": "",
        }  # fmt: skip
    if not logs:
        raise NotIdentified(next(iter(rows.values()))["reason"])
    best = max(logs, key=lambda name: rows[name]["log_likelihood"])
    for name, log in logs.items():
        rows[name] |= _behind(unseen, logs[best] - log, level)
    found = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    found["not_worse"] = found["not_worse"].fillna(False).astype(bool)
    chance = -np.average(np.log(unseen.available.sum(axis=1)), weights=unseen.task_weights)
    return HeldOut(
        found, str(found.index[found["not_worse"]][0]), best, float(chance),
        unseen.n_respondents, unseen.n_tasks, level,
    )  # fmt: skip


def _of_chosen(table: ChoiceTable, values: FloatArray) -> FloatArray:
    """Values of the chosen alternatives, (T,)."""
    return np.take_along_axis(values, table.chosen[:, None], axis=1)[:, 0]


def _behind(table: ChoiceTable, gap: FloatArray, level: float) -> dict[str, object]:
    """Mean gap a task, with an interval over respondents (a ratio of their sums)."""
    n = table.n_respondents
    total = np.bincount(table.person, weights=gap, minlength=n) * table.weights
    tasks = np.bincount(table.person, minlength=n) * table.weights
    mean = total.sum() / tasks.sum()
    error = np.sqrt(((total - mean * tasks) ** 2).sum() * n / max(n - 1, 1)) / tasks.sum()
    reach = stats.norm.ppf((1 + level) / 2) * error
    return {
        "behind_best": mean, "lower": mean - reach, "upper": mean + reach,
        "not_worse": bool(mean - reach <= 0),
    }  # fmt: skip
