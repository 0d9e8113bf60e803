"""Net present value by hand, and its odds."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from crmlib.roi.increments import annuity, retention_increment
from crmlib.roi.npv import npv
from crmlib.stats.optimise import NotIdentified
from tests.roi.small_base import CALENDAR, economics, initiative

BASE = economics(
    high_active=(0.9, 600.0, 400), low_active=(0.8, 40.0, 2000), low_lapsed=(0.1, 0.0, 300)
)
SEGMENTS = list(BASE.table.index)


def chosen(**numbers):
    return pd.DataFrame([numbers], index=["keep"]).reindex(columns=SEGMENTS, fill_value=0)


def worked(plan, who, effect, **settings):
    who = who.set_axis(plan.index)
    effects = {"keep": np.broadcast_to(np.asarray(effect, float), (200, len(SEGMENTS)))}
    return npv(plan, who, effects, BASE, **{"take_up_cv": 0.0, "seed": 1} | settings)


def test_retention_by_hand():
    found = worked(initiative(), chosen(high_active=400), 0.05)
    each = retention_increment(600.0, 0.9, 0.05, 2.0, CALENDAR)
    expected = 400 * 0.5 * 0.2 * (each - 10) - 1000
    assert found.table.loc["keep", "npv"] == pytest.approx(expected, rel=1e-3)
    assert found.table.loc["keep", "adopters"] == 40
    assert found.table.loc["keep", "cost"] == 1400


def test_every_adopter_is_paid_for_and_so_a_discount_can_turn_to_a_loss():
    dear = worked(initiative(unit_cost=30.0, fixed_cost=0.0), chosen(low_active=2000), 0.04)
    assert dear.table.loc["keep", "cost"] == pytest.approx(2000 * 0.5 * 0.2 * 30)
    assert dear.table.loc["keep", "paid_anyway"] == pytest.approx(0.96 * 6000)
    changed_only = dear.table.loc["keep", "value"] - 0.04 * 6000
    assert changed_only > 0 > dear.table.loc["keep", "npv"]


def test_customers_who_are_won_cost_what_winning_costs():
    plan = initiative(effect_unit="cpa", volume=50.0, unit_cost=0.0)
    found = worked(plan, chosen(high_active=1, low_active=3), 80.0)
    new = 0.25 * 600 * annuity(0.9, CALENDAR) + 0.75 * 40 * annuity(0.8, CALENDAR)
    assert found.table.loc["keep", "npv"] == pytest.approx(50 * (new - 80) - 1000, rel=1e-3)


def test_who_comes_back_becomes_like_the_active_of_his_tier():
    plan = initiative(
        effect_unit="reactivation_pp", half_life=np.inf, unit_cost=0.0, fixed_cost=0.0
    )
    with pytest.raises(NotIdentified, match="half_life"):
        worked(plan, chosen(low_lapsed=300), 0.1)
    plan["half_life"] = 1e9
    found = worked(plan, chosen(low_lapsed=300), 0.1)
    expected = 300 * 0.1 * 0.1 * 40 * annuity(0.8, CALENDAR)
    assert found.table.loc["keep", "npv"] == pytest.approx(expected, rel=1e-3)


def test_who_moves_up_becomes_like_the_tier_above():
    plan = initiative(
        effect_unit="migration_pp", to_tier="high", half_life=1e9, unit_cost=0.0, fixed_cost=0.0
    )
    found = worked(plan, chosen(low_active=2000), 0.02)
    gain = 600 * annuity(0.9, CALENDAR) - 40 * annuity(0.8, CALENDAR)
    expected = 2000 * 0.1 * 0.02 * gain
    assert found.table.loc["keep", "npv"] == pytest.approx(expected, rel=1e-3)


def test_a_tier_that_is_not_there_is_named():
    plan = initiative(effect_unit="migration_pp", to_tier="hihg")
    with pytest.raises(NotIdentified, match=r"tier hihg\. Did you mean `high`"):
        worked(plan, chosen(low_active=2000), 0.02)


def test_odds_are_those_of_the_effect():
    """Value is linear in an effect on margin: odds are a normal's tail area."""
    effect = np.random.default_rng(2).normal(0.05, 0.05, (4000, 1)) * np.ones(len(SEGMENTS))
    plan = initiative(effect_unit="margin_pct", unit_cost=0.0)
    found = npv(plan, chosen(high_active=400), {"keep": effect}, BASE, take_up_cv=0.0, seed=1)
    one = worked(plan, chosen(high_active=400), 1.0).table.loc["keep", "value"]
    threshold = 1000 / one
    odds = norm.sf((threshold - 0.05) / 0.05)
    assert found.table.loc["keep", "p_positive"] == pytest.approx(odds, abs=0.03)
    low, high = found.table.loc["keep", ["p5", "p95"]]
    assert low == pytest.approx((0.05 - 1.645 * 0.05) * one - 1000, rel=0.1)
    assert high == pytest.approx((0.05 + 1.645 * 0.05) * one - 1000, rel=0.1)


def test_common_random_numbers_make_twins_equal_and_differences_exact():
    plan = pd.concat([initiative(), initiative(unit_cost=12.0).rename({"keep": "twin"})])
    who = pd.concat([chosen(high_active=400), chosen(high_active=400).rename({"keep": "twin"})])
    effects = {name: np.full((500, 3), 0.05) for name in plan.index}
    found = npv(plan, who, effects, BASE, take_up_cv=0.0, seed=1)
    np.testing.assert_allclose(found.draws["keep"] - found.draws["twin"], 40 * 2.0)


def test_take_up_scatters_as_it_is_said_to():
    found = worked(initiative(), chosen(high_active=400), 0.05, take_up_cv=0.3)
    take_up = found.cases["keep"].take_up
    assert take_up.mean() == pytest.approx(0.2, abs=0.02)
    assert take_up.std() == pytest.approx(0.06, rel=0.2)


def test_payback_is_the_month_in_which_the_balance_is_made_up():
    plan = initiative(effect_unit="margin_pct", half_life=1e9, unit_cost=0.0, fixed_cost=1000.0)
    found = worked(plan, chosen(high_active=400), 0.10)
    months = np.arange(1, 37)
    earned = np.cumsum(400 * 0.1 * 60 / 12 * 0.9 ** (months / 12) * 1.1 ** (-months / 12))
    assert found.table.loc["keep", "payback"] == months[earned > 1000][0]
    never = worked(plan.assign(fixed_cost=1e6), chosen(high_active=400), 0.10)
    assert np.isinf(never.table.loc["keep", "payback"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"unit_cost": -5.0}, "unit_cost must be a number of 0 or more, found -5.0"),
        ({"fixed_cost": np.nan}, "fixed_cost must be a number"),
        ({"effect_unit": "cpa"}, "needs a volume"),
        ({"effect_unit": "cpa", "volume": np.inf}, "needs a volume"),
        ({"effect_unit": "retention"}, "effect_unit retention is unknown"),
        ({"take_up": 1.5}, "take_up is a share of 0 to 1, found 1.5"),
        ({"unit_cost": "dear"}, "unit_cost must be a number of 0 or more, found dear"),
    ],
)
def test_a_row_that_says_nothing_is_refused_by_its_column(change, says):
    with pytest.raises(NotIdentified, match=says):
        worked(initiative(**change), chosen(high_active=400), 0.05)


def test_an_empty_segment_is_left_out_and_the_rest_goes_on():
    plan = pd.concat([initiative(), initiative().rename({"keep": "nobody"})])
    who = pd.concat([chosen(high_active=400), chosen().rename({"keep": "nobody"})])
    who = pd.DataFrame(
        [[400, 0, 0], [0, 0, 0]],
        index=plan.index,
        columns=["high_active", "low_active", "low_lapsed"],
    )
    effects = {name: np.full((50, 3), 0.05) for name in plan.index}
    found = npv(plan, who, effects, BASE, take_up_cv=0.0, seed=1)
    assert list(found.table.index) == ["keep"]
    assert found.left_out == {"nobody": "nobody is in the segments that it is for"}


def test_an_initiative_of_which_nothing_is_known_is_left_out():
    effects = {"other": np.zeros((5, 3))}
    with pytest.raises(NotIdentified, match="keep: nothing is known of its effect"):
        npv(initiative(), chosen(high_active=1), effects, BASE, take_up_cv=0.0, seed=1)


def test_what_is_not_a_number_does_not_pass_as_worth():
    with pytest.raises(NotIdentified, match="its effect is not a number"):
        worked(initiative(), chosen(high_active=400), np.nan)
    with pytest.raises(NotIdentified, match="not known in every segment"):
        worked(initiative(), chosen(high_active=400, low_active=np.nan), 0.05)


def test_effects_without_a_column_for_each_segment_and_twice_named_initiatives_are_misuse():
    who = chosen(high_active=400)
    for shape in ((5,), (5, 1), (5, 2), (0, 3)):
        with pytest.raises(ValueError, match=r"effects must be of shape \(n_draws, 3\)"):
            npv(initiative(), who, {"keep": np.zeros(shape)}, BASE, take_up_cv=0.0, seed=1)
    twice = pd.concat([initiative(), initiative()])
    with pytest.raises(ValueError, match="one row"):
        npv(twice, who, {"keep": np.zeros((5, 3))}, BASE, take_up_cv=0.0, seed=1)
