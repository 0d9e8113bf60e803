"""Contracts joined to relationships: by hand, and the demo bank's planted rate of leaving."""

import json
from pathlib import Path

import pandas as pd
import pytest

from crmlib.value.life_table import exposure
from crmlib.value.spells import CONTINUES, contract_spells, relationship_spells

BANK = Path(__file__).parents[2] / "data" / "demo_bank"
WINDOW = {"start": "2023-01-01", "end": "2025-12-31"}


def relationships(*rows, **arguments):
    """Of (customer, first day, last day, margin); last day None while it runs."""
    table = pd.DataFrame(rows, columns=["customer_id", "start_date", "end_date", "margin"])
    table.insert(1, "contract_id", [f"k{i}" for i in range(len(table))])
    return relationship_spells(table, **{**WINDOW, **arguments})


def test_it_lasts_from_the_first_contract_to_the_end_of_the_last():
    found = relationships(
        ("b", "2023-05-10", "2023-11-09", 5.0),
        ("a", "2022-11-01", "2023-08-15", 1.0),  # ends within the other
        ("a", "2022-12-01", "2024-02-10", 2.0),
        ("a", "2024-02-11", "2024-12-31", 3.0),  # the day after
    ).set_index("customer_id")
    assert found["start_date"].astype(str).to_dict() == {"a": "2022-11-01", "b": "2023-05-10"}
    assert found["end_date"].astype(str).to_dict() == {"a": "2024-12-31", "b": "2023-11-09"}
    assert found["contracts"].to_dict() == {"a": 3, "b": 1}
    assert found[["entry", "duration", "ended"]].loc["a"].tolist() == [2, 26, True]
    assert found[["entry", "duration", "ended"]].loc["b"].tolist() == [0, 6, True]
    assert found["contract_id"].is_unique and set(found["product"]) == {"relationship"}


def test_it_runs_while_one_contract_does_and_is_worth_what_runs():
    row = relationships(
        ("a", "2020-01-01", None, 4.0),
        ("a", "2021-01-01", "2023-06-30", 2.0),
        ("a", "2024-01-01", "2026-03-31", 1.5),  # ends after the last day: it runs
    ).iloc[0]
    assert row["running"] and pd.isna(row["end_date"]) and not row["ended"]
    assert row["margin"] == pytest.approx(5.5) and row["contracts"] == 3


@pytest.mark.parametrize("days, count", [(0, 1), (CONTINUES, 1), (CONTINUES + 1, 2)])
def test_a_pause_continues_it_and_a_longer_one_ends_it(days, count):
    again = pd.Timestamp("2023-06-30") + pd.Timedelta(days=1 + days)
    found = relationships(
        ("a", "2023-01-01", "2023-06-30", 1.0), ("a", f"{again:%Y-%m-%d}", None, 1.0)
    )
    assert len(found) == count
    assert found["ended"].tolist() == [True, False][-count:]
    longer = relationships(
        ("a", "2023-01-01", "2023-06-30", 1.0), ("a", f"{again:%Y-%m-%d}", None, 1.0), gap=400
    )
    assert len(longer) == 1


def test_one_contract_each_is_the_contracts_themselves():
    contracts = pd.read_csv(BANK / "contracts.csv").drop_duplicates("customer_id")
    found = relationship_spells(contracts, **WINDOW)
    expected = contract_spells(contracts, **WINDOW).sort_values("customer_id")
    for name in ("entry", "duration", "ended", "entry_age", "age", "left", "running", "tenure"):
        assert found[name].tolist() == expected[name].tolist(), name
    assert "margin" not in found


def test_without_a_first_day_all_are_followed_from_their_start():
    found = relationships(("a", "2010-01-01", "2010-06-30", 1.0), start=None)
    assert found[["entry", "duration", "ended"]].iloc[0].tolist() == [0, 6, True]


def test_no_contracts_make_no_relationships():
    assert relationships().empty


def test_impossible_contracts_are_named():
    with pytest.raises(ValueError, match="contract k0 ends before it starts"):
        relationships(("a", "2024-01-01", "2023-01-01", 1.0))
    with pytest.raises(ValueError, match="contracts lack customer_id"):
        relationship_spells(pd.DataFrame({"contract_id": ["k"]}), **WINDOW)


def test_the_demo_bank_loses_customers_at_the_planted_rate():
    """5.99 % a year; every customer who left is found, though many kept a contract longer."""
    contracts = pd.read_csv(BANK / "contracts.csv").rename(columns={"monthly_margin": "margin"})
    truth = json.loads((BANK / "truth" / "bank.json").read_text())
    found = relationship_spells(contracts, **WINDOW)
    assert len(found) == truth["counts"]["customers"] == contracts["customer_id"].nunique()
    assert found["left"].sum() == truth["counts"]["left"]
    planted = truth["rates"]["left_per_customer_year"]
    years = (found["age"] - found["entry_age"]).sum() / 12
    assert found["left"].sum() / years == pytest.approx(planted, rel=0.01)
    counts = exposure(found["duration"], found["ended"], found["entry"])
    assert 12 * counts.rate == pytest.approx(planted, rel=0.01)
    running = contracts["end_date"].isna()
    assert found["margin"].sum() == pytest.approx(contracts.loc[running, "margin"].sum())
