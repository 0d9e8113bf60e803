"""Whether purchases have a season or a trend, which the purchase models do not know (V5).

What the model expects of each cohort (customers by month of first purchase) in each
calendar month is set against what came. Cohorts may buy more or less than the model says,
as those do whose first purchase in the window was not their first; what is left is common
to all cohorts of a month, and is read as season and trend:

    actual(c, m) ~ expected(c, m) · level(c) · effect(m),
    log effect(m) = season(calendar month of m) + trend · time(m) + error.

Levels and effects are fitted by Poisson likelihood, the second line by generalised least
squares on the information that the first leaves on its effects, which is the quasi-Poisson
regression (McCullagh & Nelder 1989, *Generalized Linear Models*, ch. 9) where months, not
purchases, are the independent cases.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.disclosure import is_small, withhold
from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import NotIdentified
from crmlib.value.cohorts import last_whole_month
from crmlib.value.purchases import PurchaseResult
from crmlib.value.shown import withheld_months

FloatArray = NDArray[np.float64]

MONTHS = 12
FEWEST_MONTHS = 24  # two full years: each month of the year twice
LEAST_EXPECTED = 20  # purchases of a month; below, its ratio is not near normal
SIGNIFICANCE = 0.01  # months are few, and no series is as regular as the theory of the test


@dataclass(frozen=True)
class SeasonAndTrend:
    """Season and trend of purchases beside a model without either.

    Attributes
    ----------
    months : DataFrame
        month (first day) and ratio (actual over expected, cohorts at their own level).
    left_out : int
        Whole months that are not among them.
    season, trend : {"season" or "trend", "none seen", "cannot be told"}
        The verdicts.
    factors : DataFrame
        calendar_month (1–12), factor (1 is the mean of the twelve), lo, hi, level. Empty
        where season cannot be told.
    yearly : Interval or None
        Change per year of what comes beside what is expected, as a share.
    season_p, trend_p : float
        Of the F tests; NaN where there is none.
    reason : str
        Why nothing can be told; else empty.
    """

    months: pd.DataFrame
    left_out: int
    season: str
    trend: str
    factors: pd.DataFrame
    yearly: Interval | None
    season_p: float
    trend_p: float
    reason: str

    def part_year(self, end: dt.date, horizon_years: float) -> float:
        """Share by which season moves the purchases of the horizon: nothing in whole years."""
        rest = round((horizon_years % 1) * MONTHS)
        if self.season != "season" or rest in (0, MONTHS):
            return 0.0
        first = (end + dt.timedelta(days=1)).month - 1
        ahead = (first + np.arange(rest)) % MONTHS
        factor = self.factors["factor"].to_numpy()[ahead]
        return float(np.sum(factor - 1) / (horizon_years * MONTHS))


def expected_by_month(
    result: PurchaseResult, first_dates: pd.Series, end: dt.date, days_per_unit: float
) -> pd.DataFrame:
    """Repeat purchases that the model expects by cohort and calendar month.

    Parameters
    ----------
    result : PurchaseResult
        Fitted to all data.
    first_dates : Series of datetimes, shape (n_customers,)
        Days of first purchase.
    end : date
        Last day observed; the last month may be cut short.

    Returns
    -------
    DataFrame
        cohort and month (first days), expected; months from the cohort's on.
    """
    days = first_dates.value_counts().sort_index()
    born = pd.DatetimeIndex(days.index)
    months = pd.period_range(born.min(), pd.Timestamp(end), freq="M")
    ends = np.minimum(months.end_time.normalize(), pd.Timestamp(end))
    ends = pd.DatetimeIndex([born.min() - pd.Timedelta(days=1), *ends])
    age = np.subtract.outer(ends.to_numpy(), born.to_numpy()).astype("m8[D]")
    age = np.maximum(age.astype(np.int64), 0)
    by_age = result.expected_purchases_new(np.arange(age.max() + 1) / days_per_unit)
    gained = np.diff(by_age[age], axis=0) * days.to_numpy()
    table = pd.DataFrame(gained.T, columns=months.to_timestamp())
    cells = table.groupby(born.to_period("M").to_timestamp().to_numpy()).sum()
    long = cells.rename_axis("cohort").rename_axis("month", axis=1).stack().rename("expected")
    cells = long.reset_index()
    return cells[cells["month"] >= cells["cohort"]].reset_index(drop=True)


def shown_repeat_months(
    cells: pd.DataFrame, n: int, start: dt.date, end: dt.date, min_cell: int
) -> pd.DatetimeIndex:
    """Whole months whose repeat purchases can be told of without telling of a few.

    A month tells of those who had a repeat purchase in it and, beside the size of the
    base, of those who had none. Months withheld from the table by month stay so here;
    together with the total over all months those shown must leave enough customers.

    Parameters
    ----------
    cells : DataFrame
        As `intake.repeat_purchases_by_month` gives them, with `expected` where expected.
    """
    every = pd.date_range(pd.Timestamp(start).replace(day=1), end, freq="MS", name="month")
    columns = ["customers", "revenue", "repeat_purchases", "repeat_customers", "expected"]
    sums = cells.groupby("month")[columns].sum().reindex(every, fill_value=0).reset_index()
    counts = sums["repeat_customers"].to_numpy().astype(int)
    whole = (every <= pd.Timestamp(last_whole_month(end))) & (every >= pd.Timestamp(start))
    unfit = ~whole | (sums["expected"] < LEAST_EXPECTED) | (sums["repeat_purchases"] == 0)
    unfit |= withheld_months(sums, n, end, min_cell).withheld | is_small(n - counts, min_cell)
    total = np.ones((1, len(every)), dtype=bool)
    found = withhold(counts, total, min_cell, also=unfit.to_numpy(), overlapping=True)
    return every[~found.cells]


def season_and_trend(
    cells: pd.DataFrame,
    result: PurchaseResult,
    first_dates: pd.Series,
    start: dt.date,
    end: dt.date,
    *,
    days_per_unit: float,
    min_cell: int,
    level: float,
) -> SeasonAndTrend:
    """Test what came, month by month, for a season and a trend that the model lacks.

    Parameters
    ----------
    cells : DataFrame
        cohort, month, customers, revenue, repeat_purchases, repeat_customers.
    result : PurchaseResult
        Fitted to these customers.
    first_dates : Series of datetimes, shape (n_customers,)
        Days of first purchase.
    level : float
        Coverage of the intervals.

    Raises
    ------
    NotIdentified
        If fewer than two months can be looked at.
    """
    expected = expected_by_month(result, first_dates, end, days_per_unit)
    both = expected.merge(cells, on=["cohort", "month"], how="outer").fillna(0.0)
    shown = shown_repeat_months(both, len(first_dates), start, end, min_cell)
    if len(shown) < 2:
        raise NotIdentified(
            "fewer than two whole months hold enough repeat purchases to be set beside the model"
        )
    used = both[both["month"].isin(shown)]
    tables = [
        used.pivot(index="month", columns="cohort", values=name).fillna(0.0).to_numpy()
        for name in ("repeat_purchases", "expected")
    ]
    span = pd.date_range(pd.Timestamp(start), last_whole_month(end), freq="MS")
    return _read(shown, *month_effects(*tables), left_out=len(span) - len(shown), level=level)


def month_effects(actual: ArrayLike, expected: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Effects of months on counts, each cohort at its own level, and what is known of them.

    Parameters
    ----------
    actual, expected : arrays of shape (n_months, n_cohorts)

    Returns
    -------
    log_effect : array of shape (n_months,)
        Mean, weighted by what is expected, 0 before the logarithm.
    information : array of shape (n_months, n_months)
        Of the logarithms, levels being profiled out; its rows sum to 0.
    """
    count, weight = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    cohorts = (count.sum(axis=0) > 0) & (weight.sum(axis=0) > 0)
    count, weight = count[:, cohorts], weight[:, cohorts]
    by_month, by_cohort = count.sum(axis=1), count.sum(axis=0)
    effect = np.ones(len(count))
    for _ in range(2000):  # iterative proportional fitting: rises to the one maximum
        level = by_cohort / (effect @ weight)
        again = by_month / (weight @ level)
        again /= again.mean()
        moved = np.abs(np.log(again / effect)).max()
        effect = again
        if moved < 1e-10:
            break
    level = by_cohort / (effect @ weight)
    fitted = effect[:, None] * weight * level
    information = np.diag(fitted.sum(axis=1)) - (fitted / by_cohort) @ fitted.T
    centre = (weight @ level) @ effect / (weight @ level).sum()
    return np.log(effect / centre), information


def _read(
    months: pd.DatetimeIndex,
    log_effect: FloatArray,
    information: FloatArray,
    *,
    left_out: int,
    level: float,
) -> SeasonAndTrend:
    """Verdicts on season and trend from the effects of months."""
    table = pd.DataFrame({"month": months, "ratio": np.exp(log_effect)})
    none = pd.DataFrame(columns=["calendar_month", "factor", "lo", "hi", "level"], dtype=float)
    times = np.bincount(months.month - 1, minlength=MONTHS)
    if len(months) < FEWEST_MONTHS or times.min() < 2:
        reason = (
            "telling season from trend takes two full years, each month of the year twice; "
            f"{len(months)} whole months can be used here"
        )
        untold = ("cannot be told", "cannot be told")
        return SeasonAndTrend(table, left_out, *untold, none, None, np.nan, np.nan, reason)
    years = (months.year * MONTHS + months.month - 1).to_numpy() / MONTHS
    trend = (years - years.mean())[:, None]
    season = np.eye(MONTHS)[months.month - 1]
    contrasts = season[:, 1:] - season[:, :1]  # twelve effects that sum to 0
    whole = _Regression.of(np.hstack([contrasts, trend]), log_effect, information)
    tests = [whole.test(x, log_effect, information) for x in (trend, contrasts)]
    freedom, scale = whole.freedom, whole.scale
    t = stats.t.ppf((1 + level) / 2, freedom)
    spread = t * np.sqrt(scale * whole.covariance[-1, -1])
    slope = whole.estimate[-1]
    yearly = Interval(*np.expm1([slope, slope - spread, slope + spread]).tolist(), level)
    return SeasonAndTrend(
        table,
        left_out,
        "season" if tests[0] < SIGNIFICANCE else "none seen",
        "trend" if tests[1] < SIGNIFICANCE else "none seen",
        _factors(whole, t, level),
        yearly,
        *tests,
        "",
    )


def _factors(whole: _Regression, t: float, level: float) -> pd.DataFrame:
    """Season factors with mean 1, intervals by the delta method on their logarithms."""
    to_twelve = np.vstack([-np.ones(MONTHS - 1), np.eye(MONTHS - 1)])
    log_factor = to_twelve @ whole.estimate[:-1]
    share = np.exp(log_factor) / np.exp(log_factor).sum()
    gradient = (np.eye(MONTHS) - share) @ to_twelve
    spread = np.einsum("ij,jk,ik->i", gradient, whole.covariance[:-1, :-1], gradient)
    spread = t * np.sqrt(whole.scale * spread)
    centred = np.log(share * MONTHS)
    bounds = {"lo": np.exp(centred - spread), "hi": np.exp(centred + spread)}
    numbers = np.arange(1, MONTHS + 1)
    return pd.DataFrame(
        {"calendar_month": numbers, "factor": np.exp(centred), **bounds, "level": level}
    )


@dataclass(frozen=True)
class _Regression:
    """Generalised least squares of effects known up to a constant."""

    estimate: FloatArray
    covariance: FloatArray  # times `scale`
    loss: float
    freedom: int

    @classmethod
    def of(cls, x: FloatArray, y: FloatArray, information: FloatArray) -> _Regression:
        covariance = np.linalg.inv(x.T @ information @ x)
        estimate = covariance @ (x.T @ information @ y)
        rest = y - x @ estimate
        return cls(estimate, covariance, float(rest @ information @ rest), len(y) - 1 - x.shape[1])

    @property
    def scale(self) -> float:
        """Dispersion; months are at least as irregular as Poisson counts."""
        return max(self.loss / self.freedom, 1.0)

    def test(self, kept: FloatArray, y: FloatArray, information: FloatArray) -> float:
        """The p-value of F for all columns but those kept."""
        fewer = _Regression.of(kept, y, information)
        q = fewer.freedom - self.freedom
        return float(stats.f.sf((fewer.loss - self.loss) / q / self.scale, q, self.freedom))
