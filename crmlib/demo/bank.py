"""The bank, block by block: every input table and the truth of some customers at a time.

A new table is one more entry in `block_tables`; its random numbers are its own, so the
tables that are there stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from crmlib.demo import (
    campaign,
    cards,
    experiments,
    holdings,
    ledger,
    lives,
    needs,
    needs_truth,
    outside,
    people,
    survey,
    tariff,
    truth,
)
from crmlib.demo.money import decimals
from crmlib.demo.settings import BankSettings

MONEY_COLUMNS = {"amount", "monthly_margin", "acquisition_cost", "revenue", "margin"}


@dataclass(frozen=True)
class Block:
    """Some customers of the bank.

    Attributes
    ----------
    tables : dict
        Input tables by name: the block's rows.
    by_month : DataFrame
        Revenue and margin in the ledger, in cents.
    truth : DataFrame
        See `truth.customers_truth`.
    needs_truth : dict
        See `needs_truth`, by the names of its files.
    planted : dict
        Counts of planted defects and of refunds.
    active_months : int
        Months in which the customers were customers, all together.
    """

    tables: dict[str, pa.Table]
    by_month: pd.DataFrame
    truth: pd.DataFrame
    needs_truth: dict[str, pd.DataFrame]
    planted: dict[str, int]
    active_months: int


def make_block(settings: BankSettings, block: int) -> Block:
    """One block of customers with everything that happened to them."""
    persons = people.draw_customers(settings, block, settings.block_sizes[block])
    life = lives.draw_lives(settings, block, persons)
    held = holdings.draw_holdings(settings, block, persons, life)
    buyers = cards.draw_buyers(settings, block, persons)
    bought = cards.draw_purchases(settings, block, held, buyers)
    terms = tariff.draw_tariff(settings, block, persons, buyers)
    book = ledger.draw_ledger(settings, block, held, terms, bought)
    rows, planted = cards.transactions_table(settings, block, persons, buyers, bought)
    contracts = holdings.contracts_table(settings, persons, held, terms.contribution)
    classes = needs.draw_needs(settings, block, persons, life)
    asked = survey.draw_respondents(settings, block, persons, held, classes)
    conjoint = experiments.draw_conjoint(settings, block, asked)
    tables = {
        "customers": as_table(people.customers_table(persons, prospects=False)),
        "contracts": as_table(contracts),
        "ledger": ledger.ledger_table(settings, persons, book),
        "transactions": as_table(rows),
        "identities": as_table(cards.identities_table(block, persons, held, buyers)),
        "external": as_table(outside.external_of_customers(settings, block, persons, held, buyers)),
        "survey": as_table(survey.survey_table(settings, block, persons, asked)),
        "choices": as_table(conjoint.table),
        "maxdiff": as_table(experiments.maxdiff_table(settings, block, asked)),
        "contacts": as_table(campaign.contacts_table(settings, block, persons, held, book)),
    }
    known = truth.customers_truth(settings, persons, held, buyers, terms, book)
    latent = {
        "needs": needs_truth.needs_of_customers(persons, classes),
        "respondents": needs_truth.respondents_truth(persons, asked, conjoint),
    }
    months = int(life.active.sum())
    return Block(tables, ledger.sums_by_month(book), known, latent, planted, months)


def make_prospects(settings: BankSettings, block: int) -> dict[str, pa.Table]:
    """The prospects that stand behind one block's customers."""
    persons = people.draw_prospects(settings, block, settings.block_sizes[block])
    return {
        "customers": as_table(people.customers_table(persons, prospects=True)),
        "external": as_table(outside.external_of_prospects(settings, block, persons)),
    }


def as_table(frame: pd.DataFrame) -> pa.Table:
    """Rows as they are written: text, numbers, and money, which frames hold in cents."""
    columns = {}
    for name, column in frame.items():
        if name in MONEY_COLUMNS:
            columns[name] = decimals(column)
        elif column.dtype.kind in "if":
            columns[name] = pa.array(column.to_numpy())
        else:
            columns[name] = pa.array(column.to_numpy(dtype=object, na_value=None), pa.string())
    return pa.table(columns)
