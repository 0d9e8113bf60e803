"""Whether the company does well what segments want, and where it falls short (N7)."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.needs.groups import (
    RESPONDENTS,
    fitting,
    hidden_groups,
    interval_bars,
    said,
    survey_refused,
    withheld_note,
)
from crmlib.exhibits.scope import Scope
from crmlib.needs.capability import CapabilityFit
from crmlib.stats.refusal import Refusal

_OWN = "Scores are the client's opinion of itself and carry no interval."


def fit_by_segment(
    fit: CapabilityFit | Refusal, sizes: pd.Series, level: float, scope: Scope
) -> Exhibit:
    """How much of what a segment wants the company does well, and the discipline it asks for.

    Parameters
    ----------
    sizes : Series, index segments
        Respondents of each segment, for what may be shown.
    """
    n = int(sizes.sum())
    if isinstance(fit, Refusal):
        return survey_refused("capability_fit", "The fit of capabilities", fit, n, scope)
    hidden = _hidden(fit, sizes, scope)
    table = fit.segments[~hidden].sort_values("fit", kind="stable", ignore_index=True)
    if table.empty:
        return scope.withheld("capability_fit", "The fit of capabilities", n, RESPONDENTS)
    figures = ["fit", "fit_lo", "fit_hi", "discipline_share", "chance", "delivered"]
    table[figures] = table[figures].round(4)
    table["segment"] = table["segment"].map(said)
    table["leads"] = np.where(table["leads"], "yes", "no")
    figure, axes = theme.axes(columns=2, height=1.6 + 0.42 * len(table))
    names = [fill(formats.shortened(name, 40), 22) for name in table["segment"]]
    interval_bars(axes[0], table, "fit", names, formats.percent)
    theme.percent(axes[0], "x")
    axes[0].set_ylim(len(table) - 0.5, -0.5)  # rows level with those of the table beside
    theme.tidy(axes[0], x=f"fit, {formats.level(level)} interval", y="", grid="x")
    asked = fit.disciplines[~hidden]
    asked.index = asked.index.map(said)
    asked = asked.loc[table["segment"]]
    texts = [[formats.percent(value) for value in row] for row in asked.to_numpy()]
    heads = [
        f"{fill(name, 12)}\n(own {_percent(fit.company[name])})" for name in fit.disciplines.columns
    ]
    heat.table(axes[1], asked.to_numpy(), texts, [""] * len(asked), heads, size=8.5)
    axes[1].tick_params(axis="x", labelsize=7.5)
    first, last = table.iloc[0], table.iloc[-1]
    low, high = formats.percent(first["fit"]), formats.percent(last["fit"])
    return scope.exhibit(
        id="capability_fit",
        title=fitting(
            f"Best served is the segment {last['segment']}, {high}; the least {low}",
            f"Capabilities fit segments' wants by {low} to {high}",
        ),
        table=_with_disciplines(table, asked),
        figure=figure,
        n=n,
        population=RESPONDENTS,
        unit="share of importance that is done well; share of importance by discipline",
        alt=f"Bars of the fit of {len(table)} segments with what the company does well, worst "
        "first, beside a table of how much of what they want belongs to each discipline.",
        note=f"Fit: importance of each need times the company's score in it, 0 to 100%. {_OWN} "
        "In brackets the company's own score in a discipline." + withheld_note(hidden, scope),
    )


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else formats.percent(share)


def _with_disciplines(table: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """The table with each discipline's share of importance behind it."""
    shares = asked.round(4).reset_index(drop=True)
    shares.columns = [f"wants_{str(name).replace(' ', '_')}" for name in shares.columns]
    return table.join(shares)


def _hidden(fit: CapabilityFit, sizes: pd.Series, scope: Scope) -> NDArray[np.bool_]:
    counts = sizes.reindex(fit.segments["segment"], fill_value=0)
    return hidden_groups(counts, scope.min_cell)


def capability_gaps(fit: CapabilityFit | Refusal, sizes: pd.Series, scope: Scope) -> Exhibit | None:
    """What segments want and do not get: importance that the company's score leaves unserved."""
    if isinstance(fit, Refusal):
        return None
    hidden, n = _hidden(fit, sizes, scope), int(sizes.sum())
    shown = list(fit.segments["segment"][~hidden])
    table = fit.gaps[fit.gaps["segment"].isin(shown)].reset_index(drop=True)
    if table.empty:
        return scope.withheld("capability_gaps", "Gaps of capabilities", n, RESPONDENTS)
    wide = table.pivot(index="segment", columns="need", values="gap").loc[shown]
    wide = wide[wide.mean().sort_values(ascending=False, kind="stable").index]
    figures = ["importance", "score", "gap", "gap_lo", "gap_hi"]
    table[figures] = table[figures].round(4)
    table = table.assign(segment=table["segment"].map(said), need=table["need"].map(said))
    figure, ax = theme.axes(height=1.2 + 0.45 * len(shown))
    texts = [[formats.percent(value) for value in row] for row in wide.to_numpy()]
    rows = [fill(formats.shortened(said(name), 44), 24) for name in wide.index]
    heads = [fill(said(name), 11, break_long_words=False) for name in wide.columns]
    heat.table(ax, wide.to_numpy(), texts, rows, heads, size=8.5)
    ax.tick_params(axis="x", labelsize=7.5)
    first = table.iloc[0]
    gap = formats.percent(first["gap"])
    return scope.exhibit(
        id="capability_gaps",
        title=fitting(
            f"{formats.capitalised(first['need'])} leaves the largest gap, {gap}, "
            f"for the segment {first['segment']}",
            f"The largest gap leaves {gap} of a segment's wants unserved",
        ),
        table=table,
        figure=figure,
        n=n,
        population=RESPONDENTS,
        unit="share of importance that is not served",
        alt=f"Table of {len(shown)} segments by {wide.shape[1]} needs; the darker a cell, the "
        "more of what the segment wants is not served.",
        note="Gap: importance of the need in the segment times what the company's score lacks of "
        f"the best. {_OWN}" + withheld_note(hidden, scope),
    )


def gap_findings(fit: CapabilityFit | Refusal, sizes: pd.Series, scope: Scope) -> list[Finding]:
    """The largest gap, an estimate where importance has intervals."""
    if isinstance(fit, Refusal):
        return []
    shown = fit.segments["segment"][~_hidden(fit, sizes, scope)]
    gaps = fit.gaps[fit.gaps["segment"].isin(shown)].dropna(subset=["gap_lo", "gap_hi"])
    if gaps.empty:
        return []
    first = gaps.iloc[0]
    between = formats.interval(first["gap_lo"], first["gap_hi"], formats.percent)
    return [
        Finding(
            id="largest_capability_gap",
            kind="estimate",
            sentence=f"For the segment {said(first['segment'])}, {said(first['need'])} is the "
            f"largest gap: {formats.percent(first['gap'])} of what it wants ({between}) is not "
            "served.",
            value=round(float(first["gap"]), 4),
            unit="share of importance",
            exhibit="capability_gaps",
            lo=round(float(first["gap_lo"]), 4),
            hi=round(float(first["gap_hi"]), 4),
        )
    ]
