"""What features of some customers take from those of all, so that both compare (S8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Usual:
    """What a customer's features take from those of all, so that others get the same ones.

    Attributes
    ----------
    day : date
        On which it was so; quarters are counted back from it, year by year.
    quarter : int
        That in which all customers together spend most, 0 the last.
    share : float
        Of the year's spend in that quarter.
    lines : tuple of str
        Of the ledger, that are features.
    parts : dict of str to tuple of str
        By prefix, the channels or products that have a column of their own.
    others : tuple of str
        Prefixes with a column for all other parts.
    products_bought : bool
        Whether the products in purchases are counted.
    """

    day: dt.date
    quarter: int
    share: float
    lines: tuple[str, ...] = ()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    products_bought: bool = False

    def to_plain(self) -> dict[str, Any]:
        """As numbers and texts, for a file."""
        parts = {prefix: list(names) for prefix, names in self.parts.items()}
        return vars(self) | {"day": self.day.isoformat(), "parts": parts}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Usual:
        """The same again."""
        parts = {str(prefix): tuple(names) for prefix, names in plain["parts"].items()}
        return cls(
            dt.date.fromisoformat(plain["day"]), int(plain["quarter"]), float(plain["share"]),
            tuple(plain["lines"]), parts, tuple(plain["others"]),
            bool(plain.get("products_bought", False)),  # versions before it counted none
        )  # fmt: skip
