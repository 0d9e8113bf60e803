"""The client's table as one raw table, no row lost.

DuckDB reads text strictly, every column as text, in the stated dialect. Where it
refuses the file, or would skip its blank lines, our own tokenizer reads it
instead and accounts for every line. Types come later (`cleaning`), so that a
value that cannot be read costs its row only, under a reason. Parquet is not
copied: a view reads it where it lies.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import duckdb
import ibis
import pyarrow

from crmlib.intake.reading.database import read_database
from crmlib.intake.reading.fixed_width import slice_lines
from crmlib.intake.reading.parquet import (
    is_whole,
    literal,
    path_literal,
    select_parquet,
    unreadable,
)
from crmlib.intake.reading.source import Part, Source
from crmlib.intake.reading.textfile import Prepared, prepare, reading
from crmlib.intake.reading.tokenizer import Line, tokenize
from crmlib.intake.reading.workbook import workbook_lines

BATCH = 10_000
CELLS = 1 << 20  # of one batch
THREADS = 2
MEMORY = "2500MB"


def connect() -> ibis.BaseBackend:
    """DuckDB in memory, fetching no extension; what does not fit goes to the temporary folder."""
    connection = ibis.duckdb.connect(
        ":memory:",
        threads=THREADS,
        memory_limit=MEMORY,
        temp_directory=str(Path(tempfile.gettempdir()) / f"duckdb-{uuid.uuid4().hex}"),
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
    )
    connection.con.execute("SET TimeZone = 'UTC'")  # not the machine's
    connection.con.execute("PRAGMA disable_progress_bar")  # no bar in output; SET fails in Jupyter
    return connection


def read_raw(connection: ibis.BaseBackend, source: Source) -> ibis.Table:
    """Every line or row of the table's files.

    Returns
    -------
    ibis.Table
        `<table>_raw`: record (1, 2, … over all files), file (position in
        `source.parts`), row (1 is the first below that file's header), kind
        (*record*, *rejected* or *blank*) and the columns as `c0`, `c1`, …: text
        with empty as null from text and workbooks, the file's own types from
        Parquet; text where the types of several files differ.

    Raises
    ------
    InputError
        A file that is damaged, in another encoding, or changed since it was probed.
    """
    engine, raw = connection.con, f"{source.table}_raw"
    for part in source.parts:
        part.check_unchanged()
    if all(part.kind == "parquet" for part in source.parts):
        every = tuple(range(len(source.parts)))
        with querying(source):
            query = select_parquet(source, as_text=False, parts=every)
            engine.execute(f"CREATE VIEW {raw} AS {query}")
    else:
        starts = [0]
        if source.parts[0].kind == "database":
            read_database(engine, source, _lines(source))
        else:
            starts = _copy(engine, source)
        engine.execute(f"CREATE VIEW {raw} AS {_numbered(source, starts)}")
        for part in source.parts:
            part.check_unchanged()
    return connection.table(raw)


def forget(connection: ibis.BaseBackend, source: Source) -> None:
    """Drop what `read_raw` made.

    Raises
    ------
    InputError
        A Parquet file that was changed while its view was in use.
    """
    connection.con.execute(f"DROP VIEW IF EXISTS {source.table}_raw")
    connection.con.execute(f"DROP TABLE IF EXISTS {_lines(source)}")
    for part in source.parts:
        part.check_unchanged()


@contextmanager
def querying(source: Source) -> Iterator[None]:
    """Around everything that runs on the raw table: a damaged Parquet file shows only then.

    Raises
    ------
    InputError
        Where the engine fails and a file cannot be decoded; other errors pass.
    """
    try:
        yield
    except duckdb.Error as error:
        for part in source.parts:
            part.check_unchanged()
            if part.kind == "parquet" and not is_whole(part):
                raise unreadable(part, ValueError("a page of it is damaged")) from error
        raise


def _lines(source: Source) -> str:
    return f"{source.table}_lines"


def _copy(engine: duckdb.DuckDBPyConnection, source: Source) -> list[int]:
    """Copy every file into one table; how many rows stand before each."""
    columns = "".join(f", {name} VARCHAR" for name in source.columns)
    engine.execute(
        f"CREATE OR REPLACE TABLE {_lines(source)} (file INTEGER, kind VARCHAR{columns})"
    )
    starts, counted = [], f"SELECT count(*) FROM {_lines(source)}"  # noqa: S608 (our names)
    for position, part in enumerate(source.parts):
        starts.append(engine.execute(counted).fetchone()[0])
        if part.kind == "parquet":
            with querying(source):
                query = select_parquet(source, as_text=True, parts=(position,))
                cells = "".join(f", {name}" for name in source.columns)
                engine.execute(
                    f"INSERT INTO {_lines(source)} SELECT file, kind{cells} FROM ({query})"  # noqa: S608
                )
        else:
            _copy_text(engine, source, position)
    return starts


def _numbered(source: Source, starts: list[int]) -> str:
    """The copied rows with their numbers: insertion order is the files' order, rowid counts it."""
    lines, cells = _lines(source), ", ".join(source.columns)
    if len(starts) == 1:
        return f"SELECT rowid + 1 AS record, file, rowid + 1 AS row, kind, {cells} FROM {lines}"  # noqa: S608
    before = ", ".join(f"({position}, {start})" for position, start in enumerate(starts))
    return (
        f"SELECT rowid + 1 AS record, file, rowid + 1 - start AS row, kind, {cells} "  # noqa: S608
        f"FROM {lines} JOIN (VALUES {before}) AS starts(file, start) USING (file)"
    )


def _copy_text(engine: duckdb.DuckDBPyConnection, source: Source, position: int) -> None:
    part = source.parts[position]
    if part.kind == "workbook":
        _insert(engine, source, position, workbook_lines(part))
        return
    with (
        tempfile.TemporaryDirectory(prefix="crm-") as scratch,
        reading(part, source.key),
    ):
        prepared = prepare(part, Path(scratch))
        strictly = part.kind == "text" and prepared.strict
        if not (strictly and _read_strictly(engine, source, position, prepared)):
            with prepared.path.open(encoding="utf-8-sig", newline="") as stream:
                for _ in range(part.head_lines if prepared.headed else 0):
                    stream.readline()
                _insert(engine, source, position, _accounted(stream, part))


def _accounted(stream: Iterable[str], part: Part) -> Iterator[Line]:
    """Every line of a text file with its kind."""
    if part.kind == "fixed_width":
        return slice_lines(stream, part.fields, part.shortest)
    return tokenize(stream, len(part.header), part.delimiter)


def _read_strictly(
    engine: duckdb.DuckDBPyConnection, source: Source, position: int, prepared: Prepared
) -> bool:
    """Read a delimited file with DuckDB; False where any line is not as stated."""
    part = source.parts[position]
    columns = ", ".join(f"'p{at}': 'VARCHAR'" for at in range(len(part.header)))
    try:
        engine.execute(
            f"INSERT INTO {_lines(source)} SELECT {position}, 'record', {_cells(source, part)} "  # noqa: S608
            f"FROM read_csv({path_literal(str(prepared.path))}, columns = {{{columns}}}, "
            f"header = {str(prepared.headed).lower()}, delim = {literal(part.delimiter)}, "
            "quote = '\"', escape = '\"', compression = 'none', auto_detect = false, "
            "strict_mode = true, ignore_errors = false, null_padding = false, "
            "hive_partitioning = false)"
        )
    except duckdb.Error:
        return False
    return True


def _cells(source: Source, part: Part) -> str:
    """The part's columns in the table's order, null where it has none of a name."""
    if part.header == source.header:
        return ", ".join(f"p{at}" for at in range(len(part.header)))
    at = {name: position for position, name in enumerate(part.header) if name}
    return ", ".join(f"p{at[name]}" if name in at else "NULL" for name in source.header)


def _insert(
    engine: duckdb.DuckDBPyConnection, source: Source, position: int, lines: Iterable[Line]
) -> None:
    """Append lines with their kinds, in batches."""
    part, lines = source.parts[position], iter(lines)
    n_fields = len(part.header)
    filled = ", ".join(f"nullif({cell}, '')" for cell in _cells(source, part).split(", "))
    insert = f"INSERT INTO {_lines(source)} SELECT {position}, kind, {filled} FROM batch"  # noqa: S608
    size = max(1, min(BATCH, CELLS // n_fields))
    while batch := list(islice(lines, size)):
        engine.register("batch", _as_arrow(batch, n_fields))
        engine.execute(insert)
        engine.unregister("batch")


def _as_arrow(batch: list[Line], n_fields: int) -> pyarrow.Table:
    """Lines as columns of text."""
    nothing = [None] * n_fields
    rows = (fields or nothing for _, fields in batch)
    columns = zip(*rows, strict=True)
    text = [pyarrow.array(cells, pyarrow.large_string()) for cells in columns]
    names = ["kind", *(f"p{at}" for at in range(n_fields))]
    return pyarrow.table([pyarrow.array([kind for kind, _ in batch]), *text], names=names)
