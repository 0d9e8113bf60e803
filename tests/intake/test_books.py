"""The client's control totals beside the export's, period by period."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest

from crmlib.errors import InputError
from crmlib.intake import open_client
from crmlib.intake.books import reconcile

WINDOW = (dt.date(2020, 1, 1), dt.date(2020, 12, 31))


def days(**revenue: float) -> pd.DataFrame:
    """Revenue by day; keywords are such as d0131 for 31 January 2020."""
    dates = pd.to_datetime([f"2020-{name[1:3]}-{name[3:]}" for name in revenue])
    return pd.DataFrame({"date": dates, "revenue": list(revenue.values())})


def against(totals: dict[str, float], by_day: pd.DataFrame, window=WINDOW, tolerance=0.01):
    frame = pd.DataFrame({"period": list(totals), "revenue": list(totals.values())})
    return reconcile(frame, by_day, window, tolerance, "totals.csv")


def test_years_quarters_and_months_hold_their_days():
    by_day = days(d0101=1, d0131=2, d0201=4, d0331=8, d0401=16, d1231=32)
    found = against(
        {"2020": 63, "2020-Q1": 15, "Q4 2020": 32, "2020-01": 3, "Feb 2020": 4, "2020-12": 32},
        by_day,
    )
    assert found.table["export"].tolist() == [63, 15, 3, 4, 32, 32]
    assert found.table["period"].tolist() == [
        "2020", "2020-Q1", "2020-01", "Feb 2020", "Q4 2020", "2020-12"
    ]  # fmt: skip
    assert found.agrees
    assert found.table.columns.tolist() == [
        "period", "books", "export", "difference", "difference_share", "covered", "agrees"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "books, export, share, agrees",
    [
        (100, 101, 0.01, True),  # the tolerance itself
        (100, 99, -0.01, True),
        (100, 101.01, 0.0101, False),
        (100, 98.9, -0.011, False),
        (-100, -101, -0.01, True),  # more came back than was sold
        (-100, -98, 0.02, False),
        (0, 0, math.nan, True),
        (0, 0.01, math.nan, False),
        (100, 0, -1, False),
    ],
)
def test_a_difference_is_measured_in_shares_of_the_books(books, export, share, agrees):
    line = against({"2020": books}, days(d0501=export)).table.iloc[0]
    assert line["difference"] == pytest.approx(export - books)
    assert line["difference_share"] == pytest.approx(share, nan_ok=True)
    assert line["agrees"] == agrees


def test_a_period_that_the_window_holds_in_part_is_shown_and_not_judged():
    window = (dt.date(2020, 1, 1), dt.date(2020, 3, 30))
    found = against({"2020-02": 5, "2020-03": 100, "2020": 100}, days(d0201=5, d0301=7), window)
    assert found.table.set_index("period")["covered"].to_dict() == {
        "2020": False, "2020-02": True, "2020-03": False
    }  # fmt: skip
    assert found.agrees
    assert not against({"2021": 5}, days(d0201=5)).agrees  # nothing to judge is no agreement


def test_one_period_that_differs_is_enough():
    assert not against({"2020-02": 5, "2020-03": 8}, days(d0201=5, d0301=7)).agrees


def test_a_period_that_is_none():
    with pytest.raises(InputError) as caught:
        against({"spring": 5}, days(d0201=5))
    assert str(caught.value) == (
        "totals.csv: period 'spring' is no year, quarter or month. Write 2024, 2024-Q1 or 2024-01."
    )


def test_the_clients_file_against_the_rows_that_are_used(send):
    """Duplicates and returned orders are in no book."""
    client = open_client(
        send(
            transactions="customer_id,date,amount\na,2020-01-05,10\na,2020-01-05,10\n"
            "b,2020-02-01,5\nb,2020-02-01,-5\nc,2020-02-03,4\n",
            control_totals="period,revenue\n2020-01,10.05\n2020-02,8\n2021,3\n",
        )
    )
    table = client.books.table
    assert table["export"].tolist() == [10, 4, 0]
    assert table["agrees"].tolist() == [True, False, False]
    assert table["covered"].tolist() == [True, True, False]
    assert not client.books.agrees
    assert client.books.tolerance == 0.01


def test_the_tolerance_is_the_engagements(send):
    options = {"customers": {"control_tolerance": 0.6}}
    totals = "period,revenue\n2020-01,10\n"
    client = open_client(send(control_totals=totals, options=options))
    assert client.books.agrees  # 5 of 10
    assert not open_client(send(control_totals=totals)).books.agrees


def test_without_control_totals_there_are_no_books(send):
    assert open_client(send()).books is None


LEDGER = (
    "customer_id,month,product,line,amount\n"
    "a,2020-01,loan,revenue,10\na,2020-01,loan,risk_cost,4\nb,2020-01,loan,cost_to_serve,1\n"
    "b,2020-02,card,revenue,7.25\nb,2020-03,card,marketing,2\nc,2019-12,card,revenue,100\n"
)


def test_a_ledger_is_what_the_books_are_held_against(send):
    totals = "period,revenue\n2020-01,10\n2020-Q1,17.25\n2019,50\n"
    books = open_client(send(ledger=LEDGER, control_totals=totals)).books
    assert books.compared == "ledger" and not books.has_margin
    table = books.table.set_index("period")
    assert table["export"].to_dict() == {"2019": 0, "2020-01": 10, "2020-Q1": 17.25}
    assert table["covered"].to_dict() == {"2019": False, "2020-01": True, "2020-Q1": True}
    assert books.agrees
    assert table.columns.tolist() == [
        "books", "export", "difference", "difference_share", "covered", "agrees"
    ]  # fmt: skip


def test_the_margin_is_compared_where_the_books_state_it(send):
    """The margin is revenue less all costs; a period without one is judged by its revenue."""
    totals = "period,revenue,margin\n2020-01,10,5\n2020-02,7.25,6\n2020-03,0,\n"
    books = open_client(send(ledger=LEDGER, control_totals=totals)).books
    assert books.has_margin
    assert books.table["export_margin"].tolist() == [5, 7.25, -2]
    assert books.table["difference_margin"].tolist()[:2] == [0, 1.25]
    assert books.table["difference_share_margin"].tolist()[:2] == [0, pytest.approx(1.25 / 6)]
    assert books.table["difference"].tolist() == [0, 0, 0]
    assert books.table["agrees"].tolist() == [True, False, True]
    assert not books.agrees


def test_customers_of_a_month_are_those_whom_either_sum_would_tell_of(send):
    """January: one earns, two cost; March: nobody earns and one costs."""
    sums = open_client(send(ledger=LEDGER)).books.ledger
    assert sums.customers == 2
    assert sums.by_month["customers"].tolist()[:4] == [1, 1, 1, 0]
    assert len(sums.by_month) == 12
    assert sums.by_month["revenue"].tolist()[:3] == [10, 7.25, 0]
    assert sums.by_month["margin"].tolist()[:3] == [5, 7.25, -2]


def test_a_ledger_without_totals_is_kept_for_comparison(send):
    books = open_client(send(ledger=LEDGER)).books
    assert books.compared == "ledger"
    assert books.table.empty and not books.agrees


def test_a_ledger_may_begin_and_end_with_the_window(send):
    """The month in which the window begins is written as its first day."""
    options = {"start": dt.date(2020, 1, 20), "end": dt.date(2020, 2, 10)}
    sales = "customer_id,date,amount\na,2020-01-21,5\n"
    books = open_client(send(sales, ledger=LEDGER, options=options)).books
    assert books.ledger.by_month["revenue"].tolist() == [10, 7.25]


def test_a_ledger_of_another_time_has_nothing_to_compare(send):
    outside = "customer_id,month,product,line,amount\na,2018-01,loan,revenue,10\n"
    books = open_client(send(ledger=outside, control_totals="period,revenue\n2020-01,5\n")).books
    assert books.ledger.customers == 0
    assert books.table["export"].tolist() == [0] and not books.agrees
