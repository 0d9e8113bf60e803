"""Triggers are found where behaviour announces an event, know no future, and are rarely false."""

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.months import NEVER, Months, arrange_months
from crmlib.segments.triggers import (
    CONFIRMED,
    NOT_CONFIRMED,
    Trigger,
    announced_by,
    candidates,
    find_triggers,
)
from crmlib.stats.optimise import NotIdentified

T = 36
CALENDAR = pd.date_range("2023-01-01", periods=T, freq="MS")
SEASON = 1 + 0.5 * np.sin(np.arange(T) / 12 * 2 * np.pi)
OPTIONS = {"lead": 3, "split": pd.Timestamp("2024-07-01"), "rate": 0.05, "level": 0.9, "fewest": 5}


def base(n=2_500, seed=0, calls_times=1.0, fading=0.0) -> Months:
    """Customers who call and spend with season; before they leave, some call more or fade."""
    rng = np.random.default_rng(seed)
    event = np.where(rng.random(n) < 0.3, rng.integers(1, T, n), NEVER)
    before = event[:, None] - np.arange(T)
    near = (before >= 0) & (before <= 2)
    rate = rng.gamma(2, 0.1, n)[:, None] * np.where(near, calls_times, 1.0)
    usual = rng.gamma(3, 10, n)[:, None]
    level = np.where(near & (rng.random(n)[:, None] < fading), 0.3, 1.0)
    there = before >= 0
    values = {
        "calls": rng.poisson(rate * SEASON, (n, T)) * there,
        "spend": usual * level * SEASON * rng.gamma(8, 1 / 8, (n, T)) * there,
        "noise": rng.poisson(0.3, (n, T)) * there,
    }
    ids = np.array([f"c{at}" for at in range(n)], dtype=object)
    values = {name: column.astype(float) for name, column in values.items()}
    return Months(ids, CALENDAR, values, np.zeros(n, dtype=int), event)


def tried(months: Months) -> list[Trigger]:
    return candidates(months.values, recent=(1, 3), usual=6, falls=(0.3, 0.6), rises=(0.5, 1.0))


def single(values, event=NEVER, others=None) -> Months:
    """One customer beside four who always show 1, so that all together hardly move."""
    rows = np.array([values, *[[1.0] * len(values)] * 4]) if others is None else np.array(others)
    n = len(rows)
    return Months(
        np.arange(n).astype(object), CALENDAR[: rows.shape[1]], {"x": rows},
        np.zeros(n, dtype=int), np.array([event] + [NEVER] * (n - 1)),
    )  # fmt: skip


def test_a_trigger_by_hand():
    months = single([10.0, 10, 10, 10, 4, 10, 30])
    fall = Trigger("x", "down", 0.5, recent=1, usual=3).fires(months)[0]
    # 4 is less than half of 10, but all together fell from 14 to 8
    assert not fall.any()
    months = single([1.0, 1, 1, 1, 0.3, 1, 3])
    fall = Trigger("x", "down", 0.5, recent=1, usual=3).fires(months)[0]
    rise = Trigger("x", "up", 1.0, recent=1, usual=3).fires(months)[0]
    assert np.flatnonzero(fall).tolist() == [4]
    assert np.flatnonzero(rise).tolist() == [6]


def test_what_all_customers_do_fires_nothing():
    december = single(None, others=np.tile([1.0, 1, 1, 1, 5, 0.2], (5, 1)))
    for direction in ("up", "down"):
        assert not Trigger("x", direction, 0.5, recent=1, usual=3).fires(december).any()


def test_triggers_know_no_future():
    """What happens later changes nothing that has fired."""
    months = base(300, calls_times=3)
    cut = 20
    later = {name: column.copy() for name, column in months.values.items()}
    for column in later.values():
        column[:, cut:] = np.random.default_rng(9).random(column[:, cut:].shape)
    # events behind the cut are not known before it either
    event = np.where(months.event > cut, NEVER, months.event)
    changed = Months(months.ids, CALENDAR, later, months.first, event)
    for trigger in tried(months):
        before, after = trigger.fires(months), trigger.fires(changed)
        assert (before[:, :cut] == after[:, :cut]).all(), trigger


def test_calls_before_leaving_are_found_and_stand_the_test():
    months = base(calls_times=4.0)
    found = find_triggers(months, tried(months), **OPTIONS)
    best = found.tested.iloc[0]
    assert (best["feature"], best["direction"], best["verdict"]) == ("calls", "up", CONFIRMED)
    assert best["lift"] > 1.5
    assert best["lift_lo"] < best["lift"] < best["lift_hi"]
    assert 1 <= best["lead_time"] <= 3
    assert best["caught_lo"] < best["caught"] < best["caught_hi"]
    assert set(found.confirmed["feature"]) == {"calls"}


def test_fading_spend_before_leaving_is_found():
    months = base(fading=0.6)
    found = find_triggers(months, tried(months), **OPTIONS)
    assert set(zip(found.confirmed["feature"], found.confirmed["direction"], strict=True)) == {
        ("spend", "down")
    }


def test_a_trigger_of_earlier_times_alone_is_not_confirmed():
    """The later part is another base, in which nothing announces anything."""
    warned, silent = base(4_000, calls_times=5.0), base(4_000, seed=1)
    early = warned.event < 18
    rows = np.where(early[:, None], 1, 0)
    values = {k: np.where(rows, warned.values[k], silent.values[k]) for k in warned.values}
    event = np.where(early, warned.event, np.where(silent.event < 18, NEVER, silent.event))
    for name in values:  # who stays is there to the end
        gone = (silent.event < 18) & ~early
        values[name][gone] = base(4_000, seed=2).values[name][gone]
    months = Months(warned.ids, CALENDAR, values, warned.first, event)
    found = find_triggers(months, tried(months), **OPTIONS)
    calls = found.tested[(found.tested["feature"] == "calls") & (found.tested["direction"] == "up")]
    assert calls["verdict"].tolist() == [NOT_CONFIRMED]


@pytest.mark.slow
def test_with_events_of_other_customers_nothing_is_confirmed():
    months = base(900, calls_times=4.0)
    rng = np.random.default_rng(6)
    searched = confirmed = 0
    for _ in range(40):
        shuffled = find_triggers(
            months.with_events(rng.permutation(months.event)), tried(months), **OPTIONS
        )
        searched += len(shuffled.tested) > 0
        confirmed += len(shuffled.confirmed) > 0
    assert searched <= 6  # family-wise 5 % of 40, and its spread
    assert confirmed <= 1  # 5 % of 5 %


def test_who_shows_little_and_leaves_more_is_no_trigger():
    """Small rates fall to nothing easily; rates are compared among customers alike."""
    rng = np.random.default_rng(3)
    n = 5_000
    small = rng.random(n) < 0.5
    event = np.where(rng.random(n) < np.where(small, 0.6, 0.1), rng.integers(1, T, n), NEVER)
    rate = np.where(small, 0.15, 4.0)[:, None]
    values = {"online": rng.poisson(rate, (n, T)).astype(float)}
    months = Months(np.arange(n).astype(object), CALENDAR, values, np.zeros(n, dtype=int), event)
    found = find_triggers(months, tried(months), **OPTIONS)
    raw = found.searched["rate_with"] / found.searched["rate_without"]
    assert raw.max() > 1.4
    assert found.confirmed.empty


@pytest.mark.slow
def test_intervals_of_lift_cover_one_where_nothing_is_announced():
    hits = []
    for seed in range(100):
        months = base(500, seed=100 + seed)
        one = [Trigger("calls", "up", 1.0, 3, 6)]
        row = find_triggers(months, one, **OPTIONS).searched.iloc[0]
        hits.append(row["lift_lo"] <= 1 <= row["lift_hi"])
    assert 0.83 <= np.mean(hits) <= 0.97


def test_too_few_events_are_refused():
    months = base(200)
    none = months.with_events(np.full(200, NEVER))
    with pytest.raises(NotIdentified, match="0 events in the earlier part"):
        find_triggers(none, tried(none), **OPTIONS)


def test_both_halves_of_the_time_are_judged_by_as_many_months():
    months = base(800, calls_times=4.0)
    who, when = np.nonzero(months.values["spend"])
    table = pd.DataFrame({
        "customer_id": months.ids[who], "month": CALENDAR[when],
        **{name: column[who, when] for name, column in months.values.items()},
    })  # fmt: skip
    gone = months.event < T
    events = pd.DataFrame({"customer_id": months.ids[gone], "month": CALENDAR[months.event[gone]]})
    given = {"recent": (1, 3), "usual": 6, "falls": (0.5,), "rises": (1.0,), "lead": 3,
             "rate": 0.05, "level": 0.9, "fewest": 5}  # fmt: skip
    found = announced_by(table, events, end=CALENDAR[-1] + pd.offsets.MonthEnd(), **given)
    # 36 months less 8 before anything is usual: 11 judged, 3 to wait, 11 judged, 3 to wait
    assert found.split == CALENDAR[8 + 11 + 3]
    assert found.tested.iloc[0]["feature"] == "calls"
    with pytest.raises(NotIdentified, match="15 months are too few"):
        announced_by(table, events, end=CALENDAR[14] + pd.offsets.MonthEnd(), **given)


def test_months_are_laid_out_without_gaps():
    table = pd.DataFrame({
        "customer_id": ["b", "a", "a"],
        "month": pd.to_datetime(["2023-03-01", "2023-01-01", "2023-04-01"]),
        "spend": [3.0, 1.0, 4.0],
    })  # fmt: skip
    events = pd.DataFrame({
        "customer_id": ["a", "a", "z"],
        "month": pd.to_datetime(["2023-04-30", "2023-02-01", "2023-04-30"]),
    })  # fmt: skip
    found = arrange_months(table, events, end=pd.Timestamp("2023-05-31"))
    assert found.ids.tolist() == ["a", "b"]
    assert len(found.calendar) == 5
    assert found.values["spend"].tolist() == [[1, 0, 0, 4, 0], [0, 0, 3, 0, 0]]
    assert found.first.tolist() == [0, 2]
    assert found.event.tolist() == [1, NEVER]
    part = arrange_months(table, events, end=pd.Timestamp("2023-04-29"))
    assert len(part.calendar) == 3  # April is not over
    with pytest.raises(ValueError, match="month twice"):
        arrange_months(pd.concat([table, table]), events, end=pd.Timestamp("2023-05-31"))
    with pytest.raises(NotIdentified, match="whole month"):
        arrange_months(table, events, end=pd.Timestamp("2022-05-31"))
