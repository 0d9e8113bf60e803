"""What an initiative brings and costs, with odds (R3).

Adopters are those whom an initiative reaches and who take it up. Each of them brings an
increment in the value of his own segment, and each costs the unit cost, also those who would
have stayed or bought anyway. All initiatives are reckoned in the same possible worlds
(common random numbers), so that their differences are no luck of the draw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from crmlib.roi import increments
from crmlib.roi.economics import PossibleEconomics
from crmlib.roi.increments import MONTHS, Calendar

FloatArray = NDArray[np.float64]
EffectUnit = Literal["retention_pp", "margin_pct", "reactivation_pp", "migration_pp", "cpa"]

LIVES = ("retention_pp", "margin_pct")  # effects on a customer's own survival and margin


@dataclass(frozen=True, eq=False)
class BusinessCase:
    """One initiative in possible worlds: D draws, S segments.

    Attributes
    ----------
    unit : str
        What the effect changes.
    reached : array of shape (S,)
        Customers whom the initiative reaches; with `cpa`, customers who are won.
    take_up : array of shape (D,) or (1,)
        Share of the reached who adopt; 1 where customers are won.
    effect : array of shape (D, S) or (1, S)
        Per adopter, as a share; with `cpa`, money per customer who is won.
    unit_cost, fixed_cost : float
        Per adopter, paid when he adopts; and whatever the take-up.
    half_life : float
        Years after which half of the effect is left.
    economics : PossibleEconomics
        Of the segments, D or 1 draws.
    towards : array of int of shape (S,), optional
        Position of the segment that the reactivated and the moved become like.
    calendar : Calendar
    """

    unit: EffectUnit
    reached: FloatArray
    take_up: FloatArray
    effect: FloatArray
    unit_cost: float
    fixed_cost: float
    half_life: float
    economics: PossibleEconomics
    calendar: Calendar
    towards: NDArray[np.int64] | None = None

    @property
    def adopters(self) -> FloatArray:
        """Shape (D, S)."""
        return self.take_up[:, None] * self.reached

    @property
    def costs(self) -> FloatArray:
        """Money spent, shape (D,): fixed, and for every adopter."""
        per_adopter = self.effect if self.unit == "cpa" else 0.0
        return self.fixed_cost + (self.adopters * (self.unit_cost + per_adopter)).sum(axis=1)

    @property
    def increment(self) -> FloatArray:
        """Value that an adopter brings before what he costs, shape (D, S)."""
        return self.increment_in(np.arange(self.reached.size))

    def increment_in(self, segments: NDArray[np.intp]) -> FloatArray:
        """The same in the segments at these positions alone, shape (D, number of them)."""
        worlds = self.economics
        margin, retention = worlds.margin[:, segments], worlds.retention[:, segments]
        how = (self.effect[:, segments], self.half_life, self.calendar)
        if self.unit == "retention_pp":
            return increments.retention_increment(margin, retention, *how)
        if self.unit == "margin_pct":
            return increments.margin_increment(margin, retention, *how)
        if self.unit == "cpa":
            return margin * increments.annuity(retention, self.calendar)
        towards = self.towards[segments]
        to_margin, to_retention = worlds.margin[:, towards], worlds.retention[:, towards]
        if self.unit == "reactivation_pp":
            return increments.reactivation_increment(to_margin, to_retention, *how)
        return increments.migration_increment(margin, retention, to_margin, to_retention, *how)

    @property
    def npv(self) -> FloatArray:
        """Value brought less what it costs, shape (D,)."""
        # a segment that nobody is reached in costs time and brings nothing
        there = np.flatnonzero(self.reached)
        brought = self.take_up * (self.increment_in(there) @ self.reached[there])
        return brought - self.costs

    @property
    def paid_anyway(self) -> float:
        """Mean of what is paid for adopters in whom nothing changes, money.

        With effects in percentage points the effect is the share in whom something changes;
        the rest would have stayed, moved or come back anyway, or leave all the same. An
        effect on margin or a customer who is won leaves nobody unchanged: not a number.
        """
        if self.unit in ("margin_pct", "cpa"):
            return float("nan")
        changed = np.clip(self.effect, 0, 1)
        return float((self.adopters * (1 - changed)).sum(axis=1).mean() * self.unit_cost)

    def scaled(self, *, effect: float = 1.0, unit_cost: float = 1.0, take_up: float = 1.0) -> Self:
        """The same with an effect, a cost or a take-up that is so many times as large."""
        return replace(
            self,
            effect=self.effect * effect,
            unit_cost=self.unit_cost * unit_cost,
            take_up=np.minimum(self.take_up * take_up, 1.0),
        )

    def expected(self) -> Self:
        """Everything at its mean: one draw, worked out once.

        Margin is the mean value over the mean retention's survival: a mean of margins would
        count segments of unsure retention for more than they are worth.
        """
        return self._expected

    @cached_property
    def _expected(self) -> Self:
        worlds = self.economics
        retention = worlds.retention.mean(axis=0, keepdims=True)
        value = worlds.margin * increments.annuity(worlds.retention, self.calendar)
        margin = value.mean(axis=0, keepdims=True) / increments.annuity(retention, self.calendar)
        economics = PossibleEconomics(margin, retention)
        return replace(
            self,
            take_up=self.take_up.mean(keepdims=True),
            effect=self.effect.mean(axis=0, keepdims=True),
            economics=economics,
        )

    def balance(self) -> FloatArray:
        """Discounted balance at the end of each month when all is as expected, shape (M,)."""
        one = self.expected()
        found = [
            replace(one, calendar=Calendar(month / MONTHS, self.calendar.discount_rate)).npv[0]
            for month in self.calendar.months
        ]
        return np.array(found)

    def payback(self) -> float:
        """Months until the expected balance is above 0 for good; infinite where never."""
        below = np.flatnonzero(self.balance() <= 0)
        months = self.calendar.months
        if below.size == 0:
            return 1.0
        return float(months[below[-1] + 1]) if below[-1] + 1 < len(months) else float("inf")
