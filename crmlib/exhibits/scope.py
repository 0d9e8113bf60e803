"""What all exhibits of an engagement share: source, period, money, the smallest group."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.params import Engagement
from crmlib.stats import disclosure

# The period of answers of which nobody said when they were given.
UNDATED = "time not stated"
# Best customers as a chapter speaks of them.
SHARE_WORDS = {0.1: "tenth", 0.2: "fifth", 0.5: "half"}


def _contribution(amount: str) -> str:
    """What is left of an amount; of revenue it is the whole contribution, of spending not."""
    return "contribution" if amount == "revenue" else f"contribution of {amount}"


@dataclass(frozen=True)
class Scope:
    """The engagement's words for its exhibits."""

    source: str
    start: dt.date | None  # None, as the end, where params and purchases state no time
    end: dt.date | None
    currency: str
    time_unit: str
    value_word: str  # the amount's word, or what contributes
    min_cell: int  # customers in the smallest group that may be shown
    amount_word: str = "revenue"  # what an amount of the transactions is
    margin_rate: float = 1.0  # value per unit of amount
    beside: tuple[str, ...] = ()  # tables of the client's money that value does not hold
    margin_from: str = "transactions"  # the table whose money is value
    tables: tuple[str, ...] = ()  # all that the client gave beside the transactions

    @classmethod
    def of(cls, engagement: Engagement, start: dt.date | None, margin_rate: float = 1.0) -> Scope:
        """Take the words from the params; `start` is the first day observed, if it is known."""
        purchases, given = engagement.inputs.transactions, engagement.inputs.given()
        amount = "revenue" if purchases is None else purchases.amount_is
        tables = "transactions" if purchases is not None else ", ".join(given)
        return cls(
            source=f"{engagement.title}: {tables}",
            start=engagement.observation_start or start,
            end=engagement.observation_end,
            currency=engagement.currency,
            time_unit=engagement.time_unit,
            value_word=amount if margin_rate == 1 else _contribution(amount),
            min_cell=engagement.privacy.min_cell,
            amount_word=amount,
            margin_rate=margin_rate,
            beside=tuple(t for t in ("contracts", "ledger") if t in given),
            tables=tuple(given),
        )

    @classmethod
    def of_value(cls, engagement: Engagement, start: dt.date, margin_rate: float) -> Scope:
        """The words for value, by the one table that carries the margin."""
        plain = cls.of(engagement, start, margin_rate)
        source = engagement.value.margin_from
        if source == "transactions":
            return plain
        tables = {"ledger": ("ledger", "contracts"), "contracts": ("contracts",)}[source]
        words = replace(
            plain,
            value_word="contribution",
            amount_word="revenue",
            margin_rate=1.0,
            beside=(),
            margin_from=source,
        )
        return words.drawing_on(*tables)

    def bands(self, n: int, most: int = 100) -> int:
        """Into how many equal bands `n` ranked customers may be cut."""
        return disclosure.bands(n, self.min_cell, most)

    def best_share(self, n: int) -> float:
        """The fifth, or the half where a fifth is too few to be shown, or all."""
        return 1 / self.bands(n, 5)

    @property
    def few(self) -> str:
        """Groups too small to be shown, in words."""
        return f"fewer than {self.min_cell} customers"

    @property
    def amount_title(self) -> str:
        """The amount's word where a sentence begins with it."""
        return formats.capitalised(self.amount_word)

    @property
    def value_title(self) -> str:
        """The value's word where a sentence begins with it."""
        return formats.capitalised(self.value_word)

    @staticmethod
    def column(word: str) -> str:
        """The name of the column of a CSV that holds this kind of money."""
        return word.replace(" ", "_").replace("-", "_")

    def exhibit(self, **fields: Any) -> Exhibit:
        """An exhibit with this source and period; `fields` are the others of `Exhibit`."""
        return Exhibit(source=self.source, period=self.period, **fields)

    @property
    def period(self) -> str:
        """The days observed."""
        if self.start is None or self.end is None:
            return UNDATED
        return self.between(self.start, self.end)

    def withheld(self, id: str, what: str, n: int, population: str = "customers") -> Exhibit:
        """The exhibit that stands where every group would be too small."""
        reason = f"it would show groups of {self.few} (privacy.min_cell)"
        return self.exhibit(
            id=id,
            title=f"{what} cannot be shown: groups are too small",
            table=pd.DataFrame({"not shown": [what], "reason": [reason]}),
            n=n,
            population=population,
            unit="none",
            alt=f"{what} cannot be shown: {reason}",
        )

    def drawing_on(self, *tables: str) -> Scope:
        """The same words for exhibits that rest on these of the client's tables."""
        title = self.source.rpartition(": ")[0]
        return replace(self, source=f"{title}: {', '.join(tables)}")

    def drawing_on_given(self, *tables: str) -> Scope:
        """The same for those of some tables that the client gave, else the purchases or answers."""
        given = [table for table in tables if table in self.tables]
        if not given and self.tables and "transactions" not in self.tables:
            return self
        return self.drawing_on(*given) if given else self.drawing_on("transactions")

    def undated(self) -> Scope:
        """The same words for answers of which nobody said when they were given."""
        return replace(self, start=None, end=None)

    def during(self, start: dt.date, end: dt.date) -> Scope:
        """The same words for a part of the time."""
        return replace(self, start=start, end=end)

    def last_year(self) -> Scope:
        """The same words for the twelve months that end with the time observed, or all of it."""
        year = pd.Timestamp(self.end) + pd.Timedelta(days=1) - pd.DateOffset(years=1)
        return self.during(max(self.start, year.date()), self.end)

    def after(self, seal: dt.date) -> Scope:
        """The same words for the time behind a day."""
        return self.during(seal + dt.timedelta(days=1), self.end)

    @staticmethod
    def share_word(share: float) -> str:
        """A share of best customers as a noun: tenth, fifth or half."""
        return SHARE_WORDS[share]

    @staticmethod
    def between(start: dt.date, end: dt.date) -> str:
        """Two days as a period."""
        return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"

    def money(self, value: float) -> str:
        """An amount in the engagement's currency."""
        return formats.money(value, self.currency)
