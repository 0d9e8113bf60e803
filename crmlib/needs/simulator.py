"""Which offer people would take: shares of preference by the logit rule (N2).

Shares of preference among the offers named and, where asked, none of them. They are market
shares only where everybody knows and can get every offer. Between two offers that are alike
the logit rule splits evenly what it gives to their like, within each group: people of one
group do not move from the similar offer first (independence of irrelevant alternatives), the
total over groups does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.needs.choice_coding import NONE, ChoiceCoding
from crmlib.needs.preferences import Preferences, figures, logit_rule

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Simulation:
    """Shares of preference.

    Attributes
    ----------
    shares : DataFrame with columns group, offer, share, lower, upper
        0–1, sum 1 in each group; group "all" is everybody.
    level : float
        Nominal coverage.
    notes : tuple of str
        What is beyond what people were shown.
    """

    shares: pd.DataFrame
    level: float
    notes: tuple[str, ...]


def simulate(
    preferences: Preferences, offers: pd.DataFrame, *, none: bool, level: float = 0.95
) -> Simulation:
    """Shares of preference for some offers.

    Parameters
    ----------
    preferences : Preferences
        ``model.preferences()``.
    offers : DataFrame
        One row for each offer, its name as index, one column for each attribute.
    none : bool
        Whether people may also take none.
    level : float
        Nominal coverage of the intervals.

    Raises
    ------
    ValueError
        Naming the attribute, offer and level: an attribute is missing, a level was never
        shown, a name stands twice; or none is asked for but was never an option.
    """
    coding = preferences.coding
    if len(offers) == 0 or not offers.index.is_unique:
        raise ValueError("offers must have different names, at least one")
    if len(offers) + none < 2:
        raise ValueError("one offer alone has no share: name another one, or allow none")
    if none and not coding.none:
        raise ValueError("people never had the option to take none: its share is not known")
    if none and NONE in offers.index:
        raise ValueError(f"an offer may not be called {NONE!r}, which is the option to take none")
    for attribute in coding.attributes:
        if attribute.name in offers and offers[attribute.name].isna().any():
            name = offers.index[int(np.argmax(offers[attribute.name].isna()))]
            raise ValueError(f"offer {name!r} has no {attribute.name!r}")
    rows = coding.matrix(offers)
    names = list(offers.index)
    if none:
        rows = np.vstack([rows, np.eye(rows.shape[1])[-1]])
        names.append(NONE)
    found = figures(
        preferences, lambda people: logit_rule(people @ rows.T), pd.Index(names, name="offer"),
        level,
    )  # fmt: skip
    return Simulation(
        found.rename(columns={"value": "share"}), level, _beyond_shown(coding, offers)
    )


def _beyond_shown(coding: ChoiceCoding, offers: pd.DataFrame) -> tuple[str, ...]:
    """Numbers outside of what people were shown."""
    notes = []
    for attribute in coding.attributes:
        if attribute.levels:
            continue
        numbers = offers[attribute.name].astype(float)
        outside = (numbers < attribute.lowest) | (numbers > attribute.highest)
        for name in offers.index[outside]:
            notes.append(
                f"{attribute.name} of {name} is {numbers[name]:g}; people were shown "
                f"{attribute.lowest:g} to {attribute.highest:g}"
            )
    return tuple(notes)
