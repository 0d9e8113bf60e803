"""Who is served above and below what they are worth (V9).

The share of service and marketing cost that goes to a group of customers stands
beside its share of future value. A ratio of 1 is no law: it is where a euro spent
meets the same euro of value in every group, and what lies far from it has to be
explained or moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

OVER, UNDER, BALANCED, NO_VALUE = "over-served", "under-served", "not told apart", "no value ahead"
NO_GROUP = "not stated"


@dataclass(frozen=True)
class Balance:
    """Cost and future value by group of customers.

    Attributes
    ----------
    groups : DataFrame, index group
        customers, cost, cost_share, value, value_share (may be negative or exceed
        1), ratio = cost_share / value_share with _lo and _hi (NaN where the group
        has no value ahead, or the interval no bound), gap = cost_share −
        value_share with _lo and _hi, verdict, to_move (money: positive is to be
        added to the group, negative to be taken from it; adds up to 0).
        Verdicts: "over-served" and "under-served" where the gap's interval
        excludes 0, else "not told apart"; "no value ahead" where value is 0 or
        less, whatever it costs.
    moved : Interval
        Money that changes groups until all shares are equal, over all cost.
    amount : float
        The same in money.
    n : int
        Customers.
    """

    groups: pd.DataFrame
    moved: Interval
    amount: float
    n: int


def balance_of_spend(
    cost: ArrayLike,
    future_value: ArrayLike,
    groups: ArrayLike,
    *,
    replications: int,
    seed: int,
    level: float,
) -> Balance:
    """Compare each group's share of cost with its share of future value.

    Parameters
    ----------
    cost : array of shape (n_customers,)
        Cost to serve and marketing per customer, money of one period; pass one of
        the two to judge it alone.
    future_value : array of shape (n_customers,)
        Expected money from here on; may be negative. It need not be after the
        same cost, but then a group that is dear to serve looks better than it is.
    groups : array of shape (n_customers,)
        Value decile, tier or segment of each customer; a missing one forms the
        group "not stated".
    replications, seed, level
        Bootstrap over customers, who keep their groups; nominal coverage.

    Raises
    ------
    ValueError
        If columns differ in length or a number is not finite.
    NotIdentified
        If all cost, or all future value, is not positive, here or in a resample.

    Notes
    -----
    The money to move aims at shares of the value of those groups that have any:
    a group whose value is 0 or less keeps nothing.
    """
    spent, worth = _column("cost", cost), _column("future_value", future_value)
    codes, names = group_codes(groups)
    if not spent.size == worth.size == codes.size:
        raise ValueError(f"lengths differ: {spent.size}, {worth.size}, {codes.size}")
    size = len(names)

    def sums(weights: FloatArray) -> FloatArray:
        return np.array([np.bincount(codes, weights * column, size) for column in (spent, worth)])

    whole = sums(np.ones(spent.size))
    rng = generator(seed)
    samples = np.array([sums(w) for w in bootstrap_weights(spent.size, replications, rng)])
    shares = _shares(whole)
    drawn = _shares(samples)
    table = pd.DataFrame(
        {
            "customers": np.bincount(codes, minlength=size),
            "cost": whole[0],
            "cost_share": shares[0],
            "value": whole[1],
            "value_share": shares[1],
        },
        index=pd.Index(names, name="group"),
    )
    ratio = [_ratio(shares[:, g], drawn[:, :, g], level) for g in range(size)]
    gap = [
        percentile_interval(shares[0, g] - shares[1, g], drawn[:, 0, g] - drawn[:, 1, g], level)
        for g in range(size)
    ]
    for name, intervals in (("ratio", ratio), ("gap", gap)):
        table[name] = [interval.value for interval in intervals]
        table[f"{name}_lo"] = [interval.lo for interval in intervals]
        table[f"{name}_hi"] = [interval.hi for interval in intervals]
    table["verdict"] = [
        _verdict(interval, value) for interval, value in zip(gap, whole[1], strict=True)
    ]
    table["to_move"] = _target(whole) - whole[0]
    moved = percentile_interval(float(_moved(whole)), _moved(samples), level)
    return Balance(table, moved, moved.value * float(whole[0].sum()), spent.size)


def _column(name: str, values: ArrayLike) -> FloatArray:
    column = np.asarray(values, dtype=float)
    bad = np.flatnonzero(~np.isfinite(column))
    if column.ndim != 1 or column.size == 0 or bad.size:
        where = (
            f", found {column[bad[0]]} at position {bad[0]}"
            if column.ndim == 1 and bad.size
            else ""
        )
        raise ValueError(f"{name} must be a column of finite numbers{where}")
    return column


def group_codes(groups: ArrayLike) -> tuple[NDArray[np.int64], list[object]]:
    """Code of each customer's group, and the groups' names in order; those without one last.

    >>> group_codes(["b", None, "a"])
    (array([1, 2, 0]), ['a', 'b', 'not stated'])
    """
    codes, names = pd.factorize(pd.Series(np.asarray(groups, dtype=object)), sort=True)
    if (codes >= 0).all():
        return codes, list(names)
    return np.where(codes < 0, len(names), codes), [*names, NO_GROUP]


def _shares(sums: FloatArray) -> FloatArray:
    """Shares of cost and of value, from sums of shape (…, 2, n_groups)."""
    totals = sums.sum(axis=-1, keepdims=True)
    for row, what in enumerate(("cost", "future value")):
        if not (totals[..., row, 0] > 0).all():
            least = float(totals[..., row, 0].min())
            raise NotIdentified(f"total {what} is {least:g}: shares of it have no meaning")
    return sums / totals


def _ratio(shares: FloatArray, drawn: FloatArray, level: float) -> Interval:
    """Cost share over value share; without a bound where too many samples have no value."""
    if not shares[1] > 0:
        return Interval(np.nan, np.nan, np.nan, level)
    some = drawn[:, 1] > 0
    point, lost = float(shares[0] / shares[1]), int((~some).sum())
    try:
        return percentile_interval(point, drawn[some, 0] / drawn[some, 1], level, lost)
    except ValueError:
        return Interval(point, np.nan, np.nan, level)


def _verdict(gap: Interval, value: float) -> str:
    if value <= 0:
        return NO_VALUE
    return OVER if gap.lo > 0 else UNDER if gap.hi < 0 else BALANCED


def _target(sums: FloatArray) -> FloatArray:
    """Cost of each group if all cost went by value, sums of shape (…, 2, n_groups)."""
    worth = np.maximum(sums[..., 1, :], 0)
    total = sums[..., 0, :].sum(axis=-1, keepdims=True)
    return total * worth / worth.sum(axis=-1, keepdims=True)


def _moved(sums: FloatArray) -> FloatArray:
    """Half of what all groups gain or lose, over all cost."""
    change = np.abs(_target(sums) - sums[..., 0, :]).sum(axis=-1)
    return change / 2 / sums[..., 0, :].sum(axis=-1)
