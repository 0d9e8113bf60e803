"""Whom to contact for what, with a random part who are not (R7, R9).

The list of an initiative that starts: customers it is for, the most promising first, no further
than it reaches and pays, each with the channel he prefers. A random part is held out, since an
initiative whose customers are all treated can never be shown to have worked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from crmlib.roi.base import Base
from crmlib.roi.cashflow import LIVES, BusinessCase
from crmlib.roi.economics import PossibleEconomics, stream
from crmlib.roi.increments import annuity
from crmlib.roi.npv import Npv
from crmlib.stats.refusal import Refusal

COLUMNS = ["customer_id", "initiative", "expected_increment", "channel", "arm"]
TREATED, CONTROL = "treated", "control"


def leads(
    starts: Sequence[str],
    found: Npv,
    selections: pd.DataFrame,
    base: Base,
    people: pd.DataFrame,
    *,
    reach: pd.Series,
    holdout_share: float,
    seed: int,
    only: Mapping[str, pd.Series] | Refusal | None = None,
) -> pd.DataFrame:
    """The lists of initiatives that start.

    Parameters
    ----------
    starts : sequence of str
        Initiatives, in the order of the result; those that win customers have no list.
    found : Npv
        With a case for each; segments that it does not reach are left out.
    selections : DataFrame of bool, index customer_id, one column for each initiative
    base : Base
    people : DataFrame, index customer_id
        consent (who has none is on no list) and preferred_channel, where known.
    reach : Series, index initiative
        Share of the customers who can be reached.
    holdout_share : float
        Share of each list that is drawn by lot to be left alone.
    seed : int
    only : mapping of initiative to Series of bool, index customer_id, optional
        Whom a rule that was shown to pay would contact.

    Returns
    -------
    DataFrame
        customer_id, initiative, expected_increment (money per customer contacted, costs taken
        off, over the horizon), channel (empty where unknown), arm (treated or control).
    """
    lists = []
    for name in starts:
        case = found.cases[name]
        if case.unit == "cpa":
            continue
        chosen = selections.index[selections[name]]
        if only and not isinstance(only, Refusal) and name in only:
            wanted = only[name].reindex(chosen).fillna(False).astype(bool)
            chosen = chosen[wanted.to_numpy()]
        worth = _expected(case, base, chosen, found.segments)
        asked = people.get("consent", pd.Series(True, people.index)).reindex(chosen)
        worth = worth[(worth > 0) & asked.fillna(True).astype(bool)]
        most = int(np.ceil(float(reach[name]) * len(worth)))
        best = worth.sort_values(ascending=False, kind="stable").head(most)
        drawn = stream(seed, f"holdout of {name}").random(len(best)) < holdout_share
        channel = people.get("preferred_channel", pd.Series(dtype=object)).reindex(best.index)
        lists.append(
            pd.DataFrame(
                {
                    "customer_id": best.index,
                    "initiative": name,
                    "expected_increment": best.to_numpy(),
                    "channel": channel.to_numpy(),
                    "arm": np.where(drawn, CONTROL, TREATED),
                }
            )
        )
    return pd.concat(lists, ignore_index=True) if lists else pd.DataFrame(columns=COLUMNS)


def _expected(case: BusinessCase, base: Base, customers: pd.Index, segments: pd.Index) -> pd.Series:
    """Expected money per customer contacted, when all else is as expected."""
    one = case.expected()
    at = segments.get_indexer(base.cell[customers])
    increment = one.increment[0][at]
    if case.unit in LIVES:
        # the customer's own margin, over the retention that his segment has
        fixed = one.economics
        unit = replace(
            one, economics=PossibleEconomics(np.ones_like(fixed.margin), fixed.retention)
        )
        own = base.future_value[customers].to_numpy()
        own = own / annuity(fixed.retention[0], one.calendar)[at]
        increment = unit.increment[0][at] * own
    net = float(one.take_up[0]) * (increment - one.unit_cost)
    return pd.Series(np.where(one.reached[at] > 0, net, 0.0), customers)
