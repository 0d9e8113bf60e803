"""In which value tier a customer will be whose future is not known (S8).

Value tiers are cut by lifetime value: what a customer has contributed to date plus what is
foretold. Of a new customer the first is known. For the second stand the version's own
customers of the same behaviour segment who contributed about as much in the last year:
each of them is one future that the new customer may have. Their share whose value ahead,
added to the new customer's own contribution, reaches the least value of a tier is the
probability of that tier or a better one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BANDS = 20  # of contribution in the last year, within a behaviour segment, at most
FEWEST = 25  # customers in a band, at least, where the segment has as many
FUTURES = 40  # quantiles that stand for the customers of a band


@dataclass(frozen=True, eq=False)
class TierOdds:
    """What a version's customers say of the tier of others.

    Attributes
    ----------
    labels : tuple of str
        The tiers, best first.
    least : array of shape (n_tiers − 1,)
        Least lifetime value in each tier but the last, infinite where none of the best is
        in it.
    edges : dict of behaviour segment to array of shape (n_bands − 1,)
        Contributions of the last year at which bands meet, rising.
    ahead : dict of behaviour segment to array of shape (n_bands, FUTURES)
        Values ahead of a band's customers, rising.
    agreement : float
        Share of the version's customers whose likeliest tier is their own.
    """

    labels: tuple[str, ...]
    least: FloatArray
    edges: dict[str, FloatArray]
    ahead: dict[str, FloatArray]
    agreement: float

    def of(self, behaviour: str, money: pd.DataFrame) -> FloatArray:
        """Probability of each tier for customers of one behaviour segment, shape (n, n_tiers).

        Parameters
        ----------
        behaviour : str
            One in which no customer of the version was is taken for all of them.
        money : DataFrame
            realised, current_value.
        """
        segment = behaviour if behaviour in self.edges else _ALL
        band = np.searchsorted(self.edges[segment], money["current_value"], side="right")
        short = self.least[None, :] - money["realised"].to_numpy(float)[:, None]
        reached = np.zeros(short.shape)
        # by band, so that each band's futures are searched once
        order = np.argsort(band.astype(np.int16), kind="stable")
        ends = np.searchsorted(band[order], np.arange(len(self.ahead[segment])), side="right")
        for futures, at in zip(self.ahead[segment], np.split(order, ends[:-1]), strict=True):
            below = np.searchsorted(futures, short[at], side="left")
            reached[at] = 1 - below / len(futures)
        upto = np.column_stack([np.zeros(len(money)), reached, np.ones(len(money))])
        return np.diff(upto, axis=1)

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> TierOdds:
        """The same from lists."""
        edges, ahead = (
            {str(name): np.asarray(values, dtype=float) for name, values in plain[part].items()}
            for part in ("edges", "ahead")
        )
        labels = tuple(plain["labels"])
        least = np.asarray(plain["least"], dtype=float)
        return cls(labels, least, edges, ahead, float(plain["agreement"]))


_ALL = ""  # all customers, whatever their behaviour


def tier_odds(
    values: pd.DataFrame,
    behaviour_segment: pd.Series,
    tiers: Sequence[str],
    thresholds: Sequence[float] = (),
) -> TierOdds:
    """Learn from a version's customers.

    Parameters
    ----------
    values : DataFrame, index customer_id
        current_value, future_value (nothing is foretold where it is empty), lifetime_value,
        value_tier.
    behaviour_segment : Series, index customer_id
    tiers : sequence of str
        Best first.
    thresholds : sequence of float
        Lifetime values at which tiers begin, where they are stated; else the least of the
        version's customers in each tier.
    """
    least = list(thresholds) or _least(values, tiers)
    ahead = values["future_value"].fillna(0.0)
    segment = behaviour_segment.reindex(values.index)
    groups = {_ALL: np.ones(len(values), dtype=bool)}
    groups |= {str(name): (segment == name).to_numpy() for name in sorted(segment.unique())}
    bands = {
        name: _bands(values.loc[members, "current_value"], ahead[members])
        for name, members in groups.items()
    }
    edges, futures = ({name: pair[place] for name, pair in bands.items()} for place in (0, 1))
    odds = TierOdds(tuple(tiers), np.array(least), edges, futures, np.nan)
    return replace(odds, agreement=_agreement(odds, values, segment))


def _least(values: pd.DataFrame, tiers: Sequence[str]) -> list[float]:
    """Least lifetime value in each tier but the last; a tier without customers takes none."""
    least: list[float] = []
    for tier in tiers[:-1]:
        found = values.loc[values["value_tier"] == tier, "lifetime_value"].min()
        least.append(float(found) if pd.notna(found) else least[-1] if least else np.inf)
    return least


def _bands(current: pd.Series, ahead: pd.Series) -> tuple[FloatArray, FloatArray]:
    """Edges of bands of like size, and the futures in each; equal contributions stay together."""
    count = int(np.clip(len(current) // FEWEST, 1, BANDS))
    inner = np.quantile(current, np.arange(1, count) / count, method="higher")
    edges = np.unique(inner[inner > current.min()])
    band = np.searchsorted(edges, current, side="right")
    at = (np.arange(FUTURES) + 0.5) / FUTURES
    futures = [np.quantile(ahead[band == each], at) for each in range(len(edges) + 1)]
    return edges, np.array(futures)


def _agreement(odds: TierOdds, values: pd.DataFrame, segment: pd.Series) -> float:
    """Share of customers whose likeliest tier is their own."""
    realised = values["lifetime_value"] - values["future_value"].fillna(0.0)
    money = pd.DataFrame({"realised": realised, "current_value": values["current_value"]})
    labels, right = np.array(odds.labels, dtype=object), 0
    for name in sorted(segment.unique()):
        own = (segment == name).to_numpy()
        likeliest = labels[odds.of(str(name), money[own]).argmax(axis=1)]
        right += int((likeliest == values.loc[own, "value_tier"]).sum())
    return right / len(values)
