"""Purchases by product and channel: the days' own money, whatever happens to returns."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal

import pytest

from crmlib.intake import open_client, open_transactions

ORDERS = """customer_id,date,amount,order_id,product,channel
a,2020-01-01,10,A1,tea,online
a,2020-01-01,5,A1,cake,online
a,2020-01-09,-5,A1,cake,shop
a,2020-02-01,8,A2,tea,shop
a,2020-02-03,-8,A2,tea,shop
b,2020-01-05,-4,B0,tea,shop
b,2020-01-07,20,B1, cake ,
b,2020-01-07,-6,B2,tea,online
b,2020-01-07,1,,,shop
"""
CONTRACTS = "customer_id,contract_id,product,start_date,end_date\na,k,loan,2020-01-01,\n"
LEDGER = "customer_id,month,product,line,amount{}\na,2020-01-01,loan,revenue,5{}\n"


def parts_of(intake) -> dict[tuple[str | None, ...], float]:
    """Amount by customer, day, product and channel."""
    table = intake.kept_parts()["purchase_parts"]
    keys = [name for name in table.columns if name != "amount"]
    rows = table.to_pyarrow().to_pylist()
    found = {tuple(str(r[k]) if r[k] is not None else None for k in keys): float(r["amount"])
             for r in rows}  # fmt: skip
    assert len(found) == len(rows)
    return found


def assert_adds_up(intake) -> None:
    """The parts of each day are its amount, to the last decimal."""
    days: dict[tuple, Decimal] = defaultdict(Decimal)
    for row in intake.kept_parts()["purchase_parts"].to_pyarrow().to_pylist():
        days[row["customer_id"], row["date"]] += row["amount"]
    purchases = intake.ordered().to_pyarrow().to_pylist()
    assert dict(days) == {(r["customer_id"], r["date"]): r["amount"] for r in purchases}


def test_an_order_stands_in_parts_on_its_own_day(client):
    found = open_transactions(client(ORDERS, returns="net_by_order"))
    assert parts_of(found) == {
        ("a", "2020-01-01", "tea", "online"): 10,
        ("a", "2020-01-01", "cake", "online"): 5,
        ("a", "2020-01-01", "cake", "shop"): -5,  # came back eight days later
        ("b", "2020-01-07", "cake", None): 20,
        ("b", "2020-01-07", None, "shop"): 1,
    }
    assert_adds_up(found)


def test_returns_left_out_and_returns_kept(client):
    bought = {
        ("a", "2020-01-01", "tea", "online"): 10,
        ("a", "2020-01-01", "cake", "online"): 5,
        ("a", "2020-02-01", "tea", "shop"): 8,
        ("b", "2020-01-07", "cake", None): 20,
        ("b", "2020-01-07", None, "shop"): 1,
    }
    returned = {
        ("a", "2020-01-09", "cake", "shop"): -5,
        ("a", "2020-02-03", "tea", "shop"): -8,
        ("b", "2020-01-07", "tea", "online"): -6,
    }
    left_out = open_transactions(client(ORDERS, returns="exclude"))
    assert parts_of(left_out) == bought
    kept = open_transactions(client(ORDERS, returns="keep"))
    assert parts_of(kept) == bought | returned
    assert_adds_up(left_out)
    assert_adds_up(kept)


@pytest.mark.parametrize("policy", ["net_by_order", "exclude", "keep"])
@pytest.mark.parametrize("seed", [1, 2])
def test_parts_add_up_in_any_file(client, policy, seed):
    rng = random.Random(seed)
    rows = ["customer_id,date,amount,order_id,product,channel"]
    for _ in range(400):
        order = rng.choice(["", *(f"o{number}" for number in range(60))])
        day = f"2020-{rng.randint(1, 3):02}-{rng.randint(1, 9):02}"
        amount = rng.choice([rng.randint(-900, 2000) / 100, 0, -5])
        product, channel = rng.choice(["", "tea", "cake"]), rng.choice(["", "shop", "online"])
        rows.append(f"{rng.choice('abcdef')},{day},{amount},{order},{product},{channel}")
    found = open_transactions(client("\n".join(rows) + "\n", returns=policy, duplicates="keep"))
    assert_adds_up(found)


def test_merged_customers_are_one_in_parts_as_well(send):
    rows = "customer_id,date,amount,product\nx,2020-01-01,5,tea\ny,2020-01-01,7,tea\n"
    asked = send(rows, identities="source_id,customer_id\ny,x\n")
    found = open_client(asked).transactions
    assert parts_of(found) == {("x", "2020-01-01", "tea"): 12}


@pytest.mark.parametrize(
    ("tables", "kept"),
    [
        ({}, ["product", "channel"]),
        ({"contracts": CONTRACTS}, ["product", "channel"]),
        ({"ledger": LEDGER.format("", "")}, ["product", "channel"]),
        ({"ledger": LEDGER.format(",channel", ",shop")}, ["product"]),
        ({"contracts": CONTRACTS, "ledger": LEDGER.format("", "")}, ["channel"]),
        ({"contracts": CONTRACTS, "ledger": LEDGER.format(",channel", ",shop")}, []),
    ],
)
def test_what_contracts_and_ledger_say_is_not_kept_again(send, tables, kept):
    found = open_transactions(send(ORDERS, **tables)).kept_parts()
    columns = [c for table in found.values() for c in table.columns]
    assert [name for name in columns if name in ("product", "channel")] == kept


def test_without_product_and_channel_there_are_no_parts(client):
    found = open_transactions(client("customer_id,date,amount\na,2020-01-01,5\n"))
    assert found.parts is None
    assert found.kept_parts() == {}
