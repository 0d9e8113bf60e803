"""Customers who joined in the window, their cost and what came back month by month."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from crmlib.intake import read_acquired, read_purchases

START, END = dt.date(2024, 1, 1), dt.date(2024, 6, 30)
WINDOW = {"start": START, "end": END, "margin_rate": 0.5}
PEOPLE = pd.DataFrame(
    [
        ("c", dt.date(2024, 3, 31), False, Decimal("9.50"), "web"),
        ("a", dt.date(2024, 1, 10), False, Decimal("20.00"), None),
        ("b", None, None, None, "shop"),  # first purchase on 2024-04-02
        ("old", dt.date(2023, 12, 31), False, Decimal("1.00"), "web"),
        ("p", None, True, None, None),
        ("n", None, False, Decimal("3.00"), "web"),  # no day at all
    ],
    columns=["customer_id", "joined", "is_prospect", "acquisition_cost", "way"],
)
BOUGHT = pd.DataFrame(
    [
        ("a", dt.date(2024, 1, 10), Decimal("10.00"), 1),
        ("a", dt.date(2024, 1, 20), Decimal("4.00"), 2),
        ("a", dt.date(2024, 2, 20), Decimal("-2.00"), 0),  # 41 days: in month 2
        ("b", dt.date(2024, 4, 2), Decimal("6.00"), 1),
        ("b", dt.date(2024, 6, 30), Decimal("8.00"), 1),  # behind the last whole month
        ("old", dt.date(2024, 1, 2), Decimal("5.00"), 1),
    ],
    columns=["customer_id", "date", "amount", "n_orders"],
)


@pytest.fixture
def read(tmp_path):
    def keep(name: str, table: pd.DataFrame):
        path = tmp_path / f"{name}.parquet"
        table.to_parquet(path, index=False)
        return path

    def reading(margin_from="transactions", people=PEOPLE, acquired_by="way", **tables):
        paths = {name: keep(name, table) for name, table in tables.items()}
        bought = read_purchases(keep("purchases", BOUGHT))
        return read_acquired(keep("customers", people), bought, margin_from, paths,
                             acquired_by=acquired_by, **WINDOW)  # fmt: skip

    return reading


def of(table: pd.DataFrame, customer: str) -> list[float]:
    """Contribution by month since joining, as far as observed."""
    row = table.set_index("customer_id").filter(like="month_").loc[customer]
    return row.dropna().tolist()


def booked(rows) -> pd.DataFrame:
    columns = ["customer_id", "month", "line", "amount"]
    table = pd.DataFrame(rows, columns=columns)
    exact = [Decimal(f"{amount:.2f}") for amount in table["amount"]]
    return table.assign(month=pd.to_datetime(table["month"]).dt.date, amount=exact)


def test_who_joined_in_the_window_by_the_stated_day_or_the_first_purchase(read):
    found = read()
    assert found["customer_id"].tolist() == ["a", "b", "c"]
    assert found["joined"].dt.strftime("%m-%d").tolist() == ["01-10", "04-02", "03-31"]
    assert found["acquisition_cost"].fillna(-1).tolist() == [20.0, -1.0, 9.5]
    assert found["won_by"].fillna("?").tolist() == ["?", "shop", "web"]
    assert found["observed"].tolist() == [5, 2, 2]


def test_purchases_count_from_the_month_since_joining_that_has_passed_with_them(read):
    found = read()
    assert of(found, "a") == [5, 7, 6, 6, 6, 6]
    assert of(found, "b") == [3, 3, 3], "the eighty-ninth day is in month 3, not observed"
    assert of(found, "c") == [0, 0, 0]


def test_a_ledger_counts_to_the_end_of_its_month_without_marketing(read):
    rows = [("a", "2024-01-01", "revenue", 10), ("a", "2024-01-01", "cost_to_serve", 4),
            ("a", "2024-03-01", "revenue", 5), ("a", "2024-03-01", "risk_cost", 1),
            ("a", "2024-03-01", "marketing", 9), ("old", "2024-02-01", "revenue", 7),
            ("c", "2024-03-01", "revenue", 2), ("x", "2024-06-01", "revenue", 2)]  # fmt: skip
    found = read("ledger", ledger=booked(rows))
    assert of(found, "a") == [0, 6, 6, 10, 10, 10, 10]
    assert of(found, "c") == [0, 2, 2, 2, 2]
    assert found["observed"].tolist() == [6, 3, 4]


@pytest.mark.parametrize("first", [True, False])
def test_a_booking_by_the_quarter_counts_at_the_quarters_end(read, first):
    months = ("2024-01-01", "2024-04-01") if first else ("2024-03-01", "2024-06-01")
    rows = [("a", months[0], "revenue", 9), ("a", months[1], "revenue", 12),
            ("c", months[0], "revenue", 1)]  # fmt: skip
    found = read("ledger", ledger=booked(rows))
    assert of(found, "a") == [0, 0, 0, 9, 9, 9, 21]
    assert of(found, "c") == [0, 1, 1, 1, 1]


def test_who_joined_before_the_ledger_begins_is_not_counted(read):
    rows = [("c", f"2024-0{month}-01", "revenue", 1) for month in (3, 4, 5, 6)]
    assert read("ledger", ledger=booked(rows))["customer_id"].tolist() == ["b", "c"]


def test_contracts_contribute_day_by_day(read):
    contracts = pd.DataFrame(
        [("a", dt.date(2024, 1, 10), None, Decimal("30.4375")),
         ("a", dt.date(2024, 1, 10), dt.date(2024, 1, 19), Decimal("60.8750")),
         ("c", dt.date(2023, 1, 1), None, None)],
        columns=["customer_id", "start_date", "end_date", "monthly_margin"],
    )  # fmt: skip
    found = read("contracts", contracts=contracts)
    assert np.allclose(of(found, "a"), [0] + [20 + 30.4375 * month for month in range(1, 6)])
    assert of(found, "c") == [0, 0, 0, 0], "a contract without a margin"


def test_nothing_known_of_cost_way_or_day_leaves_them_empty(read):
    found = read(people=PEOPLE[["customer_id"]], acquired_by="")
    assert found["customer_id"].tolist() == ["a", "b", "old"], "all who bought"
    assert found["acquisition_cost"].isna().all() and found["won_by"].isna().all()


def test_the_order_of_rows_does_not_matter(read):
    pd.testing.assert_frame_equal(read(), read(people=PEOPLE.iloc[::-1]))
