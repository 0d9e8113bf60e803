"""Segments that are born between two dates (S6).

A *birth* is a dense group of customers whom the segments of the earlier date do not
explain: had all parts of each segment grown alike, the group would have far fewer members
than it has. A group far from all segments is such a group, since no segment held its
like; so is one that fills a gap inside a broad segment, which a distance from centres
does not see. Groups are cut from both dates together, blind to the date, at every size:
cells by KMeans, joined two by two to a tree (Ward 1963, *JASA* 58: 236–244). All nodes of
the tree are tested, so that swapped dates are a fair null distribution and a segment that
spans several cells is found whole. Of dense nodes that one of them holds, the one with the
largest likelihood ratio is the segment (Kulldorff 1997, *Communications in Statistics* 26:
1481–1496): neighbours that merely grow would dilute it.

A birth takes years: where segments were formed when its first members had come already,
one of them holds its like, and how many segments there are decides whether it shows. The
earlier date should be the earliest one that the data allow (`history.years_before`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import ward
from scipy.special import xlogy
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from crmlib.segments.drift import Surprises, normal_surprise, swap_p
from crmlib.segments.two_dates import Comparison, FloatArray, IntArray, Snapshot

BoolArray = NDArray[np.bool_]

CELLS = 32  # finest groups, where customers are many enough
_PER_CELL = 30  # customers of both dates for each cell, at least
_NEW = 0.5  # of a born group's customers, at least, that segments do not explain
_TIGHT = 1.0  # spread of a dense group, over that of a typical segment


@dataclass(frozen=True)
class Births:
    """Groups of customers, and how far the segments of the earlier date explain them.

    Attributes
    ----------
    groups : DataFrame
        One row per node of the tree: before, after (customers), expected (after, had all
        parts of each segment grown alike), excess (after − expected), nearest (segment), distance
        (from its centre, over the median of its members), spread (median distance of the
        members from the group's centre, over that of a typical segment), ratio (logarithm of
        the likelihood ratio of as many as there are against as many as expected, Poisson),
        large, new, dense (bool), p (of the excess, one-sided).
    profile : DataFrame
        The groups' means by feature, in prepared units.
    ids, cells : arrays of shape (n_after,)
        Customers of the later date, and the cell of each.
    holds : array of bool, shape (n_groups, n_cells)
        Which cells a group consists of.
    smallest : float
        Customers that a segment must have.
    tested : Surprises
    since : date, optional
        The earlier date, where it is named.
    """

    groups: pd.DataFrame
    profile: pd.DataFrame
    ids: NDArray[np.object_]
    cells: IntArray
    holds: BoolArray
    smallest: float
    tested: Surprises
    since: dt.date | None = None

    def members(self, group: str) -> NDArray[np.object_]:
        """Ids of the customers of the later date who belong to a group."""
        return self.ids[self.holds[self.groups.index.get_loc(group), self.cells]]

    def held_by(self, group: str, live: pd.Series) -> str | None:
        """The live segment that consists of a group's members, if there is one.

        It holds more than half of the group, and the group is more than half of it.

        Parameters
        ----------
        group : str
        live : Series, index customer_id
            The live segment of each customer of the later date.
        """
        everyone = live.reindex(pd.Index(self.ids))
        inside = live.reindex(pd.Index(self.members(group)))
        counts = inside.value_counts()
        if counts.empty:
            return None
        most, count = str(counts.index[0]), int(counts.iloc[0])
        whole = 2 * count > len(inside) and 2 * count > int((everyone == most).sum())
        return most if whole else None

    def born(self, beyond_chance: BoolArray) -> list[str]:
        """Groups that are segments by now, of those whose excess is beyond chance.

        Such groups that lie within one more are one birth, since even together they are
        dense: of them, and that one, the one with the largest likelihood ratio counts.
        """
        kinds = self.groups["large"] & self.groups["new"] & self.groups["dense"]
        open_ = np.flatnonzero(kinds.to_numpy() & beyond_chance)
        inside = (self.holds[open_][:, None] <= self.holds[open_]).all(axis=2)  # row in column
        ratio = self.groups["ratio"].to_numpy()[open_]
        widest = np.flatnonzero(inside.sum(axis=1) == 1)  # those that only they hold
        within = [np.flatnonzero(inside[:, wide]) for wide in widest]
        found = sorted(int(open_[parts[ratio[parts].argmax()]]) for parts in within)
        return [str(name) for name in self.groups.index[found]]


def births(compared: Comparison, *, min_share: float) -> Births:
    """Groups whom the segments of the earlier date do not explain.

    Parameters
    ----------
    compared : Comparison
        Segments as they were formed on, or before, the earlier date.
    min_share : float
        Of customers, that a segment must have.
    """
    before, after = compared.before, compared.after
    cells, centres = _cells(compared)
    holds = _tree(centres, np.bincount(np.concatenate(cells), minlength=len(centres)))
    k, m = len(before.segments), len(centres)
    crossed = [cell * k + shot.labels for cell, shot in zip(cells, (before, after), strict=True)]
    hot = [(code[:, None] == np.arange(m * k)).astype(np.float32) for code in crossed]
    observed, swapped = compared.sums(*hot)
    excess, null = (
        _excess(*(x.reshape(*x.shape[:-1], m, k) for x in sums), holds)
        for sums in (observed, swapped)
    )
    counts = [(x.reshape(m, k).sum(axis=1) @ holds.T).round().astype(int) for x in observed]
    names = tuple(f"group {g + 1}" for g in range(len(holds)))
    groups = pd.DataFrame(
        {
            "before": counts[0],
            "after": counts[1],
            "expected": counts[1] - excess * after.n,
            "excess": excess * after.n,
        },
        index=pd.Index(names, name="group"),
    )
    both = [holds[:, cell] for cell in cells]
    profile = _means(compared, both)
    groups[["nearest", "distance", "spread"]] = _described(compared, both, profile)
    groups["ratio"] = _log_ratio(groups["after"].to_numpy(), groups["expected"].to_numpy())
    groups["large"] = groups["excess"] >= min_share * after.n
    groups["new"] = groups["excess"] >= _NEW * groups["after"]
    groups["dense"] = groups["spread"] < _TIGHT
    groups["p"] = [swap_p(v, d) for v, d in zip(excess, null.T, strict=True)]
    surprise = [normal_surprise(x, null, 1) for x in (excess, null)]
    return Births(
        groups=groups,
        profile=pd.DataFrame(profile, index=groups.index, columns=list(before.features)),
        ids=after.ids,
        cells=cells[1],
        holds=holds,
        smallest=min_share * after.n,
        tested=Surprises("birth", names, *surprise),
        since=compared.since,
    )


def _cells(compared: Comparison) -> tuple[tuple[IntArray, IntArray], FloatArray]:
    """The finest groups on each date, and their centres; cut blind to the date."""
    both = np.vstack([compared.before.matrix, compared.after.matrix])
    most = min(CELLS, max(2, len(both) // _PER_CELL), len(np.unique(both, axis=0)))
    # several threads would add up in any order, and the last digits differ between runs
    with threadpool_limits(limits=1):
        fitted = KMeans(most, n_init=1, random_state=compared.seed).fit(both)
    labels = fitted.labels_.astype(np.int64)
    return (labels[: compared.before.n], labels[compared.before.n :]), fitted.cluster_centers_


def _tree(centres: FloatArray, sizes: IntArray) -> BoolArray:
    """Cells, and all joins of them but the last, which is everybody; shape (groups, cells)."""
    m = len(centres)
    holds = [*np.eye(m, dtype=bool)]
    if m > 2:
        for left, right, *_ in ward(centres)[:-1]:
            holds.append(holds[int(left)] | holds[int(right)])
    found = np.array(holds)
    return found[found @ sizes > 0]


def _excess(before: FloatArray, after: FloatArray, holds: BoolArray) -> FloatArray:
    """Customers of each group beyond those that segments explain, over all; shape (…, groups).

    Parameters
    ----------
    before, after : arrays of shape (…, cells, k)
        Customers by cell and segment.

    Notes
    -----
    A segment grows as the cell of its median customer does: a group that is born inside
    it makes the segment itself grow, and would explain a part of itself.
    """
    growth = _median_growth(before, after)
    explained = (before * growth[..., None, :]).sum(axis=-1)
    excess = after.sum(axis=-1) - explained
    return excess @ holds.T / after.sum(axis=(-2, -1))[..., None]


def _log_ratio(after: IntArray, expected: FloatArray) -> FloatArray:
    """Log likelihood ratio of Poisson counts that are more than expected; else 0."""
    # half a customer where none is expected, as in each bin of the stability index
    least = np.maximum(expected, 0.5)
    ratio = xlogy(after, after / least) - (after - least)
    return np.where(after > least, ratio, 0.0)


def _median_growth(before: FloatArray, after: FloatArray) -> FloatArray:
    """Median over a segment's earlier customers of how their cell has grown; shape (…, k)."""
    ratio = after / np.where(before > 0, before, np.inf)
    order = np.argsort(ratio, axis=-2, kind="stable")
    weight = np.take_along_axis(before, order, axis=-2)
    reached = weight.cumsum(axis=-2) >= weight.sum(axis=-2, keepdims=True) / 2
    at = reached.argmax(axis=-2)[..., None, :]
    return np.take_along_axis(np.take_along_axis(ratio, order, axis=-2), at, axis=-2)[..., 0, :]


def _means(compared: Comparison, both: list[BoolArray]) -> FloatArray:
    """Mean features of each group's members on the later date, else on the earlier."""
    rows = []
    for first, second in zip(*both, strict=True):
        late = second.any()
        rows.append(
            compared.after.matrix[second].mean(axis=0) if late
            else compared.before.matrix[first].mean(axis=0)
        )  # fmt: skip
    return np.array(rows)


def _described(
    compared: Comparison, both: list[BoolArray], profile: FloatArray
) -> list[tuple[str, float, float]]:
    """Of each group the nearest segment, the distance from it, and its own spread."""
    centres, reach = segment_centres(compared.before)
    typical = float(np.nanmedian(reach))
    matrix = np.vstack([compared.before.matrix, compared.after.matrix])
    found = []
    for first, second, mean in zip(*both, profile, strict=True):
        apart = np.linalg.norm(centres - mean, axis=1)
        nearest = int(np.nanargmin(apart))
        rows = matrix[np.concatenate([first, second])]
        spread = float(np.median(np.linalg.norm(rows - mean, axis=1)))
        found.append((
            compared.before.segments[nearest], float(apart[nearest] / reach[nearest]),
            spread / typical if typical > 0 else np.inf,
        ))  # fmt: skip
    return found


def segment_centres(snapshot: Snapshot) -> tuple[FloatArray, FloatArray]:
    """Centres of segments, and the median distance of their members; NaN of an empty one."""
    k, p = len(snapshot.segments), snapshot.matrix.shape[1]
    centres, reach = np.full((k, p), np.nan), np.full(k, np.nan)
    for segment in range(k):
        rows = snapshot.matrix[snapshot.labels == segment]
        if len(rows):
            centres[segment] = rows.mean(axis=0)
            far = np.linalg.norm(rows - centres[segment], axis=1)
            # members that are all alike have no reach of their own
            reach[segment] = max(float(np.median(far)), 1e-9)
    return centres, reach
