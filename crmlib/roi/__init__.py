"""Which next increment of investment pays, how sure that is, and when to stop (chapter 05)."""

from crmlib.roi.appraisal import Appraisal, appraise
from crmlib.roi.assets import asset_matrix, bifocal, missing_for
from crmlib.roi.base import Base, Selections
from crmlib.roi.break_even import BreakEven, break_even, tornado
from crmlib.roi.campaign import Campaign, day_before, last_part
from crmlib.roi.cashflow import BusinessCase
from crmlib.roi.claims import Claims, claims
from crmlib.roi.delivery import DeliveryCheck, delivery_check
from crmlib.roi.economics import PossibleEconomics, SegmentEconomics
from crmlib.roi.evidence import Evidence, evidence
from crmlib.roi.first_review import FirstReview, first_review
from crmlib.roi.frontier import frontier, rule_prices, shadow_values
from crmlib.roi.increments import Calendar, annuity
from crmlib.roi.information import (
    InformationValue,
    partial_information,
    perfect_information,
    value_of_information,
)
from crmlib.roi.leads import leads
from crmlib.roi.next_steps import NextSteps, next_steps
from crmlib.roi.normal_loss import sample_information
from crmlib.roi.not_started import not_started
from crmlib.roi.npv import Npv, npv, where_it_pays
from crmlib.roi.overlap import overlaps
from crmlib.roi.pilot import Launch, PilotPlan, pilot
from crmlib.roi.pilots import PilotEffects, effects_of_pilots, per_adopter
from crmlib.roi.plans import Plans
from crmlib.roi.policy import policy_values
from crmlib.roi.power import (
    ArmSizes,
    detectable_effect,
    power_for_means,
    size_for_means,
    size_for_shares,
)
from crmlib.roi.qini import qini_areas, qini_curves
from crmlib.roi.reach import MarginalReach, marginal_reach
from crmlib.roi.retention import PooledRetention
from crmlib.roi.review import ReviewPlan, review_plan
from crmlib.roi.roadmap import Roadmap, roadmap
from crmlib.roi.selection import pieces, selected
from crmlib.roi.sequential import Boundaries, Peeking, peeking, review_boundaries
from crmlib.roi.shrinkage import GRADES, NO_EVIDENCE, Shrunk, shrink, widening
from crmlib.roi.staging import Staged, part_of_budget, plan_table, plan_waves, staged, started
from crmlib.roi.trial import Effect, effect
from crmlib.roi.two_treatments import (
    RolledTest,
    Treatment,
    expected_profit,
    profit_maximising_size,
    test_and_roll,
)
from crmlib.roi.uplift import Targeting, uplift

__all__ = [
    "GRADES",
    "NO_EVIDENCE",
    "Appraisal",
    "ArmSizes",
    "Base",
    "Boundaries",
    "BreakEven",
    "BusinessCase",
    "Calendar",
    "Campaign",
    "Claims",
    "DeliveryCheck",
    "Effect",
    "Evidence",
    "FirstReview",
    "InformationValue",
    "Launch",
    "MarginalReach",
    "NextSteps",
    "Npv",
    "Peeking",
    "PilotEffects",
    "PilotPlan",
    "Plans",
    "PooledRetention",
    "PossibleEconomics",
    "ReviewPlan",
    "Roadmap",
    "RolledTest",
    "SegmentEconomics",
    "Selections",
    "Shrunk",
    "Staged",
    "Targeting",
    "Treatment",
    "annuity",
    "appraise",
    "asset_matrix",
    "bifocal",
    "break_even",
    "claims",
    "day_before",
    "delivery_check",
    "detectable_effect",
    "effect",
    "effects_of_pilots",
    "evidence",
    "expected_profit",
    "first_review",
    "frontier",
    "last_part",
    "leads",
    "marginal_reach",
    "missing_for",
    "next_steps",
    "not_started",
    "npv",
    "overlaps",
    "part_of_budget",
    "partial_information",
    "peeking",
    "per_adopter",
    "perfect_information",
    "pieces",
    "pilot",
    "plan_table",
    "plan_waves",
    "policy_values",
    "power_for_means",
    "profit_maximising_size",
    "qini_areas",
    "qini_curves",
    "review_boundaries",
    "review_plan",
    "roadmap",
    "rule_prices",
    "sample_information",
    "selected",
    "shadow_values",
    "shrink",
    "size_for_means",
    "size_for_shares",
    "staged",
    "started",
    "test_and_roll",
    "tornado",
    "uplift",
    "value_of_information",
    "where_it_pays",
    "widening",
]
