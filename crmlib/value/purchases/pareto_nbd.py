"""Purchases of customers who may leave at any moment (Pareto/NBD).

Schmittlein, Morrison & Colombo (1987), "Counting Your Customers", Management
Science 33(1); formulas as in Fader & Hardie (2005), note 009, cited as FH.
While active, a customer buys at a Poisson rate λ ~ Gamma(r, α); the time until
the customer leaves is exponential with rate μ ~ Gamma(s, β). The likelihood sums
over the moment of leaving,

    Γ(r+x)/Γ(r) α^r β^s · ( (α+T)^−(r+x) (β+T)^−s
                            + s ∫ from t_x to T of (α+τ)^−(r+x) (β+τ)^−(s+1) dτ ),

whose integral FH write as a difference of two ₂F₁.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crmlib.stats.grouping import Groups, group_rows
from crmlib.stats.special import (
    PowerIntegral,
    gauss_legendre,
    log_power_integral,
    power_integral,
    softplus,
)
from crmlib.value import expectations
from crmlib.value.purchases import shared

FloatArray = NDArray[np.float64]

NAMES = ("r", "alpha", "s", "beta")
# natural-scale starts in units of the mean observed time: typical, even, loyal buyers
STARTS = ((0.5, 0.3, 0.6, 0.35), (1.0, 1.0, 1.0, 1.0), (2.0, 0.5, 0.5, 2.0))
BEYOND = 1.05  # tails end at this multiple of the longest time observed


@dataclass(frozen=True)
class ParetoLikelihood:
    """Pareto/NBD log-likelihood of grouped customers, analytic gradient in log-parameters.

    The integral from t_x to T is the tail from t_x minus the tail from T: tails
    depend on two columns, and distinct pairs are far fewer than distinct triples.
    Nothing is lost in the difference, since it is added to a term that is not
    small against the tail from T.
    """

    frequency: FloatArray  # of each group, as are the next two
    observed_time: FloatArray
    profile: NDArray[np.int64]
    distinct: tuple[FloatArray, NDArray[np.int64]]  # frequencies, and that of each group
    tails: Groups  # distinct (frequency, time, profile) at which a tail begins
    end: float  # of all tails

    @classmethod
    def of(
        cls,
        x: FloatArray,
        recency: FloatArray,
        observed_time: FloatArray,
        profile: NDArray[np.int64] | None = None,
    ) -> ParetoLikelihood:
        """Prepare grouped columns, each of shape (n_groups,)."""
        of_profile = np.zeros(x.size, dtype=np.int64) if profile is None else profile
        times = np.concatenate([recency, observed_time])
        tails = group_rows(np.tile(x, 2), times, np.tile(of_profile, 2))
        end = BEYOND * float(observed_time.max())
        distinct = np.unique(x, return_inverse=True)
        return cls(x, observed_time, of_profile, distinct, tails, end if end > 0 else 1.0)

    def evaluate(self, log_params: FloatArray, weights: FloatArray) -> tuple[float, FloatArray]:
        """Log-likelihood and gradient; both of shape (4,) or (4, n_profiles) as passed."""
        columns = log_params.reshape(len(NAMES), -1)
        _, log_alpha, log_s, log_beta = logs = _of_each(columns, self.profile)
        r, alpha, s, beta = np.exp(logs)
        x, time = self.frequency, self.observed_time
        tail = self._tails(columns)
        last, end = np.split(self.tails.index, 2)
        at_alpha, at_beta = np.log(alpha + time), np.log(beta + time)
        stayed = -(r + x) * at_alpha - s * at_beta
        log_odds = _log_odds(log_s, tail.log[last], tail.log[end], stayed)
        to_left = softplus(log_odds)

        frequencies, of_x = self.distinct
        shape = np.exp(columns[0, 0])  # of the rate: the same in all profiles
        gained = (special.gammaln(shape + frequencies) - special.gammaln(shape))[of_x]
        likely = gained + r * log_alpha + s * log_beta + stayed + to_left

        # how much each tail counts: s·tail over the whole bracket of the likelihood
        counts = log_s - stayed - to_left
        begun = weights * np.exp(counts + tail.log[last])
        spared = weights * np.exp(counts + tail.log[end])
        alive = weights * np.exp(-to_left)
        polygamma = (special.digamma(shape + frequencies) - special.digamma(shape))[of_x]
        slopes = (
            r * (weights * (polygamma + log_alpha) - alive * at_alpha),
            weights * r - alive * (r + x) * alpha / (alpha + time),
            s * (weights * log_beta - alive * at_beta) + weights - alive,
            weights * s - alive * s * beta / (beta + time),
        )
        profiles = columns.shape[1]
        gradient = np.array([_by_profile(self.profile, row, profiles) for row in slopes])
        size = self.tails.weights.size
        mass = np.bincount(last, begun, size) - np.bincount(end, spared, size)
        gradient += self._tail_slopes(columns, tail, mass)
        return float((weights * likely).sum()), gradient.reshape(log_params.shape)

    def _tails(self, columns: FloatArray) -> PowerIntegral:
        x, start, profile = self.tails.columns
        r, alpha, s, beta = np.exp(columns[:, profile.astype(np.int64)])
        return power_integral(r + x, alpha, s + 1, beta, start, self.end)

    def _tail_slopes(
        self, columns: FloatArray, tail: PowerIntegral, mass: FloatArray
    ) -> FloatArray:
        """What the tails add to the gradient, given how much each counts."""
        x, _, profile = self.tails.columns
        of_profile = profile.astype(np.int64)
        r, alpha, s, beta = np.exp(columns[:, of_profile])
        slopes = mass * np.array(
            [
                -r * tail.log_alpha,
                -alpha * (r + x) * tail.per_alpha,
                -s * tail.log_beta,
                -beta * (s + 1) * tail.per_beta,
            ]
        )
        return np.array([_by_profile(of_profile, row, columns.shape[1]) for row in slopes])


def _of_each(columns: FloatArray, profile: NDArray[np.int64]) -> FloatArray:
    """Columns of each row's profile; one profile broadcasts instead of being copied."""
    return columns if columns.shape[1] == 1 else columns[:, profile]


def _by_profile(profile: NDArray[np.int64], terms: FloatArray, profiles: int) -> FloatArray:
    """Sum of terms per profile."""
    return terms.sum(keepdims=True) if profiles == 1 else np.bincount(profile, terms, profiles)


def _log_odds(
    log_s: FloatArray, from_last: FloatArray, from_end: FloatArray, stayed: FloatArray
) -> FloatArray:
    """Log-odds of having left: log of s·(tail from t_x − tail from T) over the active term."""
    with np.errstate(divide="ignore"):  # −inf where t_x = T: no time to leave
        return log_s + from_last - stayed + np.log(-np.expm1(np.minimum(from_end - from_last, 0)))


def _log_tail(params: FloatArray, x: FloatArray, start: FloatArray, end: float) -> FloatArray:
    """Logarithm of ∫ (α+τ)^−(r+x) (β+τ)^−(s+1) dτ from `start` to `end`, of the broadcast shape.

    Customers share most beginnings of tails. Where all have the same parameters, or
    replicates of them on a last axis of their own, each beginning is taken once.
    """
    replicated = params.ndim == 3 and params.shape[1] == 1 == x.shape[-1]
    if params.ndim > 1 and not replicated:
        return _log_tail_of_each(params, x, start, end)
    begun = group_rows(x.ravel(), start.ravel())
    column = (-1, 1) if replicated else (-1,)
    at_x, at_start = (values.reshape(column) for values in begun.columns)
    log = _log_tail_of_each(params[:, 0] if replicated else params, at_x, at_start, end)[
        begun.index
    ]
    return log if replicated else log.reshape(x.shape)


def _log_tail_of_each(
    params: FloatArray, x: FloatArray, start: FloatArray, end: float
) -> FloatArray:
    arrays = np.broadcast_arrays(*params, x, start)
    r, alpha, s, beta, frequency, at = (np.ravel(array) for array in arrays)
    log = log_power_integral(r + frequency, alpha, s + 1, beta, at, end)
    return log.reshape(arrays[0].shape)


@dataclass(frozen=True)
class ParetoNBD(shared.PurchaseModel):
    """Pareto/NBD estimator; `n_starts` (1–3) searches from different places.

    Its parameters are r, alpha (time units), s and beta (time units).
    """

    label: ClassVar = "Pareto/NBD"
    names: ClassVar = NAMES
    time_powers: ClassVar = (0, 1, 0, 1)
    starts: ClassVar = STARTS
    rate_scales: ClassVar = {"alpha": -1}
    dropout_scales: ClassVar = {"beta": -1}

    def likelihood(
        self,
        x: FloatArray,
        recency: FloatArray,
        observed_time: FloatArray,
        profile: NDArray[np.int64] | None = None,
    ) -> ParetoLikelihood:
        """The likelihood of these histories, grouped."""
        return ParetoLikelihood.of(x, recency, observed_time, profile)

    def probability_alive(
        self, params: FloatArray, x: FloatArray, recency: FloatArray, observed_time: FloatArray
    ) -> FloatArray:
        """Odds of having stayed until the end against having left since the last purchase (FH)."""
        r, alpha, s, beta = params
        beyond = BEYOND * float(observed_time.max(initial=0)) or 1.0
        from_last = _log_tail(params, x, recency, beyond)
        from_end = _log_tail(params, x, observed_time, beyond)
        stayed = -(r + x) * np.log(alpha + observed_time) - s * np.log(beta + observed_time)
        return special.expit(-_log_odds(np.log(s), from_last, from_end, stayed))

    def purchases_if_alive(
        self,
        params: FloatArray,
        x: ArrayLike,
        observed_time: ArrayLike,
        horizon: ArrayLike,
        rate: float,
        nodes: int = expectations.NODES,
    ) -> FloatArray:
        """∫ exp(−δτ) (r+x)/(α+T) ((β+T)/(β+T+τ))^s dτ over the horizon.

        Undiscounted it has a closed form (FH), taken here without its hole
        at s = 1. Discounted to infinity it is (β+T)^s δ^(s−1) Ψ(s, s, δ(β+T))
        (Fader, Hardie & Lee 2005, "RFM and CLV"), whose Ψ is not reliable
        in floating point; the sum over `nodes` serves any horizon.
        """
        end = expectations.check_horizon(horizon, rate)
        r, alpha, s, beta = params
        time = np.asarray(observed_time, dtype=float)
        x, scale, buying, end = np.broadcast_arrays(x, beta + time, alpha + time, end)
        reach = np.log1p(end / scale)
        if rate == 0:
            return (r + x) / buying * scale * reach * special.exprel((1 - s) * reach)
        points, weights = gauss_legendre(nodes)
        v = reach[..., None] * points
        lasting = (1 - np.asarray(s))[..., None] * v - rate * scale[..., None] * np.expm1(v)
        return (r + x) / buying * scale * reach * (np.exp(lasting) @ weights)

    def frequency_probabilities(
        self, params: FloatArray, time: FloatArray, maximum: int
    ) -> FloatArray:
        """Negative binomial over the time active, which ends at `time` or by leaving before."""
        expectations.check_frequencies(time, maximum)
        r, alpha, s, beta = params
        points, weights = gauss_legendre(3 * expectations.NODES)
        reach = np.log1p(time / min(alpha, beta))
        v = reach[:, None] * points
        active = min(alpha, beta) * np.expm1(v)
        leaving = reach[:, None] * weights * (active + min(alpha, beta))  # dτ
        leaving = leaving * s / beta * (beta / (beta + active)) ** (s + 1)
        stays = (beta / (beta + time)) ** s
        table = np.stack(
            [
                stays * _negative_binomial(k, r, alpha, time)
                + (leaving * _negative_binomial(k, r, alpha, active)).sum(axis=1)
                for k in range(maximum)
            ],
            axis=1,
        )
        rest = np.maximum(1 - table.sum(axis=1, keepdims=True), 0)
        return np.hstack([table, rest])

    def draw(
        self,
        params: FloatArray,
        x: FloatArray,
        observed_time: FloatArray,
        rng: np.random.Generator,
    ) -> shared.Process:
        """λ ~ Gamma(r+x, α+T), time left exponential with rate μ ~ Gamma(s, β+T)."""
        r, alpha, s, beta = params
        rate = rng.standard_gamma(r + x) / (alpha + observed_time)
        leaving = rng.standard_gamma(s) / (beta + observed_time)
        with np.errstate(divide="ignore", over="ignore"):  # a rate of (almost) 0: never leaves
            time_left = rng.standard_exponential(x.size) / leaving
        return shared.Process(rate, np.zeros(x.size), time_left)


def _negative_binomial(k: int, r: float, alpha: float, time: FloatArray) -> FloatArray:
    """P(k purchases in `time`) while active."""
    log_share = special.xlogy(k, time / (alpha + time)) + r * np.log(alpha / (alpha + time))
    return np.exp(special.gammaln(r + k) - special.gammaln(r) - special.gammaln(k + 1) + log_share)
