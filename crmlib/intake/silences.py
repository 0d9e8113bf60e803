"""Who bought again after a long silence, for the lifecycle of customers (S5)."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.intake.calendar import DAYS_A_MONTH
from crmlib.intake.customers import to_frame


def read_comebacks(purchases: ir.Table, *, as_of: dt.date, silent_months: float) -> pd.Series:
    """The last day on which each customer bought again after a silence.

    Parameters
    ----------
    purchases : ibis.Table
        customer_id, date: purchase days.
    as_of : date
        Last day known.
    silent_months : float
        From so long without a purchase on, a customer was silent.

    Returns
    -------
    Series of datetime, index customer_id
        Only of customers who came back; in order of their ids.
    """
    known = purchases.filter(purchases.date <= as_of).select("customer_id", "date").distinct()
    own = ibis.window(group_by=known.customer_id, order_by=known.date)
    days = known.date.delta(known.date.lag().over(own), unit="day")
    gaps = known.mutate(silent=days)
    back = gaps.filter(gaps.silent >= silent_months * DAYS_A_MONTH)
    last = back.group_by("customer_id").agg(returned=back.date.max()).order_by("customer_id")
    found = to_frame(last).set_index("customer_id")["returned"]
    return pd.to_datetime(found)
