"""However many segments there are, what was born in the bank since the window began is found."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from crmlib import intake, segments
from crmlib.segments.history import years_before
from tests.segments.test_bank_dynamics import BANK

START, END, DAYS = dt.date(2023, 1, 1), dt.date(2025, 12, 31), 365


@pytest.fixture(scope="module")
def behaviour(demo_version):
    return behaviours(demo_version)


def behaviours(version: Path) -> dict[dt.date, pd.DataFrame]:
    """Features today, a year ago and on the earliest day on which they are known."""
    tables = version / "tables"
    purchases = intake.read_purchases(tables / "purchases.parquet")
    days = (END, segments.a_year_before(END), years_before(END, START, DAYS))
    return {
        day: intake.read_behaviour(
            tables / "customers.parquet", purchases, tables / "client_contracts.parquet",
            tables / "client_ledger.parquet", as_of=day, days=DAYS,
        )
        for day in days
    }  # fmt: skip


def alarms_of(
    behaviour: dict[dt.date, pd.DataFrame], k: int, seed: int = 1
) -> tuple[segments.Alarms, segments.Births, segments.TwoDates]:
    """All tests as the notebook makes them: births over all years, the others over the last."""
    now, year_ago, earliest = behaviour.values()
    prepared = segments.prepare(now[segments.active(now)], tail=0.01)
    formed = segments.fit_segments(prepared.matrix, method="kmeans", k=k, seed=seed)
    names = tuple(f"segment {letter}" for letter in "abcdefghij"[:k])
    live = SimpleNamespace(
        choice=SimpleNamespace(chosen=formed), names=SimpleNamespace(names=names)
    )
    pairs, thens = [], []
    for before, since in ((year_ago, None), (earliest, dt.date(2023, 12, 31))):
        dates = segments.two_dates(
            before, now, prepared, live, observed=DAYS, days=DAYS, since=since
        )
        then = segments.as_formed_before(dates, segments.fit_segments, live, seed)
        thens.append(then)
        pairs.append(then.compared(rate=0.01, seed=seed))
    shifts = segments.population_stability(pairs[0], level=0.99, leave_out=["tenure"])
    lost = segments.retirements(pairs[0], min_share=0.02, replications=19)
    born = segments.births(segments.longest(pairs[1], pairs[0]), min_share=0.02)
    return segments.alarms(shifts, born, lost, rate=0.01), born, thens[0]


@pytest.mark.parametrize("k", [5, 6, 7, 8])
def test_one_is_born_and_one_is_dying_whatever_the_number_of_segments(behaviour, k):
    archetype = pd.read_csv(BANK / "truth" / "customers.csv.gz", index_col="customer_id")[
        "archetype"
    ]
    found, born, dates = alarms_of(behaviour, k)
    assert len(found.born) == 1
    members = archetype.reindex(born.members(found.born[0]))
    assert (members == "app_native").mean() > 0.8
    now = archetype.reindex(dates.after.ids)
    assert (members == "app_native").sum() > 0.5 * (now == "app_native").sum()
    assert born.since == years_before(END, START, DAYS)
    assert born.groups.loc[found.born[0], "before"] < 0.15 * len(members)
    [dying] = found.verdicts.index[found.verdicts == "dying"]
    inside = archetype.reindex(dates.before.ids[dates.before.named == dying])
    assert (inside == "passbook_saver").mean() > 0.8


@pytest.mark.parametrize(
    ("day", "start", "days", "earliest"),
    [
        (END, START, DAYS, dt.date(2023, 12, 31)),
        (END, START, DAYS + 1, dt.date(2024, 12, 31)),
        (END, dt.date(2023, 1, 2), DAYS, dt.date(2024, 12, 31)),
        (END, dt.date(2015, 6, 1), DAYS, dt.date(2016, 12, 31)),
        (END, START, 90, dt.date(2023, 12, 31)),
        (dt.date(2024, 2, 29), dt.date(2021, 3, 1), DAYS, dt.date(2022, 2, 28)),
        (dt.date(1998, 6, 30), dt.date(1997, 1, 1), DAYS, dt.date(1997, 6, 30)),
    ],
)
def test_the_earliest_date_has_its_whole_window_behind_it(day, start, days, earliest):
    assert years_before(day, start, days) == earliest
    if earliest != segments.a_year_before(day):
        assert (earliest - start).days + 1 >= days
