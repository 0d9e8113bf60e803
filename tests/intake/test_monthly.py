"""Months of customers, and when they left or took more, as counted by hand."""

import datetime as dt
from decimal import Decimal

import ibis
import pandas as pd
import pytest

from crmlib.intake.monthly import read_departures, read_further_products, read_months
from crmlib.stats.refusal import Refusal

START, END = dt.date(2023, 1, 1), dt.date(2023, 6, 30)
DAY = dt.date.fromisoformat


def days(rows) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=["customer_id", "date", "amount", "n_orders"])
    frame["date"] = pd.to_datetime(frame["date"]).dt.date
    return ibis.memtable(frame)


BOUGHT = [
    ("a", "2023-01-03", 10.0, 1), ("a", "2023-01-20", 5.0, 1), ("a", "2023-03-01", -4.0, 0),
    ("b", "2023-02-02", 7.5, 2), ("b", "2023-07-01", 99.0, 1),
]  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    rows = pd.DataFrame(
        [
            ("a", "2023-01-01", "card", "revenue", 1.10, None),
            ("a", "2023-01-01", "loan", "revenue", 2.20, None),
            ("a", "2023-02-01", "loan", "cost_to_serve", 6.50, "call"),
            ("a", "2023-02-01", "card", "cost_to_serve", 0.50, "call"),
            ("b", "2023-02-01", "card", "cost_to_serve", 0.12, "online"),
            ("b", "2023-02-01", "card", "cost_to_serve", 3.00, None),
            ("b", "2023-07-01", "card", "revenue", 9.00, None),
        ],
        columns=["customer_id", "month", "product", "line", "amount", "channel"],
    )
    exact = [Decimal(f"{amount:.2f}") for amount in rows["amount"]]
    path = tmp_path / "ledger.parquet"
    rows.assign(month=pd.to_datetime(rows["month"]).dt.date, amount=exact).to_parquet(path)
    return path


def contracts(tmp_path, rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "product", "start_date", "end_date"])
    for name in ("start_date", "end_date"):
        frame[name] = [DAY(day) if isinstance(day, str) else None for day in frame[name]]
    path = tmp_path / "contracts.parquet"
    frame.to_parquet(path)
    return path


def test_months_hold_purchases_and_bookings_of_the_time_observed(ledger):
    found = read_months(days(BOUGHT), ledger, end=END).set_index(["customer_id", "month"])
    assert found.index.tolist() == [
        (who, pd.Timestamp(month))
        for who, month in (("a", "2023-01-01"), ("a", "2023-02-01"), ("a", "2023-03-01"),
                           ("b", "2023-02-01"))
    ]  # fmt: skip
    first = found.iloc[0]
    assert first[["purchases", "spend", "revenue", "products"]].tolist() == [2, 15, 3.3, 2]
    assert found["cost_in_call"].tolist() == [0, 7, 0, 0]
    assert found["cost_in_online"].tolist() == [0, 0, 0, 0.12]
    # a day with a return only is a month with spend, and no purchase
    assert found.iloc[2][["purchases", "spend"]].tolist() == [0, -4]


def test_without_a_ledger_purchases_alone_are_read():
    found = read_months(days(BOUGHT), Refusal("none"), end=END)
    assert list(found) == ["customer_id", "month", "purchases", "spend"]
    assert len(found) == 3


def test_a_sample_holds_whole_customers(tmp_path):
    rows = [(f"c{who}", f"2023-0{month}-05", 1.0, 1) for who in range(400) for month in (1, 2, 3)]
    found = read_months(days(rows), Refusal("none"), end=END, sample=100)
    counts = found.groupby("customer_id").size()
    assert (counts == 3).all()
    assert 60 < len(counts) < 150
    again = read_months(days(rows[::-1]), Refusal("none"), end=END, sample=100)
    pd.testing.assert_frame_equal(found, again)


def test_who_has_no_running_contract_left_with_the_last_one(tmp_path):
    path = contracts(tmp_path, [
        ("a", "card", "2020-01-01", "2023-02-15"), ("a", "loan", "2020-01-01", "2023-04-30"),
        ("b", "card", "2020-01-01", "2023-02-15"), ("b", "loan", "2020-01-01", None),
        ("c", "card", "2020-01-01", "2023-12-31"), ("d", "card", "2023-08-01", None),
    ])  # fmt: skip
    found = read_departures(path, end=END)
    assert found.to_dict("records") == [{"customer_id": "a", "month": pd.Timestamp("2023-04-01")}]


def test_a_further_product_is_new_to_the_customer_and_not_of_the_first_months(tmp_path):
    path = contracts(tmp_path, [
        ("a", "card", "2020-01-01", None), ("a", "loan", "2023-03-10", None),
        ("a", "savings", "2023-05-10", None),  # the first counts
        ("b", "card", "2023-01-01", None), ("b", "loan", "2023-04-01", None),  # too soon
        ("c", "card", "2020-01-01", "2022-01-01"), ("c", "card", "2023-02-01", None),  # not new
        ("d", "card", "2020-01-01", None), ("d", "loan", "2022-03-01", None),  # before the time
    ])  # fmt: skip
    found = read_further_products(path, start=START, end=END, months_since=12)
    assert found.to_dict("records") == [{"customer_id": "a", "month": pd.Timestamp("2023-03-01")}]
