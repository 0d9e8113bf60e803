"""From prepared features to one named segment for every customer, and on to the next version."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.behaviour import (
    BehaviourSegments,
    Earlier,
    choose_behaviour,
    earlier_segments,
    name_behaviour,
)
from crmlib.segments.choice import SegmentChoice
from crmlib.stats.optimise import NotIdentified

NAMES = ("frequency", "cost_share_online", "mean_ticket", "tenure")


def prepared(n: int = 900, seed: int = 1, extra: int = 0) -> SimpleNamespace:
    """Features of three kinds of customer; `extra` of a fourth kind join at the end."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(3).normal(0, 2.5, (4, 4))
    kind = np.append(rng.choice(3, n, p=[0.5, 0.3, 0.2]), np.full(extra, 3))
    rows = centres[kind] + rng.normal(size=(n + extra, 4))
    return SimpleNamespace(matrix=rows, names=NAMES)


def chosen(features: SimpleNamespace, **changes) -> SegmentChoice:
    settings = {"methods": ["kmeans"], "most": 5, "min_share": 0.02, "min_cell": 10, "seed": 1}
    return choose_behaviour(features, replications=12, **settings | changes)


def table_of(found: BehaviourSegments) -> pd.DataFrame:
    """The segments as a version keeps them."""
    names = found.by_customer
    ids = [f"C{i:04d}" for i in range(len(names))]
    return pd.DataFrame({"customer_id": ids, "behaviour_segment": names})


@pytest.fixture(scope="module")
def first() -> BehaviourSegments:
    features = prepared()
    return name_behaviour(features, chosen(features), own={})


def test_every_customer_has_one_named_segment(first):
    names = first.by_customer
    assert len(names) == 900 and set(names) == set(first.names.names)
    assert len(set(first.names.names)) == first.choice.chosen.k == 3
    assert first.new == () == first.gone


def test_another_seed_and_one_percent_more_customers_change_no_name(first):
    kept = table_of(first)
    features = prepared()
    rng = np.random.default_rng(9)
    more = features.matrix[rng.choice(900, 9)] + rng.normal(0, 0.3, (9, 4))
    features = SimpleNamespace(matrix=np.vstack([features.matrix, more]), names=NAMES)
    ids = pd.Series([*kept["customer_id"], *(f"N{i}" for i in range(9))])
    earlier = earlier_segments(ids, kept)
    assert earlier.labels[-9:].tolist() == [-1] * 9
    again = name_behaviour(features, chosen(features, seed=77), own={}, earlier=earlier)
    assert (again.by_customer[:900] == first.by_customer).mean() >= 0.95
    assert set(again.names.names) == set(first.names.names) and again.new == again.gone == ()


def test_a_new_kind_gets_a_new_name_and_its_own_figures(first):
    features = prepared(extra=120)
    table = table_of(first).sample(frac=1, random_state=1)
    ids = pd.Series([f"C{i:04d}" for i in range(1020)])
    choice, then = chosen(features), earlier_segments(ids, table)
    # numbered the other way round, so that today's numbers have to move
    then = Earlier(np.where(then.labels < 0, -1, 2 - then.labels), then.names[::-1])
    found = name_behaviour(features, choice, own={}, earlier=then)
    assert choice.chosen.k == 4 and found.new == (found.names.names[3],)
    assert (found.by_customer[900:] == found.new[0]).mean() > 0.9 and found.gone == ()
    assert found.names.names[:3] == first.names.names[::-1]
    # figures by segment have moved with their numbers
    moved = found.choice.stability
    assert (found.choice.chosen.predict(features.matrix) == found.choice.chosen.labels).all()
    assert moved.sizes.tolist() == found.choice.chosen.sizes.tolist()
    assert sorted(moved.by_segment) == sorted(choice.stability.by_segment)


def test_a_segment_that_nobody_continues_is_gone(first):
    table = table_of(first)
    table.loc[table.index % 60 == 0, "behaviour_segment"] = "by post"
    features = prepared()
    found = name_behaviour(
        features, chosen(features), own={}, earlier=earlier_segments(table["customer_id"], table)
    )
    assert found.gone == ("by post",) and found.new == ()


def test_with_none_of_its_customers_left_an_earlier_version_names_nothing(first):
    features = prepared()
    nobody = earlier_segments(pd.Series([f"X{i}" for i in range(900)]), table_of(first))
    found = name_behaviour(features, chosen(features), own={}, earlier=nobody)
    assert found.new == found.names.names and found.gone == nobody.names


def test_the_clients_words_are_used(first):
    features, proposed = prepared(), first.names.proposed
    own = {proposed[0]: "Regulars"}
    assert name_behaviour(features, chosen(features), own=own).names.names[0] == "Regulars"


def test_no_segment_is_too_small_to_be_shown():
    features = prepared(extra=15)
    least = chosen(features, min_share=0.001, min_cell=16)
    assert least.min_share == pytest.approx(16 / 915) and least.chosen.sizes.min() >= 16
    with pytest.raises(NotIdentified, match="there is none"):
        chosen(SimpleNamespace(matrix=np.empty((0, 4)), names=NAMES))
