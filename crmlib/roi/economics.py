"""What a customer of each segment brings and how long he stays (R3).

The bridge from value to investment: each segment's future value, as chapter 02 has it, is read
as a steady margin over the survival that was observed, so that what an initiative adds to a
segment adds to the very value which the report has shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.roi.increments import Calendar, annuity
from crmlib.roi.retention import PooledRetention
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class SegmentEconomics:
    """Value and retention by segment.

    Attributes
    ----------
    table : DataFrame, index segment
        n (customers), future_value and its _se (money per customer over the horizon),
        retention (share that stays 12 months), margin (money a year while a customer).
    kept : PooledRetention
        Of the same segments.
    calendar : Calendar
    """

    table: pd.DataFrame
    kept: PooledRetention
    calendar: Calendar

    @classmethod
    def of(
        cls,
        segment: pd.Series,
        value: pd.DataFrame,
        watched: pd.DataFrame,
        calendar: Calendar,
        *,
        level: float,
    ) -> Self:
        """From customers.

        Parameters
        ----------
        segment : Series, index customer_id
            Today's; customers without one are left out.
        value : DataFrame, index customer_id
            future_value, future_value_lo and _hi over the calendar's horizon.
        watched : DataFrame
            One row for each customer of a year ago: the segment *of that time*, and whether
            he stayed the 12 months since. Today's segment would not do: who has left is
            lapsed today, and who has stayed is not.
        level : float
            Of the intervals in `value`, which tell how a single customer's future scatters.

        Raises
        ------
        NotIdentified
            If nobody has a segment, one who has one has no future value, or nobody of today's
            segments was watched.

        Notes
        -----
        A segment that nobody was in a year ago is taken to keep its customers as segments do.
        The standard error of the value holds the scatter of single customers; what all
        customers' values share as error of the model is not in it.
        """
        members = segment.dropna()
        if members.empty:
            raise NotIdentified("no customer has a segment: there is nothing to invest in")
        if not watched["segment"].isin(members).any():
            raise NotIdentified("nobody was a customer 12 months before the end")
        known = value.reindex(members.index)
        columns = ["future_value", "future_value_lo", "future_value_hi"]
        gaps = known[columns].isna().any(axis=1)
        if gaps.any():
            raise NotIdentified(
                f"{int(gaps.sum())} customers with a segment have no future value with bounds"
            )
        reach = 2 * stats.norm.ppf((1 + level) / 2)
        variance = ((known["future_value_hi"] - known["future_value_lo"]) / reach) ** 2
        table = pd.DataFrame(
            {
                "n": members.groupby(members).size(),
                "future_value": known["future_value"].groupby(members).mean(),
                "future_value_se": np.sqrt(variance.groupby(members).sum()),
            }
        )
        table["future_value_se"] /= table["n"]
        table = table.rename_axis("segment")
        seen = watched.groupby("segment")["stayed"].agg(stayed="sum", watched="size")
        kept = PooledRetention.of(seen.reindex(table.index, fill_value=0))
        table["retention"] = kept.mean()
        table["margin"] = table["future_value"] / annuity(table["retention"], calendar)
        return cls(table, kept, calendar)

    def draws(self, n_draws: int, seed: int) -> PossibleEconomics:
        """Margins and retentions that are possible, the same for all initiatives.

        Value is drawn, and margin follows from it and retention: a longer life at the same
        value is a smaller margin. Each segment has streams of its own, so that one more
        segment moves no other's numbers.
        """
        value = np.empty((n_draws, len(self.table)))
        retention = np.empty_like(value)
        common = self.kept.common(n_draws, stream(seed, "retention of all"))
        for at, (name, row) in enumerate(self.table.iterrows()):
            scatter = stream(seed, f"value of {name}").standard_normal(n_draws)
            value[:, at] = row["future_value"] + row["future_value_se"] * scatter
            own = stream(seed, f"retention of {name}")
            retention[:, at] = self.kept.draws(name, common, own)
        return PossibleEconomics(value / annuity(retention, self.calendar), retention)

    def expected(self) -> PossibleEconomics:
        """The one world in which everything is as expected, arrays of shape (1, S)."""
        means = self.table[["margin", "retention"]].to_numpy(float).T
        return PossibleEconomics(means[0][None], means[1][None])


@dataclass(frozen=True, eq=False)
class PossibleEconomics:
    """Margin (money a year) and retention of each segment, both of shape (n_draws, S)."""

    margin: FloatArray
    retention: FloatArray


def stream(seed: int, driver: str) -> np.random.Generator:
    """Random numbers of one driver, by its name, whatever other drivers there are."""
    return np.random.default_rng(np.random.SeedSequence([seed, *driver.encode()]))
