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
