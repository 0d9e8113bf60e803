"""Where customers went between two dates, and how large segments will be (S6).

Counts of who stayed, moved, came and left reconcile to the sizes on both dates. What
customers bring is followed with them. Moving up and moving down are judged by an order
of segments; since customers near a border cross it by chance in both directions, the
*net* movement stands beside the two: chance alone cancels in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CAME, LEFT = "came", "left"  # rows and columns of those who are there on one date only
STAYED, UP, DOWN, GONE, NEW = range(5)
MOVEMENTS = ("stayed", "up", "down", LEFT, CAME)
NET = "net"  # up less down
_PURPOSE = 32


@dataclass(frozen=True)
class SegmentFlows:
    """Who went where between two dates.

    Attributes
    ----------
    order : tuple of str
        Segments, best first.
    matrix : DataFrame
        before, after (segments, *came*, *left*), customers, value_before, value_after,
        change, share (of the row's customers; NaN for those who came).
    sizes : DataFrame
        By segment: before, stayed, moved_in, moved_out, came, left, after; before + moved_in
        + came − moved_out − left = after.
    movement : DataFrame
        By movement (stayed, up, down, left, came, net): customers, share of the customers
        there before, and change of value as a share of the value before, each with _lo and
        _hi; amount, the change of value.
    n, n_before, n_after : int
        Customers on either date, on the first, on the second.
    value_before, value_after : float
    level : float
        Nominal coverage of the intervals.
    money : str
        What value is, in a word.
    """

    order: tuple[str, ...]
    matrix: pd.DataFrame
    sizes: pd.DataFrame
    movement: pd.DataFrame
    n: int
    n_before: int
    n_after: int
    value_before: float
    value_after: float
    level: float
    money: str

    def of(self, movement: str, figure: str = "share") -> Interval:
        """The share of customers, or the *change* of value, of one movement."""
        row = self.movement.loc[movement]
        ends = (float(row[f"{figure}{end}"]) for end in ("", "_lo", "_hi"))
        return Interval(*ends, self.level)


def segment_flows(
    before: pd.Series,
    after: pd.Series,
    value_before: pd.Series,
    value_after: pd.Series,
    order: Sequence[str],
    *,
    money: str = "value",
    replications: int,
    seed: int,
    level: float,
) -> SegmentFlows:
    """Flows between segments on two dates.

    Parameters
    ----------
    before, after : Series
        Segment by customer_id of those who were there on each date.
    value_before, value_after : Series
        What customers brought, by customer_id, in equal times before each date; who is
        missing brought nothing.
    order : sequence of str
        All segments, best first.
    money : str
        What value is, in a word.
    replications, seed, level
        Bootstrap over customers, nominal coverage.

    Raises
    ------
    NotIdentified
        If nobody was there on the first date.
    ValueError
        If a customer stands twice, or a segment is not in `order`.
    """
    people = _people(before, after, value_before, value_after, tuple(order))
    if not (people.start < len(order)).any():
        raise NotIdentified("nobody was there on the first date")
    matrix = _matrix(people, tuple(order))
    there = people.start < len(order)
    return SegmentFlows(
        order=tuple(order),
        matrix=matrix,
        sizes=_sizes(people, tuple(order)),
        movement=_movement(people, replications, seed, level),
        n=len(people.start),
        n_before=int(there.sum()),
        n_after=int((people.end < len(order)).sum()),
        value_before=float(people.first.sum()),
        value_after=float(people.second.sum()),
        level=level,
        money=money,
    )


@dataclass(frozen=True)
class _People:
    """Customers of either date: positions of their segments (k: not there), and value."""

    start: IntArray
    end: IntArray
    first: FloatArray
    second: FloatArray
    k: int

    @property
    def kind(self) -> IntArray:
        """Position of each customer's movement in `MOVEMENTS`."""
        return np.select(
            [
                self.start == self.k,
                self.end == self.k,
                self.end < self.start,
                self.end > self.start,
            ],
            [NEW, GONE, UP, DOWN],
            STAYED,
        )


def _people(
    before: pd.Series,
    after: pd.Series,
    value_before: pd.Series,
    value_after: pd.Series,
    order: tuple[str, ...],
) -> _People:
    for series in (before, after, value_before, value_after):
        if not series.index.is_unique:
            raise ValueError("a customer stands twice on one date")
    unknown = (set(before.dropna()) | set(after.dropna())) - set(order)
    if unknown or before.isna().any() or after.isna().any():
        raise ValueError(f"segments that are not in the order: {sorted(map(str, unknown))}")
    everyone = before.index.union(after.index).sort_values()  # equal indices stay unsorted
    at = {name: position for position, name in enumerate(order)}

    def places(labels: pd.Series) -> IntArray:
        return labels.map(at).reindex(everyone).fillna(len(order)).to_numpy(np.int64)

    def amounts(values: pd.Series, there: IntArray) -> FloatArray:
        known = values.reindex(everyone).fillna(0.0).to_numpy(float)
        return np.where(there < len(order), known, 0.0)

    start, end = places(before), places(after)
    return _People(start, end, amounts(value_before, start), amounts(value_after, end), len(order))


def _matrix(people: _People, order: tuple[str, ...]) -> pd.DataFrame:
    side = people.k + 1
    cell = people.start * side + people.end
    table = pd.DataFrame(
        {
            "before": np.repeat([*order, CAME], side),
            "after": np.tile([*order, LEFT], side),
            "customers": np.bincount(cell, minlength=side**2),
            "value_before": np.bincount(cell, people.first, side**2),
            "value_after": np.bincount(cell, people.second, side**2),
        }
    ).iloc[:-1]  # nobody comes and is not there
    rows = table.groupby("before")["customers"].transform("sum").where(table["before"] != CAME)
    return table.assign(
        change=table["value_after"] - table["value_before"],
        share=table["customers"] / rows.where(rows > 0),
    )


def _sizes(people: _People, order: tuple[str, ...]) -> pd.DataFrame:
    def counted(places: IntArray, mask: NDArray[np.bool_]) -> IntArray:
        return np.bincount(places[mask], minlength=people.k + 1)[: people.k]

    here, there = people.start < people.k, people.end < people.k
    moved = here & there & (people.start != people.end)
    return pd.DataFrame(
        {
            "before": counted(people.start, here),
            "stayed": counted(people.start, here & (people.start == people.end)),
            "moved_in": counted(people.end, moved),
            "moved_out": counted(people.start, moved),
            "came": counted(people.end, ~here),
            "left": counted(people.start, ~there),
            "after": counted(people.end, there),
        },
        index=pd.Index(order, name="segment"),
    )


def _movement(people: _People, replications: int, seed: int, level: float) -> pd.DataFrame:
    def figures(weights: FloatArray) -> FloatArray:
        """Shares of customers and changes of value of each movement and net; shape (2, 6)."""
        here = weights @ (people.start < people.k)
        worth = weights @ people.first
        counts = np.bincount(people.kind, weights, len(MOVEMENTS))
        change = weights * (people.second - people.first)
        changes = np.bincount(people.kind, change, len(MOVEMENTS))
        # a resample of few customers may hold nobody who was there before
        shares = counts / here if here > 0 else np.full(len(MOVEMENTS), np.nan)
        # value that is not positive is no base for a share: the amount says it alone
        parts = changes / worth if worth > 0 else np.full(len(MOVEMENTS), np.nan)
        return np.array([[*shares, shares[UP] - shares[DOWN]], [*parts, parts[UP] + parts[DOWN]]])

    ones = np.ones(len(people.start))
    point = figures(ones)
    rng = generator(seed, _PURPOSE)
    draws = np.array([figures(w) for w in bootstrap_weights(len(ones), replications, rng)])
    counts = np.bincount(people.kind, minlength=len(MOVEMENTS))
    amounts = np.bincount(people.kind, people.second - people.first, len(MOVEMENTS))
    table = pd.DataFrame(
        {
            "customers": [*counts, counts[UP] - counts[DOWN]],
            "amount": [*amounts, amounts[UP] + amounts[DOWN]],
        },
        index=pd.Index([*MOVEMENTS, NET], name="movement"),
    )
    for row, name in enumerate(("share", "change")):
        table[name] = point[row]
        for end, part in (("_lo", "lo"), ("_hi", "hi")):
            table[f"{name}{end}"] = [
                getattr(_interval(point[row, at], draws[:, row, at], level), part)
                for at in range(len(table))
            ]
    return table


def _interval(value: float, draws: FloatArray, level: float) -> Interval:
    if np.isfinite(value) and np.isfinite(draws).all():
        return percentile_interval(value, draws, level)
    return Interval(np.nan, np.nan, np.nan, level)


@dataclass(frozen=True)
class SizeForecast:
    """How many customers each segment will have when as much time has passed again.

    Attributes
    ----------
    table : DataFrame
        By segment and, last, *all*: now, expected, lo, hi, change (expected less now).
    level : float
        Nominal coverage of the intervals: who moves, who comes, and how sure the rates are.
    pooled : tuple of str
        Segments with too little history of their own, whose customers are taken to stay and
        leave as all do.
    """

    table: pd.DataFrame
    level: float
    pooled: tuple[str, ...]


_FEWEST = 10  # customers before, from whom a segment's own rates are taken
ALL = "all"


def forecast_sizes(
    before: pd.Series,
    after: pd.Series,
    order: Sequence[str],
    *,
    replications: int,
    seed: int,
    level: float,
) -> SizeForecast:
    """Sizes one step ahead by the Markov chain, with those who come and leave.

    Parameters
    ----------
    before, after : Series
        As in `segment_flows`.
    replications, seed, level
        Draws of the prediction, nominal coverage.

    Raises
    ------
    NotIdentified
        If nobody was there on one of the dates.

    Notes
    -----
    Each draw takes the rates of a bootstrap sample of customers, lets today's customers move
    by them (multinomial) and lets others come (Poisson with the sample's arrivals). That the
    next year is like the last is an assumption, which `drift_alarms` bears upon.
    """
    nothing = pd.Series(dtype=float)
    people = _people(before, after, nothing, nothing, tuple(order))
    k = people.k
    now = np.bincount(people.end[people.end < k], minlength=k)
    cell = people.start * (k + 1) + people.end
    counts = np.bincount(cell, minlength=(k + 1) ** 2).reshape(k + 1, k + 1)
    if not now.any() or not counts[:k].any():
        raise NotIdentified("nobody was there on one of the dates")
    rates, arrivals = _chain(counts)
    expected = now @ rates[:, :k] + arrivals
    draws = np.array(list(_drawn(counts, now, replications, generator(seed, _PURPOSE, 1))))
    draws, expected = (
        np.column_stack([draws, draws.sum(axis=1)]),
        np.append(expected, expected.sum()),
    )
    intervals = [percentile_interval(e, d, level) for e, d in zip(expected, draws.T, strict=True)]
    table = pd.DataFrame(
        {
            "now": np.append(now, now.sum()),
            "expected": expected,
            "lo": [i.lo for i in intervals],
            "hi": [i.hi for i in intervals],
        },
        index=pd.Index([*order, ALL], name="segment"),
    )
    few = counts[:k].sum(axis=1) < _FEWEST
    pooled = tuple(name for name, short in zip(order, few & (now > 0), strict=True) if short)
    return SizeForecast(table.assign(change=table["expected"] - table["now"]), level, pooled)


def _chain(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rates of moving, shape (k, k + 1) with leaving last, and arrivals, shape (k,)."""
    k = len(counts) - 1
    size = counts[:k].sum(axis=1)
    stay, leave = np.trace(counts[:k, :k]) / size.sum(), counts[:k, k].sum() / size.sum()
    others = counts[:k, :k] - np.diag(np.diag(counts[:k, :k]))
    goal = others.sum(axis=0) + 1e-9  # somewhere to go where nobody moved
    pooled = np.zeros((k, k + 1))
    for row in range(k):
        away = np.where(np.arange(k) == row, 0, goal)
        pooled[row, :k] = (1 - stay - leave) * away / max(away.sum(), 1e-12)
        pooled[row, row] = stay
        pooled[row, k] = leave
    own = counts[:k] / np.maximum(size, 1)[:, None]
    rates = np.where((size < _FEWEST)[:, None], pooled, own)
    return rates / rates.sum(axis=1, keepdims=True), counts[k, :k].astype(float)


def _drawn(
    counts: IntArray, now: IntArray, replications: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Sizes one step ahead, one draw at a time; customers of one cell are alike."""
    k = len(now)
    for weights in bootstrap_weights(counts.ravel(), replications, rng):
        rates, arrivals = _chain(weights.reshape(counts.shape))
        moved = sum(rng.multinomial(now[row], rates[row])[:k] for row in range(k))
        yield moved + rng.poisson(arrivals)
