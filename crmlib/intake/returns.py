"""What a negative amount does to the purchases around it.

`exclude` drops negative rows (`cleaning`). `net_by_order` sums each order and
drops those that come to nothing. `keep` nets returns into the customer's day
and totals, but a day that was wholly returned is no purchase occasion. The
unit that is netted is the order, or customer × day where a row has no order
and under `keep`.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def settle_returns(rows: ir.Table, policy: str) -> ir.Table:
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
    rows : ibis.Table
        As `cleaning.clean` returns it.
    policy : str
        *net_by_order*, *exclude* or *keep*.

    Returns
    -------
    ibis.Table
        The same rows, with `reason` completed, `date` the day on which the row
        counts, and `occasion` false on days that were wholly returned.
    """
    live = rows.reason.isnull()
    if policy == "exclude":
        return rows.mutate(occasion=live)
    by_order = policy == "net_by_order"
    unit = [live, rows.customer_id]
    unit += (
        [rows.order_id, rows.order_id.isnull().ifelse(rows.date, ibis.null("date"))]
        if by_order
        else [rows.date]
    )
    within = ibis.window(group_by=unit)
    negative = (rows.amount < 0).any().over(within)
    returned = live & negative & (rows.amount.sum().over(within) <= 0)
    netted = rows.mutate(
        returned=returned,
        bought=(rows.amount > 0).any().over(within),
        unit_day=rows.date.min(where=rows.amount >= 0).over(within),
    )
    return _exclude_orders(netted) if by_order else _exclude_unmatched_days(netted)


def _exclude_orders(rows: ir.Table) -> ir.Table:
    live = rows.reason.isnull()
    return rows.mutate(
        reason=rows.returned.ifelse(_reason(rows), rows.reason),
        date=(live & ~rows.returned).ifelse(rows.unit_day, rows.date),
        occasion=live & ~rows.returned,
    ).drop("returned", "bought", "unit_day")


def _exclude_unmatched_days(rows: ir.Table) -> ir.Table:
    live = rows.reason.isnull()
    customer = ibis.window(group_by=[live, rows.customer_id])
    first_purchase = rows.date.min(where=~rows.returned).over(customer)
    unmatched = rows.returned & (first_purchase.isnull() | (rows.date < first_purchase))
    return rows.mutate(
        reason=unmatched.ifelse(_reason(rows), rows.reason),
        occasion=live & ~rows.returned,
    ).drop("returned", "bought", "unit_day")


def _reason(rows: ir.Table) -> ir.StringValue:
    return rows.bought.ifelse("order returned in full", "return without its purchase")
