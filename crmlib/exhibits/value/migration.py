"""Where value went between two periods, beside what chance alone would move (V10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.intervals import Interval
from crmlib.stats.refusal import Refusal
from crmlib.value.migration import GONE_STATE, NEW_STATE
from crmlib.value.moved import BOOKED, ValueMoved
from crmlib.value.shown_groups import ShownMigration, shown_migration

# flows as they are shown: what they are called, and whether their value was lost (else won)
_NAMES = {
    ("down",): ("fell to a lower tier", True),
    ("less",): ("brought less in their tier", True),
    ("down", "less"): ("stayed and brought less", True),
    ("gone",): ("left", True),
    ("up",): ("rose to a higher tier", False),
    ("more",): ("brought more in their tier", False),
    ("up", "more"): ("stayed and brought more", False),
    ("new",): ("came", False),
    ("up", "more", "new"): ("brought more or came", False),
}
_SHRUNK, _GONE = ("down", "less"), ("gone",)
_STAYING = _NAMES[_SHRUNK][0]
_WHAT = "Value migration"
_MARGIN = 1.18  # of the longest bar, for its label


def migration_flows(
    moved: ValueMoved | Refusal, same_months: bool, n: int, scope: Scope
) -> Exhibit:
    """Value lost and won by each flow, beside chance alone, and what is left beyond it."""
    if isinstance(moved, Refusal):
        return refused("migration_flows", _WHAT, moved, n, scope)
    shown = _shown(moved, scope)
    if shown is None:
        return scope.withheld("migration_flows", _WHAT, n)
    table = _flow_table(moved, shown)
    names = [_NAMES[flows][0] for flows in shown.flows]
    drawn = table[table["flow"].isin(names)].iloc[::-1].reset_index(drop=True)
    figure, (bars, dots) = theme.axes(2, height=3.6, sharey=True, width_ratios=[3, 2])
    places = np.arange(len(drawn))
    colors = [theme.CONTRAST if kind == "lost" else theme.PRIMARY for kind in drawn["kind"]]
    bars.barh(places, drawn["observed"], color=colors, height=0.62)
    for place, chance in zip(places, drawn["by_chance"], strict=True):
        bars.plot([chance, chance], [place - 0.42, place + 0.42], color=theme.INK, linewidth=2)
    for place, share, chance in zip(places, drawn["observed"], drawn["by_chance"], strict=True):
        theme.label(bars, max(share, chance, 0), place, formats.percent_1(share))
    most = max(drawn["observed"].max(), drawn["by_chance"].max())
    bars.set(xlim=(min(0, drawn["observed"].min()), most * _MARGIN), ylim=(-0.6, len(drawn) - 0.4))
    bars.set_yticks(places, [f"{kind}: {flow}" for kind, flow in
                             zip(drawn["kind"], drawn["flow"], strict=True)])  # fmt: skip
    base = "share of the first period's value"
    theme.tidy(bars, x=f"{base}; line: by chance alone", y="", grid="x")
    reach = np.abs(drawn[["lo", "hi"]].to_numpy().T - drawn["beyond_chance"].to_numpy())
    for place, color in zip(places, colors, strict=True):
        dots.errorbar(drawn["beyond_chance"][place], place, xerr=reach[:, [place]], fmt="o",
                      color=color, markersize=6, capsize=3)  # fmt: skip
    dots.axvline(0, color=theme.REFERENCE, linewidth=1)
    theme.tidy(dots, x="beyond chance", y="", grid="x")
    for ax in (bars, dots):
        theme.percent(ax, "x")
    series = drawn[["observed", "by_chance", "beyond_chance", "lo", "hi"]]
    series = series.set_axis(["observed", "by chance", "beyond chance", "from", "to"], axis=1)
    for ax in (bars, dots):
        theme.says_values(ax, places, drawn["flow"], series, formats.percent_1, along="y")
    level = formats.level(moved.excess.level)
    said = {
        row["flow"]: formats.percent_1(row["beyond_chance"]) for row in table.to_dict("records")
    }
    return scope.exhibit(
        id="migration_flows",
        title=_title(moved),
        table=table,
        figure=figure,
        n=moved.observed.n,
        population="customers in either period",
        unit=f"share of the first period's {_word(moved, scope)}",
        alt="Bars of value lost and won by customers who fell, shrank, left, rose, grew and came, "
        "each with a line for what chance alone would move; beside them what is beyond chance "
        f"with {level} intervals: stayed and brought less {said[_STAYING]}, left {said['left']}.",
        note=_note(moved, same_months, scope),
    )


def _word(moved: ValueMoved, scope: Scope) -> str:
    """What the money is."""
    return "contribution" if moved.of == BOOKED else scope.value_word


def _shown(moved: ValueMoved, scope: Scope) -> ShownMigration | None:
    labels = moved.observed.bounds.index.tolist()
    return shown_migration(moved.observed.customers, labels, moved.absent, scope.min_cell)


def _flow_table(moved: ValueMoved, shown: ShownMigration) -> pd.DataFrame:
    """One row per flow, losses and gains both counted as positive shares of value.

    Of those who stayed and brought less there is always a row: what the title compares.
    """
    flows, counts = moved.excess.flows, moved.observed.flows
    groups = list(shown.flows)
    if _SHRUNK not in groups:
        groups.insert(2, _SHRUNK)
    rows = []
    for group in groups:
        (name, lost), members = _NAMES[group], list(group)
        sign = -1 if lost else 1
        sums = flows.loc[members, ["value_observed", "value_expected"]].sum() * sign
        beyond = _oriented(moved.excess.value_of(group), lost)
        rows.append((
            name, "lost" if lost else "won", int(counts.loc[members, "customers"].sum()),
            beyond.value, beyond.lo, beyond.hi, *sums, sign * counts.loc[members, "change"].sum(),
        ))  # fmt: skip
    columns = ["flow", "kind", "customers", "beyond_chance", "lo", "hi", "observed", "by_chance",
               "amount"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table["amount_beyond_chance"] = table["beyond_chance"] * moved.observed.placed_1
    # a sum of no change may be −0
    return table.assign(level=moved.excess.level, **{c: table[c] + 0.0 for c in columns[3:]})


def _oriented(change: Interval, lost: bool) -> Interval:
    """A change of value, of a loss as its size."""
    return Interval(-change.value, -change.hi, -change.lo, change.level) if lost else change


def _loss(moved: ValueMoved) -> Interval:
    """What those who stayed and brought less took away beyond chance; a loss is positive."""
    return _oriented(moved.excess.value_of(_SHRUNK), True)


def _gone(moved: ValueMoved) -> Interval:
    """What those who left took away beyond chance; a loss is positive."""
    return _oriented(moved.excess.value_of(_GONE), True)


def _title(moved: ValueMoved) -> str:
    """Which of both losses is more than chance, and which of them is the larger."""
    shrunk, left, beyond = _loss(moved), _gone(moved), moved.excess.less_beyond_gone
    a, b = f"{_least(moved)}{formats.percent_1(shrunk.value)}", formats.percent_1(left.value)
    if shrunk.lo <= 0 and left.lo <= 0:
        return "No more value was lost than chance alone would take away"
    if left.lo <= 0:
        return f"Shrinking cost {a} of value beyond chance; leaving is unclear"
    if shrunk.lo <= 0:
        return f"Leaving cost {b} of value beyond chance; shrinking is unclear"
    if beyond.lo > 0 and (moved.knows_leavers or moved.of != BOOKED):
        return f"Beyond chance shrinking cost {a} of value, leaving only {b}"
    if beyond.hi < 0:
        return f"Leavers cost {b} of value beyond chance, shrinking customers {a}"
    return f"Beyond chance shrinking cost {a} of value, leaving {b}"


def _least(moved: ValueMoved) -> str:
    """What stands before a loss by shrinking, which is too small where quarters were swapped.

    Not where it holds those who left in the course of the period.
    """
    return "at least " if moved.of == BOOKED and moved.knows_leavers else ""


def _note(moved: ValueMoved, same_months: bool, scope: Scope) -> str:
    level = formats.level(moved.excess.level)
    down, less = moved.excess.down_beyond_gone, moved.excess.less_beyond_gone
    remarks = [
        f"Shrinking: stayed and brought less, in a lower tier or not. It cost {_more(less)} than "
        f"leaving beyond chance, falling to a lower tier alone {_more(down)}, in shares of value "
        f"({level} bootstrap intervals over customers)."
    ]
    if moved.of == BOOKED:
        remarks.append(
            "By chance: the same quarters of both periods changed places at random. Real "
            "shrinking makes that larger, so that shrinking is rather more than it is said to be, "
            "also beside leaving; no interval holds that. Contribution is revenue less cost to "
            "serve and risk cost."
        )
    else:
        remarks.append(
            "By chance: customers who buy at one rate and spend at one level of their own in both "
            "periods, by a model fitted to the first."
        )
    if not moved.knows_leavers:
        remarks.append(
            "Left: brought nothing in the second period; who pauses counts as well, and who left "
            "in its course counts as shrinking. Came: brought nothing in the first; who comes back "
            "counts as well."
        )
    remarks.append(
        "Both periods hold the same months, so season moves nothing."
        if same_months
        else "The periods hold different months: season is not told from change."
    )
    return " ".join([*remarks, formats.sentences(*moved.notes)]).strip()


def _more(difference: Interval) -> str:
    """A difference of losses, in words."""
    word = "more" if difference.value >= 0 else "less"
    size = formats.percent(abs(difference.value), 1)
    return f"{size} {word} ({formats.interval(difference.lo, difference.hi, formats.percent_1)})"


def migration_matrix(moved: ValueMoved | Refusal, scope: Scope) -> Exhibit | None:
    """From which tier to which: customers, and the value that moved with them."""
    if isinstance(moved, Refusal):
        return None
    shown = _shown(moved, scope)
    if shown is None:
        return None
    cells = _cells(moved, shown)
    columns = ["from", "to", "customers", "value_before", "value_after", "change", "share"]
    table = pd.DataFrame(
        [(cell.start, " or ".join(cell.ends), *cell.figures) for cell in cells], columns=columns
    )
    figure, ax = theme.axes(height=1.0 + 0.72 * table["from"].nunique())
    _draw_matrix(ax, cells, moved.observed.bounds.index.tolist())
    few = f" Empty cells would tell of {scope.few}." if table["customers"].isna().any() else ""
    return scope.exhibit(
        id="migration_matrix",
        title=_matrix_title(table),
        table=table,
        figure=figure,
        n=moved.observed.n,
        population="customers in either period",
        unit=f"customers, and change of {_word(moved, scope)} in {scope.currency}",
        alt=f"Table of {formats.count(moved.observed.n)} customers by tier in the first and in the "
        f"second period with the change of their {_word(moved, scope)}; losses and gains are "
        "coloured.",
        note="A count of the observed base. Tiers are cut in the first period at the shares of "
        "value in the params, and at the same amounts in the second. Percentages are of the "
        f"customers of the row. Chance alone moves many: see the flows.{few}",
    )


@dataclass(frozen=True)
class _Cell:
    """Customers of one tier before, and of one or more after: the figures of the table's row."""

    start: str
    ends: tuple[str, ...]
    figures: tuple[float, ...]  # customers, value before and after, change, share of the row

    @property
    def text(self) -> str:
        """Customers, their share of the row, the change of their value."""
        customers, _, _, change, share = self.figures
        if not customers > 0:
            return "" if np.isnan(customers) else "0"
        part = "" if np.isnan(share) else f" ({formats.percent(share)})"
        return f"{formats.count(customers)}{part}\n{'+' * (change > 0)}{formats.money(change)}"


def _cells(moved: ValueMoved, shown: ShownMigration) -> list[_Cell]:
    """The cells, those that are only shown together as one; empty where not even so."""
    table = moved.observed.matrix.merge(shown.cells, on=["tier_1", "tier_2"])
    alone = table["group"].where(table["group"] >= 0, -1 - np.arange(len(table)))
    found = []
    for (start, group), cells in table.groupby(["tier_1", alone], sort=False):
        sums = cells[["customers", "value_1", "value_2", "change"]].sum().round(2)
        share = cells["share"].sum() if shown.rows[start] else np.nan
        figures = (*sums, share) if group >= 0 else (np.nan,) * 5
        found.append(_Cell(start, tuple(cells["tier_2"]), figures))
    return found


def _draw_matrix(ax: Axes, cells: list[_Cell], labels: list[str]) -> None:
    """Tiers before down, after across; cells shown together span their columns."""
    starts, ends = [*labels, NEW_STATE], [*labels, GONE_STATE]
    figures = np.full((len(starts), len(ends)), np.nan)
    texts = np.full(figures.shape, "", dtype=object)
    spans: dict[tuple[int, int], int] = {}
    said: dict[str, list[str]] = {start: [] for start in starts}
    for cell in cells:
        places = [ends.index(end) for end in cell.ends]
        at, beside = (starts.index(cell.start), places[0]), np.ptp(places) + 1 == len(places)
        figures[at] = cell.figures[3]
        texts[at] = cell.text if beside else f"{cell.text}\nalso {' and '.join(cell.ends[1:])}"
        spans[at] = len(places) if beside else 1
        if cell.text:
            said[cell.start].append(
                f"to {' or '.join(cell.ends)}: " + cell.text.replace("\n", ", ")
            )
    names = [NEW_STATE if start == NEW_STATE else f"from {start}" for start in starts]
    heads = ["left" if end == GONE_STATE else f"to {end}" for end in ends]
    heat.table(ax, figures, texts.tolist(), names, heads, 8.5, spans)
    theme.says_texts(ax, range(len(starts)), names, ["\n".join(said[s]) for s in starts], "y")


def _matrix_title(table: pd.DataFrame) -> str:
    """How many of the best tier stayed in it, where that may be said."""
    cell = table.iloc[0]
    if cell["from"] != cell["to"] or pd.isna(cell["share"]):
        return "Customers move between tiers, come and leave"
    return (
        f"{formats.percent(cell['share'])} of the best tier's customers were still in it afterwards"
    )


def migration_findings(moved: ValueMoved | Refusal, scope: Scope) -> list[Finding]:
    """What shrinking and leaving cost, where it is more than chance."""
    if isinstance(moved, Refusal) or _shown(moved, scope) is None:
        return []
    both = moved.observed.total_1 + moved.observed.total_2
    scale = moved.observed.placed_1 / both if both > 0 else 0.0
    word, level = _word(moved, scope), formats.level(moved.excess.level)
    said = []
    for name, who, least, loss in (
        ("lost_by_shrinking", "Customers who stayed and brought less", _least(moved), _loss(moved)),
        ("lost_by_leaving", "Customers who left", "", _gone(moved)),
    ):
        if loss.lo <= 0:
            continue
        span = formats.interval(loss.lo, loss.hi, formats.percent_1)
        said.append(
            Finding(
                id=name,
                kind="estimate",
                sentence=f"{who} took {least}{formats.percent_1(loss.value)} of {word} away from "
                f"one period to the next, beyond what chance moves ({level} interval "
                f"{'of that bound ' if least else ''}{span}).",
                value=loss.value,
                lo=loss.lo,
                hi=loss.hi,
                unit=f"share of {word}",
                exhibit="migration_flows",
                size=abs(loss.value) * scale,
            )
        )
    return said
