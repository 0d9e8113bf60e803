"""Where value went between two periods: downward migration against defection (V10).

Customers are placed in value tiers in both periods; every change of value belongs
to one flow, so that the flows add up to the change of the total. How much of a
flow is more than chance says `crmlib.value.excess`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FLOWS = ("down", "less", "gone", "up", "more", "new")
DOWN, LESS, GONE, UP, MORE, NEW = range(6)
GONE_STATE, NEW_STATE = "gone", "new"
BOOTSTRAP = 0  # purpose of a random stream, shared with the excess
_ROUNDING = 1e-12  # sums may not miss a cut that is met exactly


@dataclass(frozen=True)
class TierRule:
    """How customers are cut into tiers, in period 1 and again in period 2.

    A tier is an interval of values: equal values stand in the same tier, the
    better one where a cut falls between them.

    Attributes
    ----------
    cuts : increasing shares between 0 and 1
        Of customers or of value, counted from the best.
    labels : one more than cuts, best first
    of : {"customers", "value"}
        (0.2, 0.4, 0.6, 0.8) of customers are quintiles; (0.5, 0.8) of value are
        the few who hold half of it, those up to 80 %, and the rest.
    then : {"value", "rank"}
        In period 2 the same values bound the tiers, or the same shares of the
        customers then present. By value is the rule here: a flow then is money
        that came or went, and a base can sink as a whole. By rank every rise is
        somebody's fall; it answers who changed places, whatever the level did
        (inflation, season).
    """

    cuts: tuple[float, ...]
    labels: tuple[str, ...]
    of: Literal["customers", "value"] = "customers"
    then: Literal["value", "rank"] = "value"

    def __post_init__(self) -> None:
        edges = np.array([0.0, *self.cuts, 1.0])
        if (np.diff(edges) <= 0).any():
            raise ValueError(f"cuts must increase between 0 and 1, got {self.cuts}")
        if len(self.labels) != edges.size - 1:
            raise ValueError(f"{len(self.cuts)} cuts need {edges.size - 1} labels")
        if {GONE_STATE, NEW_STATE} & set(self.labels):
            raise ValueError(f"no tier may be called {GONE_STATE} or {NEW_STATE}")
        if self.of not in ("customers", "value") or self.then not in ("value", "rank"):
            raise ValueError(f"no tiers of {self.of!r} then by {self.then!r}")


@dataclass(frozen=True)
class Migration:
    """Who moved between tiers, and how much value moved with them.

    Attributes
    ----------
    flows : DataFrame, index down / less / gone / up / more / new
        customers, value_1, value_2, change (their sum is the change of the
        total); customer_share and value_share (change), of those placed in
        period 1, each with _lo and _hi. "less" and "more" are changes within a
        tier, none at all counting as more. Those gone with a loss make the value
        gone smaller.
    matrix : DataFrame
        tier_1 (a tier or "new"), tier_2 (a tier or "gone"), customers, value_1,
        value_2, change, share (of the customers of tier_1). All combinations.
    bounds : DataFrame, index tier
        lower_1, lower_2: least value of the tier in each period; −∞ for the last.
    customers : DataFrame of shape (n_rows, 3)
        tier_1, tier_2, flow of each given row; missing where it is in no period.
    total_1, total_2 : float
        Value of all customers in each period.
    placed_1 : float
        Value of those placed in a tier in period 1, the base of value_share.
    down_beyond_gone : Interval
        Value lost to downward migration minus value lost to defection, as a
        share of `placed_1`.
    less_beyond_gone : Interval
        The same with what was lost within a tier added to the first: it does not
        depend on where tiers are cut.
    n : int
        Customers present in either period.
    """

    flows: pd.DataFrame
    matrix: pd.DataFrame
    bounds: pd.DataFrame
    customers: pd.DataFrame
    total_1: float
    total_2: float
    placed_1: float
    down_beyond_gone: Interval
    less_beyond_gone: Interval
    n: int


def value_migration(
    value_1: ArrayLike,
    value_2: ArrayLike,
    rule: TierRule,
    *,
    joining: ArrayLike | None = None,
    leaving: ArrayLike | None = None,
    replications: int,
    seed: int,
    level: float,
) -> Migration:
    """Tier-to-tier flows of customers and value between two periods of equal length.

    Parameters
    ----------
    value_1, value_2 : arrays of shape (n_rows,)
        Value of each customer in the two periods; may be negative. Missing or
        exactly 0 means not there.
    rule : TierRule
    joining : array of bool, shape (n_rows,), optional
        Came after period 1 began. Part of a period is no level to compare with:
        they are "new", whatever they brought in it.
    leaving : array of bool, shape (n_rows,), optional
        Had left by the end of period 2. They are "gone", whatever they brought
        before; else who leaves half-way would count as downward migration.
    replications, seed, level
        Bootstrap over customers (tiers are cut anew in each sample), percentile
        intervals of this nominal coverage.

    Raises
    ------
    ValueError
        If a value is infinite, or the columns differ in length.
    NotIdentified
        If nobody is there in period 1, or the value placed there is not positive.
    """
    periods = Periods.of(value_1, value_2, joining, leaving)
    ones = np.ones(periods.first.size)
    placed = place(periods, rule, ones)
    point = flow_shares(periods, placed, ones)
    samples = resampled_flows(periods, rule, replications, generator(seed, BOOTSTRAP))
    flows = flow_table(periods, placed)
    for row, name in enumerate(("customer_share", "value_share")):
        flows = flows.join(interval_columns(name, point[row], samples[:, row], level))
    return Migration(
        flows=flows,
        matrix=_matrix(periods, placed, rule.labels),
        bounds=pd.DataFrame(
            {"lower_1": [*placed.bounds_1, -np.inf], "lower_2": [*placed.bounds_2, -np.inf]},
            index=pd.Index(rule.labels, name="tier"),
        ),
        customers=_by_row(placed, periods.rows, np.size(value_1), rule.labels),
        total_1=float(periods.first.sum()),
        total_2=float(periods.second.sum()),
        placed_1=float(periods.first[periods.order_1].sum()),
        **beyond_gone(point, samples, level),
        n=periods.first.size,
    )


@dataclass(frozen=True)
class Periods:
    """Customers present in two periods: values (0 where not there), and who can be ranked."""

    first: FloatArray
    second: FloatArray
    rows: IntArray  # of the given columns
    order_1: IntArray  # those with a level in period 1, best first
    order_2: IntArray

    @classmethod
    def of(
        cls,
        value_1: ArrayLike,
        value_2: ArrayLike,
        joining: ArrayLike | None = None,
        leaving: ArrayLike | None = None,
    ) -> Periods:
        """Check the columns of `value_migration` and rank each period."""
        columns = [np.asarray(values, dtype=float) for values in (value_1, value_2)]
        masks = [
            np.zeros(columns[0].shape, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
            for mask in (joining, leaving)
        ]
        shapes = {column.shape for column in (*columns, *masks)}
        if columns[0].ndim != 1 or len(shapes) > 1:
            raise ValueError(f"two periods need columns of equal length, got shapes {shapes}")
        for number, column in enumerate(columns, start=1):
            infinite = np.flatnonzero(np.isinf(column))
            if infinite.size:
                raise ValueError(f"value_{number} must be finite or missing, not at {infinite[0]}")
        first, second = (np.nan_to_num(column, nan=0.0) for column in columns)
        rows = np.flatnonzero((first != 0) | (second != 0))
        came, left = (mask[rows] for mask in masks)
        orders = [
            there[np.argsort(-values[there], kind="stable")]
            for values, out in ((first[rows], came), (second[rows], left))
            for there in [np.flatnonzero((values != 0) & ~out)]
        ]
        if orders[0].size == 0:
            raise NotIdentified("nobody is there in all of period 1: nothing can have migrated")
        return cls(first[rows], second[rows], rows, *orders)


@dataclass(frozen=True)
class Placed:
    """Tier of each customer in each period (number of tiers: in none), and the flow."""

    tier_1: IntArray
    tier_2: IntArray
    flow: IntArray
    bounds_1: FloatArray
    bounds_2: FloatArray


def place(periods: Periods, rule: TierRule, weights: FloatArray) -> Placed:
    """Tiers of both periods for customers who count `weights` times each."""
    ranked, sizes = periods.first[periods.order_1], weights[periods.order_1]
    total = float(sizes @ ranked)
    if not total > 0:
        raise NotIdentified(f"value of period 1 is {total:g}: shares of it have no meaning")
    bounds_1 = _bounds(ranked, sizes * ranked if rule.of == "value" else sizes, rule.cuts)
    bounds_2 = bounds_1
    later = weights[periods.order_2]
    if rule.then == "rank" and later.any():
        # the ranked fall, so those at or above a bound are the first of them
        ends = np.searchsorted(-ranked, -bounds_1, side="right")
        held = np.concatenate([[0.0], np.cumsum(sizes)])[ends] / sizes.sum()
        bounds_2 = _bounds(periods.second[periods.order_2], later, held)
    tiers = len(rule.labels)
    tier_1, tier_2 = np.full((2, periods.first.size), tiers)
    tier_1[periods.order_1] = _tier(ranked, bounds_1)
    tier_2[periods.order_2] = _tier(periods.second[periods.order_2], bounds_2)
    flow = np.select(
        [
            tier_2 == tiers,
            tier_1 == tiers,
            tier_2 > tier_1,
            tier_2 < tier_1,
            periods.second < periods.first,
        ],
        [GONE, NEW, DOWN, UP, LESS],
        MORE,
    )
    return Placed(tier_1, tier_2, flow, bounds_1, bounds_2)


def flow_shares(periods: Periods, placed: Placed, weights: FloatArray) -> FloatArray:
    """Customers and change of value in each flow, over those placed in period 1; shape (2, 6)."""
    base = weights[periods.order_1]
    change = weights * (periods.second - periods.first)
    return np.array(
        [
            np.bincount(placed.flow, weights, len(FLOWS)) / base.sum(),
            np.bincount(placed.flow, change, len(FLOWS)) / (base @ periods.first[periods.order_1]),
        ]
    )


def beyond_gone(point: FloatArray, samples: FloatArray, level: float) -> dict[str, Interval]:
    """Loss by downward migration, alone and with that within tiers, minus loss by defection.

    Parameters
    ----------
    point, samples : arrays of shape (2, 6), (replications, 2, 6)
        As from `flow_shares`.
    """

    def interval(name: str, flows: list[int]) -> dict[str, Interval]:
        value, draws = (
            shares[..., 1, GONE] - shares[..., 1, flows].sum(axis=-1) for shares in (point, samples)
        )
        return {f"{name}_beyond_gone": percentile_interval(float(value), draws, level)}

    return interval("down", [DOWN]) | interval("less", [DOWN, LESS])


def resampled_flows(
    periods: Periods, rule: TierRule, replications: int, rng: np.random.Generator
) -> FloatArray:
    """Flows of bootstrap samples over customers, shape (replications, 2, 6).

    Raises
    ------
    NotIdentified
        If a sample has no value in period 1.
    """
    samples = bootstrap_weights(periods.first.size, replications, rng)
    return np.array([resample(periods, rule, weights) for weights in samples])


def resample(periods: Periods, rule: TierRule, weights: FloatArray) -> FloatArray:
    """Flows of one bootstrap sample, shape (2, 6)."""
    try:
        return flow_shares(periods, place(periods, rule, weights), weights)
    except NotIdentified as error:  # the base itself has passed
        raise NotIdentified(f"{error}, in a resample: too few, or too near zero") from error


def flow_table(periods: Periods, placed: Placed) -> pd.DataFrame:
    """Customers and money of each flow."""

    def summed(values: FloatArray) -> FloatArray:
        return np.bincount(placed.flow, values, len(FLOWS))

    return pd.DataFrame(
        {
            "customers": np.bincount(placed.flow, minlength=len(FLOWS)),
            "value_1": summed(periods.first),
            "value_2": summed(periods.second),
            "change": summed(periods.second - periods.first),
        },
        index=pd.Index(FLOWS, name="flow"),
    )


def interval_columns(
    name: str, point: FloatArray, samples: FloatArray, level: float
) -> pd.DataFrame:
    """A figure of each flow with its _lo and _hi, from samples of shape (replications, 6)."""
    intervals = [
        percentile_interval(value, draws, level)
        for value, draws in zip(point, samples.T, strict=True)
    ]
    ends = {"": "value", "_lo": "lo", "_hi": "hi"}
    return pd.DataFrame(
        {f"{name}{end}": [getattr(i, part) for i in intervals] for end, part in ends.items()},
        index=pd.Index(FLOWS, name="flow"),
    )


def _bounds(ranked: FloatArray, mass: FloatArray, cuts: ArrayLike) -> FloatArray:
    """Value of the customer with whom each share of the mass is reached."""
    # with losses the sum falls again, but not below its end: it crosses a cut once
    reached = np.cumsum(mass)
    at = np.searchsorted(reached, (np.asarray(cuts) - _ROUNDING) * reached[-1], side="left")
    return ranked[np.minimum(at, ranked.size - 1)]


def _tier(values: FloatArray, bounds: FloatArray) -> IntArray:
    return np.searchsorted(-bounds, -values, side="left")


def _matrix(periods: Periods, placed: Placed, labels: tuple[str, ...]) -> pd.DataFrame:
    size = len(labels) + 1
    cell = placed.tier_1 * size + placed.tier_2
    table = pd.DataFrame(
        {
            "tier_1": np.repeat([*labels, NEW_STATE], size),
            "tier_2": np.tile([*labels, GONE_STATE], size),
            "customers": np.bincount(cell, minlength=size**2),
            "value_1": np.bincount(cell, periods.first, size**2),
            "value_2": np.bincount(cell, periods.second, size**2),
            "change": np.bincount(cell, periods.second - periods.first, size**2),
        }
    )
    of_tier = table.groupby("tier_1")["customers"].transform("sum")
    return table.assign(share=table["customers"] / of_tier.where(of_tier > 0))


def _by_row(placed: Placed, rows: IntArray, size: int, labels: tuple[str, ...]) -> pd.DataFrame:
    names = {
        "tier_1": np.array([*labels, NEW_STATE], dtype=object)[placed.tier_1],
        "tier_2": np.array([*labels, GONE_STATE], dtype=object)[placed.tier_2],
        "flow": np.array(FLOWS, dtype=object)[placed.flow],
    }
    table = {name: np.full(size, None, dtype=object) for name in names}
    for name, column in names.items():
        table[name][rows] = column
    return pd.DataFrame(table)
