"""What more money, an asset or a rule is worth to the plan (R5, R6)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.roi.words import called
from crmlib.exhibits.scope import Scope
from crmlib.roi import Roadmap
from crmlib.stats.refusal import Refusal

_SMALL = 0.005  # of money, below which nothing is gained or lost


def budget_frontier(
    table: pd.DataFrame | Refusal, plan: Roadmap | Refusal, n: int, scope: Scope
) -> Exhibit | None:
    """Mean and worst outcomes of the best plans over budgets and risk aversion.

    Parameters
    ----------
    table : DataFrame
        Of `crmlib.roi.frontier`.
    """
    if isinstance(table, Refusal) or isinstance(plan, Refusal) or table.empty:
        return None
    points = table.round(4).sort_values(["budget_scale", "risk_aversion"], kind="stable")
    figure, axes = theme.axes(columns=2, height=3.6)
    neutral = points[points["risk_aversion"] == points["risk_aversion"].min()]
    scales = [formats.percent(each) for each in neutral["budget_scale"]]
    places = np.arange(len(neutral))
    now = neutral["budget_scale"].to_numpy() == 1
    colors = np.where(now, theme.PRIMARY, theme.REFERENCE)
    axes[0].bar(places, neutral["mean"], color=colors, width=0.6)
    axes[0].set_xticks(places, scales)
    theme.tidy(axes[0], x="of the budgets given", y=f"expected worth, {scope.currency}")
    theme.thousands(axes[0])
    theme.says_values(axes[0], places, scales, {"expected": neutral["mean"],
                      "worst cases": neutral["cvar"]}, formats.money)  # fmt: skip
    for scale, own in points.groupby("budget_scale"):
        color = theme.PRIMARY if scale == 1 else theme.REFERENCE
        axes[1].plot(own["cvar"], own["mean"], "-o", color=color, markersize=5, linewidth=1.2)
        last = own.iloc[-1]
        theme.label(axes[1], last["cvar"], last["mean"], formats.percent(scale), color)
    axes[1].plot(plan.cvar, plan.mean, "D", color=theme.CONTRAST, markersize=7, label="this plan")
    theme.legend_above(axes[1])
    theme.tidy(axes[1], x=f"mean of the worst {formats.percent(plan.tail)}, {scope.currency}",
               y="", grid="both")  # fmt: skip
    theme.thousands(axes[1])
    theme.thousands(axes[1], "x")
    gain = _next_gain(neutral)
    points["next_budget_gain"] = np.nan if gain is None else round(gain[1], 2)
    return scope.exhibit(
        id="budget_frontier",
        title=_frontier_title(gain, scope),
        table=points.reset_index(drop=True),
        figure=figure,
        n=n,
        unit=f"{scope.currency}, today's worth, all costs taken off",
        alt=f"Bars of the expected worth of the best plan for {len(neutral)} budgets, and points "
        "of its mean against the mean of its worst outcomes for each weight of risk.",
        note="Every point is a plan of its own, solved to the end. Where two weights of risk give "
        "one point, caution costs nothing. Percentages are of the budget of every wave.",
    )


def _next_gain(neutral: pd.DataFrame) -> tuple[float, float] | None:
    """The next larger budget, and what it adds to the expected worth."""
    now, more = neutral[neutral["budget_scale"] == 1], neutral[neutral["budget_scale"] > 1]
    if now.empty or more.empty:
        return None
    scale = float(more["budget_scale"].min())
    found = more.loc[more["budget_scale"] == scale, "mean"].iloc[0]
    return scale, float(found - now["mean"].iloc[0])


def _frontier_title(gain: tuple[float, float] | None, scope: Scope) -> str:
    if gain is None:
        return "Larger budgets were not looked at"
    more = formats.percent(gain[0] - 1)
    if gain[1] < _SMALL:
        return f"{more} more budget would bring nothing more"
    return f"{more} more budget would bring {scope.money(gain[1])} more"


def asset_values(
    table: pd.DataFrame | Refusal, names: Mapping[str, str], n: int, scope: Scope
) -> Exhibit | None:
    """What each asset is worth to the plan.

    Parameters
    ----------
    table : DataFrame
        Of `crmlib.roi.shadow_values`.
    """
    if isinstance(table, Refusal) or table.empty:
        return None
    rows = table.sort_values("lost_without", ascending=False, kind="stable", ignore_index=True)
    rows = rows.round(2)
    figure, ax = theme.axes(height=1.2 + 0.42 * len(rows))
    places = np.arange(len(rows))
    ax.barh(places - 0.19, rows["lost_without"], height=0.36, color=theme.PRIMARY,
            label="lost without it")  # fmt: skip
    ax.barh(places + 0.19, rows["gained_if_owned"], height=0.36, color=theme.REFERENCE,
            label="gained if it were there already")  # fmt: skip
    for at, row in rows.iterrows():
        lost = row["lost_without"]
        written = formats.money(lost) if lost > _SMALL else "0"
        theme.label(ax, np.nanmax([lost, 0]), at - 0.19, written)
    labels = [
        f"{called(row.asset, names, 26)} ({'owned' if row.owned else 'to build'})"
        for row in rows.itertuples()
    ]
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.15 * max(rows[["lost_without", "gained_if_owned"]].max().max(), 1.0))
    theme.tidy(ax, x=f"worth of the plan, {scope.currency}, risk weighed", y="", grid="x")
    theme.thousands(ax, "x")
    theme.legend_above(ax)
    theme.says_values(ax, places, labels, {"lost without it": rows["lost_without"],
                      "gained if owned": rows["gained_if_owned"]}, formats.money, "y")  # fmt: skip
    first = rows.iloc[0]
    return scope.exhibit(
        id="asset_values",
        title=_asset_title(first, names, scope),
        table=rows,
        figure=figure,
        n=n,
        unit=f"{scope.currency}, today's worth, risk weighed",
        alt=f"Bars for {formats.plural(len(rows), 'asset')}: what the plan would lose without it "
        "and gain if it were there already.",
        note="Each by planning again without it, and with it. What is owned costs the plan "
        "nothing; its worth is what a decision to give it up would cost. Worths do not add up: of "
        "two assets that one initiative needs, each is worth all that it brings.",
    )


def _asset_title(first: pd.Series, names: Mapping[str, str], scope: Scope) -> str:
    if not first["lost_without"] > _SMALL:
        return "No asset moves what the plan is worth"
    word = formats.capitalised(called(str(first["asset"]), names, 24))
    title = f"{word} is worth most: {scope.money(first['lost_without'])} to the plan"
    return (
        title
        if len(title.split()) <= 12
        else (f"One asset is worth {scope.money(first['lost_without'])} to the plan")
    )


_RULES = {
    "balance": "Without a least share for {of}",
    "exclusive": "Without the rule that one of group {of} may start",
    "no self-funding": "Without spending what came back",
    "budget more": "Wave {of}: {step} more budget",
    "budget less": "Wave {of}: {step} less budget",
}


def rule_prices(
    table: pd.DataFrame | Refusal, step: float | Refusal, n: int, scope: Scope
) -> Exhibit | None:
    """What the plan would gain or lose under other rules.

    Parameters
    ----------
    table : DataFrame
        Of `crmlib.roi.rule_prices`.
    step : float
        Money by which budgets were changed.
    """
    if isinstance(table, Refusal) or isinstance(step, Refusal) or table.empty:
        return None
    rows = table.round(2)
    said = [
        _RULES[row.rule].format(of=row.of, step=formats.money(step)) for row in rows.itertuples()
    ]
    gains = [formats.money(v) if np.isfinite(v) else "cannot be" for v in rows["gain"]]
    rows["step"] = round(step, 2)
    most = rows["gain"].max()
    title = "No rule costs the plan anything"
    if most > _SMALL:
        title = f"The dearest rule costs the plan {scope.money(most)}"
    rows["dearest"] = most
    return scope.exhibit(
        id="rule_prices",
        title=title,
        table=rows,
        formatted=pd.DataFrame({"If": said, f"the plan gains, {scope.currency}": gains}),
        n=n,
        unit=f"{scope.currency}, today's worth, risk weighed",
        alt=f"Table of {formats.plural(len(rows), 'change')} of rules with what the plan would "
        "gain by each.",
        note="Each by planning again with that one change. A rule may be worth its price; it "
        "should be known.",
    )
