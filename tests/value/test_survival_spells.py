"""Ages at entry and exit from dates: by hand, against a day-by-day loop, impossible dates."""

import numpy as np
import pandas as pd
import pytest

from crmlib.value.life_table import exposure
from crmlib.value.spells import contract_spells

START, END = "2023-01-01", "2023-12-31"


def one(began, stopped, **arguments):
    table = pd.DataFrame({"contract_id": ["c"], "start_date": [began], "end_date": [stopped]})
    return contract_spells(table, **{"start": START, "end": END} | arguments).iloc[0]


@pytest.mark.parametrize(
    "start, end, entry, duration, ended",
    [
        ("2023-03-01", "2023-03-31", 0, 1, True),  # one whole month
        ("2023-03-01", "2023-04-01", 0, 2, True),  # a day into the second
        ("2023-03-15", None, 0, 9, False),  # the tenth month ends on 14 January
        ("2023-03-01", None, 0, 10, False),  # the tenth ends with the window
        ("2022-11-01", "2023-02-10", 2, 4, True),  # seen from its third month on
        ("2022-11-15", "2023-02-20", 2, 4, True),  # the second, cut by the window, does not count
        ("2022-11-15", "2023-01-10", 2, 2, False),  # ended within that one: never at risk
        ("2022-11-15", None, 2, 13, False),
        ("2022-05-10", "2022-09-30", 8, 8, False),  # ended before the window
        ("2023-12-10", "2023-12-20", 0, 0, False),  # its first month is cut off
        ("2023-03-15", "2023-12-20", 0, 9, False),  # ended in the month that is cut off
        ("2023-06-01", "2024-02-15", 0, 7, False),  # ends after observation: it runs
        ("2023-01-31", "2023-02-28", 0, 1, True),  # February has no 31st
    ],
)
def test_months_by_hand(start, end, entry, duration, ended):
    row = one(start, end)
    assert (row["entry"], row["duration"], row["ended"]) == (entry, duration, ended)


def test_ages_to_the_day():
    row = one("2022-12-02", "2023-01-30")
    month = 365.25 / 12
    assert row["entry_age"] * month == pytest.approx(30)
    assert row["age"] * month == pytest.approx(60)
    assert row["left"]
    assert not row["running"]


def test_running_and_tenure():
    running, ended = one("2022-01-15", None), one("2022-01-15", "2023-12-31")
    assert running["running"]
    assert not ended["running"]
    assert running["tenure"] == ended["tenure"] == 23


def test_without_a_first_day_contracts_are_followed_from_their_start():
    row = one("2010-01-01", "2010-06-30", start=None)
    assert (row["entry"], row["duration"], row["ended"]) == (0, 6, True)


@pytest.mark.parametrize("unit", ["day", "week", "month", "year"])
def test_exposure_equals_a_loop_over_whole_periods(unit):
    """A period of age counts if it lies in the window; its end is in it or it is not."""
    rng = np.random.default_rng(1)
    start = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1800, 60), "D")
    lasts = pd.to_timedelta(rng.integers(1, 1200, 60), "D")
    end = pd.Series(start + lasts)
    end[rng.random(60) < 0.3] = pd.NaT
    table = pd.DataFrame({"contract_id": range(60), "start_date": start, "end_date": end})
    spells = contract_spells(table, start=START, end=END, unit=unit)
    counts = exposure(spells["duration"], spells["ended"], spells["entry"])
    found = pd.DataFrame({"at_risk": counts.at_risk, "ended": counts.ended}, counts.tenure)

    opens, closes = pd.Timestamp(START), pd.Timestamp(END) + pd.Timedelta(days=1)
    length = {"day": pd.DateOffset(days=1), "week": pd.DateOffset(weeks=1)}
    length |= {"month": pd.DateOffset(months=1), "year": pd.DateOffset(years=1)}
    expected: dict[int, list[int]] = {}
    for began, stopped in zip(table["start_date"], table["end_date"], strict=True):
        gone = pd.Timestamp.max if pd.isna(stopped) else stopped + pd.Timedelta(days=1)
        for period in range(1, 2_000):
            first, after = (began + n * length[unit] for n in (period - 1, period))
            if after > closes or first >= gone:
                break
            if first >= opens:
                at = expected.setdefault(period, [0, 0])
                at[0] += 1
                at[1] += gone <= after
    loop = pd.DataFrame.from_dict(expected, orient="index", columns=["at_risk", "ended"])
    pd.testing.assert_frame_equal(found, loop.sort_index().astype(float), check_names=False)


@pytest.mark.parametrize(
    "rows, message",
    [
        ({"end_date": ["2022-01-01", None]}, "contract a ends before it starts"),
        ({"start_date": ["2022-06-01", None]}, "contract b has no start_date"),
        ({"start_date": ["2022-06-01", "2024-06-01"]}, "contract b starts after the last day"),
        ({"contract_id": ["a", "a"]}, "contract a appears twice"),
    ],
)
def test_impossible_contracts_are_named(rows, message):
    good = {"contract_id": ["a", "b"], "start_date": ["2022-06-01"] * 2, "end_date": [None] * 2}
    with pytest.raises(ValueError, match=message):
        contract_spells(pd.DataFrame(good | rows), start=START, end=END)


def test_impossible_settings_are_named():
    with pytest.raises(ValueError, match="unit must be one of day, week, month, year"):
        one("2023-01-01", None, unit="quarter")
    with pytest.raises(ValueError, match="observation ends"):
        one("2020-01-01", None, start="2024-01-01")
    with pytest.raises(ValueError, match="contracts lack end_date"):
        contract_spells(pd.DataFrame({"contract_id": [], "start_date": []}), end=END)
