"""Which trial is reviewed first, and how (R8).

The pilot that is worth most; where none is, the largest start that has a list, whose customers
left alone by lot are its control arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.roi.evidence import Evidence
from crmlib.roi.next_steps import PILOT, NextSteps, outcome_spread
from crmlib.roi.npv import Npv
from crmlib.roi.review import ReviewPlan, review_plan
from crmlib.stats.optimise import NotIdentified

A_YEAR = 365


@dataclass(frozen=True, eq=False)
class FirstReview:
    """The plan of review of one initiative.

    Attributes
    ----------
    initiative : str
    what : str
        Which arms are compared.
    plan : ReviewPlan
    """

    initiative: str
    what: str
    plan: ReviewPlan


def first_review(
    steps: NextSteps,
    found: Npv,
    known: Evidence,
    lists: pd.DataFrame,
    *,
    days: int,
    looks: int,
    alpha: float,
    kind: str,
    guard_rails: Sequence[str],
    margin_sd: float,
) -> FirstReview:
    """When the first trial is looked at, and where it stops.

    Parameters
    ----------
    lists : DataFrame
        Of `crmlib.roi.leads`.
    days, looks : int
        Days until the last look, and how many there are, evenly; who stays 12 months is known
        after a year and not before.
    alpha, kind, guard_rails
        As for `crmlib.roi.review_plan`.
    margin_sd : float
        As for `crmlib.roi.next_steps`.

    Raises
    ------
    NotIdentified
        If there is neither a pilot nor a list with a control arm.
    """
    held = steps.table[steps.table["verdict"] == PILOT]
    if len(held):
        name = str(held["worth"].astype(float).idxmax())
        treated = control = int(held.at[name, "n_per_arm"])
        what = "the arms of its pilot"
    else:
        arms = lists.groupby(["initiative", "arm"]).size().unstack(fill_value=0)
        arms = arms.reindex(columns=["treated", "control"], fill_value=0)
        arms = arms[arms.min(axis=1) > 0]
        if arms.empty:
            raise NotIdentified("there is neither a pilot nor a list of which a part is left alone")
        name = str(arms.min(axis=1).idxmax())
        treated, control = (int(arms.at[name, each]) for each in ("treated", "control"))
        what = "its list against the customers of it who are left alone"
    if found.cases[name].unit == "retention_pp":
        days = max(days, A_YEAR)
    even = np.unique(np.ceil(days * np.arange(1, looks + 1) / looks).astype(int))
    plan = review_plan(
        treated=treated, control=control,
        outcome_sd=outcome_spread(found.cases[name], known.outcome_sd.get(name), margin_sd),
        look_days=even.tolist(), alpha=alpha, kind=kind, guard_rails=guard_rails,
    )  # fmt: skip
    return FirstReview(name, what, plan)
