"""How many purchases customers will make, and who is still active.

Models of non-contractual purchasing, all fitted and asked in the same way:
BG/NBD, MBG/NBD and Pareto/NBD over continuous time, BG/BB over occasions.
"""

from crmlib.value.purchases.beta_bernoulli import BetaGeometricBetaBernoulli
from crmlib.value.purchases.beta_geometric import NAMES, BetaGeometric, PurchaseLikelihood
from crmlib.value.purchases.covariates import CovariateResult, WithCovariates
from crmlib.value.purchases.modified_beta_geometric import ModifiedBetaGeometric
from crmlib.value.purchases.pareto_nbd import ParetoNBD
from crmlib.value.purchases.regularity import Regularity, purchase_regularity
from crmlib.value.purchases.shared import PurchaseModel, PurchaseResult, Refit

BetaGeometricResult = PurchaseResult  # a fit carries its model

__all__ = [
    "NAMES",
    "BetaGeometric",
    "BetaGeometricBetaBernoulli",
    "BetaGeometricResult",
    "CovariateResult",
    "ModifiedBetaGeometric",
    "ParetoNBD",
    "PurchaseLikelihood",
    "PurchaseModel",
    "PurchaseResult",
    "Refit",
    "Regularity",
    "WithCovariates",
    "purchase_regularity",
]
