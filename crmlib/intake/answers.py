"""What can be said of a client who sent answers and no purchases.

A survey or a choice experiment stands for customers only as far as its respondents were
drawn from them: without an id or a weight, nothing in the files says whom they stand for.
"""

from __future__ import annotations

import pandas as pd

from crmlib.intake import checks
from crmlib.intake.checks import Check, Link
from crmlib.intake.client_tables import ClientTable
from crmlib.intake.customers import to_frame
from crmlib.params import Engagement

ANSWERS = ("survey", "choices", "maxdiff")


def look(
    tables: dict[str, ClientTable],
    ledger: pd.DataFrame,
    links: tuple[Link, ...],
    merged: int,
    engagement: Engagement,
) -> tuple[Check, ...]:
    """What a reader should know of answers before believing a figure, weightiest first."""
    min_cell = engagement.privacy.min_cell
    found = [
        Check(
            "purchases",
            "No purchases were given: what customers bring, and who they are by value and "
            "behaviour, is not known.",
            "ask",
            "Please send every purchase with its customer, day and amount.",
        ),
        *checks.rows(ledger),
        _respondents(tables, min_cell),
        _whom(tables),
    ]
    if "identities" in tables:
        found.append(checks.identities(merged, True, min_cell))
    return checks.weightiest_first([*found, *checks.linked(links, min_cell)])


def respondents(tables: dict[str, ClientTable]) -> int:
    """Different respondents in all tables of answers together."""
    known: set[str] = set()
    for name in ANSWERS:
        if name in tables:
            rows = tables[name].rows
            ids = rows.select(respondent_id=rows.respondent_id.cast("string")).distinct()
            known |= set(to_frame(ids)["respondent_id"])
    return len(known)


def _respondents(tables: dict[str, ClientTable], min_cell: int) -> Check:
    count = respondents(tables)
    named = ", ".join(name for name in ANSWERS if name in tables)
    if count < min_cell:
        return Check(
            "respondents",
            f"Fewer than {min_cell} respondents answered ({named}).",
            "weak",
            "Can more people be asked?",
        )
    return Check("respondents", f"{count:,} respondents answered ({named}).", "good")


def _whom(tables: dict[str, ClientTable]) -> Check:
    """Whether anything tells whom the respondents stand for."""
    told = {
        column
        for name in ANSWERS
        if name in tables
        for column in ("weight", "customer_id")
        if column in tables[name].rows.columns
    }
    if not told:
        return Check(
            "whom they stand for",
            "Respondents carry neither a weight nor a customer's id: figures hold for those who "
            "were asked.",
            "ask",
            "How were the respondents drawn, and whom are they to stand for?",
        )
    said = " and ".join(
        word for name, word in (("weight", "a weight"), ("customer_id", "a customer's id"))
        if name in told
    )  # fmt: skip
    return Check("whom they stand for", f"Respondents carry {said}.", "good")
