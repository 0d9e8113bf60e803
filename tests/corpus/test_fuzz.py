"""Random inputs end in a ledger or in one message, and no row of them is lost.

`make fuzz` tries 10,000 of each; a test run, a small and fixed choice of them.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import duckdb
import pytest
import yaml
from corpus import ACTING, printed_ledger
from hypothesis import HealthCheck, event, given, settings
from sent import FILES, PARAMS, Sent, params_files, sent_files
from typer.testing import CliRunner, Result

from crmlib import cli, params
from crmlib.errors import InputError
from crmlib.intake.reading import reader
from crmlib.intake.reading.probe import locate
from crmlib.intake.reading.tokenizer import RECORD, tokenize

EXAMPLES = int(os.environ.get("CRM_FUZZ", "150"))
pytestmark = pytest.mark.slow


def fuzz(share: float = 1) -> settings:
    return settings(
        max_examples=max(10, int(EXAMPLES * share)),
        derandomize="CRM_FUZZ" not in os.environ,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("fuzz")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))  # where a defect leaves its log
        yield folder


@pytest.fixture(scope="module")
def connection():
    return reader.connect()


def crm(*arguments: str) -> Result:
    """The answer of a command: code 0, or code 2 with one message."""
    result = CliRunner().invoke(cli.app, list(arguments))
    event(f"exit code {result.exit_code}")
    assert result.exit_code in (0, 2), result.output
    assert "Traceback" not in result.output
    assert not ACTING.search(result.output)
    if result.exit_code == 2:
        assert result.stdout == ""
        assert result.stderr.startswith(arguments[1]), result.stderr
        assert len(result.stderr) < 20_000
    else:
        assert result.stderr == ""
    return result


@fuzz()
@given(content=params_files())
def test_any_params_file_is_read_or_refused(folder: Path, content: bytes):
    (folder / "shop.yml").write_bytes(content)
    result = crm("check", "shop.yml", "--settings")
    if result.exit_code == 0:
        (folder / "again.yml").write_text(result.stdout, encoding="utf-8")
        assert crm("check", "again.yml", "--settings").stdout == result.stdout


def describe(folder: Path, sent: Sent) -> params.Engagement:
    """The file as sent.csv, and an engagement around it."""
    (folder / "sent.csv").write_bytes(sent.content)
    transactions = {"path": "sent.csv", **sent.stated}
    raw = {
        **PARAMS,
        "inputs": {"transactions": transactions},
        "customers": {"max_excluded_share": 1},
    }
    (folder / "shop.yml").write_text(yaml.safe_dump(raw))
    return params.load(folder / "shop.yml")


def counted(sent: Sent, n_fields: int, head_lines: int) -> Counter[str]:
    """Rows below the header by kind, as our tokenizer tells them."""
    lines = io.StringIO(sent.content.decode(sent.encoding), newline="")
    rows = islice(lines, head_lines, None)
    return Counter(kind for kind, _ in tokenize(rows, n_fields, sent.delimiter))


def counted_by_engine(sent: Sent, n_fields: int, folder: Path) -> int | None:
    """Rows below the header as the engine's strict reader counts them; None where it refuses."""
    (folder / "plain.csv").write_text(
        sent.content.decode(sent.encoding), encoding="utf-8", newline=""
    )
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(n_fields))
    try:
        return duckdb.sql(
            f"SELECT count(*) FROM read_csv('plain.csv', columns = {{{columns}}}, header = true, "
            f"delim = '{sent.delimiter}', quote = '\"', escape = '\"', auto_detect = false, "
            "strict_mode = true)"
        ).fetchone()[0]
    except duckdb.Error:
        return None


@fuzz()
@given(sent=sent_files())
def test_any_file_is_read_whole_or_refused(folder: Path, connection, sent: Sent):
    engagement = describe(folder, sent)
    source = None
    try:
        source = locate(engagement)
        raw = reader.read_raw(connection, source)
        kinds = dict(connection.con.execute(
            "SELECT kind, count(*) FROM transactions_raw GROUP BY kind"
        ).fetchall())  # fmt: skip
        assert raw.count().execute() == sum(kinds.values())
    except InputError:
        event("refused")
        return
    finally:
        if source:
            connection.con.execute("DROP VIEW IF EXISTS transactions_raw")
            connection.con.execute("DROP TABLE IF EXISTS transactions_lines")
    event("accepted")
    part = source.parts[0]
    mine = counted(sent, len(part.header), part.head_lines)
    assert kinds == mine
    theirs = counted_by_engine(sent, len(part.header), folder)
    if theirs is not None and part.whole_header:
        event("the engine's strict reader accepts it, too")
        assert mine[RECORD] == theirs
    if sent.well_formed:
        event("well formed")
        assert sum(mine.values()) == sent.n_rows


@fuzz(0.1)
@given(sent=sent_files())
def test_any_file_ends_in_a_ledger_or_in_one_message(folder: Path, sent: Sent):
    describe(folder, sent)
    result = crm("check", "shop.yml")
    if result.exit_code == 2:
        return
    (ledger,) = printed_ledger(result.stdout).values()
    assert ledger.used + sum(ledger.excluded.values()) == ledger.read
    if sent.well_formed:
        assert ledger.read == sent.n_rows
