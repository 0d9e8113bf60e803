"""Why a roadmap leaves an initiative out, found by solving again (R5).

Chapter 05. A reason is only given where it holds: an initiative is short of budget if the
best roadmap with money without limit starts it, and so for each other rule; it is a matter
of risk if the best roadmap by the mean alone starts it; and it is not worth starting if the
best roadmap without any of these leaves it out, too. Where many roadmaps are nearly as good
as each other this takes long: past a certain work, counted and not timed, an initiative is
told to be not searched to the end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlib.roi.infeasible import never_ready, without_budget
from crmlib.roi.programme import BoolArray, Programme
from crmlib.roi.risk_averse import Unfinished, Work, best

if TYPE_CHECKING:
    from crmlib.roi.roadmap import Roadmap

WORK = 500  # some five seconds; what takes more is left unfinished
NOT_SEARCHED = "not worth it or no room for it: not searched to the end"
NOTHING_TO_GAIN = "nothing to gain: its value is 0 in every draw"


def worthless(programme: Programme) -> BoolArray:
    """Initiatives without any value of their own or with another, as those of empty segments."""
    found = ~programme.values.any(axis=(0, 2))
    found[programme.pairs[programme.pair_values.any(axis=0)].ravel()] = False
    return found


def not_started(found: Roadmap) -> pd.DataFrame:
    """Why each initiative that does not start does not; solves the roadmap again for each.

    Returns
    -------
    DataFrame
        initiative, reason, cost_of_starting (objective lost by the best roadmap that starts it
        all the same; empty where none can, or where that was not searched to the end).
    """
    programme, solution = found.programme, found.solution
    how = (found.risk_aversion, found.tail)
    left_out = np.flatnonzero(solution.starts(programme).sum(axis=1) == 0)
    work = Work(WORK)
    lifted = _without_a_rule(programme, *how, work) if left_out.size else {}
    rows = []
    for each in left_out:
        never, loss = never_ready(programme, each), float("nan")
        if programme.barred[each] or never:
            reason = never or NOTHING_TO_GAIN
        else:
            try:
                forced = best(apart(programme.forcing(each)), *how, work)
            except Unfinished:
                reason = _rule(programme, each, lifted) or NOT_SEARCHED
            else:
                loss = found.objective - forced.objective if forced else float("nan")
                reason = _reason(programme, each, loss, lifted)
        rows.append((programme.initiatives[each], reason, loss))
    return pd.DataFrame(rows, columns=["initiative", "reason", "cost_of_starting"])


def apart(programme: Programme) -> Programme:
    """The same programme, whose bounds are not added to those of this one."""
    return replace(programme, cuts={tail: list(cuts) for tail, cuts in programme.cuts.items()})


def _without_a_rule(
    programme: Programme, risk_aversion: float, tail: float, work: Work
) -> dict[str, BoolArray]:
    """What starts in the best roadmap where one kind of rule is lifted, and where all are.

    A rule is left out where that would take more work than is allowed.
    """
    free = replace(without_budget(programme), groups={}, shares={})
    without = {"budget": (without_budget(programme), risk_aversion)}
    if programme.groups:
        without["exclusive"] = (replace(programme, groups={}), risk_aversion)
    if programme.shares:
        without["balance"] = (replace(programme, shares={}), risk_aversion)
    if risk_aversion:
        without |= {"risk": (programme, 0.0), "risk and all": (free, 0.0)}
    without["all"] = (free, risk_aversion)  # last: where it was found, so were the others
    found = {}
    for rule, (relaxed, weight) in without.items():
        try:
            solved = best(apart(relaxed), weight, tail, work)
        except Unfinished:
            continue
        assert solved is not None  # it was possible with more rules
        found[rule] = solved.starts(programme).any(axis=1)
    return found


def _reason(programme: Programme, each: int, loss: float, lifted: dict[str, BoolArray]) -> str:
    rule = _rule(programme, each, lifted)
    if rule:
        return rule
    if "all" not in lifted:
        return NOT_SEARCHED
    if np.isnan(loss):
        return "not worth it, and the rules leave no room for it"
    return f"not worth it: starting it would lower the objective by {loss:,.0f}"


def _rule(programme: Programme, each: int, lifted: dict[str, BoolArray]) -> str:
    """The rule without which it would start; empty where none is known."""
    starts = {rule for rule, started in lifted.items() if started[each]}
    if "budget" in starts:
        return "no budget: with money without limit it would start"
    if "exclusive" in starts:
        groups = [name for name, members in programme.groups.items() if each in members]
        shown = ", ".join(f"`{name}`" for name in groups) or "others"
        return f"another of its exclusive group is worth more (group {shown})"
    if "balance" in starts:
        return "minimum shares: without them it would start"
    if "all" in starts:
        return "budget, exclusive groups and minimum shares together: without all it would start"
    if "risk" in starts:
        return "its risk: by the mean of outcomes alone it would start"
    if "risk and all" in starts:
        return "its risk, and the budget or other rules: without both it would start"
    return ""
