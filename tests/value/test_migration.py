"""Migration between tiers: by hand, against other cuts, reconciliation, odd bases, spread."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlib.stats.refusal import Refusal, attempt
from crmlib.stats.tiers import value_tiers
from crmlib.value.migration import FLOWS, Migration, TierRule, value_migration

OPTIONS = {"replications": 20, "seed": 3, "level": 0.9}
HALVES = TierRule((0.5,), ("best", "rest"))
QUINTILES = TierRule((0.2, 0.4, 0.6, 0.8), tuple("12345"))
VALUE = TierRule((0.5, 0.8), tuple("ABC"), of="value")
MONEY = st.one_of(st.just(0.0), st.just(np.nan), st.integers(-50, 1000).map(float))
BASE = st.lists(st.tuples(MONEY, MONEY), min_size=1, max_size=30)


def base(customers: int = 300, seed: int = 0, spread: float = 1.0) -> np.ndarray:
    """Two periods of skewed values, some of them losses, some customers in one only."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(3, spread, customers)
    values = level * rng.gamma(4, 1 / 4, (2, customers)) - 5
    fate = rng.random(customers)
    values[0, fate < 0.07] = np.nan
    values[1, (fate > 0.05) & (fate < 0.15)] = 0
    return values


def migrate(values, rule: TierRule = QUINTILES, **masks) -> Migration:
    return value_migration(*values, rule, **masks, **OPTIONS)


def test_six_customers_by_hand():
    """Value 40 or more is the best half of four; each customer goes another way."""
    first = [50.0, 40.0, 30.0, 20.0, 0.0, np.nan]
    second = [45.0, 10.0, 60.0, 0.0, 70.0, np.nan]
    found = migrate([first, second], HALVES)
    rows = found.customers.iloc[:5]
    assert rows["flow"].tolist() == ["less", "down", "up", "gone", "new"]
    assert rows["tier_1"].tolist() == ["best", "best", "rest", "rest", "new"]
    assert rows["tier_2"].tolist() == ["best", "rest", "best", "gone", "best"]
    assert found.customers.iloc[5].isna().all()
    change = {"down": -30, "less": -5, "gone": -20, "up": 30, "more": 0, "new": 70}
    assert found.flows["change"].to_dict() == change
    assert found.flows["value_share"].to_dict() == pytest.approx(
        {flow: money / 140 for flow, money in change.items()}
    )
    assert found.flows.loc["gone", "customer_share"] == 0.25
    assert found.bounds["lower_1"].tolist() == [40, -np.inf]
    assert (found.total_1, found.total_2, found.placed_1, found.n) == (140, 185, 140, 5)
    assert found.down_beyond_gone.value == pytest.approx(10 / 140)
    assert found.less_beyond_gone.value == pytest.approx(15 / 140)
    cell = found.matrix.set_index(["tier_1", "tier_2"]).loc[("best", "rest")]
    assert (cell["customers"], cell["change"], cell["share"]) == (1, -30, 0.5)


@given(BASE, st.sampled_from([QUINTILES, VALUE, HALVES]), st.sampled_from(["value", "rank"]))
def test_flows_and_matrix_add_up_to_the_totals(pairs, rule, then):
    first, second = np.array(pairs).T
    rule = TierRule(rule.cuts, rule.labels, rule.of, then)
    one = {"replications": 1, "seed": 0, "level": 0.9}
    found = attempt(value_migration, first, second, rule, **one)
    if isinstance(found, Refusal):
        assert not np.nansum(first) > 0 or "in a resample" in found.reason
        return
    assert found.flows["change"].sum() == pytest.approx(found.total_2 - found.total_1, abs=1e-9)
    assert found.total_1 == pytest.approx(np.nansum(first), abs=1e-9)
    for table in (found.flows, found.matrix):
        assert table["customers"].sum() == found.n
        assert table["value_1"].sum() == pytest.approx(found.total_1, abs=1e-9)
        assert table["value_2"].sum() == pytest.approx(found.total_2, abs=1e-9)
    assert found.customers["flow"].value_counts().to_dict() == {
        flow: count for flow, count in found.flows["customers"].items() if count
    }
    assert np.isfinite(found.flows.to_numpy(float)).all()


def test_tiers_of_distinct_values_are_those_of_other_implementations():
    first, second = base(2000)
    there = first > 0
    found = migrate([first[there], second[there]], VALUE)
    assert (
        found.customers["tier_1"] == value_tiers(first[there], (0.5, 0.8), ["A", "B", "C"])
    ).all()
    found = migrate([first[there], second[there]], QUINTILES)
    rank = pd.Series(first[there]).rank(ascending=False) - 1
    fifth = [str(1 + sum(r >= np.ceil(there.sum() * k / 5) for k in range(1, 5))) for r in rank]
    assert found.customers["tier_1"].tolist() == fifth
    bounds = found.bounds["lower_1"].to_numpy()[:-1]
    later = second[there]
    expected = [str(1 + sum(value < bounds)) if value else "gone" for value in later]
    assert found.customers["tier_2"].tolist() == expected


def test_order_does_not_matter_and_currency_scales_money_alone():
    values = base()
    shuffle = np.random.default_rng(1).permutation(values.shape[1])
    for rule in (QUINTILES, VALUE, TierRule(VALUE.cuts, VALUE.labels, "value", "rank")):
        one, other, cents = (migrate(v, rule) for v in (values, values[:, shuffle], values * 100))
        point = ["customers", "value_1", "value_2", "change", "customer_share", "value_share"]
        pd.testing.assert_frame_equal(one.flows[point], other.flows[point])
        money = ["value_1", "value_2", "change"]
        scaled = cents.flows.assign(**{name: cents.flows[name] / 100 for name in money})
        pd.testing.assert_frame_equal(one.flows, scaled)


def test_what_is_lost_in_all_does_not_depend_on_the_cuts():
    found = [migrate(base(), rule).less_beyond_gone for rule in (QUINTILES, VALUE, HALVES)]
    assert found[0].value == pytest.approx(found[1].value) == pytest.approx(found[2].value)
    assert found[0].lo == pytest.approx(found[1].lo)


def test_a_sinking_base_falls_by_value_and_stands_still_by_rank():
    first = np.arange(1.0, 101)
    by_value = migrate([first, first / 2], QUINTILES)
    by_rank = migrate([first, first / 2], TierRule(QUINTILES.cuts, QUINTILES.labels, then="rank"))
    assert by_value.flows.loc["down", "customers"] > 60
    assert by_rank.flows["customers"].to_dict() == dict.fromkeys(FLOWS, 0) | {"less": 100}
    assert by_rank.bounds["lower_2"].tolist() == (by_rank.bounds["lower_1"] / 2).tolist()


def test_equal_values_stand_in_one_tier_and_do_not_move():
    found = migrate([[10.0] * 6, [10.0] * 6], QUINTILES)
    assert set(found.customers["tier_1"]) == {"1"}
    assert found.flows["customers"].to_dict() == dict.fromkeys(FLOWS, 0) | {"more": 6}
    assert found.flows["change"].eq(0).all()


def test_one_customer_and_all_gone():
    one = migrate([[5.0], [3.0]], QUINTILES)
    assert one.flows.loc["down", "customers"] == 1  # 3 is below the only level there was
    gone = migrate([[5.0, 4, 3], [np.nan, 0, 0]], TierRule((0.5,), ("a", "b"), then="rank"))
    assert gone.flows.loc["gone", ["customer_share", "value_share"]].tolist() == [1, -1]
    assert gone.total_2 == 0 and np.isfinite(gone.flows.to_numpy(float)).all()


@pytest.mark.parametrize(
    "first, message",
    [
        ([0.0, np.nan], "nobody is there in all of period 1"),
        ([-5.0, 2.0], "value of period 1 is -3"),
    ],
)
def test_without_a_base_it_is_refused(first, message):
    refused = attempt(value_migration, first, [1.0, 1.0], QUINTILES, **OPTIONS)
    assert isinstance(refused, Refusal) and message in refused.reason


def test_who_leaves_half_way_is_gone_and_who_came_half_way_is_new():
    """Without the masks both would count as migration."""
    first, second = [40.0, 30, 20, 10], [5.0, 30, 20, 45]
    plain = migrate([first, second], HALVES)
    assert plain.customers["flow"].tolist() == ["down", "more", "more", "up"]
    masks = {"leaving": [True, False, False, False], "joining": [False, False, False, True]}
    found = migrate([first, second], HALVES, **masks)
    assert found.customers["flow"].tolist() == ["gone", "more", "more", "new"]
    assert found.flows["change"].to_dict() == dict.fromkeys(FLOWS, 0) | {"gone": -35, "new": 35}
    assert (found.placed_1, found.total_1) == (90, 100)
    assert found.flows.loc["gone", "value_share"] == pytest.approx(-35 / 90)
    assert found.flows["change"].sum() == found.total_2 - found.total_1


def test_intervals_agree_with_repeated_sampling():
    """Spread over fresh bases of 800 against the mean bootstrap interval of eight (±25 %)."""
    options = {"replications": 100, "seed": 1, "level": 0.9}
    bases = [base(800, seed=9_000 + seed, spread=0.6) for seed in range(8)]
    found = sum(value_migration(*each, QUINTILES, **options).flows for each in bases) / 8
    shares = ["customer_share", "value_share"]
    none = {"replications": 1, "seed": 1, "level": 0.9}
    fresh = [
        value_migration(*base(800, seed, spread=0.6), QUINTILES, **none).flows[shares]
        for seed in range(300)
    ]
    for share in shares:
        lo, hi = np.quantile([table[share] for table in fresh], [0.05, 0.95], axis=0)
        width = found[f"{share}_hi"] - found[f"{share}_lo"]
        assert width.to_numpy() == pytest.approx(hi - lo, rel=0.25)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (((0.5, 0.5), ("a", "b", "c")), "cuts must increase"),
        (((0.5,), ("a",)), "1 cuts need 2 labels"),
        (((0.5,), ("a", "gone")), "no tier may be called gone or new"),
        (((0.5,), ("a", "b"), "profit"), "no tiers of 'profit'"),
    ],
)
def test_impossible_rules_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        TierRule(*arguments)


def test_impossible_columns_are_named():
    with pytest.raises(ValueError, match="value_2 must be finite or missing, not at 1"):
        migrate([[1.0, 2.0], [1.0, np.inf]])
    with pytest.raises(ValueError, match="equal length"):
        migrate([[1.0, 2.0], [1.0]])
    with pytest.raises(ValueError, match="equal length"):
        migrate([[1.0, 2.0], [1.0, 2.0]], leaving=[True])
