"""Formulas of the BG/NBD and MBG/NBD models as functions of (r, alpha, a, b).

Both let a customer leave with a Beta(a, b) probability right after a purchase:
BG/NBD after each repeat purchase (Fader, Hardie & Lee 2005, FHL), MBG/NBD after
the first purchase as well (`at_first`; Batislam, Denizel & Filiztekin 2007,
Hoppe & Wagner 2007). With x repeat purchases that makes n = x or n = x + 1
occasions to leave, and nothing else differs.

Expected purchases are integrals of the expected purchase rate. The closed form
(FHL eqs. 9 and 10) divides by a − 1 and has no value at a = 1; the integral has
no such point and takes a discount rate too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crmlib.stats.special import gauss_legendre, hyp2f1_negative

FloatArray = NDArray[np.float64]

NODES = 32  # relative error below 1e-10, endless discounted horizons included
DISCOUNTED_AWAY = 40.0  # exp(−40) of a purchase is worth nothing: the end of an infinite horizon


def probability_alive(
    params: FloatArray,
    x: FloatArray,
    recency: FloatArray,
    observed_time: FloatArray,
    *,
    at_first: bool = False,
) -> FloatArray:
    """P(active at the end of observation | history), shape (n_customers,).

    1 / (1 + a/(b+n−1) · ((α+T)/(α+t_x))^(r+x)) for n > 0 occasions to leave, else 1
    (Fader & Hardie 2008, note 021; Batislam et al. 2007), computed from the
    logarithm of the odds. Parameters may carry an axis that broadcasts against
    the customers.
    """
    r, alpha, a, b = params
    occasions = x + at_first
    gap = np.log1p((observed_time - recency) / (alpha + recency))
    previous = np.where(occasions > 0, b + occasions - 1, 1.0)
    log_odds = np.log(a) - np.log(previous) + (r + x) * gap
    return special.expit(-np.where(occasions > 0, log_odds, -np.inf))


def check_horizon(horizon: ArrayLike, rate: float) -> FloatArray:
    """The end of each horizon, an infinite one cut where discounting leaves nothing.

    Raises
    ------
    ValueError
        If a horizon is negative or not a number, the rate is negative, or an
        infinite horizon comes without discounting.
    """
    ends = np.asarray(horizon, dtype=float)
    if not (ends >= 0).all():
        raise ValueError(f"horizon must be 0 or more, got {ends[~(ends >= 0)][0]:g}")
    if not (np.isfinite(rate) and rate >= 0):
        raise ValueError(f"rate must be 0 or more per time unit, got {rate!r}")
    if np.isinf(ends).any() and rate == 0:
        raise ValueError("an infinite horizon needs a positive discount rate")
    return np.minimum(ends, DISCOUNTED_AWAY / rate) if rate > 0 else ends


def purchases_if_alive(
    params: FloatArray,
    x: ArrayLike,
    observed_time: ArrayLike,
    horizon: ArrayLike,
    rate: float,
    nodes: int = NODES,
    *,
    at_first: bool = False,
) -> FloatArray:
    """Discounted expected purchases over the horizon, given active at its start.

    ∫₀ᴴ exp(−δτ) · (r+x)/(α+T) · ₂F₁(r+x+1, a; a+b+n; −τ/(α+T)) dτ, by
    Gauss–Legendre quadrature in v = log(1 + τ/(α+T)), where the integrand is
    smooth over short and long horizons alike. A new customer has x = T = 0.

    Parameters
    ----------
    params : array of shape (4,) or (4, n_customers)
    x, observed_time, horizon : arrays that broadcast to one shape
    rate : float
        Continuous, per time unit.

    Raises
    ------
    ValueError
        See `check_horizon`.
    """
    end = check_horizon(horizon, rate)
    r, alpha, a, b = params
    x, scale, end = np.broadcast_arrays(x, alpha + np.asarray(observed_time, dtype=float), end)
    reach = np.log1p(end / scale)
    points, weights = gauss_legendre(nodes)
    v = reach[..., None] * points
    elapsed = np.expm1(v)
    big, total = (r + x + 1)[..., None], (a + b + x + at_first)[..., None]
    rates = hyp2f1_negative(big, np.asarray(a)[..., None], total, elapsed)
    integrand = np.exp(v - rate * scale[..., None] * elapsed) * rates
    return (r + x) * reach * (integrand @ weights)


def check_frequencies(time: FloatArray, maximum: int) -> None:
    """Refuse a table of frequencies that cannot be made."""
    if maximum < 1 or not (time >= 0).all():
        raise ValueError("maximum must be 1 or more and observed_time 0 or more")


def frequency_probabilities(
    params: FloatArray, time: FloatArray, maximum: int, *, at_first: bool = False
) -> FloatArray:
    """P(X(t) = 0), …, P(X(t) = maximum − 1), P(X(t) ≥ maximum) for a new customer, FHL eq. 8.

    The bracket of eq. 8 is the upper tail of a negative binomial, taken from the
    incomplete beta function instead of one minus a sum.

    Returns
    -------
    array of shape (n_times, maximum + 1)

    Raises
    ------
    ValueError
        If `maximum` is below 1 or a time is negative.
    """
    check_frequencies(time, maximum)
    r, alpha, a, b = params
    x = np.arange(maximum, dtype=float)
    occasions = x + at_first
    share = (time / (alpha + time))[:, None]
    table = np.exp(
        special.betaln(a, b + occasions)
        - special.betaln(a, b)
        + special.gammaln(r + x)
        - special.gammaln(r)
        - special.gammaln(x + 1)
        + special.xlog1py(r, -share)
        + special.xlogy(x, share)
    )
    repeat = x[1:]
    left = np.exp(special.betaln(a + 1, b + repeat - 1 + at_first) - special.betaln(a, b))
    table[:, 1:] += left * special.betainc(repeat, r, share)
    if at_first:  # left right after the first purchase
        table[:, 0] += a / (a + b)
    rest = np.maximum(1 - table.sum(axis=1, keepdims=True), 0)
    return np.hstack([table, rest])
