"""Do the rows add up to the client's own books? (V1, control totals)

Revenue by day from the rows that are used, set against the totals that the client
states for years, quarters or months. Where the client sends a ledger, the books are held
against it, and against its margin where they state one: what customers pay in a bank's
shops is not the bank's revenue.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.errors import InputError
from crmlib.intake.customers import to_frame
from crmlib.intake.values.dates import period_bounds

_COLUMNS = ["books", "export", "difference", "difference_share"]
_MARGIN = [f"{name}_margin" for name in _COLUMNS]


@dataclass(frozen=True)
class LedgerSums:
    """The client's ledger summed up to months.

    Attributes
    ----------
    by_month : DataFrame
        month, customers, revenue, margin (revenue less all costs); every month observed.
        `customers` is the smaller number of those who brought revenue and those who
        cost, where there are both: either sum would tell of few.
    customers : int
        Customers with a row, all together.
    """

    by_month: pd.DataFrame
    customers: int


@dataclass(frozen=True)
class Reconciliation:
    """The client's totals beside the export's.

    Attributes
    ----------
    table : DataFrame
        period, books, export, difference, difference_share (of the books; NaN where they
        are zero), covered (whether the window holds the whole period), agrees. Where a
        ledger is compared and the books state its margin, the first four once more for
        the margin, with `_margin` behind their names. Empty where the client has sent a
        ledger and no totals.
    tolerance : float
        Largest relative difference that counts as agreement.
    ledger : LedgerSums or None
        What was compared; None: the transactions.
    """

    table: pd.DataFrame
    tolerance: float
    ledger: LedgerSums | None = None

    @property
    def agrees(self) -> bool:
        """Whether every covered period agrees, and there is one."""
        covered = self.table[self.table["covered"]]
        return bool(len(covered) and covered["agrees"].all())

    @property
    def compared(self) -> str:
        """The table that the books are held against."""
        return "transactions" if self.ledger is None else "ledger"

    @property
    def has_margin(self) -> bool:
        """Whether the margin is compared, too."""
        return _MARGIN[0] in self.table


def sum_ledger(rows: ir.Table, window: tuple[dt.date, dt.date]) -> LedgerSums:
    """Revenue and margin of a ledger by month, within the window.

    Parameters
    ----------
    rows : ibis.Table
        customer_id, month, line, amount: costs are positive.
    window : pair of dates
        First and last day that the export covers.
    """
    months = pd.date_range(pd.Timestamp(window[0]).replace(day=1), window[1], freq="MS")
    first = ibis.literal(months[0].date())
    rows = rows.filter(rows.month.between(first, ibis.literal(window[1])))
    earned = rows.line == "revenue"
    who, money = rows.customer_id, rows.amount
    summed = rows.group_by(month=rows.month.truncate("M")).agg(
        earning=who.nunique(where=earned),
        costing=who.nunique(where=~earned),
        revenue=money.sum(where=earned).fill_null(0),
        costs=money.sum(where=~earned).fill_null(0),
    )
    found = to_frame(summed).set_index("month").reindex(months, fill_value=0)
    both = found[["earning", "costing"]]
    table = pd.DataFrame(
        {
            "customers": both.where(both > 0).min(axis=1).fillna(0).astype("int64"),
            "revenue": found["revenue"],
            "margin": found["revenue"] - found["costs"],
        }
    )
    every = int(rows.aggregate(n=who.nunique()).to_pyarrow()["n"][0].as_py())
    return LedgerSums(table.rename_axis("month").reset_index(), every)


def reconcile_ledger(
    totals: pd.DataFrame | None,
    sums: LedgerSums,
    window: tuple[dt.date, dt.date],
    tolerance: float,
    place: str,
) -> Reconciliation:
    """Set the client's totals against its ledger; without totals, keep the ledger's sums.

    Parameters
    ----------
    totals : DataFrame or None
        period (as text), revenue and, where stated, margin.
    sums : LedgerSums
        The ledger in the window.
    window, tolerance, place
        As for `reconcile`.
    """
    if totals is None:
        columns = ["period", *_COLUMNS, "covered", "agrees"]
        return Reconciliation(pd.DataFrame(columns=columns), tolerance, sums)
    by_day = sums.by_month.rename(columns={"month": "date"})
    found = reconcile(totals, by_day, window, tolerance, place)
    if "margin" not in totals:
        return Reconciliation(found.table, tolerance, sums)
    margins = [totals["period"], totals["margin"]], [by_day["date"], by_day["margin"]]
    asked, has = (
        pd.concat(columns, axis=1).set_axis([name, "revenue"], axis=1)
        for name, columns in zip(("period", "date"), margins, strict=True)
    )
    other = reconcile(asked, has, window, tolerance, place).table
    unstated = other["books"].isna()
    table = found.table.assign(
        **other[_COLUMNS].set_axis(_MARGIN, axis=1),
        agrees=found.table["agrees"] & (other["agrees"] | unstated),
    )
    return Reconciliation(table, tolerance, sums)


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
        export = round(export, 2)  # cents: what is left of a sum in binary is no difference
        difference = round(export - books, 2)
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
