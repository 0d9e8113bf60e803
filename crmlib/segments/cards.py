"""One card per segment: how large, what it does, who it is, what it is worth (S7).

What is printed of a segment is what tells it from all other customers beyond noise, the
largest difference first. Groups of too few customers are merged or withheld here, before
anything is shown: segments, stages within a segment, and the people behind a share.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.segments.distinct import rank_moments, welch
from crmlib.segments.limits import roundest, written
from crmlib.segments.stage_mix import stage_mix
from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.disclosure import is_small
from crmlib.stats.intervals import percentile_interval
from crmlib.stats.multiplicity import holm
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

OTHERS = "other segments"  # those of too few customers, together
MOST_LEVELS = 50  # of an attribute; one of more is a name and not an attribute
_FEW_LEVELS = 12  # different figures up to which each one is a level
_BANDS = (0.25, 0.5, 0.75)
_WORTH = 43  # a stream of random numbers of its own


@dataclass(frozen=True)
class CardRules:
    """What is printed, and how surely.

    Attributes
    ----------
    min_cell : int
        Smallest group that may be shown.
    most : int
        Differences printed per segment, of what it does and of who it is.
    significance : float
        Family-wise error rate of the differences printed.
    replications, level, seed
        Of the bootstrap intervals.
    """

    min_cell: int
    most: int
    significance: float
    replications: int
    level: float
    seed: int


@dataclass(frozen=True)
class Cards:
    """What is known of each segment.

    Attributes
    ----------
    segments : DataFrame
        segment, customers, customer_share, value, value_share, value_share_lo, value_share_hi,
        future_value, future_value_lo, future_value_hi, future_mean, future_mean_lo,
        future_mean_hi; most valuable first. Shares are NaN where the sum is not positive.
    behaviour : DataFrame
        segment, feature, mean, mean_all, more_often (probability that a customer of the
        segment has more of it than another customer, ½ where both are alike), p_value.
    people : DataFrame
        segment, attribute, level, share, share_all, lift, p_value: over-represented.
    channels : DataFrame
        segment, channel, share: what most of those who stated one prefer.
    lifecycle : DataFrame
        segment (last "all customers"), stage, customers, share, both NaN where withheld;
        at_least, the least share of a withheld cell that is not few. Empty where not given,
        or where nothing may be shown.
    merged : int
        Segments that are shown together as "other segments".
    level : float
    n : int
    """

    segments: pd.DataFrame
    behaviour: pd.DataFrame
    people: pd.DataFrame
    channels: pd.DataFrame
    lifecycle: pd.DataFrame
    merged: int
    level: float
    n: int


def segment_cards(
    segment: pd.Series,
    value: pd.DataFrame,
    features: pd.DataFrame,
    rules: CardRules,
    *,
    people: pd.DataFrame | Refusal | None = None,
    stage: pd.Series | Refusal | None = None,
) -> Cards:
    """Write the cards.

    Parameters
    ----------
    segment : Series of str, index customer_id
    value : DataFrame
        customer_id, current_value and future_value (over the horizon of the value chapter).
    features : DataFrame
        customer_id and numeric columns that a reader understands, in their own units.
    rules : CardRules
    people : DataFrame, optional
        customer_id and attributes; numbers are cut into four bands. `preferred_channel` is
        told apart from the others.
    stage : Series of str, index customer_id, optional

    Raises
    ------
    NotIdentified
        If there are fewer customers than one group needs.
    """
    people, stage = (None if isinstance(given, Refusal) else given for given in (people, stage))
    if len(segment) < max(rules.min_cell, 2):
        raise NotIdentified(f"{len(segment)} customers are too few for a card of a segment")
    shown, merged = _large_enough(segment, rules.min_cell)
    names, codes = np.unique(shown.to_numpy(dtype=str), return_inverse=True)
    worth = _worth(names, codes, value, segment.index, rules)
    order = {name: at for at, name in enumerate(worth["segment"])}
    does = _behaviour(names, codes, _rows(features, segment.index), rules)
    are, channels = _nobody(), pd.DataFrame(columns=["segment", "channel", "share"])
    if people is not None:
        attributes = _rows(people, segment.index)
        channel = attributes.get("preferred_channel")
        are = _people(names, codes, attributes.drop(columns="preferred_channel", errors="ignore"),
                      rules)  # fmt: skip
        if channel is not None:
            channels = _channels(names, codes, channel, rules.min_cell)
    parts = [does, are, channels]
    does, are, channels = (
        part.sort_values("segment", key=lambda s: s.map(order), kind="stable", ignore_index=True)
        for part in parts
    )
    return Cards(
        segments=worth,
        behaviour=does,
        people=are,
        channels=channels,
        lifecycle=stage_mix(shown, stage, list(order), rules.min_cell),
        merged=merged,
        level=rules.level,
        n=len(segment),
    )


def _rows(table: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    """One row per customer in the given order."""
    return table.drop_duplicates("customer_id").set_index("customer_id").reindex(ids)


def _large_enough(segment: pd.Series, min_cell: int) -> tuple[pd.Series, int]:
    """Segments of too few customers under one name, with the next smallest where need be."""
    sizes = segment.value_counts().sort_index(kind="stable").sort_values(kind="stable")
    if sizes.iloc[0] >= min_cell:
        return segment, 0
    together = int(np.searchsorted(sizes.cumsum(), min_cell)) + 1
    together = max(together, int((sizes < min_cell).sum()))
    small = sizes.index[:together]
    return segment.where(~segment.isin(small), OTHERS), len(small)


def _worth(
    names: NDArray[np.str_],
    codes: IntArray,
    value: pd.DataFrame,
    ids: pd.Index,
    rules: CardRules,
) -> pd.DataFrame:
    """Size and value of each segment, with intervals by bootstrap over customers."""
    money = _rows(value, ids)[["current_value", "future_value"]].to_numpy(dtype=float)
    now, ahead = money.T
    # of a customer whose future could not be computed nothing is counted, as nothing is said
    known = np.isfinite(ahead)
    ahead = np.where(known, ahead, 0.0)
    k = names.size

    def figures(weights: FloatArray) -> FloatArray:
        """Rows: share of value, future value, future value of a customer, by segment."""
        size = np.bincount(codes, weights * known, k)
        current = np.bincount(codes, weights * now, k)
        future = np.bincount(codes, weights * ahead, k)
        total = current.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.array([current / total if total > 0 else current * np.nan, future,
                             future / size])  # fmt: skip

    point = figures(np.ones(codes.size))
    rng = generator(rules.seed, _WORTH)
    drawn = np.array([figures(w) for w in bootstrap_weights(codes.size, rules.replications, rng)])
    sizes, current = np.bincount(codes), np.bincount(codes, now)
    table = pd.DataFrame({"segment": names, "customers": sizes})
    table["customer_share"], table["value"] = sizes / codes.size, current
    for row, name in enumerate(("value_share", "future_value", "future_mean")):
        replicates = drawn[:, row]
        bounds = [_bounds(point[row, at], replicates[:, at], rules.level) for at in range(k)]
        table[name] = point[row]
        table[[f"{name}_lo", f"{name}_hi"]] = bounds
    order = np.lexsort((names, -table["value"]))
    return table.iloc[order].reset_index(drop=True)


def _bounds(value: float, replicates: FloatArray, level: float) -> tuple[float, float]:
    """Percentile bounds; NaN where the figure, or one drawn, is not defined."""
    if not np.isfinite(value) or not np.isfinite(replicates).all():
        return np.nan, np.nan
    found = percentile_interval(value, replicates, level)
    return found.lo, found.hi


def _behaviour(
    names: NDArray[np.str_], codes: IntArray, features: pd.DataFrame, rules: CardRules
) -> pd.DataFrame:
    """Figures by which a segment differs most from all other customers."""
    table = features.astype(float).replace([np.inf, -np.inf], np.nan)
    counts, means, variances = rank_moments(codes, names.size, table)
    size, total = np.nan_to_num(counts), np.nan_to_num(counts * means)
    square = np.nan_to_num(variances * (counts - 1)) + np.nan_to_num(counts * means**2)
    rest = size.sum(axis=0) - size
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (total.sum(axis=0) - total) / rest
        variance = (square.sum(axis=0) - square - rest * mean**2) / (rest - 1)
    moments = [np.vstack(pair) for pair in ((size, rest), (means, mean), (variances, variance))]
    at = np.arange(names.size)
    p = welch(*moments, at, at + names.size)
    rows = []
    corrected = holm(p.ravel()).reshape(p.shape)
    unknown = np.bincount(codes)[:, None] - size
    for k, j in np.ndindex(p.shape):
        hidden = size[k, j] < rules.min_cell or is_small(unknown[k, j], rules.min_cell)
        if corrected[k, j] > rules.significance or hidden:
            continue
        column = table.iloc[:, j]
        rows.append((names[k], table.columns[j], column[codes == k].mean(), column.mean(),
                     0.5 + means[k, j] - mean[k, j], corrected[k, j]))  # fmt: skip
    columns = ["segment", "feature", "mean", "mean_all", "more_often", "p_value"]
    found = pd.DataFrame(rows, columns=columns)
    strength = (found["more_often"].astype(float) - 0.5).abs()
    found = found.iloc[np.argsort(-strength.to_numpy(), kind="stable")]
    return found.groupby("segment", sort=False).head(rules.most).reset_index(drop=True)


def _nobody() -> pd.DataFrame:
    columns = ["segment", "attribute", "level", "share", "share_all", "lift", "p_value"]
    return pd.DataFrame(columns=columns)


def _people(
    names: NDArray[np.str_], codes: IntArray, attributes: pd.DataFrame, rules: CardRules
) -> pd.DataFrame:
    """Levels that are over-represented in a segment (hypergeometric test, corrected)."""
    tested = []
    for attribute in attributes:
        levels = _as_levels(attributes[attribute], attribute.replace("_", " "))
        if levels is None:
            continue
        known = levels.notna().to_numpy()
        counts = pd.crosstab(codes[known], levels[known].to_numpy(dtype=object))
        cells = counts.reindex(range(names.size), fill_value=0).to_numpy()
        size, total, n = cells.sum(axis=1, keepdims=True), cells.sum(axis=0), cells.sum()
        p = stats.hypergeom.sf(cells - 1, n, total, size)
        # who has the level and who has not, in the segment and outside of it
        groups = np.stack([cells, size - cells, total - cells, n - size - total + cells])
        safe = (cells >= rules.min_cell) & ~is_small(groups, rules.min_cell).any(axis=0)
        tested += [
            (names[k], attribute, counts.columns[j], cells[k, j] / size[k, 0], total[j] / n,
             safe[k, j], p[k, j])
            for k, j in np.ndindex(cells.shape) if size[k, 0]
        ]  # fmt: skip
    if not tested:
        return _nobody()
    columns = ["segment", "attribute", "level", "share", "share_all", "safe", "p_value"]
    table = pd.DataFrame(tested, columns=columns)
    table["p_value"] = holm(table["p_value"])
    table["lift"] = table["share"] / table["share_all"]
    found = table[table["safe"] & (table["p_value"] <= rules.significance)]
    found = found.sort_values("lift", ascending=False, kind="stable")
    return found.groupby("segment", sort=False).head(rules.most)[_nobody().columns]


def _as_levels(column: pd.Series, words: str) -> pd.Series | None:
    """An attribute as levels: numbers in four bands with round limits; None where none."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return None
    if pd.api.types.is_bool_dtype(column):
        return column.map({True: "yes", False: "no"}).astype(object)
    if pd.api.types.is_numeric_dtype(column):
        figures = column.to_numpy(dtype=float, na_value=np.nan)
        there = np.isfinite(figures)
        distinct = np.unique(figures[there])
        if distinct.size > _FEW_LEVELS:
            return _banded(column, figures, there, words)
        named = [written(f) if np.isfinite(f) else None for f in figures]
        return pd.Series(named, index=column.index, dtype=object)
    plain = column.astype(object)
    answers = {True: "yes", False: "no"}
    plain = plain.map(lambda v: answers.get(v, v) if isinstance(v, bool) else v)
    return plain if 2 <= plain.nunique() <= MOST_LEVELS else None


def _banded(
    column: pd.Series, figures: FloatArray, there: NDArray[np.bool_], words: str
) -> pd.Series:
    """Four bands of about as many customers each, with limits that can be said."""
    inside = figures[there]
    cuts = sorted({roundest(inside, q, 0.03) for q in np.quantile(inside, _BANDS)})
    place = np.searchsorted(cuts, figures, side="right")
    names = [f"{words} < {written(cuts[0])}"]
    names += [f"{written(a)} ≤ {words} < {written(b)}"
              for a, b in pairwise(cuts)]  # fmt: skip
    names.append(f"{words} ≥ {written(cuts[-1])}")
    labels = np.array(names, dtype=object)[place]
    return pd.Series(np.where(there, labels, None), index=column.index, dtype=object)


def _channels(
    names: NDArray[np.str_], codes: IntArray, channel: pd.Series, min_cell: int
) -> pd.DataFrame:
    """The channel that most of a segment prefer, of those who stated one."""
    known = channel.notna().to_numpy()
    rows = []
    for at, name in enumerate(names):
        counts = channel[known & (codes == at)].value_counts().sort_index()
        if counts.empty:
            continue
        most, size = int(counts.max()), int(counts.sum())
        unknown = int((codes == at).sum()) - size
        if most >= min_cell and not is_small([size - most, unknown], min_cell).any():
            rows.append((name, str(counts.idxmax()), most / size))
    return pd.DataFrame(rows, columns=["segment", "channel", "share"])
