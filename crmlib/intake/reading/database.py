"""A table of the client's database: where it lies, who may read it, and its rows in one order.

The URL names the place only; user and password come from the environment, so
that no params file, message or report can show them. Rows are sorted by all
columns, so that results do not depend on the order in which a server sends them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from crmlib.errors import InputError, suggestion
from crmlib.intake.reading.backends import Backend, open_duckdb, open_postgresql, open_sqlite
from crmlib.intake.reading.column_types import family
from crmlib.intake.reading.files import check_file
from crmlib.intake.reading.source import Part, Source, printable, quoted, stamp
from crmlib.params import Engagement, TableInput

if TYPE_CHECKING:
    import duckdb

USER, PASSWORD = "CRM_DATABASE_USER", "CRM_DATABASE_PASSWORD"
SUPPORTED = "`duckdb:///file`, `sqlite:///file` and `postgresql://host:port/database`"
_OPTIONS = {"sslmode", "sslrootcert", "connect_timeout", "application_name"}
_SIGNATURES = {"sqlite": (0, b"SQLite format 3\0"), "duckdb": (8, b"DUCK")}
SECONDS = 10  # to wait for a server


def describe_database(settings: TableInput, key: str, folder: Path) -> Part:
    """The table's place, columns and types.

    Raises
    ------
    InputError
        A URL that cannot be used or that holds a password, no connection, no such table.
    """
    url = _parse(settings.database, key)
    path = None
    if url.scheme != "postgresql":
        path = folder / unquote(url.path[1:])
        place = f"{key}.database: {url.scheme}:///{printable(unquote(url.path[1:]), 200)}"
        check_file(path, place)
        _is_database(path, url.scheme, place)
    else:
        at = f"{url.hostname}:{url.port or 5432}/{unquote(url.path[1:])}"
        place = f"{key}.database: postgresql://{printable(at, 200)}"
    part = Part(
        path=path,
        place=f"{place}, table {settings.table}",
        name=settings.table,
        kind="database",
        database=settings.database,
        stamp=stamp(path) if path else None,
    )
    with opening(part, key) as backend:
        schema, name = _find(backend, settings.table, part, key)
        columns = backend.columns(schema, name)
    if not columns:
        raise InputError(part.place, "has no column.", "Name a table with columns.")
    return dataclasses.replace(
        part,
        header=tuple(column for column, _ in columns),
        types=tuple(type_ for _, type_ in columns),
        notes=(f"table of a {url.scheme} database",),
    )


def _parse(text: str, key: str) -> SplitResult:
    """The URL's parts; a message never repeats a URL that may hold a password."""
    place = f"{key}.database"
    scheme = text.partition(":")[0].lower()
    if scheme not in ("duckdb", "sqlite", "postgresql", "postgres"):
        shown = f"`{scheme}` is" if re.fullmatch(r"[a-z0-9+.]{1,20}", scheme) else "this is"
        raise InputError(place, f"{shown} no database that is read.", f"Use {SUPPORTED}.")
    is_file = scheme in ("duckdb", "sqlite")
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise InputError(place, "is not a URL.", f"Use {SUPPORTED}.") from None
    options = {name.lower() for name, _ in parse_qsl(url.query, keep_blank_values=True)}
    secret = options & {"user", "password", "passwd", "pwd", "passfile", "username"}
    if secret or (not is_file and "@" in text) or (is_file and "@" in url.netloc):
        raise InputError(
            place,
            "holds a user or a password.",
            f"Leave them out; set {USER} and {PASSWORD} in the environment.",
        )
    if is_file and (url.netloc or len(url.path) < 2 or url.query):
        raise InputError(
            place,
            f"does not name a file as `{scheme}:///file` does.",
            f"Write three slashes and a path relative to the params file, e.g. {scheme}:///crm.db.",
        )
    if not is_file and (not url.hostname or len(url.path) < 2):
        raise InputError(place, "names no server or no database.", f"Use {SUPPORTED}.")
    if options - _OPTIONS:
        raise InputError(
            place,
            f"has options that are not read: {quoted(sorted(options - _OPTIONS))}.",
            f"Known are {quoted(sorted(_OPTIONS))}.",
        )
    return url._replace(scheme="postgresql" if scheme == "postgres" else scheme)


def _is_database(path: Path, scheme: str, place: str) -> None:
    at, signature = _SIGNATURES[scheme]
    with path.open("rb") as stream:
        head = stream.read(32)
    if head[at : at + len(signature)] == signature:
        return
    other = next((s for s, (i, sign) in _SIGNATURES.items() if head[i : i + len(sign)] == sign), "")
    remedy = f"Write `{other}:///` before it." if other else "Name the database's file."
    what = f"is an {other} file." if other == "sqlite" else f"is a {other} file."
    raise InputError(place, what if other else f"is no {scheme} file.", remedy)


@contextmanager
def opening(part: Part, key: str) -> Iterator[Backend]:
    """The open database; what goes wrong with it is said without user and password."""
    url = _parse(part.database, key)
    user, password = os.environ.get(USER), os.environ.get(PASSWORD)
    try:
        if url.scheme == "sqlite":
            with open_sqlite(part.path) as backend:
                yield backend
        elif url.scheme == "duckdb":
            with open_duckdb(part.path) as backend:
                yield backend
        else:
            with open_postgresql(_libpq(url, user, password)) as backend:
                yield backend
    except InputError:
        raise
    except Exception as error:
        if not _is_theirs(error):
            raise
        reason = _without(str(error), user, password)
        hint = f"Check the address, {USER} and {PASSWORD}, and the rights of that user."
        if part.path is not None:
            hint = "Close other programs that use it, or copy it and name the copy."
        raise InputError(part.place, f"cannot be read ({reason}).", hint) from None


def _libpq(url: SplitResult, user: str | None, password: str | None) -> dict[str, Any]:
    return {
        "host": url.hostname,
        "port": url.port or 5432,
        "database": unquote(url.path[1:]),
        "user": user,
        "password": password,
        "connect_timeout": SECONDS,
    } | dict(parse_qsl(url.query))


def _is_theirs(error: Exception) -> bool:
    """Whether the database, and not this program, raised the error."""
    homes = {type(error).__module__.split(".")[0] for error in (error, error.__cause__) if error}
    return isinstance(error, sqlite3.Error | OSError) or bool(
        homes & {"psycopg", "duckdb", "_duckdb"}
    )


def _without(text: str, user: str | None, password: str | None) -> str:
    """The first line of an error, password and user blotted out."""
    text = next((line for line in text.splitlines() if line.strip()), "no reason given")
    if password:
        text = text.replace(password, "…")
    if user:
        text = text.replace(f'"{user}"', '"…"')
    return printable(re.sub(r"\s+", " ", text).rstrip(". "), 240)


def _find(backend: Backend, text: str, part: Part, key: str) -> tuple[str, str]:
    """Schema and name of the table that params name."""
    tables = backend.tables()
    exact = [
        (s, n) for s, n, plain in tables if text in ((n,) if plain else ()) or text == f"{s}.{n}"
    ]
    hidden = [(s, n) for s, n, plain in tables if n == text and not plain]
    found = exact or hidden
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            part.place,
            f"there are several: {quoted([f'{s}.{n}' for s, n in found])}.",
            f"Write the schema before the name in `{key}.table`.",
        )
    known = [n if plain else f"{s}.{n}" for s, n, plain in tables]
    near = suggestion(text, known)
    if not near.startswith("Did"):
        near = f"Known here: {quoted(sorted(known), 12)}." if known else "The database has none."
    raise InputError(part.place, "there is no such table.", near)


def read_database(engine: duckdb.DuckDBPyConnection, source: Source, to: str) -> None:
    """Make the table `to` in `engine`: file, kind and the columns, sorted by all of them."""
    part = source.parts[0]
    columns = list(zip(part.header, part.types, strict=True))
    with tempfile.TemporaryDirectory(prefix="crm-") as scratch:
        rows = Path(scratch) / "rows.csv"
        with opening(part, source.key) as backend:
            schema, name = _find(backend, part.name, part, source.key)
            if backend.columns(schema, name) != columns:
                raise InputError(part.place, "changed while it was read.", "Run again.")
            backend.export(schema, name, columns, rows)
        texts = ", ".join(f"'{cell}': 'VARCHAR'" for cell in source.columns)
        path = str(rows).replace("'", "''")
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE staged AS SELECT * FROM read_csv('{path}', "  # noqa: S608
            f"columns = {{{texts}}}, header = false, delim = ',', quote = '\"', escape = '\"', "
            "auto_detect = false, strict_mode = true, max_line_size = 134217728, new_line = '\\n')"
        )
    casts = [
        f"{_cast(cell, _engine_type(engine, cell, type_))} AS {cell}"
        for cell, (_, type_) in zip(source.columns, columns, strict=True)
    ]
    engine.execute(
        f"CREATE TABLE {to} AS SELECT 0::INTEGER AS file, 'record' AS kind, {', '.join(casts)} "  # noqa: S608
        "FROM staged ORDER BY ALL"
    )
    engine.execute("DROP TABLE staged")


def _cast(cell: str, engine_type: str) -> str:
    """The cell in the engine's type; a day at infinity is no day."""
    cast = f"TRY_CAST({cell} AS {engine_type})"
    is_day = engine_type.startswith(("DATE", "TIMESTAMP"))
    return f"CASE WHEN isfinite({cast}) THEN {cast} END" if is_day else cast


_WHOLE = re.compile(r"^(u?(tiny|small|big)?int(eger)?|int[248]|ubigint)\b", re.IGNORECASE)
_FIXED = re.compile(r"^(?:numeric|decimal)\((\d+),(\d+)\)$", re.IGNORECASE)


def _engine_type(engine: duckdb.DuckDBPyConnection, cell: str, type_: str) -> str:
    """The engine's type for a column of the client's database; text where it has none."""
    kind = family(type_)
    if kind == "flag":
        return "BOOLEAN"
    if kind == "day":
        if type_.lower() == "date":
            return "DATE"
        return "TIMESTAMPTZ" if "with time zone" in type_.lower() else "TIMESTAMP"
    if kind != "number":
        return "VARCHAR"
    if _WHOLE.match(type_):
        return "HUGEINT" if type_.lower() == "ubigint" else "BIGINT"
    if type_.lower().startswith(("real", "double", "float")):
        return "DOUBLE"
    return _decimal(engine, cell, type_)


def _decimal(engine: duckdb.DuckDBPyConnection, cell: str, type_: str) -> str:
    """The narrowest decimal that holds every number; a float where none does."""
    whole, places, words = engine.execute(
        f"SELECT max(length(ltrim(split_part({cell}, '.', 1), '-'))), "  # noqa: S608 (our names)
        f"max(length(split_part({cell}, '.', 2))), "
        f"count(*) FILTER (NOT regexp_full_match({cell}, '-?[0-9]+(\\.[0-9]+)?')) FROM staged"
    ).fetchone()
    whole, places = whole or 1, places or 0
    stated = _FIXED.match(type_.replace(" ", ""))
    if stated and int(stated[1]) <= 38 and not words:
        return f"DECIMAL({stated[1]}, {stated[2]})"
    return (
        "DOUBLE" if words or whole + places > 38 else f"DECIMAL({max(whole + places, 1)}, {places})"
    )


def content_digest(engagement: Engagement, table: str) -> str:
    """SHA-256 of a database table's columns and rows, in whatever order the server sends them.

    Returns
    -------
    str
        64 hexadecimal digits; the same for the same rows.

    Raises
    ------
    InputError
        As `probe.locate`.
    """
    from crmlib.intake.reading.probe import locate
    from crmlib.intake.reading.reader import connect, forget, read_raw

    source, connection = locate(engagement, table), connect()
    read_raw(connection, source)
    # Every cell with its length, so that no two rows write the same text.
    cells = " || ".join(
        f"coalesce(length({cell}::VARCHAR) || ':' || {cell}::VARCHAR, '-')"
        for cell in source.columns
    )
    digest = hashlib.sha256(repr((source.header, source.parts[0].types)).encode())
    rows = connection.con.execute(f"SELECT {cells} FROM {table}_raw ORDER BY record")  # noqa: S608
    while batch := rows.fetchmany(100_000):
        digest.update("\n".join(row for (row,) in batch).encode() + b"\n")
    forget(connection, source)
    return digest.hexdigest()
