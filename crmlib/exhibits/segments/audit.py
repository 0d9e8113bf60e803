"""The audit before go-live, and what kind of segmentation it is (S2, S7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.segments.audit import FAIL, UNKNOWN, WARN, Audit
from crmlib.segments.criteria import DYNAMIC
from crmlib.stats.refusal import Refusal

_AUDIT, _CRITERIA = "The audit of the segments", "Conventional against dynamic"
_NAMED = 4  # checks that a title names


def segment_audit(found: Audit | Refusal, scope: Scope, n: int) -> Exhibit:
    """Each check with its outcome, figure and sentence."""
    if isinstance(found, Refusal):
        return refused("segment_audit", _AUDIT, found, n, scope)
    table = found.checks.copy()
    few = (table["unit"] == "customers") & table["figure"].between(1, scope.min_cell - 1)
    table["figure"] = table["figure"].mask(few)
    shown = table.assign(figure=[_figure(f) for f in table["figure"]])
    table["figure"] = table["figure"].round(3)
    return scope.exhibit(
        id="segment_audit",
        title=_audit_title(found),
        table=table,
        formatted=shown,
        n=found.n,
        unit="as each row says",
        alt=f"Table of {len(table)} checks of the segments with outcome, figure and what was "
        f"expected. {_audit_title(found)}.",
        note="A check that fails stops the segments from going live; a warning is for a person to "
        "judge; what is not known is not a pass.",
    )


def _figure(figure: float) -> str:
    if pd.isna(figure):
        return ""
    return formats.count(figure) if figure == round(figure) else f"{figure:.2f}"


def _names(found: Audit, outcome: str) -> list[str]:
    return found.checks.loc[found.checks["outcome"] == outcome, "check"].tolist()


def _listed(names: Sequence[str]) -> str:
    """Names as a title says them."""
    if len(names) > _NAMED:
        return "several checks"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _audit_title(found: Audit) -> str:
    failed, warned, open_ = (_names(found, outcome) for outcome in (FAIL, WARN, UNKNOWN))
    if failed:
        return f"Segments may not go live; failed: {_listed(failed)}"
    if warned:
        return f"No check fails; a person must judge {_listed(warned)}"
    if open_:
        return f"No check fails, but not known: {_listed(open_)}"
    return "Segments keep every promise that was checked"


def segment_audit_findings(found: Audit | Refusal) -> list[Finding]:
    """Whether the segments may go live, and what stands against it."""
    if isinstance(found, Refusal):
        return []
    bad = found.checks[found.checks["outcome"].isin([FAIL, WARN])]
    verdict = "may go live" if found.may_go_live else "may not go live"
    said = " ".join(bad["sentence"]) if len(bad) else "No check fails or warns."
    return [
        Finding(
            id="segments_go_live",
            kind="census",
            sentence=f"The segments {verdict}. {said}",
            value=None,
            unit="checks",
            exhibit="segment_audit",
            role="finding" if found.may_go_live else "caveat",
            size=0.0 if found.may_go_live else 1.0,
        )
    ]


def conventional_dynamic(found: pd.DataFrame | Refusal, n: int, scope: Scope) -> Exhibit:
    """Each criterion with its figure and which kind of segmentation it speaks for."""
    if isinstance(found, Refusal):
        return refused("conventional_dynamic", _CRITERIA, found, n, scope)
    table = found.assign(figure=found["figure"].round(3))
    shown = table.assign(figure=[_figure(f) for f in np.asarray(table["figure"])])
    readings = dict(zip(table["criterion"], table["reading"], strict=True))
    return scope.exhibit(
        id="conventional_dynamic",
        title=_criteria_title(readings),
        table=table,
        formatted=shown,
        n=n,
        unit="as each row says",
        alt=f"Table of {len(table)} criteria with what a conventional and a dynamic segmentation "
        "would be, the figure, and which of both it speaks for.",
        note="Read from figures at limits in the params; what no figure tells stays unknown. "
        "Conventional is no reproach: segments that nobody can act on gain nothing by change.",
    )


def _criteria_title(readings: dict[str, str]) -> str:
    dynamic = [name for name, reading in readings.items() if reading == DYNAMIC]
    if not dynamic:
        return "Segments are conventional by every criterion that is known"
    if len(dynamic) == len(readings):
        return "Segments are dynamic by every criterion"
    last = f"{', '.join(dynamic[:-1])} and {dynamic[-1]}" if dynamic[1:] else dynamic[0]
    return f"Segments are dynamic in {last}"
