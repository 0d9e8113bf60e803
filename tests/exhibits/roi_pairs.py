"""The chapter on investment for a client that fits on a page, of which exhibits are made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from title_pairs import Pair

from crmlib import roi
from crmlib.exhibits import Exhibit, Scope
from crmlib.exhibits import roi as exhibits
from tests.roi.small_client import base, initiatives, pilot_rows, plans

SCOPE = Scope("a bank: initiatives", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
N = 700
GOOD = {"segments": "relationship; new", "unit_cost": 2.0, "prior_mean": 0.03, "prior_sd": 0.005,
        "fixed_cost": 300.0}  # fmt: skip
GROW = GOOD | {"name": "Grow them", "lever": "grow", "effect_unit": "margin_pct",
               "prior_mean": 0.2, "prior_sd": 0.05}  # fmt: skip
CLAIM = GOOD | {"name": "A claim", "evidence": "E", "prior_mean": 0.2}
USUAL = {"keep": GOOD, "grow": GROW, "claim": CLAIM}
BOLD = {"name": "Try it", "segments": "high & relationship", "reach": 1.0, "take_up": 1.0,
        "unit_cost": 22.0, "fixed_cost": 100.0, "prior_mean": 0.03, "prior_sd": 0.05}  # fmt: skip
BAD = GOOD | {"name": "Lower prices", "prior_sd": 0.05}
DEAR = {"fixed_cost": 1e6}
# what each kind of client has; all have the usual initiatives but where others are named
KINDS: Mapping[str, Mapping[str, object]] = {
    "plain": {},
    "dear": {"initiatives": {name: of | DEAR for name, of in USUAL.items()}},  # nothing pays
    "build": {"owned": False},
    "harm": {"initiatives": USUAL | {"bad": BAD}, "rows": 3000},
    "pilot": {"initiatives": USUAL | {"bold": BOLD}},
    "timid": {"initiatives": USUAL | {"bold": BOLD | {"prior_sd": 0.03}}},
    "one": {"initiatives": {"keep": GOOD}},
    "claims": {"initiatives": USUAL | {"other": CLAIM}},
    "more claims": {"initiatives": USUAL | {"other": CLAIM, "third": CLAIM}},
    "three": {"initiatives": USUAL | {"third": GROW | {"segments": "high & relationship"}}},
    "grow": {"initiatives": {"grow": GROW}},
    "eager": {"initiatives": {"keep": GOOD, "grow": GROW | {"prior_mean": 0.4}}},
    "endless": {"initiatives": {"keep": GOOD | {"fixed_cost": 4e4}}},  # never paid back
    # the low earn back less than they cost
    "bend": {"initiatives": {"keep": GOOD | {"segments": "relationship", "unit_cost": 8.0}}},
    "steep": {"initiatives": {"keep": GOOD | {"segments": "high & relationship; low & new",
                                              "unit_cost": 8.0}}},
    "poor": {"caps": [600.0, 0.0]},
    "poorer": {"caps": [400.0, 100.0]},
    "poor and good": {"caps": [400.0, 100.0],
                      "initiatives": {"keep": GOOD | {"prior_mean": 0.04}}},
    "one wave": {"caps": [5000.0]},
}  # fmt: skip


@dataclass(frozen=True)
class Chapter:
    """Results of the chapter, by the names that the notebook gives them."""

    plans: roi.Plans
    names: Mapping[str, str]
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
    def programme(self) -> exhibits.Programme:
        return exhibits.Programme(
            self.found, self.steps, self.plan, self.appraised.break_evens(), self.names, 3.0
        )

    def lists(self) -> pd.DataFrame:
        people = pd.DataFrame({"preferred_channel": "post"}, index=self.base.groups.index)
        return roi.leads(
            roi.started(self.plan), self.found, self.chosen.table, self.base, people,
            reach=self.plans.initiatives["reach"], holdout_share=0.2, seed=3,
        )  # fmt: skip

    def review(self, looks: int = 3, days: int = 180) -> roi.FirstReview:
        return roi.first_review(
            self.steps, self.found, self.known, self.lists(), days=days, looks=looks, alpha=0.05,
            kind="obrien_fleming", guard_rails=["complaints"], margin_sd=0.5,
        )  # fmt: skip

    def named(self, name: str) -> Chapter:
        """With one name for whatever has one."""
        return replace(self, names=dict.fromkeys(self.names, name))


@cache
def chapter(kind: str = "plain") -> Chapter:
    """Of one of the kinds of client."""
    of = KINDS[kind]
    found = initiatives(**of.get("initiatives", USUAL))
    caps = of.get("caps", [5000.0, 5000.0])
    made = plans(found, budgets=pd.DataFrame({"wave": range(1, len(caps) + 1), "cap": caps}))
    if not of.get("owned", True):
        made = roi.Plans(found, made.processes, made.assets.assign(owned=False), made.requires,
                         made.budgets)  # fmt: skip
    rows = of.get("rows")
    tried = pilot_rows("bad", "relationship", treated=0.8, n=rows) if rows else None
    given = base()
    chosen = given.select(found)
    known = roi.evidence(found, pd.DataFrame(tried) if tried else None, spread=0.5,
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
    return Chapter(made, made.names, given, chosen, known, appraised, steps, pairs, plan)


@cache
def campaign(responds: float = 20.0, of_size: int = 3, n: int = 1200) -> roi.Campaign:
    """By lot; customers from a size on respond."""
    rng = np.random.default_rng(5)
    ids = [f"C{at}" for at in range(n)]
    known = pd.DataFrame({"size": rng.integers(1, 5, n)}, index=pd.Index(ids, name="customer_id"))
    known["luck"] = np.random.default_rng(6).normal(size=n)
    treated = rng.random(n) < 0.5
    before = pd.Series(rng.normal(10, 5, n), known.index)
    raised = np.where(known["size"] >= of_size, responds, 0) * treated
    outcome = before + rng.normal(0, 5, n) + raised
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
def choosing(
    responds: float = 20.0, cost: float = 5.0, of_size: int = 3, learners: tuple[str, ...] = ()
) -> roi.Targeting:
    table = campaign(responds, of_size)
    return roi.uplift(
        table.table, outcome="outcome", treated="treated", features=["size"], cost=cost, folds=3,
        learners=learners,
    )  # fmt: skip


def _reach(of: Chapter) -> Exhibit | None:
    name = of.appraised.most_trimmed()
    found = of.appraised.next_reached(name, of.base, of.chosen.table, steps=5, level=0.9)
    return exhibits.next_customers(found, name, of.names, SCOPE)


def _claims(of: Chapter) -> Exhibit | None:
    weighed = roi.claims(of.known.claims, of.plans.initiatives, of.chosen, of.base.economics,
                         seed=1)  # fmt: skip
    return exhibits.claims_weighed(weighed, of.plans, of.names, N, SCOPE)


def _drivers(of: Chapter) -> Exhibit | None:
    swings = of.appraised.tornados(list(of.found.table.index), most=3)
    grades = of.plans.initiatives["evidence"]
    return exhibits.value_drivers(swings, grades, {"B": 1.25}, of.names, N, SCOPE)


def _frontier(of: Chapter) -> Exhibit | None:
    table = roi.frontier(of.plan, [0.0, 0.3], [0.1, 0.5, 1.0, 1.5])
    return exhibits.budget_frontier(table, of.plan, N, SCOPE)


MADE: Mapping[str, Callable[[Chapter], Exhibit | None]] = {
    "start_monday": lambda of: exhibits.start_monday(of.programme, N, SCOPE),
    "initiative_assets": lambda of: exhibits.what_is_missing(
        of.plans.matrix(), of.plans.missing(), of.names, N, SCOPE),
    "effects_known": lambda of: exhibits.effects_known(of.known, of.names, N, SCOPE),
    "claims_weighed": _claims,
    "initiative_worth": lambda of: exhibits.initiative_worth(
        of.found, of.names, {"x": "no reason."}, N, SCOPE),
    "paid_anyway": lambda of: exhibits.paid_anyway(of.found, of.names, N, SCOPE),
    "break_even_points": lambda of: exhibits.break_even_points(
        of.found, of.appraised.break_evens(), of.names, N, SCOPE),
    "value_drivers": _drivers,
    "next_customers": _reach,
    "overlapping": lambda of: exhibits.overlapping(of.pairs, of.plan, of.names, N, SCOPE),
    "next_steps": lambda of: exhibits.what_to_do_next(of.steps, of.found, of.names, N, SCOPE),
    "pilot_size": lambda of: exhibits.pilot_sizes(of.steps, of.names, SCOPE),
    "roadmap_plan": lambda of: exhibits.plan_by_wave(
        roi.bifocal(of.plan), of.plan, of.names, 3, N, SCOPE),
    "roadmap_left_out": lambda of: exhibits.what_does_not_start(
        roi.not_started(of.plan), of.plan, of.names, N, SCOPE),
    "roadmap_spend": lambda of: exhibits.spend_by_wave(of.plan, N, SCOPE),
    "budget_frontier": _frontier,
    "asset_values": lambda of: exhibits.asset_values(
        roi.shadow_values(of.plan), of.names, N, SCOPE),
    "rule_prices": lambda of: exhibits.rule_prices(
        roi.rule_prices(of.plan, 500.0), 500.0, N, SCOPE),
    "lever_balance": lambda of: exhibits.lever_balance(of.plan, of.found, N, SCOPE),
    "target_lists": lambda of: exhibits.lists_made(of.lists(), of.names, SCOPE),
    "review_plan": lambda of: exhibits.review_calendar(of.review(), of.names, SCOPE),
    "review_boundaries": lambda of: exhibits.where_it_stops(of.review(), SCOPE),
    "peeking": lambda of: exhibits.cost_of_peeking(of.review(), SCOPE),
}  # fmt: skip


def trial(responds: float) -> Exhibit | None:
    found = campaign(responds)
    effects, split = found.effects(0.9), found.split(0.05)
    return exhibits.trial_effect(effects, split, {}, found.name, SCOPE)


def _of_kinds(name: str, one: str, other: str) -> Pair:
    return lambda kind: MADE[name](chapter(kind)), one, other


LEARNERS = ("class transformation", "two models")
PAIRS: Mapping[str, Pair] = {
    "start_monday": _of_kinds("start_monday", "plain", "one"),
    "initiative_assets": _of_kinds("initiative_assets", "plain", "build"),
    "effects_known": _of_kinds("effects_known", "plain", "harm"),
    "claims_weighed": _of_kinds("claims_weighed", "claims", "more claims"),
    "initiative_worth": _of_kinds("initiative_worth", "harm", "one"),
    "paid_anyway": _of_kinds("paid_anyway", "plain", "harm"),
    "break_even_points": _of_kinds("break_even_points", "plain", "harm"),
    "next_customers": _of_kinds("next_customers", "bend", "steep"),
    "overlapping": _of_kinds("overlapping", "plain", "eager"),
    "next_steps": _of_kinds("next_steps", "harm", "one"),
    "pilot_size": _of_kinds("pilot_size", "pilot", "timid"),
    "roadmap_plan": _of_kinds("roadmap_plan", "three", "one"),
    "roadmap_left_out": _of_kinds("roadmap_left_out", "dear", "harm"),
    "roadmap_spend": _of_kinds("roadmap_spend", "plain", "build"),
    "budget_frontier": _of_kinds("budget_frontier", "poorer", "poor and good"),
    "asset_values": _of_kinds("asset_values", "plain", "build"),
    "rule_prices": _of_kinds("rule_prices", "poor", "poorer"),
    "lever_balance": _of_kinds("lever_balance", "plain", "one"),
    "target_lists": _of_kinds("target_lists", "plain", "one"),
    "review_plan": (
        lambda looks: exhibits.review_calendar(chapter().review(looks), {}, SCOPE), 3, 4,
    ),
    "review_boundaries": (
        lambda looks: exhibits.where_it_stops(chapter().review(looks), SCOPE), 3, 4,
    ),
    "peeking": (
        lambda days: exhibits.cost_of_peeking(chapter("grow").review(days=days), SCOPE), 180, 10,
    ),
    "trial_effect": (trial, 20.0, 30.0),
    "targeting_policies": (
        lambda size: exhibits.targeting_policies(choosing(of_size=size), SCOPE), 3, 4,
    ),
    "qini": (
        lambda more: exhibits.qini_curve(choosing(learners=more), SCOPE), LEARNERS[:1], LEARNERS,
    ),
}  # fmt: skip
