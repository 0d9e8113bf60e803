"""Revenue and cost by customer, month and product: the input table `ledger`.

Current accounts, loans and insurance earn every month, savings at the end of a quarter,
cards as they are used. Branch visits and calls cost in their month; the use of online
and mobile, account keeping and risk provisions are booked at the end of a quarter, or
when the customer leaves.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from crmlib.demo.archetypes import (
    BRANCH,
    CALL,
    CARD,
    CHANNELS,
    CURRENT,
    INSURANCE,
    LOAN,
    MOBILE,
    ONLINE,
    PRODUCTS,
    SAVINGS,
    FloatArray,
    IntArray,
)
from crmlib.demo.cards import Purchases
from crmlib.demo.holdings import Holdings
from crmlib.demo.money import decimals
from crmlib.demo.people import People
from crmlib.demo.settings import BankSettings
from crmlib.demo.tariff import (
    CARD_MARGIN,
    CONTACT_COST,
    KEEPING,
    MARKETING_COSTS,
    MARKETING_MIX,
    WARNING_CALLS,
    WRITE_OFF,
    Tariff,
)

NOISE = 0.05  # of the logarithm of a month's margin on balances
QUARTER = 3

# The account's lines as they are kept here: cost to serve once for each channel.
REVENUE, COST, RISK, MARKETING = 0, 1, 1 + len(CHANNELS), 2 + len(CHANNELS)
LINES = ("revenue", *["cost_to_serve"] * len(CHANNELS), "risk_cost", "marketing")
LINE_CHANNELS = (None, *CHANNELS, None, None)

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("month", pa.date32()),
        ("product", pa.string()),
        ("line", pa.string()),
        ("amount", pa.decimal128(9, 2)),
        ("channel", pa.string()),
    ]
)


def draw_ledger(
    settings: BankSettings, block: int, holdings: Holdings, tariff: Tariff, purchases: Purchases
) -> IntArray:
    """The ledger of one block in whole cents, shape (n, 5, 7, months): product by `LINES`."""
    rng, n = settings.rng(block, "ledger"), len(holdings.anchor)
    book = np.zeros((n, len(PRODUCTS), len(LINES), settings.months), dtype=np.int32)
    book[:, :, REVENUE] = _cents(_revenue(rng, settings, holdings, tariff, purchases))
    _book_cost_to_serve(rng, settings, holdings, tariff, book)
    book[:, :, RISK] = _cents(_risk(rng, settings, holdings, tariff))
    _book_marketing(rng, holdings, tariff, book)
    return book


def ledger_table(settings: BankSettings, people: People, book: IntArray) -> pa.Table:
    """The rows of the ledger that are not zero: by customer, product, line and month."""
    who, product, line, month = np.nonzero(book)
    days = settings.calendar.astype("datetime64[D]")
    columns = [
        _named(people.ids, who),
        pa.array(days[month]),
        _named(PRODUCTS, product),
        _named(LINES, line),
        decimals(book[who, product, line, month]),
        _named(LINE_CHANNELS, line),
    ]
    return pa.table(columns, names=SCHEMA.names).cast(SCHEMA)


def sums_by_month(book: IntArray) -> pd.DataFrame:
    """Revenue and margin of all customers by month, in cents; margin is revenue less all costs."""
    by_line = book.sum(axis=(0, 1), dtype=np.int64)
    revenue = by_line[REVENUE]
    return pd.DataFrame({"revenue": revenue, "margin": revenue - by_line[COST:].sum(axis=0)})


def profit_by_customer(book: IntArray) -> FloatArray:
    """Revenue less all costs over the window, EUR, shape (n,)."""
    revenue = book[:, :, REVENUE].sum(axis=(1, 2), dtype=np.int64)
    return (revenue - book[:, :, COST:].sum(axis=(1, 2, 3), dtype=np.int64)) / 100


def _revenue(
    rng: np.random.Generator,
    settings: BankSettings,
    holdings: Holdings,
    tariff: Tariff,
    purchases: Purchases,
) -> FloatArray:
    """Revenue by customer, product and month, EUR."""
    held, level = holdings.held, holdings.lives.level
    noise = np.exp(NOISE * rng.standard_normal(held.shape) - NOISE**2 / 2)
    revenue = held * (tariff.balances[..., None] * level[:, None] * noise)
    revenue += held * tariff.fixed[..., None]
    revenue[:, SAVINGS] = _at_quarter_ends(settings, holdings, revenue[:, SAVINGS])
    spent = np.zeros(level.shape)
    np.add.at(spent, (purchases.customer, purchases.month), purchases.cents / 100)
    revenue[:, CARD] += CARD_MARGIN * spent
    return revenue


def _book_cost_to_serve(
    rng: np.random.Generator,
    settings: BankSettings,
    holdings: Holdings,
    tariff: Tariff,
    book: IntArray,
) -> None:
    """Contacts, each under the product that they are about, and account keeping."""
    lives, held = holdings.lives, holdings.held
    usual = np.repeat(tariff.contacts[..., None], settings.months, axis=2)
    usual[:, CALL] *= np.where(lives.warns, WARNING_CALLS, 1.0)
    contacts = rng.poisson(usual * lives.active[:, None])
    cost = contacts * CONTACT_COST[:, None]
    main = np.argmax(tariff.contacts[:, [ONLINE, MOBILE]], axis=1) + ONLINE
    main = np.where(tariff.contacts[:, BRANCH] > tariff.contacts[:, [ONLINE, MOBILE]].sum(axis=1),
                    BRANCH, main)  # fmt: skip
    anchor = np.broadcast_to(holdings.anchor[:, None], lives.active.shape)
    advised = np.select([held[:, p] for p in (LOAN, INSURANCE, SAVINGS)],
                        [LOAN, INSURANCE, SAVINGS], anchor)  # fmt: skip
    called = np.select([held[:, p] for p in (CARD, CURRENT)], [CARD, CURRENT], anchor)
    for channel, about in ((BRANCH, advised), (CALL, called)):
        _add(book, about, COST + channel, _cents(cost[:, channel]))
    for channel in (ONLINE, MOBILE):
        quarter = _at_quarter_ends(settings, holdings, cost[:, channel])
        _add(book, anchor, COST + channel, _cents(quarter))
    keeping = _cents(_at_quarter_ends(settings, holdings, KEEPING * lives.active))
    for channel in (BRANCH, ONLINE, MOBILE):
        _add(book, anchor, COST + channel, keeping * (main == channel)[:, None])


def _risk(
    rng: np.random.Generator, settings: BankSettings, holdings: Holdings, tariff: Tariff
) -> FloatArray:
    """Provisions at the end of quarters, and debts that are written off; by product."""
    held = holdings.held
    provisions = tariff.provision[..., None] * held
    provisions[:, CARD] *= holdings.lives.level
    risk = np.zeros(held.shape)
    for product in (CARD, LOAN):
        risk[:, product] = _at_quarter_ends(settings, holdings, provisions[:, product])
    lent = held[:, CARD] | held[:, LOAN]
    lost = (rng.random(lent.shape) < tariff.default_risk[:, None]) & lent
    debts = np.where(lost, rng.lognormal(*WRITE_OFF, lost.shape), 0)
    risk[:, LOAN] += debts * held[:, LOAN]
    risk[:, CARD] += debts * ~held[:, LOAN]
    return risk


def _book_marketing(
    rng: np.random.Generator, holdings: Holdings, tariff: Tariff, book: IntArray
) -> None:
    """Contacts by marketing, each for any one product: spread evenly, whatever the value."""
    active = holdings.lives.active
    reached = (rng.random(active.shape) < tariff.marketing[:, None]) & active
    cost = rng.choice(MARKETING_COSTS, active.shape, p=MARKETING_MIX)
    product = rng.integers(0, len(PRODUCTS), active.shape)
    _add(book, product, MARKETING, _cents(cost * reached))


def _at_quarter_ends(settings: BankSettings, holdings: Holdings, amounts: FloatArray) -> FloatArray:
    """Amounts by month, moved to the end of the quarter or the customer's last month in it."""
    month = settings.calendar.astype(np.int64) % 12
    to_go = QUARTER - 1 - month % QUARTER
    ends = np.minimum(np.arange(settings.months) + to_go, settings.months - 1)
    moved = np.zeros_like(amounts)
    for at in range(settings.months):
        booked = np.minimum(ends[at], np.maximum(holdings.lives.left, at))
        np.add.at(moved, (np.arange(len(amounts)), booked), amounts[:, at])
    return moved


def _add(book: IntArray, product: IntArray, line: int, cents: IntArray) -> None:
    """Add cents by customer and month under a product for each of them."""
    who, month = np.nonzero(cents)
    book[who, product[who, month], line, month] += cents[who, month]


def _named(words: np.ndarray | tuple[str | None, ...], positions: IntArray) -> pa.Array:
    return pa.array(list(words), type=pa.string()).take(pa.array(positions))


def _cents(amounts: FloatArray) -> IntArray:
    return np.rint(100 * amounts).astype(np.int32)
