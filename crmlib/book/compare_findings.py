"""Which findings moved between two versions, and whether by more than is allowed.

An estimate is measured against its own uncertainty: a move of 1 reaches from
the value to its interval's end on that side, in whichever of the two versions
that is nearer. So a move above 1 says exactly that one version's value lies
outside the other's interval. Counts and assumptions are measured against
themselves, by their relative change.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crmlib.book.compare_tables import SAME
from crmlib.exhibits import formats
from crmlib.params import Tolerances

Verdict = Literal["measured", "beyond", "counted", "assumption", "within", "worded"]
VERDICTS: dict[Verdict, str] = {
    "beyond": "Moved beyond its interval",
    "measured": "Measured differently",
    "counted": "Counted differently",
    "assumption": "Assumption changed",
    "within": "Moved within its interval",
    "worded": "Worded differently",
}
Record = dict[str, Any]


@dataclass(frozen=True)
class Move:
    """A finding that both versions have and say differently.

    Attributes
    ----------
    old, new : dict
        Its line in each version's findings.json.
    """

    old: Record
    new: Record

    @property
    def id(self) -> str:
        return self.new["id"]

    @property
    def verdict(self) -> Verdict:
        """In which way it moved."""
        if any(self.old[part] != self.new[part] for part in ("kind", "unit")):
            return "measured"
        parts = ("value", "lo", "hi")
        if all(is_same(self.old[part], self.new[part]) for part in parts):
            return "worded"
        if self.new["kind"] == "estimate":
            return "beyond" if self.reach > 1 else "within"
        return "counted" if self.new["kind"] == "census" else "assumption"

    @property
    def change(self) -> float | None:
        """B's value less A's, in the finding's unit; None where they cannot be subtracted."""
        if self.old["unit"] != self.new["unit"] or None in (self.old["value"], self.new["value"]):
            return None
        return self.new["value"] - self.old["value"]

    @property
    def relative(self) -> float:
        """Size of the change as a share of A's value; infinite where there is no such share."""
        if is_same(self.old["value"], self.new["value"]):
            return 0.0
        if self.change is None or not math.isfinite(self.change) or self.old["value"] == 0:
            return math.inf
        return abs(self.change / self.old["value"])

    @property
    def reach(self) -> float:
        """The move in lengths from the value to its interval's end, by the nearer of both ends."""
        if self.change is None or not math.isfinite(self.change):
            return math.inf
        there = _reach(self.old, self.new["value"])
        back = _reach(self.new, self.old["value"])
        return max(there, back)


@dataclass(frozen=True)
class Findings:
    """How the findings of two versions differ.

    Attributes
    ----------
    moves : tuple of Move
        Beyond their intervals first, the largest before the smaller.
    new, dropped : tuple of dict
        Findings that one version has alone.
    unchanged : int
        How many both have in the same words and figures.
    """

    moves: tuple[Move, ...]
    new: tuple[Record, ...]
    dropped: tuple[Record, ...]
    unchanged: int

    @property
    def moved(self) -> list[Move]:
        """Those whose figure or interval moved, not only their words."""
        return [move for move in self.moves if move.verdict != "worded"]

    @property
    def both(self) -> int:
        """How many both versions have."""
        return len(self.moves) + self.unchanged


@dataclass(frozen=True)
class Broken:
    """A finding that moved further than it may, with what it may."""

    id: str
    moved: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.id}: {self.moved}; {self.allowed}"


def between(old: Sequence[Record], new: Sequence[Record]) -> Findings:
    """Compare two lists of findings by id."""
    before, after = ({record["id"]: record for record in records} for records in (old, new))
    both = [Move(before[name], after[name]) for name in after if name in before]
    moves = [move for move in both if not _is_unchanged(move)]
    order = list(VERDICTS)
    moves.sort(key=lambda move: (order.index(move.verdict), -_size(move)))
    return Findings(
        tuple(moves),
        new=tuple(record for name, record in after.items() if name not in before),
        dropped=tuple(record for name, record in before.items() if name not in after),
        unchanged=len(both) - len(moves),
    )


def beyond_tolerance(findings: Findings, tolerances: Tolerances) -> list[Broken]:
    """Findings that vanished or moved further than the tolerances allow."""
    gone = (
        Broken(record["id"], "is no longer found", "a finding may not vanish")
        for record in findings.dropped
    )
    moved = (_broken(move, tolerances) for move in findings.moved)
    return [*(one for one in moved if one is not None), *gone]


def is_same(old: float | None, new: float | None) -> bool:
    """Whether two figures are equal, to the ninth significant digit."""
    if old is None or new is None:
        return old is new
    return (math.isnan(old) and math.isnan(new)) or math.isclose(old, new, rel_tol=SAME)


def _broken(move: Move, tolerances: Tolerances) -> Broken | None:
    kind, name = move.new["kind"], move.id
    if move.verdict == "measured":
        return Broken(name, _recast(move), "kind and unit may not change")
    if name in tolerances.findings:
        key, allowed, size = f"findings.{name}", tolerances.findings[name], move.relative
    elif kind == "estimate":
        key, allowed, size = "estimate", tolerances.estimate, move.reach
    else:
        allowed = tolerances.census if kind == "census" else tolerances.assumption
        key, size = kind, move.relative
    if size <= allowed or math.isclose(size, allowed, rel_tol=SAME):
        return None
    if key == "estimate":
        moved, limit = f"moved {times(size)} the way to its interval's end", f"{allowed:g}"
    else:
        moved, limit = f"changed by {share(size)}", share(allowed)
    return Broken(name, moved, f"tolerances.{key} allows {limit}")


def _recast(move: Move) -> str:
    parts = [
        f"{part} was {move.old[part] or 'none'}, is {move.new[part] or 'none'}"
        for part in ("kind", "unit")
        if move.old[part] != move.new[part]
    ]
    return ", ".join(parts)


def times(size: float) -> str:
    """A multiple in words: 1.4 times; beyond all measure where the interval has no length."""
    return (
        f"{formats.significant(size, 2)} times" if math.isfinite(size) else "infinitely many times"
    )


def share(size: float) -> str:
    """A relative change as a percentage of three digits; there is none of nothing."""
    if not math.isfinite(size):
        return "more than any share (from 0 or none)"
    return f"{formats.significant(100 * size, 3)}%"


def _reach(record: Record, other: float) -> float:
    """How far another value lies on the way from a record's value to its interval's end."""
    move = other - record["value"]
    if move == 0 or is_same(other, record["value"]):
        return 0.0
    end = record["hi"] if move > 0 else record["lo"]
    length = None if end is None else (end - record["value"]) * math.copysign(1, move)
    return abs(move) / length if length and length > 0 else math.inf


def _size(move: Move) -> float:
    return move.reach if move.new["kind"] == "estimate" else move.relative


def _is_unchanged(move: Move) -> bool:
    words: Iterable[str] = ("kind", "unit", "sentence")
    return all(move.old[part] == move.new[part] for part in words) and all(
        is_same(move.old[part], move.new[part]) for part in ("value", "lo", "hi")
    )
