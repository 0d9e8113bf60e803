"""When customers have brought back what winning them cost, by channel and time of joining.

A group's line adds up, month since joining by month, the mean contribution among those
observed so long (the rule of `crmlib.value.cohorts`): a cohort that is not observed any more
does not take its level with it. The payback month is the first from which on the line stays at
or above the group's mean acquisition cost; a line that does not get there in the time observed
is not continued.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.disclosure import is_small
from crmlib.stats.optimise import NotIdentified
from crmlib.value.payback_groups import JoinedGroups, joined_groups, may_tell

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

ALL, BY_CHANNEL, BY_HALF_YEAR = "all", "won by", "joined in"
AFTER = 12  # months after which acquisition is judged
_ROUNDING = 1e-9  # of the cost: sums of cents must not miss it


@dataclass(frozen=True)
class Payback:
    """What acquisition cost and has brought back.

    Attributes
    ----------
    groups : DataFrame
        kind ("all", "won by", "joined in"), group, customers, acquisition_cost (mean),
        months (longest time observed), payback (month; missing where not reached in that
        time), payback_lo, payback_hi (missing where beyond it); then, of those observed for
        `after` months: customers_after, cost_after and contribution_after (means),
        repaid_after (share of customers whose own contribution has reached their own cost;
        missing where it would tell of a few), return_after (contribution per unit of
        acquisition cost), return_lo, return_hi.
    lines : DataFrame
        kind, group, month (0, 1, …), customers (observed so long), contribution (mean,
        cumulated).
    after : int
        Months.
    spent : float
        Acquisition cost of all.
    level : float
        Nominal coverage of the intervals.
    notes : tuple of str
    """

    groups: pd.DataFrame
    lines: pd.DataFrame
    after: int
    spent: float
    level: float
    notes: tuple[str, ...]

    @property
    def n(self) -> int:
        """Customers acquired."""
        return int(self.groups["customers"].iloc[0])


def payback(
    acquired: pd.DataFrame,
    *,
    min_cell: int,
    replications: int,
    seed: int,
    level: float,
    after: int = AFTER,
) -> Payback:
    """Payback month and quality of acquisition: of all, by channel, by half-year of joining.

    Parameters
    ----------
    acquired : DataFrame
        customer_id, joined, acquisition_cost, won_by, observed, month_0, month_1, … as
        `intake.read_acquired` gives them.
    min_cell : int
        Smallest group that may be shown.
    replications, seed, level
        Bootstrap over customers, percentile intervals of this nominal coverage.
    after : int
        Months since joining after which quality is told.

    Raises
    ------
    ValueError
        If an acquisition cost is negative.
    NotIdentified
        If no cost is given, costs add up to nothing, fewer than `min_cell` customers have
        one, or nobody is observed for a month.
    """
    people, notes = _with_cost(acquired, min_cell)
    base = _Base.of(people, min_cell, after)
    kinds = [(ALL, np.full(base.cost.size, ALL, dtype=object))]
    if base.groups.channel is not None:
        kinds.append((BY_CHANNEL, base.groups.channel))
    if np.unique(base.groups.half_year).size > 1:
        kinds.append((BY_HALF_YEAR, base.groups.half_year))
    members = {
        (kind, name): names == name for kind, names in kinds for name in _in_order(kind, names)
    }
    draws: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in members}
    for weights in bootstrap_weights(base.cost.size, replications, generator(seed)):
        for key, inside in members.items():
            draws[key].append(base.redrawn(inside, weights))
    shown = base.tellable(min_cell)
    rows, lines = [], []
    for (kind, name), inside in members.items():
        figures = base.figures(inside)
        if not shown[kind]:
            figures["repaid_after"] = np.nan
        months, returns = np.array(draws[kind, name]).T
        figures |= _interval("payback", months, level) | _interval("return", returns, level)
        rows.append({"kind": kind, "group": name} | figures)
        lines.append(base.line_table(inside).assign(kind=kind, group=name))
    columns = ["kind", "group", "month", "customers", "contribution"]
    table = pd.DataFrame(rows).replace([np.inf, -np.inf], np.nan)
    together = pd.concat(lines, ignore_index=True)[columns]
    return Payback(table, together, after, float(base.cost.sum()), level, notes)


def _with_cost(acquired: pd.DataFrame, min_cell: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Customers with a cost, ordered by id.

    A few without one count at the mean of the others: left out, they could be told by
    subtraction from exhibits that count them.
    """
    people = acquired.sort_values("customer_id", ignore_index=True)
    cost = people["acquisition_cost"].astype(float)
    if (cost < 0).any():
        raise ValueError(f"acquisition cost must not be negative: found {cost.min():g}")
    known = cost.notna()
    if not known.any():
        raise NotIdentified(
            "no customer who joined in the time observed has an acquisition cost "
            "(customers.acquisition_cost)"
        )
    if known.sum() < min_cell:
        raise NotIdentified(f"fewer than {min_cell} customers have an acquisition cost")
    if not cost.sum() > 0:
        raise NotIdentified("acquisition costs add up to nothing: there is nothing to pay back")
    lacking = int((~known).sum())
    if not lacking:
        return people, ()
    if is_small(lacking, min_cell):
        filled = people.assign(acquisition_cost=cost.fillna(cost.mean()))
        return filled, ("a few customers without a cost count at the mean of the others",)
    said = f"{lacking:,} customers who joined have no acquisition cost and are not counted"
    return people[known].reset_index(drop=True), (said,)


@dataclass(frozen=True)
class _Base:
    """Customers in arrays: cost (n,), contribution of each month since joining (n, months)."""

    cost: FloatArray
    monthly: FloatArray
    reached: FloatArray  # own contribution after `after` months
    groups: JoinedGroups
    after: int

    @classmethod
    def of(cls, people: pd.DataFrame, min_cell: int, after: int) -> _Base:
        groups = joined_groups(people["joined"], people["observed"], people["won_by"], min_cell)
        longest = int(groups.counted.max())
        if longest < 1:
            raise NotIdentified(
                f"nobody who was acquired, or fewer than {min_cell} customers, are observed for a "
                "whole month since joining"
            )
        sums = people[[f"month_{month}" for month in range(longest + 1)]].to_numpy(dtype=float)
        counts = np.arange(longest + 1) <= groups.counted[:, None]
        monthly = np.where(counts, np.diff(sums, axis=1, prepend=0.0), 0.0)
        reached = monthly[:, : after + 1].sum(axis=1)
        cost = people["acquisition_cost"].to_numpy(dtype=float)
        return cls(cost, monthly, reached, groups, after)

    @property
    def long_enough(self) -> BoolArray:
        """Who is counted for as long as quality asks."""
        return self.groups.counted >= self.after

    @property
    def repaid(self) -> BoolArray:
        """Whose own contribution has reached their own cost after that time."""
        return self.reached >= self.cost * (1 - _ROUNDING)

    def line(self, inside: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Cumulated mean contribution by month, and the weight of those observed so long."""
        counted, own = self.groups.counted[inside], weights[inside]
        longest = int(counted.max())
        seen = np.bincount(counted, own, longest + 1)[::-1].cumsum()[::-1]
        money = own @ self.monthly[inside, : longest + 1]
        means = np.divide(money, seen, out=np.zeros(longest + 1), where=seen > 0)
        return means.cumsum(), seen

    def redrawn(self, inside: BoolArray, weights: FloatArray) -> tuple[float, float]:
        """Payback month and return of one resample; a group that it misses says nothing."""
        if not weights[inside].sum() > 0:
            return np.nan, np.nan
        cost = np.average(self.cost[inside], weights=weights[inside])
        return payback_month(self.line(inside, weights)[0], cost), self._return(inside, weights)

    def _return(self, inside: BoolArray, weights: FloatArray) -> float:
        """Contribution per unit of cost of those observed long enough."""
        own = weights * (inside & self.long_enough)
        spent = float(own @ self.cost)
        return float(own @ self.reached) / spent if spent > 0 else np.nan

    def figures(self, inside: BoolArray) -> dict[str, float]:
        """A row of `Payback.groups` without intervals."""
        ones = np.ones(self.cost.size)
        line, _ = self.line(inside, ones)
        cost, old = float(self.cost[inside].mean()), inside & self.long_enough
        seen = bool(old.any())
        return {
            "customers": int(inside.sum()),
            "acquisition_cost": cost,
            "months": line.size - 1,
            "payback": payback_month(line, cost),
            "customers_after": int(old.sum()),
            "cost_after": float(self.cost[old].mean()) if seen else np.nan,
            "contribution_after": float(self.reached[old].mean()) if seen else np.nan,
            "repaid_after": float(self.repaid[old].mean()) if seen else np.nan,
            "return_after": self._return(inside, ones),
        }

    def line_table(self, inside: BoolArray) -> pd.DataFrame:
        """month, customers, contribution."""
        line, seen = self.line(inside, np.ones(self.cost.size))
        columns = {"month": np.arange(line.size), "customers": seen.astype(int)}
        return pd.DataFrame(columns | {"contribution": line})

    def tellable(self, min_cell: int) -> dict[str, bool]:
        """By kind of group, whether the share that has repaid may be told."""
        old, groups = self.long_enough, self.groups
        if not old.any():
            return dict.fromkeys((ALL, BY_CHANNEL, BY_HALF_YEAR), False)
        channel = None if groups.channel is None else groups.channel[old]
        part = JoinedGroups(channel, groups.half_year[old], groups.counted[old])
        shown = may_tell(part, self.repaid[old], min_cell)
        names = {ALL: "all", BY_CHANNEL: "channel", BY_HALF_YEAR: "half_year"}
        return {kind: shown[name] for kind, name in names.items()}


def payback_month(line: FloatArray, cost: float) -> float:
    """First month from which on a line stays at or above a cost; infinite where it does not.

    >>> payback_month(np.array([0.0, 5, 3, 6, 9]), 5.0), payback_month(np.array([1.0, 2]), 5.0)
    (3.0, inf)
    """
    below = np.flatnonzero(line < cost * (1 - _ROUNDING))
    if not below.size:
        return 0.0
    last = int(below[-1])
    return float(last + 1) if last + 1 < line.size else np.inf


def _in_order(kind: str, names: NDArray[np.object_]) -> Iterator[str]:
    """Channels by customers, largest first; half-years in time."""
    if kind == BY_HALF_YEAR:
        return iter(sorted(set(names)))
    sizes = pd.Series(names).value_counts().sort_index()
    return iter(sizes.sort_values(ascending=False, kind="stable").index)


def _interval(name: str, draws: FloatArray, level: float) -> dict[str, float]:
    """Percentile bounds that are draws themselves: months are whole, and some never come."""
    there = np.sort(draws[~np.isnan(draws)])
    if not there.size:
        return {f"{name}_lo": np.nan, f"{name}_hi": np.nan}
    lo = int(np.floor((1 - level) / 2 * (there.size - 1)))
    hi = int(np.ceil((1 + level) / 2 * (there.size - 1)))
    return {f"{name}_lo": float(there[lo]), f"{name}_hi": float(there[hi])}
