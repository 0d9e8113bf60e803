"""Where every row of the client's files went (the row ledger, intake.csv).

For each table one line for what was read, one for each reason of exclusion, one for
what is used; used + excluded = read. Example rows are named by their number in the
file, never by a customer. Intake stops where too little is left to stand for the
client's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.errors import InputError
from crmlib.intake.reading.probe import Source
from crmlib.intake.reasons import NO_LOSS, REASONS, remedy

COLUMNS = [
    "table", "status", "reason", "rows", "share", "amount", "examples", "remedy", "customers",
]  # fmt: skip
EXAMPLES = 5


Place = tuple[str, int]  # file, or nothing where there is one; row below its header


@dataclass(frozen=True)
class Count:
    """What became of some rows of a table.

    Attributes
    ----------
    rows, customers : int
        How many; customers are those whose id can be read.
    amount : float
        Sum of the amounts that can be read; NaN where none can.
    records : tuple of int
        Up to `EXAMPLES` of their positions in the table.
    """

    rows: int
    amount: float = float("nan")
    customers: int = 0
    records: tuple[int, ...] = ()

    @classmethod
    def of(cls, sums: ir.Table) -> Count:
        """The count in a table of one row, with columns rows and amount."""
        line = sums.to_pyarrow().to_pylist()[0]
        return cls(int(line["rows"] or 0), _number(line["amount"]))


@ibis.udf.agg.builtin(name="min")
def smallest(record: int, n: int) -> list[int]:
    """The n smallest numbers of a group, in order (DuckDB's `min` with two arguments)."""


def count_by_reason(rows: ir.Table, amount: str | None = None) -> dict[str, Count]:
    """Excluded rows by reason.

    Parameters
    ----------
    rows : ibis.Table
        reason, record and, where the table has them, customer_id.
    amount : str, optional
        The column to sum.
    """
    return _counts(rows, rows.count(), amount)


def count_units(units: ir.Table) -> dict[str, Count]:
    """Rows of excluded orders and days by reason; the examples are the units' first rows."""
    return _counts(units, units.n_rows.sum(), "amount")


def _counts(table: ir.Table, rows: ir.IntegerScalar, amount: str | None) -> dict[str, Count]:
    measures = {"rows": rows, "records": smallest(table.record, EXAMPLES)}
    if amount is not None:
        measures["amount"] = table[amount].sum()
    if "customer_id" in table.columns:
        measures["customers"] = table.customer_id.nunique()
    counted = table.group_by("reason").agg(**measures).to_pyarrow().to_pylist()
    return {
        line["reason"]: Count(
            int(line["rows"]),
            _number(line.get("amount")),
            line.get("customers", 0),
            tuple(line["records"]),
        )
        for line in counted
    }


def build_ledger(
    table: str,
    read: Count,
    excluded: Mapping[str, Count],
    used: Count,
    places: Mapping[int, Place] | None = None,
) -> pd.DataFrame:
    """One table's lines of the ledger.

    Parameters
    ----------
    table : str
        The input table's name.
    read, used : Count
        All rows, and those that are used, counted independently of each other.
    excluded : mapping
        Reason: its rows.
    places : mapping, optional
        Record: where it stands; see `find_rows`.

    Returns
    -------
    DataFrame
        table, status (*read*, *excluded*, *used*), reason, rows, share (of the rows read),
        amount (of the rows whose amount can be read; NaN where none can), examples, remedy,
        customers (whose rows are excluded; 0 where no id can be read).

    Raises
    ------
    RuntimeError
        A row that is neither used nor excluded for a known reason, or twice.
    """
    unknown = [reason for reason in excluded if not remedy(reason, table)]
    total = used.rows + sum(count.rows for count in excluded.values())
    if unknown or total != read.rows:
        raise RuntimeError(
            f"{table}: used + excluded is {total:,} of {read.rows:,} rows read; "
            f"unknown reasons: {unknown}"
        )
    order = {reason: place for place, reason in enumerate(REASONS)}
    reasons = sorted(excluded, key=lambda reason: (order.get(reason, len(order)), reason))
    places = places or {}
    lines = [("read", "", read), *(("excluded", r, excluded[r]) for r in reasons)]
    lines.append(("used", "", used))
    return pd.DataFrame(
        [
            (
                table,
                status,
                reason,
                count.rows,
                count.rows / read.rows if read.rows else 0.0,
                count.amount,
                _listed(count.records, places) if status == "excluded" else "",
                remedy(reason, table) if reason else "",
                count.customers,
            )
            for status, reason, count in lines
        ],
        columns=COLUMNS,
    )


def publishable(ledger: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """The ledger as a report may show it: no amount that speaks of a few customers.

    An amount is withheld where fewer than `min_cell` customers stand behind it. The amount
    of all rows read is then withheld too, or the difference would tell it.
    """
    few = ledger["customers"].between(1, min_cell - 1) & (ledger["status"] == "excluded")
    total = (ledger["status"] == "read") & ledger["table"].isin(ledger.loc[few, "table"])
    shown = ledger["amount"].mask(few | total)
    return ledger.assign(amount=shown).drop(columns="customers")


def find_rows(raw: ir.Table, source: Source, counts: Sequence[Count]) -> dict[int, Place]:
    """Where example rows stand: the file, where there are several, and the row in it."""
    records = sorted({record for count in counts for record in count.records})
    if not records:
        return {}
    found = raw.filter(raw.record.isin(records)).select("record", "file", "row").to_pyarrow()
    several = len(source.parts) > 1
    return {
        line["record"]: (source.parts[line["file"]].name if several else "", line["row"])
        for line in found.to_pylist()
    }


def _listed(records: Sequence[int], places: Mapping[int, Place]) -> str:
    """Rows as text, file by file: `a.csv: 3, 8; b.csv: 1`."""
    files: dict[str, list[str]] = {}
    for record in records:
        file, row = places.get(record, ("", record))
        files.setdefault(file, []).append(f"{row:,}")
    return "; ".join(f"{file}: {', '.join(rows)}".lstrip(": ") for file, rows in files.items())


def check_ledger(
    ledger: pd.DataFrame,
    place: str,
    max_excluded_share: float,
    max_by_reason: Mapping[str, float] | None = None,
) -> None:
    """Stop where no row, or too small a share of the rows, can be used.

    Blank lines and rows of merged ids are no rows here: they neither raise nor lower the share.

    Raises
    ------
    InputError
        Names the commonest reason, example rows and what to do about it.
    """
    rows = ledger[~ledger["reason"].isin(NO_LOSS)].set_index("reason")
    excluded = rows[rows["status"] == "excluded"]
    lost = int(excluded["rows"].sum())
    read = lost + int(rows.loc[rows["status"] == "used", "rows"].sum())
    if read == 0:
        raise InputError(place, "has a header and no row below it.", "Export the table again.")
    if lost == 0:
        return
    worst = excluded.loc[excluded["rows"].idxmax()]
    most = f'the commonest reason is "{worst.name}" ({_rows(worst["rows"])}, {_such_as(worst)})'
    if lost == read:
        raise InputError(place, f"none of its {_rows(read)} can be used; {most}.", worst["remedy"])
    if lost / read > max_excluded_share:
        raise InputError(
            place,
            f"{lost / read:.1%} of its rows ({lost:,} of {read:,}) are excluded, more than "
            f"the {max_excluded_share:.1%} that `customers.max_excluded_share` allows; {most}.",
            f"{worst['remedy']} If the exclusions are right, raise `customers.max_excluded_share`.",
        )
    for reason, allowed in (max_by_reason or {}).items():
        if reason in excluded.index and excluded.loc[reason, "rows"] / read > allowed:
            line = excluded.loc[reason]
            raise InputError(
                place,
                f"{line['rows'] / read:.1%} of its rows ({line['rows']:,} of {read:,}) are "
                f'excluded as "{reason}" ({_such_as(line)}), more than the {allowed:.1%} that '
                "`customers.max_excluded_by_reason` allows.",
                line["remedy"],
            )


def _such_as(line: pd.Series) -> str:
    """Example rows of a reason, as part of a sentence."""
    return f"such as row {line['examples']}" if line["examples"] else "no row named"


def _number(amount: object) -> float:
    return float("nan") if amount is None else float(amount)


def _rows(n: int) -> str:
    return f"{n:,} row" if n == 1 else f"{n:,} rows"
