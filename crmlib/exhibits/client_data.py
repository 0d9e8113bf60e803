"""Exhibits of 01_customers on the files themselves: verdict, books, reading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit, Paragraph
from crmlib.exhibits.scope import Scope
from crmlib.intake import Intake
from crmlib.intake.books import Reconciliation
from crmlib.intake.checks import Check
from crmlib.intake.values.dates import period_bounds
from crmlib.params import Engagement
from crmlib.stats.disclosure import BoolArray
from crmlib.value.shown import withheld_periods

_MOST_NAMES = 8  # of periods on an axis
VERDICTS = {"good": "good", "ask": "ask the client", "weak": "weak"}


def without_purchases(engagement: Engagement) -> Paragraph | None:
    """What a book of answers alone can say and what it cannot; nothing where there are more."""
    if engagement.inputs.transactions is not None:
        return None
    named = ", ".join(engagement.inputs.given())
    return Paragraph(
        f"The client gave no purchases: this book rests on {named} alone. The comparison with "
        "the client's books, the export over time and the customers are left out, and so are "
        "value and segments. They need every purchase with its customer, day and amount "
        "(`inputs.transactions`)."
    )


def data_checks(
    checks: Sequence[Check], n: int, scope: Scope, population: str = "customers"
) -> Exhibit:
    """Whether the data carry the analysis, and what to ask the client for."""
    lines = [
        (c.topic, c.found, VERDICTS[c.verdict], int(c.verdict == "weak"), int(bool(c.ask)), c.ask)
        for c in checks
    ]
    weak, questions = _totals(checks)
    overall = "weak" if weak else "ask" if questions else "good"
    lines.append(("all of these", "", VERDICTS[overall], weak, questions, ""))
    columns = ["topic", "found", "verdict", "weak_points", "questions", "ask"]
    table = pd.DataFrame(lines, columns=columns)
    shown = table.assign(
        weak_points=[*(str(k or "") for k in table["weak_points"][:-1]), str(weak)],
        questions=[*(str(k or "") for k in table["questions"][:-1]), str(questions)],
    )
    headings = ["looked at", "found", "verdict", "weak", "asks", "ask the client"]
    return scope.exhibit(
        id="data_checks",
        title=verdict(checks),
        table=table,
        formatted=shown.set_axis(headings, axis=1),
        n=n,
        population=population,
        unit="as named",
        alt="Table of what was looked at in the data, what was found, the verdict, and what to "
        "ask the client.",
        note="Weak: the analysis stands on less than it needs. Ask: it stands, and the client's "
        "answer may change how a figure is read.",
    )


def verdict(checks: Sequence[Check]) -> str:
    """Can these data carry the analysis? In one line.

    >>> verdict([Check("books", "They agree.", "good")])
    'The data can carry the analysis; nothing is left to ask'
    """
    weak, asked = _totals(checks)
    questions = formats.plural(asked, "question")
    if weak:
        return f"The data are weak in {formats.plural(weak, 'point')}; ask {questions} first"
    if not asked:
        return "The data can carry the analysis; nothing is left to ask"
    return f"The data can carry the analysis; {questions} to ask the client"


def _totals(checks: Sequence[Check]) -> tuple[int, int]:
    """Weak points and questions."""
    return (
        sum(check.verdict == "weak" for check in checks),
        sum(bool(check.ask) for check in checks),
    )


def control_totals(
    books: Reconciliation | None, transactions: Intake | None, scope: Scope
) -> Exhibit | None:
    """The export beside the client's books; without books, what they should be held against."""
    if transactions is None:
        return None
    if books is None or books.table.empty:
        return _nothing_to_reconcile(books, transactions, scope)
    table = shown_books(books, transactions, scope.min_cell)
    covered = table[table["covered"] & table["export"].notna()]
    agrees = covered["agrees"].astype(bool)
    off = int((~agrees).sum())
    figure, ax = theme.axes(height=3.2)
    names = list(table["period"])
    what, word = ("export", scope.amount_word) if books.ledger is None else ("ledger", "revenue")
    compared = "transactions" if books.ledger is None else "ledger"
    theme.paired_bars(
        ax,
        names,
        {
            "books": (table["books"], theme.REFERENCE),
            what: (table["export"], theme.PRIMARY),
        },
        scope.money,
    )
    for place, row in covered[~agrees].iterrows():
        share = row["difference_share"]
        said = "differs" if pd.isna(share) else f"{100 * share:+.1f}%"
        top = max(row["books"], row["export"])
        theme.label(ax, place, top, said, theme.CONTRAST, xytext=(0, 7), ha="center")
    step = -(-len(names) // _MOST_NAMES)
    ax.set_xticks(range(0, len(names), step), names[::step])
    theme.tidy(ax, x="", y=f"{word}, {scope.currency}")
    theme.thousands(ax)
    every = "all " if len(covered) > 1 else ""
    said = f"The {what} agrees with the books in {every}{formats.plural(len(covered), 'period')}"
    if off:
        said = f"The {what} differs from the books in {off} of {len(covered)} periods"
    if covered.empty:
        said = f"No period of the books lies wholly in the {what}"
    withheld = int(table["export"].isna().sum())
    return scope.drawing_on(compared, "control_totals").exhibit(
        id="control_totals",
        title=said,
        table=table,
        figure=figure,
        n=len(table),
        population="periods",
        unit=f"{word}, {scope.currency}",
        alt=f"Paired bars of {word} in the client's books and in the {what} for {len(table)} "
        f"periods; of the {len(covered)} that the {what} covers, {off} are off.",
        note=f"{_compared(books)}Differs: by more than {formats.percent(books.tolerance, 1)} of "
        f"the books. Periods that the {what} covers in part are shown and not judged."
        + (f" The {what}'s {word} is withheld in {withheld}: {scope.few}." if withheld else ""),
    )


def _compared(books: Reconciliation) -> str:
    """What of the ledger was compared, as a sentence; nothing of transactions, as is usual."""
    if books.ledger is None:
        return ""
    both = "Revenue and margin (revenue less all costs)" if books.has_margin else "Revenue"
    return f"{both} of the ledger, not the transactions, against the books. "


def shown_books(books: Reconciliation, transactions: Intake, min_cell: int) -> pd.DataFrame:
    """The reconciliation without the export's figures that would tell of few customers."""
    table, months = books.table, _months(books, transactions)["month"]
    bounds = [period_bounds(period) for period in table["period"]]
    periods = [months.between(pd.Timestamp(a), pd.Timestamp(b)).to_numpy() for a, b in bounds]
    few = _withheld(periods, books, transactions, min_cell)
    figures = [name for name in table if name.startswith(("export", "difference", "agrees"))]
    shown = table.astype({name: object for name in figures if table[name].dtype == bool})
    return shown.assign(**{name: shown[name].mask(few) for name in figures})


def _months(books: Reconciliation | None, transactions: Intake) -> pd.DataFrame:
    """Customers and revenue by month of the table that the books are held against."""
    ledger = None if books is None else books.ledger
    return transactions.by_month if ledger is None else ledger.by_month


def _withheld(
    periods: list[BoolArray], books: Reconciliation | None, transactions: Intake, min_cell: int
) -> BoolArray:
    facts, ledger = transactions.facts, None if books is None else books.ledger
    customers = facts.customers if ledger is None else ledger.customers
    return withheld_periods(
        np.array(periods), _months(books, transactions), customers, facts.window_end, min_cell
    )


def _nothing_to_reconcile(
    books: Reconciliation | None, transactions: Intake, scope: Scope
) -> Exhibit:
    """Money by year: the revenue of the ledger where there is one, else what was bought for."""
    months = _months(books, transactions)
    years = months["month"].dt.year.astype(str)
    table, what, word = transactions.by_year, "export", scope.amount_word
    n = transactions.facts.customers
    if books is not None and books.ledger is not None:
        by_year = months["revenue"].groupby(years).sum()
        table, what, word = by_year.rename_axis("year").reset_index(), "ledger", "revenue"
        n = books.ledger.customers
    money = scope.column(word)
    table = table[["year", "revenue"]].astype({"year": str}).rename(columns={"revenue": money})
    periods = [(years == year).to_numpy() for year in table["year"]]
    few = _withheld(periods, books, transactions, scope.min_cell)
    table[money] = table[money].mask(few)
    shown = table.assign(
        **{money: ["withheld" if pd.isna(v) else f"{v:,.2f}" for v in table[money]]}
    )
    return scope.exhibit(
        id="control_totals",
        title=f"{formats.capitalised(word)} is not reconciled yet: the client's books are missing",
        table=table,
        formatted=shown.set_axis(["year", f"{word} in the {what}, {scope.currency}"], axis=1),
        n=n,
        unit=f"{word}, {scope.currency}",
        alt=f"Table of the {what}'s {word} by calendar year, for comparison with the books.",
        note="Rows that are used, net of returns as the params say; first and last year as far as "
        "the export covers them. With `inputs.control_totals` the comparison is made here."
        + (f" Years of {scope.few} are withheld." if few.any() else ""),
    )


def reading(notes: pd.DataFrame, scope: Scope) -> Exhibit:
    """How dates, numbers and characters of each file were read."""
    return scope.exhibit(
        id="reading",
        title=_conventions(len(notes)),
        table=notes.rename(columns={"note": "convention"}),
        n=len(notes),
        population="conventions",
        unit="as named",
        alt="Table of the conventions by which each input table was read.",
        note="What the params leave open is decided once for each column from all its values; "
        "where two readings were possible the run would have stopped.",
    )


def _conventions(applied: int) -> str:
    if not applied:
        return "The files are read as they stand: no convention applies"
    verb = "applies" if applied == 1 else "apply"
    return f"How the files were read: {formats.plural(applied, 'convention')} {verb}"
