"""A name from outside leads to no folder but the one that is meant."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_book
from typer.testing import CliRunner

from crmlib import cli
from crmlib.book import chapter, versions
from crmlib.errors import VersionError

NAMES = ["../..", "..", ".", "", "/etc", "a/b", "shop/..", "Shop", "shop\n", "~", "a" * 41, "v\0"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reports root below a folder that looks like an engagement's."""
    (tmp_path / "v1-00000000").mkdir()
    versions.write_manifest(tmp_path / "v1-00000000", {"files": {}, "chapters": {}})
    (tmp_path / "shop" / "reports").mkdir(parents=True)
    monkeypatch.setenv("CRM_REPORTS", str(tmp_path / "shop" / "reports"))
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop" / "reports"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_engagement_s_name_is_refused_everywhere(root, name):
    for use in (
        lambda: versions.list_versions(root, name),
        lambda: versions.list_folders(root, name),
        lambda: versions.list_failed(root, name),
        lambda: versions.newest(root, name),
        lambda: versions.find(root, name, "00000000"),
        lambda: versions.begin(root, name).__enter__(),
        lambda: chapter.open_chapter("02_value", name),
    ):
        with pytest.raises(VersionError, match="is no engagement's name: up to 40 lower-case"):
            use()
    assert not list(root.iterdir())


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments))
    assert result.exit_code == 2, result.output
    return " ".join(result.stderr.split())


@pytest.mark.parametrize("name", ["../..", "/etc", "a/b"])
def test_the_command_says_so(root, name):
    assert refused("versions", name).startswith(f"`{name}`: is no engagement's name:")


def test_a_chapter_is_a_name_too(root):
    small_book.write_params(root.parent)
    said = refused("run", "shop.yml", "--only", "../../x")
    assert said.startswith("--only ../../x: there is no such chapter. Known here: `01_customers`")


@pytest.mark.parametrize("command", [["run", "shop.yml"], ["versions"]])
@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_reports_root_is_not_the_current_folder(root, command, name):
    small_book.write_params(root.parent)
    assert "an empty name is no folder" in refused(*command, "--out", name)


def test_a_file_in_the_place_of_the_reports_root_is_said(root):
    small_book.write_params(root.parent)
    for command in (["run", "shop.yml"], ["versions"], ["versions", "shop"]):
        said = refused(*command, "--out", "shop.csv")
        assert said.startswith("shop.csv: is a file; a folder for reports was expected.")


def test_folders_that_are_no_engagement_s_are_passed_over(root):
    (root / "Not ours" / "v1-00000000").mkdir(parents=True)
    versions.write_manifest(root / "Not ours" / "v1-00000000", {"files": {}})
    assert versions.list_versions(root) == []
