"""Exhibits and findings of 01_customers: can these data carry the analysis?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.client_data import verdict
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.intake import Client, Facts
from crmlib.value.shown import (
    FrequencyGroups,
    count_frequencies,
    frequency_groups,
    withheld_months,
)

_LAST_GROUP = 7  # customers with so many purchase days or more are one group at most


def row_ledger(ledger: pd.DataFrame, scope: Scope) -> Exhibit:
    """Every row of the client's files: used, or excluded under one reason."""
    table = _with_all_tables(ledger)
    rows = table.drop_duplicates("status", keep="last").set_index("status")["rows"]
    read, used = int(rows["read"]), int(rows["used"])
    shown = table.assign(
        rows=table["rows"].map(formats.count),
        share=table["share"].map(lambda s: formats.percent(s, 2)),
        amount=[
            "" if pd.isna(amount) else scope.money(float(amount)) for amount in table["amount"]
        ],
    )
    return scope.exhibit(
        id="row_ledger",
        title=f"{formats.count(used)} of {formats.count(read)} rows read are used",
        table=table,
        formatted=shown,
        n=read,
        population="rows",
        unit=f"rows; {scope.currency}",
        alt="Table of the rows read, excluded for each reason, and used, with their amounts.",
        note="Used and excluded rows add up to the rows read; a row is excluded for the first "
        "reason that applies. Examples are row numbers; 1 is the first row below the header."
        + (" Amounts of few customers are withheld." if _withheld(ledger) else ""),
    )


def _with_all_tables(ledger: pd.DataFrame) -> pd.DataFrame:
    """The ledger, and behind several tables the rows of all of them, without their amounts."""
    if ledger["table"].nunique() == 1:
        return ledger
    sums = ledger.groupby("status")["rows"].sum().reindex(["read", "used"])
    share = sums / sums["read"] if sums["read"] else float("nan")
    total = pd.DataFrame({"table": "all tables", "status": sums.index, "rows": sums.to_numpy()})
    total = total.assign(share=np.asarray(share))
    return pd.concat([ledger, total.reindex(columns=ledger.columns)], ignore_index=True)


def _withheld(ledger: pd.DataFrame) -> bool:
    """Whether a table's amounts are known and some of them are not shown."""
    known = ledger.loc[ledger["amount"].notna(), "table"]
    return bool((ledger["amount"].isna() & ledger["table"].isin(known)).any())


def by_month(months: pd.DataFrame | None, n: int, scope: Scope) -> Exhibit | None:
    """Revenue and active customers by calendar month; withheld months are gaps."""
    if months is None:
        return None
    money = scope.column(scope.amount_word)
    share = f"share_of_{money}"
    found = withheld_months(months, n, scope.end, scope.min_cell)
    table = months[["month", "customers", "revenue"]].rename(columns={"revenue": money})
    table[share] = table[money] / table[money].sum()
    if found.withheld.any():
        for figure in table.columns.drop("month"):
            table[figure] = table[figure].astype(float).mask(found.withheld)
    if not (table[money] > 0).any():
        what = f"{scope.amount_title} by month"
        return scope.withheld("by_month", what, len(table), "months")
    peak = table.loc[table[money].idxmax()]
    part = scope.money(peak[money])
    if months["revenue"].sum() > 0 and peak[share] <= 1:
        part = f"{formats.percent(peak[share])} of {scope.amount_word}"
    figure, (left, right) = theme.axes(2, height=3.2)
    for ax, column, unit in ((left, money, scope.currency), (right, "customers", "customers")):
        ax.plot(table["month"], table[column], color=theme.PRIMARY, marker="o", markersize=3)
        ax.set_ylim(bottom=min(0, table[column].min()))
        ax.set_xlim(*_margins(table["month"]))
        theme.tidy(ax, x="", y=f"{unit} per month")
        theme.thousands(ax)
        theme.few_dates(ax)
        names = [f"{month:%B %Y}" for month in table["month"]]
        written = scope.money if column == money else formats.count
        theme.says_values(ax, table["month"], names, {"": table[column]}, written)
    left.set_title(scope.amount_title, loc="left", color=theme.INK)
    right.set_title("Customers who bought", loc="left", color=theme.INK)
    busiest = "The busiest month shown" if found.withheld.any() else "The busiest month"
    return scope.exhibit(
        id="by_month",
        title=f"{busiest}, {peak['month']:%B %Y}, brings {part}",
        table=table,
        figure=figure,
        n=len(table),
        population="months",
        unit=f"{scope.currency} and customers per month",
        alt=f"Two lines by month: {scope.amount_word}, highest in {peak['month']:%B %Y} at "
        f"{scope.money(peak[money])}, and customers who bought.",
        note="A gap or a step that the client cannot explain is a hole in the export."
        + _withheld_months(int(found.small.sum()), int(found.withheld.sum()), scope),
    )


def _margins(months: pd.Series) -> tuple[pd.Timestamp, pd.Timestamp]:
    """All months with a little room, also where the first or last is withheld."""
    room = max((months.iloc[-1] - months.iloc[0]) * 0.05, pd.Timedelta(days=2))
    return months.iloc[0] - room, months.iloc[-1] + room


def _withheld_months(small: int, withheld: int, scope: Scope) -> str:
    """Which months are gaps for privacy's sake, as a sentence behind the note."""
    if not withheld:
        return ""
    others = withheld - small
    said = f" {formats.plural(small, 'month')} in which {scope.few} bought, or did not buy,"
    if others:
        said += f" and the next smallest{f' {others}' if others > 1 else ''}"
    return f"{said} {'is' if withheld == 1 else 'are'} withheld."


def purchase_days(customers: pd.DataFrame | None, scope: Scope) -> Exhibit | None:
    """How many customers bought on one, two, … days, and what they bring."""
    if customers is None:
        return None
    groups = _purchase_groups(customers, scope)
    if len(groups.starts) == 1:
        return scope.withheld("purchase_days", "Purchase days per customer", len(customers))
    place = groups.of(customers["frequency"])
    sizes = np.bincount(place, minlength=len(groups.starts))
    money = np.bincount(place, customers["total_amount"], minlength=len(groups.starts))
    brought = f"share_of_{scope.column(scope.amount_word)}"
    table = pd.DataFrame(
        {
            "purchase_days": groups.labels(shift=1),
            "customers": sizes,
            "share_of_customers": sizes / len(customers),
            brought: money / customers["total_amount"].sum(),
        }
    )
    figure, ax = theme.axes(height=3.4)
    theme.paired_bars(
        ax,
        table["purchase_days"],
        {
            "share of customers": (table["share_of_customers"], theme.REFERENCE),
            f"share of {scope.amount_word}": (table[brought], theme.PRIMARY),
        },
        formats.percent,
    )
    theme.tidy(ax, x="days with a purchase", y="share")
    theme.percent(ax)
    few, often = table.iloc[0], table.iloc[-1]
    merged = len(groups.starts) < _LAST_GROUP
    return scope.exhibit(
        id="purchase_days",
        title=f"{formats.percent(few['share_of_customers'])} of customers bought on "
        f"{_on_days(few['purchase_days'])} only",
        table=table,
        figure=figure,
        n=len(customers),
        unit=f"share of customers and of {scope.amount_word}",
        alt=f"Bars by number of purchase days: {_on_days(few['purchase_days'])} holds "
        f"{formats.percent(few['share_of_customers'])} of customers and "
        f"{formats.percent(few[brought])} of {scope.amount_word}; "
        f"{often['purchase_days'].removesuffix('+')} or more days hold "
        f"{formats.percent(often['share_of_customers'])} and "
        f"{formats.percent(often[brought])}.",
        note="Who bought once leaves one observation: models borrow strength from the others."
        + (f" Groups of {scope.few} are merged." if merged else ""),
    )


def _purchase_groups(customers: pd.DataFrame, scope: Scope) -> FrequencyGroups:
    """Customers by purchase days, as a coarsening of the next chapter's groups of repeats."""
    counts = count_frequencies(customers["frequency"])
    return frequency_groups(counts, scope.min_cell).up_to(_LAST_GROUP - 1)


def _on_days(days: str) -> str:
    return "one day" if days == "1" else f"{days} days"


def customer_view(facts: Facts | None, scope: Scope) -> Exhibit | None:
    """The base in one table: what one row per customer rests on."""
    if facts is None:
        return None
    per_customer = facts.total_amount / facts.customers
    gap = facts.days_between_purchases
    orders = "orders" if facts.has_order_id else "orders (a customer's rows of one day are one)"
    word = scope.amount_word
    table = pd.DataFrame(
        [
            ("customers", facts.customers, formats.count(facts.customers)),
            (orders, facts.orders, formats.count(facts.orders)),
            (
                "customer-days with a purchase",
                facts.purchase_days,
                formats.count(facts.purchase_days),
            ),
            (
                f"{word} from {scope.period}",
                facts.total_amount,
                scope.money(facts.total_amount),
            ),
            (f"{word} per customer", per_customer, scope.money(per_customer)),
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
        f"{scope.money(facts.total_amount)}, {scope.money(per_customer)} on average",
        table=table[["fact", "value"]],
        formatted=table[["fact", "shown"]].rename(columns={"shown": "value"}),
        n=facts.customers,
        unit=f"as named; money in {scope.currency}",
        alt=f"Table of customers, orders, {word}, and the gaps between purchases.",
        note="A customer counts from the first purchase in this export: who bought before it "
        "looks new in it.",
    )


def findings(client: Client, customers: pd.DataFrame | None, scope: Scope) -> list[Finding]:
    """What 01_customers says to the summary; all are counts of the observed base."""
    ledger, what = client.ledger, client.names
    if customers is not None:
        ledger, what = ledger[ledger["table"] == "transactions"], ("transactions",)
    rows = ledger.groupby("status")["rows"].sum()
    weak = sum(check.verdict == "weak" for check in client.checks)
    return [
        Finding(
            id="data_verdict",
            kind="census",
            sentence=_verdict(client),
            value=float(weak) if weak else None,
            unit="weak point of the data" if weak == 1 else "weak points of the data",
            exhibit="data_checks",
            size=1.0 if weak else 0.0,
            role="caveat",
        ),
        Finding(
            id="rows_used",
            kind="census",
            sentence=_rows_used(rows["used"], rows["read"], what),
            value=float(rows["used"] / rows["read"]),
            unit="share of rows",
            exhibit="row_ledger",
            size=float(1 - rows["used"] / rows["read"]),
            role="finding" if rows["used"] == rows["read"] else "caveat",
        ),
        *([] if customers is None else _of_customers(customers, scope)),
    ]


def _of_customers(customers: pd.DataFrame, scope: Scope) -> list[Finding]:
    """What customers brought, and how many of them only once."""
    total = float(customers["total_amount"].sum())
    brought = Finding(
        id="revenue_observed",
        kind="census",
        sentence=f"{formats.count(len(customers))} customers brought {scope.money(total)} "
        f"of {scope.amount_word} from {scope.period}.",
        value=total,
        unit=scope.currency,
        exhibit="customer_view",
        size=1.0,
    )
    return [brought, *_one_time_share(customers, scope)]


def _verdict(client: Client) -> str:
    """The verdict with what is weak by name."""
    weak = [check.topic for check in client.checks if check.verdict == "weak"]
    named = f" Weak: {', '.join(weak)}." if weak else ""
    return f"{verdict(client.checks)}.{named}"


def _one_time_share(customers: pd.DataFrame, scope: Scope) -> list[Finding]:
    """The share of customers with one purchase day, where its exhibit shows it."""
    starts = _purchase_groups(customers, scope).starts
    if starts[1:2] != (1,):
        return []
    only_once = customers["frequency"] == 0
    once, total = float(only_once.mean()), float(customers["total_amount"].sum())
    brought = float(customers.loc[only_once, "total_amount"].sum())
    return [
        Finding(
            id="one_time_share",
            kind="census",
            sentence=f"{formats.percent(once)} of customers bought on one day only.",
            value=once,
            unit="share of customers",
            exhibit="purchase_days",
            size=abs(brought / total) if total else 0.0,
        )
    ]


def _rows_used(used: int, read: int, tables: Sequence[str]) -> str:
    named = ", ".join(tables)
    if used == read:
        return f"All {formats.count(read)} rows of {named} are used."
    return (
        f"{formats.count(used)} of {formats.count(read)} rows of {named} are used; every "
        "other row stands in the ledger under one reason."
    )
