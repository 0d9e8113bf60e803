"""One verdict on change: all tests together, with one rate of false alarms (S6).

Population stability, sizes, births and separation are tested at once. Their largest
surprise under swapped dates gives adjusted p-values by the step-down maximum method
(Westfall & Young 1993, algorithm 2.8): whatever the tests have in common, in at most the
stated share of undisturbed pairs of dates any alarm is raised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.segments.births import Births
from crmlib.segments.drift import PopulationStability, Surprises
from crmlib.segments.retirements import Retirements
from crmlib.segments.two_dates import FloatArray

DRIFT, RESIZED, BORN = "drift", "size changed", "born"
BELOW, DYING, BLURRED, KEEPS = "below minimum size", "dying", "no longer distinct", "keeps"
_NOT_RENEWED = 0.5  # of a dying segment's leavers, at most, are replaced by those who come
_SAME_AS_ONE_CLOUD = 0.05  # from this p on, two segments look like a split of one cloud


@dataclass(frozen=True)
class Alarms:
    """What has changed beyond chance.

    Attributes
    ----------
    table : DataFrame
        One row per test: kind (shares, size, birth, separation), what (feature, segment or
        group), p_adjusted, alarm (bool), says (drift, size changed, dying, born, no longer
        distinct, or nothing).
    verdicts : Series
        By segment: dying, no longer distinct, below minimum size, or keeps.
    born : tuple of str
        Groups that are segments by now.
    rate : float
        Family-wise rate of false alarms.
    """

    table: pd.DataFrame
    verdicts: pd.Series
    born: tuple[str, ...]
    rate: float

    @property
    def raised(self) -> bool:
        """Whether anything has changed beyond chance."""
        return bool(self.table["alarm"].any())


def alarms(
    stability: PopulationStability, born: Births, retired: Retirements, *, rate: float
) -> Alarms:
    """All tests of change together.

    Parameters
    ----------
    stability, retired
        From the same comparison of two dates.
    born : Births
        From the same or, since a birth takes its time, from an earlier date; with as many
        swaps.
    rate : float
        Family-wise rate of false alarms, 0–1.

    Raises
    ------
    ValueError
        If there are too few swaps to raise any alarm at this rate, or not equally many.

    Notes
    -----
    Swaps of two pairs of dates are drawn apart. The largest of independent surprises is no
    smaller than that of surprises which go together, so that the rate is kept.

    A segment below minimum size is a fact about the later date and no alarm.
    """
    families = [stability.tested, retired.shares.tested, born.tested, retired.tested]
    replications = len(stability.tested.swapped)
    if len(born.tested.swapped) != replications:
        raise ValueError(
            f"births have {len(born.tested.swapped)} swaps, the other tests {replications}"
        )
    if 1 / (replications + 1) > rate:
        raise ValueError(f"a rate of {rate:g} needs at least {np.ceil(1 / rate) - 1:.0f} swaps")
    adjusted = step_down(families)
    rows = [(family.kind, name) for family in families for name in family.names]
    table = pd.DataFrame(rows, columns=["kind", "what"]).assign(p_adjusted=adjusted)
    table["alarm"] = table["p_adjusted"] <= rate
    groups = born.born(table.loc[table["kind"] == "birth", "alarm"].to_numpy(bool))
    table["says"] = [
        _says(kind, what, groups, retired) if alarm else ""
        for kind, what, alarm in zip(table["kind"], table["what"], table["alarm"], strict=True)
    ]
    # a test may be beyond chance and of no consequence: a group that is no segment, a
    # separation lost between segments that are still told apart
    table["alarm"] &= table["says"] != ""
    return Alarms(table, _verdicts(table, retired), tuple(groups), rate)


def step_down(families: list[Surprises]) -> FloatArray:
    """Adjusted p-values of all tests, in their order.

    Notes
    -----
    From the most surprising test down, each is compared with the largest surprise of itself
    and those behind it; no test has a smaller p-value than one before it.
    """
    observed = np.concatenate([family.observed for family in families])
    swapped = np.hstack([family.swapped for family in families])
    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(swapped[:, order[::-1]], axis=1)[:, ::-1]
    beyond = (largest >= observed[order] - 1e-9).sum(axis=0)
    p = np.maximum.accumulate((1 + beyond) / (1 + len(swapped)))
    adjusted = np.empty(observed.size)
    adjusted[order] = p
    return adjusted


def _says(kind: str, what: str, born: list[str], retired: Retirements) -> str:
    """What an alarm of one test means; nothing where it is of no consequence."""
    if kind == "shares":
        return DRIFT
    if kind == "birth":
        return BORN if what in born else ""
    segment = retired.table.loc[what]
    if kind == "separation":
        return BLURRED if segment["one_cloud"] >= _SAME_AS_ONE_CLOUD else ""
    fewer = segment["after"] < segment["before"]
    unrenewed = not segment["renewal"] > _NOT_RENEWED
    falls = segment["share_after"] < segment["share_before"]
    return DYING if falls and fewer and unrenewed else RESIZED


def _verdicts(table: pd.DataFrame, retired: Retirements) -> pd.Series:
    """What becomes of each segment: the gravest that is said of it."""
    said = table[table["alarm"]].groupby("what")["says"].agg(set)
    verdicts = {}
    for segment, size in retired.table["after"].items():
        words = said.get(segment, set())
        grave = [word for word in (DYING, BLURRED) if word in words]
        verdicts[segment] = BELOW if size < retired.smallest else (grave or [KEEPS])[0]
    return pd.Series(verdicts, name="verdict").rename_axis("segment")
