"""Which issues drive satisfaction, where more no longer pays, and what to mend first (N4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.needs.groups import (
    RESPONDENTS,
    fitting,
    interval_bars,
    said,
    share_of,
    survey_refused,
)
from crmlib.exhibits.scope import Scope
from crmlib.needs.breakpoints import Breakpoint
from crmlib.needs.drivers import Drivers
from crmlib.needs.fixes import Fixes
from crmlib.stats.refusal import Refusal

_ASSOCIATION = "Answers that hang together are no proof of what a change would do"


def satisfaction_drivers(found: Drivers | Refusal, level: float, n: int, scope: Scope) -> Exhibit:
    """Importance by Shapley values with intervals, Johnson's weights beside them."""
    if isinstance(found, Refusal):
        return survey_refused("satisfaction_drivers", "Drivers of satisfaction", found, n, scope)
    if found.n_complete < scope.min_cell:
        return scope.withheld("satisfaction_drivers", "Drivers", found.n_complete, RESPONDENTS)
    columns = ["performance", "shapley", "shapley_lo", "shapley_hi", "share", "johnson",
               "johnson_lo", "johnson_hi", "slope", "slope_lo", "slope_hi"]  # fmt: skip
    table = found.table[columns].round(4)
    table.insert(0, "issue", found.table["item"].map(said))
    table["remark"], table["r2"] = found.table["notes"], round(found.r2.value, 4)
    figure, axes = theme.axes(columns=2, height=1.1 + 0.38 * len(table))
    interval_bars(axes[0], table, "shapley", table["issue"], "{:.2f}".format)
    places = np.arange(len(table))
    axes[0].plot(table["johnson"], places, "D", color=theme.CONTRAST, markersize=4,
                 label="Johnson's weight")  # fmt: skip
    theme.legend_above(axes[0])
    theme.tidy(axes[0], x=f"part of R², {formats.level(level)} interval", y="", grid="x")
    _draw_matrix(axes[1], table)
    first = table.iloc[0]
    share = formats.percent(first["share"])
    return scope.exhibit(
        id="satisfaction_drivers",
        title=fitting(
            f"{formats.capitalised(first['issue'])} explains most of satisfaction, {share} of R²",
            f"One issue explains {share} of what explains satisfaction",
        ),
        table=table,
        figure=figure,
        n=found.n_complete,
        population=RESPONDENTS,
        unit="part of explained variance; mean answer on its scale",
        alt=f"Bars of the importance of {len(table)} issues with intervals, most important first, "
        "and a chart of mean satisfaction with each against its importance.",
        note=f"All issues explain {formats.percent(found.r2.value)} of the variance "
        f"({formats.interval(found.r2.lo, found.r2.hi, formats.percent)}). Of {found.n_asked:,} "
        f"answer sheets {found.n_complete:,} are complete and used. An importance cannot be "
        f"negative: its interval is no test. {_ASSOCIATION}.",
    )


def _draw_matrix(ax: Axes, table: pd.DataFrame) -> None:
    """Performance to the right, importance upwards; the means divide what to mend from the rest."""
    ax.plot(table["performance"], table["shapley"], "o", color=theme.PRIMARY, markersize=5)
    ax.axvline(table["performance"].mean(), color=theme.REFERENCE, linewidth=1, linestyle="--")
    ax.axhline(table["shapley"].mean(), color=theme.REFERENCE, linewidth=1, linestyle="--")
    middle = table["performance"].median()
    for _, row in table.iterrows():
        left = row["performance"] > middle
        theme.label(ax, row["performance"], row["shapley"], formats.shortened(row["issue"], 20),
                    xytext=(-6, 0) if left else (6, 0), ha="right" if left else "left")  # fmt: skip
    low, high = table["performance"].min(), table["performance"].max()
    room = 0.35 * ((high - low) or 1.0)
    ax.set_xlim(low - room, high + room)
    ax.set_ylim(0, 1.12 * table["shapley"].max())
    theme.tidy(ax, x="mean satisfaction with it", y="part of R²", grid="both")


def driver_findings(found: Drivers | Refusal, scope: Scope) -> list[Finding]:
    """The issue that moves satisfaction most."""
    if isinstance(found, Refusal) or found.n_complete < scope.min_cell:
        return []
    first = found.table.iloc[0]
    between = formats.interval(first["shapley_lo"], first["shapley_hi"], "{:.2f}".format)
    return [
        Finding(
            id="first_driver",
            kind="estimate",
            sentence=f"Of all issues {said(first['item'])} hangs together most with overall "
            f"satisfaction: {first['shapley']:.2f} of its variance ({between}).",
            value=round(float(first["shapley"]), 4),
            unit="part of variance",
            exhibit="satisfaction_drivers",
            lo=round(float(first["shapley_lo"]), 4),
            hi=round(float(first["shapley_hi"]), 4),
        )
    ]


def break_points(
    breaks: Mapping[str, Breakpoint | Refusal] | Refusal, level: float, scope: Scope
) -> Exhibit | None:
    """Where more satisfaction with an issue no longer moves overall satisfaction."""
    if isinstance(breaks, Refusal):
        return None
    told = {name: found for name, found in breaks.items() if isinstance(found, Breakpoint)}
    told = {name: found for name, found in told.items() if found.n_complete >= scope.min_cell}
    if not told:
        return None
    table = _break_table(told)
    written = _break_written(table)
    refused = len(breaks) - len(told)
    return scope.exhibit(
        id="break_points",
        title=_break_title(table),
        table=table,
        formatted=written,
        n=max(found.n_complete for found in told.values()),
        population=RESPONDENTS,
        unit="points of the issue's scale; points of overall satisfaction per point",
        alt=f"Table of {len(table)} issues: whether satisfaction rises with them along a straight "
        "line or one with a kink, where the kink lies and the slopes on either side.",
        note=f"Intervals of {formats.level(level)}. A kink is believed where p, corrected for the "
        f"number of issues, is below {next(iter(told.values())).alpha:g}; other issues are held."
        + (f" Not fitted: {formats.plural(refused, 'issue')}." if refused else ""),
    )


def _break_table(told: Mapping[str, Breakpoint]) -> pd.DataFrame:
    """One row per issue; where there is no kink, none is stated."""
    rows = []
    for name, found in told.items():
        row: dict[str, object] = {"issue": said(name), "shape": found.shape}
        for part in ("at", "slope", "before", "beyond"):
            interval = getattr(found, part)
            stated = part == "slope" or found.is_break
            for end, value in (("", interval.value), ("_lo", interval.lo), ("_hi", interval.hi)):
                row[f"{part}{end}"] = round(value, 4) if stated else np.nan
        rows.append(row | {"p_corrected": round(found.p_corrected, 4)})
    table = pd.DataFrame(rows)
    table["kinks"] = int((table["shape"] != "straight").sum())
    return table.sort_values("p_corrected", kind="stable", ignore_index=True)


def _break_written(table: pd.DataFrame) -> pd.DataFrame:
    """The table for readers: each figure with its interval."""

    def told(part: str, digits: int) -> list[str]:
        found = table[[part, f"{part}_lo", f"{part}_hi"]].itertuples(index=False)
        form = f"{{:.{digits}f}}".format
        return [
            "" if np.isnan(v) else f"{form(v)} ({formats.interval(lo, hi, form)})"
            for v, lo, hi in found
        ]

    return pd.DataFrame(
        {
            "Issue": table["issue"],
            "Shape": table["shape"],
            "Kink at": told("at", 1),
            "Slope of a straight line": told("slope", 2),
            "Slope before": told("before", 2),
            "Slope beyond": told("beyond", 2),
            "p": [f"{p:.3f}" for p in table["p_corrected"]],
        }
    )


def _break_title(table: pd.DataFrame) -> str:
    flat = table[table["shape"] == "levels off"]
    if flat.empty:
        return "No issue shows a point beyond which more satisfaction pays less"
    first = flat.sort_values("beyond", kind="stable").iloc[0]  # where it pays least
    return fitting(
        f"Satisfaction with {first['issue']} pays less beyond {first['at']:.1f}",
        f"Satisfaction with one issue pays less beyond {first['at']:.1f}",
    )


def issues_to_fix(
    ranked: Fixes | Refusal, found: Drivers | Refusal, scope: Scope
) -> Exhibit | None:
    """Net value of mending each issue, best return first, with the line at which to stop."""
    if isinstance(found, Refusal):
        return None  # told with the drivers
    n = found.n_complete
    if n < scope.min_cell:
        return scope.withheld("issues_to_fix", "What to fix", n, RESPONDENTS)
    if isinstance(ranked, Refusal):
        return survey_refused("issues_to_fix", "What to fix first", ranked, n, scope)
    columns = ["rank", "performance", "target", "points", "lift", "gain", "gain_lo", "gain_hi",
               "cost", "net", "net_lo", "net_hi", "net_per_cost", "chance_pays",
               "cumulative_cost", "cumulative_net"]  # fmt: skip
    table = ranked.table[columns].round(4)
    table.insert(1, "issue", ranked.table["issue"].map(said))
    table["fix"] = np.where(ranked.table["fix"], "yes", "no")
    table["worth_fixing"], table["issues"] = ranked.stop, len(table)
    figure, ax = theme.axes(height=1.0 + 0.4 * len(table))
    colors = [theme.PRIMARY if fix == "yes" else theme.REFERENCE for fix in table["fix"]]
    interval_bars(ax, table, "net", table["issue"], _money_or_none, colors)
    ax.axvline(0, color=theme.INK, linewidth=1)
    if 0 < ranked.stop < len(table):
        ax.axhline(ranked.stop - 0.5, color=theme.CONTRAST, linewidth=1.2, linestyle="--")
        ax.annotate("stop here", (1, ranked.stop - 0.5), xycoords=ax.get_yaxis_transform(),
                    ha="right", va="bottom", color=theme.CONTRAST, fontsize=9)  # fmt: skip
    theme.tidy(ax, x=f"net value, {scope.currency}, {formats.level(ranked.level)} interval",
               y="", grid="x")  # fmt: skip
    ax.xaxis.set_major_formatter(lambda number, _: formats.money(number) if number else "0")
    return scope.exhibit(
        id="issues_to_fix",
        title=f"{ranked.stop} of {len(table)} issues are worth fixing"
        if ranked.stop
        else "No issue is worth what it costs to fix",
        table=table,
        figure=figure,
        n=n,
        population=RESPONDENTS,
        unit=f"{scope.currency} less cost",
        alt=f"Bars of net value of {len(table)} issues with intervals, best return on cost first; "
        "a dashed line marks where fixing stops paying.",
        note=f"Evidence of grade {ranked.grade}. {_ASSOCIATION}: a pilot would lift the grade. "
        "Costs are the client's and carry no interval. Ranked by net value per cost; who stands "
        "below the target is raised to it, and points are the mean over all who answered."
        + _left_out(ranked),
    )


def _left_out(ranked: Fixes) -> str:
    """Issues with a cost that stand in no rank, each with the reason; nothing where all do."""
    reasons = "; ".join(f"{said(issue)} ({why})" for issue, why in ranked.left_out.items())
    return f" Left out: {reasons}." if reasons else ""


def _money_or_none(value: float) -> str:
    return formats.money(value) if value else "nothing to gain"


def fix_findings(
    ranked: Fixes | Refusal, found: Drivers | Refusal, brought: float | Refusal, scope: Scope
) -> list[Finding]:
    """The issue that returns most on its cost."""
    if isinstance(ranked, Refusal) or isinstance(found, Refusal):
        return []
    if found.n_complete < scope.min_cell or not ranked.stop:
        return []
    first = ranked.table.iloc[0]
    between = formats.interval(first["net_lo"], first["net_hi"], scope.money)
    return [
        Finding(
            id="first_fix",
            kind="estimate",
            sentence=f"Fixing {said(first['issue'])} first would bring "
            f"{scope.money(first['net'])} net of cost ({between}); evidence of grade "
            f"{ranked.grade}.",
            value=round(float(first["net"]), 4),
            unit=scope.currency,
            exhibit="issues_to_fix",
            lo=round(float(first["net_lo"]), 4),
            hi=round(float(first["net_hi"]), 4),
            size=share_of(first["net"], brought),
        )
    ]
