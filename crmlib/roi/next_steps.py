"""Go, pilot or stop, for every initiative with its reason (R4).

What a pilot can teach is the effect; so an initiative is taken at the expected economics of its
segments and the expected take-up, and what is uncertain is its effect alone. Whether a pilot of
any size is worth holding then follows from the money at stake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crmlib.roi.cashflow import BusinessCase
from crmlib.roi.evidence import Evidence
from crmlib.roi.npv import Npv
from crmlib.roi.pilot import Launch, PilotPlan, pilot
from crmlib.stats.optimise import NotIdentified

GO, PILOT, STOP = "go", "pilot", "stop"
_STEP = 1e-4  # an effect so small that its slope is taken at none
_WIDEST = 0.5  # standard deviation of a yes or no at most


@dataclass(frozen=True, eq=False)
class NextSteps:
    """What to do next about each initiative.

    Attributes
    ----------
    table : DataFrame, index initiative
        verdict (go, pilot, stop), harmful (bool), p_below (chance that its effect on those who
        adopt is below 0), population (customers reached), net (expected money per reached
        customer, launch cost not taken off), net_sd (of what is not known of the effect),
        n_per_arm, worth (money that the pilot adds), p_go, n_for_power, perfect (worth of
        knowing the effect), reason.
    plans : mapping of initiative to PilotPlan
        Where a pilot can be thought of.
    """

    table: pd.DataFrame
    plans: Mapping[str, PilotPlan]


def next_steps(
    found: Npv,
    known: Evidence,
    *,
    pilot_share: float,
    pilot_cost_share: float,
    margin_sd: float,
    harm_level: float,
    alpha: float,
    power: float,
) -> NextSteps:
    """Weigh a pilot of each initiative against launching and against leaving it.

    Parameters
    ----------
    found : Npv
    known : Evidence
    pilot_share : float
        Share of the reached customers that one arm of a pilot may hold: a larger one would be a
        launch by another name, which leaves the fixed cost unpaid.
    pilot_cost_share : float
        What holding any pilot costs, as a share of the initiative's fixed cost.
    margin_sd : float
        Standard deviation between customers of the relative change of margin over a pilot,
        where no trial of the initiative has measured it.
    harm_level : float
        An initiative is harmful where the chance of an effect above 0 is less.
    alpha, power : float
        Of a test with a fixed end, for the size beside.
    """
    rows, plans = {}, {}
    for name, case in found.cases.items():
        effect = _mean_effect(case)
        below = float((effect < 0).mean()) if case.unit != "cpa" else 0.0
        row = {"harmful": below > 1 - harm_level, "p_below": below} | _nothing(case)
        if case.unit == "cpa":
            row |= _won(found, name)
        else:
            try:
                launch = _launch(
                    case, known.outcome_sd.get(name), margin_sd, (pilot_share, pilot_cost_share)
                )
                row |= {"net": launch.prior_mean, "net_sd": launch.prior_sd}
                plan = pilot(launch, effect_to_see=_to_see(launch), alpha=alpha, power=power)
            except NotIdentified as refused:
                row |= {"verdict": STOP, "reason": str(refused)}
            else:
                plans[name] = plan
                row |= _planned(plan)
        if row["harmful"]:
            row |= {
                "verdict": STOP,
                "reason": f"it does harm: its effect is below 0 with {below:.0%}",
            }
        rows[name] = row
    return NextSteps(pd.DataFrame.from_dict(rows, orient="index").rename_axis("initiative"), plans)


def _nothing(case: BusinessCase) -> dict[str, float]:
    return {
        "population": round(float(case.reached.sum())), "net": np.nan, "net_sd": np.nan,
        "n_per_arm": 0, "worth": 0.0, "p_go": np.nan, "n_for_power": np.nan, "perfect": np.nan,
    }  # fmt: skip


def _planned(plan: PilotPlan) -> dict[str, object]:
    return {
        "verdict": plan.verdict,
        "reason": plan.reason,
        "n_per_arm": plan.n_per_arm,
        "worth": plan.worth,
        "p_go": plan.p_go,
        "n_for_power": plan.power_size_corrected.treated,
        "perfect": plan.perfect,
    }


def _won(found: Npv, name: str) -> dict[str, object]:
    """Customers who are won are counted one by one: each is a trial of its own."""
    mean = found.table.at[name, "npv"]
    return {
        "verdict": GO if mean > 0 else STOP,
        "reason": "each customer won shows what winning costs: "
        + ("go on while it stays below" if mean > 0 else "it costs more than")
        + " what one brings",
    }


def _mean_effect(case: BusinessCase) -> np.ndarray:
    """Over those who adopt, shape (n_draws,)."""
    return case.effect @ case.reached / case.reached.sum()


def _launch(
    case: BusinessCase, outcome_sd: float | None, margin_sd: float, shares: tuple[float, float]
) -> Launch:
    """The decision on one initiative in money per reached customer."""
    one = case.expected()
    only_effect = replace(one, effect=case.effect)
    reached = float(case.reached.sum())
    net = (only_effect.npv + case.fixed_cost) / reached
    # money per unit of an effect on everybody assigned, whom those who adopt carry; from none to
    # the expected effect, since near its ceiling more retention is worth next to nothing
    mean = float(one.effect[0] @ one.reached / reached)
    far = mean if abs(mean) > _STEP else _STEP
    gained = replace(one, effect=np.full_like(one.effect, far)).npv
    gained = gained - replace(one, effect=np.zeros_like(one.effect)).npv
    slope = float(gained[0]) / (far * reached * float(one.take_up[0]))
    spread = outcome_spread(case, outcome_sd, margin_sd)
    return Launch(
        population=round(reached),
        prior_mean=float(net.mean()),
        prior_sd=float(net.std()),
        outcome_sd=abs(slope) * spread,
        launch_cost=case.fixed_cost,
        pilot_cost=shares[1] * case.fixed_cost,
        largest_arm=int(shares[0] * reached),
    )


def outcome_spread(case: BusinessCase, measured: float | None, margin_sd: float) -> float:
    """Standard deviation of the outcome between customers; the widest where nothing tells it."""
    if measured:
        return measured
    if case.unit == "margin_pct":
        return margin_sd
    if case.unit == "retention_pp":
        retention = case.expected().economics.retention[0]
        stay = float(retention @ case.reached / case.reached.sum())
        return float(np.sqrt(stay * (1 - stay)))
    return _WIDEST


def _to_see(launch: Launch) -> float:
    """What a test with a fixed end should see: the expected net effect above its break-even."""
    return abs(launch.prior_mean - launch.launch_cost / launch.population)
