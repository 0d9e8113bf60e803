"""What one adopter is worth more, in the value model of the adopter's own segment (R3).

A customer of a segment pays a steady margin while he stays, and stays with a steady hazard.
An initiative moves the hazard, the margin, the state or the tier, or wins a customer. Its effect
fades with a half-life, and what it brings is counted month by month over a horizon, discounted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

MONTHS = 12
_NEVER = 1e-9  # retention of 0 or 1 has no hazard that could be scaled


@dataclass(frozen=True)
class Calendar:
    """The months over which an increment counts.

    Attributes
    ----------
    horizon_years : float
    discount_rate : float
        Effective a year.
    """

    horizon_years: float
    discount_rate: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.horizon_years) and round(self.horizon_years * MONTHS) >= 1):
            raise ValueError(f"a horizon of at least a month is needed, got {self.horizon_years!r}")
        if not (np.isfinite(self.discount_rate) and self.discount_rate >= 0):
            raise ValueError(f"the discount rate must be 0 or more, got {self.discount_rate!r}")

    @property
    def months(self) -> NDArray[np.int64]:
        """1 … M; money flows at the end of each month."""
        return np.arange(1, round(self.horizon_years * MONTHS) + 1)

    @property
    def discount(self) -> FloatArray:
        """Today's worth of money at the end of each month, shape (M,)."""
        return (1 + self.discount_rate) ** (-self.months / MONTHS)

    def left(self, half_life: float) -> FloatArray:
        """Share of an effect that is left in the middle of each month, shape (M,).

        Parameters
        ----------
        half_life : float
            In years; infinite where the effect does not fade.
        """
        return faded(self.months, half_life)


def faded(months: ArrayLike, half_life: float) -> FloatArray:
    """Share of an effect that is left in the middle of each of these months."""
    if not half_life > 0:
        raise ValueError(f"a half-life is above 0, got {half_life!r}")
    return 0.5 ** ((np.asarray(months, float) - 0.5) / (MONTHS * half_life))


def survival(retention: ArrayLike, calendar: Calendar) -> FloatArray:
    """Chance of being a customer at the end of each month, shape (…, M).

    Parameters
    ----------
    retention : array of shape (…)
        Chance of staying 12 months.
    """
    stays = np.clip(np.asarray(retention, float), _NEVER, 1 - _NEVER)[..., None]
    return stays ** (calendar.months / MONTHS)


def retained_survival(
    retention: ArrayLike, changes: Sequence[tuple[ArrayLike, float]], calendar: Calendar
) -> FloatArray:
    """The same where effects move 12-month survival, shape (…, M).

    An effect that moves it by δ alone makes the hazard h (1 + c 0.5^(t / half-life)), where c is
    such that survival at month 12 is retention + δ exactly. Effects on one customer multiply
    in the hazard (Cox 1972), since who has been kept by one cannot be kept by the other. No
    hazard is negative: what an effect cannot reach before it has faded, it does not bring.

    Parameters
    ----------
    retention : array of shape (…)
    changes : sequence of (change, half-life in years)
        Changes as shares, of shape (…): .03 is three percentage points.
    """
    stays = np.clip(np.asarray(retention, float), _NEVER, 1 - _NEVER)
    hazard = -np.log(stays) / MONTHS
    first_year = np.arange(1, MONTHS + 1)
    times = np.ones((*stays.shape, 1))
    for change, half_life in changes:
        reached = np.clip(stays + np.asarray(change, float), _NEVER, 1 - _NEVER)
        factor = (-np.log(reached) / hazard - MONTHS) / faded(first_year, half_life).sum()
        times = times * np.maximum(1 + factor[..., None] * calendar.left(half_life), 0)
    exposure = np.cumsum(times * np.ones(calendar.months.size), axis=-1)
    return np.exp(-hazard[..., None] * exposure)


def annuity(retention: ArrayLike, calendar: Calendar) -> FloatArray:
    """Today's worth of one unit of money a year while the customer stays, shape (…)."""
    return survival(retention, calendar) @ calendar.discount / MONTHS


def retention_increment(
    margin: ArrayLike,
    retention: ArrayLike,
    change: ArrayLike,
    half_life: float,
    calendar: Calendar,
) -> FloatArray:
    """Value of a change of 12-month survival, money per adopter.

    Parameters
    ----------
    margin : array of shape (…)
        Money a year while a customer; where it is negative, keeping the customer costs.
    """
    return joint_increment(margin, retention, [(change, half_life)], [], calendar)


def margin_increment(
    margin: ArrayLike,
    retention: ArrayLike,
    change: ArrayLike,
    half_life: float,
    calendar: Calendar,
) -> FloatArray:
    """Value of a relative change of margin (.05 is five per cent), money per adopter."""
    weight = survival(retention, calendar) @ (calendar.discount * calendar.left(half_life))
    return np.asarray(margin, float) * np.asarray(change, float) * weight / MONTHS


def reactivation_increment(
    active_margin: ArrayLike,
    active_retention: ArrayLike,
    change: ArrayLike,
    half_life: float,
    calendar: Calendar,
) -> FloatArray:
    """Value of a higher chance to be active again, money per adopter.

    Parameters
    ----------
    active_margin, active_retention : arrays of shape (…)
        Of the customers whom the reactivated will be like.
    change : array of shape (…)
        Of the chance; .02 is two percentage points. Who comes back falls away again with the
        half-life, besides leaving as others do.
    """
    return margin_increment(active_margin, active_retention, change, half_life, calendar)


def migration_increment(
    margin: ArrayLike,
    retention: ArrayLike,
    to_margin: ArrayLike,
    to_retention: ArrayLike,
    change: ArrayLike,
    half_life: float,
    calendar: Calendar,
) -> FloatArray:
    """Value of a higher chance to move to another tier, money per adopter."""
    there = margin_increment(to_margin, to_retention, change, half_life, calendar)
    return there - margin_increment(margin, retention, change, half_life, calendar)


def joint_increment(
    margin: ArrayLike,
    retention: ArrayLike,
    retention_changes: Sequence[tuple[ArrayLike, float]],
    margin_changes: Sequence[tuple[ArrayLike, float]],
    calendar: Calendar,
) -> FloatArray:
    """Value of several changes in one customer, money per adopter: not the sum of each alone.

    Parameters
    ----------
    retention_changes, margin_changes : sequences of (change, half-life in years)
        Hazards multiply, and so do margins.
    """
    raised = np.ones(calendar.months.size)
    for change, half_life in margin_changes:
        raised = raised * (1 + np.asarray(change, float)[..., None] * calendar.left(half_life))
    kept = retained_survival(retention, retention_changes, calendar) * raised
    gained = (kept - survival(retention, calendar)) @ calendar.discount
    return np.asarray(margin, float) / MONTHS * gained
