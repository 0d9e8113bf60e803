"""The client's file as one raw table, no row lost.

DuckDB reads strictly, every column as text, in the stated dialect. Where it
refuses the file, or would skip its blank lines, our own tokenizer reads it
instead and accounts for every line. Types come later (`cleaning`), so that a
value that cannot be read costs its row only, under a reason.
"""

from __future__ import annotations

import csv
import re
import tempfile
import uuid
from itertools import islice
from pathlib import Path

import duckdb
import ibis
import pyarrow

from crmlib.errors import InputError
from crmlib.intake.probe import Source
from crmlib.intake.textfile import has_blank_line, open_text, reading
from crmlib.intake.tokenizer import Line, tokenize

BATCH = 10_000
THREADS = 2


def connect() -> ibis.BaseBackend:
    """DuckDB in memory, fetching no extension; what does not fit goes to the temporary folder."""
    return ibis.duckdb.connect(
        ":memory:",
        threads=THREADS,
        temp_directory=str(Path(tempfile.gettempdir()) / f"duckdb-{uuid.uuid4().hex}"),
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
    )


def read_raw(connection: ibis.BaseBackend, source: Source) -> ibis.Table:
    """Every line or row of the file.

    Returns
    -------
    ibis.Table
        record (1 is the first below the header), kind (*record*, *rejected* or
        *blank*) and the file's columns as `c0`, `c1`, …: text from a delimited
        file with empty as null, the file's own types from Parquet.

    Raises
    ------
    InputError
        A file that is damaged or not UTF-8.
    """
    engine = connection.con
    if source.kind == "parquet":
        _read_parquet(engine, source)
    else:
        with reading(source.path, source.place):
            if has_blank_line(source.path) or not _read_strictly(engine, source):
                _read_leniently(engine, source)
    # Insertion order is the file's order, and rowid counts it.
    engine.execute("CREATE VIEW raw AS SELECT rowid + 1 AS record, * FROM lines")
    return connection.table("raw")


def _read_parquet(engine: duckdb.DuckDBPyConnection, source: Source) -> None:
    names = ", ".join(source.columns)
    try:
        engine.execute(
            "CREATE TABLE lines AS SELECT 'record' AS kind, * "  # noqa: S608 (quoted below)
            f"FROM read_parquet({_path(source)}, hive_partitioning = false) AS file({names})"
        )
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(source.place, f"is not a readable Parquet file ({reason}).") from None


def _read_strictly(engine: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """Read a delimited file with DuckDB; False where any line is not as stated."""
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in source.columns)
    packed = "gzip" if source.path.suffix.lower() == ".gz" else "none"
    try:
        engine.execute(
            "CREATE TABLE lines AS SELECT 'record' AS kind, * "  # noqa: S608 (quoted below)
            f"FROM read_csv({_path(source)}, columns = {{{columns}}}, header = true, "
            f"delim = {_literal(source.delimiter)}, quote = '\"', escape = '\"', "
            f"compression = '{packed}', auto_detect = false, strict_mode = true, "
            "ignore_errors = false, null_padding = false, hive_partitioning = false)"
        )
    except duckdb.Error:
        return False
    return True


def _read_leniently(engine: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Read a delimited file line by line, in batches, with our tokenizer."""
    columns = ", ".join(f"{name} VARCHAR" for name in source.columns)
    filled = ", ".join(f"nullif({name}, '')" for name in source.columns)
    engine.execute(f"CREATE OR REPLACE TABLE lines (kind VARCHAR, {columns})")
    with open_text(source.path) as stream:
        next(csv.reader(stream, delimiter=source.delimiter))
        lines = tokenize(stream, len(source.header), source.delimiter)
        while batch := list(islice(lines, BATCH)):
            engine.register("batch", _as_arrow(batch, source.columns))
            insert = f"INSERT INTO lines SELECT kind, {filled} FROM batch"  # noqa: S608 (our names)
            engine.execute(insert)
            engine.unregister("batch")


def _as_arrow(batch: list[Line], columns: tuple[str, ...]) -> pyarrow.Table:
    nothing = [None] * len(columns)
    kinds = [kind for kind, _ in batch]
    rows = (fields or nothing for _, fields in batch)
    text = [pyarrow.array(cells, pyarrow.string()) for cells in zip(*rows, strict=True)]
    return pyarrow.table([pyarrow.array(kinds), *text], names=["kind", *columns])


def _path(source: Source) -> str:
    """The path as an SQL literal in which no character is a wildcard."""
    return _literal(re.sub(r"([*?\[])", r"[\1]", str(source.path)))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
