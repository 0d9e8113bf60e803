"""What the cells of one table mean: how its numbers and dates are written, decided once.

Stated settings are taken as they are; what the params leave to `auto` is inferred
from all values of a column (`inference`) and noted for the report. Everything here
yields Ibis expressions: a cell that does not hold what its column should is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from crmlib.errors import InputError
from crmlib.intake.reading.probe import Source
from crmlib.intake.values import dates, inference, numbers
from crmlib.params import Engagement
from crmlib.tables import TABLES, Column

AMOUNT = "decimal(38, 6)"
FACTOR = "decimal(18, 6)"  # quantity and unit price, each below 10^12
LARGEST = 10**15  # sums over billions of rows still fit an amount
_NUMBERED = ("amount", "number", "share", "count")


@dataclass(frozen=True)
class Reading:
    """How the cells of one table are read.

    Attributes
    ----------
    date_format : str
        As in strptime; one for all dates of the table.
    decimal : str
        The decimal mark.
    currency, time_zone : str
        The engagement's.
    serial, date_1904 : bool
        Whether a bare number in a date column is a spreadsheet's day number, and counts
        from 1904.
    notes : tuple of str
        What was inferred, and how surely, as sentences.
    """

    date_format: str
    decimal: str
    currency: str
    time_zone: str | None
    serial: bool
    date_1904: bool = False
    notes: tuple[str, ...] = ()

    def read(self, cell: ir.Value, column: Column) -> ir.Value:
        """The cell's meaning by the column's kind; null where it has none."""
        dated = (self.date_format, self.time_zone, self.serial, self.date_1904)
        readers: dict[str, Callable[[], ir.Value]] = {
            "id": lambda: identifier(cell),
            "text": lambda: _text(cell),
            "day": lambda: dates.day_of(cell, *dated),
            "month": lambda: dates.month_of(cell, *dated),
            "flag": lambda: dates.flag_of(cell),
            "amount": lambda: self.amount(cell),
            "number": lambda: self.amount(cell).cast("float64"),
            "share": lambda: _within(self.amount(cell).cast("float64"), 0, 1),
            "count": lambda: _whole(self.amount(cell)),
        }
        return readers[column.kind]()

    def amount(self, cell: ir.Value) -> ir.DecimalValue:
        """The number to six decimals; null where the cell holds none (NaN, inf, words)."""
        number = self.number(cell, AMOUNT)
        return (number.abs() < LARGEST).ifelse(number, ibis.null(AMOUNT))

    def number(self, cell: ir.Value, decimal: str) -> ir.DecimalValue:
        """The number as a decimal of the stated size."""
        if cell.type().is_numeric():
            return cell.try_cast(decimal)
        text = numbers.plain_number(as_text(cell), self.decimal, self.currency)
        return text.try_cast(decimal)

    def product(self, cells: list[ir.Value]) -> ir.DecimalValue:
        """One amount, or quantity × unit price, exactly; null where it is beyond all sense."""
        if len(cells) == 1:
            return self.amount(cells[0])
        # the engine multiplies 18 by 18 digits in 18: widen first
        quantity, unit_price = (self.number(cell, FACTOR).cast(AMOUNT) for cell in cells)
        amount = quantity * unit_price
        return (amount.abs() < LARGEST).ifelse(amount.cast(AMOUNT), ibis.null(AMOUNT))

    def foreign(self, cell: ir.Value) -> ir.BooleanValue:
        """Whether the cell names a currency that is not the engagement's."""
        if cell.type().is_numeric():
            return ibis.literal(False)
        return numbers.in_other_currency(as_text(cell), self.currency)


def how_to_read(raw: ir.Table, source: Source, engagement: Engagement) -> Reading:
    """Decide once how a table's numbers and dates are written.

    Raises
    ------
    InputError
        A stated format that no engine knows, or values that allow two readings.
    """
    settings = engagement.inputs.given()[source.table]
    columns = {
        role: column
        for role, column in TABLES[source.table].columns.items()
        if role in source.roles
    }
    serial = any(part.serial_dates for part in source.parts)
    date_1904 = _counts_from_1904(source)
    notes: list[str] = []
    date_format, dated = settings.date_format, _days_to_read(raw, source, columns)
    dated += _written_as_days(raw, _written_in(raw, source, columns, ("month",)))
    if date_format == "auto":
        date_format = "%Y-%m-%d"
        if dated:
            found = inference.infer_date_format(dated, source.place, source.key, serial)
            date_format = found.value
            notes.append(found.note)
    decimal, numbered = settings.decimal, _written_in(raw, source, columns, _NUMBERED)
    if decimal == "auto":
        decimal = "."
        if numbered:
            place, currency = source.place, engagement.currency
            found = inference.infer_decimal(numbered, place, source.key, currency)
            decimal = found.value
            notes.append(found.note)
    zone = engagement.time_zone
    currency = engagement.currency
    return Reading(date_format, decimal, currency, zone, serial, date_1904, tuple(notes))


def _counts_from_1904(source: Source) -> bool:
    """Whether the table's workbooks count days from 1904; refused where they differ."""
    books = [part for part in source.parts if part.serial_dates]
    differ = {part.date_1904 for part in books}
    if len(differ) > 1:
        odd = next(part for part in books if part.date_1904)
        raise InputError(
            odd.place,
            "counts its days from 1904, and another file of the table from 1900.",
            "Save all of them with the same setting, or as CSV.",
        )
    return True in differ


def _days_to_read(raw: ir.Table, source: Source, columns: Mapping[str, Column]) -> list[ir.Value]:
    """The columns of days that the file does not type as such: text, or numbers like 20240131."""
    cells = [raw[source.column(role)] for role, column in columns.items() if column.kind == "day"]
    return [cell for cell in cells if cell.type().is_string() or cell.type().is_numeric()]


def _written_in(
    raw: ir.Table, source: Source, columns: Mapping[str, Column], kinds: tuple[str, ...]
) -> list[ir.StringValue]:
    """The columns of these kinds whose cells are text."""
    cells = [raw[source.column(role)] for role, column in columns.items() if column.kind in kinds]
    return [cell for cell in cells if cell.type().is_string()]


def _written_as_days(raw: ir.Table, months: list[ir.StringValue]) -> list[ir.StringValue]:
    """The columns of months that are mostly days of a form that their file decides."""
    found = []
    for cell in months:
        strange = (present(cell).notnull() & dates.month_of(cell, "%Y-%m-%d").isnull()).sum()
        counts = raw.aggregate(strange=strange, filled=present(cell).count()).to_pyarrow()
        row = counts.to_pylist()[0]
        if 2 * (row["strange"] or 0) > row["filled"]:
            found.append(cell)
    return found


def present(cell: ir.Value) -> ir.Value:
    """The cell without white space around it; null where it holds nothing else."""
    if not cell.type().is_string():
        return cell
    # Trimming costs three times a search: most cells need none.
    return cell.re_search(r"^\s|\s$").ifelse(cell.strip(), cell).nullif("")


def as_text(cell: ir.Value) -> ir.StringValue:
    """The cell as text; itself where it is text already."""
    return cell if cell.type().is_string() else cell.cast("string")


def identifier(cell: ir.Value) -> ir.Value:
    """Text as it stands, trimmed; whole numbers as they are stored.

    A whole number that was stored as a float loses its `.0`.
    """
    if cell.type().is_integer():
        return cell
    if cell.type().is_floating():
        whole = cell.try_cast("int64")
        return (cell == whole).ifelse(whole.cast("string"), cell.cast("string"))
    return present(as_text(cell))


def _text(cell: ir.Value) -> ir.StringValue:
    return as_text(identifier(cell))


def _within(number: ir.FloatingValue, low: float, high: float) -> ir.FloatingValue:
    return number.between(low, high).ifelse(number, ibis.null("float64"))


def _whole(number: ir.DecimalValue) -> ir.IntegerValue:
    whole = number.try_cast("int64")
    return ((number == whole) & (number >= 0)).ifelse(whole, ibis.null("int64"))
