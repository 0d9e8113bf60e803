"""A small book through the runner: what is injected, executed, reused, kept and refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import small_book

from crmlib.book import execution, runner, versions
from crmlib.book.graph import GRAPH, Chapter, select, upstream
from crmlib.errors import InputError, ParamsError

ONLY_FIRST = ("01_customers",)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A whole book run once, and once more with another value setting."""
    folder = tmp_path_factory.mktemp("shop")
    params_path = small_book.write_params(folder)
    notebooks = small_book.write_notebooks(folder / "notebooks", small_book.WHOLE)
    here = (params_path, folder / "reports", notebooks)
    steps: list[runner.Step] = []
    first = small_book.run(*here, progress=steps.append)
    second = small_book.run(*here, overrides=["value.horizon_years=5"])
    return SimpleNamespace(
        here=here, out=folder / "reports", first=first, second=second, steps=steps
    )


def quick(folder: Path, chapters: dict[str, str] | None = None, **options) -> runner.Outcome:
    """Run a book that needs no more than a kernel."""
    params_path = small_book.write_params(folder)
    quick_chapters = small_book.QUICK | (chapters or {})
    notebooks = small_book.write_notebooks(folder / "notebooks", quick_chapters)
    return small_book.run(params_path, folder / "reports", notebooks, **options)


CHAPTERS = ("01_customers", "02_value", "03_segments", "06_summary")


def left_behind(folder: Path) -> list[str]:
    """What a run left under its engagement, hidden lock aside."""
    return sorted(path.name for path in (folder / "reports" / "shop").glob("[!.]*"))


def no_kernel(*_: object) -> None:
    raise AssertionError("a worker was started or a page rendered")


def code_of(version: versions.Version, chapter: str) -> list[str]:
    notebook = json.loads((version.path / "notebooks" / f"{chapter}.ipynb").read_text())
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def test_a_run_makes_a_whole_version(shop):
    version = shop.first.version
    assert version.name.startswith("v1-")
    assert versions.verify(version.path) == []
    assert shop.first.executed == CHAPTERS
    assert {path.name for path in version.path.iterdir()} == {
        "01_customers.html", "02_value.html", "03_segments.html", "index.html", "notebooks",
        "tables", "exhibits", "exhibits.json", "findings.json", "params.yml", "manifest.json",
    }  # fmt: skip


def test_settings_are_injected_as_parameters(shop):
    injected = code_of(shop.second.version, "02_value")[2]
    assert 'engagement = "shop"' in injected
    assert 'run_dir = "."' in injected
    assert "horizon_years = 5.0" in injected
    assert "max_findings" not in injected


def test_cells_are_numbered_and_tell_no_time(shop):
    text = (shop.first.version.path / "notebooks" / "02_value.ipynb").read_text()
    notebook = json.loads(text)
    assert [cell["id"] for cell in notebook["cells"]] == [f"cell-{n}" for n in (1, 2, 3, 4)]
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert {key for cell in notebook["cells"] for key in cell["metadata"]} <= {"tags"}
    assert str(shop.out) not in text


def test_the_summary_sees_the_findings_of_all(shop):
    text = (shop.first.version.path / "notebooks" / "06_summary.ipynb").read_text()
    assert "Two customers bought." in text


def test_the_manifest_says_where_everything_came_from(shop):
    manifest = shop.second.version.manifest()
    assert manifest["engagement"] == "shop"
    assert manifest["params_folder"] == str(shop.here[0].parent)
    assert manifest["chapters"]["01_customers"]["reused_from"] == shop.first.version.name
    assert manifest["chapters"]["02_value"]["reused_from"] is None
    assert manifest["chapters"]["02_value"]["files"] == [
        "notebooks/02_value.ipynb", "tables/value.parquet",
    ]  # fmt: skip


def test_progress_is_told_by_chapter_and_cell(shop):
    told = [(step.chapter, step.state) for step in shop.steps if step.state != "cell"]
    assert told == [(chapter, state) for chapter in CHAPTERS for state in ("started", "executed")]
    cells = [step for step in shop.steps if step.state == "cell" and step.chapter == "02_value"]
    assert [(step.done, step.total) for step in cells] == [(n, 4) for n in range(4)]


def test_a_changed_setting_runs_its_chapter_and_those_behind_it(shop):
    assert shop.second.version.number == 2
    assert shop.second.executed == CHAPTERS[1:]
    for file in ("notebooks/01_customers.ipynb", "tables/customers.parquet", "exhibits.json"):
        assert (shop.second.version.path / file).read_bytes() == (
            shop.first.version.path / file
        ).read_bytes()
    assert versions.verify(shop.second.version.path) == []


def test_an_unchanged_run_names_the_version_and_starts_nothing(shop, monkeypatch):
    monkeypatch.setattr(execution.Workers, "_start", no_kernel)
    monkeypatch.setattr(runner, "_write_indices", no_kernel)
    again = small_book.run(*shop.here)
    assert again == runner.Outcome(shop.first.version, existing=True)
    assert len(versions.list_versions(shop.out)) == 2


def test_an_unchanged_run_lists_a_version_that_a_killed_run_left_unlisted(shop):
    page = shop.out / "shop" / "index.html"
    page.write_text("before the kill")
    small_book.run(*shop.here)
    assert shop.first.version.name in page.read_text()


def test_a_part_of_the_book_is_a_version_of_its_own_made_of_reused_chapters(shop, monkeypatch):
    monkeypatch.setattr(execution.Workers, "_start", no_kernel)
    part = small_book.run(*shop.here, only=["02_value"])
    assert part.executed == ()
    assert part.version.hash8 != shop.first.version.hash8
    assert part.version.index.exists()
    assert not (part.version.path / "notebooks" / "06_summary.ipynb").exists()
    assert (part.version.path / "findings.json").read_bytes() == (
        shop.first.version.path / "findings.json"
    ).read_bytes()


def test_two_executions_are_the_same_bytes(tmp_path):
    noisy = """
import sys, warnings
warnings.warn("shown with the cell's name")
print("one"); sys.stdout.flush(); print("two"); print({"b", "a", "c"})
"""
    one = quick(tmp_path / "one", {"01_customers": noisy}, only=ONLY_FIRST)
    two = quick(tmp_path / "two", {"01_customers": noisy}, only=ONLY_FIRST)
    files = versions.hash_files(one.version.path)
    assert "notebooks/01_customers.ipynb" in files
    assert versions.differences(files, versions.hash_files(two.version.path)) == []


def test_force_executes_anew_and_compares(tmp_path):
    clock = {"01_customers": "import time; print(time.time_ns())"}
    first = quick(tmp_path, clock, only=ONLY_FIRST)
    again = quick(tmp_path, clock, only=ONLY_FIRST, force=True)
    assert again.existing
    assert again.executed == ONLY_FIRST
    assert "notebooks/01_customers.ipynb: altered" in again.differences
    assert versions.list_versions(tmp_path / "reports") == [first.version]
    assert versions.verify(first.version.path) == []


def test_a_damaged_chapter_is_executed_again(tmp_path):
    first = quick(tmp_path, only=ONLY_FIRST)
    with (first.version.path / "notebooks" / "01_customers.ipynb").open("a") as file:
        file.write(" ")
    second = quick(tmp_path, only=["02_value"], overrides=["value.horizon_years=5"])
    assert second.executed == ("01_customers", "02_value")


def test_chapters_without_mutual_need_run_side_by_side(tmp_path):
    meet = """
import time
from pathlib import Path
Path("{own}").touch()
while not Path("{other}").exists():
    time.sleep(0.01)
"""
    both = {
        "01_customers": meet.format(own="a", other="b"),
        "02_value": meet.format(own="b", other="a"),
    }
    outcome = quick(tmp_path, both, graph=small_book.SIDE_BY_SIDE)
    assert outcome.executed == ("01_customers", "02_value")


def test_kernels_run_this_interpreter_alone_with_fixed_seeds_and_threads(tmp_path, monkeypatch):
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    hijack = {"argv": ["false"], "display_name": "Mine", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(hijack))
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("print('start-up file')")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    look = "import os, sys; print([sys.executable, hash('a'), os.environ['OMP_NUM_THREADS']])"
    look += "; print('start-up' in str(globals()))"
    outcome = quick(tmp_path, {"01_customers": look}, only=ONLY_FIRST)
    notebook = json.loads((outcome.version.path / "notebooks" / "01_customers.ipynb").read_text())
    said = "".join(notebook["cells"][3]["outputs"][0]["text"])
    assert said.startswith(f"[{sys.executable!r}, ")
    assert "'1']" in said
    assert "start-up file" not in said


def test_a_chapter_that_fails_is_kept_with_its_error(tmp_path):
    with pytest.raises(
        runner.ChapterFailed, match="01_customers failed: ZeroDivisionError"
    ) as error:
        quick(tmp_path, {"01_customers": "print('so far')\n1 / 0"}, only=ONLY_FIRST)
    kept = error.value.folder
    assert left_behind(tmp_path) == [kept.name]
    assert "1 / 0" in (kept / "error.txt").read_text()
    assert "so far" in (kept / "notebooks" / "01_customers.ipynb").read_text()


def test_a_kernel_that_dies_is_said_to_be_dead(tmp_path):
    die = "import os; os.write(2, b'last words'); os._exit(9)"
    said = r"^the kernel of 01_customers died \(ended with code 9\)\.$"
    with pytest.raises(runner.ChapterFailed, match=said) as error:
        quick(tmp_path, {"01_customers": die}, only=ONLY_FIRST)
    assert "last words" in (error.value.folder / "error.txt").read_text()


def test_what_the_user_can_mend_leaves_nothing(tmp_path):
    refuse = """
from crmlib.errors import InputError
raise InputError("shop.csv", "no usable row.", "Check the dates.")
"""
    message = r"^shop\.csv: no usable row\. Check the dates\.$"
    with pytest.raises(InputError, match=message):
        quick(tmp_path, {"01_customers": refuse}, only=ONLY_FIRST)
    assert left_behind(tmp_path) == []


def test_a_missing_input_is_said_before_anything_is_made(tmp_path):
    params_path = small_book.write_params(tmp_path)
    (tmp_path / "shop.csv").unlink()
    with pytest.raises(InputError, match=r"shop\.csv"):
        runner.run(params_path, out=tmp_path / "reports")
    assert not (tmp_path / "reports" / "shop").exists()


def test_upstream_goes_all_the_way_in_the_books_order():
    chain = (Chapter("a"), Chapter("b", needs=("a",)), Chapter("c", needs=("b",)), Chapter("d"))
    assert upstream(chain, "c") == ("a", "b")
    assert [chapter.name for chapter in select(chain, ["c"])] == ["a", "b", "c"]
    assert select(chain) == chain


def test_the_summary_rests_on_every_other_chapter():
    *others, summary = (chapter.name for chapter in GRAPH)
    assert summary == "06_summary"
    assert upstream(GRAPH, summary) == tuple(others)


def test_a_chapter_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(ParamsError, match="Did you mean `02_value`"):
        select(GRAPH, ["2_value"])
