"""What a sheet's XML says that the reader of workbooks does not pass on.

How large the sheet is before it is laid out in memory, which cells are errors,
which formulas were never computed, which rows are hidden, and which whole
numbers are longer than the 15 digits that Excel keeps.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from crmlib.intake.reading.archive import tags
from crmlib.intake.reading.source import Stamp
from crmlib.intake.reading.textfile import CHUNK

LONGEST_ROW = 64 << 20  # bytes
_CELL = rb"<(?:\w+:)?c\b"
_COLUMN_OF = re.compile(rb' r="([A-Za-z]{1,3})')
# Rows below the thousandth cannot make a sheet too large, and reading past them is quick.
_ROW_OF = re.compile(rb' r="[A-Za-z]*([0-9]{4,7})"')
_ERROR = re.compile(
    _CELL + rb'(?=[^>]*\bt="e")[^>]*\br="([A-Z]+)([0-9]+)"[^>]*>.*?<(?:\w+:)?v>([^<]*)<', re.DOTALL
)
_NOT_COMPUTED = re.compile(
    _CELL + rb'(?![^>]*\bt="str")[^>]*\br="([A-Z]+)[0-9]+"[^>]*>\s*'
    rb"<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_LONG = re.compile(
    _CELL + rb'(?![^>]*\bt=")[^>]*\br="([A-Z]+)[0-9]+"[^>]*>'
    rb"<(?:\w+:)?v>(?:[0-9]{16,}|[0-9](?:\.[0-9]+)?[Ee]\+?(?:1[5-9]|2[0-9]))</"
)
_MAYBE_LONG = re.compile(rb">[0-9]{16}|>[0-9][0-9.]*[Ee]")
_HIDDEN = re.compile(rb'<(?:\w+:)?row\b[^>]*\bhidden="(?:1|true)"')


@dataclass
class Scan:
    """Counts over one sheet; columns are positions from 0."""

    rows: int = 0
    filled_rows: int = 0
    columns: int = 0
    hidden_rows: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    not_computed: Counter[int] = field(default_factory=Counter)
    long_numbers: Counter[int] = field(default_factory=Counter)

    @property
    def cells(self) -> int:
        """Cells of the rectangle around all that are filled."""
        return self.rows * self.columns

    def feed(self, xml: bytes) -> None:
        """Take in whole rows."""
        letters = set(_COLUMN_OF.findall(xml))
        if letters:
            self.columns = max(self.columns, *(column_position(each) + 1 for each in letters))
        else:  # cells without references stand one beside the other
            widest = max((row.count(b"<c") for row in xml.split(b"<row")), default=0)
            self.columns = max(self.columns, widest)
        self.filled_rows += xml.count(b"<row")
        named = max(map(int, set(_ROW_OF.findall(xml))), default=0)
        self.rows = max(self.rows, self.filled_rows, named)
        if b't="e"' in xml:
            for letters_, row, text in _ERROR.findall(xml):
                self.errors[int(row) - 1, column_position(letters_)] = text.decode()
        if b"<f" in xml or b":f" in xml:
            self.not_computed.update(map(column_position, _NOT_COMPUTED.findall(xml)))
        if _MAYBE_LONG.search(xml):
            self.long_numbers.update(map(column_position, _LONG.findall(xml)))
        if b"hidden" in xml:
            self.hidden_rows += len(_HIDDEN.findall(xml))


def column_position(letters: bytes) -> int:
    """Position of a column from 0.

    >>> column_position(b"A"), column_position(b"AB")
    (0, 27)
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number - 1


@dataclass(frozen=True)
class Book:
    """Where the sheets of a workbook lie in its archive, and where its calendar starts."""

    members: dict[str, str]  # sheet's name: member of the archive
    date_1904: bool


def read_book(path: Path) -> Book:
    """The sheets of an .xlsx or .xlsm file; none for other formats."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if "xl/workbook.xml" not in names:
            return Book({}, False)
        xml = archive.read("xl/workbook.xml")
        rels = "xl/_rels/workbook.xml.rels"
        targets = {
            each.get("Id"): each.get("Target", "")
            for each in (tags(archive.read(rels), "Relationship") if rels in names else ())
        }
    members = {}
    for sheet in tags(xml, "sheet"):
        target = targets.get(sheet.get("id"), "")
        member = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if member in names:
            members[sheet.get("name", "")] = member
    first = next(iter(tags(xml, "workbookPr")), {})
    return Book(members, first.get("date1904") in ("1", "true"))


@lru_cache(maxsize=4)
def scan_sheet(path: Path, member: str, stamp: Stamp) -> Scan:
    """Read a sheet's XML as a stream, once for as long as its file keeps its stamp."""
    scan, rest = Scan(), b""
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        while chunk := stream.read(CHUNK):
            rest += chunk
            end = max(rest.rfind(b"</row>"), rest.rfind(b":row>"))
            if end >= 0 or len(rest) > LONGEST_ROW:
                end = rest.find(b">", end) + 1 if end >= 0 else len(rest)
                scan.feed(rest[:end])
                rest = rest[end:]
    scan.feed(rest)
    return scan


_ODS_ROW = re.compile(rb"<table:table-row\b([^>]*)>(.*?)</table:table-row>", re.DOTALL)
_ODS_CELL = re.compile(rb"<table:(?:covered-)?table-cell\b([^>]*)>")
_REPEATED = re.compile(rb'number-(?:rows|columns)-repeated="([0-9]{1,9})"')


@lru_cache(maxsize=4)
def scan_ods(path: Path, stamp: Stamp) -> Scan:
    """How far the sheets of an .ods file reach once what it says is repeated is laid out."""
    scan, rest = Scan(), b""
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
        while chunk := stream.read(CHUNK):
            rest += chunk
            end = rest.rfind(b"</table:table-row>") + 1
            for row, cells in _ODS_ROW.findall(rest[: end + 20]):
                if b"office:value" not in cells and b"<text:p" not in cells:
                    continue  # blank rows behind the last filled one are not laid out
                tags_ = _ODS_CELL.findall(cells)
                while tags_ and b"office:value" not in tags_[-1]:
                    tags_.pop()  # nor are blank cells behind it
                scan.rows += _times(row)
                scan.columns = max(scan.columns, sum(map(_times, tags_)))
            rest = rest[end:] if len(rest) - end < LONGEST_ROW else b""
    return scan


def _times(tag: bytes) -> int:
    found = _REPEATED.search(tag)
    return int(found.group(1)) if found else 1
