"""When a running pilot is looked at, for what, and where it stops (R8).

After 48 hours only whether it was delivered as drawn (`crmlib.roi.delivery`), every day the
guard rails, and the effect at few looks whose boundaries share one false-positive rate. Whoever
reads the effect in between has taken another look: `peeking` says what that costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crmlib.roi.sequential import Boundaries, Peeking, peeking, review_boundaries
from crmlib.stats.optimise import NotIdentified

DELIVERY_DAY = 2  # 48 hours


@dataclass(frozen=True)
class ReviewPlan:
    """What is looked at on which day.

    Attributes
    ----------
    table : DataFrame
        check ("delivery", "guard rail", "look", "last look"), look (1, 2, … for looks at the
        effect, else 0), day and until (days after the start; a guard rail is read daily from the
        one to the other), date (empty where no start is given), reads (what is read), stops (what
        it may lead to), reads_effect (bool); and of looks at the effect only, empty elsewhere:
        information (0–1), treated and control (customers with an outcome by then), z,
        stop_above and stop_below (difference of means in units of the outcome at which the pilot
        stops for the effect, and for harm).
    boundaries : Boundaries
    daily : Peeking
        What reading the effect every day at the value of a single test would cost.
    """

    table: pd.DataFrame
    boundaries: Boundaries
    daily: Peeking

    @property
    def looks(self) -> pd.DataFrame:
        """Only the looks at the effect."""
        return self.table[self.table["reads_effect"]].reset_index(drop=True)

    def read(self, look: int, difference: float, standard_error: float) -> str:
        """What a difference at a look says: see `Boundaries.read`.

        Parameters
        ----------
        look : int
            1 for the first.
        difference, standard_error : float
            Treated minus control, in one unit.

        Raises
        ------
        ValueError
            If there is no such look or the standard error is not positive.
        """
        if not standard_error > 0:
            raise ValueError(f"standard_error must be positive, got {standard_error!r}")
        return self.boundaries.read(look, difference / standard_error)

    def summary(self) -> str:
        """The plan, a line per check."""
        shown = self.table[["check", "day", "until", "information", "z", "stop_above", "reads"]]
        return (
            f"{shown.round(3).to_string(index=False, na_rep='')}\n"
            f"reading the effect on all {len(self.daily.table)} days at {self.daily.critical:.2f}: "
            f"{self.daily.rate:.0%} false positives"
        )


def review_plan(
    *,
    treated: int,
    control: int,
    outcome_sd: float,
    look_days: Sequence[int],
    alpha: float,
    kind: str,
    guard_rails: Sequence[str],
    information: ArrayLike | None = None,
    start: date | None = None,
) -> ReviewPlan:
    """Checks of delivery and guard rails, and looks at the effect with their boundaries.

    Parameters
    ----------
    treated, control : int
        Customers per arm with an outcome by the last look.
    outcome_sd : float
        Standard deviation of the outcome between customers of one arm.
    look_days : sequence of int
        Days after the start on which the effect is read, increasing; the last ends the pilot.
    alpha : float
        Two-sided false-positive rate over all looks.
    kind : {"obrien_fleming", "pocock"}
    guard_rails : sequence of str
        Figures that are watched every day for harm done to customers, e.g. complaints.
    information : array of shape (n_looks,), optional
        Customers with an outcome at each look, or another amount in proportion to it. Without
        it outcomes come evenly over the days up to the last look.
    start : date, optional
        First day of the pilot, for dates in the plan.

    Raises
    ------
    NotIdentified
        If an arm is empty, nobody is left to be read at the first look, or outcomes do not vary.
    ValueError
        If days do not increase from 1, or `alpha` or `kind` is out of range.

    Notes
    -----
    Even looks have the classical boundary, others the spending function of the same name. A
    look with share t of the outcomes stops beyond z·s·√(1/(n_t·t) + 1/(n_c·t)).
    """
    days = _checked_days(look_days)
    if treated < 1 or control < 1:
        raise NotIdentified(
            f"a review needs customers in both arms: {treated} treated, {control} control"
        )
    if not (np.isfinite(outcome_sd) and outcome_sd > 0):
        raise NotIdentified(
            f"the outcome's standard deviation is {outcome_sd!r}: "
            "no difference can be told from chance"
        )
    boundaries = _boundaries(days, alpha, kind, information)
    table = pd.DataFrame(
        [
            *_watched(days, list(guard_rails)),
            *_looked_at(days, boundaries, treated, control, outcome_sd),
        ]
    )
    table = table.sort_values(["day", "reads_effect"], kind="stable").reset_index(drop=True)
    dates = [start + timedelta(days=int(day)) if start else None for day in table["day"]]
    table.insert(table.columns.get_loc("until") + 1, "date", pd.Series(dates, dtype=object))
    single = float(-special.ndtri(alpha / 2))
    return ReviewPlan(table, boundaries, peeking(min(int(days[-1]), 500), critical=single))


def _checked_days(look_days: Sequence[int]) -> NDArray[np.int64]:
    days = np.asarray(look_days)
    if days.ndim != 1 or days.size == 0 or (days != np.round(days.astype(float))).any():
        raise ValueError(f"look_days must be whole days, at least one, got {look_days!r}")
    if (np.diff(days, prepend=0) < 1).any():
        raise ValueError(f"look_days must increase from day 1, got {list(look_days)!r}")
    return days.astype(np.int64)


def _boundaries(
    days: NDArray[np.int64], alpha: float, kind: str, information: ArrayLike | None
) -> Boundaries:
    """Classical where looks are even, by a spending function where they are not."""
    amounts = days.astype(float) if information is None else np.asarray(information, dtype=float)
    even = amounts.shape == days.shape and np.allclose(
        amounts, amounts[-1] * np.arange(1, days.size + 1) / days.size, rtol=1e-9
    )
    return review_boundaries(
        days.size, alpha=alpha, kind=kind, information=None if even else amounts
    )


def _watched(days: NDArray[np.int64], guard_rails: list[str]) -> list[dict[str, object]]:
    """Checks that read no effect: whether it was delivered, and whether it does harm."""
    last = int(days[-1])
    rows = [
        {
            "check": "delivery",
            "look": 0,
            "day": min(DELIVERY_DAY, last),
            "until": min(DELIVERY_DAY, last),
            "reads": "share delivered by arm; customers by arm against the draw",
            "stops": "mend or restart: arms that are not as drawn cannot be compared",
            "reads_effect": False,
        }
    ]
    for name in guard_rails:
        rows.append(
            {
                "check": "guard rail",
                "look": 0,
                "day": 1,
                "until": last,
                "reads": f"{name} by arm against the limit agreed beforehand",
                "stops": "halt beyond the limit; no reading of the effect",
                "reads_effect": False,
            }
        )
    return rows


def _looked_at(
    days: NDArray[np.int64],
    boundaries: Boundaries,
    treated: int,
    control: int,
    outcome_sd: float,
) -> list[dict[str, object]]:
    """Looks at the effect, with the difference at which each stops."""
    rows = []
    for day, look in zip(days, boundaries.table.itertuples(), strict=True):
        arms = [look.information * n for n in (treated, control)]
        if min(arms) < 0.5:
            raise NotIdentified(
                f"by the look on day {day} an arm has no outcome yet "
                f"({arms[0]:.2g} treated, {arms[1]:.2g} control): look later"
            )
        beyond = look.z * outcome_sd * np.sqrt(sum(1 / n for n in arms))
        last = look.look == len(days)
        rows.append(
            {
                "check": "last look" if last else "look",
                "look": look.look,
                "day": int(day),
                "until": int(day),
                "reads": "difference of the outcome between arms",
                "stops": "decide" if last else "stop for the effect, or for harm; else go on",
                "reads_effect": True,
                "information": look.information,
                "treated": round(arms[0]),
                "control": round(arms[1]),
                "z": look.z,
                "stop_above": beyond,
                "stop_below": -beyond,
            }
        )
    return rows
