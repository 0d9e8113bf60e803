"""The ladder: everybody on one step, steps large enough and few enough, the price stated."""

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.behaviour import INACTIVE
from crmlib.segments.ladder import (
    UNKNOWN,
    behaviour_rung,
    build_ladder,
    ladder_of,
    ladder_table,
    segment_table,
)
from crmlib.segments.merging import AS_BEFORE, TOO_FEW, TOO_MANY
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

TIERS = ("high", "medium", "low")
RULES = {"tiers": TIERS, "capacity": 12, "min_share": 0.02, "min_customers": 10}


def base(n: int = 2_000, behaviours: int = 6, seed: int = 1):
    """Tiers by value, and behaviour that goes with value a little."""
    rng = np.random.default_rng(seed)
    value = rng.lognormal(4, 1.2, n)
    tier = pd.Series(np.array(TIERS)[np.digitize(-value, [-200, -60])], name="value_tier")
    kind = rng.integers(0, behaviours, n)
    value = value * (1 + 0.1 * kind)
    behaviour = pd.Series([f"kind {k:03d}" for k in kind], name="behaviour_segment")
    return tier, behaviour, value


def eta2(value, labels) -> float:
    """Between over total sum of squares, the plain way."""
    table = pd.DataFrame({"v": np.asarray(value), "s": np.asarray(labels)})
    fitted = table.groupby("s")["v"].transform("mean")
    return float(
        ((fitted - table["v"].mean()) ** 2).sum() / ((table["v"] - table["v"].mean()) ** 2).sum()
    )


def test_the_costs_add_up_to_what_is_lost():
    tier, behaviour, value = base()
    ladder = build_ladder(tier, behaviour, value, **RULES)
    assert ladder.explained_crossed == pytest.approx(eta2(value, tier + behaviour), rel=1e-10)
    assert ladder.explained == pytest.approx(eta2(value, ladder.segment), rel=1e-10)
    lost = ladder.merges["lost"].sum()
    assert lost == pytest.approx(ladder.explained_crossed - ladder.explained, rel=1e-9)
    chain = ladder.merges["explained_before"].iloc[1:].to_numpy()
    assert chain == pytest.approx(ladder.merges["explained_after"].iloc[:-1].to_numpy())


def test_capacity_and_size_are_kept_and_everybody_is_placed():
    tier, behaviour, value = base(behaviours=9)
    ladder = build_ladder(tier, behaviour, value, **RULES)
    assert len(ladder.segments) <= 12 and ladder.minimum == 40
    assert ladder.segments["customers"].min() >= 40
    assert ladder.segments["customers"].sum() == len(tier) == ladder.segment.notna().sum()
    assert set(ladder.segment) == set(ladder.segments["segment"])
    assert set(ladder.merges["reason"]) <= {TOO_FEW, TOO_MANY}
    assert not ladder.merges["across_tiers"].any() and ladder.notes == ()
    by_tier = pd.crosstab(ladder.segment, tier)
    assert ((by_tier > 0).sum(axis=1) == 1).all(), "no segment has customers of two tiers"


def test_the_first_merger_is_the_cheapest_there_is():
    """By brute force: no other pair within a tier loses less of eta²."""
    tier, behaviour, value = base()
    rules = RULES | {"min_share": 0.0, "min_customers": 1, "capacity": 17}
    first = build_ladder(tier, behaviour, value, **rules).merges.iloc[0]
    cells, before = tier + behaviour, eta2(value, tier + behaviour)
    costs = [
        before - eta2(value, cells.replace({a: b}))
        for a in cells.unique() for b in cells.unique()
        if a < b and a.split("kind")[0] == b.split("kind")[0]
    ]  # fmt: skip
    assert first["lost"] == pytest.approx(min(costs), rel=1e-6)


def test_tiers_are_crossed_only_where_it_cannot_be_avoided_and_it_is_said():
    tier, behaviour, value = base()
    two = build_ladder(tier, behaviour, value, **(RULES | {"capacity": 2}))
    assert len(two.segments) == 2
    crossing = two.merges["across_tiers"]
    assert crossing.sum() == 1 and crossing.iloc[-1], "tiers are merged within themselves first"
    assert "1 of 16 mergers had to cross value tiers" in two.notes[0]
    assert two.segments["across_tiers"].sum() == 1
    joined = two.segments.loc[two.segments["across_tiers"], "value_tier"].item()
    assert joined in {"high + medium", "medium + low"}, "neighbours only"
    few = tier.where(tier.index > 30, "high").where(tier != "high", "medium")
    few.iloc[:3] = "high"
    small = build_ladder(few, behaviour, value, **RULES)
    assert "high + medium" in small.segments["value_tier"].iloc[0]
    assert TOO_FEW in small.notes[0]


def test_neither_the_order_of_the_rows_nor_the_unit_of_money_matters():
    tier, behaviour, value = base(behaviours=9)
    plain = build_ladder(tier, behaviour, value, **RULES)
    order = np.random.default_rng(5).permutation(len(tier))
    mixed = build_ladder(tier.iloc[order], behaviour.iloc[order], value[order], **RULES)
    pd.testing.assert_series_equal(mixed.segment.sort_index(), plain.segment)
    pd.testing.assert_frame_equal(mixed.merges, plain.merges)
    cents = build_ladder(tier, behaviour, value * 100, **RULES)
    pd.testing.assert_series_equal(cents.segment, plain.segment)


def test_one_percent_of_new_customers_moves_nobody_else():
    """Names stay with their segment, also where behaviours are alike in value by chance."""
    for seed in range(8):
        tier, behaviour, value = base(3_030, behaviours=5, seed=seed)
        old = build_ladder(tier[:3_000], behaviour[:3_000], value[:3_000], **RULES)
        new = build_ladder(tier, behaviour, value, baseline=old.cells, **RULES)
        assert (new.segment[:3_000] == old.segment).mean() >= 0.95
        assert len(new.segments) <= 12 and new.segments["customers"].min() >= new.minimum


def test_a_baseline_that_no_longer_fits_is_merged_further():
    tier, behaviour, value = base()
    old = build_ladder(tier, behaviour, value, **RULES)
    new = build_ladder(tier, behaviour, value, baseline=old.cells, **(RULES | {"capacity": 5}))
    assert len(new.segments) == 5
    assert (pd.crosstab(old.segment, new.segment) > 0).sum(axis=1).max() == 1
    assert new.merges["reason"].value_counts().to_dict() == {
        AS_BEFORE: len(old.merges),
        TOO_MANY: len(old.segments) - 5,
    }
    with pytest.raises(ValueError, match="baseline needs the columns"):
        build_ladder(tier, behaviour, value, baseline=old.cells[["segment"]], **RULES)


def test_a_segment_keeps_its_name_although_a_new_cell_comes_to_it():
    tier, behaviour, value = base()
    old = build_ladder(tier, behaviour, value, **RULES)
    again = behaviour.copy()
    again[tier.eq("high") & (np.arange(len(tier)) % 40 == 0)] = "kind 099"  # too few to stand alone
    fresh = build_ladder(tier, again, value, **RULES)
    new = build_ladder(tier, again, value, baseline=old.cells, **RULES)
    same = again == behaviour
    assert ((new.segment == old.segment)[same]).all()
    assert set(new.segment) == set(old.segment) != set(fresh.segment)


@pytest.mark.parametrize(("coming", "name"), [(5, "high · a + b"), (200, "high · a + b + z")])
def test_a_segment_to_which_many_come_is_another_one(coming, name):
    kind = np.repeat(["a", "b", "c", "z"], [300, 300, 300, coming])
    value = np.repeat([10.0, 11.0, 90.0, 10.5], [300, 300, 300, coming])
    tier = pd.Series(["high"] * len(kind), name="value_tier")
    rung = pd.Series(kind, name="behaviour_segment")
    rules = {"tiers": ("high",), "capacity": 2, "min_share": 0.0, "min_customers": 20}
    old = build_ladder(tier[:900], rung[:900], value[:900], **rules)
    assert set(old.segment) == {"high · a + b", "high · c"}
    new = build_ladder(tier, rung, value, baseline=old.cells, **rules)
    assert set(new.segment) == {name, "high · c"}


def test_names_of_a_baseline_may_be_given_by_customer():
    tier, behaviour, value = base()
    old = build_ladder(tier, behaviour, value, **RULES)
    kept = pd.concat([tier, behaviour, old.segment], axis=1)
    by_cell = build_ladder(tier, behaviour, value, baseline=old.cells, **RULES)
    assert build_ladder(tier, behaviour, value, baseline=kept, **RULES).segment.equals(
        by_cell.segment
    )
    refused = build_ladder(tier, behaviour, value, baseline=Refusal("none"), **RULES)
    assert refused.segment.equals(old.segment)


def test_inactive_customers_are_merged_with_their_like():
    """However much they brought: the few inactive of the high tier go with those of the others."""
    tier, behaviour, value = base()
    gone = pd.Series(np.arange(len(tier)) % 25 == 0)
    ladder = build_ladder(tier, behaviour.mask(gone, INACTIVE), value, **RULES)
    assert gone.sum() >= ladder.minimum > (gone & tier.eq("high")).sum()
    mixed = pd.crosstab(ladder.segment, gone)
    assert ((mixed > 0).sum(axis=1) == 1).all()
    assert not ladder.merges["across_activity"].any()
    assert "had to cross value tiers: too few customers" in ladder.notes[0]
    assert not [note for note in ladder.notes if "inactive" in note]


def test_a_segment_of_all_who_are_active_in_a_tier_says_so():
    """And of a tier whose inactive are with it, the tier's name alone is enough."""
    tier, behaviour, value = base(behaviours=2)
    gone = np.arange(len(tier)) % 10 == 0
    few = {**RULES, "capacity": 4}
    apart = build_ladder(tier, behaviour.mask(gone, INACTIVE), value, **few)
    assert {name.split(" · ")[-1] for name in apart.segments["segment"]} >= {"active", INACTIVE}
    assert "active" not in " ".join(build_ladder(tier, behaviour, value, **few).segment.unique())


def test_where_the_inactive_are_too_few_that_is_said():
    tier, behaviour, value = base()
    gone = pd.Series(np.arange(len(tier)) < 15)
    ladder = build_ladder(tier, behaviour.mask(gone, INACTIVE), value, **RULES)
    assert ladder.merges["across_activity"].sum() >= 1
    assert "active and inactive customers together" in ladder.notes[-1]


def test_behaviour_decides_where_it_is_given():
    """Two kinds of equal behaviour are merged although a third is nearer in value."""
    rng = np.random.default_rng(2)
    kind = np.repeat(["a", "b", "c"], 300)
    value = rng.normal(np.repeat([10.0, 14.0, 10.5], 300), 3)
    features = rng.normal(np.repeat([0.0, 0.0, 9.0], 300)[:, None], 1, (900, 2))
    tier = pd.Series(["high"] * 900, name="value_tier")
    rung = pd.Series(kind, name="behaviour_segment")
    rules = {"tiers": ("high",), "capacity": 2, "min_share": 0.0, "min_customers": 1}
    by_value = build_ladder(tier, rung, value, **rules)
    by_both = build_ladder(tier, rung, value, behaviour=features, **rules)
    assert set(by_value.segments["segment"]) == {"high · a + c", "high · b"}
    assert set(by_both.segments["segment"]) == {"high · a + b", "high · c"}


def test_a_third_rung_is_merged_before_the_second():
    tier, behaviour, value = base(behaviours=3)
    needs = pd.Series(
        np.random.default_rng(3).choice(["price", "service", "speed"], len(tier)), name="needs"
    )
    rules = RULES | {"capacity": 9}
    ladder = build_ladder(tier, behaviour, value, further=[needs], **rules)
    assert ladder.rungs == ["value_tier", "behaviour_segment", "needs"]
    assert len(ladder.segments) == 9
    two = tier + behaviour
    assert (pd.crosstab(ladder.segment, two) > 0).sum(axis=1).max() == 1
    one_less = {"tiers": TIERS, "capacity": 26, "min_share": 0.0, "min_customers": 1}
    names = build_ladder(tier, behaviour, value, further=[needs], **one_less).segments
    assert names["segment"].str.contains(r"^\w+ · kind \d+ · \w+ \+ \w+$").sum() == 1


def test_other_customers_are_placed_and_none_is_left_without_a_segment():
    tier, behaviour, value = base(behaviours=9)
    ladder = build_ladder(tier, behaviour, value, **RULES)
    rungs = pd.concat([tier, behaviour], axis=1)
    pd.testing.assert_series_equal(ladder.place(rungs), ladder.segment, check_index_type=False)
    strangers = pd.DataFrame(
        {"value_tier": ["high", None], "behaviour_segment": ["never seen", None]}
    )
    placed = ladder.place(strangers)
    sizes = ladder.segments.set_index("segment")["customers"]
    high = sizes[sizes.index.str.startswith("high")]
    assert placed.tolist() == [high.idxmax(), sizes.idxmax()]


def test_a_segment_is_as_stable_as_the_weakest_behaviour_in_it():
    tier, behaviour, value = base(behaviours=3)
    ladder = build_ladder(tier, behaviour, value, **(RULES | {"capacity": 3}))
    figures = pd.Series({"kind 000": 0.9, "kind 001": 0.6, "kind 002": 0.8})
    assert ladder.weakest("behaviour_segment", figures).to_dict() == dict.fromkeys(TIERS, 0.6)
    fine = build_ladder(tier, behaviour, value, **RULES)
    assert fine.weakest("behaviour_segment", figures)["low · kind 002"] == 0.8


@pytest.mark.parametrize("n", [1, 3])
def test_a_handful_of_customers_is_one_segment(n):
    tier, behaviour, value = base(n)
    ladder = build_ladder(tier, behaviour, value, **RULES)
    assert len(ladder.segments) == 1 and ladder.segment.notna().all()
    assert f"all {n} customers together are fewer than the 10 asked for" in ladder.notes[-1]


def test_equal_customers_missing_levels_and_two_hundred_kinds():
    tier, behaviour, _ = base(3_000, behaviours=200)
    tier[::7], behaviour[::5] = None, np.nan
    ladder = build_ladder(tier, behaviour, np.full(3_000, 5.0), **(RULES | {"capacity": 100}))
    assert np.isnan(ladder.explained) and ladder.segment.notna().all()
    assert ladder.segments["customers"].min() >= 60
    assert ladder.segments["segment"].is_unique
    assert ladder.segments["value_tier"].iloc[-1] == UNKNOWN
    assert ladder.segments["segment"].str.len().max() < 80, "names stay readable"


def test_the_table_has_one_row_for_every_customer():
    tier, behaviour, value = base(300)
    ids = pd.Index([f"c{i}" for i in range(300)])
    tier, behaviour = tier.set_axis(ids), behaviour.set_axis(ids)
    tier.iloc[0] = None
    ladder = build_ladder(tier, behaviour, value, **RULES)
    stage = pd.Series("new", index=ids[:200])
    table = segment_table(tier, behaviour, stage, ladder)
    assert table.columns.tolist() == [
        "customer_id", "value_tier", "behaviour_segment", "lifecycle_stage", "segment",
    ]  # fmt: skip
    assert table["customer_id"].tolist() == list(ids) and table.notna().all().all()
    assert table["segment"].tolist() == ladder.segment.tolist()
    assert table["lifecycle_stage"].value_counts().to_dict() == {"new": 200, UNKNOWN: 100}
    refused = segment_table(tier, behaviour, Refusal("no dates"), ladder)
    assert set(refused["lifecycle_stage"]) == {UNKNOWN} and table["value_tier"][0] == UNKNOWN


def test_without_behaviour_the_ladder_is_that_of_value():
    tier, behaviour, value = base()
    why = Refusal("all customers behave alike")
    rung = behaviour_rung(why, tier.index)
    ladder = build_ladder(tier, rung, value, behaviour=why, **RULES)
    assert ladder.segments["segment"].tolist() == ["high · all", "medium · all", "low · all"]
    pd.testing.assert_series_equal(behaviour_rung(behaviour[::-1], tier.index), behaviour)


def test_mistakes_are_named():
    tier, behaviour, value = base(50)
    with pytest.raises(ValueError, match="found nan at position 3"):
        build_ladder(tier, behaviour, np.where(np.arange(50) == 3, np.nan, value), **RULES)
    with pytest.raises(ValueError, match="'gold' is none of"):
        build_ladder(tier.replace("low", "gold"), behaviour, value, **RULES)
    with pytest.raises(ValueError, match="one index"):
        build_ladder(tier, behaviour.iloc[::-1], value, **RULES)
    with pytest.raises(NotIdentified, match="no customer"):
        build_ladder(tier[:0], behaviour[:0], value[:0], **RULES)


def test_a_table_of_three_rungs_keeps_every_customer_and_all_rungs():
    tier, behaviour, value = base(600, behaviours=2)
    wants = pd.Series(np.where(np.arange(600) % 3, "price", "service"), name="needs_segment")
    rungs = pd.concat([tier, behaviour, wants], axis=1)
    ladder = ladder_of(rungs, pd.Series(value)[::-1], **RULES)
    table = ladder_table(ladder, rungs)
    assert table.columns.tolist() == ["customer_id", *rungs, "segment"]
    assert table[list(rungs)].to_numpy().tolist() == rungs.to_numpy().tolist()
    assert table.groupby(list(rungs))["segment"].nunique().eq(1).all()
    direct = build_ladder(tier, behaviour, value, further=[wants], **RULES)
    assert table["segment"].tolist() == direct.segment.tolist()  # values come by customer
    assert table["segment"].nunique() <= 12
