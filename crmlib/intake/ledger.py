"""Where every row of the client's file went (the row ledger, intake.csv).

One line for what was read, one for each reason of exclusion, one for what is
used; used + excluded = read. Intake stops where too little is left to stand
for the client's business.
"""

from __future__ import annotations

import ibis.expr.types as ir
import pandas as pd

from crmlib.errors import InputError
from crmlib.intake.cleaning import REASONS

COLUMNS = ["table", "status", "reason", "rows", "share", "amount", "remedy"]


def build_ledger(rows: ir.Table, table: str = "transactions") -> pd.DataFrame:
    """Count rows and sum amounts by what became of them.

    Parameters
    ----------
    rows : ibis.Table
        reason (null where used) and amount of every row of the file.
    table : str
        The input table's name.

    Returns
    -------
    DataFrame
        table, status (*read*, *excluded*, *used*), reason, rows, share (of the
        rows read), amount (of the rows whose amount can be read; NaN where
        none can), remedy.

    Raises
    ------
    RuntimeError
        A row that is neither used nor excluded for a known reason, or twice.
    """
    counted = rows.group_by("reason").agg(rows=rows.count(), amount=rows.amount.sum())
    found = {
        None if pd.isna(reason) else reason: (int(n), amount)
        for reason, n, amount in counted.to_pandas().itertuples(index=False)
    }
    read, total = int(rows.count().execute()), rows.amount.sum().execute()
    used = found.pop(None, (0, None))
    lines = [("read", "", (read, total))]
    lines += [("excluded", reason, found.pop(reason)) for reason in REASONS if reason in found]
    lines += [("used", "", used)]
    if found or sum(n for status, _, (n, _) in lines if status != "read") != read:
        raise RuntimeError(f"{table}: used + excluded is not read: {lines}, unknown: {found}")
    return pd.DataFrame(
        [
            (table, status, reason, n, _share(n, read), _number(amount), REASONS.get(reason, ""))
            for status, reason, (n, amount) in lines
        ],
        columns=COLUMNS,
    )


def check_ledger(ledger: pd.DataFrame, place: str, max_excluded_share: float) -> None:
    """Stop where no row, or too small a share of the rows, can be used.

    Blank lines are no rows here: they neither raise nor lower the share.

    Raises
    ------
    InputError
        Names the commonest reason and what to do about it.
    """
    rows = ledger[ledger["reason"] != "blank line"].set_index("reason")
    counts = rows.loc[rows["status"] == "excluded", "rows"]
    excluded = int(counts.sum())
    read = excluded + int(rows.loc[rows["status"] == "used", "rows"].sum())
    if read == 0:
        raise InputError(place, "has a header and no row below it.", "Export the table again.")
    if excluded == 0:
        return
    commonest = counts.idxmax()
    most = f'the commonest reason is "{commonest}" ({_rows(counts[commonest])})'
    if excluded == read:
        raise InputError(
            place, f"none of its {_rows(read)} can be used; {most}.", REASONS[commonest]
        )
    if excluded / read > max_excluded_share:
        raise InputError(
            place,
            f"{excluded / read:.1%} of its rows ({excluded:,} of {read:,}) are excluded, more than "
            f"the {max_excluded_share:.1%} that `customers.max_excluded_share` allows; {most}.",
            f"{REASONS[commonest]} If the exclusions are right, raise "
            "`customers.max_excluded_share`.",
        )


def _share(n: int, read: int) -> float:
    return n / read if read else 0.0


def _number(amount: object) -> float:
    return float("nan") if amount is None or pd.isna(amount) else float(amount)


def _rows(n: int) -> str:
    return f"{n:,} row" if n == 1 else f"{n:,} rows"
