"""Special functions in forms that stay finite for heavy buyers and long horizons."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]

_BETA_NODES = 200


def hyp2f1_negative(big: ArrayLike, a: ArrayLike, c: ArrayLike, s: ArrayLike) -> FloatArray:
    """2F1(big, a; c; −s) for s ≥ 0.

    By Pfaff's transformation, (1+s)^(−a) · 2F1(a, c−big; c; s/(1+s)). In purchase
    models ``big`` and ``c`` both grow with the number of purchases while their
    difference does not: the transformed series converges faster for heavier
    buyers, where scipy's own continuation returns NaN (big = 1001, a = .8,
    c = 1003.2, s = 5; the value is .23884). Where that series fails too, as it
    does for parameters that have run away (big = 160000, a = .002, c = 1900,
    s = 1e-5), the mean over a Beta distribution is integrated.

    Notes
    -----
    Abramowitz & Stegun (1964), eq. 15.3.5.
    """
    s = np.asarray(s, dtype=float)
    # scipy returns NaN for s/(1+s) > .9 where big − a is a whole number above 170
    # (big = 1001, a = 1, s = 80): move a by 1e-9, which moves the result as little
    gap = np.subtract(big, a)
    whole = (gap > 100) & (np.abs(gap - np.round(gap)) < 1e-11 * gap)
    a = np.where(whole, a + np.float64(1e-9), a)
    with np.errstate(invalid="ignore", over="ignore"):
        transformed = special.hyp2f1(a, np.subtract(c, big), c, s / (1 + s))
        value = np.exp(-a * np.log1p(s)) * transformed
    failed = ~((value >= 0) & (value <= 1))  # it is the mean of (1 + s p)^(−big)
    if not failed.any():
        return value
    arguments = np.broadcast_arrays(big, a, c, s)
    repaired = np.array(value, ndmin=1)
    repaired[failed] = _beta_mean(*(np.atleast_1d(argument)[failed] for argument in arguments))
    return repaired.reshape(np.shape(value))


def _beta_mean(big: FloatArray, a: FloatArray, c: FloatArray, s: FloatArray) -> FloatArray:
    """Mean of (1 + s p)^(−big) over p ~ Beta(a, c − a), by quantiles of p; shape (n,)."""
    points, weights = gauss_legendre(_BETA_NODES)
    # quantiles are slow and few: one set for each distribution, whatever big and s
    shapes, index = np.unique(np.stack([a, c - a], axis=1), axis=0, return_inverse=True)
    p = special.betaincinv(shapes[:, :1], shapes[:, 1:], points)[index.ravel()]
    return np.exp(-big[:, None] * np.log1p(s[:, None] * p)) @ weights


def softplus(z: FloatArray) -> FloatArray:
    """log(1 + exp(z)) without overflow; −inf gives 0."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


@lru_cache(maxsize=16)
def gauss_legendre(nodes: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Gauss–Legendre quadrature on (0, 1)."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return (points + 1) / 2, weights / 2
