"""The figures behind an exhibit as a page carries them: a table to read, files to take away."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from crmlib.book.escaping import data_uri
from crmlib.book.links import MAX_ROWS, Evidence, row_id
from crmlib.exhibits import formats

MAX_DOWNLOAD = 150_000  # bytes of an exhibit's data carried inside the page


@dataclass(frozen=True)
class DataTable:
    """The figures behind an exhibit: what is shown of them, and the file to take away.

    Attributes
    ----------
    anchors : list of str
        An id for each row, to which numbers in titles and findings lead.
    """

    header: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    anchors: list[str]
    total: int
    file_name: str
    href: str

    @property
    def more(self) -> int:
        """Rows that are in the file only."""
        return self.total - len(self.rows)


def read(evidence: Evidence, exhibit: str, anchor: str) -> DataTable | None:
    """The table that was charted, numbers written out; None where there is no file."""
    data, path = evidence.rows(exhibit), evidence.path(exhibit)
    if data is None:
        return None
    lines = (data.header, *data.body)
    header, *rows = ([formats.plain_cell(cell) for cell in line] for line in lines)
    columns = [[row[i] for row in rows] for i in range(len(header))]
    numeric = [_is_numeric(column) for column in columns]
    shown = [
        [formats.datum(cell) if right else cell for cell, right in zip(row, numeric, strict=True)]
        for row in rows[:MAX_ROWS]
    ]
    small = path.stat().st_size <= MAX_DOWNLOAD
    href = _download(header, rows) if small else f"exhibits/{path.name}"
    anchors = [row_id(anchor, row) for row in range(len(shown))]
    return DataTable(header, shown, numeric, anchors, len(rows), path.name, href)


def _download(header: list[str], rows: list[list[str]]) -> str:
    """The table as a data: address; no cell can start a formula in a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([formats.safe_cell(cell) for cell in row] for row in [header, *rows])
    return data_uri("text/csv", buffer.getvalue().encode())


def picture(path: Path) -> str:
    """The exhibit's picture as a data: address to take away; empty where there is none."""
    return data_uri("image/png", path.read_bytes()) if path.exists() else ""


def _is_numeric(column: list[str]) -> bool:
    filled = [cell for cell in column if cell]
    return bool(filled) and all(formats.NUMBER.fullmatch(cell) for cell in filled)
