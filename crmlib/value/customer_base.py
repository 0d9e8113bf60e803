"""The value models applied to the `customers` table of an engagement.

Names the columns once, so that notebooks speak of steps and the models of arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.stats.tiers import value_deciles, value_tiers
from crmlib.value.lifetime import LifetimeValues
from crmlib.value.purchases import PurchaseResult
from crmlib.value.shown import MOST_REPEATS
from crmlib.value.spend import GammaGammaResult
from crmlib.value.spend_by_frequency import SpendModel, fit_spend


def fit_repeat_spend(
    frequency: pd.Series, mean_repeat_amount: pd.Series, model: SpendModel = "gamma_gamma"
) -> GammaGammaResult:
    """Gamma-Gamma on customers with repeat purchases of positive mean amount.

    Parameters
    ----------
    frequency, mean_repeat_amount : Series of shape (n_customers,)
        Of all customers.
    model : {"auto", "gamma_gamma", "by_frequency"}
        One distribution of spend for all, one for each group of frequency, or
        which of them the data call for; `choice` of the result says why.

    Raises
    ------
    NotIdentified
        If nobody has repeat purchases of positive amount.
    """
    usable = (frequency >= 1) & (mean_repeat_amount > 0)
    if not usable.any():
        raise NotIdentified("no customer has a repeat purchase: spend per purchase is unknown")
    return fit_spend(frequency[usable], mean_repeat_amount[usable], model)


def expected_frequencies(result: PurchaseResult, observed_time: pd.Series) -> pd.Series:
    """Expected customers by repeat purchases 0 … 7 or more."""
    return result.frequency_distribution(observed_time, MOST_REPEATS)


def value_inputs(customers: pd.DataFrame, margin_rate: float) -> pd.DataFrame:
    """The columns that `lifetime_values` takes, money as contribution.

    Parameters
    ----------
    customers : DataFrame
        customer_id, frequency, recency, observed_time, mean_repeat_amount,
        total_amount, last_year_amount.
    margin_rate : float
        Contribution per unit of revenue.
    """
    history = customers[["customer_id", "frequency", "recency", "observed_time"]]
    return history.assign(
        mean_repeat_spend=customers["mean_repeat_amount"],
        realised=customers["total_amount"] * margin_rate,
        current_value=customers["last_year_amount"] * margin_rate,
    )


def value_table(
    values: LifetimeValues | Refusal,
    customers: pd.DataFrame,
    margin_rate: float,
    tier_cuts: Sequence[float],
    tier_labels: Sequence[str],
) -> pd.DataFrame:
    """The `value` table; where the models were refused it ranks by value realised.

    Returns
    -------
    DataFrame of shape (n_customers, 11)
        As `LifetimeValues.customers`; future columns are empty after a refusal.
    """
    if not isinstance(values, Refusal):
        return values.customers
    realised = customers["total_amount"] * margin_rate
    ahead = ["p_active", "expected_purchases", "expected_spend", "future_value"]
    empty = dict.fromkeys([*ahead, "future_value_lo", "future_value_hi"], float("nan"))
    return pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "current_value": customers["last_year_amount"] * margin_rate,
            **empty,
            "lifetime_value": realised,
            "value_decile": value_deciles(realised, customers["customer_id"]),
            "value_tier": value_tiers(realised, tier_cuts, tier_labels, customers["customer_id"]),
        }
    )
