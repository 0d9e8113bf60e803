"""How unequally value is spread over customers (V2).

Lorenz curve, Gini and top shares in the form used by customer-base audits.
Negative values (unprofitable customers) are legal input: the curve then rises
above 1 before it falls back, which consultants call a whale curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.disclosure import band_ends
from crmlib.stats.intervals import percentile_interval
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.tiers import best_first
from crmlib.value.observations import check_weights

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Concentration:
    """Cumulative share of value by cumulative share of customers, best first.

    Attributes
    ----------
    curve : DataFrame of shape (n_customers + 1, 2)
        customers (0–1) and value (0–1, may exceed 1), from (0, 0) to (1, 1).
    gini : float or None
        Twice the area between curve and diagonal, no small-sample factor; None
        where some values are negative, since it is then not bounded by 1.
    """

    curve: pd.DataFrame
    gini: float | None

    def top(self, share: float) -> float:
        """Share of total value held by the best `share` (0–1) of customers."""
        if not 0 <= share <= 1:
            raise ValueError(f"share must lie between 0 and 1, got {share!r}")
        return float(np.interp(share, self.curve["customers"], self.curve["value"]))

    def banded(self, bands: int) -> pd.DataFrame:
        """The curve at whole customers between equal bands of them, weights being 1.

        Parameters
        ----------
        bands : int
            Into how many bands the ranked customers are cut.

        Returns
        -------
        DataFrame of shape (bands + 1, 3)
            share (0, 1/bands, … 1), customers (in the best bands, whole), value
            (their share of the total).
        """
        ends = band_ends(len(self.curve) - 1, bands)
        shares = np.arange(bands + 1) / bands
        value = self.curve["value"].to_numpy()[ends]
        return pd.DataFrame({"share": shares, "customers": ends, "value": value})


def concentration(values: ArrayLike, weights: ArrayLike | None = None) -> Concentration:
    """Concentration of value over customers, in O(n log n).

    Parameters
    ----------
    values : array of shape (n_customers,)
        Money per customer; may be negative.
    weights : array of shape (n_customers,), optional
        Number of customers a row stands for.

    Raises
    ------
    ValueError
        If values are not finite, or their total is not positive (shares of it
        then have no meaning).
    """
    order = best_first(values)
    ranked = np.asarray(values, dtype=float)[order]
    checked = check_weights(weights, ranked.size)
    sizes = np.ones(ranked.size) if checked is None else checked[order]
    curve = pd.DataFrame(curve_points(ranked, sizes), columns=["customers", "value"])
    return Concentration(curve, _gini(curve.to_numpy()) if ranked[-1] >= 0 else None)


def band_table(values: ArrayLike, bands: int) -> pd.DataFrame:
    """Value by equal bands of customers, 1 = best; the bands of `Concentration.banded`.

    Parameters
    ----------
    values : array of shape (n_customers,)
    bands : int
        10 for deciles.

    Returns
    -------
    DataFrame
        band, customers, value, share, cumulative_share, mean; one row per band
        that has customers.

    Raises
    ------
    ValueError
        If values are not finite, or their total is not positive.
    """
    ranked = np.asarray(values, dtype=float)[best_first(values)]
    ends = band_ends(ranked.size, bands)
    band = np.repeat(np.arange(1, bands + 1), np.diff(ends))
    table = (
        pd.DataFrame({"band": band, "value": ranked})
        .groupby("band", as_index=False)
        .agg(customers=("value", "size"), value=("value", "sum"))
    )
    share = table["value"] / _positive_total(ranked.sum())
    return table.assign(
        share=share, cumulative_share=share.cumsum(), mean=table["value"] / table["customers"]
    )


def concentration_intervals(
    values: ArrayLike,
    shares: Sequence[float],
    *,
    replications: int,
    seed: int,
    level: float,
) -> pd.Series:
    """Bootstrap intervals of the Gini and of top shares.

    Parameters
    ----------
    values : array of shape (n_customers,)
    shares : sequence of float
        Shares of best customers, 0–1.
    replications, seed, level
        Bootstrap over customers, percentile intervals of this nominal coverage.

    Returns
    -------
    Series of Interval
        Index: each share, then "gini" where it is defined.
    """
    ranked = np.sort(np.asarray(values, dtype=float))[::-1]
    whole = concentration(ranked)
    # NotIdentified from a resample is meant: an interval would have no bounds
    draws = np.array(
        [
            [*np.interp(shares, *points.T), _gini(points)]
            for sizes in bootstrap_weights(ranked.size, replications, generator(seed))
            for points in [curve_points(ranked, sizes)]
        ]
    )
    intervals = {
        share: percentile_interval(whole.top(share), draws[:, column], level)
        for column, share in enumerate(shares)
    }
    if whole.gini is not None:
        intervals["gini"] = percentile_interval(whole.gini, draws[:, -1], level)
    return pd.Series(intervals, dtype=object)


def curve_points(ranked: FloatArray, sizes: FloatArray) -> FloatArray:
    """Points (customers, value) of the curve for values ranked best first."""
    people, money = np.cumsum(sizes), np.cumsum(ranked * sizes)
    points = np.zeros((ranked.size + 1, 2))
    points[1:, 0] = people / people[-1]
    points[1:, 1] = money / _positive_total(money[-1])
    return points


def _gini(points: FloatArray) -> float:
    customers, value = points.T
    return float(2 * np.trapezoid(value, customers) - 1)


def _positive_total(total: float) -> float:
    if not total > 0:
        raise NotIdentified(f"total value is {total:g}: shares of it have no meaning")
    return float(total)
