"""What two initiatives bring together where they reach the same customers (R3).

Value is not added up: a customer can be kept once, and is not kept at a margin that he would
have left with. Effects on survival and margin are combined in the customer, and the roadmap
takes what a pair is worth more, or less, than the sum of the two.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.roi import increments
from crmlib.roi.cashflow import LIVES, BusinessCase
from crmlib.roi.npv import Npv

FloatArray = NDArray[np.float64]


def overlaps(
    found: Npv, selections: pd.DataFrame, segment: pd.Series, reach: pd.Series
) -> pd.DataFrame:
    """Worth of each pair beyond the sum of the two, in every draw.

    Parameters
    ----------
    found : Npv
    selections : DataFrame of bool, index customer_id, one column for each initiative
        Whom each initiative is for; of a case that reaches nobody in a segment, nobody there.
    segment : Series, index customer_id
    reach : Series, index initiative
        Share of them that is reached.

    Returns
    -------
    DataFrame of shape (n_draws, n_pairs)
        Columns are pairs of initiatives: those for the same customers whose effects meet, on
        survival and margin, or on the same way back or up.

    Notes
    -----
    Among customers whom both are for, reach and take-up of the two are taken to be
    independent. Costs are each initiative's own and no part of an overlap.
    """
    pairs: dict[tuple[str, str], FloatArray] = {}
    for one, other in combinations(found.cases, 2):
        both = selections[one] & selections[other]
        number = segment[both].value_counts().reindex(found.segments, fill_value=0)
        number = number.to_numpy(float) * (found.cases[one].reached > 0)
        number *= found.cases[other].reached > 0
        there = np.flatnonzero(number)
        extra = _extra(found.cases[one], found.cases[other], there) if there.size else None
        if extra is None:
            continue
        takers = found.cases[one].take_up * found.cases[other].take_up * reach[one] * reach[other]
        pairs[one, other] = takers * (extra @ number[there])
    return pd.DataFrame(pairs, index=found.draws.index)


def _extra(one: BusinessCase, other: BusinessCase, there: NDArray[np.intp]) -> FloatArray | None:
    """Per customer who adopts both, (n_draws, segments); None where effects do not meet."""
    if one.unit in LIVES and other.unit in LIVES:
        alone = one.increment_in(there) + other.increment_in(there)
        return _together(one, other, there) - alone
    if one.unit == other.unit and one.towards is not None:
        if one.unit == "migration_pp" and not np.array_equal(one.towards, other.towards):
            return None
        # nobody comes back or moves up twice: 1 − (1 − p)(1 − q) is less than p + q by p q,
        # and two effects that fade with half-lives a and b are both left with 1 / (1/a + 1/b)
        shorter = 1 / (1 / one.half_life + 1 / other.half_life)
        twice = replace(one, effect=one.effect * other.effect, half_life=shorter)
        return -twice.increment_in(there)
    return None


def _together(one: BusinessCase, other: BusinessCase, there: NDArray[np.intp]) -> FloatArray:
    """Increment of both effects in one customer."""
    changes = {unit: [] for unit in LIVES}
    for case in (one, other):
        changes[case.unit].append((case.effect[:, there], case.half_life))
    return increments.joint_increment(
        one.economics.margin[:, there], one.economics.retention[:, there],
        changes["retention_pp"], changes["margin_pct"], one.calendar,
    )  # fmt: skip
