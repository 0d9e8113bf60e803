"""Why a roadmap leaves an initiative out, found by solving again (R5).

Chapter 05. A reason is only given where it holds: an initiative is short of budget if the
best roadmap with money without limit starts it, and so for each other rule; it is not
worth starting if the best roadmap without any of these rules leaves it out, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlib.roi.infeasible import never_ready, without_budget
from crmlib.roi.programme import BoolArray, Programme
from crmlib.roi.risk_averse import best

if TYPE_CHECKING:
    from crmlib.roi.roadmap import Roadmap

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
        all the same; empty where none can).
    """
    programme, solution = found.programme, found.solution
    how = (found.risk_aversion, found.tail)
    left_out = np.flatnonzero(solution.starts(programme).sum(axis=1) == 0)
    lifted = _without_a_rule(programme, *how) if left_out.size else {}
    rows = []
    for each in left_out:
        never, loss = never_ready(programme, each), float("nan")
        if programme.barred[each] or never:
            reason = never or NOTHING_TO_GAIN
        else:
            forced = best(programme.forcing(each), *how)
            loss = found.objective - forced.objective if forced else float("nan")
            reason = _reason(programme, each, loss, lifted)
        rows.append((programme.initiatives[each], reason, loss))
    return pd.DataFrame(rows, columns=["initiative", "reason", "cost_of_starting"])


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
