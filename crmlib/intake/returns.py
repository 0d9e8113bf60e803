"""Purchase days, and what a negative amount does to the purchases around it.

`exclude` drops negative rows (`cleaning`). `net_by_order` sums each order and
drops those that come to nothing. `keep` nets returns into the customer's day
and totals, but a day that was wholly returned is no purchase occasion. The
unit that is netted is the order, or customer × day where a row has no order
and under `keep`.

Units that hold a negative row are few: what becomes of them is worked out first, so that
all other rows are grouped once, with sums alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

_ORDER = ("customer_id", "order_id", "unit_day")  # what names an order, see `_unit`


def returned_units(rows: ir.Table, policy: str) -> ir.Table:
    """The units that are excluded because they were returned.

    A unit is *returned* where it holds a negative row and its net is not
    positive. `net_by_order` excludes every returned unit. `keep` excludes a
    returned day only where the customer has bought nothing before it in the
    window - its purchase lies outside the data. Every customer who stays has
    therefore bought, and no money lies before the first purchase.

    Parameters
    ----------
    rows : ibis.Table
        record, customer_id, date, amount of the rows that are used so far; order_id where
        the file has it.
    policy : str
        *net_by_order*, *exclude* or *keep*.

    Returns
    -------
    ibis.Table
        What names the unit (see `_unit`), amount, n_rows, record (of its first row), reason.
    """
    keys = _unit(rows, policy)
    named = rows.mutate(**keys)
    negative = named.filter(named.amount < 0).select(*keys).distinct()
    within = named.semi_join(negative, _same(named, negative, keys))
    units = within.group_by(*keys).agg(
        amount=within.amount.sum(),
        n_rows=within.count(),
        record=within.record.min(),
        bought=(within.amount > 0).any(),
    )
    returned = units.filter(units.amount <= 0)
    if policy == "keep":
        returned = _before_any_purchase(rows, returned)
    reason = returned.bought.ifelse("order returned in full", "return without its purchase")
    return returned.mutate(reason=reason).drop("bought")


def sum_to_purchases(rows: ir.Table, excluded: ir.Table, policy: str) -> ir.Table:
    """Rows summed to customer × day, without the excluded units.

    An order counts as one occasion on the day of its first row that is not negative.
    Under `keep` a wholly returned day has money and no occasion.

    Parameters
    ----------
    rows : ibis.Table
        As for `returned_units`; with margin where the file has it.
    excluded : ibis.Table
        As `returned_units` returns it.
    policy : str
        *net_by_order*, *exclude* or *keep*.

    Returns
    -------
    ibis.Table
        customer_id, date, amount, n_rows, margin (where rows have it) and n_orders (rows
        without an order_id make one order per day), in no order.
    """
    rows = _settled(rows, excluded, policy)
    if _by_order(rows, policy):
        rows = _sum_to_orders(rows)
    sums = {name: rows[name].sum() for name in ("amount", "margin") if name in rows.columns}
    summed_before = "n_rows" in rows.columns
    sums["n_rows"] = rows.n_rows.sum().cast("int64") if summed_before else rows.count()
    days = rows.group_by("customer_id", "date").agg(**sums, n_orders=_orders(rows, policy))
    return days.relocate("n_orders", after="amount")


def sum_to_parts(rows: ir.Table, excluded: ir.Table, policy: str, parts: Sequence[str]) -> ir.Table:
    """The same rows on the same days as in `sum_to_purchases`, summed by product and channel.

    Parameters
    ----------
    rows, excluded, policy
        As for `sum_to_purchases`; rows with the columns `parts`.
    parts : sequence of str
        Columns that say of what, or where, a row was bought; empty cells are a part without
        a name, so that the parts of a day always add up to its amount.

    Returns
    -------
    ibis.Table
        customer_id, date, the parts, amount (negative where more came back than was bought),
        in no order.
    """
    rows = _settled(rows, excluded, policy)
    if _by_order(rows, policy):
        rows = _on_order_days(rows)
    return rows.group_by("customer_id", "date", *parts).agg(amount=rows.amount.sum())


def _settled(rows: ir.Table, excluded: ir.Table, policy: str) -> ir.Table:
    """Rows without the excluded units; where units can be excluded, with what names them."""
    if policy == "exclude":
        return rows
    keys = _unit(rows, policy)
    named = rows.mutate(**keys)
    return named.anti_join(excluded, _same(named, excluded, keys))


def _by_order(rows: ir.Table, policy: str) -> bool:
    """Whether orders are netted, and not days."""
    return policy == "net_by_order" and "order_id" in rows.columns


def _unit(rows: ir.Table, policy: str) -> dict[str, ir.Value]:
    """What names a unit: the order, or the customer's day for rows without one."""
    if not _by_order(rows, policy):
        return {"customer_id": rows.customer_id, "date": rows.date}
    return {
        "customer_id": rows.customer_id,
        "order_id": rows.order_id,
        "unit_day": rows.order_id.isnull().ifelse(rows.date, ibis.null("date")),
    }


def _same(left: ir.Table, right: ir.Table, keys: dict[str, ir.Value]) -> list[ir.BooleanValue]:
    """Rows of the same unit; a missing order number equals a missing one."""
    return [left[key].identical_to(right[key]) for key in keys]


def _before_any_purchase(rows: ir.Table, returned: ir.Table) -> ir.Table:
    """Returned days on which the customer had not bought yet."""
    affected = rows.semi_join(returned, "customer_id")
    bought = affected.anti_join(returned, ["customer_id", "date"])
    first = bought.group_by("customer_id").agg(first_purchase=bought.date.min())
    dated = returned.left_join(first, "customer_id").drop("customer_id_right")
    early = dated.first_purchase.isnull() | (dated.date < dated.first_purchase)
    return dated.filter(early).drop("first_purchase")


def _sum_to_orders(rows: ir.Table) -> ir.Table:
    """One row per order, or per customer and day for rows without one."""
    sums = {name: rows[name].sum() for name in ("amount", "margin") if name in rows.columns}
    return rows.group_by(*_ORDER).agg(date=_order_day(rows), n_rows=rows.count(), **sums)


def _order_day(rows: ir.Table) -> ir.DateValue:
    """The day of an order: that of its first row that is not negative."""
    return rows.date.min(where=rows.amount >= 0)


def _on_order_days(rows: ir.Table) -> ir.Table:
    """The same rows, each on the day of its order."""
    # few orders have rows of several days: only theirs are looked up
    spread = rows.group_by(*_ORDER).having(rows.date.min() != rows.date.max())
    moved = spread.agg(order_day=_order_day(rows))
    keys = {key: rows[key] for key in _ORDER}
    joined = rows.left_join(moved, _same(rows, moved, keys))
    return joined.mutate(date=joined.order_day.coalesce(joined.date))


def _orders(rows: ir.Table, policy: str) -> ir.IntegerValue:
    """How many orders a customer placed on a day; none where the day was wholly returned."""
    if "n_rows" in rows.columns:  # summed to orders before
        return rows.count()
    orders = ibis.literal(1, "int64")
    if "order_id" in rows.columns:
        bought = rows.amount >= 0
        without = (bought & rows.order_id.isnull()).any().cast("int64")
        orders = rows.order_id.nunique(where=bought) + without
    if policy == "keep":
        returned = (rows.amount < 0).any() & (rows.amount.sum() <= 0)
        orders = returned.ifelse(0, orders)
    return orders
