"""Where value went between two periods: downward migration against defection (V10).

Customers are placed in value tiers in both periods; every change of value belongs
to one flow, so that the flows add up to the change of the total. In a base in
which nobody changes, chance alone moves a quarter of the customers up a quintile:
what counts is the excess of a flow over the flow expected without any change.
"""

from __future__ import annotations

from collections.abc import Callable
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
Draw = Callable[[np.random.Generator], tuple[FloatArray, FloatArray]]
Refit = Callable[[FloatArray], Draw]

FLOWS = ("down", "gone", "up", "new", "stayed")
DOWN, GONE, UP, NEW, STAYED = range(5)
GONE_STATE, NEW_STATE = "gone", "new"
BOOTSTRAP, EXPECTED, REFITTED = 0, 1, 2  # purposes of random streams
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
    flows : DataFrame, index down / gone / up / new / stayed
        customers, value_1, value_2, change (their sum is the change of the
        total); customer_share (of the customers of period 1) and value_share
        (change over the value of period 1), each with _lo and _hi. "stayed" is
        the change within a tier. Those gone with a loss make "gone" smaller.
    matrix : DataFrame
        tier_1 (a tier or "new"), tier_2 (a tier or "gone"), customers, value_1,
        value_2, change, share (of the customers of tier_1). All combinations.
    bounds : DataFrame, index tier
        lower_1, lower_2: least value of the tier in each period; −∞ for the last.
    customers : DataFrame of shape (n_rows, 3)
        tier_1, tier_2, flow of each given row; empty where it is in no period.
    total_1, total_2 : float
    down_beyond_gone : Interval
        Value lost to downward migration minus value lost to defection, as a
        share of the value of period 1.
    n : int
        Customers present in either period.
    """

    flows: pd.DataFrame
    matrix: pd.DataFrame
    bounds: pd.DataFrame
    customers: pd.DataFrame
    total_1: float
    total_2: float
    down_beyond_gone: Interval
    n: int


@dataclass(frozen=True)
class ExcessMigration:
    """Each flow beside the flow expected if nobody changed.

    Attributes
    ----------
    flows : DataFrame, index down / gone / up / new / stayed
        customers (observed); then, as shares of the customers of period 1,
        customers_observed, customers_expected, customers_excess with _lo and
        _hi; as shares of the value of period 1, value_observed, value_expected,
        value_excess with _lo and _hi; amount, amount_lo, amount_hi: the excess
        in money.
    down_beyond_gone : Interval
        Excess loss to downward migration minus excess loss to defection, as a
        share of the value of period 1.
    draws : int
        Simulated pairs of periods behind the expectation.
    refitted : bool
        Whether the intervals hold the uncertainty of the model that was drawn from.
    n : int
        Customers present in either period.
    """

    flows: pd.DataFrame
    down_beyond_gone: Interval
    draws: int
    refitted: bool
    n: int


def value_migration(
    value_1: ArrayLike,
    value_2: ArrayLike,
    rule: TierRule,
    *,
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
    replications, seed, level
        Bootstrap over customers (tiers are cut anew in each sample), percentile
        intervals of this nominal coverage.

    Raises
    ------
    ValueError
        If a value is infinite, or the columns differ in length.
    NotIdentified
        If nobody is there in period 1, or its total value is not positive.
    """
    periods, rows = _present(value_1, value_2)
    placed = _place(periods, rule, np.ones(periods.first.size))
    point = _shares(periods, placed, np.ones(periods.first.size))
    samples = _resampled(periods, rule, replications, generator(seed, BOOTSTRAP))
    flows = _flow_table(periods, placed)
    for name, column in (("customer_share", 0), ("value_share", 1)):
        intervals = [
            percentile_interval(point[column, flow], samples[:, column, flow], level)
            for flow in range(len(FLOWS))
        ]
        flows[name] = [interval.value for interval in intervals]
        flows[f"{name}_lo"] = [interval.lo for interval in intervals]
        flows[f"{name}_hi"] = [interval.hi for interval in intervals]
    return Migration(
        flows=flows,
        matrix=_matrix(periods, placed, rule.labels),
        bounds=pd.DataFrame(
            {"lower_1": [*placed.bounds_1, -np.inf], "lower_2": [*placed.bounds_2, -np.inf]},
            index=pd.Index(rule.labels, name="tier"),
        ),
        customers=_by_row(placed, rows, np.size(value_1), rule.labels),
        total_1=float(periods.first.sum()),
        total_2=float(periods.second.sum()),
        down_beyond_gone=percentile_interval(_beyond(point), _beyond(samples), level),
        n=periods.first.size,
    )


def excess_migration(
    value_1: ArrayLike,
    value_2: ArrayLike,
    rule: TierRule,
    draw: Draw,
    *,
    refit: Refit | None = None,
    draws: int = 200,
    refit_draws: int = 10,
    replications: int,
    seed: int,
    level: float,
) -> ExcessMigration:
    """Flows less those that chance alone would make in a base where nobody changes.

    Parameters
    ----------
    value_1, value_2, rule
        As for `value_migration`.
    draw : callable
        Given a random generator, the values of about as many customers in two
        periods between which nothing changes, 0 where not there; see
        `crmlib.value.stationary`. Flows are compared as shares of the customers
        and of the value of period 1.
    refit : callable, optional
        Given bootstrap weights of shape (n_rows,), the `draw` of the model fitted
        to that resample. Observed and expected flows then vary together; without
        it the expectation counts as known.
    draws, refit_draws : int
        Simulated pairs of periods for the expectation, and per refit. They share
        their random numbers, so that ten per refit widen an interval by some 5 %.
    replications, seed, level
        Bootstrap over customers, nominal coverage.

    Raises
    ------
    ValueError
        If `draw` yields no value in period 1.
    NotIdentified
        As for `value_migration`, or from `refit`.
    """
    periods, rows = _present(value_1, value_2)
    ones = np.ones(periods.first.size)
    placed = _place(periods, rule, ones)
    observed = _shares(periods, placed, ones)
    expected = _expected(draw, rule, generator(seed, EXPECTED), draws)
    rng = generator(seed, BOOTSTRAP)
    if refit is None:
        samples = _resampled(periods, rule, replications, rng) - expected
    else:
        samples = np.empty((replications, *observed.shape))
        for one, weights in enumerate(bootstrap_weights(ones.size, replications, rng)):
            of_rows = np.zeros(np.size(value_1))
            of_rows[rows] = weights
            unchanged = _expected(refit(of_rows), rule, generator(seed, REFITTED), refit_draws)
            samples[one] = _shares(periods, _place(periods, rule, weights), weights) - unchanged
    excess = observed - expected
    return ExcessMigration(
        flows=_excess_table(periods, placed, observed, expected, samples, level),
        down_beyond_gone=percentile_interval(_beyond(excess), _beyond(samples), level),
        draws=draws,
        refitted=refit is not None,
        n=ones.size,
    )


@dataclass(frozen=True)
class _Periods:
    """Values of customers in two periods, 0 where not there, and their ranks."""

    first: FloatArray
    second: FloatArray
    order_1: IntArray  # of those there, best first
    order_2: IntArray

    @classmethod
    def of(cls, first: FloatArray, second: FloatArray) -> _Periods:
        orders = []
        for values in (first, second):
            there = np.flatnonzero(values)
            orders.append(there[np.argsort(-values[there], kind="stable")])
        return cls(first, second, *orders)


@dataclass(frozen=True)
class _Placed:
    """Tier of each customer in each period (number of tiers: not there), and the flow."""

    tier_1: IntArray
    tier_2: IntArray
    flow: IntArray
    bounds_1: FloatArray
    bounds_2: FloatArray


def _present(value_1: ArrayLike, value_2: ArrayLike) -> tuple[_Periods, IntArray]:
    """Customers who are there in either period, and their rows."""
    columns = [np.asarray(values, dtype=float) for values in (value_1, value_2)]
    if columns[0].ndim != 1 or columns[0].shape != columns[1].shape:
        raise ValueError(f"two periods need equal columns: {columns[0].shape}, {columns[1].shape}")
    for number, column in enumerate(columns, start=1):
        infinite = np.flatnonzero(np.isinf(column))
        if infinite.size:
            raise ValueError(f"value_{number} must be finite or missing, row {infinite[0]} is not")
    first, second = (np.nan_to_num(column, nan=0.0) for column in columns)
    rows = np.flatnonzero((first != 0) | (second != 0))
    periods = _Periods.of(first[rows], second[rows])
    if periods.order_1.size == 0:
        raise NotIdentified("nobody is there in period 1: nothing can have migrated")
    return periods, rows


def _place(periods: _Periods, rule: TierRule, weights: FloatArray) -> _Placed:
    """Tiers of both periods for customers who count `weights` times."""
    first, tiers = periods.first, len(rule.labels)
    ranked, sizes = first[periods.order_1], weights[periods.order_1]
    total = float(sizes @ ranked)
    if not total > 0:
        raise NotIdentified(f"value of period 1 is {total:g}: shares of it have no meaning")
    cuts = np.array(rule.cuts)
    bounds_1 = _bounds(ranked, sizes * ranked if rule.of == "value" else sizes, cuts)
    bounds_2 = bounds_1
    if rule.then == "rank" and periods.order_2.size:
        # bounds fall, so those at or above a bound are the first of the ranked
        ends = np.searchsorted(-ranked, -bounds_1, side="right")
        held = np.concatenate([[0.0], np.cumsum(sizes)])[ends] / sizes.sum()
        later = weights[periods.order_2]
        if later.any():
            bounds_2 = _bounds(periods.second[periods.order_2], later, held)
    tier_1 = np.where(first != 0, _tier(first, bounds_1), tiers)
    tier_2 = np.where(periods.second != 0, _tier(periods.second, bounds_2), tiers)
    flow = np.select(
        [tier_2 == tier_1, tier_1 == tiers, tier_2 == tiers, tier_2 > tier_1],
        [STAYED, NEW, GONE, DOWN],
        UP,
    )
    return _Placed(tier_1, tier_2, flow, bounds_1, bounds_2)


def _bounds(ranked: FloatArray, mass: FloatArray, cuts: FloatArray) -> FloatArray:
    """Value of the customer with whom each share of the mass is reached."""
    reached = np.cumsum(mass)
    # with losses the sum falls again: what counts is when it first gets there
    highest = np.maximum.accumulate(reached)
    at = np.searchsorted(highest, (cuts - _ROUNDING) * reached[-1], side="left")
    return ranked[np.minimum(at, ranked.size - 1)]


def _tier(values: FloatArray, bounds: FloatArray) -> IntArray:
    return np.searchsorted(-bounds, -values, side="left")


def _shares(periods: _Periods, placed: _Placed, weights: FloatArray) -> FloatArray:
    """Flows of shape (2, 5): customers over those of period 1, change over its value."""
    there = weights @ (periods.first != 0)
    change = weights * (periods.second - periods.first)
    customers = np.bincount(placed.flow, weights, len(FLOWS)) / there
    return np.array(
        [
            customers,
            np.bincount(placed.flow, change, len(FLOWS)) / (weights @ periods.first),
        ]
    )


def _beyond(shares: FloatArray) -> FloatArray:
    """Loss by downward migration minus loss by defection."""
    return shares[..., 1, GONE] - shares[..., 1, DOWN]


def _resampled(
    periods: _Periods, rule: TierRule, replications: int, rng: np.random.Generator
) -> FloatArray:
    """Flows of bootstrap samples, shape (replications, 2, 5)."""
    return np.array(
        [
            _shares(periods, _place(periods, rule, weights), weights)
            for weights in bootstrap_weights(periods.first.size, replications, rng)
        ]
    )


def _expected(draw: Draw, rule: TierRule, rng: np.random.Generator, draws: int) -> FloatArray:
    """Mean flows of simulated pairs of periods."""
    found = np.zeros((2, len(FLOWS)))
    for _ in range(draws):
        first, second = draw(rng)
        if not np.sum(first) > 0:
            raise ValueError("draw must yield positive value in period 1")
        periods, _ = _present(first, second)
        ones = np.ones(periods.first.size)
        found += _shares(periods, _place(periods, rule, ones), ones)
    return found / draws


def _flow_table(periods: _Periods, placed: _Placed) -> pd.DataFrame:
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


def _matrix(periods: _Periods, placed: _Placed, labels: tuple[str, ...]) -> pd.DataFrame:
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
    ).iloc[:-1]  # nobody is both new and gone
    of_tier = table.groupby("tier_1")["customers"].transform("sum")
    return table.assign(share=table["customers"] / of_tier.where(of_tier > 0))


def _by_row(placed: _Placed, rows: IntArray, size: int, labels: tuple[str, ...]) -> pd.DataFrame:
    table = pd.DataFrame(index=pd.RangeIndex(size), columns=["tier_1", "tier_2", "flow"])
    table.loc[rows, "tier_1"] = np.array([*labels, NEW_STATE], dtype=object)[placed.tier_1]
    table.loc[rows, "tier_2"] = np.array([*labels, GONE_STATE], dtype=object)[placed.tier_2]
    table.loc[rows, "flow"] = np.array(FLOWS, dtype=object)[placed.flow]
    return table


def _excess_table(
    periods: _Periods,
    placed: _Placed,
    observed: FloatArray,
    expected: FloatArray,
    samples: FloatArray,
    level: float,
) -> pd.DataFrame:
    table = _flow_table(periods, placed)[["customers"]]
    excess = observed - expected
    for row, name in enumerate(("customers", "value")):
        intervals = [
            percentile_interval(excess[row, flow], samples[:, row, flow], level)
            for flow in range(len(FLOWS))
        ]
        table[f"{name}_observed"], table[f"{name}_expected"] = observed[row], expected[row]
        table[f"{name}_excess"] = excess[row]
        table[f"{name}_excess_lo"] = [interval.lo for interval in intervals]
        table[f"{name}_excess_hi"] = [interval.hi for interval in intervals]
    money = float(periods.first.sum())
    for end in ("", "_lo", "_hi"):
        table[f"amount{end}"] = table[f"value_excess{end}"] * money
    return table
