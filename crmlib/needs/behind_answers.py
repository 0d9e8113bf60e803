"""What is known of customers, whether or not they were asked (chapter 04).

Needs are described and carried over by what is known of everybody, and segments of needs are
audited by it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crmlib.stats.refusal import Refusal


def about_customers(attributes: pd.DataFrame, placed: pd.DataFrame | Refusal) -> pd.DataFrame:
    """What is known of all customers: attributes, value tier and behaviour.

    Parameters
    ----------
    attributes : DataFrame, index customer_id
        Days count as years and parts of them.
    placed : DataFrame or Refusal, index customer_id
        value_tier and behaviour_segment, where customers were segmented.
    """
    known = attributes.copy()
    for name in known.select_dtypes("datetime"):
        day = known[name]
        known[name] = day.dt.year + (day.dt.day_of_year - 1) / 365.25
    if isinstance(placed, Refusal):
        return known
    return known.join(placed[["value_tier", "behaviour_segment"]])


def figures_of(valued: pd.DataFrame, about: pd.DataFrame) -> pd.DataFrame:
    """Figures in which segments may differ, for an audit: customer_id and numbers.

    Parameters
    ----------
    valued : DataFrame, index customer_id
        The table of value.
    about : DataFrame, index customer_id
        As `about_customers` gives it.
    """
    numbers = valued.select_dtypes("number").drop(columns="value_decile", errors="ignore")
    more = about.select_dtypes("number")
    more = more[more.columns.difference(numbers.columns)]
    return numbers.join(more).rename_axis("customer_id").reset_index()


def chosen_columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The columns named, or all where none is."""
    return table[list(names)] if names else table


def brought_so_far(valued: pd.DataFrame) -> float:
    """Money that all customers together have brought, by the table of value."""
    return float((valued["lifetime_value"] - valued["future_value"]).sum())
