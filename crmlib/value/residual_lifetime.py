"""Survival and discounted residual lifetime under given sBG parameters.

Fader & Hardie (2010), "Customer-Base Valuation in a Contractual Setting", Marketing
Science 29(1), and its technical appendix. A contract that has renewed n times has a
probability of loss p ~ Beta(α, β + n).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]


def ages(values: ArrayLike) -> FloatArray:
    """Whole numbers of periods, 0 or more, at least one-dimensional.

    Raises
    ------
    ValueError
        Naming the first offending value.
    """
    age = np.atleast_1d(np.asarray(values, dtype=float))
    broken = ~np.isfinite(age) | (age < 0) | (age != np.round(age))
    if broken.any():
        raise ValueError(f"periods must be whole numbers, 0 or more: found {age[broken][0]:g}")
    return age


def survival(params: FloatArray, periods: ArrayLike, renewed: ArrayLike) -> FloatArray:
    """S(renewed + periods)/S(renewed) = B(α, β+n+t)/B(α, β+n)."""
    alpha, beta = params
    age = beta + np.asarray(renewed)
    ahead = np.asarray(periods, dtype=float)
    # not by betaln: with α = 10⁶ the difference of two of them loses nine digits
    log_ratio = _log_rising(age, ahead) - _log_rising(alpha + age, ahead)
    return np.exp(np.minimum(log_ratio, 0.0))


def _log_rising(start: FloatArray, steps: FloatArray) -> FloatArray:
    """log Γ(x + t)/Γ(x) for t ≥ 0; Stirling's series where x is large against its rounding."""
    start, steps = np.broadcast_arrays(start, steps)
    large = start > 1e4
    exact = special.gammaln(start + steps) - special.gammaln(start)
    safe = np.where(large, start, 1e4)
    end = safe + steps
    series = (safe - 0.5) * np.log1p(steps / safe) + steps * (np.log(end) - 1)
    series = series + (1 / end - 1 / safe) / 12
    return np.where(large, series, exact)


def expected(
    points: FloatArray, renewed: FloatArray, rate: float, horizon: float, first_payment: int
) -> FloatArray:
    """Discounted expected number of further periods.

    Parameters
    ----------
    points : array of shape (2, n_points)
        α and β.
    renewed : array of shape (n_ages,)
        Renewals so far.
    rate : float
        Effective discount rate per period.
    horizon : float
        Periods ahead that count, whole or infinite.
    first_payment : {0, 1}
        Periods until the next payment; 0 undoes one period of discounting.

    Returns
    -------
    array of shape (n_points, n_ages)

    Raises
    ------
    ValueError
        If the rate or the horizon is negative or not a number.
    NotIdentified
        If the sum is infinite.
    """
    if not rate >= 0 or not np.isfinite(rate):
        raise ValueError(f"rate must be 0 or more: found {rate!r}")
    if not horizon >= 0 or (np.isfinite(horizon) and horizon != round(horizon)):
        raise ValueError(f"horizon must be whole periods or infinite: found {horizon!r}")
    if first_payment not in (0, 1):
        raise ValueError(f"first_payment must be 0 or 1: found {first_payment!r}")
    distinct, index = np.unique(renewed, return_inverse=True)
    if np.isfinite(horizon):
        value = _over_horizon(points, distinct, rate, int(horizon))
    else:
        value = _to_infinity(points, distinct, rate)
    return value[:, index] * (1 + rate) ** (1 - first_payment)


def _over_horizon(points: FloatArray, age: FloatArray, rate: float, horizon: int) -> FloatArray:
    """Σ S(n+k)/S(n)/(1+i)^k over k = 1 … horizon, term by term."""
    alpha, beta = points[0][:, None], points[1][:, None]
    term = np.ones((points.shape[1], age.size))
    total = np.zeros_like(term)
    for k in range(horizon):
        term *= (beta + age + k) / ((alpha + beta + age + k) * (1 + rate))
        total += term
    return total


def _to_infinity(points: FloatArray, age: FloatArray, rate: float) -> FloatArray:
    """Σ S(n+k)/S(n)/(1+i)^k = z·b/c · 2F1(1, b+1; c+1; z) with z = 1/(1+i), b = β+n, c = α+b."""
    alpha, beta = points[0][:, None], points[1][:, None]
    if rate == 0:
        if (alpha <= 1).any():
            raise NotIdentified(
                f"the expected lifetime is infinite without discounting (alpha = "
                f"{points[0].min():.3g} ≤ 1, or may be by its interval)"
            )
        return (beta + age) / (alpha - 1)
    z, stay = 1 / (1 + rate), beta + age
    return z * stay / (alpha + stay) * _gauss_fraction(stay + 1, alpha + stay + 1, z)


def _gauss_fraction(b: FloatArray, c: FloatArray, z: float) -> FloatArray:
    """2F1(1, b; c; z) for c > b > 0, 0 < z < 1, by Gauss's continued fraction.

    The same by scipy's hyp2f1, as the mean of 1/(1 + p/i), was wrong in the seventh digit
    at α = 3, β + n = 900, i = .004, and NaN for the large parameters of contracts that
    hardly differ; here all coefficients lie between 0 and 1 whatever the parameters.

    Notes
    -----
    NIST Digital Library of Mathematical Functions, section 15.7. The error falls by
    (1 − √(1−z))/(1 + √(1−z)) a step.
    """
    steps = int(np.ceil(20 / np.arctanh(np.sqrt(1 - z)))) + 20
    fraction = np.ones(np.broadcast_shapes(np.shape(b), np.shape(c)))
    for k in range(steps, 0, -1):
        even = k * ((c - b + k - 1) / (c + 2 * k - 2)) / (c + 2 * k - 1)
        odd = ((b + k) / (c + 2 * k)) * ((c + k - 1) / (c + 2 * k - 1))
        fraction = 1 - z * odd / fraction
        fraction = 1 - z * even / fraction
    return 1 / (1 - z * (b / c) / fraction)
