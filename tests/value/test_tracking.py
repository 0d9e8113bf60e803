"""The seal and the tracking plot: what was foretold beside what came."""

import datetime as dt
import doctest

import numpy as np
import pandas as pd
import pytest

from crmlib.value import cohorts, tracking
from crmlib.value.purchases import BetaGeometric
from crmlib.value.tracking import seal_date, track_purchases


def test_examples_in_the_docstrings():
    assert doctest.testmod(tracking).failed == 0


@pytest.mark.parametrize("share", [0.1, 0.35, 0.5])
def test_the_seal_leaves_the_stated_share_of_days(share):
    start, end = dt.date(2020, 1, 1), dt.date(2022, 12, 31)
    sealed = (end - seal_date(start, end, share)).days / (end - start).days
    assert sealed == pytest.approx(share, abs=1 / (end - start).days)


def test_the_seal_is_not_moved_by_rounding():
    assert seal_date(dt.date(2020, 1, 1), dt.date(2020, 1, 11), 0.8) == dt.date(2020, 1, 3)


def test_expected_is_summed_over_customers_from_their_own_first_purchase(cdnow):
    history = (cdnow["frequency"], cdnow["recency"], cdnow["observed_time"])
    fit, seal = BetaGeometric().fit(*history), 39.0
    ends = pd.Timestamp("1997-01-01") + pd.to_timedelta([7, 14, 273, 300], unit="D")
    time = np.array([1.0, 2.0, 39.0, 300 / 7])
    periods = pd.DataFrame({"period_end": ends, "time": time, "repeat_purchases": [1, 0, 5, 2]})
    table = track_purchases(fit, cdnow["observed_time"], seal, periods)
    birth = seal - cdnow["observed_time"].to_numpy()
    by_hand = [fit.expected_purchases_new(np.maximum(t - birth, 0)).sum() for t in time]
    assert table["expected"].to_numpy() == pytest.approx(by_hand, rel=1e-9)
    assert table["actual"].tolist() == [1, 1, 6, 8]
    assert table["sealed"].tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ((2024, 3, 31), (2024, 3, 31)),
        ((2024, 3, 30), (2024, 2, 29)),
        ((2024, 1, 1), (2023, 12, 31)),
    ],
)
def test_last_whole_month(end, expected):
    from crmlib.value import last_whole_month

    assert last_whole_month(dt.date(*end)) == dt.date(*expected)


def test_cohorts_need_two_whole_months():
    from crmlib.stats.optimise import NotIdentified

    one = pd.DataFrame(
        {
            "cohort": [pd.Timestamp("2020-01-01")],
            "period_index": [0],
            "active_customers": [3],
            "revenue": [9.0],
            "cohort_size": [3],
        }
    )
    with pytest.raises(NotIdentified, match="one period"):
        cohorts(one, end=dt.date(2020, 1, 31))
    with pytest.raises(NotIdentified, match="no whole period"):
        cohorts(one.iloc[:0], end=dt.date(2020, 1, 31))
