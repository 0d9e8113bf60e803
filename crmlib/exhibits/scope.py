"""What every exhibit of an engagement says below its picture: source, period, money."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.params import Engagement


@dataclass(frozen=True)
class Scope:
    """The engagement's words for its exhibits."""

    source: str
    start: dt.date
    end: dt.date
    currency: str
    time_unit: str
    value_word: str  # "revenue" or "contribution"

    @classmethod
    def of(cls, engagement: Engagement, start: dt.date, margin_rate: float = 1.0) -> Scope:
        """Take the words from the params; `start` is the first day observed."""
        return cls(
            source=f"{engagement.title}: transactions",
            start=engagement.observation_start or start,
            end=engagement.observation_end,
            currency=engagement.currency,
            time_unit=engagement.time_unit,
            value_word="revenue" if margin_rate == 1 else "contribution",
        )

    def exhibit(self, **fields: Any) -> Exhibit:
        """An exhibit with this source and period; `fields` are the others of `Exhibit`."""
        return Exhibit(source=self.source, period=self.period, **fields)

    @property
    def period(self) -> str:
        """The days observed."""
        return self.between(self.start, self.end)

    def during(self, start: dt.date, end: dt.date) -> Scope:
        """The same words for a part of the time."""
        return replace(self, start=start, end=end)

    def after(self, seal: dt.date) -> Scope:
        """The same words for the time behind a day."""
        return self.during(seal + dt.timedelta(days=1), self.end)

    @staticmethod
    def between(start: dt.date, end: dt.date) -> str:
        """Two days as a period."""
        return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"

    def money(self, value: float) -> str:
        """An amount in the engagement's currency."""
        return formats.money(value, self.currency)
