"""Every case of the corpus through the command line, by what a person sees."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path

import bad_content
import bad_dates
import bad_encodings
import bad_files
import bad_numbers
import bad_params
import bad_parquet
import bad_tables
import bad_text
import bad_workbooks
import pytest
from corpus import SECRET, Accepted, Case, answer, printed_ledger

MODULES = (
    bad_text, bad_encodings, bad_dates, bad_numbers, bad_workbooks, bad_parquet, bad_files,
    bad_content, bad_tables, bad_params,
)  # fmt: skip
CASES = tuple(chain.from_iterable(module.CASES for module in MODULES))
ACTING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of our own, so that what is left in it shows."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The client's folder, as the current one."""
    folder = tmp_path / "client"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CRM_REPORTS", str(tmp_path / "reports"))
    return folder


def test_the_corpus_is_large_and_each_case_has_its_name():
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_what_a_client_sent(case: Case, here: Path, scratch: Path):
    case.lay_out(here)
    laid_out = listing(here)
    result = answer(case)
    check_answer(case, result.exit_code, result.stdout, result.stderr)
    assert listing(here) == laid_out
    assert listing(scratch) == []
    assert not (here.parent / "reports").exists()


def check_answer(case: Case, code: int, stdout: str, stderr: str) -> None:
    """What holds for every case, and then what the case expects."""
    assert "Traceback" not in stdout + stderr
    assert SECRET not in stdout + stderr
    assert not ACTING.search(stdout + stderr)
    if isinstance(case.expect, Accepted):
        assert (code, stderr) == (0, "")
        ledgers = printed_ledger(stdout)
        for ledger in ledgers.values():
            assert ledger.used + sum(ledger.excluded.values()) == ledger.read
        found = ledgers[case.expect.table]
        assert (found.read, found.used, dict(found.excluded)) == (
            case.expect.read,
            case.expect.used,
            dict(case.expect.excluded),
        )
        said = " ".join(stdout.split())  # as wrapped lines
        assert [words for words in case.expect.says if words not in said] == []
        return
    assert (code, stdout) == (2, "")
    assert re.match(r"(shop\.yml|--set)[:, ]", stderr)
    pattern = ".*".join(map(re.escape, case.expect.fragments))
    assert re.search(pattern, stderr, re.DOTALL), stderr
    assert len(stderr) < 3000


def listing(folder: Path) -> list[str]:
    """Everything that lies below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


IN_A_PROCESS = CASES[:: max(1, len(CASES) // 10)][:10]


@pytest.mark.parametrize("case", IN_A_PROCESS, ids=lambda case: case.name.replace(" ", "_"))
def test_ten_of_them_in_a_process_of_their_own(case: Case, here: Path, scratch: Path):
    case.lay_out(here)
    done = subprocess.run(
        [sys.executable, "-m", "crmlib", case.command, "shop.yml", *case.arguments],
        capture_output=True,
        encoding="utf-8",
        env=os.environ,
        timeout=60,
    )
    check_answer(case, done.returncode, done.stdout, done.stderr)
    assert listing(scratch) == []
