"""Purchases summed up to customers, cohorts and calibration tables.

Everything here starts from one table, `purchases`: one row per customer and
day. `n_orders` is 0 on a day on which goods were only returned (policy
`returns: keep`): its money counts in totals, the day is no purchase occasion.
Measures follow Fader & Hardie: frequency counts repeat purchase days, recency
and observed time run from the first purchase, in the engagement's time unit.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow.parquet

from crmlib.intake.reading.reader import connect

YEAR = dt.timedelta(days=365)
NOTHING_BOUGHT = ("n_transactions", "total_amount", "last_year_amount", "total_margin", "n_rows")
# What `summarise` says of a customer: of purchases, not of the person.
SUMMED = (
    "first_date", "last_date", "n_transactions", "frequency", "recency", "observed_time",
    "total_amount", "mean_amount", "mean_repeat_amount", "last_year_amount", "total_margin",
    "n_rows",
)  # fmt: skip
_TOTALS = {"margin": "total_margin", "n_rows": "n_rows"}  # where purchases have them


def summarise(
    purchases: ir.Table,
    *,
    until: dt.date,
    days_per_unit: float,
    also: Mapping[str, ir.Value] | None = None,
) -> ir.Table:
    """One row per customer who bought on or before `until`; later purchases do not count.

    Parameters
    ----------
    purchases : ibis.Table
        customer_id, date, amount, n_orders; every customer has bought, and no
        money lies before the first purchase, as `settle_returns` leaves it.
    until : date
        Last day of observation.
    days_per_unit : float
        Days in one time unit.
    also : mapping, optional
        Further columns: aggregates over a customer's purchases.

    Returns
    -------
    ibis.Table
        customer_id; first_date, last_date (of purchase occasions);
        n_transactions (orders); frequency (purchase days - 1); recency and
        observed_time (time units from first_date to last_date and to `until`);
        total_amount (net of kept returns); mean_amount (total_amount per
        purchase day); mean_repeat_amount (money after the first purchase day,
        kept returns included, per repeat purchase day; null where frequency is
        0); last_year_amount (the 365 days that end with `until`); total_margin and
        n_rows where purchases have margin and n_rows; what `also` names.
        Ordered by customer_id.
    """
    seen = purchases.filter(purchases.date <= until)
    occasion = seen.n_orders > 0
    further = {name: seen[name].sum() for name in ("margin", "n_rows") if name in seen.columns}
    sums = seen.group_by("customer_id").agg(
        first_date=seen.date.min(where=occasion),
        last_date=seen.date.max(where=occasion),
        n_transactions=seen.n_orders.sum(),
        frequency=occasion.sum() - 1,
        total_amount=seen.amount.sum(),
        first_amount=seen.amount.argmin(seen.date, where=occasion),
        last_year_amount=seen.amount.sum(where=seen.date > until - YEAR).fill_null(0),
        **further,
        **(also or {}),
    )
    days = sums.last_date.delta(sums.first_date, unit="day")
    observed = ibis.literal(until).delta(sums.first_date, unit="day")
    repeat_amount = (sums.total_amount - sums.first_amount).cast("float64")
    return (
        text_ids(sums)
        .select(
            "customer_id",
            "first_date",
            "last_date",
            "n_transactions",
            "frequency",
            recency=days / days_per_unit,
            observed_time=observed / days_per_unit,
            total_amount=sums.total_amount,
            mean_amount=sums.total_amount.cast("float64") / (sums.frequency + 1),
            mean_repeat_amount=repeat_amount / sums.frequency.nullif(0),
            last_year_amount=sums.last_year_amount,
            **{_TOTALS[name]: sums[name] for name in further},
            **{name: sums[name] for name in also or {}},
        )
        .order_by("customer_id")
    )


def buyers(customers: pd.DataFrame | None) -> pd.DataFrame | None:
    """The customers of the `customers` table who have bought, `frequency` whole again."""
    if customers is None:
        return None
    bought = customers[customers["n_transactions"] > 0].reset_index(drop=True)
    return bought.astype({"n_transactions": "int64", "frequency": "int64"})


def first_day(customers: object) -> dt.date | None:
    """Day of the first purchase in the `customers` table; None where there is no such table."""
    if not isinstance(customers, pd.DataFrame):
        return None
    return customers["first_date"].min().date()


def cohorts(purchases: ir.Table, *, until: dt.date) -> ir.Table:
    """Customers and revenue by month of first purchase and months since.

    Returns
    -------
    ibis.Table
        cohort (first day of the month of first purchase), period_index
        (calendar months since, 0 is that month), active_customers (with a
        purchase in the month), revenue (net), cohort_size. A cell in which
        nothing happened has no row: absent and observable means zero.
    """
    seen = purchases.filter(purchases.date <= until)
    by_customer = ibis.window(group_by="customer_id")
    first = seen.date.min(where=seen.n_orders > 0).over(by_customer)
    months = (seen.date.year() - first.year()) * 12 + seen.date.month() - first.month()
    placed = seen.mutate(cohort=first.truncate("M"), period_index=months)
    cells = placed.group_by("cohort", "period_index").agg(
        active_customers=placed.customer_id.nunique(where=placed.n_orders > 0),
        revenue=placed.amount.sum(),
    )
    sizes = cells.active_customers.max(where=cells.period_index == 0)
    return cells.mutate(cohort_size=sizes.over(ibis.window(group_by="cohort"))).order_by(
        "cohort", "period_index"
    )


def holdout(purchases: ir.Table, *, cut: dt.date, end: dt.date, days_per_unit: float) -> ir.Table:
    """What was known of each customer at `cut`, and what then happened until `end`.

    Returns
    -------
    ibis.Table
        customer_id, first_date, frequency, recency, observed_time and
        mean_repeat_amount as of `cut`; holdout_purchases and holdout_amount
        (purchase days and money in (cut, end]); previous_purchases and
        previous_amount (the same after the first purchase day, in the window
        of equal length that ends with `cut`). One row per customer who first
        bought on or before `cut`, ordered by customer_id.
    """
    purchases = text_ids(purchases)
    known = summarise(purchases, until=cut, days_per_unit=days_per_unit)
    dated = purchases.join(known.select("customer_id", "first_date"), "customer_id")
    occasion = dated.n_orders > 0
    ahead = (dated.date > cut) & (dated.date <= end)
    behind = (dated.date > cut - (end - cut)) & (dated.date <= cut)
    behind &= dated.date > dated.first_date
    sums = dated.group_by("customer_id").agg(
        holdout_purchases=(occasion & ahead).sum(),
        previous_purchases=(occasion & behind).sum(),
        holdout_amount=dated.amount.sum(where=ahead).fill_null(0),
        previous_amount=dated.amount.sum(where=behind).fill_null(0),
    )
    calibration = ["customer_id", "first_date", "frequency", "recency", "observed_time"]
    return (
        known.select(*calibration, "mean_repeat_amount")
        .join(sums, "customer_id")
        .order_by("customer_id")
    )


def repeat_purchases_by_period(
    purchases: ir.Table, *, start: dt.date, end: dt.date, days_per_unit: float, acquired_by: dt.date
) -> pd.DataFrame:
    """Repeat purchase days in each time unit from `start` to `end`.

    Counted are the customers whose first purchase was on or before `acquired_by`;
    one period ends on that day, so that none straddles it.

    Returns
    -------
    DataFrame
        period (1, 2, …), period_end (its last day; the first and the last
        period may be shorter), time (from `start` to that day, in time units),
        repeat_purchases. Every period has a row.
    """
    by_customer = ibis.window(group_by="customer_id")
    occasions = purchases.filter(purchases.n_orders > 0)
    dated = occasions.mutate(first_date=occasions.date.min().over(by_customer))
    followed = dated.filter(dated.first_date <= acquired_by)
    repeat = followed.filter(
        followed.date > followed.first_date, followed.date >= start, followed.date <= end
    )
    days = to_frame(repeat.group_by("date").agg(repeat_purchases=repeat.count()))

    def index_of(dates: pd.Series) -> pd.Series:
        """0 for the period that ends with `acquired_by`, 1 for the next."""
        return np.ceil((dates - pd.Timestamp(acquired_by)).dt.days / days_per_unit).astype(int)

    first, last = index_of(pd.Series(pd.to_datetime([start, end])))
    index = pd.RangeIndex(first, last + 1)
    counts = days["repeat_purchases"].groupby(index_of(days["date"])).sum()
    ends = pd.Timestamp(acquired_by) + pd.to_timedelta(
        [math.floor(k * days_per_unit) for k in index], unit="D"
    )
    period_end = ends.where(ends <= pd.Timestamp(end), pd.Timestamp(end))
    return pd.DataFrame(
        {
            "period": range(1, len(index) + 1),
            "period_end": period_end,
            "time": (period_end - pd.Timestamp(start)).days / days_per_unit,
            "repeat_purchases": counts.reindex(index, fill_value=0).to_numpy(),
        }
    )


def repeat_purchases_by_month(
    purchases: ir.Table, *, until: dt.date, batches: int = 20
) -> pd.DataFrame:
    """Repeat purchase days by month of first purchase and calendar month.

    Parameters
    ----------
    batches : int
        Parts into which those who bought are dealt in the order of their ids, the first into
        part 0; how the parts differ says what chance in customers does.

    Returns
    -------
    DataFrame
        cohort and month (first days), batch (0, 1, …), customers (with a purchase in the month),
        revenue (net), repeat_purchases (days after the first purchase day) and
        repeat_customers (who had one). Where nothing happened there is no row.
    """
    seen = text_ids(purchases.filter(purchases.date <= until))
    by_customer = ibis.window(group_by="customer_id")
    dated = seen.mutate(first=seen.date.min(where=seen.n_orders > 0).over(by_customer))
    bought = dated.filter(dated["first"].notnull())
    place = ibis.dense_rank().over(ibis.window(order_by="customer_id"))
    placed = bought.mutate(
        cohort=bought["first"].truncate("M"),
        month=bought.date.truncate("M"),
        batch=place % batches,
        repeated=(bought.n_orders > 0) & (bought.date > bought["first"]),
    )
    cells = placed.group_by("cohort", "month", "batch").agg(
        customers=placed.customer_id.nunique(where=placed.n_orders > 0),
        revenue=placed.amount.sum(),
        repeat_purchases=placed.repeated.sum(),
        repeat_customers=placed.customer_id.nunique(where=placed.repeated),
    )
    return to_frame(cells.order_by("cohort", "month", "batch"))


def text_ids(table: ir.Table) -> ir.Table:
    """The table with `customer_id` as text; inside the engine whole numbers are quicker."""
    return table.mutate(customer_id=table.customer_id.cast("string"))


def to_frame(table: ir.Table) -> pd.DataFrame:
    """The table in pandas: decimals become floats here, after all sums, and days timestamps."""
    schema = table.schema()
    casts = {name: "float64" for name, kind in schema.items() if kind.is_decimal()}
    frame = table.cast(casts).to_pandas()
    days = [name for name, kind in schema.items() if kind.is_date()]
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in days})


def write(table: ir.Table, path: Path) -> None:
    """Write an ordered table to Parquet; the same rows always give the same bytes."""
    arrow = table.to_pyarrow().combine_chunks()
    pyarrow.parquet.write_table(
        arrow, path, row_group_size=max(arrow.num_rows, 1), compression="zstd", version="2.6"
    )


def read_purchases(path: Path) -> ir.Table:
    """The purchases of an earlier run, ordered as they were written."""
    return connect().read_parquet(str(path)).order_by("customer_id", "date")
