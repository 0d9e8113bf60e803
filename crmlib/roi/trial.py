"""The effect of a trial from its customers, with its interval (R2).

A random half makes the plain difference of means right; what is known of customers from before
makes it sharper. Both adjustments here are right without any model being so: regression with
interactions (Lin 2013, *Annals of Applied Statistics* 7:295) and CUPED (Deng, Xu, Kohavi &
Walker 2013, *WSDM*). How much sharper is shown, not promised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.errors import suggestion
from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
Method = Literal["difference", "regression", "cuped"]

_FEWEST = 2  # customers of an arm, of whom a spread can be told
_TIED = 1e-9  # of a column's spread that is left beside the others': it says nothing new
# Customers of each arm who differ from its most frequent value: of fewer, one alone decides what
# a regression says of the column, is fitted exactly, and makes the standard error too small.
_CARRIED = 5
_ATTRITION = 0.001  # chance of shares without an outcome that differ so much between arms


@dataclass(frozen=True)
class Effect:
    """Treated less control, per customer assigned.

    Attributes
    ----------
    mean, se : float
        In the outcome's unit.
    interval : Interval
    df : float
        Degrees of freedom of the interval's t distribution.
    n_treated, n_control : int
        With an outcome.
    method : {"difference", "regression", "cuped"}
    variance_reduction : float
        Share of the plain difference's variance that the adjustment has taken away; below 0
        where it has added some, 0 for the plain difference.
    notes : tuple of str
        What a reader should know: customers without an outcome, columns that said nothing.
    """

    mean: float
    se: float
    interval: Interval
    df: float
    n_treated: int
    n_control: int
    method: Method
    variance_reduction: float
    notes: tuple[str, ...]

    def summary(self) -> str:
        """The effect in a line."""
        bounds = f"{self.interval.lo:,.4g} to {self.interval.hi:,.4g}"
        return (
            f"{self.mean:,.4g} ({bounds}), {self.n_treated:,} treated and {self.n_control:,} "
            f"control, by {self.method}, variance {-self.variance_reduction:+.0%}"
        )


def effect(
    table: pd.DataFrame,
    *,
    outcome: str,
    treated: str,
    covariates: Sequence[str] | None = None,
    method: Method | None = None,
    level: float = 0.9,
) -> Effect:
    """Average effect of a randomised trial.

    Parameters
    ----------
    table : DataFrame
        One row for each customer assigned.
    outcome : str
        Column with money, a share or yes and no.
    treated : str
        Column with 0 or 1, or yes and no.
    covariates : sequence of str, optional
        Columns known *before* the trial: numbers, or words which become yes and no each. Where
        one is missing it is set to its mean and marked; neither can bias a random trial.
    method : {"difference", "regression", "cuped"}, optional
        Regression where covariates are given, else the difference.
    level : float
        Of the interval.

    Returns
    -------
    Effect

    Raises
    ------
    NotIdentified
        For a column that is not there, an arm of fewer than two customers, a treatment that is
        not 0 or 1, an outcome that never varies or is no number, or more covariates than an arm
        has customers for.
    ValueError
        For a level that is no probability, or a method that needs covariates without any.

    Notes
    -----
    The difference has the standard error of Neyman (1923), Σ s²/n, which is HC2 of the
    regression on treatment alone, and Welch's degrees of freedom. The regression has HC2 too
    (MacKinnon & White 1985). Customers without an outcome are left out; if more of them are
    missing in one arm than chance allows, a note says so, and no adjustment heals it.

    >>> trial = pd.DataFrame({"paid": [3.0, 5.0, 4.0, 2.0, 1.0, 3.0], "got": [1, 1, 1, 0, 0, 0]})
    >>> effect(trial, outcome="paid", treated="got").mean
    2.0
    """
    how: Method = method or ("regression" if covariates else "difference")
    if how != "difference" and not covariates:
        raise ValueError(f"{how} needs covariates")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    for name in (outcome, treated, *(covariates or ())):
        if name not in table:
            raise NotIdentified(
                f"the trial has no column {name}. {suggestion(name, map(str, table.columns))}"
            )
    assigned = _assignment(table, treated)
    values = _numbers(table[outcome])
    there = np.isfinite(values)
    notes = _missing(there, assigned, outcome)
    y, t = values[there], assigned[there]
    plain, error, df = _difference(y, t, outcome)
    mean, se = plain, error
    if how != "difference":
        columns, said = _covariates(table.loc[there, list(covariates or ())], t)
        notes += said
        if columns.shape[1]:
            mean, se, df = (_regression if how == "regression" else _cuped)(y, t, columns)
        else:
            how = "difference"
    if not se > _TIED * np.abs(y).max():
        raise NotIdentified(f"covariates tell {outcome} exactly: they are not from before")
    reach = float(stats.t.ppf((1 + level) / 2, df)) * se
    return Effect(
        mean=mean,
        se=se,
        interval=Interval(mean, mean - reach, mean + reach, level),
        df=df,
        n_treated=int(t.sum()),
        n_control=int((~t).sum()),
        method=how,
        variance_reduction=1 - (se / error) ** 2,
        notes=tuple(notes),
    )


def _assignment(table: pd.DataFrame, treated: str) -> NDArray[np.bool_]:
    """Who is treated, shape (n,)."""
    column = table[treated]
    known = column.isin([0, 1])
    if not known.all():
        odd = column[~known].iloc[0]
        raise NotIdentified(
            f"{treated} says who is treated by 0 or 1, {int((~known).sum())} rows do not: the "
            f"first holds {repr(odd) if isinstance(odd, str) else odd}"
        )
    found = column.astype(int).to_numpy(bool)
    for name, size in (("treated", found.sum()), ("control", (~found).sum())):
        if size < _FEWEST:
            raise NotIdentified(f"a trial needs two customers in each arm, {name} has {int(size)}")
    return found


def _numbers(column: pd.Series) -> FloatArray:
    """The outcome, not a number where there is none."""
    numbers = pd.to_numeric(column, errors="coerce")
    odd = column[numbers.isna() & column.notna()]
    if len(odd):
        raise NotIdentified(
            f"{column.name} is a number, {len(odd)} rows hold none: the first {odd.iloc[0]!r}"
        )
    return numbers.to_numpy(float)


def _missing(there: NDArray[np.bool_], assigned: NDArray[np.bool_], outcome: str) -> list[str]:
    """What is to be said of customers without an outcome."""
    gone = [int((~there & arm).sum()) for arm in (assigned, ~assigned)]
    if not sum(gone):
        return []
    sizes = [int(arm.sum()) for arm in (assigned, ~assigned)]
    notes = [f"{gone[0]} treated and {gone[1]} control customers have no {outcome}: left out"]
    left = [size - missing for size, missing in zip(sizes, gone, strict=True)]
    if min(left) < _FEWEST:
        raise NotIdentified(f"fewer than two customers of an arm have a {outcome}")
    if stats.fisher_exact([gone, left]).pvalue < _ATTRITION:
        notes.append("more are missing in one arm than chance allows: the effect may be biased")
    return notes


def _difference(y: FloatArray, t: NDArray[np.bool_], outcome: str) -> tuple[float, float, float]:
    """Mean, standard error and Welch's degrees of freedom of the plain difference."""
    arms = y[t], y[~t]
    parts = [arm.var(ddof=1) / arm.size for arm in arms]
    variance = sum(parts)
    if not variance > 0:
        raise NotIdentified(f"{outcome} is the same for everybody of an arm, in both arms")
    df = variance**2 / sum(part**2 / (arm.size - 1) for part, arm in zip(parts, arms, strict=True))
    return float(arms[0].mean() - arms[1].mean()), float(np.sqrt(variance)), float(df)


def _covariates(table: pd.DataFrame, t: NDArray[np.bool_]) -> tuple[FloatArray, list[str]]:
    """Centred and scaled columns that say something, and what was left out."""
    numbers = {}
    for name in table:
        column = table[name]
        if pd.api.types.is_numeric_dtype(column):
            column = column.astype(float).replace([np.inf, -np.inf], np.nan)
            if column.isna().any():
                numbers[f"{name} missing"] = column.isna().astype(float)
            numbers[name] = column.fillna(column.mean())
        else:
            for word in sorted(column.dropna().unique(), key=str):
                numbers[f"{name} {word}"] = (column == word).astype(float)
    kept, empty, rare = np.empty((len(table), 0)), [], []
    for name, column in numbers.items():
        own = column.to_numpy(float)
        if column.nunique() > 1 and not all(_is_carried(column[arm]) for arm in (t, ~t)):
            rare.append(name)
            continue
        own = own - own.mean()
        spread = np.sqrt((own**2).sum())
        if spread > 0:
            own = own / spread
            beside = own - kept @ np.linalg.lstsq(kept, own, rcond=None)[0]
        if not spread > 0 or (beside**2).sum() < _TIED:
            empty.append(name)
            continue
        kept = np.column_stack([kept, own])
    notes = {
        "the same for all, or told by other columns": empty,
        f"in an arm fewer than {_CARRIED} customers differ in it": rare,
    }
    return kept, [f"{', '.join(names)}: {why}; left out" for why, names in notes.items() if names]


def _is_carried(column: pd.Series) -> bool:
    """Whether enough customers of an arm differ from its most frequent value."""
    return len(column) - int(column.value_counts().iloc[0]) >= _CARRIED


def _regression(
    y: FloatArray, t: NDArray[np.bool_], columns: FloatArray
) -> tuple[float, float, float]:
    """Lin's estimator: a regression in each arm, compared at the mean of all customers."""
    means, variance = [], 0.0
    for arm in (t, ~t):
        design = np.column_stack([np.ones(int(arm.sum())), columns[arm]])
        if design.shape[0] <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
            raise NotIdentified(
                f"{columns.shape[1]} covariates are too many for an arm of {design.shape[0]} "
                "customers: name fewer"
            )
        inverse = np.linalg.inv(design.T @ design)
        coefficients = inverse @ design.T @ y[arm]
        apart = 1 - np.einsum("ij,jk,ik->i", design, inverse, design)  # from full leverage
        if not (apart > _TIED).all():
            raise NotIdentified("one customer alone decides what a covariate does: name fewer")
        squares = (y[arm] - design @ coefficients) ** 2 / apart
        means.append(coefficients[0])
        weights = design @ inverse[:, 0]
        variance += float((weights**2 * squares).sum())
    df = y.size - 2 * (columns.shape[1] + 1)
    return float(means[0] - means[1]), float(np.sqrt(variance)), float(df)


def _cuped(y: FloatArray, t: NDArray[np.bool_], columns: FloatArray) -> tuple[float, float, float]:
    """The outcome less what covariates foretell, one slope for both arms."""
    within = np.empty_like(columns)
    for arm in (t, ~t):
        within[arm] = columns[arm] - columns[arm].mean(axis=0)
    slopes = np.linalg.lstsq(within, y, rcond=None)[0]
    return _difference(y - columns @ slopes, t, "what covariates leave of the outcome")
