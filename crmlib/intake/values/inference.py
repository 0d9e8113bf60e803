"""How a column writes its dates and decimals, decided once from all of its values.

Asked where a params file says `auto` (chapter 1). Every different value is looked
at, in the engine: a sample would miss the one date above the twelfth that tells
day from month. What the data leave open is not guessed but asked for.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from crmlib.errors import InputError
from crmlib.intake.reading.source import printable
from crmlib.intake.values.dates import as_text, day_of, is_placeholder
from crmlib.intake.values.numbers import plain_number


@dataclass(frozen=True)
class Inferred:
    """What was found, and a sentence for the report that says on what evidence."""

    value: str
    note: str


DAY_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%d.%m.%Y",
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d%m%Y", "%m%d%Y",
    "%d.%m.%y", "%y.%m.%d", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d",
    "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%y%m%d", "%d%m%y", "%m%d%y",
    "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %b %y", "%d/%b/%Y", "%d%b%Y", "%b %d, %Y", "%b %d %Y",
    "%d %B %Y", "%d. %B %Y", "%B %d, %Y", "%B %d %Y",
)  # fmt: skip
"""Ways to write a day, in the order of preference where several agree on every value."""

_TIME = (
    r"(?:, ?| +|T)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?: ?[AaPp][Mm])?(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?$"
)
_LIKE_A_DAY = (
    r"^(?:[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[0-9]{6}|[0-9]{8}"
    r"|[0-9]{1,2}[-/. ]{0,2}[A-Za-z]{3,9}[-/ ]?[0-9]{2,4}|[A-Za-z]{3,9} [0-9]{1,2},? [0-9]{4}"
    r"|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日)$"
)
_WORDS = r"(?:[A-Za-z][^A-Za-z]*){9}|^.{40}"  # more than a number with its currency has
_SERIAL = r"^[0-9]{1,5}(?:\.[0-9]*)?$"
_DEFAULT = "%Y-%m-%d"


def infer_date_format(
    cells: ir.Value | Sequence[ir.Value], place: str, key: str, serial: bool = False
) -> Inferred:
    """The format of one table's dates.

    Parameters
    ----------
    cells : ibis.Value or sequence of them
        The date columns of one table: text, or whole numbers such as 20240131.
    place : str
        How messages name the column.
    key : str
        The table's key in the params file, `inputs.<table>`.
    serial : bool
        Whether bare numbers are a spreadsheet's day numbers, which need no format.

    Raises
    ------
    InputError
        Two formats read the dates, and differently; dates are written in two ways of
        which none covers the other; or no format reads half of the values.
    """
    days = _different_days(cells, serial)
    counts = _row(days, total=days.n.sum(), **_fitting(days))
    if counts["total"] == 0:
        return Inferred(_DEFAULT, "There is no date to take the format from.")
    read = _any(day.notnull() for day in _readings(days).values())
    if 2 * _row(days, n=days.n.sum(where=read))["n"] < counts["total"]:
        _refuse_all(days, place, key, counts["total"])
    # Days that stand for no date, such as 9999-12-31, are evidence for no format if others are.
    sure = days.filter(
        _any(day.notnull() & ~is_placeholder(day) for day in _readings(days).values())
    )
    if not _row(sure, n=sure.n.sum())["n"]:
        sure = days.filter(read)
    reads, found = _readings(sure), _row(sure, total=sure.n.sum(), **_fitting(sure))
    best = max(reads, key=found.__getitem__)  # the first of equals
    if found[best] < found["total"]:
        _refuse_mixture(sure, reads, place, key, best)
    whole = _by_spread(sure, {f: d for f, d in reads.items() if found[f] == found["total"]})
    _refuse_two_readings(sure, whole, place, key)
    best = next(iter(whole))
    value = best + _time_format(sure)
    note = f"Dates are read as {_in_words(value)} ({value}): {_fit(counts[best], counts['total'])}."
    return Inferred(value, note + _on_years(sure, reads[best], best))


def likeliest_date_format(cells: ir.Value | Sequence[ir.Value], serial: bool = False) -> str:
    """The format that reads most of the different values, where no one format can be inferred."""
    days = _different_days(cells, serial)
    counts = _row(days, **_fitting(days)) if _fitting(days) else {}
    return (max(counts, key=counts.__getitem__) + _time_format(days)) if counts else _DEFAULT


def infer_decimal(
    cells: Sequence[ir.StringValue], place: str, key: str, currency: str = ""
) -> Inferred:
    """The decimal mark of one table's amounts and numbers.

    Parameters
    ----------
    cells : sequence of ibis.StringValue
        The table's columns of amounts and numbers; one mark holds for all of them.
    place, key : str
        As for `infer_date_format`.
    currency : str, optional
        The engagement's; any currency's signs are allowed where it is empty.

    Raises
    ------
    InputError
        Every value with a mark reads as a decimal and as a thousands mark (`1,234`),
        or some values need the one and some the other.
    """
    forms = _number_forms(cells)
    point, comma = (plain_number(forms.example, mark, currency) for mark in (".", ","))
    kinds = {
        ".": point.notnull() & comma.isnull(),
        ",": comma.notnull() & point.isnull(),
        "either": point != comma,
    }
    counts = _row(forms, **{name: forms.n.sum(where=kind) for name, kind in kinds.items()})
    examples = {name: _example(forms, kind) for name, kind in kinds.items()}
    if counts["."] and counts[","]:
        raise InputError(
            place,
            f"`{examples['.']}` has a decimal point and `{examples[',']}` a decimal comma.",
            f'Ask for one export; or state `{key}.decimal: "."` (or `","`): rows that do not '
            "fit are then excluded as unreadable amounts.",
        )
    if counts["either"] and not counts["."] and not counts[","]:
        raise InputError(
            place,
            f"`{examples['either']}` may have a decimal or a thousands mark, and no other value "
            "tells which.",
            f'State `{key}.decimal: "."` or `{key}.decimal: ","`.',
        )
    value = "," if counts[","] else "."
    if not counts[value]:
        return Inferred(value, "Amounts are whole numbers.")
    name = "point" if value == "." else "comma"
    return Inferred(
        value, f"Amounts are read with a decimal {name}: {_cells(counts[value])} nothing else."
    )


def _number_forms(cells: Sequence[ir.StringValue]) -> ir.Table:
    """The different forms of the cells (every digit but 0 is alike), with a value of each."""
    texts = [as_text(cell).name("text").as_table() for cell in cells]
    every = ibis.union(*texts) if len(texts) > 1 else texts[0]
    # The usual forms by a search, since translating costs four times as much.
    form = ibis.cases(
        (every.text.re_search(r"^-?[0-9]+$"), "1"),
        (every.text.re_search(r"^-?[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,})$"), "1.1"),
        (every.text.re_search(r"^-?[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})$"), "1,1"),
        (every.text.re_search(_WORDS), ""),
        else_=every.text.translate("123456789", "111111111"),
    )
    grouped = every.group_by(form=form).agg(n=every.count(), example=every.text.min())
    return grouped.filter(grouped.form != "").cache()


def _different_days(cells: ir.Value | Sequence[ir.Value], serial: bool) -> ir.Table:
    """The different days as text, and as each format that may fit reads them.

    Returns
    -------
    ibis.Table
        day (empty for all that looks like no date), time (its form: every digit is 0),
        n (how many different values), example (one of them), and `f<i>`, the day as the i-th of
        `DAY_FORMATS` reads it, for those that may fit.
    """
    columns = [cells] if isinstance(cells, ir.Value) else list(cells)
    texts = [as_text(column).name("text").as_table() for column in columns]
    values = (ibis.union(*texts) if len(texts) > 1 else texts[0]).distinct()
    values = values.filter(values.text != "")
    if serial:
        values = values.filter(~values.text.re_search(_SERIAL))
    # Grouped before it is looked at: times make a million different values of a thousand days.
    parts = values.mutate(day=values.text.re_replace(_TIME, ""))
    time = parts.text.substr(parts.day.length())
    parts = parts.mutate(time=time.translate("123456789", "000000000"))
    split = parts.group_by("day", "time").agg(n=parts.count(), example=parts.text.min())
    looks = split.mutate(day=split.day.re_search(_LIKE_A_DAY).ifelse(split.day, ""))
    grouped = looks.group_by("day", "time")
    days = grouped.agg(n=looks.n.sum(), example=looks.example.min()).cache()
    form = days.day.translate("123456789", "000000000")
    shapes = days.select(form=form).distinct().form.to_pyarrow().to_pylist()
    fitting = [form for form in DAY_FORMATS if any(map(_shape(form).fullmatch, shapes))]
    # by position: the engine takes %b and %B for one name
    return days.mutate(
        **{f"f{DAY_FORMATS.index(form)}": day_of(days.day, form) for form in fitting}
    ).cache()


def _readings(days: ir.Table) -> dict[str, ir.DateValue]:
    """The columns of `_different_days` that hold the day as a format reads it."""
    names = [name for name in days.columns if re.fullmatch("f[0-9]+", name)]
    return {DAY_FORMATS[int(name[1:])]: days[name] for name in names}


def _fitting(days: ir.Table) -> dict[str, ir.IntegerScalar]:
    """How many different values each format reads."""
    return {form: days.n.sum(where=day.notnull()) for form, day in _readings(days).items()}


def _shape(form: str) -> re.Pattern[str]:
    """What a day in this format looks like, so that few formats need to be tried."""
    marks = re.sub("%[a-zA-Z]", "", form)
    number = "[0-9]{1,2}" if marks or "%b" in form else "[0-9]{2}"
    parts = {"%Y": "[0-9]{4}", "%y": "[0-9]{2}", "%b": "[a-zA-Z]{3}", "%B": "[a-zA-Z]{3,9}"}
    pattern = "".join(
        parts.get(part, number) if part.startswith("%") else re.escape(part)
        for part in re.findall("%[a-zA-Z]|.", form)
    )
    return re.compile(pattern)


def _by_spread(days: ir.Table, reads: dict[str, ir.DateValue]) -> dict[str, ir.DateValue]:
    """Without those readings that take the day of two-digit dates for the year.

    In 15.01.20 … 31.12.21 the first part takes up to 31 different values and the last
    one two: whichever part differs at least twice as much as the other is the day.
    """
    if len(reads) == 1 or not any("%y" in form for form in reads):
        return reads
    differ = _row(
        days,
        **{f"day {form}": read.day().nunique() for form, read in reads.items()},
        **{f"year {form}": read.year().nunique() for form, read in reads.items()},
    )
    spread = {form: differ[f"day {form}"] / differ[f"year {form}"] for form in reads}
    if max(spread.values()) < 2:
        return reads
    return {form: read for form, read in reads.items() if spread[form] > 0.5}


def _refuse_all(days: ir.Table, place: str, key: str, total: int) -> None:
    unread = ~_any(day.notnull() for day in _readings(days).values())
    # The column may be a wrong one, of names or numbers of persons: its shape alone is shown.
    shape = re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "9", _example(days, unread)))
    raise InputError(
        place,
        f"no known date format reads half of its {total:,} different values, e.g. not `{shape}`.",
        f'Check that this is the date; if so, state `{key}.date_format`, e.g. "%d.%m.%Y".',
    )


def _refuse_mixture(
    days: ir.Table, reads: Mapping[str, ir.DateValue], place: str, key: str, best: str
) -> None:
    """Two formats, each of which reads a value that the other cannot."""
    unread = reads[best].isnull()
    others = {form: day for form, day in reads.items() if form != best}
    counts = _row(
        days, **{f: days.n.sum(where=unread & day.notnull()) for f, day in others.items()}
    )
    other = max(others, key=counts.__getitem__)
    theirs = unread & reads[other].notnull()
    ours = reads[best].notnull() & reads[other].isnull()
    row = _row(
        days, ours=days.example.min(where=ours), theirs=days.example.min(where=theirs),
        n_ours=days.n.sum(where=ours), n_theirs=days.n.sum(where=theirs),
    )  # fmt: skip
    raise InputError(
        place,
        f"dates are written in two ways: `{row['ours']}` only reads as {best} ({row['n_ours']:,} "
        f"such values), `{row['theirs']}` only as {other} ({row['n_theirs']:,}).",
        f'Ask which is meant where both are possible; then state `{key}.date_format: "{best}"`: '
        "rows that do not fit are excluded as unreadable dates.",
    )


def _refuse_two_readings(
    days: ir.Table, reads: Mapping[str, ir.DateValue], place: str, key: str
) -> None:
    """Formats that read every date must agree on each of them."""
    first, *others = reads
    for other in others:
        differ = reads[first] != reads[other]
        row = _row(
            days,
            n=days.n.sum(where=differ),
            example=days.example.min(where=differ),
            ours=reads[first].argmin(days.example, where=differ),
            theirs=reads[other].argmin(days.example, where=differ),
        )
        if row["n"]:
            raise InputError(
                place,
                f"`{row['example']}` is {_written(row['ours'])} as {first} and "
                f"{_written(row['theirs'])} as {other}, and every date in the data allows both.",
                f'State which is right: `{key}.date_format: "{first}"` or "{other}".',
            )


def _time_format(days: ir.Table) -> str:
    """The format of the time behind the days, rich enough for every part that is there."""
    forms = days.group_by("time").agg(n=days.n.sum()).order_by(ibis.desc("n"), "time")
    found = [(row["time"], row["n"]) for row in forms.to_pyarrow().to_pylist() if row["time"]]
    if not found:
        return ""
    # Times of the clock with and without am and pm are two formats; the one more often found.
    half = sum(n if re.search("[AaPp][Mm]", time) else -n for time, n in found) > 0
    times = [time for time, _ in found if bool(re.search("[AaPp][Mm]", time)) == half]
    gap = re.match(r"[T, ]+", times[0])[0].replace("  ", " ")
    parts = "%I:%M" if half else "%H:%M"
    if any(re.search(r":00:00", re.sub("[0-9]", "0", time)) for time in times):
        parts += ":%S"
    if any("." in time for time in times):
        parts += ".%f"
    if half:
        parts += " %p" if re.search(" [AaPp][Mm]", times[0]) else "%p"
    if any(re.search(r"(Z|UTC|GMT|[+-]0+:?0*)$", time) for time in times):
        parts += "%z"
    return gap + parts


def _in_words(form: str) -> str:
    """A format as a reader says it: `day.month.year, with the time`.

    >>> _in_words("%d.%m.%Y %H:%M")
    'day.month.year, with the time'
    """
    day = re.split(r"[T, ]+%[HI]", form)[0]
    words = {"%Y": "year", "%y": "two-digit year", "%m": "month", "%b": "month (Jan)",
             "%B": "month (January)", "%d": "day"}  # fmt: skip
    joined = re.sub("%[a-zA-Z](?=%)", lambda part: part[0] + " ", day)
    said = re.sub("%[a-zA-Z]", lambda part: words[part[0]], joined)
    return said + (", with the time" if day != form else "")


def _on_years(days: ir.Table, read: ir.DateValue, form: str) -> str:
    """What a reader must know where years have two digits."""
    if "%y" not in form:
        return ""
    row = _row(days, first=read.min(), last=read.max())
    return (
        " Two-digit years are read as 1969 to 2068: the dates run from "
        f"{_written(row['first'])} to {_written(row['last'])}."
    )


def _fit(part: int, total: int) -> str:
    if part == total:
        return f"all {total:,} different values fit" if total > 1 else "the only value fits"
    return f"{part:,} of {total:,} different values fit"


def _example(values: ir.Table, kind: ir.BooleanValue) -> str:
    """The first value of a kind as one line of a message can show it; empty where there is none."""
    found = _row(values, example=values.example.min(where=kind))["example"]
    return printable(found or "", 40)


def _cells(n: int) -> str:
    return "one cell allows" if n == 1 else f"{n:,} cells allow"


def _written(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def _any(conditions: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    return reduce(or_, conditions, ibis.literal(False))


def _row(table: ir.Table, **values: ir.Scalar) -> dict[str, Any]:
    """The one row of an aggregate; a sum over nothing is 0."""
    numbered = {f"v{i}": value for i, value in enumerate(values.values())}
    row = table.agg(**numbered).to_pyarrow().to_pylist()[0]
    return {
        name: 0 if found is None and value.type().is_integer() else found
        for (name, value), found in zip(values.items(), row.values(), strict=True)
    }
