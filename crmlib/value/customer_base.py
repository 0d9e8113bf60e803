"""The value models applied to the `customers` table of an engagement.

Names the columns once, so that notebooks speak of steps and the models of arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.stats.tiers import threshold_tiers, value_deciles, value_tiers
from crmlib.value.concentration import Concentration, concentration
from crmlib.value.contribution import realised, stated_until
from crmlib.value.lifetime import LifetimeValues
from crmlib.value.purchases import PurchaseResult
from crmlib.value.shown import MOST_REPEATS
from crmlib.value.spend import GammaGammaResult
from crmlib.value.spend_by_frequency import SpendModel, fit_spend


def fit_repeat_spend(
    frequency: pd.Series, mean_repeat_amount: pd.Series, model: SpendModel = "auto"
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


def stream_contributions(
    margin_from: str,
    everyone: pd.DataFrame,
    *,
    margin_rate: float,
    account: pd.DataFrame | Refusal,
    year: pd.DataFrame | Refusal,
    contracts: pd.DataFrame | Refusal,
    start: object,
    end: object,
) -> pd.DataFrame:
    """What each customer has contributed, by the one stream that carries the margin.

    Parameters
    ----------
    margin_from : {"transactions", "contracts", "ledger"}
    everyone : DataFrame
        The `customers` table.
    margin_rate : float
        Contribution per unit of amount, for transactions.
    account, year : DataFrame or Refusal
        Rows of the ledger in the time observed, and of its last twelve whole months.
    contracts : DataFrame or Refusal
        customer_id, start_date, end_date and, where stated, margin; as `intake.read_contracts`
        gives them.
    start, end : date
        First and last day observed.

    Returns
    -------
    DataFrame of shape (n_customers, 3)
        customer_id, realised, current_value (of the last twelve months).
    """
    if margin_from == "transactions":
        amounts = everyone.set_index("customer_id")[["total_amount", "last_year_amount"]]
        parts = [amounts[name] * margin_rate for name in amounts]
    elif margin_from == "ledger":
        parts = [realised(rows) for rows in (account, year)]
    else:
        since = pd.Timestamp(end) + pd.Timedelta(days=1) - pd.DateOffset(years=1)
        parts = [stated_until(contracts, first, end) for first in (start, since)]
    ids = everyone["customer_id"]
    columns = [ids.map(money).fillna(0.0).astype(float) for money in parts]
    return pd.DataFrame(dict(zip(["customer_id", "realised", "current_value"], [ids, *columns],
                                 strict=True)))  # fmt: skip


def stream_values(
    margin_from: str,
    purchases: LifetimeValues | Refusal,
    contracts: LifetimeValues | Refusal,
) -> LifetimeValues | Refusal:
    """Values of the stream that carries the margin, with what purchases say of each customer."""
    if margin_from == "transactions":
        return purchases
    if isinstance(purchases, Refusal) or isinstance(contracts, Refusal):
        return contracts
    bought = purchases.customers.set_index("customer_id")[list(_OF_PURCHASES)]
    table = contracts.customers.copy()
    for name in bought:
        table[name] = table["customer_id"].map(bought[name])
    return replace(contracts, customers=table)


_OF_PURCHASES = ("expected_purchases", "expected_spend")


def realised_concentration(values: LifetimeValues) -> Concentration:
    """Concentration of what these customers have contributed so far.

    Raises
    ------
    NotIdentified
        If together they have contributed nothing: shares of it have no meaning.
    """
    past = (values.customers["lifetime_value"] - values.customers["future_value"]).to_numpy()
    if not past.sum() > 0:
        raise NotIdentified("customers have contributed nothing in all so far")
    return concentration(past)


def value_table(
    values: LifetimeValues | Refusal,
    contributions: pd.DataFrame,
    tier_cuts: Sequence[float],
    tier_labels: Sequence[str],
    tier_thresholds: Sequence[float] = (),
) -> pd.DataFrame:
    """The `value` table: one row per customer, ranked by lifetime value.

    Customers without a forecast, or all where the models were refused, count with the
    value that they have realised; what describes the future is then empty. Where all
    together are worth nothing, everybody stands in the last tier.

    Parameters
    ----------
    values : LifetimeValues or Refusal
    contributions : DataFrame
        All customers, from `stream_contributions`.
    tier_cuts : sequence of float
        Cumulative shares of value at which tiers end, see `value_tiers`.
    tier_thresholds : sequence of float
        Where given, lifetime values at which tiers begin, instead of shares.

    Returns
    -------
    DataFrame of shape (n_customers, 11)
        As `LifetimeValues.customers`.
    """
    ids, found = contributions["customer_id"], contributions["realised"]
    ahead = dict.fromkeys(_AHEAD, float("nan"))
    table = contributions[["customer_id", "current_value"]].assign(**ahead, lifetime_value=found)
    if not isinstance(values, Refusal):
        known = values.customers.set_index("customer_id").reindex(ids).reset_index()
        filled = {name: known[name] for name in _AHEAD}
        table = table.assign(**filled)
        table["lifetime_value"] = known["lifetime_value"].fillna(found)
    worth = table["lifetime_value"]
    # without a positive total nobody holds a share of it: no tier but the last
    tiers: object = tier_labels[-1]
    if tier_thresholds:
        tiers = threshold_tiers(worth, tier_thresholds, tier_labels)
    elif worth.sum() > 0:
        tiers = value_tiers(worth, tier_cuts, tier_labels, ids)
    return table.assign(value_decile=value_deciles(worth, ids), value_tier=tiers)


_AHEAD = ("p_active", *_OF_PURCHASES, "future_value", "future_value_lo", "future_value_hi")
