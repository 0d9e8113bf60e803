"""Whatever the base, every customer is in exactly one segment, and no segment is empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmlib import segments
from crmlib.segments.behaviour import INACTIVE
from crmlib.segments.densities import METHODS
from crmlib.segments.ladder import ALL, build_ladder
from crmlib.stats.refusal import Refusal
from tests.segments.whole_chapter import TIERS, Chapter, segmented

N = 320


def usual(n: int = N, seed: int = 1) -> pd.DataFrame:
    """Customers of three kinds who buy in two channels."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    centre = np.array([[2.0, 9, 1], [8, 2, 5], [5, 5, 14]])[kind]
    amounts = centre * rng.lognormal(0, 0.3, (n, 3))
    columns = ["frequency", "cost_in_branch", "cost_in_app"]
    table = pd.DataFrame(np.column_stack([np.ceil(amounts[:, 0]), amounts[:, 1:]]), columns=columns)
    table.insert(0, "customer_id", [f"c{at:05d}" for at in range(n)])
    return table.assign(products=rng.integers(0, 4, n).astype(float), tenure=rng.gamma(2, 40, n))


def ties(table: pd.DataFrame) -> pd.DataFrame:
    """Every figure is one of two."""
    figures = table.drop(columns="customer_id")
    return table.assign(**(figures > figures.median()).astype(float).assign(frequency=1.0))


def gaps(table: pd.DataFrame, share: float = 0.4) -> pd.DataFrame:
    """Figures that are missing at random, and one that nobody has."""
    rng = np.random.default_rng(2)
    holes = table.drop(columns="customer_id").mask(rng.random((len(table), 5)) < share)
    return table.assign(**holes, spend=np.nan)


def all_equal(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table.iloc[[3]]] * len(table)).assign(
        customer_id=table["customer_id"].to_numpy(), products=1.0
    )


def but_one(table: pd.DataFrame) -> pd.DataFrame:
    """All equal but for one customer."""
    alike = all_equal(table)
    return pd.concat([alike.iloc[:-1], table.iloc[[-1]].assign(products=3.0)])


def categories(table: pd.DataFrame, many: int = 200) -> pd.DataFrame:
    """Each customer uses one of so many channels and none of the others."""
    used = np.random.default_rng(3).integers(0, many, len(table))
    columns = {f"cost_in_{at}": np.where(used == at, 5.0, 0.0) for at in range(many)}
    return pd.concat([table.reset_index(drop=True), pd.DataFrame(columns)], axis=1)


def inactive(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(products=0.0, frequency=0.0)


def endless(table: pd.DataFrame) -> pd.DataFrame:
    """Figures of any size, one of them infinite by a division."""
    return table.assign(cost_in_app=table["cost_in_app"] * 1e12, tenure=1e-12,
                        regularity=np.r_[np.inf, table["tenure"].to_numpy()[1:]])  # fmt: skip


def one_customer(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[[0]].assign(products=1.0)


def two_customers(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:2].assign(products=1.0)


BASES = {
    "as usual": lambda table: table,
    "ties": ties,
    "gaps": gaps,
    "a single customer": one_customer,
    "two customers": two_customers,
    "all equal": all_equal,
    "all equal but one": but_one,
    "200 categories": categories,
    "nobody active": inactive,
    "one active": lambda table: pd.concat([inactive(table.iloc[:-1]), one_customer(table[-1:])]),
    "extremes": endless,
    "ties with gaps": lambda table: gaps(ties(table)),
    "equal with gaps": lambda table: gaps(all_equal(table)),
    "200 categories with gaps": lambda table: categories(gaps(table)),
    "200 categories, few customers": lambda table: categories(table.iloc[:40]),
    "no figure at all": lambda table: table[["customer_id"]],
    "nothing but gaps": lambda table: gaps(table, share=1.0),
}

MANY = tuple(base for name, base in BASES.items() if "200" in name)


def tiers_of(table: pd.DataFrame, seed: int = 4) -> tuple[pd.Series, pd.Series]:
    """Tier and value of each customer; some tiers are not known, some customers cost money."""
    rng = np.random.default_rng(seed)
    ids = pd.Index(table["customer_id"])
    worth = pd.Series(rng.normal(50, 80, len(ids)), index=ids)
    tier = pd.Series(np.array(TIERS, dtype=object)[rng.choice(3, len(ids), p=[0.1, 0.3, 0.6])],
                     index=ids)  # fmt: skip
    return tier.mask(rng.random(len(ids)) < 0.02), worth


def assert_exactly_one(made: Chapter, ids: pd.Series, capacity: int, fewest: int) -> None:
    """One row per customer, each in a segment that exists, none of which is empty or too small."""
    table, sizes = made.table, made.ladder.segments.set_index("segment")["customers"]
    assert table["customer_id"].tolist() == ids.astype(str).tolist()
    assert table["customer_id"].is_unique
    for column in ("value_tier", "behaviour_segment", "lifecycle_stage", "segment"):
        assert table[column].notna().all() and (table[column].str.strip() != "").all(), column
    counted = table["segment"].value_counts()
    pd.testing.assert_series_equal(counted.sort_index(), sizes.sort_index(), check_names=False)
    assert sizes.index.is_unique and 1 <= len(sizes) <= capacity
    assert sizes.min() >= min(fewest, len(ids))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_no_base_breaks_it(base, method):
    if method == "mixture" and base in MANY:
        pytest.skip("covariances of 200 columns take minutes, and intake makes some forty")
    behaviour = base(usual()).reset_index(drop=True)
    tier, worth = tiers_of(behaviour)
    made = segmented(behaviour, tier, worth, methods=[method], most=3, replications=2)
    assert_exactly_one(made, behaviour["customer_id"], capacity=12, fewest=30)


@pytest.mark.parametrize(("base", "says"), [(all_equal, ALL), (one_customer, ALL),
                                            (inactive, ALL), (usual, INACTIVE)])  # fmt: skip
def test_where_behaviour_tells_nothing_value_tiers_remain(base, says):
    behaviour = usual() if base is usual else base(usual()).reset_index(drop=True)
    tier, worth = tiers_of(behaviour)
    made = segmented(behaviour, tier, worth)
    assert isinstance(made.found, Refusal) == (says == ALL)
    assert says in set(made.table["behaviour_segment"])
    if says == INACTIVE:
        idle = made.table.loc[~segments.active(behaviour), "behaviour_segment"]
        assert len(idle) and (idle == INACTIVE).all()


@pytest.mark.parametrize(("capacity", "fewest"), [(100, 1), (1, 30), (12, 30), (2, 10_000)])
def test_two_hundred_levels_on_a_rung_are_merged_to_the_capacity(capacity, fewest):
    rng = np.random.default_rng(5)
    table = usual(1_000)
    tier, worth = tiers_of(table)
    level = pd.Series(rng.integers(0, 200, len(table)).astype(str), index=tier.index)
    ladder = build_ladder(
        tier.rename("value_tier"), level.rename("behaviour_segment"), worth, tiers=TIERS,
        capacity=capacity, min_share=0.0, min_customers=fewest,
    )  # fmt: skip
    made = Chapter(
        segments.segment_table(tier, level, Refusal("not asked for"), ladder), ladder,
        Refusal(""), Refusal(""),
    )  # fmt: skip
    assert_exactly_one(made, table["customer_id"], capacity, fewest)


def test_names_that_hold_the_signs_between_names_stay_apart():
    """Levels that read like a combination of others must not make two segments one."""
    ids = pd.Index([f"c{at}" for at in range(90)])
    tier = pd.Series(np.repeat(["a", "a · b", "a + a · b"], 30), index=ids)
    level = pd.Series(np.tile(["b", "b · c", "c", " ", "nan", "unknown"], 15), index=ids)
    ladder = build_ladder(
        tier.rename("value_tier"), level.rename("behaviour_segment"), np.arange(90.0),
        tiers=["a", "a · b", "a + a · b"], capacity=100, min_share=0.0, min_customers=1,
    )  # fmt: skip
    sizes = ladder.segments.set_index("segment")["customers"]
    assert sizes.index.is_unique and len(sizes) == 18
    assert ladder.segment.value_counts().sort_index().tolist() == sizes.sort_index().tolist()


figures = st.sampled_from([0.0, 1.0, 1.0, 2.0, 7.5, -3.0, 1e9, float("nan")])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.tuples(*[figures] * 4, st.sampled_from([*TIERS, None])), min_size=1,
                  max_size=60),
    times=st.sampled_from([1, 1, 5]),
    capacity=st.sampled_from([1, 2, 5, 12, 100]),
    fewest=st.integers(1, 40),
    seed=st.integers(0, 5),
)  # fmt: skip
def test_no_small_base_breaks_it(rows, times, capacity, fewest, seed):
    table = pd.DataFrame(rows * times, columns=["frequency", "products", "spend", "tenure", "tier"])
    table.insert(0, "customer_id", [f"c{at:04d}" for at in range(len(table))])
    tier = table.pop("tier").set_axis(pd.Index(table["customer_id"]))
    worth = table["spend"].fillna(0.0).set_axis(tier.index)
    made = segmented(
        table, tier, worth, capacity=capacity, min_customers=fewest, min_cell=1, most=4,
        replications=2, seed=seed,
    )  # fmt: skip
    assert_exactly_one(made, table["customer_id"], capacity, fewest)


@pytest.mark.parametrize("base", ["as usual", "ties", "gaps", "200 categories"])
def test_the_order_of_customers_moves_nobody(base):
    behaviour = BASES[base](usual()).reset_index(drop=True)
    tier, worth = tiers_of(behaviour)
    order = np.random.default_rng(6).permutation(len(behaviour))
    mixed = behaviour.iloc[order].reset_index(drop=True)
    first, again = (
        segmented(each, tier.reindex(each["customer_id"]), worth.reindex(each["customer_id"]))
        .table.set_index("customer_id")["segment"]
        for each in (behaviour, mixed)
    )  # fmt: skip
    assert (first == again.reindex(first.index)).mean() >= 0.95
