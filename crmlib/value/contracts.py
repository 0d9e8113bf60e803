"""How long contracts last when customers differ in their risk of leaving (sBG, V7).

The shifted-beta-geometric model of Fader & Hardie (2007), "How to Project Customer
Retention", J. Interactive Marketing 21(1), cited as FH: at the end of each period a
contract ends with a probability that is constant for a customer and varies over
customers by Beta(α, β). Retention rises with age because those who leave easily
leave first. Residual lifetimes follow Fader & Hardie (2010), Marketing Science 29(1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.optimise import (
    LOG_BOUND,
    LikelihoodResult,
    NotIdentified,
    Objective,
    chord_newton,
    maximise,
)
from crmlib.value import residual_lifetime
from crmlib.value.contract_fit import (
    NO_GAIN,
    check_identified,
    constant_rate_llf,
    expected_losses,
    judge_fit,
    misplaced_share,
    risk_rises,
)
from crmlib.value.life_table import Exposure, exposure, survivor_exposure
from crmlib.value.likelihood_region import likelihood_region

FloatArray = NDArray[np.float64]

NAMES = ("alpha", "beta")
# natural-scale starts, β in units of the odds of staying: differing, alike, polarised
STARTS = ((1.0, 1.0), (5.0, 5.0), (0.3, 0.3))


@dataclass(frozen=True)
class LossLikelihood:
    """sBG log-likelihood of contracts at risk and lost by period of age.

    A contract that ended in period t gives P(T = t)/S(entry), one that was last seen
    after t periods S(t)/S(entry): products of the retention rates FH eq. 8 over the
    periods at risk, so that counts by period are all that is needed.
    """

    tenure: FloatArray
    at_risk: FloatArray
    ended: FloatArray

    @classmethod
    def of(cls, counts: Exposure) -> LossLikelihood:
        """Prepare counts; periods of shape (n_periods,)."""
        return cls(counts.tenure.astype(float), counts.at_risk, counts.ended)

    def objective(self, odds: float) -> Objective:
        """Log-likelihood as a function of (log α, log β/odds)."""
        unit = np.array([0.0, np.log(odds)])

        def evaluate(log_params: FloatArray) -> tuple[float, FloatArray]:
            alpha, beta = params = np.exp(log_params + unit)
            before, stayed = self.tenure - 1, self.at_risk - self.ended
            either = self.at_risk / (alpha + beta + before)
            d_alpha = self.ended.sum() / alpha - either.sum()
            d_beta = (stayed / (beta + before)).sum() - either.sum()
            return float(self.llf(alpha, beta)), params * np.array([d_alpha, d_beta])

        return evaluate

    def llf(self, alpha: ArrayLike, beta: ArrayLike) -> FloatArray:
        """Log-likelihood at each pair of parameters, shape of the broadcast parameters."""
        a, b = np.asarray(alpha, float)[..., None], np.asarray(beta, float)[..., None]
        before = self.tenure - 1
        log_loss, log_stay = -np.log1p((b + before) / a), -np.log1p(a / (b + before))
        return log_loss @ self.ended + log_stay @ (self.at_risk - self.ended)


@dataclass(frozen=True)
class ShiftedBetaGeometricResult(LikelihoodResult):
    """A fitted sBG model: parameters alpha, beta and what follows from them.

    Ages and horizons are whole periods. Intervals of survival, retention and residual
    lifetime are likelihood intervals: they hold, too, where contracts differ so little
    that α and β themselves run away and only their ratio is known.
    """

    counts: Exposure
    odds: float  # the search worked in β / odds
    log_hessian: FloatArray

    @property
    def mean_loss(self) -> float:
        """Mean over new customers of the probability to leave in a period, α/(α+β)."""
        alpha, beta = self.params
        return float(alpha / (alpha + beta))

    def survival(self, periods: ArrayLike, renewed: ArrayLike = 0) -> FloatArray:
        """Probability that a contract that has renewed `renewed` times is there after `periods`.

        S(renewed + periods)/S(renewed), FH eq. 6.
        """
        ahead, age = residual_lifetime.ages(periods), residual_lifetime.ages(renewed)
        return residual_lifetime.survival(self._usable(), ahead, age)

    def retention(self, period: ArrayLike) -> FloatArray:
        """Share of those who began period 1, 2, … that stay beyond it, FH eq. 8."""
        age = residual_lifetime.ages(period)
        if (age < 1).any():
            raise ValueError("periods are counted from 1")
        return residual_lifetime.survival(self._usable(), np.ones(1), age - 1)

    def residual_lifetime(
        self,
        renewed: ArrayLike,
        rate: float,
        horizon: float = np.inf,
        first_payment: int = 1,
    ) -> FloatArray:
        """Discounted expected number of further periods of a contract of given age.

        Multiplied by the margin of a period this is the value of the contract.

        Parameters
        ----------
        renewed : array of int
            Renewals so far, 0 or more.
        rate : float
            Discount rate per period, effective, 0 or more.
        horizon : float
            Periods ahead that count; ``numpy.inf`` where the sum exists.
        first_payment : {0, 1}
            Periods until the next payment is due, if the contract is renewed: 1 just
            after a payment, as in m·r/(1 + i − r); 0 just before a renewal, which is
            DERL of Fader & Hardie (2010).

        Raises
        ------
        NotIdentified
            If nothing is discounted, the horizon is infinite and α ≤ 1: the expected
            lifetime is infinite. Also if the fit was refused.
        """
        age = residual_lifetime.ages(renewed)
        points = self._usable()[:, None]
        value = residual_lifetime.expected(points, age.ravel(), rate, horizon, first_payment)
        return value[0].reshape(age.shape)

    def residual_lifetime_interval(
        self,
        renewed: ArrayLike,
        rate: float,
        horizon: float = np.inf,
        first_payment: int = 1,
        *,
        level: float,
    ) -> pd.DataFrame:
        """`residual_lifetime` with its likelihood interval, columns value, lo, hi."""

        def expected(points: FloatArray, age: FloatArray) -> FloatArray:
            return residual_lifetime.expected(points, age, rate, horizon, first_payment)

        return self._interval(expected, renewed, "renewed", level)

    def survival_interval(self, periods: ArrayLike, *, level: float) -> pd.DataFrame:
        """Survival of a new contract with its likelihood interval, columns value, lo, hi."""

        def surviving(points: FloatArray, ahead: FloatArray) -> FloatArray:
            alpha, beta = points
            return residual_lifetime.survival(
                np.array([alpha[:, None], beta[:, None]]), ahead, np.zeros(1)
            )

        return self._interval(surviving, periods, "periods", level)

    def losses(self) -> pd.DataFrame:
        """Observed and expected losses by bands of age, each with 5 expected at least.

        Returns
        -------
        DataFrame of shape (n_bands, 5)
            first, last (period of age), at_risk (contracts × periods), ended, expected.
        """
        return expected_losses(self.counts, self.params.to_numpy())

    @property
    def differ(self) -> bool:
        """Whether contracts are seen to differ in risk: a constant rate of loss fits worse."""
        return self.llf - constant_rate_llf(self.counts) >= NO_GAIN

    @property
    def misplaced(self) -> float:
        """Share of losses that fall into other bands of age than the model expects, 0–1."""
        return misplaced_share(self.losses())

    def _interval(
        self,
        quantity: Callable[[FloatArray, FloatArray], FloatArray],
        at: ArrayLike,
        name: str,
        level: float,
    ) -> pd.DataFrame:
        ages = residual_lifetime.ages(at).ravel()
        estimate = quantity(self._usable()[:, None], ages)[0]
        region = quantity(
            likelihood_region(self.likelihood.llf, self._usable(), self.llf, level), ages
        )
        return pd.DataFrame(
            {
                "value": estimate,
                "lo": np.minimum(region.min(axis=0), estimate),
                "hi": np.maximum(region.max(axis=0), estimate),
            },
            index=pd.Index(ages.astype(int), name=name),
        )

    def _usable(self) -> FloatArray:
        if self.verdict.grade == "refused":
            raise NotIdentified(f"the contract model was refused: {self.verdict.reasons[0]}")
        return self.params.to_numpy()

    @cached_property
    def likelihood(self) -> LossLikelihood:
        """The likelihood that was maximised."""
        return LossLikelihood.of(self.counts)


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """sBG estimator; `n_starts` (1–3) searches from different places."""

    n_starts: int = 3

    def get_params(self) -> dict[str, int]:
        """Settings by name, as in scikit-learn."""
        return {"n_starts": self.n_starts}

    def fit(
        self,
        duration: ArrayLike,
        ended: ArrayLike,
        entry: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> ShiftedBetaGeometricResult:
        """Maximum likelihood on contracts, ended or still running.

        Parameters
        ----------
        duration : array of int, shape (n_contracts,)
            Period of age in which the contract ended (1 for the first), or whole periods
            completed where it runs.
        ended : array of bool, shape (n_contracts,)
        entry : array of int, shape (n_contracts,), optional
            Periods completed before observation began, see `contract_spells`.
        weights : array of shape (n_contracts,), optional
            Number of contracts a row stands for.

        Raises
        ------
        ValueError
            Naming the argument and the first offending value.
        NotIdentified
            If nobody was at risk, nobody left, nobody stayed, or only one period of age
            was seen.
        """
        return self.fit_exposure(exposure(duration, ended, entry, weights))

    def fit_survivors(self, survivors: pd.DataFrame | ArrayLike) -> ShiftedBetaGeometricResult:
        """Maximum likelihood on cohorts of which the survivors were counted.

        Parameters
        ----------
        survivors : DataFrame of shape (n_cohorts, n_periods + 1), or array of one cohort
            Contracts there at the start, after one period, after two, …; empty (NaN)
            where not yet observed. Cohorts share one model.

        Raises
        ------
        ValueError
            Naming the cohort whose counts rise, start empty or have a hole.
        NotIdentified
            As in `fit`.
        """
        return self.fit_exposure(survivor_exposure(survivors))

    def fit_losses(
        self, sizes: ArrayLike, losses: pd.DataFrame | ArrayLike
    ) -> ShiftedBetaGeometricResult:
        """Maximum likelihood on cohorts of which the losses were counted.

        Parameters
        ----------
        sizes : array of shape (n_cohorts,), or a number for one cohort
            Contracts at the start.
        losses : DataFrame of shape (n_cohorts, n_periods), or array of one cohort
            Contracts lost in period 1, 2, …; empty (NaN) where not yet observed.

        Raises
        ------
        ValueError, NotIdentified
            As in `fit_survivors`.
        """
        table = losses if isinstance(losses, pd.DataFrame) else pd.DataFrame([losses])
        began = np.atleast_1d(np.asarray(sizes, dtype=float))
        if began.shape != (len(table),):
            raise ValueError(f"sizes has {began.size} values where {len(table)} were expected")
        left = table.to_numpy(dtype=float)
        counts = np.column_stack([began, began[:, None] - np.cumsum(left, axis=1)])
        holes = np.isnan(left[:, :-1]) & ~np.isnan(left[:, 1:])
        counts[:, 2:][holes] = 0.0  # a cumulated hole would reach to the end and not be seen
        return self.fit_survivors(pd.DataFrame(counts, index=table.index))

    def fit_exposure(self, counts: Exposure) -> ShiftedBetaGeometricResult:
        """Maximum likelihood on contracts at risk and lost by period of age."""
        check_identified(counts)
        odds = (1 - counts.rate) / counts.rate
        likelihood = LossLikelihood.of(counts)
        starts = np.log(STARTS[: self.n_starts])
        best = maximise(likelihood.objective(odds), starts, NAMES, counts.contracts)
        params = np.exp(best.log_params) * [1, odds]
        verdict = judge_fit(best.verdict, counts, params, best.llf)
        return ShiftedBetaGeometricResult(
            params=pd.Series(params, index=list(NAMES), name="estimate"),
            log_covariance=best.covariance,
            llf=best.llf,
            nobs=counts.contracts,
            verdict=verdict,
            counts=counts,
            odds=odds,
            log_hessian=best.hessian,
        )


@dataclass(frozen=True)
class Refit:
    """Warm refits of one sBG fit to other counts, as the bootstrap needs them."""

    log_params: FloatArray
    hessian: FloatArray
    odds: float

    @classmethod
    def of(cls, result: ShiftedBetaGeometricResult) -> Refit:
        """Prepare refits from a fit."""
        unit = np.array([1, result.odds])
        return cls(np.log(result.params.to_numpy() / unit), result.log_hessian, result.odds)

    def __call__(self, counts: Exposure) -> FloatArray:
        """Parameters of shape (2,) for these counts.

        Raises
        ------
        NotIdentified
            If they do not hold a loss, a survivor and two periods of age.
        """
        check_identified(counts)
        if risk_rises(counts):
            return np.exp(LOG_BOUND) * np.array([1.0, (1 - counts.rate) / counts.rate])
        objective = LossLikelihood.of(counts).objective(self.odds)
        # from a run-away optimum the likelihood is flat and the search would not leave it
        start = np.log(STARTS[1])
        if np.abs(self.log_params).max() < LOG_BOUND - 3:
            found = chord_newton(objective, self.log_params, self.hessian)
            if found is not None:
                return np.exp(found) * [1, self.odds]
            start = self.log_params
        best = maximise(objective, [start], NAMES, counts.contracts)
        return np.exp(best.log_params) * [1, self.odds]
