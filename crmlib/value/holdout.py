"""How well predictions would have done on a sealed holdout period (V13).

A purchase model is compared with two naive baselines: every customer goes on at
the rate seen so far, or repeats the count of the previous window. Its own intervals
are judged too: do they hold what came, of each customer and in total?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.disclosure import band_ends
from crmlib.stats.grouping import group_rows
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.tiers import best_first
from crmlib.value.futures import FUTURES_AT_ONCE, Histories, simulate_purchases
from crmlib.value.observations import check_column, check_purchases
from crmlib.value.purchases import CovariateResult, PurchaseResult, Refit
from crmlib.value.spend import GammaGammaResult

FloatArray = NDArray[np.float64]

TOP_FREQUENCY = 7  # frequencies before the seal from here on form one row
TENTH = 0.1  # of customers, whom a forecast ranks best
REFITS, FUTURES, CHANCE = 0, 1, 2  # purposes of random streams


@dataclass(frozen=True)
class Scorecard:
    """Predictions against the holdout.

    Attributes
    ----------
    table : DataFrame, index model / same_rate / previous_window
        total_predicted, total_actual, total_error (share of actual; None where
        nobody bought), mae (purchases per customer), spearman (None where one
        side does not vary), lift (purchases of the tenth of customers ranked best
        over those of an average customer; None where nobody bought), n.
    by_frequency : DataFrame
        Row i holds the customers with i repeat purchases before the seal, the
        last those with more as well: predicted, actual (means per customer,
        NaN where there is none), n, crossing (customers with at most i before
        the seal and more at the end of the holdout).
    predicted : array of shape (n_customers,)
        The model's expected holdout purchases.
    label : str
        What the literature calls the model.
    """

    table: pd.DataFrame
    by_frequency: pd.DataFrame
    predicted: FloatArray
    label: str


def holdout_scorecard(
    frequency: ArrayLike,
    recency: ArrayLike,
    observed_time: ArrayLike,
    actual: ArrayLike,
    horizon: float,
    result: PurchaseResult | CovariateResult,
    previous_window: ArrayLike,
    covariates: Mapping[str, pd.DataFrame] | None = None,
) -> Scorecard:
    """Compare a model fitted on the calibration period with what then happened.

    Parameters
    ----------
    frequency, recency, observed_time : arrays of shape (n_customers,)
        Calibration period.
    actual : array of shape (n_customers,)
        Purchase occasions in the holdout period.
    horizon : float
        Length of the holdout period, same time unit.
    result : PurchaseResult or CovariateResult
        Fitted on the calibration period only.
    previous_window : array of shape (n_customers,)
        Purchase occasions in the last window of holdout length before it.
    covariates : mapping of "rate" and "dropout" to DataFrames, optional
        Those of the customers, as a model with covariates was fitted with.

    Raises
    ------
    ValueError
        Naming the argument and the first offending value.
    """
    x, last, end = check_purchases(frequency, recency, observed_time)
    bought = check_column("actual", actual, x.size)
    before = check_column("previous_window", previous_window, x.size)
    predicted = result.expected_purchases(horizon, x, last, end, **(covariates or {}))
    # nobody can have repeated within no time: the rate of such a customer is 0
    same_rate = np.divide(x * horizon, end, out=np.zeros(x.size), where=end > 0)
    rows = {"model": predicted, "same_rate": same_rate, "previous_window": before}
    table = pd.DataFrame.from_dict(
        {name: _score(forecast, bought) for name, forecast in rows.items()}, orient="index"
    )
    return Scorecard(table, _by_frequency(x, predicted, bought), predicted, result.model.label)


def by_forecast(scorecard: Scorecard, actual: ArrayLike, bands: int) -> pd.DataFrame:
    """Calibration: foretold and actual purchases by equal bands of customers, best first.

    Parameters
    ----------
    actual : array of shape (n_customers,)
        Purchase occasions in the holdout period.
    bands : int
        10 for deciles of the forecast.

    Returns
    -------
    DataFrame of shape (bands, 4)
        band (1 is ranked best), predicted and actual (means per customer), n.
    """
    order = best_first(scorecard.predicted)
    ends = band_ends(order.size, bands)
    band = np.repeat(np.arange(1, bands + 1), np.diff(ends))
    bought = np.asarray(actual, dtype=float)
    ranked = pd.DataFrame({"predicted": scorecard.predicted[order], "actual": bought[order]})
    groups = ranked.groupby(band)
    return groups.mean().assign(n=groups.size()).rename_axis("band").reset_index()


@dataclass(frozen=True)
class Foretold:
    """What a sealed model foretold with its own uncertainty, against what came.

    Attributes
    ----------
    total : Interval
        Purchases of all customers in the holdout; its interval carries parameters and
        the chance in what customers do, and should hold the actual total.
    inside : float
        Share of customers whose actual count lies in their own interval of this level;
        counts are whole, so that it should be at least the level.
    """

    total: Interval
    inside: float


def foretold(
    result: PurchaseResult,
    actual: ArrayLike,
    horizon: float,
    *,
    replications: int,
    seed: int,
    level: float,
) -> Foretold:
    """Intervals for each customer's holdout purchases and for their total.

    Parameters are drawn by refits to resamples of customers, counts by simulation
    given each customer's history. The chance in the total adds up over customers
    and is normal.

    Parameters
    ----------
    result : PurchaseResult
        Fitted to the calibration period of these customers, in this order.
    actual : array of shape (n_customers,)
        Purchase occasions in the holdout period.
    horizon : float
        Length of the holdout period, in the fit's time unit.
    """
    groups, model = result.groups, result.model
    bought = check_column("actual", actual, groups.index.size)
    refit = Refit.of(result)
    resamples = bootstrap_weights(groups.weights, replications, generator(seed, REFITS))
    params = np.array([refit(weights) for weights in resamples])
    lower, upper, variance = _count_intervals(result, params, horizon, seed, level)
    inside = (lower[groups.index] <= bought) & (bought <= upper[groups.index])

    x, recency, observed = groups.columns
    pairs = group_rows(x, observed)

    def expected(theta: FloatArray) -> float:
        ahead = model.purchases_if_alive(theta, *pairs.columns, horizon, 0.0)
        alive = model.probability_alive(theta, x, recency, observed)
        return float(groups.weights @ (ahead[pairs.index] * alive))

    chance = generator(seed, CHANCE).normal(0, np.sqrt(groups.weights @ variance), replications)
    totals = np.array([expected(theta) for theta in params]) + chance
    point = expected(result.params.to_numpy())
    return Foretold(percentile_interval(point, totals, level), float(inside.mean()))


def _count_intervals(
    result: PurchaseResult, params: FloatArray, horizon: float, seed: int, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lower and upper quantile and variance of each group's purchases, given its history."""
    x, recency, observed = result.groups.columns
    histories = Histories(x, recency, observed, np.zeros(x.size))
    size = max(FUTURES_AT_ONCE // len(params), 1)
    tails = [(1 - level) / 2, (1 + level) / 2]
    parts = []
    for block, start in enumerate(range(0, x.size, size)):
        counts = simulate_purchases(
            histories.part(slice(start, start + size)),
            params,
            horizon=horizon,
            rng=generator(seed, FUTURES, block),
            model=result.model,
        )
        bounds = np.quantile(counts, tails, axis=1, method="inverted_cdf")
        parts.append(np.vstack([bounds, counts.var(axis=1)]))
    lower, upper, variance = np.hstack(parts)
    return lower, upper, variance


def holdout_money(
    scorecard: Scorecard,
    spend: GammaGammaResult,
    frequency: ArrayLike,
    mean_repeat_amount: ArrayLike,
    actual: ArrayLike,
    previous: ArrayLike,
    *,
    best_share: float,
) -> pd.DataFrame:
    """Compare foretold with actual spend in the holdout, in total and for the best customers.

    Parameters
    ----------
    scorecard : Scorecard
        Holds the expected purchases of each customer.
    spend : GammaGammaResult
        Fitted on the calibration period only.
    frequency, mean_repeat_amount : arrays of shape (n_customers,)
        Calibration period.
    actual, previous : arrays of shape (n_customers,)
        Money spent in the holdout, and in the window of equal length before it.
    best_share : float
        Share of customers, 0–1, whom a forecast would have us serve.

    Returns
    -------
    DataFrame, index the models' names / previous_window
        total_predicted, total_actual, total_error (share of actual; NaN where
        nobody spent), best_share, best_predicted (share of the forecast held by
        these customers, whom it ranks best), best_actual (what the same
        customers then brought), n.
    """
    spent = np.asarray(actual, dtype=float)  # net of kept returns: may be negative
    expected = scorecard.predicted * spend.expected_spend(frequency, mean_repeat_amount)
    names = f"{scorecard.label} and Gamma-Gamma"
    forecasts = {names: expected, "previous_window": np.asarray(previous, dtype=float)}
    return pd.DataFrame.from_dict(
        {name: _money_score(forecast, spent, best_share) for name, forecast in forecasts.items()},
        orient="index",
    )


def _money_score(predicted: FloatArray, actual: FloatArray, best_share: float) -> dict[str, float]:
    best = best_first(predicted)[: round(predicted.size * best_share)]
    total, reached = float(predicted.sum()), float(actual.sum())

    def share(part: float, whole: float) -> float:
        return part / whole if whole > 0 else float("nan")

    return {
        "total_predicted": total,
        "total_actual": reached,
        "total_error": share(total, reached) - 1,
        "best_share": best_share,
        "best_predicted": share(float(predicted[best].sum()), total),
        "best_actual": share(float(actual[best].sum()), reached),
        "n": actual.size,
    }


def _score(predicted: FloatArray, actual: FloatArray) -> dict[str, float | None]:
    total, reached = float(predicted.sum()), float(actual.sum())
    varies = np.ptp(predicted) > 0 and np.ptp(actual) > 0
    best = best_first(predicted)[: max(round(predicted.size * TENTH), 1)]
    return {
        "total_predicted": total,
        "total_actual": reached,
        "total_error": total / reached - 1 if reached > 0 else None,
        "mae": float(np.abs(predicted - actual).mean()),
        "spearman": float(stats.spearmanr(predicted, actual).statistic) if varies else None,
        "lift": float(actual[best].mean() / actual.mean()) if reached > 0 else None,
        "n": actual.size,
    }


def _by_frequency(x: FloatArray, predicted: FloatArray, actual: FloatArray) -> pd.DataFrame:
    """Mean predicted and actual purchases by frequency before the seal."""
    frequencies = pd.RangeIndex(TOP_FREQUENCY + 1)
    rows = pd.DataFrame({"predicted": predicted, "actual": actual})
    groups = rows.groupby(np.minimum(x, TOP_FREQUENCY).astype(int))
    table = groups.mean().assign(n=groups.size()).reindex(frequencies)
    return table.assign(
        n=table["n"].fillna(0).astype(int),
        crossing=[int(((x <= k) & (x + actual > k)).sum()) for k in frequencies],
    )
