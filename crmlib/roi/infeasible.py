"""Why initiatives that must start cannot, and what would resolve it (R5).

Chapter 05. A roadmap in which nothing starts keeps every rule, so that only starts that
are demanded can make it impossible. The cause is found by lifting one rule after the other
and, for budgets, by the least money that would do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack

from crmlib.roi.programme import UNLIMITED, Programme, constraints
from crmlib.silence import silent_stdout


def without_budget(programme: Programme) -> Programme:
    """The same programme with money without limit."""
    return replace(programme, caps=np.full(len(programme.caps), UNLIMITED))


def possible(programme: Programme) -> bool:
    """Whether any roadmap keeps all the rules."""
    rules = constraints(programme)
    with silent_stdout():
        solved = milp(
            np.zeros(rules.most.size),
            integrality=np.ones(rules.most.size),
            bounds=Bounds(0, rules.most),
            constraints=LinearConstraint(rules.matrix, rules.lower, rules.upper),
        )
    return solved.status == 0


def missing_money(programme: Programme) -> float | None:
    """Least money on top in wave 1 with which all that is forced can start.

    Returns
    -------
    float or None
        None where money does not help.
    """
    if not possible(without_budget(programme)):
        return None
    rules = constraints(programme)
    more = np.zeros((rules.matrix.shape[0], 1))
    more[rules.budget] = -1
    with silent_stdout():
        solved = milp(
            np.append(np.zeros(rules.most.size), 1.0),
            integrality=np.append(np.ones(rules.most.size), 0),
            bounds=Bounds(0, np.append(rules.most, np.inf)),
            constraints=LinearConstraint(
                hstack([rules.matrix, csr_array(more)], format="csr"), rules.lower, rules.upper
            ),
            options={"mip_rel_gap": 0.0},
        )
    over = (rules.matrix @ np.round(solved.x[:-1]) - rules.upper)[rules.budget]
    return max(0.0, float(over.max()) * rules.money)


def never_ready(programme: Programme, initiative: int) -> str:
    """The asset that keeps an initiative from starting in any wave; empty where none does."""
    n_waves = len(programme.caps)
    reasons = []
    for asset in np.flatnonzero(programme.required[initiative] & ~programme.owned):
        name, lead = programme.assets[asset], int(programme.lead[asset])
        if programme.unavailable[asset]:
            reasons.append(f"asset `{name}` is not to be had")
        elif lead >= n_waves:
            reasons.append(
                f"asset `{name}` cannot be built in time (lead of {lead} in {n_waves} waves)"
            )
    if not reasons and programme.earliest[initiative] >= n_waves:
        wave = int(programme.earliest[initiative]) + 1
        reasons.append(f"it may start from wave {wave} on, and the plan ends with wave {n_waves}")
    return "; ".join(reasons)


def why_impossible(programme: Programme) -> str:
    """A sentence that names what is in the way of forced starts, and what would resolve it."""
    forced = np.flatnonzero(programme.forced)
    names = ", ".join(f"`{programme.initiatives[each]}`" for each in forced)
    head = f"no roadmap starts {names}"
    waiting = [
        f"`{programme.initiatives[each]}`: {reason}"
        for each in forced
        if (reason := never_ready(programme, each))
    ]
    if waiting:
        return f"{head}: {'; '.join(waiting)}; own the asset, shorten its lead or add waves."
    causes = _exclusions(programme)
    if causes:
        return f"{head}: {'; '.join(causes)}; demand one of them, or take it out of the group."
    money = missing_money(programme)
    if money is not None:
        return f"{head} within the budgets: {money:,.0f} more in wave 1 would do, or start fewer."
    for lever in programme.shares:
        shares = {each: share for each, share in programme.shares.items() if each != lever}
        if possible(replace(programme, shares=shares)):
            return (
                f"{head}: lever `{lever}` then has less than its minimum share of "
                f"{programme.shares[lever]:.0%}; lower that share or start more of the lever."
            )
    return f"{head} under all rules together; lift the minimum shares, or start fewer."


def _exclusions(programme: Programme) -> list[str]:
    found = []
    for group, members in programme.groups.items():
        clash = [programme.initiatives[each] for each in members if programme.forced[each]]
        if len(clash) > 1:
            shown = " and ".join(f"`{each}`" for each in clash)
            found.append(f"{shown} exclude each other (group `{group}`)")
    return found
