"""Whether to pilot an initiative, how large, or to go or stop at once (R4).

A pilot costs the effect that its control arm does without and what it takes to run; it
pays by stopping what loses and launching what gains. Normal prior, normal outcome, a
finite population that is treated after the pilot only where that pays: the two-stage
decision of Feit & Berman (2019), "Test & Roll", with a cost of launching.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from crmlib.roi.normal_loss import gain_of_knowing, preposterior_sd
from crmlib.roi.power import ArmSizes, size_for_means
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_GRID = 4_096  # sizes looked at first
_PEAKS = 6  # local maxima of the grid that are followed to a whole number
_SHOWN = 120  # sizes in the curve for the exhibit


@dataclass(frozen=True)
class Launch:
    """What is decided: to treat a population with an initiative, or not.

    Attributes
    ----------
    population : int
        Customers who could be treated, N.
    prior_mean, prior_sd : float
        Net effect per treated customer in money, unit cost already taken off (m, τ).
    outcome_sd : float
        Standard deviation of the outcome between customers of one arm (s).
    launch_cost : float
        Of treating anybody beyond the pilot (F); negative where launching is subsidised.
    pilot_cost : float
        Of running a pilot of any size.
    pilot_unit_cost : float
        Per treated customer of the pilot, beyond what the effect is net of.
    largest_arm : int or None
        Customers per arm that a pilot may hold; None for half of the population.
    """

    population: int
    prior_mean: float
    prior_sd: float
    outcome_sd: float
    launch_cost: float
    pilot_cost: float = 0.0
    pilot_unit_cost: float = 0.0
    largest_arm: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that are none."""
        for name in (
            "prior_mean",
            "prior_sd",
            "outcome_sd",
            "launch_cost",
            "pilot_cost",
            "pilot_unit_cost",
        ):
            value = getattr(self, name)
            if not np.isfinite(value):
                raise ValueError(f"{name} must be a finite number, got {value!r}")
            if value < 0 and name not in ("prior_mean", "launch_cost"):
                raise ValueError(f"{name} must not be negative, got {value!r}")
        if self.population != int(self.population):
            raise ValueError(f"population must be a whole number, got {self.population!r}")
        if self.largest_arm is not None and self.largest_arm < 0:
            raise ValueError(f"largest_arm must not be negative, got {self.largest_arm!r}")
        if self.population < 1:
            raise NotIdentified("the initiative reaches no customer: there is nothing to decide")

    @property
    def most(self) -> int:
        """Largest possible arm."""
        half = int(self.population) // 2
        return half if self.largest_arm is None else min(half, int(self.largest_arm))

    @property
    def decide_now(self) -> float:
        """Expected value of the better of launching to all and doing nothing, without a pilot."""
        return max(0.0, self.launch_now)

    @property
    def launch_now(self) -> float:
        """Expected value of launching to all without a pilot."""
        return self.population * self.prior_mean - self.launch_cost

    def value(self, n: IntArray | int) -> FloatArray:
        """Expected value of a pilot of n per arm and the best decision after it.

        Notes
        -----
        n·m + E[max(0, R·M − F)] − C with R = N − 2n, M ~ N(m, v²) the posterior mean and
        v = τ²/√(τ² + 2s²/n); the expectation is (Rm−F)Φ(z) + Rvφ(z), z = (Rm−F)/(Rv).
        """
        n = np.asarray(n, dtype=float)
        mean, sd = self._after(n)
        cost = np.where(n > 0, self.pilot_cost + n * self.pilot_unit_cost, 0.0)
        return n * self.prior_mean + np.maximum(0.0, mean) + gain_of_knowing(mean, sd) - cost

    def learning(self, n: int) -> float:
        """Part of the value of n per arm that comes from deciding after the pilot."""
        return float(gain_of_knowing(*self._after(np.asarray(n, dtype=float))))

    def chance_of_launch(self, n: IntArray | int) -> FloatArray:
        """Chance that the posterior mean after n per arm says to launch."""
        mean, sd = self._after(np.asarray(n, dtype=float))
        z = np.divide(mean, sd, out=np.where(mean > 0, np.inf, -np.inf), where=sd > 0)
        return special.ndtr(z)

    def _after(self, n: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and spread of the posterior expected value of launching to whom is left."""
        error = np.where(n > 0, np.sqrt(2 / np.maximum(n, 1)) * self.outcome_sd, np.inf)
        left = self.population - 2 * n
        mean = np.where(left > 0, left * self.prior_mean - self.launch_cost, 0.0)
        return mean, left * preposterior_sd(self.prior_sd, error)


@dataclass(frozen=True)
class PilotPlan:
    """The best pilot, and whether it is worth holding.

    Attributes
    ----------
    launch : Launch
        What was asked.
    verdict : {"pilot", "go", "stop"}
        Hold the pilot; launch to all without one; do neither.
    reason : str
        The verdict in a sentence, with its numbers.
    n_per_arm : int
        Best size; 0 where nothing is gained by a pilot.
    worth : float
        Money that this pilot adds to deciding now; 0 without one.
    learning : float
        Part of `worth` before costs that comes from deciding after the pilot instead of before;
        the rest is what its own customers earn or forgo. Above `worth` as a rule.
    value : float
        Expected value of the plan; `worth` above `decide_now`.
    decide_now : float
        Expected value of the better of launching to all and doing nothing.
    p_go : float
        Chance that the initiative is launched (0 or 1 where decided at once).
    break_even : float
        Effect per customer at which launching to all just pays.
    perfect : float
        Worth of knowing the effect beforehand, without a pilot.
    power_size : ArmSizes
        Arms at which a test with a fixed end sees the stated effect, population taken as endless.
    power_size_corrected : ArmSizes
        The same, drawn from this population.
    power_worth : float or None
        Worth of a pilot of the corrected equal arms; None where the population or the largest
        arm does not hold it.
    curve : DataFrame
        n_per_arm, value, worth, p_go: over the range of sizes, 0 and the best among them.
    """

    launch: Launch
    verdict: str
    reason: str
    n_per_arm: int
    worth: float
    learning: float
    value: float
    decide_now: float
    p_go: float
    break_even: float
    perfect: float
    power_size: ArmSizes
    power_size_corrected: ArmSizes
    power_worth: float | None
    curve: pd.DataFrame

    def summary(self) -> str:
        """Verdict and reason, best size beside the size for power."""
        return (
            f"{self.verdict}: {self.reason}\n"
            f"best arm {self.n_per_arm:,}; arm for power {self.power_size_corrected.treated:,}"
        )


def pilot(launch: Launch, *, effect_to_see: float, alpha: float, power: float) -> PilotPlan:
    """The pilot size that is worth most, and go, pilot or stop.

    Parameters
    ----------
    launch : Launch
    effect_to_see : float
        Money per customer that a test with a fixed end should see; only for the sizes beside.
    alpha, power : float
        Of that test.

    Raises
    ------
    NotIdentified
        If the effect to see is 0.
    ValueError
        If `alpha` or `power` lies outside (0, 1).

    Notes
    -----
    The worth of a size need not have one peak: a small pilot can be worth less than none while
    a larger one pays, and costs that outweigh the gain leave a hump below zero. Sizes on a grid
    are compared first and the highest peaks followed to whole numbers. Customers of the pilot
    are not treated again, and those it treats bear no part of the launch cost: where launching
    hardly pays, a large pilot can be worth most for what it earns by itself. `learning` and the
    reason tell that apart, `largest_arm` keeps a pilot small. Without uncertainty there is none.

    >>> launch = Launch(200_000, -0.02, 0.25, outcome_sd=15.0, launch_cost=5_000)
    >>> plan = pilot(launch, effect_to_see=0.5, alpha=0.05, power=0.8)
    >>> plan.verdict, plan.n_per_arm, round(plan.worth), round(plan.p_go, 3)
    ('pilot', 14141, 9845, 0.405)
    """
    endless = size_for_means(effect_to_see, launch.outcome_sd, alpha=alpha, power=power)
    drawn = size_for_means(
        effect_to_see, launch.outcome_sd, alpha=alpha, power=power, population=launch.population
    )
    n, worth = _best(launch)
    p_go = float(launch.chance_of_launch(n))
    verdict = "pilot" if n else "go" if p_go else "stop"
    learning = launch.learning(n)
    knowing = gain_of_knowing(launch.launch_now, launch.population * launch.prior_sd)
    fits = drawn.treated <= launch.most
    return PilotPlan(
        launch=launch,
        verdict=verdict,
        reason=_reason(launch, n, worth, learning),
        n_per_arm=n,
        worth=worth,
        learning=learning,
        value=launch.decide_now + worth,
        decide_now=launch.decide_now,
        p_go=p_go,
        break_even=launch.launch_cost / launch.population,
        perfect=float(knowing),
        power_size=endless,
        power_size_corrected=drawn,
        power_worth=float(_worth(launch, np.array(drawn.treated))) if fits else None,
        curve=_curve(launch, n),
    )


def _worth(launch: Launch, n: IntArray) -> FloatArray:
    """Money that a pilot of each size adds to deciding now."""
    return launch.value(n) - launch.decide_now


def _best(launch: Launch) -> tuple[int, float]:
    """The whole number of customers per arm that is worth most; (0, 0.0) where none is."""
    if launch.most == 0 or launch.prior_sd == 0:
        return 0, 0.0
    sizes = _sizes(launch.most, _GRID)
    worth = _worth(launch, sizes)
    padded = np.concatenate([[-np.inf], worth, [-np.inf]])
    peaks = np.flatnonzero((worth >= padded[:-2]) & (worth >= padded[2:]))
    highest = peaks[np.argsort(-worth[peaks], kind="stable")[:_PEAKS]]
    found = [_climb(launch, sizes, peak) for peak in highest]
    n, best = max(found, key=lambda pair: (pair[1], -pair[0]))
    # what differs by rounding alone is no reason to hold a pilot
    scale = abs(launch.launch_cost) + launch.population * (abs(launch.prior_mean) + launch.prior_sd)
    return (n, best) if n and best > 1e-12 * scale else (0, 0.0)


def _climb(launch: Launch, sizes: IntArray, peak: int) -> tuple[int, float]:
    """Narrow the neighbours of a peak down to one size."""
    low, high = sizes[max(peak - 1, 0)], sizes[min(peak + 1, sizes.size - 1)]
    while True:
        tried = np.unique(np.linspace(low, high, 257).round().astype(np.int64))
        worth = _worth(launch, tried)
        best = int(worth.argmax())
        if tried.size == high - low + 1:
            return int(tried[best]), float(worth[best])
        low, high = tried[max(best - 1, 0)], tried[min(best + 1, tried.size - 1)]


def _sizes(most: int, count: int) -> IntArray:
    """Whole numbers from 0 to `most`, half of them evenly and half by ratio."""
    even = np.linspace(0, most, count // 2)
    by_ratio = np.geomspace(1, most, count // 2)
    return np.unique(np.concatenate([even, by_ratio]).round().astype(np.int64))


def _curve(launch: Launch, n: int) -> pd.DataFrame:
    """Worth by size for the exhibit, the best size among those shown."""
    sizes = np.unique(np.append(_sizes(launch.most, _SHOWN) if launch.most else 0, n))
    return pd.DataFrame(
        {
            "n_per_arm": sizes,
            "value": launch.value(sizes),
            "worth": _worth(launch, sizes),
            "p_go": launch.chance_of_launch(sizes),
        }
    )


def _reason(launch: Launch, n: int, worth: float, learnt: float) -> str:
    """Why, in numbers; money without a currency, which the caller knows."""
    at_once = launch.launch_now
    otherwise = (
        f"launching to all {launch.population:,} at once, expected to bring {_plain(at_once)}"
        if at_once > 0
        else "stopping at once"
    )
    if n:
        return (
            f"a pilot of {n:,} per arm is worth {_plain(worth)} more than {otherwise}; "
            f"the chance that it ends in a launch is {float(launch.chance_of_launch(n)):.0%}"
            + f"; only {_plain(learnt)} of that comes from what is learnt"
            * (learnt < worth / 2)
        )
    brought = f"launching to all {launch.population:,} is expected to bring {_plain(at_once)}"
    if launch.prior_sd == 0:
        return f"{brought} and the effect is taken as known: there is nothing to learn"
    if launch.most == 0:
        return f"{brought} and a pilot of two arms does not fit"
    return f"{brought} and no pilot is worth its cost"


def _plain(amount: float) -> str:
    """Whole units where there are hundreds of them, else three digits."""
    return f"{amount:,.0f}" if abs(amount) >= 100 or amount == 0 else f"{amount:.3g}"
