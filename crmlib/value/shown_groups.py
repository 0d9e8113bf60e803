"""Which tables of customers in groups may stand beside each other in a report.

Two tables that cut the same customers in different ways are equations for the sums
over what their groups have in common: `tells_of_few` asks whether these tell of a
small group. `withheld_migration` decides which cells between tiers may stand beside
the flows, which are sums over the same cells. The rules are those of
`crmlib.stats.disclosure`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlib.stats.disclosure import BoolArray, is_small, told, withhold
from crmlib.value.migration import FLOWS, GONE_STATE, LESS, MORE, NEW_STATE


def tells_of_few(groupings: Sequence[ArrayLike], min_cell: int) -> bool:
    """Whether tables by several groupings of the same customers tell of a small group.

    Parameters
    ----------
    groupings : sequence of arrays of shape (n_customers,)
        Group of each customer in each table. Every group's sum is taken to be shown.
    min_cell : int
        Smallest group that may be shown.

    Notes
    -----
    Asked for are the groups themselves, what two of them have in common, and what
    one has beyond another.

    >>> tells_of_few([list("aaaabbbb"), list("xxxxyyyy")], 3)
    False
    >>> tells_of_few([list("aaaabbbb"), list("xxxyyyyy")], 3)
    True
    """
    codes = [pd.factorize(np.asarray(one, dtype=object))[0] for one in groupings]
    atoms, people = np.unique(np.column_stack(codes), axis=0, return_counts=True)
    sums = [atoms[:, at] == code for at in range(len(codes)) for code in np.unique(atoms[:, at])]
    shown = np.array(sums)
    wanted = [*shown]
    for one in shown:
        wanted += [*(shown & one), *(shown & ~one)]
    sizes = np.array(wanted) @ people
    small = np.array(wanted)[is_small(sizes, min_cell)]
    return bool(small.size and told(shown, small).any())


@dataclass(frozen=True)
class ShownMigration:
    """What of a migration may be shown.

    Attributes
    ----------
    cells : DataFrame
        tier_1, tier_2, group: cells of one tier with the same number of the group may be
        shown as one, those with −1 may not.
    flows : tuple of tuples of str
        The flows that may be shown, those of few customers with others of their kind.
    rows : dict of str to bool
        Whether the size of a tier in period 1 may be told, and so the share of a cell.
    """

    cells: pd.DataFrame
    flows: tuple[tuple[str, ...], ...]
    rows: dict[str, bool]


def shown_migration(
    customers: pd.DataFrame, labels: Sequence[str], absent: int, min_cell: int
) -> ShownMigration | None:
    """Cells between tiers that may be shown beside the six flows; None where not even these.

    Parameters
    ----------
    customers : DataFrame
        `Migration.customers`: tier_1, tier_2 and flow, missing where in no period.
    labels : sequence of str
        The tiers, best first.
    absent : int
        Customers of the data in neither period: with the size of the base shown
        elsewhere the flows tell their number.
    min_cell : int
        Smallest group that may be shown.
    """
    there = customers.dropna()
    sizes = there["flow"].value_counts().reindex(FLOWS, fill_value=0)
    flows = _merged_flows(sizes, min_cell)
    if flows is None or is_small(absent, min_cell):
        return None
    atoms = there.value_counts(["tier_1", "tier_2", "flow"]).reset_index(name="n")
    within = atoms["flow"].isin([FLOWS[LESS], FLOWS[MORE]]) & (atoms["tier_1"] == atoms["tier_2"])
    fixed = [atoms["flow"].isin(group) for group in flows]
    starts = [*labels, NEW_STATE]
    ends = [*labels, GONE_STATE]
    diagonal = [within & (atoms["tier_1"] == tier) for tier in labels]
    rows = [atoms["tier_1"] == tier for tier in starts]
    totals = np.array([*fixed, *diagonal, *rows], dtype=bool)
    published = np.arange(len(totals)) < len(fixed)
    columns = [atoms["tier_2"] == tier for tier in ends]
    sensitive = [*diagonal, *rows, *columns, *(row & flow for row in rows for flow in fixed)]
    found = withhold(
        atoms["n"],
        totals,
        min_cell,
        also=within.to_numpy(),
        published=published,
        groups=np.array(sensitive, dtype=bool),
    )
    if not found.safe:
        return None
    dropped = found.totals[len(fixed) :]
    shown = _shown_cells(atoms, found.cells, dict(zip(labels, ~dropped, strict=False)))
    equations = totals[~found.totals][:, found.cells]
    rows = []
    for first in starts:
        may = [shown.get((first, second), True) for second in ends]
        rest = [second for second, told_ in zip(ends, may, strict=True) if not told_]
        together = ((atoms["tier_1"] == first) & atoms["tier_2"].isin(rest)).to_numpy()
        # what the flows tell anyway may as well be read
        enough = atoms["n"][together].sum() >= min_cell
        union = bool(enough) and bool(told(equations, together[None, found.cells])[0])
        group = len(ends) if union else -1
        rows += [(first, second, at if told_ else group)
                 for at, (second, told_) in enumerate(zip(ends, may, strict=True))]  # fmt: skip
    cells = pd.DataFrame(rows, columns=["tier_1", "tier_2", "group"])
    return ShownMigration(cells, flows, dict(zip(starts, ~dropped[len(labels) :], strict=True)))


def _merged_flows(sizes: pd.Series, min_cell: int) -> tuple[tuple[str, ...], ...] | None:
    """Losses and gains as finely as their customers allow; None where leavers are few."""
    down, less, gone, up, more, new = FLOWS
    losses: list[list[tuple[str, ...]]] = [[(down,), (less,), (gone,)], [(down, less), (gone,)]]
    gains = [[(up,), (more,), (new,)], [(up, more), (new,)], [(up, more, new)]]
    chosen = []
    for ways in (losses, gains):
        safe = (
            way for way in ways
            if not is_small([sizes[list(group)].sum() for group in way], min_cell).any()
        )  # fmt: skip
        way = next(safe, None)
        if way is None:
            return None
        chosen += way
    return tuple(chosen)


def _shown_cells(
    atoms: pd.DataFrame, hidden: BoolArray, within: dict[str, bool]
) -> dict[tuple[str, str], bool]:
    """Cells with customers: those between tiers, and those within a tier as a whole."""
    between = {
        (first, second): not gone
        for first, second, gone in zip(atoms["tier_1"], atoms["tier_2"], hidden, strict=True)
        if first != second
    }
    return between | {(tier, tier): bool(may) for tier, may in within.items()}
