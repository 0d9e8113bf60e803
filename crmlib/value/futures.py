"""Simulated futures: what one customer may bring, chance included.

An expected value hides that most customers bring nothing and a few much more.
Each future draws the customer's own rate, dropout and spending level from the
posterior given the history, then purchase after purchase until dropout or the
horizon (the process is the purchase model's, the amounts are Gamma-Gamma).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlib.value.frequency_bands import EVERYONE, FrequencyBands
from crmlib.value.purchases import BetaGeometric, PurchaseModel
from crmlib.value.spend import of_bands

FloatArray = NDArray[np.float64]

FUTURES_AT_ONCE = 1_000_000  # about 150 MB
BG_NBD = BetaGeometric()


@dataclass(frozen=True)
class Histories:
    """Distinct customer histories, arrays of shape (n_histories,)."""

    frequency: FloatArray
    recency: FloatArray
    observed_time: FloatArray
    mean_spend: FloatArray  # 0 without repeat purchase

    def part(self, rows: slice) -> Histories:
        """The histories of some rows."""
        columns = (self.frequency, self.recency, self.observed_time, self.mean_spend)
        return Histories(*(column[rows] for column in columns))


def future_quantiles(
    histories: Histories,
    purchase_params: FloatArray,
    spend_params: FloatArray,
    *,
    horizon: float,
    rate: float,
    level: float,
    seed: np.random.SeedSequence,
    model: PurchaseModel = BG_NBD,
    bands: FrequencyBands = EVERYONE,
) -> FloatArray:
    """Lower and upper quantile of discounted spend over the horizon, per history.

    Parameters
    ----------
    purchase_params : array of shape (replications, 4)
    spend_params : array of shape (replications, 1 + 2 n_bands)
        One future per row: the spread over rows carries parameter uncertainty,
        the draw within a row the uncertainty of the process.
    horizon, rate : float
        Time units, continuous discount rate per time unit.
    level : float
        Probability between the two quantiles.
    model : PurchaseModel
        To which `purchase_params` belong.
    bands : FrequencyBands
        Of the spend model, each with its own q and v.

    Returns
    -------
    array of shape (n_histories, 2)
    """
    count, replications = histories.frequency.size, len(purchase_params)
    size = max(FUTURES_AT_ONCE // replications, 1)
    starts = range(0, count, size)
    quantiles = np.empty((count, 2))
    for start, stream in zip(starts, seed.spawn(len(starts)), strict=True):
        rows = slice(start, start + size)
        spend = simulate_spend(
            histories.part(rows),
            purchase_params,
            spend_params,
            horizon=horizon,
            rate=rate,
            rng=np.random.default_rng(stream),
            model=model,
            bands=bands,
        )
        quantiles[rows] = np.quantile(spend, [(1 - level) / 2, (1 + level) / 2], axis=1).T
    return quantiles


def simulate_spend(
    histories: Histories,
    purchase_params: FloatArray,
    spend_params: FloatArray,
    *,
    horizon: float,
    rate: float,
    rng: np.random.Generator,
    model: PurchaseModel = BG_NBD,
    bands: FrequencyBands = EVERYONE,
) -> FloatArray:
    """Discounted spend in one future per history and parameter row.

    Returns
    -------
    array of shape (n_histories, replications)
    """
    p, (q, v) = spend_params.T[0], of_bands(spend_params.T)
    x, end = histories.frequency, histories.observed_time
    alive = model.probability_alive(
        purchase_params.T[:, None, :], x[:, None], histories.recency[:, None], end[:, None]
    )
    who, draw = np.nonzero(rng.random(alive.shape) < alive)

    process = model.draw(purchase_params.T[:, draw], x[who], end[who], rng)
    last_chance = np.minimum(process.time_left, horizon)
    band = bands.of(x)[who]
    inverse_scale = rng.standard_gamma(p[draw] * x[who] + q[band, draw])
    inverse_scale /= v[band, draw] + (x * histories.mean_spend)[who]

    spend = np.zeros(who.size)
    state = (np.arange(who.size), *process[:2], last_chance, p[draw], 1 / inverse_scale)
    clock = model.wait(process.rate, rng)
    going = clock <= last_chance
    while going.any():
        clock = clock[going]
        state = tuple(column[going] for column in state)
        future, buying_rate, dropout, last_chance, shape, scale = state
        spend[future] += rng.standard_gamma(shape) * scale * np.exp(-rate * clock)
        stays = rng.random(future.size) >= dropout
        clock = clock + model.wait(buying_rate, rng)
        going = stays & (clock <= last_chance)

    result = np.zeros(alive.shape)
    result[who, draw] = spend
    return result
