"""Killed and concurrent runs: no half version, no living kernel, no number twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import small_book

from crmlib.book import versions

MARK = "CRM_TEST_RUN"
KILLS = 10


@pytest.fixture
def book(tmp_path: Path) -> list[Path]:
    """Params, reports root and notebooks of a book whose chapter takes half a second."""
    chapters = {"01_customers": "import time; time.sleep(0.5); print(max_excluded_share)"}
    notebooks = small_book.write_notebooks(tmp_path / "notebooks", chapters)
    return [small_book.write_params(tmp_path), tmp_path / "reports", notebooks]


def start(book: list[Path], mark: str, seed: int) -> subprocess.Popen:
    """A run in a process of its own; whatever it starts inherits the mark."""
    command = [sys.executable, small_book.__file__, *map(str, book), f"seed={seed}"]
    environment = os.environ | {MARK: mark}
    return subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, start_new_session=True
    )


def living(mark: str) -> list[str]:
    """Processes that carry the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def wait_until_none_lives(mark: str, seconds: float = 5) -> list[str]:
    deadline = time.monotonic() + seconds
    while (left := living(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def seconds_until_end(process: subprocess.Popen) -> float:
    began = time.monotonic()
    assert process.wait() == 0
    return time.monotonic() - began


def names(book: list[Path]) -> set[str]:
    return {path.name for path in (book[1] / "shop").iterdir()}


def assert_whole(book: list[Path]) -> None:
    for version in versions.list_versions(book[1]):
        assert versions.verify(version.path) == []
    folders = {name for name in names(book) if name.startswith("v")}
    assert folders == {version.name for version in versions.list_versions(book[1])}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_kills_at_any_moment_leave_nothing_half_done(book):
    whole_run = seconds_until_end(start(book, "whole", seed=1))
    moments = random.Random(20)
    for seed in range(2, KILLS + 2):
        mark = uuid.uuid4().hex
        process = start(book, mark, seed)
        try:
            process.wait(moments.uniform(0.1, 0.95) * whole_run)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert wait_until_none_lives(mark) == []
        assert_whole(book)
    assert start(book, "last", seed=99).wait() == 0
    assert_whole(book)
    assert not [name for name in names(book) if name.startswith((".build-", "failed-"))]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_ended_run_ends_its_kernels_and_removes_its_build(book, number):
    mark = uuid.uuid4().hex
    script = "import sys, small_book; small_book.as_command(*sys.argv[1:])"
    environment = os.environ | {MARK: mark, "PYTHONPATH": str(Path(small_book.__file__).parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, book)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "01_customers" not in process.stderr.readline():
        assert process.poll() is None
    deadline = time.monotonic() + 20
    while not any("crmlib.book.kernel" in line for line in living(mark)):
        assert time.monotonic() < deadline
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert "Traceback" not in said
    assert wait_until_none_lives(mark) == []
    assert names(book) == {".lock"}


@pytest.mark.slow
def test_runs_at_the_same_time_share_numbers_and_results_rightly(book):
    processes = [start(book, "together", seed) for seed in (1, 2, 3, 4, 1, 1, 1)]
    said = [process.communicate()[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * 7, said
    made = versions.list_versions(book[1], "shop")
    assert [version.number for version in made] == [1, 2, 3, 4]
    assert len({version.hash8 for version in made}) == 4
    assert_whole(book)
    assert {name for name in names(book) if name.startswith(".build-")} == set()
