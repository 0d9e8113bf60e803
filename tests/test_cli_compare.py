"""`crm compare`: what a person reads, and what CI is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crmlib import cli

sys.path.append(str(Path(__file__).parent / "book"))
from small_versions import changed, publish


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with reports of three versions, as the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_REPORTS", "reports")
    root = tmp_path / "reports"
    publish(root, "0a0a0a0a")
    moved = changed("equity", value=70.0, lo=60.0, hi=85.0)
    publish(root, "1b1b1b1b", findings=moved, settings={"value.annual_discount_rate": 0.15})
    publish(root, "2c2c2c2c", findings=moved, settings={"tolerances.estimate": 2.0})
    return root


def crm(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["compare", *arguments])


def test_the_summary_ends_with_the_page(here):
    result = crm("shop", "v1", "v3")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "v1-0a0a0a0a → v3-2c2c2c2c: 1 parameter changed; 1 of 3 findings moved, 1 beyond its "
        "interval; no exhibit differs.",
        "  tolerances.estimate: 1.0 → 2.0",
        "  Moved beyond its interval: equity, 50 → 70 EUR, +40%",
        "reports/shop/compare/v1-0a0a0a0a..v3-2c2c2c2c.html",
    ]
    assert result.stderr == ""
    assert Path(result.stdout.splitlines()[-1]).is_file()


def test_a_broken_tolerance_ends_with_1_and_names_the_finding(here):
    result = crm("shop", "1", "2")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Beyond tolerance:",
        "  equity: moved 2 times the way to its interval's end; tolerances.estimate allows 1",
    ]
    assert Path(result.stdout.splitlines()[-1]).is_file()


def test_the_versions_may_be_swapped(here):
    result = crm("shop", "newest", "v1-0a0a0a0a")
    assert result.exit_code == 1
    assert "  Moved beyond its interval: equity, 70 → 50 EUR, -28.6%" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("v3-2c2c2c2c..v1-0a0a0a0a.html")


def test_a_version_compared_with_itself(here):
    result = crm("shop", "newest", "3", "--out", "reports")
    assert result.exit_code == 0
    assert "Nothing differs: 3 findings and 2 exhibits are the same." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("shop", "7", "1"), "7: is no version of shop. Known here: `v1-0a0a0a0a`, "),
        (("shup", "1", "2"), "has no version yet. Did you mean `shop`?"),
        (("shop", "1"), "Missing argument 'B'"),
    ],
)
def test_a_version_that_is_not_there_ends_with_2(here, arguments, said):
    result = crm(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert not (here / "shop" / "compare").exists()


def test_a_damaged_version_ends_with_2_and_names_the_file(here):
    (here / "shop" / "v1-0a0a0a0a" / "findings.json").write_text("[]")
    result = crm("shop", "1", "2")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is damaged" in result.stderr and "findings.json: altered" in result.stderr
    assert not (here / "shop" / "compare").exists()


def test_an_unknown_finding_in_the_tolerances_ends_with_2_and_writes_nothing(here):
    publish(here, "3d3d3d3d", settings={"tolerances.findings": {"equty": 0.1}})
    result = crm("shop", "1", "4")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "tolerances.findings.equty" in result.stderr
    assert "Did you mean `equity`?" in result.stderr
    assert not (here / "shop" / "compare").exists()


def test_words_of_a_client_do_nothing_to_the_terminal(here):
    publish(here, "3d3d3d3d", settings={"title": "A\x1b[2Jshop"})
    result = crm("shop", "1", "4")
    assert "\x1b" not in result.output
    assert "title: A shop → A\\x1b[2Jshop" in result.stdout
