"""Databases as the client runs them: what tables they hold, and every row of one as text.

DuckDB and SQLite files are opened read-only where they lie. PostgreSQL is reached
through Ibis's backend and streamed with COPY, which carries every type as text,
ten times faster than a cursor does.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import duckdb

Columns = list[tuple[str, str]]  # name, type
ROWS = 50_000


class Backend(Protocol):
    """One database while it is open."""

    def tables(self) -> list[tuple[str, str, bool]]:
        """(schema, name, whether the name alone finds it) of every table and view."""

    def columns(self, schema: str, name: str) -> Columns:
        """Names and types of a table's columns."""

    def export(self, schema: str, name: str, columns: Columns, to: Path) -> None:
        """Write every row as CSV without a header, null as nothing."""


@dataclass(frozen=True)
class DuckDB:
    """A DuckDB file."""

    engine: duckdb.DuckDBPyConnection

    def tables(self) -> list[tuple[str, str, bool]]:
        found = self.engine.execute(
            "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"
        ).fetchall()
        return [(schema, name, schema == "main") for schema, name in found]

    def columns(self, schema: str, name: str) -> Columns:
        return self.engine.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
            [schema, name],
        ).fetchall()

    def export(self, schema: str, name: str, columns: Columns, to: Path) -> None:
        cells = ", ".join(f"CAST({quote(column)} AS VARCHAR)" for column, _ in columns)
        self.engine.execute(
            f"COPY (SELECT {cells} FROM {quote(schema)}.{quote(name)}) "  # noqa: S608 (quoted)
            f"TO '{str(to).replace(chr(39), chr(39) * 2)}' (FORMAT csv, HEADER false, QUOTE '\"')"
        )


@dataclass(frozen=True)
class SQLite:
    """An SQLite file. Its columns hold cells of any type; theirs is what all cells agree on."""

    connection: sqlite3.Connection

    def tables(self) -> list[tuple[str, str, bool]]:
        found = self.connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return [("main", name, True) for (name,) in found]

    def columns(self, schema: str, name: str) -> Columns:
        names = [row[1] for row in self.connection.execute(f"PRAGMA table_info({quote(name)})")]
        return [(column, self._type(name, column)) for column in names]

    def _type(self, table: str, column: str) -> str:
        cell = quote(column)
        query = f"SELECT DISTINCT typeof({cell}) FROM {quote(table)}"  # noqa: S608 (quoted)
        found = {kind for (kind,) in self.connection.execute(query)} - {"null"}
        if not found:
            return "text"
        if found <= {"integer", "real"}:
            return "integer" if found == {"integer"} else "real"
        return "blob" if "blob" in found else "text"

    def export(self, schema: str, name: str, columns: Columns, to: Path) -> None:
        cells = ", ".join(_sqlite_text(quote(column), type_) for column, type_ in columns)
        rows = self.connection.execute(f"SELECT {cells} FROM {quote(name)}")  # noqa: S608 (quoted)
        with to.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
            while batch := rows.fetchmany(ROWS):
                writer.writerows(batch)


def _sqlite_text(cell: str, type_: str) -> str:
    if type_ == "real":
        return f"printf('%!.17g', {cell})"
    if type_ == "blob":
        return f"CASE typeof({cell}) WHEN 'blob' THEN hex({cell}) ELSE CAST({cell} AS TEXT) END"
    return f"CAST({cell} AS TEXT)"


@dataclass(frozen=True)
class PostgreSQL:
    """A PostgreSQL database, in one read-only transaction."""

    connection: Any  # psycopg's, as Ibis opened it

    def tables(self) -> list[tuple[str, str, bool]]:
        return self.connection.execute(
            "SELECT n.nspname, c.relname, pg_table_is_visible(c.oid) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') "
            "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1, 2"
        ).fetchall()

    def columns(self, schema: str, name: str) -> Columns:
        return self.connection.execute(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
            "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped "
            "ORDER BY a.attnum",
            [schema, name],
        ).fetchall()

    def export(self, schema: str, name: str, columns: Columns, to: Path) -> None:
        cells = ", ".join(
            f"{quote(column)}{'::numeric' if type_ == 'money' else ''}" for column, type_ in columns
        )
        query = f"COPY (SELECT {cells} FROM {quote(schema)}.{quote(name)}) TO STDOUT (FORMAT csv)"  # noqa: S608
        with (
            self.connection.cursor() as cursor,
            cursor.copy(query) as copy,
            to.open("wb") as stream,
        ):
            for chunk in copy:
                stream.write(chunk)


@contextmanager
def open_duckdb(path: Path) -> Iterator[DuckDB]:
    """A DuckDB file, read-only."""
    import duckdb

    config = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    with duckdb.connect(str(path), read_only=True, config=config) as engine:
        engine.execute("SET TimeZone = 'UTC'")
        yield DuckDB(engine)


@contextmanager
def open_sqlite(path: Path) -> Iterator[SQLite]:
    """An SQLite file, read-only; never made where it is missing."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        yield SQLite(connection)
    finally:
        connection.close()


@contextmanager
def open_postgresql(settings: dict[str, Any]) -> Iterator[PostgreSQL]:
    """A PostgreSQL database as one moment shows it; `settings` are libpq's."""
    import ibis

    backend = ibis.postgres.connect(**settings)
    try:
        connection = backend.con
        connection.rollback()
        connection.autocommit = False
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SET LOCAL DateStyle = 'ISO'")
        connection.execute("SET LOCAL TimeZone = 'UTC'")
        connection.execute("SET LOCAL client_encoding = 'UTF8'")
        connection.execute("SET LOCAL extra_float_digits = 1")
        yield PostgreSQL(connection)
    finally:
        backend.con.close()


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
