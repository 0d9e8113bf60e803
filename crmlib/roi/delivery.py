"""Whether a pilot reached its customers as drawn, 48 hours after its start (R8).

A split that is not the planned one means that somebody is missing for a reason, and then a
difference between arms is no effect. This check reads counts and deliveries, never outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class DeliveryCheck:
    """Whether a pilot reached its customers as drawn.

    Attributes
    ----------
    table : DataFrame
        arm, assigned, sent, delivered, expected (customers by the planned split),
        delivered_share (of what was sent; empty where nothing was).
    ratio_p : float
        Chance of a split at least as uneven if customers were assigned as planned.
    sound : bool
        Whether `ratio_p` is not below the stated rate and enough arrived wherever it was sent.
    reason : str
    """

    table: pd.DataFrame
    ratio_p: float
    sound: bool
    reason: str


def delivery_check(arms: pd.DataFrame, *, alpha: float, least_delivered: float) -> DeliveryCheck:
    """The check after 48 hours: sample ratio and delivery, never the effect.

    Parameters
    ----------
    arms : DataFrame
        arm, planned (share of customers, any scale), assigned (customers found in the arm),
        sent and delivered (messages or the like; 0 in an arm that gets none).
    alpha : float
        Rate of false alarms about the split.
    least_delivered : float
        Share of what was sent that has to arrive in every arm (0–1).

    Raises
    ------
    NotIdentified
        If there are fewer than two arms or nobody is assigned yet.
    ValueError
        If a column lacks or a count is impossible.

    Notes
    -----
    Exact binomial test of two arms, chi-squared of more (Fabijan et al. 2019, "Diagnosing
    Sample Ratio Mismatch in Online Controlled Experiments", KDD).
    """
    missing = [
        name
        for name in ("arm", "planned", "assigned", "sent", "delivered")
        if name not in arms.columns
    ]
    if missing:
        raise ValueError(f"arms lack the columns {', '.join(missing)}")
    planned, assigned, sent, delivered = (
        arms[name].to_numpy(float) for name in ("planned", "assigned", "sent", "delivered")
    )
    counts = np.array([assigned, sent, delivered])
    if not ((counts >= 0) & (counts == np.round(counts))).all() or (delivered > sent).any():
        raise ValueError("counts must be whole, not negative, and delivered at most what was sent")
    if not (np.isfinite(planned) & (planned > 0)).all() or not 0 <= least_delivered <= 1:
        raise ValueError("planned shares must be positive, least_delivered between 0 and 1")
    if len(arms) < 2 or assigned.sum() == 0:
        raise NotIdentified(
            f"{len(arms)} arms with {assigned.sum():.0f} customers: there is no split to check yet"
        )
    expected = assigned.sum() * planned / planned.sum()
    share = np.divide(delivered, sent, out=np.full(sent.shape, np.nan), where=sent > 0)
    table = arms[["arm", "assigned", "sent", "delivered"]].assign(
        expected=expected, delivered_share=share
    )
    ratio_p = _ratio_p(assigned, expected)
    faults = [f"the split {_split(assigned)} is not the planned one"] * (ratio_p < alpha)
    faults += [
        f"only {each:.1%} arrived in {arm}"
        for arm, each in zip(arms["arm"], share, strict=True)
        if each < least_delivered
    ]
    return DeliveryCheck(table, ratio_p, not faults, "; ".join(faults) or "delivered as drawn")


def _ratio_p(assigned: FloatArray, expected: FloatArray) -> float:
    if assigned.size == 2:
        share = expected[0] / expected.sum()
        return float(stats.binomtest(int(assigned[0]), int(assigned.sum()), share).pvalue)
    return float(stats.chisquare(assigned, expected).pvalue)


def _split(assigned: FloatArray) -> str:
    return " : ".join(f"{count:,.0f}" for count in assigned)
