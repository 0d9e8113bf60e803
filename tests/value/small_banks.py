"""Small banks in memory, as the chapter reads them, with what is true of them in expectation.

Made by the demo bank's own blocks; nothing is written. What is planted, the tariff and the
monthly probabilities of lives and contracts, gives expectations that no estimator has seen.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.demo import archetypes, cards, holdings, ledger, lives, people, tariff
from crmlib.demo.archetypes import CARD, LOAN, PRODUCTS
from crmlib.demo.settings import END, BankSettings
from crmlib.value.spells import RELATIONSHIP

MONTHS = 36
QUARTERS = 4
LINES = np.array(ledger.LINES, dtype=object)
SIGN = np.array([1.0 if line == "revenue" else -1.0 for line in ledger.LINES])
CONTRIBUTES = np.array([line != "marketing" for line in ledger.LINES])


@dataclass(frozen=True)
class SmallBank:
    """Customers with everything that happened to them, and the money they brought."""

    settings: BankSettings
    people: people.People
    held: holdings.Holdings
    tariff: tariff.Tariff
    book: np.ndarray  # cents by customer, product, line and month

    @property
    def lives(self) -> lives.Lives:
        return self.held.lives

    @property
    def profit(self) -> np.ndarray:
        """Revenue less all costs over the window, of each customer."""
        return ledger.profit_by_customer(self.book)

    @property
    def contracts(self) -> pd.DataFrame:
        """As `intake.read_contracts` gives them."""
        table = holdings.contracts_table(
            self.settings, self.people, self.held, self.tariff.contribution
        )
        table = table.rename(columns={"monthly_margin": "margin"})
        for name in ("start_date", "end_date"):
            table[name] = pd.to_datetime(table[name])
        return table

    def account(self, first: int, until: int) -> pd.DataFrame:
        """Rows of some months of the ledger, as `intake.read_account` gives them."""
        sums = self.book[..., first:until].sum(axis=-1)
        who, product, line = np.nonzero(sums)
        return pd.DataFrame(
            {
                "customer_id": self.people.ids[who],
                "product": np.array(PRODUCTS, dtype=object)[product],
                "line": LINES[line],
                "amount": sums[who, product, line] / 100,
            }
        )

    @property
    def two_years(self) -> pd.DataFrame:
        """Contribution by quarter of the last two years, as `intake.two_periods` gives it."""
        by_month = (self.book * (SIGN * CONTRIBUTES)[:, None]).sum(axis=(1, 2)) / 100
        quarters = by_month[:, 12:].reshape(len(by_month), 2 * QUARTERS, 3).sum(axis=2)
        names = [f"{part}_{at + 1}" for part in ("first", "second") for at in range(QUARTERS)]
        table = pd.DataFrame(quarters, columns=names)
        table["joining"] = self.lives.joined >= 12
        table["leaving"] = self.lives.left < MONTHS
        return table[(self.book != 0).any(axis=(1, 2, 3))].reset_index(drop=True)


def small_bank(
    customers: int, seed: int, *, products_change: bool = True, **changes: float
) -> SmallBank:
    """A bank of one block.

    Parameters
    ----------
    products_change : bool
        Whether products are opened later than a customer joins, and end before he leaves;
        if not there are no loans either, which have a term.
    **changes
        Fields of all archetypes: with leave=0 nobody leaves, all random numbers the same.
    """
    settings = BankSettings(customers=customers, seed=seed, months=MONTHS)
    usual = archetypes.ARCHETYPES
    archetypes.ARCHETYPES = tuple(dataclasses.replace(each, **changes) for each in usual)
    try:
        who = people.draw_customers(settings, 0, customers)
        life = lives.draw_lives(settings, 0, who)
        held = holdings.draw_holdings(settings, 0, who, life)
        held = held if products_change else _for_good(who, held)
        buyers = cards.draw_buyers(settings, 0, who)
        terms = tariff.draw_tariff(settings, 0, who, buyers)
        bought = cards.draw_purchases(settings, 0, held, buyers)
        book = ledger.draw_ledger(settings, 0, held, terms, bought)
    finally:
        archetypes.ARCHETYPES = usual
    return SmallBank(settings, who, held, terms, book)


def _for_good(who: people.People, held: holdings.Holdings) -> holdings.Holdings:
    """The same products without loans, from the day of joining on."""
    takes = held.opened < lives.NEVER
    takes[:, LOAN] = False
    return dataclasses.replace(
        held,
        opened=np.where(takes, who.joined_month[:, None], lives.NEVER),
        ended=np.full(takes.shape, lives.NEVER),
        opened_on=np.broadcast_to(who.joined[:, None], takes.shape),
    )


def window(first_year_back: int) -> tuple[dt.date, dt.date]:
    """First and last day of a year of the window; 0 is the last one."""
    year = END.year - first_year_back
    return dt.date(year, 1, 1), dt.date(year, 12, 31)


def expected_year(bank: SmallBank) -> dict[str, float]:
    """What running contracts and their service bring in the year after the window, exactly.

    Like `tariff.expected_next_year`, for contracts that run at its end: none is opened, and
    marketing is no part of it.

    Returns
    -------
    dict of product, or "relationship", to float
        Undiscounted EUR of all customers; what service costs is negative.
    """
    terms, held = bank.tariff, bank.held
    ahead = lives.expect_next_year(bank.lives)
    waiting = held.opened >= MONTHS
    # without those still to be opened `expect_next_year` gives contracts that run
    running = dataclasses.replace(held, opened=np.where(waiting, lives.NEVER, held.opened))
    kept = running.expect_next_year()
    fixed, scaled = terms.parts()
    by_product = np.einsum("np,npk,nk->p", scaled, kept, ahead.level)
    by_product += np.einsum("np,npk,nk->p", fixed, kept, ahead.active)
    spending = kept[:, CARD] * ahead.level * bank.settings.next_season
    by_product[CARD] += terms.spending @ spending.sum(axis=1)
    # a debt is written off under the loan where there is one
    loans = (kept[:, LOAN] * ahead.active).sum(axis=1)
    other = (kept[:, CARD] * (1 - kept[:, LOAN]) * ahead.active).sum(axis=1)
    by_product[LOAN] -= terms.loss @ loans
    by_product[CARD] -= terms.loss @ other
    serving = terms.contacts @ tariff.CONTACT_COST + tariff.KEEPING
    cost = serving @ ahead.active.sum(axis=1) + terms.warning @ ahead.warns.sum(axis=1)
    return dict(zip(PRODUCTS, by_product.tolist(), strict=True)) | {RELATIONSHIP: -float(cost)}


def expected_to_stay(bank: SmallBank) -> tuple[float, float]:
    """Sum over customers who joined in the window of their chance to be there at age one year.

    With their number. Customers leave at the ends of months, from the month after joining on:
    eleven such ends lie within the first twelve months.
    """
    life = bank.lives
    risk = {state: life.leaving * times for state, times in lives.LEAVING_AFTER.items()}
    there = {state: np.zeros(len(life.joined)) for state in risk}
    there[lives.STAYS] += 1
    for _ in range(11):
        stays = there[lives.STAYS]
        for state, moves in ((lives.SHRINKS, life.down), (lives.GROWS, life.up)):
            there[state] = there[state] * (1 - risk[state]) + stays * moves
        there[lives.STAYS] = stays * (1 - risk[lives.STAYS] - life.down - life.up)
    young = life.joined >= 0
    return float(sum(there.values())[young].sum()), float(young.sum())
