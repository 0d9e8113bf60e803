"""Exhibits and findings of 01_customers: can these data carry the analysis?"""

from __future__ import annotations

import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.client_data import verdict
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.intake import Client, Facts

_LAST_GROUP = 7  # customers with so many purchase days or more are one group


def row_ledger(ledger: pd.DataFrame, scope: Scope) -> Exhibit:
    """Every row of the client's files: used, or excluded under one reason."""
    rows = ledger.groupby("status")["rows"].sum()
    read, used = int(rows["read"]), int(rows["used"])
    shown = ledger.assign(
        rows=ledger["rows"].map(formats.count),
        share=ledger["share"].map(lambda s: formats.percent(s, 2)),
        amount=[
            "" if pd.isna(amount) else scope.money(float(amount)) for amount in ledger["amount"]
        ],
    )
    return scope.exhibit(
        id="row_ledger",
        title=f"{formats.count(used)} of {formats.count(read)} rows read are used",
        table=ledger,
        formatted=shown,
        n=read,
        population="rows",
        unit=f"rows; {scope.currency}",
        alt="Table of the rows read, excluded for each reason, and used, with their amounts.",
        note="Used and excluded rows add up to the rows read; a row is excluded for the first "
        "reason that applies. Examples are row numbers; 1 is the first row below the header."
        + (" Amounts of few customers are withheld." if _withheld(ledger) else ""),
    )


def _withheld(ledger: pd.DataFrame) -> bool:
    """Whether a table's amounts are known and some of them are not shown."""
    known = ledger.loc[ledger["amount"].notna(), "table"]
    return bool((ledger["amount"].isna() & ledger["table"].isin(known)).any())


def by_month(months: pd.DataFrame, scope: Scope) -> Exhibit:
    """Revenue and active customers by calendar month."""
    table = months[["month", "customers", "revenue"]].assign(
        share_of_revenue=months["revenue"] / months["revenue"].sum()
    )
    peak = table.loc[table["share_of_revenue"].idxmax()]
    figure, (left, right) = theme.axes(2, height=3.2)
    for ax, column, unit in ((left, "revenue", scope.currency), (right, "customers", "customers")):
        ax.plot(table["month"], table[column], color=theme.PRIMARY, marker="o", markersize=3)
        ax.set_ylim(bottom=min(0, table[column].min()))
        theme.tidy(ax, x="", y=f"{unit} per month")
        theme.thousands(ax)
        theme.few_dates(ax)
    left.set_title("Revenue", loc="left", color=theme.INK)
    right.set_title("Customers who bought", loc="left", color=theme.INK)
    return scope.exhibit(
        id="by_month",
        title=f"The busiest month, {peak['month']:%B %Y}, "
        f"brings {formats.percent(peak['share_of_revenue'])} of revenue",
        table=table,
        figure=figure,
        n=len(table),
        population="months",
        unit=f"{scope.currency} and customers per month",
        alt=f"Two lines by month: revenue, highest in {peak['month']:%B %Y} at "
        f"{scope.money(peak['revenue'])}, and customers who bought.",
        note="A gap or a step that the client cannot explain is a hole in the export.",
    )


def purchase_days(customers: pd.DataFrame, scope: Scope) -> Exhibit:
    """How many customers bought on one, two, … days, and what they bring."""
    days = (customers["frequency"] + 1).clip(upper=_LAST_GROUP).astype(int)
    groups = customers.groupby(days)["total_amount"].agg(["size", "sum"])
    groups = groups.reindex(range(1, _LAST_GROUP + 1), fill_value=0)
    table = pd.DataFrame(
        {
            "purchase_days": [str(d) for d in range(1, _LAST_GROUP)] + [f"{_LAST_GROUP}+"],
            "customers": groups["size"].to_numpy(),
            "share_of_customers": (groups["size"] / len(customers)).to_numpy(),
            "share_of_revenue": (groups["sum"] / customers["total_amount"].sum()).to_numpy(),
        }
    )
    figure, ax = theme.axes(height=3.4)
    theme.paired_bars(
        ax,
        table["purchase_days"],
        {
            "share of customers": (table["share_of_customers"], theme.REFERENCE),
            "share of revenue": (table["share_of_revenue"], theme.PRIMARY),
        },
    )
    theme.tidy(ax, x="days with a purchase", y="share")
    theme.percent(ax)
    ax.set_ylim(top=1.25 * table[["share_of_customers", "share_of_revenue"]].to_numpy().max())
    once, often = table.iloc[0], table.iloc[-1]
    return scope.exhibit(
        id="purchase_days",
        title=f"{formats.percent(once['share_of_customers'])} of customers bought on one day only",
        table=table,
        figure=figure,
        n=len(customers),
        unit="share of customers and of revenue",
        alt=f"Bars by number of purchase days: one day holds "
        f"{formats.percent(once['share_of_customers'])} of customers and "
        f"{formats.percent(once['share_of_revenue'])} of revenue; {_LAST_GROUP} or more days hold "
        f"{formats.percent(often['share_of_customers'])} and "
        f"{formats.percent(often['share_of_revenue'])}.",
        note="Who bought once leaves one observation: models borrow strength from the others.",
    )


def customer_view(facts: Facts, scope: Scope) -> Exhibit:
    """The base in one table: what one row per customer rests on."""
    per_customer = facts.total_amount / facts.customers
    gap = facts.days_between_purchases
    orders = "orders" if facts.has_order_id else "orders (a customer's rows of one day are one)"
    table = pd.DataFrame(
        [
            ("customers", facts.customers, formats.count(facts.customers)),
            (orders, facts.orders, formats.count(facts.orders)),
            (
                "customer-days with a purchase",
                facts.purchase_days,
                formats.count(facts.purchase_days),
            ),
            ("revenue", facts.total_amount, scope.money(facts.total_amount)),
            ("revenue per customer", per_customer, scope.money(per_customer)),
            (
                "days between purchases of a repeat buyer, median",
                gap,
                "none" if gap is None else f"{gap:.0f}",
            ),
            (
                "share of days without any purchase",
                facts.days_without_purchase_share,
                formats.percent(facts.days_without_purchase_share, 1),
            ),
        ],
        columns=["fact", "value", "shown"],
    ).astype({"value": float})
    return scope.exhibit(
        id="customer_view",
        title=f"{formats.count(facts.customers)} customers bring "
        f"{scope.money(facts.total_amount)}, {scope.money(per_customer)} each",
        table=table[["fact", "value"]],
        formatted=table[["fact", "shown"]].rename(columns={"shown": "value"}),
        n=facts.customers,
        unit=f"as named; money in {scope.currency}",
        alt="Table of customers, orders, revenue, and the gaps between purchases.",
        note="A customer counts from the first purchase in this export: who bought before it "
        "looks new in it.",
    )


def findings(client: Client, customers: pd.DataFrame, scope: Scope) -> list[Finding]:
    """What 01_customers says to the summary; all are counts of the observed base."""
    ledger = client.ledger
    rows = ledger[ledger["table"] == "transactions"].groupby("status")["rows"].sum()
    once = float((customers["frequency"] == 0).mean())
    total = float(customers["total_amount"].sum())
    weak = sum(check.verdict == "weak" for check in client.checks)
    return [
        Finding(
            id="data_verdict",
            kind="census",
            sentence=f"{verdict(client.checks)}.",
            value=float(weak),
            unit="weak points of the data",
            exhibit="data_checks",
        ),
        Finding(
            id="rows_used",
            kind="census",
            sentence=_rows_used(rows["used"], rows["read"]),
            value=float(rows["used"] / rows["read"]),
            unit="share of rows",
            exhibit="row_ledger",
        ),
        Finding(
            id="revenue_observed",
            kind="census",
            sentence=f"{formats.count(len(customers))} customers spent {scope.money(total)} "
            f"from {scope.period}.",
            value=total,
            unit=scope.currency,
            exhibit="customer_view",
        ),
        Finding(
            id="one_time_share",
            kind="census",
            sentence=f"{formats.percent(once)} of customers bought on one day only.",
            value=once,
            unit="share of customers",
            exhibit="purchase_days",
        ),
    ]


def _rows_used(used: int, read: int) -> str:
    if used == read:
        return f"All {formats.count(read)} rows are used."
    return (
        f"{formats.count(used)} of {formats.count(read)} rows are used; every other row stands in "
        "the ledger under one reason."
    )
