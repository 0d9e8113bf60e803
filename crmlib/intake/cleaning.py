"""What each row of the transactions says, and the one reason why it is not used.

Written once as Ibis expressions over the raw table. A row that is excluded
stands under the first reason of `REASONS` that applies; everything else is
used. Amounts are exact decimals: sums do not depend on the order of threads.
"""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir

from crmlib.intake.parts import kept_columns
from crmlib.intake.reading.probe import Source
from crmlib.intake.reading.tokenizer import BLANK, RECORD, REJECTED
from crmlib.intake.values.cells import Reading, identifier, present
from crmlib.params import Engagement, TransactionsInput
from crmlib.tables import TABLES


def clean(raw: ir.Table, source: Source, engagement: Engagement, reading: Reading) -> ir.Table:
    """Type the rows and give each excluded one its reason, duplicates and policies aside.

    Parameters
    ----------
    raw : ibis.Table
        As `reader.read_raw` returns it.
    source : Source
        Which column plays which role.
    engagement : Engagement
        Observation window.
    reading : Reading
        How the cells are written.

    Returns
    -------
    ibis.Table
        record, customer_id (text, or whole numbers where the file stores such), date,
        amount, digest (of all cells), margin and order_id (where the file has them), product
        and channel (where purchases are kept by them, see `parts.kept_columns`), and reason
        (null where the row is used so far).
    """
    cells = [raw[source.column(role)] for role in source.amount_roles]
    day, schema = raw[source.column("date")], TABLES["transactions"].columns
    rows = raw.mutate(
        customer_id=identifier(raw[source.column("customer_id")]),
        day=present(day),
        date=reading.read(day, schema["date"]),
        amount=reading.product(cells),
        amount_missing=ibis.or_(*(present(cell).isnull() for cell in cells)),
        foreign=ibis.or_(*(reading.foreign(cell) for cell in cells)),
        digest=cell_digest(raw, source),
    )
    given = {}
    if "margin" in source.roles:
        given["margin"] = reading.amount(raw[source.column("margin")])
    if "order_id" in source.roles:
        given["order_id"] = identifier(raw[source.column("order_id")])
    for part in kept_columns(engagement, source):
        given[part] = reading.read(raw[source.column(part)], schema[part])
    reason = ibis.cases(*_exclusions(rows, engagement))
    return rows.select("record", "customer_id", "date", "amount", "digest", **given, reason=reason)


@ibis.udf.scalar.builtin(name="hash")
def _hash(value) -> dtypes.uint64:
    """DuckDB's own hash."""


def cell_digest(raw: ir.Table, source: Source) -> ir.IntegerValue:
    """A hash over all cells of a row: rows with different ones differ."""
    return _hash(ibis.struct({name: raw[name] for name in source.columns}))


def _exclusions(rows: ir.Table, engagement: Engagement) -> list[tuple[ir.BooleanValue, str]]:
    """(condition, reason) in the order of `REASONS`, for what a row says by itself."""
    start, end = engagement.observation_start, engagement.observation_end
    exclusions = [
        (rows.kind == REJECTED, "unreadable line"),
        (rows.kind == BLANK, "blank line"),
        (rows.customer_id.isnull(), "missing customer_id"),
        (rows.day.isnull(), "missing date"),
        (rows.date.isnull(), "unreadable date"),
        (rows.date < start, "before observation_start") if start else None,
        (rows.date > end, "after observation_end"),
        (rows.amount_missing, "missing amount"),
        (rows.foreign, "amount in another currency"),
        (rows.amount.isnull(), "unreadable amount"),
    ]
    return [exclusion for exclusion in exclusions if exclusion is not None]


def apply_policies(
    rows: ir.Table, repeated: ir.Table | None, settings: TransactionsInput
) -> ir.Table:
    """Complete `reason` by what the params say of duplicates, free items and returns.

    Parameters
    ----------
    rows : ibis.Table
        As `clean` returns it.
    repeated : ibis.Table or None
        record and `elsewhere` of rows that repeat an earlier one; see `repeated_rows`.
    settings : TransactionsInput
        The policies.
    """
    exclusions = []
    if repeated is not None:
        rows = rows.left_join(repeated, "record").drop("record_right")
        exclusions += [
            (~rows.elsewhere, "exact duplicate row"),
            (rows.elsewhere, "repeats a row of another file"),
        ]
    if settings.zero_amounts == "exclude":
        exclusions.append((rows.amount == 0, "zero amount"))
    if settings.returns == "exclude":
        exclusions.append((rows.amount < 0, "negative amount"))
    late = ibis.cases(*exclusions) if exclusions else ibis.null("string")
    return rows.mutate(reason=rows.reason.coalesce(late))


def repeated_rows(raw: ir.Table, rows: ir.Table, source: Source, policy: str) -> ir.Table:
    """Rows that equal an earlier row in every column, across all files.

    Rows with equal digests are few: only these are compared cell by cell.

    Returns
    -------
    ibis.Table
        record, and elsewhere (whether the first such row stands in another file). Policy
        *keep_within_file* leaves out rows whose own file holds all the earlier ones.
    """
    suspect = rows.group_by("digest").having(rows.count() > 1).agg()
    records = rows.semi_join(suspect, "digest").select("record")
    candidates = raw.filter(raw.kind == RECORD).semi_join(records, "record")
    equal = ibis.window(group_by=list(source.columns))
    ranked = candidates.mutate(
        first_record=candidates.record.min().over(equal),
        first_file=candidates.file.min().over(equal),
    )
    found = ranked.filter(ranked.record > ranked.first_record)
    found = found.select("record", elsewhere=found.file != found.first_file)
    return found.filter(found.elsewhere) if policy == "keep_within_file" else found
