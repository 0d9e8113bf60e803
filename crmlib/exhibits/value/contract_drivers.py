"""Which customers leave sooner, by what the client says of them (V7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.disclosure import is_small
from crmlib.stats.refusal import Refusal
from crmlib.value.contract_base import ContractBase
from crmlib.value.contract_drivers import ContractDrivers

_TICKS = (0.1, 0.25, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10)
PROPORTIONAL = 0.01  # chance below which hazard ratios are said to move with age


def contract_drivers(
    found: ContractDrivers | Refusal,
    names: Sequence[str],
    base: ContractBase | Refusal,
    scope: Scope,
) -> Exhibit | None:
    """Hazard ratios of leaving; nothing where the params name no attribute."""
    if isinstance(base, Refusal) or base.check.contradicted or not names:
        return None
    if isinstance(found, Refusal):
        return refused("contract_drivers", "Who leaves sooner", found, 0, scope)
    table = _ordered(found.table)
    labels = [_label(row) for row in table.itertuples()]
    figure, ax = theme.axes(height=1.2 + 0.3 * len(table))
    places = np.arange(len(table))[::-1]
    ax.axvline(1, color=theme.REFERENCE, linewidth=1)
    clear = (table["lo"] > 1) | (table["hi"] < 1)
    for shown, color in ((clear, theme.CONTRAST), (~clear, theme.REFERENCE)):
        rows, at = table[shown], places[shown.to_numpy()]
        reach = [rows["hazard_ratio"] - rows["lo"], rows["hi"] - rows["hazard_ratio"]]
        ax.errorbar(rows["hazard_ratio"], at, xerr=reach, fmt="o", color=color, capsize=3)
    ax.set_yticks(places, labels)
    ax.set_ylim(-0.6, len(table) - 0.4)
    _log_scale(ax, table)
    theme.tidy(ax, x="rate of leaving, as a multiple of the group compared", y="", grid="x")
    series = table[["hazard_ratio", "lo", "hi"]].set_axis(["times", "from", "to"], axis=1)
    theme.says_values(ax, places, labels, series, "{:.2f}".format, along="y")
    level = formats.level(found.level)
    return scope.exhibit(
        id="contract_drivers",
        title=_strongest(table, found.level),
        table=table.assign(level_of_interval=found.level),
        figure=figure,
        n=found.relationships,
        population="relationships",
        unit="hazard ratio of ending the relationship",
        alt=f"Dots with {level} intervals: hazard ratios of leaving for {len(table)} groups, from "
        f"{table['hazard_ratio'].min():.2f} to {table['hazard_ratio'].max():.2f}.",
        note=_note(found, scope),
    )


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """The attribute with the largest ratio, up or down, first; within it the highest first."""
    far = np.log(table["hazard_ratio"]).abs().groupby(table["attribute"]).transform("max")
    keys = table.assign(far=far).sort_values(
        ["far", "attribute", "hazard_ratio"], ascending=[False, True, False], kind="stable"
    )
    return keys.drop(columns="far").reset_index(drop=True)


def _label(row: object) -> str:
    if row.level.startswith("one standard"):
        return f"{formats.shortened(row.attribute)}: {row.against} more"
    words = [formats.shortened(word, 24) for word in (row.attribute, row.level, row.against)]
    return "{}: {}, not {}".format(*words)


def _log_scale(ax: theme.Axes, table: pd.DataFrame) -> None:
    """Half and double are equally far from 1; a handful of plain numbers below the axis."""
    low, high = min(table["lo"].min(), 0.8), max(table["hi"].max(), 1.25)
    ax.set_xscale("log")
    ax.set_xlim(low / 1.05, high * 1.05)
    ticks = [t for t in _TICKS if low / 1.05 <= t <= high * 1.05]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


def _strongest(table: pd.DataFrame, level: float) -> str:
    """The clearest ratio, if it is one that so many comparisons do not show by chance."""
    clear = table[table["p_value"] < (1 - level) / len(table)]
    if clear.empty:
        return "No attribute that was named tells clearly who leaves"
    far = np.log(clear["hazard_ratio"]).abs().idxmax()
    ratio = clear.loc[far, "hazard_ratio"]
    return f"With the clearest attribute customers leave {ratio:.2f} times as often"


def _note(found: ContractDrivers, scope: Scope) -> str:
    said = [
        "Cox model of relationships, each attribute with the others held; a ratio of 2 is twice "
        "the rate of leaving at the same age of the relationship. It describes who leaves and is "
        "not the effect of changing it. Coloured: intervals that exclude 1."
    ]
    moving = found.table[found.table["moves"]]
    if len(moving):
        names = ", ".join(f"{row.attribute} ({row.level})" for row in moving.itertuples())
        said.append(
            f"The ratio changes with the age of the relationship for {names}: read it there as an "
            "average."
        )
    elif found.p_proportional < PROPORTIONAL:
        said.append("Together the ratios change with age: read them as averages.")
    else:
        said.append("No ratio changes visibly with the age of the relationship.")
    if found.incomplete:
        few = is_small(found.incomplete, scope.min_cell)
        count = "A few" if few else formats.count(found.incomplete)
        said.append(f"{count} relationships are left out, since a number is missing.")
    for name, reason in found.left_out.items():
        said.append(f"{name} is not compared: {reason}.")
    said.append(f"Words of {scope.few}, or of few who left, are one group.")
    return " ".join(said)
