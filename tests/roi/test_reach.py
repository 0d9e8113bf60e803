"""The next customers reached bring less than the first."""

import numpy as np
import pandas as pd
import pytest

from crmlib.roi.increments import annuity, retention_increment
from crmlib.roi.npv import npv
from crmlib.roi.reach import marginal_reach
from crmlib.stats.optimise import NotIdentified
from tests.roi.small_base import CALENDAR, economics, initiative

BASE = economics(high_active=(0.9, 600.0, 200), low_active=(0.8, 40.0, 300))
RNG = np.random.default_rng(3)
VALUE = pd.Series(
    np.r_[RNG.gamma(2, 700, 200), RNG.normal(60, 60, 300)], [f"c{i}" for i in range(500)]
)
SEGMENT = pd.Series(np.repeat([0, 1], [200, 300]), VALUE.index)


def case(**changes):
    plan = initiative(**{"unit_cost": 20.0, "fixed_cost": 500.0} | changes)
    chosen = pd.DataFrame([[200, 300]], index=plan.index, columns=BASE.table.index)
    return npv(plan, chosen, {"keep": np.full((20, 2), 0.05)}, BASE, take_up_cv=0.0, seed=1).cases[
        "keep"
    ]


def by_hand():
    """Net worth of reaching each customer, in the order of value."""
    retention = np.where(SEGMENT == 0, 0.9, 0.8)
    margin = VALUE / annuity(retention, CALENDAR)
    each = retention_increment(margin, retention, 0.05, 2.0, CALENDAR)
    net = pd.Series(0.5 * 0.2 * (each - 20), VALUE.index)
    return net[VALUE.sort_values(ascending=False).index].to_numpy()


def test_steps_are_sums_over_customers():
    found = marginal_reach(case(), SEGMENT, VALUE, steps=10, level=0.9).table
    expected = by_hand().reshape(10, 50).sum(axis=1)
    assert found["increment"].to_numpy() == pytest.approx(expected, rel=2e-3, abs=0.1)
    assert found["total"].to_numpy() == pytest.approx(expected.cumsum() - 500, rel=2e-3, abs=1)
    assert list(found["customers"]) == list(range(50, 501, 50))


def test_the_curve_bends_where_customers_cost_more_than_they_bring():
    found = marginal_reach(case(), SEGMENT, VALUE, steps=10, level=0.9)
    assert 1 <= found.best < 10
    assert (found.table["increment"].loc[: found.best] > 0).all()
    assert found.table["increment"].loc[found.best + 1] < 0


def test_what_never_covers_its_cost_is_not_begun():
    assert marginal_reach(case(fixed_cost=1e6), SEGMENT, VALUE, steps=5, level=0.9).best == 0


def test_too_few_customers_and_other_effects_are_refused():
    with pytest.raises(NotIdentified, match="500 customers cannot be taken in 501 steps"):
        marginal_reach(case(), SEGMENT, VALUE, steps=501, level=0.9)
    won = case(effect_unit="cpa", volume=10.0)
    with pytest.raises(NotIdentified, match="does not hang on the value"):
        marginal_reach(won, SEGMENT, VALUE, steps=5, level=0.9)


def test_customers_without_a_value_are_counted_and_not_reached():
    with pytest.raises(NotIdentified, match="3 customers have no future value"):
        marginal_reach(case(), SEGMENT, VALUE.iloc[3:], steps=5, level=0.9)
    with pytest.raises(ValueError, match="each customer have one row"):
        marginal_reach(case(), pd.concat([SEGMENT, SEGMENT]), VALUE, steps=5, level=0.9)
