"""How far customer columns tell what people want, and what that makes of the base (N5)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.needs.groups import (
    RESPONDENTS,
    fitting,
    hidden_groups,
    interval_bars,
    said,
    survey_refused,
    withheld_note,
)
from crmlib.exhibits.scope import Scope
from crmlib.needs.projection import Projection, ProjectionAccuracy
from crmlib.stats.refusal import Refusal

_PLAINER = {
    "survey": ("o", theme.REFERENCE),
    "mean": ("s", theme.INK),
    "modal": ("D", theme.CONTRAST),
}


def projection_accuracy(
    held: ProjectionAccuracy | Refusal, level: float, n: int, scope: Scope
) -> Exhibit:
    """Hits on respondents not seen, beside guessing, a simple rule and what can be reached."""
    what = "The projection of needs"
    if isinstance(held, Refusal):
        return survey_refused("projection_accuracy", what, held, n, scope)
    if held.n_respondents < scope.min_cell:
        return scope.withheld("projection_accuracy", what, held.n_respondents, RESPONDENTS)
    table = _accuracy_table(held)
    figure, ax = theme.axes(height=1.0 + 0.42 * len(table))
    colors = [theme.PRIMARY if name == "projection" else theme.REFERENCE for name in table["rule"]]
    interval_bars(ax, table, "hit_rate", table["rule"], formats.percent, colors)
    theme.percent(ax, "x")
    theme.tidy(ax, x=f"respondents hit, {formats.level(level)} interval", y="", grid="x")
    hit, chance = formats.percent(held.hit_rate.value), formats.percent(held.chance)
    title = f"Customer columns tell needs of {hit} of respondents, guessing {chance}"
    if not held.is_better_than_chance:
        title = f"Customer columns tell needs no better than guessing: {hit} against {chance}"
    gain = formats.interval(held.gain.lo, held.gain.hi, formats.signed_percent)
    return scope.exhibit(
        id="projection_accuracy",
        title=title,
        table=table,
        figure=figure,
        n=held.n_respondents,
        population=RESPONDENTS,
        unit="share of respondents put into their own segment",
        alt=f"Bars of the share of respondents hit by {len(table)} rules, of which guessing is "
        "one and the answers themselves are the last.",
        note="Respondents were held out in turn; the uncertainty of their answers is divided out. "
        f"Gain over guessing: {gain}. "
        f"{held.n_unlinked:,} respondents are linked to no customer, or have no segment. Guessing "
        "puts everybody into the largest segment; trees estimate what the columns allow; of "
        "uncertain answers nobody hits more than the last bar."
        + ("" if held.is_better_than_chance else " Nobody is projected."),
    )


def _accuracy_table(held: ProjectionAccuracy) -> pd.DataFrame:
    rows = [
        ("guessing", held.chance),
        ("nearest profile", held.nearest),
        ("projection", held.hit_rate.value),
        ("boosted trees", held.ceiling_columns),
        ("answers themselves", held.ceiling_answers),
    ]
    table = pd.DataFrame(rows, columns=["rule", "hit_rate"])
    own = table["rule"] == "projection"
    table["hit_rate_lo"] = np.where(own, held.hit_rate.lo, np.nan)
    table["hit_rate_hi"] = np.where(own, held.hit_rate.hi, np.nan)
    return table.dropna(subset="hit_rate").round(4).reset_index(drop=True)


def projected_shares(
    projection: Projection | Refusal, level: float, scope: Scope
) -> Exhibit | None:
    """Segments' shares of the base, corrected, beside three plainer ways to count them."""
    if isinstance(projection, Refusal):
        return None
    table, hidden = _share_table(projection, scope.min_cell)
    shown = table.dropna(subset="corrected").reset_index(drop=True)
    n = len(projection.table)
    if shown.empty:
        return scope.withheld("projected_shares", "Shares of needs segments", n)
    figure, ax = theme.axes(height=1.2 + 0.75 * len(shown))
    _draw_shares(ax, shown)
    theme.tidy(ax, x=f"share of customers, {formats.level(level)} interval", y="", grid="x")
    theme.percent(ax, "x")
    first = shown.iloc[0]
    share = formats.percent(first["corrected"])
    return scope.exhibit(
        id="projected_shares",
        title=fitting(
            f"{share} of all customers are in the segment {first['segment']}",
            f"The largest needs segment has {share} of all customers",
        ),
        table=table,
        figure=figure,
        n=n,
        unit="share of customers",
        alt=f"Bars of {len(shown)} needs segments: shares corrected by the confusion of the "
        "projection with intervals, and marks of the shares of the survey, of "
        "mean probabilities and of most probable segments.",
        note="Corrected: what the projection confuses on held-out respondents is divided out. "
        "Modal: everybody counted in the most probable segment, which overstates large ones."
        + withheld_note(hidden, scope),
    )


def _share_table(projection: Projection, min_cell: int) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Largest first; segments of few respondents, or of few customers, without figures."""
    shares = projection.shares
    asked = np.round(shares["survey"] * projection.held_out.n_respondents).astype(int)
    counted = np.round(shares["modal"] * len(projection.table)).astype(int)
    hidden = hidden_groups(asked, min_cell) | hidden_groups(counted, min_cell)
    figures = ["survey", "modal", "mean", "corrected", "corrected_lo", "corrected_hi"]
    table = shares[figures].round(4).mask(np.broadcast_to(hidden[:, None], (len(shares), 6)))
    table.insert(0, "segment", shares["segment"].map(said))
    order = table["corrected"].sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True), hidden


def _draw_shares(ax: Axes, table: pd.DataFrame) -> None:
    """Bars of corrected shares with intervals; below each, marks of three plainer counts."""
    places = np.arange(len(table))
    ends = table[["corrected_lo", "corrected_hi"]].to_numpy(float)
    ax.barh(places, table["corrected"], height=0.46, color=theme.PRIMARY, label="corrected")
    ax.hlines(places, ends[:, 0], ends[:, 1], color=theme.INK, linewidth=1.2)
    for kind, (marker, color) in _PLAINER.items():
        open_mark = {"markersize": 9, "markerfacecolor": "none"} if kind == "survey" else {}
        ax.plot(table[kind], places + 0.38, marker, color=color, label=kind,
                **{"markersize": 5, **open_mark})  # fmt: skip
    for place, value, hi in zip(places, table["corrected"], ends[:, 1], strict=True):
        theme.label(ax, max(value, hi), place, formats.percent(value))
    names = [formats.shortened(name, 34) for name in table["segment"]]
    ax.set_yticks(range(len(table)), names)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.12 * np.nanmax(table[[*_PLAINER, "corrected_hi"]].to_numpy(float)))
    theme.legend_above(ax)
    series = {kind: table[kind].tolist() for kind in ("corrected", *_PLAINER)}
    theme.says_values(ax, range(len(table)), names, series, formats.percent_1, "y")


def projection_findings(held: ProjectionAccuracy | Refusal, scope: Scope) -> list[Finding]:
    """How well needs are told without asking; a caveat where guessing does as well."""
    if isinstance(held, Refusal) or held.n_respondents < scope.min_cell:
        return []
    hit = formats.percent(held.hit_rate.value)
    between = formats.interval(held.hit_rate.lo, held.hit_rate.hi, formats.percent)
    sentence = f"Without being asked, {hit} of customers ({between}) are put into the needs " \
        f"segment of their answers; guessing reaches {formats.percent(held.chance)}"  # fmt: skip
    better = held.is_better_than_chance
    return [
        Finding(
            id="projection_of_needs",
            kind="estimate",
            sentence=sentence + ("." if better else ", so nobody is projected."),
            value=round(held.hit_rate.value, 4),
            unit="share of respondents",
            exhibit="projection_accuracy",
            lo=round(held.hit_rate.lo, 4),
            hi=round(held.hit_rate.hi, 4),
            role="finding" if better else "caveat",
        )
    ]
