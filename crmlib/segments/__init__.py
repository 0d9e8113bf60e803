"""Which segments customers fall into: found, checked before they go live, read and followed."""

from crmlib.segments.accounts import segment_accounts, segment_targets
from crmlib.segments.alarms import (
    Alarms,
    alarms,
)
from crmlib.segments.audit import (
    Audit,
    AuditRules,
    audit,
    audit_of_rungs,
)
from crmlib.segments.behaviour import (
    BehaviourSegments,
    Earlier,
    choose_behaviour,
    earlier_segments,
    name_behaviour,
)
from crmlib.segments.births import (
    Births,
    births,
)
from crmlib.segments.cards import (
    CardRules,
    Cards,
    segment_cards,
)
from crmlib.segments.choice import (
    SegmentChoice,
    choose_segments,
)
from crmlib.segments.clusters import (
    Segmentation,
    fit_segments,
    restored,
)
from crmlib.segments.continuity import continuity
from crmlib.segments.criteria import (
    CriteriaRules,
    conventional_or_dynamic,
)
from crmlib.segments.drift import (
    PopulationStability,
    population_stability,
)
from crmlib.segments.dynamics import (
    SegmentFlows,
    SizeForecast,
    forecast_sizes,
    segment_flows,
)
from crmlib.segments.features import (
    Prepared,
    Recipe,
    active,
    prepare,
)
from crmlib.segments.history import (
    TwoDates,
    a_year_before,
    as_formed_before,
    longest,
    two_dates,
    years_before,
)
from crmlib.segments.ladder import (
    Ladder,
    behaviour_rung,
    build_ladder,
    ladder_of,
    ladder_table,
    segment_table,
)
from crmlib.segments.lifecycle import (
    STAGES,
    LifecycleRules,
    lifecycle_signs,
    lifecycle_stages,
    spend_between,
)
from crmlib.segments.naming import (
    Names,
    name_segments,
)
from crmlib.segments.retirements import (
    Retirements,
    retirements,
)
from crmlib.segments.rules import (
    Rules,
    place,
    readable_rules,
)
from crmlib.segments.scoring import (
    Scored,
    ScoringModel,
    score,
    scoring_model,
)
from crmlib.segments.signs import signs_by_segment
from crmlib.segments.stability import (
    GATE,
    TRUSTED,
    Stability,
    stability,
)
from crmlib.segments.tier_odds import (
    TierOdds,
    tier_odds,
)
from crmlib.segments.triggers import (
    Triggers,
    announced_by,
    find_triggers,
)
from crmlib.segments.two_dates import (
    Comparison,
    Snapshot,
    compare_dates,
    snapshot,
)
from crmlib.segments.year_ago import customers_a_year_ago

__all__ = [
    "GATE",
    "STAGES",
    "TRUSTED",
    "Alarms",
    "Audit",
    "AuditRules",
    "BehaviourSegments",
    "Births",
    "CardRules",
    "Cards",
    "Comparison",
    "CriteriaRules",
    "Earlier",
    "Ladder",
    "LifecycleRules",
    "Names",
    "PopulationStability",
    "Prepared",
    "Recipe",
    "Retirements",
    "Rules",
    "Scored",
    "ScoringModel",
    "SegmentChoice",
    "SegmentFlows",
    "Segmentation",
    "SizeForecast",
    "Snapshot",
    "Stability",
    "TierOdds",
    "Triggers",
    "TwoDates",
    "a_year_before",
    "active",
    "alarms",
    "announced_by",
    "as_formed_before",
    "audit",
    "audit_of_rungs",
    "behaviour_rung",
    "births",
    "build_ladder",
    "choose_behaviour",
    "choose_segments",
    "compare_dates",
    "continuity",
    "conventional_or_dynamic",
    "customers_a_year_ago",
    "earlier_segments",
    "find_triggers",
    "fit_segments",
    "forecast_sizes",
    "ladder_of",
    "ladder_table",
    "lifecycle_signs",
    "lifecycle_stages",
    "longest",
    "name_behaviour",
    "name_segments",
    "place",
    "population_stability",
    "prepare",
    "readable_rules",
    "restored",
    "retirements",
    "score",
    "scoring_model",
    "segment_accounts",
    "segment_cards",
    "segment_flows",
    "segment_table",
    "segment_targets",
    "signs_by_segment",
    "snapshot",
    "spend_between",
    "stability",
    "tier_odds",
    "two_dates",
    "years_before",
]
