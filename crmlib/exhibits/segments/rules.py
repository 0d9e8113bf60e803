"""The rules as they are printed, and how often they are right (S3)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.segments.rules import Rules
from crmlib.stats.refusal import Refusal

_WHAT = "Rules for the segments"
_ALL, _CEILING, _LOST = (
    "all rules together",
    "a flexible model on the same figures",
    "share of that model's agreement that the rules lose",
)
_HEADINGS = {"customer_share": "share of customers", "lo": "from", "hi": "to"}
_STEPS = (0.01, 0.05, 0.1)  # to which shares of customers are rounded


def segment_rules(rules: Rules | Refusal, n: int, scope: Scope) -> Exhibit:
    """Each rule with the share of customers it places and how often it is right."""
    if isinstance(rules, Refusal):
        return refused("segment_rules", _WHAT, rules, n, scope)
    if n * _STEPS[-1] < scope.min_cell or min(r.customers for r in rules.rules) < scope.min_cell:
        return scope.withheld("segment_rules", _WHAT, n)
    table = _table(rules, scope.min_cell)
    figures = ["agreement", "lo", "hi", "level"]
    shown = table.assign(
        segment=table["segment"].mask(table["segment"].duplicated(), ""),
        customer_share=[_percent(v) for v in table["customer_share"]],
        **{name: [_percent(v) for v in table[name]] for name in figures},
    )
    found = rules.fidelity
    agree, best = formats.percent(found.agreement.value), formats.percent(found.ceiling.value)
    return scope.exhibit(
        id="segment_rules",
        title=f"Printed rules place {agree} of customers right, a flexible model {best}",
        table=table,
        formatted=shown.rename(columns=_HEADINGS),
        n=n,
        unit="share of customers",
        alt=f"Table of {len(rules.rules)} rules with the segment that each leads to, the share of "
        "customers for whom it holds and how often it agrees with the segment.",
        note=_note(rules, scope),
    )


def _percent(share: float) -> str:
    return "" if pd.isna(share) else formats.percent(share)


def _table(rules: Rules, min_cell: int) -> pd.DataFrame:
    """The rules by segment, then all together beside the ceiling."""
    step = next(s for s in _STEPS if s * rules.n >= min_cell)
    rows = []
    for rule in rules.rules:
        # counts beside those of segments could tell of the few where both differ
        share = round(round(rule.customers / rules.n / step) * step, 2)
        told = rule.held_out >= min_cell
        right = round(rule.right / rule.held_out, 2) if told else np.nan
        rows.append((rule.segment, str(rule), share, right, np.nan, np.nan))
    found = rules.fidelity
    rows += [
        ("all segments", words, share, estimate.value, estimate.lo, estimate.hi)
        for words, share, estimate in (
            (_ALL, 1.0, found.agreement),
            (_CEILING, 1.0, found.ceiling),
            (_LOST, np.nan, found.lost),
        )
    ]
    columns = ["segment", "rule", "customer_share", "agreement", "lo", "hi"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(level=np.where(table["lo"].notna(), found.agreement.level, np.nan))


def _note(rules: Rules, scope: Scope) -> str:
    found = rules.fidelity
    remarks = [
        "For every customer exactly one rule holds. A figure that is not known counts as below "
        "every limit."
    ]
    if rules.unknown:
        remarks.append(f"Not known of some: {', '.join(rules.unknown)}.")
    remarks.append(
        f"Agreement: share of {formats.count(found.n)} customers, of whom neither the rules nor "
        "the model have learned, who are placed in their own segment; limits were rounded before. "
        f"{formats.level(found.agreement.level)} intervals. Putting everybody into the largest "
        f"segment is right for {formats.percent(found.naive)}."
    )
    if rules.unreached:
        remarks.append(f"No rule leads to: {', '.join(rules.unreached)}.")
    if any(rule.held_out < scope.min_cell for rule in rules.rules):
        remarks.append(f"Agreement on {scope.few} is not shown.")
    return " ".join(remarks)


def segment_rule_findings(rules: Rules | Refusal) -> list[Finding]:
    """How often a salesperson with the printed rules is right."""
    if isinstance(rules, Refusal):
        return []
    found = rules.fidelity.agreement
    lost = rules.fidelity.lost
    said = formats.interval(found.lo, found.hi, formats.percent)
    best = formats.percent(rules.fidelity.ceiling.value)
    less = f"; a flexible model places {best}" if lost.lo > 0 else ""
    return [
        Finding(
            id="rules_agree",
            kind="estimate",
            sentence=f"From the printed rules alone {formats.percent(found.value)} of customers "
            f"are placed in their own segment ({formats.level(found.level)} interval {said})"
            f"{less}.",
            value=found.value,
            lo=found.lo,
            hi=found.hi,
            unit="share of customers",
            exhibit="segment_rules",
        )
    ]
