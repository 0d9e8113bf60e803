"""Two dates in live segments, and in those that would have been formed a year ago."""

import datetime as dt
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from crmlib.segments.births import births
from crmlib.segments.history import as_formed_before, longest, two_dates
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

NAMES = ("often", "seldom")


@dataclass
class Plain:
    names: tuple = ("frequency", "spend")
    recipe: object = None

    def __post_init__(self):
        self.recipe = self

    def apply(self, features):
        return features[list(self.names)].to_numpy(float)


class Split:
    method, k = "kmeans", 2

    def predict(self, matrix):
        return (matrix[:, 0] < 10).astype(int)


def live(k=2):
    split = Split()
    split.k = k
    return SimpleNamespace(choice=SimpleNamespace(chosen=split), names=SimpleNamespace(names=NAMES))


def features(n, shift=0, seed=0):
    """Half buy often and spend little; who has no contract has left."""
    rng = np.random.default_rng(seed)
    often = np.arange(n) % 2 == 0
    return pd.DataFrame({
        "customer_id": [f"c{at + shift}" for at in range(n)],
        "frequency": np.where(often, 20, 2) + rng.normal(0, 0.5, n),
        "spend": np.where(often, 50.0, 300.0),
        "products": np.where(np.arange(n) % 10 == 9, 0, 1).astype(float),
        "revenue": np.where(often, 4.0, 40.0),
        "cost_to_serve": 1.0,
        "risk_cost": np.nan,
    })  # fmt: skip


def both(observed=730, **dropped):
    before, after = features(200), features(200, shift=20, seed=1)
    return two_dates(before.drop(columns=dropped.get("drop", [])),
                     after.drop(columns=dropped.get("drop", [])),
                     Plain(), live(), observed=observed, days=365)  # fmt: skip


def form(matrix, *, method, k, seed):
    assert method == "kmeans"
    return KMeans(k, n_init=2, random_state=seed).fit(matrix)


def test_who_has_left_is_in_no_segment_and_value_is_contribution():
    found = both()
    assert found.before.n == found.after.n == 180
    assert found.money == "contribution"
    assert found.order == ("seldom", "often")
    assert set(found.value_before.round(2)) == {3.0, 39.0}
    flows = found.flows(replications=10, seed=1, level=0.9)
    assert flows.sizes["after"].sum() == 180
    assert flows.money == "contribution"
    assert found.forecast(replications=10, seed=1, level=0.9).table.loc["all", "now"] == 180


def test_without_a_ledger_value_is_what_was_spent():
    found = both(drop=["revenue", "cost_to_serve", "risk_cost"])
    assert found.money == "spend"
    assert set(found.value_after) == {50.0, 300.0}


def test_an_earlier_window_that_was_not_observed_is_refused():
    with pytest.raises(NotIdentified, match="200 days behind it, features look back 365"):
        both(observed=200)


def test_segments_formed_a_year_ago_bear_the_names_of_those_that_hold_the_same_customers():
    dates = both()
    then = as_formed_before(dates, form, live(), 1)
    assert (then.before.named == dates.before.named).mean() > 0.99
    three = as_formed_before(dates, form, live(3), 1)
    assert len(set(three.before.segments)) == 3
    assert three.compared(rate=0.01, seed=1).after.n == 180
    assert sum(name.startswith("formerly ") for name in three.before.segments) >= 1


def test_births_are_judged_over_the_longest_time_that_was_not_refused():
    dates = both()
    compared = replace(dates, since=dt.date(2023, 12, 31)).compared(rate=0.01, seed=1)
    assert compared.since == dt.date(2023, 12, 31)
    young, shorter = Refusal("nobody was there"), dates.compared(rate=0.01, seed=1)
    assert longest(compared, shorter) is compared
    assert longest(young, shorter) is shorter and shorter.since is None
    assert longest(young, Refusal("too few")).reason == "too few"


@pytest.mark.parametrize(("name", "told"), [("trend", False), ("trend missing", False),
                                            ("spend_in_app", True)])  # fmt: skip
def test_what_nobody_could_have_then_is_no_birth(name, told):
    """A trend takes two windows; an app that nobody used is a figure."""
    found = both()
    names = ("frequency", name)
    rng = np.random.default_rng(2)
    late = np.where(rng.random(found.after.n) < 0.4, 4 + rng.normal(0, 0.1, found.after.n), 0.0)
    shots = [
        replace(shot, features=names, matrix=np.column_stack([shot.matrix[:, 0], column]))
        for shot, column in ((found.before, np.zeros(found.before.n)), (found.after, late))
    ]
    dates = replace(found, before=shots[0], after=shots[1])
    then = as_formed_before(dates, form, live(), 1)
    groups = births(then.compared(rate=0.1, seed=1), min_share=0.05).groups
    assert then.after.matrix[:, 1].any() == told
    assert ((groups["p"] < 0.02) & groups["new"] & groups["large"]).any() == told
    assert dates.after.matrix[:, 1].any(), "the live segments keep it"


def test_where_nobody_has_a_history_yet_tenure_is_none_either():
    found = both()
    for trend, kept in ((0.0, False), (1.0, True)):
        shots = [
            replace(shot, features=("frequency", "trend", "tenure"),
                    matrix=np.column_stack([shot.matrix[:, 0], np.full((shot.n, 2), [trend, 1])]))
            for shot in (found.before, found.after)
        ]  # fmt: skip
        then = as_formed_before(replace(found, before=shots[0], after=shots[1]), form, live(), 1)
        assert then.before.matrix[:, 2].any() == then.after.matrix[:, 2].any() == kept
