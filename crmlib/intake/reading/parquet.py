"""Parquet files: their columns and types, and one view over them without a copy.

The schema is read with pyarrow before the engine starts. Columns of types that
play no role (lists, times, bytes …) are passed on as text, so that rows can
still be compared.
"""

from __future__ import annotations

import dataclasses
import re

from crmlib.errors import InputError
from crmlib.intake.reading.column_types import family
from crmlib.intake.reading.source import Part, Source, printable
from crmlib.tables import TABLES

ROW_NUMBER = "file_row_number"  # the engine's own name for it
_NUMBERS = ("amount", "number", "count", "share")


def describe_parquet(part: Part) -> Part:
    """Complete a Parquet file's layout from its footer.

    Raises
    ------
    InputError
        A file that is cut, damaged or encrypted, or a type that the engine misreads.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(part.path) as file:
            schema, n_rows = file.schema_arrow, file.metadata.num_rows
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise unreadable(part, error) from None
    if ROW_NUMBER in (name.lower() for name in schema.names):
        raise InputError(
            part.place,
            f"has a column `{ROW_NUMBER}`, a name that is taken.",
            "Export it under another name.",
        )
    for column in schema:
        if pyarrow.types.is_decimal256(column.type):  # which the engine misreads
            raise InputError(
                part.place,
                f"column `{printable(column.name)}` has more than 38 digits ({column.type}).",
                "Export it as decimal(38, 6) or as a float.",
            )
    return dataclasses.replace(
        part,
        header=tuple(schema.names),
        types=tuple(str(column.type) for column in schema),
        n_rows=n_rows,
        notes=(*part.notes, "Parquet"),
    )


def unreadable(part: Part, error: Exception) -> InputError:
    """What the reader of Parquet says about a file, in one sentence."""
    reason = re.sub(r"\s+", " ", str(error).splitlines()[0] if str(error) else "").rstrip(". ")
    reason = reason.replace(str(part.path), part.name)
    if "encrypt" in reason.lower():
        return InputError(part.place, "is encrypted.", "Export it without encryption.")
    return InputError(
        part.place,
        f"is not a readable Parquet file ({printable(reason, 160)}).",
        "Export the table again.",
    )


def is_whole(part: Part) -> bool:
    """Whether every page of the file can be decoded."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(part.path) as file:
            for _ in file.iter_batches():
                pass
    except (pyarrow.ArrowException, OSError, ValueError):
        return False
    return True


def select_parquet(source: Source, *, as_text: bool, parts: tuple[int, ...]) -> str:
    """A query over Parquet files: record, file, row, kind, c0, c1, …

    Parameters
    ----------
    source : Source
        The table.
    as_text : bool
        Whether every column becomes text, as beside text files.
    parts : tuple of int
        Positions of the files in `source.parts`.
    """
    casts = {name: _cast(source, name) for name in source.header if name}
    queries, before = [], 0
    for position in parts:
        part = source.parts[position]
        names = [f"p{at}" for at in range(len(part.header))]
        cells = []
        for at, name in enumerate(source.header):
            found = _position(source, part, at)
            if found is None:
                cell = "NULL"
            else:
                text = as_text or family(part.types[found]) is None or casts.get(name, False)
                cell = _text(names[found], part.types[found]) if text else names[found]
            if as_text:
                cell = f"CAST({cell} AS VARCHAR)"
            cells.append(f"{cell} AS c{at}")
        queries.append(
            f"SELECT {before} + {ROW_NUMBER} + 1 AS record, {position}::INTEGER AS file, "  # noqa: S608
            f"{ROW_NUMBER} + 1 AS row, 'record' AS kind, {', '.join(cells)} "
            f"FROM read_parquet({path_literal(str(part.path))}, {ROW_NUMBER} = true, "
            f"hive_partitioning = false, union_by_name = false) AS file({', '.join(names)})"
        )
        before += part.n_rows
    return " UNION ALL ".join(queries)


def _position(source: Source, part: Part, at: int) -> int | None:
    """Where a column of the table stands in one file; by place where it has no name."""
    name = source.header[at]
    if not name:
        return at if part.header == source.header else None
    return part.header.index(name) if name in part.header else None


def _cast(source: Source, name: str) -> bool:
    """Whether a column must become text, since its files store it differently."""
    found = {
        part.types[part.header.index(name)]
        for part in source.parts
        if part.types and name in part.header
    }
    found.discard("null")
    if len(found) <= 1:
        return False
    role = next((role for role, column in source.roles.items() if column == name), None)
    kind = TABLES[source.table].columns[role].kind if role else None
    families = {family(each) for each in found}
    # Common numbers and days lose nothing as such; an identifier in doubles would.
    return not (
        (families == {"number"} and kind in _NUMBERS)
        or (families == {"day"} and kind in ("day", "month"))
    )


def _text(cell: str, type_name: str) -> str:
    """The cell as text; a whole number that was stored as a float loses its `.0`."""
    if re.match(r"^(float|double|halffloat)", type_name):
        whole = f"CAST(TRY_CAST({cell} AS HUGEINT) AS VARCHAR)"
        return (
            f"CASE WHEN {cell} = trunc({cell}) AND abs({cell}) < 1e15 THEN {whole} "
            f"ELSE CAST({cell} AS VARCHAR) END"
        )
    return f"CAST({cell} AS VARCHAR)"


def path_literal(path: str) -> str:
    """The path as an SQL literal in which no character is a wildcard."""
    return literal(re.sub(r"([*?\[])", r"[\1]", path))


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
