"""When a trial is looked at, where it stops, and what peeking would do (R8)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.roi.words import called
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.roi import FirstReview
from crmlib.stats.refusal import Refusal


def review_calendar(
    review: FirstReview | Refusal, names: Mapping[str, str], scope: Scope
) -> Exhibit | None:
    """What is looked at on which day of the first trial, and where it stops."""
    if isinstance(review, Refusal):
        return refused("review_plan", "A plan of review", review, 0, scope)
    plan = review.plan
    columns = ["check", "day", "until", "reads", "stops", "information", "treated", "control", "z",
               "stop_above", "stop_below"]  # fmt: skip
    table = plan.table[columns].round(4)
    looks = int(plan.table["reads_effect"].sum())
    table["looks"] = looks
    written = pd.DataFrame(
        {
            "Day": [
                f"{row.day}" if row.day == row.until else f"{row.day} to {row.until}, daily"
                for row in table.itertuples()
            ],
            "Check": table["check"],
            "What is read": table["reads"],
            "Stop beyond": [
                f"z {row.z:.2f}, difference {row.stop_above:.3f}" if np.isfinite(row.z) else ""
                for row in table.itertuples()
            ],
            "What it may lead to": table["stops"],
        }
    )
    last = plan.table.iloc[-1]
    return scope.exhibit(
        id="review_plan",
        title=f"Delivery is checked first, the effect is read {formats.plural(looks, 'time')}",
        table=table,
        formatted=written,
        n=int(last["treated"] + last["control"]),
        unit="days; standard errors; units of the outcome",
        alt=f"Calendar of {formats.plural(len(table), 'check')} of a pilot: delivery, guard rails "
        "every day, and looks at the effect with their boundaries.",
        note=f"For {called(review.initiative, names, 60)}: {review.what}. The first check "
        "reads whether messages arrived and arms are as drawn, never the effect. A difference is "
        "of means of the outcome per customer assigned.",
    )


def where_it_stops(review: FirstReview | Refusal, scope: Scope) -> Exhibit | None:
    """The difference of means at which a trial stops, look by look."""
    if isinstance(review, Refusal):
        return None
    columns = ["look", "day", "treated", "control", "z", "stop_above", "stop_below"]
    table = review.plan.looks[columns].round(4)
    figure, ax = theme.axes(height=3.3)
    for column, text in (("stop_above", "stop: it works"), ("stop_below", "stop: it does harm")):
        color = theme.PRIMARY if column == "stop_above" else theme.CONTRAST
        ax.plot(table["day"], table[column], "-o", color=color, markersize=6, label=text)
    for row in table.itertuples():
        theme.label(ax, row.day, row.stop_above, f"{row.stop_above:.3f}", xytext=(6, 6))
    ax.axhline(0, color=theme.INK, linewidth=1)
    ax.set_xlim(0, 1.12 * table["day"].max())
    ax.set_ylim(*(1.25 * each for each in (table["stop_below"].min(), table["stop_above"].max())))
    ax.set_xticks(table["day"], [f"day {day}" for day in table["day"]])
    theme.tidy(ax, x="", y="treated minus control")
    theme.legend_above(ax)
    theme.says_values(ax, table["day"].tolist(), [f"day {day}" for day in table["day"]],
                      {"works above": table["stop_above"], "harm below": table["stop_below"]},
                      "{:.3f}".format)  # fmt: skip
    first, last = table.iloc[0], table.iloc[-1]
    title = f"The only look stops beyond {last['z']:.2f} standard errors"
    if len(table) > 1:
        title = (
            f"A first look stops beyond {first['z']:.2f} standard errors, the last {last['z']:.2f}"
        )
    return scope.exhibit(
        id="review_boundaries",
        title=title,
        table=table,
        figure=figure,
        n=int(last["treated"] + last["control"]),
        unit="mean of the outcome per customer assigned, treated minus control",
        alt=f"Two lines that close in on each other over {formats.plural(len(table), 'look')}: a "
        "difference above the upper one ends the trial as a success, below the lower one as harm.",
        note="Between the lines the trial goes on; within them at the last look, no effect has "
        "been shown. Lines are wide early, when few outcomes are known, and all looks together "
        "share one rate of false alarms.",
    )


def cost_of_peeking(review: FirstReview | Refusal, scope: Scope) -> Exhibit | None:
    """False alarms if the effect is read every day at the value of a single test."""
    if isinstance(review, Refusal):
        return None
    plan = review.plan
    table = plan.daily.table[["looks", "false_positive"]].round(5)
    table.columns = ["look", "rate"]
    figure, ax = theme.axes(height=3.1)
    ax.plot(table["look"], table["rate"], color=theme.CONTRAST)
    first = float(table["rate"].iloc[0])
    ax.axhline(first, color=theme.REFERENCE, linewidth=1.2, linestyle="--")
    two_weeks = table[table["look"] <= 14].iloc[-1]
    ax.plot(two_weeks["look"], two_weeks["rate"], "o", color=theme.CONTRAST, markersize=6)
    theme.label(ax, two_weeks["look"], two_weeks["rate"],
                f"after {two_weeks['look']:.0f} days {formats.percent(two_weeks['rate'])}",
                xytext=(8, -8))  # fmt: skip
    ax.set_ylim(0, 1.12 * table["rate"].max())
    theme.tidy(ax, x="days on which the effect was read", y="chance of a false alarm")
    theme.percent(ax)
    theme.says_values(ax, table["look"].tolist(), [f"day {v:.0f}" for v in table["look"]],
                      {"": table["rate"]}, formats.percent)  # fmt: skip
    rate, days = formats.percent(two_weeks["rate"]), f"{two_weeks['look']:.0f}"
    return scope.exhibit(
        id="peeking",
        title=f"Reading the effect daily for {days} days gives {rate} false alarms",
        table=table,
        figure=figure,
        n=int(plan.table.iloc[-1]["treated"] + plan.table.iloc[-1]["control"]),
        unit="chance that a pilot without effect is called a success or a harm",
        alt=f"A rising line: chance of a false alarm if the effect is read on 1 to {len(table)} "
        "days; a dashed line for reading it once.",
        note=f"Each day at {plan.daily.critical:.2f} standard errors, as for a single test. The "
        "looks of the plan above share one rate of false alarms instead.",
    )
