"""Exhibits and findings of 03_segments.

Each function takes a result of `crmlib.segments` and returns one exhibit."""

from crmlib.exhibits.segments.accounts import segment_accounts, segment_targets
from crmlib.exhibits.segments.audit import (
    conventional_dynamic,
    segment_audit,
    segment_audit_findings,
)
from crmlib.exhibits.segments.behaviour import (
    behaviour_findings,
    choice_of_segments,
    segment_profiles,
    stability_gate,
)
from crmlib.exhibits.segments.cards import (
    segment_cards,
    segment_portraits,
)
from crmlib.exhibits.segments.continuity import segments_since
from crmlib.exhibits.segments.drift import (
    drift_alarms,
    drift_findings,
)
from crmlib.exhibits.segments.dynamics import (
    flow_findings,
    segment_flows,
    segment_forecast,
    segment_migration,
)
from crmlib.exhibits.segments.features import (
    feature_words,
    features_used,
    words_of,
)
from crmlib.exhibits.segments.ladder import (
    ladder_merges,
    lifecycle_mix,
    segment_value_findings,
    segment_values,
)
from crmlib.exhibits.segments.moves import segment_moves
from crmlib.exhibits.segments.rules import (
    segment_rule_findings,
    segment_rules,
)
from crmlib.exhibits.segments.triggers import (
    growing_triggers,
    leaving_triggers,
    trigger_findings,
)

__all__ = [
    "behaviour_findings",
    "choice_of_segments",
    "conventional_dynamic",
    "drift_alarms",
    "drift_findings",
    "feature_words",
    "features_used",
    "flow_findings",
    "growing_triggers",
    "ladder_merges",
    "leaving_triggers",
    "lifecycle_mix",
    "segment_accounts",
    "segment_audit",
    "segment_audit_findings",
    "segment_cards",
    "segment_flows",
    "segment_forecast",
    "segment_migration",
    "segment_moves",
    "segment_portraits",
    "segment_profiles",
    "segment_rule_findings",
    "segment_rules",
    "segment_targets",
    "segment_value_findings",
    "segment_values",
    "segments_since",
    "stability_gate",
    "trigger_findings",
    "words_of",
]
