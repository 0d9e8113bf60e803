"""Code is formatted and linted, and commits hold pure text."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUFF = Path(sys.executable).parent / "ruff"


def committed() -> list[Path]:
    """Files that git tracks, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=lambda c: c[0])
def test_ruff(command):
    done = subprocess.run([RUFF, *command, "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_committed_file_is_large_or_names_a_machine():
    machine = re.compile(rb"/(home|root|Users|work)/[a-z]")
    for path in committed():
        content = path.read_bytes()
        assert len(content) < 1_000_000, path
        if path.relative_to(ROOT).parts[0] != "tests":  # which make up paths to hide
            assert not machine.search(content), path
