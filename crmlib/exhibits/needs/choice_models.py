"""What a choice experiment asked, who answered in earnest, and which model is believed (N2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.needs.choice_panels import Respondents, joined
from crmlib.exhibits.needs.groups import RESPONDENTS, fitting, survey_refused
from crmlib.exhibits.scope import Scope
from crmlib.needs.choice_design import SPEEDER, DesignChecks
from crmlib.needs.choice_holdout import HeldOut
from crmlib.stats.disclosure import is_small
from crmlib.stats.refusal import Refusal

_FLAGS = {
    "same_position": "always chose the same position",
    "speeder": f"took less than {formats.percent(SPEEDER)} of the usual time",
    "always_none": "always chose none of the offers",
    "chose_dominated": "chose an offer beaten on everything",
}


def choice_design(checks: DesignChecks | Refusal, people: Respondents, scope: Scope) -> Exhibit:
    """How often levels were shown, how often offers of a task were alike in an attribute."""
    if isinstance(checks, Refusal):
        return survey_refused("choice_design", "The choice experiment", checks, people.n, scope)
    table = _design_table(checks, people)
    most = table.sort_values("same_level", ascending=False, kind="stable").iloc[0]
    alike = formats.percent(most["same_level"])
    return scope.exhibit(
        id="choice_design",
        title=fitting(
            f"Offers of one task are alike in {most['attribute']} most: {alike}",
            f"Offers are most alike in one attribute, in {alike} of pairs",
        ),
        table=table,
        formatted=_design_written(table),
        n=people.n,
        population=RESPONDENTS,
        unit="shares of showings, of pairs of offers and of tasks; correlation",
        alt=f"Table of {len(table)} attributes with how evenly their levels were shown and how "
        "often offers of one task were alike in them.",
        note=_design_note(checks),
    )


def _design_table(checks: DesignChecks, people: Respondents) -> pd.DataFrame:
    """One row per attribute; correlations with columns of other attributes, the largest."""
    owner = [name.split(": ")[0] for name in checks.correlation.columns]
    correlation = checks.correlation.abs().to_numpy()
    names, rows = people.say_all(checks.overlap.index), []
    for name, alike in checks.overlap.iterrows():
        shown = checks.balance.loc[checks.balance["attribute"] == name, "share"]
        own = np.array([each == name for each in owner])
        others = correlation[np.ix_(own, ~own)]
        rows.append(
            {
                "attribute": names[name],
                "levels": len(shown) or np.nan,
                "least_shown": shown.min(),
                "most_shown": shown.max(),
                "same_level": alike["share"],
                "same_in_all": alike["constant"],
                "correlation": np.nanmax(others) if np.isfinite(others).any() else np.nan,
            }
        )
    return pd.DataFrame(rows).round(4)


def _design_written(table: pd.DataFrame) -> pd.DataFrame:
    """The table headed for readers."""

    def share(value: float) -> str:
        return "" if pd.isna(value) else formats.percent(value)

    return pd.DataFrame(
        {
            "Attribute": table["attribute"],
            "Levels": ["many" if pd.isna(n) else f"{n:.0f}" for n in table["levels"]],
            "Rarest level": table["least_shown"].map(share),
            "Commonest": table["most_shown"].map(share),
            "Pairs alike": table["same_level"].map(share),
            "All alike": table["same_in_all"].map(share),
            "Correlation": table["correlation"].map(
                lambda value: "" if pd.isna(value) else f"{value:.2f}"
            ),
        }
    )


def _design_note(checks: DesignChecks) -> str:
    """Efficiency, and tasks that tell nothing."""
    tasks = formats.count(checks.n_tasks)
    efficiency = ""
    if np.isfinite(checks.d_efficiency):
        efficiency = (
            f"The design has {formats.percent(checks.d_efficiency)} of the information that the "
            "best design of this size would have (D-efficiency)."
        )
    beaten = ""
    if checks.dominated == 0:
        beaten = f"None of {tasks} tasks holds an offer that another one beats on everything."
    elif checks.dominated > 0:
        beaten = (
            f"Of {tasks} tasks {formats.count(checks.dominated)} hold an offer that another one "
            f"beats on everything, {formats.count(checks.dominant)} one that beats all others: "
            "the latter tell nothing."
        )
    between = "Correlation: the largest, within tasks, with another attribute."
    return joined(between, efficiency, beaten)


def choice_respondents(
    checks: DesignChecks | Refusal, people: Respondents, left_out: Sequence[str], scope: Scope
) -> Exhibit | None:
    """Who may not have answered in earnest, and who is left out for it.

    Parameters
    ----------
    left_out : sequence of str
        Flags whose respondents are left out of the models of choice.
    """
    if isinstance(checks, Refusal):
        return None
    table = _flag_table(checks, scope.min_cell)
    shown = table[table["share"].notna()]
    figure, ax = theme.axes(height=1.1 + 0.36 * len(table))
    _draw_flags(ax, table)
    title = "No sign of careless answers stands out among the respondents"
    if len(shown) and shown["share"].max() > 0:
        first = shown.sort_values("share", ascending=False, kind="stable").iloc[0]
        share = formats.percent_1(first["share"])
        title = fitting(f"{share} of respondents {first['sign']}")
    hidden = int(table["share"].isna().sum())
    return scope.exhibit(
        id="choice_respondents",
        title=title,
        table=table,
        figure=figure,
        n=len(checks.respondents),
        population=RESPONDENTS,
        unit="share of respondents",
        alt=f"Bars of the share of respondents with each of {len(table)} signs of careless "
        "answers.",
        note=joined(
            _left_out_note(checks, left_out, scope.min_cell),
            "The same position counts where it is no coincidence (less than 1 in 100).",
            f"Withheld: {formats.plural(hidden, 'sign')} of fewer than {scope.min_cell} "
            "respondents."
            if hidden
            else "",
        ),
    )


def _left_out_note(checks: DesignChecks, left_out: Sequence[str], min_cell: int) -> str:
    """Who does not enter the models of choice, as a sentence."""
    flags = [flag for flag in left_out if flag in checks.respondents]
    out = int(checks.respondents[flags].any(axis=1).sum())
    if not out:
        return "Nobody was left out."
    signs = " or ".join(_FLAGS[flag] for flag in flags)
    who = f"fewer than {min_cell}" if out < min_cell else formats.count(out)
    return f"Left out of what follows: who {signs}, {who} respondents."


def _flag_table(checks: DesignChecks, min_cell: int) -> pd.DataFrame:
    """Respondents with each sign, small counts empty."""
    counts, n = checks.counts, len(checks.respondents)
    kept = [name for name in _FLAGS if name in counts and _asked(name, checks)]
    found = counts[kept].to_numpy(dtype=float)
    found[is_small(found, min_cell) | is_small(n - found, min_cell)] = np.nan
    return pd.DataFrame(
        {"sign": [_FLAGS[name] for name in kept], "respondents": found, "share": (found / n)}
    ).round(4)


def _asked(flag: str, checks: DesignChecks) -> bool:
    """Whether anybody could have this sign: nothing is beaten where no direction was named."""
    return flag != "chose_dominated" or checks.dominated > 0


def _draw_flags(ax: Axes, table: pd.DataFrame) -> None:
    places = range(len(table))
    ax.barh(places, table["share"].fillna(0), height=0.6, color=theme.PRIMARY, linewidth=0)
    texts = []
    for at, row in table.iterrows():
        few = pd.isna(row["share"])
        said = "withheld" if few else formats.percent_1(row["share"])
        texts.append(said)
        theme.label(ax, 0 if few else row["share"], at, said)
    ax.set_yticks(places, table["sign"])
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlim(0, max(table["share"].max(), 0.01) * 1.2 if len(table) else 1)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    theme.tidy(ax, x="share of respondents", y="", grid="x")
    theme.says_texts(ax, places, list(table["sign"]), texts, "y")


def choice_caveats(checks: DesignChecks | Refusal, scope: Scope) -> list[Finding]:
    """That many did not answer in earnest, the commonest sign of it."""
    if isinstance(checks, Refusal):
        return []
    table = _flag_table(checks, scope.min_cell)
    table = table[table["share"].gt(0)]
    if table.empty:
        return []
    first = table.sort_values("share", ascending=False, kind="stable").iloc[0]
    share = float(first["share"])
    sentence = f"Of the respondents to the choices {formats.percent_1(share)} {first['sign']}."
    return [
        Finding(
            "careless_choices", "census", sentence, share, "share of respondents",
            "choice_respondents", size=share, role="caveat",
        )
    ]  # fmt: skip


def choice_models(judged: HeldOut | Refusal, people: Respondents, scope: Scope) -> Exhibit:
    """How well each model foresees tasks held out, and which one is used."""
    if isinstance(judged, Refusal):
        return survey_refused("choice_models", "What people choose", judged, people.n, scope)
    table = _models_table(judged, people)
    drawn = table[table["behind_best"].notna()].reset_index(drop=True)
    figure, ax = theme.axes(height=1.2 + 0.36 * len(drawn))
    _draw_models(ax, drawn, judged)
    chosen = table[table["used"] == "yes"].iloc[0]
    hit = formats.percent(chosen["hit_rate"])
    best = people.say(judged.best)
    refusals = table.loc[table["reason"] != "", ["model", "reason"]]
    return scope.exhibit(
        id="choice_models",
        title=fitting(
            f"Model with {chosen['model']} foresees {hit} of unseen choices"
            if "class" in chosen["model"]
            else f"The model of {chosen['model']} foresees {hit} of unseen choices",
            f"The model that is used foresees {hit} of unseen choices",
        ),
        table=table,
        figure=figure,
        n=judged.n_respondents,
        population=RESPONDENTS,
        unit="log-likelihood of a task; share of choices foreseen",
        alt=f"Points with intervals: how far each of {len(drawn)} models is behind {best} in "
        f"foreseeing tasks held out; {chosen['model']} is used.",
        note=joined(
            f"Fitted without the last tasks of each respondent, judged by these "
            f"{formats.count(judged.n_tasks)} tasks. Used is the simplest model whose interval "
            f"against the best one, {best}, reaches zero: {chosen['model']}. "
            f"Choosing at random has {judged.by_chance:.2f} a task.",
            *[f"Not fitted: {model} ({reason})." for model, reason in refusals.to_numpy()],
        ),
    )


def _models_table(judged: HeldOut, people: Respondents) -> pd.DataFrame:
    """One row per model, the simplest first."""
    tried = judged.table
    return pd.DataFrame(
        {
            "model": [people.say(name) for name in tried.index],
            "parameters": tried["n_parameters"],
            "log_likelihood": tried["log_likelihood"].round(4),
            "hit_rate": tried["hit_rate"].round(4),
            "behind_best": tried["behind_best"].round(4),
            "lower": tried["lower"].round(4),
            "upper": tried["upper"].round(4),
            "used": np.where(tried.index == judged.chosen, "yes", "no"),
            "reason": tried["reason"],
            "by_chance": round(judged.by_chance, 4),
            "level": judged.level,
        }
    ).reset_index(drop=True)


def _draw_models(ax: Axes, table: pd.DataFrame, judged: HeldOut) -> None:
    """How far behind the best, with the paired interval; hit rates are written beside."""
    places = range(len(table))
    used = (table["used"] == "yes").to_numpy()
    for at, row in table.iterrows():
        color = theme.PRIMARY if used[at] else theme.REFERENCE
        ax.hlines(at, row["lower"], row["upper"], color=color, linewidth=1.8)
        ax.plot(row["behind_best"], at, "o", color=color, markersize=6)
        said = f"{formats.percent(row['hit_rate'])} foreseen" + (", used" if used[at] else "")
        theme.label(ax, row["upper"], at, said, color=theme.INK if used[at] else theme.MUTED)
    ax.axvline(0, color=theme.MUTED, linewidth=1)
    ax.set_yticks(places, table["model"])
    ax.set_ylim(len(table) - 0.4, -0.6)
    left, right = ax.get_xlim()
    ax.set_xlim(left, right + 0.3 * (right - left))
    best = f"{formats.level(judged.level)} interval"
    theme.tidy(ax, x=f"log-likelihood a task behind the best, {best}", y="", grid="x")
    texts = [
        f"{row.behind_best:.3f} ({row.lower:.3f} to {row.upper:.3f})" for row in table.itertuples()
    ]
    theme.says_texts(ax, places, list(table["model"]), texts, "y")
