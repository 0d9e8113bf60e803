"""Which products customers hold and from when to when: the input table `contracts`.

Everybody has one product that lasts until the customer leaves; others are opened with
it or later, and each may end on its own. A loan runs for its term. All end when the
customer leaves. The export holds the contracts that ran in the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.demo.archetypes import (
    CARD,
    CURRENT,
    LOAN,
    PRODUCTS,
    SAVINGS,
    BoolArray,
    FloatArray,
    IntArray,
    of_members,
)
from crmlib.demo.lives import NEVER, YEAR, Lives
from crmlib.demo.people import People
from crmlib.demo.settings import BankSettings

AT_ONCE = 0.5  # probability that a product is opened on the day of joining
OPENING = 1 / 30  # a month, of a product that was not
ENDING = np.array([0.03, 0.03, 0.05, 0.0, 0.07]) / YEAR  # by `PRODUCTS`; a loan has its term
TERMS = (24, 36, 48, 60)  # months
LOANS_FROM = -30  # a loan is taken between this month and a year after the window


@dataclass(frozen=True)
class Holdings:
    """Products of one block's customers, shape (n, 5) each.

    Attributes
    ----------
    opened, ended : array of int
        First and last month of each product, `NEVER` where there is none; `ended` takes
        no account of the customer's leaving.
    anchor : array of int, shape (n,)
        The product that lasts as long as the customer.
    opened_on : array of datetime64[D]
        The first day.
    lives : Lives
        Of the same customers.
    """

    opened: IntArray
    ended: IntArray
    anchor: IntArray
    opened_on: np.ndarray
    lives: Lives

    @property
    def last(self) -> IntArray:
        """Last month of each product, the customer's leaving included."""
        return np.minimum(self.ended, self.lives.left[:, None])

    @property
    def exported(self) -> BoolArray:
        """Whether the contract ran in the window."""
        return (self.opened < self.lives.months) & (self.opened <= self.last) & (self.last >= 0)

    @property
    def held(self) -> BoolArray:
        """Whether each product is held in each month, shape (n, 5, months)."""
        month = np.arange(self.lives.months)
        return (self.opened[..., None] <= month) & (month <= self.last[..., None])

    def expect_next_year(self) -> FloatArray:
        """Probability of each product in each month after the window, shape (n, 5, 12).

        Of those who remain customers: openings that are still to come and contracts that
        end on their own, as their monthly probabilities have it.
        """
        months, ahead = self.lives.months, np.arange(YEAR)
        endings = np.repeat(ENDING[None], len(self.anchor), axis=0)
        endings[np.arange(len(self.anchor)), self.anchor] = 0
        running = (self.opened < months) & (self.ended >= months)
        kept = running[..., None] * (1 - endings[..., None]) ** ahead
        term_left = months + ahead <= self.ended[:, LOAN, None]
        kept[:, LOAN] = running[:, LOAN, None] & term_left
        waiting = (self.opened >= months) & (self.opened < NEVER)
        return kept + waiting[..., None] * _opens(endings, ahead)


def _opens(endings: FloatArray, ahead: IntArray) -> FloatArray:
    """Probability that a product is opened and runs, month by month, shape (n, 5, 12)."""
    runs = np.zeros((*endings.shape, len(ahead)))
    for opening in ahead:
        chance = OPENING * (1 - OPENING) ** opening
        age = np.maximum(ahead - opening, 0)
        runs += chance * (1 - endings[..., None]) ** age * (ahead >= opening)
    runs[:, LOAN] = (ahead + 1) / YEAR  # uniform over the year; a term is longer
    return runs


def draw_holdings(settings: BankSettings, block: int, people: People, lives: Lives) -> Holdings:
    """The products of one block's customers."""
    rng, n = settings.rng(block, "holdings"), len(people.ids)
    takes = rng.random((n, len(PRODUCTS))) < of_members("holds", people.archetype)
    takes[:, CURRENT] |= ~takes[:, [SAVINGS, CARD]].any(axis=1)
    anchor = np.argmax(takes[:, [CURRENT, SAVINGS, CARD]], axis=1)  # their positions are 0, 1, 2
    everyone, joined = np.arange(n), people.joined_month[:, None]
    at_once = rng.random(takes.shape) < AT_ONCE
    at_once[everyone, anchor], at_once[:, LOAN] = True, False
    opened = joined + np.where(at_once, 0, rng.geometric(OPENING, takes.shape))
    first, beyond = np.maximum(people.joined_month, LOANS_FROM), settings.months + YEAR
    opened[:, LOAN] = first + np.floor(rng.random(n) * (beyond - first)).astype(np.int64)
    # what ended before the window is not in the export: an ending is drawn from then on
    lasts = rng.geometric(np.where(ENDING > 0, ENDING, 0.5), takes.shape)
    ended = np.maximum(opened, 0) + lasts - 1
    ended[everyone, anchor] = NEVER
    ended[:, LOAN] = opened[:, LOAN] + rng.choice(TERMS, n) - 1
    opened, ended = np.where(takes, opened, NEVER), np.where(takes, ended, NEVER)
    return Holdings(opened, ended, anchor, _days(rng, settings, people, opened, at_once), lives)


def _days(
    rng: np.random.Generator,
    settings: BankSettings,
    people: People,
    opened: IntArray,
    at_once: BoolArray,
) -> np.ndarray:
    """A day in the opening month, not before the day of joining."""
    month = settings.first_month + opened
    start = month.astype("datetime64[D]")
    length = ((month + 1).astype("datetime64[D]") - start).astype(np.int64)
    day = start + np.floor(rng.random(opened.shape) * length).astype(np.int64)
    joined = people.joined[:, None]
    return np.where(at_once, joined, np.maximum(day, joined))


def contracts_table(
    settings: BankSettings, people: People, holdings: Holdings, margin: FloatArray
) -> pd.DataFrame:
    """The input table `contracts`, money in cents.

    Parameters
    ----------
    margin : array of shape (n, 5)
        Contribution a month of each product at the customer's usual level, EUR.
    """
    who, product = np.nonzero(holdings.exported)
    last = holdings.last[who, product]
    ends = (settings.first_month + last + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    ended = np.datetime_as_string(ends, unit="D").astype(object)
    ids = people.ids[who].astype(str)
    return pd.DataFrame(
        {
            "customer_id": ids,
            "contract_id": np.char.add(np.char.add(ids, "-"), (product + 1).astype(str)),
            "product": np.array(PRODUCTS, dtype=object)[product],
            "start_date": np.datetime_as_string(holdings.opened_on[who, product], unit="D"),
            "end_date": np.where(last < settings.months, ended, None),
            "monthly_margin": np.rint(100 * margin[who, product]).astype(np.int64),
        }
    )
