"""Which customers end their relationship sooner, by what the client says of them (V7).

Attributes become covariates of a Cox model of relationships: numbers in standard
deviations, words against the most frequent word. Words of few customers, or whose
holders hardly ever left, form one group: their hazard ratio would rest on a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.stats.optimise import NotIdentified
from crmlib.value.contract_base import ContractBase
from crmlib.value.hazard_ratios import hazard_ratios

NUMERIC = 5  # different numbers from which on they are a quantity and not a word
MOST_LEVELS = 8  # words apart; the rarest of more are one group
MOST_EMPTY = 0.2  # share without the attribute beyond which it is left out
FEWEST_LOST = 10  # who left, in a group that has a hazard ratio of its own
NOT_STATED, OTHER = "not stated", "other"


@dataclass(frozen=True)
class ContractDrivers:
    """Hazard ratios of attributes, each with the others held.

    Attributes
    ----------
    table : DataFrame of shape (n_covariates, 8)
        attribute, level (a word, or "one standard deviation more"), against (the word it
        is compared with, or the standard deviation), hazard_ratio with lo and hi,
        p_value, moves (whether the ratio changes with the age of the relationship).
    left_out : dict of str to str
        Attributes without a hazard ratio, and why.
    relationships : int
        On which the figures rest.
    incomplete : int
        Relationships left out since a number is missing.
    p_proportional : float
        Of the test that no hazard ratio moves with age.
    level : float
        Nominal coverage.
    """

    table: pd.DataFrame
    left_out: dict[str, str]
    relationships: int
    incomplete: int
    p_proportional: float
    level: float


@dataclass(frozen=True)
class _Covariate:
    attribute: str
    level: str
    against: str
    values: pd.Series  # numbers; empty where missing


def contract_drivers(
    base: ContractBase, attributes: pd.DataFrame, names: Sequence[str], *, level: float
) -> ContractDrivers:
    """Hazard ratios of leaving for good, for the attributes that are named.

    Parameters
    ----------
    attributes : DataFrame
        customer_id and what the client says of each customer.
    names : sequence of str
        Columns of it.
    level : float
        Nominal coverage of the intervals.

    Raises
    ------
    NotIdentified
        If no attribute is named or one is not there, none can be compared, or the Cox
        model is not identified.
    """
    known = [str(name) for name in attributes.columns if name != "customer_id"]
    for name in names:
        if name not in known:
            raise NotIdentified(
                f"customers have no attribute `{name}` (value.contract_drivers); there are "
                f"{', '.join(known) or 'none'}"
            )
    if not names:
        raise NotIdentified("no attribute is named (value.contract_drivers)")
    spells = base.relationships
    spells = spells[spells["age"] > spells["entry_age"]].reset_index(drop=True)
    fewest = max(base.min_cell, FEWEST_LOST)
    if spells.loc[spells["left"], "customer_id"].nunique() < fewest:
        raise NotIdentified(f"fewer than {fewest} customers left while they were observed")
    held = spells[["customer_id"]].merge(
        attributes.drop_duplicates("customer_id"), how="left", on="customer_id"
    )
    covariates: list[_Covariate] = []
    left_out: dict[str, str] = {}
    for name in names:
        try:
            covariates += _covariates(name, held[name], spells["left"], base.min_cell)
        except NotIdentified as error:
            left_out[name] = str(error)
    if not covariates:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise NotIdentified(f"no attribute can be compared ({reasons})")
    return _fitted(spells, covariates, left_out, level)


def _fitted(
    spells: pd.DataFrame, covariates: list[_Covariate], left_out: dict[str, str], level: float
) -> ContractDrivers:
    names = [f"{c.attribute}: {c.level}" for c in covariates]
    design = pd.concat([c.values for c in covariates], axis=1).set_axis(names, axis=1)
    complete = design.notna().all(axis=1)
    rows, design = spells[complete], design[complete]
    twice = rows["customer_id"].duplicated().any()
    found = hazard_ratios(
        rows["age"],
        rows["left"],
        design,
        rows["entry_age"],
        level=level,
        clusters=rows["customer_id"] if twice else None,
    )
    moving = " ".join(found.notes)
    table = pd.DataFrame(
        {
            "attribute": [c.attribute for c in covariates],
            "level": [c.level for c in covariates],
            "against": [c.against for c in covariates],
            "hazard_ratio": found.table["hazard_ratio"].to_numpy(),
            "lo": found.table["lower"].to_numpy(),
            "hi": found.table["upper"].to_numpy(),
            "p_value": found.table["p_value"].to_numpy(),
            "moves": [f"ratio of {name} moves" in moving for name in names],
        }
    )
    return ContractDrivers(
        table=table,
        left_out=left_out,
        relationships=len(rows),
        incomplete=int((~complete).sum()),
        p_proportional=float(found.proportionality.loc["all", "p_value"]),
        level=level,
    )


def _covariates(name: str, column: pd.Series, left: pd.Series, min_cell: int) -> list[_Covariate]:
    """One number, or a yes-or-no for each word but the most frequent."""
    if pd.api.types.is_datetime64_any_dtype(column):
        raise NotIdentified("days cannot be compared")
    empty = float(column.isna().mean())
    if empty > MOST_EMPTY:
        raise NotIdentified(f"it is empty for {empty:.0%} of customers")
    if _is_quantity(column):
        numbers = column.astype(float)
        spread = float(numbers.std(ddof=0))
        scaled = (numbers - numbers.mean()) / spread
        return [_Covariate(name, "one standard deviation more", f"{spread:.3g}", scaled)]
    words = _levels(column, left, max(min_cell, 1))
    frequent = words.value_counts().index
    if len(frequent) < 2:
        raise NotIdentified("too few customers differ in it")
    usual = next((word for word in frequent if word not in (OTHER, NOT_STATED)), frequent[0])
    others = [word for word in frequent if word != usual]
    return [
        _Covariate(name, str(word), str(usual), (words == word).astype(float)) for word in others
    ]


def _is_quantity(column: pd.Series) -> bool:
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return bool(numeric and column.nunique() >= NUMERIC)


def _levels(column: pd.Series, left: pd.Series, min_cell: int) -> pd.Series:
    """Words of enough customers, enough of whom left; the others together, or with the next."""
    written = column.map({True: "yes", False: "no"}.get) if _is_flag(column) else column
    words = written.where(written.isna(), written.map(_word)).astype(object)
    words = words.where(column.notna(), NOT_STATED)
    sizes = pd.DataFrame(
        {"there": words.value_counts(), "lost": left.groupby(words).sum()}
    ).sort_values("there", ascending=False, kind="stable")
    enough = (sizes["there"] >= min_cell) & (sizes["lost"] >= max(min_cell, FEWEST_LOST))
    kept = sizes.index[enough][:MOST_LEVELS]
    rest = sizes.drop(kept)
    while len(rest) and len(kept) and not _is_enough(rest, min_cell):
        kept = kept[:-1]  # the next smallest joins
        rest = sizes.drop(kept)
    return words.where(words.isin(kept), OTHER)


def _is_enough(rest: pd.DataFrame, min_cell: int) -> bool:
    return bool(
        rest["there"].sum() >= min_cell and rest["lost"].sum() >= max(min_cell, FEWEST_LOST)
    )


def _is_flag(column: pd.Series) -> bool:
    return set(column.dropna().map(type)) <= {bool, np.bool_} and column.notna().any()


def _word(value: object) -> str:
    """A cell as a word; whole numbers without their decimals."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value)
