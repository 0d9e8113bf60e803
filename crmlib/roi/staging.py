"""What an initiative is worth if it starts in a later wave, and when its money flows (R5).

Whoever starts later has less of the horizon left and is paid later. What a roadmap needs of
each initiative by wave is read here from its business case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.roi.cashflow import BusinessCase
from crmlib.roi.increments import MONTHS, Calendar
from crmlib.roi.next_steps import NextSteps
from crmlib.roi.npv import Npv
from crmlib.roi.plans import Plans
from crmlib.roi.roadmap import Roadmap, roadmap
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Staged:
    """Initiatives by the wave in which they start.

    Attributes
    ----------
    names : tuple of str
    values : array of shape (n_draws, n, n_waves)
        Net present value today.
    cost : array of shape (n,)
        Expected money that a start takes: fixed, and for every adopter.
    returns : array of shape (n, n_waves)
        Expected money that comes back in the first, second … wave of it.
    discount : array of shape (n_waves,)
        Today's worth of money that is spent in each wave.
    """

    names: tuple[str, ...]
    values: FloatArray
    cost: FloatArray
    returns: FloatArray
    discount: FloatArray


def staged(found: Npv, names: Sequence[str], *, n_waves: int, wave_months: int) -> Staged:
    """Values by wave of start.

    Parameters
    ----------
    found : Npv
    names : sequence of str
        Initiatives that may start.
    n_waves, wave_months : int

    Raises
    ------
    NotIdentified
        If the horizon ends before the last wave begins, or there is nothing to start.
    """
    if not names:
        raise NotIdentified("no initiative rests on more than a claim: there is nothing to start")
    calendar = found.cases[names[0]].calendar
    months = len(calendar.months)
    if (n_waves - 1) * wave_months >= months:
        raise NotIdentified(
            f"wave {n_waves} begins {(n_waves - 1) * wave_months} months ahead, and value is "
            f"counted over {months}: give fewer waves or a longer value.horizon_years"
        )
    delays = np.arange(n_waves) * wave_months
    discount = (1 + calendar.discount_rate) ** (-delays / MONTHS)
    cases = [found.cases[name] for name in names]
    values = np.stack(
        [
            np.column_stack(
                [
                    worth * _shortened(case, calendar, months - delay).npv
                    for worth, delay in zip(discount, delays, strict=True)
                ]
            )
            for case in cases
        ],
        axis=1,
    )
    cost = np.array([float(case.costs.mean()) for case in cases])
    returns = np.array([_returns(case, n_waves, wave_months) for case in cases])
    return Staged(tuple(names), values, cost, returns, discount)


def _shortened(case: BusinessCase, calendar: Calendar, months: int) -> BusinessCase:
    """The same with what is left of the horizon; segments' margins stay."""
    return replace(case, calendar=Calendar(months / MONTHS, calendar.discount_rate))


def _returns(case: BusinessCase, n_waves: int, wave_months: int) -> FloatArray:
    """Expected money back in each wave since the start, before costs; never below 0."""
    balance = case.balance()
    ends = np.minimum(np.arange(1, n_waves + 1) * wave_months, len(balance)) - 1
    brought = balance[ends] + float(case.expected().costs[0])
    return np.maximum(np.diff(brought, prepend=0.0), 0.0)


def plan_table(
    initiatives: pd.DataFrame,
    staged: Staged,
    verdicts: pd.Series,
    *,
    pilot_waves: int,
    wave_months: int,
) -> pd.DataFrame:
    """Initiatives as a roadmap takes them.

    Parameters
    ----------
    initiatives : DataFrame, index id
        lever, exclusive_group and earliest_wave where given.
    staged : Staged
    verdicts : Series, index initiative
        What is to be piloted first starts no sooner than behind its pilot.
    pilot_waves : int
        Waves that a pilot takes at least; one of retention takes the year that it is read over.
    wave_months : int
    """
    rows = initiatives.loc[list(staged.names)]
    earliest = pd.to_numeric(rows.get("earliest_wave", pd.Series(1, rows.index))).fillna(1)
    a_year = max(pilot_waves, -(-MONTHS // wave_months))
    waits = np.where(rows["effect_unit"] == "retention_pp", a_year, pilot_waves)
    behind = np.where(verdicts.reindex(rows.index) == "pilot", waits, 0) + 1
    table = pd.DataFrame(
        {
            "id": rows.index,
            "lever": rows["lever"].to_numpy(),
            "fixed_cost": staged.cost,
            "earliest_wave": np.maximum(earliest, behind).astype(int).to_numpy(),
        }
    )
    if "exclusive_group" in rows:
        table["exclusive_group"] = rows["exclusive_group"].to_numpy()
    return table


def plan_waves(
    plans: Plans,
    found: Npv,
    steps: NextSteps,
    pairs: pd.DataFrame,
    *,
    wave_months: int,
    pilot_waves: int,
    risk_aversion: float,
    tail: float,
    self_funding: bool,
    minimum_share: Mapping[str, float],
) -> Roadmap:
    """The roadmap of all initiatives that rest on evidence.

    Parameters
    ----------
    plans : Plans
    found : Npv
    steps : NextSteps
    pairs : DataFrame
        Of `crmlib.roi.overlaps`.
    wave_months, pilot_waves : int
    risk_aversion, tail, self_funding, minimum_share
        As for `crmlib.roi.roadmap`.

    Raises
    ------
    NotIdentified
        Without budgets, or as `roadmap` and `staged`.
    """
    if isinstance(plans.budgets, Refusal):
        raise NotIdentified(plans.budgets.reason)
    names = [name for name in found.cases if name in plans.initiatives.index]
    waves = staged(found, names, n_waves=plans.waves, wave_months=wave_months)
    table = plan_table(
        plans.initiatives, waves, steps.table["verdict"], pilot_waves=pilot_waves,
        wave_months=wave_months,
    )  # fmt: skip
    levers = set(table["lever"])
    return roadmap(
        table, plans.assets, plans.needed_by(pd.Index(names)), plans.budgets, waves.values,
        risk_aversion=risk_aversion, tail=tail, self_funding=self_funding,
        returns=waves.returns,
        minimum_share={lever: share for lever, share in minimum_share.items() if lever in levers},
        interactions={pair: pairs[pair].to_numpy() for pair in pairs},
        discount=waves.discount,
    )  # fmt: skip


def started(plan: Roadmap) -> list[str]:
    """Initiatives that start in any wave, the first first."""
    starts = plan.starts.dropna(subset="wave").sort_values("wave", kind="stable")
    return list(starts["initiative"])


def part_of_budget(plan: Roadmap, share: float) -> float:
    """Money that is such a share of a wave's budget on average.

    Raises
    ------
    NotIdentified
        If no wave has a budget above 0.
    """
    caps = plan.programme.caps[np.isfinite(plan.programme.caps)]
    if not caps.sum() > 0:
        raise NotIdentified("no wave has a budget that could be raised or lowered by a part")
    return share * float(caps.mean())
