"""Findings are chosen by money times certainty, and the decision follows from them."""

import pytest

from crmlib.exhibits import summary
from crmlib.exhibits.finding import Finding

FIELDS = {"unit": "EUR", "exhibit": "e"}


def found(id: str, size: float, kind: str = "census", **fields) -> dict:
    fields = {"sentence": f"{id} is so.", "value": 1.0} | FIELDS | fields
    return Finding(id=id, kind=kind, size=size, **fields).record("02_value")


@pytest.mark.parametrize(
    ("value", "lo", "hi", "expected"),
    [(10.0, 8.0, 12.0, 0.8), (-10.0, -15.0, -5.0, 0.5), (1.0, -2.0, 4.0, 0.0), (0.0, -1.0, 1.0, 0)],
)  # fmt: skip
def test_an_estimate_loses_half_its_interval(value, lo, hi, expected):
    record = found("x", 1.0, "estimate", value=value, lo=lo, hi=hi)
    assert summary.certainty(record) == pytest.approx(expected)


def test_a_count_is_certain_and_an_assumption_is_not():
    assert summary.certainty(found("x", 1.0)) == 1
    assert summary.certainty(found("x", 1.0, "assumption")) == 0.25


def test_much_money_unsure_gives_way_to_less_money_sure():
    findings = [
        found("guess", 100.0, "assumption"),
        found("forecast", 90.0, "estimate", value=10.0, lo=5.0, hi=15.0),
        found("count", 50.0),
        found("doubt", 80.0, role="caveat"),
    ]
    shown = summary.leading_findings(findings, 2).records
    assert [record["id"] for record in shown] == ["count", "forecast"]
    assert [record["id"] for record in summary.caveats(findings).records] == ["doubt"]


def test_of_doubts_the_largest_comes_first_however_unsure():
    wide = found("wide", 0.3, "estimate", value=0.3, lo=-0.1, hi=0.7, role="caveat")
    assumed = found("assumed", 0.2, "assumption", role="caveat")
    sure = found("sure", 0.03, role="caveat")
    shown = summary.caveats([sure, assumed, wide]).records
    assert [record["id"] for record in shown] == ["wide", "assumed", "sure"]


def test_a_size_is_a_share():
    with pytest.raises(ValueError, match="no share of money"):
        found("x", -1.0)
    with pytest.raises(ValueError, match="no share of money"):
        found("x", float("nan"))


def test_the_decision_follows_from_where_value_lies():
    few = found(
        "top_fifth_share", 1.0, value=0.62, unit="share of revenue", exhibit="concentration"
    )
    said = summary.decision([few], "")
    assert said.exhibit == "concentration"
    assert "best fifth of customers, who brought 62% of revenue" in said.sentence
    spread = summary.decision([few | {"value": 0.31}], "")
    assert "all customers alike" in spread.sentence
    half = few | {"id": "top_half_share", "value": 0.5}
    assert "all customers alike" in summary.decision([half], "").sentence
    nothing = summary.decision([found("data_verdict", 0.0, exhibit="data_checks")], "")
    assert "which data to ask" in nothing.sentence and nothing.exhibit == "data_checks"


def test_a_plan_of_investment_is_what_a_board_decides_on():
    few = found("top_fifth_share", 1.0, value=0.62)
    plan = found("plan_returns", 0.1, sentence="Starting it first returns 5.", exhibit="start")
    asked = summary.decision([few, plan], "")
    assert asked.sentence == "Decide on the plan of investment: starting it first returns 5."
    assert asked.exhibit == "start"


def test_the_consultant_s_own_decision_comes_first():
    few = found("top_fifth_share", 1.0, value=0.62)
    own = summary.decision([few], "Open 2 branches?")
    assert (own.sentence, own.exhibit) == ("Open 2 branches?", "")  # no evidence is claimed for it


def test_a_doubt_that_bears_on_no_money_is_left_to_its_chapter():
    def doubt(name: str, kind: str, size: float) -> dict:
        return {"id": name, "role": "caveat", "kind": kind, "size": size, "value": None}

    found = [
        doubt("season", "estimate", 0.0),
        doubt("data", "census", 0.0),
        doubt("miss", "estimate", 0.1),
    ]
    assert [each["id"] for each in summary.caveats(found).records] == ["miss", "data"]
