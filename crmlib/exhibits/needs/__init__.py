"""Exhibits and findings of 04_needs.

Each function takes a result of `crmlib.needs` and returns one exhibit.
"""

from crmlib.exhibits.needs.benefits import (
    benefit_findings,
    benefit_segments,
    choice_of_classes,
    proposed_names,
    taken_names,
)
from crmlib.exhibits.needs.capability import capability_gaps, fit_by_segment, gap_findings
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
from crmlib.exhibits.needs.drivers import (
    break_points,
    driver_findings,
    fix_findings,
    issues_to_fix,
    satisfaction_drivers,
)
from crmlib.exhibits.needs.ladder import needs_audit, needs_ladder, needs_ladder_findings
from crmlib.exhibits.needs.loyalty import loyalty_check, loyalty_findings, loyalty_profiles
from crmlib.exhibits.needs.offers import broad_or_specific, specific_findings, what_to_offer
from crmlib.exhibits.needs.portraits import who_they_are
from crmlib.exhibits.needs.preferences import (
    attribute_importance,
    importance_findings,
    part_worths,
    proposed_classes,
)
from crmlib.exhibits.needs.projection import (
    projected_shares,
    projection_accuracy,
    projection_findings,
)

__all__ = [
    "Respondents",
    "attribute_importance",
    "benefit_findings",
    "benefit_segments",
    "benefits_wanted",
    "break_points",
    "broad_or_specific",
    "capability_gaps",
    "choice_caveats",
    "choice_design",
    "choice_models",
    "choice_of_classes",
    "choice_respondents",
    "driver_findings",
    "fit_by_segment",
    "fix_findings",
    "gap_findings",
    "importance_findings",
    "issues_to_fix",
    "loyalty_check",
    "loyalty_findings",
    "loyalty_profiles",
    "needs_audit",
    "needs_ladder",
    "needs_ladder_findings",
    "offer_findings",
    "offer_shares",
    "part_worths",
    "payment_findings",
    "projected_shares",
    "projection_accuracy",
    "projection_findings",
    "proposed_classes",
    "proposed_names",
    "satisfaction_drivers",
    "specific_findings",
    "taken_names",
    "wanted_findings",
    "what_people_would_pay",
    "what_to_offer",
    "who_they_are",
]
