"""What became of the segments of an earlier version (S1)."""

from __future__ import annotations

import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.segments.continuity import CONTINUED, FRESH, GONE, Continuity
from crmlib.stats.refusal import Refusal

_RUNGS = {"behaviour_segment": "behaviour", "segment": "ladder"}
_HAPPENED = {
    frozenset({FRESH}): "New segments came up",
    frozenset({GONE}): "Segments are gone",
    frozenset({FRESH, GONE}): "Segments came and went",
}


def segments_since(found: Continuity | Refusal, scope: Scope) -> Exhibit | None:
    """Each segment of both versions: continued, new or gone, and who kept it.

    Nothing where no earlier version is named: the audit says so.
    """
    if isinstance(found, Refusal):
        return None
    table = found.table.assign(rung=found.table["rung"].map(_RUNGS))
    shown = table.assign(
        before=[_count(c, scope) for c in table["before"]],
        now=[_count(c, scope) for c in table["now"]],
        kept_share=["" if pd.isna(s) else formats.percent(s) for s in table["kept_share"]],
    )
    title = _title(found)
    return scope.exhibit(
        id="segments_since",
        title=title,
        table=table.assign(kept_share=table["kept_share"].round(4)),
        formatted=shown.rename(columns={"kept_share": "kept by"}),
        n=found.n,
        unit="customers; share of the customers of both versions",
        alt="Table of the segments of this version and of the one before, by behaviour and on the "
        "ladder: whether each goes on, its customers in both, and the share of its earlier "
        f"customers who are in it today. {title}.",
        note="Kept by: share of a segment's earlier customers who still are customers and are in "
        "it today; withheld where it would tell of a few. Segments are the same where they hold "
        "the same customers, and then have the same name.",
    )


def _count(customers: float, scope: Scope) -> str:
    return scope.few if pd.isna(customers) else formats.count(customers)


def _title(found: Continuity) -> str:
    happened = _HAPPENED.get(frozenset(found.fates() - {CONTINUED}), "All segments go on")
    kept = found.kept()
    if pd.isna(kept):
        return f"{happened} since the version before"
    return f"{happened}; {formats.percent(kept)} of customers kept theirs"
