"""Ranking customers by value: deciles of equal size, tiers of stated value.

Ties are broken by the customers' ids where these are given, else by position,
so that equal input gives equal output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def best_first(values: ArrayLike, ids: ArrayLike | None = None) -> NDArray[np.int64]:
    """Positions of customers from the highest value to the lowest.

    Raises
    ------
    ValueError
        If `values` is empty, not one-dimensional or not finite, naming the first bad one.
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 1 or numbers.size == 0:
        raise ValueError(f"values must be a non-empty column, got shape {numbers.shape}")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        raise ValueError(f"values must be finite, found {numbers[bad[0]]} at position {bad[0]}")
    if ids is None:
        return np.argsort(-numbers, kind="stable")
    by_id = np.argsort(np.asarray(ids), kind="stable")
    return by_id[np.argsort(-numbers[by_id], kind="stable")]


def value_deciles(values: ArrayLike, ids: ArrayLike | None = None) -> NDArray[np.int64]:
    """Decile of each customer, 1 = best tenth … 10; sizes differ by one at most.

    Parameters
    ----------
    values : array of shape (n_customers,)
    ids : array of shape (n_customers,), optional
        Breaks ties in ascending order.
    """
    order = best_first(values, ids)
    deciles = np.empty(order.size, dtype=np.int64)
    deciles[order] = np.arange(order.size) * 10 // order.size + 1
    return deciles


def value_tiers(
    values: ArrayLike,
    cut_points: Sequence[float],
    labels: Sequence[str],
    ids: ArrayLike | None = None,
) -> NDArray[np.object_]:
    """Tier of each customer by cumulative share of value, best first.

    With cut points (0.5, 0.8) the first tier is the smallest group of best
    customers who hold at least half of the value: the customer who reaches a
    cut point still belongs to the better tier. Customers who add nothing beyond
    the peak of the curve (value ≤ 0) belong to the last tier.

    Parameters
    ----------
    values : array of shape (n_customers,)
    cut_points : increasing shares between 0 and 1
    labels : one more than cut points, best first
    ids : array of shape (n_customers,), optional
        Breaks ties in ascending order.

    Raises
    ------
    ValueError
        If cut points or labels do not fit, or total value is not positive.
    """
    cuts = np.asarray(cut_points, dtype=float)
    if (cuts <= 0).any() or (cuts >= 1).any() or (np.diff(cuts) <= 0).any():
        raise ValueError(f"cut_points must increase between 0 and 1, got {tuple(cut_points)}")
    if len(labels) != cuts.size + 1:
        raise ValueError(f"{cuts.size} cut points need {cuts.size + 1} labels, got {len(labels)}")
    order = best_first(values, ids)
    ranked = np.asarray(values, dtype=float)[order]
    total = ranked.sum()
    if total <= 0:
        raise ValueError(f"total value must be positive to form tiers, got {total:g}")
    reached_before = (np.cumsum(ranked) - ranked) / total
    # rounding of the sums may not push a customer over a cut that is met exactly
    tier = np.searchsorted(cuts - 1e-12, reached_before, side="right")
    tier[ranked <= 0] = cuts.size
    result = np.empty(order.size, dtype=object)
    result[order] = np.asarray(labels, dtype=object)[tier]
    return result


def threshold_tiers(
    values: ArrayLike, thresholds: Sequence[float], labels: Sequence[str]
) -> NDArray[np.object_]:
    """Tier of each customer by own value: the best tier begins at the first threshold.

    Parameters
    ----------
    values : array of shape (n_customers,)
    thresholds : falling values at which tiers begin, in the unit of `values`
    labels : one more than thresholds, best first

    Raises
    ------
    ValueError
        If thresholds do not fall, labels do not fit, or a value is not finite.
    """
    steps = np.asarray(thresholds, dtype=float)
    if steps.size == 0 or not np.isfinite(steps).all() or (np.diff(steps) >= 0).any():
        raise ValueError(f"thresholds must fall, got {tuple(thresholds)}")
    if len(labels) != steps.size + 1:
        raise ValueError(f"{steps.size} thresholds need {steps.size + 1} labels, got {len(labels)}")
    numbers = np.asarray(values, dtype=float)
    if not np.isfinite(numbers).all():
        raise ValueError("values must be finite")
    # a value that meets a threshold belongs to the better tier
    return np.asarray(labels, dtype=object)[(numbers[:, None] < steps).sum(axis=1)]
