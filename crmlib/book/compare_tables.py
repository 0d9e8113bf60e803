"""How the figures behind one exhibit differ between two versions, row by row.

Rows are matched by their labels (month, tier, measure), so that a month more
at the top does not make every row below it look changed. Where labels do not
name rows uniquely, position does.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crmlib.exhibits import formats

SAME = 1e-9  # relative; floats that differ by less are equal
_WHOLE = re.compile(r"-?\d+")
Cells = list[str]


@dataclass(frozen=True)
class Row:
    """A row that differs: its label, and its cells in both versions.

    Attributes
    ----------
    key : tuple of str
        What names the row; its number, from 1, where labels do not.
    old, new : list of str
        Cells in the order of the table's columns; empty where the row, or the
        column, is not there.
    """

    state: Literal["changed", "new", "dropped"]
    key: tuple[str, ...]
    old: Cells
    new: Cells


@dataclass(frozen=True)
class TableChange:
    """What differs between two tables.

    Attributes
    ----------
    keys : tuple of str
        Columns that name a row; empty where rows are matched by position.
    columns : tuple of str
        All others, first those of the later version.
    added, dropped : tuple of str
        Columns that only one version has.
    """

    keys: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows or self.added or self.dropped)

    def touched(self) -> list[int]:
        """Positions of the columns in which a row that both have differs."""
        both = [row for row in self.rows if row.state == "changed"]
        return [
            i
            for i in range(len(self.columns))
            if any(not same(row.old[i], row.new[i]) for row in both)
        ]


@dataclass(frozen=True)
class _Table:
    header: Cells
    rows: list[Cells]

    def column(self, name: str) -> Cells:
        at = self.header.index(name)
        return [row[at] for row in self.rows]

    def picked(self, names: Sequence[str]) -> list[Cells]:
        """Every row's cells in these columns, empty where the table has no such column."""
        at = [self.header.index(name) if name in self.header else None for name in names]
        return [["" if i is None else row[i] for i in at] for row in self.rows]


def between(old: Path, new: Path) -> TableChange:
    """What differs between the figures of one exhibit; a file that is not there has none."""
    before, after = _read(old), _read(new)
    keys = _naming(before, after)
    header = [*after.header, *(name for name in before.header if name not in after.header)]
    columns = [name for name in header if name not in keys]
    rows = _matched(before, after, keys, columns)
    return TableChange(
        tuple(keys),
        tuple(columns),
        tuple(rows),
        added=tuple(name for name in after.header if name not in before.header),
        dropped=tuple(name for name in before.header if name not in after.header),
    )


def same(old: str, new: str) -> bool:
    """Whether two cells say the same; numbers to the ninth significant digit."""
    if old == new:
        return True
    if formats.NUMBER.fullmatch(old) and formats.NUMBER.fullmatch(new):
        return math.isclose(float(old), float(new), rel_tol=SAME)
    return False


def _read(path: Path) -> _Table:
    if not path.is_file():
        return _Table([], [])
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [[formats.plain_cell(cell) for cell in row] for row in csv.reader(lines)]
    header, *body = rows or [[]]
    # a header that says a name twice would hide the second column
    seen: dict[str, int] = {}
    for at, name in enumerate(header):
        seen[name] = seen.get(name, 0) + 1
        header[at] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return _Table(header, [(row + [""] * len(header))[: len(header)] for row in body])


def _naming(before: _Table, after: _Table) -> list[str]:
    """The first columns whose labels name each row of both tables; none if they do not."""
    keys: list[str] = []
    for old, new in zip(before.header, after.header, strict=False):
        if old != new or not (_is_label(before.column(old)) and _is_label(after.column(new))):
            return []
        keys.append(old)
        if all(_is_unique(table.picked(keys)) for table in (before, after)):
            return keys
    return []


def _is_label(column: Cells) -> bool:
    """Whether a column names things: words, days, whole numbers, but no measured quantity."""
    return all(_WHOLE.fullmatch(cell) or not formats.NUMBER.fullmatch(cell) for cell in column)


def _is_unique(rows: list[Cells]) -> bool:
    return len({tuple(row) for row in rows}) == len(rows)


def _matched(before: _Table, after: _Table, keys: list[str], columns: list[str]) -> Iterator[Row]:
    """Rows that differ: in the later version's order, then those that it dropped."""
    old, new = (_by_key(table, keys, columns) for table in (before, after))
    nothing = [""] * len(columns)
    for key, cells in new.items():
        if key not in old:
            yield Row("new", key, nothing, cells)
        elif not all(map(same, old[key], cells)):
            yield Row("changed", key, old[key], cells)
    for key, cells in old.items():
        if key not in new:
            yield Row("dropped", key, cells, nothing)


def _by_key(table: _Table, keys: list[str], columns: list[str]) -> dict[tuple[str, ...], Cells]:
    cells = table.picked(columns)
    if not keys:
        return {(str(number),): row for number, row in enumerate(cells, start=1)}
    return dict(zip(map(tuple, table.picked(keys)), cells, strict=True))
