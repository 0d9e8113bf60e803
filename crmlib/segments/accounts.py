"""The account that the manager of a segment answers for: this year, last year, target (S10).

Revenue less cost to serve, risk cost and marketing of the customers who are in the segment
today, so that the accounts of all segments add up to the company's books. Targets are the
client's own; beside a target of size stands the size that the past year's moves lead to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from crmlib.segments.dynamics import SizeForecast
from crmlib.stats.disclosure import is_small
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.tables import LINES

ALL = "all segments"
MEASURES = ("customers", *LINES, "profit")  # of which a segment may have a target
_YEAR = 12  # months


class Years(Protocol):
    """The last two years of a ledger: `crmlib.intake.account.LedgerYears` has them."""

    @property
    def rows(self) -> pd.DataFrame:
        """customer_id, line, this_year, year_before."""

    @property
    def start(self) -> dt.date:
        """First day of this year."""

    @property
    def end(self) -> dt.date:
        """Last day of it."""

    @property
    def months(self) -> int:
        """Booked at all."""


@dataclass(frozen=True)
class SegmentAccounts:
    """Profit and loss of each segment.

    Attributes
    ----------
    table : DataFrame
        segment, customers, the four lines and profit (this year), the same with _before (the
        year before; NaN where it is not booked whole), profit_change, profit_per_customer.
        Most profitable first; last `ALL`, which the others add up to.
    start, end : date
        This year's first and last day.
    compared : bool
        Whether the year before is booked whole.
    n : int
        Customers.
    """

    table: pd.DataFrame
    start: dt.date
    end: dt.date
    compared: bool
    n: int

    def actual(self, segment: str, measure: str) -> float:
        """A figure of this year."""
        return float(self.table.set_index("segment").loc[segment, measure])


def segment_accounts(segment: pd.Series, years: Years, *, min_cell: int) -> SegmentAccounts:
    """Sum the ledger by the segments that customers are in today.

    Parameters
    ----------
    segment : Series of str, index customer_id
        Every customer, once.
    years : Years
    min_cell : int
        Smallest group of customers whose account may be shown.

    Raises
    ------
    NotIdentified
        If less than a year is booked, or a segment has too few customers to be shown.
    ValueError
        If a customer of the ledger is in no segment.
    """
    if years.months < _YEAR:
        raise NotIdentified(
            f"the ledger books {years.months} whole months, the account of a year needs {_YEAR}"
        )
    customers = segment.value_counts()
    if is_small(customers, min_cell).any():
        raise NotIdentified(f"a segment has fewer than {min_cell} customers (privacy.min_cell)")
    of_row = years.rows["customer_id"].map(segment)
    if of_row.isna().any():
        raise ValueError(f"{of_row.isna().sum()} rows of the ledger are of nobody in a segment")
    compared = years.months >= 2 * _YEAR
    parts = [_account(years.rows, of_row, customers.index, name) for name in
             ("this_year", "year_before")]  # fmt: skip
    before = parts[1].add_suffix("_before") * (1.0 if compared else np.nan)
    table = pd.concat([customers.rename("customers"), parts[0], before], axis=1)
    table = table.rename_axis("segment").reset_index()
    table = table.sort_values(["profit", "segment"], ascending=[False, True])
    total = table.drop(columns="segment").sum(min_count=1).to_frame().T.assign(segment=ALL)
    table = pd.concat([table, total], ignore_index=True)[table.columns]
    table["customers"] = table["customers"].astype(int)
    table["profit_change"] = table["profit"] - table["profit_before"]
    table["profit_per_customer"] = table["profit"] / table["customers"]
    return SegmentAccounts(table, years.start, years.end, compared, len(segment))


def _account(rows: pd.DataFrame, of_row: pd.Series, names: pd.Index, year: str) -> pd.DataFrame:
    """The four lines and profit of each segment in one year."""
    sums = rows[year].astype(float).groupby([of_row, rows["line"]]).sum().unstack()
    lines = sums.reindex(index=names, columns=list(LINES)).fillna(0.0)
    return lines.assign(profit=lines["revenue"] - lines[list(LINES[1:])].sum(axis=1))


def segment_targets(
    segment: pd.Series,
    accounts: SegmentAccounts | Refusal,
    targets: Mapping[str, Mapping[str, float]],
    *,
    owners: Mapping[str, str],
    behaviour_segment: pd.Series,
    ahead: SizeForecast | Refusal,
) -> pd.DataFrame:
    """Each target beside the figure of this year, and of size also beside the forecast.

    Parameters
    ----------
    segment : Series of str, index customer_id
    accounts : SegmentAccounts or Refusal
        Where refused, targets of money have no actual figure.
    targets : mapping of segment to mapping of measure to figure
    owners : mapping of segment to name
    behaviour_segment : Series of str, index customer_id
    ahead : SizeForecast or Refusal
        Of behaviour segments.

    Returns
    -------
    DataFrame
        segment, owner (empty where none is named), measure, actual, target, to_go (target
        less actual), expected (size a year ahead; NaN of other measures, or where it is not
        known); in the order of the params.
    """
    sizes, expected = segment.value_counts(), _expected(segment, behaviour_segment, ahead)
    known = not isinstance(accounts, Refusal)
    rows = []
    for name, figures in targets.items():
        for measure, target in figures.items():
            size = measure == "customers"
            actual = np.nan
            if size:
                actual = float(sizes[name])
            elif known:
                actual = accounts.actual(name, measure)
            rows.append((name, owners.get(name, ""), measure, actual, float(target),
                         float(target) - actual, expected[name] if size else np.nan))  # fmt: skip
    columns = ["segment", "owner", "measure", "actual", "target", "to_go", "expected"]
    return pd.DataFrame(rows, columns=columns)


def _expected(
    segment: pd.Series, behaviour_segment: pd.Series, ahead: SizeForecast | Refusal
) -> pd.Series:
    """Sizes a year ahead, where all behaviour segments in a segment have a forecast.

    Each part grows as its behaviour segment does: how customers of one behaviour spread over
    value tiers is taken to stay.
    """
    if isinstance(ahead, Refusal):
        return pd.Series(np.nan, index=segment.unique())
    growth = ahead.table["expected"] / ahead.table["now"].where(ahead.table["now"] > 0)
    each = behaviour_segment.reindex(segment.index).astype(object).map(growth)
    return each.groupby(segment).agg(lambda rates: rates.sum(skipna=False))
