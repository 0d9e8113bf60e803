"""What a cell of each kind means, in text and in the types of Parquet."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import ibis
import pyarrow
import pytest

from crmlib.errors import InputError
from crmlib.intake.client_tables import open_table
from crmlib.intake.identities import NOBODY
from crmlib.intake.reading.reader import connect
from crmlib.intake.values.cells import Reading, present
from crmlib.tables import Column

PLAIN = Reading("%Y-%m-%d", ".", "EUR", None, serial=False)


def read(cells: list, kind: str, reading: Reading = PLAIN, type_: pyarrow.DataType | None = None):
    """The cells' meanings, each cell a row of a table in the engine."""
    table = pyarrow.table({"at": range(len(cells)), "cell": pyarrow.array(cells, type_)})
    rows = connect().create_table("cells", table)
    found = rows.mutate(found=reading.read(rows.cell, Column(kind, ""))).order_by("at")
    return found.to_pyarrow()["found"].to_pylist()


@pytest.mark.parametrize(
    "kind, cells, meanings",
    [
        ("id", ["007", " A 1 ", "", "\t", "1.0"], ["007", "A 1", None, None, "1.0"]),
        ("text", ["  two words ", "", " ", "Größe"], ["two words", None, None, "Größe"]),
        ("day", ["2020-02-29", "2020-02-30", "29.02.2020", "", "1900-01-01"],
         [dt.date(2020, 2, 29), None, None, None, None]),
        ("month", ["2020-02", "Feb 2020", "02/2020", "2020-02-17", "2020", "soon"],
         [dt.date(2020, 2, 1)] * 4 + [None, None]),
        ("amount", ["1", "-2.5", "1,234.50", "5 EUR", "$5", "x", "nan", "inf", "", "1e15", "1e14"],
         [Decimal(1), Decimal("-2.5"), Decimal("1234.5"), Decimal(5), None, None, None, None, None,
          None, Decimal(10**14)]),
        ("number", ["0.1", "-3", "1e3", "many"], [0.1, -3.0, 1000.0, None]),
        ("share", ["0", "1", "0.25", "1.01", "-0.01", "25%"], [0.0, 1.0, 0.25, None, None, None]),
        ("count", ["0", "12", "3.0", "3.5", "-1", "x"], [0, 12, 3, None, None, None]),
        ("flag", ["ja", "N", "1", "0", "TRUE", "x", "perhaps", ""],
         [True, False, True, False, True, True, None, None]),
    ],
)  # fmt: skip
def test_text(kind, cells, meanings):
    assert read(cells, kind) == meanings


@pytest.mark.parametrize(
    "kind, type_, cells, meanings",
    [
        ("id", pyarrow.int64(), [7, None], [7, None]),
        ("id", pyarrow.float64(), [7.0, 7.5, None], ["7", "7.5", None]),
        ("text", pyarrow.int32(), [7, None], ["7", None]),
        ("text", pyarrow.float64(), [2024.0, 0.5], ["2024", "0.5"]),
        ("text", pyarrow.bool_(), [True, None], ["true", None]),
        ("day", pyarrow.timestamp("us"), [dt.datetime(2020, 1, 2, 23, 59), None],
         [dt.date(2020, 1, 2), None]),
        ("month", pyarrow.date32(), [dt.date(2020, 1, 31)], [dt.date(2020, 1, 1)]),
        ("amount", pyarrow.float64(), [0.1, float("nan"), float("inf"), 1e15],
         [Decimal("0.1"), None, None, None]),
        ("amount", pyarrow.decimal128(12, 2), [Decimal("1.25")], [Decimal("1.25")]),
        ("count", pyarrow.float64(), [3.0, 3.5, -1.0], [3, None, None]),
        ("share", pyarrow.float32(), [0.5, 1.5], [0.5, None]),
        ("flag", pyarrow.bool_(), [True, None], [True, None]),
        ("flag", pyarrow.int8(), [1, 0, 2], [True, False, None]),
    ],
)  # fmt: skip
def test_typed(kind, type_, cells, meanings):
    assert read(cells, kind, type_=type_) == meanings


def test_decimal_mark_and_date_format_are_the_tables():
    german = Reading("%d.%m.%Y", ",", "EUR", None, serial=False)
    assert read(["1.234,5", "0,25", "1,234.5"], "number", german) == [1234.5, 0.25, None]
    assert read(["31.12.2020", "2020-12-31"], "day", german) == [dt.date(2020, 12, 31), None]


def test_serial_days_of_workbooks():
    sheet = Reading("%Y-%m-%d", ".", "EUR", None, serial=True)
    assert read(["43831", "2020-01-01", "x"], "day", sheet) == [dt.date(2020, 1, 1)] * 2 + [None]
    assert read(["43831"], "day") == [None]


def test_white_space_around_text_goes_and_within_stays():
    cells = [" a", "a ", "\ta b\r\n", "a  b", " \n ", "", None, "a"]
    table = connect().create_table("cells", pyarrow.table({"at": range(8), "cell": cells}))
    found = table.mutate(found=present(table.cell)).order_by("at").to_pyarrow()["found"]
    assert found.to_pylist() == ["a", "a", "a b", "a  b", None, None, None, "a"]
    assert present(ibis.literal(1)).type().is_integer()


def notes(send, **tables: str) -> tuple[str, ...]:
    [(name, content)] = tables.items()
    return open_table(connect(), send(**{name: content}), name, NOBODY).notes


def test_what_is_left_open_is_inferred_from_all_columns_of_the_table(send):
    """One decimal comma in one column settles the other, one day above 12 all dates."""
    content = "customer_id;joined;acquisition_cost\na;01/02/2020;1,5\nb;28/02/2020;7\n"
    said = notes(send, customers=content)
    assert any("day/month/year (%d/%m/%Y)" in note for note in said)
    assert any("comma" in note or "`,`" in note for note in said)


def test_a_stated_format_needs_no_evidence(send):
    engagement = send(
        customers="customer_id,joined\na,01/02/2020\n",
        settings={"customers": {"date_format": "%m/%d/%Y"}},
    )
    table = open_table(connect(), engagement, "customers", NOBODY)
    assert table.rows.to_pyarrow()["joined"].to_pylist() == [dt.date(2020, 1, 2)]
    assert not any("Dates are read" in note for note in table.notes)


def test_dates_that_allow_two_readings_are_refused(send):
    with pytest.raises(InputError, match="every date in the data allows both"):
        notes(send, customers="customer_id,joined\na,01/02/2020\nb,03/04/2020\n")
