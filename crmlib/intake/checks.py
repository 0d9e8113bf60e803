"""Can the data carry the analysis, and what must the client be asked?

Each check looks at one thing that has spoilt customer-base analyses before, says what
was found in one sentence, and, where something is missing or odd, what to ask for. The
thresholds are rules of thumb of the field, named where they stand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from crmlib.intake.reasons import NO_LOSS
from crmlib.params import Engagement

if TYPE_CHECKING:
    from crmlib.intake.books import Reconciliation
    from crmlib.intake.opening import Intake

Verdict = Literal["good", "ask", "weak"]

# A purchase model rests on who came back: below a hundred of them its parameters wander.
FEW_REPEATERS = 100
# Who has left can be told from who pauses only after several usual gaps.
FEW_GAPS = 3
# A reason that takes more than this share of rows, or of money, changes the picture.
NOTABLE = 0.01
# One id on a tenth of all rows is a till or a default, rarely a person.
DOMINANT = 0.10
# A month below a quarter of its neighbours is a hole, above four times a step.
HOLE = 0.25
# Opening months with this many times the usual number of new customers hold old ones.
TRUNCATED = 3.0
# Fewer newcomers than this in the second half, and the base is a cohort, not a business.
COHORT = 0.01


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
    repeat_customers: int
    days_between_purchases: float | None  # median over repeat customers of their mean gap
    days_without_purchase_share: float  # of the days in the window
    largest_customer_share_of_rows: float
    all_amounts_equal: bool  # over purchase days
    has_order_id: bool  # if not, a customer's rows of one day are one order
    has_margin: bool
    new_customers: pd.Series  # by month of first purchase


@dataclass(frozen=True)
class Link:
    """How far a column of one table is found in another."""

    table: str
    column: str
    other: str
    values: int  # different ones in the table
    found: int  # of these in the other
    others: int  # different ones in the other
    alike: int = 0  # of the missing, those that the other spells in another way

    @property
    def missing(self) -> int:
        """Values that the other table does not know."""
        return self.values - self.found


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes
    ----------
    topic : str
        What was looked at, in a word or two.
    found : str
        What was found, as a sentence.
    verdict : {"good", "ask", "weak"}
        *ask*: the client must say; *weak*: the analysis stands on less than it needs.
    ask : str
        What to ask the client; empty where nothing is to ask.
    """

    topic: str
    found: str
    verdict: Verdict
    ask: str = ""


def look(
    transactions: Intake,
    ledger: pd.DataFrame,
    books: Reconciliation | None,
    links: tuple[Link, ...],
    merged: int,
    engagement: Engagement,
) -> tuple[Check, ...]:
    """Everything that a reader should know before believing a figure, weightiest first."""
    facts, min_cell = transactions.facts, engagement.privacy.min_cell
    found = [
        _books(books, few_customers(_months_compared(books, transactions), min_cell)),
        *rows(ledger),
        _repeaters(facts, min_cell),
        _length(facts),
        *_months(transactions.by_month, facts, engagement.inputs.transactions.amount_is),
        _edges(facts),
        _newcomers(facts),
        _dominance(facts),
        identities(merged, "identities" in engagement.inputs.given(), min_cell),
        _orders(facts),
        _margin(facts, engagement.inputs.transactions.amount_is),
        *linked(links, min_cell),
    ]
    if facts.all_amounts_equal:
        found.append(
            Check(
                "amounts",
                "Every purchase day has the same amount.",
                "weak",
                "Is the amount a list price or a placeholder? Please send what was paid.",
            )
        )
    return weightiest_first(found)


def weightiest_first(found: Iterable[Check]) -> tuple[Check, ...]:
    """What is weak, then what is to be asked, then what is good."""
    order = {"weak": 0, "ask": 1, "good": 2}
    return tuple(sorted(found, key=lambda check: order[check.verdict]))


def few_customers(by_month: pd.DataFrame, min_cell: int) -> bool:
    """Whether some month's revenue would tell of few customers."""
    few = by_month["customers"].between(1, min_cell - 1)
    returned = (by_month["customers"] == 0) & (by_month["revenue"] != 0)
    return bool((few | (returned & (min_cell > 1))).any())


def _months_compared(books: Reconciliation | None, transactions: Intake) -> pd.DataFrame:
    """Customers and revenue by month of the table that the books are held against."""
    if books is None or books.ledger is None:
        return transactions.by_month
    return books.ledger.by_month


def _books(books: Reconciliation | None, few: bool) -> Check:
    """Where months of few customers are `few`, no difference is put in numbers."""
    topic = "books"
    if books is None or books.table.empty:
        return Check(
            topic,
            "No control totals were given: nothing says that the export is whole.",
            "ask",
            "Please send revenue by month as your books have it, and how it treats returns and "
            "taxes.",
        )
    covered = books.table[books.table["covered"]]
    if covered.empty:
        return Check(
            topic,
            "No period of the control totals lies wholly in the export's time.",
            "ask",
            "Please send control totals for the time of the export.",
        )
    off = covered[~covered["agrees"]]
    if off.empty:
        shares = covered[[name for name in covered if name.startswith("difference_share")]]
        widest = shares.abs().max(axis=None)
        widest = 0.0 if pd.isna(widest) else widest
        within = books.tolerance if few else widest
        return Check(
            topic,
            f"{_measures(books)} with the books in all {len(covered)} periods, "
            f"to within {within:.2%}.",
            "good",
        )
    return _differs(off, len(covered), books, few)


def _measures(books: Reconciliation) -> str:
    if books.ledger is None:
        return "Revenue agrees"
    return f"The ledger's revenue {'and margin agree' if books.has_margin else 'agrees'}"


def _differs(off: pd.DataFrame, covered: int, books: Reconciliation, few: bool) -> Check:
    """Which of the covered periods is furthest off, and what to ask about it."""
    revenue, what, ending = "revenue", "export", ""
    why = "taxes, shipping, returns, stores, cancelled orders"
    if books.ledger is not None:
        revenue, what = "the ledger's revenue", "ledger"
        why = "units that are left out, corrections, months that were booked late"
        if books.has_margin and (off["difference_share"].abs() <= books.tolerance).all():
            revenue, ending = "the ledger's margin", "_margin"
    worst = off.loc[off[f"difference{ending}"].abs().idxmax()]
    difference, share = worst[f"difference{ending}"], worst[f"difference_share{ending}"]
    side = "above" if difference > 0 else "below"
    size = "" if few or pd.isna(share) else f" by {abs(share):.1%}"
    return Check(
        "books",
        f"In {len(off)} of {covered} periods {revenue} differs from the books; in "
        f"{worst['period']} the {what} is {side} them{size}.",
        "weak",
        f"What is in your books for {worst['period']} and not in the {what}, or the other way "
        f"round ({why})?",
    )


def rows(ledger: pd.DataFrame) -> list[Check]:
    """One check for each table's notable exclusions, and one for all others together."""
    found = []
    for table, lines in ledger.groupby("table", sort=False):
        rows = lines[~lines["reason"].isin(NO_LOSS)]
        excluded = rows[rows["status"] == "excluded"]
        for line in excluded[excluded["share"] > NOTABLE].itertuples():
            found.append(
                Check(
                    f"rows of {table}",
                    f"{line.rows:,} rows ({line.share:.1%}) are excluded: {line.reason}.",
                    "ask",
                    f"{line.remedy.rstrip('.')} (rows such as {line.examples}).",
                )
            )
        read = int(rows.loc[rows["status"] == "read", "rows"].iloc[0])
        used = int(rows.loc[rows["status"] == "used", "rows"].iloc[0])
        said = f"{used:,} of {read:,} rows are used; the ledger names the reason for every other."
        if used == read:
            said = f"All {read:,} rows are used."
        found.append(Check(f"rows of {table}", said, "good"))
    return found


def _repeaters(facts: Facts, min_cell: int) -> Check:
    count, others = facts.repeat_customers, facts.customers - facts.repeat_customers
    said = f"{count:,} of {facts.customers:,} customers bought on more than one day."
    if 0 < others < min_cell:
        said = f"All but fewer than {min_cell} customers bought on more than one day."
    elif 0 < count < min_cell:
        said = f"Fewer than {min_cell} customers bought on more than one day."
    if count >= FEW_REPEATERS:
        return Check("repeat buyers", said, "good")
    return Check(
        "repeat buyers",
        f"{said} Models of purchasing need a hundred or more.",
        "weak",
        "Can the export go further back, or hold more customers?",
    )


def _length(facts: Facts) -> Check:
    days = (facts.window_end - facts.window_start).days + 1
    gap = facts.days_between_purchases
    if gap is None or gap <= 0:
        return Check("time covered", f"The export covers {days:,} days.", "good")
    gaps = days / gap
    said = f"The export covers {days:,} days, {gaps:.0f} times a repeat buyer's usual gap of "
    said += f"{gap:.0f} days."
    if gaps >= FEW_GAPS:
        return Check("time covered", said, "good")
    return Check(
        "time covered",
        f"{said} Who has left cannot be told from who pauses.",
        "weak",
        "Can the export go further back?",
    )


def _months(months: pd.DataFrame, facts: Facts, amount_is: str) -> list[Check]:
    """Months without a row, or with far less than their neighbours; whole months only."""
    whole = months.set_index("month")["revenue"]
    first, last = pd.Timestamp(facts.window_start), pd.Timestamp(facts.window_end)
    whole = whole[(whole.index >= first) & (whole.index + pd.offsets.MonthEnd(0) <= last)]
    around = pd.concat([whole.shift(1), whole.shift(-1)], axis=1).min(axis=1, skipna=False)
    holes = whole[(whole < HOLE * around) & (around > 0)]
    empty = int((whole == 0).sum())
    if holes.empty and not empty:
        return [Check("holes", "No month is empty or far below its neighbours.", "good")]
    named = ", ".join(f"{month:%B %Y}" for month in holes.index[:3])
    what = amount_is[0].upper() + amount_is[1:]
    said = f"{what} falls to less than a quarter of the months around it in {named}."
    if holes.empty:
        said = f"{empty} of {len(whole)} months hold no {amount_is}."
        named = "these months"
    return [
        Check("holes", said, "ask", f"Is the export complete for {named}, or was there a change?")
    ]


def _edges(facts: Facts) -> Check:
    """Silence before the first or behind the last purchase, against the usual silence."""
    before = (facts.first_date - facts.window_start).days
    behind = (facts.window_end - facts.last_date).days
    days = (facts.last_date - facts.first_date).days + 1
    usual = max(7.0, 3 * days / max(facts.purchase_days, 1))
    said = f"Purchases run from {facts.first_date} to {facts.last_date}."
    if before <= usual and behind <= usual:
        return Check("first and last day", said, "good")
    where = f"the last {behind}" if behind > usual else f"the first {before}"
    return Check(
        "first and last day",
        f"{said} In {where} days of the time stated nobody bought.",
        "ask",
        "Which days does the export cover, first and last?",
    )


def _newcomers(facts: Facts) -> Check:
    """Does the export begin with customers who are not new? (left truncation)"""
    topic, new = "new customers", facts.new_customers
    last = pd.Timestamp(facts.window_end)
    months = pd.date_range(pd.Timestamp(facts.window_start).replace(day=1), last, freq="MS")
    counts = new.reindex(months, fill_value=0)
    if len(counts) < 4:
        return Check(
            topic,
            "Too few months to tell new customers from earlier ones.",
            "ask",
            "Please send the day on which each customer first bought or joined.",
        )
    opening, rest = counts.iloc[: max(1, len(counts) // 12)].mean(), counts.iloc[len(counts) // 2 :]
    usual = float(rest.mean())
    if rest.sum() < COHORT * counts.sum():
        end = counts[counts >= COHORT * counts.max()].index[-1]
        return Check(
            topic,
            f"Hardly anybody first buys after {end:%B %Y}: the base was drawn as one cohort.",
            "ask",
            "Were later customers left out on purpose?",
        )
    times = opening / usual
    if times <= TRUNCATED:
        return Check(topic, f"The first months hold {times:.1f} times the usual newcomers.", "good")
    many = f"{times:.1f} times" if times < 20 else "more than twenty times"
    return Check(
        topic,
        f"The first months hold {many} the usual newcomers: most bought before and only look new.",
        "ask",
        "Please send the day on which each customer first bought or joined, or an earlier start.",
    )


def _dominance(facts: Facts) -> Check:
    share = facts.largest_customer_share_of_rows
    if share < DOMINANT or facts.customers < 2:
        return Check("single ids", "No single customer id stands on a tenth of the rows.", "good")
    level = "half" if share >= 0.5 else "a quarter" if share >= 0.25 else "a tenth"
    return Check(
        "single ids",
        f"One customer id stands on at least {level} of all rows.",
        "ask",
        "Is the most frequent customer id a till, a default or a reseller rather than a customer?",
    )


def identities(merged: int, given: bool, min_cell: int) -> Check:
    if given:
        count = f"{merged:,}" if merged >= min_cell or not merged else f"Fewer than {min_cell}"
        return Check("identities", f"{count} ids are merged into other customers.", "good")
    return Check(
        "identities",
        "No table says which ids are the same person or household.",
        "ask",
        "Can one person stand under several ids? If so, please send the ids that belong together.",
    )


def _orders(facts: Facts) -> Check:
    if facts.has_order_id:
        return Check("orders", f"{facts.orders:,} orders are told apart by number.", "good")
    return Check(
        "orders",
        "Rows carry no order number: a customer's rows of one day count as one order.",
        "ask",
        "Please send the order number of each row, and on a return that of its purchase.",
    )


def _margin(facts: Facts, amount_is: str) -> Check:
    if facts.has_margin:
        return Check("margin", "Rows carry their margin.", "good")
    return Check(
        "margin",
        f"Rows carry no margin: value is {amount_is} until a margin rate is set.",
        "ask",
        "Please send the contribution margin of each row, or by product.",
    )


def linked(links: tuple[Link, ...], min_cell: int) -> list[Check]:
    """Whether every table's customers bought, and its references lead somewhere."""
    silent = [link for link in links if _of_people(link) and _in_part(link)]
    others = [link for link in links if len(silent) < 2 or link not in silent]
    found = [
        _customers(link, min_cell) if _of_people(link) else _reference(link) for link in others
    ]
    return [_never_bought(silent, min_cell), *found] if len(silent) > 1 else found


def _of_people(link: Link) -> bool:
    return link.column == "customer_id"


def _in_part(link: Link) -> bool:
    """Whether some of a table's customers never bought, and no spelling explains it."""
    return bool(link.missing and link.found and not link.alike)


def _some(count: int, min_cell: int) -> str:
    return f"{count:,}" if count >= min_cell else f"fewer than {min_cell}"


def _silent(link: Link, min_cell: int) -> str:
    """How many of a table's customers never bought; neither they nor the others are few."""
    if link.found < min_cell:
        return f"all but fewer than {min_cell}"
    return f"{_some(link.missing, min_cell)} of {_some(link.values, min_cell)}"


def _never_bought(links: list[Link], min_cell: int) -> Check:
    """One question for all tables, whose customers are mostly the same."""
    parts = [f"{_silent(link, min_cell)} in {link.table}" for link in links]
    return Check(
        "customers without a purchase",
        f"Customers who never bought: {', '.join(parts)}.",
        "ask",
        "Are these prospects, or customers who hold other products? Or were purchases lost?",
    )


def _customers(link: Link, min_cell: int) -> Check:
    topic, table, other = f"{link.table} and {link.other}", link.table, link.other
    if not link.missing:
        return Check(topic, f"All customers in {table} are found in {other}.", "good")
    same = f"Do {table} and {other} name customers in the same way?"
    if not link.found:
        return Check(topic, f"No customer in {table} is found in {other}.", "weak", same)
    missing, values = _some(link.missing, min_cell), _some(link.values, min_cell)
    said = f"Of {values} customers in {table} {missing} never bought."
    if link.found < min_cell:
        said = f"All but fewer than {min_cell} customers in {table} never bought."
    if link.alike:
        said += " Some of these ids differ from a buyer's in zeros, capitals or marks alone."
        return Check(topic, said, "weak", same)
    ask = f"Are the customers in {table} without a purchase prospects, or lost rows?"
    return Check(topic, said, "ask", ask)


def _reference(link: Link) -> Check:
    topic, what = f"{link.table} and {link.other}", f"values of {link.column} in {link.table}"
    if not link.missing:
        return Check(topic, f"All {what} are found in {link.other}.", "good")
    return Check(
        topic,
        f"{link.missing:,} of {link.values:,} {what} are not in {link.other}.",
        "weak",
        f"Do {link.table} and {link.other} name them in the same way?",
    )
