"""Orders and purchase days, and what a negative amount does to the purchases around it.

`exclude` drops negative rows (`cleaning`). `net_by_order` sums each order and
drops those that come to nothing. `keep` nets returns into the customer's day
and totals, but a day that was wholly returned is no purchase occasion. The
unit that is netted is the order, or customer × day where a row has no order
and under `keep`.

All rows are grouped once, with sums alone; what returns need to know is worked out for
the few units that hold a negative row.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def sum_to_units(rows: ir.Table, policy: str) -> ir.Table:
    """Rows summed to orders (policy *net_by_order*, rows with an order_id) or customer × day.

    Parameters
    ----------
    rows : ibis.Table
        customer_id, date, amount of the rows that are used so far; margin and order_id where
        the file has them.
    policy : str
        *net_by_order*, *exclude* or *keep*.

    Returns
    -------
    ibis.Table
        customer_id, order_id (only where orders are summed), date (the first; of an order
        that holds returns see `settle_returns`), amount, margin, n_rows and, where days are
        summed and rows have order numbers, n_orders.
    """
    by_order = policy == "net_by_order" and "order_id" in rows.columns
    sums = {"amount": rows.amount.sum(), "n_rows": rows.count()}
    if "margin" in rows.columns:
        sums["margin"] = rows.margin.sum()
    if by_order:
        return rows.group_by(**_unit(rows, policy)).agg(date=rows.date.min(), **sums)
    if "order_id" in rows.columns:
        bought = rows.amount >= 0
        without = (bought & rows.order_id.isnull()).any().cast("int64")
        sums["n_orders"] = rows.order_id.nunique(where=bought) + without
    return rows.group_by("customer_id", "date").agg(**sums)


def units_with_returns(rows: ir.Table, policy: str) -> ir.Table:
    """The units that hold a negative row, with what decides about them.

    Returns
    -------
    ibis.Table
        The unit's keys, amount, record (of its first row), returned (its net is not
        positive), reason (why it would be excluded), bought_on (day of its first row that
        is not negative).
    """
    keys = _unit(rows, policy)
    named = rows.mutate(**keys) if "unit_day" in keys else rows
    negative = named.filter(named.amount < 0).select(*keys).distinct()
    affected = named.inner_join(
        negative, [named[key].identical_to(negative[key]) for key in keys]
    ).select(named)
    units = affected.group_by(*keys).agg(
        amount=affected.amount.sum(),
        n_rows=affected.count(),
        record=affected.record.min(),
        bought=(affected.amount > 0).any(),
        bought_on=affected.date.min(where=affected.amount >= 0),
    )
    reason = units.bought.ifelse("order returned in full", "return without its purchase")
    return units.mutate(returned=units.amount <= 0, reason=reason)


def settle_returns(units: ir.Table, returns: ir.Table, policy: str) -> tuple[ir.Table, ir.Table]:
    """Exclude returned units and say on which day the others count.

    A unit is *returned* where it holds a negative row and its net is not
    positive. `net_by_order` excludes every returned unit; an order that stays
    counts as one occasion on the day of its first row that is not negative.
    `keep` excludes a returned day only where the customer has bought nothing
    before it in the window - its purchase lies outside the data - and leaves
    the others as days with money and without an occasion. Every customer who
    stays has therefore bought, and no money lies before the first purchase.

    Parameters
    ----------
    units : ibis.Table
        As `sum_to_units` returns it.
    returns : ibis.Table
        As `units_with_returns` returns it.
    policy : str
        *net_by_order*, *exclude* or *keep*.

    Returns
    -------
    purchases, excluded : ibis.Table
        purchases: customer_id, date, amount, margin (where there is one), n_orders and
        n_rows, one row per customer and day; excluded: the rows of `returns` that are.
    """
    if policy == "exclude":
        return _days(units), returns.filter(ibis.literal(False))
    keys = [
        key for key in ("customer_id", "order_id", "unit_day", "date") if key in returns.columns
    ]
    same = [units[key].identical_to(returns[key]) for key in keys]
    joined = units.left_join(returns.select(*keys, "returned", "bought_on"), same)
    joined = joined.mutate(returned=joined.returned.fill_null(False))
    joined = joined.drop(*(f"{key}_right" for key in keys))
    if policy == "net_by_order":
        kept = joined.filter(~joined.returned)
        if "order_id" in units.columns:
            kept = kept.mutate(date=kept.bought_on.coalesce(kept.date))
        return _days(kept), returns.filter(returns.returned)
    return _keep(joined, returns)


def _unit(rows: ir.Table, policy: str) -> dict[str, ir.Value]:
    """What names a unit: the order, or the customer's day for rows without one."""
    if policy != "net_by_order" or "order_id" not in rows.columns:
        return {"customer_id": rows.customer_id, "date": rows.date}
    return {
        "customer_id": rows.customer_id,
        "order_id": rows.order_id,
        "unit_day": rows.order_id.isnull().ifelse(rows.date, ibis.null("date")),
    }


def _days(units: ir.Table) -> ir.Table:
    """Units summed to customer × day; each order is on one day, so counting them is enough."""
    margin = ["margin"] if "margin" in units.columns else []
    if "order_id" in units.columns:
        units = units.group_by("customer_id", "date").agg(
            amount=units.amount.sum(),
            n_rows=units.n_rows.sum(),
            n_orders=units.count(),
            **{name: units[name].sum() for name in margin},
        )
    orders = units.n_orders if "n_orders" in units.columns else ibis.literal(1)
    return units.select(
        "customer_id",
        "date",
        "amount",
        *margin,
        n_orders=orders.cast("int64"),
        n_rows=units.n_rows.cast("int64"),
    )


def _keep(days: ir.Table, returns: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Returned days stay as money without an occasion, once the customer has bought."""
    returned = returns.filter(returns.returned)
    affected = days.semi_join(returned, "customer_id")
    first = affected.group_by("customer_id").agg(
        first_purchase=affected.date.min(where=~affected.returned)
    )
    dated = returned.left_join(first, "customer_id").drop("customer_id_right")
    unmatched = dated.filter(
        dated.first_purchase.isnull() | (dated.date < dated.first_purchase)
    ).drop("first_purchase")
    kept = days.anti_join(unmatched, ["customer_id", "date"])
    orders = kept.n_orders if "n_orders" in kept.columns else ibis.literal(1)
    return _days(kept.mutate(n_orders=kept.returned.ifelse(0, orders))), unmatched
