"""Go, pilot or stop: the decision's money is that of the case, and harm is stopped."""

import numpy as np
import pandas as pd
import pytest

from crmlib.roi import appraise, evidence, next_steps
from crmlib.roi.next_steps import outcome_spread
from tests.roi.small_client import base, initiatives, pilot_rows

HOW = {"pilot_share": 0.2, "pilot_cost_share": 0.0, "margin_sd": 0.5, "harm_level": 0.05,
       "alpha": 0.05, "power": 0.8}  # fmt: skip


def decided(table, pilots=None, **changes):
    given = base()
    chosen = given.select(table)
    known = evidence(table, pilots, spread=0.0, factors={}, n_draws=8_000, seed=3)
    found = appraise(table, given, chosen, known, take_up_cv=0.0, trim=False, seed=3).found
    return found, known, next_steps(found, known, **(HOW | changes))


def test_net_worth_per_customer_and_launch_cost_add_up_to_the_expected_npv():
    found, _, steps = decided(
        initiatives(one={"segments": "relationship", "unit_cost": 1.0, "fixed_cost": 50.0})
    )
    row = steps.table.loc["one"]
    expected = found.cases["one"].expected()
    at_once = row["population"] * row["net"] - expected.fixed_cost
    # the effect's spread bends the curve a little: the mean of draws is not the draw at the mean
    assert at_once == pytest.approx(float(expected.npv[0]), rel=0.05)


def test_an_initiative_whose_trials_show_harm_is_stopped_whatever_was_believed():
    rows = pilot_rows("bad", "high", treated=0.80, control=0.90, n=2000)
    table = initiatives(bad={"segments": "high", "prior_mean": 0.05, "prior_sd": 0.05})
    _, _, steps = decided(table, pd.DataFrame(rows))
    row = steps.table.loc["bad"]
    assert row["harmful"] and row["verdict"] == "stop" and row["p_below"] > 0.99
    assert "it does harm" in row["reason"]


def test_a_pilot_is_held_where_its_answer_can_turn_the_decision():
    unsure = {"segments": "high & relationship", "prior_mean": 0.03, "prior_sd": 0.05,
              "reach": 1.0, "take_up": 1.0, "fixed_cost": 100.0, "unit_cost": 22.0}  # fmt: skip
    _, _, steps = decided(initiatives(unsure=unsure, sure=unsure | {"prior_sd": 1e-6}))
    assert steps.table.at["unsure", "verdict"] == "pilot"
    assert steps.table.at["unsure", "worth"] > 0
    assert steps.table.at["sure", "verdict"] in ("go", "stop")
    assert 0 < steps.table.at["unsure", "n_per_arm"] <= 20  # a fifth of 100
    assert steps.plans["unsure"].launch.largest_arm == 20
    _, _, dear = decided(initiatives(unsure=unsure), pilot_cost_share=1e4)
    assert dear.table.at["unsure", "verdict"] != "pilot"


def test_customers_who_are_won_are_their_own_trial():
    won = {"effect_unit": "cpa", "prior_mean": 10.0, "prior_sd": 1.0, "volume": 50.0,
           "fixed_cost": 0.0}  # fmt: skip
    _, _, steps = decided(initiatives(cheap=won, dear=won | {"prior_mean": 1000.0}))
    assert steps.table["verdict"].to_dict() == {"cheap": "go", "dear": "stop"}
    assert steps.plans == {}


def test_the_spread_of_an_outcome_is_measured_or_follows_from_retention():
    found, _, _ = decided(initiatives(one={"segments": "low & relationship"},
                                      two={"effect_unit": "margin_pct"}))  # fmt: skip
    stay = found.cases["one"].expected().economics.retention[0]
    at = list(found.segments).index("low & relationship")
    expected = np.sqrt(stay[at] * (1 - stay[at]))
    assert outcome_spread(found.cases["one"], None, 0.5) == pytest.approx(expected)
    assert outcome_spread(found.cases["one"], 0.123, 0.5) == 0.123
    assert outcome_spread(found.cases["two"], None, 0.5) == 0.5


def test_an_initiative_for_less_than_one_customer_is_stopped_and_the_others_are_decided():
    _, _, steps = decided(initiatives(few={"segments": "high & relationship", "reach": 0.001},
                                      many={}))  # fmt: skip
    assert steps.table.at["few", "verdict"] == "stop"
    assert "reaches no customer" in steps.table.at["few", "reason"]
    assert "many" in steps.plans and "few" not in steps.plans
