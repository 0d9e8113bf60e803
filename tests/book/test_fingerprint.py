"""The fingerprint changes with what decides a result, and with nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import small_book

from crmlib import params
from crmlib.book import fingerprint
from crmlib.book.graph import GRAPH

CHAPTERS = tuple(chapter.name for chapter in GRAPH)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything that a fingerprint is taken of."""
    small_book.write_params(tmp_path)
    small_book.write_notebooks(tmp_path / "notebooks", small_book.QUICK)
    (tmp_path / "code" / "templates").mkdir(parents=True)
    (tmp_path / "code" / "values.py").write_text("one = 1\n")
    (tmp_path / "code" / "templates" / "page.html").write_text("<p>")
    (tmp_path / "lock").write_text("pandas==3.0.0\n")
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path / "code")
    monkeypatch.setattr(fingerprint, "LOCK", tmp_path / "lock")
    return tmp_path


def take(book: Path, *overrides: str, chapters: tuple[str, ...] = CHAPTERS):
    engagement = params.load(book / "shop.yml", overrides)
    return fingerprint.of(engagement, chapters, book / "notebooks")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_same_book_has_the_same_hash(book):
    assert take(book) == take(book)
    assert len(take(book).hash8) == 8


@pytest.mark.parametrize(
    ("part", "file", "old", "new"),
    [
        ("inputs", "shop.csv", "5.00", "5.01"),
        ("params", "shop.yml", "A shop", "A store"),
        ("notebooks", "notebooks/02_value.ipynb", "print(horizon_years)", "print(2)"),
        ("notebooks", "notebooks/02_value.ipynb", '"markdown"', '"raw"'),
        ("notebooks", "notebooks/02_value.ipynb", '["parameters"]', '["hide"]'),
        ("code", "code/values.py", "1", "2"),
        ("code", "code/templates/page.html", "<p>", "<b>"),
        ("lock", "lock", "3.0.0", "3.0.1"),
    ],
)
def test_each_ingredient_changes_its_part_and_the_hash(book, part, file, old, new):
    before = take(book)
    change(book / file, old, new)
    after = take(book)
    assert replace(before, **{part: getattr(after, part)}) == after
    assert after.hash8 != before.hash8


def test_a_setting_and_a_package_change_the_hash(book, monkeypatch):
    before = take(book)
    assert take(book, "value.horizon_years=5").hash8 != before.hash8
    assert take(book, chapters=CHAPTERS[:2]).hash8 != before.hash8
    monkeypatch.setattr(fingerprint, "installed_packages", lambda: {"pandas": "9"})
    assert take(book).hash8 != before.hash8


def test_a_new_source_file_changes_the_code(book):
    before = take(book)
    (book / "code" / "more.py").write_text("")
    assert take(book).code != before.code


def test_comments_and_defaults_written_out_change_nothing(book):
    before = take(book)
    with (book / "shop.yml").open("a") as file:
        file.write("# a comment\nvalue:\n  horizon_years: 3.0\n")
    assert take(book) == before


def test_outputs_ids_and_metadata_change_nothing(book):
    before = take(book)
    path = book / "notebooks" / "02_value.ipynb"
    notebook = json.loads(path.read_text())
    notebook["metadata"]["kernelspec"] = {"name": "elsewhere"}
    for cell in notebook["cells"]:
        cell["id"] = "other-" + cell["id"]
        cell["metadata"]["execution"] = {"started": "now"}
        cell["source"] = cell["source"].splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell |= {"execution_count": 7, "outputs": [{"output_type": "stream", "text": "3.0"}]}
    path.write_text(json.dumps(notebook))
    assert take(book) == before


def test_compiled_and_hidden_files_change_nothing(book):
    before = take(book)
    (book / "code" / "__pycache__").mkdir()
    (book / "code" / "__pycache__" / "values.pyc").write_bytes(b"1")
    (book / "code" / ".values.py.swp").write_bytes(b"1")
    assert take(book) == before


def test_where_the_book_lies_changes_nothing(book, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    small_book.write_params(elsewhere)
    engagement = params.load(elsewhere / "shop.yml")
    assert fingerprint.of(engagement, CHAPTERS, book / "notebooks") == take(book)


def test_installed_packages_are_those_crmlib_names():
    packages = fingerprint.installed_packages()
    assert {"python", "pandas", "papermill", "duckdb"} <= packages.keys()
    assert "pytest" not in packages


def key(book: Path, chapter: str, before: tuple[str, ...] = (), upstream=None, *overrides: str):
    engagement = params.load(book / "shop.yml", overrides)
    provenance = fingerprint.of(engagement, CHAPTERS, book / "notebooks")
    notebook = book / "notebooks" / f"{chapter}.ipynb"
    left = upstream or {}
    return fingerprint.chapter_key(provenance, engagement, chapter, before, notebook, left)


def test_a_chapter_key_sees_its_own_and_earlier_settings_alone(book):
    first = key(book, "01_customers")
    second = key(book, "02_value", ("01_customers",))
    assert key(book, "01_customers", (), None, "value.horizon_years=5") == first
    assert key(book, "02_value", ("01_customers",), None, "summary.max_findings=3") == second
    assert key(book, "02_value", ("01_customers",), None, "value.horizon_years=5") != second
    changed = key(book, "02_value", ("01_customers",), None, "customers.max_excluded_share=0.1")
    assert changed != second
    assert key(book, "01_customers", (), None, "seed=2") != first


def test_a_tolerance_makes_another_version_and_runs_no_chapter_again(book):
    before = take(book).hash8
    assert take(book, "tolerances.estimate=2").hash8 != before
    first = key(book, "01_customers")
    assert key(book, "01_customers", (), None, "tolerances.estimate=2") == first


def test_a_chapter_key_sees_its_notebook_and_no_other(book):
    first = key(book, "01_customers")
    change(book / "notebooks" / "02_value.ipynb", "print(horizon_years)", "print(2)")
    assert key(book, "01_customers") == first
    change(book / "notebooks" / "01_customers.ipynb", "customer_id", "client")
    assert key(book, "01_customers") != first


@pytest.mark.parametrize("file", ["shop.csv", "code/values.py", "lock"])
def test_a_chapter_key_sees_inputs_code_and_lock(book, file):
    first = key(book, "01_customers")
    with (book / file).open("a") as stream:
        stream.write("\n# more")
    assert key(book, "01_customers") != first


def test_a_chapter_key_sees_what_came_before_it(book):
    one = key(book, "02_value", ("01_customers",), {"tables/customers.parquet": "00"})
    other = key(book, "02_value", ("01_customers",), {"tables/customers.parquet": "01"})
    assert one != other


def test_what_was_asked_is_seen_from_the_chapter_of_needs_on(book):
    asked = "questions.weights_are=customers"
    chain = ("01_customers", "02_value", "03_segments")
    for at, chapter in enumerate(chain):
        assert key(book, chapter, chain[:at], None, asked) == key(book, chapter, chain[:at])
    for chapter, before in (("04_needs", chain), ("06_summary", (*chain, "04_needs"))):
        assert key(book, chapter, before, None, asked) != key(book, chapter, before)
