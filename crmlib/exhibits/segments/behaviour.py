"""How many behaviour segments there are, whether they would come back, what they do (S1, S4)."""

from __future__ import annotations

from textwrap import fill, shorten

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import MAX_TITLE_WORDS, Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.segments.features import feature_words
from crmlib.exhibits.value.refused import refused
from crmlib.segments.behaviour import BehaviourSegments
from crmlib.segments.choice import SegmentChoice
from crmlib.segments.clusters import Segmentation
from crmlib.segments.densities import METHODS
from crmlib.segments.naming import Names, words_for
from crmlib.segments.stability import GATE, READING
from crmlib.stats.disclosure import withhold
from crmlib.stats.refusal import Refusal

_WHAT = "Behaviour segments"
_COLORS = {"classes": theme.PRIMARY, "kmeans": theme.CONTRAST, "mixture": theme.REFERENCE}
_MOST_FEATURES = 9  # in the picture, those in which segments differ most; the table has all
_LONGEST = 34  # letters of a segment's name beside the picture
_HIDDEN = "withheld"


def choice_of_segments(choice: SegmentChoice | Refusal, n: int, scope: Scope) -> Exhibit:
    """Stability, separation and capacity over the number of segments, the chosen one marked."""
    if isinstance(choice, Refusal):
        return refused("choice_of_segments", _WHAT, choice, n, scope)
    table = _choice_table(choice, n, scope.min_cell)
    figure, axes = theme.axes(columns=3, height=3.1)
    _draw_over_k(axes[0], choice, "minimum", "weakest segment, Jaccard")
    axes[0].axhline(GATE, color=theme.REFERENCE, linewidth=1, linestyle="--")
    axes[0].set_ylim(0, 1.05)
    _draw_over_k(axes[1], choice, "silhouette", "silhouette (high is good)")
    _draw_over_k(axes[2], choice, "bic", "BIC a customer (low is good)", per=choice.fitted_on)
    handles, labels = axes[0].get_legend_handles_labels()
    place = {"loc": "outside upper left", "ncols": len(labels)}
    figure.legend(handles, labels, frameon=False, labelcolor=theme.INK, **place)
    chosen = table[table["chosen"] == "yes"].iloc[0]
    k, weakest = int(chosen["segments"]), chosen["weakest"]
    title = f"{k} behaviour segments come back, the weakest by {weakest:.2f}"
    if not choice.stability.passes:
        title = f"No number of segments is stable: the best reaches {weakest:.2f}"
    return scope.exhibit(
        id="choice_of_segments",
        title=title,
        table=table,
        figure=figure,
        n=n,
        unit="Jaccard coefficient, silhouette and BIC",
        alt=f"Three charts over the number of segments: stability of the weakest segment with the "
        f"gate at {GATE}, silhouette, and BIC; {k} by {chosen['method']} is marked.",
        note=f"{choice.reason} Stability: customers are drawn anew and segments found again, "
        "counted is what the weakest has in common with its best match. A dotted line marks how "
        f"many are wanted at most, {choice.most} segments. BIC is compared within a method"
        + (
            ", and takes k-means as equal spheres."
            if "kmeans" in set(choice.table["method"])
            else "."
        )
        + ("" if n == choice.fitted_on else f" On a sample of {choice.fitted_on:,} customers."),
    )


def _choice_table(choice: SegmentChoice, n: int, min_cell: int) -> pd.DataFrame:
    """All that was tried, in a reader's words; the smallest share where so many may be shown."""
    tried = choice.table
    few = tried["smallest_share"] * n < min_cell
    yes = {True: "yes", False: "no"}
    lo, hi = _weakest_bounds(choice)
    return pd.DataFrame(
        {
            "method": tried["method"].map(lambda name: METHODS[name].label),
            "segments": tried["k"],
            "weakest": tried["minimum"].round(4),
            "weakest_lo": np.where(tried["chosen"], lo, np.nan),
            "weakest_hi": np.where(tried["chosen"], hi, np.nan),
            "mean": tried["mean"].round(4),
            "adjusted_rand": tried["ari"].round(4),
            "resamples": tried["replications"],
            "less_two_errors": tried["sure"].round(4),
            "silhouette": tried["silhouette"].round(4),
            "bic": tried["bic"].round(1),
            "smallest_share": tried["smallest_share"].round(3).mask(few),
            "verdict": tried["verdict"],
            "within_capacity": tried["within_capacity"].map(yes),
            "passes": tried["passes"].map(yes),
            "chosen": tried["chosen"].map(yes),
            "needed": GATE,
            "least_share": choice.min_share,
            "capacity": choice.most,
            "customers_in_sample": choice.fitted_on,
        }
    )


def _weakest_bounds(choice: SegmentChoice) -> tuple[float, float]:
    """95 % interval of the weakest segment's mean over resamples."""
    gate = choice.stability
    reach = 1.96 * float(gate.error[int(gate.by_segment.argmin())])
    value = round(gate.minimum, 4)
    return round(max(0.0, value - reach), 4), round(min(1.0, value + reach), 4)


def _draw_over_k(
    ax: Axes, choice: SegmentChoice, column: str, title: str, per: float = 1.0
) -> None:
    """One figure over the number of segments by method, the chosen number ringed."""
    series, numbers = {}, sorted(choice.table["k"].unique())
    for method, rows in choice.table.groupby("method", sort=False):
        values = rows.set_index("k")[column] / per
        label, color = METHODS[method].label, _COLORS[method]
        ax.plot(values.index, values, color=color, marker="o", markersize=3.5, label=label)
        series[label] = values.reindex(numbers).tolist()
        for k, value in values[rows["chosen"].to_numpy()].items():
            ax.plot([k], [value], "o", markersize=11, markerfacecolor="none", color=theme.INK)
    ax.axvline(choice.most + 0.5, color=theme.MUTED, linewidth=1, linestyle=":")
    theme.tidy(ax, x="segments", y="")
    ax.set_title(title, loc="left", color=theme.MUTED, fontsize=8.5)
    ax.set_xticks(numbers[:: 1 + len(numbers) // 9])
    theme.says_values(ax, numbers, [f"{k} segments" for k in numbers], series, "{:.3f}".format)


def _shown_sizes(segmentation: Segmentation, min_cell: int) -> NDArray[np.float64]:
    """Customers by segment, NaN where they are few or would tell how many the few are."""
    sizes = segmentation.sizes
    hidden = withhold(sizes, np.ones((1, sizes.size), dtype=bool), min_cell).cells
    return np.where(hidden, np.nan, sizes)


def _counts(sizes: NDArray[np.float64]) -> NDArray[np.float64] | NDArray[np.int64]:
    """Whole numbers where none is withheld."""
    return sizes if np.isnan(sizes).any() else sizes.astype(np.int64)


def stability_gate(found: BehaviourSegments | Refusal, n: int, scope: Scope) -> Exhibit | None:
    """How much of each segment comes back among customers drawn anew, and the verdict."""
    if isinstance(found, Refusal):
        return None
    choice, names, gate = found.choice, found.names, found.choice.stability
    sizes = _shown_sizes(choice.chosen, scope.min_cell)
    table = pd.DataFrame(
        {
            "segment": names.names,
            "customers": _counts(sizes),
            "share": (sizes / n).round(4),
            "jaccard": gate.by_segment.round(4),
            "standard_error": gate.error.round(4),
            "dissolved": gate.dissolved.round(4),
            "verdict": gate.verdicts,
            "needed": GATE,
            "highly_stable_from": READING[0][0],
            "pattern_from": READING[2][0],
            "mean_adjusted_rand": round(gate.ari, 4),
            "resamples": gate.replications,
            "drawn_from": choice.gate_on,
        }
    ).sort_values("jaccard", kind="stable", ignore_index=True)
    figure, ax = theme.axes(height=1.0 + 0.38 * len(table))
    _draw_gate(ax, table)
    return scope.exhibit(
        id="stability_gate",
        title=_gate_title(table),
        table=table,
        figure=figure,
        n=n,
        unit="Jaccard coefficient with the best match, 0 to 1",
        alt=f"Bars of the Jaccard coefficient of {len(table)} segments, weakest first, beside the "
        f"gate at {GATE}.",
        note=f"Of {choice.gate_on:,} customers as many were drawn with replacement, "
        f"{gate.replications} times, and segments found again. From {READING[0][0]:.2f} highly "
        f"stable, from {GATE} valid, from {READING[2][0]:.2f} a pattern only, below it not trusted "
        "(Hennig's reading). The mean adjusted "
        f"Rand index is {gate.ari:.2f}: an average can hide a broken segment, so the weakest "
        "decides.",
    )


def _draw_gate(ax: Axes, table: pd.DataFrame) -> None:
    """Bars by segment, weakest on top, with the verdict behind each."""
    places = np.arange(len(table))
    colors = [theme.PRIMARY if value >= GATE else theme.CONTRAST for value in table["jaccard"]]
    ax.barh(places, table["jaccard"], color=colors, height=0.62)
    ax.axvline(GATE, color=theme.INK, linewidth=1, linestyle="--")
    for at, row in table.iterrows():
        theme.label(ax, row["jaccard"], at, f"{row['jaccard']:.2f}  {row['verdict']}")
    names = [shorten(name, _LONGEST, placeholder="…") for name in table["segment"]]
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.25)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    theme.tidy(ax, x="mean Jaccard coefficient with the best match", y="", grid="x")
    texts = [f"{row['jaccard']:.2f}, {row['verdict']}" for _, row in table.iterrows()]
    theme.says_texts(ax, places, list(table["segment"]), texts, "y")


def _gate_title(table: pd.DataFrame) -> str:
    weak = int((table["jaccard"] < GATE).sum())
    lowest = f"{table['jaccard'].min():.2f}"
    if not weak:
        return f"Every behaviour segment comes back, the weakest by {lowest}"
    if weak == len(table):
        return f"No segment is stable enough to go live, the weakest has {lowest}"
    return f"Not every segment is fit to go live: the weakest has {lowest}"


def segment_profiles(found: BehaviourSegments | Refusal, n: int, scope: Scope) -> Exhibit | None:
    """What each segment does more and less than all other customers."""
    if isinstance(found, Refusal):
        return None
    segmentation, names = found.choice.chosen, found.names
    sizes = _shown_sizes(segmentation, scope.min_cell)
    if np.isnan(sizes).all():
        return scope.withheld("segment_profiles", "What segments do", n)
    differences = names.differences.where(~np.isnan(sizes)[:, None] & names.differences.notna())
    shown = _telling(names, sizes)
    table = _profile_table(names, differences, sizes, n)
    figure, ax = theme.axes(height=1.2 + 0.5 * segmentation.k)
    _draw_profiles(ax, table, differences[shown], names, sizes, n)
    hidden = int(np.isnan(sizes).sum())
    remarks = [
        "Mean of the segment less that of all other customers, in standard deviations of all, of "
        "features as they were prepared. Names are made of the largest differences."
    ]
    if len(shown) < len(differences.columns):
        remarks.append("The picture leaves out features that tell less; the table has all.")
    if hidden:
        remarks.append(
            f"Withheld (·), since they would tell of {scope.few}: "
            f"{formats.plural(hidden, 'segment')}."
        )
    remarks += _since(found)
    return scope.exhibit(
        id="segment_profiles",
        title=_profile_title(table, names),
        table=table,
        figure=figure,
        n=n,
        unit="standard deviations from other customers",
        alt=f"Table of {segmentation.k} segments by {len(shown)} features; differences from other "
        "customers are coloured, the darker the larger.",
        note=" ".join(remarks),
    )


def _since(found: BehaviourSegments) -> list[str]:
    """What has come and gone since the earlier version, in sentences."""
    said = []
    if found.new:
        said.append(f"New since the earlier version: {'; '.join(found.new)}.")
    if found.gone:
        said.append(f"No longer there: {'; '.join(found.gone)}.")
    if found.names.unused:
        said.append(f"Names in the params of no segment: {'; '.join(found.names.unused)}.")
    return said


def _telling(names: Names, sizes: NDArray[np.float64]) -> list[str]:
    """The features that mark segments most: the first of each, then the second, and so on.

    Larger segments come first, and of several features that say one thing the first stands
    for all.
    """
    largest = np.lexsort((np.arange(sizes.size), np.nan_to_num(-sizes, nan=np.inf)))
    ranked = []
    for at in largest:
        row = names.differences.iloc[at]
        ranked.append(
            sorted(row.index, key=lambda name, row=row: (-round(abs(row[name]), 9), name))
        )
    said: dict[tuple[str, str], str] = {}
    for turn in zip(*ranked, strict=True):
        for name in turn:
            said.setdefault(words_for(str(name)), name)
    return list(said.values())[:_MOST_FEATURES]


def _profile_table(
    names: Names, differences: pd.DataFrame, sizes: NDArray[np.float64], n: int
) -> pd.DataFrame:
    """One row per segment and feature, the largest segment first."""
    of = {"segment": names.names, "customers": _counts(sizes), "share": (sizes / n).round(4)}
    wide = pd.DataFrame(of).join(differences.reset_index(drop=True).round(3))
    order = np.lexsort((np.arange(len(wide)), np.nan_to_num(-sizes, nan=np.inf)))
    wide = wide.iloc[order].rename_axis("place").reset_index(drop=True)
    table = wide.melt(id_vars=list(of), var_name="feature", value_name="difference")
    places = table["segment"].map({name: at for at, name in enumerate(wide["segment"])})
    table = table.iloc[np.argsort(places.to_numpy(), kind="stable")].reset_index(drop=True)
    return table.assign(feature=[feature_words(str(name)) for name in table["feature"]])


def _draw_profiles(
    ax: Axes,
    table: pd.DataFrame,
    differences: pd.DataFrame,
    names: Names,
    sizes: NDArray[np.float64],
    n: int,
) -> None:
    """The cells, in the order of the table."""
    order = [names.names.index(name) for name in table["segment"].unique()]
    figures = differences.to_numpy()[order]
    texts = [
        ["·" if np.isnan(value) else f"{round(value, 1) + 0:+.1f}" for value in row]
        for row in figures
    ]
    sized = [
        _HIDDEN if np.isnan(sizes[i]) else f"{sizes[i]:,.0f} ({formats.percent(sizes[i] / n)})"
        for i in order
    ]
    called = [shorten(names.names[i], _LONGEST, placeholder="…") for i in order]
    rows = [f"{name}\n{size}" for name, size in zip(called, sized, strict=True)]
    heads = [
        fill(feature_words(str(name)), 11, break_long_words=False) for name in differences.columns
    ]
    heat.table(ax, figures, texts, rows, heads, size=8)
    ax.tick_params(axis="x", labelsize=7.5)
    ax.tick_params(axis="y", labelsize=8)
    lines = [zip(differences.columns, row, strict=True) for row in texts]
    said = ["\n".join(f"{name}: {text}" for name, text in line) for line in lines]
    theme.says_texts(ax, range(len(rows)), called, said, "y")


def _profile_title(table: pd.DataFrame, names: Names) -> str:
    """Which segment is the largest, where that may be said in so many words."""
    first = table.iloc[0]
    share, name = formats.percent(first["share"]), str(first["segment"])
    title = f"The largest segment, {share} of customers: {name}"
    if len(title.split()) > MAX_TITLE_WORDS or any(letter.isdigit() for letter in name):
        return f"The largest of {table['segment'].nunique()} segments holds {share} of customers"
    return title


def behaviour_findings(choice: SegmentChoice | Refusal, n: int, scope: Scope) -> list[Finding]:
    """How many segments there are to work with, or that none may go live."""
    if isinstance(choice, Refusal):
        return []
    gate, k = choice.stability, choice.chosen.k
    value = round(gate.minimum, 4)
    lo, hi = _weakest_bounds(choice)
    said = (
        f"Customers fall into {k} behaviour segments that come back when customers are drawn "
        f"anew: the weakest has a Jaccard coefficient of {value:.2f}, and {GATE} are needed."
    )
    if not gate.passes:
        said = (
            f"Behaviour segments are not fit to go live: the weakest of {k} has a Jaccard "
            f"coefficient of {value:.2f}, and {GATE} are needed."
        )
    return [
        Finding(
            id="behaviour_segments",
            kind="estimate",
            sentence=said,
            value=value,
            lo=lo,
            hi=hi,
            unit="Jaccard coefficient of the weakest segment",
            exhibit="choice_of_segments",
            size=0.0,
            role="finding" if gate.passes else "caveat",
        )
    ]
