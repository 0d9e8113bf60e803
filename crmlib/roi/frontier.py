"""What more budget, an asset or a rule is worth, and the frontier of mean and risk (R6).

Chapter 05. Each figure is the difference of two roadmaps that were solved to optimality:
shadow values by solving without an asset, prices of rules by solving without a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from crmlib.roi.programme import Programme
from crmlib.roi.risk_averse import best, cvar
from crmlib.roi.roadmap import Roadmap


def shadow_values(found: Roadmap) -> pd.DataFrame:
    """What each asset is worth to the roadmap.

    Returns
    -------
    DataFrame
        asset, owned, lost_without (objective lost if it were neither there nor to be built),
        gained_if_owned (if it were there already; 0 for what is owned). The first is empty
        where no roadmap keeps the forced starts without the asset.
    """
    programme, rows = found.programme, []
    for at, asset in enumerate(programme.assets):
        there = np.arange(len(programme.assets)) == at
        without = replace(
            programme,
            owned=programme.owned & ~there,
            unavailable=programme.unavailable | there,
        )
        owned = replace(programme, owned=programme.owned | there)
        rows.append(
            {
                "asset": asset,
                "owned": bool(programme.owned[at]),
                "lost_without": -_gain(without, found),
                "gained_if_owned": 0.0 if programme.owned[at] else _gain(owned, found),
            }
        )
    return pd.DataFrame(rows, columns=["asset", "owned", "lost_without", "gained_if_owned"])


def rule_prices(found: Roadmap, increment: float) -> pd.DataFrame:
    """What each rule costs the roadmap.

    Parameters
    ----------
    increment : float
        Money by which each wave's budget is raised and lowered (to no less than 0).

    Returns
    -------
    DataFrame
        rule (balance, exclusive, no self-funding, budget more, budget less), of (lever, group
        or wave), gain (in the objective if the rule is lifted or the budget changed so;
        negative where self-funding is taken away or a budget lowered; empty where the forced
        starts cannot be met then).
    """
    if not increment > 0:
        raise ValueError(f"increment is {increment:g}, expected above 0")
    programme, changed = found.programme, []
    for lever in programme.shares:
        kept = {each: share for each, share in programme.shares.items() if each != lever}
        changed.append(("balance", lever, replace(programme, shares=kept)))
    for group in programme.groups:
        rest = {each: members for each, members in programme.groups.items() if each != group}
        changed.append(("exclusive", group, replace(programme, groups=rest)))
    if programme.returns is not None:
        changed.append(("no self-funding", "", replace(programme, returns=None)))
    for wave in range(len(programme.caps)):
        for rule, step in (("budget more", increment), ("budget less", -increment)):
            caps = programme.caps.copy()
            caps[wave] = max(0.0, caps[wave] + step)
            changed.append((rule, str(wave + 1), replace(programme, caps=caps)))
    rows = [(rule, of, _gain(other, found)) for rule, of, other in changed]
    return pd.DataFrame(rows, columns=["rule", "of", "gain"])


def _gain(programme: Programme, found: Roadmap) -> float:
    other = best(programme, found.risk_aversion, found.tail)
    return float("nan") if other is None else other.objective - found.objective


def frontier(
    found: Roadmap, risk_aversions: Sequence[float], budget_scales: Sequence[float]
) -> pd.DataFrame:
    """Best roadmaps over risk aversion and budget.

    Parameters
    ----------
    risk_aversions : sequence of float
        Each λ from 0 to 1.
    budget_scales : sequence of float
        Every wave's budget times each of these, 0 or more.

    Returns
    -------
    DataFrame
        budget_scale, budget (money in all waves), risk_aversion, mean, cvar,
        chosen (ids, parted by a comma), dominated (another point has no less mean
        and CVaR for no more budget, and is better in one of these). Points at which forced starts
        cannot be met are left out.
    """
    if not all(0 <= each <= 1 for each in risk_aversions):
        raise ValueError("risk_aversions are expected from 0 to 1")
    if not all(each >= 0 for each in budget_scales):
        raise ValueError("budget_scales are expected not to be negative")
    rows = []
    for scale in budget_scales:
        programme = replace(found.programme, caps=found.programme.caps * scale)
        for risk_aversion in risk_aversions:
            point = _point(programme, risk_aversion, found.tail)
            if point:
                rows.append({"budget_scale": scale, **point})
    table = pd.DataFrame(rows, columns=["budget_scale", *_POINT])
    return table.assign(dominated=_dominated(table))


_POINT = ["budget", "risk_aversion", "mean", "cvar", "chosen"]


def _point(programme: Programme, risk_aversion: float, tail: float) -> dict[str, object]:
    solved = best(programme, risk_aversion, tail)
    if solved is None:
        return {}
    started = np.flatnonzero(solved.starts(programme).any(axis=1))
    return {
        "budget": float(programme.caps.sum()),
        "risk_aversion": risk_aversion,
        "mean": float(solved.draws.mean()),
        "cvar": cvar(solved.draws, tail),
        "chosen": ", ".join(programme.initiatives[each] for each in started),
    }


def _dominated(table: pd.DataFrame) -> list[bool]:
    """Rows that another beats on budget, mean or CVaR without being worse on any."""
    points = table[["budget", "mean", "cvar"]].to_numpy(float) * [-1, 1, 1]
    slack = 1e-9 * np.abs(points).max(axis=0, initial=0.0)
    no_worse = (points[None] >= points[:, None] - slack).all(axis=2)
    better = (points[None] > points[:, None] + slack).any(axis=2)
    return (no_worse & better).any(axis=1).tolist()
