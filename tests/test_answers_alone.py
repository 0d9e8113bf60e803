"""An engagement of answers without purchases, through the command line.

What rests on purchases is left out and says what it needs; what is there is accounted for.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from crmlib import cli
from crmlib.book import chapter, versions
from crmlib.errors import ParamsError

PARAMS = """\
engagement: panel
title: A panel
currency: USD
inputs:
  choices:
    path: choices.csv
"""
RESPONDENTS, TASKS = 40, 3
PURCHASES = "customer_id,date,amount\na,2020-01-01,10.00\n"


def choices() -> str:
    """Three tasks of two alternatives for each respondent; the last one chose nothing once."""
    lines = ["respondent_id,task,alternative,chosen,price"]
    for person in range(RESPONDENTS):
        for task in range(TASKS):
            taken = -1 if (person, task) == (RESPONDENTS - 1, 0) else (person + task) % 2
            lines += [f"{person},{task},{a},{int(a == taken)},{a + task}" for a in (0, 1)]
    return "\n".join(lines) + "\n"


def crm(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def refused(*arguments: str) -> str:
    """The message of a command that ends with 2 and prints nothing else."""
    result = crm(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("panel")
    (made / "panel.yml").write_text(PARAMS)
    (made / "choices.csv").write_text(choices())
    (made / "sales.csv").write_text(PURCHASES)
    return made


@pytest.fixture(scope="module")
def version(folder: Path) -> Path:
    """The one version of all tests here, made as a person makes it."""
    result = crm("run", str(folder / "panel.yml"), "--out", str(folder / "reports"))
    assert result.exit_code == 0, result.output
    return next((folder / "reports" / "panel").glob("v1-*"))


def words(page: Path) -> str:
    """A page as it is read, without code and styles."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"<style.*?</style>|<details.*?</details>", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_check_accounts_for_the_answers_and_asks_for_purchases(folder):
    said = crm("check", str(folder / "panel.yml"))
    assert said.exit_code == 0, said.output
    assert f"{RESPONDENTS} respondents, no purchases" in said.output
    assert "task without exactly one choice" in said.output
    assert "Please send every purchase with its customer, day and amount." in said.output


def test_only_what_the_answers_carry_is_executed(version):
    assert set(versions.read_manifest(version)["chapters"]) == {
        "01_customers", "04_needs", "06_summary",
    }  # fmt: skip
    assert [path.name for path in (version / "tables").iterdir()] == ["client_choices.parquet"]
    ledger = pd.read_csv(version / "intake.csv").set_index("status")["rows"]
    rows = 2 * RESPONDENTS * TASKS
    assert (ledger["read"], ledger["used"], ledger["excluded"]) == (rows, rows - 2, 2)


def test_the_first_chapter_says_what_it_lacks_and_shows_the_rest(version):
    read = words(version / "01_customers.html")
    assert "The client gave no purchases: this book rests on choices alone." in read
    assert f"n = {RESPONDENTS} respondents" in read and "time not stated" in read
    # sections in which nothing can be shown are left out, those of the rows stay
    assert "Every row accounted for" in read and "How the files were read" in read
    assert "The export over time" not in read and "One row per customer" not in read


def test_every_page_and_the_index_name_what_is_left_out_and_why(version):
    for page in version.glob("*.html"):
        read = words(page)
        for name in ("Value", "Segments"):
            assert f"{name}: needs inputs.transactions" in read
    read = words(version / "index.html")
    assert (
        "Value (needs inputs.transactions); Segments (needs inputs.transactions); ROI (needs"
        in read
    )


def test_the_summary_works_on_the_findings_there_are(version):
    found = json.loads((version / "findings.json").read_text())
    assert [finding["id"] for finding in found] == [
        "data_verdict",
        "rows_used",
        "most_important_attribute",
    ]
    read = words(version / "index.html")
    assert found[1]["sentence"] in read and "Decide which data to ask the client for" in read


def test_a_version_is_whole_listed_and_not_made_twice(folder, version):
    out = str(folder / "reports")
    assert crm("verify", str(version)).exit_code == 0
    assert version.name in crm("versions", "--out", out).output
    again = crm("run", str(folder / "panel.yml"), "--out", out)
    assert f"Nothing has changed since {version.name}." in again.output


def test_a_notebook_opened_by_hand_reads_the_version(folder, version, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS", str(folder / "reports"))
    opened = chapter.open_chapter("06_summary", "panel")
    assert opened.source.resolve() == version.resolve()
    with pytest.raises(ParamsError, match=r"02_value: needs inputs\.transactions"):
        chapter.open_chapter("02_value", "panel")


def test_a_question_is_held_against_tables_that_are_not_opened_anew(folder, version):
    """The first chapter is reused, since questions decide nothing in it."""
    wrong = "questions.choice_attributes=[prize]"
    out = str(folder / "reports")
    message = refused("run", str(folder / "panel.yml"), "--set", wrong, "--out", out)
    assert "questions.choice_attributes" in message and "Did you mean `price`?" in message
    assert [path.name for path in version.parent.glob("v*")] == [version.name]


def test_scores_are_refused_in_words(folder, version):
    said = refused("score", str(version), str(folder / "choices.csv"), "--out", str(folder / "s"))
    assert "has no chapter 03_segments" in said
    assert "The chapter needs inputs.transactions, which its params do not give." in said
    assert not (folder / "s").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "02_value"], "--only 02_value: needs inputs.transactions, which is not given."),
        (
            ["--set", "inputs.choices=null"],
            "inputs.transactions: is not given, and neither are survey, choices or maxdiff",
        ),
        (
            ["--set", "inputs.ledger.path=choices.csv"],
            "inputs.ledger: is not supported yet without inputs.transactions",
        ),
        (
            ["--set", "inputs.contracts.path=choices.csv", "--set", "inputs.choices=null"],
            "inputs.contracts: is not supported yet without inputs.transactions",
        ),
        (
            ["--set", "inputs.transactions.path=sales.csv"],
            "observation_end: is required and not given.",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(folder, tmp_path, arguments, message):
    out = tmp_path / "reports"
    assert message in refused("run", str(folder / "panel.yml"), "--out", str(out), *arguments)
    assert not list(out.glob("panel/*"))
