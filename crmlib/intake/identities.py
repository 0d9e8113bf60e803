"""Accounts and people merged into customers, as the client's identity table says (V1).

A source id that stands in the table becomes its customer; all others stay who they
are. Where a customer is itself merged into another, the chain is followed to its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from crmlib.errors import InputError

MAX_CHAIN = 20


@dataclass(frozen=True)
class Identities:
    """Which source id belongs to which customer.

    Attributes
    ----------
    mapping : ibis.Table or None
        source_id, merged_id (both text), one row per source id; None merges nobody.
    merged : int
        How many source ids become another one.
    """

    mapping: ir.Table | None = None
    merged: int = 0

    def apply(self, rows: ir.Table) -> ir.Table:
        """The same rows with `customer_id` replaced by the customer it belongs to, as text."""
        if self.mapping is None or "customer_id" not in rows.columns:
            return rows
        own = rows.mutate(customer_id=rows.customer_id.cast("string"))
        joined = own.left_join(self.mapping, own.customer_id == self.mapping.source_id)
        merged = joined.merged_id.coalesce(joined.customer_id)
        return joined.mutate(customer_id=merged).drop("source_id", "merged_id")


NOBODY = Identities()


def follow(connection: ibis.BaseBackend, rows: ir.Table, place: str) -> Identities:
    """Resolve a table of source_id and customer_id to the end of every chain.

    Raises
    ------
    InputError
        A chain that comes back to itself, or is longer than `MAX_CHAIN` steps.
    """
    pairs = rows.select(
        source_id=rows.source_id.cast("string"), merged_id=rows.customer_id.cast("string")
    )
    pairs = pairs.filter(pairs.source_id != pairs.merged_id)
    pairs = connection.create_table("identities_0", pairs)
    for step in range(1, MAX_CHAIN + 1):
        if not int(pairs.semi_join(pairs, [("merged_id", "source_id")]).count().execute()):
            return Identities(pairs, int(pairs.count().execute()))
        further = pairs.view()
        joined = pairs.left_join(further, pairs.merged_id == further.source_id)
        pairs = connection.create_table(
            f"identities_{step}",
            joined.select(
                source_id=joined.source_id,
                merged_id=joined.merged_id_right.coalesce(joined.merged_id),
            ),
        )
    raise InputError(
        place,
        "its identities go in a circle: some id is merged, over others, into itself.",
        "Let every `source_id` lead to a customer that is not merged further.",
    )
