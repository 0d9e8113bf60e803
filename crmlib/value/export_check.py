"""What kind of export contracts come from, and what survival can be read from it (V7).

An export may follow every contract from its start, or hold what ran in a window, or
be a snapshot: who is there now, and who has just left. Taken as complete histories,
a window makes contracts look longer-lived than they are, a snapshot wildly so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlib.stats.optimise import NotIdentified
from crmlib.value.life_table import LifeTable, life_table
from crmlib.value.residual_lifetime import ages

ENOUGH_AT_RISK = 30  # ages with fewer are not compared
SNAPSHOT = 0.1  # a window shorter than this share of the median age of contracts
WILD = 0.2  # difference of survival at one age
CONTRADICTION = 3.0  # ratio of median ages


@dataclass(frozen=True)
class ExportCheck:
    """Survival by two readings of the same export.

    Attributes
    ----------
    verdict : {"histories", "window", "snapshot"}
        "histories": followed from the start; "window": seen from an age on, survival is
        to be read from `at_risk_only`; "snapshot": the window is so short that survival
        joins contracts begun at quite different times, and holds only if the rates of
        loss were always those of the window.
    words : tuple of str
        Sentences for the report.
    table : DataFrame of shape (n_ages, 2), index age (whole periods)
        as_if_complete: Kaplan–Meier that takes every contract as followed from its
        start; at_risk_only: the period life table.
    gap : float
        Largest difference of the two.
    agree : bool
        Whether it is below 20 points.
    window : int
        Most periods over which one contract was seen.
    median_age : float
        Of the contracts that did not end; of all where every one did.
    expected_median_age : float or None
        As it would be had rates of loss always been those of the window and as many
        contracts begun in each period. None where young ages were not observed.
    """

    verdict: str
    words: tuple[str, ...]
    table: pd.DataFrame
    gap: float
    agree: bool
    window: int
    median_age: float
    expected_median_age: float | None

    @property
    def contradicted(self) -> bool:
        """Whether contracts are far older than the losses of a snapshot would let them grow."""
        return self.verdict == "snapshot" and _contradicts(
            self.median_age, self.expected_median_age
        )


def export_check(
    duration: ArrayLike,
    ended: ArrayLike,
    entry: ArrayLike,
    *,
    unit: str = "period",
    at: ArrayLike | None = None,
) -> ExportCheck:
    """Compare what survival looks like with and without regard to when observation began.

    Parameters
    ----------
    duration, ended, entry : arrays of shape (n_contracts,)
        As in `life_table`. A table of ages with a mark for those who left in the last
        `k` periods has entry = max(duration − k, 0).
    unit : str
        What a period is called in the sentences.
    at : array of int, optional
        Ages at which the readings are compared, where not all may be shown.

    Raises
    ------
    NotIdentified
        If no contract ended, none was seen for a whole period, or at no age were enough
        at risk to compare.
    """
    lasted, since = ages(duration), ages(entry)
    lost = np.asarray(ended, dtype=bool)
    seen = lasted > since
    if not (seen & lost).any():
        raise NotIdentified("no contract ended while it was observed: nothing to compare")
    whole = life_table(lasted[seen], lost[seen], level=0.9)
    period = life_table(lasted[seen], lost[seen], since[seen], level=0.9)
    table = _side_by_side(whole, period)
    if at is not None:
        table = table[table.index.isin(np.asarray(at))]
        if table.empty:
            raise NotIdentified("at no age that may be shown were enough contracts at risk")
    gap = float((table["as_if_complete"] - table["at_risk_only"]).abs().max())
    window = int((lasted - since).max())
    running = lasted[seen & ~lost] if (seen & ~lost).any() else lasted[seen]
    median = float(np.median(running))
    if not (since[seen] > 0).any():
        verdict = "histories"
    else:
        verdict = "snapshot" if window < max(SNAPSHOT * median, 2) else "window"
    expected = _stationary_median(period) if period.since == 0 else None
    words = _words(verdict, table, gap, window, median, expected, unit)
    return ExportCheck(verdict, words, table, gap, gap < WILD, window, median, expected)


def _side_by_side(whole: LifeTable, period: LifeTable) -> pd.DataFrame:
    """Survival of those who reached the first age of the period table, by both readings."""
    enough = period.table.index[period.table["at_risk"] >= ENOUGH_AT_RISK]
    if enough.size == 0:
        raise NotIdentified(
            f"at no age were {ENOUGH_AT_RISK} contracts at risk: too few to compare"
        )
    age = np.arange(period.since, min(int(enough[-1]), whole.until, period.until) + 1)
    ahead = age - period.since
    return pd.DataFrame(
        {
            "as_if_complete": whole.survival(ahead, np.full(age.size, period.since)),
            "at_risk_only": period.survival(ahead, np.full(age.size, period.since)),
        },
        index=pd.Index(age, name="age"),
    )


def _stationary_median(table: LifeTable) -> float:
    """Median age of a population with these rates of loss and as many starts each period."""
    share = np.cumsum(table.curve)
    return float(np.searchsorted(share, share[-1] / 2))


def _contradicts(median: float, expected: float | None) -> bool:
    return expected is not None and max(median, 1) >= CONTRADICTION * max(expected, 1)


def _words(
    verdict: str,
    table: pd.DataFrame,
    gap: float,
    window: int,
    median: float,
    expected: float | None,
    unit: str,
) -> tuple[str, ...]:
    """What a reader must know before reading a survival curve from this export."""
    if verdict == "histories":
        return ("Every contract is followed from its start.",)
    age = (table["as_if_complete"] - table["at_risk_only"]).abs().idxmax()
    complete, at_risk = table.loc[age]
    first = (
        f"The export shows contracts over at most {window} {unit}{'s' if window > 1 else ''} and "
        f"not those that had ended before: taken as complete histories it puts survival to "
        f"an age of {age:,} {unit}s at {complete:.0%}, among those at risk in the window it is "
        f"{at_risk:.0%}."
    )
    if verdict == "window":
        return (first,)
    second = (
        f"The window is short against the age of contracts (median {median:,.0f}): survival "
        "joins contracts begun at quite different times and holds only if rates of loss were "
        "always what they are now."
    )
    if expected is None or not _contradicts(median, expected):
        return first, second
    young = unit if expected < 1 else f"{expected + 1:,.0f} {unit}s"
    third = (
        "It cannot have been so: at these rates half of the contracts would be in their first "
        f"{young}, while half are older than {median:,.0f}. Ask what period "
        "the recorded losses cover and whether earlier ones were deleted."
    )
    return first, second, third


@dataclass(frozen=True)
class RecordedEnds:
    """From when on ends stand in an export.

    `plausible` is False where a window without ends at its beginning would be a chance
    of less than one in a thousand had ends come evenly; `words` says so.
    """

    first: pd.Timestamp
    ends: int
    chance: float
    plausible: bool
    words: str


def recorded_ends(end_dates: ArrayLike, *, start: object, end: object) -> RecordedEnds:
    """Whether ends are recorded from the stated first day of the window on.

    Parameters
    ----------
    end_dates : array of dates, shape (n_contracts,)
        Empty where the contract runs.
    start, end : date
        Stated first and last day of observation.

    Raises
    ------
    NotIdentified
        If no contract ended in the window.
    """
    dates = pd.to_datetime(pd.Series(end_dates)).dropna()
    opening, closing = pd.Timestamp(start), pd.Timestamp(end)
    inside = dates[(dates >= opening) & (dates <= closing)]
    if inside.empty:
        raise NotIdentified("no contract ended in the window")
    first = inside.min()
    # ends of one day (month ends) count once: they did not come evenly and independently
    days, length = inside.nunique(), (closing - opening).days + 1
    chance = float((1 - (first - opening).days / length) ** days)
    plausible = chance >= 0.001
    words = f"Ends are recorded from {opening:%Y-%m-%d} on."
    if not plausible:
        words = (
            f"No contract ended between {opening:%Y-%m-%d} and {first:%Y-%m-%d}, while "
            f"{len(inside):,} did afterwards: earlier ends seem to be missing from the export. "
            "Survival should be read from the time since then only."
        )
    return RecordedEnds(first, len(inside), chance, plausible, words)
