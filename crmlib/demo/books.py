"""The bank's own books: the input table `control_totals`, with one planted difference.

Quarters of revenue and margin, summed from the ledger. In one quarter the books hold a
few percent more revenue than the export, as when a branch's bookings were left out: the
first exhibit has something true to find.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.demo.settings import BankSettings

DIFFERENCE = 0.034  # of the export's revenue, in the books of one quarter


def control_totals_table(settings: BankSettings, by_month: pd.DataFrame) -> pd.DataFrame:
    """The input table, in cents.

    Parameters
    ----------
    by_month : DataFrame
        revenue and margin of every month of the window in cents.
    """
    months = settings.calendar
    year, quarter = months.astype("datetime64[Y]").astype(int) + 1970, _quarter(months)
    names = [f"{y}-Q{q}" for y, q in zip(year, quarter, strict=True)]
    table = by_month[["revenue", "margin"]].groupby(names, sort=False).sum()
    whole = pd.Series(names).value_counts(sort=False) == 3
    table = table[whole.reindex(table.index)]
    missing = round(DIFFERENCE * int(table.loc[differing_quarter(settings), "revenue"]))
    table.loc[differing_quarter(settings), ["revenue", "margin"]] += missing
    return table.rename_axis("period").reset_index()


def differing_quarter(settings: BankSettings) -> str:
    """The quarter whose books differ: a bit behind the window's middle."""
    month = settings.calendar[settings.months * 7 // 12]
    return f"{month.astype('datetime64[Y]')}-Q{int(_quarter(month))}"


def _quarter(months: np.ndarray) -> np.ndarray:
    return months.astype(np.int64) % 12 // 3 + 1
