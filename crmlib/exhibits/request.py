"""The intake in words: what `crm check` prints, fit to be sent to the client.

No customer's id stands in it: example rows are named by their number in the file.
"""

from __future__ import annotations

import textwrap

import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.client_data import shown_books, verdict
from crmlib.intake.ledger import publishable
from crmlib.intake.opening import Client
from crmlib.params import Engagement

WIDTH = 96


def data_request(client: Client, engagement: Engagement) -> str:
    """Verdict, what was found, the row ledger, how files were read, and the questions."""
    head = f"{engagement.title}: can the data carry the analysis?"
    parts = [
        head,
        "=" * len(head),
        _wrap(f"{verdict(client.checks)}."),
        _wrap(_base(client, engagement)),
        _titled("What was found"),
        *(_wrap(f"{c.verdict:<5} {c.topic}: {c.found}", "      ") for c in client.checks),
        _titled("What became of every row"),
        ledger_text(publishable(client.ledger, engagement.privacy.min_cell)),
    ]
    if len(client.notes):
        parts.append(_titled("How the files were read"))
        parts += [_wrap(f"{n.table}: {n.note}", "  ") for n in client.notes.itertuples()]
    if client.books is not None and len(client.books.table):
        parts += [_titled("Against the books"), _books_text(client, engagement.privacy.min_cell)]
    questions = [check.ask for check in client.checks if check.ask]
    if questions:
        parts.append(_titled("Questions to the client"))
        parts += [_wrap(f"{i:>2}. {ask}", "    ") for i, ask in enumerate(questions, start=1)]
    return "\n".join(parts)


def _base(client: Client, engagement: Engagement) -> str:
    """How many the tables speak of, in a sentence."""
    if client.facts is None:
        count, few = client.people[0], engagement.privacy.min_cell
        number = f"{count:,}" if count >= few else f"fewer than {few}"
        return f"{number} respondents, no purchases: only what they answered can be looked at."
    facts = client.facts
    return (
        f"{facts.customers:,} customers, {facts.orders:,} orders, "
        f"{engagement.currency} {facts.total_amount:,.2f} net, observed from "
        f"{facts.window_start} to {facts.window_end}."
    )


def ledger_text(ledger: pd.DataFrame) -> str:
    """The row ledger as an aligned table, with the remedy of each reason below its row."""
    shown = ledger.drop(columns=["remedy", "customers"], errors="ignore")
    numbers = {
        "rows": formats.count,
        "share": lambda share: formats.percent(share, 1),
        "amount": lambda amount: f"{amount:,.2f}",
    }
    columns = []
    for name in shown:
        write, align = numbers.get(name, formats.cell), str.rjust if name in numbers else str.ljust
        cells = [name, *("" if pd.isna(value) else write(value) for value in shown[name])]
        width = max(len(text) for text in cells)
        columns.append([align(text, width) for text in cells])
    lines = ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
    remedies = ledger.loc[ledger["status"] == "excluded", ["reason", "remedy"]].drop_duplicates()
    lines += [""] * bool(len(remedies))
    lines += [_wrap(f"{line.reason}: {line.remedy}", "  ") for line in remedies.itertuples()]
    return "\n".join(lines)


def _books_text(client: Client, min_cell: int) -> str:
    books = client.books
    table = shown_books(books, client.transactions, min_cell)
    what = "export" if books.ledger is None else "ledger"
    lines = [] if books.ledger is None else ["Revenue of the ledger:"]
    lines += _beside(table, what, "")
    if books.has_margin:
        lines += ["Margin of the ledger, revenue less all costs:"]
        lines += _beside(table[table["books_margin"].notna()], what, "_margin")
    return "\n".join(lines)


def _beside(table: pd.DataFrame, what: str, ending: str) -> list[str]:
    """A line for each period of the books; `ending` is that of the columns."""
    lines = [f"{'period':<10} {'books':>18} {what:>18} {'difference':>12}"]
    columns = [f"{name}{ending}" for name in ("books", "export", "difference_share")]
    for period, covered, (stated, found, gap) in zip(
        table["period"], table["covered"], table[columns].to_numpy(float), strict=True
    ):
        share = "" if pd.isna(gap) else f"{round(gap, 6) + 0.0:+.2%}"  # no -0.00%
        export = "withheld" if pd.isna(found) else f"{found:,.2f}"
        note = "" if covered else "  in part"
        lines.append(f"{period:<10} {stated:>18,.2f} {export:>18} {share:>12}{note}")
    return lines


def _titled(title: str) -> str:
    return f"\n{title}\n{'-' * len(title)}"


def _wrap(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
