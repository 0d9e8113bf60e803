"""Values by wave of start, and the plan made of them."""

from dataclasses import replace

import numpy as np
import pytest

from crmlib.roi import (
    Calendar,
    appraise,
    evidence,
    next_steps,
    overlaps,
    part_of_budget,
    plan_waves,
    staged,
    started,
)
from crmlib.stats.optimise import NotIdentified
from tests.roi.small_client import CALENDAR, NOT_GIVEN, base, initiatives, plans

HOW = {"wave_months": 3, "pilot_waves": 1, "risk_aversion": 0.0, "tail": 0.1,
       "self_funding": False, "minimum_share": {}}  # fmt: skip
GOOD = {"segments": "high", "unit_cost": 1.0, "prior_mean": 0.03, "prior_sd": 0.001}


def chapter(table, **tables):
    given, plan = base(), plans(table, **tables)
    chosen = given.select(plan.initiatives)
    known = evidence(plan.initiatives, None, spread=0.0, factors={}, n_draws=600, seed=3)
    found = appraise(
        plan.initiatives, given, chosen, known, take_up_cv=0.0, trim=True, seed=3
    ).found
    steps = next_steps(found, known, pilot_share=0.2, pilot_cost_share=1.0, margin_sd=0.5,
                       harm_level=0.05, alpha=0.05, power=0.8)  # fmt: skip
    pairs = overlaps(found, chosen.table, given.cell, plan.initiatives["reach"])
    return plan, found, steps, pairs


def test_a_later_start_has_less_of_the_horizon_left_and_is_paid_later():
    _, found, _, _ = chapter(initiatives(one=GOOD))
    waves = staged(found, ["one"], n_waves=3, wave_months=6)
    case = found.cases["one"]
    np.testing.assert_allclose(waves.values[:, 0, 0], case.npv)
    for wave in (1, 2):
        left = replace(case, calendar=Calendar(3.0 - wave / 2, CALENDAR.discount_rate))
        np.testing.assert_allclose(waves.values[:, 0, wave], left.npv / 1.1 ** (wave / 2))
    assert waves.cost[0] == pytest.approx(case.costs.mean())
    # what comes back in all waves of a year and a half, costs not taken off
    early = replace(case.expected(), calendar=Calendar(1.5, CALENDAR.discount_rate))
    assert waves.returns[0].sum() == pytest.approx(float(early.npv[0] + early.costs[0]))


def test_waves_beyond_the_horizon_and_nothing_to_start_are_named():
    _, found, _, _ = chapter(initiatives(one=GOOD))
    with pytest.raises(NotIdentified, match="wave 4 begins 36 months ahead"):
        staged(found, ["one"], n_waves=4, wave_months=12)
    with pytest.raises(NotIdentified, match="nothing to start"):
        staged(found, [], n_waves=4, wave_months=1)


def test_the_plan_starts_what_pays_and_its_worth_is_that_of_the_draws():
    plan, found, steps, pairs = chapter(initiatives(good=GOOD, bad=GOOD | {"fixed_cost": 1e5}))
    road = plan_waves(plan, found, steps, pairs, **HOW)
    assert started(road) == ["good"]
    assert road.mean == pytest.approx(found.draws["good"].mean())
    assert part_of_budget(road, 0.1) == 500.0


def test_removing_an_asset_that_is_owned_delays_or_stops_what_needs_it():
    table = initiatives(good=GOOD)
    owned, found, steps, pairs = chapter(table)
    road = plan_waves(owned, found, steps, pairs, **HOW)
    assert road.starts["wave"].tolist() == [1] and road.builds.empty
    gone = replace(owned, assets=owned.assets.assign(owned=False))
    road = plan_waves(gone, found, steps, pairs, **HOW)
    # built in wave 1 for 100, so that it can start in wave 2
    assert road.starts["wave"].tolist() == [2] and road.builds["asset"].tolist() == ["there"]
    dear = replace(gone, assets=gone.assets.assign(build_cost=1e6))
    assert started(plan_waves(dear, found, steps, pairs, **HOW)) == []


def test_what_is_piloted_starts_behind_its_pilot_and_what_is_planned_late_stays_late():
    cheap = GOOD | {"fixed_cost": 50.0}
    plan, found, steps, pairs = chapter(initiatives(a=cheap, b=cheap | {"earliest_wave": 2}))
    steps.table.loc["a", "verdict"] = "pilot"
    yearly = plan_waves(plan, found, steps, pairs, **(HOW | {"wave_months": 12}))
    assert yearly.starts["wave"].tolist() == [2, 2]
    # who stays a year is known after a year: four waves of three months
    assert started(plan_waves(plan, found, steps, pairs, **HOW)) == ["b"]


def test_a_pilot_of_margin_is_read_sooner_than_one_of_retention():
    table = initiatives(a=GOOD | {"effect_unit": "margin_pct", "prior_mean": 0.2, "prior_sd": 0.01})
    plan, found, steps, pairs = chapter(table)
    steps.table.loc["a", "verdict"] = "pilot"
    assert plan_waves(plan, found, steps, pairs, **HOW).starts["wave"].tolist() == [2]


def test_budgets_are_needed_and_a_budget_of_zero_starts_nothing():
    table = initiatives(good=GOOD)
    plan, found, steps, pairs = chapter(table, budgets=NOT_GIVEN)
    with pytest.raises(NotIdentified, match="gave no such table"):
        plan_waves(plan, found, steps, pairs, **HOW)
    plan, found, steps, pairs = chapter(table)
    nothing = replace(plan, budgets=plan.budgets.assign(cap=0.0))
    road = plan_waves(nothing, found, steps, pairs, **HOW)
    assert started(road) == []
    with pytest.raises(NotIdentified, match="no wave has a budget"):
        part_of_budget(road, 0.1)


def test_plans_without_assets_wait_for_nothing():
    table = initiatives(one={})
    plan = plans(table, assets=NOT_GIVEN, requires=NOT_GIVEN, processes=NOT_GIVEN,
                 budgets=NOT_GIVEN)  # fmt: skip
    assert plan.first_wave().tolist() == [1] and plan.waves == 1
    assert plan.missing().loc["one", "ready"]
    late = plans(
        initiatives(one={"earliest_wave": 2}),
    )
    assert late.first_wave().tolist() == [2]
