"""The corpus as a whole: its size, and some of its cases in processes of their own."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from corpus import GOOD, Accepted, Case, Refused, answer, check_answer, listing, refused

from crmlib.intake import transactions
from crmlib.intake.reading import dialect, probe
from crmlib.intake.reading.source import Source

PATH = "inputs.transactions.path: sales.csv"
TABLES = sorted(path.stem for path in Path(__file__).parent.glob("test_bad_*.py"))
CASES = tuple(case for table in TABLES for case in import_module(table).CASES)
ACCEPTED = tuple(case for case in CASES if isinstance(case.expect, Accepted))
REFUSED = tuple(case for case in CASES if isinstance(case.expect, Refused))
IN_A_PROCESS = ACCEPTED[:1] + REFUSED[:: len(REFUSED) // 9][:9]


def test_the_corpus_is_large_and_each_case_has_its_name():
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", IN_A_PROCESS, ids=lambda case: case.name.replace(" ", "_"))
def test_ten_of_them_in_a_process_of_their_own(case: Case, here: Path, scratch: Path):
    case.lay_out(here)
    done = subprocess.run(
        [sys.executable, "-m", "crmlib", case.command, "shop.yml", *case.arguments],
        capture_output=True,
        encoding="utf-8",
    )
    check_answer(case, done.returncode, done.stdout, done.stderr)
    assert listing(scratch) == []


def test_a_file_without_permission(here: Path, scratch: Path, monkeypatch):
    case = Case("", GOOD, refused(f"{PATH}: may not be read by this user", "Ask its owner"))
    case.lay_out(here)
    if os.geteuid():
        (here / "sales.csv").chmod(0)
    else:  # whom no permission keeps from reading
        monkeypatch.setattr(os, "access", lambda path, _: Path(path).suffix != ".csv")
    result = answer(case)
    check_answer(case, result.exit_code, result.stdout, result.stderr)


def test_a_disk_that_cannot_be_read(here: Path, scratch: Path, monkeypatch):
    case = Case("", GOOD, refused(f"{PATH}: cannot be read (Input/output error)", "Check the disk"))
    case.lay_out(here)

    def fail(path: Path, packed: bool) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(dialect, "open_bytes", fail)
    result = answer(case)
    check_answer(case, result.exit_code, result.stdout, result.stderr)


def test_a_file_that_changes_while_it_is_read(here: Path, scratch: Path, monkeypatch):
    case = Case("", GOOD, refused(f"{PATH}: changed while it was read", "Run again"))
    case.lay_out(here)

    def locate(*arguments: str) -> Source:
        found = probe.locate(*arguments)
        with (here / "sales.csv").open("a") as file:
            file.write("late,2024-05-05,1\n")
        return found

    monkeypatch.setattr(transactions, "locate", locate)
    result = answer(case)
    check_answer(case, result.exit_code, result.stdout, result.stderr)
