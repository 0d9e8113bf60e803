"""The chapter on investment for a client that fits on a page, of which exhibits are made."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from crmlib import roi
from crmlib.exhibits import Scope
from crmlib.exhibits.roi import Programme
from tests.roi.small_client import base, initiatives, pilot_rows, plans

SCOPE = Scope("a bank: initiatives", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
N = 700
GOOD = {"segments": "relationship; new", "unit_cost": 2.0, "prior_mean": 0.03, "prior_sd": 0.005,
        "fixed_cost": 300.0}  # fmt: skip


@dataclass(frozen=True)
class Chapter:
    """Results of the chapter, by the names that the notebook gives them."""

    plans: roi.Plans
    base: roi.Base
    chosen: roi.Selections
    known: roi.Evidence
    appraised: roi.Appraisal
    steps: roi.NextSteps
    pairs: pd.DataFrame
    plan: roi.Roadmap

    @property
    def found(self) -> roi.Npv:
        return self.appraised.found

    @property
    def names(self) -> dict[str, str]:
        return self.plans.names

    @property
    def programme(self) -> Programme:
        return Programme(
            self.found, self.steps, self.plan, self.appraised.break_evens(), self.names, 3.0
        )

    def lists(self) -> pd.DataFrame:
        people = pd.DataFrame({"preferred_channel": "post"}, index=self.base.groups.index)
        return roi.leads(
            roi.started(self.plan), self.found, self.chosen.table, self.base, people,
            reach=self.plans.initiatives["reach"], holdout_share=0.2, seed=3,
        )  # fmt: skip


@cache
def chapter(kind: str = "plain") -> Chapter:
    """Of one kind: plain, dear (nothing pays), build (an asset is missing), harm, pilot, one."""
    dear = {"fixed_cost": 1e6} if kind == "dear" else {}
    table = {
        "keep": GOOD | dear,
        "grow": GOOD | dear | {"name": "Grow them", "lever": "grow", "effect_unit": "margin_pct",
                               "prior_mean": 0.2, "prior_sd": 0.05},
        "claim": GOOD | {"name": "A claim", "evidence": "E", "prior_mean": 0.2},
    }  # fmt: skip
    rows: list[dict[str, object]] = []
    if kind == "harm":
        table["bad"] = GOOD | {"name": "Lower prices", "prior_sd": 0.05}
        rows = pilot_rows("bad", "relationship", treated=0.8, n=3000)
    if kind == "pilot":
        table["bold"] = {"name": "Try it", "segments": "high & relationship", "reach": 1.0,
                         "take_up": 1.0, "unit_cost": 22.0, "fixed_cost": 100.0,
                         "prior_mean": 0.03, "prior_sd": 0.05}  # fmt: skip
    if kind == "one":
        table = {"keep": GOOD}
    found = initiatives(**table)
    made = plans(found)
    if kind == "build":
        made = roi.Plans(found, made.processes, made.assets.assign(owned=False), made.requires,
                         made.budgets)  # fmt: skip
    given = base()
    chosen = given.select(found)
    known = roi.evidence(found, pd.DataFrame(rows) if rows else None, spread=0.5,
                         factors={"B": 1.25}, n_draws=800, seed=3)  # fmt: skip
    appraised = roi.appraise(
        found, given, chosen, known, take_up_cv=0.2, trim=True, seed=3
    )  # fmt: skip
    steps = roi.next_steps(
        appraised.found, known, pilot_share=0.2, pilot_cost_share=0.0, margin_sd=0.5,
        harm_level=0.05, alpha=0.05, power=0.8,
    )  # fmt: skip
    pairs = roi.overlaps(appraised.found, chosen.table, given.cell, found["reach"])
    plan = roi.plan_waves(
        made, appraised.found, steps, pairs, wave_months=3, pilot_waves=1, risk_aversion=0.3,
        tail=0.1, self_funding=False, minimum_share={},
    )  # fmt: skip
    return Chapter(made, given, chosen, known, appraised, steps, pairs, plan)


@cache
def campaign(responds: float = 20.0, n: int = 1200) -> roi.Campaign:
    """By lot; customers of size 3 respond."""
    rng = np.random.default_rng(5)
    ids = [f"C{at}" for at in range(n)]
    known = pd.DataFrame({"size": rng.integers(1, 5, n)}, index=pd.Index(ids, name="customer_id"))
    treated = rng.random(n) < 0.5
    before = pd.Series(rng.normal(10, 5, n), known.index)
    outcome = before + rng.normal(0, 5, n) + np.where(known["size"] >= 3, responds, 0) * treated
    rows = pd.DataFrame(
        {
            "customer_id": ids,
            "campaign": "keep",
            "arm": np.where(treated, "treated", "control"),
            "sent_at": pd.Timestamp("2025-09-01"),
            "outcome": outcome.to_numpy(),
        }
    )
    return roi.Campaign.of(rows, known, before)


@cache
def choosing(responds: float = 20.0, cost: float = 5.0) -> roi.Targeting:
    table = campaign(responds)
    return roi.uplift(
        table.table, outcome="outcome", treated="treated", features=["size"], cost=cost, folds=3,
        learners=(),
    )  # fmt: skip
