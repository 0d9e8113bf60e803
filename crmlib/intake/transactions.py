"""Open the client's transactions: clean, settle returns, sum up, account for every row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.errors import InputError
from crmlib.intake.calendar import Calendar
from crmlib.intake.checks import Facts
from crmlib.intake.cleaning import apply_policies, clean, repeated_rows
from crmlib.intake.customers import summarise, text_ids, to_frame
from crmlib.intake.identities import NOBODY, Identities
from crmlib.intake.ledger import (
    Count,
    build_ledger,
    check_ledger,
    count_by_reason,
    count_units,
    find_rows,
)
from crmlib.intake.parts import kept_columns
from crmlib.intake.reading.probe import Source, locate
from crmlib.intake.reading.reader import connect, forget, querying, read_raw
from crmlib.intake.refused import refused_rows
from crmlib.intake.returns import returned_units, sum_to_parts, sum_to_purchases
from crmlib.intake.values import dates
from crmlib.intake.values.cells import how_to_read
from crmlib.params import Engagement


@dataclass(frozen=True)
class Intake:
    """The transactions, ready for analysis, with an account of every row."""

    purchases: ir.Table  # customer_id, date, amount, margin, n_orders; in no order
    customers: ir.Table  # see customers.summarise, until the end of observation
    ledger: pd.DataFrame  # see ledger.build_ledger
    facts: Facts
    by_month: pd.DataFrame  # month, rows, customers, revenue; months without a row are zero
    by_day: pd.DataFrame  # date, revenue; days with a row
    by_year: pd.DataFrame  # year, customers, revenue; years with a row
    notes: tuple[str, ...] = ()  # how the file was read, as sentences
    refused: pd.DataFrame | None = None  # see refused.refused_rows; only where asked for
    parts: ir.Table | None = None  # see returns.sum_to_parts; None where nothing asks for them

    def ordered(self) -> ir.Table:
        """The purchases with ids as text, by customer and day, as they are kept."""
        return text_ids(self.purchases).order_by("customer_id", "date")

    def kept_parts(self) -> dict[str, ir.Table]:
        """The purchases by product and channel, by the name under which a version keeps them."""
        if self.parts is None:
            return {}
        ids = text_ids(self.parts)
        keys = [name for name in ids.columns if name != "amount"]
        return {"purchase_parts": ids.select(*keys, "amount").order_by(*keys)}


def open_transactions(
    engagement: Engagement,
    connection: ibis.BaseBackend | None = None,
    identities: Identities = NOBODY,
    *,
    as_base: bool = True,
) -> Intake:
    """Read and clean the engagement's transactions and sum them up to purchase days.

    Parameters
    ----------
    engagement : Engagement
        Inputs, window and policies.
    connection : ibis backend, optional
        Where to work; a new one if not given.
    identities : Identities, optional
        Who is merged with whom.
    as_base : bool
        Whether the rows are to stand for a client's business. If not, any number of them
        will do, and each that is refused is named.

    Raises
    ------
    InputError
        A file that cannot be read, lacks a column, or leaves too few usable rows.
    """
    source = locate(engagement)
    connection = connection or connect()
    raw = read_raw(connection, source)
    with querying(source):
        sorted_rows = sort_rows(connection, raw, source, engagement, identities)
        policy = engagement.inputs.transactions.returns
        columns = kept_columns(engagement, source)
        purchases, excluded, parts = _settle(connection, sorted_rows.rows, policy, columns)
        ledger = _ledger(raw, sorted_rows, purchases, excluded, source)
        rows = sorted_rows.rows
        refused = None if as_base else refused_rows(raw, rows, source, units=excluded)
    forget(connection, source)
    connection.drop_table("transactions_typed")
    notes = (*source.notes, *sorted_rows.notes)
    if not as_base:
        summed = _summed(connection, purchases, ledger, notes, source, engagement)
        return replace(summed, refused=refused, parts=parts)
    limits = engagement.customers
    check_ledger(ledger, source.place, limits.max_excluded_share, limits.max_excluded_by_reason)
    summed = _summed(connection, purchases, ledger, notes, source, engagement)
    _check_privacy(summed.facts.customers, source.place, engagement.privacy.min_cell)
    _check_total(summed.facts.total_amount, source, engagement.currency)
    return replace(summed, parts=parts)


@dataclass(frozen=True)
class SortedRows:
    """Every row with its reason, returns not yet settled."""

    typed: ir.Table  # see cleaning.clean
    rows: ir.Table  # the same, with reasons of duplicates and policies, identities merged
    notes: tuple[str, ...]  # how the cells were read


def sort_rows(
    connection: ibis.BaseBackend,
    raw: ir.Table,
    source: Source,
    engagement: Engagement,
    identities: Identities = NOBODY,
) -> SortedRows:
    """Type every row and give each excluded one its reason.

    Raises
    ------
    InputError
        A format or time zone that no engine knows, or cells that allow two readings.
    """
    settings = engagement.inputs.transactions
    if engagement.time_zone is not None:
        dates.check_time_zone(engagement.time_zone)
    if settings.date_format != "auto":
        dates.check_date_format(connection, settings.date_format, source.key)
    reading = how_to_read(raw, source, engagement)
    typed = connection.create_table("transactions_typed", clean(raw, source, engagement, reading))
    repeated = None
    if settings.duplicates != "keep":
        found = repeated_rows(raw, typed, source, settings.duplicates)
        repeated = connection.create_table("transactions_repeated", found)
    rows = identities.apply(apply_policies(typed, repeated, settings))
    return SortedRows(typed, rows, reading.notes)


def _summed(
    connection: ibis.BaseBackend,
    purchases: ir.Table,
    ledger: pd.DataFrame,
    notes: tuple[str, ...],
    source: Source,
    engagement: Engagement,
) -> Intake:
    """Purchases summed up to days and customers, with what a reader must know."""
    days = connection.create_table("days_summed", _by_day(purchases))
    until, unit = engagement.observation_end, engagement.days_per_unit
    first = _only_row(days.aggregate(first=days.date.min()))["first"]
    start = engagement.observation_start or first or until
    calendar = Calendar(start, until)
    summed = summarise(purchases, until=until, days_per_unit=unit, also=calendar.flags(purchases))
    customers = connection.create_table("customers_summed", summed)
    facts = _facts(days, customers, start, until, source)
    return Intake(
        purchases.drop("n_rows"),
        customers.drop("n_rows", *calendar.columns),
        ledger,
        facts,
        calendar.by_month(days, customers),
        to_frame(days.select("date", "revenue").order_by("date")),
        calendar.by_year(days, customers),
        notes,
    )


def _by_day(purchases: ir.Table) -> ir.Table:
    """One row for each day with a row that is used."""
    return purchases.group_by("date").agg(
        rows=purchases.n_rows.sum().cast("int64"),
        revenue=purchases.amount.sum(),
        least=purchases.amount.min(),
        most=purchases.amount.max(),
        bought=(purchases.n_orders > 0).any(),
    )


def _settle(
    connection: ibis.BaseBackend, rows: ir.Table, policy: str, columns: Sequence[str]
) -> tuple[ir.Table, ir.Table, ir.Table | None]:
    """Purchase days, excluded units and, by these columns, parts, each worked out once."""
    live = rows.filter(rows.reason.isnull()).drop("digest", "reason")
    excluded = connection.create_table("units_excluded", returned_units(live, policy))
    summed = sum_to_purchases(live, excluded, policy)
    purchases, parts = connection.create_table("purchases_summed", summed), None
    if columns:
        apart = sum_to_parts(live, excluded, policy, columns)
        parts = connection.create_table("purchase_parts", apart)
    return purchases, excluded, parts


def _ledger(
    raw: ir.Table,
    every: SortedRows,
    purchases: ir.Table,
    excluded: ir.Table,
    source: Source,
) -> pd.DataFrame:
    """What was read, counted in the raw table; what is used, counted in the purchases."""
    typed, rows = every.typed, every.rows
    counts = count_by_reason(rows.filter(rows.reason.notnull()), "amount")
    total = Count.of(typed.aggregate(rows=typed.count(), amount=typed.amount.sum()))
    counts |= count_units(excluded)
    used = Count.of(purchases.aggregate(rows=purchases.n_rows.sum(), amount=purchases.amount.sum()))
    read = Count(int(raw.count().execute()), amount=total.amount)
    places = find_rows(raw, source, list(counts.values()))
    return build_ledger(source.table, read, counts, used, places)


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


def _check_total(total: float, source: Source, currency: str) -> None:
    """Refuse a base without revenue: shares of it would have no meaning."""
    if total <= 0:
        raise InputError(
            source.place,
            f"its usable rows add up to {currency} {total:,.2f}; a base needs positive revenue.",
            f"Check the sign of the amounts, `{source.key}.returns` and "
            f"`{source.key}.zero_amounts`.",
        )


def _facts(
    by_day: ir.Table, customers: ir.Table, start: dt.date, end: dt.date, source: Source
) -> Facts:
    """The base in numbers, from sums over customers and over days, observed from start to end."""
    repeated = customers.frequency > 0
    days_from_first_to_last = customers.last_date.delta(customers.first_date, unit="day")
    gap = days_from_first_to_last / customers.frequency.nullif(0)
    found = _only_row(
        customers.aggregate(
            customers=customers.count(),
            purchase_days=(customers.frequency + 1).sum(),
            orders=customers.n_transactions.sum(),
            rows=customers.n_rows.sum(),
            most_rows=customers.n_rows.max(),
            repeat_customers=repeated.sum(),
            gap=gap.median(),
            first=customers.first_date.min(),
            last=customers.last_date.max(),
        )
    )
    money = _only_row(
        by_day.aggregate(
            total=by_day.revenue.sum(),
            least=by_day.least.min(),
            most=by_day.most.max(),
            days=by_day.bought.sum(),
        )
    )
    window = (end - start).days + 1
    return Facts(
        window_start=start,
        window_end=end,
        first_date=found["first"] or start,
        last_date=found["last"] or start,
        rows=int(found["rows"] or 0),
        customers=found["customers"],
        orders=int(found["orders"] or 0),
        purchase_days=int(found["purchase_days"] or 0),
        total_amount=float(money["total"] or 0),
        one_time_share=1 - (found["repeat_customers"] or 0) / max(found["customers"], 1),
        repeat_customers=int(found["repeat_customers"] or 0),
        days_between_purchases=found["gap"],
        days_without_purchase_share=1 - (money["days"] or 0) / window,
        largest_customer_share_of_rows=(found["most_rows"] or 0) / max(found["rows"] or 0, 1),
        all_amounts_equal=money["least"] == money["most"],
        has_order_id="order_id" in source.roles,
        has_margin="margin" in source.roles,
        new_customers=_new_customers(customers),
    )


def _only_row(table: ir.Table) -> dict[str, Any]:
    return table.to_pyarrow().to_pylist()[0]


def _new_customers(customers: ir.Table) -> pd.Series:
    """Customers by month of their first purchase."""
    months = customers.group_by(month=customers.first_date.truncate("M")).agg(new=customers.count())
    return to_frame(months).set_index("month")["new"].sort_index()
