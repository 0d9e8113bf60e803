"""Why a row is not used, and what to do about it.

A row that is excluded stands under the first reason that applies, in the order of
`REASONS`. Reasons that name a column (`missing customer_id`) carry that column's
own words; `remedy` finds them too.
"""

from __future__ import annotations

from crmlib.errors import ParamsError, suggestion
from crmlib.tables import TABLES

REASONS = {
    "unreadable line": "Ask for an export in which text with quotes or delimiters is quoted.",
    "blank line": "Nothing to do: blank lines carry no data.",
    "missing customer_id": "Ask whether these are anonymous purchases or a failed join.",
    "missing date": "Ask what a row without a date means.",
    "unreadable date": "Check `{key}.date_format` against the dates in the file.",
    "before observation_start": "Set `observation_start` to the first "
    "day the export covers: who bought before it counts as new in it.",
    "after observation_end": "Set `observation_end` to the last day the export covers.",
    "missing amount": "Ask what a row without an amount means.",
    "amount in another currency": "Ask for all amounts in one currency, or for the rates to use.",
    "unreadable amount": "Ask for numbers below 10^15; `{key}.decimal` says which mark they have.",
    "starts after observation_end": "Set `observation_end` to the last day the export covers.",
    "ends before it starts": "Ask which of the two dates is right; a test entry has neither.",
    "weight not above 0": "Ask how many people such an answer stands for; without a column "
    "`weight` all count alike.",
    "exact duplicate row": "Where equal rows are two purchases, set `{key}.duplicates: keep`.",
    "repeats a row of another file": "Ask whether the files overlap; where equal rows are two "
    "purchases, set `{key}.duplicates: keep`.",
    "zero amount": "Where a free item is a purchase, set `{key}.zero_amounts: keep`.",
    "negative amount": "To net returns instead, set `{key}.returns: net_by_order`.",
    "order returned in full": "Right where only net sales count; if not, change `{key}.returns`.",
    "return without its purchase": "Ask for the order number of the purchase on every return; "
    "`{key}.columns.order_id` names its column.",
    "missing key": "Ask why the column that joins the rows to the customers is empty.",
    "row of a merged id": "Right where the identities are: the row of the customer's own id is "
    "used, or else the first.",
    "second row with the same key": "Ask which of the rows is right: the first is used.",
    "task without exactly one choice": "Ask how the task was answered; of best and worst each "
    "holds for one item, and not for the same.",
}
"""Reasons in the order in which they are tried, and what to do about each."""

NO_LOSS = ("blank line", "row of a merged id")
"""Reasons that say nothing against a table, however many rows stand under them."""

_BY_COLUMN = {
    "missing": "Ask why `{column}` ({says}) is empty.",
    "unreadable": "Ask for {kind} in `{column}` ({says}).",
    "unknown": "Use one of: {choices}.",
}


def remedy(reason: str, table: str = "transactions") -> str:
    """What to do about a reason of exclusion; empty for one that is not known."""
    if reason in REASONS:
        return REASONS[reason].format(key=f"inputs.{table}")
    verb, _, name = reason.partition(" ")
    column = TABLES[table].columns.get(name)
    if column is None or verb not in _BY_COLUMN:
        return ""
    kind = f"{'an' if column.kind[0] in 'ai' else 'a'} {column.kind}"
    choices = ", ".join(column.choices)
    return _BY_COLUMN[verb].format(column=name, says=column.says, kind=kind, choices=choices)


def check_reasons(named: dict[str, float]) -> None:
    """Refuse a threshold for a reason that no row can have.

    Raises
    ------
    ParamsError
        With the nearest reason.
    """
    known = set(REASONS) | {
        f"{verb} {column}"
        for verb in _BY_COLUMN
        for table in TABLES.values()
        for column in table.columns
    }
    for name in named:
        if name not in known:
            raise ParamsError(
                f"customers.max_excluded_by_reason.{name}",
                "there is no such reason in the row ledger.",
                suggestion(name, REASONS),
            )
