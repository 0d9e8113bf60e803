"""Exhibits and findings of 04_needs.

Each function takes a result of `crmlib.needs` and returns one exhibit."""

from crmlib.exhibits.needs.benefits import (
    benefit_findings,
    benefit_segments,
    choice_of_classes,
    proposed_names,
)
from crmlib.exhibits.needs.loyalty import loyalty_check, loyalty_findings, loyalty_profiles

__all__ = [
    "benefit_findings",
    "benefit_segments",
    "choice_of_classes",
    "loyalty_check",
    "loyalty_findings",
    "loyalty_profiles",
    "proposed_names",
]
