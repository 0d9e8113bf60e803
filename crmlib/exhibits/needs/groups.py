"""What exhibits of a survey share: small groups, titles that fit, names, bars with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import MAX_TITLE_WORDS, Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.disclosure import withhold
from crmlib.stats.refusal import Refusal

RESPONDENTS = "respondents"


def hidden_groups(sizes: ArrayLike, min_cell: int) -> NDArray[np.bool_]:
    """Groups of few respondents, and those that would tell of them by subtraction."""
    counts = np.asarray(sizes)
    return withhold(counts, np.ones((1, counts.size), dtype=bool), min_cell).cells


def fitting(*titles: str) -> str:
    """The first title that is short enough; the last one always is, having no client's words.

    >>> fitting("one two three four five six seven eight nine ten 11 12 13", "short enough")
    'short enough'
    """
    return next((text for text in titles if len(text.split()) <= MAX_TITLE_WORDS), titles[-1])


def said(name: object) -> str:
    """A column's or a category's name as words.

    >>> said("complaint_handling")
    'complaint handling'
    """
    return str(name).replace("_", " ")


def share_of(money: float, brought: float | Refusal) -> float:
    """What a finding weighs: its money as a share of what customers brought, where it is known."""
    known = not isinstance(brought, Refusal) and brought > 0
    return abs(float(money)) / brought if known else 0.0


def survey_refused(id: str, what: str, refusal: Refusal, n: int, scope: Scope) -> Exhibit:
    """The exhibit that stands where the survey cannot say something."""
    return replace(refused(id, what, refusal, n, scope), population=RESPONDENTS)


def withheld_note(hidden: NDArray[np.bool_], scope: Scope) -> str:
    """How many groups are not shown, and why; nothing where all are."""
    return f" {withheld_groups(int(hidden.sum()), scope)}" if hidden.any() else ""


def withheld_groups(number: int, scope: Scope) -> str:
    """So many groups are not shown, and why, as a sentence."""
    groups = formats.plural(number, "group")
    return f"Withheld: {groups}, since they would tell of fewer than {scope.min_cell} respondents."


def interval_bars(
    ax: Axes,
    table: pd.DataFrame,
    value: str,
    names: Sequence[str],
    written: Callable[[float], str],
    colors: Sequence[str] | str = theme.PRIMARY,
) -> None:
    """Bars from the top, one per row of `table`, each with `<value>_lo` to `<value>_hi`."""
    places = np.arange(len(table))
    heights = table[value].to_numpy(float)
    ends = table[[f"{value}_lo", f"{value}_hi"]].to_numpy(float)
    ax.barh(places, heights, color=colors, height=0.6)
    ax.hlines(places, ends[:, 0], ends[:, 1], color=theme.INK, linewidth=1.2)
    reach = np.fmax(np.fmax(ends[:, 1], heights), 0)
    for at, height in enumerate(heights):
        if np.isfinite(height):
            theme.label(ax, reach[at], at, written(height))
    lowest = np.nanmin([0, *heights, *ends[:, 0]])
    most = np.nanmax([0, *reach])
    room = (most - lowest) or 1.0
    ax.set_xlim(lowest - (0.05 * room if lowest < 0 else 0), most + 0.24 * room)
    ax.set_yticks(places, list(names))
    ax.invert_yaxis()
    texts = [
        f"{written(v)} ({formats.interval(lo, hi, written)})" if np.isfinite(v) else ""
        for v, (lo, hi) in zip(heights, ends, strict=True)
    ]
    theme.says_texts(ax, places, list(names), texts, "y")
