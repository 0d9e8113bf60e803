"""An earlier version that a run goes on from: found, hashed, and refused where it is no base."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import small_book

from crmlib.book import runner
from crmlib.errors import VersionError

READING = small_book.WHOLE | {
    "03_segments": small_book.WHOLE["03_segments"]
    + """
earlier = chapter.earlier("segments")
print(getattr(earlier, "reason", "") or earlier["capacity"].tolist())
"""
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A version of the book's first three chapters, and one that goes on from it."""
    folder = tmp_path_factory.mktemp("shop")
    notebooks = small_book.write_notebooks(folder / "notebooks", READING)
    here = (small_book.write_params(folder), folder / "reports", notebooks)
    only = ("03_segments",)
    first = small_book.run(*here, only=only).version
    settings = ["segments.capacity=7", f"baseline={first.name}"]
    second = small_book.run(*here, only=only, overrides=settings)
    return SimpleNamespace(here=here, first=first, second=second)


def again(shop: SimpleNamespace, *overrides: str, **options) -> runner.Outcome:
    return small_book.run(*shop.here, overrides=overrides, only=("03_segments",), **options)


def printed(version: Path) -> str:
    return (version / "notebooks" / "03_segments.ipynb").read_text()


def test_the_chapter_reads_the_earlier_table(shop):
    assert "[12, 12]" in printed(shop.second.version.path)
    assert "the params name no earlier version" in printed(shop.first.path)


def test_what_is_read_decides_the_hash_and_stands_in_the_manifest(shop):
    then, now = shop.first.manifest(), shop.second.version.manifest()
    table = {"tables/segments.parquet": then["files"]["tables/segments.parquet"]}
    noted = shop.second.version.path.parent / "index.json"
    assert now["baseline"]["version"] == shop.first.name
    assert now["baseline"]["tables"] == now["fingerprint"]["baseline"] == table
    assert now["baseline"]["manifest"] in noted.read_text()
    assert "baseline" not in then and then["fingerprint"]["baseline"] == {}
    page = (shop.second.version.path / "03_segments.html").read_text()
    assert table["tables/segments.parquet"] in page and shop.first.name not in page


def test_only_the_chapter_that_reads_it_is_executed_anew(shop):
    assert shop.second.executed == ("03_segments",)
    assert again(shop, f"baseline={shop.first.name}").executed == ("03_segments",)


def test_the_same_baseline_is_the_same_version(shop):
    found = again(shop, "segments.capacity=7", f"baseline={shop.first.name}")
    assert found.existing and found.version.name == shop.second.version.name


def test_a_baseline_that_is_not_there_is_refused_with_those_that_are(shop):
    with pytest.raises(VersionError) as error:
        again(shop, "baseline=v99-0badbad0")
    said = str(error.value)
    assert said.startswith("baseline v99-0badbad0: is no version of shop under ")
    assert shop.first.name in said and shop.second.version.name in said


def test_a_baseline_without_the_chapter_is_refused(shop):
    one = small_book.run(*shop.here, only=("01_customers",)).version
    with pytest.raises(VersionError, match="was made without 03_segments, which is to go on"):
        again(shop, f"baseline={one.name}")


def test_a_baseline_that_no_chapter_reads_is_not_looked_for(shop):
    small_book.run(*shop.here, only=("01_customers",), overrides=["baseline=v99-0badbad0"])


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_a_damaged_baseline_is_refused_and_nothing_is_left(shop, damage):
    table = shop.first.path / "tables" / "value.parquet"  # though another one is read
    whole = table.read_bytes()
    try:
        table.unlink() if damage == "missing" else table.write_bytes(whole[:-1])
        with pytest.raises(VersionError, match=f"baseline {shop.first.name}: is damaged"):
            again(shop, f"baseline={shop.first.name}", "segments.capacity=3")
    finally:
        table.write_bytes(whole)
    assert list(shop.first.path.parent.glob(".build-*")) == []


def test_a_baseline_that_changes_meanwhile_is_not_published(shop):
    table = shop.first.path / "tables" / "segments.parquet"
    whole = table.read_bytes()

    def spoil(step: runner.Step) -> None:
        if step.chapter == "03_segments" and step.state == "executed":
            table.write_bytes(whole[:-1])

    before = sorted(shop.first.path.parent.glob("v*"))
    try:
        with pytest.raises(VersionError, match="is damaged"):
            again(shop, f"baseline={shop.first.name}", "segments.capacity=4", progress=spoil)
    finally:
        table.write_bytes(whole)
    assert sorted(shop.first.path.parent.glob("v*")) == before
