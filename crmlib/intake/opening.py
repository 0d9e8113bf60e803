"""Open the client's transactions: read, clean, settle returns, sum up, account for rows.

Answers the first question of the workbook: can these data carry the analysis?
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.errors import InputError
from crmlib.intake.cleaning import check_date_format, clean
from crmlib.intake.customers import sum_to_purchases, to_frame
from crmlib.intake.ledger import build_ledger, check_ledger
from crmlib.intake.probe import KEY, locate
from crmlib.intake.reader import connect, read_raw
from crmlib.intake.returns import settle_returns
from crmlib.params import Engagement


@dataclass(frozen=True)
class Facts:
    """What lets a reader judge in a minute whether the data carry the analysis."""

    window_start: dt.date  # observation_start, or the first purchase where it is not given
    window_end: dt.date
    first_date: dt.date  # of purchases
    last_date: dt.date
    rows: int  # used
    customers: int
    orders: int
    purchase_days: int  # customer × day with a purchase
    total_amount: float
    one_time_share: float  # of customers with one purchase day
    median_days_between_purchases: float | None  # over all repeat purchases; None without any
    days_without_purchase_share: float  # of the days in the window
    has_order_id: bool  # if not, a customer's rows of one day are one order


@dataclass(frozen=True)
class Intake:
    """The transactions, ready for analysis, with an account of every row."""

    purchases: ir.Table  # customer_id, date, amount, n_orders
    ledger: pd.DataFrame  # see ledger.build_ledger
    facts: Facts
    by_month: pd.DataFrame  # month, rows, customers, revenue; months without a row are zero


def open_transactions(engagement: Engagement) -> Intake:
    """Read and clean the engagement's transactions and sum them up to purchase days.

    Raises
    ------
    InputError
        A file that cannot be read, lacks a column, or leaves too few usable rows.
    """
    source = locate(engagement)
    settings, connection = engagement.inputs.transactions, connect()
    check_date_format(connection, settings.date_format)
    cleaned = clean(read_raw(connection, source), source, engagement)
    cleaned = connection.create_table("cleaned", cleaned)
    rows = connection.create_table("settled", settle_returns(cleaned, settings.returns))
    ledger = build_ledger(rows)
    check_ledger(ledger, source.place, engagement.customers.max_excluded_share)
    purchases = connection.create_table("purchases", sum_to_purchases(rows))
    purchases = purchases.order_by("customer_id", "date")
    facts = _facts(rows, purchases, engagement, has_order_id="order_id" in source.roles)
    _check_privacy(facts.customers, source.place, engagement.privacy.min_cell)
    _check_total(facts.total_amount, source.place, engagement.currency)
    by_month = _by_month(rows, facts)
    _forget(connection)
    return Intake(purchases, ledger, facts, by_month)


def _forget(connection: ibis.BaseBackend) -> None:
    """Free the rows: what is left is one row per customer and day."""
    connection.drop_view("raw")
    for name in ("lines", "cleaned", "settled"):
        connection.drop_table(name)


def _check_privacy(customers: int, place: str, min_cell: int) -> None:
    """Refuse a base so small that its totals would speak of single persons."""
    if customers < min_cell:
        people = "customer remains" if customers == 1 else "customers remain"
        raise InputError(
            place,
            f"{customers} {people} after cleaning; a report needs at least {min_cell}, or it would "
            "show single persons.",
            "Check the customer column, or lower `privacy.min_cell` if that is allowed.",
        )


def _check_total(total: float, place: str, currency: str) -> None:
    """Refuse a base without revenue: shares of it would have no meaning."""
    if total <= 0:
        raise InputError(
            place,
            f"its usable rows add up to {currency} {total:,.2f}; a base needs positive revenue.",
            f"Check the sign of the amounts, `{KEY}.returns` and `{KEY}.zero_amounts`.",
        )


def _facts(
    rows: ir.Table, purchases: ir.Table, engagement: Engagement, *, has_order_id: bool
) -> Facts:
    occasions = purchases.filter(purchases.n_orders > 0)
    by_customer = occasions.group_by("customer_id").agg(days=occasions.count())
    first_date, last_date = _day(occasions.date.min()), _day(occasions.date.max())
    window_start = engagement.observation_start or first_date
    days_in_window = (engagement.observation_end - window_start).days + 1
    return Facts(
        window_start=window_start,
        window_end=engagement.observation_end,
        first_date=first_date,
        last_date=last_date,
        rows=int(rows.reason.isnull().sum().execute()),
        customers=int(by_customer.count().execute()),
        orders=int(occasions.n_orders.sum().execute()),
        purchase_days=int(occasions.count().execute()),
        total_amount=float(purchases.amount.sum().execute()),
        one_time_share=float((by_customer.days == 1).mean().execute()),
        median_days_between_purchases=_median_gap(occasions),
        days_without_purchase_share=1 - int(occasions.date.nunique().execute()) / days_in_window,
        has_order_id=has_order_id,
    )


def _day(scalar: ir.DateScalar) -> dt.date:
    return pd.Timestamp(scalar.execute()).date()


def _median_gap(occasions: ir.Table) -> float | None:
    """Median days from one purchase day of a customer to the next."""
    earlier = occasions.date.lag().over(group_by="customer_id", order_by="date")
    gaps = occasions.mutate(gap=occasions.date.delta(earlier, unit="day"))
    median = gaps.gap.median().execute()
    return None if pd.isna(median) else float(median)


def _by_month(rows: ir.Table, facts: Facts) -> pd.DataFrame:
    """Rows used, customers and revenue of every month of the window."""
    used = rows.filter(rows.reason.isnull())
    sums = used.group_by(month=used.date.truncate("M")).agg(
        rows=used.count(),
        customers=used.customer_id.nunique(where=used.occasion),
        revenue=used.amount.sum(),
    )
    first = pd.Timestamp(facts.window_start).replace(day=1)
    months = pd.date_range(first, facts.window_end, freq="MS", name="month")
    return to_frame(sums).set_index("month").reindex(months, fill_value=0).reset_index()
