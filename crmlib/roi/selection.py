"""Whom an initiative is for: words of a params file or table, read as customers (R1).

`all`, or pieces joined by `;` of which one must hold, each of conditions joined by `&` which
must all hold. A condition is a name that a value tier, lifecycle stage, behaviour or needs
segment has in this engagement.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.errors import suggestion
from crmlib.stats.optimise import NotIdentified

EVERYBODY = "all"


def pieces(words: str) -> list[str]:
    """The alternatives of a selection, written in one way.

    >>> pieces("high &relationship;  at risk")
    ['high & relationship', 'at risk']
    """
    found = [" & ".join(name.strip() for name in part.split("&")) for part in words.split(";")]
    return [part for part in found if part]


def selected(words: str, groups: pd.DataFrame) -> NDArray[np.bool_]:
    """Which customers a selection names, shape (n,).

    Parameters
    ----------
    words : str
    groups : DataFrame of shape (n, …)
        One column per way of grouping, such as value_tier and lifecycle_stage.

    Raises
    ------
    NotIdentified
        Naming a condition that no column knows, or that two columns do.
    """
    known = {name: set(groups[name].dropna().unique()) for name in groups}
    if not pieces(words):
        raise NotIdentified("a selection of customers is empty: `all` names everybody")
    chosen = np.zeros(len(groups), dtype=bool)
    for piece in pieces(words):
        within = np.ones(len(groups), dtype=bool)
        for condition in piece.split(" & "):
            if condition != EVERYBODY:
                within &= (groups[_column(condition, known)] == condition).to_numpy(bool)
        chosen |= within
    return chosen


def _column(condition: str, known: Mapping[str, set[str]]) -> str:
    """The one grouping that has a group of this name."""
    holding = [name for name, values in known.items() if condition in values]
    if len(holding) == 1:
        return holding[0]
    if holding:
        raise NotIdentified(f"{condition!r} names groups of {' and of '.join(holding)}")
    every = {str(value) for values in known.values() for value in values}
    raise NotIdentified(
        f"no group of customers is called {condition!r}. {suggestion(condition, every)}"
    )
