"""The demo bank's planted changes: an archetype is born, one dies, and leavers call first."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.months import arrange_months
from crmlib.segments.triggers import CONFIRMED, candidates, find_triggers
from crmlib.segments.two_dates import Snapshot
from tests.segments.moving_base import formed, judged

BANK = Path(__file__).parents[2] / "data" / "demo_bank"
DATES = (pd.Timestamp("2024-12-31"), pd.Timestamp("2025-12-31"))
SEGMENTS = tuple("abcde")


@pytest.fixture(scope="module")
def ledger() -> pd.DataFrame:
    rows = pd.read_parquet(BANK / "ledger.parquet")
    return rows.assign(amount=rows["amount"].astype(float), month=pd.to_datetime(rows["month"]))


@pytest.fixture(scope="module")
def archetype() -> pd.Series:
    truth = pd.read_csv(BANK / "truth" / "customers.csv.gz")
    return truth.set_index("customer_id")["archetype"]


def behaviour(ledger: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Revenue by product and cost by channel, a month of the last year; of who is booked still."""
    rows = ledger[ledger["month"].between(day - pd.DateOffset(years=1), day)]
    booked = rows.groupby("customer_id")["month"].agg(["min", "max"])
    parts = [
        rows[rows["line"] == line].pivot_table(
            index="customer_id", columns=by, values="amount", aggfunc="sum"
        )
        for line, by in (("revenue", "product"), ("cost_to_serve", "channel"))
    ]
    table = pd.concat(parts, axis=1).reindex(booked.index).fillna(0)
    lasting = (day.to_period("M") - booked["min"].dt.to_period("M")).map(lambda x: x.n + 1)
    table = np.log1p(table.clip(lower=0).div(lasting, axis=0))
    return table[booked["max"] >= day.replace(day=1)]


@pytest.fixture(scope="module")
def dates(ledger) -> tuple[Snapshot, Snapshot]:
    """Segments that were formed a year ago, and today's customers in them."""
    before, after = (behaviour(ledger, day) for day in DATES)
    center, scale = before.mean(), before.std()
    matrices = [((table - center) / scale).to_numpy() for table in (before, after)]
    segments = formed(matrices[0], k=5)
    return tuple(
        Snapshot(table.index.to_numpy(object), matrix, segments.predict(matrix),
                 tuple(before.columns), SEGMENTS)
        for table, matrix in zip((before, after), matrices, strict=True)
    )  # fmt: skip


def test_the_born_and_the_dying_archetype_are_found_and_no_others(dates, archetype):
    before, after = dates
    found, born, _, _ = judged(before, after, replications=499)
    assert len(found.born) == 1
    members = archetype[born.members(found.born[0])]
    assert (members == "app_native").mean() > 0.8
    dying = found.verdicts[found.verdicts == "dying"].index
    assert len(dying) == 1
    inside = before.ids[before.named == dying[0]]
    assert (archetype[inside] == "passbook_saver").mean() > 0.8
    savers = archetype.reindex(before.ids) == "passbook_saver"
    assert (archetype[inside] == "passbook_saver").sum() > 0.8 * savers.sum()


@pytest.mark.slow
def test_at_most_three_of_a_hundred_undisturbed_banks_raise_an_alarm(dates):
    """Of three parts of one day's customers two are judged as an earlier day each, as in the
    chapter: births since the first, all else since the second."""
    everyone = dates[1]
    raised = 0
    for seed in range(100):
        rows = np.random.default_rng(seed).permutation(everyone.n)[:2_400]
        first, second, third = (everyone.matrix[rows[at : at + 800]] for at in (0, 800, 1_600))
        pairs = []
        for before in (first, second):
            segments = formed(before, k=5, seed=seed)
            pairs.append(tuple(
                Snapshot(np.arange(at, at + 800).astype(object), part, segments.predict(part),
                         everyone.features, SEGMENTS)
                for at, part in ((0, before), (800, third))
            ))  # fmt: skip
        raised += judged(*pairs[1], since=pairs[0], replications=99, seed=seed)[0].raised
    assert raised <= 3


@pytest.fixture(scope="module")
def leaving(ledger):
    contracts = pd.read_csv(BANK / "contracts.csv", parse_dates=["end_date"])
    ends = contracts.groupby("customer_id")["end_date"].agg(["max", lambda x: x.isna().any()])
    gone = ends[~ends["<lambda_0>"]]["max"].rename("month").reset_index()
    costs = ledger[ledger["line"] == "cost_to_serve"].pivot_table(
        index=["customer_id", "month"], columns="channel", values="amount", aggfunc="sum"
    )
    revenue = ledger[ledger["line"] == "revenue"].groupby(["customer_id", "month"])["amount"].sum()
    table = pd.concat([costs, revenue.rename("revenue")], axis=1).fillna(0).reset_index()
    return arrange_months(table, gone, end=DATES[1])


def test_the_warning_calls_before_leaving_are_found(leaving):
    """truth/bank.json: three times as many calls in the last three months."""
    tried = candidates(leaving.values, recent=(1, 3), usual=6, falls=(0.3, 0.6), rises=(0.5, 1, 2))
    found = find_triggers(
        leaving, tried, lead=3, split=pd.Timestamp("2024-08-01"), rate=0.05, level=0.9, fewest=10
    )
    best = found.tested.iloc[0]
    assert (best["feature"], best["direction"]) == ("call_centre", "up")
    assert best["verdict"] == CONFIRMED
    assert best["lift_lo"] > 1.5
    assert best["caught"] > 0.3
    assert best["lead_time"] >= 1
    assert set(found.confirmed["feature"]) == {"call_centre"}
