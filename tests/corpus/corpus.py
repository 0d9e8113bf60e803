"""What clients send, and what becomes of it: the form in which the corpus is written down.

Each `test_bad_*.py` module is a table of cases on one topic. A case is files, settings and
what happens: the input is *refused*, with a message that names the place and the
remedy, or *accepted*, with a ledger of every row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from crmlib import cli

SECRET = "SECRETCELL"
"""Stands in data that no message may show: in ids, names, words between numbers."""

Content = str | bytes | Callable[[Path], None]


@dataclass(frozen=True)
class Refused:
    """Exit code 2 and one message that holds each of these words, in their order."""

    fragments: tuple[str, ...]


@dataclass(frozen=True)
class Accepted:
    """Exit code 0 and this ledger.

    Attributes
    ----------
    read, used : int
        Rows of the table.
    excluded : mapping
        Reason: rows.
    says : tuple of str
        What the answer holds besides.
    """

    read: int
    used: int
    excluded: Mapping[str, int] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    table: str = "transactions"


@dataclass(frozen=True)
class Case:
    """One thing that a client sent.

    Attributes
    ----------
    name : str
        What it is, for a reader of the table.
    files : Content or mapping
        The transactions alone, as sales.csv, or each file by its name.
    expect : Refused or Accepted
        What happens.
    settings : mapping
        Of `inputs.transactions`.
    inputs : mapping
        The other tables.
    params : mapping or Content
        Further settings at the top; or the params file as it stands.
    arguments : tuple of str
        Of the command line.
    command : str
        *check* or *run*.
    """

    name: str
    files: Content | Mapping[str, Content]
    expect: Refused | Accepted
    settings: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, object] = field(default_factory=dict)
    params: Mapping[str, object] | Content = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    command: str = "check"

    def lay_out(self, folder: Path) -> None:
        """Write the files and shop.yml into a folder."""
        files = self.files if isinstance(self.files, Mapping) else {"sales.csv": self.files}
        for name, content in files.items():
            _write(folder / name, content)
        if not isinstance(self.params, Mapping):
            _write(folder / "shop.yml", self.params)
            return
        path = next(iter(files), "sales.csv")
        settings = {"path": path, **self.settings}
        if "database" in settings or settings["path"] is None:
            del settings["path"]
        customers = {"max_excluded_share": 1.0, **self.params.get("customers", {})}
        described = {
            "engagement": "shop",
            "title": "A shop",
            "currency": "EUR",
            "observation_end": "2024-12-31",
            "privacy": {"min_cell": 1},
            **self.params,
            "customers": customers,
            "inputs": {"transactions": settings, **self.inputs},
        }
        text = yaml.safe_dump(described, allow_unicode=True)
        text = re.sub(r"'([0-9]{4}-[0-9]{2}-[0-9]{2})'", r"\1", text)
        (folder / "shop.yml").write_text(text, encoding="utf-8")


def _write(path: Path, content: Content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if callable(content):
        content(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def refused(*fragments: str) -> Refused:
    return Refused(fragments)


def accepted(read: int, used: int, says: tuple[str, ...] = (), **excluded: int) -> Accepted:
    """A reason's name is written with underscores: unreadable_date=2."""
    reasons = {name.replace("_", " "): rows for name, rows in excluded.items()}
    reasons = {_COLUMN_NAMES.sub(r"\1_\2", name): rows for name, rows in reasons.items()}
    return Accepted(read, used, reasons, says)


_COLUMN_NAMES = re.compile(
    r"\b(customer|order|contract|source|respondent|observation|start) (id|start|end|date)\b"
)


def answer(case: Case) -> Result:
    """What the command says about a case that lies in the current folder."""
    return CliRunner().invoke(cli.app, [case.command, "shop.yml", *case.arguments])


def every(cases: list[Case]) -> Callable[..., None]:
    """The test of a table: each case through the command line."""

    @pytest.mark.parametrize("case", cases, ids=lambda case: case.name.replace(" ", "_"))
    def test(case: Case, here: Path, scratch: Path) -> None:
        case.lay_out(here)
        laid_out = listing(here)
        result = answer(case)
        check_answer(case, result.exit_code, result.stdout, result.stderr)
        assert listing(here) == laid_out
        assert listing(scratch) == []
        assert not (here.parent / "reports").exists()

    return test


def check_answer(case: Case, code: int, stdout: str, stderr: str) -> None:
    """What holds for every case, and then what the case expects."""
    assert "Traceback" not in stdout + stderr
    assert SECRET not in stdout + stderr
    assert not ACTING.search(stdout + stderr)
    if isinstance(case.expect, Refused):
        assert (code, stdout) == (2, ""), stderr
        assert re.match(r"(shop\.yml|--set)[:, ]", stderr), stderr
        pattern = ".*".join(map(re.escape, case.expect.fragments))
        assert re.search(pattern, stderr, re.DOTALL), stderr
        assert len(stderr) < 3000
        return
    assert (code, stderr) == (0, "")
    ledgers = printed_ledger(stdout)
    for ledger in ledgers.values():
        assert ledger.used + sum(ledger.excluded.values()) == ledger.read
    expected = replace(case.expect, says=())
    assert ledgers[expected.table] == expected
    said = " ".join(stdout.split())  # as wrapped lines
    assert [words for words in case.expect.says if words not in said] == []


def listing(folder: Path) -> list[str]:
    """Everything that lies below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


ACTING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_LINE = re.compile(r"^(\w+) +(read|excluded|used) +(.*?) *([0-9,]+) +[0-9.]+%", re.MULTILINE)


def printed_ledger(output: str) -> dict[str, Accepted]:
    """Every table's ledger as the answer prints it."""
    found: dict[str, dict] = {}
    for table, status, reason, rows in _LINE.findall(output):
        lines = found.setdefault(table, {"excluded": {}})
        count = int(rows.replace(",", ""))
        if status == "excluded":
            lines["excluded"][reason] = count
        else:
            lines[status] = count
    return {table: Accepted(**lines, table=table) for table, lines in found.items()}


def sales(*rows: str, head: str = "customer_id,date,amount", end: str = "\n") -> str:
    """A file of transactions; `@` at the start of a row stands for a customer of its own."""
    lines = [re.sub("^@", f"{SECRET}{at}", row) for at, row in enumerate(rows)]
    return end.join([head, *lines, ""])


GOOD = sales("@,2024-01-13,10.00", "@,2024-02-14,20.00", "@,2024-03-15,30.00")
