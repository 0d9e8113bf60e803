"""Card purchases: the input tables `transactions` and `identities`, defects included.

Every card holder buys at an own rate, gamma distributed around the archetype's,
and spends around an own median amount. Purchases of a month are Poisson with that
rate, times the season, times the level that migrations have left. The export names
cards, not customers; some customers hold two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.demo.archetypes import CARD, BoolArray, FloatArray, IntArray, of_members
from crmlib.demo.holdings import Holdings
from crmlib.demo.people import People
from crmlib.demo.settings import BLOCK, END, BankSettings

CARD_CHANNELS = np.array(["shop", "online", "abroad"], dtype=object)
TICKET_SPREAD = 0.45  # of the logarithm of median amounts over customers
AMOUNT_SPREAD = 0.70  # of the logarithm of amounts around a customer's median
MEAN_AMOUNT = float(np.exp(AMOUNT_SPREAD**2 / 2))  # mean over median
SECOND_CARD = 0.12  # of card holders
ON_SECOND = 0.35  # of the purchases of those
REFUNDED, IN_FULL = 0.02, 0.6  # of purchases; of refunds
REFUND_DAYS = 30
_CARDS = 10**8  # numbers of cards
_AUTHORISATIONS = 10**6  # of a block: more than it ever has purchases
_SCATTER = 61_803_399  # odd and no multiple of 5: no two cards get one number

# Planted defects, as shares of the rows; each is at least one row of a block.
DEFECTS = {
    "exact duplicate row": 0.0010,
    "missing customer_id": 0.0008,
    "unreadable date": 0.0004,
    "zero amount": 0.0012,
}
IMPOSSIBLE_DAY = "30"  # of February


@dataclass(frozen=True)
class Buyers:
    """How the customers of one block use cards, one element for each customer.

    Attributes
    ----------
    rate : array of float
        Purchases a month at level 1, over the season; also of those without a card.
    ticket : array of float
        Median amount, EUR.
    two_cards : array of bool
        Whether a holder has two.
    """

    rate: FloatArray
    ticket: FloatArray
    two_cards: BoolArray

    @property
    def spend(self) -> FloatArray:
        """Expected spend a month at level 1, EUR."""
        return self.rate * self.ticket * MEAN_AMOUNT


@dataclass(frozen=True)
class Purchases:
    """Card purchases of one block, before refunds and defects: one element for each."""

    customer: IntArray  # position in the block
    month: IntArray
    day: np.ndarray  # datetime64[D]
    cents: IntArray


def draw_buyers(settings: BankSettings, block: int, people: People) -> Buyers:
    """Rates and amounts of one block's customers."""
    rng, n = settings.rng(block, "buyers"), len(people.ids)
    shape = of_members("card_shape", people.archetype)
    rate = rng.gamma(shape, of_members("card_rate", people.archetype) / shape)
    ticket = of_members("ticket", people.archetype) * rng.lognormal(0, TICKET_SPREAD, n)
    return Buyers(rate, ticket, rng.random(n) < SECOND_CARD)


def draw_purchases(
    settings: BankSettings, block: int, holdings: Holdings, buyers: Buyers
) -> Purchases:
    """Every purchase in the window, by customer and day."""
    rng, lives = settings.rng(block, "purchases"), holdings.lives
    start = settings.calendar.astype("datetime64[D]")
    length = ((settings.calendar + 1).astype("datetime64[D]") - start).astype(np.int64)
    opened_in = holdings.opened[:, CARD, None] == np.arange(settings.months)
    late = (holdings.opened_on[:, CARD, None] - start).astype(np.int64)
    first_day = np.where(opened_in, late, 0)  # of the month in which the card is there
    exposure = holdings.held[:, CARD] * (1 - first_day / length)
    mean = buyers.rate[:, None] * lives.level * exposure * settings.season
    counts = rng.poisson(mean)
    customer, month = (np.repeat(at, counts[counts > 0]) for at in np.nonzero(counts))
    open_days = (length - first_day)[customer, month]
    day = first_day[customer, month] + np.floor(rng.random(len(month)) * open_days).astype(np.int64)
    amount = buyers.ticket[customer] * rng.lognormal(0, AMOUNT_SPREAD, len(customer))
    order = np.lexsort((day, month, customer))
    cents = np.maximum(np.rint(100 * amount), 50).astype(np.int64)
    return Purchases(customer[order], month[order], (start[month] + day)[order], cents[order])


def card_ids(block: int, n: int) -> np.ndarray:
    """Numbers of the first and second card of every customer of a block, shape (n, 2)."""
    serial = 2 * (block * BLOCK + np.arange(n))[:, None] + np.arange(1, 3)
    return np.char.zfill((serial * _SCATTER % _CARDS).astype(str), 8).astype(object)


def identities_table(
    block: int, people: People, holdings: Holdings, buyers: Buyers
) -> pd.DataFrame:
    """The input table `identities`: cards of customers, then customers of households."""
    cards = card_ids(block, len(people.ids))
    holds = holdings.exported[:, CARD]
    issued = np.column_stack([holds, holds & buyers.two_cards])
    who, which = np.nonzero(issued)
    merged = np.flatnonzero(people.household != people.ids)
    return pd.DataFrame(
        {
            "source_id": np.concatenate([cards[who, which], people.ids[merged]]),
            "customer_id": np.concatenate([people.ids[who], people.household[merged]]),
        }
    )


def transactions_table(
    settings: BankSettings, block: int, people: People, buyers: Buyers, purchases: Purchases
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The input table `transactions` by card and day, and how many defects are planted."""
    rng, n = settings.rng(block, "transactions"), len(purchases.customer)
    second = buyers.two_cards[purchases.customer] & (rng.random(n) < ON_SECOND)
    shares = of_members("card_channels", people.archetype)[purchases.customer].cumsum(axis=1)
    channel = (shares < rng.random((n, 1))).sum(axis=1).clip(max=len(CARD_CHANNELS) - 1)
    table = pd.DataFrame(
        {
            "customer_id": card_ids(block, len(people.ids))[
                purchases.customer, second.astype(np.int64)
            ],
            "day": purchases.day,
            "cents": purchases.cents,
            "channel": CARD_CHANNELS[channel],
        }
    )
    table = table.sort_values(["customer_id", "day"], kind="stable", ignore_index=True)
    table.insert(3, "order_id", _authorisations(block, n))
    refunds = _refunds(rng, table)
    table = pd.concat([table, refunds]).sort_values(
        ["customer_id", "day"], kind="stable", ignore_index=True
    )
    table, counts = _with_defects(rng, table)
    paid = table.drop_duplicates("order_id").set_index("order_id")["amount"]
    in_full = refunds["cents"].to_numpy() == -paid[refunds["order_id"]].to_numpy()
    counts["refunds in full"] = int(in_full.sum())
    counts["refunds in part"] = len(refunds) - counts["refunds in full"]
    return table, counts


def _authorisations(block: int, n: int) -> np.ndarray:
    """Numbers that no two purchases share: of the block, then within it."""
    return (_AUTHORISATIONS * (block + 1) + np.arange(n)).astype(str).astype(object)


def _refunds(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """Money back for some purchases, later, under the purchase's number."""
    back = table[rng.random(len(table)) < REFUNDED]
    share = np.where(rng.random(len(back)) < IN_FULL, 1.0, rng.uniform(0.2, 0.8, len(back)))
    after = rng.integers(1, REFUND_DAYS + 1, len(back)).astype("timedelta64[D]")
    cents = -np.rint(back["cents"] * share).astype(np.int64)
    back = back.assign(day=back["day"].to_numpy().astype("datetime64[D]") + after, cents=cents)
    return back[(back["day"] <= pd.Timestamp(END)) & (cents < 0)]


def _with_defects(
    rng: np.random.Generator, table: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Dates as text, and the planted defects, each on rows of its own.

    Only purchases that are not refunded are touched: whoever nets returns then finds every
    other row as it was.
    """
    alone = np.flatnonzero(~table["order_id"].duplicated(keep=False))
    counts = {
        reason: min(max(1, round(share * len(table))), len(alone) // len(DEFECTS))
        for reason, share in DEFECTS.items()
    }
    rows = iter(np.split(rng.permutation(alone), np.cumsum(list(counts.values()))))
    again, anonymous, undated, free = (next(rows) for _ in DEFECTS)
    table = table.assign(
        date=np.datetime_as_string(table["day"].to_numpy(), unit="D").astype(object)
    )
    table.loc[anonymous, "customer_id"] = None
    year = table.loc[undated, "date"].str[:4]
    table.loc[undated, "date"] = year + f"-02-{IMPOSSIBLE_DAY}"
    table.loc[free, "cents"] = 0
    places = np.sort(np.concatenate([np.arange(len(table)), again]))
    columns = ["customer_id", "date", "cents", "order_id", "channel"]
    rows = table.loc[places, columns].rename(columns={"cents": "amount"})
    return rows.reset_index(drop=True), counts
