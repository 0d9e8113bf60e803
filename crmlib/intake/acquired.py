"""Customers who joined in the observed time: what winning them cost, and what came back since.

Feeds payback and quality of acquisition (METHODS: value terms). Money is summed in the engine
by customer and month since joining; what comes to pandas is one row per customer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.intake.customers import text_ids, to_frame
from crmlib.params import DAYS_PER_UNIT

_MONTH = DAYS_PER_UNIT["month"]
_YEAR = 12
_SIGNS = {"revenue": 1, "cost_to_serve": -1, "risk_cost": -1, "marketing": 0}


def read_acquired(
    customers: Path,
    purchases: ir.Table,
    margin_from: str,
    money: Mapping[str, object],
    *,
    start: dt.date,
    end: dt.date,
    margin_rate: float,
    acquired_by: str = "",
) -> pd.DataFrame:
    """Acquisition cost and cumulated contribution of each customer who joined in a window.

    Parameters
    ----------
    customers : Path
        The cleaned table of customers of an earlier chapter; prospects do not count.
    purchases : ibis.Table
        customer_id, date, amount, n_orders. The first purchase stands in for a day of
        joining that was not given.
    margin_from : {"transactions", "contracts", "ledger"}
        The stream that carries the margin.
    money : mapping of table to Path, or to anything else where the client gave none
        The cleaned "ledger" and "contracts".
    start, end : date
        First and last day observed.
    margin_rate : float
        Contribution per unit of amount, for transactions.
    acquired_by : str
        Attribute that says how a customer was won; none where empty.

    Returns
    -------
    DataFrame of shape (n_joined, 5 + n_months)
        customer_id, joined, acquisition_cost (missing where not given), won_by (text,
        missing where not stated), observed (whole months since joining) and month_0,
        month_1, …: contribution up to so many months since joining, missing where the
        customer is not observed so long. Ordered by customer_id.

    Notes
    -----
    A purchase counts from the first whole number of months that has passed with it, on the
    day of joining 0; money in a ledger from the end of the month, or of the quarter, for
    which it is booked: not before all of it is there. Contracts contribute day by day.
    """
    engine = purchases.get_backend()
    people = _joined(engine.read_parquet(str(customers)), purchases, start, end, acquired_by)
    booked = money.get(margin_from)
    if not isinstance(booked, Path):
        cells, observed = _of_purchases(people, purchases, margin_rate, end)
    elif margin_from == "ledger":
        people, cells, observed = _of_ledger(people, engine.read_parquet(str(booked)), start, end)
    else:
        cells, observed = _of_contracts(people, engine.read_parquet(str(booked)), start, end)
    table = to_frame(people.mutate(observed=observed).order_by("customer_id"))
    table["observed"] = table["observed"].astype("int64")
    return table.join(_cumulated(table, to_frame(cells)))


def _joined(
    people: ir.Table, purchases: ir.Table, start: dt.date, end: dt.date, acquired_by: str
) -> ir.Table:
    """Who joined in the window, when, at what cost, and how won."""
    if "is_prospect" in people.columns:
        people = people.filter(~people.is_prospect.fill_null(False))
    bought = text_ids(purchases).filter(purchases.n_orders > 0)
    first = bought.group_by(buyer="customer_id").agg(first=bought.date.min())
    rows = text_ids(people).left_join(first, ibis._.customer_id == first.buyer)
    joined = rows["joined"].cast("date") if "joined" in people.columns else ibis.null("date")
    cost = rows["acquisition_cost"] if "acquisition_cost" in people.columns else ibis.null()
    rows = rows.select(
        "customer_id",
        joined=ibis.coalesce(joined, rows["first"].cast("date")),
        acquisition_cost=cost.cast("float64"),
        won_by=(rows[acquired_by] if acquired_by else ibis.null()).cast("string"),
    )
    return rows.filter(rows.joined.between(ibis.literal(start), ibis.literal(end)))


def _of_purchases(
    people: ir.Table, purchases: ir.Table, margin_rate: float, end: dt.date
) -> tuple[ir.Table, ir.Value]:
    """Money by customer and month since joining, and how long each customer is observed."""
    rows = text_ids(purchases).join(people.select("customer_id", "joined"), "customer_id")
    rows = rows.filter(rows.date.cast("date") <= ibis.literal(end))
    days = rows.date.cast("date").delta(rows.joined, unit="day")
    rows = rows.mutate(age=ibis.greatest((days / _MONTH).ceil(), 0).cast("int64"))
    cells = rows.group_by("customer_id", "age").agg(amount=rows.amount.sum())
    cells = cells.mutate(amount=cells.amount.cast("float64") * margin_rate)
    seen = ibis.literal(end).delta(people.joined, unit="day")
    return cells, (seen / _MONTH).floor().cast("int64")


def _of_ledger(
    people: ir.Table, rows: ir.Table, start: dt.date, end: dt.date
) -> tuple[ir.Table, ir.Table, ir.Value]:
    """The same from bookings, and the customers who joined when there were bookings already."""
    last = pd.Timestamp(end)
    last = last if last.is_month_end else last - pd.offsets.MonthEnd(1)
    rows = rows.filter(
        rows.month.between(ibis.literal(start.replace(day=1)), ibis.literal(last.date()))
    )
    booked = to_frame(rows.select("month").distinct().order_by("month"))["month"]
    if booked.empty:
        return people.limit(0), _nothing(rows), ibis.literal(0)
    months = (booked.dt.year * _YEAR + booked.dt.month - 1).to_list()
    step = min((b - a for a, b in pairwise(months)), default=1)
    # a booking for a quarter stands under its first month, or under its last
    later = step - 1 if step > 1 and all(month % step == 0 for month in months) else 0
    before = step - 1 - later
    final = last.year * _YEAR + last.month - 1
    final = max((m + later for m in months if m + later <= final), default=months[0] - 1)
    people = people.filter(_month_of(people.joined) >= months[0] - before)
    linked = text_ids(rows).join(people.select("customer_id", "joined"), "customer_id")
    ends = _month_of(linked.month) + later
    sign = linked.line.cases(*_SIGNS.items(), else_=0)
    linked = linked.mutate(
        age=ibis.greatest(ends - _month_of(linked.joined) + 1, 0).cast("int64"),
        money=linked.amount * sign,
    ).filter(ends <= final)
    cells = linked.group_by("customer_id", "age").agg(amount=linked.money.sum())
    observed = ibis.greatest(final - _month_of(people.joined) + 1, 0).cast("int64")
    return people, cells, observed


def _of_contracts(
    people: ir.Table, rows: ir.Table, start: dt.date, end: dt.date
) -> tuple[ir.Table, ir.Value]:
    """The same from stated margins of the months that contracts ran."""
    longest = int((end - start).days / _MONTH) + 1
    ages = ibis.memtable(pd.DataFrame({"age": range(1, longest + 1)}))
    linked = text_ids(rows).join(people.select("customer_id", "joined"), "customer_id")
    after = ibis.literal(end + dt.timedelta(days=1))
    ended = ibis.coalesce(linked.end_date.cast("date") + ibis.interval(days=1), after)
    begins = linked.start_date.cast("date").delta(linked.joined, unit="day")
    stops = ibis.least(ended.cast("date"), after).delta(linked.joined, unit="day")
    margin = linked.monthly_margin if "monthly_margin" in rows.columns else ibis.literal(0.0)
    linked = linked.select(
        "customer_id", begins=begins, stops=stops, margin=margin.cast("float64")
    ).cross_join(ages)
    until = ibis.least(linked.stops, linked.age * _MONTH)
    since = ibis.greatest(linked.begins, (linked.age - 1) * _MONTH)
    money = linked.margin * ibis.greatest(until - since, 0) / _MONTH
    cells = linked.mutate(money=money).group_by("customer_id", "age")
    seen = after.delta(people.joined, unit="day")
    return cells.agg(amount=ibis._.money.sum()), (seen / _MONTH).floor().cast("int64")


def _nothing(rows: ir.Table) -> ir.Table:
    return rows.limit(0).select("customer_id", age=ibis.literal(0), amount=rows.amount)


def _month_of(day: ir.Value) -> ir.Value:
    """Months since the year 0."""
    return day.year() * _YEAR + day.month() - 1


def _cumulated(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Contribution up to each month since joining, as far as each customer is observed."""
    ages = range(int(table["observed"].max()) + 1 if len(table) else 0)
    money = cells.pivot(index="customer_id", columns="age", values="amount")
    money = money.reindex(index=table["customer_id"], columns=ages)
    sums = money.astype(float).fillna(0.0).cumsum(axis=1).reset_index(drop=True)
    seen = table["observed"].to_numpy()[:, None] >= list(ages)
    return sums.where(seen).set_axis([f"month_{age}" for age in ages], axis=1)
