"""Customer, cohort and holdout tables against results worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import ibis
import pandas as pd
import pytest

from crmlib import intake

DAY = dt.date
ROWS = [
    ("a", DAY(2020, 1, 5), "10", 1),
    ("a", DAY(2020, 2, 4), "20", 2),
    ("a", DAY(2020, 2, 14), "-5", 0),
    ("a", DAY(2021, 3, 1), "40", 1),
    ("b", DAY(2020, 1, 31), "7", 1),
    ("c", DAY(2020, 4, 1), "1", 1),
    ("c", DAY(2020, 4, 11), "3", 1),
]


def table_of(rows):
    schema = {
        "customer_id": "string",
        "date": "date",
        "amount": "decimal(38,6)",
        "n_orders": "int64",
    }
    rows = [(who, day, Decimal(amount), n) for who, day, amount, n in rows]
    return ibis.memtable(rows, schema=schema)


@pytest.fixture(scope="module")
def purchases():
    return table_of(ROWS)


def test_summary_of_a_customer_with_a_return(purchases):
    table = intake.summarise(purchases, until=DAY(2021, 3, 31), days_per_unit=7)
    a = intake.to_frame(table).set_index("customer_id").loc["a"]
    assert a.to_dict() == {
        "first_date": pd.Timestamp(2020, 1, 5),
        "last_date": pd.Timestamp(2021, 3, 1),
        "n_transactions": 4,
        "frequency": 2,
        "recency": 421 / 7,
        "observed_time": 451 / 7,
        "total_amount": 65.0,
        "mean_amount": 65 / 3,
        "mean_repeat_amount": (20 - 5 + 40) / 2,
        "last_year_amount": 40.0,
    }


def test_a_return_after_the_only_purchase_leaves_no_repeat_amount():
    rows = [("a", DAY(2020, 1, 5), "10", 1), ("a", DAY(2020, 1, 9), "-4", 0)]
    table = intake.summarise(table_of(rows), until=DAY(2020, 2, 1), days_per_unit=1)
    a = intake.to_frame(table).loc[0]
    assert a[["frequency", "recency", "total_amount", "mean_amount"]].tolist() == [0, 0, 6, 6]
    assert pd.isna(a["mean_repeat_amount"])


def test_last_year_is_the_365_days_that_end_with_until(purchases):
    def last_year(until):
        table = intake.summarise(purchases, until=until, days_per_unit=1)
        return intake.to_frame(table).set_index("customer_id")["last_year_amount"]["b"]

    assert last_year(DAY(2020, 1, 31)) == 7
    assert last_year(DAY(2020, 1, 31) + dt.timedelta(days=364)) == 7
    assert last_year(DAY(2020, 1, 31) + dt.timedelta(days=365)) == 0


def test_only_purchases_until_the_day_count(purchases):
    table = intake.to_frame(intake.summarise(purchases, until=DAY(2020, 2, 4), days_per_unit=1))
    assert table["customer_id"].tolist() == ["a", "b"]
    assert table["frequency"].tolist() == [1, 0]
    assert table["observed_time"].tolist() == [30, 4]
    assert table["mean_repeat_amount"].isna().tolist() == [False, True]


def test_cohorts(purchases):
    table = intake.to_frame(intake.cohorts(purchases, until=DAY(2020, 12, 31)))
    assert table.to_numpy().tolist() == [
        [pd.Timestamp(2020, 1, 1), 0, 2, 17.0, 2],
        [pd.Timestamp(2020, 1, 1), 1, 1, 15.0, 2],
        [pd.Timestamp(2020, 4, 1), 0, 1, 4.0, 1],
    ]
    assert table.columns.tolist() == [
        "cohort", "period_index", "active_customers", "revenue", "cohort_size"
    ]  # fmt: skip


def test_cohort_periods_run_over_the_turn_of_the_year(purchases):
    table = intake.to_frame(intake.cohorts(purchases, until=DAY(2021, 12, 31)))
    assert table["period_index"].tolist() == [0, 1, 14, 0]


def test_holdout(purchases):
    """Calibration to 31 March, holdout to 30 June: the previous window starts on 1 January."""
    table = intake.holdout(purchases, cut=DAY(2020, 3, 31), end=DAY(2020, 6, 29), days_per_unit=1)
    frame = intake.to_frame(table).set_index("customer_id")
    assert frame.index.tolist() == ["a", "b"]
    assert frame.loc["a", ["frequency", "recency", "observed_time"]].tolist() == [1, 30, 86]
    assert frame["holdout_purchases"].tolist() == [0, 0]
    assert frame["previous_purchases"].tolist() == [1, 0]
    assert frame["previous_amount"].tolist() == [15.0, 0.0]
    later = intake.holdout(purchases, cut=DAY(2020, 4, 1), end=DAY(2020, 4, 11), days_per_unit=1)
    c = intake.to_frame(later).set_index("customer_id").loc["c"]
    assert c[["holdout_purchases", "holdout_amount"]].tolist() == [1, 3.0]
    assert c[["previous_purchases", "previous_amount"]].tolist() == [0, 0.0]


def test_holdout_windows_to_the_day():
    """Two windows of ten days, (11 May, 21 May] and (21 May, 31 May]; each day has its amount."""
    days = {1: "1", 11: "2", 12: "4", 21: "8", 22: "16", 31: "32"}
    rows = [("a", DAY(2020, 5, day), amount, 1) for day, amount in days.items()]
    rows += [("a", DAY(2020, 6, 1), "64", 1)]
    rows += [("b", DAY(2020, 5, 12), "1", 1), ("b", DAY(2020, 5, 13), "2", 1)]
    rows += [("c", DAY(2020, 5, 22), "1", 1), ("d", DAY(2020, 5, 21), "1", 1)]
    table = intake.holdout(
        table_of(rows), cut=DAY(2020, 5, 21), end=DAY(2020, 5, 31), days_per_unit=1
    )
    frame = intake.to_frame(table).set_index("customer_id")
    assert frame.index.tolist() == ["a", "b", "d"]  # c came after the cut
    columns = ["previous_purchases", "previous_amount", "holdout_purchases", "holdout_amount"]
    assert frame[columns].to_numpy().tolist() == [
        [2, 4 + 8, 2, 16 + 32],
        [1, 2, 0, 0],  # the first purchase is none of the previous ones
        [0, 0, 0, 0],
    ]
    known = frame.loc["a", ["frequency", "recency", "observed_time", "mean_repeat_amount"]]
    assert known.tolist() == [3, 20, 20, (2 + 4 + 8) / 3]


def test_holdout_nets_returns_into_the_window_of_their_day():
    rows = [
        ("a", DAY(2020, 5, 1), "50", 1),
        ("a", DAY(2020, 5, 12), "20", 1),
        ("a", DAY(2020, 5, 21), "-6", 0),
        ("a", DAY(2020, 5, 22), "-3", 0),
    ]
    table = intake.holdout(
        table_of(rows), cut=DAY(2020, 5, 21), end=DAY(2020, 5, 31), days_per_unit=1
    )
    a = intake.to_frame(table).loc[0]
    assert a[["previous_purchases", "previous_amount"]].tolist() == [1, 20 - 6]
    assert a[["holdout_purchases", "holdout_amount"]].tolist() == [0, -3]
    assert a["mean_repeat_amount"] == 20 - 6


def test_repeat_purchases_by_period(purchases):
    """Of 34 days, one of which ends on 1 April; the first and the last are cut."""
    table = intake.repeat_purchases_by_period(
        purchases,
        start=DAY(2020, 1, 1),
        end=DAY(2020, 4, 11),
        days_per_unit=34,
        acquired_by=DAY(2020, 4, 1),
    )
    assert table["period"].tolist() == [1, 2, 3, 4]
    ends = [f"{day:%m-%d}" for day in table["period_end"]]
    assert ends == ["01-24", "02-27", "04-01", "04-11"]
    assert table["time"].tolist() == [23 / 34, 57 / 34, 91 / 34, 101 / 34]
    assert table["repeat_purchases"].tolist() == [0, 1, 0, 1]


def test_repeat_purchases_by_month():
    """Customers are dealt in the order of their ids; a return makes nobody a customer."""
    rows = [
        ("10", DAY(2020, 1, 5), "10", 1), ("10", DAY(2020, 1, 9), "5", 1),
        ("10", DAY(2020, 3, 1), "5", 1), ("10", DAY(2020, 3, 2), "-2", 0),
        ("11", DAY(2020, 1, 1), "-1", 0), ("9", DAY(2020, 1, 6), "7", 1),
        ("9", DAY(2020, 3, 9), "7", 1), ("12", DAY(2020, 3, 3), "1", 1),
        ("12", DAY(2020, 4, 3), "1", 1),
    ]  # fmt: skip
    cells = intake.repeat_purchases_by_month(table_of(rows), until=DAY(2020, 3, 31), batches=2)
    named = cells.assign(**{c: cells[c].dt.strftime("%m") for c in ("cohort", "month")})
    assert [tuple(row) for row in named.to_numpy()] == [
        ("01", "01", 0, 2, 22.0, 1, 1),
        ("01", "03", 0, 2, 10.0, 2, 2),
        ("03", "03", 1, 1, 1.0, 0, 0),
    ]


def test_only_customers_acquired_in_time_are_followed(purchases):
    table = intake.repeat_purchases_by_period(
        purchases,
        start=DAY(2020, 1, 1),
        end=DAY(2020, 4, 11),
        days_per_unit=34,
        acquired_by=DAY(2020, 3, 31),
    )
    assert table["repeat_purchases"].tolist() == [0, 1, 0, 0]


def test_last_period_may_be_shorter_and_empty_periods_have_a_row(purchases):
    table = intake.repeat_purchases_by_period(
        purchases,
        start=DAY(2020, 5, 1),
        end=DAY(2020, 5, 10),
        days_per_unit=7,
        acquired_by=DAY(2020, 5, 7),
    )
    assert [f"{day:%m-%d}" for day in table["period_end"]] == ["05-07", "05-10"]
    assert table["repeat_purchases"].tolist() == [0, 0]


def test_purchases_survive_a_round_trip(purchases, tmp_path):
    ordered = purchases.order_by("customer_id", "date")
    intake.write(ordered, tmp_path / "p.parquet")
    again = intake.read_purchases(tmp_path / "p.parquet")
    assert again.to_pyarrow().to_pylist() == ordered.to_pyarrow().to_pylist()
    assert again.schema() == ordered.schema()
