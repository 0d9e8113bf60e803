"""Lifetime value of customers whose business is contracts (V8).

Future value is what running contracts contribute from here on, cost of the relationship
included; it has the form that purchases have, so that the rest of the workbook need not
know which stream carries the margin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal, attempt
from crmlib.stats.tiers import value_deciles, value_tiers
from crmlib.value.contract_base import ContractBase
from crmlib.value.contribution import Contribution, ledger_contribution, stated_contribution
from crmlib.value.lifetime import LifetimeValues
from crmlib.value.running_contracts import ContractValues

LEAST_LEFT_OUT = 0.01  # of the last year's contribution


def contribution(
    margin_from: str,
    base: ContractBase | Refusal,
    year: pd.DataFrame | Refusal,
    before: pd.DataFrame | Refusal,
    *,
    end: object,
    trend: str,
    booked_from: object = None,
) -> Contribution | Refusal:
    """What contracts contribute: by the ledger where it carries the margin, else as stated.

    Parameters
    ----------
    margin_from : {"transactions", "contracts", "ledger"}
    base : ContractBase or Refusal
    year, before, end
        As for `ledger_contribution`; not read where the ledger does not carry the margin.
    trend : {"continue", "none"}
        Whether margins go on to change as in the last year.
    booked_from : date, optional
        First day that the ledger books; before the years where omitted.

    Returns
    -------
    Contribution, or the Refusal of what it rests on.
    """
    if isinstance(base, Refusal) or margin_from != "ledger":
        return attempt(_stated, base)
    found = attempt(_by_ledger, base, year, before, end=end, booked_from=booked_from)
    if isinstance(found, Refusal) or trend == "continue":
        return found
    return replace(found, trends={})


def _stated(base: ContractBase) -> Contribution:
    return stated_contribution(base.spells, base.min_cell)


def _by_ledger(
    base: ContractBase,
    year: pd.DataFrame,
    before: pd.DataFrame,
    *,
    end: object,
    booked_from: object,
) -> Contribution:
    years = [_grouped(rows, base.groups) for rows in (year, before)]
    return ledger_contribution(
        base.spells, base.relationships, *years, end=end, booked_from=booked_from
    )


def _grouped(rows: pd.DataFrame, groups: Mapping[str, str]) -> pd.DataFrame:
    """Rows of the ledger under the groups that small products were merged into."""
    products = rows["product"].astype(str)
    amounts = rows["amount"].astype(float)
    return rows.assign(product=products.map(groups).fillna(products), amount=amounts)


def contract_lifetime_values(
    contributions: pd.DataFrame,
    contracts: ContractValues,
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
        notes=(*_of_all(contracts), *_left_out(contributions, known)),
    )


def _left_out(contributions: pd.DataFrame, known: pd.DataFrame) -> tuple[str, ...]:
    """What of the last year came from customers of whom nothing is expected."""
    current = contributions["current_value"].to_numpy()
    total = current.sum()
    gone = current[known["running_contracts"].isna().to_numpy()].sum()
    if not total > 0 or abs(gone) < LEAST_LEFT_OUT * total:
        return ()
    return (
        f"customers without a running contract brought {gone / total:.0%} of what was contributed "
        "in the last twelve months, and count as bringing nothing from here on",
    )


def _of_all(contracts: ContractValues) -> tuple[str, ...]:
    """Notes that are not of one product, which the exhibit of its model says."""
    named = tuple(f"{product}: " for product in contracts.products.index)
    return tuple(note for note in contracts.notes if not note.startswith(named))
