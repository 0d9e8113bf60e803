"""Where customer value lies, what it will be, and how sure we are."""

from crmlib.stats.refusal import Refusal, attempt
from crmlib.value.cohorts import Cohorts, cohorts, last_whole_month
from crmlib.value.concentration import (
    Concentration,
    band_table,
    concentration,
    concentration_intervals,
)
from crmlib.value.contract_models import ContractModel, contract_models
from crmlib.value.contract_value import (
    migration_value,
    recency_transition,
    retention_value,
    retention_value_slope,
)
from crmlib.value.contracts import ShiftedBetaGeometric, ShiftedBetaGeometricResult
from crmlib.value.customer_base import (
    expected_frequencies,
    fit_repeat_spend,
    value_inputs,
    value_table,
)
from crmlib.value.export_check import ExportCheck, RecordedEnds, export_check, recorded_ends
from crmlib.value.hazard_ratios import HazardRatios, hazard_ratios
from crmlib.value.holdout import Scorecard, foretold_total, holdout_money, holdout_scorecard
from crmlib.value.life_table import LifeTable, life_table
from crmlib.value.lifetime import LifetimeValues, annual_to_continuous, lifetime_values
from crmlib.value.purchases import BetaGeometric, BetaGeometricResult
from crmlib.value.running_contracts import ContractValues, ends_together, running_values
from crmlib.value.shown import fit_sealed, shown_cohorts, shown_periods
from crmlib.value.spells import contract_spells
from crmlib.value.spend import GammaGamma, GammaGammaResult
from crmlib.value.survival import (
    GroupedSurvival,
    SurvivalCurve,
    kaplan_meier,
    kaplan_meier_by_group,
)
from crmlib.value.tracking import seal_date, track_purchases

__all__ = [
    "BetaGeometric",
    "BetaGeometricResult",
    "Cohorts",
    "Concentration",
    "ContractModel",
    "ContractValues",
    "ExportCheck",
    "GammaGamma",
    "GammaGammaResult",
    "GroupedSurvival",
    "HazardRatios",
    "LifeTable",
    "LifetimeValues",
    "RecordedEnds",
    "Refusal",
    "Scorecard",
    "ShiftedBetaGeometric",
    "ShiftedBetaGeometricResult",
    "SurvivalCurve",
    "annual_to_continuous",
    "attempt",
    "band_table",
    "cohorts",
    "concentration",
    "concentration_intervals",
    "contract_models",
    "contract_spells",
    "ends_together",
    "expected_frequencies",
    "export_check",
    "fit_repeat_spend",
    "fit_sealed",
    "foretold_total",
    "hazard_ratios",
    "holdout_money",
    "holdout_scorecard",
    "kaplan_meier",
    "kaplan_meier_by_group",
    "last_whole_month",
    "life_table",
    "lifetime_values",
    "migration_value",
    "recency_transition",
    "recorded_ends",
    "retention_value",
    "retention_value_slope",
    "running_values",
    "seal_date",
    "shown_cohorts",
    "shown_periods",
    "track_purchases",
    "value_inputs",
    "value_table",
]
