"""Lifecycle stages within segments, as far as they tell of no few customers (S5, S7)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.disclosure import withhold

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ALL = "all customers"
COLUMNS = ("segment", "stage", "customers", "share", "at_least")


def stage_mix(
    segment: pd.Series, stage: pd.Series | None, order: list[str], min_cell: int
) -> pd.DataFrame:
    """Customers by stage in each segment.

    Small cells are withheld, and others by which they could be found from the sizes of
    segments and the sums of stages.

    Parameters
    ----------
    segment : Series of str, index customer_id
        Each of `min_cell` customers or more.
    stage : Series of str, index customer_id, optional
    order : list of str
        The segments as they are to be listed.
    min_cell : int

    Returns
    -------
    DataFrame
        segment (last "all customers"), stage, customers, share, both NaN where withheld;
        at_least, the least share of a withheld cell that is not few. Empty without stages,
        or where nothing may be shown.
    """
    columns = list(COLUMNS)
    if stage is None:
        return pd.DataFrame(columns=columns)
    known = stage.reindex(segment.index).fillna("unknown")
    cells = pd.crosstab(segment.to_numpy(dtype=object), known.to_numpy(dtype=object))
    cells = cells.loc[order]
    counts = cells.to_numpy()
    row, column = np.indices(counts.shape).reshape(2, -1)
    totals = [*(row == at for at in range(counts.shape[0])),
              *(column == at for at in range(counts.shape[1]))]  # fmt: skip
    sums = np.array(totals)
    published = np.arange(len(totals)) < counts.shape[0]
    stages = sums[counts.shape[0] :]  # of few customers they are few in all segments together
    found = withhold(counts.ravel(), sums, min_cell, published=published, groups=stages)
    if not found.safe:
        return pd.DataFrame(columns=columns)
    hidden = found.cells.reshape(counts.shape)
    share = counts / counts.sum(axis=1, keepdims=True)
    table = pd.DataFrame(
        {
            "segment": np.array(order, dtype=object)[row],
            "stage": cells.columns.to_numpy()[column],
            "customers": counts.ravel().astype(float),
            "share": share.ravel(),
            "at_least": _at_least(counts, hidden, min_cell).ravel(),
        }
    )
    table.loc[found.cells, ["customers", "share"]] = np.nan
    total = counts.sum(axis=0).astype(float)
    total[found.totals[counts.shape[0] :]] = np.nan
    every = pd.DataFrame({"segment": ALL, "stage": cells.columns.to_numpy(), "customers": total})
    every = every.assign(share=total / counts.sum(), at_least=np.nan)
    return pd.concat([table, every], ignore_index=True)


def _at_least(counts: IntArray, hidden: NDArray[np.bool_], min_cell: int) -> FloatArray:
    """Share that the only large one of a segment's withheld cells has at least.

    What the others hold at most follows from their being few, which is all that is said
    of them.
    """
    few = hidden & (counts < min_cell)
    large = hidden & ~few
    alone = large & (large.sum(axis=1, keepdims=True) == 1)
    left = np.where(hidden, counts, 0).sum(axis=1, keepdims=True)
    least = np.maximum(left - few.sum(axis=1, keepdims=True) * (min_cell - 1), min_cell)
    return np.where(alone, least / counts.sum(axis=1, keepdims=True), np.nan)
