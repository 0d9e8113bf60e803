"""Do the client's tables speak of the same customers, initiatives and assets?"""

from __future__ import annotations

import ibis.expr.types as ir

from crmlib.intake.checks import Link
from crmlib.intake.client_tables import ClientTable
from crmlib.tables import TABLES


def coverage(tables: dict[str, ClientTable], purchases: ir.Table | None) -> tuple[Link, ...]:
    """How many of a table's customers bought, and how many references are found.

    Parameters
    ----------
    tables : dict
        The client's tables without the transactions.
    purchases : ibis.Table, optional
        With customer_id; without, nothing is held against it.
    """
    buyers = None
    if purchases is not None:
        buyers = purchases.select(value=purchases.customer_id.cast("string")).distinct()
    found = []
    for name, table in tables.items():
        of_people = "customer_id" in table.rows.columns and name != "identities"
        if buyers is not None and of_people:
            values = table.rows.select(value=table.rows.customer_id.cast("string"))
            found.append(_link(name, "customer_id", "transactions", values, buyers))
        for column, (other, key) in TABLES[name].references.items():
            if other in tables:
                values = table.rows.select(value=table.rows[column].cast("string"))
                known = tables[other].rows.select(value=tables[other].rows[key].cast("string"))
                found.append(_link(name, column, other, values, known.distinct()))
    return tuple(found)


def _link(table: str, column: str, other: str, values: ir.Table, known: ir.Table) -> Link:
    distinct = values.filter(values.value.notnull()).distinct()
    missing = distinct.anti_join(known, "value")
    alike = missing.mutate(spelling=_spelling(missing.value)).semi_join(
        known.select(spelling=_spelling(known.value)), "spelling"
    )
    total, lost = (int(each.count().execute()) for each in (distinct, missing))
    return Link(
        table,
        column,
        other,
        values=total,
        found=total - lost,
        others=int(known.count().execute()),
        alike=int(alike.count().execute()) if lost else 0,
    )


def _spelling(value: ir.StringValue) -> ir.StringValue:
    """What is left of an id without capitals, blanks, marks and zeros in front."""
    return value.lower().re_replace(r"[\s._/-]+", "").re_replace("^0+", "")
