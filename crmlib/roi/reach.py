"""How far to go: what the next customers reached bring (R3, "invest incrementally").

Customers whom an initiative is for are taken by what they are worth, best first, in steps of
equal size. The curve bends where customers come in who bring less than they cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.roi.cashflow import LIVES, BusinessCase
from crmlib.roi.economics import PossibleEconomics
from crmlib.roi.increments import annuity
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class MarginalReach:
    """What each further step of reach brings.

    Attributes
    ----------
    table : DataFrame, one row for each step
        customers (reached so far), value_from (least future value among them), increment
        (mean net worth of this step), lo, hi, total (mean net worth so far, fixed cost paid).
    best : int
        Step at which the total is highest; 0 where none covers its costs.
    """

    table: pd.DataFrame
    best: int


def marginal_reach(
    case: BusinessCase, segment: pd.Series, future_value: pd.Series, *, steps: int, level: float
) -> MarginalReach:
    """Take customers in, the most valuable first.

    Parameters
    ----------
    case : BusinessCase
        Whose effect is on survival or margin.
    segment : Series, index customer_id
        Position in the case's arrays of each customer whom the initiative is for.
    future_value : Series, index customer_id
        Money over the horizon; a customer's margin is his value over his segment's survival.
    steps : int
    level : float
        Of the intervals, which hold what is not known of effect, take-up and retention, and not
        of the value of single customers.

    Raises
    ------
    NotIdentified
        If there are fewer customers than steps, one has no value, or the effect is of another
        kind.
    """
    if case.unit not in LIVES:
        raise NotIdentified("what it brings does not hang on the value of those it reaches")
    if steps < 1 or segment.index.has_duplicates:
        raise ValueError("steps must be 1 or more, and each customer have one row")
    known = future_value.reindex(segment.index)
    if known.isna().any():
        raise NotIdentified(f"{int(known.isna().sum())} customers have no future value")
    if len(segment) < steps:
        raise NotIdentified(f"{len(segment)} customers cannot be taken in {steps} steps")
    order = known.sort_values(ascending=False, kind="stable").index
    group = np.arange(len(order)) * steps // len(order)
    value, at = future_value[order].to_numpy(float), segment[order].to_numpy()
    share = case.reached.sum() / len(order)
    sizes = case.economics.margin.shape[1]
    nets = np.empty((len(case.npv), steps))
    for step in range(steps):
        inside = group == step
        number = np.bincount(at[inside], minlength=sizes)
        mean = np.bincount(at[inside], value[inside], sizes) / np.maximum(number, 1)
        margin = mean / annuity(case.economics.retention, case.calendar)
        part = replace(
            case,
            reached=number * share,
            fixed_cost=0.0,
            economics=PossibleEconomics(margin, case.economics.retention),
        )
        nets[:, step] = part.npv
    table = pd.DataFrame(
        {
            "customers": np.bincount(group).cumsum(),
            "value_from": pd.Series(value).groupby(group).min().to_numpy(),
            "increment": nets.mean(axis=0),
            "lo": np.quantile(nets, (1 - level) / 2, axis=0),
            "hi": np.quantile(nets, (1 + level) / 2, axis=0),
            "total": nets.mean(axis=0).cumsum() - case.fixed_cost,
        },
        index=pd.RangeIndex(1, steps + 1, name="step"),
    )
    best = int(table["total"].idxmax()) if table["total"].max() > 0 else 0
    return MarginalReach(table, best)
