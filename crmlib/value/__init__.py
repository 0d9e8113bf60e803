"""Where customer value lies, what it will be, and how sure we are."""

from crmlib.stats.refusal import (
    Refusal,
    attempt,
)
from crmlib.value.balance import (
    Balance,
    balance_of_spend,
)
from crmlib.value.choosing import (
    PurchaseChoice,
    choose_purchase_model,
    chosen_fit,
    chosen_scorecard,
    fit_purchases,
    rival_equities,
)
from crmlib.value.cohorts import (
    Cohorts,
    cohorts,
    last_whole_month,
    years_before,
)
from crmlib.value.concentration import (
    Concentration,
    band_table,
    concentration,
    concentration_intervals,
)
from crmlib.value.contract_base import (
    ContractBase,
    ContractSurvival,
    contract_base,
    contract_survival,
    model_contracts,
    value_contracts,
)
from crmlib.value.contract_drivers import (
    ContractDrivers,
    contract_drivers,
)
from crmlib.value.contract_holdout import (
    ContractHoldout,
    contract_holdout,
)
from crmlib.value.contract_lifetime import (
    contract_lifetime_values,
    contribution,
)
from crmlib.value.contract_models import (
    ContractModel,
    contract_models,
)
from crmlib.value.contract_value import (
    migration_value,
    recency_transition,
    retention_value,
    retention_value_slope,
)
from crmlib.value.contracts import (
    ShiftedBetaGeometric,
    ShiftedBetaGeometricResult,
)
from crmlib.value.contribution import (
    Contribution,
    YearOnYear,
)
from crmlib.value.customer_base import (
    expected_frequencies,
    fit_repeat_spend,
    realised_concentration,
    stream_contributions,
    stream_values,
    value_inputs,
    value_table,
)
from crmlib.value.excess import (
    ExcessMigration,
    excess_migration,
)
from crmlib.value.export_check import (
    ExportCheck,
    RecordedEnds,
    export_check,
    recorded_ends,
)
from crmlib.value.frequency_bands import (
    FrequencyBands,
)
from crmlib.value.hazard_ratios import (
    HazardRatios,
    hazard_ratios,
)
from crmlib.value.holdout import (
    Foretold,
    Scorecard,
    by_forecast,
    foretold,
    holdout_money,
    holdout_scorecard,
)
from crmlib.value.life_table import (
    LifeTable,
    life_table,
)
from crmlib.value.lifetime import (
    LifetimeValues,
    annual_to_continuous,
    lifetime_values,
)
from crmlib.value.migration import (
    Migration,
    TierRule,
    value_migration,
)
from crmlib.value.moved import (
    ValueMoved,
    value_moved,
)
from crmlib.value.payback import (
    Payback,
    payback,
)
from crmlib.value.potential import (
    Potential,
    compare_known,
    potential,
    wallet_reasons,
)
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
from crmlib.value.roles import (
    Strategic,
    strategic_base,
)
from crmlib.value.running_contracts import (
    ContractValues,
    ends_together,
    running_values,
)
from crmlib.value.season import (
    SeasonAndTrend,
    season_and_trend,
)
from crmlib.value.service import (
    FutureValues,
    ServiceBalance,
    future_values,
    service_balance,
)
from crmlib.value.shown import (
    shown_cohorts,
    shown_periods,
)
from crmlib.value.spells import (
    contract_spells,
    relationship_spells,
)
from crmlib.value.spend import (
    GammaGamma,
    GammaGammaResult,
)
from crmlib.value.spend_by_frequency import (
    GammaGammaByFrequency,
)
from crmlib.value.stationary import (
    StationaryBase,
    StationaryFit,
    SwappedParts,
    fit_stationary,
)
from crmlib.value.strategic import (
    StrategicCustomers,
    strategic_customers,
)
from crmlib.value.survival import (
    GroupedSurvival,
    SurvivalCurve,
    kaplan_meier,
    kaplan_meier_by_group,
)
from crmlib.value.tracking import (
    seal_date,
    track_purchases,
)
from crmlib.value.wallets import (
    WalletPotential,
    brought_by,
    wallet_potential,
)

__all__ = [
    "Balance",
    "BetaGeometric",
    "BetaGeometricBetaBernoulli",
    "BetaGeometricResult",
    "Cohorts",
    "Concentration",
    "ContractBase",
    "ContractDrivers",
    "ContractHoldout",
    "ContractModel",
    "ContractSurvival",
    "ContractValues",
    "Contribution",
    "CovariateResult",
    "ExcessMigration",
    "ExportCheck",
    "Foretold",
    "FrequencyBands",
    "FutureValues",
    "GammaGamma",
    "GammaGammaByFrequency",
    "GammaGammaResult",
    "GroupedSurvival",
    "HazardRatios",
    "LifeTable",
    "LifetimeValues",
    "Migration",
    "ModifiedBetaGeometric",
    "ParetoNBD",
    "Payback",
    "Potential",
    "Profit",
    "PurchaseChoice",
    "PurchaseModel",
    "PurchaseResult",
    "RecordedEnds",
    "Refusal",
    "Regularity",
    "Scorecard",
    "SeasonAndTrend",
    "ServiceBalance",
    "ShiftedBetaGeometric",
    "ShiftedBetaGeometricResult",
    "StationaryBase",
    "StationaryFit",
    "Strategic",
    "StrategicCustomers",
    "SurvivalCurve",
    "SwappedParts",
    "TierRule",
    "Unprofitable",
    "ValueMoved",
    "WalletPotential",
    "WhaleCurve",
    "WithCovariates",
    "YearOnYear",
    "annual_to_continuous",
    "attempt",
    "balance_of_spend",
    "band_table",
    "brought_by",
    "by_forecast",
    "choose_purchase_model",
    "chosen_fit",
    "chosen_scorecard",
    "cohorts",
    "compare_known",
    "concentration",
    "concentration_intervals",
    "contract_base",
    "contract_drivers",
    "contract_holdout",
    "contract_lifetime_values",
    "contract_models",
    "contract_spells",
    "contract_survival",
    "contribution",
    "costliest_groups",
    "customer_profits",
    "ends_together",
    "excess_migration",
    "expected_frequencies",
    "export_check",
    "fit_purchases",
    "fit_repeat_spend",
    "fit_stationary",
    "foretold",
    "future_values",
    "hazard_ratios",
    "holdout_money",
    "holdout_scorecard",
    "kaplan_meier",
    "kaplan_meier_by_group",
    "last_whole_month",
    "life_table",
    "lifetime_values",
    "migration_value",
    "model_contracts",
    "payback",
    "potential",
    "profit",
    "purchase_regularity",
    "realised_concentration",
    "recency_transition",
    "recorded_ends",
    "relationship_spells",
    "retention_value",
    "retention_value_slope",
    "rival_equities",
    "running_values",
    "seal_date",
    "season_and_trend",
    "service_balance",
    "shown_cohorts",
    "shown_periods",
    "strategic_base",
    "strategic_customers",
    "stream_contributions",
    "stream_values",
    "track_purchases",
    "unprofitable",
    "value_contracts",
    "value_inputs",
    "value_migration",
    "value_moved",
    "value_table",
    "wallet_potential",
    "wallet_reasons",
    "whale_curve",
    "years_before",
]
