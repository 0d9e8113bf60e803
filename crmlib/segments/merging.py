"""Merging segments bottom-up: whom with whom, at what cost in value explained (S1).

The state of `crmlib.segments.ladder` while cells are merged. Ward (1963), *Hierarchical
grouping to optimize an objective function*, JASA 58:236: of two segments a and b merged,
the sum of squares within grows by n_a n_b / (n_a + n_b) times their squared distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.segments.behaviour import INACTIVE

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

UNKNOWN = "unknown"  # the level of a customer without one: nobody is left out
TOO_FEW, TOO_MANY = "too few customers", "more segments than can be served"
AS_BEFORE = "as in the version before"
STEP, AND = " · ", " + "  # between rungs, between what was merged
ACTIVE = "active"  # all levels of a rung but `INACTIVE`
_BOTH = 2  # the activity of a segment that holds active customers and inactive ones
_NAMED = 3  # levels that a merged segment names; the others are counted
_DIGITS = 12  # of a cost: what differs behind them is rounding, and equal


def sorted_sum(numbers: FloatArray) -> np.float64:
    """A sum that does not depend on the order of the rows."""
    return np.sort(numbers).sum()


def _means(column: FloatArray, cell_of: IntArray, cells: int) -> FloatArray:
    """Mean of each cell; not dependent on the order of the rows."""
    order = np.lexsort((column, cell_of))
    starts = np.searchsorted(cell_of[order], np.arange(cells))
    return np.add.reduceat(column[order], starts) / np.bincount(cell_of, minlength=cells)


def _smallest(keys: FloatArray) -> int:
    """Position of the column that is smallest by its first row, then by the next; the first one."""
    left = np.arange(keys.shape[1])
    for row in keys:
        left = left[row[left] == row[left].min()]
    return int(left[0])


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number where another segment has it."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


@dataclass
class Groups:
    """The segments while they are merged; all arrays have one entry per segment.

    Attributes
    ----------
    cells : DataFrame
        Levels of each crossed cell.
    members : list of list of int
        Cells in each segment.
    sizes : array
        Customers.
    means : array of shape (n_segments, 1 + n_features)
        Of value, then of the features.
    weights : array of shape (1 + n_features,)
        What a squared difference of means counts; of value 1 / SS, so that its costs are eta².
    codes : array of shape (n_segments, n_rungs)
        Level on each rung; a negative number of its own where a segment has several.
    tiers : array of shape (n_segments, 2)
        First and last tier in it.
    activity : array
        0 where its customers are active, 1 where they are inactive, 2 where it holds both.
    """

    cells: pd.DataFrame
    members: list[list[int]]
    sizes: IntArray
    means: FloatArray
    weights: FloatArray
    codes: IntArray
    tiers: IntArray
    activity: IntArray
    _mixed: int = 0

    @classmethod
    def of(
        cls,
        cells: pd.DataFrame,
        cell_of: IntArray,
        money: FloatArray,
        features: FloatArray | None,
        tiers: Sequence[str],
    ) -> Groups:
        columns = [money] if features is None else [money, *features.T]
        spread = [float(sorted_sum((c - sorted_sum(c) / c.size) ** 2)) for c in columns]
        shares = [1.0, *[1 / max(len(columns) - 1, 1)] * (len(columns) - 1)]
        # a column of equal figures keeps rounding as its spread: it explains nothing
        flat = [s <= 1e-20 * float(sorted_sum(c**2)) for c, s in zip(columns, spread, strict=True)]
        weights = [0.0 if f else w / s for f, w, s in zip(flat, shares, spread, strict=True)]
        position = {tier: at for at, tier in enumerate([*tiers, UNKNOWN])}
        tier = cells.iloc[:, 0].map(position).to_numpy()
        return cls(
            cells=cells,
            members=[[cell] for cell in range(len(cells))],
            sizes=np.bincount(cell_of, minlength=len(cells)),
            means=np.column_stack([_means(c, cell_of, len(cells)) for c in columns]),
            weights=np.array(weights),
            codes=np.column_stack([pd.factorize(cells[name])[0] for name in cells]),
            tiers=np.column_stack([tier, tier]),
            activity=(cells.iloc[:, 1:] == INACTIVE).any(axis=1).to_numpy(dtype=np.int64),
        )

    def explained(self) -> float:
        """Share of the variance of value between segments; NaN where value does not vary."""
        if self.weights[0] == 0:
            return float("nan")
        centre = self.sizes @ self.means[:, 0] / self.sizes.sum()
        return float(self.sizes @ (self.means[:, 0] - centre) ** 2 * self.weights[0])

    def merge(
        self, minimum: int, capacity: int, together: Sequence[Sequence[int]] = ()
    ) -> pd.DataFrame:
        """Merge until every segment is large enough and they are few enough; the list of it.

        Cells that are `together` are merged first, whatever it costs.
        """
        rows: list[tuple[object, ...]] = []
        for cells in together:
            for cell in cells[1:]:
                pair = self._place(cells[0]), self._place(cell)
                rows.append((len(rows) + 1, *self._join(*pair, AS_BEFORE)))
        while len(self.members) > 1:
            smallest = int(np.argmin(self.sizes))
            if self.sizes[smallest] < minimum:
                pair, reason = self._partner(smallest), TOO_FEW
            elif len(self.members) > capacity:
                pair, reason = self._cheapest(), TOO_MANY
            else:
                break
            rows.append((len(rows) + 1, *self._join(*pair, reason)))
        columns = ["step", "merged", "into", "customers", "customers_into", "reason",
                   "across_tiers", "segments_left", "explained_before", "explained_after",
                   "lost", "across_activity"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns).astype(
            {"across_tiers": bool, "across_activity": bool}
        )

    def _place(self, cell: int) -> int:
        """The segment that a cell is in."""
        return next(at for at, members in enumerate(self.members) if cell in members)

    def _partner(self, one: int) -> tuple[int, int]:
        """The segment that `one` is best merged with."""
        keys = self._keys(np.array([one]))
        keys[:, 0, one] = np.inf
        return one, int(_smallest(keys[:, 0]))

    def _cheapest(self) -> tuple[int, int]:
        """The pair of segments that is best merged."""
        keys = self._keys(np.arange(len(self.members)))
        first, second = np.triu_indices(len(self.members), 1)
        best = _smallest(keys[:, first, second])
        return int(first[best]), int(second[best])

    def _keys(self, ones: IntArray) -> FloatArray:
        """What decides on mergers, smallest first.

        Whether active and inactive customers come together: nobody who is gone is served
        like one who is there, however much they once brought. Then rungs not shared, tiers
        between, cost.
        """
        like = (self.activity[ones, None] == self.activity) & (self.activity < _BOTH)
        same = self.codes[ones, None, :] == self.codes[None, :, :]
        apart = self.codes.shape[1] - np.cumprod(same, axis=2).sum(axis=2)
        lo = np.maximum(self.tiers[ones, None, 0], self.tiers[None, :, 0])
        hi = np.minimum(self.tiers[ones, None, 1], self.tiers[None, :, 1])
        weight = self.sizes[ones, None] * self.sizes / (self.sizes[ones, None] + self.sizes)
        cost = np.zeros(weight.shape)
        for column, scale in zip(self.means.T, self.weights, strict=True):
            cost += scale * (column[ones, None] - column) ** 2
        return np.stack([~like, apart, np.maximum(lo - hi, 0), np.round(weight * cost, _DIGITS)])

    def _join(self, one: int, other: int, reason: str) -> tuple[object, ...]:
        """Merge two segments; their row in the list."""
        before = self.explained()
        small, large = sorted((one, other), key=lambda at: (self.sizes[at], at))
        crossing = bool(
            (self.tiers[small] != self.tiers[large]).any()
            or self.tiers[small, 0] != self.tiers[small, 1]
        )
        row = (
            self._name(self.members[small]),
            self._name(self.members[large]),
            int(self.sizes[small]),
            int(self.sizes[large]),
        )
        kept, gone = min(one, other), max(one, other)
        like = self.activity[kept] == self.activity[gone]
        self.activity[kept] = self.activity[kept] if like else _BOTH
        both = self.sizes[[kept, gone]]
        self.means[kept] = both @ self.means[[kept, gone]] / both.sum()
        self.sizes[kept] = both.sum()
        self.members[kept] = sorted(self.members[kept] + self.members.pop(gone))
        different = self.codes[kept] != self.codes[gone]
        self._mixed -= 1
        self.codes[kept, different] = self._mixed
        pair = self.tiers[[kept, gone]]
        self.tiers[kept] = pair[:, 0].min(), pair[:, 1].max()
        self.sizes = np.delete(self.sizes, gone)
        self.means, self.codes, self.tiers, self.activity = (
            np.delete(array, gone, axis=0)
            for array in (self.means, self.codes, self.tiers, self.activity)
        )
        after = self.explained()
        lost = max(before - after, 0.0)
        return (*row, reason, crossing, len(self.members), before, after, lost, not like)

    def names(self, before: pd.Series, people: IntArray, minimum: int) -> list[str]:
        """Names made of the levels, different from each other; an earlier one stays.

        Parameters
        ----------
        before : Series
            The earlier segment of each cell, NaN of a cell that is new. A segment has its
            earlier name as long as what came to it is less than a segment of its own.
        people : array
            Customers of each cell.
        minimum : int
            Customers of a segment, at least.
        """
        found: list[str] = []
        for members in self.members:
            known = before.iloc[members].notna().to_numpy()
            earlier = before.iloc[members][known].unique().tolist()
            came = int(people[members][~known].sum())
            stays = len(earlier) == 1 and came < minimum
            found.append(str(earlier[0]) if stays else "")
        taken = set(found)
        for at, members in enumerate(self.members):
            if not found[at]:
                # levels may themselves hold the signs between levels
                found[at] = _free(self._name(members), taken)
                taken.add(found[at])
        return found

    def _name(self, members: list[int]) -> str:
        """Levels on each rung; one of which a segment holds all there is goes unsaid.

        Where it holds all but the inactive, who go with others like them, it is "active".
        """
        inside = self.cells.iloc[members]
        parts = []
        for depth, rung in enumerate(self.cells):
            levels = inside[rung].unique().tolist()
            upper = [self.cells[name].isin(inside[name]) for name in self.cells.columns[:depth]]
            around = self.cells[np.logical_and.reduce(upper)] if upper else self.cells
            if depth and len(levels) > 1 and len(around) == len(inside):
                break
            active = int((around.iloc[:, depth] != INACTIVE).sum())
            if depth and len(levels) > 1 and INACTIVE not in levels and active == len(inside):
                parts.append(ACTIVE)
                break
            more = f"{AND}{len(levels) - _NAMED} others" if len(levels) > _NAMED + 1 else ""
            shown = levels[: _NAMED if more else len(levels)]
            parts.append(AND.join(shown) + more)
        return STEP.join(parts)

    def table(self, names: Sequence[str], total: float) -> pd.DataFrame:
        """The segments with their size and value."""
        tiers = [AND.join(self.cells.iloc[members, 0].unique()) for members in self.members]
        value = self.sizes * self.means[:, 0]
        table = pd.DataFrame(
            {
                "segment": list(names),
                "value_tier": tiers,
                "across_tiers": self.tiers[:, 0] != self.tiers[:, 1],
                "cells": [len(members) for members in self.members],
                "customers": self.sizes,
                "customer_share": self.sizes / self.sizes.sum(),
                "value": value,
                "value_share": value / total if total > 0 else np.nan,
                "mean_value": self.means[:, 0],
            }
        )
        order = np.lexsort((table["segment"], -table["mean_value"], self.tiers[:, 0]))
        return table.iloc[order].reset_index(drop=True)
