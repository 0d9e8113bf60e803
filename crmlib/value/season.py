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
purchases, are the independent cases. Customers who leave stay away, which moves a base
slowly and looks like a trend, and the model fitted to the same customers takes a part of that
in: the trend's variance is that of a jackknife over batches of customers, each time with the
model refitted (Wolter 2007, *Introduction to Variance Estimation*, ch. 4), to which what
shakes single months for everybody is added.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.disclosure import is_small, withhold
from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import NotIdentified
from crmlib.value.cohorts import last_whole_month
from crmlib.value.purchases import PurchaseResult, Refit
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
        Of the F test of season and the t test of trend; NaN where there is none.
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
    customers: pd.DataFrame,
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
        cohort, month, batch, customers, revenue, repeat_purchases, repeat_customers, as
        `intake.repeat_purchases_by_month` gives them.
    result : PurchaseResult
        Fitted to these customers, in this order.
    customers : DataFrame
        customer_id and first_date (day of first purchase).
    level : float
        Coverage of the intervals.

    Raises
    ------
    NotIdentified
        If fewer than two months can be looked at.
    """
    clock = {"end": end, "days_per_unit": days_per_unit}
    expected = expected_by_month(result, customers["first_date"], **clock)
    counted = cells.drop(columns="batch").groupby(["cohort", "month"], as_index=False).sum()
    both = expected.merge(counted, on=["cohort", "month"], how="outer").fillna(0.0)
    shown = shown_repeat_months(both, len(customers), start, end, min_cell)
    if len(shown) < 2:
        raise NotIdentified(
            "fewer than two whole months hold enough repeat purchases to be set beside the model"
        )
    effects = _effects(shown, expected, counted)
    table = pd.DataFrame({"month": shown, "ratio": np.exp(effects.log_effect)})
    span = pd.date_range(pd.Timestamp(start), last_whole_month(end), freq="MS")
    left_out = len(span) - len(shown)
    times = np.bincount(shown.month - 1, minlength=MONTHS)
    if len(shown) < FEWEST_MONTHS or times.min() < 2:
        return _untold(table, left_out)
    slopes = [
        _Regression.of(_columns(shown), _effects(shown, *parts)).estimate[-1]
        for parts in _without_a_batch(cells, result, customers, **clock)
    ]
    return _verdicts(table, left_out, effects, np.array(slopes), level)


def _effects(
    months: pd.DatetimeIndex, expected: pd.DataFrame, counted: pd.DataFrame
) -> MonthEffects:
    """Effects of these months, from what is expected and counted by cohort and month."""
    both = expected.merge(counted, on=["cohort", "month"], how="outer").fillna(0.0)
    tables = (
        both.pivot(index="month", columns="cohort", values=name).reindex(months).fillna(0.0)
        for name in ("repeat_purchases", "expected")
    )
    return month_effects(*tables)


def _without_a_batch(
    cells: pd.DataFrame,
    result: PurchaseResult,
    customers: pd.DataFrame,
    *,
    end: dt.date,
    days_per_unit: float,
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """What is expected and counted without each batch of customers, the model refitted."""
    batches = np.unique(cells["batch"])
    place = customers["customer_id"].astype(str).rank(method="dense").astype(int) - 1
    of_customer = (place % (batches.max() + 1)).to_numpy()
    refit, index = Refit.of(result), result.groups.index
    for batch in batches:
        stay = of_customer != batch
        weights = np.bincount(index[stay], minlength=len(result.groups.weights))
        params = pd.Series(refit(weights.astype(float)), index=result.params.index)
        rest = replace(result, params=params)
        counted = cells[cells["batch"] != batch].groupby(["cohort", "month"], as_index=False)
        yield (
            expected_by_month(rest, customers["first_date"][stay], end, days_per_unit),
            counted["repeat_purchases"].sum(),
        )


class MonthEffects(NamedTuple):
    """Effects of months on counts, each cohort at its own level, and what is known of them."""

    log_effect: FloatArray  # (n_months,): 0 where as much comes as is expected, on the whole
    information: FloatArray  # (n_months, n_months), levels profiled out; rows sum to 0
    fitted: FloatArray  # (n_months, n_cohorts)


def month_effects(actual: ArrayLike, expected: ArrayLike) -> MonthEffects:
    """Poisson likelihood of counts that are expected times level times effect.

    Parameters
    ----------
    actual, expected : arrays of shape (n_months, n_cohorts)
    """
    count, weight = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    known = (count.sum(axis=0) > 0) & (weight.sum(axis=0) > 0)
    count, weight = count * known, weight * known
    by_month, by_cohort = count.sum(axis=1), count.sum(axis=0)
    divisor = np.where(known, by_cohort, 1.0)
    effect = np.ones(len(count))
    for _ in range(2000):  # iterative proportional fitting: rises to the one maximum
        level = by_cohort / np.where(known, effect @ weight, 1.0)
        again = by_month / (weight @ level)
        moved = np.abs(np.log(again / effect)).max()
        effect = again
        if moved < 1e-10:
            break
    fitted = effect[:, None] * weight * level
    information = np.diag(fitted.sum(axis=1)) - (fitted / divisor) @ fitted.T
    centre = fitted.sum() / (weight @ level).sum()
    return MonthEffects(np.log(effect / centre), information, fitted)


def _columns(months: pd.DatetimeIndex) -> FloatArray:
    """Eleven contrasts of calendar months, whose twelve effects sum to 0, and time in years."""
    years = (months.year * MONTHS + months.month - 1).to_numpy() / MONTHS
    season = np.eye(MONTHS)[months.month - 1]
    return np.column_stack([season[:, 1:] - season[:, :1], years - years.mean()])


def _untold(table: pd.DataFrame, left_out: int) -> SeasonAndTrend:
    none = pd.DataFrame(columns=["calendar_month", "factor", "lo", "hi", "level"], dtype=float)
    reason = (
        "telling season from trend takes two full years, each month of the year twice; "
        f"{len(table)} whole months can be used here"
    )
    untold = ("cannot be told", "cannot be told")
    return SeasonAndTrend(table, left_out, *untold, none, None, np.nan, np.nan, reason)


def _verdicts(
    table: pd.DataFrame, left_out: int, effects: MonthEffects, slopes: FloatArray, level: float
) -> SeasonAndTrend:
    """Verdicts from the effects of months, and from trends without each batch of customers."""
    x = _columns(pd.DatetimeIndex(table["month"]))
    whole = _Regression.of(x, effects)
    slope, batches = whole.estimate[-1], len(slopes)
    shaken = max(whole.scale - 1, 0.0) * whole.covariance[-1, -1]
    error = np.sqrt((batches - 1) * slopes.var() + shaken)
    freedom = min(whole.freedom, batches - 1)
    of_season = whole.test(_Regression.of(x[:, -1:], effects))
    of_trend = float(2 * stats.t.sf(abs(slope) / error, freedom))
    spread = stats.t.ppf((1 + level) / 2, freedom) * error
    return SeasonAndTrend(
        months=table,
        left_out=left_out,
        season="season" if of_season < SIGNIFICANCE else "none seen",
        trend="trend" if of_trend < SIGNIFICANCE else "none seen",
        factors=_factors(whole, stats.t.ppf((1 + level) / 2, whole.freedom), level),
        yearly=Interval(*np.expm1([slope, slope - spread, slope + spread]).tolist(), level),
        season_p=of_season,
        trend_p=of_trend,
        reason="",
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
    def of(cls, x: FloatArray, effects: MonthEffects) -> _Regression:
        y, information = effects.log_effect, effects.information
        covariance = np.linalg.inv(x.T @ information @ x)
        estimate = covariance @ (x.T @ information @ y)
        rest = y - x @ estimate
        return cls(estimate, covariance, float(rest @ information @ rest), len(y) - 1 - x.shape[1])

    @property
    def scale(self) -> float:
        """Dispersion of months, 1 for Poisson counts."""
        return self.loss / self.freedom

    def test(self, fewer: _Regression) -> float:
        """The p-value of F for the columns that the other regression lacks."""
        q = fewer.freedom - self.freedom
        return float(stats.f.sf((fewer.loss - self.loss) / q / self.scale, q, self.freedom))
