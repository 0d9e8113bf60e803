"""Simulated futures: what one customer may bring, chance included.

An expected value hides that most customers bring nothing and a few much more.
Each future draws the customer's own rate, dropout and spending level from the
posterior given the history, then purchase after purchase until dropout or the
horizon (the process is the purchase model's, the amounts are Gamma-Gamma).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlib.value.frequency_bands import EVERYONE, FrequencyBands
from crmlib.value.purchases import BetaGeometric, PurchaseModel
from crmlib.value.purchases.shared import Process
from crmlib.value.spend import of_bands

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

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
    x = histories.frequency
    who, draw, process = _survivors(histories, purchase_params, rng, model)
    band = bands.of(x)[who]
    inverse_scale = rng.standard_gamma(p[draw] * x[who] + q[band, draw])
    inverse_scale /= v[band, draw] + (x * histories.mean_spend)[who]

    shape, spend = p[draw], np.zeros(who.size)
    for future, clock in _purchases(process, horizon, rng, model):
        amount = rng.standard_gamma(shape[future]) / inverse_scale[future]
        spend[future] += amount * np.exp(-rate * clock)

    result = np.zeros((x.size, len(purchase_params)))
    result[who, draw] = spend
    return result


def simulate_purchases(
    histories: Histories,
    purchase_params: FloatArray,
    *,
    horizon: float,
    rng: np.random.Generator,
    model: PurchaseModel = BG_NBD,
) -> FloatArray:
    """Purchases over the horizon in one future per history and parameter row.

    Returns
    -------
    array of shape (n_histories, replications)
    """
    who, draw, process = _survivors(histories, purchase_params, rng, model)
    count = np.zeros(who.size)
    for future, _ in _purchases(process, horizon, rng, model):
        count[future] += 1
    result = np.zeros((histories.frequency.size, len(purchase_params)))
    result[who, draw] = count
    return result


def _survivors(
    histories: Histories,
    purchase_params: FloatArray,
    rng: np.random.Generator,
    model: PurchaseModel,
) -> tuple[IntArray, IntArray, Process]:
    """History and parameter row of each future that begins active, and its latent traits."""
    x, end = histories.frequency, histories.observed_time
    alive = model.probability_alive(
        purchase_params.T[:, None, :], x[:, None], histories.recency[:, None], end[:, None]
    )
    who, draw = np.nonzero(rng.random(alive.shape) < alive)
    return who, draw, model.draw(purchase_params.T[:, draw], x[who], end[who], rng)


def _purchases(
    process: Process, horizon: float, rng: np.random.Generator, model: PurchaseModel
) -> Iterator[tuple[IntArray, FloatArray]]:
    """The next purchase of all futures that have one within the horizon: which, and when."""
    last_chance = np.minimum(process.time_left, horizon)
    clock = model.wait(process.rate, rng)
    future = np.flatnonzero(clock <= last_chance)
    clock = clock[future]
    while future.size:
        yield future, clock
        stays = rng.random(future.size) >= process.leaving[future]
        clock = clock + model.wait(process.rate[future], rng)
        going = stays & (clock <= last_chance[future])
        future, clock = future[going], clock[going]
