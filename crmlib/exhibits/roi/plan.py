"""What exists, what starts when, what is built meanwhile, and what it costs (R1, R5, R10)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.roi.words import called
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.roi import Npv, Roadmap
from crmlib.stats.refusal import Refusal

_LEVERS = {
    "acquire": "acquire",
    "activate": "activate",
    "retain": "retain",
    "grow": "grow",
    "win_back": "win back",
}


def what_is_missing(
    matrix: pd.DataFrame | Refusal,
    missing: pd.DataFrame | Refusal,
    names: Mapping[str, str],
    n: int,
    scope: Scope,
) -> Exhibit:
    """Initiatives by the assets they need, and what each still lacks.

    Parameters
    ----------
    matrix : DataFrame
        Of `crmlib.roi.asset_matrix`.
    missing : DataFrame
        Of `crmlib.roi.missing_for`.
    """
    for given in (matrix, missing):
        if isinstance(given, Refusal):
            return refused("initiative_assets", "What initiatives need", given, n, scope)
    table = missing.reset_index()
    table["to_build"] = [
        ", ".join(called(asset, names) for asset in matrix.index[matrix[each] == "to build"])
        for each in table["initiative"]
    ]
    steps = [
        ", ".join(part for part in lacks.split(", ") if part and part not in set(matrix.index))
        for lacks in table["lacks"]
    ]
    table = table.assign(steps_to_set_up=steps)
    table = table.sort_values(["assets_missing", "steps_missing"], kind="stable", ignore_index=True)
    now = int((table["assets_missing"] == 0).sum())
    table["on_what_exists"] = now
    written = pd.DataFrame(
        {
            "Initiative": [called(each, names, 60) for each in table["initiative"]],
            "Assets it needs": table["assets"].astype(str),
            "To be built": table["to_build"],
            "Process steps": table["steps"].astype(str),
            "Steps to set up": table["steps_to_set_up"],
        }
    )
    return scope.exhibit(
        id="initiative_assets",
        title=f"{now} of {len(table)} initiatives can run on assets that exist",
        table=table.drop(columns="ready"),
        formatted=written,
        n=n,
        unit="assets and process steps",
        alt=f"Table of {len(table)} initiatives with the assets they need, those to be built, and "
        "the steps of their process that nobody does yet.",
        note="An asset is built once, whoever uses it. Steps to set up cost no money in the plan: "
        "what they take belongs into the fixed cost of the initiative.",
    )


def plan_by_wave(
    bars: pd.DataFrame | Refusal,
    plan: Roadmap | Refusal,
    names: Mapping[str, str],
    wave_months: int,
    n: int,
    scope: Scope,
) -> Exhibit | None:
    """What starts and what is built, wave by wave.

    Parameters
    ----------
    bars : DataFrame
        Of `crmlib.roi.bifocal`.
    """
    if isinstance(plan, Refusal) or isinstance(bars, Refusal):
        reason = plan if isinstance(plan, Refusal) else bars
        return refused("roadmap_plan", "A plan by waves", reason, n, scope)
    if bars.empty:
        return scope.exhibit(
            id="roadmap_plan",
            title="Nothing starts under these budgets and rules",
            table=plan.spend[["wave", "cost", "cap"]],
            n=n,
            unit=scope.currency,
            alt="No initiative starts in any wave.",
        )
    waves = len(plan.spend)
    figure, ax = theme.axes(height=1.3 + 0.38 * len(bars))
    colors = {"starts at once": theme.PRIMARY, "starts later": theme.REFERENCE,
              "build": theme.CONTRAST}  # fmt: skip
    said = {"starts at once": "starts at once", "starts later": "starts later",
            "build": "is built"}  # fmt: skip
    for kind, color in colors.items():
        own = np.flatnonzero(bars["kind"] == kind)
        first, last = bars["first"].to_numpy()[own], bars["last"].to_numpy()[own]
        ax.barh(own, last - first + 1, left=first - 1, color=color, height=0.6, label=said[kind])
    labels = [called(each, names) for each in bars["name"]]
    places = np.arange(len(bars))
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    ax.set_xlim(0, waves)
    ax.set_xticks(np.arange(waves) + 0.5, [f"wave {at + 1}" for at in range(waves)])
    theme.tidy(ax, x=f"waves of {formats.plural(wave_months, 'month')}", y="", grid="x")
    ax.grid(False)
    for edge in range(1, waves):
        ax.axvline(edge, color=theme.GRID, linewidth=0.8)
    theme.legend_above(ax)
    texts = [
        f"wave {row.first} to {row.last}"
        + (f", waits for {row.waits_for}" if row.waits_for else "")
        for row in bars.itertuples()
    ]
    theme.says_texts(ax, places, labels, texts, "y")
    starts, builds = int((bars["kind"] != "build").sum()), int((bars["kind"] == "build").sum())
    now = int((bars["kind"] == "starts at once").sum())
    table = bars.assign(starts=starts, at_once=now, builds=builds)
    return scope.exhibit(
        id="roadmap_plan",
        title=_plan_title(now, starts, builds),
        table=table,
        figure=figure,
        n=n,
        unit="waves",
        alt=f"Bars over {formats.plural(waves, 'wave')}: {formats.plural(starts, 'initiative')} "
        f"from when each starts, and {formats.plural(builds, 'asset')} while it is built.",
        note=f"The best plan there is under budgets, lead times and groups of which one may start, "
        f"by {1 - plan.risk_aversion:g} times the mean of outcomes and {plan.risk_aversion:g} "
        f"times the mean of the worst {formats.percent(plan.tail)}. What is to be piloted "
        "starts behind its pilot.",
    )


def _plan_title(now: int, starts: int, builds: int) -> str:
    what = f"{now} of {formats.plural(starts, 'initiative')} {_do(now, 'start')} at once"
    if builds:
        return f"{what} while {formats.plural(builds, 'asset')} {_are(builds)} built"
    return what


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def what_does_not_start(
    reasons: pd.DataFrame | Refusal,
    plan: Roadmap | Refusal,
    names: Mapping[str, str],
    n: int,
    scope: Scope,
) -> Exhibit | None:
    """Why each initiative that does not start does not.

    Parameters
    ----------
    reasons : DataFrame
        Of `crmlib.roi.not_started`.
    """
    if isinstance(reasons, Refusal) or isinstance(plan, Refusal) or reasons.empty:
        return None
    table = reasons.sort_values("cost_of_starting", kind="stable", ignore_index=True)
    table["cost_of_starting"] = table["cost_of_starting"].round(2)
    written = pd.DataFrame(
        {
            "Initiative": [called(each, names, 60) for each in table["initiative"]],
            "Why it does not start": [
                # the sum stands beside it
                reason.partition(": starting it")[0]
                for reason in table["reason"]
            ],
            f"Starting it all the same would cost, {scope.currency}": [
                formats.money(v) if np.isfinite(v) else "" for v in table["cost_of_starting"]
            ],
        }
    )
    left, every = len(table), len(plan.starts)
    table["left_out"], table["of_initiatives"] = left, every
    return scope.exhibit(
        id="roadmap_left_out",
        title=f"{left} of {every} initiatives with evidence {_do(left)} not start",
        table=table,
        formatted=written,
        n=n,
        unit=f"{scope.currency} of the plan's worth, risk weighed",
        alt=f"Table of {formats.plural(left, 'initiative')} that {_do(left)} not start, with the "
        "reason and what starting each would cost the plan.",
        note="A reason is found by planning again without that rule. Claims without evidence are "
        "not among them.",
    )


def _do(number: int, verb: str = "do") -> str:
    if number != 1:
        return verb
    return "does" if verb == "do" else f"{verb}s"


def spend_by_wave(plan: Roadmap | Refusal, n: int, scope: Scope) -> Exhibit | None:
    """What is spent up to each wave against what may be."""
    if isinstance(plan, Refusal):
        return None
    table = plan.spend.round(2)
    figure, ax = theme.axes(height=3.2)
    places = np.arange(len(table))
    labels = [f"wave {row.wave}\n{formats.money(row.cumulative)}" for row in table.itertuples()]
    ax.bar(places, table["cumulative"], color=theme.PRIMARY, width=0.56, label="spent so far")
    capped = np.isfinite(table["cap"]).to_numpy()
    ax.hlines(table.loc[capped, "cap"], places[capped] - 0.36, places[capped] + 0.36,
              color=theme.CONTRAST, linewidth=2.2, label="budget so far")  # fmt: skip
    ax.set_xticks(places, labels)
    ax.set_ylim(0, 1.12 * max(table["cumulative"].max(), table.loc[capped, "cap"].max(), 1.0))
    theme.tidy(ax, x="", y=scope.currency)
    theme.thousands(ax)
    theme.legend_above(ax)
    theme.says_values(
        ax,
        places,
        labels,
        {"spent": table["cumulative"], "budget": table["cap"].replace(np.inf, np.nan)},
        formats.money,
    )
    table["cap"] = table["cap"].replace(np.inf, np.nan)
    cap = table["cap"].iloc[-1]
    title = "The plan has no limit of money"
    if cap == 0:
        title = "The budget of all waves is zero"
    elif np.isfinite(cap):
        share = table["cumulative"].iloc[-1] / cap
        title = f"The plan spends {formats.percent(share)} of the budget of all waves"
        table["share_spent"] = round(float(share), 4)
    return scope.exhibit(
        id="roadmap_spend",
        title=title,
        table=table,
        figure=figure,
        n=n,
        unit=f"{scope.currency}, not discounted",
        alt=f"Bars of the money spent up to each of {formats.plural(len(table), 'wave')}, with the "
        "budget up to it as a line.",
        note="Fixed costs, what adopters cost on average, builds, and the running of what is "
        "built. What a wave does not spend is kept for the next.",
    )


def lever_balance(
    plan: Roadmap | Refusal, found: Npv | Refusal, n: int, scope: Scope
) -> Exhibit | None:
    """Cost and worth of what starts, by lever."""
    if isinstance(plan, Refusal) or isinstance(found, Refusal):
        return None
    starts = plan.starts.set_index("initiative")
    own = starts.join(found.table[["cost", "npv"]])
    begun = own[own["wave"].notna()]
    table = pd.DataFrame({"lever": list(_LEVERS)})
    table["considered"] = [int((own["lever"] == each).sum()) for each in table["lever"]]
    table["start"] = [int((begun["lever"] == each).sum()) for each in table["lever"]]
    for name in ("cost", "npv"):
        sums = begun.groupby("lever")[name].sum()
        table[name] = sums.reindex(table["lever"], fill_value=0.0).round(2).to_numpy()
    figure, ax = theme.axes(height=3.2)
    series = {
        "cost": (table["cost"], theme.REFERENCE),
        "expected worth, cost taken off": (table["npv"], theme.PRIMARY),
    }
    theme.paired_bars(ax, [_LEVERS[each] for each in table["lever"]], series, formats.money)
    ax.axhline(0, color=theme.INK, linewidth=1)
    theme.tidy(ax, x="", y=scope.currency)
    theme.thousands(ax)
    used = int((table["start"] > 0).sum())
    table["levers_used"] = used
    return scope.exhibit(
        id="lever_balance",
        title=f"The plan pulls {used} of {len(table)} levers",
        table=table,
        figure=figure,
        n=n,
        unit=f"{scope.currency}, today's worth",
        alt=f"Bars of cost and of expected worth of what starts, by {len(table)} levers: acquire, "
        "activate, retain, grow, win back.",
        note="Each initiative as if it began now and alone; assets, which are shared, are left "
        "out. A least share by lever can be asked for (roi.minimum_share); what it would cost is "
        "then among the prices of rules.",
    )
