"""Purchases that ended a silence, beside a count by hand over random histories."""

import datetime as dt
from itertools import pairwise

import ibis
import numpy as np
import pandas as pd

from crmlib.intake.calendar import DAYS_A_MONTH
from crmlib.intake.silences import read_comebacks

START = dt.date(2024, 1, 1)


def histories(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        (f"c{customer:02d}", START + dt.timedelta(int(day)))
        for customer in range(40)
        for day in rng.integers(0, 700, rng.integers(1, 9))
    ]
    return pd.DataFrame(rows, columns=["customer_id", "date"])


def test_the_last_purchase_after_a_silence():
    days = histories()
    as_of = START + dt.timedelta(600)
    found = read_comebacks(ibis.memtable(days), as_of=as_of, silent_months=5)
    expected = {}
    for customer, own in days[days["date"] <= as_of].groupby("customer_id")["date"]:
        dates = sorted(set(own))
        back = [b for a, b in pairwise(dates) if (b - a).days >= 5 * DAYS_A_MONTH]
        if back:
            expected[customer] = pd.Timestamp(back[-1])
    assert found.to_dict() == expected and len(expected) > 10
    assert found.index.is_monotonic_increasing


def test_nobody_who_bought_once_has_come_back():
    once = pd.DataFrame({"customer_id": ["a", "a"], "date": [START, START]})
    assert read_comebacks(ibis.memtable(once), as_of=START, silent_months=0.1).empty
