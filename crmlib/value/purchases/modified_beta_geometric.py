"""Purchases of customers who may leave right after the first one (MBG/NBD).

The modified BG/NBD of Batislam, Denizel & Filiztekin (2007), "Empirical
validation and comparison of models for customer base analysis", International
Journal of Research in Marketing 24(3), and Hoppe & Wagner (2007), "Customer
base analysis: The case for a central variant of the betageometric/NBD model".
BG/NBD holds every one-time buyer to be active; here they may have left, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmlib.value import expectations
from crmlib.value.purchases import shared
from crmlib.value.purchases.beta_geometric import NAMES, STARTS, PurchaseLikelihood

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ModifiedBetaGeometric(shared.PurchaseModel):
    """MBG/NBD estimator; `n_starts` (1–3) searches from different places.

    Its parameters are r, alpha (time units), a and b.
    """

    label: ClassVar = "MBG/NBD"
    names: ClassVar = NAMES
    time_powers: ClassVar = (0, 1, 0, 0)
    starts: ClassVar = STARTS
    rate_scales: ClassVar = {"alpha": -1}
    dropout_scales: ClassVar = {"a": 1, "b": 1}

    def likelihood(
        self,
        x: FloatArray,
        recency: FloatArray,
        observed_time: FloatArray,
        profile: NDArray[np.int64] | None = None,
    ) -> PurchaseLikelihood:
        """Batislam et al. (2007): BG/NBD with one more occasion to leave."""
        return PurchaseLikelihood.of(x, recency, observed_time, profile, at_first=True)

    def probability_alive(
        self, params: FloatArray, x: FloatArray, recency: FloatArray, observed_time: FloatArray
    ) -> FloatArray:
        """Also below 1 for who bought once: the first purchase, too, may have been the last."""
        return expectations.probability_alive(params, x, recency, observed_time, at_first=True)

    def purchases_if_alive(
        self,
        params: FloatArray,
        x: ArrayLike,
        observed_time: ArrayLike,
        horizon: ArrayLike,
        rate: float,
        nodes: int = expectations.NODES,
    ) -> FloatArray:
        """Hoppe & Wagner (2007), given active, as an integral."""
        return expectations.purchases_if_alive(
            params, x, observed_time, horizon, rate, nodes, at_first=True
        )

    def frequency_probabilities(
        self, params: FloatArray, time: FloatArray, maximum: int
    ) -> FloatArray:
        """P(X(t) = 0), …, P(X(t) ≥ maximum) of a new customer."""
        return expectations.frequency_probabilities(params, time, maximum, at_first=True)

    def draw(
        self,
        params: FloatArray,
        x: FloatArray,
        observed_time: FloatArray,
        rng: np.random.Generator,
    ) -> shared.Process:
        """λ ~ Gamma(r+x, α+T), p ~ Beta(a, b+x+1)."""
        r, alpha, a, b = params
        rate = rng.standard_gamma(r + x) / (alpha + observed_time)
        return shared.Process(rate, rng.beta(a, b + x + 1), np.full(x.size, np.inf))
