"""How long contracts survive, without a model of why (V7).

Kaplan–Meier curves with delayed entry, medians, and the log-rank test between groups,
by ``statsmodels.duration``, after Klein & Moeschberger (2003), *Survival Analysis*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from crmlib.stats.optimise import NotIdentified
from crmlib.value.observations import check_column

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

FEW_AT_RISK = 10  # a curve that rests on fewer is noted


@dataclass(frozen=True)
class Median:
    """Age by which half have left; a bound is None where the curve does not come down to it."""

    value: float | None
    lo: float | None
    hi: float | None


@dataclass(frozen=True)
class SurvivalCurve:
    """A Kaplan–Meier curve with pointwise log-log intervals.

    Attributes
    ----------
    table : DataFrame of shape (n_event_ages, 5), index age
        at_risk, ended, survival, lower, upper; the curve is constant in between.
    origin : float
        Age at which the curve starts at 1: survival is that of contracts of this age.
    until : float
        Oldest age under observation; the curve says nothing beyond.
    contracts, events : int
        Contracts at risk after the origin, and how many of them ended.
    median : Median
    level : float
        Nominal coverage.
    notes : tuple of str
    """

    table: pd.DataFrame
    origin: float
    until: float
    contracts: int
    events: int
    median: Median
    level: float
    notes: tuple[str, ...]

    def at(self, age: ArrayLike) -> pd.DataFrame:
        """Survival with bounds at ages between `origin` and `until`.

        Raises
        ------
        NotIdentified
            If an age lies outside: nobody was observed there.
        """
        asked = np.atleast_1d(np.asarray(age, dtype=float))
        if not ((asked >= self.origin) & (asked <= self.until)).all():
            raise NotIdentified(
                f"survival is known from age {self.origin:g} to {self.until:g} only"
            )
        start = pd.DataFrame({"survival": [1.0], "lower": [1.0], "upper": [1.0]})
        steps = pd.concat([start, self.table[["survival", "lower", "upper"]]], ignore_index=True)
        position = np.searchsorted(self.table.index.to_numpy(), asked, side="right")
        return steps.iloc[position].set_axis(pd.Index(asked, name="age"))


@dataclass(frozen=True)
class GroupedSurvival:
    """Survival curves by group and the log-rank test that they are one.

    `chi2`, `df` and `p_value` are of the log-rank test, KM section 7.3; `left_out` holds
    the reason by group where there is no curve.
    """

    curves: dict[str, SurvivalCurve]
    chi2: float
    df: int
    p_value: float
    left_out: dict[str, str]


@dataclass(frozen=True)
class Spells:
    """Ages at entry and exit and whether the contract ended; those at risk after the origin."""

    entry: FloatArray
    age: FloatArray
    ended: BoolArray
    kept: BoolArray  # shape (n_contracts given,)

    @classmethod
    def of(
        cls, age: ArrayLike, ended: ArrayLike, entry: ArrayLike | None, origin: float = 0.0
    ) -> Spells:
        """Check columns of shape (n_contracts,) and leave out who was never at risk."""
        exit_age = check_column("age", age)
        flag = check_column("ended", np.asarray(ended, dtype=float), exit_age.size)
        if not np.isin(flag, (0.0, 1.0)).all():
            raise ValueError("ended must be yes or no")
        since = np.zeros(exit_age.size) if entry is None else entry
        since = check_column("entry", since, exit_age.size)
        if (since > exit_age).any():
            first = int(np.argmax(since > exit_age))
            raise ValueError(f"entry must not exceed age: found {since[first]:g} at {first}")
        if not origin >= 0:
            raise ValueError(f"origin must be 0 or more: found {origin!r}")
        since = np.maximum(since, origin)
        kept = exit_age > since
        return cls(since[kept], exit_age[kept], flag[kept] == 1, kept)


def kaplan_meier(
    age: ArrayLike,
    ended: ArrayLike,
    entry: ArrayLike | None = None,
    *,
    level: float,
    origin: float = 0.0,
) -> SurvivalCurve:
    """Kaplan–Meier curve with delayed entry.

    Parameters
    ----------
    age : array of shape (n_contracts,)
        Age when the contract ended or was last seen.
    ended : array of bool, shape (n_contracts,)
    entry : array of shape (n_contracts,), optional
        Age at which observation began; 0 where omitted. A contract is at risk at ages
        above its entry, up to and with its exit.
    level : float
        Nominal coverage of the pointwise intervals.
    origin : float
        Start the curve at this age. With delayed entry few may be at risk at young ages.

    Raises
    ------
    ValueError
        Naming the argument and what is wrong with it.
    NotIdentified
        If nobody was at risk after the origin, nobody ended, or most ends lie beyond an age
        at which all who were under observation ended.

    Notes
    -----
    Where all who are at risk at some age end there while others are seen at older ages,
    the product limit would be 0 from then on for want of contracts; the curve stops
    before that age (KM section 4.6).
    """
    spells = Spells.of(age, ended, entry, origin)
    if not spells.ended.any():
        who = "no contract ended" if spells.age.size else "no contract was at risk"
        raise NotIdentified(f"{who} after age {origin:g}: there is no survival curve")
    fitted = SurvfuncRight(spells.age, spells.ended.astype(int), entry=spells.entry)
    ages, at_risk = np.asarray(fitted.surv_times), np.asarray(fitted.n_risk, dtype=float)
    losses = np.asarray(fitted.n_events, dtype=float)
    until, notes = _where_it_stops(ages, at_risk, losses, spells)
    known = (ages < until) if notes else np.ones(ages.size, dtype=bool)
    table = _with_bounds(ages[known], at_risk[known], losses[known], level)
    half = table["at_risk"].to_numpy()[: max(len(table) // 2, 1)]
    if half.min() < FEW_AT_RISK:
        notes += (
            f"fewer than {FEW_AT_RISK} contracts are at risk at age "
            f"{table.index[int(np.argmin(half))]:.4g}, and survival at older ages rests on them",
        )
    return SurvivalCurve(
        table=table,
        origin=float(origin),
        until=until,
        contracts=int(spells.age.size),
        events=int(spells.ended.sum()),
        median=_median(table),
        level=float(level),
        notes=notes,
    )


def _where_it_stops(
    ages: FloatArray, at_risk: FloatArray, losses: FloatArray, spells: Spells
) -> tuple[float, tuple[str, ...]]:
    """Oldest age the curve tells of, and a note where it stops before the oldest seen."""
    oldest = float(spells.age.max())
    exhausted = ages[at_risk <= losses]
    if exhausted.size == 0 or exhausted[0] == oldest:
        return oldest, ()
    stop = float(exhausted[0])
    if losses[ages >= stop].sum() > losses.sum() / 2:
        raise NotIdentified(
            f"all contracts under observation at age {stop:.4g} ended there, while "
            f"{(spells.age > stop).sum():,} are seen at older ages: start the curve at an age "
            "where more are at risk"
        )
    return stop, (f"the curve stops at age {stop:.4g}, where all under observation ended",)


def _with_bounds(
    ages: FloatArray, at_risk: FloatArray, losses: FloatArray, level: float
) -> pd.DataFrame:
    """Product limit with Greenwood's variance and log-log bounds."""
    survival = np.cumprod(1 - losses / at_risk)
    alive = survival > 0  # at 0 there is no variance: the bound of the age before is kept
    safe = np.where(alive, at_risk - losses, 1.0)
    error = np.sqrt(np.cumsum(np.where(alive, losses / (at_risk * safe), 0.0)))
    inner = np.where(alive, survival, 0.5)
    reach = np.exp(stats.norm.ppf((1 + level) / 2) * error / np.log(inner))
    lower, upper = inner ** (1 / reach), inner**reach
    upper[~alive] = upper[alive][-1] if alive.any() else 1.0
    lower[~alive] = 0.0
    return pd.DataFrame(
        {
            "at_risk": at_risk.astype(int),
            "ended": losses.astype(int),
            "survival": survival,
            "lower": lower,
            "upper": upper,
        },
        index=pd.Index(ages, name="age"),
    )


def _median(table: pd.DataFrame) -> Median:
    """First age at which the curve, and each bound, is at most one half, KM section 4.5."""

    def first(column: str) -> float | None:
        reached = table[column].to_numpy() <= 0.5 + 1e-12
        return float(table.index[int(np.argmax(reached))]) if reached.any() else None

    return Median(first("survival"), first("lower"), first("upper"))


def kaplan_meier_by_group(
    age: ArrayLike,
    ended: ArrayLike,
    group: ArrayLike,
    entry: ArrayLike | None = None,
    *,
    level: float,
    origin: float = 0.0,
) -> GroupedSurvival:
    """A curve per group, and the log-rank test over the groups that have one.

    Parameters
    ----------
    group : array of str, shape (n_contracts,)
        Other arguments as in `kaplan_meier`.

    Raises
    ------
    NotIdentified
        If fewer than two groups have a curve, or the curves have no age in common.
    """
    labels = np.asarray(group).astype(str)
    spells = Spells.of(age, ended, entry, origin)
    if labels.shape != spells.kept.shape:
        raise ValueError(f"group has {labels.size} values where {spells.kept.size} were expected")
    labels = labels[spells.kept]
    curves, left_out = {}, {}
    for name in np.unique(labels):
        own = labels == name
        try:
            curves[str(name)] = kaplan_meier(
                spells.age[own], spells.ended[own], spells.entry[own], level=level, origin=origin
            )
        except NotIdentified as error:
            left_out[str(name)] = str(error)
    if len(curves) < 2:
        raise NotIdentified("fewer than two groups have a survival curve to compare")
    own = np.isin(labels, list(curves))
    chi2 = _log_rank(spells.age[own], spells.ended[own], labels[own], spells.entry[own])
    df = len(curves) - 1
    return GroupedSurvival(curves, chi2, df, float(stats.chi2.sf(chi2, df)), left_out)


def _log_rank(age: FloatArray, ended: BoolArray, labels: ArrayLike, entry: FloatArray) -> float:
    try:
        chi2, _ = survdiff(age, ended.astype(int), labels, entry=entry)
    except np.linalg.LinAlgError:
        raise NotIdentified("the groups are never at risk at the same age") from None
    if not np.isfinite(chi2):
        raise NotIdentified("the groups are never at risk at the same age")
    return float(chi2)
