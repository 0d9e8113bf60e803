"""Tables of the client's database: read in full, typed, in one order, without a word of secrets."""

from __future__ import annotations

import datetime as dt
import getpass
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from crmlib import params
from crmlib.errors import InputError
from crmlib.intake.reading.database import content_digest
from crmlib.intake.reading.probe import locate
from crmlib.intake.reading.reader import connect, read_raw
from crmlib.params import Engagement

SECRET = "s3cr3t-word"


@pytest.fixture
def named(tmp_path: Path) -> Callable[..., Engagement]:
    """An engagement whose transactions lie in a database."""

    def describe(url: str, table: str = "orders", **settings: object) -> Engagement:
        raw = {
            "engagement": "test",
            "title": "Test",
            "currency": "EUR",
            "observation_end": dt.date(2024, 12, 31),
            "inputs": {"transactions": {"database": url, "table": table, **settings}},
        }
        return params.resolve(raw, "test.yml", tmp_path)

    return describe


def rows(engagement: Engagement) -> list[tuple]:
    found = read_raw(connect(), locate(engagement)).order_by("record").to_pyarrow().to_pylist()
    assert [row["record"] for row in found] == [row["row"] for row in found]
    return [tuple(row.values())[4:] for row in found]


def said(engagement: Engagement) -> str:
    with pytest.raises(InputError) as caught:
        locate(engagement)
    return str(caught.value)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An SQLite file with one row more than one way of typing."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE orders (customer_id, date TEXT, amount, note)")
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            [
                (2, "2024-02-01", 0.1, 'says "hi",\r\nand goes'),
                (1, "2024-01-01", 5, None),
                ("x7", None, 1234567.891, b"\xff"),
            ],
        )
    connection.close()
    return tmp_path / "shop.db"


def test_sqlite_rows_come_sorted_and_in_the_type_that_all_cells_share(named, shop):
    assert rows(named("sqlite:///shop.db")) == [
        ("1", "2024-01-01", 5.0, None),
        ("2", "2024-02-01", 0.1, 'says "hi",\r\nand goes'),
        ("x7", None, 1234567.891, "FF"),
    ]


def test_a_file_that_is_not_there_is_not_made(named, tmp_path):
    for scheme in ("sqlite", "duckdb"):
        assert "there is no such file" in said(named(f"{scheme}:///none.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_other_kind_is_told(named, shop):
    assert "is an sqlite file. Write `sqlite:///` before it." in said(named("duckdb:///shop.db"))
    shop.write_bytes(b"no database at all, only text")
    assert "is no sqlite file." in said(named("sqlite:///shop.db"))


def test_an_unknown_table_suggests_the_nearest(named, shop):
    assert said(named("sqlite:///shop.db", "order")) == (
        "inputs.transactions.database: sqlite:///shop.db, table order: there is no such table. "
        "Did you mean `orders`?"
    )


def test_roles_are_looked_for_in_the_table(named, shop):
    text = said(named("sqlite:///shop.db", columns={"order_id": "nmuber"}))
    assert "there is no column `nmuber`" in text


@pytest.fixture
def typed(tmp_path: Path) -> str:
    with duckdb.connect(str(tmp_path / "t.duckdb")) as engine:
        engine.execute("CREATE SCHEMA sales")
        engine.execute(
            "CREATE TABLE sales.orders AS SELECT * FROM (VALUES "
            "(2, DATE '2024-02-01', 10.50::DECIMAL(9,2), [1, 2], TIMESTAMP '2024-02-01 10:00:00'),"
            "(1, DATE '2024-01-01', 5::DECIMAL(9,2), NULL, NULL)) AS t(customer_id, date, amount, "
            "parts, seen)"
        )
    return "duckdb:///t.duckdb"


def test_duckdb_keeps_types_and_finds_a_schema(named, typed):
    assert rows(named(typed, "sales.orders")) == [
        (1, dt.date(2024, 1, 1), Decimal("5.00"), None, None),
        (2, dt.date(2024, 2, 1), Decimal("10.50"), "[1, 2]", dt.datetime(2024, 2, 1, 10)),
    ]
    assert rows(named(typed, "orders"))  # the only one of that name


def test_a_type_that_cannot_play_its_role_is_refused(named, typed):
    assert "column `parts` holds INTEGER[], which cannot be an amount (`amount`)." in said(
        named(typed, "orders", columns={"amount": "parts"})
    )


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}@db.example:5432/shop",
        f"postgresql://db.example/shop?password={SECRET}",
        f"postgresql://db.example/shop?user={SECRET}",
        f"postgres:me:{SECRET}@db.example/shop",
        f"mysql://me:{SECRET}@db.example/shop",
        f"{SECRET}",
        f"postgresql://[{SECRET}/shop",
        f"sqlite://{SECRET}@/shop.db",
        f"postgresql://db.example:{SECRET}/shop",
    ],
)
def test_a_url_with_a_password_is_refused_without_repeating_it(named, url):
    text = said(named(url))
    assert SECRET not in text
    assert text.startswith("inputs.transactions.database: ")


def test_other_databases_are_refused_by_what_is_read(named):
    assert said(named("mysql://db.example/shop")) == (
        "inputs.transactions.database: `mysql` is no database that is read. Use "
        "`duckdb:///file`, `sqlite:///file` and `postgresql://host:port/database`."
    )
    assert "names no server or no database" in said(named("postgresql:///shop"))
    assert "three slashes" in said(named("sqlite://shop.db"))


def test_a_server_that_does_not_answer_is_named_without_secrets(named, monkeypatch):
    monkeypatch.setenv("CRM_DATABASE_USER", "somebody")
    monkeypatch.setenv("CRM_DATABASE_PASSWORD", SECRET)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = said(named(f"postgresql://127.0.0.1:{port}/shop"))
    assert f"postgresql://127.0.0.1:{port}/shop, table orders: cannot be read (" in text
    assert SECRET not in text
    assert "somebody" not in text


def test_the_digest_knows_the_rows_and_not_their_order(named, tmp_path):
    digests = []
    for name, order in [("a", "ASC"), ("b", "DESC"), ("c", "ASC")]:
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as engine:
            engine.execute(
                "CREATE TABLE orders AS SELECT range AS customer_id, DATE '2024-01-01' AS date, "
                f"range * 2 AS amount FROM range(50) ORDER BY range {order}"
            )
            if name == "c":
                engine.execute("UPDATE orders SET amount = 0 WHERE customer_id = 7")
        digests.append(content_digest(named(f"duckdb:///{name}.duckdb"), "transactions"))
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 64


def _as_postgres() -> list[str]:
    """What runs a command as somebody whom PostgreSQL accepts."""
    if getpass.getuser() != "root":
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    return ["runuser", "-u", "postgres", "--"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL of our own, with a password, gone after the tests."""
    found = shutil.which("initdb") or max(
        map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=""
    )
    if not found:
        pytest.skip("initdb is not installed")
    as_postgres, home = _as_postgres(), Path(found).parent
    # not below pytest's own folder, which is closed to others
    folder = Path(tempfile.mkdtemp(prefix="crm-server-"))
    (folder / "password").write_text(SECRET)
    if as_postgres:
        folder.chmod(0o755)
        shutil.chown(folder, "postgres")
        (folder / "password").chmod(0o644)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, run = folder / "data", [*as_postgres]
    quiet = {"check": True, "capture_output": True, "cwd": "/"}
    subprocess.run(
        [*run, found, "-D", data, "-U", "crm_reader", "-A", "scram-sha-256", "--no-sync",
         "--pwfile", folder / "password", "-E", "UTF8", "--locale", "C"], **quiet,
    )  # fmt: skip
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    start = [*run, home / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    yield f"127.0.0.1:{port}"
    subprocess.run([*run, home / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table of every type that a shop may use, in a schema of its own."""
    import psycopg

    monkeypatch.setenv("CRM_DATABASE_USER", "crm_reader")
    monkeypatch.setenv("CRM_DATABASE_PASSWORD", SECRET)
    host, port = server.split(":")
    with psycopg.connect(
        host=host, port=port, user="crm_reader", password=SECRET, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute("DROP SCHEMA IF EXISTS sales CASCADE")
        connection.execute("CREATE SCHEMA sales")
        connection.execute(
            'CREATE TABLE sales.orders (customer_id bigint, "date" date, amount numeric, '
            '"Price" numeric(9,2), paid boolean, seen timestamptz, tags text[], extra jsonb, '
            "note text, token uuid, fee money, gap interval, share float8)"
        )
        connection.execute(
            "INSERT INTO sales.orders VALUES "
            "(2, '2024-02-01', 19.999, 5, true, '2024-02-01 10:00+02', '{a,b}', '{\"k\": 1}', "
            "'says \"hi\",\nbye', '00000000-0000-0000-0000-000000000001', 12.5, '1 day', 0.1), "
            "(1, '2024-01-01', -5, 7.25, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, 'NaN'), "
            "(3, 'infinity', 123456789.5, NULL, false, 'infinity', '{}', '[]', 'ü', NULL, 0, '0', "
            "'Infinity')"
        )
    return f"postgresql://{server}/postgres"


def test_postgresql_rows_come_whole_and_typed(named, postgres):
    found = rows(named(postgres, "sales.orders"))
    assert [row[0] for row in found] == [1, 2, 3]
    assert found[0][:6] == (1, dt.date(2024, 1, 1), Decimal("-5.000"), Decimal("7.25"), None, None)
    assert found[1] == (
        2, dt.date(2024, 2, 1), Decimal("19.999"), Decimal("5.00"), True,
        dt.datetime(2024, 2, 1, 8, tzinfo=dt.UTC), "{a,b}", '{"k": 1}', 'says "hi",\nbye',
        "00000000-0000-0000-0000-000000000001", Decimal("12.50"), "1 day", 0.1,
    )  # fmt: skip
    assert found[2][2] == Decimal("123456789.500")


def test_postgresql_refusals_hold_no_secret(named, postgres, monkeypatch):
    assert "there is no such table. " in (text := said(named(postgres, "sales.order")))
    assert text.rstrip("?.").endswith("`sales.orders`")
    assert "column `tags` holds text[], which cannot be an amount" in said(
        named(postgres, "sales.orders", columns={"amount": "tags"})
    )
    monkeypatch.setenv("CRM_DATABASE_PASSWORD", "wrong-" + SECRET)
    text = said(named(postgres, "sales.orders"))
    assert "password authentication failed" in text
    assert SECRET not in text
    assert "crm_reader" not in text


def test_postgresql_digest_is_that_of_its_rows(named, postgres):
    engagement = named(postgres, "sales.orders")
    assert content_digest(engagement, "transactions") == content_digest(engagement, "transactions")


def test_nothing_of_the_environment_reaches_the_source(named, postgres):
    assert SECRET not in repr(locate(named(postgres, "sales.orders")))
    assert os.environ["CRM_DATABASE_PASSWORD"] == SECRET
