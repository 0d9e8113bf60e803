"""The three policies for negative amounts, against results worked out by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from crmlib.intake import open_transactions, summarise, to_frame

ORDERS = """customer_id,date,amount,order_id
a,2020-01-01,10,A1
a,2020-01-01,5,A1
a,2020-01-09,-5,A1
a,2020-02-01,8,A2
a,2020-02-03,-8,A2
a,2020-03-01,-3,A3
b,2020-01-05,-4,B0
b,2020-01-07,20,B1
b,2020-01-07,-6,B2
b,2020-01-07,1,
"""


def opened(client, policy, content=ORDERS, **settings):
    intake = open_transactions(client(content, returns=policy, **settings))
    rows = intake.ordered().to_pyarrow().to_pylist()
    excluded = intake.ledger[intake.ledger["status"] == "excluded"]
    return (
        [(r["customer_id"], f"{r['date']:%m-%d}", float(r["amount"]), r["n_orders"]) for r in rows],
        dict(zip(excluded["reason"], excluded["rows"], strict=True)),
        intake,
    )


def test_net_by_order(client):
    purchases, excluded, _ = opened(client, "net_by_order")
    assert purchases == [("a", "01-01", 10.0, 1), ("b", "01-07", 21.0, 2)]
    assert excluded == {"order returned in full": 2, "return without its purchase": 3}


def test_exclude(client):
    purchases, excluded, _ = opened(client, "exclude")
    assert purchases == [("a", "01-01", 15.0, 1), ("a", "02-01", 8.0, 1), ("b", "01-07", 21.0, 2)]
    assert excluded == {"negative amount": 5}


def test_keep(client):
    """Days of returns carry money and no order; a return before any purchase is excluded."""
    purchases, excluded, intake = opened(client, "keep")
    assert purchases == [
        ("a", "01-01", 15.0, 1),
        ("a", "01-09", -5.0, 0),
        ("a", "02-01", 8.0, 1),
        ("a", "02-03", -8.0, 0),
        ("a", "03-01", -3.0, 0),
        ("b", "01-07", 15.0, 2),
    ]
    assert excluded == {"return without its purchase": 1}
    until = dt.date(2020, 12, 31)
    customers = to_frame(summarise(intake.purchases, until=until, days_per_unit=1))
    assert customers["frequency"].tolist() == [1, 0]
    assert customers["recency"].tolist() == [31, 0]
    assert customers["total_amount"].tolist() == [7.0, 15.0]
    assert customers["mean_repeat_amount"].tolist()[0] == 8 - 5 - 8 - 3  # after the first day
    assert (intake.facts.purchase_days, intake.facts.total_amount) == (3, 22.0)


def test_keep_returns_of_a_whole_day_before_the_first_purchase(client):
    content = (
        "customer_id,date,amount\na,2020-01-01,5\na,2020-01-01,-5\na,2020-01-02,3\n"
        "a,2020-01-03,4\na,2020-01-03,-4\nb,2020-01-01,-1\n"
    )
    purchases, excluded, _ = opened(client, "keep", content)
    assert purchases == [("a", "01-02", 3.0, 1), ("a", "01-03", 0.0, 0)]
    assert excluded == {"order returned in full": 2, "return without its purchase": 1}


def test_net_by_order_without_order_id_nets_customer_and_day(client):
    content = (
        "customer_id,date,amount\na,2020-01-01,5\na,2020-01-01,-2\na,2020-01-02,-3\n"
        "b,2020-01-01,4\nb,2020-01-01,-9\n"
    )
    purchases, excluded, _ = opened(client, "net_by_order", content)
    assert purchases == [("a", "01-01", 3.0, 1)]
    assert excluded == {"order returned in full": 2, "return without its purchase": 1}


def test_an_order_number_used_by_two_customers_makes_two_orders(client):
    content = "customer_id,date,amount,order_id\na,2020-01-01,5,1\nb,2020-01-01,-5,1\n"
    purchases, excluded, _ = opened(client, "net_by_order", content)
    assert purchases == [("a", "01-01", 5.0, 1)]
    assert excluded == {"return without its purchase": 1}


def test_free_items_are_occasions_where_zero_amounts_are_kept(client):
    content = "customer_id,date,amount\na,2020-01-01,0\na,2020-01-02,3\n"
    for policy in ("net_by_order", "exclude", "keep"):
        purchases, excluded, _ = opened(client, policy, content, zero_amounts="keep")
        assert purchases == [("a", "01-01", 0.0, 1), ("a", "01-02", 3.0, 1)]
        assert excluded == {}


@pytest.mark.parametrize("policy", ["net_by_order", "exclude", "keep"])
def test_rows_excluded_before_do_not_take_part_in_netting(client, policy):
    """The duplicate of 5 does not pay for the return of 6."""
    rows = "a,2020-01-01,5\na,2020-01-01,5\na,2020-01-01,-6\nb,2020-01-01,1\n"
    purchases, _, _ = opened(client, policy, "customer_id,date,amount\n" + rows)
    expected = [("a", 5.0), ("b", 1.0)] if policy == "exclude" else [("b", 1.0)]
    assert [(row[0], row[2]) for row in purchases] == expected
