"""Whether a choice experiment can answer what it asks, and who did not take part in earnest (N2).

Of the design: how often each level was shown, how often alternatives of one task share a
level, which alternatives are beaten on everything, how attributes move together, and the
D-efficiency. Of respondents: who always chose the same position, who was too quick, who chose
what is beaten on everything. Nobody is dropped here; they are named for a decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.needs.choice_coding import ChoiceCoding
from crmlib.needs.choice_tables import ChoiceTable, choice_table
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

MOST_LEVELS = 10  # numbers with more values than this are not treated as levels
BY_CHANCE = 0.01  # a row of equal positions likelier than this is no sign of anything
SPEEDER = 1 / 3  # of the median respondent's time: faster is too fast to have read the task


@dataclass(frozen=True, eq=False)
class DesignChecks:
    """What a choice experiment was like.

    Attributes
    ----------
    balance : DataFrame with columns attribute, level, n, share
        How often each level was shown, the none option apart.
    overlap : DataFrame, index attribute
        ``share``: pairs of alternatives of one task with the same level; ``constant``: tasks
        in which all alternatives have it.
    correlation : DataFrame of shape (p, p)
        Of the columns of the design within tasks.
    d_efficiency : float
        0–1: against the optimal design for these numbers of levels and alternatives, where
        all part-worths are zero (Street & Burgess 2007, ch. 6). NaN where a number has many
        values or tasks differ in size.
    dominated, dominant : int
        Tasks with an alternative that is beaten on everything by another one, and with one
        that beats all others: the latter tell nothing. −1 where no direction was named.
    n_tasks : int
    respondents : DataFrame, index respondent_id
        n_tasks, same_position, always_none, chose_dominated (tasks), and where there are
        times seconds (median of a task) and speeder.
    """

    balance: pd.DataFrame
    overlap: pd.DataFrame
    correlation: pd.DataFrame
    d_efficiency: float
    dominated: int
    dominant: int
    n_tasks: int
    respondents: pd.DataFrame

    @property
    def counts(self) -> pd.Series:
        """How many respondents each flag is on."""
        flags = [c for c in ("same_position", "always_none", "speeder") if c in self.respondents]
        found = {flag: int(self.respondents[flag].sum()) for flag in flags}
        found["chose_dominated"] = int((self.respondents["chose_dominated"] > 0).sum())
        return pd.Series(found, name="respondents")


def check_design(
    choices: pd.DataFrame,
    attributes: Sequence[str],
    *,
    better: Mapping[str, object] | None = None,
    seconds: str = "seconds",
    categorical: Sequence[str] = (),
) -> DesignChecks:
    """Check a choice experiment.

    Parameters
    ----------
    choices : DataFrame
        The long table, see `choice_table`.
    attributes : sequence of str
    better : mapping, optional
        What everybody prefers: "low" or "high" for a number, a list of levels from best to
        worst for words. Alternatives are beaten only by those that do not differ in the
        attributes that are not named.
    seconds : str
        Column with the time that a task took, the same in all its rows, where there is one.
    categorical
        See `coding_of`.
    """
    table = choice_table(choices, attributes, categorical=categorical)
    shown = _shown(choices, table, attributes)
    beats = _beats(table, choices, attributes, better or {})
    return DesignChecks(
        balance=_balance(choices, attributes),
        overlap=_overlap(shown, table, attributes),
        correlation=_correlation(table),
        d_efficiency=_d_efficiency(choices, attributes),
        dominated=int(beats.any(axis=(1, 2)).sum()) if better else -1,
        dominant=int(_all_beaten(table, beats).sum()) if better else -1,
        n_tasks=table.n_tasks,
        respondents=_respondents(choices, table, beats, seconds if seconds in choices else None),
    )


def _none(table: ChoiceTable) -> NDArray[np.bool_]:
    """Where the none option stands, (T, J)."""
    if not table.coding.none:
        return np.zeros_like(table.available)
    return table.design[:, :, -1] > 0


def _spread(table: ChoiceTable, values: NDArray[np.int64], empty: int) -> NDArray[np.int64]:
    """Values of rows of the long table as (T, J)."""
    found = np.full(table.available.size, empty)
    kept = table.place >= 0
    found[table.place[kept]] = values[kept]
    return found.reshape(table.available.shape)


def _shown(
    choices: pd.DataFrame, table: ChoiceTable, attributes: Sequence[str]
) -> dict[str, NDArray[np.int64]]:
    """Code of each alternative's level, (T, J); −1 for none and where there is none."""
    return {
        name: _spread(table, pd.factorize(choices[name], sort=True)[0], -1) for name in attributes
    }


def _balance(choices: pd.DataFrame, attributes: Sequence[str]) -> pd.DataFrame:
    tables = []
    for name in attributes:
        count = choices[name].value_counts().sort_index()
        if len(count) > MOST_LEVELS and pd.api.types.is_numeric_dtype(choices[name]):
            continue
        tables.append(
            pd.DataFrame(
                {
                    "attribute": name, "level": count.index, "n": count.to_numpy(),
                    "share": count.to_numpy() / count.sum(),
                }
            )
        )  # fmt: skip
    columns = ["attribute", "level", "n", "share"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _pairs(width: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(width) for b in range(a + 1, width)]


def _overlap(
    shown: dict[str, NDArray[np.int64]], table: ChoiceTable, attributes: Sequence[str]
) -> pd.DataFrame:
    """Pairs of alternatives with one level, and tasks in which nothing differs."""
    rows = {}
    for name in attributes:
        level = shown[name]
        alike = both = 0
        for a, b in _pairs(level.shape[1]):
            there = (level[:, a] >= 0) & (level[:, b] >= 0)
            both += int(there.sum())
            alike += int((there & (level[:, a] == level[:, b])).sum())
        there = level >= 0
        lowest = np.where(there, level, level.max() + 1).min(axis=1)
        constant = (lowest == level.max(axis=1)) & (there.sum(axis=1) > 1)
        rows[name] = {"share": alike / both if both else np.nan, "constant": constant.mean()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("attribute")


def _within(table: ChoiceTable, offers: NDArray[np.bool_]) -> FloatArray:
    """Rows of the design of offers less their task's mean, (n, p)."""
    count = np.maximum(offers.sum(axis=1), 1)
    mean = (table.design * offers[:, :, None]).sum(axis=1) / count[:, None]
    return (table.design - mean[:, None, :])[offers]


def _correlation(table: ChoiceTable) -> pd.DataFrame:
    offers = table.available & ~_none(table)
    width = len(table.names) - table.coding.none
    rows = _within(table, offers)[:, :width]
    size = np.sqrt((rows**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = rows.T @ rows / np.outer(size, size)
    return pd.DataFrame(found, table.names[:width], table.names[:width])


def _d_efficiency(choices: pd.DataFrame, attributes: Sequence[str]) -> float:
    """(det of the information / that of the optimal design)^(1/p), all attributes as levels."""
    offers = choices[choices[list(attributes)].notna().all(axis=1)]
    values = {name: offers[name].nunique() for name in attributes}
    if max(values.values()) > MOST_LEVELS or min(values.values()) < 2:
        return np.nan
    table = choice_table(offers.assign(chosen=_first(offers)), attributes, categorical=attributes)
    size = table.available.sum(axis=1)
    if size.size == 0 or size.min() != size.max():
        return np.nan
    turned = _orthonormal(table.coding)
    rows = _within(table, table.available) @ turned
    information = rows.T @ rows / len(rows)
    sign, log_det = np.linalg.slogdet(information)
    if sign <= 0:
        return 0.0
    most = sum((k - 1) * np.log(_most_information(k, int(size[0]))) for k in values.values())
    return float(np.exp((log_det - most) / len(turned)))


def _first(offers: pd.DataFrame) -> FloatArray:
    """1 for the first offer of each task: the design does not depend on what was chosen."""
    return (~offers.duplicated(["respondent_id", "task"])).to_numpy(dtype=float)


def _orthonormal(coding: ChoiceCoding) -> FloatArray:
    """From effects-coded columns to contrasts with mean 0 and variance 1 over levels, (p, p)."""
    p = len(coding.names)
    matrix = np.zeros((p, p))
    for attribute in coding.attributes:
        place, k = coding.place(attribute.name), len(attribute.levels)
        effects = coding.at_levels(attribute.name)[:, place]
        matrix[place, place] = np.linalg.inv(np.linalg.cholesky(effects.T @ effects / k)).T
    return matrix


def _most_information(levels: int, alternatives: int) -> float:
    """Largest variance within tasks of each orthonormal contrast of an attribute.

    With levels as different as they can be: two alternatives with different levels are
    √(2·levels) apart, and the variance of a task is the mean square of distances over
    pairs, shared by levels − 1 contrasts (Street & Burgess 2007, theorem 6.3.1).
    """
    full, rest = divmod(alternatives, levels)
    alike = rest * (full + 1) * full / 2 + (levels - rest) * full * (full - 1) / 2
    different = alternatives * (alternatives - 1) / 2 - alike
    return 2 * levels * different / alternatives**2 / (levels - 1)


def _beats(
    table: ChoiceTable,
    choices: pd.DataFrame,
    attributes: Sequence[str],
    better: Mapping[str, object],
) -> NDArray[np.bool_]:
    """Whether the first alternative beats the second on everything, (T, J, J)."""
    tasks, wide = table.available.shape
    offers = table.available & ~_none(table)
    beats = offers[:, :, None] & offers[:, None, :]
    strictly = np.zeros((tasks, wide, wide), dtype=bool)
    for name in better:
        table.coding.attribute(name)
    for name in attributes:
        rank = _rank(choices[name], better.get(name))
        found = np.zeros(table.available.size)
        found[table.place[table.place >= 0]] = rank[table.place >= 0]
        worth = found.reshape(tasks, wide)
        ahead = worth[:, :, None] - worth[:, None, :]
        beats &= ahead >= 0 if name in better else ahead == 0
        strictly |= ahead > 0
    return beats & strictly


def _rank(values: pd.Series, better: object) -> FloatArray:
    """The more, the better; codes where nothing is better."""
    if better is None:
        return pd.factorize(values, sort=True)[0].astype(float)
    if isinstance(better, str):
        if better not in ("low", "high"):
            raise ValueError(f"better must be 'low', 'high' or a list of levels, got {better!r}")
        if not pd.api.types.is_numeric_dtype(values):
            raise NotIdentified(
                f"better[{values.name!r}] is {better!r}, but its levels are words: name them from "
                "best to worst"
            )
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        return np.nan_to_num(-numbers if better == "low" else numbers)
    order = list(better)  # type: ignore[call-overload]
    rank = len(order) - pd.Index(order).get_indexer(pd.Index(values)).astype(float)
    unknown = (rank > len(order)) & values.notna().to_numpy()
    if unknown.any():
        level = values[unknown].iloc[0]
        raise NotIdentified(f"better[{values.name!r}] does not name the level '{level}'")
    return rank


def _all_beaten(table: ChoiceTable, beats: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tasks in which one offer beats all others, (T,)."""
    offers = (table.available & ~_none(table)).sum(axis=1)
    return (beats.sum(axis=2) == offers[:, None] - 1).any(axis=1) & (offers > 1)


def _respondents(
    choices: pd.DataFrame,
    table: ChoiceTable,
    beats: NDArray[np.bool_],
    seconds: str | None,
) -> pd.DataFrame:
    """Flags of each respondent."""
    n = table.n_respondents
    count = np.bincount(table.person, minlength=n)
    at = table.chosen[:, None]
    took_none = np.take_along_axis(_none(table), at, axis=1)[:, 0]
    beaten = np.take_along_axis(beats.any(axis=1), at, axis=1)[:, 0]
    nones = np.bincount(table.person, weights=took_none, minlength=n)
    found = pd.DataFrame(
        {
            "n_tasks": count,
            "same_position": _same_position(table, count) & (nones < count),
            "always_none": (nones == count) & (count > 1),
            "chose_dominated": np.bincount(table.person, weights=beaten, minlength=n).astype(int),
        },
        index=pd.Index(table.respondents, name="respondent_id"),
    )
    if seconds is not None:
        if seconds not in choices:
            raise ValueError(f"there is no column {seconds!r} with the time of a task")
        tasks = choices.drop_duplicates(["respondent_id", "task"])
        took = tasks.groupby("respondent_id")[seconds].median().reindex(found.index)
        found["seconds"] = took
        found["speeder"] = (took < SPEEDER * took.median()).to_numpy()
    return found


def _same_position(table: ChoiceTable, count: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Who always chose one position where that is no coincidence.

    Positions are those of the column `alternative`; the chance of a row is that of a
    respondent who chooses positions as often as all respondents do.
    """
    wide = table.available.shape[1]
    share = np.bincount(table.chosen, minlength=wide) / table.n_tasks
    each = np.zeros((table.n_respondents, wide))
    np.add.at(each, (table.person, table.chosen), 1)
    always = each.max(axis=1) == count
    chance = (share[None, :] ** count[:, None]).sum(axis=1)
    return always & (chance < BY_CHANCE)
