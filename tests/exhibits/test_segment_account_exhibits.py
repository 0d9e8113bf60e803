"""The page of a segment's manager: account, targets, owner, as they are read."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.exhibits import Scope, trace
from crmlib.exhibits.segments import accounts as shown
from crmlib.segments.accounts import ALL, segment_accounts, segment_targets
from crmlib.stats.refusal import Refusal
from crmlib.tables import LINES

SCOPE = Scope("a bank: ledger", dt.date(2023, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
SEGMENT = pd.Series(["dear", "good"] * 30, index=[f"C{i}" for i in range(60)])


def accounts(dear: float = 50.0, months: int = 24):
    """Two segments; a customer of the first costs so much to serve, of revenue of 40."""
    each = {"revenue": 40.0, "cost_to_serve": 10.0, "risk_cost": 2.0, "marketing": 1.0}
    rows = pd.DataFrame([(who, line, amount) for who in SEGMENT.index
                         for line, amount in each.items()],
                        columns=["customer_id", "line", "this_year"])  # fmt: skip
    served = (rows["line"] == LINES[1]) & (rows["customer_id"].map(SEGMENT) == "dear")
    rows["this_year"] = rows["this_year"].mask(served, dear)
    rows["year_before"] = rows["this_year"] / 2
    days = {"start": dt.date(2025, 1, 1), "end": dt.date(2025, 12, 31)}
    return segment_accounts(SEGMENT, SimpleNamespace(rows=rows, months=months, **days), min_cell=10)


def untraced(exhibit) -> list:
    exhibit._repr_mimebundle_()
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    cells = list(exhibit.table.columns), text.to_numpy().tolist()
    return [trace.untraced(words, *cells) for words in (exhibit.title, exhibit.note)]


@pytest.mark.parametrize(
    ("dear", "title"),
    [
        (50.0, "The weakest segment earns EUR -390"),
        (30.0, "No segment brings a loss; the best earns 79% of profit"),
    ],
)
def test_the_title_follows_the_account(dear, title):
    exhibit = shown.segment_accounts(accounts(dear), 60, SCOPE)
    assert exhibit.title == title and untraced(exhibit) == [[], []]
    assert exhibit.period == "2025-01-01 to 2025-12-31" and exhibit.source == "a bank: ledger"
    assert exhibit.table["segment"].iloc[-1] == ALL


def test_a_year_before_that_is_not_whole_is_not_shown():
    exhibit = shown.segment_accounts(accounts(months=13), 60, SCOPE)
    assert not [name for name in exhibit.table if "before" in name or "change" in name]
    assert "not booked whole" in exhibit.note


def test_without_a_ledger_one_line_says_what_is_missing():
    why = Refusal("the client gave no ledger (inputs.ledger)")
    exhibit = shown.segment_accounts(why, 60, SCOPE)
    assert exhibit.table["reason"].tolist() == [why.reason]


def aims(figures: dict[str, dict[str, float]], owners: dict[str, str]) -> pd.DataFrame:
    return segment_targets(
        SEGMENT, accounts(), figures, owners=owners, behaviour_segment=SEGMENT,
        ahead=Refusal("too short"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "title"),
    [
        ({"customers": 40, "profit": 900.0}, "No target is reached yet"),
        ({"customers": 40, "cost_to_serve": 400.0},
         "Some targets are reached today, others are not"),
        ({"profit": 700.0, "cost_to_serve": 400.0}, "Every target is reached today"),
    ],
)  # fmt: skip
def test_a_cost_is_reached_from_above(figures, title):
    exhibit = shown.segment_targets(aims({"good": figures}, {}), {}, 60, SCOPE)
    assert exhibit.title == title and untraced(exhibit) == [[], []]
    assert "owner" not in exhibit.formatted


def test_owners_stand_beside_targets_and_nothing_stands_without():
    owners = {"good": "Ann"}
    exhibit = shown.segment_targets(aims({"good": {"profit": 1.0}}, owners), owners, 60, SCOPE)
    assert exhibit.formatted["owner"].tolist() == ["Ann"]
    assert np.isnan(exhibit.table["expected"]).all()
    assert shown.segment_targets(aims({}, owners), owners, 60, SCOPE) is None
