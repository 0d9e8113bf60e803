"""What each row says, and the one reason why it is not used.

Written once as Ibis expressions over the raw table. A row that is excluded
stands under the first reason of `REASONS` that applies; everything else is
used. Amounts are exact decimals: sums do not depend on the order of threads.
"""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from crmlib.errors import InputError
from crmlib.intake.probe import KEY, Source
from crmlib.intake.tokenizer import BLANK, RECORD, REJECTED
from crmlib.params import Engagement, TransactionsInput

REASONS = {
    "unreadable line": "Ask for an export in which text with quotes or delimiters is quoted.",
    "blank line": "Nothing to do: blank lines carry no purchase.",
    "missing customer_id": "Ask whether these are anonymous purchases or a failed join.",
    "unreadable date": f"Check `{KEY}.date_format` against the dates in the file.",
    "before observation_start": "Set `observation_start` to the first "
    "day the export covers: who bought before it counts as new in it.",
    "after observation_end": "Set `observation_end` to the last day the export covers.",
    "missing amount": "Ask what a row without an amount means.",
    "unreadable amount": "Ask for plain numbers below 10^15 with a decimal point and no "
    "thousands mark.",
    "exact duplicate row": f"Where equal rows are two purchases, set `{KEY}.duplicates: keep`.",
    "zero amount": f"Where a free item is a purchase, set `{KEY}.zero_amounts: keep`.",
    "negative amount": f"To net returns instead, set `{KEY}.returns: net_by_order`.",
    "order returned in full": f"Right where only net sales count; if not, change `{KEY}.returns`.",
    "return without its purchase": "Map `order_id` so that a return finds its order.",
}
"""Reasons in the order in which they are tried, and what to do about each."""

AMOUNT = "decimal(38, 6)"
FACTOR = "decimal(18, 6)"  # quantity and unit price, each below 10^12
LARGEST = 10**15  # sums over billions of rows still fit an amount
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
FIRST_YEAR = 1901  # `97` read as four digits is the year 97; 1900-01-01 stands for no date


@ibis.udf.scalar.builtin
def try_strptime(text: str, date_format: str) -> dt.datetime:
    """DuckDB's strict date parser; null where the text does not fit the format."""


def clean(raw: ir.Table, source: Source, engagement: Engagement) -> ir.Table:
    """Type the rows and give each excluded one its reason.

    Parameters
    ----------
    raw : ibis.Table
        As `reader.read_raw` returns it.
    source : Source
        Which column plays which role.
    engagement : Engagement
        Observation window and policies.

    Returns
    -------
    ibis.Table
        record, customer_id, date, amount, order_id (null where there is none)
        and reason (null where the row is used, returns not yet settled).
    """
    settings = engagement.inputs.transactions
    cells = [raw[source.column(role)] for role in source.amount_roles]
    rows = raw.mutate(
        customer_id=_identifier(raw[source.column("customer_id")]),
        date=_date(raw[source.column("date")], settings.date_format),
        amount=_amount(cells),
        amount_missing=ibis.or_(*(_present(cell).isnull() for cell in cells)),
        order_id=_identifier(raw[source.column("order_id")])
        if "order_id" in source.roles
        else ibis.null("string"),
        repeats_earlier=_repeats_earlier(raw, source),
    )
    reason = ibis.cases(*_exclusions(rows, settings, engagement))
    return rows.mutate(reason=reason).select(
        "record", "customer_id", "date", "amount", "order_id", "reason"
    )


def _exclusions(
    rows: ir.Table, settings: TransactionsInput, engagement: Engagement
) -> list[tuple[ir.BooleanValue, str]]:
    """(condition, reason) in the order of `REASONS`; policies leave some out."""
    start, end = engagement.observation_start, engagement.observation_end
    exclusions = [
        (rows.kind == REJECTED, "unreadable line"),
        (rows.kind == BLANK, "blank line"),
        (rows.customer_id.isnull(), "missing customer_id"),
        (rows.date.isnull(), "unreadable date"),
        (rows.date < start, "before observation_start") if start else None,
        (rows.date > end, "after observation_end"),
        (rows.amount_missing, "missing amount"),
        (rows.amount.isnull(), "unreadable amount"),
        (rows.repeats_earlier, "exact duplicate row") if settings.duplicates == "drop" else None,
        (rows.amount == 0, "zero amount") if settings.zero_amounts == "exclude" else None,
        (rows.amount < 0, "negative amount") if settings.returns == "exclude" else None,
    ]
    return [exclusion for exclusion in exclusions if exclusion is not None]


def check_date_format(connection: ibis.BaseBackend, date_format: str) -> None:
    """Refuse a date format that the engine does not know or that states no whole day.

    Raises
    ------
    InputError
        With the key and an example of a format.
    """
    import duckdb

    day = dt.date(2001, 2, 3)
    try:
        written = "SELECT strptime(strftime($day, $format), $format)::DATE"
        found = connection.con.execute(written, {"day": day, "format": date_format}).fetchone()[0]
    except duckdb.Error:
        found = None
    if found != day:
        raise InputError(
            f"{KEY}.date_format",
            f"`{date_format}` does not state a day, a month and a year.",
            "For 31.12.2024 it is `%d.%m.%Y`.",
        )


def _present(cell: ir.Value) -> ir.Value:
    """The cell, null where it holds nothing but white space."""
    return cell.strip().nullif("") if cell.type().is_string() else cell


def _identifier(cell: ir.Value) -> ir.StringValue:
    """Text as it stands, trimmed; a whole number that was stored as a float loses its `.0`."""
    if cell.type().is_floating():
        whole = cell.try_cast("int64")
        return (cell == whole).ifelse(whole.cast("string"), cell.cast("string"))
    return _present(cell if cell.type().is_string() else cell.cast("string"))


def _date(cell: ir.Value, date_format: str) -> ir.DateValue:
    """The day; null where the cell does not hold one in the stated format."""
    if cell.type().is_date():
        day = cell
    elif cell.type().is_timestamp():
        day = cell.cast("timestamp").date()
    else:
        text = cell if cell.type().is_string() else cell.cast("string")
        # the engine also reads words such as `infinity` and `epoch`, whatever the format
        text = text.strip().re_search("[0-9]").ifelse(text.strip(), ibis.null("string"))
        day = try_strptime(text, date_format).date()
    return (day.year() >= FIRST_YEAR).ifelse(day, ibis.null("date"))


def _amount(cells: list[ir.Value]) -> ir.DecimalValue:
    """One amount, or quantity × unit price, exactly; null where it is beyond all sense."""
    if len(cells) == 1:
        amount = _decimal(cells[0], AMOUNT)
    else:
        # the engine multiplies 18 by 18 digits in 18: widen first
        quantity, unit_price = (_decimal(cell, FACTOR).cast(AMOUNT) for cell in cells)
        amount = quantity * unit_price
    return (amount.abs() < LARGEST).ifelse(amount.cast(AMOUNT), ibis.null(AMOUNT))


def _decimal(cell: ir.Value, decimal: str) -> ir.DecimalValue:
    """The number rounded to six decimals; null where the cell holds none (NaN, inf, words)."""
    if cell.type().is_numeric():
        return cell.try_cast(decimal)
    text = (cell if cell.type().is_string() else cell.cast("string")).strip()
    return text.re_search(NUMBER).ifelse(text.try_cast(decimal), ibis.null(decimal))


def _repeats_earlier(raw: ir.Table, source: Source) -> ir.BooleanValue:
    """Whether an earlier row of the file is equal in every column."""
    records = raw.filter(raw.kind == RECORD)
    first = records.group_by(list(source.columns)).agg(first=records.record.min())
    return (raw.kind == RECORD) & raw.record.notin(first.first)
