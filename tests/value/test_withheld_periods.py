"""Years and quarters beside months: none may tell what a withheld month holds."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.disclosure import told
from crmlib.value.shown import withheld_months, withheld_periods

END = dt.date(2021, 12, 31)


def months(customers) -> pd.DataFrame:
    first = pd.date_range("2020-01-01", periods=len(customers), freq="MS")
    return pd.DataFrame({"month": first, "customers": customers, "revenue": 10.0})


def spans(*bounds: tuple[int, int]) -> np.ndarray:
    """Periods as first month and month behind the last."""
    return np.array([[a <= m < b for m in range(24)] for a, b in bounds])


def test_nothing_is_withheld_where_no_month_is_small():
    table = months([50] * 24)
    assert not withheld_periods(spans((0, 12), (12, 24), (0, 3)), table, 500, END, 10).any()


def test_a_period_that_lies_beside_the_small_month_is_shown():
    table = months([50, 50, 3, *[50] * 21])
    hidden = withheld_months(table, 500, END, 10).withheld
    clear = next(m for m in range(24) if not hidden[m : m + 3].any())
    found = withheld_periods(spans((2, 3), (clear, clear + 3)), table, 500, END, 10)
    assert found.tolist() == [True, False]


def test_a_period_outside_the_table_tells_nothing():
    table = months([50, 50, 3, *[50] * 21])
    assert not withheld_periods(spans((30, 33)), table, 500, END, 10).any()


@pytest.mark.parametrize("seed", range(40))
def test_small_months_are_never_told(seed):
    """Random bases, random periods, against an attacker who solves all that is shown."""
    rng = np.random.default_rng(seed)
    customers = np.where(rng.random(24) < 0.15, rng.integers(1, 10, 24), 60)
    table = months(customers)
    periods = spans(*(sorted(rng.choice(25, 2, replace=False)) for _ in range(12)))
    hidden = withheld_months(table, 500, END, 10)
    withheld = withheld_periods(periods, table, 500, END, 10)
    shown_months = np.eye(24, dtype=bool)[~hidden.withheld]
    equations = np.vstack([hidden.totals, shown_months, periods[~withheld]])
    before = np.vstack([hidden.totals, shown_months])
    small = np.eye(24, dtype=bool)[hidden.small]
    if small.size:
        assert not (told(equations, small) & ~told(before, small)).any()


def test_the_order_of_periods_does_not_matter():
    table = months([50, 50, 3, *[50] * 21])
    periods = spans((0, 3), (0, 12), (3, 12), (12, 24))
    found = withheld_periods(periods, table, 500, END, 10)
    again = withheld_periods(periods[::-1], table, 500, END, 10)
    assert found.tolist() == again[::-1].tolist()
