"""Every number of a title or finding as a link to the row of data that holds it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup, escape

from crmlib.exhibits.trace import trace

MAX_ROWS = 120  # of an exhibit's data shown on the page


@dataclass(frozen=True)
class Place:
    """Where in the version an exhibit stands."""

    page: str
    label: str
    title: str


@dataclass(frozen=True)
class Rows:
    """An exhibit's CSV, cells as they stand in the file."""

    header: list[str]
    body: list[list[str]]


@dataclass
class Evidence:
    """The exhibits of a version: where each stands, and its data.

    Attributes
    ----------
    folder : Path
        exhibits/ of the version.
    places : mapping of exhibit id to Place
    """

    folder: Path
    places: Mapping[str, Place]
    _read: dict[str, Rows | None] = field(default_factory=dict)

    def path(self, exhibit: str) -> Path:
        """The exhibit's CSV, which may not be there."""
        return self.folder / f"{exhibit}.csv"

    def rows(self, exhibit: str) -> Rows | None:
        """The exhibit's data, read once; None where there is no file."""
        if exhibit not in self._read:
            self._read[exhibit] = _rows(self.path(exhibit))
        return self._read[exhibit]

    def address(self, exhibit: str, page: str, row: int | None = None) -> str:
        """An exhibit, or a row of its data that is shown, as seen from a page."""
        place = self.places[exhibit]
        here = "" if place.page == page else place.page
        return f"{here}#{exhibit}" if row is None else f"{here}#{row_id(exhibit, row)}"

    def linked(self, text: str, exhibit: str, page: str) -> Markup:
        """The text, escaped, with each number that the exhibit's data hold as a link to it."""
        data = self.rows(exhibit) if exhibit in self.places else None
        if data is None:
            return escape(text)
        parts, done = [], 0
        for found in trace(text, data.header, data.body):
            if found.row is None or found.row >= MAX_ROWS:
                continue
            href = self.address(exhibit, page, found.row)
            parts += [
                escape(text[done : found.start]),
                Markup('<a class="traced" href="{}">{}</a>').format(href, found.text),
            ]
            done = found.end
        return Markup("").join([*parts, escape(text[done:])])


def row_id(exhibit: str, row: int) -> str:
    """The anchor of a row of an exhibit's data; rows are counted from 0 here, from 1 there."""
    return f"{exhibit}-row-{row + 1}"


def _rows(path: Path) -> Rows | None:
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as lines:
        header, *body = csv.reader(lines)
    return Rows(header, body)
