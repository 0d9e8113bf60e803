"""Exhibits of 01_customers on the files themselves: verdict, books, reading."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.intake.books import Reconciliation
from crmlib.intake.checks import Check

VERDICTS = {"good": "good", "ask": "ask the client", "weak": "weak"}


def data_checks(checks: Sequence[Check], n: int, scope: Scope) -> Exhibit:
    """Whether the data carry the analysis, and what to ask the client for."""
    table = pd.DataFrame(
        [(c.topic, c.found, VERDICTS[c.verdict], c.ask) for c in checks],
        columns=["topic", "found", "verdict", "ask"],
    )
    headings = ["looked at", "found", "verdict", "ask the client"]
    return scope.exhibit(
        id="data_checks",
        title=verdict(checks),
        table=table,
        formatted=table.set_axis(headings, axis=1),
        n=n,
        unit="none",
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
    weak = sum(check.verdict == "weak" for check in checks)
    questions = formats.plural(sum(bool(check.ask) for check in checks), "question")
    if weak:
        return f"The data are weak in {formats.plural(weak, 'point')}; ask {questions} first"
    if questions.startswith("0 "):
        return "The data can carry the analysis; nothing is left to ask"
    return f"The data can carry the analysis; {questions} to ask the client"


def control_totals(
    books: Reconciliation | None, by_year: pd.DataFrame, n: int, scope: Scope
) -> Exhibit:
    """The export beside the client's books; without books, what they should be held against."""
    if books is None:
        return _nothing_to_reconcile(by_year, n, scope)
    table = books.table
    covered = table[table["covered"]]
    off = int((~covered["agrees"]).sum())
    figure, ax = theme.axes(height=3.2)
    names = list(table["period"])
    theme.paired_bars(
        ax,
        names,
        {
            "books": (table["books"], theme.REFERENCE),
            "export": (table["export"], theme.PRIMARY),
        },
    )
    if len(names) > 8:
        ax.set_xticks(range(0, len(names), -(-len(names) // 8)))
        ax.set_xticklabels(names[:: -(-len(names) // 8)])
    theme.tidy(ax, x="", y=f"revenue, {scope.currency}")
    theme.thousands(ax)
    ax.set_ylim(top=1.25 * table[["books", "export"]].max().max())
    said = f"The export agrees with the books in all {formats.plural(len(covered), 'period')}"
    if off:
        said = f"The export differs from the books in {off} of {len(covered)} periods"
    if covered.empty:
        said = "No period of the books lies wholly in the export"
    return scope.exhibit(
        id="control_totals",
        title=said,
        table=table,
        figure=figure,
        n=len(table),
        population="periods",
        unit=f"revenue, {scope.currency}",
        alt=f"Paired bars of revenue in the client's books and in the export for {len(table)} "
        f"periods; {off} of the {len(covered)} that the export covers differ.",
        note=f"Differs: by more than {formats.percent(books.tolerance, 1)} of the books. Periods "
        "that the export covers in part are shown and not judged.",
    )


def _nothing_to_reconcile(by_year: pd.DataFrame, n: int, scope: Scope) -> Exhibit:
    table = by_year[["year", "revenue"]].astype({"year": str})
    shown = table.assign(
        revenue=["withheld" if pd.isna(v) else f"{v:,.2f}" for v in table["revenue"]]
    )
    return scope.exhibit(
        id="control_totals",
        title="Revenue is not reconciled yet: the client's books are missing",
        table=table,
        formatted=shown.set_axis(["year", f"revenue in the export, {scope.currency}"], axis=1),
        n=n,
        unit=f"revenue, {scope.currency}",
        alt="Table of the export's revenue by calendar year, for comparison with the books.",
        note="Rows that are used, net of returns as the params say; first and last year as far as "
        "the export covers them. With `inputs.control_totals` the comparison is made here.",
    )


def reading(notes: pd.DataFrame, scope: Scope) -> Exhibit:
    """How dates, numbers and characters of each file were read."""
    return scope.exhibit(
        id="reading",
        title="How the files were read: " + formats.plural(len(notes), "convention") + " apply",
        table=notes,
        n=len(notes),
        population="conventions",
        unit="none",
        alt="Table of the conventions by which each input table was read.",
        note="What the params leave open is decided once for each column from all its values; "
        "where two readings were possible the run would have stopped.",
    )
