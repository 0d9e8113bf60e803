"""Segments that should be given up: too small, dying, or no longer told from another (S6).

Whether a segment shrinks and whether its members have come nearer to another segment is
tested against swapped dates; a segment below minimum size is a fact about the later date.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.segments.births import segment_centres
from crmlib.segments.drift import ShareChanges, Surprises, normal_surprise, share_changes, swap_p
from crmlib.segments.two_dates import Comparison, FloatArray, IntArray, Snapshot
from crmlib.stats.bootstrap import generator

_TOO_FEW = 5  # members from which a segment may be compared with another
_PURPOSE = 33


@dataclass(frozen=True)
class Retirements:
    """Which segments shrink, or are no longer told from another.

    Attributes
    ----------
    table : DataFrame
        By segment: before, after, came, left (customers), share_before, share_after, p_share
        (two-sided), renewal (came over left: below 1 who leaves is not replaced),
        neighbour (nearest other segment), separation_before, separation_after (mean of 1 −
        distance from the own centre over that from the next, 0–1), p_separation, one_cloud
        (how often a split of one Gaussian cloud looks as distinct, see Notes of
        `retirements`).
    smallest : float
        Customers that a segment must have.
    shares : ShareChanges
    tested : Surprises
        Of separation that is lost.
    """

    table: pd.DataFrame
    smallest: float
    shares: ShareChanges
    tested: Surprises


def retirements(compared: Comparison, *, min_share: float, replications: int) -> Retirements:
    """Segments below minimum size, shrinking, or no longer distinct.

    Parameters
    ----------
    compared : Comparison
    min_share : float
        Of customers, that a segment must have.
    replications : int
        Simulated clouds behind `one_cloud`.

    Notes
    -----
    `one_cloud` follows SigClust (Liu, Hayes, Nobel & Marron 2008, *JASA* 103: 1281–1293):
    customers of a segment and of its neighbour are compared with a single Gaussian cloud of
    their mean and covariance, split at its main axis. The cluster index is the squared
    deviation within the two parts over that of both together.
    """
    before, after = compared.before, compared.after
    size = len(before.segments)
    centres, _ = segment_centres(before)
    parts = [_separations(s, centres) for s in (before, after)]
    codes = []
    for shot, (values, _) in zip((before, after), parts, strict=True):
        hot = shot.labels[:, None] == np.arange(size)
        codes.append(np.hstack([hot, hot * values[:, None]]))
    (r, c), (r_null, c_null) = compared.sums(*codes)
    means = [x[..., size:] / np.maximum(x[..., :size], 1) for x in (r, c, r_null, c_null)]
    lost, null = means[0] - means[1], means[2] - means[3]
    changed = share_changes(compared)
    table = changed.table.rename(columns={"p": "p_share"}).drop(columns="change")
    table["left"] = np.bincount(before.labels[compared.only_before], minlength=size)
    table["came"] = np.bincount(after.labels[compared.only_after], minlength=size)
    table["renewal"] = table["came"] / table["left"].where(table["left"] > 0)
    neighbours = [_neighbour(after, parts[1][1], s) for s in range(size)]
    table["neighbour"] = [before.segments[n] for n in neighbours]
    table["separation_before"], table["separation_after"] = means[0], means[1]
    table["p_separation"] = [swap_p(v, d) for v, d in zip(lost, null.T, strict=True)]
    rng = generator(compared.seed, _PURPOSE)
    table["one_cloud"] = [
        _one_cloud(after, s, n, replications, rng) for s, n in enumerate(neighbours)
    ]
    surprise = [normal_surprise(x, null, 1) for x in (lost, null)]
    tested = Surprises("separation", before.segments, *surprise)
    return Retirements(table, min_share * after.n, changed, tested)


def _separations(shot: Snapshot, centres: FloatArray) -> tuple[FloatArray, IntArray]:
    """1 − distance from the own centre over that from the next, and which one is next."""
    far = np.column_stack([np.linalg.norm(shot.matrix - centre, axis=1) for centre in centres])
    rows = np.arange(shot.n)
    own = far[rows, shot.labels]
    far[rows, shot.labels] = np.inf
    far[np.isnan(far)] = np.inf
    following = far.argmin(axis=1)
    next_best = far[rows, following]
    ratio = own / np.where(next_best > 0, next_best, 1)
    return np.where(np.isfinite(next_best), 1 - ratio, 0.0), following


def _neighbour(shot: Snapshot, following: IntArray, segment: int) -> int:
    """The segment that is the next best for most members of one."""
    members = following[shot.labels == segment]
    if members.size == 0:
        return segment
    return int(np.bincount(members, minlength=len(shot.segments)).argmax())


def _one_cloud(
    shot: Snapshot, segment: int, neighbour: int, replications: int, rng: np.random.Generator
) -> float:
    """p-value of the cluster index of a segment and its neighbour under one Gaussian cloud."""
    inside = np.isin(shot.labels, [segment, neighbour])
    rows, own = shot.matrix[inside], shot.labels[inside] == segment
    if segment == neighbour or min(own.sum(), (~own).sum()) < _TOO_FEW:
        return 1.0
    observed = _cluster_index(rows, own)
    scales = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(rows.T)), 0))[::-1]
    few = min(len(rows), 2_000)
    null = np.empty(replications)
    for at in range(replications):
        cloud = rng.standard_normal((few, scales.size)) * scales
        null[at] = _cluster_index(cloud, cloud[:, 0] > np.quantile(cloud[:, 0], own.mean()))
    return float((1 + (null <= observed).sum()) / (1 + replications))


def _cluster_index(rows: FloatArray, part: NDArray[np.bool_]) -> float:
    """Squared deviations from the means of two parts, over those from the mean of all."""
    within = sum(((x - x.mean(axis=0)) ** 2).sum() for x in (rows[part], rows[~part]))
    return float(within / ((rows - rows.mean(axis=0)) ** 2).sum())
