"""Which groups of customers may be shown without telling of single persons.

Statistical disclosure control of tables (Hundepool et al. 2012, *Statistical
Disclosure Control*, Wiley, ch. 4): the threshold rule marks a group of too few
as sensitive, redesign merges it with its neighbours, primary suppression
withholds it, and secondary suppression withholds others as well where it could
be found by subtraction from totals that are shown. The audit is an attacker's:
a figure is exposed where the shown figures, as linear equations, leave one
value for it.

A group is *small* where it has customers and fewer than `min_cell`. A group
without customers reveals nobody and may be shown as zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

# Numbers of equal bands of ranked customers, finest first. Within a base one of
# them is the grid; tenths, fifths and halves are shown only where they are unions
# of its bands.
BANDS = (100, 50, 20, 10, 5, 2, 1)
_RANK_TOLERANCE, _ZERO = 1e-9, 1e-7  # equations hold 0 and 1: what is smaller is rounding


def is_small(counts: ArrayLike, min_cell: int) -> BoolArray:
    """Groups that have customers, and fewer than `min_cell` (threshold rule).

    >>> is_small([0, 3, 10], 10).tolist()
    [False, True, False]
    """
    numbers = np.asarray(counts)
    return (numbers > 0) & (numbers < min_cell)


def merge_small(
    counts: ArrayLike, min_cell: int, crossing: ArrayLike | None = None
) -> list[tuple[int, int]]:
    """Merge ordered groups with their neighbours until each has enough customers.

    Groups are filled from the first on; what is left over at the end joins the
    last group. Empty groups are merged as well: beside a merged group a zero is
    one equation more for whoever solves for its parts.

    Parameters
    ----------
    counts : array of shape (n_groups,)
        Customers in each group, in order.
    min_cell : int
        Smallest group that may be shown.
    crossing : array of shape (n_groups,), optional
        How many customers another partition that is shown places beyond group i
        and this one does not: subtracting the two shows them, so a group ends at
        i only where they are none or enough.

    Returns
    -------
    list of (first, end)
        Positions first … end − 1 form one group. A single group where fewer than
        2 · `min_cell` customers are there.

    >>> merge_small([40, 12, 4, 3, 5, 1], 10)
    [(0, 1), (1, 2), (2, 6)]
    """
    numbers = np.asarray(counts)
    may_end = np.ones(numbers.size, dtype=bool)
    if crossing is not None:
        may_end = ~is_small(crossing, min_cell)
    ends, filled = [], 0
    for position, count in enumerate(numbers):
        filled += count
        if filled >= min_cell and may_end[position]:
            ends.append(position + 1)
            filled = 0
    ends = [*ends[:-1], numbers.size] if ends else [numbers.size]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def bands(customers: int, min_cell: int, most: int = 100) -> int:
    """Into how many equal bands ranked customers may be cut: the finest grid that is safe.

    Curves, deciles and top shares of one base take their points from this grid.
    The difference of two of its points is then a union of whole bands, and each
    band has at least `min_cell` customers.

    Parameters
    ----------
    most : int
        Bands wanted at most.

    >>> bands(23_570, 10), bands(120, 10), bands(60, 10), bands(30, 10), bands(12, 10)
    (100, 10, 5, 2, 1)
    """
    return next(b for b in BANDS if b <= most and (b == 1 or customers // b >= min_cell))


def band_ends(customers: int, bands: int) -> IntArray:
    """Customers in the best 0, 1, 2, … bands: whole customers, sizes differ by one at most.

    Interpolating within a customer would show that customer's value beside a
    table of whole customers. Rounding up makes 2 of 10 the same customers as 20
    of 100.

    >>> band_ends(23, 5).tolist()
    [0, 5, 10, 14, 19, 23]
    """
    return -(-np.arange(bands + 1) * customers // bands)


@dataclass(frozen=True)
class Withheld:
    """What must not be shown.

    Attributes
    ----------
    cells : array of bool, shape (n_cells,)
    totals : array of bool, shape (n_totals,)
    safe : bool
        False where totals that are published in any case tell of a small group,
        whatever is withheld beside them.
    """

    cells: BoolArray
    totals: BoolArray
    safe: bool


def withhold(
    counts: ArrayLike,
    totals: ArrayLike,
    min_cell: int,
    *,
    also: ArrayLike | None = None,
    published: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    overlapping: bool = False,
) -> Withheld:
    """Primary and secondary suppression of cells beside their totals.

    Small cells are withheld. A total leaves, after subtraction of the cells that
    are known, the sum over those that are not: while these are too few
    customers, or while the totals together tell of a small cell or group, the
    smallest cell that helps is withheld as well, and where none does, a total.

    Parameters
    ----------
    counts : array of shape (n_cells,)
        Customers in each cell.
    totals : array of shape (n_totals, n_cells)
        True where a total counts a cell.
    min_cell : int
        Smallest group that may be shown.
    also : array of bool, shape (n_cells,), optional
        Cells withheld for another reason.
    published : array of bool, shape (n_totals,), optional
        Totals that are shown in any case; all where omitted.
    groups : array of bool, shape (n_groups, n_cells), optional
        Unions of cells that must not be told where they are small.
    overlapping : bool
        A customer may count in several cells of a total: what is left of it is
        then sure to be enough customers only if one cell of it is.

    Notes
    -----
    A remainder that is the whole published total says nothing beyond it and is
    left alone: whether a total may be shown is decided where it is published.
    Each step withholds one thing more, so the search ends.
    """
    numbers, sums = np.asarray(counts), np.atleast_2d(np.asarray(totals, dtype=bool))
    fixed = np.ones(len(sums), dtype=bool) if published is None else np.asarray(published)
    small = is_small(numbers, min_cell)
    unions = np.zeros((0, numbers.size), dtype=bool) if groups is None else np.asarray(groups)
    hidden = small if also is None else small | np.asarray(also)
    plan = _Suppression(
        counts=numbers,
        totals=sums,
        fixed=fixed,
        groups=np.vstack([np.diag(small)[small], unions[is_small(unions @ numbers, min_cell)]]),
        min_cell=min_cell,
        overlapping=overlapping,
        hidden=hidden.copy(),
        dropped=~fixed & is_small(sums @ numbers, min_cell),
    )
    while plan.close_a_leak():
        pass
    plan.show_again(keep=hidden)
    return Withheld(plan.hidden, plan.dropped, not any(plan.leaks()))


@dataclass
class _Suppression:
    """The state of the search of `withhold`; `groups` are the small ones."""

    counts: IntArray
    totals: BoolArray
    fixed: BoolArray
    groups: BoolArray
    min_cell: int
    overlapping: bool
    hidden: BoolArray
    dropped: BoolArray

    def known(self) -> BoolArray:
        """Cells that are shown or that the shown totals determine."""
        return self._told(np.eye(self.counts.size, dtype=bool))

    def leaks(self) -> tuple[set[int], set[int]]:
        """Totals that leave a small group when known cells are subtracted; small groups told."""
        known = self.known()
        inside = self.totals & (self.counts > 0)
        left = np.where(inside & ~known, self.counts, 0)
        people = left.max(axis=1, initial=0) if self.overlapping else left.sum(axis=1)
        some_known = (inside & known).any(axis=1)
        remainders = is_small(people, self.min_cell) & some_known & ~self.dropped
        return set(np.flatnonzero(remainders)), set(np.flatnonzero(self._told(self.groups)))

    def close_a_leak(self) -> bool:
        """Withhold one thing more against the first leak that can be closed."""
        remainders, exposed = self.leaks()
        hidden_but_known = self.hidden & self.known()
        for total in sorted(remainders):
            cells = np.diag(self.totals[total] & hidden_but_known)
            telling = [np.array([total]), *map(self._equations_of, cells[cells.any(axis=1)])]
            if self._close(telling, lambda t=total: t not in self.leaks()[0]):
                return True
        return any(
            self._close([self._equations_of(self.groups[g])], lambda g=g: g not in self.leaks()[1])
            for g in sorted(exposed)
        )

    def show_again(self, keep: BoolArray) -> None:
        """Show what need not have been withheld: a step may serve what a later one closed."""
        remainders, exposed = self.leaks()
        spare = np.flatnonzero(self.hidden & ~keep)
        for cell in spare[np.argsort(-self.counts[spare], kind="stable")]:
            self.hidden[cell] = False
            now = self.leaks()
            self.hidden[cell] = not (now[0] <= remainders and now[1] <= exposed)

    def _close(self, telling: list[IntArray], closed: Callable[[], bool]) -> bool:
        """Withhold a cell of the totals that tell, or one of these totals.

        First choice is the smallest cell, then the smallest total, without which
        the leak is closed. Where one alone does not close it, the smallest cell, or
        else total, goes, and the next step takes another.
        """
        involved = np.unique(np.concatenate(telling))
        inside = self.totals[involved].any(axis=0) & ~self.hidden & (self.counts > 0)
        cells = np.flatnonzero(inside)[np.argsort(self.counts[inside], kind="stable")]
        free = involved[~self.fixed[involved]]
        free = free[np.argsort(self.totals[free] @ self.counts, kind="stable")]
        for state, choices in ((self.hidden, cells), (self.dropped, free)):
            for choice in choices:
                state[choice] = True
                if closed():
                    return True
                state[choice] = False
        for state, choices in ((self.hidden, cells), (self.dropped, free)):
            if choices.size:
                state[choices[0]] = True
                return True
        return False

    def _told(self, groups: BoolArray) -> BoolArray:
        """Groups whose sum the shown cells and totals give."""
        return told(self.totals[~self.dropped][:, self.hidden], groups[:, self.hidden])

    def _equations_of(self, group: BoolArray) -> IntArray:
        """Shown totals that tell a group, and of which none can be spared."""
        wanted = group[self.hidden].astype(float)
        needed = np.flatnonzero(~self.dropped)
        equations = self.totals[needed][:, self.hidden].astype(float)
        combination = np.linalg.lstsq(equations.T, wanted, rcond=None)[0]
        needed = needed[np.abs(combination) > 1e-6]
        for total in needed:
            fewer = needed[needed != total]
            if told(self.totals[fewer][:, self.hidden], wanted[None])[0]:
                needed = fewer
        return needed


def told(equations: ArrayLike, groups: ArrayLike) -> BoolArray:
    """Sums of unknowns for which a linear system leaves one value, whatever its right-hand side.

    Parameters
    ----------
    equations : array of shape (n_equations, n_unknowns)
    groups : array of shape (n_groups, n_unknowns)

    Returns
    -------
    array of bool, shape (n_groups,)
        True where the group's indicator lies in the row space of the equations.

    >>> told([[1, 1, 0], [1, 1, 1]], [[1, 0, 0], [0, 0, 1], [0, 0, 0]]).tolist()
    [False, True, True]
    """
    matrix, wanted = np.asarray(equations, dtype=float), np.asarray(groups, dtype=float)
    if 0 in matrix.shape:
        return ~wanted.any(axis=1)
    _, lengths, rows = np.linalg.svd(matrix, full_matrices=False)
    rows = rows[lengths > _RANK_TOLERANCE * max(lengths.max(), 1)]
    return (np.abs(wanted - wanted @ rows.T @ rows) < _ZERO).all(axis=1)
