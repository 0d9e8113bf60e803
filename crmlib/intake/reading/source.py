"""An input table as it was found: its files, their layout, and which column plays which role.

What `probe` finds out and `reader` reads by. Holds nothing but names and
numbers; no file is opened here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crmlib.errors import InputError

Kind = Literal["text", "fixed_width", "workbook", "parquet", "database"]
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Part:
    """One file of a table, or its one table in a database.

    Attributes
    ----------
    place, name : str
        How messages name it: with the params key, and by its base name alone.
    header : tuple of str
        The client's column names, in the file's own order.
    encoding : str
        Python's name of the text encoding; a byte-order mark is taken care of.
    head_lines : int
        Physical lines above the first row, header included.
    whole_header : bool
        Whether the header line has one name for each column that is read.
    fields : tuple of (first, last)
        Characters of each column in text of fixed width, from 1.
    shortest : int
        Characters that a whole line of fixed width has at least.
    database : str or None
        The URL of its database, which holds no password.
    types : tuple of str
        What each column holds, where the file or database says so.
    serial_dates, date_1904 : bool
        Whether days may stand as numbers, as spreadsheets count them, and from 1904.
    n_rows : int or None
        Rows, where the file states them.
    notes : tuple of str
        How it was read, in sentences for the report.
    stamp : tuple or None
        Size, time of change and inode when it was first looked at.
    """

    path: Path | None
    place: str
    name: str
    kind: Kind
    header: tuple[str, ...] = ()
    encoding: str = "utf-8-sig"
    packed: bool = False
    delimiter: str = ","
    skip_rows: int = 0
    head_lines: int = 1
    whole_header: bool = True
    fields: tuple[tuple[int, int], ...] = ()
    shortest: int = 1
    sheet: str | None = None
    database: str | None = None
    types: tuple[str, ...] = ()
    serial_dates: bool = False
    date_1904: bool = False
    n_rows: int | None = None
    notes: tuple[str, ...] = ()
    stamp: Stamp | None = None

    def check_unchanged(self) -> None:
        """Refuse a file that was changed since it was first looked at.

        Raises
        ------
        InputError
            Another size, time of change or inode, or no file any more.
        """
        if self.path is not None and self.stamp is not None and stamp(self.path) != self.stamp:
            raise InputError(
                self.place, "changed while it was read.", "Run again when it is written in full."
            )


@dataclass(frozen=True)
class Source:
    """An input table whose header was checked.

    Engine tables name its columns `c0`, `c1`, … by position: client names may
    hold quotes, or differ in capitals alone, which SQL engines do not tell apart.

    Attributes
    ----------
    table, key : str
        Our name, and the params key that describes it.
    place : str
        How messages name it.
    header : tuple of str
        The client's column names; of several files all of them, as they first appear.
    roles : dict
        Our name: the client's column.
    parts : tuple of Part
        The files in the order in which they are read.
    notes : tuple of str
        How they were read, in sentences for the report.
    """

    table: str
    key: str
    place: str
    header: tuple[str, ...]
    roles: dict[str, str]
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Engine names of all columns."""
        return tuple(f"c{position}" for position in range(len(self.header)))

    @property
    def amount_roles(self) -> tuple[str, ...]:
        """The columns whose product is the row's amount."""
        return ("amount",) if "amount" in self.roles else ("quantity", "unit_price")

    def column(self, role: str) -> str:
        """Engine name of the column that plays one of our roles."""
        return f"c{self.header.index(self.roles[role])}"


def stamp(path: Path) -> Stamp | None:
    """Size, time of change and inode; None where there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def printable(name: str, longest: int = 80) -> str:
    """A name as one line of a message: control characters spelled out, the middle left out."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    shown = shown.encode("utf-8", "backslashreplace").decode()
    return shown if len(shown) <= longest else f"{shown[: longest - 21]}…{shown[-20:]}"


def quoted(names: list[str] | tuple[str, ...], most: int = 20) -> str:
    """Names for a message, no more than a reader takes in."""
    shown = ", ".join(f"`{printable(name)}`" for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")
