"""Formats are found from every value, or asked for; never guessed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
import pytest

from crmlib.errors import InputError
from crmlib.intake.values.dates import day_of
from crmlib.intake.values.inference import Inferred, infer_date_format, infer_decimal

ENGINE = ibis.duckdb.connect(threads=2)
PLACE, KEY = "t.csv, column `Date`", "inputs.transactions"


def column(cells: Sequence[str | None]) -> ibis.Value:
    cells = ibis.memtable({"c": list(cells)}, schema={"c": "string"})
    return ENGINE.create_table(ibis.util.gen_name("cells"), cells, temp=True).c


def dates(*cells: str | None, serial: bool = False) -> Inferred:
    return infer_date_format(column(cells), PLACE, KEY, serial)


def decimals(*cells: str | None) -> Inferred:
    return infer_decimal([column(cells)], PLACE, KEY)


def refusal(infer, *cells: str | None) -> str:
    with pytest.raises(InputError) as error:
        infer(*cells)
    assert str(error.value).startswith(PLACE)
    return str(error.value)


@pytest.mark.parametrize(
    "cells, form",
    [
        (["2020-01-31", "2020-01-01", None, ""], "%Y-%m-%d"),
        (["2020/1/31"], "%Y/%m/%d"),
        (["20200131", "20200201"], "%Y%m%d"),
        (["31012020", "01022020"], "%d%m%Y"),
        (["31.01.2020", "01.02.2020"], "%d.%m.%Y"),
        (["01/02/2020", "13/02/2020"], "%d/%m/%Y"),
        (["01/02/2020", "02/13/2020"], "%m/%d/%Y"),
        (["01-02-2020", "13-02-2020"], "%d-%m-%Y"),
        (["31/12/99", "01/02/03"], "%d/%m/%y"),
        (["12/31/99", "01/02/03"], "%m/%d/%y"),
        (["31-Jan-2020", "01-FEB-2020"], "%d-%b-%Y"),
        (["31JAN2020"], "%d%b%Y"),
        (["Jan 31, 2020", "May 1, 2020"], "%b %d, %Y"),
        (["31 January 2020", "1 May 2020"], "%d %B %Y"),
        (["2024年1月31日", "2024年11月3日"], "%Y年%m月%d日"),
        # with a time: the parts that any value has
        (["12/1/2010 8:26", "12/13/2010 18:26"], "%m/%d/%Y %H:%M"),
        (["12/1/2010 8:26 PM", "12/13/2010 1:26:30 AM"], "%m/%d/%Y %I:%M:%S %p"),
        (["1/31/2020, 8:26PM"], "%m/%d/%Y, %I:%M%p"),
        (["2020-01-01T10:20:30.123Z", "2020-01-01T10:20:30Z"], "%Y-%m-%dT%H:%M:%S.%f%z"),
        (["2020-01-01 10:20:30+08:00", "2020-01-01 10:20"], "%Y-%m-%d %H:%M:%S%z"),
        (["2020-01-01 10:20", "2020-01-02"], "%Y-%m-%d %H:%M"),
        # formats that agree on every value: the first
        (["3 May 2020"], "%d %b %Y"),
        (["02/02/2020", "03/03/2020"], "%d/%m/%Y"),
        # days that stand for no date are no evidence
        (["13.02.2020", "01.02.2020", "99991231"], "%d.%m.%Y"),
        (["2020-01-01", "9999-12-31"], "%Y-%m-%d"),
        (["31.12.9999"], "%d.%m.%Y"),
        ([], "%Y-%m-%d"),
        ([None, " "], "%Y-%m-%d"),
    ],
)
def test_the_format_that_reads_every_date(cells, form):
    found = dates(*cells)
    assert found.value == form
    for cell in cells:
        if cell and cell.strip() and "9999" not in cell:
            assert ENGINE.to_pyarrow(day_of(ibis.literal(cell), form)).as_py() is not None


def test_the_note_counts_different_values():
    days = [(dt.date(2020, 1, 1) + dt.timedelta(i)).strftime("%d.%m.%Y") for i in range(300)]
    note = dates(*days, *days, "n/a", "unknown", "n/a").note
    assert note == ("Dates are read as day.month.year (%d.%m.%Y): 300 of 302 different values fit.")


def test_one_date_above_the_twelfth_among_many_decides():
    """A sample of the first rows would not see it."""
    early = [f"{1 + i % 12:02}/{1 + i // 12 % 12:02}/{2000 + i // 144}" for i in range(1_440)]
    assert "%d/%m/%Y" in refusal(dates, *early)
    assert dates(*early, "05/13/2009").value == "%m/%d/%Y"


def test_two_readings_are_refused_with_both():
    message = refusal(dates, "01/02/2020", "03/04/2020")
    assert "`01/02/2020` is 1 February 2020 as %d/%m/%Y and 2 January 2020 as %m/%d/%Y" in message
    assert 'inputs.transactions.date_format: "%d/%m/%Y"' in message


def test_two_orders_in_one_column_are_refused_with_an_example_of_each():
    message = refusal(dates, "02/13/2020", "13/04/2020", "01/02/2020", "14/05/2020")
    assert "`13/04/2020` only reads as %d/%m/%Y (2 such values)" in message
    assert "`02/13/2020` only as %m/%d/%Y (1)" in message


def test_another_format_for_a_few_is_refused_and_words_are_not():
    iso = [f"2020-01-{i:02}" for i in range(1, 29)]
    assert "`31.12.2020` only as %d.%m.%Y (1)" in refusal(dates, *iso, "31.12.2020")
    assert dates(*iso, "unknown").value == "%Y-%m-%d"


def test_what_is_no_date_is_refused():
    message = refusal(dates, "a", "b", "2020-01-01")
    assert "no known date format reads half of its 3 different values, e.g. not `x`" in message
    assert "`inputs.transactions.date_format`" in message


def test_two_digit_years_are_noted_and_refused_where_they_may_be_days():
    days = [(dt.date(2020, 1, 1) + dt.timedelta(i)) for i in range(500)]
    found = dates(*(day.strftime("%d.%m.%y") for day in days))
    assert found.value == "%d.%m.%y"  # %y.%m.%d reads all, too: years 2001 to 2031, days 20 and 21
    assert found.note.endswith("the dates run from 1 January 2020 to 14 May 2021.")
    assert dates(*(day.strftime("%y.%m.%d") for day in days)).value == "%y.%m.%d"
    assert "1 February 2003" in refusal(dates, "01/02/03")
    assert "2068" in dates("13/12/67", "31/12/99").note


def test_one_format_holds_for_all_date_columns_of_a_table():
    start, end = column(["01/02/2020", None]), column(["13/02/2020", "01/01/2021"])
    assert infer_date_format([start, end], PLACE, KEY).value == "%d/%m/%Y"


def test_serial_numbers_need_no_format():
    assert dates("43831", "43832.5", serial=True).value == "%Y-%m-%d"
    assert dates("43831", "31.01.2020", serial=True).value == "%d.%m.%Y"
    assert "no known date format" in refusal(dates, "43831", "43832")


@pytest.mark.parametrize(
    "cells, mark",
    [
        (["1", "-2", ""], "."),
        (["1.50", "7"], "."),
        (["1,50", "7"], ","),
        (["1,234.50"], "."),
        (["1.234,50"], ","),
        (["1.234", "2,5"], ","),
        (["1,234", "2.5"], "."),
        (["1,234,567"], "."),
        (["0.250"], "."),
        (["0,250"], ","),
        (["1.2345"], "."),
        (["€ 3,20", "17 EUR"], ","),
        (["(3,20)", "x"], ","),
        (["1'234", "2 345"], "."),
        (["n/a"], "."),
        ([], "."),
    ],
)
def test_the_decimal_mark_that_reads_every_number(cells, mark):
    assert decimals(*cells).value == mark


def test_only_values_with_one_reading_are_counted_as_evidence():
    assert decimals("0.250", "1.250", "7").note.endswith("point: one cell allows nothing else.")


@pytest.mark.parametrize("cells", [["1,234", "5"], ["1.234"], ["$1,234", "5,678"]])
def test_a_mark_that_may_be_either_is_asked_for(cells):
    message = refusal(decimals, *cells)
    assert f"`{min(c for c in cells if len(c) > 1)}` may have a decimal or a thousands" in message
    assert '`inputs.transactions.decimal: "."`' in message


def test_two_decimal_marks_are_refused_with_an_example_of_each():
    message = refusal(decimals, "1.5", "2.5", "1,5")
    assert "`1.5` has a decimal point and `1,5` a decimal comma" in message


def test_one_mark_holds_for_all_amounts_of_a_table():
    price, quantity = column(["1.234"]), column(["2,5"])
    found = infer_decimal([price, quantity], PLACE, KEY)
    assert found == Inferred(
        ",", "Amounts are read with a decimal comma: one cell allows nothing else."
    )
