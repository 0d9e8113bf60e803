"""Today's segments a year ago, and what a segmentation of a year ago makes of today (S6).

What the notebook calls: features on two dates and the segments in; snapshots on which
flows, forecasts and alarms rest out. Two questions want two segmentations. Where did
customers go? Both dates in the segments that are live. Is it time to segment anew? Both
dates in the segments that the same method would have formed a year ago: only these do not
know yet who came since.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from crmlib.segments.dynamics import SegmentFlows, SizeForecast, forecast_sizes, segment_flows
from crmlib.segments.two_dates import (
    Comparison,
    FloatArray,
    IntArray,
    Predicting,
    Recipe,
    Snapshot,
    compare_dates,
    snapshot,
    still_there,
)
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

_SAME = 0.5  # Jaccard coefficient from which an earlier segment bears the name of today's
SWAPS = 499  # of dates, at least
SWAPS_BEYOND = 5  # that may surprise more than an alarm at the stated rate
_COSTS = ("cost_to_serve", "risk_cost")
_OF_HISTORY = ("trend", "regularity", "peak_share")  # which new customers do not have yet


class Formed(Predicting, Protocol):
    """A fitted segmentation."""

    method: str
    k: int


class Chosen(Protocol):
    """A choice of segments: `crmlib.segments.choice.SegmentChoice` has it."""

    chosen: Formed


class Names(Protocol):
    """Names by number: `crmlib.segments.naming.Names` has them."""

    names: tuple[str, ...]


class Named(Protocol):
    """Live segments: `crmlib.segments.behaviour.BehaviourSegments` has both."""

    choice: Chosen
    names: Names


class Prepared(Protocol):
    """Prepared features: `crmlib.segments.features.Prepared` has it."""

    names: tuple[str, ...]
    recipe: Recipe


@dataclass(frozen=True)
class TwoDates:
    """Customers who were there on two dates, in the same segments.

    Attributes
    ----------
    before, after : Snapshot
    value_before, value_after : Series
        What each customer brought in the window before each date.
    order : tuple of str
        Segments by value per customer on the later date, best first.
    money : {"contribution", "spend"}
        What value is: revenue less cost to serve and risk of the ledger, or purchases.
    since : date, optional
        The earlier date, where it is to be named.
    """

    before: Snapshot
    after: Snapshot
    value_before: pd.Series
    value_after: pd.Series
    order: tuple[str, ...]
    money: str
    since: dt.date | None = None

    def flows(self, *, replications: int, seed: int, level: float) -> SegmentFlows:
        """Who went where, see `crmlib.segments.dynamics.segment_flows`."""
        return segment_flows(
            self.before.named, self.after.named, self.value_before, self.value_after, self.order,
            money=self.money, replications=replications, seed=seed, level=level,
        )  # fmt: skip

    def forecast(self, *, replications: int, seed: int, level: float) -> SizeForecast:
        """Sizes ahead, see `crmlib.segments.dynamics.forecast_sizes`."""
        return forecast_sizes(
            self.before.named, self.after.named, self.order,
            replications=replications, seed=seed, level=level,
        )  # fmt: skip

    def compared(self, *, rate: float, seed: int) -> Comparison:
        """Both dates with random swaps, see `crmlib.segments.two_dates.compare_dates`.

        As many of them as a family-wise `rate` of false alarms needs to be told.
        """
        swaps = max(SWAPS, math.ceil(SWAPS_BEYOND / rate) - 1)
        return compare_dates(
            self.before, self.after, replications=swaps, seed=seed, since=self.since
        )


def a_year_before(day: dt.date) -> dt.date:
    """The same day a year before; of 29 February the 28th.

    >>> a_year_before(dt.date(2024, 2, 29)).isoformat()
    '2023-02-28'
    """
    return _years_ago(day, 1)


def years_before(day: dt.date, start: dt.date, days: int) -> dt.date:
    """The same day as many whole years before as features can be known on; one at least.

    Whole years, so that a window of less than a year lies in the same season.

    Parameters
    ----------
    day, start : date
        Of which it is the past, and the first day observed.
    days : int
        Of the window of features, which has to be observed from its first day on.

    Examples
    --------
    >>> years_before(dt.date(2025, 12, 31), dt.date(2023, 1, 1), 365).isoformat()
    '2023-12-31'
    >>> years_before(dt.date(2025, 12, 31), dt.date(2023, 1, 2), 365).isoformat()
    '2024-12-31'
    """
    found = a_year_before(day)
    years = 2
    while ((earlier := _years_ago(day, years)) - start).days + 1 >= days:
        found, years = earlier, years + 1
    return found


def _years_ago(day: dt.date, years: int) -> dt.date:
    return (pd.Timestamp(day) - pd.DateOffset(years=years)).date()


def two_dates(
    before: pd.DataFrame,
    after: pd.DataFrame,
    prepared: Prepared,
    live: Named,
    *,
    observed: int,
    days: int,
    since: dt.date | None = None,
) -> TwoDates:
    """Customers on two dates in the segments that are live.

    Parameters
    ----------
    before, after : DataFrame
        Behaviour of all customers known on each date, by the same window.
    prepared : Prepared
        With the recipe of the live segments.
    live : Named
        The live segments and their names.
    observed, days : int
        Days observed before the earlier date, and days of the window.
    since : date, optional
        The earlier date, where births are to name it.

    Raises
    ------
    NotIdentified
        If the earlier window was not observed from its first day on, or nobody was there.
    """
    if observed < days:
        raise NotIdentified(
            f"the earlier of two dates has {observed} days behind it, features look back {days}"
        )
    here = [still_there(features) for features in (before, after)]
    if min(len(features) for features in here) == 0:
        raise NotIdentified("nobody was there on one of the dates")
    segments = live.names.names
    shots = [
        snapshot(each, prepared.recipe, live.choice.chosen, names=prepared.names, segments=segments)
        for each in here
    ]
    values = [_brought(features) for features in here]
    money = "contribution" if "revenue" in after else "spend"
    return TwoDates(*shots, *values, _by_value(values[1], shots[1]), money, since)


def as_formed_before(
    dates: TwoDates, form: Callable[..., Formed], live: Named, seed: int
) -> TwoDates:
    """The same customers in segments as they would have been formed on the earlier date.

    Parameters
    ----------
    dates : TwoDates
        In the live segments.
    form : callable
        `crmlib.segments.clusters.fit_segments`.
    live : Named
        Whose method and number of segments are taken.
    seed : int

    Returns
    -------
    TwoDates
        Segments bear the name of the live segment that holds the same customers, where one
        does; another is "formerly" the one it shares most with.
    """
    method, k = live.choice.chosen.method, live.choice.chosen.k
    matrices = _as_known_then(dates.before, dates.after)
    earlier = form(matrices[0], method=method, k=k, seed=seed)
    labels = [np.asarray(earlier.predict(matrix)) for matrix in matrices]
    names = _names_then(labels[0], dates.before, k)
    shots = [
        Snapshot(s.ids, matrix, at, s.features, names)
        for s, matrix, at in zip((dates.before, dates.after), matrices, labels, strict=True)
    ]
    order = _by_value(dates.value_after, shots[1])
    return TwoDates(*shots, dates.value_before, dates.value_after, order, dates.money, dates.since)


def _as_known_then(before: Snapshot, after: Snapshot) -> list[FloatArray]:
    """Features on both dates, but what no customer could have on the earlier one on neither.

    Where the export begins with the earlier window, nobody has a trend yet, or is a customer
    for longer than the window: beside such customers everybody of today would be a kind that
    was not there.
    """
    blank = [
        at for at, name in enumerate(before.features)
        if name.split(" ")[0] in _OF_HISTORY and not before.matrix[:, at].any()
    ]  # fmt: skip
    if blank:
        blank += [at for at, name in enumerate(before.features) if name == "tenure"]
    matrices = [before.matrix.copy(), after.matrix.copy()]
    for matrix in matrices:
        matrix[:, blank] = 0.0
    return matrices


def longest(compared: Comparison | Refusal, *shorter: Comparison | Refusal) -> Comparison | Refusal:
    """The first of some comparisons, longest first, that is no refusal; else the last.

    A young company had nobody, or hardly anybody, years ago.
    """
    every = [compared, *shorter]
    return next((each for each in every if not isinstance(each, Refusal)), every[-1])


def _by_value(value: pd.Series, shot: Snapshot) -> tuple[str, ...]:
    """Segments by mean value of a customer, best first; those without customers last."""
    mean = value.groupby(shot.named).mean().reindex(list(shot.segments))
    return tuple(mean.sort_values(ascending=False, kind="stable", na_position="last").index)


def _names_then(labels: IntArray, live: Snapshot, k: int) -> tuple[str, ...]:
    """Names of segments formed on the earlier date, after the live ones (Kuhn 1955)."""
    table = np.zeros((k, len(live.segments)))
    np.add.at(table, (labels, live.labels), 1)
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table
    overlap: FloatArray = table / np.maximum(union, 1)
    matched = dict(zip(*linear_sum_assignment(overlap, maximize=True), strict=True))
    names: list[str] = []
    for segment in range(k):
        same = matched.get(segment)
        if same is not None and overlap[segment, same] >= _SAME:
            names.append(live.segments[same])
            continue
        name = f"formerly {live.segments[int(overlap[segment].argmax())]}"
        again = sum(other.startswith(name) for other in names)
        names.append(f"{name} ({again + 1})" if again else name)
    return tuple(names)


def _brought(features: pd.DataFrame) -> pd.Series:
    """What customers brought in the window, by customer; nothing where nothing is known."""
    by_customer = features.set_index("customer_id")
    if "revenue" not in by_customer:
        return by_customer["spend"].fillna(0.0)
    costs = [by_customer[name].fillna(0.0) for name in _COSTS if name in by_customer]
    return by_customer["revenue"].fillna(0.0) - sum(costs, start=0.0)
