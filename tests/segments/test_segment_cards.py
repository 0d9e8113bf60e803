"""Segment cards: what is printed is more than noise, adds up, and shows no few."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from crmlib.segments.cards import OTHERS, CardRules, segment_cards
from crmlib.segments.stage_mix import ALL
from crmlib.stats.disclosure import is_small, told
from crmlib.stats.optimise import NotIdentified

RULES = CardRules(min_cell=10, most=3, significance=0.01, replications=300, level=0.9, seed=3)
IDS = pd.Index([f"c{i:05d}" for i in range(3_000)], name="customer_id")


def base(n: int = 3_000, seed: int = 1):
    """Three segments: the first spends more and lives in town, the third is old."""
    rng = np.random.default_rng(seed)
    ids, code = IDS[:n], rng.integers(0, 3, n)
    segment = pd.Series(np.array(["a", "b", "c"])[code], index=ids)
    value = pd.DataFrame({"customer_id": ids, "current_value": rng.gamma(2, 50, n) * (1 + code),
                          "future_value": rng.gamma(2, 80, n) * (3 - code)})  # fmt: skip
    features = pd.DataFrame({"customer_id": ids, "spend": rng.lognormal(4 + (code == 0), 1),
                             "noise": rng.normal(size=n)})  # fmt: skip
    town = np.where(rng.random(n) < np.where(code == 0, 0.8, 0.3), "town", "country")
    people = pd.DataFrame(
        {"customer_id": ids, "region": town, "birth_year": rng.normal(1980 - 15 * (code == 2), 8),
         "shoe_size": rng.integers(36, 47, n), "preferred_channel": "app"}
    )  # fmt: skip
    return segment, value, features, people


def test_what_was_planted_is_on_the_cards():
    segment, value, features, people = base()
    cards = segment_cards(segment, value, features, RULES, people=people)
    does = cards.behaviour.set_index("segment")
    assert does.loc["a", "feature"] == "spend" and set(cards.behaviour["feature"]) == {"spend"}
    spend = features["spend"]
    inside = (segment == "a").to_numpy()
    auc = (
        stats.mannwhitneyu(spend[inside], spend[~inside]).statistic / inside.sum() / (~inside).sum()
    )
    assert does.loc["a", "more_often"] == pytest.approx(auc, rel=1e-9)
    assert does.loc["a", "mean"] == pytest.approx(spend[inside].mean())
    are = cards.people.set_index(["segment", "level"])
    assert are.loc[("a", "town"), "lift"] == pytest.approx(
        (people["region"][inside] == "town").mean() / (people["region"] == "town").mean()
    )
    oldest = cards.people[cards.people["segment"] == "c"].iloc[0]
    assert oldest["level"].startswith("birth year <") and oldest["lift"] > 1.5
    assert set(cards.people["attribute"]) == {"region", "birth_year"}
    assert cards.channels["share"].tolist() == [1, 1, 1]


def test_sums_are_kept_and_the_best_comes_first():
    segment, value, features, _ = base()
    cards = segment_cards(segment, value, features, RULES)
    table = cards.segments.set_index("segment")
    assert table["customers"].sum() == 3_000
    assert table["value"].sum() == pytest.approx(value["current_value"].sum())
    assert table["value_share"].sum() == pytest.approx(1)
    assert table["future_value"].sum() == pytest.approx(value["future_value"].sum())
    assert table["value"].is_monotonic_decreasing
    for name in ("value_share", "future_value", "future_mean"):
        assert table[name].between(table[f"{name}_lo"], table[f"{name}_hi"]).all()


def test_the_interval_of_a_sum_has_the_width_of_sampling_theory():
    segment, value, features, _ = base()
    found = segment_cards(segment, value, features, RULES).segments.set_index("segment").loc["b"]
    each = value["future_value"].where(segment.to_numpy() == "b", 0.0)
    width = 2 * stats.norm.ppf(0.95) * each.std() * np.sqrt(len(each))
    assert found["future_value_hi"] - found["future_value_lo"] == pytest.approx(width, rel=0.15)


def test_random_segments_have_empty_cards():
    """Of 60 random cuttings hardly one may print a difference: the error is family-wise."""
    segment, value, features, people = base(900)
    rng = np.random.default_rng(4)
    features = features.join(pd.DataFrame(rng.normal(size=(900, 15))).add_prefix("noise "))
    few = CardRules(10, 3, 0.05, 2, 0.9, 1)
    printed = 0
    for _ in range(60):
        mixed = pd.Series(rng.permutation(segment.to_numpy()), index=segment.index)
        cards = segment_cards(mixed, value, features, few, people=people)
        printed += bool(len(cards.behaviour)) + bool(len(cards.people))
    assert printed <= stats.binom.ppf(0.999, 120, 0.05)


def test_small_segments_are_shown_together():
    segment, value, features, _ = base()
    segment.iloc[:4], segment.iloc[4:11], segment.iloc[11:40] = "tiny", "small", "third"
    cards = segment_cards(segment, value, features, RULES)
    assert set(cards.segments["segment"]) == {"a", "b", "c", "third", OTHERS} and cards.merged == 2
    assert cards.segments.set_index("segment").loc[OTHERS, "customers"] == 11
    segment[segment == "small"] = "a"
    cards = segment_cards(segment, value, features, RULES)
    assert set(cards.segments["segment"]) == {"a", "b", "c", OTHERS}, "the next smallest joins"
    assert cards.segments["customers"].min() == 33


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(12, 200), st.sampled_from([4, 10]))
def test_stages_within_segments_tell_of_no_few(seed, n, min_cell):
    """An attacker knows the size of every segment and all figures that are printed."""
    rng = np.random.default_rng(seed)
    segment = pd.Series(rng.choice(list("abc"), n, p=[0.6, 0.3, 0.1]), index=IDS[:n])
    stage = pd.Series(rng.choice(list("uvwx"), n, p=[0.5, 0.3, 0.15, 0.05]), index=IDS[:n])
    value = pd.DataFrame({"customer_id": IDS[:n], "current_value": 1.0, "future_value": 1.0})
    rules = CardRules(min_cell, 3, 0.01, 2, 0.9, 1)
    cards = segment_cards(segment, value, value, rules, stage=stage)
    sizes = cards.segments.set_index("segment")["customers"]
    assert (sizes >= min_cell).all()
    shown = segment.where(segment.isin(sizes.index), OTHERS)
    atoms = pd.DataFrame({"segment": shown, "stage": stage}).value_counts().reset_index(name="n")
    cells = cards.lifecycle.dropna(subset="customers")
    equations = [
        ((atoms["segment"] == row["segment"]) | (row["segment"] == ALL))
        & (atoms["stage"] == row["stage"])
        for row in cells.to_dict("records")
    ]
    equations += [atoms["segment"] == name for name in sizes.index]
    groups = np.vstack([np.eye(len(atoms)), [atoms["stage"] == name for name in "uvwx"]])
    few = groups[is_small(groups @ atoms["n"], min_cell)]
    assert not told(np.array(equations, dtype=float), few).any()
    counts = cells.set_index(["segment", "stage"])["customers"]
    assert not counts.between(1, min_cell - 1).any()
    truth = atoms.set_index(["segment", "stage"])["n"] / sizes.reindex(atoms["segment"]).to_numpy()
    least = cards.lifecycle.set_index(["segment", "stage"])["at_least"].dropna()
    assert (least <= truth.reindex(least.index) + 1e-12).all()


def test_a_future_that_is_unknown_is_not_said():
    segment, value, features, _ = base(300)
    cards = segment_cards(segment, value.assign(future_value=np.nan), features, RULES)
    assert cards.segments[["future_mean", "future_mean_lo"]].isna().all().all()
    loss = segment_cards(segment, value.assign(current_value=-1.0), features, RULES)
    assert loss.segments["value_share"].isna().all()


def test_too_few_are_refused():
    segment, value, features, _ = base(8)
    with pytest.raises(NotIdentified, match="8 customers are too few"):
        segment_cards(segment, value, features, RULES)
