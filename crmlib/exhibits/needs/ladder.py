"""The third rung: value and behaviour crossed with needs, merged and audited (N5, S1, S2).

What a ladder is and how it is shown does not depend on its rungs: these are the exhibits of
the chapter on segments under names of their own.
"""

from __future__ import annotations

from dataclasses import replace

from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.segments.audit import segment_audit
from crmlib.exhibits.segments.ladder import ladder_merges
from crmlib.segments.audit import Audit
from crmlib.segments.ladder import Ladder
from crmlib.stats.refusal import Refusal


def needs_ladder(ladder: Ladder | Refusal, n: int, scope: Scope) -> Exhibit | None:
    """What was merged into what; None behind a refusal that the projection tells."""
    if isinstance(ladder, Refusal):
        return None
    return replace(ladder_merges(ladder, n, scope), id="needs_ladder")


def needs_audit(found: Audit | Refusal, scope: Scope, n: int) -> Exhibit | None:
    """Each check of the segments of three rungs."""
    if isinstance(found, Refusal):
        return None
    return replace(segment_audit(found, scope, n), id="needs_audit")


def needs_ladder_findings(found: Audit | Refusal) -> list[Finding]:
    """That segments of three rungs may not go live, where a check fails."""
    if isinstance(found, Refusal) or found.may_go_live:
        return []
    failed = " ".join(found.checks.loc[found.checks["outcome"] == "fail", "sentence"])
    return [
        Finding(
            id="needs_ladder_fails",
            kind="census",
            sentence=f"Segments of value, behaviour and needs may not go live. {failed}",
            value=None,
            unit="checks",
            exhibit="needs_audit",
            role="caveat",
            size=1.0,
        )
    ]
