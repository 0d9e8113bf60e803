"""Exhibits and findings of 04_needs.

Each function takes a result of `crmlib.needs` and returns one exhibit."""

from crmlib.exhibits.needs.choice_models import (
    choice_caveats,
    choice_design,
    choice_models,
    choice_respondents,
)
from crmlib.exhibits.needs.choice_panels import Respondents
from crmlib.exhibits.needs.choice_shares import (
    benefits_wanted,
    offer_findings,
    offer_shares,
    payment_findings,
    wanted_findings,
    what_people_would_pay,
)
from crmlib.exhibits.needs.preferences import (
    attribute_importance,
    importance_findings,
    part_worths,
)

__all__ = [
    "Respondents",
    "attribute_importance",
    "benefits_wanted",
    "choice_caveats",
    "choice_design",
    "choice_models",
    "choice_respondents",
    "importance_findings",
    "offer_findings",
    "offer_shares",
    "part_worths",
    "payment_findings",
    "wanted_findings",
    "what_people_would_pay",
]
