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
_BAND_WORDS = {10: "decile", 5: "fifth", 2: "half"}
_CURVE = np.round(np.concatenate([np.arange(0, 0.2, 0.01), np.arange(0.2, 1.001, 0.05)]), 2)


def concentration(
    curve: Concentration, intervals: Mapping[object, Interval] | Refusal, n: int, scope: Scope
) -> Exhibit:
    """Cumulative share of value, best customers first, beside two benchmarks.

    The line, too, is drawn through the points of the grid only: one through every
    customer could be read off customer by customer.
    """
    bands = scope.bands(n)
    if bands == 1:
        return scope.withheld("concentration", "The concentration of value", n)
    points = curve.banded(bands)
    table = points.loc[points["share"].isin(_CURVE), ["share", "value"]].reset_index(drop=True)
    share = scope.best_share(n)
    reached, word = _reached(points, share), scope.share_word(share)
    figure, ax = theme.axes(height=4.2)
    ax.plot(points["share"], points["value"], color=theme.PRIMARY, linewidth=2.4)
    ax.plot([0, 1], [0, 1], color=theme.REFERENCE, linewidth=1)
    theme.label(ax, 0.62, 0.58, "if all were equal", theme.MUTED, va="top")
    for (x, y, name), above in zip(BENCHMARKS, (6, -7), strict=True):
        ax.plot([0, x, x], [y, y, 0], color=theme.CONTRAST, linewidth=0.9, linestyle=(0, (3, 3)))
        ax.plot([x], [y], "o", color=theme.CONTRAST, markersize=5)
        theme.label(ax, 0, y, name, theme.CONTRAST, xytext=(5, above))
    ax.plot([share], [reached], "o", color=theme.PRIMARY, markersize=6)
    text = f"best {word}: {formats.percent(reached)}"
    theme.label(ax, share, reached, text, theme.PRIMARY, xytext=(9, -10), weight="bold")
    theme.tidy(ax, x="share of customers, best first", y=f"share of {scope.value_word}")
    for axis in "xy":
        theme.percent(ax, axis)
    ax.set(xlim=(0, 1), ylim=(0, max(1.02, points["value"].max() * 1.02)))
    names = [f"best {formats.percent(customers)}" for customers in table["share"]]
    theme.says_values(ax, table["share"], names, {"": table["value"]}, formats.percent)
    gini = "undefined (some values are negative)" if curve.gini is None else f"{curve.gini:.3f}"
    return scope.exhibit(
        id="concentration",
        title=f"The best {word} of customers brings {formats.percent(reached)} "
        f"of {scope.value_word}",
        table=table.set_axis(["customers", scope.column(scope.value_word)], axis=1),
        figure=figure,
        n=n,
        unit=f"cumulative share of customers and of {scope.value_word}",
        alt=f"Curve of cumulative {scope.value_word} by customers, best first: the best {word} "
        f"holds {formats.percent(reached)}, against 80% and 76% of the two benchmarks.",
        note=f"A count of the observed base. Gini {gini}. {_redrawn(intervals, share, word)} "
        "Benchmarks: the rule of thumb 80/20, and card business, where 20% of relationships gave "
        f"76% of profit.{_coarser(bands, 100, scope)}",
    )


def _reached(points: pd.DataFrame, share: float) -> float:
    """Share of value held by the best `share` of customers, a point of the grid."""
    return float(points.set_index("share")["value"].loc[share])


def _coarser(bands: int, wanted: int, scope: Scope) -> str:
    """Why there are fewer points or bars than there could be."""
    if bands == wanted:
        return ""
    return f" Shown for {bands} equal bands of customers: smaller ones would hold {scope.few}."


def _redrawn(intervals: Mapping[object, Interval] | Refusal, share: float, word: str) -> str:
    """What the base says of all whom it could have been drawn from, in a sentence."""
    if isinstance(intervals, Refusal):
        return f"Another base drawn like this one may have no positive total ({intervals.reason})."
    best = intervals[share]
    return (
        "Read as a sample of those who might have become customers, the best "
        f"{word} holds {formats.interval(best.lo, best.hi, formats.percent, 1)} "
        f"({formats.level(best.level)} bootstrap interval)."
    )


def deciles(table: pd.DataFrame, scope: Scope) -> Exhibit:
    """Value by tenth of the customers, best first; by fifth or half where a tenth is too few."""
    n, bands = int(table["customers"].sum()), len(table)
    if bands == 1:
        return scope.withheld("deciles", "Value by tenth of customers", n)
    word = _BAND_WORDS[bands]
    figure, ax = theme.axes(height=3.4)
    ax.bar([str(band) for band in table["band"]], table["share"], color=theme.PRIMARY, width=0.75)
    for place, share in enumerate(table["share"]):
        theme.label(ax, place, share, formats.percent(share, 1), xytext=(0, 7), ha="center")
    ax.set_ylim(top=table["share"].max() * 1.1)
    theme.tidy(ax, x=f"{word} of customers, best first", y=f"share of {scope.value_word}")
    theme.percent(ax)
    names = [f"{word} {band}" for band in table["band"]]
    theme.says_values(ax, range(bands), names, {"": table["share"]}, formats.percent_1)
    best, mean = table.iloc[0], table["value"].sum() / n
    shown = table.assign(times_average=table["mean"] / mean).rename(columns={"band": word})
    return scope.exhibit(
        id="deciles",
        title=f"A top-{word} customer brings {shown['times_average'].iloc[0]:.1f} times "
        "the average",
        table=shown,
        figure=figure,
        n=n,
        unit=f"share of {scope.value_word}",
        alt=f"Bars of {scope.value_word} by {word} of customers, from "
        f"{formats.percent(best['share'], 1)} in the best to "
        f"{formats.percent(table['share'].iloc[-1], 1)} in the last.",
        note=f"Mean per customer in the top {word} {scope.money(best['mean'])}, "
        f"over all {scope.money(mean)}.{_coarser(bands, 10, scope)}",
    )


def cohort_retention(cohorts: Cohorts | Refusal, n: int, scope: Scope) -> Exhibit:
    """Share of each monthly cohort that buys in a month, by months since acquisition."""
    if isinstance(cohorts, Refusal):
        return refused("cohort_retention", "Retention by cohort", cohorts, n, scope)
    after = cohorts.average["retention"].iloc[1:]
    shown = after.dropna()
    first, last = shown.index[0], shown.index[-1]
    figure, ax = theme.axes(height=3.6)
    for _, row in cohorts.retention.iterrows():
        ax.plot(row.index[1:], row.iloc[1:], color=theme.REFERENCE, linewidth=0.7, alpha=0.4)
    alone = "o" if after.isna().any() else None  # a month between two gaps is no line
    ax.plot(after.index, after, color=theme.PRIMARY, linewidth=2.4, marker=alone, markersize=4)
    theme.label(ax, last, shown[last], "all cohorts", theme.PRIMARY)
    theme.tidy(ax, x="months since the month of the first purchase", y="share of cohort buying")
    theme.percent(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(bottom=0)
    names = [f"month {month}" for month in after.index]
    theme.says_values(ax, after.index, names, {"all cohorts": after}, formats.percent_1)
    return scope.exhibit(
        id="cohort_retention",
        title=_retention_title(shown),
        table=_cohort_table(cohorts, "retention"),
        figure=figure,
        n=int(cohorts.average["customers"].iloc[0]),
        unit="share of the cohort with a purchase in the month",
        alt="Lines of the share of each cohort that buys in a month, by months since the first "
        f"purchase; over all cohorts {formats.percent(shown[first], 1)} in month {first} and "
        f"{formats.percent(shown[last], 1)} in month {last}.",
        note=f"Thin lines: {formats.plural(len(cohorts.sizes), 'monthly cohort')}; month 0, in "
        "which everyone buys, is left out. All cohorts: each month's average over the cohorts "
        "observed so long. Non-contractual: who pauses has not left."
        f"{_left_empty(cohorts, 'retention', scope)}",
    )


def _retention_title(shown: pd.Series) -> str:
    first = shown.index[0]
    last = shown.loc[: max(12, first)].index[-1]
    said = f"{formats.percent(shown[first])} of a cohort buys in month {first}"
    return said if last == first else f"{said}, {formats.percent(shown[last])} in month {last}"


def _left_empty(cohorts: Cohorts, measure: str, scope: Scope) -> str:
    """What the exhibit does not show, and why, as a sentence behind the note."""
    empty = getattr(cohorts, measure).isna() & cohorts.observable
    withheld = {
        "cohort": cohorts.left_out,
        "cohort-month": int(empty.to_numpy().sum()),
        "monthly average": int(cohorts.average[measure].isna().sum()),
    }
    parts = [formats.plural(number, one) for one, number in withheld.items() if number]
    if not parts:
        return ""
    return f" Withheld, since they or a subtraction would show {scope.few}: {', '.join(parts)}."


def _cohort_table(cohorts: Cohorts, measure: str) -> pd.DataFrame:
    """Ages down, all cohorts and each cohort across."""
    table = getattr(cohorts, measure).T
    table.columns = [str(c) for c in table.columns]
    table.insert(0, "all_cohorts", cohorts.average[measure])
    return table.rename_axis("month").reset_index()


def cohort_revenue(cohorts: Cohorts | Refusal, n: int, scope: Scope) -> Exhibit:
    """Cumulative revenue per acquired customer by months since acquisition."""
    if isinstance(cohorts, Refusal):
        return refused("cohort_revenue", f"{scope.value_title} by cohort", cohorts, n, scope)
    average = cohorts.average["revenue_per_customer"]
    figure, ax = theme.axes(height=3.6)
    for _, row in cohorts.revenue_per_customer.iterrows():
        ax.plot(row.index, row, color=theme.REFERENCE, linewidth=0.7, alpha=0.4)
    ax.plot(average.index, average, color=theme.PRIMARY, linewidth=2.4)
    theme.label(ax, average.index[-1], average.iloc[-1], "all cohorts", theme.PRIMARY)
    theme.tidy(ax, x="months since the month of the first purchase",
               y=f"{scope.currency} per acquired customer")  # fmt: skip
    theme.thousands(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(bottom=0)
    names = [f"by month {month}" for month in average.index]
    theme.says_values(ax, average.index, names, {"all cohorts": average}, scope.money)
    average = average.dropna()
    months = min(12, int(average.index[-1]))
    reached = average.loc[months]
    return scope.exhibit(
        id="cohort_revenue",
        title=f"By month {months} an acquired customer has brought {scope.money(reached)}",
        table=_cohort_table(cohorts, "revenue_per_customer"),
        figure=figure,
        n=int(cohorts.average["customers"].iloc[0]),
        unit=f"{scope.currency} of {scope.value_word} per acquired customer, cumulative",
        alt=f"Rising lines of cumulative {scope.value_word} per acquired customer by months since "
        f"the first purchase; over all cohorts {scope.money(average.iloc[0])} in month 0 and "
        f"{scope.money(reached)} by month {months}.",
        note="Payback is the month in which the line crosses the acquisition cost per customer. "
        "All cohorts: each month's average over the cohorts observed so long, added up."
        f"{_left_empty(cohorts, 'revenue_per_customer', scope)}",
    )
