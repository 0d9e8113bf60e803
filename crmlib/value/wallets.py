"""How much of their spending elsewhere customers could bring: who is asked about (V12).

Joins what customers spend with everybody, from outside, with what they spent with the
client in the last twelve months. The mathematics is `crmlib.value.potential`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.stats.disclosure import is_small
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.value.potential import Potential, compare_known, potential
from crmlib.value.profit import Profit

NEVER_BOUGHT = "never bought"
MOST_LEVELS = 12  # of an attribute, to be compared by its levels
YEAR = 364  # days observed, at least, for the spending of a year
_NO_ATTRIBUTES = ("customer_id", "wallet", "left")


@dataclass(frozen=True)
class WalletPotential:
    """Share of wallet and headroom of today's customers.

    Attributes
    ----------
    found : Potential
        By value tier, best first, and of those who never bought.
    spend : float
        What all of them spent with the client in the last twelve months.
    likeness : DataFrame
        respect (spend with us, the group, attributes), level (the one that differs most;
        empty of numbers), known, others (means, or shares of the level), difference
        (standardised), alike; most unlike first. Empty where all wallets are known.
    knows_leavers : bool
        Whether those who have left could be set apart.
    """

    found: Potential
    spend: float
    likeness: pd.DataFrame
    knows_leavers: bool


def wallet_potential(
    people: pd.DataFrame,
    spent: pd.Series,
    tiers: pd.Series,
    *,
    days_observed: int,
    min_cell: int,
    replications: int,
    seed: int,
    level: float,
) -> WalletPotential:
    """Share of wallet and headroom of the customers who have not left.

    Parameters
    ----------
    people : DataFrame
        customer_id, wallet (spending with everybody in a year; missing where not known),
        attributes; left (bool) where it is known.
    spent : Series, index customer_id
        Spend with the client in the last twelve months.
    tiers : Series of ordered categories or text, index customer_id
        Value tier of those who have bought.
    days_observed : int
        Shorter than a year, the spend is not that of a year.
    min_cell : int
        Smallest group that may be compared.
    replications, seed, level
        Bootstrap over customers, nominal coverage.

    Raises
    ------
    NotIdentified
        If there is no wallet, or less than a year is observed.
    """
    if "wallet" not in people:
        raise NotIdentified("nothing tells what customers spend elsewhere (inputs.external.wallet)")
    if days_observed < YEAR:
        raise NotIdentified("less than a year is observed: wallets are those of a year")
    stay = people[~people["left"]] if "left" in people else people
    if stay.empty:
        raise NotIdentified("all customers have left")
    ours = stay["customer_id"].map(spent).fillna(0.0).to_numpy(float)
    group = stay["customer_id"].map(tiers).astype(object).fillna(NEVER_BOUGHT)
    wallet = stay["wallet"].to_numpy(float)
    given = {"replications": replications, "seed": seed, "level": level}
    found = potential(ours, wallet, group.to_numpy(), **given)
    attributes = stay.drop(columns=[c for c in _NO_ATTRIBUTES if c in stay])
    compared = attributes.assign(**{"spend with us": ours, "value tier": group.astype(str)})
    return WalletPotential(
        found=found,
        spend=float(ours.sum()),
        likeness=_likeness(compared, stay["wallet"].notna(), min_cell),
        knows_leavers="left" in people,
    )


def _likeness(attributes: pd.DataFrame, known: pd.Series, min_cell: int) -> pd.DataFrame:
    """In each respect, where those with a known wallet differ most from the others."""
    columns = ["respect", "level", "known", "others", "difference", "alike"]
    if known.all() or not known.any():
        return pd.DataFrame(columns=columns)
    usable = [name for name, column in attributes.items() if _comparable(column)]
    table = compare_known(attributes[usable].apply(_in_words), known.to_numpy())
    sizes = table[["level_known", "level_others"]]
    fit = ~(is_small(sizes.to_numpy(), min_cell).any(axis=1)) & table["difference"].notna()
    table = table[fit & (sizes > 0).all(axis=1)]
    # a level that all but a few have tells of these
    few = is_small((table["n_known"] - table["level_known"]).to_numpy(), min_cell) | is_small(
        (table["n_others"] - table["level_others"]).to_numpy(), min_cell
    )
    table = table[~few | (table["level"] == "")]
    order = table["difference"].abs().sort_values(ascending=False, kind="stable").index
    widest = table.loc[order].drop_duplicates("column").rename(columns={"column": "respect"})
    # at full precision a share would tell how many customers it was divided by
    return widest[columns].round({"known": 3, "others": 3}).reset_index(drop=True)


def _in_words(column: pd.Series) -> pd.Series:
    """Answers as yes and no; other columns as they are."""
    answers = column.dropna()
    if answers.map(lambda answer: isinstance(answer, (bool, np.bool_))).all():
        return column.astype(object).map({True: "yes", False: "no"})
    return column


def _comparable(column: pd.Series) -> bool:
    """Numbers, and words of which there are few."""
    if pd.api.types.is_datetime64_any_dtype(column) or not column.notna().any():
        return False
    if pd.api.types.is_numeric_dtype(column):
        return True
    return column.map(type).isin([str, bool, float, type(None)]).all() and (
        column.nunique() <= MOST_LEVELS
    )


def brought_by(earned: Profit | Refusal, customers: pd.DataFrame, margin_rate: float) -> pd.Series:
    """What each customer brought: profit of the ledger, else contribution of purchases.

    Returns
    -------
    Series, index customer_id
        Called "profit" or "contribution".
    """
    if not isinstance(earned, Refusal):
        return earned.customers.set_index("customer_id")["profit"]
    amounts = customers.set_index("customer_id")["total_amount"] * margin_rate
    return amounts.rename("contribution")
