"""Which issues drive overall satisfaction, and how surely (N4).

Importance is derived from answers, not asked for: the share of the explained variance
of an outcome that belongs to each item. Drivers are correlated answers of the same
people at the same time; as evidence of what a change would do they grade below any trial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.needs.relative_importance import MOST_PREDICTORS, johnson, lmg, slopes
from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
_BATCH = 64  # resamples whose subsets are held in memory at once


@dataclass(frozen=True)
class Drivers:
    """Importance of each item for the outcome.

    Attributes
    ----------
    table : DataFrame
        One row per item, most important first: item, n_answered, performance (weighted mean
        answer), shapley (part of R²), shapley_lo, shapley_hi, share (of R², 0–1), johnson,
        johnson_lo, johnson_hi, correlation, slope (points of outcome per point of the item,
        others held), slope_lo, slope_hi, notes.
    r2 : Interval
        Explained share of the outcome's variance.
    n_complete, n_asked : int
        Respondents who answered everything, and all; the former were used.
    slope_draws : DataFrame of shape (replications, n_items)
        Slopes in each resample, in the items' given order.
    replications : int
    """

    table: pd.DataFrame
    r2: Interval
    n_complete: int
    n_asked: int
    slope_draws: pd.DataFrame
    replications: int

    def summary(self) -> str:
        """Importance by item, and on whose answers it rests."""
        shown = self.table.set_index("item")[["performance", "share", "shapley", "johnson"]]
        return (
            f"Drivers: R² {self.r2.value:.3f} ({self.r2.lo:.3f} to {self.r2.hi:.3f}), "
            f"{self.n_complete} complete of {self.n_asked} answer sheets\n"
            f"{shown.round(4).to_string()}"
        )


def drivers(
    items: pd.DataFrame,
    outcome: pd.Series,
    *,
    replications: int,
    seed: int,
    level: float,
    weights: pd.Series | None = None,
) -> Drivers:
    """Shapley (LMG) and Johnson importance of items, with bootstrap intervals.

    Parameters
    ----------
    items : DataFrame of shape (n_respondents, n_items)
        Answers as numbers, missing allowed; one row per respondent.
    outcome : Series, same index
        Overall satisfaction or the like.
    replications, seed, level
        Bootstrap over respondents; nominal coverage of its percentile intervals.
    weights : Series, same index, optional
        Survey weights; only their ratios count.

    Raises
    ------
    NotIdentified
        If the outcome or every item is constant, there are more items than can be taken
        apart, or no more complete answer sheets than items and three.

    Notes
    -----
    Only complete answer sheets are used: a covariance matrix of pairwise answers need not
    be one of any data. Importance cannot be negative; its interval therefore stays above
    zero for an item that explains nothing, and is no test.
    """
    _check_size(items)
    frame = items.assign(**{"\0outcome": outcome}).astype(float)
    if weights is None:
        given = np.ones(len(frame))
    else:
        given = weights.reindex(frame.index).to_numpy(float)
        if (given < 0).any():
            raise ValueError("weights must not be negative")
    complete = frame.notna().all(axis=1).to_numpy() & (given > 0)  # a missing weight is none
    data, weight = frame.to_numpy()[complete], given[complete]
    if len(data) <= items.shape[1] + 3:
        raise NotIdentified(
            f"{len(data)} of {len(frame)} answer sheets are complete, "
            f"too few for {items.shape[1]} drivers"
        )
    point = _moments(data, weight, np.ones((1, len(data))))
    _check_spread(point, items.columns)
    draws = _resampled(data, weight, replications, seed)
    return _tabled(items, data, weight, point, draws, level)


@dataclass(frozen=True)
class _Decomposed:
    shapley: FloatArray
    johnson: FloatArray
    slope: FloatArray
    correlation: FloatArray


def _check_size(items: pd.DataFrame) -> None:
    if items.shape[1] == 0:
        raise NotIdentified("no item is named as a driver")
    if items.shape[1] > MOST_PREDICTORS:
        raise NotIdentified(
            f"{items.shape[1]} drivers are too many to take apart (at most {MOST_PREDICTORS}): "
            "use means of blocks of items"
        )


def _check_spread(covariance: FloatArray, names: pd.Index) -> None:
    """Something must vary, and vary together with the outcome at all."""
    spread = np.diagonal(covariance[0])
    if spread[-1] <= 0:
        raise NotIdentified("all respondents give the same answer to the outcome of the drivers")
    if (spread[:-1] <= 0).all():
        raise NotIdentified(f"no driver varies: {', '.join(map(str, names))}")


def _moments(data: FloatArray, weight: FloatArray, counts: FloatArray) -> FloatArray:
    """Weighted covariance matrices, one per row of `counts` (resamples × respondents)."""
    centre = np.average(data, axis=0, weights=weight)
    # a constant column is exactly zero after this, whatever its mean's rounding
    centred = np.where(np.ptp(data, axis=0) > 0, data - centre, 0.0)
    size = data.shape[1]
    upper = np.triu_indices(size)
    used = counts * weight
    total = used.sum(axis=1)
    products = used @ (centred[:, upper[0]] * centred[:, upper[1]]) / total[:, None]
    means = used @ centred / total[:, None]
    square = np.zeros((len(counts), size, size))
    square[:, upper[0], upper[1]] = products
    square[:, upper[1], upper[0]] = products
    return square - means[:, :, None] * means[:, None, :]


def _decompose(covariance: FloatArray) -> _Decomposed:
    spread = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0.0))
    # in a resample an item may be constant but for rounding
    varies = spread > 1e-7 * spread.max(axis=0)
    scale = np.where(varies, 1 / np.where(varies, spread, 1.0), 0.0)
    correlation = covariance * scale[:, :, None] * scale[:, None, :]
    return _Decomposed(
        lmg(correlation),
        johnson(correlation),
        # in standard units, so that an item's unit does not decide what counts as collinear
        slopes(correlation) * scale[:, :-1] * spread[:, -1:],
        correlation[:, :-1, -1],
    )


def _resampled(data: FloatArray, weight: FloatArray, replications: int, seed: int) -> _Decomposed:
    """The decomposition in each bootstrap resample."""
    resamples = bootstrap_weights(len(data), replications, generator(seed))
    parts = []
    for start in range(0, replications, _BATCH):
        counts = np.array([next(resamples) for _ in range(min(_BATCH, replications - start))])
        parts.append(_decompose(_moments(data, weight, counts)))
    names = ("shapley", "johnson", "slope", "correlation")
    return _Decomposed(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def _tabled(
    items: pd.DataFrame,
    data: FloatArray,
    weight: FloatArray,
    covariance: FloatArray,
    draws: _Decomposed,
    level: float,
) -> Drivers:
    found = _decompose(covariance)
    r2 = float(found.johnson.sum())
    tails = [(1 - level) / 2, (1 + level) / 2]
    table = pd.DataFrame({"item": items.columns, "n_answered": items.notna().sum().to_numpy()})
    table["performance"] = np.average(data[:, :-1], axis=0, weights=weight)
    for name in ("shapley", "johnson", "slope"):
        table[name] = getattr(found, name)[0]
        table[f"{name}_lo"], table[f"{name}_hi"] = np.quantile(getattr(draws, name), tails, axis=0)
    table["share"] = table["shapley"] / r2 if r2 > 0 else np.nan
    table["correlation"] = found.correlation[0]
    table["notes"] = _notes(covariance[0][:-1, :-1])
    return Drivers(
        table=table.sort_values("shapley", ascending=False, kind="stable", ignore_index=True),
        r2=percentile_interval(r2, draws.johnson.sum(axis=1), level),
        n_complete=len(data),
        n_asked=len(items),
        slope_draws=pd.DataFrame(draws.slope, columns=items.columns),
        replications=len(draws.slope),
    )


def _notes(among: FloatArray) -> list[str]:
    """Items that are constant, or that the others repeat."""
    spread = np.sqrt(np.diagonal(among))
    varies = spread > 0
    notes = np.where(varies, "", "constant").astype(object)
    scale = spread[varies]
    values, vectors = np.linalg.eigh(among[np.ix_(varies, varies)] / np.outer(scale, scale))
    repeated = (np.abs(vectors[:, values < 1e-8]) > 1e-4).any(axis=1)
    notes[np.flatnonzero(varies)[repeated]] = "repeated by other items: its slope is not its own"
    return notes.tolist()
