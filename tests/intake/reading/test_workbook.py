"""Workbooks: the right sheet, cells as a careful person would type them, oddities noted."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable

import pytest
import xlsxwriter

from crmlib.errors import InputError
from crmlib.intake.reading import archive, textfile, workbook
from crmlib.intake.reading.probe import locate
from crmlib.intake.reading.reader import connect, read_raw

Write = Callable[[xlsxwriter.Workbook], None]
HEADER = ["customer_id", "date", "amount"]


def made(write: Write, **options: object) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, **options}) as book:
        write(book)
    return out.getvalue()


def table(book: xlsxwriter.Workbook, name: str = "Sales", at: int = 0) -> None:
    sheet = book.add_worksheet(name)
    sheet.write_row(at, 0, HEADER)
    sheet.write_row(at + 1, 0, ["007", "2020-01-01", 5.5])
    sheet.write_row(at + 2, 0, [12, "2020-01-02", 7])


TWO = [("record", "007", "2020-01-01", "5.5"), ("record", "12", "2020-01-02", "7")]


def said(engagement) -> str:
    with pytest.raises(InputError) as caught:
        locate(engagement)
    return str(caught.value)


def rows(engagement) -> list[tuple]:
    found = read_raw(connect(), locate(engagement)).order_by("record").to_pyarrow().to_pylist()
    return [tuple(row.values())[3:] for row in found]


def book(client, write: Write, name: str = "t.xlsx", **settings):
    options = settings.pop("options", {})
    return client(made(write, **options), name, **settings)


def test_the_only_sheet_is_read(client):
    source = locate(book(client, table))
    assert (source.parts[0].sheet, source.parts[0].serial_dates) == ("Sales", True)
    assert source.notes == ("sheet `Sales`.",)
    assert rows(book(client, table)) == TWO


def test_cells_become_what_a_person_would_type(client):
    def write(book):
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "dd.mm.yyyy"})
        moment, clock = (
            book.add_format({"num_format": f}) for f in ("dd.mm.yyyy hh:mm:ss", "hh:mm")
        )
        sheet.write_row(0, 0, [*HEADER, "other"])
        sheet.write_row(1, 0, [1.0, None, 0.1, True])
        sheet.write_datetime(1, 1, dt.datetime(2024, 1, 31), day)
        sheet.write_row(2, 0, [2**60, None, 1e-7])
        sheet.write_datetime(2, 1, dt.datetime(2024, 1, 31, 13, 45, 7), moment)
        sheet.write_number(2, 3, 0.5, clock)
        sheet.write_row(3, 0, [" x ", 45322, -3])
        sheet.write_formula(3, 3, "=1+1", None, 2)

    assert [row[1:] for row in rows(book(client, write))] == [
        ("1", "2024-01-31", "0.1", "true"),
        ("1152921504606846976", "2024-01-31 13:45:07", "1e-07", "12:00:00"),
        (" x ", "45322", "-3", "2"),
    ]


def test_errors_keep_their_text_and_are_counted(client):
    def write(book):
        table(book)
        sheet = book.worksheets()[0]
        sheet.write_formula(1, 2, "=NA()", None, "#N/A")
        sheet.write_formula(2, 2, "=1/0", None, "#DIV/0!")

    source = locate(book(client, write))
    assert "2 cells with an error (#DIV/0!, #N/A)" in source.notes[0]
    assert [row[3] for row in rows(book(client, write))] == ["#N/A", "#DIV/0!"]


def uncomputed(content: bytes) -> bytes:
    """The workbook as programs write it that do not compute: formulas without values."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, text.replace(b"</f><v>0</v>", b"</f><v></v>"))
    return out.getvalue()


def test_formulas_without_a_value(client):
    def write(column):
        def fill(book):
            table(book)
            book.worksheets()[0].write_row(0, 0, [*HEADER, "note"])
            book.worksheets()[0].write_formula(2, column, "=1+1")

        return fill

    assert (
        "column `amount` has 1 formula without a value. Open it in Excel, which computes them, "
        "and save it again." in said(client(uncomputed(made(write(2))), "t.xlsx"))
    )
    notes = locate(client(uncomputed(made(write(3))), "t.xlsx")).notes
    assert "1 formula without a value, taken as empty" in notes[0]


def test_numbers_longer_than_excel_keeps_are_noted(client):
    def write(book):
        table(book)
        book.worksheets()[0].write_number(1, 0, 1234567890123456789)

    assert (
        "1 number of 16 digits or more in column `customer_id`"
        in (locate(book(client, write)).notes[0])
    )


def test_cells_merged_over_rows_are_filled_downwards(client):
    def write(book):
        table(book)
        sheet = book.worksheets()[0]
        sheet.merge_range(3, 0, 5, 0, "m")
        sheet.write_column(3, 1, ["2020-02-01", "2020-02-02", "2020-02-03"])
        sheet.merge_range(6, 0, 6, 2, "footer")

    assert [row[1] for row in rows(book(client, write))] == ["007", "12", *"mmm", "footer"]
    assert "1 cell merged over rows, filled downwards" in locate(book(client, write)).notes[0]


def test_blank_rows_count_between_rows_and_not_behind_them(client):
    def write(book):
        table(book)
        sheet = book.worksheets()[0]
        sheet.write_row(5, 0, ["3", "2020-01-03", 9])
        sheet.write_blank(900, 2, None, book.add_format({"bold": True}))
        sheet.set_row(1, None, None, {"hidden": True})

    assert [row[0] for row in rows(book(client, write))] == [
        "record", "record", "blank", "blank", "record"
    ]  # fmt: skip
    assert "1 hidden row read like the others" in locate(book(client, write)).notes[0]


def test_a_table_that_starts_further_in(client):
    def write(book):
        sheet = book.add_worksheet()
        sheet.write(0, 1, "Sales report")
        sheet.write_row(3, 2, HEADER)
        sheet.write_row(4, 2, ["007", "2020-01-01", 5.5])

    assert said(book(client, write)).endswith(
        "line 1 does not name the columns; line 4 does. Set `inputs.transactions.skip_rows: 3`."
    )
    found = rows(book(client, write, skip_rows=3))
    assert found == [("record", None, None, "007", "2020-01-01", "5.5")]


def test_several_sheets_must_be_told_apart(client):
    def write(book):
        table(book, "2023")
        table(book, "2024")
        book.add_worksheet("empty")
        table(book, "old")
        book.worksheets()[3].hide()

    assert said(book(client, write)) == (
        "inputs.transactions.path: t.xlsx: has 2 sheets: `2023`, `2024`. "
        "Say which with `inputs.transactions.sheet`. Hidden: `old`."
    )
    assert rows(book(client, write, sheet="2024")) == TWO
    assert locate(book(client, write, sheet="old")).notes == ("hidden sheet `old`.",)
    assert "has no sheet `2025`" in said(book(client, write, sheet="2025"))


def test_a_workbook_of_nothing(client):
    assert "has no visible sheet with a filled cell." in said(
        book(client, lambda book: book.add_worksheet())
    )


def test_the_calendar_of_1904_is_known(client):
    assert locate(book(client, table, options={"date_1904": True})).parts[0].date_1904
    assert not locate(book(client, table)).parts[0].date_1904


def test_without_a_header_columns_are_numbered(client):
    def write(book):
        book.add_worksheet().write_row(0, 0, ["007", "2020-01-01", 5.5])

    roles = {"customer_id": "column_1", "date": "column_2", "amount": "column_3"}
    assert rows(book(client, write, header=False, columns=roles)) == TWO[:1]


@pytest.mark.parametrize("cut", [10, 2000])
def test_a_damaged_workbook(client, cut):
    content = made(table)
    assert "damaged" in said(client(content[:-cut], "t.xlsx"))
    flipped = content[:200] + bytes(50) + content[250:]
    assert "is a damaged workbook." in said(client(flipped, "t.xlsx"))


def test_a_workbook_behind_a_password(client):
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    content = ole + "EncryptedPackage".encode("utf-16-le") + bytes(600)
    assert said(client(content, "t.xlsx")).endswith(
        "is a workbook behind a password. Save it without a password."
    )


def repacked(content: bytes, name: str, text: bytes) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for each in old.namelist():
            new.writestr(each, text if each == name else old.read(each))
    return out.getvalue()


def test_a_workbook_made_to_fill_the_memory(client, monkeypatch):
    monkeypatch.setattr(textfile, "MOST_UNPACKED", 1 << 20)
    content = repacked(made(table), "xl/styles.xml", bytes(30 << 20))
    assert "unpacks to more than 200 times its size" in said(client(content, "t.xlsx"))
    # A stated size may be a lie: the central directory says 100 bytes here.
    size = (30 << 20).to_bytes(4, "little")
    assert content.count(size) >= 1
    lying = content.replace(size, (100).to_bytes(4, "little"))
    with pytest.raises(InputError):
        locate(client(lying, "t.xlsx"))


def test_a_stray_cell_far_away_is_told(client):
    def write(book):
        table(book)
        book.worksheets()[0].write(1_048_575, 16_383, "here")

    assert said(book(client, write)) == (
        "inputs.transactions.path: t.xlsx: sheet `Sales` reaches over 1,048,576 rows and "
        "16,384 columns, more than 20,000,000 cells. Delete stray cells far below or beside the "
        "table, or save it as CSV."
    )


def test_names_of_rust_panics_are_damage(client, monkeypatch):
    class PanicException(BaseException):
        pass

    def panic(path: str) -> None:
        raise PanicException

    monkeypatch.setattr("python_calamine.load_workbook", panic)
    assert "is a damaged workbook." in said(book(client, table))


def test_text_and_workbooks_may_be_mixed(client, tmp_path):
    (tmp_path / "a.csv").write_text("amount,date,customer_id\n5.50,2020-01-01,1\n")
    (tmp_path / "b.xlsx").write_bytes(made(table))
    found = read_raw(connect(), locate(client(None, ["a.csv", "b.xlsx"], folder=tmp_path)))
    assert [tuple(row.values()) for row in found.order_by("record").to_pyarrow().to_pylist()] == [
        (1, 0, 1, "record", "5.50", "2020-01-01", "1"),
        (2, 1, 1, "record", "5.5", "2020-01-01", "007"),
        (3, 1, 2, "record", "7", "2020-01-02", "12"),
    ]


def test_members_that_are_stored_are_read(tmp_path):
    path = tmp_path / "stored.zip"
    with zipfile.ZipFile(path, "w") as new:
        new.writestr("a", b"x" * 3_000_000)
    assert archive.check_archive(path, "p") is None
    assert workbook.as_text(dt.time(1, 2)) == "01:02:00"


NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text")
)


def spreadsheet(rows: str) -> bytes:
    """An OpenDocument spreadsheet of one sheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        new.writestr(
            "content.xml",
            f"<office:document-content {NAMESPACES}><office:body><office:spreadsheet>"
            f'<table:table table:name="S">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        new.writestr("META-INF/manifest.xml", "<manifest/>")
    return out.getvalue()


def ods_row(*cells: str, **repeated: int) -> str:
    rows = f' table:number-rows-repeated="{repeated.get("rows", 1)}"'
    columns = f' table:number-columns-repeated="{repeated.get("columns", 1)}"'
    inner = "".join(
        f'<table:table-cell{columns} office:value-type="string"><text:p>{cell}</text:p>'
        "</table:table-cell>"
        for cell in cells
    )
    blank = '<table:table-cell table:number-columns-repeated="16000"/>'
    return f"<table:table-row{rows}>{inner}{blank}</table:table-row>"


def test_an_opendocument_spreadsheet(client):
    lines = [ods_row(*HEADER), ods_row("007", "2020-01-01", "5.5"), ods_row(rows=1_048_000)]
    assert rows(client(spreadsheet("".join(lines)), "t.ods")) == TWO[:1]
    lines.append(ods_row("x", rows=100_000, columns=500))
    assert "more than 20,000,000 cells" in said(client(spreadsheet("".join(lines)), "t.ods"))
