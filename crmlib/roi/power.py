"""How many customers a pilot with a fixed end needs to show an effect (R4).

Two-sample comparisons of means and of shares by the normal approximation, with unequal
arms and for a population that the pilot exhausts. They answer "would we notice", not "is
it worth it": `crmlib.roi.pilot` and `crmlib.roi.two_treatments` answer that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from crmlib.stats.optimise import NotIdentified


@dataclass(frozen=True)
class ArmSizes:
    """Customers per arm of a comparison.

    Attributes
    ----------
    treated, control : int
        Rounded up.
    population : int or None
        From which both arms are drawn; None where it is taken as endless.
    """

    treated: int
    control: int
    population: int | None = None

    @property
    def total(self) -> int:
        """Customers in both arms."""
        return self.treated + self.control

    @property
    def feasible(self) -> bool:
        """Whether the population holds as many."""
        return self.population is None or self.total <= self.population


def size_for_means(
    effect: float,
    outcome_sd: float,
    *,
    alpha: float,
    power: float,
    control_per_treated: float = 1.0,
    population: int | None = None,
    control_sd: float | None = None,
) -> ArmSizes:
    """Arm sizes at which a two-sided z test sees a difference of means with given power.

    Parameters
    ----------
    effect : float
        Difference to be seen, in units of the outcome; its sign does not count.
    outcome_sd : float
        Standard deviation of the outcome between treated customers.
    alpha, power : float
        Two-sided false-positive rate; chance to see the effect where it is there.
    control_per_treated : float
        Allocation ratio; 1 is equal arms.
    population : int, optional
        Corrects for a finite population in which both arms together are a large part.
    control_sd : float, optional
        Of the untreated, where it differs.

    Raises
    ------
    NotIdentified
        If the effect is 0: no pilot of any size sees it.
    ValueError
        If a rate lies outside (0, 1), a spread is negative, or the allocation is not positive.

    Notes
    -----
    n_treated = (z_{1−α/2} + z_power)² (s_t² + s_c²/r) / δ² (Feit & Berman 2019, eq. 2, for
    r = 1). Corrected: n·N / (N − 1 + n_total), which keeps both arms' ratio and never asks for
    more than there are.

    >>> size_for_means(0.0136, 0.4665, alpha=0.05, power=0.8).treated
    18470
    """
    control_sd = outcome_sd if control_sd is None else control_sd
    _check(outcome_sd, control_sd, control_per_treated, population)
    reach = _reach(alpha, power)
    if effect == 0 or not np.isfinite(effect):
        raise NotIdentified(_NO_EFFECT)
    variance = outcome_sd**2 + control_sd**2 / control_per_treated
    distance = reach * variance**0.5 / abs(effect)
    return _arms(distance * distance, control_per_treated, population)


def size_for_shares(
    control: float,
    treated: float,
    *,
    alpha: float,
    power: float,
    control_per_treated: float = 1.0,
    population: int | None = None,
) -> ArmSizes:
    """Arm sizes at which a two-sided test of two shares sees their difference.

    Parameters
    ----------
    control, treated : float
        Shares, e.g. of customers who respond, both in [0, 1].
    alpha, power, control_per_treated, population
        As for `size_for_means`.

    Raises
    ------
    NotIdentified
        If both shares are equal.
    ValueError
        If a share or a rate is out of range.

    Notes
    -----
    Pooled variance under no effect, own variances under the effect: Fleiss, Levin & Paik
    (2003), *Statistical Methods for Rates and Proportions*, ch. 4, without the correction for
    continuity.
    """
    if not (0 <= control <= 1 and 0 <= treated <= 1):
        raise ValueError(f"shares must lie between 0 and 1, got {control!r} and {treated!r}")
    _check(0.0, 0.0, control_per_treated, population)
    _reach(alpha, power)
    if control == treated:
        raise NotIdentified(_NO_EFFECT)
    r = control_per_treated
    pooled = (treated + r * control) / (1 + r)
    under_none = pooled * (1 - pooled) * (1 + 1 / r)
    under_effect = treated * (1 - treated) + control * (1 - control) / r
    reach = _quantile(1 - alpha / 2) * under_none**0.5 + _quantile(power) * under_effect**0.5
    distance = max(reach, 0.0) / abs(treated - control)
    return _arms(distance * distance, r, population)


def power_for_means(
    treated: int, control: int, effect: float, outcome_sd: float, *, alpha: float
) -> float:
    """Chance that a two-sided z test of two arms sees `effect`; `alpha` where it is 0.

    Raises
    ------
    ValueError
        If an arm is empty, the spread is negative or `alpha` lies outside (0, 1).
    """
    if treated < 1 or control < 1:
        raise ValueError(f"both arms need customers, got {treated} and {control}")
    _check(outcome_sd, outcome_sd, 1.0, None)
    critical = _quantile(1 - alpha / 2)
    if outcome_sd == 0:
        return 1.0 if effect else alpha
    shift = effect / (outcome_sd * np.sqrt(1 / treated + 1 / control))
    return float(special.ndtr(shift - critical) + special.ndtr(-shift - critical))


def detectable_effect(
    treated: int, control: int, outcome_sd: float, *, alpha: float, power: float
) -> float:
    """Smallest difference of means that two arms of this size see with `power`.

    Raises
    ------
    ValueError
        As `power_for_means`; also where `power` is not above `alpha` / 2.
    """
    if treated < 1 or control < 1:
        raise ValueError(f"both arms need customers, got {treated} and {control}")
    _check(outcome_sd, outcome_sd, 1.0, None)
    return float(_reach(alpha, power) * outcome_sd * np.sqrt(1 / treated + 1 / control))


_NO_EFFECT = "the effect to be seen is 0: no pilot of any size can show it; name a smallest effect"


def _quantile(share: float) -> float:
    if not 0 < share < 1:
        raise ValueError(f"alpha and power must lie between 0 and 1, got a share of {share!r}")
    return float(special.ndtri(share))


def _reach(alpha: float, power: float) -> float:
    """How many standard errors the effect must be away from none."""
    reach = _quantile(1 - alpha / 2) + _quantile(power)
    if reach <= 0:
        raise ValueError(f"power {power!r} is reached without any effect at alpha {alpha!r}")
    return reach


def _check(first_sd: float, second_sd: float, ratio: float, population: int | None) -> None:
    if not (np.isfinite([first_sd, second_sd]).all() and min(first_sd, second_sd) >= 0):
        raise ValueError("standard deviations must be finite and not negative")
    if not (np.isfinite(ratio) and ratio > 0):
        raise ValueError(f"control_per_treated must be positive, got {ratio!r}")
    if population is not None and population < 1:
        raise ValueError(f"the population must hold somebody, got {population!r}")


def _arms(treated: float, ratio: float, population: int | None) -> ArmSizes:
    """Whole sizes, at least one per arm, corrected for a finite population."""
    if not np.isfinite(treated * (1 + ratio)):
        raise NotIdentified("the effect to be seen is too small for any number of customers")
    if population is not None and treated > 0:
        treated *= population / (population - 1 + treated * (1 + ratio))
    sizes = (max(1, int(np.ceil(n * (1 - 1e-12)))) for n in (treated, treated * ratio))
    return ArmSizes(*sizes, population)
