"""What initiatives bring, with odds; what is paid anyway; what has to be true (R3)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.roi.words import called, effect, odds
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.roi import BreakEven, Npv
from crmlib.stats.refusal import Refusal

_LIKELY = 0.8
_VISIBLE = 0.1  # of an initiative's widest driver, from which another is drawn
_ROOM = 1 / 3  # by which an effect may be smaller than expected


def initiative_worth(
    found: Npv | Refusal,
    names: Mapping[str, str],
    left_out: Mapping[str, str],
    n: int,
    scope: Scope,
) -> Exhibit:
    """Net present value of every initiative with its interval and odds.

    Parameters
    ----------
    left_out : mapping of initiative to str
        Those without a case, and why.
    """
    if isinstance(found, Refusal):
        return refused("initiative_worth", "What initiatives bring", found, n, scope)
    table = found.table.sort_values("p50", ascending=False, kind="stable").reset_index()
    columns = ["initiative", "p50", "p5", "p95", "npv", "p_positive", "adopters", "value", "cost",
               "payback"]  # fmt: skip
    table = table[columns].round(4)
    figure, ax = theme.axes(height=1.1 + 0.36 * len(table))
    places = np.arange(len(table))
    colors = np.where(table["p_positive"] >= _LIKELY, theme.PRIMARY, theme.REFERENCE)
    ax.hlines(places, table["p5"], table["p95"], color=colors, linewidth=3)
    ax.scatter(table["p50"], places, color=colors, s=46, zorder=3)
    ax.axvline(0, color=theme.INK, linewidth=1)
    for at, row in enumerate(table.itertuples()):
        theme.label(ax, row.p95, at, f"{odds(row.p_positive)} to pay")
    low, high = min(0.0, table["p5"].min()), max(0.0, table["p95"].max())
    room = (high - low) or 1.0
    ax.set_xlim(low - 0.03 * room, high + 0.2 * room)
    labels = [called(each, names) for each in table["initiative"]]
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    theme.tidy(ax, x=f"{scope.currency}: middle of outcomes, and nine of ten", y="", grid="x")
    ax.xaxis.set_major_formatter(lambda number, _: formats.money(number) if number else "0")
    texts = [
        f"{formats.money(row.p50)} ({formats.interval(row.p5, row.p95, formats.money)})"
        for row in table.itertuples()
    ]
    theme.says_texts(ax, places, labels, texts, "y")
    reasons = "; ".join(f"{called(k, names, 60)}: {why.rstrip('.')}" for k, why in left_out.items())
    table["likely"], table["initiatives"] = int((table["p_positive"] >= _LIKELY).sum()), len(table)
    return scope.exhibit(
        id="initiative_worth",
        title=_worth_title(table),
        table=table,
        figure=figure,
        n=n,
        unit=f"{scope.currency}, today's worth, costs taken off",
        alt=f"Net present value of {len(table)} initiatives with intervals, best first, and the "
        "chance that each pays.",
        note="Each is reckoned alone and as if it began now, in the same possible worlds. The "
        "middle is shown: where nearly all customers stay anyway, the mean is led by few worlds. "
        f"Blue: pays with at least {odds(_LIKELY)}."
        + (f" Left out: {reasons}." if reasons else ""),
    )  # fmt: skip


def _worth_title(table: pd.DataFrame) -> str:
    likely = int(table["likely"].iloc[0])
    if not likely:
        return "No initiative pays in four cases of five"
    return f"{likely} of {len(table)} initiatives pay in at least four cases of five"


def paid_anyway(
    found: Npv | Refusal, names: Mapping[str, str], n: int, scope: Scope
) -> Exhibit | None:
    """What is paid for customers in whom nothing changes."""
    if isinstance(found, Refusal):
        return None
    table = found.table.dropna(subset="paid_anyway").reset_index()
    spent = [found.cases[each] for each in table["initiative"]]
    table["unit_costs"] = [
        float((case.adopters.sum(axis=1)).mean()) * case.unit_cost for case in spent
    ]
    table = table[table["unit_costs"] > 0]
    if table.empty:
        return None
    table = table[["initiative", "adopters", "unit_costs", "paid_anyway"]]
    table = table.assign(share=table["paid_anyway"] / table["unit_costs"])
    table = table.sort_values("paid_anyway", ascending=False, kind="stable").round(4)
    figure, ax = theme.axes(height=1.1 + 0.36 * len(table))
    places = np.arange(len(table))
    ax.barh(places, table["unit_costs"], color=theme.PRIMARY, height=0.6,
            label="changes something")  # fmt: skip
    ax.barh(places, table["paid_anyway"], color=theme.CONTRAST, height=0.6,
            label="changes nothing")  # fmt: skip
    for at, row in enumerate(table.itertuples()):
        theme.label(ax, row.unit_costs, at, f"{odds(row.share)} for nothing")
    ax.set_xlim(0, 1.28 * table["unit_costs"].max())
    labels = [called(each, names) for each in table["initiative"]]
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    theme.legend_above(ax)
    theme.tidy(ax, x=f"costs per adopter in sum, {scope.currency}", y="", grid="x")
    ax.xaxis.set_major_formatter(lambda number, _: formats.money(number) if number else "0")
    theme.says_values(ax, places, labels,
                      {"paid": table["unit_costs"], "for nothing": table["paid_anyway"]},
                      formats.money, "y")  # fmt: skip
    total = table["paid_anyway"].sum() / table["unit_costs"].sum()
    table["share_of_all"] = round(float(total), 4)
    return scope.exhibit(
        id="paid_anyway",
        title=f"{odds(total)} of costs per adopter would change nothing",
        table=table,
        figure=figure,
        n=n,
        unit=scope.currency,
        alt=f"Bars of what {formats.plural(len(table), 'initiative')} would pay to adopters, and "
        "of that to those in whom nothing changes.",
        note="The unit cost is paid to everybody who adopts, and most of them would have stayed, "
        "or not come back, all the same. It is in every return above. Initiatives that raise "
        "margin or win customers are not here: with them nobody is unchanged.",
    )


def break_even_points(
    found: Npv | Refusal,
    break_evens: Mapping[str, BreakEven] | Refusal,
    names: Mapping[str, str],
    n: int,
    scope: Scope,
) -> Exhibit | None:
    """From which effect, cost and take-up each initiative pays, beside what is expected."""
    if isinstance(found, Refusal) or isinstance(break_evens, Refusal):
        return None
    rows = []
    for name in found.table.sort_values("p50", ascending=False, kind="stable").index:
        case, least = found.cases[name], break_evens[name]
        rows.append(
            {
                "initiative": name,
                "unit": case.unit,
                "effect": float(case.effect.mean(axis=0) @ case.reached / case.reached.sum()),
                "effect_least": least.effect,
                "unit_cost": case.unit_cost,
                "unit_cost_most": np.nan if case.unit == "cpa" else least.unit_cost,
                "take_up": float(case.take_up.mean()),
                "take_up_least": least.take_up,
                "payback": found.table.at[name, "payback"],
            }
        )
    table = pd.DataFrame(rows).round(5)
    table["bear"], table["initiatives"] = _bearing(table), len(table)
    table["worse_by"] = round(_ROOM, 4)
    return scope.exhibit(
        id="break_even_points",
        title=_break_even_title(table),
        table=table,
        formatted=_break_even_written(table, names, scope),
        n=n,
        unit=f"effect per adopter; {scope.currency}; share of the reached; months",
        alt=f"Table of {len(table)} initiatives: expected effect, cost and take-up, each with the "
        "value at which the initiative just pays, and months until it has paid back.",
        note="Each with all else as expected. Where it says none, no value of "
        "that driver alone makes the initiative pay. Of customers who are won, the effect is what "
        "one costs.",
    )


def _break_even_title(table: pd.DataFrame) -> str:
    bear = int(table["bear"].iloc[0])
    every = formats.plural(len(table), "initiative")
    do = "bears" if bear == 1 else "bear"
    return f"{bear} of {every} {do} an effect {formats.percent(_ROOM)} worse"


def _bearing(table: pd.DataFrame) -> int:
    """How many would still pay with an effect that much worse than expected."""
    won = table["unit"] == "cpa"
    enough = table["effect_least"] <= (1 - _ROOM) * table["effect"]
    enough = enough.where(~won, table["effect_least"] >= (1 + _ROOM) * table["effect"])
    enough &= table["effect"] > 0
    return int(enough.sum())


def _break_even_written(
    table: pd.DataFrame, names: Mapping[str, str], scope: Scope
) -> pd.DataFrame:
    def against(expected: str, least: str) -> list[str]:
        return [f"{a} / {b or 'none'}" if a else "" for a, b in zip(expected, least, strict=True)]

    def effects(column: str) -> list[str]:
        return [effect(v, u) for v, u in zip(table[column], table["unit"], strict=True)]

    def written(column: str, how: object) -> list[str]:
        return [how(v) if np.isfinite(v) else "" for v in table[column]]

    costs = written("unit_cost", formats.money)
    shares = written("take_up", formats.percent)
    won = table["unit"] == "cpa"
    return pd.DataFrame(
        {
            "Initiative": [called(each, names, 60) for each in table["initiative"]],
            "Effect: expected / least": against(effects("effect"), effects("effect_least")),
            f"Cost per adopter, {scope.currency}: planned / most": against(
                ["" if w else c for w, c in zip(won, costs, strict=True)],
                written("unit_cost_most", formats.money),
            ),
            "Take-up: planned / least": against(
                ["" if w else c for w, c in zip(won, shares, strict=True)],
                written("take_up_least", formats.percent_1),
            ),
            "Paid back after": [
                formats.plural(v, "month") if np.isfinite(v) else "not in the time counted"
                for v in table["payback"]
            ],
        }
    )


def value_drivers(
    tornados: Mapping[str, pd.DataFrame] | Refusal,
    grades: pd.Series,
    factors: Mapping[str, float],
    names: Mapping[str, str],
    n: int,
    scope: Scope,
) -> Exhibit | None:
    """What moves the worth of each initiative that starts most.

    Parameters
    ----------
    tornados : mapping of initiative to DataFrame
        Of `crmlib.roi.tornado`.
    grades : Series, index initiative
        Of their evidence.
    factors : mapping of grade to float
        By which the prior was widened.
    """
    if isinstance(tornados, Refusal):
        return None
    rows = [
        {"initiative": name, "driver": driver, "low": row["low"], "high": row["high"]}
        for name, table in tornados.items()
        for driver, row in table.iterrows()
        if abs(row["swing"]) >= _VISIBLE * table["swing"].abs().max()
    ]
    if not rows:
        return None
    table = pd.DataFrame(rows).round(4)
    table["grade"] = table["initiative"].map(grades)
    table["prior_times"] = [factors.get(str(each), 1.0) for each in table["grade"]]
    table["swing"] = (table["high"] - table["low"]).abs()
    figure, ax = theme.axes(height=1.1 + 0.31 * len(table))
    _draw_tornado(ax, table, names)
    theme.tidy(ax, x=f"net worth, {scope.currency}, driver at its P10 and at its P90", y="",
               grid="x")  # fmt: skip
    ax.xaxis.set_major_formatter(lambda number, _: formats.money(number) if number else "0")
    most = table.groupby("driver")["swing"].sum().idxmax()
    return scope.exhibit(
        id="value_drivers",
        title=f"What is least known is {_DRIVERS[str(most)]}",
        table=table,
        figure=figure,
        n=n,
        unit=f"{scope.currency}, today's worth, costs taken off",
        alt=f"Bars from low to high worth for {len(table)} drivers of "
        f"{formats.plural(table['initiative'].nunique(), 'initiative')}.",
        note="One driver at its tenth and its ninetieth percentile, all others as expected; "
        "drivers that move less than a tenth of an initiative's widest are left out. An effect's "
        "prior is widened by the grade of its evidence, as the label says.",
    )


_DRIVERS = {
    "effect": "the effect itself",
    "take-up": "how many will take it up",
    "value": "what customers will be worth",
    "retention": "how long customers stay",
}


def _draw_tornado(ax: Axes, table: pd.DataFrame, names: Mapping[str, str]) -> None:
    places = np.arange(len(table))
    low, high = table[["low", "high"]].min(axis=1), table[["low", "high"]].max(axis=1)
    colors = np.where(table["driver"] == "effect", theme.PRIMARY, theme.REFERENCE)
    ax.barh(places, high - low, left=low, color=colors, height=0.62)
    ax.axvline(0, color=theme.INK, linewidth=1)
    labels = []
    for row in table.itertuples():
        driver = row.driver
        if driver == "effect":
            driver = f"effect (grade {row.grade}, prior ×{row.prior_times:g})"
        labels.append(f"{called(row.initiative, names, 24)} · {driver}")
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    for at, (a, b) in enumerate(zip(low, high, strict=True)):
        theme.label(ax, b, at, formats.interval(a, b, formats.money))
    least, most = min(0.0, low.min()), max(0.0, high.max())
    ax.set_xlim(least - 0.03 * (most - least), most + 0.34 * ((most - least) or 1.0))
    texts = [formats.interval(a, b, formats.money) for a, b in zip(low, high, strict=True)]
    theme.says_texts(ax, places, labels, texts, "y")
