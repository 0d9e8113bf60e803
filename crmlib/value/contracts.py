"""How long contracts last when customers differ in their risk of leaving (sBG, V7).

The shifted-beta-geometric model of Fader & Hardie (2007), "How to Project Customer
Retention", J. Interactive Marketing 21(1), cited as FH: at the end of each period a
contract ends with a probability that is constant for a customer and varies over
customers by Beta(α, β). Retention rises with age because those who leave easily
leave first. Residual lifetimes follow Fader & Hardie (2010), Marketing Science 29(1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.optimise import (
    LikelihoodResult,
    NotIdentified,
    Objective,
    Verdict,
    chord_newton,
    maximise,
)
from crmlib.value import residual_lifetime
from crmlib.value.life_table import Exposure, exposure

FloatArray = NDArray[np.float64]

NAMES = ("alpha", "beta")
# natural-scale starts, β in units of the odds of staying: differing, alike, polarised
STARTS = ((1.0, 1.0), (5.0, 5.0), (0.3, 0.3))
FEWEST_EXPECTED = 5.0  # losses in a band of the test of fit
MISFIT, MISFIT_P = 0.1, 0.001  # share of losses in the wrong band, and its chance if all is well
SLICES = 80  # of the likelihood region on each side of the estimate


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
            DERL of Fader & Hardie (2010) eq. 6.

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
        return _losses(self.counts, self.params.to_numpy())

    def _interval(
        self,
        quantity: Callable[[FloatArray, FloatArray], FloatArray],
        at: ArrayLike,
        name: str,
        level: float,
    ) -> pd.DataFrame:
        ages = residual_lifetime.ages(at).ravel()
        estimate = quantity(self._usable()[:, None], ages)[0]
        region = quantity(likelihood_region(self, level), ages)
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
        return self.fit_exposure(_survivor_exposure(survivors))

    def fit_exposure(self, counts: Exposure) -> ShiftedBetaGeometricResult:
        """Maximum likelihood on contracts at risk and lost by period of age."""
        _check_identified(counts)
        odds = (1 - counts.rate) / counts.rate
        likelihood = LossLikelihood.of(counts)
        starts = np.log(STARTS[: self.n_starts])
        best = maximise(likelihood.objective(odds), starts, NAMES, counts.contracts)
        params = np.exp(best.log_params) * [1, odds]
        verdict = _judge(best.verdict, counts, params, best.llf)
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
        _check_identified(counts)
        objective = LossLikelihood.of(counts).objective(self.odds)
        found = chord_newton(objective, self.log_params, self.hessian)
        if found is None:
            best = maximise(objective, [self.log_params], NAMES, counts.contracts)
            found = best.log_params
        return np.exp(found) * [1, self.odds]


def likelihood_region(result: ShiftedBetaGeometricResult, level: float) -> FloatArray:
    """Edge of the parameters whose deviance a χ² of one degree of freedom allows.

    The extremes over this region of a quantity that moves with α/(α+β) at given α+β are
    the ends of its profile-likelihood interval (Cox & Hinkley 1974, *Theoretical
    Statistics*, ch. 9). The region is cut into slices of equal α+β.

    Returns
    -------
    array of shape (2, n_points)
        α and β, all of them positive and finite.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    alpha, beta = result.params
    least = result.llf - stats.chi2.ppf(level, 1) / 2
    steps = np.geomspace(1e-4, 20.0, SLICES)
    centre = np.log(alpha + beta)
    total = np.clip(centre + np.concatenate([-steps[::-1], [0.0], steps]), -15.0, 25.0)
    total = np.unique(total)

    def height(logit: FloatArray) -> FloatArray:
        return result.likelihood.llf(*_split(total, logit))

    best = _argmax(height, np.full(total.size, -25.0), np.full(total.size, 25.0))
    inside = height(best) >= least
    edges = []
    for bound in (-25.0, 25.0):
        within, outside = best.copy(), np.full(total.size, bound)
        for _ in range(50):
            middle = (within + outside) / 2
            allowed = height(middle) >= least
            within = np.where(allowed, middle, within)
            outside = np.where(allowed, outside, middle)
        edges.append(np.array(_split(total, within))[:, inside])
    return np.concatenate([*edges, result.params.to_numpy()[:, None]], axis=1)


def _split(log_total: FloatArray, logit: FloatArray) -> tuple[FloatArray, FloatArray]:
    """α and β from log(α+β) and the logit of α/(α+β)."""
    total = np.exp(log_total)
    return total / (1 + np.exp(-logit)), total / (1 + np.exp(logit))


def _argmax(
    height: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray
) -> FloatArray:
    """Maximiser of each slice by golden sections; along a slice there is one maximum."""
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        falls = height(left) > height(right)
        low, high = np.where(falls, low, left), np.where(falls, right, high)
    return (low + high) / 2


def _check_identified(counts: Exposure) -> None:
    """Refuse counts that no pair of parameters can be learnt from, with the reason."""
    if counts.tenure.size == 0:
        raise NotIdentified("no contract was under observation for a whole period")
    if counts.ended.sum() == 0:
        raise NotIdentified("no contract ended while it was observed: the risk is unknown")
    if counts.ended.sum() >= counts.at_risk.sum() * (1 - 1e-12):
        raise NotIdentified("every contract ended in its first observed period: nobody stayed")
    if counts.tenure.size == 1:
        raise NotIdentified(
            f"contracts were observed in one period of age only (period {counts.tenure[0]}): "
            "how customers differ cannot be seen"
        )


def _survivor_exposure(survivors: pd.DataFrame | ArrayLike) -> Exposure:
    """Contracts at risk and lost by period of age from counts of survivors."""
    table = survivors if isinstance(survivors, pd.DataFrame) else pd.DataFrame([survivors])
    counts = table.to_numpy(dtype=float)
    if counts.ndim != 2 or min(counts.shape) == 0:
        raise ValueError("survivors must have a row per cohort and a column per age")
    known = ~np.isnan(counts)
    filled = np.where(known, counts, 0.0)
    rules = {
        "must begin with a number of contracts": ~known[:, 0] | ~(filled[:, 0] > 0),
        "must be finite and not negative": (np.isinf(filled) | (filled < 0)).any(axis=1),
        "has a hole: later ages are filled": (~known[:, :-1] & known[:, 1:]).any(axis=1),
        "has more survivors than the period before": (
            (np.diff(filled) > 0) & known[:, 1:] & known[:, :-1]
        ).any(axis=1),
    }
    for rule, broken in rules.items():
        if broken.any():
            raise ValueError(f"survivors of cohort {table.index[int(np.argmax(broken))]} {rule}")
    both = known[:, 1:]
    at_risk = np.where(both, filled[:, :-1], 0.0).sum(axis=0)
    ended = np.where(both, -np.diff(filled), 0.0).sum(axis=0)
    seen = at_risk > 0
    tenure = np.arange(1, counts.shape[1])
    followed = filled[both[:, 0], 0].sum() if both.shape[1] else 0.0
    return Exposure(tenure[seen], at_risk[seen], ended[seen], float(followed))


def _losses(counts: Exposure, params: FloatArray) -> pd.DataFrame:
    """Observed and expected losses, neighbouring periods joined until enough are expected."""
    alpha, beta = params
    expected = counts.at_risk * alpha / (alpha + beta + counts.tenure - 1)
    # a band per so many expected losses, a dozen at most; the last, short one joins its neighbour
    width = max(FEWEST_EXPECTED, expected.sum() / 12)
    band = np.floor((np.cumsum(expected) - expected) / width)
    table = pd.DataFrame(
        {
            "first": counts.tenure,
            "last": counts.tenure,
            "at_risk": counts.at_risk,
            "ended": counts.ended,
            "expected": expected,
        }
    )
    how = {"first": "min", "last": "max", "at_risk": "sum", "ended": "sum", "expected": "sum"}
    bands = table.groupby(band).agg(how)
    if len(bands) > 1 and bands["expected"].iloc[-1] < FEWEST_EXPECTED:
        joined = [*range(len(bands) - 1), len(bands) - 2]
        bands = bands.groupby(np.array(joined)).agg(how)
    return bands.reset_index(drop=True)


def _judge(verdict: Verdict, counts: Exposure, params: FloatArray, llf: float) -> Verdict:
    """Add to the optimiser's verdict what the data say about the model itself."""
    rate = counts.rate
    stays = counts.at_risk.sum() - counts.ended.sum()
    constant = counts.ended.sum() * np.log(rate) + stays * np.log1p(-rate)
    reasons, grade = list(verdict.reasons), verdict.grade
    if llf < constant - 1e-3 * max(1.0, abs(constant) * 1e-6):
        grade, reasons = "refused", [
            f"a constant rate of loss, which the model contains, fits better by "
            f"{constant - llf:.3g} log-likelihood units",
            *reasons,
        ]  # fmt: skip
    elif llf - constant < 0.5 and grade == "weak":
        reasons = [
            f"contracts do not differ visibly in their risk: a constant rate of {rate:.2%} a "
            "period fits as well, alpha and beta mean nothing beyond their ratio"
        ]
    bands = _losses(counts, params)
    chi2 = ((bands["ended"] - bands["expected"]) ** 2 / bands["expected"]).sum()
    misplaced = (bands["ended"] - bands["expected"]).abs().sum() / 2 / counts.ended.sum()
    chance = stats.chi2.sf(chi2, max(len(bands) - 2, 1))
    if chance < MISFIT_P and misplaced > MISFIT:
        grade = "weak" if grade == "good" else grade
        reasons.append(
            f"losses do not follow the model by age: {misplaced:.0%} of them fall into other "
            "ages than expected"
        )
    return replace(verdict, grade=grade, reasons=tuple(reasons))
