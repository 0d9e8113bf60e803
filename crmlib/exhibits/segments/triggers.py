"""Which changes of behaviour came before customers left or took more (S9, detection)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.segments.features import feature_words
from crmlib.exhibits.value.refused import refused
from crmlib.segments.dynamics import LEFT, SegmentFlows
from crmlib.segments.triggers import CONFIRMED, DOWN, Triggers
from crmlib.stats.disclosure import is_small
from crmlib.stats.refusal import Refusal

_COLUMNS = ["what", "found_lift", "lift", "lift_lo", "lift_hi", "rate_with", "rate_without",
            "fired", "caught", "caught_lo", "caught_hi", "lead_time", "p_adjusted",
            "verdict"]  # fmt: skip


def leaving_triggers(found: Triggers | Refusal, n: int, scope: Scope) -> Exhibit:
    """What customers did differently before they left."""
    return _triggers("leaving_triggers", "leaving", found, n, scope)


def growing_triggers(found: Triggers | Refusal, n: int, scope: Scope) -> Exhibit:
    """What customers did differently before they took a further product."""
    return _triggers("growing_triggers", "a further product", found, n, scope)


def _triggers(id: str, event: str, found: Triggers | Refusal, n: int, scope: Scope) -> Exhibit:
    """Lift of each trigger where it was found and where it was tested."""
    if isinstance(found, Refusal):
        return refused(id, f"What announces {event}", found, n, scope)
    table = _table(found, scope.min_cell)
    figure = None
    if len(table):
        figure, ax = theme.axes(height=1.5 + 0.5 * len(table))
        places = np.arange(len(table))[::-1]
        reach = np.abs(table[["lift_lo", "lift_hi"]].to_numpy(float).T - table["lift"].to_numpy())
        ax.scatter(table["found_lift"], places, color=theme.REFERENCE, marker="D", s=28,
                   label="where it was found", zorder=3)  # fmt: skip
        ax.errorbar(table["lift"], places, xerr=reach, fmt="o", color=theme.PRIMARY, capsize=3,
                    label="on later data")  # fmt: skip
        ax.axvline(1, color=theme.REFERENCE, linewidth=1)
        ax.set_yticks(places, table["what"])
        ax.set_ylim(-0.6, len(table) - 0.4)
        ax.set_xlim(left=0)
        theme.legend_above(ax)
        theme.tidy(ax, x=f"times as often as without: {event} within {found.lead} months", y="",
                   grid="x")  # fmt: skip
        series = {"on later data": table["lift"], "from": table["lift_lo"],
                  "to": table["lift_hi"], "where found": table["found_lift"]}  # fmt: skip
        theme.says_values(ax, places, table["what"], series, lambda v: f"{v:.1f}", along="y")
    else:
        table = pd.DataFrame({
            "candidates": [len(found.searched)], "events": [found.events_searched],
            "split": [f"{found.split:%Y-%m-%d}"], "rate": [found.rate],
        })  # fmt: skip
    title = _title(event, table)
    return scope.exhibit(
        id=id,
        title=title,
        table=table,
        figure=figure,
        n=found.customers,
        unit="ratio of rates a month",
        alt=f"How many times as often {event} follows each change of behaviour, where it was found "
        f"and on later data, with {formats.level(found.level)} intervals. {title}.",
        note=_note(event, table, found),
    )


def _table(found: Triggers, min_cell: int) -> pd.DataFrame:
    """Triggers that were tested, in words; shares that would tell of a few are empty."""
    tested = found.tested
    table = tested.assign(what=[sign_in_words(row) for row in tested.to_dict("records")])
    caught = (table["caught"] * found.events_tested).round()
    few = is_small(caught, min_cell) | is_small(found.events_tested - caught, min_cell)
    told = ["caught", "caught_lo", "caught_hi", "lead_time"]
    table.loc[few, told] = np.nan
    return table[_COLUMNS].assign(
        lead_months=found.lead,
        level=found.level,
        events=found.events_tested,
        candidates=len(found.searched),
        split=f"{found.split:%Y-%m-%d}",
    )


def sign_in_words(row: dict[str, object]) -> str:
    """A trigger as a reader says it."""
    feature = feature_words(str(row["feature"]))
    way, by = ("fell" if row["direction"] == DOWN else "rose"), formats.percent(float(row["by"]))
    during = "a month" if row["recent"] == 1 else f"{row['recent']} months"
    return formats.shortened(f"{feature} {way} by {by} or more in {during}", 60)


def _title(event: str, table: pd.DataFrame) -> str:
    """The clearest trigger that stood the test."""
    if "verdict" not in table or not (table["verdict"] == CONFIRMED).any():
        return f"No change of behaviour announces {event} beyond chance"
    best = table[table["verdict"] == CONFIRMED].iloc[0]
    times = f"{best['lift']:.1f}"
    return f"{formats.capitalised(event)} is {times} times as likely after the clearest sign"


def _note(event: str, table: pd.DataFrame, found: Triggers) -> str:
    tried = len(found.searched)
    if "verdict" not in table:
        return (
            f"{formats.count(tried)} changes were looked at in months before "
            f"{found.split:%Y-%m-%d}; none precedes {event} more often than chance lets it "
            f"(Holm's correction at {formats.percent(found.rate)})."
        )
    return (
        f"Found among {formats.count(tried)} changes in the months before {found.split:%Y-%m-%d}, "
        f"tested once on those from then on ({formats.count(found.events_tested)} events). Each "
        "change is against the customer's own months before and against what all did in the same "
        "months; rates are compared among customers of a like usual level. Caught: share of the "
        "events before which it had shown. What comes before is not what causes: whether to "
        "act on a sign is for a pilot to say."
    )


def trigger_findings(
    found: Triggers | Refusal, flows: SegmentFlows | Refusal, brought: float
) -> list[Finding]:
    """The clearest sign of leaving that stood the test.

    Parameters
    ----------
    flows : SegmentFlows
        With what those who left had brought, for the finding's weight.
    brought : float
        What customers brought in the observed time.
    """
    if isinstance(found, Refusal) or found.confirmed.empty:
        return []
    best = found.confirmed.iloc[0]
    lost = 0.0 if isinstance(flows, Refusal) else float(flows.movement.loc[LEFT, "amount"])
    level, words = formats.level(found.level), sign_in_words(best.to_dict())
    return [
        Finding(
            id="leaving_announced",
            kind="estimate",
            sentence=f"Leaving is {best['lift']:.1f} times as likely after "
            f"{words} ({level} interval {best['lift_lo']:.1f} to {best['lift_hi']:.1f}), "
            "on data that had no part in finding it.",
            value=float(best["lift"]),
            lo=float(best["lift_lo"]),
            hi=float(best["lift_hi"]),
            unit="ratio of rates",
            exhibit="leaving_triggers",
            size=abs(lost) / brought if brought > 0 else 0.0,
        )
    ]
