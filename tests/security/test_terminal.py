"""Words from files, params and folders reach the terminal and logs without acting there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import small_book
from typer.testing import CliRunner, Result

from crmlib import cli
from crmlib.book import runner, versions

EVIL = "\x1b]0;owned\x07\u202e\u2028"
# all that must not come out raw, but for the line ends that we write
ACTING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_book.write_params(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_REPORTS", "reports")
    return tmp_path


def crm(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def assert_calm(result: Result, code: int, lines: int = 1) -> None:
    assert result.exit_code == code, result.output
    assert not ACTING.search(result.output)
    assert len(result.stderr.splitlines()) <= lines


@pytest.mark.parametrize("command", ["run", "check"])
def test_params_and_column_names(here, command):
    escaped = '"\\e]0;owned\\a\\u202e\\u2028\\n"'
    for line in (
        f"{escaped}: 1", f"title: [{escaped}]", f"value: {{ {escaped}: 1 }}",
        f"value: {{ horizon_years: {escaped} }}", f"title: '{'x' * 100_000}'",
        f"value: {{ tier_labels: [{escaped}] }}",
    ):  # fmt: skip
        (here / "shop.yml").write_text(small_book.PARAMS.format(name="shop") + line + "\n")
        result = crm(command, "shop.yml")
        assert_calm(result, 2, lines=2)
        assert len(result.stderr) < 2000
    small_book.write_params(here)
    (here / "shop.csv").write_text(f'"who{EVIL}",day\n1,2\n')
    assert_calm(crm(command, "shop.yml"), 2)


def test_names_of_files_and_folders(here):
    assert_calm(crm("run", f"{EVIL}.yml"), 2)
    assert_calm(crm("verify", f"{EVIL}\n"), 2)
    assert_calm(crm("versions", EVIL), 2)
    assert_calm(crm("run", "shop.yml", "--only", EVIL), 2)
    assert_calm(crm("run", "shop.yml", "--set", f"a={EVIL}"), 2)
    (here / "reports" / f"x{EVIL}" / "v1-00000000").mkdir(parents=True)
    assert_calm(crm("versions"), 2)


def test_what_a_version_s_manifest_says(here):
    folder = here / "reports" / "shop" / "v1-00000000"
    folder.mkdir(parents=True)
    manifest = {"ended": EVIL + "\n", "files": {}}
    versions.write_manifest(folder, manifest)
    assert_calm(crm("versions"), 0)
    versions.write_manifest(folder, {"files": {f"x{EVIL}\n": "0"}})
    assert_calm(crm("versions"), 0)
    assert_calm(crm("verify", str(folder)), 2, lines=3)


def test_a_defect_and_its_log(here, monkeypatch):
    def run(*_: object, **__: object) -> None:
        raise RuntimeError(f"a{EVIL}\nThe log is /elsewhere" + "x" * 10_000)

    monkeypatch.setattr(runner, "run", run)
    result = crm("run", "shop.yml")
    assert_calm(result, 1, lines=2)
    log = Path(result.stderr.rpartition("The log is ")[2].strip())
    assert not ACTING.search(log.read_text().replace("\t", ""))
    assert len(result.stderr) < 1000
    log.unlink()


def test_no_place_for_a_log_is_said(here, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(runner, "run", refuse)
    monkeypatch.setattr(cli.tempfile, "NamedTemporaryFile", refuse)
    result = crm("run", "shop.yml")
    assert_calm(result, 1, lines=2)
    assert "There is no log: No usable temporary directory" in result.stderr
