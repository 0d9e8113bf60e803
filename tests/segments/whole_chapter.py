"""The steps of 03_segments from behaviour to the table of segments, as the notebook takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from crmlib import segments, value
from crmlib.segments.behaviour import INACTIVE
from crmlib.stats.refusal import Refusal

TIERS = ("high", "medium", "low")


@dataclass(frozen=True)
class Chapter:
    """What the chapter's steps have made."""

    table: pd.DataFrame
    ladder: segments.Ladder
    found: segments.BehaviourSegments | Refusal
    prepared: segments.Prepared | Refusal


def segmented(
    behaviour: pd.DataFrame,
    tier: pd.Series,
    worth: pd.Series,
    *,
    methods: Sequence[str] = ("kmeans",),
    most: int = 8,
    capacity: int = 12,
    min_share: float = 0.02,
    min_customers: int = 30,
    min_cell: int = 10,
    replications: int = 4,
    seed: int = 1,
    tail: float = 0.01,
    tiers: Sequence[str] = TIERS,
    before: Chapter | None = None,
) -> Chapter:
    """One segment for each customer.

    Parameters
    ----------
    behaviour : DataFrame
        customer_id and features.
    tier, worth : Series, index customer_id
        In the order of `behaviour`.
    before : Chapter, optional
        Of the version that is gone on from.
    """
    doing = behaviour[segments.active(behaviour)]
    earlier = None
    if before is not None:
        formed = before.table[before.table["behaviour_segment"] != INACTIVE]
        earlier = segments.earlier_segments(doing["customer_id"], formed)
    prepared = value.attempt(segments.prepare, doing, tail=tail)
    choice = value.attempt(
        segments.choose_behaviour, prepared, methods=list(methods), most=most,
        min_share=min_share, min_cell=min_cell, replications=replications, seed=seed,
        earlier=earlier,
    )  # fmt: skip
    found = value.attempt(segments.name_behaviour, prepared, choice, own={}, earlier=earlier)
    named = value.attempt(
        segments.BehaviourSegments.of_customers, found, doing["customer_id"], tier.index
    )
    rung = segments.behaviour_rung(named, tier.index)
    ladder = segments.build_ladder(
        tier.rename("value_tier"), rung, worth, tiers=tiers, capacity=capacity,
        min_share=min_share, min_customers=max(min_customers, min_cell),
        behaviour=value.attempt(segments.Prepared.matrix_of, prepared, behaviour),
        baseline=None if before is None else before.ladder.cells,
    )  # fmt: skip
    table = segments.segment_table(tier, rung, Refusal("not asked for"), ladder)
    return Chapter(table, ladder, found, prepared)
