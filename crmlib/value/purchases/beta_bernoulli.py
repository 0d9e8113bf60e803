"""Purchases on discrete occasions, and who is still active (BG/BB).

Fader, Hardie & Shang (2010), "Customer-Base Analysis in a Discrete-Time
Noncontractual Setting", Marketing Science 29(6), cited as FHS: a yearly appeal,
a monthly fair, a cruise. At every occasion an active customer first leaves with
probability θ ~ Beta(γ, δ), and who stays buys with probability p ~ Beta(α, β).
Time is counted in occasions; the one at which a customer was acquired is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crmlib.stats.grouping import Groups, group_rows
from crmlib.stats.special import softplus
from crmlib.value import expectations
from crmlib.value.observations import check_occasions
from crmlib.value.purchases import shared

FloatArray = NDArray[np.float64]

NAMES = ("alpha", "beta", "gamma", "delta")
STARTS = ((1.0, 1.0, 0.7, 2.5), (1.0, 1.0, 1.0, 1.0), (0.5, 2.0, 0.5, 8.0))


class Tails(NamedTuple):
    """Log of Σ f_x(i) over i = t … last occasion, and its slopes by the parameters."""

    log: FloatArray  # shape (n_frequencies, n_occasions + 1)
    slopes: FloatArray  # shape (4, n_frequencies, n_occasions + 1)


def tails(params: FloatArray, x: FloatArray, occasions: int) -> Tails:
    """Sums over the occasion i after which a customer with x purchases left (FHS).

    f_x(i) = B(α+x, β+i−x)/B(α, β) · B(γ+1, δ+i)/B(γ, δ), for i = 0 … occasions − 1;
    −inf where i < x. Summed from the far end, smallest terms first, in logarithms:
    for a few hundred occasions the terms underflow.
    """
    alpha, beta, gamma, delta = params
    i = np.arange(occasions, dtype=float)
    spare = i - x[:, None]
    can = spare >= 0
    spare = np.maximum(spare, 0.0)
    bought, past = alpha + x[:, None], beta + spare
    term = special.betaln(bought, past) - special.betaln(alpha, beta)
    term += special.betaln(gamma + 1, delta + i) - special.betaln(gamma, delta)
    term = np.where(can, term, -np.inf)
    psi = special.digamma
    both = psi(alpha + beta) - psi(alpha + beta + i)
    ever = psi(gamma + delta) - psi(gamma + delta + 1 + i)
    slope = np.stack(
        np.broadcast_arrays(
            psi(bought) - psi(alpha) + both,
            psi(past) - psi(beta) + both,
            psi(gamma + 1) - psi(gamma) + ever,
            psi(delta + i) - psi(delta) + ever,
        )
    )
    log = np.full((x.size, occasions + 1), -np.inf)
    slopes = np.zeros((len(NAMES), x.size, occasions + 1))
    for k in range(occasions - 1, -1, -1):
        log[:, k] = np.logaddexp(log[:, k + 1], term[:, k])
        with np.errstate(invalid="ignore"):
            share = np.where(can[:, k], np.exp(term[:, k] - log[:, k]), 0.0)
        slopes[:, :, k] = share * slope[:, :, k] + (1 - share) * slopes[:, :, k + 1]
    return Tails(log, slopes)


@dataclass(frozen=True)
class OccasionLikelihood:
    """BG/BB log-likelihood of grouped customers, analytic gradient in log-parameters."""

    pairs: Groups  # distinct (frequency, occasions) of the groups
    frequency: FloatArray  # distinct values
    of_x: NDArray[np.int64]  # distinct frequency of each group, as are the next two
    recency: NDArray[np.int64]
    occasions: NDArray[np.int64]

    @classmethod
    def of(cls, x: FloatArray, recency: FloatArray, occasions: FloatArray) -> OccasionLikelihood:
        """Prepare grouped columns of whole numbers, each of shape (n_groups,)."""
        values, of_x = np.unique(x, return_inverse=True)
        last, end = recency.astype(np.int64), occasions.astype(np.int64)
        return cls(group_rows(x, occasions), values, of_x, last, end)

    def evaluate(self, log_params: FloatArray, weights: FloatArray) -> tuple[float, FloatArray]:
        """Log-likelihood and gradient: still active plus left at some occasion."""
        params = np.exp(log_params)
        sums = tails(params, self.frequency, int(self.occasions.max()))
        active, active_slopes = _active(params, *self.pairs.columns)
        stayed = active[self.pairs.index]
        from_last = sums.log[self.of_x, self.recency]
        from_end = sums.log[self.of_x, self.occasions]
        log_odds = _log_odds(from_last, from_end, stayed)
        to_left = softplus(log_odds)
        value = weights @ (stayed + to_left)
        begun = weights * np.exp(from_last - stayed - to_left)
        spared = weights * np.exp(from_end - stayed - to_left)
        alive = np.bincount(self.pairs.index, weights * np.exp(-to_left))
        gradient = active_slopes @ alive
        gradient += sums.slopes[:, self.of_x, self.recency] @ begun
        gradient -= sums.slopes[:, self.of_x, self.occasions] @ spared
        return float(value), params * gradient


def _active(
    params: FloatArray, x: FloatArray, occasions: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Log-probability of x purchases and no leaving in n occasions; slopes of shape (4, n)."""
    alpha, beta, gamma, delta = params
    psi = special.digamma
    log = special.betaln(alpha + x, beta + occasions - x) - special.betaln(alpha, beta)
    log = log + special.betaln(gamma, delta + occasions) - special.betaln(gamma, delta)
    both = psi(alpha + beta) - psi(alpha + beta + occasions)
    ever = psi(gamma + delta) - psi(gamma + delta + occasions)
    slopes = [
        psi(alpha + x) - psi(alpha) + both,
        psi(beta + occasions - x) - psi(beta) + both,
        ever,
        psi(delta + occasions) - psi(delta) + ever,
    ]
    return log, np.array(slopes)


def _log_odds(from_last: FloatArray, from_end: FloatArray, stayed: FloatArray) -> FloatArray:
    """Log-odds of having left between the last purchase and the last occasion."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(np.isneginf(from_last), 0.0, np.minimum(from_end - from_last, 0.0))
        return np.where(gap < 0, from_last - stayed + np.log(-np.expm1(gap)), -np.inf)


@dataclass(frozen=True)
class BetaGeometricBetaBernoulli(shared.PurchaseModel):
    """BG/BB estimator; `n_starts` (1–3) searches from different places.

    Its parameters are alpha, beta (purchase) and gamma, delta (leaving); none has
    a unit. Where other models speak of observed time and time units, this one
    counts occasions; a horizon is cut to whole occasions.
    """

    label: ClassVar = "BG/BB"
    names: ClassVar = NAMES
    time_powers: ClassVar = (0, 0, 0, 0)
    starts: ClassVar = STARTS

    def fit(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        occasions: ArrayLike,
        weights: ArrayLike | None = None,
        start: ArrayLike | None = None,
    ) -> shared.PurchaseResult:
        """Maximum likelihood on distinct (frequency, recency, occasions) rows.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Occasions with a purchase, after the one of acquisition.
        recency : array of shape (n_customers,)
            The last occasion with a purchase, counted from 1; 0 without one.
        occasions : array of shape (n_customers,)
            Number of occasions observed.
        weights : array of shape (n_customers,), optional
            Number of customers a row stands for.
        start : array of shape (4,), optional
            Parameters of an earlier fit; then the only start.

        Raises
        ------
        ValueError
            Naming the argument and the first offending value.
        NotIdentified
            If there is no customer, or nobody bought again.
        """
        return super().fit(frequency, recency, occasions, weights, start)

    def check(
        self, frequency: ArrayLike, recency: ArrayLike, observed_time: ArrayLike
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Histories in whole occasions, refused where impossible."""
        return check_occasions(frequency, recency, observed_time)

    def likelihood(
        self,
        x: FloatArray,
        recency: FloatArray,
        observed_time: FloatArray,
        profile: NDArray[np.int64] | None = None,
    ) -> OccasionLikelihood:
        """The likelihood of these histories, grouped."""
        if profile is not None:
            raise NotImplementedError("BG/BB has no profiles of customers")
        return OccasionLikelihood.of(x, recency, observed_time)

    def probability_alive(
        self, params: FloatArray, x: FloatArray, recency: FloatArray, observed_time: FloatArray
    ) -> FloatArray:
        """P(active at the last occasion observed | history).

        FHS print the probability of being active at the *next* occasion, which is
        this one times (δ+n)/(γ+δ+n).
        """
        if params.ndim > 1:  # replicates of parameters on the last axis
            shape = np.broadcast_shapes(x.shape, params.shape[1:])
            history = [np.broadcast_to(c, shape)[..., 0] for c in (x, recency, observed_time)]
            distinct, index = np.unique(params.reshape(4, -1), axis=1, return_inverse=True)
            rows = [self.probability_alive(replicate, *history) for replicate in distinct.T]
            return np.stack(rows, axis=-1)[..., index]
        groups = group_rows(x, recency, observed_time)
        at_x, at_last, at_end = groups.columns
        values, of_x = np.unique(at_x, return_inverse=True)
        sums = tails(params, values, int(at_end.max(initial=0))).log
        stayed = _active(params, at_x, at_end)[0]
        last, end = at_last.astype(np.int64), at_end.astype(np.int64)
        log_odds = _log_odds(sums[of_x, last], sums[of_x, end], stayed)
        return special.expit(-log_odds)[groups.index]

    def purchases_if_alive(
        self,
        params: FloatArray,
        x: ArrayLike,
        observed_time: ArrayLike,
        horizon: ArrayLike,
        rate: float,
        nodes: int = expectations.NODES,
    ) -> FloatArray:
        """Expected purchases at the next occasions, the k-th discounted by exp(−rate·k).

        E[p] · Σ exp(−rate·k) E[(1−θ)^k] over k = 1 … horizon with p ~ Beta(α+x, β+n−x)
        and θ ~ Beta(γ, δ+n): as the sum itself, where FHS divide by γ − 1.
        """
        ahead = np.floor(expectations.check_horizon(horizon, rate) + 1e-9)
        alpha, beta, gamma, delta = params
        n = np.asarray(observed_time, dtype=float)
        buying = (alpha + x) / (alpha + beta + n)
        counts, index = np.unique(np.append(n, 0.0), return_inverse=True)
        k = np.arange(1, int(ahead.max(initial=0)) + 1)
        still = special.betaln(gamma, delta + counts[:, None] + k)
        still -= special.betaln(gamma, delta + counts)[:, None]
        sums = np.cumsum(np.exp(still - rate * k), axis=1)
        sums = np.hstack([np.zeros((counts.size, 1)), sums])
        of_n = index[:-1].reshape(n.shape)
        return buying * sums[of_n, ahead.astype(np.int64)]

    def frequency_probabilities(
        self, params: FloatArray, time: FloatArray, maximum: int
    ) -> FloatArray:
        """Purchases while active, over the number of occasions active."""
        expectations.check_frequencies(time, maximum)
        end = np.floor(time + 1e-9).astype(np.int64)
        most = int(end.max(initial=0))
        alpha, beta, gamma, delta = params
        active, k = np.arange(most + 1.0), np.arange(float(maximum))[:, None]
        spare = np.maximum(active - k, 0)
        choose = -np.log1p(active) - special.betaln(spare + 1, k + 1)
        bought = choose + special.betaln(alpha + k, beta + spare) - special.betaln(alpha, beta)
        # k purchases in so many occasions
        bought = np.exp(np.where(active >= k, bought, -np.inf))
        left = np.exp(special.betaln(gamma + 1, delta + active) - special.betaln(gamma, delta))
        stays = np.exp(special.betaln(gamma, delta + active) - special.betaln(gamma, delta))
        before = np.cumsum(bought * left, axis=1) - bought * left
        table = (bought * stays + before)[:, end].T
        rest = np.maximum(1 - table.sum(axis=1, keepdims=True), 0)
        return np.hstack([table, rest])

    def draw(
        self,
        params: FloatArray,
        x: FloatArray,
        observed_time: FloatArray,
        rng: np.random.Generator,
    ) -> shared.Process:
        """p ~ Beta(α+x, β+n−x), occasions left geometric with θ ~ Beta(γ, δ+n)."""
        alpha, beta, gamma, delta = params
        buying = rng.beta(alpha + x, beta + observed_time - x)
        leaving = rng.beta(gamma, delta + observed_time)
        left = _geometric(leaving, rng) - 1
        return shared.Process(buying, np.zeros(x.size), left)

    def wait(self, rate: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Occasions to the next purchase."""
        return _geometric(rate, rng)


def _geometric(probability: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Trials to the first success, by inversion: 1 or more, inf where it never comes."""
    with np.errstate(divide="ignore"):
        trials = -rng.standard_exponential(probability.size) / np.log1p(-probability)
    return np.maximum(np.ceil(trials), 1.0)
