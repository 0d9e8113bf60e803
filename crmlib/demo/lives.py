"""What happens to customers: who leaves, whose business shrinks, whose grows, and when.

In each month a customer who has not moved yet leaves, migrates down, migrates up
or stays; who has moved still may leave, more readily after a move down. The same
monthly probabilities give the exact expectation of the year after the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlib.demo.archetypes import BoolArray, FloatArray, IntArray, of_members
from crmlib.demo.people import People
from crmlib.demo.settings import BankSettings

NEVER = 10_000  # a month beyond every window
STAYS, SHRINKS, GROWS = 0, -1, 1
LEAVING_AFTER = {STAYS: 1.0, SHRINKS: 1.5, GROWS: 0.7}
MOST_LEAVING = 0.15  # a month
DOWN_FACTOR = (4.0, 5.0)  # of a beta distribution: mean 4/9
UP_EXTRA = (2.0, 0.4)  # of a gamma distribution: mean factor 1.8
WARNING = 3  # months, the last one included, in which a leaver calls more often
YEAR = 12
MEAN_DOWN = DOWN_FACTOR[0] / sum(DOWN_FACTOR)
MEAN_UP = 1 + UP_EXTRA[0] * UP_EXTRA[1]


@dataclass(frozen=True)
class Lives:
    """The changes in the lives of one block's customers.

    Attributes
    ----------
    left : array of int, shape (n,)
        The last month as a customer; `NEVER` if it is not near the window.
    moved : array of int, shape (n,)
        The first month after the migration; `NEVER` without one in the window.
    direction : array of int, shape (n,)
        `STAYS`, `SHRINKS` or `GROWS`.
    factor : array of float, shape (n,)
        What the migration multiplies spend and balances by.
    leaving, down, up : array of float, shape (n,)
        Monthly probabilities, the first before a migration.
    joined : array of int, shape (n,)
        The month of joining.
    months : int
        Length of the window.
    """

    left: IntArray
    moved: IntArray
    direction: IntArray
    factor: FloatArray
    leaving: FloatArray
    down: FloatArray
    up: FloatArray
    joined: IntArray
    months: int

    @property
    def active(self) -> BoolArray:
        """Whether a customer is one in each month, shape (n, months)."""
        month = np.arange(self.months)
        return (self.joined[:, None] <= month) & (month <= self.left[:, None])

    @property
    def level(self) -> FloatArray:
        """Factor on spend and balances in each month, shape (n, months)."""
        after = np.arange(self.months) >= self.moved[:, None]
        return np.where(after, self.factor[:, None], 1.0)

    @property
    def warns(self) -> BoolArray:
        """Months in which a customer who is about to leave calls, shape (n, months)."""
        month, left = np.arange(self.months), self.left[:, None]
        return (left - WARNING < month) & (month <= left)


@dataclass(frozen=True)
class NextYear:
    """Expectations for each month after the window, shape (n, 12) each.

    Attributes
    ----------
    active : array
        Probability of still being a customer in the month.
    level : array
        Expected factor on spend and balances, zero once gone.
    warns : array
        Probability of being a customer who is about to leave.
    """

    active: FloatArray
    level: FloatArray
    warns: FloatArray


def draw_lives(settings: BankSettings, block: int, people: People) -> Lives:
    """Follow every customer through the window, and the warnings' length beyond it."""
    rng, n = settings.rng(block, "lives"), len(people.ids)
    frailty = rng.gamma(2.0, 0.5, n)
    leaving = np.minimum(of_members("leave", people.archetype) / YEAR * frailty, MOST_LEAVING)
    down, up = (of_members(name, people.archetype) / YEAR for name in ("down", "up"))
    down_factor = rng.beta(*DOWN_FACTOR, n)
    up_factor = 1 + rng.gamma(*UP_EXTRA, n)
    left, moved = np.full(n, NEVER), np.full(n, NEVER)
    direction = np.zeros(n, dtype=np.int64)
    for month in range(settings.months + WARNING - 1):
        draw = rng.random(n)
        here = (people.joined_month < month) & (left == NEVER)
        risk = _leaving(leaving, direction)
        left[here & (draw < risk)] = month
        free = here & (draw >= risk) & (direction == STAYS) & (month < settings.months)
        shrinks, grows = free & (draw < risk + down), free & (draw >= risk + down)
        grows &= draw < risk + down + up
        moved[shrinks | grows] = month
        direction[shrinks], direction[grows] = SHRINKS, GROWS
    factor = np.select([direction == SHRINKS, direction == GROWS], [down_factor, up_factor], 1.0)
    joined = people.joined_month
    return Lives(left, moved, direction, factor, leaving, down, up, joined, settings.months)


def expect_next_year(lives: Lives) -> NextYear:
    """The exact expectation of the twelve months after the window, given its last state.

    Conditional on a customer's own probabilities and state at the end of the window (there or
    gone, moved or not), not on what is about to happen.
    """
    here = (lives.left >= lives.months).astype(float)
    mass = {state: here * (lives.direction == state) for state in LEAVING_AFTER}
    factor = {SHRINKS: lives.factor * mass[SHRINKS], GROWS: lives.factor * mass[GROWS]}
    active, level, leaves = [], [], []
    for _ in range(YEAR + WARNING - 1):
        risks = {s: _leaving(lives.leaving, np.full(len(here), s)) for s in mass}
        down, up = mass[STAYS] * lives.down, mass[STAYS] * lives.up
        factor[SHRINKS] = factor[SHRINKS] + down * MEAN_DOWN
        factor[GROWS] = factor[GROWS] + up * MEAN_UP
        active.append(sum(mass.values()))
        level.append(mass[STAYS] - down - up + factor[SHRINKS] + factor[GROWS])
        leaves.append(sum(mass[state] * risks[state] for state in mass))
        # who moves in a month does not leave in it, so only those who had moved before do
        for state, arrived, mean in ((SHRINKS, down, MEAN_DOWN), (GROWS, up, MEAN_UP)):
            stayed = factor[state] - arrived * mean
            factor[state] = stayed * (1 - risks[state]) + arrived * mean
            mass[state] = mass[state] * (1 - risks[state]) + arrived
        mass[STAYS] = mass[STAYS] * (1 - risks[STAYS]) - down - up
    gone = np.column_stack(leaves)
    soon = sum(gone[:, k : k + YEAR] for k in range(WARNING))
    return NextYear(np.column_stack(active)[:, :YEAR], np.column_stack(level)[:, :YEAR], soon)


def _leaving(base: FloatArray, direction: IntArray) -> FloatArray:
    """Monthly probability of leaving, by what has happened before."""
    times = np.select(
        [direction == SHRINKS, direction == GROWS],
        [LEAVING_AFTER[SHRINKS], LEAVING_AFTER[GROWS]],
        LEAVING_AFTER[STAYS],
    )
    return base * times
