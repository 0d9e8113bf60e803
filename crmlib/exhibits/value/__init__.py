"""Exhibits and findings of 02_value.

Each function takes a result of `crmlib.value` and returns one exhibit. Where a
step was refused, its exhibit says so in words instead of showing a figure.
"""

from crmlib.exhibits.value.contract_drivers import contract_drivers
from crmlib.exhibits.value.contract_values import contract_findings, contract_values
from crmlib.exhibits.value.contracts import contract_export, contract_models, contract_survival
from crmlib.exhibits.value.future import customer_equity, findings, future_concentration
from crmlib.exhibits.value.models import (
    frequency_fit,
    holdout_by_frequency,
    holdout_money,
    holdout_scorecard,
    holdout_tracking,
    model_parameters,
)
from crmlib.exhibits.value.past import cohort_retention, cohort_revenue, concentration, deciles
from crmlib.exhibits.value.profit import (
    profit_by_decile,
    profit_by_product,
    profit_curve,
    profit_findings,
)
from crmlib.exhibits.value.refused import refused

__all__ = [
    "cohort_retention",
    "cohort_revenue",
    "concentration",
    "contract_drivers",
    "contract_export",
    "contract_findings",
    "contract_models",
    "contract_survival",
    "contract_values",
    "customer_equity",
    "deciles",
    "findings",
    "frequency_fit",
    "future_concentration",
    "holdout_by_frequency",
    "holdout_money",
    "holdout_scorecard",
    "holdout_tracking",
    "model_parameters",
    "profit_by_decile",
    "profit_by_product",
    "profit_curve",
    "profit_findings",
    "refused",
]
