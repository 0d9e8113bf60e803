"""Balance of spend: by hand, invariances, negative values, intervals, refusals."""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.refusal import Refusal, attempt
from crmlib.stats.tiers import value_deciles
from crmlib.value.balance import (
    BALANCED,
    NO_GROUP,
    NO_VALUE,
    OVER,
    UNDER,
    balance_of_spend,
    group_codes,
)

OPTIONS = {"replications": 200, "seed": 2, "level": 0.9}


def base(customers: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Everybody costs about the same, value is unequal."""
    rng = np.random.default_rng(seed)
    value = rng.lognormal(4, 1, customers)
    return rng.gamma(4, 5, customers), value, value_deciles(value)


def test_three_groups_by_hand():
    """Costs 60/30/10, values 30/30/40: 30 of 100 must move to the third group."""
    cost = [30.0, 30, 15, 15, 5, 5] * 30
    value = [15.0, 15, 15, 15, 20, 20] * 30
    found = balance_of_spend(cost, value, list("aabbcc") * 30, **OPTIONS)
    groups = found.groups
    assert groups.index.tolist() == ["a", "b", "c"]
    assert groups["customers"].tolist() == [60, 60, 60]
    assert groups["cost_share"].tolist() == pytest.approx([0.6, 0.3, 0.1])
    assert groups["ratio"].tolist() == pytest.approx([2, 1, 0.25])
    assert groups["gap"].tolist() == pytest.approx([0.3, 0, -0.3])
    assert groups["to_move"].tolist() == pytest.approx([-900, 0, 900])
    assert groups["verdict"].tolist() == [OVER, BALANCED, UNDER]
    assert found.moved.value == pytest.approx(0.3) and found.amount == pytest.approx(900)
    assert found.n == 180


def test_sums_reconcile_and_the_move_equalises():
    cost, value, groups = base()
    found = balance_of_spend(cost, value, groups, **OPTIONS).groups
    by_hand = pd.DataFrame({"cost": cost, "value": value}).groupby(groups).sum()
    assert found["cost"].to_numpy() == pytest.approx(by_hand["cost"].to_numpy(), rel=1e-9)
    assert found["value"].sum() == pytest.approx(value.sum(), rel=1e-9)
    for share in ("cost_share", "value_share"):
        assert found[share].sum() == pytest.approx(1)
    assert found["to_move"].sum() == pytest.approx(0, abs=1e-9 * cost.sum())
    moved = found["cost"] + found["to_move"]
    again = (moved / moved.sum()).to_numpy()
    assert again == pytest.approx(found["value_share"].to_numpy())


def test_order_and_units_do_not_matter():
    cost, value, groups = base()
    one = balance_of_spend(cost, value, groups, **OPTIONS).groups
    scaled = balance_of_spend(cost * 100, value * 100, groups, **OPTIONS).groups
    money = ["cost", "value", "to_move"]
    scaled = scaled.assign(**{name: scaled[name] / 100 for name in money})
    pd.testing.assert_frame_equal(one, scaled)
    shuffle = np.random.default_rng(1).permutation(cost.size)
    other = balance_of_spend(*(c[shuffle] for c in (cost, value, groups)), **OPTIONS).groups
    point = ["customers", "cost_share", "value_share", "ratio", "gap", "to_move"]
    pd.testing.assert_frame_equal(one[point], other[point])


def test_a_group_that_will_bring_a_loss_keeps_nothing():
    cost = [10.0] * 30
    value = [20.0] * 10 + [10.0] * 10 + [-5.0] * 10
    found = balance_of_spend(cost, value, ["a"] * 10 + ["b"] * 10 + ["c"] * 10, **OPTIONS)
    groups = found.groups
    assert groups["value_share"].tolist() == pytest.approx([0.8, 0.4, -0.2])
    assert groups["to_move"].tolist() == pytest.approx([100, 0, -100])
    assert groups["verdict"].tolist()[2] == NO_VALUE
    assert np.isnan(groups.loc["c", ["ratio", "ratio_lo", "ratio_hi"]].to_numpy(float)).all()
    assert np.isfinite(groups.loc["c", ["gap", "gap_lo", "gap_hi"]].to_numpy(float)).all()


def test_a_ratio_without_an_upper_bound_has_none():
    """The group's value hangs on one customer, whom a third of the resamples misses."""
    value = [100.0] * 50 + [5.0] + [0.0] * 9
    found = balance_of_spend([1.0] * 60, value, ["a"] * 50 + ["b"] * 10, **OPTIONS).groups
    assert found.loc["b", "ratio"] == pytest.approx((10 / 60) / (5 / 5005))
    assert np.isnan(found.loc["b", "ratio_hi"]) and found.loc["b", "verdict"] == OVER


def test_a_gap_that_chance_may_have_made_is_not_told_apart():
    cost, value, _ = base(customers=40)
    found = balance_of_spend(cost, value, np.arange(40) % 2, **OPTIONS).groups
    assert (found["gap"].abs() > 0.005).all()
    assert found["verdict"].tolist() == [BALANCED, BALANCED]
    assert ((found["gap_lo"] < 0) & (found["gap_hi"] > 0)).all()


def test_equal_customers_and_one_customer_are_in_balance():
    equal = balance_of_spend([2.0] * 40, [7.0] * 40, [1, 2] * 20, **OPTIONS)
    assert equal.groups["verdict"].tolist() == [BALANCED, BALANCED]
    assert equal.groups["ratio"].tolist() == [1, 1] and equal.moved.value == 0
    one = balance_of_spend([2.0], [7.0], ["a"], **OPTIONS).groups
    assert one.loc["a", ["ratio", "ratio_lo", "ratio_hi", "to_move"]].tolist() == [1, 1, 1, 0]


def test_customers_without_a_group_form_one():
    found = balance_of_spend([1.0] * 20, [1.0] * 20, ["a", None] * 10, **OPTIONS).groups
    assert found["customers"].to_dict() == {"a": 10, NO_GROUP: 10}
    codes, names = group_codes([10, 2, np.nan, 2])
    assert codes.tolist() == [1, 0, 2, 0] and names == [2, 10, NO_GROUP]


def test_interval_of_the_ratio_agrees_with_repeated_sampling():
    """Bootstrap width against the spread over fresh bases of 400 (±30 %)."""
    found = balance_of_spend(*base(seed=99)[:2], np.arange(400) % 2, **OPTIONS).groups
    fresh = []
    for seed in range(400):
        cost, value, _ = base(seed=seed)
        even = np.arange(400) % 2 == 0
        fresh.append(cost[even].sum() / cost.sum() / (value[even].sum() / value.sum()))
    lo, hi = np.quantile(fresh, [0.05, 0.95])
    assert found.loc[0, "ratio_hi"] - found.loc[0, "ratio_lo"] == pytest.approx(hi - lo, rel=0.3)


@pytest.mark.parametrize(
    "cost, value, what",
    [([0.0, 0], [1.0, 1], "total cost is 0"), ([1.0, 1], [1.0, -3], "total future value is -2")],
)
def test_without_a_total_there_are_no_shares(cost, value, what):
    refused = attempt(balance_of_spend, cost, value, ["a", "b"], **OPTIONS)
    assert isinstance(refused, Refusal) and what in refused.reason


def test_impossible_columns_are_named():
    with pytest.raises(ValueError, match="cost must be a column of finite numbers, found nan at"):
        balance_of_spend([1.0, np.nan], [1.0, 1], ["a", "b"], **OPTIONS)
    with pytest.raises(ValueError, match="lengths differ: 2, 2, 1"):
        balance_of_spend([1.0, 1], [1.0, 1], ["a"], **OPTIONS)
