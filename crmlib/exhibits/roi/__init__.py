"""Exhibits and findings of 05_roi."""

from crmlib.exhibits.roi.evidence import claims_weighed, effects_known
from crmlib.exhibits.roi.money import (
    break_even_points,
    initiative_worth,
    paid_anyway,
    value_drivers,
)
from crmlib.exhibits.roi.reach import next_customers, overlapping
from crmlib.exhibits.roi.start import Programme, in_brief, start_findings, start_monday

__all__ = [
    "Programme",
    "break_even_points",
    "claims_weighed",
    "effects_known",
    "in_brief",
    "initiative_worth",
    "next_customers",
    "overlapping",
    "paid_anyway",
    "start_findings",
    "start_monday",
    "value_drivers",
]
