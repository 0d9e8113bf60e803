"""`crm demo` as a person meets it."""

from __future__ import annotations

import inspect
import re

import pytest
from typer.testing import CliRunner

from crmlib import cli
from crmlib.demo import BankSettings, texts


def crm(*arguments: str):
    return CliRunner().invoke(cli.app, ["demo", *arguments])


def test_it_says_what_it_made_and_what_comes_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = crm("--customers", "200", "--months", "12", "--out", "banks", "--name", "tiny")
    assert done.exit_code == 0, done.output
    assert re.search(r"^customers +220 rows$", done.stdout, re.M)
    assert "The data lie in banks/data/tiny, 28 of them new or changed" in done.stdout
    assert done.stdout.splitlines()[-1] == "Next: crm check banks/params/tiny.yml"
    again = crm("--customers", "200", "--months", "12", "--out", "banks", "--name", "tiny")
    assert "banks/data/tiny, as they were" in again.stdout


def test_something_else_in_the_way_ends_with_one_message(tmp_path):
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "tiny.yml").write_text("mine")
    options = ["--customers", "200", "--months", "12", "--out", str(tmp_path), "--name", "tiny"]
    done = crm(*options)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "tiny.yml: holds something else than this bank would." in done.stderr
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["params", "tiny.yml"]
    assert crm(*options, "--force").exit_code == 0


@pytest.mark.parametrize(
    "options, said",
    [
        (["--customers", "199"], "'--customers'"),
        (["--customers", "10000001"], "'--customers'"),
        (["--months", "11"], "'--months'"),
        (["--months", "121"], "'--months'"),
        (["--seed", "-1"], "'--seed'"),
        (["--name", "../x"], "small letters, digits and _ were expected"),
        (["--out", ""], "an empty name is no folder"),
    ],
)
def test_options_out_of_range_are_refused(options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = crm("--out", "here", *options)
    assert done.exit_code == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_defaults_are_those_of_the_committed_bank():
    defaults = inspect.signature(cli.demo).parameters
    usual = BankSettings()
    for name in ("customers", "months", "seed", "seasonality", "name"):
        assert defaults[name].default == getattr(usual, name), name


@pytest.mark.parametrize(
    "changes",
    [{}, {"customers": 900, "months": 24, "seed": 3, "seasonality": False, "name": "other"}],
)
def test_the_command_in_the_readme_makes_the_bank(changes, monkeypatch):
    """What stands there, read back by the command line."""
    made = []
    monkeypatch.setattr("crmlib.demo.write_bank", lambda s, *_, **__: made.append(s))
    wanted = BankSettings(**changes)
    CliRunner().invoke(cli.app, texts.command(wanted).split()[1:])
    assert made == [wanted]
