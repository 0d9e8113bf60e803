"""Bootstrap over customers: how often each one is drawn.

A resample of n customers with replacement is a vector of multinomial counts.
Estimators that accept weights are refitted with these counts; nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """A random generator for one purpose under one seed.

    Streams of different purposes are independent, so that a draw added in one
    place does not move the numbers of another.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=purpose))


def bootstrap_weights(
    counts: int | ArrayLike, replications: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Yield multinomial resampling weights, one vector per replication.

    Parameters
    ----------
    counts : int or array of shape (n_groups,)
        Number of customers, or whole numbers of customers that share one row of
        grouped data; the weights then count draws per group.
    replications : int
    rng : numpy.random.Generator

    Yields
    ------
    array of shape (n_groups,)
        Draws per group; they sum to the number of customers.

    Raises
    ------
    ValueError
        If a count is negative or not whole, or there is no customer.
    """
    sizes = np.ones(counts) if isinstance(counts, (int, np.integer)) else np.asarray(counts, float)
    if sizes.size == 0 or (sizes < 0).any() or (sizes != np.round(sizes)).any() or sizes.sum() < 1:
        raise ValueError("counts must be whole numbers of customers, at least one in total")
    group = np.repeat(np.arange(sizes.size, dtype=np.int32), sizes.astype(np.int64))
    for _ in range(replications):
        # counting n uniform draws is ten times faster than rng.multinomial over n categories
        drawn = group[rng.integers(0, group.size, group.size)]
        yield np.bincount(drawn, minlength=sizes.size).astype(float)
