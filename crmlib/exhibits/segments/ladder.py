"""How the ladder came about, and what each of its segments is of all value (S1)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.segments.cards import OTHERS, Cards
from crmlib.segments.ladder import Ladder
from crmlib.segments.lifecycle import AT_RISK, LAPSED, STAGES, LifecycleRules
from crmlib.segments.stage_mix import ALL
from crmlib.stats.refusal import Refusal

_LADDER, _VALUES, _STAGES = "The ladder of segments", "The value of segments", "The lifecycle"
_SAID = 0.01  # a lower bound below it says nothing
_CROSSED = "all cells crossed"


def ladder_merges(ladder: Ladder | Refusal, n: int, scope: Scope) -> Exhibit:
    """What was merged into what, and what that costs in value explained."""
    if isinstance(ladder, Refusal):
        return refused("ladder_merges", _LADDER, ladder, n, scope)
    if n < scope.min_cell:
        return scope.withheld("ladder_merges", _LADDER, n)
    table = _merge_table(ladder, scope.min_cell)
    shares = ["explained", "lost"]
    shown = table.assign(
        customers=[formats.count(c) if pd.notna(c) else scope.few for c in table["customers"]],
        **{name: [_share(v) for v in table[name]] for name in [*shares, "kept"]},
        across_tiers=["yes" if crossing else "" for crossing in table["across_tiers"]],
    )
    shown["merged"] = shown["merged"].map(lambda name: formats.shortened(name, 60))
    shown["into"] = shown["into"].map(lambda name: formats.shortened(name, 60))
    lost = f"{formats.percent_1(ladder.explained_crossed - ladder.explained)} of the variance"
    return scope.exhibit(
        id="ladder_merges",
        title=_merge_title(ladder, table),
        table=table,
        formatted=shown.rename(columns=lambda name: name.replace("_", " ")),
        n=n,
        unit="customers; share of the variance of value between segments",
        alt="Table of mergers in order: what was merged into what, customers, why, the variance "
        "of value explained after it and what it lost.",
        note=_merge_note(ladder, "" if np.isnan(ladder.explained) else lost),
    )


def _share(value: float) -> str:
    return "" if pd.isna(value) else formats.percent(value, 2)


def _merge_table(ladder: Ladder, min_cell: int) -> pd.DataFrame:
    """The crossed cells, then each merger; those of few customers in one row."""
    merges = ladder.merges
    small = (merges[["customers", "customers_into"]] < min_cell).any(axis=1)
    last = int(np.flatnonzero(small)[-1]) + 1 if small.any() else 0
    rows = [
        (0, _CROSSED, "", ladder.n, "", False, len(ladder.cells), ladder.explained_crossed, np.nan)
    ]
    if last:
        together = merges[:last]
        people = float(together["customers"].sum())
        rows.append((last, f"{last} mergers of small cells" if last > 1 else "a small cell", "",
                     people if people >= min_cell else np.nan, together["reason"].iloc[-1],
                     bool(together["across_tiers"].any()), together["segments_left"].iloc[-1],
                     together["explained_after"].iloc[-1], together["lost"].sum()))  # fmt: skip
    rows += [
        (m["step"], m["merged"], m["into"], m["customers"], m["reason"], m["across_tiers"],
         m["segments_left"], m["explained_after"], m["lost"])
        for m in merges[last:].to_dict("records")
    ]  # fmt: skip
    columns = ["step", "merged", "into", "customers", "reason", "across_tiers", "segments",
               "explained", "lost"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns).astype({"customers": float})
    base = ladder.explained_crossed
    return table.assign(kept=table["explained"] / base if base > 0 else np.nan)


def _merge_title(ladder: Ladder, table: pd.DataFrame) -> str:
    segments, cells = len(ladder.segments), len(ladder.cells)
    if ladder.merges.empty:
        return f"None of the {segments} segments had to be merged"
    if not ladder.explained_crossed > 0:
        return f"{cells} cells become {segments} segments; value does not vary"
    kept = formats.percent(table["kept"].iloc[-1])
    keep = "segment keeps" if segments == 1 else "segments keep"
    return f"{segments} {keep} {kept} of what {cells} cells explain of value"


def _merge_note(ladder: Ladder, lost: str) -> str:
    remarks = [
        f"Cells of fewer than {formats.count(ladder.minimum)} customers are merged first, then as "
        f"many as it takes to have {ladder.capacity} segments at most. Active customers go with "
        "active ones and inactive with inactive, then cells that share more rungs go first, and "
        "among them the pair that costs least. Equal input gives equal segments."
    ]
    if lost:
        remarks.append(f"All mergers together lose {lost} of value (eta²).")
    if not ladder.merges["across_tiers"].any():
        remarks.append("No merger crosses value tiers.")
    if ladder.notes:
        remarks.append(formats.sentences(*ladder.notes))
    return " ".join(remarks)


def segment_values(cards: Cards | Refusal, n: int, scope: Scope) -> Exhibit:
    """Share of customers and of value by segment, the latter with its interval."""
    if isinstance(cards, Refusal):
        return refused("segment_values", _VALUES, cards, n, scope)
    if len(cards.segments) < 2:
        return scope.withheld("segment_values", _VALUES, n)
    columns = ["segment", "customers", "customer_share", "value", "value_share",
               "value_share_lo", "value_share_hi"]  # fmt: skip
    table = cards.segments[columns].assign(level=cards.level)
    if table["value_share"].isna().all():
        why = Refusal("all customers together brought nothing: shares of it have no meaning")
        return refused("segment_values", _VALUES, why, n, scope)
    drawn = table.iloc[::-1].reset_index(drop=True)
    figure, ax = theme.axes(height=1.1 + 0.42 * len(drawn))
    places = np.arange(len(drawn))
    ax.barh(places - 0.2, drawn["customer_share"], height=0.36, color=theme.REFERENCE,
            label="share of customers")  # fmt: skip
    ax.barh(places + 0.2, drawn["value_share"], height=0.36, color=theme.PRIMARY,
            label=f"share of {scope.value_word}")  # fmt: skip
    bounds = drawn[["value_share_lo", "value_share_hi"]].to_numpy().T
    if np.isfinite(bounds).all():
        reach = np.abs(bounds - drawn["value_share"].to_numpy())
        ax.errorbar(drawn["value_share"], places + 0.2, xerr=reach, fmt="none", ecolor=theme.INK,
                    elinewidth=1, capsize=2)  # fmt: skip
    names = [formats.shortened(name, 40) for name in drawn["segment"]]
    ax.set_yticks(places, names)
    theme.tidy(ax, x="share of all customers and of what they brought", y="", grid="x")
    theme.percent(ax, "x")
    theme.legend_above(ax)
    series = drawn[["customer_share", "value_share", "value_share_lo", "value_share_hi"]]
    series = series.set_axis(["customers", scope.value_word, "from", "to"], axis=1)
    theme.says_values(ax, places, drawn["segment"], series, formats.percent_1, along="y")
    best = table.iloc[0]
    size, held = formats.percent(best["customer_share"]), formats.percent(best["value_share"])
    return scope.exhibit(
        id="segment_values",
        title=f"{size} of customers, one of {len(table)} segments, hold {held} of value",
        table=table,
        figure=figure,
        n=n,
        unit=f"share of customers and of {scope.value_word} of the last twelve months",
        alt=f"Paired bars for {len(table)} segments, most valuable first: share of customers and "
        f"share of {scope.value_word}; the first holds {held} with {size} of customers.",
        note="Sizes and sums are counts of the observed base. Whiskers: "
        f"{formats.level(cards.level)} bootstrap intervals over customers of the share of value."
        + _merged(cards, scope),
    )


def _merged(cards: Cards, scope: Scope) -> str:
    """How many segments are shown together."""
    if not cards.merged:
        return ""
    return f" Segments of {scope.few} are shown together as {OTHERS}."


def lifecycle_mix(cards: Cards | Refusal, rules: LifecycleRules, n: int, scope: Scope) -> Exhibit:
    """Where in the lifecycle the customers of each segment stand."""
    if isinstance(cards, Refusal):
        return refused("lifecycle_mix", _STAGES, cards, n, scope)
    table = cards.lifecycle
    if table.empty or table["share"].isna().all():
        return scope.withheld("lifecycle_mix", _STAGES, n)
    stages = [stage for stage in STAGES if stage in set(table["stage"])]
    segments = table["segment"].unique().tolist()
    figures, bounds = (
        table.pivot(index="segment", columns="stage", values=name).loc[segments, stages].to_numpy()
        for name in ("share", "at_least")
    )
    texts = [
        [_part(share, least) for share, least in zip(*rows, strict=True)]
        for rows in zip(figures, bounds, strict=True)
    ]
    figure, ax = theme.axes(height=1.0 + 0.36 * len(segments))
    names = [formats.shortened(name, 40) for name in segments]
    heat.table(
        ax, np.where(np.isnan(figures) & (bounds >= _SAID), bounds, figures), texts, names, stages
    )
    said = [
        "\n".join(f"{stage}: {text}" for stage, text in zip(stages, row, strict=True) if text)
        for row in texts
    ]
    theme.says_texts(ax, range(len(segments)), segments, said, "y")
    words = rules.in_words()
    few = f" Empty cells would tell of {scope.few}." if table["share"].isna().any() else ""
    return scope.exhibit(
        id="lifecycle_mix",
        title=_stage_title(table),
        table=table,
        figure=figure,
        n=n,
        unit="share of the segment's customers",
        alt=f"Table of {len(segments) - 1} segments and all customers by lifecycle stage: share of "
        "each segment's customers, the larger the darker.",
        note="The first that holds. "
        + " ".join(f"{formats.capitalised(s)}: {words[s]}." for s in words if s in stages)
        + few,
    )


def _part(share: float, least: float) -> str:
    """A share, or what it is at least where it is withheld for the sake of others."""
    if pd.isna(share):
        return f"≥ {np.floor(100 * least):.0f}%" if least >= _SAID else ""
    return formats.percent(share)


def _stage_title(table: pd.DataFrame) -> str:
    """How many are at risk and have lapsed, where both may be said."""
    every = table[table["segment"] == ALL].set_index("stage")["share"]
    at_risk, lapsed = (every.get(stage, 0.0) for stage in (AT_RISK, LAPSED))
    if pd.isna(at_risk) or pd.isna(lapsed):
        return "Segments stand at different points of the lifecycle"
    if not at_risk and not lapsed:
        return "Nobody is at risk or has lapsed by these rules"
    parts = []
    if at_risk:
        parts.append(f"{formats.percent(at_risk)} of customers are at risk")
    if lapsed:
        parts.append(f"{formats.percent(lapsed)} {'' if at_risk else 'of customers '}have lapsed")
    return ", ".join(parts)


def segment_value_findings(cards: Cards | Refusal, scope: Scope) -> list[Finding]:
    """What the most valuable segment holds."""
    if isinstance(cards, Refusal) or len(cards.segments) < 2:
        return []
    best, level = cards.segments.iloc[0], formats.level(cards.level)
    bounds = best[["value_share_lo", "value_share_hi"]]
    if bounds.isna().any():
        return []
    held = formats.interval(*bounds, formats.percent)
    return [
        Finding(
            id="best_segment",
            kind="estimate",
            sentence=f"The most valuable segment, {best['segment']}, is "
            f"{formats.percent(best['customer_share'])} of customers and holds "
            f"{formats.percent(best['value_share'])} of {scope.value_word} ({level} interval "
            f"{held}).",
            value=float(best["value_share"]),
            lo=float(bounds.iloc[0]),
            hi=float(bounds.iloc[1]),
            unit=f"share of {scope.value_word}",
            exhibit="segment_values",
            size=max(float(best["value_share"]), 0.0),
        )
    ]
