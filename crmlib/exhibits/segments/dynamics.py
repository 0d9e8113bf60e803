"""Where customers went between two dates, and how large segments will be (S6)."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.segments.dynamics import ALL, CAME, LEFT, NET, SegmentFlows, SizeForecast
from crmlib.stats.disclosure import BoolArray, is_small, withhold
from crmlib.stats.intervals import Interval
from crmlib.stats.refusal import Refusal

_FLOWS, _MIGRATION, _FORECAST = (
    "The flows between segments", "The migration between segments", "The sizes of segments"
)  # fmt: skip
_FIGURES = ["customers", "share", "value_before", "value_after", "change"]
_WORDS = {"up": "moved up", "down": "moved down", NET: "net: up less down", LEFT: "left",
          CAME: "came"}  # fmt: skip
_LETTERS, _FEWEST_LETTERS = 72, 8  # in a line of all columns' names, and of one


def segment_flows(flows: SegmentFlows | Refusal, n: int, scope: Scope) -> Exhibit:
    """From which segment to which: customers, and the value that moved with them."""
    if isinstance(flows, Refusal):
        return refused("segment_flows", _FLOWS, flows, n, scope)
    hidden = hidden_cells(flows, scope.min_cell)
    if hidden is None:
        return scope.withheld("segment_flows", _FLOWS, flows.n)
    table = flows.matrix[["before", "after", *_FIGURES]].reset_index(drop=True)
    table[_FIGURES] = table[_FIGURES].astype(float)
    table.loc[hidden, _FIGURES] = np.nan
    figure, ax = theme.axes(height=1.2 + 0.5 * (len(flows.order) + 1))
    starts, ends = [*flows.order, CAME], [*flows.order, LEFT]
    colours = np.full((len(starts), len(ends)), np.nan)
    texts = np.full(colours.shape, "", dtype=object)
    for row in table.to_dict("records"):
        at = starts.index(row["before"]), ends.index(row["after"])
        if not np.isnan(row["customers"]):
            colours[at] = row["change"]
            texts[at] = formats.count(row["customers"]) + (
                "" if np.isnan(row["share"]) else f"\n{formats.percent(row['share'])}"
            )
    letters = max(_FEWEST_LETTERS, _LETTERS // len(ends))
    heads = [fill(formats.shortened(name, 36), letters) for name in ends]
    names = [formats.shortened(name, 30) for name in starts]
    heat.table(ax, colours, texts.tolist(), names, heads, 8)
    ax.tick_params(axis="x", labelsize=7.5)
    said = [_row_in_words(row, ends) for row in texts]
    theme.says_texts(ax, range(len(starts)), starts, said, "y")
    stayed, left = flows.of("stayed"), flows.of(LEFT)
    title = (
        f"{formats.percent(stayed.value)} of customers stayed in their segment, "
        f"{formats.percent(left.value)} left"
    )
    shares = {"stayed_share": stayed.value, "left_share": left.value}
    few = f" Empty cells would tell of {scope.few}." if hidden.any() else ""
    return scope.exhibit(
        id="segment_flows",
        title=title,
        table=table.assign(
            **{name: [v] + [np.nan] * (len(table) - 1) for name, v in shares.items()}
        ),
        figure=figure,
        n=flows.n,
        population="customers on either date",
        unit=f"customers, share of the row; value in {scope.currency}",
        alt="Table of customers by segment on the first date, in rows, and on the second, in "
        f"columns, with those who came and left. {title}.",
        note="A count of the observed base: rows add up to the sizes on the first date, columns "
        "to those on the second. Colour: change of value, blue for more, orange for less. "
        f"Customers near a border cross it by chance, in both directions.{few}",
    )


def _row_in_words(texts: Sequence[str], ends: Sequence[str]) -> str:
    """Where the customers of a row went, one line for each segment."""
    lines = [(end, text.replace("\n", ", ")) for end, text in zip(ends, texts, strict=True)]
    return "\n".join(f"to {end}: {text}" for end, text in lines if text)


def hidden_cells(flows: SegmentFlows, min_cell: int) -> BoolArray | None:
    """Cells that may not be shown beside sizes and movements; None where none may."""
    matrix, place = flows.matrix, {name: at for at, name in enumerate(flows.order)}
    start, end = (matrix[side].map(place).to_numpy(float) for side in ("before", "after"))
    totals = [
        *(matrix["before"] == name for name in [*flows.order, CAME]),
        *(matrix["after"] == name for name in [*flows.order, LEFT]),
        start == end,
        end < start,
        end > start,
    ]
    counts = matrix["customers"].to_numpy()
    sums = np.array(totals, dtype=bool)
    if is_small(sums @ counts, min_cell).any():
        return None
    found = withhold(counts, sums, min_cell)
    return found.cells if found.safe else None


def segment_migration(flows: SegmentFlows | Refusal, n: int, scope: Scope) -> Exhibit | None:
    """How many moved up, down and away, and what value moved with them, with intervals."""
    if isinstance(flows, Refusal):
        return None
    table = _migration_table(flows)
    if is_small(np.abs(table["customers"].drop(index=2)), scope.min_cell).any():
        return scope.withheld("segment_migration", _MIGRATION, flows.n)
    figure, panels = theme.axes(2, height=2.9, sharey=True)
    places = np.arange(len(table))[::-1]
    for ax, name, words in zip(
        panels,
        ("share", "change"),
        ("customers, share of those before", f"{flows.money}, share of that before"),
        strict=True,
    ):
        figures = table[[name, f"{name}_lo", f"{name}_hi"]].to_numpy(float).T
        reach = np.abs(figures[1:] - figures[0])
        ax.errorbar(figures[0], places, xerr=reach, fmt="o", color=theme.PRIMARY, capsize=3)
        ax.axvline(0, color=theme.REFERENCE, linewidth=1)
        theme.tidy(ax, x=words, y="", grid="x")
        theme.percent(ax, "x")
        series = {"": figures[0], "from": figures[1], "to": figures[2]}
        theme.says_values(ax, places, table["movement"], series, formats.percent_1, along="y")
    panels[0].set_yticks(places, table["movement"])
    level = formats.level(flows.level)
    return scope.exhibit(
        id="segment_migration",
        title=_migration_title(flows),
        table=table.assign(level=flows.level),
        figure=figure,
        n=flows.n,
        population="customers on either date",
        unit=f"share of customers, and of {flows.money}, before",
        alt=f"Dots with {level} intervals: share of customers who moved up, down, left and came, "
        f"and the change of {flows.money} with them.",
        note=f"Up and down by {flows.money} per customer of the segments. Intervals: {level} "
        "bootstrap over customers. Customers near a border cross it by chance both ways; "
        "in the net of up and down chance cancels.",
    )


def _migration_table(flows: SegmentFlows) -> pd.DataFrame:
    """Movements in words; of the net, which has a sign, also its size, as a title says it."""
    rows = flows.movement.loc[list(_WORDS)].reset_index()
    ends = _oriented(flows.of(NET))
    net = rows["movement"] == NET
    sizes = {"net_size": ends.value, "net_size_lo": ends.lo, "net_size_hi": ends.hi}
    return rows.assign(
        movement=rows["movement"].map(_WORDS),
        **{name: np.where(net, size, np.nan) for name, size in sizes.items()},
    )


def _migration_title(flows: SegmentFlows) -> str:
    """The direction of net movement, where it is beyond chance."""
    net = flows.of(NET)
    if 0 in net:
        return "As many customers moved up as down, within chance"
    way = "up" if net.value > 0 else "down"
    return f"Net, {formats.percent_1(abs(net.value))} of customers moved {way} in value"


def segment_forecast(forecast: SizeForecast | Refusal, n: int, scope: Scope) -> Exhibit:
    """Sizes now and when as much time has passed again, with intervals."""
    if isinstance(forecast, Refusal):
        return refused("segment_forecast", _FORECAST, forecast, n, scope)
    table = forecast.table.reset_index()
    if is_small(table["now"], scope.min_cell).any():
        return scope.withheld("segment_forecast", _FORECAST, n)
    # an empty segment has neither customers nor a change
    drawn = table[(table["segment"] != ALL) & ((table["now"] > 0) | (table["expected"] >= 0.5))]
    drawn = drawn.sort_values("change", ascending=False, ignore_index=True)
    relative = drawn["change"] / drawn["now"].where(drawn["now"] > 0)
    figure, ax = theme.axes(height=1.1 + 0.42 * len(drawn))
    places = np.arange(len(drawn))[::-1]
    ax.scatter(drawn["now"], places, color=theme.REFERENCE, label="now", zorder=3)
    reach = np.abs(drawn[["lo", "hi"]].to_numpy().T - drawn["expected"].to_numpy())
    ax.errorbar(drawn["expected"], places, xerr=reach, fmt="o", color=theme.PRIMARY, capsize=3,
                label="in a year")  # fmt: skip
    ax.set_yticks(places, [formats.shortened(name, 36) for name in drawn["segment"]])
    theme.legend_above(ax)
    theme.tidy(ax, x="customers", y="", grid="x")
    theme.thousands(ax, "x")
    ax.set_xlim(left=0)
    series = {"now": drawn["now"], "in a year": drawn["expected"], "from": drawn["lo"],
              "to": drawn["hi"]}  # fmt: skip
    theme.says_values(ax, places, drawn["segment"], series, formats.count, along="y")
    level = formats.level(forecast.level)
    shown = pd.concat([drawn.assign(relative=relative), table[table["segment"] == ALL]])
    note = (
        "Assumes that the next year is like the last: as many come, and customers move and leave "
        f"as often. {level} intervals hold who happens to move and come, and how sure the rates "
        "are; not a change of these rates."
    )
    if forecast.pooled:
        names = ", ".join(forecast.pooled)
        note += f" Of {names} too few were there before: they are taken to stay as all do."
    return scope.exhibit(
        id="segment_forecast",
        title=_forecast_title(drawn.assign(relative=relative)),
        table=shown.assign(level=forecast.level).reset_index(drop=True),
        figure=figure,
        n=int(table.loc[table["segment"] == ALL, "now"].iloc[0]),
        unit="customers",
        alt=f"Dots of customers by segment now and in a year with {level} intervals, the segment "
        "that grows most first.",
        note=note,
    )


def _forecast_title(drawn: pd.DataFrame) -> str:
    """The segment that loses most, else the one that gains most, beyond the interval."""
    falling = drawn[drawn["hi"] < drawn["now"]]
    rising = drawn[drawn["lo"] > drawn["now"]]
    if not falling.empty:
        row = falling.loc[falling["relative"].idxmin()]
        fewer = formats.percent(-row["relative"])
        return f"The segment that shrinks most will have {fewer} fewer customers"
    if not rising.empty:
        row = rising.loc[rising["relative"].idxmax()]
        return f"The segment that grows most will gain {formats.percent(row['relative'])}"
    return "No segment will clearly grow or shrink in a year"


def flow_findings(flows: SegmentFlows | Refusal, brought: float, scope: Scope) -> list[Finding]:
    """Which way customers move on balance, where that is more than chance.

    Parameters
    ----------
    brought : float
        What customers brought in the observed time, for the finding's weight.
    """
    if isinstance(flows, Refusal) or 0 in flows.of(NET):
        return []
    counts = flows.movement["customers"].drop(NET)
    if is_small(counts, scope.min_cell).any():
        return []
    net = flows.of(NET)
    size = abs(float(flows.movement.loc[NET, "amount"])) / brought if brought > 0 else 0.0
    way = "up" if net.value > 0 else "down"
    ends = _oriented(net)
    return [
        Finding(
            id="segment_net_migration",
            kind="estimate",
            sentence=f"Between the two dates {formats.percent_1(ends.value)} of customers moved "
            f"{way} in value on balance ({formats.level(net.level)} interval "
            f"{formats.interval(ends.lo, ends.hi, formats.percent_1)}).",
            value=net.value,
            lo=net.lo,
            hi=net.hi,
            unit="share of customers before",
            exhibit="segment_migration",
            size=size,
        )
    ]


def _oriented(net: Interval) -> Interval:
    """A net movement as its size."""
    if net.value >= 0:
        return net
    return Interval(-net.value, -net.hi, -net.lo, net.level)
