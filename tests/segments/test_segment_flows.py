"""Flows reconcile to the counts and the value of both dates; forecasts cover what follows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.segments.dynamics import CAME, LEFT, forecast_sizes, segment_flows
from crmlib.stats.optimise import NotIdentified

ORDER = ("gold", "silver", "bronze")
OPTIONS = {"replications": 50, "seed": 3, "level": 0.9}
PLACE = st.sampled_from([*ORDER, None])
PEOPLE = st.lists(
    st.tuples(PLACE, PLACE, st.integers(-50, 500), st.integers(-50, 500)), min_size=1, max_size=40
)


def series(values) -> pd.Series:
    return pd.Series(values, index=[f"c{at}" for at in range(len(values))]).dropna()


def flows(before, after, first, second, **options):
    given = (series(list(x)) for x in (before, after, first, second))
    return segment_flows(*given, ORDER, **(OPTIONS | options))


def test_six_customers_by_hand():
    found = flows(
        ["gold", "gold", "silver", "bronze", None, "bronze"],
        ["gold", "silver", "gold", None, "bronze", "bronze"],
        [100.0, 80, 20, 10, 0, 5],
        [110.0, 30, 90, 7, 8, 6],
    )
    movement = found.movement
    assert movement["customers"].to_dict() == {
        "stayed": 2, "up": 1, "down": 1, "left": 1, "came": 1, "net": 0,
    }  # fmt: skip
    # who left takes the value of before; what is booked afterwards is not theirs as customers
    assert movement["amount"].to_dict() == {
        "stayed": 11, "up": 70, "down": -50, "left": -10, "came": 8, "net": 20,
    }  # fmt: skip
    assert found.of("down").value == pytest.approx(1 / 5)
    assert found.of("down", "change").value == pytest.approx(-50 / 215)
    cell = found.matrix.set_index(["before", "after"]).loc[("gold", "silver")]
    assert (cell["customers"], cell["change"], cell["share"]) == (1, -50, 0.5)
    assert found.sizes.loc["bronze"].tolist() == [2, 1, 0, 0, 1, 1, 2]


@settings(max_examples=40, deadline=None)
@given(PEOPLE)
def test_flows_reconcile_to_both_dates(people):
    before, after, first, second = (list(column) for column in zip(*people, strict=True))
    here, there = series(before), series(after)
    if here.empty:
        with pytest.raises(NotIdentified, match="first date"):
            flows(before, after, first, second)
        return
    found = flows(before, after, first, second, replications=3)
    matrix, sizes = found.matrix, found.sizes
    for name in ORDER:
        out = matrix[matrix["before"] == name]
        into = matrix[matrix["after"] == name]
        assert out["customers"].sum() == sizes.loc[name, "before"] == (here == name).sum()
        assert into["customers"].sum() == sizes.loc[name, "after"] == (there == name).sum()
    signs = {"before": 1, "moved_in": 1, "came": 1, "moved_out": -1, "left": -1, "after": -1}
    assert not sizes[list(signs)].mul(pd.Series(signs)).sum(axis=1).any()
    assert (sizes["before"] - sizes["moved_out"] - sizes["left"]).equals(sizes["stayed"])
    moves = found.movement.drop("net")
    change = series(second).reindex(there.index).sum() - series(first).reindex(here.index).sum()
    assert moves["amount"].sum() == pytest.approx(change)
    assert moves["customers"].sum() == found.n == len(here.index.union(there.index))
    assert matrix["value_before"].sum() == pytest.approx(found.value_before)
    assert not ((matrix["before"] == CAME) & (matrix["after"] == LEFT)).any()


def test_net_movement_is_nothing_where_borders_are_crossed_by_chance():
    """Noise at the borders moves a fifth up and a fifth down; the net interval holds zero."""
    rng = np.random.default_rng(5)
    level = rng.normal(size=4_000)
    first, second = (np.searchsorted([-0.6, 0.6], -(level + 0.5 * rng.normal(size=4_000)))
                     for _ in range(2))  # fmt: skip
    names = np.array(ORDER)
    found = flows(names[first], names[second], np.ones(4_000), np.ones(4_000), replications=200)
    assert found.of("up").value > 0.1
    assert found.of("down").lo > 0.1
    assert 0 in found.of("net")


@pytest.mark.slow
def test_intervals_of_movement_cover_the_truth():
    rng = np.random.default_rng(8)
    hits = 0
    for seed in range(120):
        kind = rng.choice(4, 400, p=[0.7, 0.1, 0.15, 0.05])
        after = [["silver", "gold", "bronze", None][k] for k in kind]
        found = flows(
            ["silver"] * 400, after, np.ones(400), np.ones(400), replications=100, seed=seed
        )
        hits += 0.15 in found.of("down")
    assert 0.83 <= hits / 120 <= 0.95


RATES = np.array([[0.8, 0.1, 0.02, 0.08], [0.05, 0.8, 0.1, 0.05], [0.01, 0.09, 0.7, 0.2]])
ARRIVALS = np.array([10.0, 40.0, 90.0])


def year(sizes, rng) -> tuple[pd.Series, pd.Series, np.ndarray]:
    """Segments before and after one year of a Markov chain, and sizes afterwards."""
    names = np.array([*ORDER, None], dtype=object)
    start = np.repeat(np.arange(3), sizes)
    end = np.array([rng.choice(4, p=RATES[s]) for s in start])
    new = np.repeat(np.arange(3), rng.poisson(ARRIVALS))
    after = np.concatenate([end, new])
    before = np.concatenate([start, np.full(len(new), 3)])
    return (
        series(list(names[before])),
        series(list(names[after])),
        np.bincount(after, minlength=4)[:3],
    )


@pytest.mark.slow
def test_forecast_intervals_cover_next_year():
    rng = np.random.default_rng(4)
    hits, n = np.zeros(4), 100
    for seed in range(n):
        before, after, now = year([150, 400, 300], rng)
        forecast = forecast_sizes(before, after, ORDER, replications=200, seed=seed, level=0.9)
        then = year(now, rng)[2]
        then = np.append(then, then.sum())
        hits += (then >= forecast.table["lo"]) & (then <= forecast.table["hi"])
    assert (hits / n >= 0.83).all()
    assert (hits / n <= 0.97).all()


def test_forecast_by_hand_and_of_a_segment_without_history():
    before = series(["gold"] * 20 + ["silver"] * 20 + [None] * 6)
    after = series(["gold"] * 15 + ["silver"] * 5 + ["silver"] * 20 + ["bronze"] * 6)
    found = forecast_sizes(before, after, ORDER, replications=50, seed=1, level=0.9)
    assert found.table.loc["gold", "expected"] == pytest.approx(15 * 0.75)
    assert found.pooled == ("bronze",)
    assert found.table.loc["all", "expected"] == pytest.approx(46 + 6)
    assert found.table["expected"].iloc[:3].sum() == pytest.approx(found.table["expected"].iloc[3])


def test_same_customers_in_other_order_give_the_same_flows():
    rng = np.random.default_rng(1)
    names = np.array(ORDER)
    before, after = (series(list(names[rng.integers(0, 3, 200)])) for _ in range(2))
    value = series(list(rng.gamma(1, 10, 200)))
    one = segment_flows(before, after, value, value, ORDER, **OPTIONS)
    two = segment_flows(before[::-1], after.sample(frac=1, random_state=1), value, value, ORDER,
                        **OPTIONS)  # fmt: skip
    pd.testing.assert_frame_equal(one.matrix, two.matrix)
    pd.testing.assert_frame_equal(one.movement, two.movement)


def test_unknown_segments_and_customers_twice_are_refused():
    gold = pd.Series(["gold"], index=["a"])
    with pytest.raises(ValueError, match="not in the order"):
        segment_flows(gold, gold.replace("gold", "tin"), gold.map(len), gold.map(len), ORDER,
                      **OPTIONS)  # fmt: skip
    twice = pd.concat([gold, gold])
    with pytest.raises(ValueError, match="stands twice"):
        segment_flows(twice, gold, gold.map(len), gold.map(len), ORDER, **OPTIONS)
