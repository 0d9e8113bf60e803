"""What became of the segments of an earlier version (S1): continued, new, gone, and who stayed.

A segment goes on where one of the same name is there today: names are matched by customers
before (`crmlib.segments.naming`, `crmlib.segments.merging`), so that a name is the segment.
Who moved has either changed what they do or what they bring, or was near a border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.stats.disclosure import is_small
from crmlib.stats.optimise import NotIdentified

CONTINUED, FRESH, GONE = "continued", "new", "gone"
EVERYBODY = "all segments"
RUNGS = ("behaviour_segment", "segment")


@dataclass(frozen=True)
class Continuity:
    """Segments of two versions, side by side.

    Attributes
    ----------
    table : DataFrame
        rung (behaviour_segment or segment), segment, fate (continued, new, gone; of
        `EVERYBODY` empty), before, now (customers in either version; NaN where so few that
        they may not be shown), kept_share (of the customers of the earlier segment who are
        still customers, those who are in it today; NaN where there is none, or where it
        would tell of a few). Last of each rung `EVERYBODY`.
    known : int
        Customers of both versions.
    n : int
        Customers of this one.
    """

    table: pd.DataFrame
    known: int
    n: int

    def kept(self, rung: str = "segment") -> float:
        """Share of the customers of both versions who kept their segment; NaN if withheld."""
        rows = self.table[(self.table["rung"] == rung) & (self.table["segment"] == EVERYBODY)]
        return float(rows["kept_share"].iloc[0])

    def fates(self, rung: str = "segment") -> set[str]:
        """What became of segments of a rung."""
        return set(self.table.loc[self.table["rung"] == rung, "fate"]) - {""}


def continuity(earlier: pd.DataFrame, assigned: pd.DataFrame, *, min_cell: int) -> Continuity:
    """Compare the segments of two versions by name and customer.

    Parameters
    ----------
    earlier, assigned : DataFrame
        customer_id, behaviour_segment and segment, one row per customer.
    min_cell : int
        Smallest group of customers that may be shown.

    Raises
    ------
    NotIdentified
        If no customer is in both versions.
    """
    then, now = (t.set_index("customer_id")[list(RUNGS)] for t in (earlier, assigned))
    both = then.index.intersection(now.index)
    if both.empty:
        raise NotIdentified("no customer of the earlier version is in this one")
    parts = [_of_rung(then[r], now[r], both, min_cell).assign(rung=r) for r in RUNGS]
    columns = ["rung", "segment", "fate", "before", "now", "kept_share"]
    return Continuity(pd.concat(parts, ignore_index=True)[columns], len(both), len(now))


def _of_rung(then: pd.Series, now: pd.Series, both: pd.Index, min_cell: int) -> pd.DataFrame:
    """One row per segment of either version, those of today first by size; then all."""
    start, end = then[both].astype(object), now[both].astype(object)
    sizes = pd.DataFrame({"before": then.value_counts(), "now": now.value_counts()})
    sizes["still"] = start.value_counts()
    sizes["kept"] = start[start == end].value_counts()
    sizes = sizes.fillna(0).astype(int).rename_axis("segment").reset_index()
    sizes = sizes.sort_values(
        ["now", "before", "segment"], ascending=[False, False, True], ignore_index=True
    )
    fate = np.select([sizes["before"] == 0, sizes["now"] == 0], [FRESH, GONE], CONTINUED)
    total = sizes[["before", "now", "still", "kept"]].sum().to_frame().T
    table = pd.concat([sizes.assign(fate=fate), total.assign(segment=EVERYBODY, fate="")])
    few = is_small(table["kept"], min_cell) | is_small(table["still"] - table["kept"], min_cell)
    share = table["kept"] / table["still"].where(table["still"] >= min_cell)
    table["kept_share"] = share.mask(few)
    for name in ("before", "now"):
        table[name] = table[name].astype(float).mask(is_small(table[name], min_cell))
    return table
