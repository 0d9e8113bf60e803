"""How likely customers of each segment are to stay 12 months, small segments leaning on all (R3).

Counts of those who stayed are binomial, segments' chances scatter around a common rate by a
beta distribution, and neither the rate nor the scatter is taken for known: both are integrated
over (Gelman et al. 2013, *Bayesian Data Analysis*, section 5.3). With both fixed at their
likeliest values, 90 % intervals hold the truth in 83 % of cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]

_RATES, _STRENGTHS = 300, 50  # points of the grid


@dataclass(frozen=True, eq=False)
class PooledRetention:
    """Posterior of segments' 12-month retention.

    Attributes
    ----------
    counts : DataFrame, index segment
        stayed, watched (customers).
    rate, strength, probability : arrays of shape (G,)
        Grid of the common rate and of how many customers' worth it counts in each segment,
        with the posterior.
    """

    counts: pd.DataFrame
    rate: FloatArray
    strength: FloatArray
    probability: FloatArray

    @classmethod
    def of(cls, counts: pd.DataFrame) -> Self:
        """From counts, one row for each segment; segments that nobody watched have none.

        Notes
        -----
        The prior is flat in the rate; the weight w that a segment with an average number of
        customers gives to the common rate has density 2 (1 − w), which rather lets segments
        differ: with a flat one, intervals of a dozen segments are too short where they do.
        """
        seen = counts[counts["watched"] > 0]
        stayed, watched = (seen[name].to_numpy(float)[:, None] for name in ("stayed", "watched"))
        rates = (np.arange(_RATES) + 0.5) / _RATES
        # many large segments may lend each other next to nothing: closer points near 0
        root = (np.arange(_STRENGTHS) + 0.5) / _STRENGTHS
        weights = root**2
        rate = np.repeat(rates, _STRENGTHS)
        strength = np.tile(watched.mean() * weights / (1 - weights), _RATES)
        alpha, beta = rate * strength, (1 - rate) * strength
        heights = special.betaln(stayed + alpha, watched - stayed + beta) - special.betaln(
            alpha, beta
        )
        heights = heights.sum(axis=0) + np.tile(np.log(root * (1 - weights)), _RATES)
        probability = np.exp(heights - heights.max())
        return cls(counts, rate, strength, probability / probability.sum())

    def mean(self) -> pd.Series:
        """Posterior mean by segment."""
        stayed, watched = (self.counts[name].to_numpy(float)[:, None] for name in self.counts)
        each = (stayed + self.rate * self.strength) / (watched + self.strength)
        return pd.Series(each @ self.probability, self.counts.index)

    def common(self, n_draws: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draws of the common rate and its strength, each of shape (n_draws,)."""
        at = rng.choice(len(self.rate), n_draws, p=self.probability)
        return self.rate[at], self.strength[at]

    def draws(
        self, segment: str, common: tuple[FloatArray, FloatArray], rng: np.random.Generator
    ) -> FloatArray:
        """Draws of one segment's retention given those of what all share."""
        stayed, watched = self.counts.loc[segment, ["stayed", "watched"]]
        rate, strength = common
        return rng.beta(stayed + rate * strength, watched - stayed + (1 - rate) * strength)
