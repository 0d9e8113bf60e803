"""Where an initiative begins to pay, and what moves it most."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.roi.break_even import break_even, tornado
from crmlib.roi.economics import PossibleEconomics
from crmlib.roi.increments import annuity
from crmlib.roi.npv import npv
from tests.roi.small_base import economics, initiative

BASE = economics(high_active=(0.9, 600.0, 400), low_active=(0.8, 40.0, 2000))


def case(effect=0.05, sd=0.0, take_up_cv=0.0, who=(400, 0), **changes):
    plan = initiative(**changes)
    chosen = pd.DataFrame([who], index=plan.index, columns=BASE.table.index)
    rng = np.random.default_rng(1)
    effects = {"keep": effect + sd * rng.standard_normal((4000, 1)) * np.ones(2)}
    return npv(plan, chosen, effects, BASE, take_up_cv=take_up_cv, seed=1).cases["keep"]


def worth(one, **scale):
    return one.expected().scaled(**scale).npv[0]


@pytest.mark.parametrize("unit", ["retention_pp", "margin_pct"])
def test_nothing_is_left_over_at_each_break_even(unit):
    one = case(effect_unit=unit)
    found = break_even(one)
    assert worth(one, effect=found.effect / 0.05) == pytest.approx(0, abs=1e-6)
    assert worth(one, unit_cost=found.unit_cost / 10) == pytest.approx(0, abs=1e-6)
    assert worth(one, take_up=found.take_up / 0.2) == pytest.approx(0, abs=1e-6)


def test_effect_on_margin_in_closed_form():
    one = case(effect_unit="margin_pct")
    value = worth(one) + 1400
    assert break_even(one).effect == pytest.approx(0.05 * 1400 / value)


def test_a_customer_who_is_won_may_cost_what_he_is_worth():
    one = case(effect=80.0, effect_unit="cpa", volume=50.0, unit_cost=0.0)
    per_customer = (worth(one) + 50 * 80 + 1000) / 50
    assert break_even(one).effect == pytest.approx(per_customer - 20)
    assert break_even(one).unit_cost == pytest.approx(per_customer - 20 - 80)


def test_what_cannot_pay_at_any_size_has_no_break_even():
    lost = break_even(case(who=(0, 2000), unit_cost=500.0))
    assert np.isnan(lost.effect) and np.isnan(lost.take_up)
    costly = break_even(case(fixed_cost=1e9))
    assert np.isnan(costly.unit_cost) and np.isnan(costly.effect)


def test_a_harmful_effect_still_has_an_effect_that_would_pay():
    harmful, good = case(effect=-0.02), case(effect=0.05)
    assert break_even(harmful).effect == pytest.approx(break_even(good).effect, rel=1e-9)


def test_what_costs_nothing_pays_at_any_effect():
    free = case(unit_cost=0.0, fixed_cost=0.0)
    assert break_even(free).effect == 0 and break_even(free).take_up == 0


def test_nobody_adopts_and_nothing_breaks_even():
    found = break_even(case(take_up=0.0))
    assert np.isnan([found.effect, found.unit_cost, found.take_up]).all()


def test_tornado_is_the_driver_at_its_deciles():
    one = case(effect_unit="margin_pct", sd=0.02, take_up_cv=0.3)
    found = tornado(one)
    assert list(found.index[:2]) in (["effect", "take-up"], ["take-up", "effect"])
    lo, hi = np.quantile(one.effect[:, 0], [0.1, 0.9])
    mean = one.effect.mean()
    assert found.loc["effect", "low"] == pytest.approx(worth(one, effect=lo / mean), rel=1e-9)
    assert found.loc["effect", "high"] == pytest.approx(worth(one, effect=hi / mean), rel=1e-9)


def test_what_is_known_exactly_moves_nothing():
    found = tornado(case(effect_unit="margin_pct", sd=0.02))
    assert "take-up" not in found.index
    assert (np.diff(found["swing"]) <= 0).all()


def unsure(one):
    """The same where retention is all but unknown, and value is known exactly."""
    retention = np.random.default_rng(4).beta([1.8, 1.6], [0.2, 0.4], (4000, 2))
    value = np.array([600.0, 40.0]) * annuity([0.9, 0.8], one.calendar)
    worlds = PossibleEconomics(value / annuity(retention, one.calendar), retention)
    return replace(one, economics=worlds)


def test_unsure_retention_makes_no_customer_worth_more():
    one = unsure(case(effect=80.0, effect_unit="cpa", volume=50.0, unit_cost=0.0))
    assert one.expected().npv[0] == pytest.approx(one.npv.mean(), rel=1e-9)


def test_retention_moves_nothing_where_value_is_all_that_counts():
    found = tornado(unsure(case(effect=80.0, effect_unit="cpa", volume=50.0, unit_cost=0.0)))
    assert found.empty


def test_customers_worth_less_than_what_else_they_cost_may_not_be_won_at_any_price():
    one = case(effect=80.0, effect_unit="cpa", volume=50.0, fixed_cost=1e9)
    assert np.isnan(break_even(one).effect)
