"""The client's ledger summed over time: what each customer brought and cost, by product.

Feeds profit by customer, product and channel (V3). The months of the observed window are
summed in the engine; what comes to pandas is some ten rows per customer.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import ibis
import pandas as pd

from crmlib.intake.customers import to_frame
from crmlib.intake.reading.reader import connect


def read_account(path: Path, start: dt.date, end: dt.date) -> pd.DataFrame:
    """Sum a ledger over the months of a window.

    Parameters
    ----------
    path : Path
        The cleaned ledger of an earlier chapter: customer_id, month, product, line,
        amount (costs are positive), channel where the client gave one.
    start, end : date
        First and last day observed; a month counts if it begins before the end and not
        before the month of the start.

    Returns
    -------
    DataFrame
        customer_id, product, line, channel (where given), amount; ordered by all but
        the last.
    """
    rows = connect().read_parquet(str(path))
    first = ibis.literal(start.replace(day=1))
    rows = rows.filter(rows.month.between(first, ibis.literal(end)))
    names = ("customer_id", "product", "line", "channel")
    keys = [name for name in names if name in rows.columns]
    return to_frame(rows.group_by(keys).agg(amount=rows.amount.sum()).order_by(keys))


def booked_days(path: object, start: dt.date, end: dt.date) -> tuple[dt.date, dt.date]:
    """First day of the first and last day of the last month that a ledger books in a window.

    Months before and after them say nothing of what customers brought.

    Parameters
    ----------
    path : Path, or what stands for a ledger that was not given
        The window itself is returned for the latter, or where nothing is booked in it.
    start, end : date
        First and last day observed.
    """
    if not isinstance(path, Path):
        return start, end
    rows = connect().read_parquet(str(path))
    inside = rows.filter(rows.month.between(ibis.literal(start.replace(day=1)), ibis.literal(end)))
    found = to_frame(inside.aggregate(first=inside.month.min(), last=inside.month.max()))
    if found["first"].isna().any():
        return start, end
    first, last = (pd.Timestamp(found[name].iloc[0]) for name in ("first", "last"))
    closing = (last + pd.offsets.MonthEnd(0)).date()
    return max(start, first.date().replace(day=1)), min(end, closing)
