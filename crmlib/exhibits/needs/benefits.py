"""Which benefit segments answers hold, what each wants, and what to call it (N1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.needs.groups import (
    RESPONDENTS,
    fitting,
    hidden_groups,
    said,
    survey_refused,
    withheld_note,
)
from crmlib.exhibits.scope import Scope
from crmlib.needs.class_choice import ClassChoice, LikelihoodRatioTest
from crmlib.needs.latent_class import ClassIntervals, LatentClass
from crmlib.stats.refusal import Refusal

_WHAT = "Benefit segments"
_MOST_WORDS = 2  # items in a proposed name
_BESIDE = 0.6  # of the largest difference, from which a second item enters the name


def proposed_names(model: LatentClass, edited: Mapping[str, str] | None = None) -> pd.Series:
    """What to call each class, by the items that it wants more than the population does.

    Parameters
    ----------
    model : LatentClass
        With items of numbers.
    edited : mapping of proposed name to name, optional
        The client's own words instead.

    Returns
    -------
    Series of str, index classes
    """
    apart = _apart(model)
    names: dict[str, str] = {}
    for label in apart.columns:
        ranked = apart[label].sort_values(ascending=False, kind="stable")
        near = ranked[(ranked > 0) & (ranked >= _BESIDE * ranked.iloc[0])].index[:_MOST_WORDS]
        name = " and ".join(said(item) for item in near) or "nothing in particular"
        name = name if name not in names.values() else f"{name} ({label})"
        names[label] = name
    words = dict(edited or {})
    return pd.Series({label: words.get(name, name) for label, name in names.items()})


def _apart(model: LatentClass) -> pd.DataFrame:
    """Mean answers of each class less those of the population, index item."""
    means = model.means()
    return means.sub(means @ model.shares, axis=0)


def taken_names(names: pd.Series, edited: Mapping[str, str]) -> list[str]:
    """Proposed names whose own word another segment has, too."""
    twice = set(names[names.duplicated(keep=False)])
    return [proposed for proposed, own in edited.items() if own in twice]


def choice_of_classes(
    choice: ClassChoice | Refusal, one_more: LikelihoodRatioTest | Refusal, n: int, scope: Scope
) -> Exhibit:
    """BIC, ICL and the error of classification over the number of classes.

    Parameters
    ----------
    choice : ClassChoice or Refusal
    one_more : LikelihoodRatioTest or Refusal
        Whether the number chosen would gain by one class more.
    """
    if isinstance(choice, Refusal):
        return survey_refused("choice_of_classes", _WHAT, choice, n, scope)
    tried = choice.table
    table = pd.DataFrame(
        {
            "classes": tried["k"].astype(int),
            "log_likelihood": tried["llf"].round(2),
            "bic": tried["bic"].round(1),
            "icl": tried["icl"].round(1),
            "classification_error": tried["classification_error"].round(4),
            "reached": tried["reached"],
            "starts": tried["starts"],
            "chosen": np.where(tried["chosen"], "yes", "no"),
        }
    ).reset_index(drop=True)
    figure, axes = theme.axes(columns=3, height=2.9)
    _draw_over_classes(axes[0], table, "bic", "BIC (low is good)", "{:,.0f}".format)
    _draw_over_classes(axes[1], table, "icl", "ICL (low is good)", "{:,.0f}".format)
    error = "expected misclassified"
    _draw_over_classes(axes[2], table, "classification_error", error, formats.percent_1)
    theme.percent(axes[2])
    axes[2].set_ylim(bottom=0)
    chosen = table[table["chosen"] == "yes"].iloc[0]
    wrong = formats.percent(chosen["classification_error"])
    return scope.exhibit(
        id="choice_of_classes",
        title=f"{chosen['classes']} classes describe what respondents want; {wrong} are misplaced",
        table=table,
        figure=figure,
        n=n,
        population=RESPONDENTS,
        unit="BIC, ICL; share of respondents expected to be put into a class not theirs",
        alt=f"Three charts over the number of classes: BIC, ICL and the expected error of "
        f"classification; {chosen['classes']} classes are marked.",
        note="Latent classes of answers with survey weights. ICL is BIC with a penalty for who "
        f"could be in several classes. {chosen['reached']} of {chosen['starts']} starts reached "
        "the best likelihood of the number chosen." + _tested(one_more),
    )


def _tested(one_more: LikelihoodRatioTest | Refusal) -> str:
    """What the test of one class more says, where it was asked for."""
    if isinstance(one_more, Refusal):
        return ""
    return (
        f" One class more than {one_more.k}: p = {one_more.p_value:.2f} by likelihood ratio in "
        f"{one_more.replications} simulated surveys."
    )


def _draw_over_classes(
    ax: Axes, table: pd.DataFrame, column: str, title: str, written: Callable[[float], str]
) -> None:
    """One figure over the number of classes, the chosen one ringed."""
    numbers = table["classes"].tolist()
    ax.plot(numbers, table[column], color=theme.PRIMARY, marker="o", markersize=4)
    ring = table[table["chosen"] == "yes"]
    ax.plot(ring["classes"], ring[column], "o", markersize=11, markerfacecolor="none",
            color=theme.INK)  # fmt: skip
    theme.tidy(ax, x="classes", y="")
    if column != "classification_error":
        theme.thousands(ax)
    ax.set_title(title, loc="left", color=theme.MUTED, fontsize=8.5)
    ax.set_xticks(numbers[:: 1 + len(numbers) // 9])
    names = [f"{k} classes" for k in numbers]
    theme.says_values(ax, numbers, names, {"": table[column].tolist()}, written)


def benefit_segments(
    model: LatentClass | Refusal,
    found: ClassIntervals | Refusal,
    names: pd.Series | Refusal,
    scope: Scope,
) -> Exhibit | None:
    """What each segment wants: mean answers, coloured by their distance from the population."""
    if isinstance(model, Refusal) or isinstance(found, Refusal):
        return None
    table = _profile_table(model, found, names, scope.min_cell)
    n = model.n_respondents
    if table.empty:
        return scope.withheld("benefit_segments", "What segments want", n, RESPONDENTS)
    segments = list(table["segment"].unique())
    rated = [said(item) for item in model.ordinal]
    items = [item for item in table["item"].unique() if not rated or item in rated]
    further = "" if len(items) == table["item"].nunique() else " Further items stand in the data."
    figure, ax = theme.axes(height=1.2 + 0.55 * len(segments))
    _draw_profiles(ax, table, segments, items)
    first = table.iloc[0]
    share = formats.percent(first["share"])
    hidden = hidden_groups(_sizes(model), scope.min_cell)
    return scope.exhibit(
        id="benefit_segments",
        title=fitting(
            f"{share} of customers want {first['segment']} more than others do",
            f"The largest benefit segment has {share} of customers",
        ),
        table=table,
        figure=figure,
        n=n,
        population=RESPONDENTS,
        unit="mean answer on the items' scale; share of customers",
        alt=f"Table of {len(segments)} segments by {len(items)} benefits with mean answers; cells "
        "are coloured by their distance from the mean of all.",
        note=f"Intervals of {formats.level(found.level)}, by respondents drawn anew. Colour: "
        f"segment less all customers. Names are proposed from what sets a segment apart.{further}"
        + withheld_note(hidden, scope),
    )


def _sizes(model: LatentClass) -> NDArray[np.int64]:
    """Respondents by likeliest class."""
    counts = model.classes.value_counts()
    return counts.reindex(model.shares.index, fill_value=0).to_numpy()


def _profile_table(
    model: LatentClass, found: ClassIntervals, names: pd.Series, min_cell: int
) -> pd.DataFrame:
    """One row per segment and item, the largest segment first."""
    sizes = _sizes(model)
    shown = model.shares.index[~hidden_groups(sizes, min_cell)]
    shares = found.shares().rename(columns={"lower": "share_lo", "upper": "share_hi"})
    apart = _apart(model).stack().rename("difference")
    apart.index.names = ["item", "class"]
    means = found.means().rename(columns={"lower": "mean_lo", "upper": "mean_hi"})
    wide = means.join(shares, on="class").join(apart, on=["item", "class"])
    wide = wide[wide["class"].isin(shown)]
    places = {label: at for at, label in enumerate(shares.index)}
    wide = wide.sort_values("class", key=lambda column: column.map(places), kind="stable")
    head = pd.DataFrame({"segment": wide["class"].map(names), "item": wide["item"].map(said)})
    figures = ["share", "share_lo", "share_hi", "mean", "mean_lo", "mean_hi", "difference"]
    return head.join(wide[figures].round(4)).reset_index(drop=True)


def _draw_profiles(ax: Axes, table: pd.DataFrame, segments: list[str], items: list[str]) -> None:
    """The cells, in the order of the table."""
    means = table.pivot(index="segment", columns="item", values="mean").loc[segments, items]
    apart = table.pivot(index="segment", columns="item", values="difference").loc[segments, items]
    sized = table.drop_duplicates("segment")
    rows = [
        f"{fill(formats.shortened(row.segment, 44), 24)}\n{formats.percent(row.share)} "
        f"({formats.interval(row.share_lo, row.share_hi, formats.percent)})"
        for row in sized.itertuples()
    ]
    texts = [[f"{value:.1f}" for value in row] for row in means.to_numpy()]
    heads = [fill(item, 11, break_long_words=False) for item in items]
    heat.table(ax, apart.to_numpy(), texts, rows, heads, size=8.5)
    ax.tick_params(axis="x", labelsize=7.5)


def benefit_findings(
    model: LatentClass | Refusal,
    found: ClassIntervals | Refusal,
    names: pd.Series | Refusal,
    of_value: pd.Series | Refusal,
    scope: Scope,
) -> list[Finding]:
    """The largest segment and what it wants; it weighs what its customers bring."""
    if isinstance(model, Refusal) or isinstance(found, Refusal):
        return []
    table = _profile_table(model, found, names, scope.min_cell)
    if table.empty:
        return []
    first = table.iloc[0]
    share = formats.percent(first["share"])
    between = formats.interval(first["share_lo"], first["share_hi"], formats.percent)
    return [
        Finding(
            id="largest_benefit_segment",
            kind="estimate",
            sentence=f"{share} of customers ({between}) want {first['segment']} more than "
            "others do: the largest benefit segment.",
            value=float(first["share"]),
            unit="share of customers",
            exhibit="benefit_segments",
            lo=float(first["share_lo"]),
            hi=float(first["share_hi"]),
            size=0.0 if isinstance(of_value, Refusal) else float(of_value[first["segment"]]),
        )
    ]
