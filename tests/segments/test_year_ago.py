"""Customers of a year ago in the tier and stage of that day, and who has stayed since."""

import datetime as dt

import pandas as pd
import pytest

from crmlib.segments import LifecycleRules, customers_a_year_ago
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

DAY, END = dt.date(2024, 12, 31), dt.date(2025, 12, 31)
RULES = LifecycleRules(6, 0.5, 0.1, 0.5, 0.05, 6, 12)
TIERS = {"tier_cuts": [0.5, 0.8], "tier_labels": ["high", "medium", "low"]}


def customers(**first_and_last: tuple[str | None, str | None]) -> pd.DataFrame:
    table = pd.DataFrame(first_and_last, index=["first_date", "last_date"]).T
    return table.apply(pd.to_datetime).rename_axis("customer_id").reset_index()


def contracts(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["customer_id", "start_date", "end_date"])
    return table.assign(**{name: pd.to_datetime(table[name]) for name in table.columns[1:]})


def test_contracts_say_who_was_there_and_who_stayed():
    held = contracts(
        ("stays", "2020-01-01", None),
        ("leaves", "2020-01-01", "2025-06-30"),
        ("gone before", "2020-01-01", "2024-06-30"),
        ("comes later", "2025-02-01", None),
        ("fresh", "2024-10-01", None),
        ("falls", "2020-01-01", None),
        ("back", "2020-01-01", "2025-01-31"), ("back", "2025-05-01", None),
    )  # fmt: skip
    ids = held["customer_id"].unique()
    people = customers(**dict.fromkeys(ids, (None, None)))
    before = {"stays": 100, "leaves": 40, "gone before": 50, "comes later": 0, "fresh": 0,
              "falls": 90, "back": 30}  # fmt: skip
    since = before | {"stays": 100, "fresh": 20, "falls": 10, "gone before": 5}
    periods = pd.DataFrame(
        {"customer_id": list(before), "first_1": before.values(), "second_1": since.values()}
    )
    found = customers_a_year_ago(people, periods, DAY, END, RULES, contracts=held, **TIERS)
    assert found["lifecycle_stage"].to_dict() == {
        "stays": "relationship", "leaves": "relationship", "fresh": "new", "falls": "at risk",
        "back": "relationship",
    }  # fmt: skip
    assert found["stayed"].to_dict() == {
        "stays": True, "leaves": False, "fresh": True, "falls": True, "back": True,
    }  # fmt: skip
    # of 200 brought by those who were there, the first 100 are half, then 40 and 30 to four fifths
    assert found["value_tier"].to_dict() == {
        "stays": "high", "leaves": "medium", "back": "medium", "fresh": "low", "falls": "low",
    }  # fmt: skip


def test_without_contracts_purchases_say_it():
    people = customers(
        stays=("2023-02-01", "2025-03-01"), leaves=("2023-02-01", "2024-11-01"),
        silent=("2023-02-01", "2023-08-01"), later=("2025-02-01", "2025-03-01"),
    )  # fmt: skip
    periods = pd.DataFrame(
        {
            "customer_id": ["stays", "leaves", "silent"],
            "purchases_1": [4, 4, 4], "value_1": [40.0, 40.0, 40.0],
            "purchases_2": [5, 3, 0], "value_2": [50.0, 30.0, 0.0],
        }
    )  # fmt: skip
    for absent in (None, Refusal("the client gave no contracts")):
        found = customers_a_year_ago(people, periods, DAY, END, RULES, contracts=absent, **TIERS)
        assert found["stayed"].to_dict() == {"stays": True, "leaves": False}


def test_nobody_and_nothing_known_are_refused():
    people = customers(later=("2025-02-01", "2025-03-01"))
    periods = pd.DataFrame({"customer_id": ["later"], "value_2": [0.0], "purchases_2": [0],
                            "value_1": [0.0], "purchases_1": [0]})  # fmt: skip
    with pytest.raises(NotIdentified, match="nobody was a customer 12 months before"):
        customers_a_year_ago(people, periods, DAY, END, RULES, contracts=None, **TIERS)
    with pytest.raises(NotIdentified, match="too little is observed"):
        customers_a_year_ago(
            people, periods[["customer_id"]], DAY, END, RULES, contracts=None, **TIERS
        )
