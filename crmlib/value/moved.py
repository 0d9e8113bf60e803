"""Value migration of a base, and what of it is more than chance, from a table of customers (V10).

Joins the flows between tiers (`crmlib.value.migration`) with the base in which nobody
changes that fits what the client gave (`crmlib.value.stationary`): the same quarters of
two years swapped where contribution is booked, a model of purchases where it is bought.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.stats.optimise import NotIdentified
from crmlib.value.excess import Draw, ExcessMigration, Refit, excess_migration
from crmlib.value.migration import Migration, TierRule, value_migration
from crmlib.value.shown import withheld_periods
from crmlib.value.stationary import SwappedParts, fit_stationary

# Simulated pairs of periods, for the expectation and per refit. The more customers a pair
# holds the fewer pairs do; beyond the last number the expectation is known far better than
# the flows, and intervals without refits are wide enough.
DRAWS, REFIT_DRAWS, MANY = (100, 20), (5, 2), 10_000
MOST_REFITTED = 50_000
FEWEST_THROUGHOUT = 20  # of fewer a resample may hold none
BOOKED, BOUGHT = "contribution", "purchases"


@dataclass(frozen=True)
class ValueMoved:
    """Flows of value between two periods, observed and beyond chance.

    Attributes
    ----------
    observed : Migration
    excess : ExcessMigration
    of : {"contribution", "purchases"}
        What value is: contribution as booked, or what purchases contribute.
    knows_leavers : bool
        Whether it is known who left; else gone is who brought nothing in period 2.
    notes : tuple of str
        What weakens the unchanged base.
    absent : int
        Customers of the data who brought nothing in either period.
    """

    observed: Migration
    excess: ExcessMigration
    of: str
    knows_leavers: bool
    notes: tuple[str, ...]
    absent: int


def value_moved(
    table: pd.DataFrame,
    rule: TierRule,
    *,
    by_month: pd.DataFrame | None = None,
    observed_end: dt.date | None = None,
    min_cell: int = 1,
    replications: int,
    seed: int,
    level: float,
) -> ValueMoved:
    """Flows of value between two periods beside those of a base without change.

    Parameters
    ----------
    table : DataFrame
        One row per customer: first_1 … first_k and second_1 … second_k, value in equal
        parts of both periods; or purchases_1, value_1 and value_2. Where known, joining
        and leaving (bool), see `value_migration`.
    rule : TierRule
    by_month : DataFrame, optional
        month, customers and revenue as they are shown elsewhere, and in which period a month
        lies (first, second): the flows tell the value of both periods.
    observed_end : date, optional
        Last day observed, where months are given; the periods may end before it.
    min_cell : int
        Smallest group that may be told by subtraction of months.
    replications, seed, level
        Bootstrap over customers, nominal coverage.

    Raises
    ------
    NotIdentified
        If the time is too short for two periods or their value would tell of a few
        customers, or as `value_migration` and `fit_stationary`.
    """
    masks = {name: table[name].to_numpy(bool) for name in ("joining", "leaving") if name in table}
    given = {"replications": replications, "seed": seed, "level": level}
    parts = [_parts(table, name) for name in ("first", "second")]
    notes: tuple[str, ...] = ()
    if parts[0].shape[1]:
        first, second = (part.sum(axis=1) for part in parts)
        throughout = _throughout(masks, len(table))
        if throughout.sum() < FEWEST_THROUGHOUT:
            raise NotIdentified("too few customers were there throughout both periods")
        swapped = SwappedParts(*parts, throughout=throughout)
        draw, refit, of = swapped, swapped.refit, BOOKED
    elif "purchases_1" in table:
        told = by_month is not None and observed_end is not None
        if told and _tells_of_months(by_month, len(table), observed_end, min_cell):
            raise NotIdentified(
                "beside the months the value of two periods would tell of fewer than "
                f"{min_cell} customers"
            )
        first, second = table["value_1"].to_numpy(float), table["value_2"].to_numpy(float)
        whole = ~masks.get("joining", np.zeros(len(table), dtype=bool))
        fit = fit_stationary(table["purchases_1"].to_numpy() * whole, first)
        draw, refit, of, notes = fit.base, fit.refit, BOUGHT, fit.notes
    else:
        raise NotIdentified("the observed time is too short to compare two periods")
    observed = value_migration(first, second, rule, **masks, **given)
    return ValueMoved(
        observed=observed,
        excess=_excess(first, second, rule, draw, refit, masks, given),
        of=of,
        knows_leavers="leaving" in masks,
        notes=notes,
        absent=len(table) - observed.n,
    )


def _tells_of_months(by_month: pd.DataFrame, n: int, end: dt.date, min_cell: int) -> bool:
    """Whether the value of a period, less that of its months, is that of a few customers."""
    periods = by_month[["first", "second"]].to_numpy(bool).T
    return bool(withheld_periods(periods, by_month, n, end, min_cell).any())


def _parts(table: pd.DataFrame, name: str) -> np.ndarray:
    """Value in the parts of one period, shape (n_customers, n_parts), in their order."""
    columns = sorted(
        (column for column in table if str(column).startswith(f"{name}_") and column[-1].isdigit()),
        key=lambda column: int(column.rpartition("_")[2]),
    )
    return table[columns].to_numpy(float)


def _throughout(masks: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Customers who are there from end to end, as far as is known."""
    moving = [np.zeros(size, dtype=bool), *masks.values()]
    return ~np.logical_or.reduce(moving)


def _excess(
    first: np.ndarray,
    second: np.ndarray,
    rule: TierRule,
    draw: Draw,
    refit: Refit,
    masks: dict[str, np.ndarray],
    given: dict[str, float],
) -> ExcessMigration:
    many = first.size > MANY
    return excess_migration(
        first,
        second,
        rule,
        draw,
        refit=refit if first.size <= MOST_REFITTED else None,
        draws=DRAWS[many],
        refit_draws=REFIT_DRAWS[many],
        **masks,
        **given,
    )
