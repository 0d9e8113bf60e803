"""The ladder: value tiers, then behaviour, then further rungs, crossed and merged (S1, S2).

Every customer stands on one level of each rung. Crossed, the levels make more cells than
a company can serve, some of them with hardly anybody in it. They are merged bottom-up:
first cells of too few customers, then as many as it takes to come down to the capacity.
Inactive customers are merged with others who are inactive where there are any, active ones
with active ones. Of those, cells that share more upper rungs are merged first, so that a
value tier stays whole as long as that is possible; among those the pair whose merger costs
least (Ward 1963, JASA 58:236), and each merger is listed with what it costs in value
explained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.segments.behaviour import ALL
from crmlib.segments.merging import UNKNOWN, Groups, sorted_sum
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Ladder:
    """Segments as they go live: one for every customer.

    Attributes
    ----------
    segment : Series of str, shape (n_customers,)
        Named segment of each customer, with the index of the tiers given.
    segments : DataFrame
        segment, value_tier (of a segment across tiers, all of them), across_tiers,
        cells (how many were merged into it), customers, customer_share, value,
        value_share (NaN where total value is not positive), mean_value; best tier
        first, within a tier by mean value.
    merges : DataFrame
        One row per merger in order: step, merged, into (the larger), customers,
        customers_into, reason, across_tiers, segments_left, explained_before,
        explained_after, lost, across_activity (active with inactive customers).
    cells : DataFrame
        One row per crossed cell that occurs: its level on each rung, customers, segment.
    explained_crossed, explained : float
        Share of the variance of value between segments (eta²), before all mergers and
        after; NaN where value does not vary.
    capacity, minimum : int
        Segments at most, customers of a segment at least.
    n : int
    """

    segment: pd.Series
    segments: pd.DataFrame
    merges: pd.DataFrame
    cells: pd.DataFrame
    explained_crossed: float
    explained: float
    capacity: int
    minimum: int
    n: int

    @property
    def rungs(self) -> list[str]:
        """Names of the rungs, uppermost first."""
        return self.cells.columns[:-2].tolist()

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be kept: a tier that is not whole, a segment that is too small."""
        said = []
        crossing = int(self.merges["across_tiers"].sum())
        if crossing:
            why = " and ".join(
                sorted(self.merges.loc[self.merges["across_tiers"], "reason"].unique())
            )
            said.append(f"{crossing} of {len(self.merges)} mergers had to cross value tiers: {why}")
        mixing = int(self.merges["across_activity"].sum())
        if mixing:
            said.append(
                f"{mixing} of {len(self.merges)} mergers put active and inactive customers "
                "together, for want of a segment that is like them"
            )
        if self.n < self.minimum:
            said.append(
                f"all {self.n} customers together are fewer than the {self.minimum} asked for"
            )
        return tuple(said)

    def place(self, rungs: pd.DataFrame) -> pd.Series:
        """Segment of other customers by their levels.

        A combination that did not occur goes to the largest segment that shares most
        upper rungs with it, so that nobody is without a segment.

        Parameters
        ----------
        rungs : DataFrame
            The columns of `rungs`; a missing level is "unknown".
        """
        wanted = pd.MultiIndex.from_frame(_levels(rungs[self.rungs]))
        known = self.cells.set_index(self.rungs)["segment"]
        found = known.reindex(wanted).to_numpy(dtype=object)
        missing = np.flatnonzero(pd.isna(found))
        codes, distinct = pd.factorize(wanted[missing])
        nearest = np.array([self._nearest(levels) for levels in distinct], dtype=object)
        if missing.size:
            found[missing] = nearest[codes]
        return pd.Series(found, index=rungs.index, name="segment", dtype="str")

    def weakest(self, rung: str, of_level: pd.Series) -> pd.Series:
        """The smallest figure among the levels of a rung that a segment is made of.

        So a ladder inherits the stability of its behaviour segments: a part of an unstable
        segment is not stable.

        Parameters
        ----------
        rung : str
        of_level : Series, index level
            Such as the Jaccard similarity of each behaviour segment; NaN where not known.
        """
        figures = self.cells[rung].map(of_level)
        return figures.groupby(self.cells["segment"]).min()

    def _nearest(self, levels: tuple[str, ...]) -> str:
        shared = (self.cells[self.rungs] == list(levels)).cumprod(axis=1).sum(axis=1)
        candidates = self.cells.loc[shared == shared.max(), "segment"]
        sizes = self.segments.set_index("segment")["customers"]
        return str(sizes[sizes.index.isin(candidates)].idxmax())


def behaviour_rung(found: pd.Series | Refusal, ids: pd.Index) -> pd.Series:
    """The behaviour segment of each customer; where it was refused all are of one.

    So a base of which behaviour tells nothing still has the ladder of its value tiers.
    """
    if isinstance(found, Refusal):
        return pd.Series(ALL, index=ids, name="behaviour_segment", dtype="str")
    return found.reindex(ids).rename("behaviour_segment")


def segment_table(
    value_tier: pd.Series,
    behaviour_segment: pd.Series,
    stage: pd.Series | Refusal,
    ladder: Ladder,
) -> pd.DataFrame:
    """The table of segments as it is kept: one row for every customer.

    Parameters
    ----------
    value_tier, behaviour_segment : Series of str, index customer_id
        Of which the ladder was built.
    stage : Series of str, index customer_id
        Where it was refused everybody's stage is unknown.

    Returns
    -------
    DataFrame
        customer_id, value_tier, behaviour_segment, lifecycle_stage, segment.
    """
    ids = value_tier.index
    known = pd.Series(dtype=object) if isinstance(stage, Refusal) else stage
    stages = known.reindex(ids).astype(object)
    table = _levels(
        pd.DataFrame(
            {
                "value_tier": value_tier,
                "behaviour_segment": behaviour_segment.reindex(ids),
                "lifecycle_stage": stages,
            }
        )
    )
    table = table.assign(segment=ladder.segment.reindex(ids).to_numpy())
    return table.rename_axis("customer_id").reset_index().astype("str")


def ladder_table(ladder: Ladder, rungs: pd.DataFrame) -> pd.DataFrame:
    """The table of a ladder of any number of rungs as it is kept: one row for every customer.

    Parameters
    ----------
    ladder : Ladder
    rungs : DataFrame, index customer_id
        The levels of which it was built, uppermost first.

    Returns
    -------
    DataFrame
        customer_id, the rungs, segment.
    """
    table = _levels(rungs).assign(segment=ladder.segment.reindex(rungs.index).to_numpy())
    return table.rename_axis("customer_id").reset_index().astype("str")


def build_ladder(
    value_tier: pd.Series,
    behaviour_segment: pd.Series,
    value: ArrayLike,
    *,
    tiers: Sequence[str],
    capacity: int,
    min_share: float,
    min_customers: int,
    further: Sequence[pd.Series] = (),
    behaviour: ArrayLike | Refusal | None = None,
    baseline: pd.DataFrame | Refusal | None = None,
) -> Ladder:
    """Cross the rungs and merge their cells bottom-up.

    Parameters
    ----------
    value_tier, behaviour_segment : Series of str, shape (n_customers,)
        The first two rungs; their names become those of the rungs. A missing level is
        "unknown", and an unknown tier the last one.
    value : array of shape (n_customers,)
        Money whose variance the segments are to explain; may be negative.
    tiers : sequence of str
        The value tiers, best first.
    capacity : int
        Segments that can be served, at most.
    min_share, min_customers : float, int
        Smallest segment as a share of all customers, and in customers; both hold.
    further : sequence of Series
        Lower rungs, such as needs segments, in order.
    behaviour : array of shape (n_customers, n_features), optional
        Scaled features: a merger then also costs what they lose in variance explained,
        all of them together as much as value does. Where omitted or refused value alone
        decides.

    baseline : DataFrame, optional
        The rungs and `segment` of an earlier ladder, by cell or by customer: what was merged
        in it stays merged and keeps its name, and only what then is too small, or too much,
        is merged further. Without it, or where it was refused, a few customers more can
        change which of two mergers of nearly equal cost is made.

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, or a tier is not one of `tiers`.
    NotIdentified
        If there is no customer.

    Notes
    -----
    A merger of segments a and b costs n_a n_b / (n_a + n_b) (m_a − m_b)² / SS of eta²,
    so that the costs add up to what is lost. Equal costs are decided by the order of the
    cells: tiers as given, other levels by name. Sums are taken over sorted values, so that
    the order of the rows moves nothing.
    """
    given = [value_tier, behaviour_segment, *further]
    if not all(rung.index.equals(value_tier.index) for rung in given):
        raise ValueError("the rungs must have one index: that of the customers, in one order")
    frame = _levels(pd.concat(given, axis=1))
    money = _checked(frame, value, tiers)
    if capacity < 1 or min_customers < 1 or not 0 <= min_share < 1:
        raise ValueError(
            f"capacity {capacity} and min_customers {min_customers} must be 1 at least, "
            f"min_share {min_share} from 0 to below 1"
        )
    minimum = max(min_customers, int(np.ceil(min_share * len(frame) - 1e-9)))
    cells, cell_of = _crossed(frame, tiers)
    given_features = behaviour is not None and not isinstance(behaviour, Refusal)
    features = np.asarray(behaviour, dtype=float) if given_features else None
    groups = Groups.of(cells, cell_of, money, features, tiers)
    crossed = groups.explained()
    before = _earlier(cells, baseline)
    merges = groups.merge(minimum, capacity, _together(before))
    sizes = np.bincount(cell_of, minlength=len(cells))
    names = groups.names(before, sizes, minimum)
    place = {cell: at for at, members in enumerate(groups.members) for cell in members}
    group_of_cell = np.array([place[cell] for cell in range(len(cells))])
    listed = cells.assign(customers=sizes, segment=np.array(names, dtype=object)[group_of_cell])
    labels = pd.Series(listed["segment"].to_numpy()[cell_of], index=frame.index, name="segment")
    return Ladder(
        segment=labels.astype("str"),
        segments=groups.table(names, float(sorted_sum(money))),
        merges=merges,
        cells=listed.reset_index(drop=True),
        explained_crossed=crossed,
        explained=groups.explained(),
        capacity=capacity,
        minimum=minimum,
        n=len(frame),
    )


def ladder_of(
    rungs: pd.DataFrame,
    value: pd.Series,
    *,
    tiers: Sequence[str],
    capacity: int,
    min_share: float,
    min_customers: int,
    features: ArrayLike | None = None,
) -> Ladder:
    """`build_ladder` of a table of rungs, value tier first, behaviour second.

    Parameters
    ----------
    rungs : DataFrame, index customer_id
    value : Series, index customer_id
    features : array of shape (n_customers, n_features), optional
        What a merger shall lose little of, besides value.
    """
    names = list(rungs.columns)
    return build_ladder(
        rungs[names[0]], rungs[names[1]], value.reindex(rungs.index),
        tiers=tiers, capacity=capacity, min_share=min_share, min_customers=min_customers,
        further=[rungs[name] for name in names[2:]], behaviour=features,
    )  # fmt: skip


def _levels(frame: pd.DataFrame) -> pd.DataFrame:
    """Levels as text, "unknown" where there is none."""
    names = list(frame.columns)
    if len({*names, "customers", "segment"}) < len(names) + 2 or None in names:
        raise ValueError(f"rungs need names that differ, not `customers` or `segment`: {names}")
    return frame.astype(object).where(frame.notna(), UNKNOWN).map(str)


def _checked(frame: pd.DataFrame, value: ArrayLike, tiers: Sequence[str]) -> FloatArray:
    """Values as floats, where everything fits together."""
    money = np.asarray(value, dtype=float)
    if len(frame) == 0:
        raise NotIdentified("there is no customer to be put into a segment")
    if money.shape != (len(frame),):
        raise ValueError(f"{len(frame)} customers on the rungs, values of shape {money.shape}")
    bad = np.flatnonzero(~np.isfinite(money))
    if bad.size:
        raise ValueError(f"value must be finite, found {money[bad[0]]} at position {bad[0]}")
    strange = sorted(set(frame.iloc[:, 0]) - {*tiers, UNKNOWN})
    if strange:
        raise ValueError(f"value tier {strange[0]!r} is none of {list(tiers)}")
    return money


def _crossed(frame: pd.DataFrame, tiers: Sequence[str]) -> tuple[pd.DataFrame, IntArray]:
    """Cells that occur, in order of tier and names; and the cell of each customer."""
    order = {tier: at for at, tier in enumerate([*tiers, UNKNOWN])}
    keys = frame.assign(**{frame.columns[0]: frame.iloc[:, 0].map(order)})
    numbers = keys.groupby(list(frame.columns), sort=True).ngroup().to_numpy()
    _, first = np.unique(numbers, return_index=True)
    return frame.iloc[first].reset_index(drop=True), numbers


def _earlier(cells: pd.DataFrame, baseline: pd.DataFrame | Refusal | None) -> pd.Series:
    """The segment that each cell was in before; NaN of one that is new."""
    if baseline is None or isinstance(baseline, Refusal):
        return pd.Series(np.nan, index=cells.index, dtype=object)
    rungs = list(cells.columns)
    if not {*rungs, "segment"} <= set(baseline.columns):
        raise ValueError(f"baseline needs the columns {[*rungs, 'segment']}")
    known = baseline[[*rungs, "segment"]].drop_duplicates(rungs).set_index(rungs)["segment"]
    before = known.astype(object).reindex(pd.MultiIndex.from_frame(cells))
    return before.set_axis(cells.index)


def _together(before: pd.Series) -> list[list[int]]:
    """Positions of the cells that an earlier ladder has merged, segment by segment."""
    places = pd.Series(range(len(before)), index=before.to_numpy(dtype=object))
    return [found.tolist() for _, found in places.groupby(level=0) if len(found) > 1]
