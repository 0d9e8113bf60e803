"""What each customer brought in two periods of equal length, side by side (V10).

From the client's ledger where there is one: contribution by quarter, the last four quarters
against the four before. Else from purchases: the last twelve months against the twelve
before. Where the observed time is shorter, both periods are. Contracts say who came during
the first period and who had left by the end of the second. All sums are done in the engine;
what comes to pandas is one row per customer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.intake.customers import to_frame
from crmlib.intake.reading.reader import connect

MOST_PARTS = 4  # quarters of a year
MONTHS = 3  # of a part, and the least that a period may last
YEAR = 12
PERIODS_BESIDE_A_RUN_IN = 3  # parts of a short time of purchases: run-in, first, second
_NAMES = ("first", "second")


@dataclass(frozen=True)
class TwoPeriods:
    """Customers and what they brought in two periods.

    Attributes
    ----------
    table : DataFrame
        customer_id, one row per customer who is in the data at all, ordered by it; then,
        from a ledger, first_1 … first_k and second_1 … second_k (contribution by quarter:
        revenue less cost to serve and risk cost), or purchases_1, value_1, purchases_2,
        value_2. Where it is known: joining (came after period 1 began) and leaving (had
        left by the end of period 2). Without columns of value the time is too short.
    start, middle, end : date
        First day of period 1, first day of period 2, last day of period 2.
    months : int
        Length of each period.
    tables : tuple of str
        The client's tables that this rests on, the one with the money first.
    by_month : DataFrame, optional
        Of purchases: month (its first day), customers, revenue, first and second (bool:
        whether the month lies in that period), every month observed.
    """

    table: pd.DataFrame
    start: dt.date
    middle: dt.date
    end: dt.date
    months: int
    tables: tuple[str, ...]
    by_month: pd.DataFrame | None = None

    @property
    def same_months(self) -> bool:
        """Whether both periods hold the same months of the year, and so the same season."""
        return self.months == YEAR


def two_periods(
    ledger: object,
    contracts: object,
    purchases: ir.Table,
    start: dt.date,
    end: dt.date,
    margin_rate: float,
) -> TwoPeriods:
    """What customers brought in two periods, from the best source that the client gave.

    Parameters
    ----------
    ledger, contracts : Path, or anything else where the client gave none
        Cleaned tables of an earlier chapter.
    purchases : ibis.Table
        customer_id, date, amount, n_orders.
    start, end : date
        First and last day observed.
    margin_rate : float
        Contribution per unit of the amount of a purchase.
    """
    if isinstance(ledger, Path):
        found = from_ledger(ledger, start, end)
    else:
        found = from_purchases(purchases, start, end, margin_rate)
    return with_contracts(found, contracts) if isinstance(contracts, Path) else found


def from_ledger(path: Path, start: dt.date, end: dt.date) -> TwoPeriods:
    """Contribution by quarter, counted backwards from the last whole month.

    A ledger of less than two years gives two halves of as many whole quarters as it holds.
    """
    rows = connect().read_parquet(str(path))
    last = _last_whole_month(end)
    first_day = ibis.literal(start.replace(day=1))
    rows = rows.filter(rows.month.between(first_day, ibis.literal(last.date())))
    booked = to_frame(rows.select("month").distinct().order_by("month"))["month"]
    if booked.empty:
        return _of_months(pd.DataFrame({"customer_id": []}), last, 0, ("ledger",))
    months = pd.PeriodIndex(booked, freq="M").asi8
    # a booking by the quarter stands for months before or behind it that have none
    silent = min(int(min(months[1:] - months[:-1], default=1)), MONTHS) - 1
    final = min(pd.Period(last, "M"), pd.Period(booked.iloc[-1], "M") + silent)
    earliest = max(pd.Period(start, "M"), pd.Period(booked.iloc[0], "M") - silent)
    months = final.ordinal - earliest.ordinal + 1
    parts = min(MOST_PARTS, months // (2 * MONTHS))
    place = (
        final.year * YEAR + final.month - rows.month.year() * YEAR - rows.month.month()
    ) // MONTHS
    signed = (rows.line == "revenue").ifelse(rows.amount, -rows.amount)
    signed = (rows.line == "marketing").ifelse(0, signed)
    sums = {
        f"{name}_{at + 1}": signed.sum(where=place == later + parts - 1 - at).fill_null(0)
        for name, later in zip(_NAMES, (parts, 0), strict=True)
        for at in range(parts)
    }
    by_customer = rows.group_by("customer_id").agg(n_rows=rows.count(), **sums)
    table = to_frame(by_customer.drop("n_rows").order_by("customer_id"))
    return _of_months(table, final.to_timestamp(how="end").normalize(), MONTHS * parts, ("ledger",))


def from_purchases(
    purchases: ir.Table, start: dt.date, end: dt.date, margin_rate: float
) -> TwoPeriods:
    """Purchases and what they contribute, in two periods that end with the last whole month.

    Of less than two years the last two thirds are compared, in whole months: a client's data
    may begin when its customers do, and then the first third says who was there before.
    `joining` is told by a first purchase in period 1 where at least a quarter is observed
    before it; else it is not known.
    """
    begins, last = pd.Timestamp(start), _last_whole_month(end)
    months = YEAR
    if _before(last, 2 * YEAR) < begins:
        whole = last.to_period("M").ordinal - (begins - pd.Timedelta(days=1)).to_period("M").ordinal
        months = whole // PERIODS_BESIDE_A_RUN_IN
        months = months if months >= MONTHS else 0
    found = _of_months(pd.DataFrame(), last, months, ("transactions",))
    bounds = [ibis.literal(day) for day in (found.start, found.middle, found.end)]
    inside = [
        (purchases.date >= bounds[0]) & (purchases.date < bounds[1]),
        (purchases.date >= bounds[1]) & (purchases.date <= bounds[2]),
    ]
    bought = purchases.n_orders > 0
    sums = {"first_date": purchases.date.min(where=bought)}
    for number, period in enumerate(inside, start=1):
        sums[f"purchases_{number}"] = (bought & period).sum()
        sums[f"value_{number}"] = purchases.amount.sum(where=period).fill_null(0)
    table = to_frame(purchases.group_by("customer_id").agg(**sums).order_by("customer_id"))
    came = (table.pop("first_date") >= pd.Timestamp(found.start)).to_numpy()
    if not months:
        return replace(found, table=table[["customer_id"]])
    table[["value_1", "value_2"]] *= margin_rate
    if _before(pd.Timestamp(found.start) - pd.Timedelta(days=1), MONTHS) >= begins:
        table["joining"] = came
    return replace(found, table=table, by_month=_by_month(purchases, found))


def _by_month(purchases: ir.Table, found: TwoPeriods) -> pd.DataFrame:
    """Customers and revenue of every month with a row, and in which period it lies."""
    bought = purchases.n_orders > 0
    sums = purchases.group_by(month=purchases.date.truncate("M")).agg(
        customers=purchases.customer_id.nunique(where=bought), revenue=purchases.amount.sum()
    )
    table = to_frame(sums.order_by("month"))
    first = table["month"].between(pd.Timestamp(found.start), pd.Timestamp(found.end))
    second = table["month"].between(pd.Timestamp(found.middle), pd.Timestamp(found.end))
    return table.assign(first=first & ~second, second=second)


def with_contracts(found: TwoPeriods, path: Path) -> TwoPeriods:
    """Who came and who left, by the first contract's start and the last one's end.

    Who has no contract in the table is taken to be there throughout.
    """
    rows = connect().read_parquet(str(path))
    rows = rows.filter(rows.start_date <= ibis.literal(found.end))
    ends = rows.end_date.notnull() & (rows.end_date <= ibis.literal(found.end))
    spans = rows.group_by("customer_id").agg(first=rows.start_date.min(), all_ended=ends.all())
    spans = to_frame(spans).set_index("customer_id").reindex(found.table["customer_id"])
    joining = (spans["first"] >= pd.Timestamp(found.start)).to_numpy()
    leaving = (spans["all_ended"] == True).to_numpy()  # noqa: E712  (who has none is not False)
    table = found.table.assign(joining=joining, leaving=leaving)
    return replace(found, table=table, tables=(*found.tables, "contracts"))


def _of_months(
    table: pd.DataFrame, last: pd.Timestamp, months: int, tables: tuple[str, ...]
) -> TwoPeriods:
    """Two periods of so many months that end with a day."""
    start, middle = _before(last, 2 * months), _before(last, months)
    return TwoPeriods(table, start.date(), middle.date(), last.date(), months, tables)


def _last_whole_month(end: dt.date) -> pd.Timestamp:
    """The last day of the last month that is observed to its end."""
    last = pd.Timestamp(end)
    return last if last.is_month_end else last - pd.offsets.MonthEnd(1)


def _before(last: pd.Timestamp, months: int) -> pd.Timestamp:
    """The first of so many months' days that end with a day."""
    return last + pd.Timedelta(days=1) - pd.DateOffset(months=months)
