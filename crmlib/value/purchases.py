"""How many purchases customers will make, and who is still active (BG/NBD).

The beta-geometric/NBD model of Fader, Hardie & Lee (2005), "Counting Your
Customers the Easy Way", Marketing Science 24(2), cited as FHL: while active,
a customer buys at a Poisson rate that varies over customers by Gamma(r, α);
after each repeat purchase the customer leaves with a probability that varies
by Beta(a, b). Expectations follow in `crmlib.value.expectations`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.grouping import Groups, group_rows
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import (
    LikelihoodResult,
    NotIdentified,
    Objective,
    chord_newton,
    maximise,
)
from crmlib.stats.special import softplus
from crmlib.value import expectations
from crmlib.value.observations import check_purchases, check_weights

FloatArray = NDArray[np.float64]

NAMES = ("r", "alpha", "a", "b")
# natural-scale starts in units of the mean observed time: typical, even, loyal buyers
STARTS = ((0.3, 0.3, 0.8, 2.4), (1.0, 1.0, 1.0, 1.0), (2.0, 0.5, 0.5, 8.0))


@dataclass(frozen=True)
class PurchaseLikelihood:
    """BG/NBD log-likelihood of grouped customers, analytic gradient in log-parameters.

    Logarithms and polygamma functions are taken once per distinct value of a
    column and gathered; per group remains one exponential.
    """

    frequency: tuple[FloatArray, NDArray[np.int64]]  # distinct values, index of each group
    recency: tuple[FloatArray, NDArray[np.int64]]
    observed_time: tuple[FloatArray, NDArray[np.int64]]

    @classmethod
    def of(
        cls, x: FloatArray, recency: FloatArray, observed_time: FloatArray
    ) -> PurchaseLikelihood:
        """Prepare distinct values of grouped columns, each of shape (n_groups,)."""
        columns = (x, recency, observed_time)
        return cls(*(np.unique(column, return_inverse=True) for column in columns))

    def objective(self, weights: FloatArray) -> Objective:
        """Log-likelihood under these group weights as a function of log-parameters."""

        def evaluate(log_params: FloatArray) -> tuple[float, FloatArray]:
            return self.evaluate(log_params, weights)

        return evaluate

    def evaluate(self, log_params: FloatArray, weights: FloatArray) -> tuple[float, FloatArray]:
        """Log-likelihood and gradient: FHL eq. 6 written as A1·A2·(A3 + δ·A4)."""
        r, alpha, a, b = params = np.exp(log_params)
        x, of_x = self.frequency
        weight_x = np.bincount(of_x, weights, x.size)
        repeat = x > 0
        previous = np.where(repeat, b + x - 1, 1.0)

        since_first = np.log(alpha + self.observed_time[0])[self.observed_time[1]]
        to_last = np.log(alpha + self.recency[0])[self.recency[1]]
        shape = (r + x)[of_x]
        # log(A4/A3); −inf without repeat purchase, where the customer cannot have left
        constant = np.where(repeat, log_params[2] - np.log(previous), -np.inf)
        log_odds = constant[of_x] + shape * (since_first - to_last)
        left = weights * special.expit(log_odds)  # probability of having left × weight
        stayed = weights - left

        value = weight_x @ (
            special.gammaln(r + x)
            - special.gammaln(r)
            + r * log_params[1]
            + special.gammaln(a + b)
            + special.gammaln(b + x)
            - special.gammaln(b)
            - special.gammaln(a + b + x)
        ) + weights @ (softplus(log_odds) - shape * since_first)

        left_x = np.bincount(of_x, left, x.size)
        end = np.bincount(self.observed_time[1], stayed * shape, self.observed_time[0].size)
        last = np.bincount(self.recency[1], left * shape, self.recency[0].size)
        common = special.digamma(a + b) - special.digamma(a + b + x)
        d_r = weight_x @ (special.digamma(r + x) - special.digamma(r) + log_params[1])
        d_r -= stayed @ since_first + left @ to_last
        d_alpha = weights.sum() * r / alpha
        d_alpha -= end @ (1 / (alpha + self.observed_time[0]))
        d_alpha -= last @ (1 / (alpha + self.recency[0]))
        d_a = weight_x @ common + left_x.sum() / a
        d_b = weight_x @ (common + special.digamma(b + x) - special.digamma(b))
        d_b -= left_x @ (1 / previous)
        return float(value), params * np.array([d_r, d_alpha, d_a, d_b])


@dataclass(frozen=True)
class BetaGeometricResult(LikelihoodResult):
    """A fitted BG/NBD model: parameters r, alpha (time units), a, b and what follows from them.

    Methods take arrays, lists or Series of equal length, in the time unit of the fit.
    """

    groups: Groups  # distinct (frequency, recency, observed_time) that were fitted
    time_scale: float  # the search worked in this many time units
    log_hessian: FloatArray  # in log-parameters

    def probability_alive(
        self, frequency: ArrayLike, recency: ArrayLike, observed_time: ArrayLike
    ) -> FloatArray:
        """Probability of still being active at the end of observation, shape (n_customers,).

        One for every customer without repeat purchase: the model lets customers
        leave only after a repeat purchase. FHL; Fader & Hardie (2008), note 021.
        """
        columns = check_purchases(frequency, recency, observed_time)
        return expectations.probability_alive(self.params.to_numpy(), *columns)

    def expected_purchases(
        self,
        horizon: float,
        frequency: ArrayLike,
        recency: ArrayLike,
        observed_time: ArrayLike,
    ) -> FloatArray:
        """Expected purchases in the next `horizon` time units given each history, FHL eq. 10."""
        return self.discounted_expected_purchases(horizon, 0.0, frequency, recency, observed_time)

    def discounted_expected_purchases(
        self,
        horizon: float,
        rate: float,
        frequency: ArrayLike,
        recency: ArrayLike,
        observed_time: ArrayLike,
    ) -> FloatArray:
        """Expected purchases of the next `horizon`, each discounted to the end of observation.

        Parameters
        ----------
        horizon : float
            Time units; ``numpy.inf`` where `rate` is positive.
        rate : float
            Continuous discount rate per time unit, 0 or more.

        Returns
        -------
        array of shape (n_customers,)
        """
        columns = check_purchases(frequency, recency, observed_time)
        groups = group_rows(columns[0], columns[2])  # given active, recency does not matter
        ahead = expectations.purchases_if_alive(
            self.params.to_numpy(), *groups.columns, horizon, rate
        )
        alive = expectations.probability_alive(self.params.to_numpy(), *columns)
        return ahead[groups.index] * alive

    def expected_purchases_new(self, horizon: ArrayLike) -> FloatArray:
        """Expected repeat purchases of a new customer within each horizon, FHL eq. 9."""
        ends = np.asarray(horizon, dtype=float)
        return expectations.purchases_if_alive(self.params.to_numpy(), 0.0, 0.0, ends, 0.0)

    def expected_cumulative(
        self, times: ArrayLike, births: ArrayLike, weights: ArrayLike | None = None
    ) -> pd.Series:
        """Expected cumulative repeat purchases of a population, for the tracking plot.

        Parameters
        ----------
        times : array of shape (n_times,)
            Calendar times at which to count, in time units.
        births : array of shape (n_customers,)
            Times of first purchase on the same clock; later births count from then.
        weights : array of shape (n_customers,), optional
        """
        grid = np.atleast_1d(np.asarray(times, dtype=float))
        checked = check_weights(weights, np.size(births))
        born = group_rows(np.asarray(births, dtype=float), weights=checked)
        age = np.maximum(np.subtract.outer(grid, born.columns[0]), 0)
        ages, index = np.unique(age, return_inverse=True)
        expected = self.expected_purchases_new(ages)[index].reshape(age.shape) @ born.weights
        return pd.Series(expected, index=pd.Index(grid, name="time"), name="expected")

    def frequency_distribution(
        self, observed_time: ArrayLike, maximum: int, weights: ArrayLike | None = None
    ) -> pd.Series:
        """Expected number of customers by repeat purchases, FHL eq. 8 summed over customers.

        Returns
        -------
        Series of shape (maximum + 1,), index 0 … maximum
            The last entry counts `maximum` or more; the entries sum to all customers.
        """
        times = np.asarray(observed_time, dtype=float)
        distinct = group_rows(times, weights=check_weights(weights, times.size))
        table = expectations.frequency_probabilities(
            self.params.to_numpy(), distinct.columns[0], maximum
        )
        index = pd.RangeIndex(maximum + 1, name="frequency")
        return pd.Series(distinct.weights @ table, index=index, name="expected")

    def total_interval(
        self, horizon: float, *, replications: int, seed: int, level: float
    ) -> Interval:
        """Expected purchases of all fitted customers, interval by bootstrap over customers."""
        refit = Refit.of(self)

        def total(params: FloatArray, weights: FloatArray) -> float:
            x, recency, observed = self.groups.columns
            pairs = group_rows(x, observed)
            ahead = expectations.purchases_if_alive(params, *pairs.columns, horizon, 0.0)
            alive = expectations.probability_alive(params, x, recency, observed)
            return float(weights @ (ahead[pairs.index] * alive))

        draws = bootstrap_weights(self.groups.weights, replications, generator(seed))
        totals = [total(refit(weights), weights) for weights in draws]
        point = total(self.params.to_numpy(), self.groups.weights)
        return percentile_interval(point, totals, level)


@dataclass(frozen=True)
class BetaGeometric:
    """BG/NBD estimator; `n_starts` (1–3) searches from different places."""

    n_starts: int = 3

    def get_params(self) -> dict[str, int]:
        """Settings by name, as in scikit-learn."""
        return {"n_starts": self.n_starts}

    def fit(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        observed_time: ArrayLike,
        weights: ArrayLike | None = None,
        start: ArrayLike | None = None,
    ) -> BetaGeometricResult:
        """Maximum likelihood on distinct (frequency, recency, observed time) rows.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Repeat purchase occasions, whole numbers.
        recency, observed_time : arrays of shape (n_customers,)
            Time from first to last purchase, and to the end of observation, in
            one unit; the choice of unit rescales alpha and nothing else.
        weights : array of shape (n_customers,), optional
            Number of customers a row stands for.
        start : array of shape (4,), optional
            r, alpha, a, b of an earlier fit; then the only start.

        Raises
        ------
        ValueError
            Naming the argument and the first offending value.
        NotIdentified
            If there is no customer, or nobody bought twice.
        """
        if np.size(frequency) == 0:
            raise NotIdentified("nobody had bought yet: there is no customer to learn from")
        columns = check_purchases(frequency, recency, observed_time)
        groups = group_rows(*columns, weights=check_weights(weights, columns[0].size))
        x, _, observed = groups.columns
        scale = float(groups.weights @ observed / groups.weights.sum())
        buyers = groups.weights[x > 0].sum()
        if buyers == 0 or scale == 0:
            raise NotIdentified("no customer has a repeat purchase: purchase rates are unknown")
        unit = np.array([1, scale, 1, 1])
        given = STARTS[: self.n_starts] if start is None else [np.asarray(start, float) / unit]
        likelihood = PurchaseLikelihood.of(x, *(column / scale for column in groups.columns[1:]))
        nobs = groups.weights.sum()
        best = maximise(likelihood.objective(groups.weights), np.log(given), NAMES, nobs)
        return BetaGeometricResult(
            params=pd.Series(np.exp(best.log_params) * unit, index=list(NAMES), name="estimate"),
            log_covariance=best.covariance,
            # a density of x purchase times: rescaling time multiplies it by scale^−x
            llf=best.llf - float(groups.weights @ x) * np.log(scale),
            nobs=float(nobs),
            verdict=replace(best.verdict, notes=_notes(1 - buyers / nobs)),
            groups=groups,
            time_scale=scale,
            log_hessian=best.hessian,
        )


def _notes(bought_once: float) -> tuple[str, ...]:
    if bought_once < 0.005:
        return ()
    return ("BG/NBD gives customers who bought once P(alive) = 1 by construction",)


@dataclass(frozen=True)
class Refit:
    """Warm refits of one BG/NBD fit under new group weights, as the bootstrap needs them."""

    likelihood: PurchaseLikelihood
    log_params: FloatArray  # on the scaled clock
    hessian: FloatArray
    unit: FloatArray

    @classmethod
    def of(cls, result: BetaGeometricResult, groups: Groups | None = None) -> Refit:
        """Prepare refits on the result's own groups or on another grouping of the customers."""
        x, recency, observed = (groups or result.groups).columns
        scale = result.time_scale
        unit = np.array([1, scale, 1, 1])
        likelihood = PurchaseLikelihood.of(x, recency / scale, observed / scale)
        return cls(likelihood, np.log(result.params.to_numpy() / unit), result.log_hessian, unit)

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Natural-scale parameters of shape (4,) under these weights of shape (n_groups,)."""
        objective = self.likelihood.objective(weights)
        found = chord_newton(objective, self.log_params, self.hessian)
        if found is None:
            found = maximise(objective, [self.log_params], NAMES, weights.sum()).log_params
        return np.exp(found) * self.unit
