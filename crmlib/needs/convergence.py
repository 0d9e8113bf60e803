"""Whether chains of a sampled model have met, and how much their draws are worth (N2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def split_rhat(draws: FloatArray) -> FloatArray:
    """Potential scale reduction of half chains, 1 where they agree.

    Parameters
    ----------
    draws : array of shape (C, D, …)
        D sweeps of each of C chains.

    Notes
    -----
    Gelman et al. (2013), *Bayesian Data Analysis*, eq. 11.4, on halves of chains.
    """
    halves = _halves(draws)
    within, total = _variances(halves)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.sqrt(total / within)
    return np.where(within > 0, ratio, 1.0)


def effective_size(draws: FloatArray) -> FloatArray:
    """Independent draws that are worth as much; `draws` as in `split_rhat`.

    Notes
    -----
    Gelman et al. (2013), section 11.5, with Geyer's (1992) initial monotone sequence.
    """
    halves = _halves(draws)
    chains, length = halves.shape[:2]
    within, total = _variances(halves)
    covariance = _autocovariance(halves).mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = 1 - (within - covariance * length / (length - 1)) / total
    correlation[0] = 1.0
    pairs = correlation[: length // 2 * 2].reshape(length // 2, 2, *draws.shape[2:]).sum(axis=1)
    positive = np.cumprod(pairs > 0, axis=0).astype(bool)
    monotone = np.minimum.accumulate(np.where(positive, pairs, 0.0), axis=0)
    worth = chains * length / np.maximum(2 * monotone.sum(axis=0) - 1, 1e-3)
    return np.where(within > 0, np.minimum(worth, chains * length), chains * length)


def _halves(draws: FloatArray) -> FloatArray:
    """Chains cut in two, (2C, D // 2, …)."""
    half = draws.shape[1] // 2
    if half < 2:
        raise ValueError("at least 4 draws of each chain are needed")
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _variances(chains: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean variance within chains, and the variance of all that is estimated from both."""
    length = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean(axis=0)
    between = chains.mean(axis=1).var(axis=0, ddof=1)
    return within, within * (length - 1) / length + between


def _autocovariance(chains: FloatArray) -> FloatArray:
    """Of each chain at each lag, by Fourier transform, shape (C, D, …)."""
    length = chains.shape[1]
    centred = chains - chains.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, n=2 * length, axis=1)
    return np.fft.irfft(np.abs(spectrum) ** 2, n=2 * length, axis=1)[:, :length] / length
