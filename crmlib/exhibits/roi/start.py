"""What a board reads first: what starts on Monday, its cost, its return, its odds (R3, R5).

Everything here is worked out further down the chapter; this is the answer before its proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit, Paragraph
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.roi.words import called, effect, listed, odds
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.roi import BreakEven, NextSteps, Npv, Roadmap, started
from crmlib.stats.refusal import Refusal

_ID, _WHAT = "start_monday", "What to start on Monday"
START, HOLD, BUILD = "start", "pilot first", "build"
_SAID = 3  # break-evens in the four lines; the table has all


@dataclass(frozen=True, eq=False)
class Programme:
    """The results that the first screen sums up.

    Attributes
    ----------
    found : Npv
    steps : NextSteps
    plan : Roadmap
    break_evens : mapping of initiative to BreakEven
    names : mapping of id to str
    horizon_years : float
    """

    found: Npv
    steps: NextSteps
    plan: Roadmap
    break_evens: Mapping[str, BreakEven]
    names: Mapping[str, str]
    horizon_years: float

    @property
    def first(self) -> list[str]:
        """Initiatives that start in wave 1, the one that brings most first."""
        starts = self.plan.starts
        now = starts.loc[starts["wave"] == 1, "initiative"]
        worth = self.found.table["npv"].reindex(now)
        return list(worth.sort_values(ascending=False, kind="stable").index)

    @property
    def pilots(self) -> list[str]:
        """Initiatives whose pilot is worth holding, the one that is worth most first."""
        table = self.steps.table
        held = table[table["verdict"] == "pilot"]
        return list(held.sort_values("worth", ascending=False, kind="stable").index)

    @property
    def builds(self) -> list[str]:
        """Assets whose build begins in wave 1."""
        builds = self.plan.builds
        return list(builds.loc[builds["wave"] == 1, "asset"])

    @property
    def range(self) -> tuple[float, float]:
        """P5 and P95 of the portfolio's worth."""
        low, high = np.quantile(self.plan.draws, [0.05, 0.95])
        return float(low), float(high)

    @property
    def anything(self) -> bool:
        """Whether the plan starts anything in any wave."""
        return bool(started(self.plan))

    @property
    def hindered(self) -> bool:
        """Whether an initiative would be worth its cost by itself."""
        return bool((self.found.table["npv"] > 0).any())


def in_brief(programme: Programme | Refusal, scope: Scope) -> Paragraph | None:
    """Start, cost, return and doubt, in four lines."""
    if isinstance(programme, Refusal):
        return None
    plan, low_high = programme.plan, programme.range
    if not programme.anything:
        return Paragraph(f"**Start on Monday:** nothing. {_why_nothing(programme)}")
    spend = plan.spend["cost"]
    lines = [
        f"**Start on Monday:** {_words(programme.first, programme.names) or 'nothing yet'}."
        + _beside(programme),
        f"**What it costs:** {scope.money(spend.iloc[0])} in the first wave, "
        f"{scope.money(spend.sum())} in {formats.plural(len(spend), 'wave')}"
        f"{_for_pilots(programme, scope)}.",
        f"**What it returns:** {scope.money(plan.mean)} net of all costs over "
        f"{formats.plural(programme.horizon_years, 'year')}, "
        f"{formats.interval(*low_high, scope.money)} in nine cases of ten; above zero with "
        f"a chance of {odds(plan.chance_positive)}; {scope.money(plan.cvar)} on average in the "
        f"worst {formats.percent(plan.tail)}.",
        f"**What would change our mind:** {_doubt(programme)}.",
    ]
    return Paragraph("\n\n".join(lines))


def _why_nothing(programme: Programme) -> str:
    if programme.hindered:
        said = (
            "Under these budgets and rules, and weighing the worst outcomes, no plan is better "
            "than starting nothing; what is left out says why."
        )
    else:
        said = (
            "No initiative is expected to bring what it costs; the break-evens say from which "
            "effect, cost or take-up on each would."
        )
    return said + _beside(programme)


def _beside(programme: Programme) -> str:
    said = ""
    if programme.builds:
        said += f" Build meanwhile: {_words(programme.builds, programme.names)}."
    if programme.pilots:
        said += f" Pilot before any launch: {_words(programme.pilots, programme.names)}."
    return said


def _for_pilots(programme: Programme, scope: Scope) -> str:
    """What pilots cost, which is in no budget of the plan."""
    cost = sum(_pilot_cost(programme, name) for name in programme.pilots)
    return f", and {scope.money(cost)} for pilots besides" if programme.pilots else ""


def _words(ids: list[str], names: Mapping[str, str]) -> str:
    return listed([called(each, names, 60) for each in ids]) if ids else ""


def _doubt(programme: Programme) -> str:
    """What a review would have to find of what starts now, or else of what starts at all."""
    names = programme.first or started(programme.plan)
    said = []
    for name in names[:_SAID]:
        unit, expected, least = _effects(programme, name)
        if np.isfinite(least):
            way, what = ("above", "cost per customer") if unit == "cpa" else ("below", "effect")
            said.append(
                f"{what} of {called(name, programme.names, 60)} {way} {effect(least, unit)} "
                f"(expected {effect(expected, unit)})"
            )
    return f"a review that finds the {listed(said)}" if said else "nothing that a review could find"


def _effects(programme: Programme, name: str) -> tuple[str, float, float]:
    """Unit, expected effect over adopters, and the one from which it pays."""
    case = programme.found.cases[name]
    expected = float(case.effect.mean(axis=0) @ case.reached / case.reached.sum())
    return case.unit, expected, programme.break_evens[name].effect


def start_monday(programme: Programme | Refusal, n: int, scope: Scope) -> Exhibit:
    """What starts, is piloted and is built in the first wave, with cost, return and odds."""
    if isinstance(programme, Refusal):
        return refused(_ID, _WHAT, programme, n, scope)
    table = _start_table(programme)
    # a group of few is not told, nor what could be done for it
    table["customers"] = table["customers"].mask(table["customers"] < scope.min_cell)
    if table.empty:
        return scope.exhibit(
            id=_ID,
            title="Nothing starts under these budgets and rules"
            if programme.hindered
            else "No initiative is worth its cost",
            table=pd.DataFrame({"start": ["nothing"], "reason": ["see what is left out, below"]}),
            n=n,
            unit="none",
            alt="No initiative starts in the first wave.",
        )
    return scope.exhibit(
        id=_ID,
        title=_title(programme, table, scope),
        table=table,
        formatted=_start_written(table, programme, scope),
        n=n,
        unit=f"{scope.currency}, today's worth over {formats.years(programme.horizon_years)}",
        alt=f"Table of {formats.plural(len(table), 'action')} for the first wave: what it is, how "
        "many customers it reaches, what it costs, what it brings with its odds, and the effect "
        "at which it would no longer pay.",
        note="Return is net of cost and of customers who would have stayed or bought anyway; "
        "the interval holds nine cases of ten. Each is reckoned alone; what initiatives add to "
        "or take from each other is in the plan's total. Where the effect is found beyond its "
        "break-even, stop.",
    )


def _start_table(programme: Programme) -> pd.DataFrame:
    rows = []
    for kind, ids in ((START, programme.first), (HOLD, programme.pilots)):
        for name in ids:
            figures, step = programme.found.table.loc[name], programme.steps.table.loc[name]
            unit, expected, least = _effects(programme, name)
            rows.append(
                {
                    "action": kind,
                    "id": name,
                    "customers": int(step["population"] if kind == START else step["n_per_arm"]),
                    "cost": figures["cost"] if kind == START else _pilot_cost(programme, name),
                    "npv": figures["npv"] if kind == START else step["worth"],
                    "p5": figures["p5"] if kind == START else np.nan,
                    "p95": figures["p95"] if kind == START else np.nan,
                    "chance": figures["p_positive"] if kind == START else step["p_go"],
                    "unit": unit,
                    "expected_effect": expected,
                    "break_even_effect": least,
                }
            )
    builds = programme.plan.programme
    for asset in programme.builds:
        at = builds.assets.index(asset)
        rows.append({"action": BUILD, "id": asset, "cost": float(builds.build_cost[at])})
    columns = ["action", "id", "customers", "cost", "npv", "p5", "p95", "chance", "unit",
               "expected_effect", "break_even_effect"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table["starts"] = int((table["action"] == START).sum())
    table["pilots"] = int((table["action"] == HOLD).sum())
    low, high = programme.range
    plan = {
        "plan_npv": programme.plan.mean,
        "plan_p5": low,
        "plan_p95": high,
        "plan_chance": programme.plan.chance_positive,
        "plan_cost": programme.plan.spend["cost"].sum(),
        "horizon_years": programme.horizon_years,
    }
    table = table.assign(**plan)
    table["first_wave_cost"] = programme.plan.spend["cost"].iloc[0]
    return table.round(4)


def _pilot_cost(programme: Programme, name: str) -> float:
    """Of holding it, and for who adopts in its treated arm."""
    launch, case = programme.steps.plans[name].launch, programme.found.cases[name]
    share = programme.steps.plans[name].n_per_arm / float(case.reached.sum())
    return launch.pilot_cost + share * (float(case.costs.mean()) - case.fixed_cost)


def _title(programme: Programme, table: pd.DataFrame, scope: Scope) -> str:
    starts = table[table["action"] == START]
    if starts.empty:
        pilots = int((table["action"] == HOLD).sum())
        if pilots:
            return f"Nothing starts at once; {formats.plural(pilots, 'pilot')} should be held"
        return "Nothing starts at once; first something has to be built"
    what = formats.plural(len(starts), "initiative")
    cost = scope.money(programme.plan.spend["cost"].iloc[0])
    return f"Start {what} on Monday; the first wave costs {cost}"


def _start_written(table: pd.DataFrame, programme: Programme, scope: Scope) -> pd.DataFrame:
    def money(value: float) -> str:
        return formats.money(value) if np.isfinite(value) else ""

    rows = []
    for row in table.itertuples():
        between = formats.interval(row.p5, row.p95, money) if np.isfinite(row.p5) else ""
        expected, least = (
            effect(each, str(row.unit)) for each in (row.expected_effect, row.break_even_effect)
        )
        doubt = ""
        if least:
            what = "cost per customer above" if row.unit == "cpa" else "effect below"
            doubt = f"{what} {least} (expected {expected})"
        rows.append(
            {
                "On Monday": row.action,
                "What": called(row.id, programme.names, 60),
                "Customers": formats.count(row.customers) if np.isfinite(row.customers) else "",
                f"Cost, {scope.currency}": money(row.cost),
                f"Return, {scope.currency}": f"{money(row.npv)} ({between})"
                if between
                else money(row.npv),
                "Odds": _odds(row.action, row.chance),
                "Would change our mind": doubt,
            }
        )
    return pd.DataFrame(rows)


def _odds(action: str, chance: float) -> str:
    if not np.isfinite(chance):
        return ""
    return f"{odds(chance)} to {'pay' if action == START else 'be launched after it'}"


def start_findings(
    programme: Programme | Refusal, brought: float | Refusal, scope: Scope
) -> list[Finding]:
    """What the first wave costs, and what the whole plan returns."""
    if isinstance(programme, Refusal) or not programme.anything:
        return []
    plan, (low, high) = programme.plan, programme.range
    known = not isinstance(brought, Refusal) and brought > 0
    first = _words(programme.first, programme.names)
    sentence = (f"Starting {first} first, " if first else "") + (
        f"the plan returns {scope.money(plan.mean)} net over "
        f"{formats.plural(programme.horizon_years, 'year')} "
        f"({formats.interval(low, high, scope.money)}), above zero with "
        f"a chance of {odds(plan.chance_positive)}, for {scope.money(plan.spend['cost'].sum())}."
    )
    return [
        Finding(
            id="plan_returns",
            kind="estimate",
            sentence=formats.capitalised(sentence),
            value=round(plan.mean, 4),
            unit=scope.currency,
            exhibit=_ID,
            lo=round(low, 4),
            hi=round(high, 4),
            size=abs(plan.mean) / brought if known else 0.0,
        )
    ]
