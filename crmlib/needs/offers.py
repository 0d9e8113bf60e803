"""What to offer whom, and whether one broad offer would do (N6).

A broad offer of middling appeal costs little to run; specific ones appeal more to
their segments. Which earns more is computed from simulated choices, not assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.intervals import Interval, percentile_interval

FloatArray = NDArray[np.float64]

NOTHING = ""  # a segment that is better left alone
MOST_SETS = 50_000  # sets of offers that are tried one by one; beyond it offers are added greedily


@dataclass(frozen=True)
class OfferSet:
    """A set of offers, each segment given the one that earns most with it.

    Attributes
    ----------
    offers : tuple of str
    assignment : dict of str to str
        Segment, as it is recognised, to offer; "" where none earns anything.
    profit : Interval
        Money, running costs of the set deducted.
    exact : bool
        Whether all sets of this size were tried.
    """

    offers: tuple[str, ...]
    assignment: dict[str, str]
    profit: Interval
    exact: bool


@dataclass(frozen=True)
class Offers:
    """Best sets of one, two, … offers.

    Attributes
    ----------
    sets : dict of int to OfferSet
        By number of offers.
    table : DataFrame
        One row per number of offers: n_offers, offers, profit, profit_lo, profit_hi, gain
        over the best single offer, gain_lo, gain_hi, chance_better (0–1), exact.
    by_offer : DataFrame of shape (n_segments, n_offers)
        Profit of each offer with each segment as it is recognised, before running costs.
    """

    sets: dict[int, OfferSet]
    table: pd.DataFrame
    by_offer: pd.DataFrame

    @property
    def best(self) -> OfferSet:
        """The set that is expected to earn most; fewer offers where sets earn alike."""
        return self.sets[int(self.table.loc[self.table["profit"].idxmax(), "n_offers"])]

    @property
    def broad_is_enough(self) -> bool:
        """Whether no larger set surely beats the best single offer."""
        return not (self.table["gain_lo"].iloc[1:] > 0).any()

    def summary(self) -> str:
        """Profit by number of offers."""
        shown = self.table.drop(columns="exact").round(2).to_string(index=False)
        return f"Best sets of offers\n{shown}"


def best_offers(
    chances: pd.DataFrame,
    sizes: pd.Series,
    margin: pd.Series | pd.DataFrame,
    cost: Mapping[str, float],
    *,
    level: float,
    draws: ArrayLike | None = None,
    recognised: pd.DataFrame | None = None,
    most: int | None = None,
) -> Offers:
    """Expected profit of the best one, two, … offers, and what each segment is offered.

    Parameters
    ----------
    chances : DataFrame of shape (n_segments, n_offers)
        Share of a segment that takes an offer when it is the one made to it, 0–1.
    sizes : Series, index segments
        Customers in each segment.
    margin : Series, index offers, or DataFrame like `chances`
        Money per taker.
    cost : mapping of offer to money
        What it costs to have the offer in the range at all.
    level : float
        Nominal coverage.
    draws : array of shape (n_draws, n_segments, n_offers), optional
        `chances` drawn anew; without them intervals are empty.
    recognised : DataFrame of shape (n_segments, n_segments), optional
        Chance that a customer of a segment (row) is taken for one of a segment (column);
        rows sum to 1. Without it everybody is recognised.
    most : int, optional
        Largest set; as many as there are segments or offers otherwise.

    Raises
    ------
    ValueError
        If tables do not belong together, or a chance lies outside 0–1.

    Notes
    -----
    Profit of a set S = Σ_t max(0, max_{o ∈ S} Σ_s size_s · R_st · P_so · m_so) − Σ_{o ∈ S} c_o,
    for everybody taken for t is made the same offer. Sets and assignments are chosen by
    expected profit and kept in all draws, as they would be in a campaign.
    """
    chances = chances.astype(float)
    segments, names = list(chances.index), list(chances.columns)
    simulated = _checked(chances, draws)
    size = sizes.reindex(segments).to_numpy(float)
    per_taker = _margins(margin, chances)
    fixed = np.array([float(cost.get(name, np.nan)) for name in names])
    if not (np.isfinite(size).all() and np.isfinite(fixed).all() and np.isfinite(per_taker).all()):
        raise ValueError("every segment needs a size, every offer a margin and a cost")
    taken_for = _confusion(recognised, segments)
    worth = size[:, None] * per_taker
    expected = taken_for.T @ (chances.to_numpy() * worth)
    drawn = taken_for.T @ (simulated * worth)
    largest = min(len(segments), len(names), most or len(names))
    sets, totals = {}, {}
    for size_of_set in range(1, largest + 1):
        chosen, exact = _best_set(expected, fixed, size_of_set)
        sets[size_of_set], totals[size_of_set] = _assigned(
            chosen, exact, expected, drawn, fixed, chances, level
        )
    by_offer = pd.DataFrame(expected, index=segments, columns=names)
    return Offers(sets, _compared(sets, totals, level), by_offer)


def _checked(chances: pd.DataFrame, draws: ArrayLike | None) -> FloatArray:
    shape = chances.shape
    simulated = np.empty((0, *shape)) if draws is None else np.asarray(draws, dtype=float)
    if simulated.shape[1:] != shape:
        raise ValueError(f"draws of chances have shape {simulated.shape[1:]}, chances {shape}")
    every = np.concatenate([chances.to_numpy()[None], simulated])
    if not ((every >= 0) & (every <= 1)).all():
        raise ValueError("chances that an offer is taken lie between 0 and 1")
    return simulated


def _margins(margin: pd.Series | pd.DataFrame, chances: pd.DataFrame) -> FloatArray:
    """Money per taker, (n_segments, n_offers)."""
    if isinstance(margin, pd.Series):
        by_offer = margin.reindex(chances.columns).to_numpy(float)
        return np.tile(by_offer, (len(chances), 1))
    return margin.reindex(index=chances.index, columns=chances.columns).to_numpy(float)


def _confusion(recognised: pd.DataFrame | None, segments: list) -> FloatArray:
    if recognised is None:
        return np.eye(len(segments))
    table = recognised.reindex(index=segments, columns=segments).to_numpy(float)
    if not (np.isfinite(table).all() and (table >= 0).all() and np.allclose(table.sum(axis=1), 1)):
        raise ValueError("chances of being taken for a segment must sum to 1 in every segment")
    return table


def _net(expected: FloatArray, fixed: FloatArray, chosen: tuple[int, ...]) -> float:
    places = list(chosen)
    return float(np.maximum(expected[:, places].max(axis=1), 0).sum() - fixed[places].sum())


def _best_set(expected: FloatArray, fixed: FloatArray, size: int) -> tuple[tuple[int, ...], bool]:
    """The best set of one size; whether all were tried."""
    n_offers = len(fixed)
    if comb(n_offers, size) <= MOST_SETS:
        sets = combinations(range(n_offers), size)
        return max(sets, key=lambda chosen: _net(expected, fixed, chosen)), True
    chosen: tuple[int, ...] = ()
    for _ in range(size):
        left = [offer for offer in range(n_offers) if offer not in chosen]
        added = max(left, key=lambda offer: _net(expected, fixed, (*chosen, offer)))
        chosen = (*chosen, added)
    return tuple(sorted(chosen)), False


def _assigned(
    chosen: tuple[int, ...],
    exact: bool,
    expected: FloatArray,
    drawn: FloatArray,
    fixed: FloatArray,
    chances: pd.DataFrame,
    level: float,
) -> tuple[OfferSet, FloatArray]:
    """The set with its assignment, and its profit in each draw."""
    places = np.array(chosen)
    given = places[expected[:, places].argmax(axis=1)]
    rows = np.arange(len(expected))
    made = expected[rows, given] > 0
    totals = drawn[:, rows[made], given[made]].sum(axis=1) - fixed[places].sum()
    profit = _interval(_net(expected, fixed, chosen), totals, level)
    assignment = {
        str(segment): str(chances.columns[offer]) if makes else NOTHING
        for segment, offer, makes in zip(chances.index, given, made, strict=True)
    }
    offers = tuple(str(chances.columns[place]) for place in chosen)
    return OfferSet(offers, assignment, profit, exact), totals


def _interval(value: float, draws: FloatArray, level: float) -> Interval:
    if draws.size == 0:
        return Interval(value, np.nan, np.nan, level)
    return percentile_interval(value, draws, level)


def _compared(
    sets: dict[int, OfferSet], totals: dict[int, FloatArray], level: float
) -> pd.DataFrame:
    """Each size against the best single offer, draw by draw."""
    rows = []
    for size, each in sets.items():
        gains = totals[size] - totals[1]
        gain = _interval(each.profit.value - sets[1].profit.value, gains, level)
        rows.append(
            {
                "n_offers": size,
                "offers": ", ".join(each.offers),
                "profit": each.profit.value,
                "profit_lo": each.profit.lo,
                "profit_hi": each.profit.hi,
                "gain": gain.value,
                "gain_lo": gain.lo,
                "gain_hi": gain.hi,
                "chance_better": (gains > 0).mean() if gains.size else np.nan,
                "exact": each.exact,
            }
        )
    return pd.DataFrame(rows)
