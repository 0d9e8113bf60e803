"""Who was a customer a year ago, in which tier and stage, and who has stayed since (S5, S6).

What somebody stands to lose is told by those who stood there a year ago. Today's tier and
stage would not do: whoever has left is lapsed today, and nobody would be seen to leave.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.segments.lifecycle import (
    ACQUISITION,
    LAPSED,
    UNKNOWN,
    LifecycleRules,
    lifecycle_signs,
    lifecycle_stages,
    spend_between,
)
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.stats.tiers import value_tiers

_NO_CUSTOMERS = (ACQUISITION, LAPSED, UNKNOWN)


def customers_a_year_ago(
    customers: pd.DataFrame,
    periods: pd.DataFrame,
    day: object,
    end: object,
    rules: LifecycleRules,
    *,
    contracts: pd.DataFrame | Refusal | None,
    tier_cuts: Sequence[float],
    tier_labels: Sequence[str],
) -> pd.DataFrame:
    """Tier and stage of everybody who was a customer then, and whether they are one still.

    Parameters
    ----------
    customers : DataFrame
        customer_id, first_date and last_date (of purchases; empty where none), joined where
        stated.
    periods : DataFrame
        The table of `intake.two_periods` up to `day`: what customers brought in the year before
        it, which makes the tiers, and in the one before that.
    day, end : date
        A year ago, and the last day known.
    rules : LifecycleRules
    contracts : DataFrame, optional
        customer_id, start_date, end_date (last day; empty while it runs).
    tier_cuts, tier_labels : as for `crmlib.stats.tiers.value_tiers`

    Returns
    -------
    DataFrame, index customer_id
        value_tier, lifecycle_stage (both of that day), stayed (bool).

    Raises
    ------
    NotIdentified
        If nothing is known of the year before that day, or nobody was a customer then.

    Notes
    -----
    With contracts, who has one running is a customer; without, who bought in the year before.
    A tier is by what was brought in that year, by the same shares of value as today's.
    """
    brought = _brought(periods)
    then, now = pd.Timestamp(day), pd.Timestamp(end)
    bound = None if contracts is None or isinstance(contracts, Refusal) else contracts
    bought = None if bound is not None else _bought(customers, periods)
    signs = lifecycle_signs(
        customers, then, p_active=bought, contracts=bound, spend=spend_between(periods)
    )
    table = pd.DataFrame(
        {
            "lifecycle_stage": lifecycle_stages(signs, rules).to_numpy(),
            "stayed": _staying(customers, bound, then, now).to_numpy(),
        },
        index=pd.Index(customers["customer_id"], name="customer_id"),
    )
    table = table[~table["lifecycle_stage"].isin(_NO_CUSTOMERS)]
    if table.empty:
        raise NotIdentified("nobody was a customer 12 months before the end")
    values = brought.reindex(table.index).fillna(0.0)
    if values.sum() <= 0:
        raise NotIdentified("customers of 12 months ago brought nothing in the year before")
    tiers = value_tiers(values, tier_cuts, tier_labels, ids=table.index)
    table.insert(0, "value_tier", tiers)
    return table


def _brought(periods: pd.DataFrame) -> pd.Series:
    """What customers brought in the later period, by customer."""
    rows = periods.set_index("customer_id")
    if "value_2" in rows:
        return rows["value_2"].fillna(0.0)
    parts = rows.filter(regex=r"^second_\d+$")
    if parts.empty:
        raise NotIdentified("too little is observed before the day a year ago to form tiers")
    return parts.sum(axis=1)


def _bought(customers: pd.DataFrame, periods: pd.DataFrame) -> pd.Series:
    """1 for who bought in the later period, else 0: then nobody has a contract to tell it."""
    count = periods.set_index("customer_id").get("purchases_2")
    ids = customers["customer_id"]
    if count is None:
        return pd.Series(np.nan, index=ids)
    return (count.reindex(ids).fillna(0) > 0).astype(float)


def _staying(
    customers: pd.DataFrame, contracts: pd.DataFrame | None, then: pd.Timestamp, now: pd.Timestamp
) -> pd.Series:
    """Whether a contract runs at the end or, without contracts, something was bought since."""
    ids = customers["customer_id"]
    if contracts is None:
        return pd.to_datetime(customers["last_date"]) > then
    started, ends = (pd.to_datetime(contracts[name]) for name in ("start_date", "end_date"))
    running = contracts.loc[(started <= now) & (ends.isna() | (ends >= now)), "customer_id"]
    return ids.isin(set(running))
