"""Rows, customers and revenue of every month and year of the observation window.

Who bought in a month is one bit of the customer, taken while purchases are summed to
customers: counting different customers month by month would group all rows once more.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.intake.customers import to_frame

DAYS_A_MONTH = 365.25 / 12  # on average
_BITS = 60  # months in one whole number of 64 bits


@dataclass(frozen=True)
class Calendar:
    """The months from the one of `start` to the one of `end`.

    Attributes
    ----------
    start, end : date
        First and last day observed.
    """

    start: dt.date
    end: dt.date

    @property
    def months(self) -> pd.DatetimeIndex:
        """First day of every month."""
        first = pd.Timestamp(self.start).replace(day=1)
        return pd.date_range(first, self.end, freq="MS", name="month")

    @property
    def columns(self) -> list[str]:
        """Names of the columns that hold the bits."""
        return [f"months_{at}" for at in range(-(-len(self.months) // _BITS))]

    def flags(self, purchases: ir.Table) -> dict[str, ir.Value]:
        """Aggregates over a customer's purchases: a bit for each month with an occasion."""
        first = self.start.year * 12 + self.start.month
        month = purchases.date.year() * 12 + purchases.date.month() - first
        bought = purchases.n_orders > 0
        one = ibis.literal(1, "int64")
        return {
            name: (one << (month % _BITS)).bit_or(where=bought & (month // _BITS == at))
            for at, name in enumerate(self.columns)
        }

    def by_month(self, days: ir.Table, customers: ir.Table) -> pd.DataFrame:
        """month, rows, customers, revenue; months without a row are zero.

        Parameters
        ----------
        days : ibis.Table
            date, rows, revenue.
        customers : ibis.Table
            With the columns of `flags`.
        """
        sums = days.group_by(month=days.date.truncate("M")).agg(
            rows=days.rows.sum(), revenue=days.revenue.sum()
        )
        found = to_frame(sums).set_index("month").reindex(self.months, fill_value=0)
        found.insert(1, "customers", self._active(customers, [[m] for m in range(len(found))]))
        return found.reset_index()

    def by_year(self, days: ir.Table, customers: ir.Table) -> pd.DataFrame:
        """year, customers, revenue; years with a row."""
        sums = days.group_by(year=days.date.year()).agg(revenue=days.revenue.sum())
        found = to_frame(sums.order_by("year"))
        numbers = self.months.year
        months = [[m for m, y in enumerate(numbers) if y == year] for year in found["year"]]
        found.insert(1, "customers", self._active(customers, months))
        return found

    def _active(self, customers: ir.Table, periods: list[list[int]]) -> list[int]:
        """How many customers have a bit in each period, a list of months from 0."""
        counts = {}
        for period, months in enumerate(periods):
            masks: dict[str, int] = {}
            for month in months:
                name = self.columns[month // _BITS]
                masks[name] = masks.get(name, 0) | 1 << month % _BITS
            parts = [((customers[n] & mask) != 0) for n, mask in masks.items()]
            counts[f"p{period}"] = reduce(or_, parts).sum()
        if not counts:
            return []
        found = customers.aggregate(**counts).to_pyarrow().to_pylist()[0]
        return [int(count or 0) for count in found.values()]
