"""What decks and opinions claim, beside what would have to be true (R3).

A claim of grade E never counts as evidence. What it is good for is a question: how large would
the effect have to be for the initiative to pay, and is the claim far above that or near it?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crmlib.roi.base import Selections
from crmlib.roi.break_even import break_even
from crmlib.roi.economics import SegmentEconomics
from crmlib.roi.npv import npv
from crmlib.stats.optimise import NotIdentified


@dataclass(frozen=True, eq=False)
class Claims:
    """Claims beside what they would have to bring.

    Attributes
    ----------
    table : DataFrame, index initiative
        unit, claimed (effect per adopter), break_even (effect from which it pays when all else
        is as expected; empty where no effect does), room (claimed over break_even), adopters,
        cost (money).
    left_out : mapping of initiative to str
        Claims that cannot be weighed, and why.
    """

    table: pd.DataFrame
    left_out: Mapping[str, str]


def claims(
    names: Sequence[str],
    initiatives: pd.DataFrame,
    chosen: Selections,
    economics: SegmentEconomics,
    *,
    seed: int,
) -> Claims:
    """Each claim with its break-even.

    Parameters
    ----------
    names : sequence of str
        Initiatives that rest on a claim alone.
    initiatives : DataFrame, index id
    chosen : Selections
    economics : SegmentEconomics
    seed : int
    """
    known = [name for name in names if name not in chosen.left_out]
    left_out = {name: chosen.left_out[name] for name in names if name in chosen.left_out}
    columns = ["unit", "claimed", "break_even", "room", "adopters", "cost"]
    empty = pd.DataFrame(columns=columns).rename_axis("initiative")
    if not known:
        return Claims(empty, left_out)
    rows = initiatives.loc[known]
    shape = (1, len(economics.table))
    # one world: what is weighed here is the claim and not its odds
    supposed = {name: np.full(shape, float(rows.at[name, "prior_mean"])) for name in known}
    try:
        found = npv(rows, chosen.chosen, supposed, economics, take_up_cv=0.0, seed=seed)
    except NotIdentified as refused:
        return Claims(empty, left_out | dict.fromkeys(known, str(refused)))
    table = {}
    expected = economics.expected()
    for name, case in found.cases.items():
        case = replace(case, economics=expected)
        least, claimed = break_even(case).effect, float(rows.at[name, "prior_mean"])
        table[name] = {
            "unit": case.unit,
            "claimed": claimed,
            "break_even": least,
            "room": claimed / least if least > 0 else np.nan,
            "adopters": float(case.adopters.sum()),
            "cost": float(case.costs[0]),
        }
    shown = pd.DataFrame.from_dict(table, orient="index", columns=columns)
    return Claims(shown.rename_axis("initiative"), left_out | dict(found.left_out))
