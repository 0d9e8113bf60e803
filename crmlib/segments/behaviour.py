"""The behaviour rung of the ladder in one step: chosen, named, and continued from before (S1).

What the notebook calls: prepared features in, one named segment for every customer out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.segments.choice import SegmentChoice, choose_segments
from crmlib.segments.naming import Names, continue_segments, name_segments
from crmlib.segments.stability import Stability
from crmlib.stats.refusal import Refusal

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

INACTIVE = "inactive"  # who holds nothing and has bought nothing of late
ALL = "all"  # the one level of a rung that was refused


class Features(Protocol):
    """What is needed of prepared features: `crmlib.segments.features.Prepared` has it."""

    @property
    def matrix(self) -> FloatArray:
        """Shape (n, p), without gaps."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the p columns."""


@dataclass(frozen=True, eq=False)
class Earlier:
    """Segments of an earlier version, as they bear on today's customers.

    Attributes
    ----------
    labels : array of shape (n,)
        Number of each customer's earlier segment; −1 for one who had none.
    names : tuple of str
        Of the earlier segments, by number.
    """

    labels: IntArray
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class BehaviourSegments:
    """One named behaviour segment for every customer.

    Attributes
    ----------
    choice : SegmentChoice
        With its segments, and their stability, numbered as `names` are.
    names : Names
    new, gone : tuple of str
        Segments that the earlier version did not have, and those that it alone has;
        empty where there is none to compare with.
    """

    choice: SegmentChoice
    names: Names
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def by_customer(self) -> NDArray[np.object_]:
        """Name of each customer's segment, shape (n,)."""
        return np.array(self.names.names, dtype=object)[self.choice.chosen.labels]

    def of_customers(self, ids: pd.Series, everyone: pd.Index) -> pd.Series:
        """The same by customer_id; who is not among those with behaviour is `INACTIVE`.

        Parameters
        ----------
        ids : Series
            In the order of the features.
        everyone : Index
            All customers.
        """
        named = pd.Series(self.by_customer, index=pd.Index(ids), dtype=object)
        return named.reindex(everyone).fillna(INACTIVE).astype("str").rename_axis("customer_id")

    @property
    def jaccard(self) -> pd.Series:
        """Stability by name; who is inactive is told by a rule, which comes back."""
        found = pd.Series(self.choice.stability.by_segment, index=list(self.names.names))
        return pd.concat([found, pd.Series({INACTIVE: 1.0})])


def choose_behaviour(
    prepared: Features,
    *,
    methods: Sequence[str],
    most: int,
    min_share: float,
    min_cell: int,
    replications: int,
    seed: int,
    earlier: Earlier | None = None,
) -> SegmentChoice:
    """Choose behaviour segments of which none is too small to be shown.

    As `crmlib.segments.choice.choose_segments`, with a least share of `min_share` or of
    `min_cell` customers, whichever is more, and as many as before while they pass.
    """
    n = len(prepared.matrix)
    least = max(min_share, min_cell / n if n else 0.0)
    return choose_segments(
        prepared.matrix, methods=methods, most=most, min_share=least,
        replications=replications, seed=seed, keep=None if earlier is None else len(earlier.names),
    )  # fmt: skip


def earlier_segments(customers: pd.Series, table: pd.DataFrame | Refusal) -> Earlier | None:
    """The earlier version's behaviour segments of today's customers.

    Parameters
    ----------
    customers : Series of shape (n,)
        customer_id of today's customers, in the order of the prepared features.
    table : DataFrame or Refusal
        customer_id and behaviour_segment (a name) of the earlier version.

    Returns
    -------
    Earlier or None
        None where there is no earlier version, or it had no behaviour segments. Who was
        inactive was in none: that is told by a rule, and today's customers may be told so.
    """
    if isinstance(table, Refusal):
        return None
    formed = table[~table["behaviour_segment"].isin([INACTIVE, ALL])]
    if formed.empty:
        return None
    # by size and name: numbers are not kept in the table
    sizes = formed["behaviour_segment"].value_counts().rename("size").reset_index()
    order = sizes.sort_values(["size", "behaviour_segment"], ascending=[False, True])
    names = tuple(order["behaviour_segment"].astype(str))
    numbers = formed.set_index("customer_id")["behaviour_segment"].map(
        {name: at for at, name in enumerate(names)}
    )
    return Earlier(customers.map(numbers).fillna(-1).to_numpy(dtype=np.int64), names)


def name_behaviour(
    prepared: Features,
    choice: SegmentChoice,
    *,
    own: Mapping[str, str],
    earlier: Earlier | None = None,
) -> BehaviourSegments:
    """Name the segments, after those of an earlier version that they continue.

    Parameters
    ----------
    prepared : Features
    choice : SegmentChoice
        From the same features.
    own : mapping of proposed to own name
        The client's words.
    earlier : Earlier, optional
        Where no customer of it is left, all segments are new.
    """
    table = pd.DataFrame(prepared.matrix, columns=list(prepared.names))
    if earlier is None or (earlier.labels < 0).all():
        names = name_segments(table, choice.chosen.labels, own=own, reserved=(INACTIVE, ALL))
        gone = () if earlier is None else earlier.names
        return BehaviourSegments(choice, names, () if earlier is None else names.names, gone)
    found = continue_segments(choice.chosen, earlier.labels, earlier.names)
    moved = replace(
        choice, chosen=found.segmentation, stability=_renumbered(choice.stability, found.order)
    )
    names = name_segments(
        table, found.segmentation.labels, own=own, kept=found.kept, reserved=(INACTIVE, ALL)
    )
    new = tuple(name for at, name in enumerate(names.names) if at not in found.kept)
    return BehaviourSegments(moved, names, new, found.gone)


def _renumbered(stability: Stability, order: IntArray) -> Stability:
    """The same figures for segments in another order."""
    fields = ("by_segment", "dissolved", "sizes", "error")
    return replace(stability, **{name: getattr(stability, name)[order] for name in fields})
