"""How cohorts of customers keep buying (V4).

A cohort are the customers of one first-purchase period. Cells after the end of
observation are empty, cells in which nobody bought are zero: the difference
decides the averages.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.stats.optimise import NotIdentified

COLUMNS = ("cohort", "period_index", "active_customers", "revenue", "cohort_size")


@dataclass(frozen=True)
class Cohorts:
    """Retention and revenue by cohort (rows) and periods since first purchase (columns).

    Attributes
    ----------
    sizes : Series of shape (n_cohorts,)
        Customers acquired.
    retention : DataFrame of shape (n_cohorts, n_periods)
        Share of the cohort active, 0–1; NaN where not yet observable.
    revenue_per_customer : DataFrame of shape (n_cohorts, n_periods)
        Cumulative revenue per acquired customer; NaN where not yet observable.
    average : DataFrame of shape (n_periods, 4)
        retention, and cumulative revenue_per_customer, over all cohorts
        observable at that age, weighted by size; cohorts and customers behind
        each.
    observable : DataFrame of bool, shape (n_cohorts, n_periods)
        Cells before the end of observation.
    left_out : int
        Cohorts that are not named because they would tell of too few customers.
    """

    sizes: pd.Series
    retention: pd.DataFrame
    revenue_per_customer: pd.DataFrame
    average: pd.DataFrame
    observable: pd.DataFrame
    left_out: int = 0


def cohorts(table: pd.DataFrame, freq: str = "M", end: object = None) -> Cohorts:
    """Cohort matrices from an aggregated table.

    Parameters
    ----------
    table : DataFrame
        cohort (Period, Timestamp or label such as "1997-01"), period_index
        (0, 1, 2, … periods since the cohort's own), active_customers, revenue,
        cohort_size. A missing observable cell means that nobody bought.
    freq : str
        Length of a period as pandas writes it.
    end : Period, Timestamp or label, optional
        Last period observed; the latest period with a row where omitted.

    Raises
    ------
    ValueError
        If a column is missing, a cell appears twice, a cohort has two sizes,
        period 0 is not the whole cohort, or more customers are active than were
        acquired.
    NotIdentified
        If fewer than two whole periods are observed.
    """
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise ValueError(f"cohort table lacks {', '.join(missing)}")
    if table.empty:
        raise NotIdentified("no whole period is observed: there are no cohorts yet")
    rows = table.assign(cohort=_periods(table["cohort"], freq))
    sizes = _sizes(rows)
    _check_cells(rows)
    ordinals = pd.PeriodIndex(sizes.index).asi8
    latest = pd.PeriodIndex(rows["cohort"]).asi8 + rows["period_index"].to_numpy()
    last = latest.max() if end is None else _periods(pd.Series([end]), freq).array.asi8[0]
    if latest.max() > last:
        raise ValueError(f"cohort table has rows after the end of observation ({end})")
    if last == ordinals.min():
        raise NotIdentified("one period is observed: nobody can have come back in another yet")
    ages = pd.RangeIndex(int(last - ordinals.min()) + 1, name="period_index")
    observable = np.add.outer(ordinals, ages.to_numpy()) <= last

    def matrix(column: str) -> pd.DataFrame:
        cells = rows.pivot(index="cohort", columns="period_index", values=column)
        return cells.reindex(index=sizes.index, columns=ages).fillna(0.0).astype(float)

    retention = matrix("active_customers").div(sizes, axis=0).where(observable)
    revenue = matrix("revenue").div(sizes, axis=0).where(observable)
    seen = retention.notna()
    average = average_over(retention, revenue, sizes, seen)
    return Cohorts(sizes, retention, revenue.cumsum(axis=1), average, seen)


def last_whole_month(end: dt.date) -> dt.date:
    """Last day of the latest month that ends on or before `end`.

    A month cut short would look like a month in which fewer customers came back.

    >>> last_whole_month(dt.date(2024, 3, 30)), last_whole_month(dt.date(2024, 2, 29))
    (datetime.date(2024, 2, 29), datetime.date(2024, 2, 29))
    """
    return (end + dt.timedelta(days=1)).replace(day=1) - dt.timedelta(days=1)


def years_before(end: dt.date, back: int) -> tuple[dt.date, dt.date]:
    """First and last day of twelve whole months, the last that are over by `end` or earlier ones.

    Parameters
    ----------
    end : date
        Last day observed.
    back : int
        How many such years lie between them and the last whole month.

    >>> years_before(dt.date(2024, 3, 30), 1)
    (datetime.date(2022, 3, 1), datetime.date(2023, 2, 28))
    """
    after = last_whole_month(end) + dt.timedelta(days=1)
    last = after.replace(year=after.year - back)
    return last.replace(year=last.year - 1), last - dt.timedelta(days=1)


def average_over(
    retention: pd.DataFrame, revenue: pd.DataFrame, sizes: pd.Series, counted: pd.DataFrame
) -> pd.DataFrame:
    """Average over cohorts by age, weighted by size; columns as `Cohorts.average`.

    Revenue is cumulated after averaging: a cohort that is not observable any
    more would otherwise take its level with it, and the curve could fall.

    Parameters
    ----------
    retention, revenue : DataFrame of shape (n_cohorts, n_periods)
        Share active, and revenue per acquired customer *of* each period.
    counted : DataFrame of bool, shape (n_cohorts, n_periods)
        Where a cohort counts; observable cells only.
    """
    customers = counted.mul(sizes, axis=0).sum()
    return pd.DataFrame(
        {
            "retention": retention.where(counted).mul(sizes, axis=0).sum() / customers,
            "revenue_per_customer": (
                revenue.where(counted).mul(sizes, axis=0).sum() / customers
            ).cumsum(),
            "cohorts": counted.sum(),
            "customers": customers,
        }
    )


def _periods(labels: pd.Series, freq: str) -> pd.Series:
    """Calendar periods from periods, timestamps or labels."""
    if isinstance(labels.dtype, pd.PeriodDtype):
        return labels.dt.asfreq(freq)
    if pd.api.types.is_datetime64_any_dtype(labels):
        return labels.dt.to_period(freq)
    periods = [pd.Period(label, freq=freq) for label in labels]
    return pd.Series(pd.PeriodIndex(periods, freq=freq), index=labels.index)


def _sizes(rows: pd.DataFrame) -> pd.Series:
    by_cohort = rows.groupby("cohort")["cohort_size"]
    differing = by_cohort.nunique() != 1
    if differing.any():
        raise ValueError(f"cohort {differing.idxmax()} must have one cohort_size")
    sizes = by_cohort.first()
    if not (sizes > 0).all():
        raise ValueError(f"cohort {(~(sizes > 0)).idxmax()} has no customers")
    return sizes


def _check_cells(rows: pd.DataFrame) -> None:
    """Refuse impossible cells, naming the first."""
    size, active = rows["cohort_size"], rows["active_customers"]
    start = rows["period_index"] == 0
    rules = {
        "period_index must be 0 or more": rows["period_index"] < 0,
        "appears twice": rows.duplicated(["cohort", "period_index"]),
        "has more active customers than were acquired": active > size,
        "must have all its customers active in period 0": start & (active != size),
    }
    for rule, broken in rules.items():
        if broken.any():
            row = rows[broken].iloc[0]
            raise ValueError(f"cohort {row['cohort']}, period {row['period_index']}: {rule}")
    without = set(rows["cohort"]) - set(rows.loc[start, "cohort"])
    if without:
        raise ValueError(f"cohort {min(without)} has no row for period 0")
