"""How effects, odds and initiatives read in chapter 05."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from crmlib.exhibits import formats
from crmlib.exhibits.scope import Scope

LABEL = 34  # letters of an initiative's name beside a picture
_NEARLY = 0.99
WHAT_CHANGES: Mapping[str, str] = {
    "retention_pp": "12-month retention",
    "margin_pct": "margin",
    "reactivation_pp": "return of lapsed customers",
    "migration_pp": "moves to the higher tier",
    "cpa": "cost per customer won",
}


def odds(chance: float) -> str:
    """A chance that draws have shown, never as certain as they look.

    >>> odds(0.873), odds(1.0), odds(0.0004)
    ('87%', 'over 99%', 'under 1%')
    """
    if chance > _NEARLY:
        return "over 99%"
    return "under 1%" if chance < 1 - _NEARLY else formats.percent(chance)


def effect(value: float, unit: str, scope: Scope | None = None) -> str:
    """An effect per adopter in its unit; nothing where there is none.

    >>> effect(0.0661, "retention_pp"), effect(-0.05, "margin_pct"), effect(45.0, "cpa")
    ('+6.6 pp', '-5.0%', '45.00')
    """
    if not np.isfinite(value):
        return ""
    if unit == "cpa":
        return formats.money(value, scope.currency if scope else "")
    if unit == "margin_pct":
        return formats.signed_percent(value)
    return f"{100 * value:+.1f} pp"


def called(name: str, names: Mapping[str, str], most: int = LABEL) -> str:
    """An initiative or asset as readers know it, shortened to a label."""
    return formats.shortened(names.get(name, name.replace("_", " ")), most)


def listed(words: Sequence[str]) -> str:
    """Words in a row with an *and* before the last.

    >>> listed(["one"]), listed(["one", "two", "three"])
    ('one', 'one, two and three')
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
