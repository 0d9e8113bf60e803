"""What would have to be true for an initiative to pay, and what moves it most (R3).

Break-even in effect, cost and take-up, and the tornado: each driver at its 10th and 90th
percentile while all others stay at their mean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from crmlib.roi.cashflow import BusinessCase
from crmlib.roi.economics import PossibleEconomics
from crmlib.roi.increments import annuity

FloatArray = NDArray[np.float64]

# Shares: no chance rises by more than 1, and no margin is raised elevenfold. In steps, since
# the value of keeping customers has a top where an effect has faded before it is reached.
_SMALLEST, _LARGEST, _LARGEST_OF_MARGIN, _STEPS = 1e-6, 1.0, 10.0, 80
LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class BreakEven:
    """Where the expected net present value is 0, each with all else as expected.

    Attributes
    ----------
    effect : float
        Per adopter, the same in all segments, in the initiative's unit; for customers who are
        won, what each may cost.
    unit_cost : float
        Money per adopter.
    take_up : float
        Share of the reached.

    Not a number where there is none: an effect that pays at no size, a cost below 0, a
    take-up above 1.
    """

    effect: float
    unit_cost: float
    take_up: float


def break_even(case: BusinessCase) -> BreakEven:
    """In the effect by root-finding, in cost and take-up in closed form."""
    one = case.expected()
    adopters = one.adopters.sum()
    if adopters == 0:
        return BreakEven(np.nan, np.nan, np.nan)
    brought = float((one.adopters * one.increment).sum())
    paid = float(one.costs[0]) - one.fixed_cost
    spare = (brought - paid - one.fixed_cost) / adopters
    own_cost = one.unit_cost + spare
    share = one.take_up[0] * one.fixed_cost / (brought - paid) if brought > paid else np.inf
    effect = _winning(one) + spare if one.unit == "cpa" else _least_effect(one)
    return BreakEven(
        effect=effect if effect >= 0 else np.nan,
        unit_cost=own_cost if own_cost >= 0 else np.nan,
        take_up=float(share) if share <= 1 else np.nan,
    )


def _winning(one: BusinessCase) -> float:
    """What a customer costs to win on average."""
    return float((one.adopters * one.effect).sum() / one.adopters.sum())


def _least_effect(one: BusinessCase) -> float:
    """The smallest effect above 0 from which the initiative pays."""

    def worth(effect: float) -> float:
        return float(replace(one, effect=np.full_like(one.effect, effect)).npv[0])

    largest = _LARGEST_OF_MARGIN if one.unit == "margin_pct" else _LARGEST
    steps = np.append(0.0, np.geomspace(_SMALLEST, largest, _STEPS))
    pays = np.flatnonzero([worth(step) >= 0 for step in steps])
    if pays.size == 0:
        return np.nan
    first = pays[0]
    return float(brentq(worth, steps[first - 1], steps[first], xtol=1e-15)) if first else 0.0


def tornado(case: BusinessCase) -> pd.DataFrame:
    """Net present value with one driver low and high, all others at their mean.

    Returns
    -------
    DataFrame, index driver
        low, high (npv at the driver's 10th and 90th percentile), swing; the widest first.
        A driver that is known exactly has no row.

    Notes
    -----
    The effect and the economics of segments move together: their total over adopters is
    brought to its percentile by the draws around it. Segments' value and retention are what
    is drawn, and margin follows from both: with one of them varied, the other keeps its mean.
    """
    one = case.expected()
    worlds, fixed = case.economics, one.economics
    lasts, lasts_on_average = (annuity(each.retention, case.calendar) for each in (worlds, fixed))
    value, mean_value = worlds.margin * lasts, fixed.margin * lasts_on_average
    drivers = {
        "effect": replace(one, effect=case.effect),
        "take-up": replace(one, take_up=case.take_up),
        "value": replace(
            one, economics=PossibleEconomics(value / lasts_on_average, fixed.retention)
        ),
        "retention": replace(
            one, economics=PossibleEconomics(mean_value / lasts, worlds.retention)
        ),
    }
    rows = {name: np.quantile(varied.npv, [LOW, HIGH]) for name, varied in drivers.items()}
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["low", "high"])
    found["swing"] = found["high"] - found["low"]
    # rounding is no swing
    scale = found[["low", "high"]].abs().max(axis=1)
    found = found[found["swing"] > 1e-9 * scale].sort_values("swing", ascending=False)
    return found.rename_axis("driver")
