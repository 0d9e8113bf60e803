"""Nothing that a solver prints below Python reaches the screen, and the rest still does."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.optimize import milp

from crmlib import silence
from crmlib.roi import infeasible, risk_averse
from crmlib.roi.infeasible import missing_money, possible
from crmlib.roi.programme import Programme
from crmlib.roi.risk_averse import best
from crmlib.roi.roadmap_tables import programme as read_programme
from crmlib.silence import silent_stdout
from tests.roi.small_programmes import random_case


def print_in_c(line: bytes) -> None:
    """As HiGHS does, into the buffer that C keeps."""
    ctypes.CDLL(None).printf(line)


def small_programme() -> Programme:
    case = random_case(1)
    return read_programme(case.initiatives, case.assets, case.requires, case.budgets, case.values)


def test_what_a_library_prints_does_not_come_out(capfd):
    print_in_c(b"before\n")
    with silent_stdout():
        os.write(1, b"below Python\n")
        print_in_c(b"HighsMipSolverData\n")
    print_in_c(b"after\n")
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr().out == "before\nafter\n"


def test_what_c_holds_back_does_not_come_out_later():
    """Where Python is told not to buffer, as on many machines of CI, C does not either."""
    lines = [
        "import ctypes",
        "from crmlib.silence import silent_stdout",
        "with silent_stdout():",
        "    ctypes.CDLL(None).printf(b'HighsMipSolverData')",
        "print('after')",
    ]
    buffering = {name: of for name, of in os.environ.items() if name != "PYTHONUNBUFFERED"}
    run = [sys.executable, "-c", "\n".join(lines)]
    said = subprocess.run(run, env=buffering, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["after"]


@pytest.mark.parametrize("module", [risk_averse, infeasible])
def test_the_roadmap_is_solved_in_silence(module, capfd, monkeypatch):
    def chatty(*given, **options):
        print_in_c(b"HighsMipSolverData\n")
        return milp(*given, **options)

    monkeypatch.setattr(module, "milp", chatty)
    programme = small_programme()
    assert possible(programme) and missing_money(programme) == 0
    best(programme, 0.5, 0.1)
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr().out == ""


def test_the_screen_is_back_after_an_error(capfd):
    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir())) if opened.is_dir() else 0
    with pytest.raises(ZeroDivisionError), silent_stdout():
        os.write(1, b"unseen\n")
        raise ZeroDivisionError
    os.write(1, b"seen\n")
    assert capfd.readouterr().out == "seen\n"
    if before:
        assert len(list(opened.iterdir())) == before


def test_without_a_screen_there_is_nothing_to_silence(monkeypatch):
    def none(_):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(silence.os, "dup", none)
    with silent_stdout():
        solved = True
    assert solved
