"""Do the rows add up to the client's own books? (V1, control totals)

Revenue by day from the rows that are used, set against the totals that the client
states for years, quarters or months.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from crmlib.errors import InputError
from crmlib.intake.values.dates import period_bounds


@dataclass(frozen=True)
class Reconciliation:
    """The client's totals beside the export's.

    Attributes
    ----------
    table : DataFrame
        period, books, export, difference, difference_share (of the books; NaN where they
        are zero), covered (whether the window holds the whole
        period), agrees.
    tolerance : float
        Largest relative difference that counts as agreement.
    """

    table: pd.DataFrame
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether every covered period agrees, and there is one."""
        covered = self.table[self.table["covered"]]
        return bool(len(covered) and covered["agrees"].all())


def reconcile(
    totals: pd.DataFrame,
    by_day: pd.DataFrame,
    window: tuple[dt.date, dt.date],
    tolerance: float,
    place: str,
) -> Reconciliation:
    """Set the client's totals against the export.

    Parameters
    ----------
    totals : DataFrame
        period (as text) and revenue.
    by_day : DataFrame
        date, revenue.
    window : pair of dates
        First and last day that the export covers.
    tolerance : float
        Relative difference that is accepted.
    place : str
        How messages name the totals' file.

    Raises
    ------
    InputError
        A period that is no year, quarter or month.
    """
    lines = []
    for period, books in zip(totals["period"], totals["revenue"], strict=True):
        bounds = period_bounds(str(period))
        if bounds is None:
            raise InputError(
                place,
                f"period {str(period)!r} is no year, quarter or month.",
                "Write 2024, 2024-Q1 or 2024-01.",
            )
        first, last = (pd.Timestamp(day) for day in bounds)
        export = float(by_day.loc[by_day["date"].between(first, last), "revenue"].sum())
        covered = window[0] <= bounds[0] and bounds[1] <= window[1]
        difference = export - books
        share = difference / abs(books) if books else float("nan")
        agrees = abs(share) <= tolerance if books else difference == 0
        lines.append((str(period), bounds[0], books, export, difference, share, covered, agrees))
    table = pd.DataFrame(
        lines,
        columns=["period", "start", "books", "export", "difference", "difference_share",
                 "covered", "agrees"],
    )  # fmt: skip
    table = table.sort_values("start", kind="stable", ignore_index=True)
    return Reconciliation(table.drop(columns="start"), tolerance)
