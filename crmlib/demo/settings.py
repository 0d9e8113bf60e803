"""What may be asked of the demo bank, and where its random numbers come from.

The bank is made in blocks of customers. Every table of a block has random numbers of
its own, from (seed, block, table): a larger bank repeats the full blocks of a smaller
one, and a table that is added later leaves the others as they are.
"""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass

import numpy as np

from crmlib.demo.archetypes import FloatArray

END = dt.date(2025, 12, 31)
BLOCK = 2_000  # customers; a ledger of 120 months then takes about 35 MB
PROSPECTS_PER_CUSTOMER = 0.1

# Card spending by calendar month, January first: December peaks, August dips; mean 1.
SEASON: FloatArray = np.array(
    [0.93, 0.90, 0.97, 0.98, 1.00, 1.02, 0.98, 0.86, 0.97, 1.00, 1.09, 1.30]
)


@dataclass(frozen=True)
class BankSettings:
    """One bank.

    Attributes
    ----------
    customers : int
        People who are or were customers in the window; prospects come on top.
    months : int
        Length of the window, which ends on `END`.
    seed : int
        Of all random numbers.
    seasonality : bool
        Whether card spending follows `SEASON`.
    name : str
        Of the engagement and of its folder.
    """

    customers: int = 6_000
    months: int = 36
    seed: int = 2024
    seasonality: bool = True
    name: str = "demo_bank"

    @property
    def first_month(self) -> np.datetime64:
        """The window's first month."""
        return np.datetime64(END, "M") - np.int64(self.months - 1)

    @property
    def start(self) -> dt.date:
        """The window's first day."""
        return self.first_month.astype("datetime64[D]").astype(dt.date)

    @property
    def calendar(self) -> np.ndarray:
        """Every month of the window, shape (months,)."""
        return self.first_month + np.arange(self.months)

    @property
    def season(self) -> FloatArray:
        """Factor on card purchases in each month of the window, shape (months,)."""
        if not self.seasonality:
            return np.ones(self.months)
        return SEASON[self.calendar.astype(np.int64) % 12]

    @property
    def next_season(self) -> FloatArray:
        """Factor in each of the twelve months after the window, shape (12,)."""
        return SEASON if self.seasonality else np.ones(len(SEASON))

    @property
    def born_month(self) -> int:
        """Month from 0 in which the first customer of the emerging archetype may join."""
        return round(0.6 * self.months)

    @property
    def block_sizes(self) -> list[int]:
        """Customers of each block."""
        full, rest = divmod(self.customers, BLOCK)
        return [BLOCK] * full + [rest] * bool(rest)

    def rng(self, block: int, purpose: str) -> np.random.Generator:
        """Random numbers for one table of one block."""
        key = zlib.crc32(purpose.encode())
        return np.random.default_rng(np.random.SeedSequence([self.seed, block, key]))
