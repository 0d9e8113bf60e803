"""Exhibits and findings of 04_needs.

Each function takes a result of `crmlib.needs` and returns one exhibit."""

from crmlib.exhibits.needs.benefits import (
    benefit_findings,
    benefit_segments,
    choice_of_classes,
    proposed_names,
)
from crmlib.exhibits.needs.capability import capability_gaps, fit_by_segment, gap_findings
from crmlib.exhibits.needs.drivers import (
    break_points,
    driver_findings,
    fix_findings,
    issues_to_fix,
    satisfaction_drivers,
)
from crmlib.exhibits.needs.loyalty import loyalty_check, loyalty_findings, loyalty_profiles
from crmlib.exhibits.needs.offers import broad_or_specific, specific_findings, what_to_offer
from crmlib.exhibits.needs.projection import (
    projected_shares,
    projection_accuracy,
    projection_findings,
)

__all__ = [
    "benefit_findings",
    "benefit_segments",
    "break_points",
    "broad_or_specific",
    "capability_gaps",
    "choice_of_classes",
    "driver_findings",
    "fit_by_segment",
    "fix_findings",
    "gap_findings",
    "issues_to_fix",
    "loyalty_check",
    "loyalty_findings",
    "loyalty_profiles",
    "projected_shares",
    "projection_accuracy",
    "projection_findings",
    "proposed_names",
    "satisfaction_drivers",
    "specific_findings",
    "what_to_offer",
]
