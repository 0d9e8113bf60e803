"""Exhibits and findings of 05_roi."""

from crmlib.exhibits.roi.budget import asset_values, budget_frontier, rule_prices
from crmlib.exhibits.roi.evidence import claims_weighed, effects_known
from crmlib.exhibits.roi.money import (
    break_even_points,
    initiative_worth,
    paid_anyway,
    value_drivers,
)
from crmlib.exhibits.roi.pilots import (
    next_step_findings,
    pilot_sizes,
    what_to_do_next,
)
from crmlib.exhibits.roi.plan import (
    lever_balance,
    plan_by_wave,
    spend_by_wave,
    what_does_not_start,
    what_is_missing,
)
from crmlib.exhibits.roi.reach import next_customers, overlapping
from crmlib.exhibits.roi.review import cost_of_peeking, review_calendar, where_it_stops
from crmlib.exhibits.roi.start import Programme, in_brief, start_findings, start_monday
from crmlib.exhibits.roi.targeting import (
    lists_made,
    qini_curve,
    targeting_findings,
    targeting_policies,
    trial_effect,
)

__all__ = [
    "Programme",
    "asset_values",
    "break_even_points",
    "budget_frontier",
    "claims_weighed",
    "cost_of_peeking",
    "effects_known",
    "in_brief",
    "initiative_worth",
    "lever_balance",
    "lists_made",
    "next_customers",
    "next_step_findings",
    "overlapping",
    "paid_anyway",
    "pilot_sizes",
    "plan_by_wave",
    "qini_curve",
    "review_calendar",
    "rule_prices",
    "spend_by_wave",
    "start_findings",
    "start_monday",
    "targeting_findings",
    "targeting_policies",
    "trial_effect",
    "value_drivers",
    "what_does_not_start",
    "what_is_missing",
    "what_to_do_next",
    "where_it_stops",
]
