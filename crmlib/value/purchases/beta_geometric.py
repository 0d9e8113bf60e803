"""How many purchases customers will make, and who is still active (BG/NBD).

The beta-geometric/NBD model of Fader, Hardie & Lee (2005), "Counting Your
Customers the Easy Way", Marketing Science 24(2), cited as FHL: while active,
a customer buys at a Poisson rate that varies over customers by Gamma(r, α);
after each repeat purchase the customer leaves with a probability that varies
by Beta(a, b). Expectations follow in `crmlib.value.expectations`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crmlib.stats.grouping import group_rows
from crmlib.stats.special import softplus
from crmlib.value import expectations
from crmlib.value.purchases import shared

FloatArray = NDArray[np.float64]

NAMES = ("r", "alpha", "a", "b")
# natural-scale starts in units of the mean observed time: typical, even, loyal buyers
STARTS = ((0.3, 0.3, 0.8, 2.4), (1.0, 1.0, 1.0, 1.0), (2.0, 0.5, 0.5, 8.0))


@dataclass(frozen=True)
class Distinct:
    """Distinct values of a column within each profile of customers."""

    values: FloatArray
    profile: NDArray[np.int64]  # of each value
    index: NDArray[np.int64]  # value of each group

    @classmethod
    def of(cls, column: FloatArray, profile: NDArray[np.int64] | None) -> Distinct:
        """Group a column of shape (n_groups,)."""
        if profile is None:
            values, index = np.unique(column, return_inverse=True)
            return cls(values, np.zeros(values.size, dtype=np.int64), index)
        pairs = group_rows(profile, column)
        return cls(pairs.columns[1], pairs.columns[0].astype(np.int64), pairs.index)

    def total(self, weights: FloatArray) -> FloatArray:
        """Sum of group weights per value."""
        return np.bincount(self.index, weights, self.values.size)

    def by_profile(self, terms: FloatArray, profiles: int) -> FloatArray:
        """Sum of terms (one per value) per profile."""
        return np.bincount(self.profile, terms, profiles)


@dataclass(frozen=True)
class PurchaseLikelihood:
    """BG/NBD and MBG/NBD log-likelihood of grouped customers, analytic gradient.

    Logarithms and polygamma functions are taken once per distinct value of a
    column and gathered; per group remains one exponential.
    """

    frequency: Distinct
    recency: Distinct
    observed_time: Distinct
    at_first: bool  # may leave right after the first purchase, too: MBG/NBD

    @classmethod
    def of(
        cls,
        x: FloatArray,
        recency: FloatArray,
        observed_time: FloatArray,
        profile: NDArray[np.int64] | None = None,
        *,
        at_first: bool = False,
    ) -> PurchaseLikelihood:
        """Prepare distinct values of grouped columns, each of shape (n_groups,).

        Groups of one `profile` (0, 1, …) share their parameters; one where omitted.
        """
        columns = (x, recency, observed_time)
        return cls(*(Distinct.of(column, profile) for column in columns), at_first)

    def evaluate(self, log_params: FloatArray, weights: FloatArray) -> tuple[float, FloatArray]:
        """Log-likelihood and gradient: FHL eq. 6 written as A1·A2·(A3 + δ·A4).

        Log-parameters have shape (4,) or (4, n_profiles), and so has the gradient.
        """
        columns = log_params.reshape(len(NAMES), -1)
        profiles = columns.shape[1]
        frequency, recency, observed = self.frequency, self.recency, self.observed_time
        r, alpha, a, b = np.exp(columns[:, frequency.profile])
        x, of_x = frequency.values, frequency.index
        weight_x = frequency.total(weights)
        occasions = x + self.at_first  # to leave, the last purchase included
        may_have_left = occasions > 0
        previous = np.where(may_have_left, b + occasions - 1, 1.0)

        alpha_end = np.exp(columns[1, observed.profile]) + observed.values
        alpha_last = np.exp(columns[1, recency.profile]) + recency.values
        since_first = np.log(alpha_end)[observed.index]
        to_last = np.log(alpha_last)[recency.index]
        shape = (r + x)[of_x]
        # log(A4/A3); −inf where there was no occasion to leave
        constant = np.where(may_have_left, np.log(a) - np.log(previous), -np.inf)
        log_odds = constant[of_x] + shape * (since_first - to_last)
        left = weights * special.expit(log_odds)  # probability of having left × weight
        stayed = weights - left

        value = weight_x @ (
            special.gammaln(r + x)
            - special.gammaln(r)
            + r * np.log(alpha)
            + special.gammaln(a + b)
            + special.gammaln(b + occasions)
            - special.gammaln(b)
            - special.gammaln(a + b + occasions)
        )
        # a product and a sum: threads of a dot product cost more than they save
        value += (weights * (softplus(log_odds) - shape * since_first)).sum()

        left_x = frequency.total(left)
        common = special.digamma(a + b) - special.digamma(a + b + occasions)
        on_r = special.digamma(r + x) - special.digamma(r) + np.log(alpha)
        rates = stayed * since_first + left * to_last
        terms = np.array(
            [
                r * (weight_x * on_r - frequency.total(rates)),
                weight_x * r,
                a * weight_x * common + left_x,
                b * weight_x * (common + special.digamma(b + occasions) - special.digamma(b))
                - b * left_x / previous,
            ]
        )
        gradient = np.array([frequency.by_profile(row, profiles) for row in terms])
        end = observed.total(stayed * shape) / alpha_end
        last = recency.total(left * shape) / alpha_last
        gradient[1] -= np.exp(columns[1]) * (
            observed.by_profile(end, profiles) + recency.by_profile(last, profiles)
        )
        return float(value), gradient.reshape(log_params.shape)


@dataclass(frozen=True)
class BetaGeometric(shared.PurchaseModel):
    """BG/NBD estimator; `n_starts` (1–3) searches from different places.

    Its parameters are r, alpha (time units), a and b.
    """

    label: ClassVar = "BG/NBD"
    names: ClassVar = NAMES
    time_powers: ClassVar = (0, 1, 0, 0)
    starts: ClassVar = STARTS
    rate_scales: ClassVar = {"alpha": -1}
    dropout_scales: ClassVar = {"a": 1, "b": 1}

    def notes(self, bought_once: float) -> tuple[str, ...]:
        """Say where the model cannot see that customers have left."""
        if bought_once < 0.005:
            return ()
        return ("BG/NBD gives customers who bought once P(alive) = 1 by construction",)

    def likelihood(
        self,
        x: FloatArray,
        recency: FloatArray,
        observed_time: FloatArray,
        profile: NDArray[np.int64] | None = None,
    ) -> PurchaseLikelihood:
        """FHL eq. 6."""
        return PurchaseLikelihood.of(x, recency, observed_time, profile)

    def probability_alive(
        self, params: FloatArray, x: FloatArray, recency: FloatArray, observed_time: FloatArray
    ) -> FloatArray:
        """Fader & Hardie (2008), note 021; one for customers without repeat purchase."""
        return expectations.probability_alive(params, x, recency, observed_time)

    def purchases_if_alive(
        self,
        params: FloatArray,
        x: ArrayLike,
        observed_time: ArrayLike,
        horizon: ArrayLike,
        rate: float,
        nodes: int = expectations.NODES,
    ) -> FloatArray:
        """FHL eqs. 9 and 10 given active, as an integral."""
        return expectations.purchases_if_alive(params, x, observed_time, horizon, rate, nodes)

    def frequency_probabilities(
        self, params: FloatArray, time: FloatArray, maximum: int
    ) -> FloatArray:
        """FHL eq. 8."""
        return expectations.frequency_probabilities(params, time, maximum)

    def draw(
        self,
        params: FloatArray,
        x: FloatArray,
        observed_time: FloatArray,
        rng: np.random.Generator,
    ) -> shared.Process:
        """λ ~ Gamma(r+x, α+T), p ~ Beta(a, b+x)."""
        r, alpha, a, b = params
        rate = rng.standard_gamma(r + x) / (alpha + observed_time)
        return shared.Process(rate, rng.beta(a, b + x), np.full(x.size, np.inf))
