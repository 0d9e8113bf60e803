"""Workbooks: sheets, merged and erroneous cells, formulas, days as numbers, damaged files."""

import datetime as dt
import io
import zipfile
from collections.abc import Callable

import xlsxwriter
from corpus import GOOD, SECRET, Case, accepted, every, refused

HEAD = ["customer_id", "date", "amount"]
DAY = dt.date(2024, 1, 13)
ROWS = [[f"{SECRET}1", DAY, 10], [f"{SECRET}2", DAY, 20.5]]
Book, Sheet = xlsxwriter.Workbook, xlsxwriter.workbook.Worksheet


def workbook(fill: Callable[[Book], None], **options: object) -> bytes:
    """A workbook's bytes."""
    content = io.BytesIO()
    options = {"default_date_format": "yyyy-mm-dd", "in_memory": True, **options}
    with xlsxwriter.Workbook(content, options) as book:
        fill(book)
    return content.getvalue()


def sheet(rows: list[list], also: Callable[[Sheet], None] = lambda page: None, **options) -> bytes:
    """A workbook with one sheet."""

    def fill(book: Book) -> None:
        page = book.add_worksheet("Sales")
        for at, row in enumerate(rows):
            page.write_row(at, 0, row)
        also(page)

    return workbook(fill, **options)


def sheets(book: Book) -> None:
    for name in ("Sales", "Old sales"):
        page = book.add_worksheet(name)
        for at, row in enumerate([HEAD, *ROWS]):
            page.write_row(at, 0, row)


def hidden(book: Book) -> None:
    sheets(book)
    book.get_worksheet_by_name("Old sales").hide()


def all_hidden(book: Book) -> None:
    book.add_worksheet("Cover")
    sheets(book)
    for name in ("Sales", "Old sales"):
        book.get_worksheet_by_name(name).hide()


def merged(page: Sheet) -> None:
    page.merge_range(1, 0, 2, 0, f"{SECRET}1")


def formulas(page: Sheet) -> None:
    page.write_formula(1, 2, "=5+5", None, 10)
    page.write_formula(2, 2, "=1/0", None, "#DIV/0!")


def never_computed(page: Sheet) -> None:
    page.write_formula(1, 2, "=5+5", None, "")


def hidden_row(page: Sheet) -> None:
    page.set_row(1, None, None, {"hidden": True})


def repacked(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with other members."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


GOOD_BOOK = sheet([HEAD, *ROWS])
BOMB = repacked(GOOD_BOOK, lambda name, xml: xml + b" " * 200_000_000 * ("sheet1" in name))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
SERIAL = [[f"{SECRET}{at}", 45304 + at, 1] for at in range(3)]


def book(name: str, content: bytes, expect, file: str = "sales.xlsx", **further) -> Case:
    return Case(name, {file: content}, expect, **further)


CASES = [
    book("a good workbook", GOOD_BOOK, accepted(2, 2, says=("EUR 30.50",))),
    book("several sheets", workbook(sheets),
         refused("has 2 sheets: `Sales`, `Old sales`", "inputs.transactions.sheet")),
    book("one of several sheets, as stated", workbook(sheets), accepted(2, 2),
         settings={"sheet": "Old sales"}),
    book("a sheet that is not there", workbook(sheets),
         refused("has no sheet `Sale`, which `inputs.transactions.sheet` names",
                 "Did you mean `Sales`?"), settings={"sheet": "Sale"}),
    book("a hidden sheet beside the visible one", workbook(hidden),
         accepted(2, 2, says=("sheet `Sales`",))),
    book("all tables on hidden sheets", workbook(all_hidden),
         refused("has no visible sheet with a filled cell", "Hidden: `Sales`, `Old sales`")),
    book("merged ids", sheet([HEAD, *ROWS], merged),
         accepted(2, 2, says=("1 customers", "merged over rows, filled downwards"))),
    book("cells with errors", sheet([HEAD, *ROWS], formulas),
         accepted(2, 1, says=("1 cell with an error (#DIV/0!)",), unreadable_amount=1)),
    book("formulas that were never computed", sheet([HEAD, *ROWS], never_computed),
         refused("column `amount` has 1 formula without a value",
                 "Open it in Excel, which computes them")),
    book("hidden rows", sheet([HEAD, *ROWS], hidden_row),
         accepted(2, 2, says=("1 hidden row read like the others",))),
    book("days as bare numbers", sheet([HEAD, *SERIAL]),
         accepted(3, 3, says=("observed from 2024-01-13",)),),
    book("days counted from 1904", sheet([HEAD, *ROWS], date_1904=True),
         accepted(2, 2, says=("observed from 2024-01-13",))),
    book("bare numbers counted from 1904",
         sheet([HEAD, *([who, day - 1462, money] for who, day, money in SERIAL)], date_1904=True),
         accepted(3, 3, says=("observed from 2024-01-13",))),
    book("days and text mixed", sheet([HEAD, *ROWS, [f"{SECRET}3", "13.01.2024", 1]]),
         refused("dates are written in two ways", "`13.01.2024`")),
    book("numbers of 16 digits as ids", sheet([HEAD, [1234567890123456, DAY, 1]]),
         accepted(1, 1, says=("1 number of 16 digits or more in column `customer_id`",
                              "ask for them as text"))),
    book("ids as numbers", sheet([HEAD, [7, DAY, 1], [7.0, DAY, 2], ["7", DAY, 3]]),
         accepted(3, 3, says=("1 customers",))),
    book("title rows above the header", sheet([["Sales"], [], HEAD, *ROWS]),
         refused("line 1 does not name the columns; line 3 does", "skip_rows: 2")),
    book("a table that does not begin in the corner",
         sheet([["", "", *row] for row in [HEAD, *ROWS]]), accepted(2, 2)),
    book("blank rows within and behind", sheet([HEAD, ROWS[0], [], ROWS[1], [], [" "]]),
         accepted(3, 2, blank_line=1)),
    book("a workbook without a cell", workbook(lambda made: made.add_worksheet("Sales")),
         refused("has no visible sheet with a filled cell", "Export the table again")),
    book("a header without rows in a workbook", sheet([HEAD]),
         refused("has a header and no row below it")),
    book("a cell a million rows below", sheet([HEAD, *ROWS], lambda page: (
             page.write(1_048_575, 20, "x"))),
         refused("reaches over 1,048,576 rows and 21 columns", "Delete stray cells")),
    book("a workbook named .csv", GOOD_BOOK,
         refused("is an Excel workbook named .csv", "Rename it to .xlsx"), "sales.csv"),
    book("text named .xlsx", GOOD.encode(),
         refused("is plain text named .xlsx", "Rename it to .csv")),
    book("a workbook cut in half", GOOD_BOOK[: len(GOOD_BOOK) // 2],
         refused("is a damaged ZIP archive or workbook")),
    book("a workbook with damaged content",
         repacked(GOOD_BOOK, lambda name, xml: xml[:40] if "sheet1" in name else xml),
         refused("is a damaged workbook", "save it again")),
    book("a workbook without its list of sheets",
         repacked(GOOD_BOOK, lambda name, xml: b"" if name == "xl/workbook.xml" else xml),
         refused("sales.xlsx", "workbook")),
    book("a workbook made to fill the memory", BOMB,
         refused("unpacks to more than 200 times its size", "unpack it")),
    book("a workbook behind a password",
         OLE + "EncryptedPackage".encode("utf-16-le") + bytes(512),
         refused("is a workbook behind a password", "Save it without a password")),
    book("an old workbook named .xlsx", OLE + "Workbook".encode("utf-16-le") + bytes(512),
         refused("is an old Excel workbook (.xls) named .xlsx", "Rename it to .xls")),
    book("an old Office document", OLE + bytes(512), refused("is an old Office document")),
    book("a ZIP archive named .xlsx",
         repacked(GOOD_BOOK, lambda name, xml: xml).replace(b"xl/", b"xx/"),
         refused("is a ZIP archive named .xlsx", "Unpack it")),
    book("a stated encoding for a workbook", GOOD_BOOK, accepted(2, 2),
         settings={"encoding": "latin-1"}),
]  # fmt: skip

test_bad_workbooks = every(CASES)
