"""What the purchase models share: how they are fitted, and what a fit can be asked.

A model says how likely a history is and what follows from it; everything else
(grouping, search, verdict, totals, intervals) is the same for all and stands
here. A fit answers in the time unit of the data it was given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.grouping import Groups, group_rows
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import (
    LikelihoodResult,
    NotIdentified,
    Objective,
    Verdict,
    maximise,
    refitted,
)
from crmlib.value.expectations import NODES
from crmlib.value.observations import check_purchases, check_weights

FloatArray = NDArray[np.float64]

LEAST_SHORTFALL = 0.01  # log-likelihood units that the search may leave between nested models


class Likelihood(Protocol):
    """Log-likelihood of grouped customers."""

    def evaluate(self, log_params: FloatArray, weights: FloatArray) -> tuple[float, FloatArray]:
        """Log-likelihood and its gradient in log-parameters.

        Log-parameters have shape (4,), or (4, n_profiles) where customers were
        assigned to profiles; the gradient has the same shape.
        """
        ...


def objective(likelihood: Likelihood, weights: FloatArray) -> Objective:
    """Log-likelihood under these group weights as a function of log-parameters."""

    def evaluate(log_params: FloatArray) -> tuple[float, FloatArray]:
        return likelihood.evaluate(log_params, weights)

    return evaluate


class Process(NamedTuple):
    """Latent traits of customers who are active at the end of observation, shape (n,)."""

    rate: FloatArray  # purchases per time unit while active
    leaving: FloatArray  # probability to leave right after a purchase
    time_left: FloatArray  # until the customer leaves whatever they buy


@dataclass(frozen=True)
class PurchaseModel(ABC):
    """Estimator of a purchase model; `n_starts` (1–3) searches from different places."""

    n_starts: int = 3

    label: ClassVar[str]  # what the literature calls the model
    names: ClassVar[tuple[str, ...]]  # of the parameters
    time_powers: ClassVar[tuple[int, ...]]  # a parameter in time units counts 1, others 0
    starts: ClassVar[tuple[tuple[float, ...], ...]]  # times in units of the mean observed time
    # logarithms of the last two parameters under which (almost) nobody ever leaves
    nobody_leaves: ClassVar[tuple[float, float]] = (-60.0, 0.0)
    # parameters that covariates move, and the sign of a coefficient in their logarithm
    rate_scales: ClassVar[dict[str, int]] = {}
    dropout_scales: ClassVar[dict[str, int]] = {}

    def get_params(self) -> dict[str, int]:
        """Settings by name, as in scikit-learn."""
        return {"n_starts": self.n_starts}

    def unit(self, scale: float) -> FloatArray:
        """What one unit of each parameter is worth after times were divided by `scale`."""
        return np.power(scale, np.array(self.time_powers, dtype=float))

    def check(
        self, frequency: ArrayLike, recency: ArrayLike, observed_time: ArrayLike
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Histories as float columns, refused where impossible."""
        return check_purchases(frequency, recency, observed_time)

    def notes(self, bought_once: float) -> tuple[str, ...]:
        """What a reader of a fit should know, given the share without repeat purchase."""
        return ()

    @abstractmethod
    def likelihood(
        self,
        x: FloatArray,
        recency: FloatArray,
        observed_time: FloatArray,
        profile: NDArray[np.int64] | None = None,
    ) -> Likelihood:
        """Prepare the likelihood of grouped columns, each of shape (n_groups,)."""

    @abstractmethod
    def probability_alive(
        self, params: FloatArray, x: FloatArray, recency: FloatArray, observed_time: FloatArray
    ) -> FloatArray:
        """P(active at the end of observation | history)."""

    @abstractmethod
    def purchases_if_alive(
        self,
        params: FloatArray,
        x: ArrayLike,
        observed_time: ArrayLike,
        horizon: ArrayLike,
        rate: float,
        nodes: int = NODES,
    ) -> FloatArray:
        """Discounted expected purchases over the horizon, given active at its start."""

    @abstractmethod
    def frequency_probabilities(
        self, params: FloatArray, time: FloatArray, maximum: int
    ) -> FloatArray:
        """P(X = 0), …, P(X ≥ maximum) of a new customer, shape (n_times, maximum + 1)."""

    @abstractmethod
    def draw(
        self,
        params: FloatArray,
        x: FloatArray,
        observed_time: FloatArray,
        rng: np.random.Generator,
    ) -> Process:
        """Latent traits from their posterior, given active at the end of observation.

        Parameters
        ----------
        params : array of shape (4, n)
        x, observed_time : arrays of shape (n,)
        """

    def wait(self, rate: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Time to the next purchase of customers with these purchase rates."""
        with np.errstate(divide="ignore", over="ignore"):  # a rate of (almost) 0: never
            return rng.standard_exponential(rate.size) / rate

    def fit(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        observed_time: ArrayLike,
        weights: ArrayLike | None = None,
        start: ArrayLike | None = None,
    ) -> PurchaseResult:
        """Maximum likelihood on distinct (frequency, recency, observed time) rows.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Repeat purchase occasions, whole numbers.
        recency, observed_time : arrays of shape (n_customers,)
            Time from first to last purchase, and to the end of observation, in
            one unit; the choice of unit rescales the parameters that are times
            and nothing else.
        weights : array of shape (n_customers,), optional
            Number of customers a row stands for.
        start : array of shape (4,), optional
            Parameters of an earlier fit; then the only start.

        Raises
        ------
        ValueError
            Naming the argument and the first offending value.
        NotIdentified
            If there is no customer, or nobody bought twice.
        """
        if np.size(frequency) == 0:
            raise NotIdentified("nobody had bought yet: there is no customer to learn from")
        columns = self.check(frequency, recency, observed_time)
        groups = group_rows(*columns, weights=check_weights(weights, columns[0].size))
        x, _, observed = groups.columns
        scale = float(groups.weights @ observed / groups.weights.sum())
        buyers = groups.weights[x > 0].sum()
        if buyers == 0 or scale == 0:
            raise NotIdentified("no customer has a repeat purchase: purchase rates are unknown")
        if not any(self.time_powers):
            scale = 1.0  # occasions are counted: they have no unit
        unit = self.unit(scale)
        given = self.starts[: self.n_starts] if start is None else [np.asarray(start, float) / unit]
        likelihood = self.likelihood(x, *(column / scale for column in groups.columns[1:]))
        nobs = float(groups.weights.sum())
        goal = objective(likelihood, groups.weights)
        best = maximise(goal, np.log(given), self.names, nobs)
        stay = self._all_stay(goal, best.log_params, nobs)
        verdict = nested(best.verdict, best.llf, stay, "if nobody ever left")
        return PurchaseResult(
            params=pd.Series(
                np.exp(best.log_params) * unit, index=list(self.names), name="estimate"
            ),
            log_covariance=best.covariance,
            # a density of x purchase times: rescaling time multiplies it by scale^−x
            llf=best.llf - float(groups.weights @ x) * np.log(scale),
            nobs=nobs,
            verdict=replace(verdict, notes=self.notes(1 - buyers / nobs)),
            model=self,
            groups=groups,
            time_scale=scale,
            log_hessian=best.hessian,
        )

    def _all_stay(self, goal: Objective, log_params: FloatArray, nobs: float) -> float:
        """Largest log-likelihood of the model without leaving, which the model contains."""

        def evaluate(of_rate: FloatArray) -> tuple[float, FloatArray]:
            value, gradient = goal(np.append(of_rate, self.nobody_leaves))
            return value, gradient[:2]

        return maximise(evaluate, [log_params[:2]], self.names[:2], nobs).llf


def nested(verdict: Verdict, llf: float, poorer: float, which: str) -> Verdict:
    """Refuse a fit that lies below the poorer model inside it.

    A fit that is weak already, as where nobody leaves and a parameter has run to
    its bound, stays weak.
    """
    if llf >= poorer - max(LEAST_SHORTFALL, 1e-9 * abs(poorer)):
        return verdict
    reason = f"lower likelihood ({llf:.2f}) than {which} ({poorer:.2f})"
    grade = "refused" if verdict.grade == "good" else verdict.grade
    return replace(verdict, grade=grade, reasons=(*verdict.reasons, reason))


@dataclass(frozen=True)
class PurchaseResult(LikelihoodResult):
    """A fitted purchase model: its parameters and what follows from them.

    Methods take arrays, lists or Series of equal length, in the time unit of the fit.
    """

    model: PurchaseModel
    groups: Groups  # distinct (frequency, recency, observed_time) that were fitted
    time_scale: float  # the search worked in this many time units
    log_hessian: FloatArray  # in log-parameters

    def probability_alive(
        self, frequency: ArrayLike, recency: ArrayLike, observed_time: ArrayLike
    ) -> FloatArray:
        """Probability of still being active at the end of observation, shape (n_customers,)."""
        columns = self.model.check(frequency, recency, observed_time)
        groups = group_rows(*columns)
        return self._alive(groups)[groups.index]

    def expected_purchases(
        self,
        horizon: float,
        frequency: ArrayLike,
        recency: ArrayLike,
        observed_time: ArrayLike,
    ) -> FloatArray:
        """Expected purchases in the next `horizon` time units given each history."""
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

        With an infinite horizon these are the discounted expected residual
        transactions (DERT) of Fader, Hardie & Lee (2005), "RFM and CLV".

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
        groups = group_rows(*self.model.check(frequency, recency, observed_time))
        pairs = group_rows(groups.columns[0], groups.columns[2])  # recency matters to P(alive) only
        ahead = self.model.purchases_if_alive(self.params.to_numpy(), *pairs.columns, horizon, rate)
        return (ahead[pairs.index] * self._alive(groups))[groups.index]

    def expected_purchases_new(self, horizon: ArrayLike) -> FloatArray:
        """Expected repeat purchases of a new customer within each horizon."""
        params, nobody = self.params.to_numpy(), np.zeros(1)
        ends = np.asarray(horizon, dtype=float)
        stays = self.model.probability_alive(params, nobody, nobody, nobody)[0]
        return stays * self.model.purchases_if_alive(params, 0.0, 0.0, ends, 0.0)

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
        """Expected number of customers by repeat purchases, summed over customers.

        Returns
        -------
        Series of shape (maximum + 1,), index 0 … maximum
            The last entry counts `maximum` or more; the entries sum to all customers.
        """
        times = np.asarray(observed_time, dtype=float)
        distinct = group_rows(times, weights=check_weights(weights, times.size))
        table = self.model.frequency_probabilities(
            self.params.to_numpy(), distinct.columns[0], maximum
        )
        index = pd.RangeIndex(maximum + 1, name="frequency")
        return pd.Series(distinct.weights @ table, index=index, name="expected")

    def total_interval(
        self, horizon: float, *, replications: int, seed: int, level: float
    ) -> Interval:
        """Expected purchases of all fitted customers, interval by bootstrap over customers."""
        refit = Refit.of(self)
        x, recency, observed = self.groups.columns
        pairs = group_rows(x, observed)

        def total(params: FloatArray, weights: FloatArray) -> float:
            ahead = self.model.purchases_if_alive(params, *pairs.columns, horizon, 0.0)
            alive = self.model.probability_alive(params, x, recency, observed)
            return float(weights @ (ahead[pairs.index] * alive))

        draws = bootstrap_weights(self.groups.weights, replications, generator(seed))
        totals = [total(refit(weights), weights) for weights in draws]
        point = total(self.params.to_numpy(), self.groups.weights)
        return percentile_interval(point, totals, level)

    def _alive(self, groups: Groups) -> FloatArray:
        return self.model.probability_alive(self.params.to_numpy(), *groups.columns)


@dataclass(frozen=True)
class Refit:
    """Warm refits of one fit under new group weights, as the bootstrap needs them."""

    model: PurchaseModel
    likelihood: Likelihood
    log_params: FloatArray  # on the scaled clock
    hessian: FloatArray
    unit: FloatArray

    @classmethod
    def of(cls, result: PurchaseResult, groups: Groups | None = None) -> Refit:
        """Prepare refits on the result's own groups or on another grouping of the customers."""
        x, recency, observed = (groups or result.groups).columns
        model, scale = result.model, result.time_scale
        likelihood = model.likelihood(x, recency / scale, observed / scale)
        unit = model.unit(scale)
        log_params = np.log(result.params.to_numpy() / unit)
        return cls(model, likelihood, log_params, result.log_hessian, unit)

    def objective(self, weights: FloatArray) -> Objective:
        """Log-likelihood under these weights as a function of log-parameters."""
        return objective(self.likelihood, weights)

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Natural-scale parameters of shape (4,) under these weights of shape (n_groups,)."""
        goal = self.objective(weights)
        nobs = float(weights.sum())
        found = refitted(goal, self.log_params, self.hessian, self.model.names, nobs)
        return np.exp(found) * self.unit
