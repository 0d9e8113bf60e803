"""How well the value of contracts would have been foretold a year ago (V13).

The last year is sealed: contracts are read as they stood on its first day, models and
margins come from the time before, and what those contracts then contributed is the
test. Beside the forecast stands one that needs no model: everything goes on as it was.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.value.contract_base import ContractBase, contract_base, model_contracts, valued
from crmlib.value.contract_lifetime import contribution
from crmlib.value.contribution import realised
from crmlib.value.running_contracts import ends_together
from crmlib.value.spells import RELATIONSHIP

MONTHS = 12
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class ContractHoldout:
    """Contribution of a sealed year, foretold and actual.

    Attributes
    ----------
    foretold : Interval
        Of the contracts that ran when the year began; its interval carries parameters
        and chance, and should hold `actual`.
    actual : float
        What these contracts, and serving these customers, then contributed.
    as_before : float
        What they had contributed in the year before, each month of it as the next.
    start, end : date
        First and last day of the sealed year.
    customers : int
        With a contract that ran when it began.
    left_out : tuple of str
        Products whose contracts cannot be valued; they are in none of the figures.
    """

    foretold: Interval
    actual: float
    as_before: float
    start: dt.date
    end: dt.date
    customers: int
    left_out: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        """Foretold over actual, less one; NaN where nothing was contributed."""
        return self.foretold.value / self.actual - 1 if self.actual > 0 else float("nan")


def contract_holdout(
    contracts: pd.DataFrame,
    sealed: pd.DataFrame,
    year: pd.DataFrame,
    before: pd.DataFrame | Refusal,
    *,
    start: dt.date,
    sealed_from: dt.date,
    end: dt.date,
    trend: str,
    min_cell: int,
    replications: int,
    seed: int,
    level: float,
) -> ContractHoldout:
    """Foretell a year of contribution that has passed, by the ledger.

    Parameters
    ----------
    contracts : DataFrame
        As `contract_base` takes them, of the whole time.
    sealed, year, before : DataFrame
        Rows of the ledger in the sealed year, in the year before it and in the one before
        that; the last empty where it was not observed.
    start, sealed_from, end : date
        First day that contracts and ledger cover, first and last day of the sealed year.
    trend : {"continue", "none"}
        Whether margins go on to change as in the last year.
    min_cell : int
        Customers in the smallest group that may be shown.
    replications, seed, level
        As in `running_values`.

    Raises
    ------
    NotIdentified
        If no full year was observed before the seal, too few customers have contracts
        then, or as the models.
    """
    seal = sealed_from - ONE_DAY
    if start > sealed_from.replace(year=sealed_from.year - 1) or year.empty:
        raise NotIdentified("less than a year was observed before the year to be sealed")
    known = _as_of(contracts, seal)
    base = contract_base(known, start, seal, min_cell)
    contributed = contribution(
        "ledger", base, year, before, end=seal, trend=trend, booked_from=start
    )
    if isinstance(contributed, Refusal):
        raise NotIdentified(contributed.reason)
    spells = contributed.spells
    found = valued(
        contributed,
        model_contracts(base, level=level),
        horizon=MONTHS,
        rate=0.0,
        together=ends_together(base.spells),
        replications=replications,
        seed=seed,
        level=level,
    )
    kept = spells[spells["running"] & ~spells["product"].isin(list(found.refused))]
    return ContractHoldout(
        foretold=found.chance,
        actual=_contributed(sealed, base, kept, set(contracts["product"].astype(str))),
        as_before=MONTHS * float(kept["margin"].sum()),
        start=sealed_from,
        end=end,
        customers=kept["customer_id"].nunique(),
        left_out=tuple(found.refused),
    )


def _as_of(contracts: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Contracts as they stood at the end of a day: later ends are not known yet."""
    at = pd.Timestamp(day)
    began = contracts[pd.to_datetime(contracts["start_date"]) <= at]
    ends = pd.to_datetime(began["end_date"])
    return began.assign(end_date=ends.where(ends <= at))


def _contributed(
    sealed: pd.DataFrame, base: ContractBase, kept: pd.DataFrame, contracted: set[str]
) -> float:
    """What contracts that ran at the seal contributed, less cost to serve their customers.

    `contracted` are the products that anybody ever had a contract for.
    """
    product = sealed["product"].astype(str).map(lambda name: base.groups.get(name, name))
    pairs = pd.MultiIndex.from_arrays([sealed["customer_id"], product])
    ran = pairs.isin(pd.MultiIndex.from_frame(kept[["customer_id", "product"]]))
    served = kept.loc[kept["product"] == RELATIONSHIP, "customer_id"]
    of_contract = sealed["line"].isin(["revenue", "risk_cost"]).to_numpy() & ran
    # the forecast counts what nobody has a contract for with the relationship, so does this
    loose = ~product.isin(base.spells["product"]) & ~product.isin(list(contracted))
    of_customer = (sealed["line"] == "cost_to_serve") | loose
    rows = sealed[of_contract | (of_customer & sealed["customer_id"].isin(served)).to_numpy()]
    return float(realised(rows.assign(amount=rows["amount"].astype(float))).sum())
