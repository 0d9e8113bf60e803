"""What customers did month by month, and when they left or took more (S9, detection).

Triggers are looked for in months, which are many rows per customer: they are summed in the
engine, and of very many customers a sample is drawn there, so that what comes to pandas
stays bounded.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.intake.customers import text_ids, to_frame
from crmlib.intake.reading.reader import connect

SAMPLE = 50_000  # customers, where there are more
MOST_CHANNELS = 8
_KEYS = ["customer_id", "month"]


def read_months(
    purchases: ir.Table, ledger: object, *, end: dt.date, sample: int = SAMPLE
) -> pd.DataFrame:
    """What customers bought, brought and cost, by month.

    Parameters
    ----------
    purchases : ibis.Table
        customer_id, date, amount, n_orders, as `read_purchases` opens them.
    ledger : Path, or what stands for a ledger that was not given
        customer_id, month, product, line, amount, channel (where given).
    end : date
        Last day observed.
    sample : int
        Customers to be drawn, by a hash of their ids, where there are about more.

    Returns
    -------
    DataFrame
        customer_id, month (first day), purchases (days with one), spend; from a ledger also
        revenue, products (that brought revenue), and cost_in_<channel> of the channels with
        most cost to serve. Only months in which something happened, ordered.
    """
    bought = text_ids(purchases).filter(purchases.date <= ibis.literal(end))
    tables = [bought]
    if isinstance(ledger, Path):
        booked = text_ids(connect().read_parquet(str(ledger)))
        tables.append(booked.filter(booked.month <= ibis.literal(end)))
    keep = _one_in([table.customer_id.nunique().to_pyarrow().as_py() for table in tables], sample)
    tables = [table.filter(table.customer_id.hash() % keep == 0) for table in tables]
    parts = [_of_purchases(tables[0])]
    if len(tables) > 1:
        parts.append(_of_ledger(tables[1]))
    found = parts[0]
    for part in parts[1:]:
        found = found.merge(part, on=_KEYS, how="outer")
    features = found.columns.drop(_KEYS)
    found[features] = found[features].astype(float).fillna(0.0)
    return found.sort_values(_KEYS, ignore_index=True)


def _one_in(counts: list[int], sample: int) -> int:
    """Of how many customers one is taken."""
    return max(1, round(max(counts, default=0) / sample))


def _of_purchases(rows: ir.Table) -> pd.DataFrame:
    sums = rows.group_by(customer_id=rows.customer_id, month=rows.date.truncate("M")).agg(
        purchases=(rows.n_orders > 0).sum(), spend=rows.amount.sum()
    )
    return to_frame(sums.order_by(_KEYS))


def _of_ledger(rows: ir.Table) -> pd.DataFrame:
    earned, served = rows.line == "revenue", rows.line == "cost_to_serve"
    sums = {
        "revenue": rows.amount.sum(where=earned).fill_null(0),
        "products": rows["product"].nunique(where=earned),
    }
    if "channel" in rows.columns:
        costs = rows.filter(served & rows.channel.notnull()).group_by("channel")
        ranked = costs.agg(cost=rows.amount.sum()).order_by([ibis.desc("cost"), "channel"])
        for channel in ranked.limit(MOST_CHANNELS).to_pyarrow()["channel"].to_pylist():
            inside = served & (rows.channel == channel)
            sums[f"cost_in_{channel}"] = rows.amount.sum(where=inside).fill_null(0)
    by_month = rows.group_by(customer_id=rows.customer_id, month=rows.month.truncate("M"))
    return to_frame(by_month.agg(**sums).order_by(_KEYS))


def read_departures(contracts: Path, *, end: dt.date) -> pd.DataFrame:
    """When customers left: the month in which the last of their contracts ended.

    Parameters
    ----------
    contracts : Path
        customer_id, start_date, end_date (empty while it runs).
    end : date
        Last day observed; a contract that ends later still runs.

    Returns
    -------
    DataFrame
        customer_id, month (first day); one row for each customer who has left, ordered.
    """
    rows = text_ids(connect().read_parquet(str(contracts)))
    rows = rows.filter(rows.start_date <= ibis.literal(end))
    runs = rows.end_date.isnull() | (rows.end_date > ibis.literal(end))
    ends = rows.group_by("customer_id").agg(running=runs.sum(), last=rows.end_date.max())
    left = ends.filter(ends.running == 0)
    found = left.select("customer_id", month=left["last"].truncate("M"))
    return to_frame(found.order_by("customer_id"))


def read_further_products(
    contracts: Path, *, start: dt.date, end: dt.date, months_since: int
) -> pd.DataFrame:
    """When customers took a product that they had never had.

    Parameters
    ----------
    contracts : Path
        customer_id, product, start_date.
    start, end : date
        First and last day observed.
    months_since : int
        Months since a customer's first contract, before which taking a product is part of
        becoming a customer.

    Returns
    -------
    DataFrame
        customer_id, month (first day) of the first such product in the time, ordered.
    """
    rows = text_ids(connect().read_parquet(str(contracts)))
    rows = rows.filter(rows.start_date <= ibis.literal(end))
    firsts = rows.group_by("customer_id", "product").agg(taken=rows.start_date.min())
    began = firsts.mutate(began=firsts.taken.min().over(ibis.window(group_by="customer_id")))
    later = began.filter(
        began.taken >= began.began + ibis.interval(months=months_since),
        began.taken >= ibis.literal(start),
    )
    found = later.group_by("customer_id").agg(month=later.taken.min().truncate("M"))
    return to_frame(found.order_by("customer_id"))
