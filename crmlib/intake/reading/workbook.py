"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods) as rows of text.

Cells become text as a careful person would type them: days in ISO form, whole
numbers without a decimal point, errors as they show. Formulas give the value
that Excel saved with them. What a report must say about a sheet is noted.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crmlib.errors import InputError, suggestion
from crmlib.intake.reading.archive import check_archive
from crmlib.intake.reading.dialect import clean_name, refuse_other_line
from crmlib.intake.reading.sheet_scan import Scan, read_book, scan_ods, scan_sheet
from crmlib.intake.reading.source import Part, printable, quoted
from crmlib.intake.reading.tokenizer import BLANK, RECORD, Line
from crmlib.params import TableInput

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

MOST_CELLS = 20_000_000  # of the rectangle around all filled cells; about 1.5 GB
WHOLE_BELOW = 2.0**63
TITLE_ROWS = 30


def describe_workbook(
    part: Part, settings: TableInput, key: str, names: Collection[str], needed: Collection[str]
) -> Part:
    """Complete a workbook's layout: which sheet, which row names the columns.

    Parameters
    ----------
    part : Part
        With path, place and name.
    settings : TableInput
        With `sheet`, `header` and `skip_rows`.
    key : str
        The params key of the table.
    names, needed : collection of str
        By which the header is known; those that every row must have.

    Raises
    ------
    InputError
        A damaged, locked or oversized workbook, no sheet or several, no header.
    """
    zipped = zipfile.is_zipfile(part.path)
    if zipped:
        check_archive(part.path, part.place)
    date_1904 = zipped and read_book(part.path).date_1904
    with opening(part) as book:
        sheet, scan, notes = _choose(book, part, settings, key)
        rows = first_rows(sheet, settings.skip_rows + TITLE_ROWS)
        merges = _vertical_merges(sheet, settings.skip_rows + settings.header)
    header = _header(rows, settings, part, key, names)
    _are_computed(scan, header, needed, part)
    notes += _remarks(scan, header)
    if merges:
        notes.append(f"{_count(len(merges), 'cell')} merged over rows, filled downwards")
    return dataclasses.replace(
        part,
        header=header,
        sheet=sheet.name,
        skip_rows=settings.skip_rows,
        head_lines=settings.skip_rows + settings.header,
        serial_dates=True,
        date_1904=date_1904,
        notes=(*part.notes, *notes),
    )


@contextmanager
def opening(part: Part) -> Iterator[CalamineWorkbook]:
    """A workbook, with what stops it from being read said in the user's words."""
    import python_calamine

    if part.path.name.lower().endswith(".ods"):  # laid out in memory as soon as it is opened
        _check_size(scan_ods(part.path, part.stamp), part, "its largest sheet")
    try:
        with python_calamine.load_workbook(str(part.path)) as book:
            yield book
    except python_calamine.PasswordError:
        raise InputError(
            part.place, "is a workbook behind a password.", "Save it without a password."
        ) from None
    except (python_calamine.CalamineError, OSError):
        raise _damaged(part) from None
    except BaseException as error:  # what its Rust code raises where it gives up
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged(part) from None


def _damaged(part: Part) -> InputError:
    return InputError(
        part.place, "is a damaged workbook.", "Open it in Excel and save it again, or as CSV."
    )


def _choose(
    book: CalamineWorkbook, part: Part, settings: TableInput, key: str
) -> tuple[CalamineSheet, Scan, list[str]]:
    """The sheet that params name, or the only visible one that holds cells."""
    visible, hidden = _names(book)
    also = f" Hidden: {quoted(hidden)}." if hidden else ""
    if settings.sheet is not None:
        if settings.sheet not in visible + hidden:
            raise InputError(
                part.place,
                f"has no sheet `{settings.sheet}`, which `{key}.sheet` names.",
                suggestion(settings.sheet, visible) + also,
            )
        sheet, scan = _load(book, part, settings.sheet)
        is_hidden = [f"hidden sheet `{printable(sheet.name)}`"] if sheet.name in hidden else []
        return sheet, scan, is_hidden or [f"sheet `{printable(sheet.name)}`"]
    loaded = [_load(book, part, name) for name in visible]
    filled = [(sheet, scan) for sheet, scan in loaded if sheet.start]
    if len(filled) > 1:
        raise InputError(
            part.place,
            f"has {len(filled)} sheets: {quoted([sheet.name for sheet, _ in filled])}.",
            f"Say which with `{key}.sheet`.{also}",
        )
    if not filled:
        raise InputError(
            part.place,
            "has no visible sheet with a filled cell.",
            f"Set `{key}.sheet` to a hidden one.{also}" if hidden else "Export the table again.",
        )
    return *filled[0], [f"sheet `{printable(filled[0][0].name)}`"]


def _load(book: CalamineWorkbook, part: Part, name: str) -> tuple[CalamineSheet, Scan]:
    """A sheet, once its size is known: the reader lays out the whole rectangle in memory."""
    scan = Scan()
    if zipfile.is_zipfile(part.path):
        member = read_book(part.path).members.get(name)
        scan = scan_sheet(part.path, member, part.stamp) if member else scan
    _check_size(scan, part, f"sheet `{printable(name)}`")
    return book.get_sheet_by_name(name), scan


def visible_sheets(book: CalamineWorkbook, part: Part) -> list[CalamineSheet]:
    """Every visible sheet that holds a filled cell; raises InputError where there is none."""
    visible, _ = _names(book)
    filled = [sheet for sheet, _ in (_load(book, part, name) for name in visible)]
    filled = [sheet for sheet in filled if sheet.start]
    if not filled:
        raise InputError(
            part.place, "has no visible sheet with a filled cell.", "Export the table again."
        )
    return filled


def _names(book: CalamineWorkbook) -> tuple[list[str], list[str]]:
    """Names of the visible and of the hidden sheets; charts and macros are no sheets."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [each for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    visible = [each.name for each in sheets if each.visible == SheetVisibleEnum.Visible]
    return visible, [each.name for each in sheets if each.name not in visible]


def _check_size(scan: Scan, part: Part, name: str) -> None:
    if scan.cells > MOST_CELLS:
        raise InputError(
            part.place,
            f"{name} reaches over {scan.rows:,} rows and "
            f"{scan.columns:,} columns, more than {MOST_CELLS:,} cells.",
            "Delete stray cells far below or beside the table, or save it as CSV.",
        )


def first_rows(sheet: CalamineSheet, n_rows: int) -> list[list[str]]:
    """The first rows of a sheet as text."""
    rows = []
    for _, cells in zip(range(n_rows), _rows(sheet), strict=False):
        rows.append([as_text(cell) for cell in cells])
    return rows


def _rows(sheet: CalamineSheet) -> Iterator[list[Any]]:
    """Every row from the first of the sheet, every cell from its first column."""
    left = [""] * (sheet.start[1] if sheet.start else 0)
    for cells in sheet.iter_rows():
        yield left + cells


def as_text(cell: Any) -> str:
    """A cell as text; empty where it holds nothing.

    >>> as_text(5.0), as_text(0.1), as_text(dt.date(2024, 1, 31)), as_text(True)
    ('5', '0.1', '2024-01-31', 'true')
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < WHOLE_BELOW else repr(cell)
    if isinstance(cell, dt.datetime):  # Excel's fractions of a day miss whole seconds by a little
        rounded = cell + dt.timedelta(microseconds=500_000)
        return rounded.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return str(cell)


def _header(
    rows: list[list[str]], settings: TableInput, part: Part, key: str, names: Collection[str]
) -> tuple[str, ...]:
    width = len(rows[0]) if rows else 0
    if not settings.header:
        return tuple(f"column_{position + 1}" for position in range(width))
    if len(rows) <= settings.skip_rows:
        raise InputError(
            part.place,
            f"its sheet ends before row {settings.skip_rows + 1:,}.",
            f"Check `{key}.skip_rows`: {settings.skip_rows}.",
        )
    header = tuple(clean_name(name) for name in rows[settings.skip_rows])
    candidates = [[row] for row in rows[:TITLE_ROWS]]
    refuse_other_line(candidates, header, settings.skip_rows, part, key, names)
    if not any(header):
        raise InputError(
            part.place,
            f"row {settings.skip_rows + 1}, its header, is blank.",
            f"Set `{key}.skip_rows` to the number of rows above the header.",
        )
    return header


def _are_computed(scan: Scan, header: tuple[str, ...], needed: Collection[str], part: Part) -> None:
    """Refuse formulas without a value where every row needs one."""
    for position, count in sorted(scan.not_computed.items()):
        if position < len(header) and header[position] in needed:
            raise InputError(
                part.place,
                f"column `{printable(header[position])}` has {_count(count, 'formula')} without a "
                "value.",
                "Open it in Excel, which computes them, and save it again.",
            )


def _remarks(scan: Scan, header: tuple[str, ...]) -> list[str]:
    """What a reader of the report should know about the sheet."""
    notes = []
    if scan.hidden_rows:
        notes.append(f"{_count(scan.hidden_rows, 'hidden row')} read like the others")
    if scan.errors:
        kinds = ", ".join(sorted(set(scan.errors.values()))[:5])
        notes.append(f"{_count(len(scan.errors), 'cell')} with an error ({kinds})")
    if scan.not_computed:
        notes.append(
            f"{_count(scan.not_computed.total(), 'formula')} without a value, taken as empty"
        )
    for position, count in sorted(scan.long_numbers.items()):
        name = header[position] if position < len(header) else ""
        notes.append(
            f"{_count(count, 'number')} of 16 digits or more in column `{printable(name)}`, of "
            "which Excel keeps 15: ask for them as text"
        )
    return notes


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _vertical_merges(sheet: CalamineSheet, below: int) -> list[tuple[int, int, int]]:
    """(first row, last row, column) of every merge over several rows below the header."""
    return [
        (first, last, column)
        for (first, column), (last, _) in sheet.merged_cell_ranges or ()
        if last > first >= below
    ]


def workbook_lines(part: Part) -> Iterator[Line]:
    """Every row below the header as text; blank rows behind the last filled one are no rows."""
    errors: dict[tuple[int, int], str] = {}
    if zipfile.is_zipfile(part.path) and (member := read_book(part.path).members.get(part.sheet)):
        errors = scan_sheet(part.path, member, part.stamp).errors
    with opening(part) as book:
        sheet = book.get_sheet_by_name(part.sheet)
        starting: dict[int, list[tuple[int, int]]] = {}
        for first, last, column in _vertical_merges(sheet, part.head_lines):
            starting.setdefault(first, []).append((last, column))
        in_error = {row for row, _ in errors}
        merged: dict[int, tuple[int, str]] = {}  # column: (last row, value)
        blank = 0
        for at, cells in enumerate(_rows(sheet)):
            if at < part.head_lines:
                continue
            row = [as_text(cell) for cell in cells]
            if at in in_error:
                row = [errors.get((at, column), cell) for column, cell in enumerate(row)]
            for last, column in starting.get(at, ()):
                merged[column] = (last, row[column])
            for column, (last, value) in tuple(merged.items()):
                if at > last:
                    del merged[column]
                else:
                    row[column] = value
            if not any(cell.strip() for cell in row):
                blank += 1
                continue
            yield from ((BLANK, None) for _ in range(blank))
            blank = 0
            yield RECORD, row
