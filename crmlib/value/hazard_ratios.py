"""What goes with ending a contract sooner: Cox's proportional hazards (V7).

Fitted by ``statsmodels.duration`` with delayed entry and Efron's treatment of ties.
A hazard ratio is a description of who leaves, not the effect of changing it. Klein &
Moeschberger (2003), *Survival Analysis*.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.optimise import MAX_DECREMENT, NotIdentified
from crmlib.value.survival import Spells

FloatArray = NDArray[np.float64]

RUNAWAY = 15.0  # a log hazard ratio per standard deviation beyond this has no finite optimum
ALARM = 0.01  # family-wise rate of false alarms of the proportionality check
MAX_ERROR = 5.0  # of a log hazard ratio per standard deviation


@dataclass(frozen=True)
class HazardRatios:
    """A fitted Cox model.

    Attributes
    ----------
    table : DataFrame of shape (n_covariates, 6), index covariate
        coefficient, std_err, hazard_ratio with lower and upper, p_value; per unit of
        the covariate.
    proportionality : DataFrame of shape (n_covariates + 1, 2)
        chi2 and p_value of Grambsch & Therneau's test that the hazard ratio does not
        move with age, by covariate and, last, "all".
    llf : float
        Log partial likelihood.
    contracts, events : int
    level : float
        Nominal coverage.
    notes : tuple of str
        Covariates whose hazard ratio is an average over ages only.
    """

    table: pd.DataFrame
    proportionality: pd.DataFrame
    llf: float
    contracts: int
    events: int
    level: float
    notes: tuple[str, ...]


def hazard_ratios(
    age: ArrayLike,
    ended: ArrayLike,
    covariates: pd.DataFrame,
    entry: ArrayLike | None = None,
    *,
    level: float,
    clusters: ArrayLike | None = None,
) -> HazardRatios:
    """Hazard ratios of covariates, with intervals and a check that they are proportional.

    Parameters
    ----------
    age, ended, entry
        As in `kaplan_meier`.
    covariates : DataFrame of shape (n_contracts, n_covariates)
        Numbers; groups as 0/1 columns with one group left out.
    level : float
        Nominal coverage of the intervals.
    clusters : array of shape (n_contracts,), optional
        The customer of each contract; standard errors then allow contracts of one
        customer to end together (Lin & Wei 1989).

    Raises
    ------
    ValueError
        Naming the covariate and the first offending value.
    NotIdentified
        If nobody ended, a covariate does not vary, depends on the others, or separates
        those who ended from those who did not.
    """
    # slow to import, and not every engagement names what may drive the end of contracts
    from statsmodels.duration.hazard_regression import PHReg
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    spells = Spells.of(age, ended, entry)
    values, spread = _design(covariates, spells)
    if not spells.ended.any():
        raise NotIdentified("no contract ended while it was observed: no hazards to compare")
    # standardised, so that the search and the limits do not depend on units
    scaled = (values - values.mean(axis=0)) / spread
    names = [str(name) for name in covariates.columns]
    model = PHReg(
        spells.age, scaled, status=spells.ended.astype(int), entry=spells.entry, ties="efron"
    )
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # a separated covariate overflows and does not converge; it is refused below
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = model.fit(disp=0)
    _check_finite(fitted.params, fitted.bse, names)
    covariance = robust = np.atleast_2d(fitted.cov_params())
    score = model.score(fitted.params)
    if not score @ covariance @ score < MAX_DECREMENT**2:
        raise NotIdentified("the search for hazard ratios did not converge")
    process = CountingProcess.of(spells, scaled, fitted.params)
    if clusters is not None:
        robust = process.robust_covariance(covariance, _labels(clusters, spells))
    error = np.sqrt(np.diag(robust)) / spread
    table = _table(np.asarray(fitted.params) / spread, error, names, level)
    proportionality = _proportionality(process, covariance, names)
    return HazardRatios(
        table=table,
        proportionality=proportionality,
        llf=float(fitted.llf),
        contracts=int(spells.age.size),
        events=int(spells.ended.sum()),
        level=float(level),
        notes=_notes(proportionality.drop(index="all")),
    )


def _design(covariates: pd.DataFrame, spells: Spells) -> tuple[FloatArray, FloatArray]:
    """Covariates of contracts at risk, and the standard deviation of each."""
    if len(covariates) != spells.kept.size or covariates.shape[1] == 0:
        raise ValueError(
            f"covariates have shape {covariates.shape} where {spells.kept.size} rows were expected"
        )
    values = covariates.to_numpy(dtype=float)
    broken = ~np.isfinite(values)
    if broken.any():
        row, column = (int(place[0]) for place in np.nonzero(broken))
        raise ValueError(
            f"covariate {covariates.columns[column]} must be finite: found "
            f"{values[row, column]} at position {row}"
        )
    values = values[spells.kept]
    if len(values) == 0:
        raise NotIdentified("no contract was under observation")
    spread = values.std(axis=0)
    flat = spread <= 1e-12 * np.abs(values).max(axis=0, initial=1e-300)
    if flat.any():
        raise NotIdentified(f"covariate {covariates.columns[int(np.argmax(flat))]} does not vary")
    correlation = np.atleast_2d(np.corrcoef(values, rowvar=False))
    if np.linalg.cond(correlation) > 1e10:
        raise NotIdentified("the covariates depend on each other: leave one out")
    return values, spread


def _labels(clusters: ArrayLike, spells: Spells) -> NDArray[np.int64]:
    codes = pd.factorize(np.asarray(clusters))[0]
    if codes.shape != spells.kept.shape:
        raise ValueError(f"clusters has {codes.size} values where {spells.kept.size} were expected")
    return codes[spells.kept]


def _check_finite(coefficients: FloatArray, errors: FloatArray, names: list[str]) -> None:
    bad = ~np.isfinite(errors) | (np.abs(coefficients) > RUNAWAY) | (errors > MAX_ERROR)
    if bad.any():
        raise NotIdentified(
            f"no finite hazard ratio for {names[int(np.argmax(bad))]}: it separates contracts "
            "that ended from those that did not"
        )


def _table(
    coefficient: FloatArray, error: FloatArray, names: list[str], level: float
) -> pd.DataFrame:
    reach = stats.norm.ppf((1 + level) / 2) * error
    return pd.DataFrame(
        {
            "coefficient": coefficient,
            "std_err": error,
            "hazard_ratio": np.exp(coefficient),
            "lower": np.exp(coefficient - reach),
            "upper": np.exp(coefficient + reach),
            "p_value": 2 * stats.norm.sf(np.abs(coefficient / error)),
        },
        index=pd.Index(names, name="covariate"),
    )


@dataclass(frozen=True)
class CountingProcess:
    """Risk sets at each age of an end, under given coefficients; covariates as fitted."""

    spells: Spells
    values: FloatArray
    risk: FloatArray  # exp(x'β), shape (n_contracts,)
    ages: FloatArray  # distinct ages of ends
    ends: FloatArray  # number of ends at each
    at_risk: FloatArray  # sum of `risk` at each
    mean: FloatArray  # risk-weighted mean of covariates at each, shape (n_ages, n_covariates)

    @classmethod
    def of(cls, spells: Spells, values: FloatArray, coefficients: FloatArray) -> CountingProcess:
        """Sum over risk sets: at risk at age t is who has entry < t ≤ exit."""
        risk = np.exp(values @ coefficients)
        moments = np.hstack([risk[:, None], risk[:, None] * values])
        ages, ends = np.unique(spells.age[spells.ended], return_counts=True)
        sums = _sums_below(spells.entry, moments, ages) - _sums_below(spells.age, moments, ages)
        mean = sums[:, 1:] / sums[:, :1]
        return cls(spells, values, risk, ages, ends.astype(float), sums[:, 0], mean)

    def schoenfeld_residuals(self) -> tuple[FloatArray, FloatArray]:
        """Age of each end, and its covariates less their mean at risk.

        Returns
        -------
        ages : array of shape (n_events,)
        residuals : array of shape (n_events, n_covariates)
        """
        ended = self.spells.ended
        position = np.searchsorted(self.ages, self.spells.age[ended])
        return self.ages[position], self.values[ended] - self.mean[position]

    def robust_covariance(self, covariance: FloatArray, clusters: NDArray[np.int64]) -> FloatArray:
        """Covariance when contracts of one cluster may end together (Lin & Wei 1989).

        statsmodels' own version of it returns NaN where entry is delayed.
        """
        hazard = self.ends / self.at_risk
        steps = np.column_stack([hazard, hazard[:, None] * self.mean])
        total = np.vstack([np.zeros(steps.shape[1]), np.cumsum(steps, axis=0)])
        first = np.searchsorted(self.ages, self.spells.entry, side="right")
        last = np.searchsorted(self.ages, self.spells.age, side="right")
        over = total[last] - total[first]
        scores = -self.risk[:, None] * (self.values * over[:, :1] - over[:, 1:])
        scores[self.spells.ended] += self.schoenfeld_residuals()[1]
        sums = np.zeros((clusters.max() + 1, scores.shape[1]))
        np.add.at(sums, clusters, scores)
        return covariance @ (sums.T @ sums) @ covariance


def _proportionality(
    process: CountingProcess, covariance: FloatArray, names: list[str]
) -> pd.DataFrame:
    """Grambsch & Therneau (1994), Biometrika 81(3), on ranks of age."""
    ages, residuals = process.schoenfeld_residuals()
    trend = stats.rankdata(ages)
    trend = trend - trend.mean()
    if not trend.any():
        raise NotIdentified("all contracts ended at one age: no hazards over age to compare")
    moved = trend @ residuals
    scaled = covariance @ moved
    size = (trend**2).sum() / ages.size
    chi2 = np.append(scaled**2 / (np.diag(covariance) * size), moved @ scaled / size)
    df = np.append(np.ones(len(names)), len(names))
    index = pd.Index([*names, "all"], name="covariate")
    return pd.DataFrame({"chi2": chi2, "p_value": stats.chi2.sf(chi2, df)}, index=index)


def _sums_below(at: FloatArray, moments: FloatArray, ages: FloatArray) -> FloatArray:
    """Sum of moments of those with `at` below each age, shape (n_ages, n_moments)."""
    order = np.argsort(at, kind="stable")
    sums = np.vstack([np.zeros(moments.shape[1]), np.cumsum(moments[order], axis=0)])
    return sums[np.searchsorted(at[order], ages, side="left")]


def _notes(proportionality: pd.DataFrame) -> tuple[str, ...]:
    """Name the covariates whose ratio moves with age, at Holm's adjusted level."""
    ordered = proportionality["p_value"].sort_values()
    limits = ALARM / np.arange(len(ordered), 0, -1)
    rejected = ordered.index[np.cumprod(ordered.to_numpy() < limits).astype(bool)]
    return tuple(
        f"the hazard ratio of {name} moves with age: the figure is an average over ages"
        for name in rejected
    )
