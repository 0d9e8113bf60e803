"""Who is in each needs segment, by what is known of customers (N1)."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.needs.groups import (
    RESPONDENTS,
    fitting,
    hidden_groups,
    said,
    survey_refused,
    withheld_note,
)
from crmlib.exhibits.scope import Scope
from crmlib.needs.described import Described
from crmlib.stats.refusal import Refusal

_WHAT = "Who is in which segment"
_MOST = 8  # columns of customers that are pictured
_OTHERS = "others"


def who_they_are(
    found: Described | Refusal, sizes: pd.Series, rate: float, n: int, scope: Scope
) -> Exhibit | None:
    """What sets the customers of each needs segment apart, beyond chance.

    None where there are no segments, which the exhibit before it has said.

    Parameters
    ----------
    found : Described or Refusal
        Of segments by their names.
    sizes : Series, index segments
        Respondents of each segment, for what may be shown.
    rate : float
        Corrected p from which a column is told.
    n : int
        Respondents, where nothing can be told.
    """
    if isinstance(found, Refusal):
        if sizes.empty:
            return None
        return survey_refused("who_they_are", _WHAT, found, n, scope)
    hidden = hidden_groups(sizes, scope.min_cell)
    shown = list(sizes.index[~hidden])
    if not shown or found.n_linked < scope.min_cell:
        return scope.withheld("who_they_are", _WHAT, found.n_linked, RESPONDENTS)
    table = _portrait_table(found, rate, shown)
    described = found.table["column"].nunique()
    if table.empty:
        return _alike(found, described, rate, scope)
    table = table.assign(columns_apart=table["column"].nunique(), columns_described=described)
    figure, ax = theme.axes(height=1.5 + 0.55 * len(shown))
    _draw(ax, table, shown)
    more = table[table["value"] > table["all"]]  # what a segment has reads easier than what not
    first = table.loc[_apart(more if len(more) else table).idxmax()]
    return scope.exhibit(
        id="who_they_are",
        title=fitting(
            f"{formats.capitalised(_word(first['column'], first['level']))}: {first['written']} "
            f"in the segment {first['segment']}, {first['written_all']} in all",
            f"Segments differ in {first['columns_apart']} of {described} things known of customers",
        ),
        table=table.drop(columns=["written", "written_all"]),
        figure=figure,
        n=found.n_linked,
        population=RESPONDENTS,
        unit="share of the segment, or mean of a number",
        alt=f"Table of {len(shown)} segments by what is known of customers; cells are coloured by "
        "their distance from all customers.",
        note=f"Freed of the error of classification (BCH). Told is what differs at p < {rate:g}, "
        f"corrected for {described} columns; of words the one that differs most. Colour: distance "
        "from all in standard deviations of customers. "
        f"{formats.level(found.level)} intervals in the data. {found.n_linked:,} of "
        f"{found.n_asked:,} respondents are linked to a customer." + withheld_note(hidden, scope),
    )


def _portrait_table(found: Described, rate: float, shown: list[str]) -> pd.DataFrame:
    """Columns that differ, the level of each that differs most; one row per segment."""
    rows = found.table[found.table["class"].isin(shown) & (found.table["p"] < rate)]
    rows = rows[rows["level"] != _OTHERS]
    if rows.empty:
        return pd.DataFrame()
    reach = _apart(rows).groupby([rows["column"], rows["level"]], sort=False).max()
    best = reach.groupby(level=0).idxmax()
    order = reach.loc[best].sort_values(ascending=False, kind="stable").index[:_MOST]
    parts = []
    for column, level in order:
        own = rows[(rows["column"] == column) & (rows["level"] == level)]
        parts.append(own.set_index("class").loc[shown].rename_axis("segment").reset_index())
    table = pd.concat(parts, ignore_index=True)
    shares = table["level"] != "mean"  # the correction may lead beyond 0 and 1
    table["value"] = table["value"].mask(shares, table["value"].clip(0, 1))
    for name, end in (("written", "value"), ("written_all", "all")):
        table[name] = [
            _figure(value, level) for value, level in zip(table[end], table["level"], strict=True)
        ]
    figures = ["value", "lower", "upper", "all", "spread", "p"]
    return table.assign(**table[figures].round(4))


def _word(column: object, level: object) -> str:
    """A column, or one of its words, as it is read."""
    if level == "mean":
        return said(column)
    if level in ("True", "False"):
        return said(column) if level == "True" else f"not {said(column)}"
    return f"{said(column)} {said(level)}"


def _apart(rows: pd.DataFrame) -> pd.Series:
    """Distance from all customers in their standard deviations, so that units do not matter."""
    return ((rows["value"] - rows["all"]) / rows["spread"]).abs()


def _figure(value: float, level: str) -> str:
    if level != "mean":
        return formats.percent(value)
    # a mean year keeps a tenth, so that nobody takes it for a date; nothing is "-0.0"
    if abs(value) < 100 or 1900 <= value <= 2100:
        return f"{round(value, 1) + 0:.1f}"
    return f"{value:,.0f}"


def _draw(ax: Axes, table: pd.DataFrame, shown: list[str]) -> None:
    """Segments down, what is known of customers across; the last row is all customers."""
    keys = table[["column", "level"]].drop_duplicates()
    heads, texts, apart = [], [], []
    for column, level in keys.itertuples(index=False):
        own = table[(table["column"] == column) & (table["level"] == level)]
        heads.append(fill(_word(column, level), 12, break_long_words=False))
        texts.append([*own["written"], own["written_all"].iloc[0]])
        apart.append([*((own["value"] - own["all"]) / own["spread"]), 0.0])
    rows = [fill(formats.shortened(name, 44), 24) for name in shown]
    heat.table(ax, np.array(apart).T, list(zip(*texts, strict=True)), [*rows, "all"], heads,
               size=8.5)  # fmt: skip
    ax.tick_params(axis="x", labelsize=7.5)


def _alike(found: Described, described: int, rate: float, scope: Scope) -> Exhibit:
    """Where nothing that is known of customers tells segments apart."""
    return scope.exhibit(
        id="who_they_are",
        title="Nothing known of customers tells who wants what",
        table=pd.DataFrame({"columns_described": [described], "columns_apart": [0]}),
        n=found.n_linked,
        population=RESPONDENTS,
        unit="columns of customers",
        alt=f"None of {described} columns of customers differs between segments beyond chance.",
        note=f"No column differs at p < {rate:g}, corrected for {described} columns.",
    )
