"""Kernels and workers that are killed or run out of memory, and what is kept of them."""

from __future__ import annotations

import pytest
import small_book

from crmlib.book import execution, runner, versions

KILLED = "killed: perhaps out of memory"
REMEDY = "Give the run more memory, or fewer chapters at a time (--workers 1)."
ENDS = {
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)": (
        f"the kernel of 01_customers died ({KILLED}). {REMEDY}"
    ),
    "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(9)": (
        f"the process of 01_customers died ({KILLED}). {REMEDY}"
    ),
    "import resource as r\nr.setrlimit(r.RLIMIT_AS, (2**31, 2**31))\nx = bytearray(2**33)": (
        f"01_customers ran out of memory (MemoryError). {REMEDY}"
    ),
}


def run(folder, code: str) -> runner.Outcome:
    params_path = small_book.write_params(folder)
    notebooks = small_book.write_notebooks(folder / "notebooks", {"01_customers": code})
    return small_book.run(params_path, folder / "reports", notebooks, graph=small_book.ONE_CHAPTER)


def test_each_end_is_named_its_folder_kept_and_the_next_run_is_good(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_render", small_book.plain_page)
    kept = []
    for code, said in ENDS.items():
        with pytest.raises(runner.ChapterFailed) as error:
            run(tmp_path, code)
        assert str(error.value) == said
        kept.append(error.value.folder)
        assert (kept[-1] / "error.txt").read_text().startswith("01_customers\n")
    made = run(tmp_path, "print(max_excluded_share)").version
    assert made.number == 1
    assert versions.verify(made.path) == []
    assert versions.list_failed(tmp_path / "reports", "shop") == sorted(kept)
    assert not list((tmp_path / "reports" / "shop").glob(".build-*"))


@pytest.mark.parametrize(
    ("error", "message", "said"),
    [
        ("_ArrayMemoryError", "Unable to allocate 8 GiB.", "(_ArrayMemoryError: Unable to alloc"),
        ("OutOfMemoryException", "failed to pin block", "(OutOfMemoryException: failed to pin"),
        ("ArrowMemoryError", "malloc of size 9 failed", "(ArrowMemoryError: malloc of size 9"),
    ],
)
def test_every_library_s_word_for_it_is_understood(tmp_path, error, message, said):
    text = str(runner.ChapterFailed("02_value", error, message, tmp_path))
    assert text.startswith(f"02_value ran out of memory {said}")
    assert text.endswith(REMEDY)


def test_other_ends_are_told_by_their_code_or_signal():
    assert execution._death(3) == "ended with code 3"
    assert execution._death(-11) == "ended by signal 11, Segmentation fault"
    assert execution._death(None) == "it ended without a code"


def test_a_worker_that_died_while_idle_is_replaced(tmp_path):
    with execution.Workers(1) as workers:
        dead, connection = workers._start()
        dead.kill()
        dead.join()
        workers._idle.append((dead, connection))
        workers.submit(execution.Job("x", tmp_path / "x.ipynb", tmp_path, tmp_path, {}))
        message = workers.next_message()
    assert isinstance(message, execution.Failed)
    assert message.error == "FileNotFoundError"
