"""Where the value is: concentration, deciles and cohorts, all counts of the observed base."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.intervals import Interval
from crmlib.stats.refusal import Refusal
from crmlib.value.cohorts import Cohorts
from crmlib.value.concentration import Concentration

# Points that consultants compare with: share of customers, share of value, name.
BENCHMARKS = [(0.20, 0.80, "80/20 rule"), (0.20, 0.76, "cards 76/20")]
_CURVE = np.round(np.concatenate([np.arange(0, 0.2, 0.01), np.arange(0.2, 1.001, 0.05)]), 2)


def concentration(
    curve: Concentration, intervals: Mapping[object, Interval] | Refusal, n: int, scope: Scope
) -> Exhibit:
    """Cumulative share of value, best customers first, beside two benchmarks."""
    table = pd.DataFrame(
        {"customers": _CURVE, scope.value_word: [curve.top(share) for share in _CURVE]}
    )
    fifth = curve.top(0.2)
    figure, ax = theme.axes(height=4.2)
    dense = np.linspace(0, 1, 201)
    ax.plot(dense, [curve.top(s) for s in dense], color=theme.PRIMARY, linewidth=2.4)
    ax.plot([0, 1], [0, 1], color=theme.REFERENCE, linewidth=1)
    theme.label(ax, 0.62, 0.58, "if all were equal", theme.MUTED, va="top")
    for (x, y, name), above in zip(BENCHMARKS, (6, -7), strict=True):
        ax.plot([0, x, x], [y, y, 0], color=theme.CONTRAST, linewidth=0.9, linestyle=(0, (3, 3)))
        ax.plot([x], [y], "o", color=theme.CONTRAST, markersize=5)
        theme.label(ax, 0, y, name, theme.CONTRAST, xytext=(5, above))
    ax.plot([0.2], [fifth], "o", color=theme.PRIMARY, markersize=6)
    text = f"best fifth: {formats.percent(fifth)}"
    theme.label(ax, 0.2, fifth, text, theme.PRIMARY, xytext=(9, -10), weight="bold")
    theme.tidy(ax, x="share of customers, best first", y=f"share of {scope.value_word}")
    for axis in "xy":
        theme.percent(ax, axis)
    ax.set(xlim=(0, 1), ylim=(0, max(1.02, table[scope.value_word].max() * 1.02)))
    gini = "undefined (some values are negative)" if curve.gini is None else f"{curve.gini:.3f}"
    return scope.exhibit(
        id="concentration",
        title=f"The best fifth of customers brings {formats.percent(fifth)} of {scope.value_word}",
        table=table,
        figure=figure,
        n=n,
        unit=f"cumulative share of customers and of {scope.value_word}",
        alt=f"Curve of cumulative {scope.value_word} by customers, best first: the best fifth "
        f"holds {formats.percent(fifth)}, against 80% and 76% of the two benchmarks.",
        note=f"A count of the observed base. Gini {gini}. {_redrawn(intervals)} Benchmarks: the "
        "rule of thumb 80/20, and card business, where 20% of relationships gave 76% of profit.",
    )


def _redrawn(intervals: Mapping[object, Interval] | Refusal) -> str:
    """How the best fifth's share would vary from base to base, in a sentence."""
    if isinstance(intervals, Refusal):
        return f"Another base drawn like this one may have no positive total ({intervals.reason})."
    fifth = intervals[0.2]
    return (
        f"Another base drawn like this one would show "
        f"{formats.interval(fifth.lo, fifth.hi, formats.percent, 1)} for the best fifth "
        f"({formats.percent(fifth.level)} bootstrap interval)."
    )


def deciles(table: pd.DataFrame, scope: Scope) -> Exhibit:
    """Value by tenth of the customers, best first."""
    figure, ax = theme.axes(height=3.4)
    names = [str(d) for d in table["decile"]]
    ax.bar(names, table["share"], color=theme.PRIMARY, width=0.75)
    for place, share in enumerate(table["share"]):
        theme.label(ax, place, share, formats.percent(share, 1), xytext=(0, 7), ha="center")
    ax.set_ylim(top=table["share"].max() * 1.1)
    theme.tidy(ax, x="decile of customers, best first", y=f"share of {scope.value_word}")
    theme.percent(ax)
    best, mean = table.iloc[0], table["value"].sum() / table["customers"].sum()
    shown = table.assign(times_average=table["mean"] / mean)
    times = shown["times_average"].iloc[0]
    return scope.exhibit(
        id="deciles",
        title=f"A top-decile customer brings {times:.1f} times the average",
        table=shown,
        figure=figure,
        n=int(table["customers"].sum()),
        unit=f"share of {scope.value_word}",
        alt=f"Bars of {scope.value_word} by decile of customers, from "
        f"{formats.percent(best['share'], 1)} in the best to "
        f"{formats.percent(table['share'].iloc[-1], 1)} in the last.",
        note=f"Mean per customer in the top decile {scope.money(best['mean'])}, "
        f"over all {scope.money(mean)}.",
    )


def cohort_retention(cohorts: Cohorts | Refusal, n: int, scope: Scope) -> Exhibit:
    """Share of each monthly cohort that buys in a month, by months since acquisition."""
    if isinstance(cohorts, Refusal):
        return refused("cohort_retention", "Retention by cohort", cohorts, n, scope)
    after = cohorts.average.iloc[1:]
    figure, ax = theme.axes(height=3.6)
    for _, row in cohorts.retention.iterrows():
        ax.plot(row.index[1:], row.iloc[1:], color=theme.REFERENCE, linewidth=0.8, alpha=0.7)
    ax.plot(after.index, after["retention"], color=theme.PRIMARY, linewidth=2.4)
    theme.label(ax, after.index[-1], after["retention"].iloc[-1], "all cohorts", theme.PRIMARY)
    theme.tidy(ax, x="months since the month of the first purchase", y="share of cohort buying")
    theme.percent(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(bottom=0)
    return scope.exhibit(
        id="cohort_retention",
        title=_retention_title(after),
        table=_cohort_table(cohorts, "retention"),
        figure=figure,
        n=int(cohorts.sizes.sum()),
        unit="share of the cohort with a purchase in the month",
        alt="Lines of the share of each cohort that buys in a month, by months since the first "
        f"purchase; over all cohorts {formats.percent(after['retention'].iloc[0], 1)} in month 1 "
        f"and {formats.percent(after['retention'].iloc[-1], 1)} in month {after.index[-1]}.",
        note=f"Thin lines: {len(cohorts.sizes)} monthly cohorts; month 0, in which everyone buys, "
        "is left out. Non-contractual: who pauses has not left.",
    )


def _retention_title(after: pd.DataFrame) -> str:
    last = min(12, int(after.index[-1]))
    first, later = after["retention"].iloc[0], after["retention"].loc[last]
    said = f"{formats.percent(first)} of a cohort buys in month 1"
    return said if last == 1 else f"{said}, {formats.percent(later)} in month {last}"


def _cohort_table(cohorts: Cohorts, measure: str) -> pd.DataFrame:
    """Ages down, all cohorts and each cohort across."""
    table = getattr(cohorts, measure).T
    table.columns = [str(c) for c in table.columns]
    table.insert(0, "all_cohorts", cohorts.average[measure])
    return table.rename_axis("month").reset_index()


def cohort_revenue(cohorts: Cohorts | Refusal, n: int, scope: Scope) -> Exhibit:
    """Cumulative revenue per acquired customer by months since acquisition."""
    if isinstance(cohorts, Refusal):
        return refused("cohort_revenue", "Revenue by cohort", cohorts, n, scope)
    average = cohorts.average["revenue_per_customer"]
    figure, ax = theme.axes(height=3.6)
    for _, row in cohorts.revenue_per_customer.iterrows():
        ax.plot(row.index, row, color=theme.REFERENCE, linewidth=0.8, alpha=0.7)
    ax.plot(average.index, average, color=theme.PRIMARY, linewidth=2.4)
    theme.label(ax, average.index[-1], average.iloc[-1], "all cohorts", theme.PRIMARY)
    theme.tidy(ax, x="months since the month of the first purchase",
               y=f"{scope.currency} per acquired customer")  # fmt: skip
    theme.thousands(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(bottom=0)
    months = min(12, int(average.index[-1]))
    reached = average.loc[months]
    return scope.exhibit(
        id="cohort_revenue",
        title=f"By month {months} an acquired customer has brought {scope.money(reached)}",
        table=_cohort_table(cohorts, "revenue_per_customer"),
        figure=figure,
        n=int(cohorts.sizes.sum()),
        unit=f"{scope.currency} of {scope.value_word} per acquired customer, cumulative",
        alt=f"Rising lines of cumulative {scope.value_word} per acquired customer by months since "
        f"the first purchase; over all cohorts {scope.money(average.iloc[0])} in month 0 and "
        f"{scope.money(reached)} by month {months}.",
        note="Payback is the month in which the line crosses the acquisition cost per customer. "
        "All cohorts: each month's average over the cohorts observed so long, added up.",
    )
