"""Which changes of behaviour precede an event, such as leaving or moving up (S9, detection).

A trigger compares a customer's last months with what was usual for them, and with what all
customers did in the same months, so that season and growth fire nothing. It is binary, and
at a month knows that month and those before it only. What a trigger is worth is its lift:
the rate of the event in the months after it has fired, over the rate where it has not.
Triggers are looked for in the earlier part of the time, with Holm's correction for having
looked at many; those found are tested once more on the later part, in which no one looked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from crmlib.segments.months import BoolArray, FloatArray, IntArray, Months, arrange_months
from crmlib.stats.multiplicity import holm
from crmlib.stats.optimise import NotIdentified

UP, DOWN = "up", "down"
CONFIRMED, NOT_CONFIRMED = "confirmed", "not confirmed"
FEWEST_EVENTS = 20  # in either part of the time, below which no rate is worth comparing


@dataclass(frozen=True)
class Trigger:
    """A change of one feature that may announce an event.

    Attributes
    ----------
    feature : str
    direction : {"up", "down"}
    by : float
        Change against the usual that fires: .5 is a fall by half, or a rise by half.
    recent, usual : int
        Months that are compared, and months before them that say what is usual.
    """

    feature: str
    direction: Literal["up", "down"]
    by: float
    recent: int
    usual: int

    def fires(self, months: Months) -> BoolArray:
        """In which months it has fired for whom, shape (n, months).

        Notes
        -----
        Both means are divided by those of all customers who were there in all these months.
        A feature that was nothing before rises with its first sign, and cannot fall.
        """
        ready = months.there_for(self.recent + self.usual)
        last = _sums(months.values[self.feature], 0, self.recent) / self.recent
        before = self.usually(months)
        last_of_all, before_of_all = (
            np.where(ready, mean, 0).sum(axis=0) for mean in (last, before)
        )
        # where nobody has shown any there is nothing to compare with
        index = last_of_all / np.where(before_of_all > 0, before_of_all, np.inf)
        if self.direction == UP:
            fired = (last > 0) & (last >= (1 + self.by) * index * before)
        else:
            fired = (before > 0) & (last <= (1 - self.by) * index * before)
        return fired & ready & (index > 0)

    def usually(self, months: Months) -> FloatArray:
        """What was usual for each customer before the months that are compared; per month."""
        return _sums(months.values[self.feature], self.recent, self.usual) / self.usual


def candidates(
    features: Iterable[str],
    *,
    recent: Sequence[int],
    usual: int,
    falls: Sequence[float],
    rises: Sequence[float],
) -> list[Trigger]:
    """All triggers to be looked at: every feature up and down by every size and length."""
    return [
        Trigger(feature, direction, float(by), int(length), usual)
        for feature in features
        for direction, sizes in ((DOWN, falls), (UP, rises))
        for by in sizes
        for length in recent
    ]


@dataclass(frozen=True)
class Triggers:
    """Triggers as they were found, and as they stood the test.

    Attributes
    ----------
    searched : DataFrame
        One row per candidate on the earlier part: feature, direction, by, recent, usual,
        fired (share of customer-months), rate_with, rate_without, lift, lift_lo, lift_hi, p,
        p_adjusted (Holm); NaN where too few events follow.
    tested : DataFrame
        The clearest candidate of each feature and direction that was found, the same on the
        later part, best first; besides caught (share of events that it had announced), with
        caught_lo and caught_hi, lead_time (median months from its first firing to the event),
        found_lift (on the earlier part), verdict.
    events_searched, events_tested : int
        Events in either part with enough history before.
    customers : int
    lead : int
        Months after a trigger in which an event counts.
    split : Timestamp
        First month of the later part.
    rate : float
        Family-wise rate of false triggers.
    level : float
        Nominal coverage of the intervals.
    """

    searched: pd.DataFrame
    tested: pd.DataFrame
    events_searched: int
    events_tested: int
    customers: int
    lead: int
    split: pd.Timestamp
    rate: float
    level: float

    @property
    def confirmed(self) -> pd.DataFrame:
        """The rows of `tested` that stood the test."""
        return self.tested[self.tested["verdict"] == CONFIRMED]


def find_triggers(
    months: Months,
    tried: Sequence[Trigger],
    *,
    lead: int,
    split: pd.Timestamp,
    rate: float,
    level: float,
    fewest: int,
) -> Triggers:
    """Look for triggers before a month, and test those found from it on.

    Parameters
    ----------
    months : Months
        Features by customer and month, and the month of each customer's event.
    tried : sequence of Trigger
    lead : int
        Months after a trigger in which an event counts.
    split : Timestamp
        First month of the later part. A trigger of the earlier part is judged by events
        before it, one of the later part by events to the end of the time.
    rate : float
        Family-wise rate of false triggers, in the search and again in the test.
    level : float
        Nominal coverage of the intervals.
    fewest : int
        Customers whose event must follow a trigger, and whose event must not, below which
        it is not judged.

    Raises
    ------
    NotIdentified
        If either part has fewer than 20 events with enough history.
    """
    cut = int(months.calendar.searchsorted(pd.Timestamp(split)))
    longest = max(trigger.recent + trigger.usual for trigger in tried)
    ready = months.there_for(longest)
    parts = {"earlier": (0, cut - lead), "later": (cut, len(months.calendar) - lead)}
    exposed = {name: exposed_months(months, ready, *ends) for name, ends in parts.items()}
    soon = soon_after(months, lead)
    events = {name: _events_in(months, mask, lead) for name, mask in exposed.items()}
    for name, found in events.items():
        if len(found) < FEWEST_EVENTS:
            raise NotIdentified(
                f"{len(found)} events in the {name} part of the time have enough history, "
                f"{FEWEST_EVENTS} are needed"
            )
    rows = [judged(t, months, soon, [exposed["earlier"]], level, fewest)[0] for t in tried]
    searched = pd.DataFrame(rows)
    searched["p_adjusted"] = holm(searched["p"])
    chosen = _clearest(searched, rate)
    rows = []
    for place in chosen:
        fired = tried[place].fires(months)
        [row] = judged(tried[place], months, soon, [exposed["later"]], level, fewest)
        announced = _announced(months, fired & exposed["later"], events["later"], lead, level)
        rows.append({**row, **announced, "found_lift": searched.loc[place, "lift"]})
    tested = pd.DataFrame(rows, columns=[*searched.columns[:-1], *_ANNOUNCED, "found_lift"])
    tested["p_adjusted"] = holm(tested["p"])
    sure = (tested["p_adjusted"] <= rate) & (tested["lift"] > 1)
    tested["verdict"] = np.where(sure, CONFIRMED, NOT_CONFIRMED)
    order = tested.sort_values(["verdict", "p", "feature"], kind="stable").index
    return Triggers(
        searched, tested.loc[order].reset_index(drop=True), len(events["earlier"]),
        len(events["later"]), months.n, lead, months.calendar[cut], rate, level,
    )  # fmt: skip


def announced_by(
    table: pd.DataFrame,
    events: pd.DataFrame,
    *,
    end: dt.date,
    usual: int,
    lead: int,
    rate: float,
    level: float,
    fewest: int,
    recent: Sequence[int] = (1, 3),
    falls: Sequence[float] = (0.3, 0.6, 0.9),
    rises: Sequence[float] = (0.5, 1.0, 2.0),
) -> Triggers:
    """Look for what announces events in the first half of the time, and test it in the second.

    Parameters
    ----------
    table, events, end
        As for `crmlib.segments.months.arrange_months`.
    recent, usual, falls, rises
        As for `candidates`.
    lead, rate, level, fewest
        As for `find_triggers`.

    Raises
    ------
    NotIdentified
        If the time is too short for two parts, or as `find_triggers`.
    """
    months = arrange_months(table, events, end=pd.Timestamp(end))
    tried = candidates(months.values, recent=recent, usual=usual, falls=falls, rises=rises)
    history = usual + max(recent)
    # both parts lose the months in which an event may still follow
    judged = len(months.calendar) - (history - 1) - 2 * lead
    if judged < 2:
        raise NotIdentified(
            f"{len(months.calendar)} months are too few: {history} say what is usual, and {lead} "
            "must follow in each of two parts"
        )
    cut = history - 1 + judged // 2 + lead
    return find_triggers(
        months, tried, lead=lead, split=months.calendar[cut], rate=rate, level=level,
        fewest=fewest,
    )  # fmt: skip


_ANNOUNCED = ("caught", "caught_lo", "caught_hi", "lead_time")


def _sums(values: FloatArray, back: int, length: int) -> FloatArray:
    """Sums over the `length` months that end `back` months before each; shape of `values`."""
    padded = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    ends = np.maximum(np.arange(values.shape[1]) + 1 - back, 0)
    return padded[:, ends] - padded[:, np.maximum(ends - length, 0)]


def exposed_months(months: Months, ready: BoolArray, first: int, end: int) -> BoolArray:
    """Customer-months of a part of the time in which a trigger may fire and be judged."""
    inside = np.zeros(len(months.calendar), dtype=bool)
    inside[first : max(end, first)] = True
    before = np.arange(len(months.calendar)) < months.event[:, None]
    return ready & inside & before


def soon_after(months: Months, lead: int) -> BoolArray:
    """Whether the event follows within `lead` months, shape (n, months)."""
    to_go = months.event[:, None] - np.arange(len(months.calendar))
    return (to_go >= 1) & (to_go <= lead)


def _events_in(months: Months, exposed: BoolArray, lead: int) -> IntArray:
    """Rows of the customers whose event follows an exposed month within `lead` months."""
    return np.flatnonzero((exposed & soon_after(months, lead)).any(axis=1))


def judged(
    trigger: Trigger,
    months: Months,
    soon: BoolArray,
    parts: Sequence[BoolArray],
    level: float,
    fewest: int,
) -> list[dict[str, object]]:
    """Rates of the event after a trigger and without, and their ratio among like customers.

    Parameters
    ----------
    soon : array of shape (n, months)
        Whether the event follows, by `soon_after`.
    parts : sequence of arrays of shape (n, months)
        Customer-months that are judged; one result each.
    """
    usual, fired = trigger.usually(months), trigger.fires(months)
    can = usual > 0 if trigger.direction == DOWN else True  # who shows nothing can show no less
    return [
        asdict(trigger) | _compared(usual, fired, soon, exposed & can, level, fewest)
        for exposed in parts
    ]


def _compared(
    usual: FloatArray,
    fired: BoolArray,
    soon: BoolArray,
    exposed: BoolArray,
    level: float,
    fewest: int,
) -> dict[str, object]:
    """The rates in some customer-months; no lift where few events follow or do not."""
    classes = _classes(usual, exposed)
    counts = [
        _by_class(mask & exposed, classes) for mask in (fired & soon, fired, ~fired & soon, ~fired)
    ]
    hits, with_, misses, without = (float(count.sum()) for count in counts)
    found = {
        "fired": with_ / max(with_ + without, 1.0),
        "rate_with": hits / with_ if with_ else np.nan,
        "rate_without": misses / without if without else np.nan,
    }
    if min((count.sum(axis=1) > 0).sum() for count in (counts[0], counts[2])) < fewest:
        return found | dict.fromkeys(("lift", "lift_lo", "lift_hi", "p"), np.nan)
    return found | _lift(*counts, level)


def _classes(usual: FloatArray, exposed: BoolArray) -> IntArray:
    """Customer-months by what is usual: nothing, or a fourth of the others; −1 not exposed."""
    some = usual[exposed & (usual > 0)]
    cuts = np.quantile(some, [0.25, 0.5, 0.75]) if some.size else np.zeros(3)
    classes = np.where(usual > 0, 1 + np.searchsorted(cuts, usual, side="left"), 0)
    return np.where(exposed, classes, -1)


def _by_class(mask: BoolArray, classes: IntArray) -> FloatArray:
    """Months of each customer and class in a mask, shape (n, 5)."""
    return np.column_stack([(mask & (classes == k)).sum(axis=1) for k in range(5)]).astype(float)


def _lift(
    hits: FloatArray, with_: FloatArray, misses: FloatArray, without: FloatArray, level: float
) -> dict[str, float]:
    """Ratio of the rates of an event within classes, its interval and one-sided p-value.

    Parameters
    ----------
    hits, with_, misses, without : arrays of shape (n, classes)
        Months of each customer: with trigger and event, with trigger, without trigger and
        with event, without trigger.

    Notes
    -----
    A fall by nine tenths happens easily to who shows little, and who shows little may leave
    more often anyway; so rates are compared among customers of a like usual level, by the
    ratio of Mantel & Haenszel (Greenland & Robins 1985, *Biometrics* 41: 55–68). Months of
    one customer are not independent: the variance of its logarithm is summed over customers
    by linearisation (Särndal, Swensson & Wretman 1992, section 5.5).
    """
    a, b, c, d = (count.sum(axis=0) for count in (hits, with_, misses, without))
    n = np.maximum(b + d, 1.0)
    top, bottom = (a * d / n).sum(), (c * b / n).sum()
    if not (top > 0 and bottom > 0):
        return dict.fromkeys(("lift", "lift_lo", "lift_hi", "p"), np.nan)
    both = with_ + without
    of_top = (hits * d + a * without - (a * d / n) * both) / n
    of_bottom = (misses * b + c * with_ - (c * b / n) * both) / n
    parts = of_top.sum(axis=1) / top - of_bottom.sum(axis=1) / bottom
    ratio, spread = np.log(top / bottom), np.sqrt(parts @ parts)
    reach = stats.norm.ppf((1 + level) / 2) * spread
    return {
        "lift": float(np.exp(ratio)),
        "lift_lo": float(np.exp(ratio - reach)),
        "lift_hi": float(np.exp(ratio + reach)),
        "p": float(stats.norm.sf(ratio / spread)) if spread > 0 else np.nan,
    }


def _clearest(searched: pd.DataFrame, rate: float) -> list[int]:
    """Rows that were found, of each feature and direction the one with the smallest p."""
    found = searched[(searched["p_adjusted"] <= rate) & (searched["lift"] > 1)]
    best = found.sort_values("p", kind="stable").groupby(["feature", "direction"]).head(1)
    return sorted(int(place) for place in best.index)


def _announced(
    months: Months, fired: BoolArray, events: IntArray, lead: int, level: float
) -> dict[str, float]:
    """Share of events before which a trigger had fired, with Wilson's interval, and how early."""
    before = fired[events] & soon_after(months, lead)[events]
    caught = before.any(axis=1)
    share = float(caught.mean())
    z, n = stats.norm.ppf((1 + level) / 2), len(events)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    first = before[caught].argmax(axis=1)
    ahead = months.event[events][caught] - first
    return {
        "caught": share,
        "caught_lo": max(float(middle - reach), 0.0),
        "caught_hi": min(float(middle + reach), 1.0),
        "lead_time": float(np.median(ahead)) if caught.any() else np.nan,
    }
