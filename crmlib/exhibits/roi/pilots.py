"""Go, pilot or stop, and how large a pilot (R4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.roi.words import called, listed, odds
from crmlib.exhibits.scope import Scope
from crmlib.roi import NextSteps, Npv
from crmlib.stats.refusal import Refusal

_ORDER = {"go": 0, "pilot": 1, "stop": 2}


def what_to_do_next(
    steps: NextSteps | Refusal,
    found: Npv | Refusal,
    names: Mapping[str, str],
    n: int,
    scope: Scope,
) -> Exhibit | None:
    """The verdict on each initiative with its reason."""
    if isinstance(steps, Refusal) or isinstance(found, Refusal):
        return None  # told with what initiatives bring
    table = steps.table.join(found.table[["p5", "p50", "p95"]]).reset_index()
    few = table["population"] < scope.min_cell
    if few.any():
        sizes = ["population", "n_per_arm", "n_for_power"]
        table[sizes] = table[sizes].astype(float).mask(few)
    expected = table["net"] * table["population"]
    table = table.assign(
        place=table["verdict"].map(_ORDER), expected=expected.fillna(np.inf)
    ).sort_values(["place", "expected"], ascending=[True, False], kind="stable")
    table = table.drop(columns=["place", "expected", "reason"]).reset_index(drop=True)
    counts = table["verdict"].value_counts()
    for verdict in _ORDER:
        table[f"all_{verdict}"] = int(counts.get(verdict, 0))
    written = pd.DataFrame(
        {
            "Initiative": [called(each, names, 60) for each in table["initiative"]],
            "Next": [
                f"{row.verdict}: does harm" if row.harmful else row.verdict
                for row in table.itertuples()
            ],
            "Why": [_why(row, steps, scope) for row in table.to_dict("records")],
            "Effect below 0": [
                odds(row.p_below) if np.isfinite(row.net) else "" for row in table.itertuples()
            ],
            "Per arm: pilot / test": [
                f"{formats.count(row.n_per_arm) if row.n_per_arm > 0 else 'none'} / "
                f"{formats.count(row.n_for_power)}" if np.isfinite(row.n_for_power) else ""
                for row in table.itertuples()
            ],
        }
    )  # fmt: skip
    return scope.exhibit(
        id="next_steps",
        title=_steps_title(counts),
        table=table.round(4),
        formatted=written,
        n=n,
        unit=f"customers; {scope.currency}",
        alt=f"Table of {len(table)} initiatives with the verdict go, pilot or stop, the reason, "
        "and the size of a pilot.",
        note="A pilot is worth its cost where what it may teach can turn the decision. Per arm: "
        "the pilot that is worth most, and a test with power to see the expected effect, which is "
        "rarely worth its size: few customers are left to gain from a large pilot. Of an "
        "initiative that wins customers, each is a trial. Go: nothing is worth finding out first; "
        "whether and when it starts, the plan decides under budgets and risk.",
    )


def _steps_title(counts: pd.Series) -> str:
    go, hold, stop = (int(counts.get(each, 0)) for each in _ORDER)
    said = {"go with": go, "pilot": hold, "stop": stop}
    words = [f"{verb} {number}" for verb, number in said.items() if number]
    every = formats.plural(go + hold + stop, "initiative")
    return f"{formats.capitalised(listed(words))} of {every}"


def _why(row: Mapping[str, object], steps: NextSteps, scope: Scope) -> str:
    """The reason in a few words with its money."""
    name = str(row["initiative"])
    if row["harmful"]:
        return "its own trials show a worse outcome than doing nothing"
    plan = steps.plans.get(name)
    if plan is None and row["verdict"] == "stop":
        return "winning a customer costs more than one brings"
    if plan is None:
        return "each customer won shows the cost: stop where it reaches what one brings"
    brings = scope.money(plan.launch.launch_now)
    if row["verdict"] == "pilot":
        return (
            f"a pilot is worth {scope.money(plan.worth)} more than deciding now"
            + ", mostly by what its own customers bring" * (plan.learning < plan.worth / 2)
            + f", and ends in a launch with {odds(plan.p_go)}"
        )
    if row["verdict"] == "go":
        return f"expected to bring {brings}; a pilot is not worth its cost"
    return f"expected to bring {brings}; no pilot could turn that at its cost"


def next_step_findings(
    steps: NextSteps | Refusal,
    found: Npv | Refusal,
    names: Mapping[str, str],
    brought: float | Refusal,
    scope: Scope,
) -> list[Finding]:
    """The initiative that does harm, where one does."""
    if isinstance(steps, Refusal) or isinstance(found, Refusal):
        return []
    harmful = steps.table[steps.table["harmful"]].index
    if harmful.empty:
        return []
    worst = found.table.loc[harmful, "p50"].idxmin()
    row = found.table.loc[worst]
    known = not isinstance(brought, Refusal) and brought > 0
    below = odds(float(steps.table.at[worst, "p_below"]))
    return [
        Finding(
            id="harmful_initiative",
            kind="estimate",
            sentence=f"Stop {called(str(worst), names, 60)}: its effect is below zero with a "
            f"chance of {below}, and doing it would bring {scope.money(row['p50'])} "
            f"({formats.interval(row['p5'], row['p95'], scope.money)}).",
            value=round(float(row["p50"]), 4),
            unit=scope.currency,
            exhibit="next_steps",
            lo=round(float(row["p5"]), 4),
            hi=round(float(row["p95"]), 4),
            size=abs(float(row["p50"])) / brought if known else 0.0,
        )
    ]


def pilot_sizes(
    steps: NextSteps | Refusal, names: Mapping[str, str], scope: Scope
) -> Exhibit | None:
    """What a pilot is worth by its size, of the initiative that has most to learn."""
    if isinstance(steps, Refusal) or not steps.plans:
        return None
    told = ~steps.table["harmful"].astype(bool) & (steps.table["population"] >= scope.min_cell)
    open_ = steps.table[told].loc[lambda rows: rows.index.isin(steps.plans)]
    if open_.empty:
        return None
    by = "worth" if (open_["worth"] > 0).any() else "perfect"
    name = str(open_[by].astype(float).idxmax())
    plan = steps.plans[name]
    table = plan.curve.round(4)
    table["best"], table["for_power"] = plan.n_per_arm, plan.power_size_corrected.treated
    figure, ax = theme.axes(height=3.4)
    ax.plot(table["n_per_arm"], table["worth"], color=theme.PRIMARY)
    ax.axhline(0, color=theme.INK, linewidth=1)
    if plan.n_per_arm:
        ax.plot(plan.n_per_arm, plan.worth, "o", color=theme.CONTRAST, markersize=7)
        theme.label(ax, plan.n_per_arm, plan.worth,
                    f"{formats.count(plan.n_per_arm)} per arm: {formats.money(plan.worth)}",
                    xytext=(8, 6))  # fmt: skip
    power = plan.power_size_corrected.treated
    low, high = min(table["worth"].min(), 0.0), max(table["worth"].max(), 0.0)
    if power <= table["n_per_arm"].max():
        ax.axvline(power, color=theme.REFERENCE, linewidth=1.2, linestyle="--")
        theme.label(ax, power, high, f"a test with power: {formats.count(power)}")
    ax.set_ylim(low - 0.08 * (high - low), high + 0.22 * ((high - low) or 1.0))
    theme.tidy(ax, x="customers per arm", y=f"worth of the pilot, {scope.currency}")
    theme.thousands(ax)
    theme.thousands(ax, "x")
    theme.says_values(ax, table["n_per_arm"].tolist(),
                      [f"{formats.count(v)} per arm" for v in table["n_per_arm"]],
                      {"": table["worth"]}, formats.money)  # fmt: skip
    population = plan.launch.population
    return scope.exhibit(
        id="pilot_size",
        title=_size_title(plan.n_per_arm, plan.worth, scope),
        table=table,
        figure=figure,
        n=population,
        unit=f"{scope.currency} more than deciding now",
        alt=f"A line of what a pilot of {called(name, names, 60)} is worth by customers per arm, "
        f"up to {int(table['n_per_arm'].max())}; the best size is marked.",
        note=f"{called(name, names, 60)}, {formats.count(population)} customers. A test that sees "
        f"the expected effect with the stated power would take {formats.count(power)} per arm. "
        "An arm is kept to a share of customers (roi.pilot_share): a larger one would be a launch.",
    )


def _size_title(n_per_arm: int, worth: float, scope: Scope) -> str:
    if not n_per_arm:
        return "No pilot of any size is worth its cost"
    return f"A pilot of {formats.count(n_per_arm)} per arm is worth {scope.money(worth)}"
