"""What a customer spends per purchase (Gamma-Gamma).

Amounts of one customer vary by Gamma(p, ν), ν over customers by Gamma(q, v):
Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value", cited as FH,
after Colombo & Jiang (1999). The model sees the mean over *repeat* purchases
only; the first purchase in it is the usual mistake, since first baskets differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crmlib.stats.grouping import Groups, group_rows
from crmlib.stats.optimise import (
    LikelihoodResult,
    NotIdentified,
    Objective,
    Verdict,
    maximise,
    refitted,
)
from crmlib.value.observations import check_column, check_weights

FloatArray = NDArray[np.float64]

NAMES = ("p", "q", "v")
# natural-scale starts in units of the mean spend; all have a finite mean
STARTS = ((2.0, 3.0, 1.0), (6.0, 4.0, 0.5), (1.0, 2.0, 1.0))


@dataclass(frozen=True)
class SpendLikelihood:
    """Gamma-Gamma log-likelihood of grouped customers, analytic gradient in log-parameters."""

    frequency: tuple[FloatArray, NDArray[np.int64]]  # distinct values, index of each group
    total: FloatArray  # repeat purchases × mean spend, shape (n_groups,)

    @classmethod
    def of(cls, frequency: FloatArray, mean_spend: FloatArray) -> SpendLikelihood:
        """Prepare grouped columns, each of shape (n_groups,)."""
        return cls(np.unique(frequency, return_inverse=True), frequency * mean_spend)

    def objective(self, weights: FloatArray) -> Objective:
        """Log-likelihood under these group weights as a function of log-parameters."""
        x, of_x = self.frequency
        weight_x = np.bincount(of_x, weights, x.size)
        log_total = np.log(self.total)
        log_total_x = np.bincount(of_x, weights * log_total, x.size)
        # density of the mean instead of the total: one factor x per customer
        constant = weight_x @ np.log(x) - weights @ log_total

        def evaluate(log_params: FloatArray) -> tuple[float, FloatArray]:
            """FH eq. 1a: Γ(px+q)/(Γ(px)Γ(q)) · v^q z^(px−1) x^(px) / (v+xz)^(px+q)."""
            p, q, v = params = np.exp(log_params)
            shape = p * x + q
            reached = v + self.total
            log_reached_x = np.bincount(of_x, weights * np.log(reached), x.size)
            value = (
                weight_x
                @ (
                    special.gammaln(shape)
                    - special.gammaln(p * x)
                    - special.gammaln(q)
                    + q * log_params[2]
                )
                + p * x @ log_total_x
                - shape @ log_reached_x
                + constant
            )
            inner = weight_x * (special.digamma(shape) - special.digamma(p * x))
            d_p = x @ (inner + log_total_x - log_reached_x)
            d_q = weight_x @ (special.digamma(shape) - special.digamma(q) + log_params[2])
            d_q -= log_reached_x.sum()
            d_v = q / v * weights.sum() - shape @ np.bincount(of_x, weights / reached, x.size)
            return float(value), params * np.array([d_p, d_q, d_v])

        return evaluate


def expected_spend(params: FloatArray, frequency: ArrayLike, total: ArrayLike) -> FloatArray:
    """Expected spend per purchase given `frequency` purchases that sum to `total`, FH eq. 5.

    p (v + x·z̄) / (p·x + q − 1); without purchases the population mean p·v/(q − 1).
    """
    p, q, v = params
    return p * (v + np.asarray(total)) / (p * np.asarray(frequency) + q - 1)


@dataclass(frozen=True)
class GammaGammaResult(LikelihoodResult):
    """A fitted Gamma-Gamma model: parameters p, q, v (money) and what follows from them.

    `dependence` is Spearman's correlation of spend and frequency over the fitted
    customers; the model assumes 0. None where frequency or spend does not vary.
    """

    dependence: float | None
    groups: Groups  # distinct (frequency, mean spend) that were fitted
    money_scale: float  # the search worked in this many money units
    log_hessian: FloatArray  # in log-parameters

    @property
    def mean(self) -> float:
        """Population mean of spend per purchase, p·v/(q − 1).

        Raises
        ------
        NotIdentified
            If q ≤ 1: the mean of the population is infinite.
        """
        p, q, v = self._usable()
        return float(p * v / (q - 1))

    @property
    def median(self) -> float:
        """Population median of customers' mean spend p/ν; finite for every q."""
        p, q, v = self.params
        return float(p * v / special.gammaincinv(q, 0.5))

    def expected_spend(self, frequency: ArrayLike, mean_spend: ArrayLike) -> FloatArray:
        """Expected spend per purchase given each history, shape (n_customers,).

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Repeat purchases, 0 or more.
        mean_spend : array of shape (n_customers,)
            Mean over repeat purchases; ignored (may be NaN) where frequency is 0.

        Raises
        ------
        NotIdentified
            If q ≤ 1: the population mean is infinite.
        ValueError
            Naming the argument and the first offending value.
        """
        params = self._usable()
        x = check_column("frequency", frequency)
        history = np.asarray(mean_spend, dtype=float)
        if history.shape != x.shape:
            raise ValueError(f"mean_spend has shape {history.shape}, frequency {x.shape}")
        spend = check_column("mean_spend", np.where(x > 0, history, 0.0))
        return expected_spend(params, x, x * spend)

    def _usable(self) -> FloatArray:
        if self.params["q"] <= 1:
            raise NotIdentified(
                f"mean spend is infinite (q = {self.params['q']:.3g} ≤ 1); "
                f"the median is {self.median:,.2f}"
            )
        return self.params.to_numpy()


@dataclass(frozen=True)
class GammaGamma:
    """Gamma-Gamma estimator; `n_starts` (1–3) searches from different places."""

    n_starts: int = 3

    def get_params(self) -> dict[str, int]:
        """Settings by name, as in scikit-learn."""
        return {"n_starts": self.n_starts}

    def fit(
        self, frequency: ArrayLike, mean_spend: ArrayLike, weights: ArrayLike | None = None
    ) -> GammaGammaResult:
        """Maximum likelihood on customers with a repeat purchase and positive spend.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Repeat purchases, at least 1.
        mean_spend : array of shape (n_customers,)
            Mean amount of the repeat purchases, positive.
        weights : array of shape (n_customers,), optional

        Raises
        ------
        ValueError
            Naming the argument and the first offending value.
        NotIdentified
            If nobody has two repeat purchases: p cannot be told from q and v.
        """
        x = check_column("frequency", frequency)
        spend = check_column("mean_spend", mean_spend, x.size)
        for name, column, least in (("frequency", x, x < 1), ("mean_spend", spend, spend <= 0)):
            if least.any():
                first = int(np.argmax(least))
                rule = "at least 1" if name == "frequency" else "positive"
                raise ValueError(f"{name} must be {rule}: {column[first]:g} at position {first}")
        groups = group_rows(x, spend, weights=check_weights(weights, x.size))
        times, means = groups.columns
        weight, nobs = groups.weights, float(groups.weights.sum())
        if not (weight[times > 1] > 0).any():
            raise NotIdentified("nobody has two repeat purchases: p cannot be told from q and v")
        scale = float(weight @ means / nobs)
        objective = SpendLikelihood.of(times, means / scale).objective(weight)
        best = maximise(objective, np.log(STARTS[: self.n_starts]), NAMES, nobs)
        params = np.exp(best.log_params) * [1, 1, scale]
        return GammaGammaResult(
            params=pd.Series(params, index=list(NAMES), name="estimate"),
            log_covariance=best.covariance,
            llf=best.llf - nobs * float(np.log(scale)),
            nobs=nobs,
            verdict=_with_infinite_mean(best.verdict, params[1]),
            dependence=_spearman(times, means, weight),
            groups=groups,
            money_scale=scale,
            log_hessian=best.hessian,
        )


@dataclass(frozen=True)
class Refit:
    """Warm refits of one Gamma-Gamma fit under new group weights."""

    likelihood: SpendLikelihood
    log_params: FloatArray  # on the scaled money
    hessian: FloatArray
    unit: FloatArray

    @classmethod
    def of(cls, result: GammaGammaResult, groups: Groups | None = None) -> Refit:
        """Prepare refits on the result's own groups or on another grouping of the customers."""
        frequency, mean_spend = (groups or result.groups).columns
        unit = np.array([1, 1, result.money_scale])
        likelihood = SpendLikelihood.of(frequency, mean_spend / result.money_scale)
        return cls(likelihood, np.log(result.params.to_numpy() / unit), result.log_hessian, unit)

    def objective(self, weights: FloatArray) -> Objective:
        """Log-likelihood under these weights as a function of log-parameters."""
        return self.likelihood.objective(weights)

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Natural-scale parameters of shape (3,) under these weights of shape (n_groups,)."""
        objective = self.objective(weights)
        found = refitted(objective, self.log_params, self.hessian, NAMES, weights.sum())
        return np.exp(found) * self.unit


def _with_infinite_mean(verdict: Verdict, q: float) -> Verdict:
    if q > 1:
        return verdict
    reason = f"infinite mean: q = {q:.3g} ≤ 1, expected spend does not exist"
    return replace(verdict, grade="refused", reasons=(reason, *verdict.reasons))


def _spearman(x: FloatArray, y: FloatArray, weights: FloatArray) -> float | None:
    """Spearman's rank correlation of weighted rows: Pearson's of the mid-ranks."""
    ranks = []
    for column in (x, y):
        values, index = np.unique(column, return_inverse=True)
        if values.size < 2:
            return None
        mass = np.bincount(index, weights)
        rank = (np.cumsum(mass) - mass / 2)[index]
        ranks.append(rank - weights @ rank / weights.sum())
    first, second = ranks
    spread = np.sqrt((weights @ first**2) * (weights @ second**2))
    return float((weights * first) @ second / spread)
