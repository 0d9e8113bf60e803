"""A version that was half deleted or altered by hand is said to be so and never used."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crmlib import cli
from crmlib.book import chapter, execution, versions
from crmlib.errors import VersionError


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


# name: (what is done to version 2, what is seen at a glance)
GONE = {
    "manifest": (lambda v: (v / "manifest.json").unlink(), "manifest.json: missing"),
    "half a manifest": (lambda v: cut(v / "manifest.json"), "manifest.json: not whole"),
    "a manifest of nothing": (
        lambda v: (v / "manifest.json").write_text("[]"),
        "manifest.json: not whole",
    ),
    "index.html": (lambda v: (v / "index.html").unlink(), "index.html: missing"),
    "exhibits": (lambda v: shutil.rmtree(v / "exhibits"), "exhibits/base.csv: missing"),
    "table": (
        lambda v: (v / "tables" / "customers.parquet").unlink(),
        "tables/customers.parquet: missing",
    ),
    "everything": (lambda v: [shutil.rmtree(v), v.mkdir()], "manifest.json: missing"),
}
ALTERED = {
    "a byte": lambda v: (v / "exhibits.json").write_text("[ ]\n"),
    "half a table": lambda v: cut(v / "tables" / "customers.parquet"),
    "a file more": lambda v: (v / "notes.txt").write_text("mine"),
    "figures and manifest alike": lambda v: (
        (v / "exhibits" / "base.csv").write_text("year,customers\n2020,3\n"),
        versions.write_manifest(
            v, versions.read_manifest(v) | {"files": versions.hash_files(v)}
        ),
    ),
}  # fmt: skip


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def crm(*arguments: str, code: int = 0):
    result = CliRunner().invoke(cli.app, list(arguments))
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("what", [*GONE, *ALTERED])
def test_a_run_makes_a_good_version_beside_a_damaged_one_and_leaves_that_as_it_is(shop, what):
    old = shop.version(2)
    (GONE[what][0] if what in GONE else ALTERED[what])(old)
    before = bytes_of(old)
    made = shop.run_first()
    assert made.version.number == 3
    assert not made.existing
    assert made.damaged == (old.name,)
    assert made.version.hash8 == old.name[-8:]
    assert versions.verify(made.version.path) == []
    assert bytes_of(old) == before
    again = shop.run_first()
    assert (again.version, again.existing, again.damaged) == (made.version, True, ())


def test_the_command_says_which_version_stands_in(shop, monkeypatch):
    from crmlib.book import runner

    (shop.version(2) / "index.html").unlink()
    outcome = shop.run_first()
    monkeypatch.setattr(runner, "run", lambda *_, **__: outcome)
    said = crm("run", str(shop.params_path)).stderr
    name = shop.version(2).name
    assert f"{name} is damaged and left as it is; {outcome.version.name} holds its" in said


@pytest.mark.parametrize("what", GONE)
def test_lists_say_what_is_missing_and_lead_nowhere(shop, what):
    harm, missing = GONE[what]
    harm(shop.version(2))
    name = shop.version(2).name
    lines = crm("versions", "--out", str(shop.out)).stdout.splitlines()
    assert [line.split()[1] for line in lines] == [shop.version(1).name, name]
    assert f"{name}  damaged: {missing}" in lines[1]
    assert "damaged" not in lines[0]
    shop.run_first()
    page = (shop.folder / "index.html").read_text()
    assert re.search(rf'name">Version 2</th><td title="{missing}[^"]*"><code>damaged<', page)
    assert f'href="{name}/' not in page
    assert f'href="{shop.version(3).name}/' in page


@pytest.mark.parametrize("what", [*GONE, *ALTERED])
def test_verify_says_what_is_wrong(shop, what):
    (GONE[what][0] if what in GONE else ALTERED[what])(shop.version(2))
    said = crm("verify", str(shop.version(2)), code=2).stderr
    assert "Traceback" not in said
    expected = {
        "manifest": "holds no readable manifest.json (it is missing). Run the book again",
        "everything": "holds no readable manifest.json (it is missing). Run the book again",
        "half a manifest": "holds no readable manifest.json (it is not whole)",
        "a manifest of nothing": "holds no readable manifest.json (it is not whole)",
        "exhibits": "\n  exhibits/base.csv: missing\n",
        "table": "\n  tables/customers.parquet: missing\n",
        "half a table": "\n  tables/customers.parquet: altered\n",
        "index.html": "\n  index.html: missing\n",
        "a byte": "\n  exhibits.json: altered\n",
        "a file more": "\n  notes.txt: not listed\n",
        "figures and manifest alike": "\n  manifest.json: altered\n",
    }[what]
    assert expected in said


@pytest.mark.parametrize("what", GONE)
def test_a_notebook_by_hand_refuses_a_damaged_version_instead_of_an_older_one(
    shop, what, monkeypatch
):
    harm, missing = GONE[what]
    harm(shop.version(2))
    monkeypatch.setenv("CRM_REPORTS", str(shop.out))
    with pytest.raises(VersionError) as error:
        chapter.open_chapter("02_value", "shop")
    said = str(error.value)
    assert said.startswith(f"{shop.version(2)}: is damaged: run the book again (crm run params/")
    assert f"\n  {missing}" in said
    made = shop.run_first().version
    assert chapter.open_chapter("02_value", "shop").source == made.path


def test_a_notebook_by_hand_says_which_table_cannot_be_read(shop, monkeypatch):
    ALTERED["half a table"](shop.version(2))
    monkeypatch.setenv("CRM_REPORTS", str(shop.out))
    opened = chapter.open_chapter("02_value", "shop")
    with pytest.raises(VersionError, match=r"customers\.parquet: cannot be read .*Run the book"):
        opened.read("customers")


def test_an_altered_manifest_lends_no_chapter_to_other_versions(shop, monkeypatch):
    """Its figures would come in under hashes that fit."""
    for number in (1, 2):
        ALTERED["figures and manifest alike"](shop.version(number))
    monkeypatch.setattr(execution.Workers, "_start", None)  # what executing anew would call
    with pytest.raises(TypeError, match="not callable"):
        shop.run_first()


def test_a_lost_index_is_no_damage_but_said(shop):
    (shop.folder / "index.json").unlink()
    assert shop.run_first().version.number == 2
    said = crm("verify", str(shop.version(2)), code=2).stderr
    assert "manifest.json: its digest is not noted in index.json beside the version" in said


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "\udcff"])
def test_an_index_of_anything_else_harms_no_run(shop, content):
    (shop.folder / "index.json").write_text(content, errors="surrogateescape")
    (shop.folder / "index.html").write_bytes(b"\xff")
    shutil.rmtree(shop.version(2))
    made = shop.run_first().version
    assert made.number == 2
    assert versions.verify(made.path) == []
    assert json.loads((shop.folder / "index.json").read_text()).keys() == {made.name}
