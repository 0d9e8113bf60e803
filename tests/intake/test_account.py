"""A ledger summed over the months of the window, as pandas would sum it."""

import datetime as dt
from decimal import Decimal

import pandas as pd

from crmlib.intake.account import booked_days, read_account, read_last_years

ROWS = pd.DataFrame(
    [
        ("a", "2022-12-01", "loan", "revenue", 7.0, None),  # before the window
        ("a", "2023-01-01", "loan", "revenue", 10.10, None),
        ("a", "2023-02-01", "loan", "revenue", 0.20, None),
        ("a", "2023-02-01", "loan", "cost_to_serve", 3.0, "branch"),
        ("a", "2023-02-01", "loan", "cost_to_serve", 4.0, "online"),
        ("b", "2023-03-01", "card", "risk_cost", 5.0, None),
        ("b", "2023-04-01", "card", "revenue", 9.0, None),  # behind it
    ],
    columns=["customer_id", "month", "product", "line", "amount", "channel"],
)
WINDOW = (dt.date(2023, 1, 15), dt.date(2023, 3, 31))


def written(tmp_path, rows: pd.DataFrame):
    """As intake keeps a ledger: months as days, amounts exact."""
    path = tmp_path / "ledger.parquet"
    exact = [Decimal(f"{amount:.2f}") for amount in rows["amount"]]
    kept = rows.assign(month=pd.to_datetime(rows["month"]).dt.date, amount=exact)
    kept.to_parquet(path, index=False)
    return path


def test_months_of_the_window_are_summed_by_customer_product_line_and_channel(tmp_path):
    found = read_account(written(tmp_path, ROWS), *WINDOW)
    assert list(found) == ["customer_id", "product", "line", "channel", "amount"]
    sums = {tuple(row[:3]): [] for row in found.itertuples(index=False)}
    for row in found.itertuples(index=False):
        sums[row[:3]].append((row.channel if isinstance(row.channel, str) else None, row.amount))
    assert sorted(sums["a", "loan", "cost_to_serve"]) == [("branch", 3.0), ("online", 4.0)]
    assert sums["a", "loan", "revenue"] == [(None, 10.3)]
    assert sums["b", "card", "risk_cost"] == [(None, 5.0)]
    assert set(sums) == {
        ("a", "loan", "cost_to_serve"), ("a", "loan", "revenue"), ("b", "card", "risk_cost")
    }  # fmt: skip


def test_a_ledger_without_channels_has_none(tmp_path):
    found = read_account(written(tmp_path, ROWS.drop(columns="channel")), *WINDOW)
    assert list(found) == ["customer_id", "product", "line", "amount"]
    assert found["amount"].sum() == 10.3 + 7.0 + 5.0


def test_the_order_of_rows_does_not_matter(tmp_path):
    once = read_account(written(tmp_path, ROWS), *WINDOW)
    again = read_account(written(tmp_path, ROWS.iloc[::-1]), *WINDOW)
    pd.testing.assert_frame_equal(once, again)


def test_the_days_that_a_ledger_books_end_with_its_last_month(tmp_path):
    path = written(tmp_path, ROWS)
    start, end = dt.date(2022, 6, 1), dt.date(2023, 12, 31)
    assert booked_days(path, start, end) == (dt.date(2022, 12, 1), dt.date(2023, 4, 30))
    assert booked_days(path, dt.date(2023, 1, 15), dt.date(2023, 4, 10)) == (
        dt.date(2023, 1, 15), dt.date(2023, 4, 10),
    )  # fmt: skip
    assert booked_days("no ledger", start, end) == (start, end)
    assert booked_days(path, dt.date(2024, 1, 1), dt.date(2024, 12, 31))[0] == dt.date(2024, 1, 1)


def two_years() -> pd.DataFrame:
    """One euro a month from 2022 on, and one of a cost in each December."""
    months = pd.date_range("2022-01-01", "2024-12-01", freq="MS").strftime("%Y-%m-%d")
    rows = [("a", month, "loan", "revenue", 1.0, None) for month in months]
    rows += [("b", month, "loan", "marketing", 1.0, None) for month in months if "-12-" in month]
    return pd.DataFrame(rows, columns=ROWS.columns)


def test_the_last_twelve_months_stand_beside_the_twelve_before(tmp_path):
    path = written(tmp_path, two_years())
    found = read_last_years(path, dt.date(2022, 1, 1), dt.date(2024, 12, 31))
    sums = found.rows.set_index(["customer_id", "line"]).astype(float)
    assert sums.loc[("a", "revenue")].tolist() == [12, 12]
    assert sums.loc[("b", "marketing")].tolist() == [1, 1]
    assert (found.start, found.end) == (dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    assert found.months == 36


def test_a_month_that_is_not_over_is_in_no_year(tmp_path):
    path = written(tmp_path, two_years())
    found = read_last_years(path, dt.date(2023, 3, 1), dt.date(2024, 12, 15))
    sums = found.rows.set_index(["customer_id", "line"]).astype(float)
    assert found.end == dt.date(2024, 11, 30) and found.months == 21
    assert sums.loc[("b", "marketing")].tolist() == [1, 1] and len(sums) == 2
