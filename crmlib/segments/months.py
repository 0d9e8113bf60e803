"""What customers did month by month, and when something happened to them (S9).

The table on which triggers are looked for: features by customer and month, zero in a month
without a row, between a customer's first month and their event or the end of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

DAYS_A_MONTH = 365.25 / 12  # on average
NEVER = 1_000_000  # months until an event that is not known of


@dataclass(frozen=True)
class Months:
    """Features by customer and month.

    Attributes
    ----------
    ids : array of shape (n,)
    calendar : DatetimeIndex of shape (t,)
        First days of months without a gap.
    values : mapping of str to array of shape (n, t)
        Each feature, zero where nothing happened.
    first : array of int, shape (n,)
        Position of each customer's first month.
    event : array of int, shape (n,)
        Position of the month of each customer's event; `NEVER` without one.
    """

    ids: NDArray[np.object_]
    calendar: pd.DatetimeIndex
    values: Mapping[str, FloatArray]
    first: IntArray
    event: IntArray

    @property
    def n(self) -> int:
        """Customers."""
        return len(self.ids)

    def there_for(self, length: int) -> BoolArray:
        """Months that are the last of `length` since a customer came, and before their event."""
        at = np.arange(len(self.calendar))
        return (at - self.first[:, None] + 1 >= length) & (at < self.event[:, None])

    def with_events(self, event: IntArray) -> Months:
        """The same customers with other events."""
        return Months(self.ids, self.calendar, self.values, self.first, event)


def arrange_months(table: pd.DataFrame, events: pd.DataFrame, *, end: pd.Timestamp) -> Months:
    """Lay a long table out by customer and month.

    Parameters
    ----------
    table : DataFrame
        customer_id, month (any day of it), one column per feature; no month twice.
    events : DataFrame
        customer_id, month: the first event of each customer counts; those of customers who
        are not in `table` are left out.
    end : Timestamp
        Last day observed; only whole months count.

    Raises
    ------
    NotIdentified
        If no whole month is in the table.
    ValueError
        If a customer has a month twice.
    """
    last = (pd.Timestamp(end) + pd.Timedelta(days=1)).to_period("M") - 1
    month = pd.PeriodIndex(table["month"], freq="M").asi8
    rows = table[month <= last.ordinal]
    if rows.empty:
        raise NotIdentified("no whole month is booked")
    month = pd.PeriodIndex(rows["month"], freq="M").asi8
    start = int(month.min())
    people = pd.Index(np.sort(rows["customer_id"].unique().astype(object)))
    who, when = people.get_indexer(rows["customer_id"]), month - start
    width = last.ordinal - start + 1
    if len(np.unique(who * width + when)) < len(rows):
        raise ValueError("a customer has a month twice")
    values = {}
    for name in rows.columns.drop(["customer_id", "month"]):
        values[name] = np.zeros((len(people), width))
        values[name][who, when] = rows[name].fillna(0.0).to_numpy(float)
    first = np.full(len(people), width)
    np.minimum.at(first, who, when)
    known = events[events["customer_id"].isin(people)]
    event = np.full(len(people), NEVER)
    at = pd.PeriodIndex(known["month"], freq="M").asi8 - start
    np.minimum.at(event, people.get_indexer(known["customer_id"]), at)
    calendar = pd.period_range(pd.Period(ordinal=start, freq="M"), last).to_timestamp()
    return Months(people.to_numpy(object), calendar, values, first, event)
