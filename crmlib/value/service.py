"""What serving customers costs beside what they will be worth, by tenth and by tier (V9).

Joins what the chapter knows of the future with the ledger's cost of the last twelve
months: of the customers who still have a value ahead, since only their service can be
changed. The comparison itself is `crmlib.value.balance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.disclosure import band_ends, is_small
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.tiers import best_first, value_tiers
from crmlib.value.balance import Balance, balance_of_spend
from crmlib.value.lifetime import LifetimeValues
from crmlib.value.shown_groups import tells_of_few

SERVICE = ("cost_to_serve", "marketing")
CONTRACTS, PURCHASES = "running contracts", "purchases"


@dataclass(frozen=True)
class FutureValues:
    """What each customer is expected to bring from here on.

    Attributes
    ----------
    customers : DataFrame
        customer_id, future_value (money, discounted, over the horizon).
    of : {"running contracts", "purchases"}
        Where the value comes from.
    """

    customers: pd.DataFrame
    of: str


@dataclass(frozen=True)
class ServiceBalance:
    """Cost of service and marketing against future value.

    Attributes
    ----------
    bands : Balance
        By equal bands of customers, 1 = best by future value.
    tiers : Balance or None
        By value tier, of which one ends with a band where it would end a few customers
        before or behind it; None where beside the bands it would tell of a few customers.
    of : str
        Where the value comes from, see `FutureValues`.
    elsewhere : float
        Cost of customers without a value ahead, who have left.
    """

    bands: Balance
    tiers: Balance | None
    of: str
    elsewhere: float


def future_values(values: LifetimeValues, margin_from: str) -> FutureValues:
    """The customers who still have something ahead, and what it is worth.

    Parameters
    ----------
    values : LifetimeValues
    margin_from : {"transactions", "contracts", "ledger"}
        The stream that these values are of; with contracts it is known who has left.
    """
    table = values.customers
    of = PURCHASES if margin_from == "transactions" else CONTRACTS
    kept = table[table["future_value"].notna() & (table["p_active"] > 0)]
    return FutureValues(kept[["customer_id", "future_value"]], of)


def service_balance(
    ahead: FutureValues,
    amounts: pd.DataFrame,
    cuts: Sequence[float],
    labels: Sequence[str],
    *,
    bands: int,
    min_cell: int,
    replications: int,
    seed: int,
    level: float,
) -> ServiceBalance:
    """Compare shares of cost with shares of future value.

    Parameters
    ----------
    ahead : FutureValues
    amounts : DataFrame
        customer_id, line and amount of the ledger in the last twelve months.
    cuts, labels : sequences
        Value tiers, by cumulative share of future value; best first.
    bands : int
        Equal bands of ranked customers.
    min_cell : int
        Smallest group that may be shown.
    replications, seed, level
        Bootstrap over customers, nominal coverage.

    Raises
    ------
    NotIdentified
        If all future value or cost is not positive, too few customers have left, or as
        `balance_of_spend`.
    """
    given = {"replications": replications, "seed": seed, "level": level}
    served = amounts[amounts["line"].isin(SERVICE)]
    cost = served.groupby("customer_id")["amount"].sum()
    customers = ahead.customers.sort_values("customer_id", ignore_index=True)
    ids = customers["customer_id"]
    expected = customers["future_value"].to_numpy(float)
    if not expected.sum() > 0:
        raise NotIdentified(f"future value is {expected.sum():g} in all: shares have no meaning")
    # customer by customer: a group may hold some of either kind, whatever its sum is
    worth = np.maximum(expected, 0.0)
    spent = cost.reindex(ids).fillna(0.0).to_numpy(float)
    order, ends = best_first(worth, ids), band_ends(len(ids), bands)
    band = np.empty(len(ids), dtype=np.int64)
    band[order] = np.repeat(np.arange(1, bands + 1), np.diff(ends))
    tier = _tiers_beside(order, ends, value_tiers(worth, cuts, labels, ids), labels, min_cell)
    others = cost[~cost.index.isin(ids)]
    if is_small(len(others), min_cell):
        raise NotIdentified(
            f"fewer than {min_cell} customers have no value ahead: the others would tell of them"
        )
    by_tier = None
    if not tells_of_few([band, tier], min_cell):
        by_tier = balance_of_spend(spent, worth, tier, **given)
        there = [label for label in labels if label in by_tier.groups.index]
        by_tier = replace(by_tier, groups=by_tier.groups.loc[there])
    return ServiceBalance(
        bands=balance_of_spend(spent, worth, band, **given),
        tiers=by_tier,
        of=ahead.of,
        elsewhere=float(others.sum()),
    )


def _tiers_beside(
    order: NDArray[np.int64],
    ends: NDArray[np.int64],
    tier: NDArray[np.object_],
    labels: Sequence[str],
    min_cell: int,
) -> NDArray[np.object_]:
    """Tiers that end with a band where fewer than may be shown lie between both ends."""
    bounds = np.cumsum([np.sum(tier == label) for label in labels])
    nearest = ends[np.abs(ends[:, None] - bounds).argmin(axis=0)]
    bounds = np.where(np.abs(nearest - bounds) < min_cell, nearest, bounds)
    moved = np.empty_like(tier)
    moved[order] = np.repeat(np.asarray(labels, dtype=object), np.diff(bounds, prepend=0))
    return moved
