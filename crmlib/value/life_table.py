"""Rates of loss by age of the contract, among those at risk in the window (V7).

The period life table of demographers: in each period of age, who was at risk within
the window and who ended. Contracts that began before the window count from the age
at which the window finds them, so that their earlier survival is not taken as seen.
Preston, Heuveline & Guillot (2001), *Demography*, ch. 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.proportion import proportion_confint

from crmlib.stats.optimise import NotIdentified
from crmlib.value.observations import check_column, check_weights

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Exposure:
    """Contracts at risk and lost in each period of age.

    Attributes
    ----------
    tenure : array of int, shape (n_periods,)
        Period of age, 1 for the first; only those in which somebody was at risk.
    at_risk, ended : arrays of shape (n_periods,)
        Sums of weights.
    contracts : float
        Sum of weights of contracts that were at risk at any time.
    """

    tenure: IntArray
    at_risk: FloatArray
    ended: FloatArray
    contracts: float

    @property
    def rate(self) -> float:
        """Losses per contract and period at risk."""
        return float(self.ended.sum() / self.at_risk.sum())


def exposure(
    duration: ArrayLike,
    ended: ArrayLike,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Exposure:
    """Count contracts at risk and lost by period of age.

    Parameters
    ----------
    duration : array of shape (n_contracts,)
        Whole periods seen: the period of age in which the contract ended, or, where it
        did not, the periods completed.
    ended : array of bool, shape (n_contracts,)
    entry : array of shape (n_contracts,), optional
        Whole periods completed before observation began; 0 where omitted. A contract
        with entry equal to duration was never at risk.
    weights : array of shape (n_contracts,), optional
        Number of contracts a row stands for.

    Raises
    ------
    ValueError
        Naming the argument and the first offending value.
    """
    lasted, lost, since = _check_spells(duration, ended, entry)
    given = check_weights(weights, lasted.size)
    weight = np.ones(lasted.size) if given is None else given
    size = int(lasted.max()) + 1
    seen = lasted > since

    def count(at: IntArray, where: NDArray[np.bool_]) -> FloatArray:
        return np.bincount(at[where], weight[where], size)

    # at risk in period t: entry < t ≤ duration
    begun = np.concatenate([[0.0], np.cumsum(count(since, seen))[:-1]])
    over = np.concatenate([[0.0], np.cumsum(count(lasted, seen))[:-1]])
    at_risk, losses = begun - over, count(lasted, lost & seen)
    # differences of sums: what is left of nobody is rounding
    present = at_risk > 1e-9 * max(weight.sum(), 1.0)
    return Exposure(
        tenure=np.flatnonzero(present),
        at_risk=at_risk[present],
        ended=np.minimum(losses[present], at_risk[present]),
        contracts=float(weight[seen].sum()),
    )


def survivor_exposure(survivors: pd.DataFrame | ArrayLike) -> Exposure:
    """Count contracts at risk and lost by period of age from counts of survivors.

    Parameters
    ----------
    survivors : DataFrame of shape (n_cohorts, n_periods + 1), or array of one cohort
        Contracts there at the start, after one period, after two, …; empty (NaN) where
        not yet observed.

    Raises
    ------
    ValueError
        Naming the cohort and what is wrong with its counts.
    """
    table = survivors if isinstance(survivors, pd.DataFrame) else pd.DataFrame([survivors])
    counts = table.to_numpy(dtype=float)
    if counts.ndim != 2 or min(counts.shape) == 0:
        raise ValueError("survivors must have a row per cohort and a column per age")
    known = ~np.isnan(counts)
    filled = np.where(known, counts, 0.0)
    rules = {
        "must begin with a number of contracts": ~known[:, 0] | ~(filled[:, 0] > 0),
        "must be finite and not negative": (np.isinf(filled) | (filled < 0)).any(axis=1),
        "has a hole: later ages are filled": (~known[:, :-1] & known[:, 1:]).any(axis=1),
        "has more survivors than the period before": (
            (np.diff(filled) > 0) & known[:, 1:] & known[:, :-1]
        ).any(axis=1),
    }
    for rule, broken in rules.items():
        if broken.any():
            raise ValueError(f"survivors of cohort {table.index[int(np.argmax(broken))]} {rule}")
    both = known[:, 1:]
    at_risk = np.where(both, filled[:, :-1], 0.0).sum(axis=0)
    ended = np.where(both, -np.diff(filled), 0.0).sum(axis=0)
    seen = at_risk > 0
    tenure = np.arange(1, counts.shape[1])
    followed = filled[both[:, 0], 0].sum() if both.shape[1] else 0.0
    return Exposure(tenure[seen], at_risk[seen], ended[seen], float(followed))


def _check_spells(
    duration: ArrayLike, ended: ArrayLike, entry: ArrayLike | None
) -> tuple[IntArray, NDArray[np.bool_], IntArray]:
    """Whole durations, flags and entries checked against each other."""
    lasted = _whole("duration", duration)
    lost = check_column("ended", np.asarray(ended, dtype=float), lasted.size)
    if not np.isin(lost, (0.0, 1.0)).all():
        first = int(np.argmax(~np.isin(lost, (0.0, 1.0))))
        raise ValueError(f"ended must be yes or no: found {lost[first]:g} at position {first}")
    nothing = np.zeros(lasted.size)
    since = _whole("entry", nothing if entry is None else entry, lasted.size)
    for rule, broken in {
        "must not exceed duration": since > lasted,
        "must be below duration where the contract ended": (since == lasted) & (lost == 1),
    }.items():
        if broken.any():
            first = int(np.argmax(broken))
            raise ValueError(f"entry {rule}: found {since[first]} at position {first}")
    return lasted, lost == 1, since


def _whole(name: str, values: ArrayLike, size: int | None = None) -> IntArray:
    column = check_column(name, values, size)
    broken = column != np.round(column)
    if broken.any():
        first = int(np.argmax(broken))
        raise ValueError(
            f"{name} must be whole periods: found {column[first]:g} at position {first}"
        )
    return column.astype(np.int64)


@dataclass(frozen=True)
class LifeTable:
    """Rate of loss by period of age, and what survives.

    Attributes
    ----------
    table : DataFrame of shape (n_periods, 6), index tenure
        at_risk, ended, hazard (0–1) with lower and upper, survival to the end of the
        period of those who were there at the age `since`.
    since, until : int
        Whole periods of age between which somebody was at risk without a gap.
    level : float
        Nominal coverage of the hazard's interval.
    left_out : float
        Contracts × periods at risk at ages beyond a gap, which the table leaves out.
    """

    table: pd.DataFrame
    since: int
    until: int
    level: float
    left_out: float

    def survival(self, periods: ArrayLike, renewed: ArrayLike = 0) -> FloatArray:
        """Probability that a contract of age `renewed` is there `periods` later.

        Parameters
        ----------
        periods, renewed : arrays that broadcast
            Whole periods.

        Raises
        ------
        NotIdentified
            If an age below `since`, or beyond `until` while contracts survive to it, is
            asked for: nobody was at risk there.
        """
        ahead, age = np.broadcast_arrays(np.asarray(periods), np.asarray(renewed))
        if (age < self.since).any():
            raise NotIdentified(f"nobody was at risk before age {self.since + 1}")
        reached = age + ahead
        if not self.all_leave and (reached > self.until).any():
            raise NotIdentified(f"nobody was at risk after age {self.until}: survival is unknown")
        # an age at which all left is counted apart: later ages, seen by delayed entry, go on
        hazard = self.table["hazard"].to_numpy()
        lost = np.concatenate([[0], np.cumsum(hazard >= 1)])
        risk = -np.log1p(-np.where(hazard < 1, hazard, 0.0))
        risk = np.concatenate([[0.0], np.cumsum(risk)])
        last = self.until - self.since
        start, end = (np.minimum(at - self.since, last) for at in (age, reached))
        there = (lost[start] == lost[end]) & (age <= self.until)
        return np.where(there, np.exp(risk[start] - risk[end]), 0.0)

    @property
    def all_leave(self) -> bool:
        """Whether nobody outlives the table: all left at its last age and none is seen later."""
        return bool(self.table["hazard"].iloc[-1] >= 1) and self.left_out == 0

    @property
    def curve(self) -> FloatArray:
        """Survival at ages since, since + 1, … until; the first is 1."""
        return np.concatenate([[1.0], self.table["survival"].to_numpy()])


def life_table(
    duration: ArrayLike,
    ended: ArrayLike,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    *,
    level: float,
) -> LifeTable:
    """Period life table of contracts; arguments as in `exposure`.

    The hazard's interval is Wilson's. Where no contract was at risk at some age, the
    stretch with most contracts × periods is kept and the rest is counted in `left_out`.

    Raises
    ------
    NotIdentified
        If no contract was at risk in any whole period.
    """
    return life_table_of(exposure(duration, ended, entry, weights), level=level)


def life_table_of(counts: Exposure, *, level: float) -> LifeTable:
    """Period life table from contracts at risk and lost."""
    kept = longest_stretch(counts)
    tenure, at_risk, ended = counts.tenure[kept], counts.at_risk[kept], counts.ended[kept]
    hazard = ended / at_risk
    lower, upper = proportion_confint(ended, at_risk, alpha=1 - level, method="wilson")
    table = pd.DataFrame(
        {
            "at_risk": at_risk,
            "ended": ended,
            "hazard": hazard,
            "lower": np.clip(lower, 0, hazard),
            "upper": np.clip(upper, hazard, 1),
            "survival": np.cumprod(1 - hazard),
        },
        index=pd.Index(tenure, name="tenure"),
    )
    left_out = float(counts.at_risk[~kept].sum())
    return LifeTable(table, int(tenure[0]) - 1, int(tenure[-1]), level, left_out)


def longest_stretch(counts: Exposure) -> NDArray[np.bool_]:
    """Periods of the stretch without a gap that has most contracts × periods at risk.

    Raises
    ------
    NotIdentified
        If no contract was at risk in any whole period.
    """
    if counts.tenure.size == 0:
        raise NotIdentified("no contract was under observation for a whole period")
    stretch = np.cumsum(np.diff(counts.tenure, prepend=counts.tenure[0]) > 1)
    return stretch == int(np.argmax(np.bincount(stretch, counts.at_risk)))
