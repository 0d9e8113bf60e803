"""Lifetime value of customers whose business is contracts (V8).

Future value is what running contracts contribute from here on, cost of the relationship
included; it has the form that purchases have, so that the rest of the workbook need not
know which stream carries the margin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.stats.optimise import NotIdentified
from crmlib.stats.tiers import value_deciles, value_tiers
from crmlib.value.contribution import Contribution
from crmlib.value.lifetime import LifetimeValues
from crmlib.value.running_contracts import ContractValues


def contract_lifetime_values(
    contributions: pd.DataFrame,
    contracts: ContractValues,
    contributed: Contribution,
    *,
    tier_cuts: Sequence[float],
    tier_labels: Sequence[str],
) -> LifetimeValues:
    """Value of each customer and of the base from what running contracts will bring.

    Parameters
    ----------
    contributions : DataFrame of shape (n_customers, 3)
        customer_id, realised, current_value of all customers.
    contracts : ContractValues
        Of these customers as its base.
    contributed : Contribution
        Whose notes a reader should know.
    tier_cuts, tier_labels
        Tiers by cumulative share of lifetime value, see `value_tiers`.

    Raises
    ------
    NotIdentified
        If all contracts together are expected to cost more than they bring: shares of
        their value have no meaning.

    Notes
    -----
    `p_active` is 1 with a running contract and 0 without: contracts are seen to end.
    """
    if not contracts.top_shares:
        raise NotIdentified(
            "running contracts are expected to cost more than they bring: shares of their "
            "value have no meaning"
        )
    known = contracts.customers.set_index("customer_id").reindex(contributions["customer_id"])
    ahead = known[["contract_value", "contract_value_lo", "contract_value_hi"]].fillna(0.0)
    ids = contributions["customer_id"]
    lifetime = contributions["realised"] + ahead["contract_value"].to_numpy()
    table = pd.DataFrame(
        {
            "customer_id": ids,
            "current_value": contributions["current_value"],
            "p_active": known["running_contracts"].notna().to_numpy(dtype=float),
            "expected_purchases": np.nan,
            "expected_spend": np.nan,
            "future_value": ahead["contract_value"].to_numpy(),
            "future_value_lo": ahead["contract_value_lo"].to_numpy(),
            "future_value_hi": ahead["contract_value_hi"].to_numpy(),
            "lifetime_value": lifetime,
            "value_decile": value_deciles(lifetime, ids),
            "value_tier": value_tiers(lifetime, tier_cuts, tier_labels, ids),
        }
    )
    to_infinity = None if contracts.to_infinity is None else contracts.to_infinity.value
    return LifetimeValues(
        customers=table,
        equity=contracts.total,
        to_infinity=to_infinity,
        top_shares=contracts.top_shares,
        replicates=contracts.replicates,
        grade=contracts.grade,
        notes=(*contracts.notes, *contributed.notes),
    )
