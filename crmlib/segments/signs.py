"""What moves the customers of each segment (S7): the signs that precede leaving or growing.

A sign that was confirmed for all customers is judged once more within each segment that
customers were in before, on data in which no one looked for it. Where a segment has too few
events, or the sign shows nothing of its own there, what holds for all is told.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.segments.months import arrange_months
from crmlib.segments.triggers import Trigger, Triggers, exposed_months, judged, soon_after
from crmlib.stats.multiplicity import holm
from crmlib.stats.optimise import NotIdentified

_TRIGGER = ["feature", "direction", "by", "recent", "usual"]
_LIFT = ["lift", "lift_lo", "lift_hi"]


@dataclass(frozen=True)
class SegmentSigns:
    """The clearest sign of an event in each segment.

    Attributes
    ----------
    table : DataFrame, index segment
        feature, direction, by, recent, usual, lift, lift_lo, lift_hi, own (the lift is that
        of the segment, and not of all customers).
    judged : DataFrame
        segment, the trigger, its lift in the segment, p, p_adjusted (Holm, over all segments
        and signs); NaN where too few events follow.
    level : float
        Nominal coverage of the intervals.
    """

    table: pd.DataFrame
    judged: pd.DataFrame
    level: float


def signs_by_segment(
    found: Triggers,
    table: pd.DataFrame,
    events: pd.DataFrame,
    segment: pd.Series,
    *,
    since: dt.date,
    end: dt.date,
    fewest: int,
) -> SegmentSigns:
    """Judge confirmed triggers within segments, after the day on which these were formed.

    Parameters
    ----------
    found : Triggers
    table, events, end
        What the triggers were found in, see `crmlib.segments.triggers.announced_by`.
    segment : Series of str, index customer_id
        Where customers were on the day `since`; who left is there, too.
    fewest : int
        Customers of a segment whose event must follow a sign, and whose event must not.

    Raises
    ------
    NotIdentified
        If no trigger stood the test.
    """
    confirmed = found.confirmed
    if confirmed.empty:
        raise NotIdentified("no change of behaviour was confirmed to announce it")
    months = arrange_months(table, events, end=pd.Timestamp(end))
    first = max(months.calendar.searchsorted(pd.Timestamp(day)) for day in (found.split, since))
    triggers = [Trigger(**row) for row in confirmed[_TRIGGER].to_dict("records")]
    longest = max(trigger.recent + trigger.usual for trigger in triggers)
    last = len(months.calendar) - found.lead
    exposed = exposed_months(months, months.there_for(longest), int(first), last)
    soon = soon_after(months, found.lead)
    of_customer = segment.reindex(months.ids).to_numpy(dtype=object)
    names = sorted(segment.unique())
    rows = [
        {"segment": name, **row}
        for trigger in triggers
        for name, row in zip(
            names,
            judged(trigger, months, soon, [exposed & (of_customer == name)[:, None]
                                           for name in names], found.level, fewest),
            strict=True,
        )
    ]  # fmt: skip
    each = pd.DataFrame(rows)
    each["p_adjusted"] = holm(each["p"])
    sure = each[(each["p_adjusted"] <= found.rate) & (each["lift"] > 1)]
    own = sure.sort_values("p", kind="stable").groupby("segment").head(1).set_index("segment")
    best = pd.DataFrame([confirmed.iloc[0]] * len(names), index=pd.Index(names, name="segment"))
    best = best[[*_TRIGGER, *_LIFT]].astype(dict.fromkeys(_LIFT, float))
    best.loc[own.index] = own[best.columns]
    best["own"] = np.isin(names, own.index)
    return SegmentSigns(best, each, found.level)
