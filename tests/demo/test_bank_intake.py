"""The committed bank through the intake: exactly the planted defects are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crmlib import params
from crmlib.demo.cards import DEFECTS
from crmlib.intake import Client, buyers, open_client

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def client() -> Client:
    return open_client(params.load(ROOT / "params" / "demo_bank.yml"))


@pytest.fixture(scope="module")
def told() -> dict:
    """The truth of the whole bank."""
    return json.loads((ROOT / "data" / "demo_bank" / "truth" / "bank.json").read_text())


def test_the_row_ledger_finds_what_was_planted_and_nothing_else(client, told):
    rows = client.ledger[client.ledger["table"] == "transactions"]
    excluded = rows[rows["status"] == "excluded"].set_index("reason")["rows"].to_dict()
    planted = told["planted_in_transactions"]
    assert excluded.pop("order returned in full") == 2 * planted["refunds in full"]
    assert excluded == {reason: planted[reason] for reason in DEFECTS}


def test_only_rows_of_households_are_excluded_elsewhere(client, told):
    others = client.ledger[client.ledger["table"] != "transactions"]
    excluded = others[others["status"] == "excluded"]
    assert set(excluded["reason"]) == {"row of a merged id"}
    merged = told["counts"]["customers"] - told["counts"]["households"]
    assert excluded.set_index("table")["rows"]["customers"] == merged


def test_the_books_differ_in_the_planted_quarter_alone(client, told):
    books = client.books
    assert books.compared == "ledger" and books.has_margin
    off = books.table[~books.table["agrees"]]
    planted = told["planted_in_control_totals"]
    assert off["period"].tolist() == [planted["period"]]
    above = -off["difference"].iloc[0] / off["export"].iloc[0]
    assert above == pytest.approx(planted["books_above_export"], abs=1e-5)
    assert len(books.table) == 12 and books.table["covered"].all()


def test_everyone_with_a_contract_is_a_customer_with_attributes(client, told):
    view = client.customer_view()
    assert len(view) == told["counts"]["households"]
    silent = view[view["n_transactions"] == 0]
    assert len(view) - len(silent) == client.transactions.facts.customers
    assert (silent[["total_amount", "last_year_amount"]] == 0).all(axis=None)
    assert silent[["first_date", "frequency", "observed_time"]].isna().all(axis=None)
    assert buyers(view)["frequency"].dtype == "int64" and len(buyers(view)) > 3_000
    assert view["birth_year"].notna().all()
    assert view["customer_id"].str.startswith("C").all()
    assert not view["is_prospect"].astype(bool).any()
