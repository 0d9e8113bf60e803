"""`crm new` as a person meets it: what it prints, what it refuses, that its file works."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crmlib import cli

CDNOW = Path(find_spec("lifetimes").origin).parent / "datasets" / "CDNOW_master.txt"


def crm(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for i in range(400):
        cancelled = i % 40 == 7
        lines.append(
            f'{"C" * cancelled}{536365 + i // 2},85123A,"SET 7 ""BABUSHKA"", BOXES",'
            f"{-1 if cancelled else 1 + i % 12},{1 + i % 12}/{1 + i * 7 % 28}/2010 {i % 24}:26,"
            f"{1 + i % 9}.{i % 90 + 10},{'' if i % 25 == 0 else 17850 + i % 41},France"
        )
    (tmp_path / "retail.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_the_file_is_written_and_what_was_found_is_shown(here):
    result = crm("new", "shop", "--transactions", "retail.csv")
    assert result.exit_code == 0, result.output
    assert "Wrote params/shop.yml" in result.stdout
    assert "customer_id  CustomerID  (by its name)" in result.stdout
    assert "What the file does not say:" in result.stdout
    assert result.stdout.rstrip().endswith("crm check params/shop.yml")
    assert "path: ../retail.csv" in (here / "params" / "shop.yml").read_text().replace('"', "")


def test_an_engagement_that_exists_is_not_overwritten(here):
    (here / "params").mkdir()
    (here / "params" / "shop.yml").write_text("mine")
    result = crm("new", "shop", "--transactions", "retail.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "params/shop.yml: exists already." in result.stderr
    assert (here / "params" / "shop.yml").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("My Shop", "--transactions", "retail.csv"), "`my_shop` would do."),
        (("shop", "--transactions", "retial.csv"), "Did you mean `retail.csv`?"),
        (("shop", "--transactions", "."), "is a folder"),
    ],
)
def test_what_cannot_be_proposed_ends_with_one_message(here, arguments, message):
    result = crm("new", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert not (here / "params").exists()


@pytest.mark.parametrize(
    "file", ["retail.csv", str(CDNOW)], ids=["order lines", "CDNOW as published"]
)
def test_what_is_proposed_passes_the_check(here, file):
    assert crm("new", "shop", "--transactions", file).exit_code == 0
    result = crm("check", "params/shop.yml")
    assert result.exit_code == 0, result.output
