"""Months and years over windows of any length, against counting them one by one."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.intake import open_transactions


def rows(first: str, last: str, n: int = 400, seed: int = 3) -> pd.DataFrame:
    """Purchases of forty customers between two days; every eighth row is a return."""
    rng = np.random.default_rng(seed)
    days = pd.date_range(first, last)
    amount = rng.integers(1, 100, n) * np.where(np.arange(n) % 8 == 7, -1, 1)
    table = {"customer_id": rng.integers(1, 41, n), "date": rng.choice(days, n), "amount": amount}
    return pd.DataFrame(table).sort_values("date")


@pytest.mark.parametrize(
    "first, last, start, end",
    [
        ("2015-03-05", "2020-11-20", dt.date(2015, 1, 15), dt.date(2020, 12, 31)),  # 72 months
        ("1998-02-01", "2020-12-31", None, dt.date(2020, 12, 31)),
        ("2020-02-01", "2020-04-20", dt.date(2020, 1, 31), dt.date(2020, 6, 1)),
        ("2020-02-29", "2020-02-29", None, dt.date(2020, 2, 29)),
    ],
)
def test_customers_and_revenue_of_every_month_and_year(client, first, last, start, end):
    text = rows(first, last).to_csv(index=False, date_format="%Y-%m-%d")
    found = open_transactions(client(text, start=start, end=end, returns="keep"))
    days = found.ordered().to_pandas().assign(date=lambda d: pd.to_datetime(d["date"]))
    bought = days[days["n_orders"] > 0]
    since = pd.Period(start or days["date"].min(), "M")
    every = pd.period_range(since, pd.Period(end, "M"), freq="M")
    for frame, name, freq in ((found.by_month, "month", "M"), (found.by_year, "year", "Y")):
        when = days["date"].dt.to_period(freq)
        periods = every if freq == "M" else pd.PeriodIndex(sorted(when.unique()))
        buyers = bought.groupby(when[bought.index])["customer_id"].nunique()
        money = days["amount"].astype(float).groupby(when).sum()
        assert frame["customers"].tolist() == buyers.reindex(periods, fill_value=0).tolist()
        assert frame["revenue"].tolist() == money.reindex(periods, fill_value=0).tolist()
        if name == "month":
            assert frame["month"].tolist() == periods.to_timestamp().tolist()
            assert frame["rows"].sum() == found.facts.rows
        else:
            assert frame["year"].tolist() == periods.year.tolist()


def test_the_bits_stay_inside(client):
    """Customers have the stated columns and no others."""
    found = open_transactions(client("customer_id,date,amount\na,2020-01-01,5\n"))
    assert not [name for name in found.customers.columns if name.startswith("months")]
