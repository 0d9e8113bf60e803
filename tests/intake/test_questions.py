"""Settings that name what the client's survey, choices or customers do not hold.

Through the command line, by the message a person sees: each mistake has one line.
"""

from __future__ import annotations

import copy
import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import yaml
from typer.testing import CliRunner, Result

from crmlib import cli, intake, params
from crmlib.errors import ParamsError

SURVEY = """\
respondent_id,customer_id,wants_price,wants_speed,stays,content,sat_app,sat_fees,free,silent
1,a,5,2,4,8,7,99,b,
2,b,3,4,,2,6,5,3,
3,,1,1,2,10,1,4,,
"""
CHOICES = """\
respondent_id,task,alternative,chosen,fee,service,code,seconds
1,1,a,1,10,adviser,3,12
1,1,b,0,30,branch,x,12
1,1,none,0,,,,12
2,1,a,0,20,call_centre,3,9
2,1,b,1,30,adviser,x,9
2,1,none,0,,,,9
"""
PEOPLE = "customer_id,age,frequency,consent\na,30,often,yes\nb,40,seldom,no\n"
PURCHASES = "customer_id,date,amount\na,2020-01-01,10.00\nb,2020-02-01,20.00\nb,2020-03-01,5\n"

ENGAGEMENT: dict[str, Any] = {
    "engagement": "asked",
    "title": "Asked",
    "currency": "EUR",
    "observation_end": dt.date(2020, 12, 31),
    "privacy": {"min_cell": 1},
    "inputs": {name: {"path": f"{name}.csv"} for name in ("survey", "choices")},
}
RIGHT: dict[str, Any] = {
    "benefits": {"functional": ["wants_price"], "process": ["wants_speed"]},
    "reasons": ["free"],
    "words": {"wants_price": "low prices"},
    "loyalty_items": {"attachment": "stays", "satisfaction": "content"},
    "satisfaction_scale": [1, 10],
    "issues": ["sat_app"],
    "choice_attributes": ["fee", "service", "code"],
    "choice_price": "fee",
    "choice_better": {"fee": "low", "service": ["adviser", "branch", "call_centre"]},
    "choice_base": {"service": "branch"},
    "offers": {
        "plain": {"fee": 20, "service": "branch", "code": "3"},
        "warm": {"fee": 45, "service": "adviser", "code": "x"},
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("asked")
    tables = {"survey": SURVEY, "choices": CHOICES, "customers": PEOPLE, "transactions": PURCHASES}
    for name, text in tables.items():
        (made / f"{name}.csv").write_text(text)
    return made


def check(folder: Path, questions: dict[str, Any], **sections: Any) -> Result:
    """`crm check` of the engagement with these questions; a section replaces the engagement's."""
    said = yaml.safe_dump(ENGAGEMENT | sections | {"questions": questions}, sort_keys=False)
    (folder / "asked.yml").write_text(said)
    return CliRunner().invoke(cli.app, ["check", str(folder / "asked.yml")])


def lines(result: Result) -> list[str]:
    """The message of a command that ends with 2 and prints nothing else."""
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and "Traceback" not in result.stderr
    return result.stderr.splitlines()


def changed(**settings: Any) -> dict[str, Any]:
    """The right questions but for some; of an offer or a mapping only the keys given."""
    questions = copy.deepcopy(RIGHT)
    for key, value in settings.items():
        there = questions.get(key)
        questions[key] = there | value if isinstance(there, dict) else value
    return questions


def test_what_the_tables_hold_is_accepted(folder):
    """A number beyond what was shown too: the exhibit says so."""
    result = check(folder, RIGHT)
    assert result.exit_code == 0, result.output


def test_names_that_the_survey_does_not_have(folder):
    wrong = changed(
        benefits={"functional": ["wants_prize"]},
        reasons=["weight"],
        words={"sat_ap": "the app"},
        loyalty_items={"attachment": "Stays"},
        issues=["zzz"],
    )
    known = (
        "`content`, `free`, `sat_app`, `sat_fees`, `silent`, `stays`, `wants_price`, `wants_speed`"
    )
    assert lines(check(folder, wrong)) == [
        "questions.benefits.functional: `wants_prize` is no item of the survey. "
        "Did you mean `wants_price`?",
        "questions.loyalty_items.attachment: `Stays` is no item of the survey. "
        "Did you mean `stays`?",
        f"questions.issues: `zzz` is no item of the survey. Known here: {known}.",
        f"questions.reasons: `weight` is no item of the survey. Known here: {known}.",
        "questions.words.sat_ap: `sat_ap` is no item of the survey and no attribute of the "
        "choices. Did you mean `sat_app`?",
    ]


def test_answers_that_are_no_numbers_or_not_there(folder):
    wrong = changed(
        benefits={"process": ["silent"]},
        reasons=[],
        loyalty_items={"attachment": "free"},
        issues=["free"],
    )
    wrong["benefits"]["functional"] = ["free"]
    said = "the answers to `free` are words such as `b`; expected numbers."
    remedy = "Name an item that is answered in numbers, or have its answers coded as such."
    assert lines(check(folder, wrong)) == [
        "questions.benefits.process: nobody has answered `silent`. Leave it out.",
        f"questions.benefits.functional: {said} {remedy}",
        f"questions.loyalty_items.attachment: {said} {remedy}",
        f"questions.issues: {said} {remedy}",
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"issues": ["sat_app", "sat_fees"]},
            "questions.satisfaction_scale: says 1 to 10, but answers to `sat_fees` run from 4 to "
            "99. State the worst and the best answer; a code for no answer must be an empty cell.",
        ),
        (
            {"satisfaction_scale": [2, 7]},
            "questions.satisfaction_scale: says 2 to 7, but answers to `content`, `sat_app` run "
            "from 1 to 10. State the worst and the best answer; a code for no answer must be an "
            "empty cell.",
        ),
        (
            {"weights_are": "customers"},
            "questions.weights_are: says that weights count customers, but the survey has no "
            "column `weight`. Name it under `inputs.survey.columns`, or leave this setting out.",
        ),
    ],
)
def test_answers_against_scale_and_weights(folder, settings, said):
    assert lines(check(folder, changed(**settings))) == [said]


def test_attributes_that_nobody_was_shown(folder):
    wrong = {"choice_attributes": ["fees", "service", "zzz"], "choice_base": {"fees": "low"}}
    assert lines(check(folder, wrong)) == [
        "questions.choice_attributes: `fees` is no column of the choices. Did you mean `fee`?",
        "questions.choice_attributes: `zzz` is no column of the choices. "
        "Known here: `code`, `fee`, `service`.",
    ]


def test_numbers_and_words_taken_for_the_other(folder):
    offer = {"fee": "cheap", "service": 7, "code": 3}
    wrong = changed(
        choice_price="service",
        choice_better={"fee": ["10", "30"], "service": "high"},
        choice_base={"fee": "10"},
        offers={"plain": offer},
    )
    levels = "`adviser`, `branch`, `call_centre`"
    assert lines(check(folder, wrong)) == [
        "questions.choice_price: `service` holds words such as `adviser`; "
        "a price must be in numbers. In numbers: `fee`.",
        "questions.choice_better.fee: lists levels, but `fee` is in numbers. Say `low` or `high`.",
        "questions.choice_better.service: found 'high', but `service` is in words. "
        f"List all levels from best to worst: {levels}.",
        "questions.choice_base.fee: `fee` is in numbers, which are not compared with a level. "
        "Leave it out.",
        "questions.offers.plain.fee: found 'cheap', but `fee` is in numbers. "
        "Write a number, without quotes.",
        f"questions.offers.plain.service: nobody was shown '7'. Known here: {levels}.",
        "questions.offers.plain.code: found the number 3, but `code` is in words. "
        'Put it in quotes: "3".',
    ]


def test_levels_that_nobody_was_shown_or_that_are_missed(folder):
    wrong = changed(
        choice_better={"service": ["adviser", "branches"]},
        choice_base={"service": "none"},
        offers={"warm": {"fee": 45, "service": "advisor", "code": "x"}},
    )
    assert lines(check(folder, wrong)) == [
        "questions.choice_better.service: nobody was shown 'branches'. Did you mean `branch`?",
        "questions.choice_better.service: does not name `branch`, `call_centre`. "
        "List all levels from best to worst.",
        "questions.choice_base.service: nobody was shown 'none'. "
        "Known here: `adviser`, `branch`, `call_centre`.",
        "questions.offers.warm.service: nobody was shown 'advisor'. Did you mean `adviser`?",
    ]


def table(folder: Path, **columns: list) -> dict[str, Any]:
    """Choices of two people between two offers, with attributes of types a CSV does not have."""
    rows = {
        "respondent_id": ["1", "1", "2", "2"],
        "task": ["1"] * 4,
        "alternative": ["a", "b"] * 2,
        "chosen": [True, False] * 2,
    }
    pyarrow.parquet.write_table(pyarrow.table(rows | columns), folder / "typed.parquet")
    return {"choices": {"path": "typed.parquet"}}


def test_levels_that_no_word_is_equal_to(folder):
    inputs = table(
        folder,
        digital=[True, False, True, False],
        since=[dt.date(2020, 1, 1), dt.date(2021, 1, 1)] * 2,
        fee=[1.5, 2.5, float("nan"), 3.5],
        gone=pyarrow.array([None] * 4, pyarrow.string()),
    )
    wrong = {
        "choice_attributes": ["digital", "since", "fee", "gone"],
        "choice_price": "since",
        "choice_better": {"digital": "high"},
        "choice_base": {"digital": "true"},
        "offers": {"one": {"digital": "true", "since": "2020-01-01", "fee": 2, "gone": "x"}},
    }
    remedy = "only numbers and words can be named. Have the column written as numbers or as words."
    digital, since = "`digital` holds yes or no;", "`since` holds days such as `2020-01-01`;"
    assert lines(check(folder, wrong, inputs=inputs)) == [
        "questions.choice_attributes: `gone` is empty in every row. Leave it out.",
        "questions.choice_attributes: in 1 row of the choices some attributes are empty and others "
        "are not (`fee` is oftenest empty, `digital` least). Name only what describes an offer; "
        "only the option to take none has no attributes.",
        f"questions.choice_price: {since} a price must be in numbers. In numbers: `fee`.",
        f"questions.choice_better.digital: {digital} {remedy}",
        f"questions.choice_base.digital: {digital} {remedy}",
        f"questions.offers.one.digital: {digital} {remedy}",
        f"questions.offers.one.since: {since} {remedy}",
        "questions.offers: names one offer, and nobody could take none: one alone has no share. "
        "Name another offer.",
    ]


def test_exact_decimals_are_numbers_to_the_chapter_that_reads_them(folder, tmp_path):
    fee = pyarrow.array([1, 2, 1, 2], pyarrow.decimal128(9, 2))
    inputs = table(folder, fee=fee, service=["branch", "adviser"] * 2)
    asked = {"choice_attributes": ["fee", "service"], "choice_price": "fee"}
    raw = ENGAGEMENT | {"inputs": inputs, "questions": asked}
    client = intake.open_client(params.resolve(raw, "asked.yml", folder))
    intake.write(client.tables["choices"].rows, tmp_path / "kept.parquet")
    assert pd.read_parquet(tmp_path / "kept.parquet")["fee"].dtype == "float64"


def test_a_column_of_each_row_is_no_attribute_though_nothing_names_it(folder):
    """Without `choice_attributes` every other column is one."""
    (folder / "blocks.csv").write_text(
        "\n".join(
            line + (",block" if at == 0 else ",7") for at, line in enumerate(CHOICES.splitlines())
        )
    )
    said = lines(check(folder, {}, inputs={"choices": {"path": "blocks.csv"}}))
    assert said == [
        "questions.choice_attributes: in 2 rows of the choices some attributes are empty and "
        "others are not (`fee` is oftenest empty, `block` least). Name only what describes an "
        "offer; only the option to take none has no attributes."
    ]


def test_one_offer_beside_none_has_a_share(folder):
    questions = changed()
    del questions["offers"]["warm"]
    assert check(folder, questions).exit_code == 0


def test_settings_about_tables_that_are_not_given(folder):
    inputs = {"transactions": {"path": "transactions.csv"}}
    needs = "which is not given."
    assert lines(check(folder, RIGHT, inputs=inputs)) == [
        f"questions.benefits: needs inputs.survey, {needs} "
        "Give the table, or leave out what was asked in it.",
        f"questions.reasons: needs inputs.survey, {needs}",
        f"questions.loyalty_items: needs inputs.survey, {needs}",
        f"questions.issues: needs inputs.survey, {needs}",
        f"questions.choice_attributes: needs inputs.choices, {needs} "
        "Give the table, or leave out what was asked in it.",
        "questions.words: needs inputs.survey or inputs.choices, which are not given. "
        "Give the table, or leave the words out.",
    ]


@pytest.mark.parametrize("key", ["described_by", "projected_from"])
def test_attributes_of_customers(folder, key):
    """As the table of customers calls them: `frequency` is ours, so theirs is another."""
    given = {name: {"path": f"{name}.csv"} for name in ("transactions", "customers")}
    right = {key: ["age", "frequency_attribute", "value_tier", "behaviour_segment"]}
    assert check(folder, {}, inputs=given, needs=right).exit_code == 0
    wrong = {key: ["ages", "frequency", "consent", "age", "age"]}
    known = "`age`, `behaviour_segment`, `frequency_attribute`, `value_tier`"
    assert lines(check(folder, {}, inputs=given, needs=wrong)) == [
        f"needs.{key}: `ages` is no attribute of customers. Did you mean `age`?",
        f"needs.{key}: `frequency` is no attribute of customers. "
        "Did you mean `frequency_attribute`?",
        f"needs.{key}: `consent` is no attribute of customers. Known here: {known}.",
        f"needs.{key}: names `age` twice. Name each column once.",
    ]


def test_attributes_are_not_looked_for_where_nobody_is_a_customer(folder):
    assert check(folder, RIGHT, needs={"described_by": ["age"]}).exit_code == 0


def test_tables_that_a_version_keeps_say_the_same(folder, tmp_path):
    """Chapter 01 is not executed anew where only the questions have changed."""
    inputs = {name: {"path": f"{name}.csv"} for name in ("transactions", "survey", "customers")}

    def asking(**sections: Any) -> params.Engagement:
        return params.resolve(ENGAGEMENT | {"inputs": inputs} | sections, "asked.yml", folder)

    client = intake.open_client(asking())
    client.customer_view().to_parquet(tmp_path / "customers.parquet")
    for name, rows in client.kept_tables().items():
        intake.write(rows, tmp_path / f"{name}.parquet")
    right = asking(questions={"issues": ["sat_app"]}, needs={"projected_from": ["age"]})
    intake.check_kept(right, tmp_path)
    wrong = asking(
        questions={"issues": ["sat_ap", "sat_fees"], "choice_attributes": ["fee"]},
        needs={"described_by": ["ages", "frequency"]},
    )
    for check_them in (intake.open_client, lambda asked: intake.check_kept(asked, tmp_path)):
        with pytest.raises(ParamsError) as caught:
            check_them(wrong)
        assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
            "questions.choice_attributes", "questions.issues", "questions.satisfaction_scale",
            "needs.described_by", "needs.described_by",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"choice_attributes": ["fee", "seconds"]},
            "questions.choice_attributes: `seconds` is a column of every table of choices and "
            "describes no offer. Leave it out.",
        ),
        (
            {"choice_attributes": ["fee", "fee"]},
            "questions.choice_attributes: names `fee` twice. Name each once.",
        ),
        (
            {"choice_attributes": ["fee"], "choice_price": "fee"},
            "questions.choice_price: `fee` is the only attribute; nothing is left to pay for. "
            "Name further `choice_attributes`, or leave the price out.",
        ),
        (
            {"choice_attributes": ["s"], "choice_better": {"s": ["a", "b", "a"]}},
            "questions.choice_better.s: names `a` twice. Name each once.",
        ),
        (
            {"choice_attributes": ["fee"], "choice_better": {"fee": "lowest"}},
            "questions.choice_better.fee: found 'lowest'; expected `low`, `high` or a list of "
            "levels. List levels from best to worst: `[full, basic]`.",
        ),
        (
            {"choice_attributes": ["fee"], "choice_better": {"fee": 3}},
            "questions.choice_better.fee: found 3; expected text; put it in quotes.",
        ),
        (
            {"choice_attributes": ["fee"], "offers": {"None": {"fee": 1}}},
            "questions.offers.None: is what the option to take no offer is called. "
            "Take another word.",
        ),
        (
            {"offers": {"basic": {}}},
            "questions.offers: are described, but no `choice_attributes` are named. "
            "Name the columns of `choices` that describe an offer.",
        ),
        ({"issues": ["x", "x"]}, "questions.issues: names `x` twice. Name each once."),
        (
            {"issues": ["x", "y"], "loyalty_items": {"satisfaction": "y"}},
            "questions.issues: names `y`, which is satisfaction itself (`loyalty_items`). "
            "Leave it out: it would explain all of itself.",
        ),
        (
            {"loyalty_items": {"attachment": "x", "satisfaction": "x"}},
            "questions.loyalty_items.satisfaction: `x` is the item of attachment, too. "
            "Name a question of its own.",
        ),
    ],
)
def test_what_the_params_alone_tell(folder, settings, said):
    (line,) = lines(check(folder, settings))
    assert line == f"{folder / 'asked.yml'}: {said}"
