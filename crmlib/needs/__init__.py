"""What customers want, why they stay, what it costs to fix (chapter 04)."""

from crmlib.needs.breakpoints import Breakpoint, breakpoint_of, breakpoints
from crmlib.needs.capability import CapabilityFit, capability_fit
from crmlib.needs.drivers import Drivers, drivers
from crmlib.needs.fixes import Fixes, fixes
from crmlib.needs.loyalty import (
    Agreement,
    Cutoffs,
    ValueAtStake,
    agreement,
    loyalty_profile,
    value_at_stake,
)
from crmlib.needs.offers import Offers, best_offers
from crmlib.needs.projection import HeldOut, Projection, hold_out, project
from crmlib.needs.value_of_satisfaction import ValueOfSatisfaction, value_of_satisfaction

__all__ = [
    "Agreement",
    "Breakpoint",
    "CapabilityFit",
    "Cutoffs",
    "Drivers",
    "Fixes",
    "HeldOut",
    "Offers",
    "Projection",
    "ValueAtStake",
    "ValueOfSatisfaction",
    "agreement",
    "best_offers",
    "breakpoint_of",
    "breakpoints",
    "capability_fit",
    "drivers",
    "fixes",
    "hold_out",
    "loyalty_profile",
    "project",
    "value_at_stake",
    "value_of_satisfaction",
]
