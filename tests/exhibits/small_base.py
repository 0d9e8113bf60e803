"""Random small bases, and what an attacker knows of them: figures as sums over customers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib import value
from crmlib.exhibits import Scope

START = dt.date(2020, 1, 1)


@dataclass(frozen=True)
class Base:
    """One row per customer and day in `days`, one per customer in `customers`."""

    days: pd.DataFrame
    customers: pd.DataFrame
    end: dt.date
    cut: dt.date
    min_cell: int

    @property
    def n(self) -> int:
        return len(self.customers)

    @property
    def scope(self) -> Scope:
        return Scope("a test", START, self.end, "EUR", "week", "revenue", self.min_cell)

    @property
    def months(self) -> pd.DataFrame:
        """Customers and revenue of every month observed, as intake counts them."""
        month = self.days["date"].dt.to_period("M").dt.to_timestamp()
        sums = self.days.groupby(month).agg(
            customers=("customer_id", "nunique"), revenue=("amount", "sum")
        )
        every = pd.date_range(START, self.end, freq="MS", name="month")
        return sums.reindex(every, fill_value=0).rename_axis("month").reset_index()

    @property
    def cells(self) -> pd.DataFrame:
        """Customers and revenue by cohort and month, as intake counts them."""
        month = self.days["date"].dt.to_period("M")
        first = month.groupby(self.days["customer_id"]).transform("min")
        age = (month.dt.year - first.dt.year) * 12 + month.dt.month - first.dt.month
        rows = self.days.assign(cohort=first.dt.to_timestamp(), period_index=age)
        cells = rows.groupby(["cohort", "period_index"], as_index=False).agg(
            active_customers=("customer_id", "nunique"), revenue=("amount", "sum")
        )
        sizes = cells[cells["period_index"] == 0].set_index("cohort")["active_customers"]
        return cells.assign(cohort_size=cells["cohort"].map(sizes))

    @property
    def calibration(self) -> pd.DataFrame:
        """Frequency at the cut and purchases after it, of the customers known then."""
        seal = pd.Timestamp(self.cut)
        before = self.days[self.days["date"] <= seal].groupby("customer_id")["date"]
        after = self.days[self.days["date"] > seal].groupby("customer_id").size()
        known = before.agg(["size", "min", "max"])
        return pd.DataFrame(
            {
                "customer_id": known.index,
                "first_date": known["min"].to_numpy(),
                "frequency": known["size"].to_numpy() - 1,
                "recency": (known["max"] - known["min"]).dt.days.to_numpy() / 7,
                "observed_time": (seal - known["min"]).dt.days.to_numpy() / 7,
                "holdout_purchases": after.reindex(known.index, fill_value=0).to_numpy(),
            }
        )


def random_base(seed: int, n: int, months: int, min_cell: int, early: bool = False) -> Base:
    """A base of `n` customers who buy on some days of `months` months and a bit.

    `early`: all customers are acquired before the cut, in the middle.
    """
    rng = np.random.default_rng(seed)
    last = pd.Timestamp(START) + pd.DateOffset(months=months)
    end = last + pd.Timedelta(int(rng.choice([-1, 5])), unit="D")
    span = (end - pd.Timestamp(START)).days
    cut = pd.Timestamp(START) + pd.Timedelta(span // 2, unit="D")
    steep, latest = rng.uniform(0.5, 4), (span // 2 if early else span)
    rows = []
    for customer in range(n):
        first = int(latest * rng.random() ** steep)
        rate = rng.gamma(0.7, 4 / span)
        later = rng.choice(np.arange(first + 1, span + 1), min(rng.poisson(rate * (span - first)),
                           span - first), replace=False)  # fmt: skip
        rows += [(f"c{customer}", day, round(rng.gamma(2, 20), 2)) for day in [first, *later]]
    days = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    days["date"] = pd.Timestamp(START) + pd.to_timedelta(days["day"], unit="D")
    grouped = days.groupby("customer_id")
    customers = pd.DataFrame(
        {
            "customer_id": list(grouped.groups),
            "first_date": grouped["date"].min().to_numpy(),
            "last_date": grouped["date"].max().to_numpy(),
            "frequency": grouped.size().to_numpy() - 1,
            "total_amount": grouped["amount"].sum().to_numpy(),
        }
    )
    return Base(days, customers, end.date(), cut.date(), min_cell)


class Foretold:
    """Stands in for a fitted purchase model: every customer is expected to buy once."""

    model = value.BetaGeometric()

    def expected_purchases(self, horizon, x, last, end):
        return np.ones(len(x))


def scorecard(base: Base) -> value.Scorecard:
    """Foretold and actual purchases after the cut."""
    known = base.calibration
    history = [known[name] for name in ("frequency", "recency", "observed_time")]
    bought = known["holdout_purchases"]
    return value.holdout_scorecard(*history, bought, 26.0, Foretold(), bought)


def tells(published: list[np.ndarray] | np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
    """Which groups a reader can compute: their indicator lies in the row space of the sums."""
    system, wanted = np.atleast_2d(np.array(published, float)), np.array(groups, float)
    _, lengths, rows = np.linalg.svd(system, full_matrices=False)
    rows = rows[lengths > 1e-9 * lengths.max()]
    return (np.abs(wanted - wanted @ rows.T @ rows) < 1e-7).all(axis=1)
