"""Which customers who joined may be shown together: by channel and by half-year of joining.

Every figure of the payback is a sum over whole cells of channel by block of joining months.
Cells hold nobody or enough customers, so that no figure, nor any sum or difference of
figures, tells of fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.disclosure import is_small
from crmlib.value.shown_groups import tells_of_few

OTHER_CHANNELS, NOT_STATED = "other channels", "not stated"
_HALF = 6  # months
_YEAR = 12


@dataclass(frozen=True)
class JoinedGroups:
    """Groups of each customer.

    Attributes
    ----------
    channel : array of str or None, shape (n,)
        How each was won, rare ways as one; None where ways are not known, or all are one.
    half_year : array of str, shape (n,)
        "2024 H1", or the first and the last of several together.
    counted : array of int, shape (n,)
        Months since joining for which each customer counts: as long as the one of the block
        who joined last is observed.
    """

    channel: NDArray[np.object_] | None
    half_year: NDArray[np.object_]
    counted: NDArray[np.int64]


def joined_groups(
    joined: pd.Series, observed: pd.Series, won_by: pd.Series, min_cell: int
) -> JoinedGroups:
    """Groups as fine as their customers allow; rare channels give way to a second half-year.

    Parameters
    ----------
    joined : Series of shape (n,)
        Days.
    observed : Series of shape (n,)
        Whole months since joining.
    won_by : Series of shape (n,)
        Channel, missing where not stated.
    min_cell : int
        Fewest customers of a cell.
    """
    days = pd.DatetimeIndex(joined)
    month = days.year.to_numpy() * _YEAR + days.month.to_numpy() - 1
    half = month // _HALF
    channel = _without_rare(won_by.fillna(NOT_STATED).to_numpy(dtype=object), min_cell)
    several = np.unique(half).size > 1
    while True:
        groups = _blocks(half, channel, min_cell)
        if not several or np.unique(groups).size > 1 or np.unique(channel).size < 3:
            break
        channel = _without_rarest(channel)
    block = np.empty(month.size, dtype=np.int64)
    for group in np.unique(groups):
        inside = groups == group
        block[inside] = _blocks(month[inside], channel[inside], min_cell) + group * month.size
    counted = pd.Series(observed.to_numpy()).groupby(block).transform("min").to_numpy(np.int64)
    stated = won_by.notna().any() and np.unique(channel).size > 1
    return JoinedGroups(channel if stated else None, _named(half, groups), counted)


def may_tell(groups: JoinedGroups, kept: NDArray[np.bool_], min_cell: int) -> dict[str, bool]:
    """Whether counts of some customers (`kept`) and of the others may stand by each grouping.

    Parameters
    ----------
    kept : array of bool, shape (n,)
        Of the customers whom the table counts.

    Returns
    -------
    dict
        For "all", "channel" and "half_year".
    """
    everyone = ~is_small([kept.sum(), (~kept).sum()], min_cell).any()
    shown, told = {"all": bool(everyone)}, [np.where(kept, "y", "n").astype(object)]
    for name in ("channel", "half_year"):
        of = getattr(groups, name)
        shown[name] = False
        if of is None or not everyone:
            continue
        crossed = np.array([f"{a}\0{b}" for a, b in zip(of, kept, strict=True)], dtype=object)
        if not tells_of_few([*told, crossed], min_cell):
            shown[name] = True
            told.append(crossed)
    return shown


def _without_rare(channel: NDArray[np.object_], min_cell: int) -> NDArray[np.object_]:
    """Channels of few customers, and the next smallest with them, as one."""
    sizes = pd.Series(channel).value_counts().sort_index().sort_values(kind="stable")
    small = int(is_small(sizes, min_cell).sum())
    merged = list(sizes.index[: small + 1]) if small else []
    return np.where(np.isin(channel, merged), OTHER_CHANNELS, channel).astype(object)


def _without_rarest(channel: NDArray[np.object_]) -> NDArray[np.object_]:
    sizes = pd.Series(channel).value_counts().sort_index().sort_values(kind="stable")
    return np.where(np.isin(channel, list(sizes.index[:2])), OTHER_CHANNELS, channel).astype(object)


def _blocks(
    time: NDArray[np.int64], channel: NDArray[np.object_], min_cell: int
) -> NDArray[np.int64]:
    """Number of the block of each customer: neighbours in time until no channel has few."""
    names, codes = np.unique(channel, return_inverse=True)
    times, place = np.unique(time, return_inverse=True)
    counts = np.zeros((times.size, names.size), dtype=np.int64)
    np.add.at(counts, (place, codes), 1)
    ends, filled = [], np.zeros(names.size, dtype=np.int64)
    for at, row in enumerate(counts):
        filled = filled + row
        if not is_small(filled, min_cell).any():
            ends.append(at)
            filled = np.zeros(names.size, dtype=np.int64)
    # what is left at the end goes back to as many blocks before it as it takes
    while ends and is_small(filled, min_cell).any():
        ends.pop()
        filled = counts[ends[-1] + 1 if ends else 0 :].sum(axis=0)
    if not ends or ends[-1] < times.size - 1:
        ends.append(times.size - 1)
    return np.searchsorted(ends, place)


def _named(half: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.object_]:
    """Half-years in words, several together by the first and the last."""
    names = {}
    for group in np.unique(groups):
        first, last = half[groups == group].min(), half[groups == group].max()
        said = [f"{one // 2} H{one % 2 + 1}" for one in (first, last)]
        names[group] = said[0] if first == last else " to ".join(said)
    return np.array([names[group] for group in groups], dtype=object)
