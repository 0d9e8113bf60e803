"""What columns hold, as far as a setting can be wrong about it: numbers, words, and which.

One query looks into all columns at once; only the levels of words are listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import ibis
import ibis.expr.datatypes as datatypes
import ibis.expr.types as ir

NUMBERS, WORDS, YES_NO, DAYS = "numbers", "words", "yes or no", "days"


@dataclass(frozen=True)
class Contents:
    """What one column holds.

    Attributes
    ----------
    kind : str
        numbers, words, yes or no, days, or the engine's name of its type.
    filled : int
        Cells that are not empty.
    low, high : float
        Of numbers; of all else, and of a column without any, both are NaN.
    example : str
        Of what is no number; among words one that cannot be read as a number, if any.
    """

    kind: str
    filled: int
    low: float
    high: float
    example: str

    @property
    def told(self) -> str:
        """What it holds, for a message."""
        return (
            self.kind if self.kind in (NUMBERS, YES_NO) else f"{self.kind} such as `{self.example}`"
        )


def look_into(rows: ir.Table, names: Iterable[str]) -> dict[str, Contents]:
    """What each of some columns holds, by its name."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    measures = {}
    for at, name in enumerate(wanted):
        cell, there = rows[name], is_filled(rows[name])
        measures[f"filled{at}"] = there.sum()
        if cell.type().is_numeric():
            measures[f"low{at}"] = cell.min(where=there).cast("float64")
            measures[f"high{at}"] = cell.max(where=there).cast("float64")
            continue
        text = cell if cell.type().is_string() else cell.cast("string")
        odd = text.min(where=there & text.try_cast("float64").isnull())
        measures[f"example{at}"] = odd.coalesce(text.min(where=there))
    found = rows.aggregate(**measures).to_pyarrow().to_pylist()[0]
    return {
        name: Contents(
            _kind(rows[name].type()),
            int(found[f"filled{at}"] or 0),
            *(_number(found.get(f"{end}{at}")) for end in ("low", "high")),
            str(found.get(f"example{at}") or ""),
        )
        for at, name in enumerate(wanted)
    }


def is_filled(cell: ir.Value) -> ir.BooleanValue:
    """Whether a cell holds something; what is not a number is as good as empty."""
    return cell.notnull() & ~cell.isnan() if cell.type().is_floating() else cell.notnull()


def levels_of(rows: ir.Table, name: str) -> list[str]:
    """The different words of a column, sorted."""
    distinct = rows.select(level=rows[name]).filter(ibis._.level.notnull()).distinct()
    return sorted(distinct.level.to_pyarrow().to_pylist())


def _number(found: float | None) -> float:
    return float("nan") if found is None else float(found)


def _kind(of: datatypes.DataType) -> str:
    if of.is_numeric() and not of.is_boolean():
        return NUMBERS
    if of.is_boolean():
        return YES_NO
    if of.is_string():
        return WORDS
    return DAYS if of.is_temporal() else str(of)
