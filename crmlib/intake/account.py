"""The client's ledger summed over time: what each customer brought and cost, by product.

Feeds profit by customer, product and channel (V3). The months of the observed window are
summed in the engine; what comes to pandas is some ten rows per customer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import ibis
import pandas as pd

from crmlib.intake.customers import text_ids, to_frame
from crmlib.intake.reading.reader import connect

_YEAR = 12  # months


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


@dataclass(frozen=True)
class LedgerYears:
    """The last twelve months that a ledger books, and the twelve before them.

    Attributes
    ----------
    rows : DataFrame
        customer_id, line, this_year, year_before (money; costs are positive).
    start, end : date
        First and last day of this year.
    months : int
        Booked in the observed time: this year is whole from 12 on, the one before from 24.
    """

    rows: pd.DataFrame
    start: dt.date
    end: dt.date
    months: int


def read_last_years(path: Path, start: dt.date, end: dt.date) -> LedgerYears:
    """Sum a ledger over its last two years, by customer and line.

    Parameters
    ----------
    path : Path
        As for `read_account`.
    start, end : date
        First and last day observed; months count that end by then.
    """
    first, last = booked_days(path, start, end)
    closing = pd.Timestamp(last)
    final = closing.to_period("M") if closing.is_month_end else closing.to_period("M") - 1
    months = final.ordinal - pd.Period(first, "M").ordinal + 1
    begins = {
        "this_year": (final - (_YEAR - 1), final),
        "year_before": (final - (2 * _YEAR - 1), final - _YEAR),
    }
    rows = text_ids(connect().read_parquet(str(path)))
    sums = {
        name: rows.amount.sum(
            where=rows.month.between(*(ibis.literal(m.to_timestamp().date()) for m in ends))
        ).fill_null(0)
        for name, ends in begins.items()
    }
    keys = ["customer_id", "line"]
    table = to_frame(rows.group_by(keys).agg(**sums).order_by(keys))
    opening = begins["this_year"][0].to_timestamp().date()
    return LedgerYears(table, opening, final.to_timestamp(how="end").date(), max(months, 0))
