"""How often a pilot may be looked at, and where it may then stop (R8).

Each look at a running experiment is a further chance to be fooled. The chance is exact by
recursive integration over the looks (Armitage, McPherson & Rowe 1969; Jennison & Turnbull
2000, *Group Sequential Methods*, ch. 19); boundaries of O'Brien & Fleming (1979) and Pocock
(1977) spend a stated rate over all looks, at uneven looks by Lan & DeMets (1983).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from crmlib.stats.special import gauss_legendre

FloatArray = NDArray[np.float64]

KINDS = ("obrien_fleming", "pocock")
MOST_LOOKS = 500
_TAIL = 9.0  # standard deviations beyond which no path is followed
_NODES = 32  # of Gauss–Legendre quadrature in each panel between the boundaries
_PER_SD = 4.0  # nodes per standard deviation of the narrower increment
_NEAREST = 1e-3  # shares of the information between looks: nodes grow with their inverse root
_TRUSTED = 1e-11  # a rate to be spent below which the recursion has no digits


@dataclass(frozen=True)
class Crossing:
    """Chances to cross a symmetric boundary for the first time.

    Attributes
    ----------
    upper, lower : arrays of shape (n_looks,)
        At each look, above and below.
    """

    upper: FloatArray
    lower: FloatArray

    @property
    def total(self) -> FloatArray:
        """At each look or before, on either side; shape (n_looks,)."""
        return np.cumsum(self.upper + self.lower)


@dataclass(frozen=True)
class Boundaries:
    """Where an experiment with several looks stops.

    Attributes
    ----------
    table : DataFrame
        look (1, 2, …), information (share of the last look's, 0–1), z (stop at or beyond it, for
        the effect above and for harm below), nominal_p (two-sided, of a single test at z), spent
        (false-positive rate up to this look).
    alpha : float
        Two-sided false-positive rate over all looks.
    kind : {"obrien_fleming", "pocock"}
    method : {"classical", "spending"}
        Even looks by a constant shape; any looks by a rate that is spent as information comes.
    """

    table: pd.DataFrame
    alpha: float
    kind: str
    method: str

    def read(self, look: int, z: float) -> str:
        """What an interim z says: "stop: effect", "stop: harm", "go on" or "end: no effect".

        Raises
        ------
        ValueError
            If there is no such look, or z is not a number.
        """
        if not 1 <= look <= len(self.table) or not np.isfinite(z):
            raise ValueError(f"looks are 1 to {len(self.table)} and z a number: {look!r}, {z!r}")
        limit = float(self.table["z"].iloc[look - 1])
        if abs(z) >= limit:
            return "stop: effect" if z > 0 else "stop: harm"
        return "go on" if look < len(self.table) else "end: no effect"

    def power(self, drift: float) -> float:
        """Chance to stop for the effect, `drift` being the expected z at the last look."""
        z, information = (self.table[name].to_numpy(float) for name in ("z", "information"))
        return float(crossing(z, information, drift).upper.sum())

    def summary(self) -> str:
        """The boundary, a line per look."""
        shown = self.table.round({"information": 3, "z": 3, "nominal_p": 5, "spent": 5})
        return f"{self.kind} ({self.method}), alpha {self.alpha:g}\n{shown.to_string(index=False)}"


@dataclass(frozen=True)
class Peeking:
    """False positives of looking often at an unchanged critical value.

    Attributes
    ----------
    table : DataFrame
        looks (1, 2, …), false_positive (0–1): to stop at some look although there is no effect.
    critical : float
        Two-sided critical value at every look.
    """

    table: pd.DataFrame
    critical: float

    @property
    def rate(self) -> float:
        """After all looks."""
        return float(self.table["false_positive"].iloc[-1])


def crossing(z: ArrayLike, information: ArrayLike, drift: float = 0.0) -> Crossing:
    """Chances that a z statistic first crosses ±z at each look.

    Parameters
    ----------
    z : array of shape (n_looks,)
        Critical values, positive.
    information : array of shape (n_looks,)
        Increasing; z at a look has mean drift·√(information / last).
    drift : float
        Expected z at the last look.

    Raises
    ------
    ValueError
        If shapes differ, a critical value is not positive, or information does not increase.

    Notes
    -----
    With B = Z·√t, increments are independent normals. The density of paths that have not
    crossed is carried from look to look at Gauss–Legendre nodes between the boundaries, as many
    as the narrower of two neighbouring increments needs.
    """
    limits, shares = _looks(z, information)
    steps = np.diff(shares, prepend=0.0)
    upper, lower = np.empty(limits.size), np.empty(limits.size)
    paths = _Paths.start()
    for look, (limit, step) in enumerate(zip(limits * np.sqrt(shares), steps, strict=True)):
        upper[look], lower[look] = paths.beyond(limit, step, drift)
        if look + 1 < limits.size:
            narrow = min(step, steps[look + 1])
            paths = paths.after(limit, step, narrow, shares[look], drift)
    return Crossing(upper, lower)


@dataclass(frozen=True)
class _Paths:
    """Mass of experiments that still run, at nodes of B = Z·√t; each of shape (n_nodes,)."""

    at: FloatArray
    mass: FloatArray

    @classmethod
    def start(cls) -> _Paths:
        return cls(np.zeros(1), np.ones(1))

    def beyond(self, limit: float, step: float, drift: float) -> tuple[float, float]:
        """Mass that the next look finds above `limit` and below its negative."""
        root, mean = np.sqrt(step), self.at + drift * step
        above = self.mass @ special.ndtr((mean - limit) / root)
        return float(above), float(self.mass @ special.ndtr((-limit - mean) / root))

    def after(self, limit: float, step: float, narrow: float, share: float, drift: float) -> _Paths:
        """Those that the next look, at `share` of the information, lets go on."""
        reach = _TAIL * np.sqrt(share)
        low = np.clip(drift * share - reach, -limit, limit)
        high = np.clip(drift * share + reach, -limit, limit)
        panels = 1 + int(_PER_SD * (high - low) / np.sqrt(narrow) / _NODES)
        points, weights = gauss_legendre(_NODES)
        ends = np.linspace(low, high, panels + 1)
        width = (high - low) / panels
        at = (ends[:-1, None] + width * points).ravel()
        distance = (at[:, None] - self.at - drift * step) / np.sqrt(step)
        density = np.exp(-0.5 * distance**2) @ self.mass / np.sqrt(2 * np.pi * step)
        return _Paths(at, density * np.tile(weights * width, panels))


def review_boundaries(
    looks: int,
    *,
    alpha: float,
    kind: str = "obrien_fleming",
    information: ArrayLike | None = None,
) -> Boundaries:
    """Critical values that hold a two-sided false-positive rate over several looks.

    Parameters
    ----------
    looks : int
        How often the effect is looked at, the last time included.
    alpha : float
        Over all looks, two-sided.
    kind : {"obrien_fleming", "pocock"}
        Hardly any early stop, or the same hurdle at each look.
    information : array of shape (looks,), optional
        Customers with an outcome (or the like) at each look, increasing, the last as planned.
        Without it looks are even and the classical shapes are used; with it the rate is spent
        by the function of Lan & DeMets (1983) that resembles `kind`.

    Raises
    ------
    ValueError
        If a number is out of range or the kind is not known.

    Notes
    -----
    Classical: z_k = c/√t_k (O'Brien & Fleming) or z_k = c (Pocock), c found by the recursion.
    Spending, half of it on either side: 4 − 4Φ(z_{1−α/4}/√t), and α·ln(1 + (e − 1)t).

    >>> review_boundaries(5, alpha=0.05).table["z"].round(3).tolist()
    [4.562, 3.226, 2.634, 2.281, 2.04]
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if not 1e-6 <= alpha < 1:
        raise ValueError(f"alpha must lie between 0.000001 and 1, got {alpha!r}")
    _check_count(looks)
    if information is None:
        shares = np.arange(1, looks + 1) / looks
        z = _classical(shares, alpha, kind)
    else:
        shares = _looks(np.ones(looks), information)[1]
        z = _spending(shares, alpha, kind)
    table = pd.DataFrame(
        {
            "look": np.arange(1, looks + 1),
            "information": shares,
            "z": z,
            "nominal_p": 2 * special.ndtr(-z),
            "spent": crossing(z, shares).total,
        }
    )
    return Boundaries(table, alpha, kind, "classical" if information is None else "spending")


def peeking(looks: int, *, critical: float = 1.96) -> Peeking:
    """False positives of even looks at one critical value, for 1 to `looks` looks.

    Parameters
    ----------
    looks : int
        At most 500.
    critical : float
        Of a two-sided test that is meant for one look.

    Raises
    ------
    ValueError
        If a number is out of range.

    Notes
    -----
    Armitage, McPherson & Rowe (1969). One recursion serves all numbers of looks: even
    increments that came so far do not know how many follow.

    >>> round(peeking(14).rate, 2)
    0.22
    """
    _check_count(looks)
    found = crossing(np.full(looks, float(critical)), np.arange(1, looks + 1))
    table = pd.DataFrame({"looks": np.arange(1, looks + 1), "false_positive": found.total})
    return Peeking(table, float(critical))


def _check_count(looks: int) -> None:
    if looks != int(looks) or not 1 <= looks <= MOST_LOOKS:
        raise ValueError(f"looks must be a whole number from 1 to {MOST_LOOKS}, got {looks!r}")


def _looks(z: ArrayLike, information: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Critical values and shares of information, checked."""
    limits, amounts = np.asarray(z, dtype=float), np.asarray(information, dtype=float)
    if limits.ndim != 1 or limits.shape != amounts.shape or limits.size == 0:
        raise ValueError(f"{limits.size} looks do not fit amounts of shape {amounts.shape}")
    if not (np.isfinite(limits).all() and (limits > 0).all()):
        raise ValueError("critical values must be positive")
    if not (np.isfinite(amounts).all() and (np.diff(amounts, prepend=0.0) > 0).all()):
        raise ValueError("information must be positive and increase from look to look")
    shares = amounts / amounts[-1]
    if np.diff(shares, prepend=0.0).min() < _NEAREST * (1 - 1e-9):
        raise ValueError(f"looks must lie at least {_NEAREST:g} of the information apart")
    return limits, shares


def _classical(shares: FloatArray, alpha: float, kind: str) -> FloatArray:
    """A constant shape whose height spends alpha by the last look."""
    shape = 1 / np.sqrt(shares) if kind == "obrien_fleming" else np.ones(shares.size)
    # one look is too low; Bonferroni (Pocock) and reflection (O'Brien & Fleming) too high
    tails = alpha / (2 * np.array([1, shares.size if kind == "pocock" else 2]))
    low, high = -special.ndtri(tails)
    if shares.size == 1:
        return np.array([low])

    def excess(height: float) -> float:
        return float(crossing(height * shape, shares).total[-1]) - alpha

    return optimize.brentq(excess, max(low, 1e-6), high + 1e-6, xtol=1e-9) * shape


def _spending(shares: FloatArray, alpha: float, kind: str) -> FloatArray:
    """Look by look, the height at which the rate due by then is spent."""
    due = np.exp(_log_spent(shares, alpha, kind))
    z = np.empty(shares.size)
    paths, steps = _Paths.start(), np.diff(shares, prepend=0.0)
    spent = 0.0
    for look, (share, step) in enumerate(zip(shares, steps, strict=True)):
        rate = due[look] - spent
        if look == 0:
            log_rate = _log_spent(share, alpha, kind)
            z[0] = -special.ndtri_exp(log_rate - np.log(2))
        elif rate < _TRUSTED:
            # so little that no path has crossed before: as if this were the only look
            z[look] = -special.ndtri_exp(_log_spent(share, alpha, kind) - np.log(2))
        else:
            z[look] = _height(paths, step, share, rate)
        limit = z[look] * np.sqrt(share)
        spent += sum(paths.beyond(limit, step, 0.0))
        if look + 1 < shares.size:
            paths = paths.after(limit, step, min(step, steps[look + 1]), share, 0.0)
    return z


def _height(paths: _Paths, step: float, share: float, rate: float) -> float:
    """Critical value that the next look crosses with chance `rate`."""
    root = np.sqrt(share)

    def excess(z: float) -> float:
        return sum(paths.beyond(z * root, step, 0.0)) - rate

    return float(optimize.brentq(excess, 1e-9, 40.0, xtol=1e-10))


def _log_spent(share: ArrayLike, alpha: float, kind: str) -> FloatArray:
    """Logarithm of the two-sided rate spent at a share of the information."""
    share = np.asarray(share, dtype=float)
    if kind == "pocock":
        return np.log(alpha * np.log1p((np.e - 1) * share))
    return np.log(4) + special.log_ndtr(special.ndtri(alpha / 4) / np.sqrt(share))
