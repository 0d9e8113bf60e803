"""Is the client's file there, and does it have the columns that we need?

Looks at no more than the header, so that a wrong path or column name is
reported before any engine starts. Nothing heavy is imported here.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from crmlib.errors import InputError, suggestion
from crmlib.intake.textfile import open_text, reading
from crmlib.params import TRANSACTION_COLUMNS, Engagement

ENDINGS = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}
KEY = "inputs.transactions"


@dataclass(frozen=True)
class Source:
    """A transactions file whose header was checked.

    Engine tables name its columns `c0`, `c1`, … by position: client names may
    hold quotes, or differ in capitals alone, which SQL engines do not tell apart.
    """

    path: Path
    place: str  # how messages name the file
    kind: str  # csv or parquet
    delimiter: str
    header: tuple[str, ...]
    roles: dict[str, str]  # our name: the client's column

    @property
    def columns(self) -> tuple[str, ...]:
        """Engine names of all columns of the file."""
        return tuple(f"c{position}" for position in range(len(self.header)))

    @property
    def amount_roles(self) -> tuple[str, ...]:
        """The columns whose product is the row's amount."""
        return ("amount",) if "amount" in self.roles else ("quantity", "unit_price")

    def column(self, role: str) -> str:
        """Engine name of the column that plays one of our roles."""
        return f"c{self.header.index(self.roles[role])}"


def probe(engagement: Engagement) -> None:
    """Check that the transactions file can be read and has the columns we need.

    Raises
    ------
    InputError
        No file, another format, no header, or a column that is not there.
    """
    locate(engagement)


def locate(engagement: Engagement) -> Source:
    """The transactions file with the place of every column; raises like `probe`."""
    settings = engagement.inputs.transactions
    path, place = engagement.transactions_path(), f"{KEY}.path: {settings.path}"
    kind = _kind(path, place)
    _is_readable(path, place)
    header = (
        _parquet_header(path, place)
        if kind == "parquet"
        else _csv_header(path, place, settings.delimiter)
    )
    _names_differ(header, place)
    roles = _roles(header, settings.columns, place)
    return Source(path, place, kind, settings.delimiter, header, roles)


def _kind(path: Path, place: str) -> str:
    for ending, kind in ENDINGS.items():
        if path.name.lower().endswith(ending):
            return kind
    raise InputError(
        place,
        f"this kind of file is not read; its name must end in {', '.join(ENDINGS)}.",
        "Export the table as one of these.",
    )


def _is_readable(path: Path, place: str) -> None:
    if not _exists(path, place):
        others = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        near = suggestion(path.name, others)
        near = f" {near}" if near.startswith("Did") else ""
        raise InputError(
            place,
            f"there is no such file ({path}).",
            f"Paths are relative to the params file.{near}",
        )
    if not path.is_file():
        raise InputError(place, "is a folder or device; one file was expected.")
    if path.stat().st_size == 0:
        raise InputError(place, "is empty (0 bytes).", "Export the table again.")


def _exists(path: Path, place: str) -> bool:
    try:
        return path.exists()
    except (OSError, RuntimeError) as error:  # a name too long, a link to itself
        raise InputError(place, f"cannot be opened ({error}).") from None


def _csv_header(path: Path, place: str, delimiter: str) -> tuple[str, ...]:
    if delimiter in '"\r\n':
        raise InputError(f"{KEY}.delimiter", f"{delimiter!r} cannot stand between fields.")
    with reading(path, place), open_text(path) as stream:
        try:
            names = next(csv.reader(stream, delimiter=delimiter), [])
        except csv.Error as error:
            raise InputError(place, f"its first line is not a CSV header ({error}).") from None
    return tuple(name.strip() for name in names)


def _parquet_header(path: Path, place: str) -> tuple[str, ...]:
    import pyarrow
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(place, f"is not a readable Parquet file ({reason}).") from None
    for column in schema:
        if pyarrow.types.is_decimal256(column.type):  # which the engine misreads
            raise InputError(
                place,
                f"column `{column.name}` has more than 38 digits ({column.type}).",
                "Export it as decimal(38, 6) or as a float.",
            )
    return tuple(schema.names)


def _names_differ(header: tuple[str, ...], place: str) -> None:
    twice = [name for name, count in Counter(header).items() if count > 1 and name]
    if twice:
        raise InputError(
            place,
            f"the header names {_quoted(twice)} more than once.",
            "Give every column a name of its own.",
        )


def _roles(header: tuple[str, ...], mapped: dict[str, str], place: str) -> dict[str, str]:
    """Which column plays which role; a mapping goes before a column of our own name."""
    for role, name in mapped.items():
        if name not in header:
            raise InputError(
                place,
                f"there is no column `{name}`, which `{KEY}.columns.{role}` names.",
                suggestion(name, header),
            )
    twice = [name for name, count in Counter(mapped.values()).items() if count > 1]
    if twice:
        raise InputError(f"{KEY}.columns", f"{_quoted(twice)} is mapped more than once.")
    free = set(header) - set(mapped.values())
    own = {role: role for role in TRANSACTION_COLUMNS if role in free}
    roles = own | mapped
    # A mapped quantity or price says that an unmapped `amount` is something else.
    if "amount" not in mapped and {"quantity", "unit_price"} & set(mapped):
        roles.pop("amount", None)
    _has_what_we_need(roles, header, place)
    return roles


def _has_what_we_need(roles: dict[str, str], header: tuple[str, ...], place: str) -> None:
    needed = ["customer_id", "date"]
    if "amount" not in roles:
        parts = [role for role in ("quantity", "unit_price") if role in roles]
        needed += ["quantity", "unit_price"] if parts else ["amount"]
    for role in needed:
        if role in roles:
            continue
        if len(header) == 1:
            raise InputError(
                place,
                f"its header is one column, `{header[0]}`.",
                f"Set `{KEY}.delimiter` to what stands between the names.",
            )
        instead = " (or `quantity` and `unit_price`)" if role == "amount" else ""
        free = [name for name in header if name not in roles.values()]
        near = suggestion(role, free)
        raise InputError(
            place,
            f"there is no column `{role}`{instead}: {TRANSACTION_COLUMNS[role]}.",
            f"{near} Name the file's own column in params: "
            f"`{KEY}.columns.{role}: <their name>`.".lstrip(),
        )


def _quoted(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
