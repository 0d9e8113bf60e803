"""Why a roadmap leaves an initiative out, found by solving again (R5).

Chapter 05. A reason is only given where it holds: an initiative is short of budget if the
best roadmap with money without limit starts it, and so for each other rule; it is not
worth starting if the best roadmap without any of these rules leaves it out, too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crmlib.roi.infeasible import never_ready, without_budget
from crmlib.roi.programme import BoolArray, Programme
from crmlib.roi.risk_averse import Best, best

NOTHING_TO_GAIN = "nothing to gain: its value is 0 in every draw"


def worthless(programme: Programme) -> BoolArray:
    """Initiatives without any value of their own or with another, as those of empty segments."""
    found = ~programme.values.any(axis=(0, 2))
    found[programme.pairs[programme.pair_values.any(axis=0)].ravel()] = False
    return found


def reasons(
    programme: Programme, solution: Best, risk_aversion: float, tail: float
) -> dict[int, tuple[str, float]]:
    """Reason for each initiative that does not start, and what starting it would cost.

    Returns
    -------
    mapping of position to (reason, objective lost)
        The loss is that of the best roadmap which starts it all the same; NaN where none can.
    """
    left_out = np.flatnonzero(solution.starts(programme).sum(axis=1) == 0)
    found: dict[int, tuple[str, float]] = {}
    lifted = _without_a_rule(programme, risk_aversion, tail) if left_out.size else {}
    for each in left_out:
        never = never_ready(programme, each)
        if programme.barred[each] or never:
            found[int(each)] = (never or NOTHING_TO_GAIN, float("nan"))
            continue
        forced = best(programme.forcing(each), risk_aversion, tail)
        loss = solution.objective - forced.objective if forced else float("nan")
        found[int(each)] = (_reason(programme, each, loss, lifted), loss)
    return found


def _without_a_rule(
    programme: Programme, risk_aversion: float, tail: float
) -> dict[str, BoolArray]:
    """What starts in the best roadmap where one kind of rule is lifted, and where all are."""
    without = {"budget": without_budget(programme)}
    if programme.groups:
        without["exclusive"] = replace(programme, groups={})
    if programme.shares:
        without["balance"] = replace(programme, shares={})
    without["all"] = replace(without_budget(programme), groups={}, shares={})
    found = {}
    for rule, relaxed in without.items():
        solved = best(relaxed, risk_aversion, tail)
        assert solved is not None  # it was possible with more rules
        found[rule] = solved.starts(programme).any(axis=1)
    return found


def _reason(programme: Programme, each: int, loss: float, lifted: dict[str, BoolArray]) -> str:
    if lifted["budget"][each]:
        return "no budget: with money without limit it would start"
    if "exclusive" in lifted and lifted["exclusive"][each]:
        groups = [name for name, members in programme.groups.items() if each in members]
        shown = ", ".join(f"`{name}`" for name in groups) or "others"
        return f"another of its exclusive group is worth more (group {shown})"
    if "balance" in lifted and lifted["balance"][each]:
        return "minimum shares: without them it would start"
    if lifted["all"][each]:
        return "budget, exclusive groups and minimum shares together: without all it would start"
    if np.isnan(loss):
        return "not worth it, and the rules leave no room for it"
    return f"not worth it: starting it would lower the objective by {loss:,.0f}"
