"""What it is worth to choose after an effect is known, when it is normal (R4).

The closed forms under pilots, Test & Roll and the value of information: the unit normal
loss of Raiffa & Schlaifer (1961), *Applied Statistical Decision Theory*, ch. 5, and the
spread of a posterior mean before the data are seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]


def gain_of_knowing(mean: ArrayLike, sd: ArrayLike) -> FloatArray:
    """E[max(0, X)] − max(0, E[X]) for a normal X: what is gained by choosing after X is seen.

    Parameters
    ----------
    mean, sd : arrays of one shape, or scalars
        Of the net benefit of going over doing nothing, in money; `sd` 0 gives 0.

    Returns
    -------
    array
        Never negative, in the unit of `mean`.

    Raises
    ------
    ValueError
        If an `sd` is negative, or a number is not finite.

    Notes
    -----
    sd · [φ(u) − u·Φ(−u)], u = |mean| / sd (Raiffa & Schlaifer 1961). The tail is
    taken by erfcx: at u = 40 both terms underflow to a difference without a digit.

    >>> print(gain_of_knowing(1.0, 1.0).round(6))
    0.083315
    """
    mean, sd = np.broadcast_arrays(np.asarray(mean, dtype=float), np.asarray(sd, dtype=float))
    if not (np.isfinite(mean).all() and np.isfinite(sd).all() and (sd >= 0).all()):
        raise ValueError("mean and sd must be finite numbers, sd not negative")
    with np.errstate(over="ignore"):  # a distance beyond all floats is one without a gain
        u = np.abs(mean) / np.where(sd > 0, sd, 1.0)
        density = np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi)
    # 1 − u·√(π/2)·erfcx(u/√2) falls as 1/u²: only where the density is 0 does it lose digits
    rest = 1 - np.minimum(u, 1e6) * np.sqrt(np.pi / 2) * special.erfcx(u / np.sqrt(2))
    return np.asarray(np.where(sd > 0, sd * density * np.maximum(rest, 0.0), 0.0))


def preposterior_sd(prior_sd: ArrayLike, standard_error: ArrayLike) -> FloatArray:
    """How far the posterior mean of a normal effect will lie from its prior mean.

    Parameters
    ----------
    prior_sd, standard_error : arrays of one shape, or scalars
        Of the effect, and of the estimate that is to come; infinite where none comes.

    Returns
    -------
    array
        τ² / √(τ² + SE²): 0 where nothing is learnt, τ where all is.

    Notes
    -----
    Raiffa & Schlaifer (1961): the variance of the posterior mean is what the prior
    variance loses.

    >>> preposterior_sd(3.0, [0.0, 4.0, float("inf")]).round(6).tolist()
    [3.0, 1.8, 0.0]
    """
    prior_sd, error = np.asarray(prior_sd, dtype=float), np.asarray(standard_error, dtype=float)
    if not (np.isfinite(prior_sd).all() and (prior_sd >= 0).all() and (error >= 0).all()):
        raise ValueError("prior_sd and standard_error must not be negative")
    spread = np.hypot(prior_sd, error)
    weight = np.divide(prior_sd, spread, out=np.zeros(np.shape(spread)), where=spread > 0)
    return np.asarray(prior_sd * weight)


def sample_information(mean: float, prior_sd: float, outcome_sd: float, n: ArrayLike) -> FloatArray:
    """Expected value of n observations of one effect, before a choice (EVSI).

    Parameters
    ----------
    mean, prior_sd : float
        Of the net benefit of going over not going, in money.
    outcome_sd : float
        Of one observation around the effect.
    n : array of int
        Observations; 0 is worth nothing.

    Returns
    -------
    array of the shape of `n`
        In the unit of `mean`.

    Raises
    ------
    ValueError
        If `n` or a spread is negative.

    >>> sample_information(1.0, 1.0, 1.0, [0, 1, 10]).round(6).tolist()
    [0.0, 0.025127, 0.072325]
    """
    n = np.asarray(n, dtype=float)
    if (n < 0).any() or outcome_sd < 0:
        raise ValueError("n and outcome_sd must not be negative")
    error = np.where(n > 0, outcome_sd / np.sqrt(np.where(n > 0, n, 1.0)), np.inf)
    return gain_of_knowing(mean, preposterior_sd(prior_sd, error))
