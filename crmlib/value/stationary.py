"""Bases in which nobody changes: what two periods of them would look like (V10).

For purchases, a model fitted to period 1: every customer buys at a Poisson rate
that varies over customers by Gamma(r, α) and spends by the Gamma-Gamma model, at
the same rate and level in both periods; nobody leaves or joins. Only customers who
bought in period 1 are surely known, so r and α come from the counts of these alone
(negative binomial without its zeros: Sampford 1955, Biometrika 42). For any value
that comes by the month, no model: what does not change may change places, so the
same months of both periods are swapped by the toss of a coin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crmlib.stats.grouping import Groups, group_rows
from crmlib.stats.optimise import NotIdentified, Objective, Optimum, maximise, refitted
from crmlib.value import spend
from crmlib.value.observations import check_column

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

NAMES = ("r", "alpha")
START_SHAPES = (0.3, 1.0, 3.0)
MOST_SIMULATED = 50_000  # shares settle long before; more would only take time
FEWEST_COUNTS, MOST_COUNTS = 64, 2**20  # length of the table of counts
NEGLIGIBLE = 35.0  # logarithm of how much rarer than the commonest the last count is


@dataclass(frozen=True)
class StationaryBase:
    """Customers with unchanged habits; calling it draws their values in two periods.

    Attributes
    ----------
    r, alpha : float
        Purchases per period are Poisson with rate Gamma(r, α).
    p, q, v : float
        One purchase is Gamma(p, ν) with ν from Gamma(q, v); see `crmlib.value.spend`.
    customers : int
        How many buy in period 1. Beside them, as many buy in period 2, and those of
        these who did not buy in period 1 are new: without change the two periods
        can trade places. How many buy in neither need not be known, which matters
        where r tends to 0 and their number to infinity (CDNOW's second half-year).
    """

    r: float
    alpha: float
    p: float
    q: float
    v: float
    customers: int

    def __call__(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Values of everybody who buys in either period, 0 without purchase."""
        bought, other = self._purchases(rng)
        later, before = self._purchases(rng)
        new = later[before == 0]
        counts = np.array(
            [np.concatenate([bought, 0 * new]), np.concatenate([other, new])], dtype=float
        )
        scale = self.v / rng.standard_gamma(self.q, counts.shape[1])
        first, second = rng.standard_gamma(self.p * counts) * scale
        return first, second

    def _purchases(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Counts of buyers in their period, at least 1, and of the same in the other one."""
        one = 1 + np.searchsorted(self._distribution, rng.random(self.customers))
        rate = rng.standard_gamma(self.r + one) / (self.alpha + 1)
        return one, rng.poisson(rate)

    @cached_property
    def _distribution(self) -> FloatArray:
        """Cumulative probabilities of 1, 2, … purchases in a period, given that there is one."""
        most = FEWEST_COUNTS
        while True:
            x = np.arange(1.0, most + 1)
            log = special.gammaln(self.r + x) - special.gammaln(x + 1) - x * np.log1p(self.alpha)
            if log[-1] < log.max() - NEGLIGIBLE or most >= MOST_COUNTS:
                mass = np.cumsum(np.exp(log - log.max()))
                return mass[:-1] / mass[-1]  # the last count takes what rounding leaves
            most *= 4


@dataclass(frozen=True)
class StationaryFit:
    """A base without change, fitted to period 1, for `excess_migration`.

    Attributes
    ----------
    base : StationaryBase
        Draws two periods.
    grade : {"good", "weak"}
        The worse verdict of the two fits.
    notes : tuple of str
        Why it is not good, and who could not be used.
    """

    base: StationaryBase
    grade: str
    notes: tuple[str, ...]
    counts: Groups
    optimum: Optimum
    buyers: NDArray[np.int64]  # rows who bought in period 1
    spenders: NDArray[np.int64]  # rows who bought, for a positive sum
    spend_result: spend.GammaGammaResult

    def refit(self, weights: FloatArray) -> StationaryBase:
        """The base fitted to a resample of the customers, weights of shape (n_rows,)."""
        sizes = np.bincount(self.counts.index, weights[self.buyers], self.counts.weights.size)
        objective = _objective(self.counts.columns[0], sizes)
        optimum = self.optimum
        theta = refitted(objective, optimum.log_params, optimum.hessian, NAMES, sizes.sum())
        groups = self.spend_result.groups
        of_groups = np.bincount(groups.index, weights[self.spenders], groups.weights.size)
        phi = spend.Refit.of(self.spend_result)(of_groups)
        return _base(theta, phi, float(sizes.sum()))


@dataclass(frozen=True)
class SwappedParts:
    """Two periods whose equal parts changed places at random; calling it draws them.

    Without change the two Januaries of a customer could as well have come in the
    other order, and so each pair of months by itself: a randomisation test, for
    any distribution and any season. A real change spreads over both periods and
    makes the expected flows larger, so that an excess is then stated too small.

    Attributes
    ----------
    parts_1, parts_2 : arrays of shape (n_rows, n_parts)
        Value of each customer in each part (month, quarter) of the periods, 0
        where there is none.
    throughout : array of bool, shape (n_rows,), optional
        Customers of both periods from end to end, the only ones that are drawn:
        months before a customer came cannot change places with those after.
    """

    parts_1: FloatArray
    parts_2: FloatArray
    throughout: BoolArray | None = None

    def __post_init__(self) -> None:
        shapes = np.shape(self.parts_1), np.shape(self.parts_2)
        if shapes[0] != shapes[1] or len(shapes[0]) != 2 or 0 in shapes[0]:
            raise ValueError(f"parts of two periods need one shape (rows, parts), got {shapes}")
        if not (np.isfinite(self.parts_1).all() and np.isfinite(self.parts_2).all()):
            raise ValueError("parts must be finite, 0 where there is no value")
        if self.throughout is not None and np.shape(self.throughout) != shapes[0][:1]:
            raise ValueError(f"throughout must have a row for each of {shapes[0][0]} customers")

    def __call__(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Values in two periods of those who are there throughout."""
        one, other = self.parts_1, self.parts_2
        if self.throughout is not None:
            one, other = one[self.throughout], other[self.throughout]
        stays = rng.random(one.shape) < 0.5
        first = np.where(stays, one, other).sum(axis=1)
        return first, np.where(stays, other, one).sum(axis=1)

    def refit(self, weights: FloatArray) -> SwappedParts:
        """The customers of a resample, weights of shape (n_rows,) counting draws of each."""
        times = np.asarray(weights).astype(np.int64)
        if self.throughout is not None:
            times = np.where(self.throughout, times, 0)
        rows = np.repeat(np.arange(times.size), times)
        return SwappedParts(self.parts_1[rows], self.parts_2[rows])


def fit_stationary(frequency: ArrayLike, value: ArrayLike) -> StationaryFit:
    """Fit a base without change to the purchases of period 1.

    Parameters
    ----------
    frequency : array of shape (n_rows,)
        Purchases of each customer in period 1; 0 where there is none, and for
        those who came during it: part of a period is no rate.
    value : array of shape (n_rows,)
        Their sum in money; not read where there is no purchase.

    Raises
    ------
    ValueError
        Naming the argument and the first offending value.
    NotIdentified
        If nobody bought twice, expected spend does not exist (q ≤ 1), or a fit
        did not converge.
    """
    counts = check_column("frequency", frequency)
    money = np.asarray(value, dtype=float)
    if money.shape != counts.shape:
        raise ValueError(f"value has shape {money.shape} where {counts.shape} was expected")
    if (counts != np.round(counts)).any():
        first = int(np.argmax(counts != np.round(counts)))
        raise ValueError(f"frequency must be whole: {counts[first]:g} at position {first}")
    buyers = np.flatnonzero(counts)
    if not (counts > 1).any():
        raise NotIdentified("nobody bought twice in period 1: rates cannot be told apart")
    spenders = buyers[money[buyers] > 0]
    if not np.isfinite(money[buyers]).all():
        raise ValueError("value must be finite wherever there is a purchase")
    grouped = group_rows(counts[buyers])
    optimum = _maximise(grouped)
    spending = spend.GammaGamma().fit(counts[spenders], money[spenders] / counts[spenders])
    verdicts = {"purchase rates": optimum.verdict, "spend": spending.verdict}
    for name, verdict in verdicts.items():
        if verdict.grade == "refused":
            raise NotIdentified(f"{name} of period 1: {'; '.join(verdict.reasons)}")
    notes = tuple(
        f"{name} of period 1: {reason}" for name, v in verdicts.items() for reason in v.reasons
    )
    grade = "weak" if notes else "good"
    if spenders.size < buyers.size:
        left = buyers.size - spenders.size
        notes += (f"{left} customers bought for a sum of 0 or less: not in the spend model",)
    base = _base(optimum.log_params, spending.params.to_numpy(), float(buyers.size))
    return StationaryFit(base, grade, notes, grouped, optimum, buyers, spenders, spending)


def _maximise(counts: Groups) -> Optimum:
    x, sizes = counts.columns[0], counts.weights
    mean = float(sizes @ x / sizes.sum())
    starts = [np.log([shape, shape / mean]) for shape in START_SHAPES]
    return maximise(_objective(x, sizes), starts, NAMES, float(sizes.sum()))


def _objective(x: FloatArray, weights: FloatArray) -> Objective:
    """Log-likelihood of counts without zeros: NBD(x) / (1 − NBD(0)), in log-parameters."""
    customers, purchases = weights.sum(), weights @ x
    constant = weights @ special.gammaln(x + 1)

    def evaluate(log_params: FloatArray) -> tuple[float, FloatArray]:
        r, alpha = params = np.exp(log_params)
        log_stay = -np.log1p(1 / alpha)  # log of α/(α+1)
        seen = -np.expm1(r * log_stay)  # share with a purchase
        value = weights @ special.gammaln(r + x) - customers * special.gammaln(r) - constant
        value += customers * (r * log_stay - np.log(seen)) - purchases * np.log1p(alpha)
        d_r = weights @ special.digamma(r + x) - customers * special.digamma(r)
        d_r += customers * log_stay / seen
        d_alpha = customers * r / (alpha * (alpha + 1) * seen) - purchases / (alpha + 1)
        return float(value), params * np.array([d_r, d_alpha])

    return evaluate


def _base(theta: FloatArray, phi: FloatArray, buyers: float) -> StationaryBase:
    """As many buyers as there are, up to the most."""
    r, alpha = np.exp(theta)
    return StationaryBase(
        float(r), float(alpha), *map(float, phi), min(round(buyers), MOST_SIMULATED)
    )
