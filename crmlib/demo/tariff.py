"""What each customer brings and costs in expectation: the truth behind the ledger.

Whoever brings little costs as much to serve as others: that is why some customers are
unprofitable. From the tariff follow the true expected profit of every month and, with
the probabilities of what may still happen, of the year after the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlib.demo.archetypes import (
    CALL,
    CARD,
    CURRENT,
    INSURANCE,
    LOAN,
    PRODUCTS,
    SAVINGS,
    FloatArray,
    of_members,
)
from crmlib.demo.cards import Buyers
from crmlib.demo.holdings import Holdings
from crmlib.demo.lives import NextYear
from crmlib.demo.people import People
from crmlib.demo.settings import BankSettings

CARD_MARGIN = 0.015  # interchange and exchange margin less scheme costs, of card spending
CONTACT_COST = np.array([13.00, 6.50, 0.12, 0.06])  # EUR, by `CHANNELS`
KEEPING = 1.70  # EUR a month: account keeping, statements, systems
WARNING_CALLS = 3.0  # times the usual calls of who is about to leave
MARKETING_COSTS = np.array([1.20, 4.50, 12.00])  # EUR: mailing, call, event
MARKETING_MIX = np.array([0.70, 0.22, 0.08])
WRITE_OFF = (7.3, 0.5)  # mean and sd of the logarithm of a debt that is written off, EUR
MEAN_WRITE_OFF = float(np.exp(WRITE_OFF[0] + WRITE_OFF[1] ** 2 / 2))
REVOLVERS = 0.5  # of card holders, who leave a debt on the card
_DEBT_SPREAD, _SAVING_SPREAD, _CONTRACT_SPREAD = 0.8, 0.5, 0.4  # of logarithms


@dataclass(frozen=True)
class Tariff:
    """Expected money a month of one block's customers, EUR.

    Attributes
    ----------
    fixed : array of shape (n, 5)
        Revenue by product that does not depend on the level of spend and balances.
    balances : array of shape (n, 5)
        Revenue by product from balances, at level 1.
    spending : array of shape (n,)
        Revenue from card spending, at level 1 and in an average season.
    provision : array of shape (n, 5)
        Risk provision by product; that of cards is at level 1.
    default_risk : array of shape (n,)
        Probability a month that a borrower's debt is written off.
    contacts : array of shape (n, 4)
        Expected contacts by `CHANNELS`.
    marketing : array of shape (n,)
        Expected contacts by marketing.
    """

    fixed: FloatArray
    balances: FloatArray
    spending: FloatArray
    provision: FloatArray
    default_risk: FloatArray
    contacts: FloatArray
    marketing: FloatArray

    @property
    def contribution(self) -> FloatArray:
        """Margin of each product before cost to serve, at level 1, shape (n, 5)."""
        margin = self.fixed + self.balances - self.provision
        margin[:, CARD] += self.spending
        return margin

    @property
    def serving(self) -> FloatArray:
        """Expected cost to serve and marketing a month, without warnings, shape (n,)."""
        marketing = self.marketing * float(MARKETING_COSTS @ MARKETING_MIX)
        return self.contacts @ CONTACT_COST + KEEPING + marketing

    @property
    def warning(self) -> FloatArray:
        """What a month of leaving costs more, shape (n,)."""
        return (WARNING_CALLS - 1) * self.contacts[:, CALL] * CONTACT_COST[CALL]

    @property
    def loss(self) -> FloatArray:
        """Expected write-off of a borrower a month, shape (n,)."""
        return self.default_risk * MEAN_WRITE_OFF

    def parts(self) -> tuple[FloatArray, FloatArray]:
        """Margin by product that stays as it is, and that goes with the level, (n, 5) each."""
        scaled = self.balances.copy()
        scaled[:, CARD] -= self.provision[:, CARD]
        fixed = self.fixed - self.provision
        fixed[:, CARD] = self.fixed[:, CARD]
        return fixed, scaled


def draw_tariff(settings: BankSettings, block: int, people: People, buyers: Buyers) -> Tariff:
    """What one block's customers bring and cost in an average month."""
    rng, who, n = settings.rng(block, "tariff"), people.archetype, len(people.ids)
    wealth = _around_one(rng, of_members("spread", who), n)
    fixed, balances = np.zeros((n, len(PRODUCTS))), np.zeros((n, len(PRODUCTS)))
    fixed[:, CURRENT] = of_members("fee", who)
    for product, name in ((LOAN, "loan"), (INSURANCE, "insurance")):
        fixed[:, product] = of_members(name, who) * _around_one(rng, _CONTRACT_SPREAD, n)
    balances[:, CURRENT] = of_members("balance", who) * wealth
    balances[:, SAVINGS] = of_members("savings", who) * wealth * _around_one(rng, _SAVING_SPREAD, n)
    revolves = (rng.random(n) < REVOLVERS) / REVOLVERS
    balances[:, CARD] = of_members("revolving", who) * revolves * _around_one(rng, _DEBT_SPREAD, n)
    provision, share = np.zeros_like(fixed), of_members("provision", who)
    provision[:, CARD], provision[:, LOAN] = share * balances[:, CARD], share * fixed[:, LOAN]
    return Tariff(
        fixed,
        balances,
        CARD_MARGIN * buyers.spend,
        provision,
        of_members("default_risk", who) / 12,
        people.contacts,
        of_members("marketing", who),
    )


def expected_profit(
    settings: BankSettings, holdings: Holdings, tariff: Tariff
) -> tuple[FloatArray, FloatArray]:
    """True expected profit of each month in the window.

    Returns
    -------
    (array of shape (n, months), array of shape (n, months))
        Given what has happened to the customer until then, and what it would be without
        a migration; zero before joining and after leaving.
    """
    lives, held = holdings.lives, holdings.held
    fixed, scaled = tariff.parts()
    rest = np.einsum("np,npt->nt", fixed, held)
    rest -= tariff.loss[:, None] * (held[:, CARD] | held[:, LOAN])
    rest -= lives.active * tariff.serving[:, None]
    rest -= (lives.warns & lives.active) * tariff.warning[:, None]
    at_level = np.einsum("np,npt->nt", scaled, held)
    at_level += tariff.spending[:, None] * held[:, CARD] * settings.season
    return rest + at_level * lives.level, rest + at_level


def expected_next_year(
    settings: BankSettings, holdings: Holdings, tariff: Tariff, ahead: NextYear
) -> FloatArray:
    """True expected profit of the twelve months after the window, shape (n,)."""
    held = holdings.expect_next_year()
    fixed, scaled = tariff.parts()
    profit = np.einsum("np,npk,nk->n", scaled, held, ahead.level)
    spending = held[:, CARD] * ahead.level * settings.next_season
    profit += tariff.spending * spending.sum(axis=1)
    profit += np.einsum("np,npk,nk->n", fixed, held, ahead.active)
    lent = 1 - (1 - held[:, CARD]) * (1 - held[:, LOAN])
    profit -= tariff.loss * (lent * ahead.active).sum(axis=1)
    profit -= tariff.serving * ahead.active.sum(axis=1)
    return profit - tariff.warning * ahead.warns.sum(axis=1)


def _around_one(rng: np.random.Generator, spread: FloatArray | float, n: int) -> FloatArray:
    """Lognormal factors with mean 1."""
    return np.exp(spread * rng.standard_normal(n) - np.square(spread) / 2)
