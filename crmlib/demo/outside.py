"""What customers and prospects spend with all banks together: the input table `external`.

As a panel would estimate it for some of the people: the customer's usual card spending
here, divided by a share of wallet, with an error on top. The wallet of customers whose
business has shrunk stays as it was: they spend it elsewhere.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.demo.archetypes import CARD, FloatArray, IntArray, of_members
from crmlib.demo.cards import MEAN_AMOUNT, Buyers
from crmlib.demo.holdings import Holdings
from crmlib.demo.people import People
from crmlib.demo.settings import BankSettings

KNOWN = 0.7  # share of people of whom there is an estimate
SHARE_OF_WALLET = (4.0, 5.0)  # of a beta distribution: mean 4/9
ERROR = 0.15  # of the logarithm of the estimate
WITHOUT_CARD = 0.6  # the same of the wallet of who has no card here
ROUNDED_TO = 10  # EUR


def external_of_customers(
    settings: BankSettings, block: int, people: People, holdings: Holdings, buyers: Buyers
) -> pd.DataFrame:
    """Wallets of one block's customers, EUR a year."""
    rng, n = settings.rng(block, "external"), len(people.ids)
    share = rng.beta(*SHARE_OF_WALLET, n)
    holds = holdings.exported[:, CARD]
    usual = np.where(holds, 12 * buyers.spend / share, _elsewhere(rng, people.archetype))
    return _estimates(rng, people, usual)


def external_of_prospects(settings: BankSettings, block: int, people: People) -> pd.DataFrame:
    """Wallets of one block's prospects, EUR a year."""
    rng = settings.rng(block, "external of prospects")
    return _estimates(rng, people, _elsewhere(rng, people.archetype))


def _elsewhere(rng: np.random.Generator, archetype: IntArray) -> FloatArray:
    """Wallets of people without a card here: as those of their archetype have."""
    median = of_members("card_rate", archetype) * of_members("ticket", archetype) * MEAN_AMOUNT
    mean_share = SHARE_OF_WALLET[0] / sum(SHARE_OF_WALLET)
    return 12 * median / mean_share * rng.lognormal(0, WITHOUT_CARD, len(archetype))


def _estimates(rng: np.random.Generator, people: People, wallet: FloatArray) -> pd.DataFrame:
    found = wallet * rng.lognormal(0, ERROR, len(wallet))
    known = rng.random(len(wallet)) < KNOWN
    rounded = np.maximum(ROUNDED_TO, ROUNDED_TO * np.rint(found / ROUNDED_TO)).astype(np.int64)
    return pd.DataFrame({"customer_id": people.ids[known], "wallet": rounded[known]})
