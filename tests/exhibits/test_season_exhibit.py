"""The exhibit of season and trend: what it says where they are, are not, or cannot be told."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib import value
from crmlib.exhibits import Scope, formats, trace
from crmlib.exhibits import value as exhibits
from crmlib.stats.intervals import Interval

END = dt.date(2023, 12, 31)
SCOPE = Scope("a test", dt.date(2021, 1, 1), END, "EUR", "month", "revenue", 10)
FACTOR = np.array([1.0] * 11 + [1.28]) / (12.28 / 12)


def found(season: str = "season", trend: str = "trend", yearly: float = -0.06, **fields):
    months = pd.date_range("2021-01-01", END, freq="MS")
    factors = pd.DataFrame({"calendar_month": range(1, 13), "factor": FACTOR})
    factors = factors.assign(lo=FACTOR - 0.03, hi=FACTOR + 0.03, level=0.9)
    slope = Interval(yearly, yearly - 0.01, yearly + 0.01, 0.9)
    table = pd.DataFrame({"month": months, "ratio": np.tile(FACTOR, 3) + 0.0012})
    told = {"season": season, "trend": trend, "season_p": 1e-5, "trend_p": 0.02} | fields
    return value.SeasonAndTrend(
        **{"months": table, "left_out": 0, "factors": factors, "yearly": slope, "reason": ""} | told
    )


def untold(months: int):
    table = found().months.iloc[:months]
    return replace(
        found("cannot be told", "cannot be told"), months=table, yearly=None, reason="too short"
    )


@pytest.mark.parametrize(
    ("result", "title"),
    [
        (found(), "December runs 25% above the model, and purchases fall 6.0% yearly"),
        (found(trend="none seen"), "December runs 25% above the model: purchases have a season"),
        (found("none seen"), "Purchases fall 6.0% a year behind what the model expects"),
        (
            found("none seen", yearly=0.04),
            "Purchases rise 4.0% a year above what the model expects",
        ),
        (found("none seen", "none seen"), "Neither season nor trend is seen beyond chance"),
        (untold(18), "18 months cannot tell season from trend"),
    ],
)
def test_the_title_says_what_was_found_and_its_numbers_stand_in_the_table(result, title):
    exhibit = exhibits.season_and_trend(result, 500, SCOPE)
    assert exhibit.title == title
    text = formats.safe_table(exhibit.table).to_csv(index=False, lineterminator="\n")
    header, *rows = csv.reader(io.StringIO(text))
    assert trace.untraced(title, header, rows) == []
    for finding in exhibits.season_findings(result, 3.0, END, SCOPE):
        assert trace.untraced(finding.sentence, header, rows) == []


def test_it_says_nothing_of_money():
    exhibit = exhibits.season_and_trend(found(), 500, SCOPE)
    assert "EUR" not in f"{exhibit.title} {exhibit.note} {exhibit.alt} {exhibit.unit}"


def test_single_months_are_given_to_a_hundredth():
    table = exhibits.season_and_trend(found(), 500, SCOPE).table
    ratio = table.loc[table["figure"] == "month observed", "ratio"]
    assert (ratio * 100).round(6).mod(1).eq(0).all()


def test_caveats_weigh_what_they_move():
    season, trend = exhibits.season_findings(found(), 3.0, END, SCOPE)
    assert season.size == 0 and trend.size == pytest.approx(0.06 * 1.5)
    assert {season.role, trend.role} == {"caveat"} and {season.kind, trend.kind} == {"estimate"}
    part = exhibits.season_findings(found(trend="none seen"), 0.5, END, SCOPE)[0]
    assert part.size == pytest.approx(1 - FACTOR[0])  # January to June, December left out
    other = replace(SCOPE, margin_from="ledger")
    assert [f.size for f in exhibits.season_findings(found(), 3.0, END, other)] == [0, 0]


def test_no_caveat_where_nothing_is_seen_or_told():
    for result in (found("none seen", "none seen"), untold(18), value.Refusal("no model")):
        assert exhibits.season_findings(result, 3.0, END, SCOPE) == []


def test_a_refusal_is_said_in_words():
    exhibit = exhibits.season_and_trend(value.Refusal("no model"), 500, SCOPE)
    assert "cannot be computed" in exhibit.title and exhibit.figure is None
