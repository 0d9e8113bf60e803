"""Where customer value lies, what it will be, and how sure we are."""

from crmlib.stats.refusal import Refusal, attempt
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
from crmlib.value.holdout import Scorecard, foretold_total, holdout_money, holdout_scorecard
from crmlib.value.lifetime import LifetimeValues, annual_to_continuous, lifetime_values
from crmlib.value.purchases import (
    BetaGeometric,
    BetaGeometricBetaBernoulli,
    BetaGeometricResult,
    CovariateResult,
    ModifiedBetaGeometric,
    ParetoNBD,
    PurchaseModel,
    PurchaseResult,
    Regularity,
    WithCovariates,
    purchase_regularity,
)
from crmlib.value.shown import fit_sealed, shown_cohorts, shown_periods
from crmlib.value.spend import GammaGamma, GammaGammaResult
from crmlib.value.tracking import seal_date, track_purchases

__all__ = [
    "BetaGeometric",
    "BetaGeometricBetaBernoulli",
    "BetaGeometricResult",
    "Cohorts",
    "Concentration",
    "CovariateResult",
    "GammaGamma",
    "GammaGammaResult",
    "LifetimeValues",
    "ModifiedBetaGeometric",
    "ParetoNBD",
    "PurchaseModel",
    "PurchaseResult",
    "Refusal",
    "Regularity",
    "Scorecard",
    "WithCovariates",
    "annual_to_continuous",
    "attempt",
    "band_table",
    "cohorts",
    "concentration",
    "concentration_intervals",
    "expected_frequencies",
    "fit_repeat_spend",
    "fit_sealed",
    "foretold_total",
    "holdout_money",
    "holdout_scorecard",
    "last_whole_month",
    "lifetime_values",
    "purchase_regularity",
    "seal_date",
    "shown_cohorts",
    "shown_periods",
    "track_purchases",
    "value_inputs",
    "value_table",
]
