"""A client's contracts as a chapter reads them: from when on, in which groups, how far (V7).

Decides once what the exhibits of contracts share: the first day from which ends are
recorded, the products that may be shown apart, and the relationships behind them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.value.contract_draws import Undetermined
from crmlib.value.contract_models import ContractModel, contract_models
from crmlib.value.contribution import Contribution
from crmlib.value.export_check import (
    ExportCheck,
    RecordedEnds,
    export_check,
    recorded_ends,
)
from crmlib.value.running_contracts import ContractValues, ends_together, running_values
from crmlib.value.shown_contracts import OTHERS, Presence, merged_products
from crmlib.value.spells import RELATIONSHIP, contract_spells, relationship_spells
from crmlib.value.survival import FEW_AT_RISK, kaplan_meier

UNIT = "month"
MONTHS = 12
YEARS = (1, 2, 5, 10)  # at which survival is shown, where it was seen


@dataclass(frozen=True)
class ContractBase:
    """Contracts and relationships under observation, in months of their age.

    Attributes
    ----------
    spells, relationships : DataFrame
        From `contract_spells` and `relationship_spells`; products of few customers are
        one group.
    check : ExportCheck
        What kind of export it is, at ages that may be shown.
    ends : RecordedEnds
    since : Timestamp
        From when on ends are read: the first day observed, or later where earlier ends
        are missing from the export.
    min_cell : int
        Customers in the smallest group that may be shown.
    groups : dict of str to str
        The group of each product, itself where it is not merged.
    """

    spells: pd.DataFrame
    relationships: pd.DataFrame
    check: ExportCheck
    ends: RecordedEnds
    since: pd.Timestamp
    min_cell: int
    groups: dict[str, str]

    @property
    def merged(self) -> int:
        """Products that are one group."""
        return list(self.groups.values()).count(OTHERS)

    @property
    def customers(self) -> int:
        """Customers with a contract."""
        return int(self.spells["customer_id"].nunique())

    def few_lost(self, product: str) -> bool:
        """Whether some, but too few to be shown, lost a contract of this product, or left."""
        spells = self.relationships if product == RELATIONSHIP else self.spells
        own = spells[(spells["product"] == product) & spells["left"]]
        return 0 < own["customer_id"].nunique() < self.min_cell


def contract_base(
    contracts: pd.DataFrame, start: object, end: object, min_cell: int
) -> ContractBase:
    """Decide how a client's contracts are read.

    Parameters
    ----------
    contracts : DataFrame of shape (n_contracts, …)
        customer_id, contract_id, product, start_date, end_date (empty while it runs);
        margin (money a month) where known.
    start, end : date
        First and last day observed.
    min_cell : int
        Customers in the smallest group that may be shown.

    Raises
    ------
    NotIdentified
        If fewer customers have a contract, none ended in the window, or at no age are
        enough seen to compare two readings of survival.
    """
    if contracts["customer_id"].nunique() < max(min_cell, 1):
        raise NotIdentified(f"fewer than {max(min_cell, 1)} customers have a contract")
    grouped = contracts.assign(product=merged_products(contracts, min_cell))
    ends = recorded_ends(grouped["end_date"], start=start, end=end)
    # a whole month: the day of the first end is one customer's
    since = pd.Timestamp(start) if ends.plausible else ends.first.replace(day=1)
    window = {"start": since, "end": end, "unit": UNIT}
    spells = contract_spells(grouped, **window)
    return ContractBase(
        spells=spells,
        relationships=relationship_spells(grouped, **window),
        check=_checked(spells, min_cell),
        ends=ends,
        since=since,
        min_cell=min_cell,
        groups=dict(zip(contracts["product"].astype(str), grouped["product"], strict=True)),
    )


def _checked(spells: pd.DataFrame, min_cell: int) -> ExportCheck:
    """Both readings of survival, from the youngest age at which enough were seen."""
    columns = [spells[name] for name in ("customer_id", "entry", "duration", "ended")]
    presence = Presence.of(*columns, min_cell)
    origin = presence.youngest()
    if origin is None:
        raise NotIdentified(f"at no age were at least {min_cell} customers with a contract seen")
    older = spells[spells["duration"] > origin]
    ages = presence.shown(np.arange(origin + 1, int(older["duration"].max()) + 1), origin)
    return export_check(
        older["duration"],
        older["ended"],
        np.maximum(older["entry"], origin),
        unit=UNIT,
        at=[origin, *ages],
    )


@dataclass(frozen=True)
class ContractSurvival:
    """Share of contracts, by product, and of relationships that outlast whole years.

    Attributes
    ----------
    table : DataFrame
        group, years, kept (0–1) with lo and hi; only years that may be shown.
    level : float
        Nominal coverage of the intervals.
    left_out : tuple of str
        Groups without any year that was seen and may be shown.
    """

    table: pd.DataFrame
    level: float
    left_out: tuple[str, ...]

    def kept(self, years: int) -> pd.DataFrame:
        """Rows of one age, best first."""
        return self.table[self.table["years"] == years].sort_values("kept", ascending=False)


def contract_survival(base: ContractBase, *, level: float) -> ContractSurvival:
    """Kaplan–Meier survival to whole years, of relationships and of each product.

    Contracts count from the age at which the window finds them, whatever the export.

    Raises
    ------
    NotIdentified
        If no group has a year that may be shown, or the export contradicts itself.
    """
    _check_trusted(base)
    groups = [(RELATIONSHIP, base.relationships), *base.spells.groupby("product", sort=True)]
    rows, left_out = [], []
    for name, own in groups:
        found = _survival_to_years(own, base.min_cell, level)
        rows += [(str(name), *row) for row in found]
        if not found:
            left_out.append(str(name))
    if not rows:
        raise NotIdentified(
            "at no product were enough customers seen in the first year of their contracts"
        )
    table = pd.DataFrame(rows, columns=["group", "years", "kept", "lo", "hi"])
    return ContractSurvival(table, level, tuple(left_out))


def _check_trusted(base: ContractBase) -> None:
    """Read no survival from a snapshot whose losses contradict the ages of its contracts."""
    if base.check.contradicted:
        raise NotIdentified(
            "the contracts are a snapshot whose losses contradict the ages of those that run"
        )


def _survival_to_years(
    own: pd.DataFrame, min_cell: int, level: float
) -> list[tuple[int, float, float, float]]:
    """(years, kept, lo, hi) of one group at the years that may be shown."""
    columns = [own[name] for name in ("customer_id", "entry_age", "age", "left")]
    months = MONTHS * np.array(YEARS)
    shown = Presence.of(*columns, max(min_cell, FEW_AT_RISK)).shown(months)
    if shown.size == 0:
        return []
    try:
        curve = kaplan_meier(own["age"], own["left"], own["entry_age"], level=level)
    except NotIdentified:  # nobody ended, or all who were seen at a young age
        return []
    found = curve.at(shown[shown <= curve.until])
    ages = (shown[: len(found)] // MONTHS).tolist()
    return list(zip(ages, *(found[name] for name in ("survival", "lower", "upper")), strict=True))


def model_contracts(base: ContractBase, *, level: float) -> dict[str, ContractModel | Refusal]:
    """The survival model of each product and of relationships; see `contract_models`.

    Raises
    ------
    NotIdentified
        If the export contradicts itself.
    """
    _check_trusted(base)
    every = pd.concat([base.spells, base.relationships], ignore_index=True)
    return contract_models(every, level=level)


def value_contracts(
    base: ContractBase,
    models: Mapping[str, ContractModel | Refusal],
    contributed: Contribution,
    everyone: Iterable[object] | None = None,
    *,
    horizon_years: float,
    annual_rate: float,
    replications: int,
    seed: int,
    level: float,
) -> ContractValues:
    """Expected discounted contribution of the contracts that run, by the month.

    Parameters
    ----------
    contributed : Contribution
        What each contract, and by the ledger each relationship, contributes a month.
    everyone : iterable of customer ids, optional
        The whole base, those without a contract included.
    horizon_years : float
        Counted in whole months, at least one.
    annual_rate : float
        Effective discount rate per year.
    replications, seed, level
        As in `running_values`.

    Raises
    ------
    NotIdentified
        If no running contract can be valued, or few customers have one.
    """
    spells = contributed.spells
    if spells.loc[spells["running"], "customer_id"].nunique() < base.min_cell:
        raise NotIdentified(f"fewer than {base.min_cell} customers have a contract that runs")
    return valued(
        contributed,
        models,
        horizon=max(1, math.floor(horizon_years * MONTHS + 0.5)),
        rate=(1 + annual_rate) ** (1 / MONTHS) - 1,
        together=ends_together(base.spells),
        replications=replications,
        seed=seed,
        level=level,
        base=everyone,
    )


def valued(
    contributed: Contribution,
    models: Mapping[str, ContractModel | Refusal],
    **plan: Any,
) -> ContractValues:
    """The value of every product that has enough contracts and ends for an interval.

    Parameters
    ----------
    contributed : Contribution
    models : mapping of product to ContractModel or Refusal
    **plan
        What else `running_values` takes.
    """
    usable = dict(models)
    while True:
        try:
            money = {"trends": contributed.trends, "risks": contributed.risks}
            found = running_values(contributed.spells, usable, **money, **plan)
            return replace(found, notes=(*found.notes, *contributed.notes))
        except Undetermined as error:
            usable[error.product] = Refusal(str(error))
