"""Each row that is not used, by its place in the file, with its reason.

The row ledger counts rows and names a few; where a client sends rows of single customers
to be placed, every one that is not has to be found again.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.intake.reading.probe import Source

COLUMNS = ("table", "file", "row", "rows", "customer_id", "reason")


def refused_rows(
    raw: ir.Table, rows: ir.Table, source: Source, *, units: ir.Table | None = None
) -> pd.DataFrame:
    """The rows that a table's cleaning excludes.

    Parameters
    ----------
    raw : ibis.Table
        As `reader.read_raw` returns it.
    rows : ibis.Table
        record, reason (null where the row is used) and, where the table has it, customer_id.
    source : Source
        Its files.
    units : ibis.Table, optional
        Orders and days that are excluded as a whole; see `returns.returned_units`.

    Returns
    -------
    DataFrame
        table, file, row (below its header; of an order or day its first), rows (how many),
        customer_id (empty where it cannot be read), reason; in the file's order.
    """
    found = [_named(rows.filter(rows.reason.notnull()), ibis.literal(1, "int64"))]
    if units is not None:
        found.append(_named(units, units.n_rows.cast("int64")))
    places = raw.select("record", "file", "row")
    every = ibis.union(*found) if len(found) > 1 else found[0]
    listed = every.join(places, "record").order_by("record").to_pyarrow().to_pandas()
    files = listed["file"].map(dict(enumerate(part.name for part in source.parts)))
    table = listed.assign(table=source.table, file=files)
    return table[list(COLUMNS)]


def _named(rows: ir.Table, count: ir.IntegerValue) -> ir.Table:
    customer = ibis.literal("")
    if "customer_id" in rows.columns:
        customer = rows.customer_id.cast("string").fill_null("")
    return rows.select("record", rows=count, customer_id=customer, reason=rows.reason)
