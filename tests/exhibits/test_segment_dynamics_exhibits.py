"""Flows, forecasts, drift and signs of leaving as a board sees them."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.exhibits import Scope, theme, trace
from crmlib.exhibits.segments import drift as drifts
from crmlib.exhibits.segments import dynamics as exhibits
from crmlib.exhibits.segments import triggers as signs
from crmlib.segments.alarms import DYING, alarms
from crmlib.segments.births import births
from crmlib.segments.drift import population_stability
from crmlib.segments.dynamics import CAME, LEFT, forecast_sizes, segment_flows
from crmlib.segments.history import TwoDates
from crmlib.segments.months import NEVER, Months
from crmlib.segments.retirements import retirements
from crmlib.segments.triggers import candidates, find_triggers
from crmlib.segments.two_dates import Snapshot, compare_dates
from crmlib.stats.disclosure import is_small, told
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a bank: ledger", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
ORDER = ("gold, often", "silver", "bronze", "lead")
REDRAWN = {"replications": 60, "seed": 1, "level": 0.9}


def cells(exhibit) -> tuple[list[str], list[list[str]]]:
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    return list(exhibit.table.columns), text.to_numpy().tolist()


def is_traced(exhibit, finding=None) -> None:
    said = [exhibit.title, exhibit.note.replace(SCOPE.few, "")] if finding is None else [finding]
    for text in said:
        assert trace.untraced(text, *cells(exhibit)) == [], text


def two_dates(n=900, seed=0, down=0.1, rare=0.01):
    """Customers of four segments, some of whom move, come and leave."""
    rng = np.random.default_rng(seed)
    start = rng.choice(4, n, p=[0.2, 0.3, 0.3, 0.2])
    step = rng.choice([-1, 0, 1, 2], n, p=[0.05, 0.94 - down - rare, down, 0.01 + rare])
    end = np.clip(start + step, 0, 3)
    names = np.array(ORDER, dtype=object)
    ids = pd.Index([f"c{at}" for at in range(n)])
    here, there = rng.random(n) < 0.92, rng.random(n) < 0.94
    worth = pd.Series(rng.gamma(2, 20, n) * (4 - start), index=ids)
    return (pd.Series(names[start], index=ids)[here], pd.Series(names[end], index=ids)[there],
            worth, worth * rng.gamma(20, 1 / 20, n))  # fmt: skip


@pytest.fixture(scope="module")
def flows():
    return segment_flows(*two_dates(), ORDER, **REDRAWN)


def test_flows_migration_and_forecast_state_what_their_tables_hold(flows):
    before, after, *_ = two_dates()
    forecast = forecast_sizes(before, after, ORDER, **REDRAWN)
    shown = [
        exhibits.segment_flows(flows, 900, SCOPE),
        exhibits.segment_migration(flows, 900, SCOPE),
        exhibits.segment_forecast(forecast, 900, SCOPE),
    ]
    for exhibit in shown:
        is_traced(exhibit)
        theme.to_svg(exhibit.figure)
    assert "down" in shown[1].title
    [finding] = exhibits.flow_findings(flows, 1e6, SCOPE)
    assert "moved down" in finding.sentence
    assert finding.hi < 0
    is_traced(shown[1], finding.sentence)


def test_where_nobody_moves_on_balance_nothing_is_claimed():
    found = segment_flows(*two_dates(down=0.05, rare=-0.01), ORDER, **REDRAWN)
    assert 0 in found.of("net")
    title = exhibits.segment_migration(found, 900, SCOPE).title
    assert title == "As many customers moved up as down, within chance"
    assert exhibits.flow_findings(found, 1e6, SCOPE) == []


@pytest.mark.parametrize("seed", range(6))
def test_no_flow_of_few_can_be_found_by_subtraction(seed):
    """The attacker knows sizes on both dates, movements, and all cells that are shown."""
    found = segment_flows(*two_dates(400 + 200 * seed, seed), ORDER, **REDRAWN)
    exhibit = exhibits.segment_flows(found, 900, SCOPE)
    if "customers" not in exhibit.table:
        return
    matrix = found.matrix.reset_index(drop=True)
    place = {name: at for at, name in enumerate(ORDER)}
    start, end = (matrix[side].map(place).to_numpy(float) for side in ("before", "after"))
    known = np.array([
        *(matrix["before"] == name for name in [*ORDER, CAME]),
        *(matrix["after"] == name for name in [*ORDER, LEFT]),
        end < start, end > start, start == end,
    ])  # fmt: skip
    hidden = exhibit.table["customers"].isna().to_numpy()
    small = is_small(matrix["customers"], 10)
    assert not (small & ~hidden).any()
    assert small.any()
    assert not told(known[:, hidden], np.eye(hidden.sum())[small[hidden]]).any()
    assert exhibit.table.loc[hidden, "change"].isna().all()


def test_movements_of_few_are_withheld():
    found = segment_flows(*two_dates(120, down=0.02, rare=0), ORDER, **REDRAWN)
    assert found.movement.loc["up", "customers"] < 10
    for shown in (exhibits.segment_flows, exhibits.segment_migration):
        assert "cannot be shown" in shown(found, 120, SCOPE).title
    assert exhibits.flow_findings(found, 1e6, SCOPE) == []


def test_refusals_are_said_in_words():
    reason = Refusal("the time is too short for two dates")
    assert reason.reason in exhibits.segment_flows(reason, 9, SCOPE).alt
    assert exhibits.segment_migration(reason, 9, SCOPE) is None
    assert reason.reason in exhibits.segment_forecast(reason, 9, SCOPE).alt
    assert reason.reason in drifts.drift_alarms(*[reason] * 5, 9, SCOPE).alt
    assert reason.reason in signs.leaving_triggers(reason, 9, SCOPE).alt
    assert exhibits.flow_findings(reason, 1, SCOPE) == []
    assert drifts.drift_findings(*[reason] * 5, 1, SCOPE) == []
    assert signs.trigger_findings(reason, reason, 1) == []


def compared(born=0, dying=0.0, seed=0, n=1_200):
    """Two clusters and a small one that dies; a group that is born far from all."""
    rng = np.random.default_rng(seed)
    which = rng.choice(3, n, p=[0.5, 0.35, 0.15])
    before = np.array([[0.0, 0], [8, 0], [0, 8]])[which] + rng.standard_normal((n, 2))
    after = before + 0.1 * rng.standard_normal((n, 2))
    keep = ~((which == 2) & (rng.random(n) < dying))
    new = np.array([12, -6]) + 0.4 * rng.standard_normal((born, 2))
    centres = np.array([[0.0, 0], [8, 0], [0, 8]])
    rows = np.vstack([after[keep], new])
    ids = np.concatenate([np.arange(n)[keep], np.arange(n, n + born)])

    def shot(ids, matrix):
        labels = ((matrix[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        return Snapshot(ids.astype(object), matrix, labels, ("spend_a_month", "calls"), ORDER[:3])

    both = compare_dates(shot(np.arange(n), before), shot(ids, rows), replications=199, seed=seed)
    stability = population_stability(both, level=0.99)
    groups = births(both, min_share=0.03)
    lost = retirements(both, min_share=0.03, replications=19)
    worth = pd.Series(1.0, index=pd.Index(both.after.ids))
    dates = TwoDates(both.before, both.after, worth, worth, ORDER[:3], "contribution")
    return (alarms(stability, groups, lost, rate=0.01), stability, groups, lost), dates


def test_a_birth_and_a_death_are_told_with_their_figures():
    found, dates = compared(born=120, dying=0.4)
    exhibit = drifts.drift_alarms(*found, dates, 1_200, SCOPE)
    assert exhibit.title == "One segment is born and one is dying"
    is_traced(exhibit)
    theme.to_svg(exhibit.figure)
    findings = drifts.drift_findings(found[0], *found[2:], dates, dates, 1e4, SCOPE)
    assert [f.id for f in findings] == ["segment_born_1", "segment_dying_1"]
    assert "bronze" in findings[1].sentence
    assert findings[0].size == pytest.approx(0.012, abs=0.001)
    for finding in findings:
        is_traced(exhibit, finding.sentence)
    row = exhibit.table[exhibit.table["kind"] == "born group"].iloc[0]
    assert row["customers"] == pytest.approx(120, abs=3)
    assert np.isnan(row["customers_before"]) or row["customers_before"] in (0, *range(10, 999))
    assert (exhibit.table["verdict"] == DYING).sum() == 1


def test_a_live_segment_that_is_the_born_group_is_named():
    """Only where most of the group lies in it, and it consists of the group."""
    found, dates = compared(born=120)
    born, name = found[2], found[0].born[0]
    inside = np.isin(dates.after.ids, born.members(name))

    def said(label: np.ndarray) -> tuple[str, str | None]:
        shot = replace(dates.after, segments=(*ORDER[:3], "newly (2)"), labels=label)
        live = replace(dates, after=shot)
        exhibit = drifts.drift_alarms(*found, live, 1_200, SCOPE)
        [finding] = drifts.drift_findings(found[0], *found[2:], dates, live, 1e4, SCOPE)
        is_traced(exhibit, finding.sentence)
        [row] = exhibit.table[exhibit.table["kind"] == "born group"].to_dict("records")
        return finding.sentence, row["live_segment"]

    old = dates.after.labels
    sentence, held = said(np.where(inside, 3, old))
    assert (
        sentence.endswith("do not explain: today it is the segment newly (2).")
        and held == "newly (2)"
    )
    among_others = np.where(inside | (old == 0), 3, old)
    half = np.where(inside & (np.cumsum(inside) <= inside.sum() // 2), 3, old)
    for label in (among_others, half, old):
        sentence, held = said(label)
        assert sentence.endswith("it wants a segment of its own.") and held is None


def test_births_since_another_day_say_which_one():
    for (found, stability, born, lost), dates in (compared(born=120), compared()):
        since = replace(born, since=dt.date(2023, 12, 31))
        exhibit = drifts.drift_alarms(found, stability, since, lost, dates, 1_200, SCOPE)
        assert "2023-12-31" in exhibit.note
        is_traced(exhibit)
        for finding in drifts.drift_findings(found, since, lost, dates, dates, 1e4, SCOPE):
            assert "formed on 2023-12-31 do not explain" in finding.sentence
            is_traced(exhibit, finding.sentence)


def test_where_nothing_has_changed_nothing_is_claimed():
    found, dates = compared()
    exhibit = drifts.drift_alarms(*found, dates, 1_200, SCOPE)
    assert exhibit.title == "Nothing has changed beyond chance since segments were formed"
    assert drifts.drift_findings(found[0], *found[2:], dates, dates, 1e4, SCOPE) == []


def announced(times: float):
    rng = np.random.default_rng(2)
    n, length = 2_000, 36
    event = np.where(rng.random(n) < 0.35, rng.integers(1, length, n), NEVER)
    near = (event[:, None] - np.arange(length) <= 2) & (event[:, None] >= np.arange(length))
    calls = rng.poisson(0.3 * np.where(near, times, 1), (n, length)).astype(float)
    calendar = pd.date_range("2023-01-01", periods=length, freq="MS")
    months = Months(np.arange(n).astype(object), calendar, {"cost_in_call_centre": calls},
                    np.zeros(n, dtype=int), event)  # fmt: skip
    tried = candidates(months.values, recent=(1,), usual=6, falls=(0.5,), rises=(1.0,))
    return find_triggers(months, tried, lead=3, split=pd.Timestamp("2024-07-01"), rate=0.01,
                         level=0.9, fewest=10)  # fmt: skip


def test_a_sign_of_leaving_is_told_and_stands_in_the_table():
    found = announced(4.0)
    exhibit = signs.leaving_triggers(found, 2_000, SCOPE)
    assert exhibit.title.startswith("Leaving is ")
    is_traced(exhibit)
    theme.to_svg(exhibit.figure)
    [finding] = signs.trigger_findings(found, Refusal("no flows"), 1e6)
    assert "cost to serve in call centre rose by 100% or more in a month" in finding.sentence
    is_traced(exhibit, finding.sentence)


def test_where_nothing_announces_leaving_the_title_says_so():
    found = announced(1.0)
    exhibit = signs.leaving_triggers(found, 2_000, SCOPE)
    assert exhibit.title == "No change of behaviour announces leaving beyond chance"
    is_traced(exhibit)
    assert signs.trigger_findings(found, Refusal("no flows"), 1e6) == []
    assert "a further product" in signs.growing_triggers(found, 2_000, SCOPE).title
