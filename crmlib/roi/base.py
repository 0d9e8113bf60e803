"""The customers whom initiatives can be for, and what they bring (R1, R3).

Cells of value tier and lifecycle stage carry the economics: retention can be watched in them,
since tier and stage of a year ago are known. Initiatives name customers in any words that the
report has for them, also by behaviour and by need; how many of each cell these are is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import pandas as pd

from crmlib.errors import suggestion
from crmlib.roi.economics import SegmentEconomics
from crmlib.roi.increments import Calendar
from crmlib.roi.selection import pieces, selected
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

TIER, STAGE = "value_tier", "lifecycle_stage"
GROUPINGS = (TIER, STAGE, "behaviour_segment", "needs_segment")
NEW, GONE = "new", ("lapsed", "acquisition")


@dataclass(frozen=True, eq=False)
class Base:
    """Customers with their groups, cells and value.

    Attributes
    ----------
    groups : DataFrame, index customer_id
        Those of `GROUPINGS` that are known.
    cell : Series, index customer_id
        Tier and stage, as initiatives write it: "high & relationship".
    future_value : Series, index customer_id
        Money over the calendar's horizon.
    economics : SegmentEconomics
        Of the cells; its table has tier and active too.
    """

    groups: pd.DataFrame
    cell: pd.Series
    future_value: pd.Series
    economics: SegmentEconomics

    @classmethod
    def of(
        cls,
        placed: pd.DataFrame,
        valued: pd.DataFrame,
        then: pd.DataFrame,
        calendar: Calendar,
        *,
        level: float,
        needs: pd.DataFrame | Refusal | None = None,
    ) -> Self:
        """From the tables of the chapters before.

        Parameters
        ----------
        placed : DataFrame, index customer_id
            value_tier, lifecycle_stage and, where known, behaviour_segment.
        valued : DataFrame, index customer_id
            future_value, future_value_lo, future_value_hi.
        then : DataFrame
            value_tier, lifecycle_stage, stayed of customers of a year ago.
        calendar : Calendar
            The horizon and the rate of `valued`.
        level : float
            Of the intervals in `valued`.
        needs : DataFrame, index customer_id, optional
            needs_segment.

        Raises
        ------
        NotIdentified
            As `SegmentEconomics.of`.
        """
        groups = placed[[name for name in GROUPINGS if name in placed]].copy()
        if needs is not None and not isinstance(needs, Refusal):
            groups["needs_segment"] = needs["needs_segment"].reindex(groups.index)
        cell = _cells(groups)
        watched = pd.DataFrame({"segment": _cells(then), "stayed": then["stayed"]})
        economics = SegmentEconomics.of(cell, valued, watched, calendar, level=level)
        first = groups.groupby(cell).first()
        table = economics.table.assign(tier=first[TIER], active=~first[STAGE].isin(GONE).to_numpy())
        return cls(groups, cell, valued["future_value"], replace(economics, table=table))

    def select(self, initiatives: pd.DataFrame) -> Selections:
        """Whom each initiative is for.

        Parameters
        ----------
        initiatives : DataFrame, index id
            segments (words of `crmlib.roi.selection`), effect_unit and, for `migration_pp`,
            from_tier.
        """
        found, left_out = {}, {}
        for name, row in initiatives.iterrows():
            try:
                found[name] = self._of(row)
            except NotIdentified as refused:
                left_out[str(name)] = str(refused)
        table = pd.DataFrame(found, index=self.groups.index, columns=list(found), dtype=bool)
        kept = initiatives.loc[list(found)]
        chosen = pd.DataFrame(
            {name: self._counted(table[name], row) for name, row in kept.iterrows()},
            index=self.economics.table.index,
        ).T
        parts = {name: self._parts(table[name], row) for name, row in kept.iterrows()}
        return Selections(table, chosen, parts, left_out)

    def _of(self, row: pd.Series) -> pd.Series:
        chosen = pd.Series(selected(str(row["segments"]), self.groups), self.groups.index)
        from_tier = row.get("from_tier")
        if row["effect_unit"] == "migration_pp" and pd.notna(from_tier):
            tiers = set(self.groups[TIER])
            if from_tier not in tiers:
                raise NotIdentified(
                    f"it moves customers from tier {from_tier}. {suggestion(str(from_tier), tiers)}"
                )
            chosen &= self.groups[TIER] == from_tier
        if not chosen.any():
            raise NotIdentified(f"no customer is in the segments that it is for ({row.segments})")
        return chosen

    def _counted(self, chosen: pd.Series, row: pd.Series) -> pd.Series:
        """Customers by cell; of those who are won, the cells that new ones are in."""
        if row["effect_unit"] == "cpa":
            new = chosen & (self.groups[STAGE] == NEW)
            chosen = new if new.any() else chosen & ~self.groups[STAGE].isin(GONE)
        return self.cell[chosen].value_counts().reindex(self.economics.table.index, fill_value=0)

    def _parts(self, chosen: pd.Series, row: pd.Series) -> pd.Series:
        """The piece of the initiative's words that most of a cell's chosen customers are in."""
        words = pieces(str(row["segments"]))
        of = pd.Series(words[0], self.groups.index)
        for piece in reversed(words):
            of[selected(piece, self.groups)] = piece
        most = of[chosen].groupby(self.cell[chosen]).agg(lambda each: each.mode().iloc[0])
        return most.reindex(self.economics.table.index, fill_value=words[0])


@dataclass(frozen=True, eq=False)
class Selections:
    """Whom each initiative is for.

    Attributes
    ----------
    table : DataFrame of bool, index customer_id, a column for each initiative
    chosen : DataFrame, index initiative, a column for each cell
        Customers; of an initiative that wins customers, those whom the won will be like.
    parts : mapping of initiative to Series, index cell
        The piece of its words that a cell belongs to, for which there may be evidence.
    left_out : mapping of initiative to str
        Initiatives that name nobody, and why.
    """

    table: pd.DataFrame
    chosen: pd.DataFrame
    parts: dict[str, pd.Series]
    left_out: dict[str, str]


def _cells(groups: pd.DataFrame) -> pd.Series:
    return groups[TIER].astype(str) + " & " + groups[STAGE].astype(str)
