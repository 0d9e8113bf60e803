"""How figures of choices are told and drawn: groups of people beside each other, with intervals.

One group is everybody or a class of a choice model. A class of few respondents is withheld,
and with it whatever would tell of it by subtraction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmlib.exhibits import formats, theme
from crmlib.exhibits.needs.groups import hidden_groups, said, withheld_groups
from crmlib.exhibits.scope import Scope
from crmlib.needs.preferences import ALL, Preferences

MOST_PANELS = 5  # beside each other; the table has all groups
EVERYBODY = "everybody"
_LONGEST = 26  # letters of a row's name before it is broken

Name = TypeVar("Name")


@dataclass(frozen=True)
class Respondents:
    """Who answered, and what a reader calls the classes, attributes and levels.

    Attributes
    ----------
    n : int
        Respondents of the choices.
    words : mapping of name to words, optional
        Of classes, attributes, levels and items; names without words are read as they are.
    """

    n: int
    words: Mapping[str, str] = field(default_factory=dict)

    def say(self, name: object) -> str:
        """A name in a reader's words."""
        if isinstance(name, float) and name.is_integer():
            name = int(name)
        return self.words.get(str(name), said(name))

    def say_all(self, names: Iterable[Name]) -> dict[Name, str]:
        """Names of one kind in a reader's words, no two of them alike."""
        return told_apart({name: self.say(name) for name in names})

    def groups(self, names: Iterable[Name]) -> dict[Name, str]:
        """Groups in a reader's words, no two of them alike."""
        own = {name: self.say(name) for name in names if name != ALL}
        return {name: EVERYBODY for name in names if name == ALL} | told_apart(own, [EVERYBODY])


def told_apart(words: Mapping[Name, str], taken: Collection[str] = ()) -> dict[Name, str]:
    """The words of each name, and the name behind them where others have the same words.

    >>> told_apart({"fee": "cost", "apr": "cost", "points": "points"})
    {'fee': 'cost (fee)', 'apr': 'cost (apr)', 'points': 'points'}
    """
    count = Counter([*words.values(), *taken])
    return {
        name: text if count[text] == 1 else f"{text} ({_in_full(name)})"
        for name, text in words.items()
    }


def _in_full(name: object) -> str:
    """A name as it stands in the data; of an attribute and its level both."""
    return ": ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def group_sizes(preferences: Preferences, n: int, min_cell: int) -> pd.Series:
    """Respondents of each group that may be shown, by expected size; "all" where it tells none.

    Parameters
    ----------
    n : int
        Respondents of the choices.

    Returns
    -------
    Series of int, index group
    """
    everybody = pd.Series({ALL: n})
    if preferences.sampled or len(preferences.groups) == 1:
        return everybody if n >= min_cell else everybody.iloc[:0]
    sizes = np.floor(preferences.shares * n + 1e-9).astype(int)
    # nobody is few as well: beside a total a zero tells of the others
    hidden = hidden_groups(sizes, min_cell) | (sizes == 0)
    shown = pd.Series(sizes, preferences.groups)[~hidden]
    return pd.concat([everybody, shown]) if n >= min_cell else shown.iloc[:0]


def of_shown(table: pd.DataFrame, sizes: pd.Series, respondents: Respondents) -> pd.DataFrame:
    """Rows of the groups that may be shown, in their order, named for readers with their size."""
    places = {name: at for at, name in enumerate(sizes.index)}
    kept = table[table["group"].isin(places)]
    kept = kept.sort_values("group", key=lambda c: c.map(places), kind="stable", ignore_index=True)
    kept.insert(1, "respondents", kept["group"].map(sizes))
    return kept.assign(group=kept["group"].map(respondents.groups(sizes.index)))


def withheld_classes(preferences: Preferences, sizes: pd.Series, scope: Scope) -> str:
    """How many classes are not shown, if any, as a sentence."""
    if preferences.sampled:
        return ""
    hidden = len(preferences.groups) - len(sizes.drop(index=ALL, errors="ignore"))
    if not hidden or len(preferences.groups) == 1:
        return ""
    return withheld_groups(hidden, scope)


def panels(
    table: pd.DataFrame,
    row: str,
    order: Sequence[str],
    axis: str,
    written: Callable[[float], str],
    *,
    bars: bool,
    empty: Mapping[str, str] | None = None,
) -> Figure:
    """Figures with intervals, one panel for each group, rows in one order.

    Parameters
    ----------
    table : DataFrame with columns group, respondents, `row`, value, lower, upper
    order : sequence of str
        Rows from top to bottom.
    axis : str
        Title of the axis of figures, with its unit.
    written : callable
        How a figure reads.
    bars : bool
        Bars from zero, for shares; else points.
    empty : mapping of group to str, optional
        What stands in the panel of a group without figures.
    """
    groups = list(dict.fromkeys(table["group"]))[:MOST_PANELS]
    names = [fill(name, _LONGEST, break_long_words=False) for name in order]
    lines = sum(1 + name.count("\n") for name in names)
    figure, axes = theme.axes(len(groups), height=1.35 + 0.2 * lines + 0.16 * len(order),
                              sharey=True, sharex=True, squeeze=False)  # fmt: skip
    for ax, group in zip(axes.flat, groups, strict=True):
        rows = table[table["group"] == group]
        own = rows.set_index(row).reindex(order)
        _draw_panel(ax, own, written, bars, compact=len(groups) > 1)
        if own["value"].isna().all():
            said = fill((empty or {}).get(group, "not shown"), 14)
            ax.text(0.5, 0.5, said, transform=ax.transAxes, ha="center", va="center",
                    color=theme.MUTED, fontsize=8)  # fmt: skip
        theme.tidy(ax, x="", y="", grid="x")
        head = f"{fill(group, 15)}\nn = {formats.count(rows['respondents'].iloc[0])}"
        ax.set_title(head, loc="left", color=theme.INK, fontsize=8.5)
        ax.tick_params(axis="x", labelsize=8)
    first = axes.flat[0]
    first.set_yticks(range(len(order)), names)
    first.set_ylim(len(order) - 0.45, -0.55)
    _few_ticks(axes.flat, shares=bars)
    figure.supxlabel(axis, fontsize=9, color=theme.MUTED)
    return figure


def _draw_panel(
    ax: Axes, own: pd.DataFrame, written: Callable[[float], str], bars: bool, compact: bool
) -> None:
    """One group's figures, each with its interval and the figure written beside it."""
    there = own[own["value"].notna()]
    at = [own.index.get_loc(name) for name in there.index]
    value = there["value"].to_numpy()
    if bars:
        ax.barh(at, value, height=0.6, color=theme.PRIMARY, alpha=0.45, linewidth=0)
    else:
        ax.plot(value, at, "o", color=theme.PRIMARY, markersize=5)
    ax.hlines(at, there["lower"], there["upper"], color=theme.PRIMARY, linewidth=1.6)
    ax.axvline(0, color=theme.MUTED, linewidth=1)
    for place, upper, figure in zip(at, there["upper"], value, strict=True):
        beside = (3 if bars else 7, 0)
        theme.label(ax, max(upper, figure, 0), place, written(figure), xytext=beside)
        if compact:
            ax.texts[-1].set_fontsize(8)
    texts = [
        f"{written(line.value)} ({formats.interval(line.lower, line.upper, written)})"
        if np.isfinite(line.value) else ""
        for line in own.itertuples()
    ]  # fmt: skip
    theme.says_texts(ax, range(len(own)), [str(name) for name in own.index], texts, "y")


def _few_ticks(axes: Sequence[Axes], *, shares: bool) -> None:
    """Room at the right for the labels, and no more ticks than a narrow panel holds."""
    axes = list(axes)
    left, right = axes[0].get_xlim()
    axes[0].set_xlim(left, right + (right - left) * (0.12 + 0.1 * len(axes)))
    axes[0].xaxis.set_major_locator(MaxNLocator(5 if len(axes) < 3 else 2))
    written = (lambda v, _: f"{100 * v:g}%") if shares else (lambda v, _: f"{v:,g}")
    axes[0].xaxis.set_major_formatter(FuncFormatter(written))


def close(first: pd.Series, second: pd.Series) -> bool:
    """Whether intervals of the two highest figures overlap, so that their order is open."""
    return bool(first["lower"] <= second["upper"])


def pictured(table: pd.DataFrame) -> str:
    """A remark where the picture shows fewer groups than the table."""
    groups = table["group"].nunique()
    if groups <= MOST_PANELS:
        return ""
    return f"The picture shows {MOST_PANELS} of {groups} groups, the table all."


def joined(*remarks: str) -> str:
    """Sentences of a note, those that are there."""
    return " ".join(remark for remark in remarks if remark)
