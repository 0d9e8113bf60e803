"""Exhibits and findings of 02_value.

Each function takes a result of `crmlib.value` and returns one exhibit. Where a
step was refused, its exhibit says so in words instead of showing a figure."""

from crmlib.exhibits.value.acquisition import (
    acquisition_findings,
    acquisition_payback,
    acquisition_quality,
)
from crmlib.exhibits.value.balance import (
    balance_by_decile,
    balance_by_tier,
    balance_findings,
)
from crmlib.exhibits.value.contract_drivers import (
    contract_drivers,
)
from crmlib.exhibits.value.contract_holdout import (
    contract_holdout,
    contract_holdout_findings,
)
from crmlib.exhibits.value.contract_values import (
    contract_findings,
    contract_values,
)
from crmlib.exhibits.value.contracts import (
    contract_export,
    contract_models,
    contract_survival,
)
from crmlib.exhibits.value.future import (
    customer_equity,
    findings,
    future_concentration,
)
from crmlib.exhibits.value.holdout import (
    holdout_by_decile,
    holdout_by_frequency,
    holdout_money,
    holdout_scorecard,
    holdout_tracking,
    purchase_models,
)
from crmlib.exhibits.value.migration import (
    migration_findings,
    migration_flows,
    migration_matrix,
)
from crmlib.exhibits.value.models import (
    frequency_fit,
    model_parameters,
)
from crmlib.exhibits.value.past import (
    cohort_retention,
    cohort_revenue,
    concentration,
    deciles,
)
from crmlib.exhibits.value.potential import (
    potential_findings,
    share_of_wallet,
    wallet_likeness,
)
from crmlib.exhibits.value.profit import (
    profit_by_decile,
    profit_by_product,
    profit_curve,
    profit_findings,
)
from crmlib.exhibits.value.profit_groups import (
    costliest,
    profit_by_channel,
    profit_heat,
)
from crmlib.exhibits.value.refused import (
    refused,
)
from crmlib.exhibits.value.season import (
    season_and_trend,
    season_findings,
)
from crmlib.exhibits.value.strategic import (
    strategic_customers,
    strategic_findings,
    strategic_tests,
)

__all__ = [
    "acquisition_findings",
    "acquisition_payback",
    "acquisition_quality",
    "balance_by_decile",
    "balance_by_tier",
    "balance_findings",
    "cohort_retention",
    "cohort_revenue",
    "concentration",
    "contract_drivers",
    "contract_export",
    "contract_findings",
    "contract_holdout",
    "contract_holdout_findings",
    "contract_models",
    "contract_survival",
    "contract_values",
    "costliest",
    "customer_equity",
    "deciles",
    "findings",
    "frequency_fit",
    "future_concentration",
    "holdout_by_decile",
    "holdout_by_frequency",
    "holdout_money",
    "holdout_scorecard",
    "holdout_tracking",
    "migration_findings",
    "migration_flows",
    "migration_matrix",
    "model_parameters",
    "potential_findings",
    "profit_by_channel",
    "profit_by_decile",
    "profit_by_product",
    "profit_curve",
    "profit_findings",
    "profit_heat",
    "purchase_models",
    "refused",
    "season_and_trend",
    "season_findings",
    "share_of_wallet",
    "strategic_customers",
    "strategic_findings",
    "strategic_tests",
    "wallet_likeness",
]
