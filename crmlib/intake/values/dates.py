"""Which day, month or period a cell states, and whether it says yes or no.

Asked of every date at intake (chapter 1). A text is read in one stated format;
a time behind the day may be missing, since systems drop it at midnight. An
instant (a time with its offset from UTC) falls on one day in Hong Kong and on
another in New York: the engagement's `time_zone` says whose day counts.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
import zoneinfo

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir

from crmlib.errors import InputError, suggestion

FIRST_YEAR = 1901  # `97` read as four digits is the year 97; 1900-01-01 stands for no date

# Behind a time alone, since the end of 2020-01-01 looks like an offset, too.
_OFFSET = r"(:[0-9]{2}(?:\.[0-9]+)?) ?(?:Z|UTC|GMT|([+-])([0-9]{2})(?::?([0-9]{2}))?)$"
_SERIAL = r"^[0-9]{1,5}(?:\.[0-9]*)?$"
# Serial 60 is 29 February 1900, which there was not, so that later ones count from a day before
# the first of 1900. Earlier serials are off by one, and before FIRST_YEAR.
_SERIAL_ZERO = dt.date(1899, 12, 30)
_SERIAL_ZERO_1904 = dt.date(1904, 1, 1)
_MONTH_FORMATS = ["%Y-%m", "%Y/%m", "%Y.%m", "%Y%m", "%m/%Y", "%m.%Y", "%m-%Y", "%Y年%m月"] + [
    form.replace("%b", name)
    for name in ("%b", "%B")
    # two digits first: the engine takes Jan-24 for a month of the year 24
    for form in ("%b %y", "%b-%y", "%b %Y", "%b-%Y", "%Y %b", "%Y-%b")
]
_YES = ("1", "true", "t", "yes", "y", "ja", "j", "oui", "si", "sí", "x", "✓", "是", "有", "wahr")
_NO = ("0", "false", "f", "no", "n", "nein", "non", "否", "无", "無", "falsch")


@ibis.udf.scalar.builtin(name="try_strptime")
def _try_strptime(text: str, formats: list[str]) -> dt.datetime:
    """DuckDB's strict date parser: the first format that fits; null where none does."""


@ibis.udf.scalar.builtin(
    name="timezone", signature=((dtypes.string, dtypes.timestamp), dtypes.Timestamp("UTC"))
)
def _instant(zone: str, local: dt.datetime) -> dt.datetime:
    """The instant at which clocks in a zone show this time."""


@ibis.udf.scalar.builtin(
    name="timezone", signature=((dtypes.string, dtypes.Timestamp("UTC")), dtypes.timestamp)
)
def _clock(zone: str, instant: dt.datetime) -> dt.datetime:
    """The time that clocks in a zone show at an instant."""


def day_of(
    cell: ir.Value,
    date_format: str,
    time_zone: str | None = None,
    serial: bool = False,
    date_1904: bool = False,
) -> ir.DateValue:
    """The day that a cell states; null where it states none, or one before 1901.

    Parameters
    ----------
    cell : ibis.Value
        A date or timestamp as the file types it, or text or whole numbers in `date_format`.
    date_format : str
        As in strptime. Where it ends in a time of day, seconds, their fraction, the
        offset (`%z`) or the whole time may be missing from a cell.
    time_zone : str, optional
        Whose day an instant is counted on. Without one, text counts on the day that
        it shows and a typed instant on its day in UTC.
    serial : bool
        Whether a bare number is a spreadsheet's day number.
    date_1904 : bool
        Whether the spreadsheet counts its days from 1904 and not from 1900.
    """
    kind = cell.type()
    if kind.is_date():
        day = cell
    elif kind.is_timestamp():
        clock = _clock(time_zone or "UTC", cell.cast("timestamp('UTC')")) if kind.timezone else cell
        day = clock.cast("timestamp").date()
    else:
        text = as_text(cell)
        day = _day_of_text(text, date_format, time_zone)
        if serial:
            zero = _SERIAL_ZERO_1904 if date_1904 else _SERIAL_ZERO
            day = text.re_search(_SERIAL).ifelse(_day_of_serial(text, zero), day)
    return (day.year() >= FIRST_YEAR).ifelse(day, ibis.null("date"))


def month_of(
    cell: ir.Value,
    date_format: str,
    time_zone: str | None = None,
    serial: bool = False,
    date_1904: bool = False,
) -> ir.DateValue:
    """The first day of the month that a cell states, as a month (2024-01, Jan 2024) or a day."""
    day = day_of(cell, date_format, time_zone, serial, date_1904)
    if not (cell.type().is_date() or cell.type().is_timestamp()):
        month = _try_strptime(as_text(cell), _MONTH_FORMATS).date()
        plausible = (month.year() >= FIRST_YEAR).ifelse(month, ibis.null("date"))
        day = ibis.coalesce(plausible, day)
    return day.truncate("M")


def is_placeholder(day: ir.DateValue) -> ir.BooleanValue:
    """Whether a day stands for `no date` in many systems.

    1970-01-01 is the zero of computer clocks, and years from 2100 (9999-12-31,
    2999-12-31) say `for ever`. Other days that systems abuse, such as 1999-12-31 or
    2000-01-01, may be days of business, and days before 1901 are never read.
    """
    return (day == dt.date(1970, 1, 1)) | (day.year() >= 2100)


def period_bounds(text: str) -> tuple[dt.date, dt.date] | None:
    """First and last day of a year, quarter or month as books name it; None for other text.

    >>> period_bounds("2024-Q1")
    (datetime.date(2024, 1, 1), datetime.date(2024, 3, 31))
    """
    text = " ".join(text.split()).upper()
    year = "((?:19|20)[0-9]{2})"
    if found := re.fullmatch(year, text):
        return _months(int(found[1]), 1, 12)
    if found := re.fullmatch(rf"{year}[ /-]?Q([1-4])|Q([1-4])[ /-]?{year}", text):
        quarter = int(found[2] or found[3])
        return _months(int(found[1] or found[4]), 3 * quarter - 2, 3 * quarter)
    for form in _MONTH_FORMATS:
        try:
            month = dt.datetime.strptime(text, form).date()
        except ValueError:
            continue
        if month.year >= FIRST_YEAR:
            return _months(month.year, month.month, month.month)
    return None


def flag_of(cell: ir.Value) -> ir.BooleanValue:
    """Whether a cell says yes; null where it says neither yes nor no."""
    if cell.type().is_boolean():
        return cell
    word = as_text(cell).lower()
    return ibis.cases((word.isin(_YES), True), (word.isin(_NO), False), else_=ibis.null("boolean"))


def as_text(cell: ir.Value) -> ir.StringValue:
    """The cell as trimmed text; a whole number that was stored with decimals loses them."""
    if cell.type().is_floating() or cell.type().is_decimal():
        whole = cell.try_cast("int64")
        cell = (cell == whole).ifelse(whole.cast("string"), cell.cast("string"))
    return (cell if cell.type().is_string() else cell.cast("string")).strip()


def check_date_format(connection: ibis.BaseBackend, date_format: str, key: str) -> None:
    """Refuse a date format that the engine does not know or that states no whole day.

    Raises
    ------
    InputError
        With the key, `inputs.<table>`, and an example of a format.
    """
    # 13 h and a day above 12 show a format that reads minutes as months or loses a part.
    moment = dt.datetime(2001, 2, 23, 13, 0)
    try:
        written = ibis.literal(moment.strftime(date_format))
        found = connection.to_pyarrow(day_of(written, date_format)).as_py()
    except (ValueError, ibis.common.exceptions.IbisError, _engine_error()):
        found = None
    if found != moment.date():
        raise InputError(
            f"{key}.date_format",
            f"`{date_format}` does not state a day, a month and a year.",
            "For 31.12.2024 it is `%d.%m.%Y`.",
        )


def check_time_zone(name: str) -> None:
    """Refuse a time zone that is not in the tz database; raises InputError."""
    known = zoneinfo.available_timezones() - {"localtime", "Factory"}
    if name not in known:
        near = suggestion(name, known)
        remedy = near if near.startswith("Did") else "Names are such as `Asia/Hong_Kong`."
        raise InputError("time_zone", f"`{name}` is no time zone.", remedy)


def _day_of_text(text: ir.StringValue, date_format: str, time_zone: str | None) -> ir.DateValue:
    # A `Z` behind a time means UTC, whether the format has it as `Z` or as `%z`.
    shown = re.sub(r"(%[SMf]) ?(?:%z|Z)$", r"\1", date_format)
    clock = text
    if shown != date_format:
        clock = clock.re_replace(_OFFSET, r"\1")
    if shown.endswith("%f"):  # the engine reads six digits of a second, some databases write nine
        clock = clock.re_replace(r"(\.[0-9]{6})[0-9]+", r"\1")
    local = _try_strptime(clock, _poorer(shown))
    if "%y" in shown:  # the engine takes 1/1/2, cut off from 1/1/20, for the year 2002
        two_digits = r"^[0-9]{2}" if shown.startswith("%y") else r"[0-9]{2}(?:[T ,].*)?$"
        local = clock.re_search(two_digits).ifelse(local, ibis.null("timestamp"))
    if shown == date_format or time_zone is None:
        return local.date()
    there = _clock(time_zone, _instant("UTC", local - _offset_minutes(text).as_interval("m")))
    return text.re_search(_OFFSET).ifelse(there, local).date()


def _poorer(date_format: str) -> list[str]:
    """The format, and what is left of it where a cell lacks a part of the time of day."""
    found = re.fullmatch(r"(.*?%[dYymBbj日])([T ,]+)(%[HI]:.*)", date_format)
    if not found:
        return [date_format]
    day, gap, time = found.groups()
    whole = time.replace(".%f", "")
    times = dict.fromkeys([time, whole, whole.replace(":%S", "")])
    if "%p" in time:
        times |= dict.fromkeys([t.replace(" %p", "%p") for t in times])
    gaps = dict.fromkeys([gap, " ", "T"]) if gap in " T" else [gap]
    return [day + gap + time for gap in gaps for time in times] + [day]


def _offset_minutes(text: ir.StringValue) -> ir.IntegerValue:
    """Minutes by which the clock that wrote the time was before UTC; 0 for Z, UTC and GMT."""
    hours, minutes = (
        text.re_extract(_OFFSET, group).try_cast("int64").fill_null(0) for group in (3, 4)
    )
    total = hours * 60 + minutes
    return (text.re_extract(_OFFSET, 2) == "-").ifelse(-total, total)


def _day_of_serial(text: ir.StringValue, zero: dt.date) -> ir.DateValue:
    days = text.re_extract("^[0-9]+", 0).try_cast("int32")
    return ibis.literal(zero) + days.as_interval("D")


def _months(year: int, first: int, last: int) -> tuple[dt.date, dt.date]:
    end = calendar.monthrange(year, last)[1]
    return dt.date(year, first, 1), dt.date(year, last, end)


def _engine_error() -> type[Exception]:
    import duckdb

    return duckdb.Error
