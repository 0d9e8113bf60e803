"""Where customer value lies, what it will be, and how sure we are."""

from crmlib.stats.refusal import Refusal, attempt
from crmlib.value.balance import Balance, balance_of_spend
from crmlib.value.cohorts import Cohorts, cohorts, last_whole_month
from crmlib.value.concentration import (
    Concentration,
    band_table,
    concentration,
    concentration_intervals,
)
from crmlib.value.customer_base import (
    expected_frequencies,
    fit_repeat_spend,
    value_inputs,
    value_table,
)
from crmlib.value.excess import ExcessMigration, excess_migration
from crmlib.value.holdout import Scorecard, foretold_total, holdout_money, holdout_scorecard
from crmlib.value.lifetime import LifetimeValues, annual_to_continuous, lifetime_values
from crmlib.value.migration import Migration, TierRule, value_migration
from crmlib.value.potential import Potential, compare_known, potential, wallet_reasons
from crmlib.value.profit import (
    Profit,
    Unprofitable,
    WhaleCurve,
    costliest_groups,
    customer_profits,
    profit,
    unprofitable,
    whale_curve,
)
from crmlib.value.purchases import BetaGeometric, BetaGeometricResult
from crmlib.value.shown import fit_sealed, shown_cohorts, shown_periods
from crmlib.value.spend import GammaGamma, GammaGammaResult
from crmlib.value.stationary import StationaryBase, StationaryFit, SwappedParts, fit_stationary
from crmlib.value.strategic import StrategicCustomers, strategic_customers
from crmlib.value.tracking import seal_date, track_purchases

__all__ = [
    "Balance",
    "BetaGeometric",
    "BetaGeometricResult",
    "Cohorts",
    "Concentration",
    "ExcessMigration",
    "GammaGamma",
    "GammaGammaResult",
    "LifetimeValues",
    "Migration",
    "Potential",
    "Profit",
    "Refusal",
    "Scorecard",
    "StationaryBase",
    "StationaryFit",
    "StrategicCustomers",
    "SwappedParts",
    "TierRule",
    "Unprofitable",
    "WhaleCurve",
    "annual_to_continuous",
    "attempt",
    "balance_of_spend",
    "band_table",
    "cohorts",
    "compare_known",
    "concentration",
    "concentration_intervals",
    "costliest_groups",
    "customer_profits",
    "excess_migration",
    "expected_frequencies",
    "fit_repeat_spend",
    "fit_sealed",
    "fit_stationary",
    "foretold_total",
    "holdout_money",
    "holdout_scorecard",
    "last_whole_month",
    "lifetime_values",
    "potential",
    "profit",
    "seal_date",
    "shown_cohorts",
    "shown_periods",
    "strategic_customers",
    "track_purchases",
    "unprofitable",
    "value_inputs",
    "value_migration",
    "value_table",
    "wallet_reasons",
    "whale_curve",
]
