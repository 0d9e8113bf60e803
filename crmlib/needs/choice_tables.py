"""Choices as they were made, arranged for choice models (N2).

The long table has one row for each alternative of each task of each respondent. Here it
becomes arrays: tasks by alternatives by columns of the design, with tasks of one respondent
together. Tasks may differ in their number of alternatives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.needs.choice_coding import ChoiceCoding, Coding, coding_of
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MAX_CONDITION = 1e9  # of the columns' cross-product, scaled: beyond it they depend on each other


@dataclass(frozen=True, eq=False)
class ChoiceTable:
    """T tasks of N respondents with at most J alternatives described by p columns.

    Attributes
    ----------
    coding : ChoiceCoding
    design : array of shape (T, J, p)
        Rows of alternatives that a task does not have are 0.
    available : array of bool of shape (T, J)
    chosen : array of shape (T,)
        Position of the chosen alternative; −1 where the table does not say.
    person : array of shape (T,)
        Position of the respondent, ascending.
    respondents : Index of length N
    weights : array of shape (N,)
        Of respondents, mean 1.
    tasks : array of shape (T,)
        Their labels.
    place : array of shape (n_rows,)
        Where in (T, J), flattened, each row of the table went; −1 for a row of a dropped task.
    single : int
        Tasks with one alternative, which say nothing and were dropped.
    """

    coding: ChoiceCoding
    design: FloatArray
    available: BoolArray
    chosen: IntArray
    person: IntArray
    respondents: pd.Index
    weights: FloatArray
    tasks: NDArray[np.object_]
    place: IntArray
    single: int = 0

    @property
    def names(self) -> list[str]:
        """Of the p columns."""
        return self.coding.names

    @property
    def n_tasks(self) -> int:
        """Tasks with two alternatives or more."""
        return len(self.chosen)

    @property
    def n_respondents(self) -> int:
        """Respondents with at least one such task."""
        return len(self.respondents)

    @property
    def task_weights(self) -> FloatArray:
        """Weight of the respondent of each task, shape (T,)."""
        return self.weights[self.person]

    @cached_property
    def standardised(self) -> FloatArray:
        """Matrix M of shape (p, p): coefficients β = M β' of columns on a common scale.

        Columns in β' have mean 0 and standard deviation 1: numbers over the offers, words
        over their levels, of which they are orthogonal contrasts. The constant of the none
        option then compares with the average offer.
        """
        rows = self.design[self.available]
        if self.coding.none:
            rows = rows[rows[:, -1] == 0]
        matrix = np.eye(rows.shape[1])
        for attribute in self.coding.attributes:
            place = self.coding.place(attribute.name)
            shown = rows[:, place]
            if attribute.levels:
                shown = self.coding.at_levels(attribute.name)[:, place]
            centre = shown.mean(axis=0)
            gap = shown - centre
            if (np.abs(gap).max(axis=0) <= 1e-12 * np.abs(shown).max(axis=0)).any():
                continue  # the same everywhere: refused elsewhere
            root = np.linalg.cholesky(gap.T @ gap / len(gap))
            matrix[place, place] = np.linalg.inv(root).T
            if self.coding.none:
                matrix[-1, place] = centre @ matrix[place, place]
        return matrix

    def with_choices(self, chosen: ArrayLike) -> ChoiceTable:
        """The same tasks, other alternatives chosen; shape (T,)."""
        return replace(self, chosen=np.asarray(chosen, dtype=np.int64))

    def reversed(self, tasks: BoolArray) -> ChoiceTable:
        """With the design of some tasks, shape (T,), negated: the worst was chosen there."""
        sign = np.where(tasks, -1.0, 1.0)
        return replace(self, design=self.design * sign[:, None, None])

    def of_tasks(self, kept: BoolArray) -> ChoiceTable:
        """Some of the tasks, shape (T,), and the respondents who have one of them."""
        codes = np.unique(self.person[kept], return_inverse=True)
        width = self.available.shape[1]
        moved = np.where(kept, np.cumsum(kept) - 1, -1)
        task, slot = np.divmod(self.place, width)
        place = np.where((self.place >= 0) & (moved[task] >= 0), moved[task] * width + slot, -1)
        weights = self.weights[codes[0]]
        if len(weights):
            weights = weights / weights.mean()
        return replace(
            self,
            design=self.design[kept], available=self.available[kept], chosen=self.chosen[kept],
            person=codes[1], respondents=self.respondents[codes[0]],
            weights=weights, tasks=self.tasks[kept], place=place,
        )  # fmt: skip

    def check_identified(self) -> None:
        """Refuse where no coefficients can be told from these tasks.

        Raises
        ------
        NotIdentified
            Naming the attribute that never differs between alternatives of one task, or
            those that always differ together.
        """
        if (self.chosen < 0).any():
            raise ValueError("the table does not say what was chosen")
        if self.n_tasks == 0:
            raise NotIdentified("no task has two alternatives to choose from")
        gap = (self.design - self.design[:, :1]) * self.available[:, :, None]
        size = np.abs(gap).max(axis=(0, 1))
        largest = np.abs(self.design).max(axis=(0, 1), initial=1e-300)
        flat = [n for n, s, m in zip(self.names, size, largest, strict=True) if s <= 1e-12 * m]
        if flat:
            raise NotIdentified(
                f"{flat[0]!r} is the same for all alternatives of every task: choices cannot "
                "say what it is worth; leave it out"
            )
        rows = gap.reshape(-1, gap.shape[2]) / size
        curvature, directions = np.linalg.eigh(rows.T @ rows)
        if curvature[0] <= curvature[-1] / MAX_CONDITION:
            weak = np.abs(directions[:, 0])
            named = [n for n, part in zip(self.names, weak, strict=True) if part > 0.1]
            raise NotIdentified(
                f"{', '.join(named)} always differ together between alternatives: choices "
                "cannot tell what each is worth; leave one out"
            )

    def in_rows(self, values: FloatArray) -> FloatArray:
        """Values of alternatives, shape (T, J), for the rows of the table; NaN if dropped."""
        found = np.full(len(self.place), np.nan)
        kept = self.place >= 0
        found[kept] = values.ravel()[self.place[kept]]
        return found


def choice_table(
    choices: pd.DataFrame,
    attributes: Sequence[str],
    *,
    weights: pd.Series | None = None,
    coding: Coding = "effects",
    base: Mapping[str, object] | None = None,
    categorical: Sequence[str] = (),
) -> ChoiceTable:
    """Arrange a long table of choices.

    Parameters
    ----------
    choices : DataFrame
        Columns respondent_id, task, alternative, chosen (0/1) and the attributes. An
        alternative all of whose attributes are empty is the none option.
    attributes : sequence of str
    weights : Series, optional
        Of respondents, by respondent_id; positive, of any scale.
    coding, base, categorical
        See `coding_of`.

    Raises
    ------
    ValueError
        Naming the column, and how many tasks and the first row: none or more than one
        alternative is chosen, an alternative stands twice in a task, a value is missing.
    """
    found = coding_of(choices, attributes, coding=coding, base=base, categorical=categorical)
    return arranged(choices, found, weights=weights)


def arranged(
    choices: pd.DataFrame,
    coding: ChoiceCoding,
    *,
    weights: pd.Series | None = None,
    answered: bool = True,
) -> ChoiceTable:
    """Arrange a long table under a coding that is given.

    Parameters
    ----------
    answered : bool
        Whether ``chosen`` must be there. If not, it is not read, tasks of one alternative
        stay, and a table without respondent_id is of people who are not known.
    """
    keys = ["respondent_id", "task", "alternative"] + ["chosen"] * answered
    table, unknown = choices, not answered and "respondent_id" not in choices
    if unknown:
        table = choices.assign(respondent_id=0)
    _check_keys(table, keys)
    design = coding.matrix(table)
    person, respondents = pd.factorize(table["respondent_id"], sort=True)
    within, labels = pd.factorize(table["task"], sort=True)
    task, codes = pd.factorize(person * len(labels) + within, sort=True)
    name = pd.factorize(table["alternative"].astype(str), sort=True)[0]
    slot = _slots(table, task, name)
    size = np.bincount(task, minlength=len(codes))
    kept = size > 1 if answered else size > 0
    shape = (len(codes), max(size.max(initial=0), 1))
    chosen = _chosen(table, task, slot, len(codes)) if answered else np.full(len(codes), -1)
    filled = np.zeros((*shape, design.shape[1]))
    filled[task, slot] = design
    available = np.zeros(shape, dtype=bool)
    available[task, slot] = True
    whole = ChoiceTable(
        coding, filled, available, chosen, codes // max(len(labels), 1), pd.Index(respondents),
        _weights(weights, respondents), labels.to_numpy(dtype=object)[codes % max(len(labels), 1)],
        task * shape[1] + slot, int((~kept).sum()),
    )  # fmt: skip
    if unknown:  # so that they are not taken for a respondent whose number is 0
        whole = replace(whole, respondents=pd.Index([None], dtype=object))
    return whole if kept.all() else whole.of_tasks(kept)


def as_table(
    choices: pd.DataFrame | ChoiceTable,
    attributes: Sequence[str] | None,
    weights: pd.Series | None,
) -> ChoiceTable:
    """What an estimator is given to fit: a table that is arranged already, or a long one."""
    if isinstance(choices, ChoiceTable):
        if attributes is not None or weights is not None:
            raise ValueError("attributes and weights belong to choice_table(...) here")
        return choices
    if attributes is None:
        raise ValueError("name the attributes: fit(choices, attributes=[...])")
    return choice_table(choices, attributes, weights=weights)


def _check_keys(choices: pd.DataFrame, keys: list[str]) -> None:
    for key in keys:
        if key not in choices:
            raise ValueError(f"there is no column {key!r} in the choices")
        empty = choices[key].isna().to_numpy()
        if empty.any():
            raise ValueError(f"{key!r} is empty in row {choices.index[int(np.argmax(empty))]}")
    if len(choices) == 0:
        raise ValueError("the table of choices is empty")


def _slots(choices: pd.DataFrame, task: IntArray, name: IntArray) -> IntArray:
    """Position of each row within its task, by name of the alternative."""
    order = np.lexsort([name, task])
    ordered = task[order]
    twice = (np.diff(ordered) == 0) & (np.diff(name[order]) == 0)
    if twice.any():
        row = choices.index[order[1:][int(np.argmax(twice))]]
        raise ValueError(
            f"an alternative stands twice in one task, {int(twice.sum())} times in all, the "
            f"first in row {row}"
        )
    starts = np.flatnonzero(np.r_[True, np.diff(ordered) != 0])
    slot = np.empty(len(task), dtype=np.int64)
    slot[order] = np.arange(len(task)) - np.repeat(starts, np.diff(np.r_[starts, len(task)]))
    return slot


def _chosen(choices: pd.DataFrame, task: IntArray, slot: IntArray, n_tasks: int) -> IntArray:
    """Position of what was chosen in each task, exactly one."""
    marks = pd.to_numeric(choices["chosen"]).to_numpy(dtype=float)
    odd = (marks != 0) & (marks != 1)
    if odd.any():
        at = int(np.argmax(odd))
        raise ValueError(f"'chosen' must be 0 or 1, found {marks[at]} in row {choices.index[at]}")
    count = np.bincount(task, weights=marks, minlength=n_tasks)
    if (count != 1).any():
        bad = count[task] != 1
        raise ValueError(
            f"exactly one alternative must be chosen in each task: {int((count == 0).sum())} "
            f"tasks have none, {int((count > 1).sum())} more than one; the first begins in row "
            f"{choices.index[int(np.argmax(bad))]}"
        )
    chosen = np.empty(n_tasks, dtype=np.int64)
    picked = marks == 1
    chosen[task[picked]] = slot[picked]
    return chosen


def _weights(weights: pd.Series | None, respondents: pd.Index) -> FloatArray:
    """Weights of the respondents, mean 1."""
    if weights is None:
        return np.ones(len(respondents))
    if not weights.index.is_unique:
        raise ValueError("weights name a respondent twice")
    found = weights.reindex(respondents).to_numpy(dtype=float)
    if not (np.isfinite(found) & (found > 0)).all():
        bad = int((~(np.isfinite(found) & (found > 0))).sum())
        raise ValueError(f"{bad} respondents have no weight above 0")
    return found / found.mean()
