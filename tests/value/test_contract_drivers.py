"""Hazard ratios of attributes: planted ones found, few never apart, words and numbers told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value.contract_base import contract_base
from crmlib.value.contract_drivers import OTHER, contract_drivers

START, END = pd.Timestamp("2022-01-01"), pd.Timestamp("2024-12-31")
TOWNS = ("Ulm", "Bonn", "Kiel")
RATIO = {"Ulm": 1.0, "Bonn": 2.0, "Kiel": 1.0}
PER_TEN_YEARS = 0.75


def world(n=4_000, seed=3):
    """One contract each; the rate of leaving doubles in Bonn and falls with age."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "customer_id": [f"c{i:05}" for i in range(n)],
            "town": rng.choice(TOWNS, n, p=[0.5, 0.3, 0.2]),
            "age": rng.normal(50, 12, n).round(),
            "consent": rng.random(n) < 0.4,
            "joined": START,
            "phone": np.where(rng.random(n) < 0.5, 1.0, np.nan),
        }
    )
    rate = 0.012 * people["town"].map(RATIO) * PER_TEN_YEARS ** ((people["age"] - 50) / 10)
    began = END - pd.to_timedelta(rng.integers(0, 2_400, n), "D")
    stopped = began + pd.to_timedelta(np.ceil(rng.exponential(30.4 / rate)), "D")
    contracts = pd.DataFrame(
        {
            "customer_id": people["customer_id"],
            "contract_id": people["customer_id"],
            "product": "account",
            "start_date": began,
            "end_date": stopped.where(stopped <= END),
        }
    )
    known = contracts["end_date"].isna() | (contracts["end_date"] >= START)
    return contracts[known], people


@pytest.fixture(scope="module")
def planted():
    contracts, people = world()
    return contract_base(contracts, START, END, 10), people


def test_planted_ratios_lie_in_their_intervals(planted):
    base, people = planted
    found = contract_drivers(base, people, ["town", "age", "consent"], level=0.99)
    rows = found.table.set_index(["attribute", "level"])
    spread = people.loc[people["customer_id"].isin(base.relationships["customer_id"]), "age"]
    truth = {
        ("town", "Bonn"): 2.0,
        ("town", "Kiel"): 1.0,
        ("age", "one standard deviation more"): PER_TEN_YEARS ** (spread.std() / 10),
        ("consent", "yes"): 1.0,
    }
    assert set(rows.index) == set(truth)
    for key, ratio in truth.items():
        assert rows.loc[key, "lo"] < ratio < rows.loc[key, "hi"], key
    assert rows.loc[("town", "Bonn"), "lo"] > 1.5
    assert rows.loc[("town", "Bonn"), "against"] == "Ulm"
    assert rows.loc[("consent", "yes"), "against"] == "no"
    assert not rows["moves"].any() and found.p_proportional > 0.01
    assert found.relationships == len(base.relationships.query("age > entry_age"))


@pytest.mark.parametrize("rare", [0, 3])
def test_words_of_few_or_whose_holders_hardly_left_are_one_group(planted, rare):
    base, people = planted
    towns = people["town"].to_numpy().copy()
    loyal = base.relationships.loc[~base.relationships["left"], "customer_id"][:60]
    towns[people["customer_id"].isin(loyal)] = "Loyal"  # nobody of 60 left
    towns[:rare] = "Rare"
    found = contract_drivers(base, people.assign(town=towns), ["town"], level=0.9)
    words = set(found.table["level"]) | set(found.table["against"])
    assert words <= {*TOWNS, OTHER} and OTHER in words
    many = people.assign(town=[f"t{i % 30}" if i % 9 else "Ulm" for i in range(len(people))])
    assert set(contract_drivers(base, many, ["town"], level=0.9).table["against"]) == {"Ulm"}


def test_what_cannot_be_compared_is_said_and_the_rest_is(planted):
    base, people = planted
    same = people.assign(same="x", blank=None)
    found = contract_drivers(base, same, ["joined", "phone", "town", "same", "blank"], level=0.9)
    assert found.left_out == {
        "joined": "days cannot be compared",
        "phone": "it is empty for 50% of customers",
        "same": "too few customers differ in it",
        "blank": "it is empty for 100% of customers",
    }
    assert set(found.table["attribute"]) == {"town"}
    with pytest.raises(NotIdentified, match="no attribute can be compared"):
        contract_drivers(base, same, ["joined"], level=0.9)


def test_a_missing_number_leaves_its_customer_out_and_a_missing_word_is_a_word(planted):
    base, people = planted
    holes = people.assign(
        age=people["age"].where(people.index % 20 != 0),
        town=people["town"].where(people.index % 10 != 1, None),
    )
    found = contract_drivers(base, holes, ["age", "town"], level=0.9)
    assert found.incomplete == pytest.approx(len(base.relationships) / 20, rel=0.3)
    assert "not stated" in set(found.table["level"])
    some = contract_drivers(base, people[people.index % 10 != 0], ["town"], level=0.9)
    assert "not stated" in set(some.table["level"])  # customers the table does not have


def test_a_handful_of_numbers_are_words(planted):
    base, people = planted
    size = people["customer_id"].str[-1].astype(float) % 3
    found = contract_drivers(base, people.assign(size=size), ["size"], level=0.9)
    assert set(found.table["level"]) | set(found.table["against"]) == {"0", "1", "2"}


def test_of_few_who_left_nothing_is_compared(planted):
    base, people = planted
    stayed = base.relationships[~base.relationships["left"]]
    few = pd.concat([stayed, base.relationships[base.relationships["left"]].iloc[:9]])
    with pytest.raises(NotIdentified, match="fewer than 10 customers left"):
        contract_drivers(replace(base, relationships=few), people, ["age"], level=0.9)


@pytest.mark.parametrize(
    "names, message",
    [
        (["town", "twon"], "no attribute `twon` .*town, age, consent, joined, phone"),
        (["customer_id"], "no attribute `customer_id`"),
        ([], "no attribute is named"),
    ],
)
def test_names_that_are_not_there_are_refused(planted, names, message):
    base, people = planted
    with pytest.raises(NotIdentified, match=message):
        contract_drivers(base, people, names, level=0.9)
