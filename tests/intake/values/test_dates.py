"""A cell states one day, in one format and on one place's clock; strptime reads it, too."""

from __future__ import annotations

import datetime as dt
import decimal
import zoneinfo
from collections.abc import Callable

import ibis
import ibis.expr.types as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.errors import InputError
from crmlib.intake.values.dates import (
    check_date_format,
    check_time_zone,
    day_of,
    flag_of,
    is_placeholder,
    month_of,
    period_bounds,
)

ENGINE = ibis.duckdb.connect(threads=1)


def value(expression: ir.Scalar) -> object:
    return ENGINE.to_pyarrow(expression).as_py()


def day(cell: object, form: str, zone: str | None = None, serial: bool = False) -> str | None:
    found = value(day_of(ibis.literal(cell), form, zone, serial))
    return found and found.isoformat()


@pytest.mark.parametrize(
    "cell, form, expected",
    [
        ("2020-01-31", "%Y-%m-%d", "2020-01-31"),
        (" 2020-1-3 ", "%Y-%m-%d", "2020-01-03"),
        ("31.01.2020", "%d.%m.%Y", "2020-01-31"),
        ("01/02/2020", "%m/%d/%Y", "2020-01-02"),
        ("20200131", "%Y%m%d", "2020-01-31"),
        (20200131, "%Y%m%d", "2020-01-31"),
        (20200131.0, "%Y%m%d", "2020-01-31"),
        (decimal.Decimal("20200131.00"), "%Y%m%d", "2020-01-31"),
        ("2024年1月31日", "%Y年%m月%d日", "2024-01-31"),
        ("3 JAN 2020", "%d %b %Y", "2020-01-03"),
        ("January 3, 2020", "%B %d, %Y", "2020-01-03"),
        # two-digit years, as POSIX has them
        ("31.12.68", "%d.%m.%y", "2068-12-31"),
        ("31.12.69", "%d.%m.%y", "1969-12-31"),
        ("1/1/2", "%m/%d/%y", None),
        ("1/1/02 8:05", "%m/%d/%y %H:%M", "2002-01-01"),
        ("2-01-01", "%y-%m-%d", None),
        # a time of day, where the format has it, may lack its last parts
        ("12/1/2010 8:26", "%m/%d/%Y %H:%M", "2010-12-01"),
        ("12/1/2010", "%m/%d/%Y %H:%M", "2010-12-01"),
        ("12/1/2010 8:26 pm", "%m/%d/%Y %I:%M %p", "2010-12-01"),
        ("12/1/2010 8:26PM", "%m/%d/%Y %I:%M %p", "2010-12-01"),
        ("2020-01-31T23:59", "%Y-%m-%d %H:%M:%S", "2020-01-31"),
        ("2020-01-31 23:59:59.1234567", "%Y-%m-%d %H:%M:%S.%f", "2020-01-31"),
        ("2020-01-31 23:59", "%Y-%m-%d", None),
        ("2020-01-31 25:00", "%Y-%m-%d %H:%M", None),
        # no days
        ("2020-02-30", "%Y-%m-%d", None),
        ("20-01-31", "%Y-%m-%d", None),
        ("1/2/97", "%m/%d/%Y", None),
        ("1900-01-01", "%Y-%m-%d", None),
        ("infinity", "%Y-%m-%d", None),
        ("epoch", "%Y-%m-%d", None),
        ("today", "%Y-%m-%d", None),
        ("", "%Y-%m-%d", None),
    ],
)
def test_the_day_of_a_text(cell, form, expected):
    assert day(cell, form) == expected


@pytest.mark.parametrize(
    "text, written, hong_kong, new_york",
    [
        ("2020-01-01T23:30:00+00:00", "2020-01-01", "2020-01-02", "2020-01-01"),
        ("2020-01-01T23:30:00Z", "2020-01-01", "2020-01-02", "2020-01-01"),
        ("2020-01-01 23:30:00 UTC", "2020-01-01", "2020-01-02", "2020-01-01"),
        ("2020-01-02T01:30:00.5Z", "2020-01-02", "2020-01-02", "2020-01-01"),
        ("2020-01-01T23:30:00-0500", "2020-01-01", "2020-01-02", "2020-01-01"),
        ("2020-01-02T04:30:00+05:30", "2020-01-02", "2020-01-02", "2020-01-01"),
        ("2020-01-02T04:30:00+08", "2020-01-02", "2020-01-02", "2020-01-01"),
        ("2020-07-01T04:30:00Z", "2020-07-01", "2020-07-01", "2020-07-01"),  # summer time
        ("2020-01-01T04:30:00Z", "2020-01-01", "2020-01-01", "2019-12-31"),
        ("2020-01-01T23:30:00", "2020-01-01", "2020-01-01", "2020-01-01"),  # no instant
        ("2020-01-01", "2020-01-01", "2020-01-01", "2020-01-01"),
    ],
)
@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S.%fZ"])
def test_an_instant_counts_on_the_day_of_the_time_zone(text, written, hong_kong, new_york, form):
    assert day(text, form) == written
    assert day(text, form, "Asia/Hong_Kong") == hong_kong
    assert day(text, form, "America/New_York") == new_york


def test_typed_columns_need_no_format():
    moment = dt.datetime(2020, 1, 1, 23, 30)
    instant = ibis.literal(moment.replace(tzinfo=dt.UTC), type="timestamp('UTC')")
    assert value(day_of(ibis.literal(moment.date()), "")) == dt.date(2020, 1, 1)
    assert value(day_of(ibis.literal(moment), "", "Asia/Hong_Kong")) == dt.date(2020, 1, 1)
    assert value(day_of(instant, "", "Asia/Hong_Kong")) == dt.date(2020, 1, 2)
    tokyo = ibis.duckdb.connect()
    tokyo.raw_sql("SET TimeZone = 'Asia/Tokyo'")  # whatever the machine's zone is
    assert tokyo.to_pyarrow(day_of(instant, "")).as_py() == dt.date(2020, 1, 1)


@pytest.mark.parametrize(
    "cell, expected",
    [
        ("43831", "2020-01-01"),
        ("43831.75", "2020-01-01"),
        (43831.0, "2020-01-01"),
        ("60", None),  # 29 February 1900, which was not
        ("367", "1901-01-01"),
        ("2958465", None),
        ("2020-01-01", "2020-01-01"),
        ("20200101", None),
    ],
)
def test_the_day_of_a_spreadsheet_s_number(cell, expected):
    assert day(cell, "%Y-%m-%d", serial=True) == expected


def test_a_spreadsheet_may_count_from_1904():
    cell = ibis.literal("42369")
    found = value(day_of(cell, "%Y-%m-%d", serial=True, date_1904=True))
    assert found == dt.date(2020, 1, 1)


def test_a_bare_number_is_no_serial_unless_stated():
    assert day("43831", "%Y-%m-%d") is None


FORMS = [
    "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d.%m.%y", "%d-%b-%Y", "%B %d, %Y",
    "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%Y-%m-%d %H:%M:%S.%f",
]  # fmt: skip
MOMENTS = st.datetimes(dt.datetime(1969, 1, 1), dt.datetime(2068, 12, 31))


@settings(max_examples=5, deadline=None)
@given(st.lists(MOMENTS, min_size=30, max_size=30))
def test_a_day_is_read_back_in_every_format(moments):
    for form in FORMS:
        cells = ibis.memtable({"c": [moment.strftime(form) for moment in moments]})
        found = ENGINE.to_pyarrow(day_of(cells.c, form).name("d")).to_pylist()
        assert found == [moment.date() for moment in moments], form


@settings(max_examples=5, deadline=None)
@given(st.lists(MOMENTS, min_size=30, max_size=30), st.sampled_from([-570, -300, 0, 330, 840]))
def test_the_day_in_a_zone_is_python_s(moments, minutes):
    zone = dt.timezone(dt.timedelta(minutes=minutes))
    instants = [moment.replace(tzinfo=zone) for moment in moments]
    cells = ibis.memtable({"c": [instant.isoformat() for instant in instants]})
    form = "%Y-%m-%dT%H:%M:%S.%f%z"
    found = ENGINE.to_pyarrow(day_of(cells.c, form, "Europe/London").name("d")).to_pylist()
    london = zoneinfo.ZoneInfo("Europe/London")
    assert found == [instant.astimezone(london).date() for instant in instants]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("0123456789-/. ", max_size=10), min_size=30, max_size=60))
def test_what_is_read_as_a_day_is_one_for_python_too(texts):
    cells = ibis.memtable({"c": texts}, schema={"c": "string"})
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y"):
        for text, found in zip(
            texts, ENGINE.to_pyarrow(day_of(cells.c, form).name("d")).to_pylist(), strict=True
        ):
            if found is not None:
                assert dt.datetime.strptime(text.strip(), form).date() == found


@pytest.mark.parametrize(
    "cell",
    ["2024-01", "2024-01-31", "01/2024", "1.2024", "Jan 2024", "January 2024", "Jan-24", "202401",
     "2024年1月", dt.date(2024, 1, 31), "2024-1-9"],
)  # fmt: skip
def test_the_month_of_a_cell(cell):
    assert value(month_of(ibis.literal(cell), "%Y-%m-%d")) == dt.date(2024, 1, 1)


@pytest.mark.parametrize("cell", ["13/2024", "2024", "97", "31.01.2024", "Januar", ""])
def test_no_month(cell):
    assert value(month_of(ibis.literal(cell), "%Y-%m-%d")) is None


@pytest.mark.parametrize(
    "text, first, last",
    [
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024-Q1", "2024-01-01", "2024-03-31"),
        ("Q4 2023", "2023-10-01", "2023-12-31"),
        (" q1/2024 ", "2024-01-01", "2024-03-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("Feb 2023", "2023-02-01", "2023-02-28"),
        ("12/2024", "2024-12-01", "2024-12-31"),
        ("202412", "2024-12-01", "2024-12-31"),
    ],
)
def test_the_bounds_of_a_period(text, first, last):
    assert period_bounds(text) == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))


@pytest.mark.parametrize("text", ["", "FY24", "2024-Q5", "2024-13", "0000", "24", "total"])
def test_no_period(text):
    assert period_bounds(text) is None


@pytest.mark.parametrize(
    "cell, expected",
    [(cell, True) for cell in ["yes", "Y", "TRUE", "1", 1, 1.0, "ja", "x", "是", True]]
    + [(cell, False) for cell in ["no", "n", "False", "0", 0, "nein", "否", False]]
    + [(cell, None) for cell in ["", "2", "maybe", "-", 2]],
)
def test_the_flag_of_a_cell(cell, expected):
    assert value(flag_of(ibis.literal(cell))) is expected


@pytest.mark.parametrize(
    "text, expected",
    [("1970-01-01", True), ("9999-12-31", True), ("2100-01-01", True),
     ("1999-12-31", False), ("2000-01-01", False), ("1970-01-02", False), ("2099-12-31", False)],
)  # fmt: skip
def test_days_that_stand_for_no_date(text, expected):
    assert value(is_placeholder(ibis.literal(dt.date.fromisoformat(text)))) is expected


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d", "%d.%m.%y", "%m/%d/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%S%z", "%Y-%j"]
)
def test_a_format_that_states_a_day_is_accepted(form):
    check_date_format(ENGINE, form, "inputs.transactions")


@pytest.mark.parametrize("form", ["%d.%m", "dd.mm.yyyy", "%Y-%M-%d", "%Q", "%d", "", "%H:%M"])
def test_a_format_that_states_no_day_is_refused(form):
    with pytest.raises(InputError, match=r"inputs\.customers\.date_format") as refusal:
        check_date_format(ENGINE, form, "inputs.customers")
    assert "does not state a day, a month and a year" in str(refusal.value)


def _refused(check: Callable[[], None]) -> str:
    with pytest.raises(InputError) as refusal:
        check()
    return str(refusal.value)


def test_a_time_zone_that_is_none_is_refused_with_the_nearest_name():
    check_time_zone("Asia/Hong_Kong")
    assert "Did you mean `Asia/Hong_Kong`?" in _refused(lambda: check_time_zone("Asia/Hongkong"))
    assert "such as `Asia/Hong_Kong`" in _refused(lambda: check_time_zone("Mars"))
