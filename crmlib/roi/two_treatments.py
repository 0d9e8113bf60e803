"""How large a test is that earns most when the better of two treatments is rolled out (R4).

Two ways to treat a customer, neither of them "nothing": both arms of the test earn, and so
does whoever gets the winner. After Feit & Berman (2019), "Test & Roll: Profit-Maximizing
A/B Tests", *Marketing Science* 38(6); priors may differ between the arms, as in a holdout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from crmlib.roi.normal_loss import gain_of_knowing, preposterior_sd
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

_SHOWN = 120  # sizes in the curve for the exhibit


@dataclass(frozen=True)
class Treatment:
    """What is believed of one arm before the test.

    Attributes
    ----------
    prior_mean, prior_sd : float
        Of the mean outcome per customer (μ, σ).
    outcome_sd : float
        Standard deviation of the outcome between customers (s).
    """

    prior_mean: float
    prior_sd: float
    outcome_sd: float

    def __post_init__(self) -> None:
        """Refuse numbers that are none."""
        numbers = (self.prior_mean, self.prior_sd, self.outcome_sd)
        if not np.isfinite(numbers).all() or min(numbers[1:]) < 0:
            raise ValueError(f"a treatment needs finite numbers, spreads not negative: {numbers}")

    def posterior_spread(self, n: ArrayLike) -> FloatArray:
        """How far the posterior mean will lie from the prior mean after n customers."""
        n = np.asarray(n, dtype=float)
        error = np.where(n > 0, self.outcome_sd / np.sqrt(np.where(n > 0, n, 1.0)), np.inf)
        return preposterior_sd(self.prior_sd, error)


@dataclass(frozen=True)
class RolledTest:
    """A test and the roll-out of its winner, in expectation.

    Attributes
    ----------
    first, second : int
        Customers of each arm; 0 where nothing is gained by testing it.
    n_star : float or None
        The unrounded size per arm where both have the same prior (a closed form).
    profit : float
        Of the test and the roll-out, over the whole population.
    untested : float
        Profit of giving everybody the treatment that is better beforehand.
    perfect : float
        Profit if both means were known beforehand.
    error_rate : float
        Chance that the worse treatment is rolled out.
    chance_first : float
        Chance that the first treatment is rolled out.
    curve : DataFrame
        per_arm, profit, missed (of the profit under perfect information), error_rate: of equal
        arms over the range of sizes.
    """

    first: int
    second: int
    n_star: float | None
    profit: float
    untested: float
    perfect: float
    error_rate: float
    chance_first: float
    curve: pd.DataFrame

    @property
    def regret(self) -> float | None:
        """Share of the profit under perfect information that is missed; None where that is 0."""
        return 1 - self.profit / self.perfect if self.perfect > 0 else None

    def summary(self) -> str:
        """Sizes, profit and how often the winner is the wrong one."""
        missed = "" if self.regret is None else f", {self.regret:.2%} below perfect information"
        return (
            f"Test & Roll: {self.first:,} and {self.second:,} customers; expected profit "
            f"{self.profit:,.0f}{missed}; wrong winner {self.error_rate:.1%}"
        )


def test_and_roll(first: Treatment, second: Treatment, population: int) -> RolledTest:
    """Sizes of both arms that maximise expected profit over the whole population.

    Parameters
    ----------
    first, second : Treatment
        Normal priors, independent of each other.
    population : int
        Customers who get either the test or the winner (N).

    Raises
    ------
    NotIdentified
        If there is no customer.

    Notes
    -----
    Profit(n₁, n₂) = n₁μ₁ + n₂μ₂ + (N − n₁ − n₂)·(max(μ₁, μ₂) + L), L the expected gain of
    choosing by posterior means (Feit & Berman 2019, eq. 9 and, for priors that differ, eq. 18;
    perfect information eq. 13). For one prior, n* = √(N/4·(s/σ)² + (¾(s/σ)²)²) − ¾(s/σ)²
    (eq. 10). Unequal priors are searched numerically, arms of size 0 included: a test that is
    not worth it.

    >>> page = Treatment(0.68, 0.03, outcome_sd=(0.68 * 0.32) ** 0.5)
    >>> found = test_and_roll(page, page, 100_000)
    >>> found.first, round(found.profit), round(found.error_rate, 3)
    (2284, 69536, 0.1)
    """
    if population < 1:
        raise NotIdentified("there is no customer to test a treatment on")
    n_star = None
    if first == second:
        n_star = profit_maximising_size(population, first.outcome_sd, first.prior_sd)
        sizes = _rounded(first, second, population, (n_star, n_star), equal=True)
    else:
        sizes = _rounded(first, second, population, _searched(first, second, population))
    return _evaluated(first, second, population, sizes, n_star)


def profit_maximising_size(population: int, outcome_sd: float, prior_sd: float) -> float:
    """n* per arm for two treatments with one prior (Feit & Berman 2019, eq. 10), unrounded.

    Where the prior has no spread neither treatment can be better: 0.
    """
    if prior_sd == 0:
        return 0.0
    ratio = float(np.square(min(outcome_sd / prior_sd, 1e150)))
    # √(A + B²) − B as A / (√(A + B²) + B): the difference has no digit left where B is large
    quarter, shift = population * ratio / 4, 0.75 * ratio
    return quarter / (np.hypot(np.sqrt(quarter), shift) + shift) if ratio > 0 else 0.0


def expected_profit(
    first: Treatment, second: Treatment, population: int, n1: ArrayLike, n2: ArrayLike
) -> FloatArray:
    """Expected profit of a test of n1 and n2 customers and the roll-out of its winner.

    Parameters
    ----------
    n1, n2 : arrays of one shape
        Their sum may not exceed the population.
    """
    n1, n2 = np.asarray(n1, dtype=float), np.asarray(n2, dtype=float)
    best, lead = max(first.prior_mean, second.prior_mean), first.prior_mean - second.prior_mean
    spread = np.hypot(first.posterior_spread(n1), second.posterior_spread(n2))
    rolled = best + gain_of_knowing(lead, spread)
    return n1 * first.prior_mean + n2 * second.prior_mean + (population - n1 - n2) * rolled


def error_rate(first: Treatment, second: Treatment, n1: ArrayLike, n2: ArrayLike) -> FloatArray:
    """Chance that the treatment with the lower true mean has the higher posterior mean.

    Notes
    -----
    True and posterior difference are normal around one mean e with spreads d and v and
    covariance v². Owen's T gives 2·T(e/d, √(d² − v²)/v); for e = 0 it is arctan(·)/π
    (Feit & Berman 2019, eq. 12).
    """
    true = np.hypot(first.prior_sd, second.prior_sd)
    known = np.hypot(first.posterior_spread(n1), second.posterior_spread(n2))
    lead = first.prior_mean - second.prior_mean
    if true == 0:
        return np.full(np.shape(known), 0.5 if lead == 0 else 0.0)
    unknown = np.sqrt(np.maximum(true**2 - known**2, 0.0))
    slope = np.divide(unknown, known, out=np.full(np.shape(known), np.inf), where=known > 0)
    return 2 * special.owens_t(lead / true, slope)


def _searched(first: Treatment, second: Treatment, population: int) -> tuple[float, float]:
    """Unrounded sizes that maximise profit, on the square root scale from several starts."""

    def loss(roots: FloatArray) -> float:
        n1, n2 = roots**2
        over = max(n1 + n2 - population, 0.0)  # shrunk onto the population, at a price
        if over > 0:
            n1, n2 = (n * population / (n1 + n2) for n in (n1, n2))
        return -float(expected_profit(first, second, population, n1, n2)) / scale + over

    scale = population * max(first.prior_sd, second.prior_sd, np.finfo(float).tiny)
    starts = [
        np.sqrt([population * a, population * b])
        for a in (1e-4, 0.01, 0.1)
        for b in (1e-4, 0.01, 0.1)
    ]
    options = {"xatol": 1e-6, "fatol": 1e-15, "maxiter": 2_000, "maxfev": 4_000}
    found = [optimize.minimize(loss, at, method="Nelder-Mead", options=options) for at in starts]
    n1, n2 = min(found, key=lambda each: each.fun).x ** 2
    return float(n1), float(n2)


def _rounded(
    first: Treatment,
    second: Treatment,
    population: int,
    near: tuple[float, float],
    *,
    equal: bool = False,
) -> tuple[int, int]:
    """The best whole sizes around an optimum, or no test where that earns more."""
    around = [sorted({max(int(n) + step, 0) for step in (-1, 0, 1, 2)} | {0, 1}) for n in near]
    pairs = [(a, b) for a in around[0] for b in around[1] if a + b <= population]
    pairs = [pair for pair in pairs if pair[0] == pair[1]] if equal else pairs
    n1, n2 = np.array(pairs).T
    profit = expected_profit(first, second, population, n1, n2)
    # a tie is rounding: of sizes that earn the same the smaller test is held
    best = np.flatnonzero(profit >= profit.max() - 1e-15 * np.abs(profit).max())
    return pairs[best[np.argmin((n1 + n2)[best])]]


def _evaluated(
    first: Treatment,
    second: Treatment,
    population: int,
    sizes: tuple[int, int],
    n_star: float | None,
) -> RolledTest:
    lead = first.prior_mean - second.prior_mean
    better = max(first.prior_mean, second.prior_mean)
    spread = np.hypot(*(t.posterior_spread(n) for t, n in zip((first, second), sizes, strict=True)))
    ahead = 0.5 if lead == 0 else float(lead > 0)
    perfect = better + gain_of_knowing(lead, np.hypot(first.prior_sd, second.prior_sd))
    return RolledTest(
        first=sizes[0],
        second=sizes[1],
        n_star=n_star,
        profit=float(expected_profit(first, second, population, *sizes)),
        untested=population * better,
        perfect=float(population * perfect),
        error_rate=float(error_rate(first, second, *sizes)),
        chance_first=float(special.ndtr(lead / spread)) if spread > 0 else ahead,
        curve=_curve(first, second, population, float(population * perfect)),
    )


def _curve(first: Treatment, second: Treatment, population: int, perfect: float) -> pd.DataFrame:
    """Profit, money missed and error rate of equal arms."""
    most = population // 2
    sizes = np.unique(np.append(np.geomspace(1, max(most, 1), _SHOWN).round(), 0))
    sizes = sizes[sizes <= most].astype(np.int64)
    profit = expected_profit(first, second, population, sizes, sizes)
    return pd.DataFrame(
        {
            "per_arm": sizes,
            "profit": profit,
            "missed": perfect - profit,
            "error_rate": error_rate(first, second, sizes, sizes),
        }
    )
