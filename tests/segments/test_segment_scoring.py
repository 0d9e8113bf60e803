"""The scoring model: written and read again, and what it says at the edges."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib import segments
from crmlib.segments.behaviour import INACTIVE, BehaviourSegments
from crmlib.segments.scoring import HOLDINGS, NO_MONEY, TOO_LITTLE, from_plain, to_plain

TIERS = ["high", "medium", "low"]
N = 900
NAMES = ("many and dear", "few", "dormant products")


def base(holdings: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and values of three kinds of customer, a tenth of whom are inactive."""
    rng = np.random.default_rng(5)
    kind = np.arange(N) % 3
    frequency = rng.poisson(np.array([30.0, 6.0, 2.0])[kind]) + 1.0
    ticket = rng.gamma(40, np.array([4.0, 1.0, 1.0])[kind])
    features = pd.DataFrame(
        {
            "customer_id": [f"C{number:04}" for number in range(N)],
            "recency": rng.exponential(np.array([5.0, 40.0, 200.0])[kind]),
            "frequency": frequency,
            "mean_ticket": np.where(rng.random(N) < 0.1, np.nan, ticket),
            "regularity": np.where(frequency > 3, rng.gamma(5, 0.2, N), np.nan),
            "products": np.where(rng.random(N) < 0.1, 0.0, np.array([3.0, 1.0, 2.0])[kind]),
        }
    )
    if not holdings:
        features = features.drop(columns="products")
    year = frequency * ticket
    values = pd.DataFrame(
        {"current_value": year, "future_value": 2 * year * rng.gamma(9, 1 / 9, N)}
    )
    values["lifetime_value"] = 3 * year + values["future_value"]
    rank = values["lifetime_value"].rank(pct=True)
    values["value_tier"] = np.select([rank > 0.9, rank > 0.6], TIERS[:2], TIERS[2])
    return features, values.set_index(pd.Index(features["customer_id"]))


def formed(features: pd.DataFrame, values: pd.DataFrame, method: str = "kmeans"):
    """The model and the segments as they went live."""
    doing = features[segments.active(features)]
    prepared = segments.prepare(doing, tail=0.01, once=method == "classes")
    chosen = segments.fit_segments(prepared.matrix, method=method, k=3, seed=1)
    found = BehaviourSegments(SimpleNamespace(chosen=chosen), SimpleNamespace(names=NAMES))
    rung = found.of_customers(doing["customer_id"], values.index).rename("behaviour_segment")
    ladder = segments.build_ladder(
        values["value_tier"], rung, values["current_value"], tiers=TIERS, capacity=6,
        min_share=0.02, min_customers=20,
    )  # fmt: skip
    model = segments.scoring_model(prepared, found, ladder, doing, values, tiers=TIERS)
    return model, rung, ladder


@pytest.fixture(scope="module")
def given():
    return base()


@pytest.fixture(scope="module")
def model(given):
    return formed(*given)[0]


def contributed(values: pd.DataFrame) -> pd.DataFrame:
    table = values.reset_index()[["customer_id", "current_value"]]
    past = values["lifetime_value"] - values["future_value"]
    return table.assign(realised=past.to_numpy())


@pytest.mark.parametrize("method", ["kmeans", "mixture", "classes"])
def test_the_bases_own_customers_keep_their_segments_through_a_file(given, method):
    features, values = given
    model, rung, ladder = formed(features, values, method)
    again = from_plain(json.loads(json.dumps(to_plain(model), allow_nan=False)))
    scored = segments.score(again, features, contributed(values), values["value_tier"])
    assert scored.refused.empty
    table = scored.scores.set_index("customer_id")
    assert (table["behaviour_segment"].astype(str) == rung).all()
    assert (table["segment"].astype(str) == ladder.segment).all()
    assert (table["value_tier"].astype(str) == values["value_tier"]).all()
    first = segments.score(model, features, contributed(values), values["value_tier"])
    pd.testing.assert_frame_equal(first.scores, scored.scores)


def test_confidence_of_strangers_is_how_often_their_tier_is_right(given, model):
    features, values = given
    found = segments.score(model, features, contributed(values)).scores.set_index("customer_id")
    right = found["value_tier"].astype(str) == values["value_tier"]
    assert not found["in_version"].any()
    assert right.mean() == pytest.approx(model.odds.agreement)
    assert right.mean() > 0.9
    sure = found["confidence"] > 0.95
    assert right[sure].mean() > 0.97 > 0.9 > right[~sure].mean()


def test_neither_order_nor_company_matters(given, model):
    features, values = given
    money = contributed(values)
    every = segments.score(model, features, money).scores.set_index("customer_id")
    shuffled = features.sample(frac=1, random_state=3)
    again = segments.score(model, shuffled, money.iloc[::-1]).scores.set_index("customer_id")
    pd.testing.assert_frame_equal(again.loc[every.index], every)
    alone = segments.score(model, features.iloc[[7]], money).scores.set_index("customer_id")
    pd.testing.assert_frame_equal(alone, every.iloc[[7]])


def test_columns_that_the_recipe_does_not_know_are_ignored(given, model):
    features, values = given
    more = features.assign(shoe_size=42.0, recency_of_calls=np.nan)
    money = contributed(values)
    expected = segments.score(model, features, money).scores
    pd.testing.assert_frame_equal(segments.score(model, more, money).scores, expected)


def test_who_holds_and_does_nothing_is_inactive_for_certain(given, model):
    features, values = given
    nothing = features.iloc[[0]].assign(products=0.0)
    found = segments.score(model, nothing, contributed(values), values["value_tier"]).scores.iloc[0]
    assert (found["behaviour_segment"], found["confidence"]) == (INACTIVE, 1.0)


def test_equal_distances_go_to_one_segment_and_say_how_unsure_that_is(given):
    features, values = given
    model, *_ = formed(features, values)
    twin = model.segmentation.shape.means.copy()
    twin[1] = twin[0]
    plain = to_plain(model)
    plain["arrays"]["means"] = twin.tolist()
    found = segments.score(from_plain(plain), features, None).scores
    split = found[found["behaviour_segment"] == NAMES[0]]
    assert len(split)
    assert (split["confidence"] <= 0.5 + 1e-9).all()
    assert not (found["behaviour_segment"] == NAMES[1]).any()


def test_too_little_known_is_refused_and_named(given, model):
    features, values = given
    few = features.iloc[:4].copy()
    few.iloc[2:, 1:-1] = np.nan
    scored = segments.score(model, few, contributed(values))
    assert scored.refused["customer_id"].tolist() == few["customer_id"].tolist()[2:]
    assert set(scored.refused["reason"]) == {TOO_LITTLE}
    assert len(scored.scores) == 2


def test_without_contracts_nobody_is_called_inactive(given, model):
    features, _ = given
    some = features.drop(columns="products").iloc[:4].assign(frequency=[0.0, 3.0, 0.0, 9.0])
    refused = segments.score(model, some, None).refused
    assert set(refused.loc[refused["reason"] == HOLDINGS, "customer_id"]) == {"C0000", "C0002"}


def test_a_base_without_contracts_tells_the_inactive_by_purchases():
    features, values = base(holdings=False)
    model, *_ = formed(features, values)
    quiet = features.iloc[:2].assign(frequency=[0.0, 3.0])
    found = segments.score(model, quiet, contributed(values)).scores
    assert (found["behaviour_segment"] == INACTIVE).tolist() == [True, False]


def test_without_money_there_is_a_behaviour_segment_alone(given, model):
    features, values = given
    found = segments.score(model, features.iloc[:5], None).scores
    assert set(found["value_tier"]) == set(found["segment"]) == {""}
    assert set(found["note"]) == {NO_MONEY}
    known = segments.score(model, features.iloc[:5], None, values["value_tier"]).scores
    assert set(known["note"]) == {""}
    assert (known["value_tier"].astype(str) == values["value_tier"].to_numpy()[:5]).all()


def test_nobody_gives_a_table_of_nobody(given, model):
    features, values = given
    scored = segments.score(model, features.iloc[:0], contributed(values))
    assert list(scored.scores.columns) == list(
        segments.score(model, features.iloc[:1], None).scores.columns
    )
    assert len(scored.scores) == len(scored.refused) == 0


def test_more_contributed_is_never_a_worse_tier(given, model):
    features, _ = given
    one = pd.concat([features.iloc[[1]]] * 60).assign(customer_id=[f"N{i}" for i in range(60)])
    money = pd.DataFrame(
        {"customer_id": one["customer_id"], "current_value": 100.0,
         "realised": np.linspace(-100, 60_000, 60)}
    )  # fmt: skip
    tiers = segments.score(model, one, money).scores["value_tier"].astype(str)
    assert tiers.map(TIERS.index).is_monotonic_decreasing
    assert set(tiers) == set(TIERS)


def test_stated_thresholds_cut_the_tiers(given):
    _, values = given
    everyone = pd.Series("all", index=values.index)
    odds = segments.tier_odds(values, everyone, TIERS, [9_000.0, 500.0])
    money = pd.DataFrame({"realised": [9_000.0, 500.0, -1e9], "current_value": [0.0, 0.0, 0.0]})
    found = odds.of("all", money)
    assert found[0].tolist() == [1.0, 0.0, 0.0]
    assert found[1, 2] == 0.0
    assert found[2].tolist() == [0.0, 0.0, 1.0]
    np.testing.assert_allclose(odds.of("a segment of tomorrow", money).sum(axis=1), 1.0)


def test_a_tier_that_nobody_is_in_takes_nobody(given):
    _, values = given
    only = values.assign(value_tier="low")
    odds = segments.tier_odds(only, pd.Series("all", index=values.index), TIERS)
    money = pd.DataFrame({"realised": [1e12], "current_value": [1e9]})
    assert odds.of("all", money).tolist() == [[0.0, 0.0, 1.0]]


def test_who_reaches_a_tier_exactly_is_in_it(given):
    _, values = given
    sure = values.assign(future_value=0.0)
    odds = segments.tier_odds(sure, pd.Series("all", index=values.index), TIERS, [900.0, 100.0])
    money = pd.DataFrame({"realised": [900.0, 100.0], "current_value": [0.0, 0.0]})
    assert odds.of("all", money).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_nobody_has_to_be_known_better_than_the_bases_own_customers(given):
    features, values = given
    gaps = features.copy()
    gaps.loc[:2, ["recency", "mean_ticket", "regularity", "frequency"]] = np.nan
    gaps.loc[:2, "products"] = 1.0
    model, rung, _ = formed(gaps, values)
    assert 0 < model.enough < 0.5
    scored = segments.score(model, gaps, contributed(values), values["value_tier"])
    assert scored.refused.empty
    assert (scored.scores["behaviour_segment"].astype(str) == rung.to_numpy()).all()
