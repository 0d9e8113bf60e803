"""Names that say what a segment does, and that stay with it (S1).

Names are proposed from the features in which a segment differs most from all other
customers. Where an earlier version is named, segments are matched to its segments first:
a name and a number then stay with the customers they stood for, whatever the random
start, and however sizes have changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from crmlib.segments.clusters import Segmentation
from crmlib.segments.stability import contingency

IntArray = NDArray[np.int64]

AVERAGE = "average"  # the name of a segment that differs in nothing
_MARKED = 0.5  # standard deviations from the other customers that are worth a word
_WORDS = 2  # in a name; one more where they do not tell segments apart
_SAME = 0.5  # Jaccard coefficient from which a segment is the one it was


# what customers are called who have much of a feature, and who have little
WORDS: dict[str, tuple[str, str]] = {
    "recency": ("long silent", "bought lately"),  # days since the last purchase
    "frequency": ("frequent", "infrequent"),
    "spend": ("high spend", "low spend"),
    "mean_ticket": ("high ticket", "low ticket"),
    "trend": ("growing", "shrinking"),
    "regularity": ("irregular", "regular"),  # variation of the gaps between purchases
    "peak_share": ("seasonal", "all year"),
    "returned_share": ("many returns", "few returns"),
    "revenue": ("high revenue", "low revenue"),
    "cost_to_serve": ("dear to serve", "cheap to serve"),
    "risk_cost": ("risky", "safe"),
    "products": ("many products", "few products"),
    "products_bought": ("buying many products", "buying few products"),
    "tenure": ("long-standing", "recently won"),
    # all parts without a column of their own, together
    "cost_in_others": ("users of other channels", "seldom other channels"),
    "cost_share_others": ("users of other channels", "seldom other channels"),
    "spend_in_others": ("buyers in other channels", "seldom other channels"),
    "spend_share_others": ("buyers in other channels", "seldom other channels"),
    "revenue_from_others": ("strong in other products", "weak in other products"),
    "risk_from_others": ("risky in other products", "safe in other products"),
    "spend_on_others": ("strong in other products", "weak in other products"),
    # who lacks a figure, and who has it: see `read_behaviour`
    "recency missing": ("never bought", "buyers"),
    "mean_ticket missing": ("not buying", "buying"),
    "regularity missing": ("occasional", "repeat buyers"),
    "trend missing": ("newcomers", "known before"),
    "peak_share missing": ("newcomers", "known before"),
}
# of features that are one of a kind, by how their names begin
_BEGINNINGS = {
    "cost_in_": ("{} users", "seldom {}"),
    "cost_share_": ("{} users", "seldom {}"),
    "revenue_from_": ("strong in {}", "weak in {}"),
    "risk_from_": ("risky in {}", "safe in {}"),
    "spend_on_": ("strong in {}", "weak in {}"),
    "spend_in_": ("{} buyers", "seldom {}"),
    "spend_share_": ("{} buyers", "seldom {}"),
}
_GAP = " missing"  # behind the feature that a column marks as missing


@dataclass(frozen=True, eq=False)
class Names:
    """What segments are called.

    Attributes
    ----------
    names : tuple of str
        By segment number; no two are the same.
    proposed : tuple of str
        Before the client's own names took their place.
    differences : DataFrame
        One row per segment, one column per feature: mean of the segment less that of the
        other customers, in standard deviations of all customers.
    unused : tuple of str
        Proposed names in the client's mapping that no segment has.
    taken : tuple of str
        Proposed names whose own name is what another segment is called; they keep theirs.
    """

    names: tuple[str, ...]
    proposed: tuple[str, ...]
    differences: pd.DataFrame
    unused: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()


def name_segments(
    features: pd.DataFrame,
    labels: ArrayLike,
    *,
    own: Mapping[str, str] | None = None,
    kept: Mapping[int, str] | None = None,
    reserved: Collection[str] = (),
) -> Names:
    """Propose a name for each segment, and put the client's own in its place.

    Parameters
    ----------
    features : DataFrame of shape (n, p)
        Prepared features; columns are their names.
    labels : array of shape (n,)
        Segments 0…k−1.
    own : mapping of proposed to own name, optional
    kept : mapping of segment to name, optional
        From the baseline version, by `match_segments`; they are neither proposed anew nor
        given to another.
    reserved : collection of str, optional
        What customers without a segment are called; no own name may be one of these.

    Returns
    -------
    Names
    """
    old, mine = dict(kept or {}), dict(own or {})
    differences = standardised_differences(features, labels)
    proposed = _unique(differences, np.bincount(np.asarray(labels, dtype=np.int64)), old)
    wanted = [mine.get(name, name) for name in proposed]
    taken = tuple(
        name
        for name, own in zip(proposed, wanted, strict=True)
        if own != name and (own in reserved or wanted.count(own) > 1)
    )
    names = [mine.get(name, name) if name not in taken else name for name in proposed]
    # a name that was kept may be the client's own already
    unused = tuple(name for name in mine if name not in proposed and mine[name] not in names)
    return Names(tuple(names), tuple(proposed), differences, unused, taken)


def standardised_differences(features: pd.DataFrame, labels: ArrayLike) -> pd.DataFrame:
    """How far each segment's mean lies from that of the other customers.

    Parameters
    ----------
    features : DataFrame of shape (n, p)
    labels : array of shape (n,)
        Segments 0…k−1.

    Returns
    -------
    DataFrame of shape (k, p)
        In standard deviations of all customers; 0 where nobody differs, or where there
        is no other segment.
    """
    where = np.asarray(labels, dtype=np.int64)
    sizes = np.bincount(where)[:, None].astype(float)
    values = features.to_numpy(dtype=float)
    sums = np.array([np.bincount(where, column) for column in values.T]).T
    others, spread = len(where) - sizes, values.std(axis=0)
    rest = np.divide(values.sum(axis=0) - sums, others, out=np.zeros_like(sums), where=others > 0)
    apart = sums / np.maximum(sizes, 1) - rest
    known = (others > 0) & (sizes > 0) & (spread > 1e-12)
    scaled = np.divide(apart, spread, out=np.zeros_like(apart), where=known)
    return pd.DataFrame(scaled, columns=features.columns).rename_axis("segment")


def words_for(feature: str) -> tuple[str, str]:
    """What customers are called who have much of a feature, and who have little.

    >>> words_for("frequency"), words_for("cost_share_online"), words_for("age")
    (('frequent', 'infrequent'), ('online users', 'seldom online'), ('high age', 'low age'))
    """
    if feature in WORDS:
        return WORDS[feature]
    plain = feature.replace("_", " ")
    if feature.endswith(_GAP):
        what = plain.removesuffix(_GAP)
        return f"without {what}", f"with {what}"
    for beginning, (much, little) in _BEGINNINGS.items():
        if feature.startswith(beginning):
            what = feature.removeprefix(beginning).replace("_", " ")
            return much.format(what), little.format(what)
    return f"high {plain}", f"low {plain}"


def _word(feature: str, difference: float) -> str:
    return words_for(feature)[0 if difference > 0 else 1]


def _first_words(row: pd.Series) -> list[str]:
    """The words of a segment's largest differences, that of the largest first."""
    # ties by name, so that the order of columns does not matter
    order = sorted(row.index, key=lambda name: (-round(abs(row[name]), 9), name))
    said: list[str] = []
    for name in order:
        word = _word(str(name), row[name])
        if abs(row[name]) >= _MARKED and word not in said:
            said.append(word)
    return said[:_WORDS]


def _unique(differences: pd.DataFrame, sizes: IntArray, kept: Mapping[int, str]) -> list[str]:
    """A name for each segment: two words, and a third where two name another as well."""
    words = [_first_words(row) for _, row in differences.iterrows()]
    names = [kept.get(at, ", ".join(mine) or AVERAGE) for at, mine in enumerate(words)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        alike = [at for at, other in enumerate(names) if other == name]
        for at in (at for at in alike if at not in kept):
            siblings = [other for other in alike if other != at]
            third = _telling_word(differences, sizes, at, siblings, words[at])
            names[at] = ", ".join([*words[at], third]) if third else name
    taken: set[str] = set(kept.values())
    for at, name in enumerate(names):
        if at not in kept:
            names[at] = _numbered(name, taken)
            taken.add(names[at])
    return names


def _telling_word(
    differences: pd.DataFrame, sizes: IntArray, at: int, siblings: list[int], said: list[str]
) -> str:
    """The word that tells a segment best from its siblings, and is true beside all others.

    A segment that is low beside its sibling but high beside everybody else is not called
    low: such a feature is passed over.
    """
    weights = sizes[siblings] / sizes[siblings].sum()
    apart = differences.iloc[at] - weights @ differences.iloc[siblings].to_numpy()
    true = np.sign(apart) == np.sign(differences.iloc[at])
    marked = apart[true & (apart.abs() >= _MARKED)]
    order = sorted(marked.index, key=lambda name: (-round(abs(marked[name]), 9), name))
    fresh = [word for name in order if (word := _word(str(name), marked[name])) not in said]
    return fresh[0] if fresh else ""


def _numbered(name: str, taken: set[str]) -> str:
    """The name, with the first number that is free where another has it."""
    if name not in taken:
        return name
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"


@dataclass(frozen=True, eq=False)
class Match:
    """Which segment of an earlier version each segment is.

    Attributes
    ----------
    earlier : array of shape (k,)
        Its number there, or −1 for a segment that is new.
    agreement : array of shape (k,)
        Jaccard coefficient with it among customers of both versions; 0 for a new one.
    gone : tuple of int
        Earlier segments that none continues.
    """

    earlier: IntArray
    agreement: NDArray[np.float64]
    gone: tuple[int, ...]


def match_segments(earlier: ArrayLike, now: ArrayLike, least: float = _SAME) -> Match:
    """Match segments to those of an earlier version by the customers they share.

    Parameters
    ----------
    earlier, now : array of shape (n,)
        Segments of the customers who are in both versions, 0…, in the same order.
    least : float
        Jaccard coefficient below which a segment is a new one and not an old one changed.

    Returns
    -------
    Match

    Notes
    -----
    One to one, so that the Jaccard coefficients add up to the most (Kuhn 1955, "The
    Hungarian method for the assignment problem").
    """
    then, today = np.asarray(earlier, dtype=np.int64), np.asarray(now, dtype=np.int64)
    if then.size == 0 or then.size != today.size:
        raise ValueError("segments are matched by customers who are in both versions")
    table = contingency(then, today, int(then.max()) + 1)
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table
    overlap = np.divide(table, union, out=np.zeros_like(table), where=union > 0)
    old, new = linear_sum_assignment(overlap, maximize=True)
    found = np.full(table.shape[1], -1, dtype=np.int64)
    agreement = np.zeros(table.shape[1])
    same = overlap[old, new] >= least
    found[new[same]], agreement[new[same]] = old[same], overlap[old[same], new[same]]
    gone = tuple(int(i) for i in np.setdiff1d(then, found))
    return Match(found, agreement, gone)


@dataclass(frozen=True, eq=False)
class Continued:
    """Segments with the numbers and names that they had in an earlier version.

    Attributes
    ----------
    segmentation : Segmentation
        Numbers of earlier segments kept in their order, new segments behind them.
    kept : dict of int to str
        Name of each segment that goes on, by today's number; for `name_segments`.
    agreement : array of shape (k,)
        Jaccard coefficient with the earlier segment; 0 for a new one.
    gone : tuple of str
        Names of earlier segments that none continues.
    order : array of shape (k,)
        The number that each had before it was given the earlier one's.
    """

    segmentation: Segmentation
    kept: dict[int, str]
    agreement: NDArray[np.float64]
    gone: tuple[str, ...]
    order: IntArray


def continue_segments(
    segmentation: Segmentation, earlier: ArrayLike, names: Sequence[str]
) -> Continued:
    """Give segments the numbers and names of an earlier version's.

    Parameters
    ----------
    segmentation : Segmentation
    earlier : array of shape (n,)
        Where the earlier version's segments would place each customer today, or placed
        them then, if nothing else is known; −1 for customers whom it cannot place.
    names : sequence of str
        Of the earlier segments, by number.

    Returns
    -------
    Continued

    Raises
    ------
    ValueError
        If no customer was placed by the earlier version.
    """
    then = np.asarray(earlier, dtype=np.int64)
    placed = then >= 0
    match = match_segments(then[placed], segmentation.labels[placed])
    k = segmentation.k
    # a segment of customers whom the earlier version does not know is new
    old = np.append(match.earlier, np.full(k - match.earlier.size, -1))
    agreement = np.append(match.agreement, np.zeros(k - match.agreement.size))
    order = np.lexsort((np.arange(k), np.where(old < 0, np.iinfo(np.int64).max, old)))
    place = np.empty(k, dtype=np.int64)
    place[order] = np.arange(k)
    moved = Segmentation(
        segmentation.method, k, place[segmentation.labels], segmentation.shape.ordered(order),
        segmentation.fitted_on,
    )  # fmt: skip
    kept = {now: names[was] for now, was in enumerate(old[order]) if was >= 0}
    gone = tuple(names[i] for i in match.gone)
    return Continued(moved, kept, agreement[order], gone, order)
