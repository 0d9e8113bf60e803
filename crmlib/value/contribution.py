"""What contracts contribute a month, by the client's ledger or as the client states it (V8).

Contribution is revenue less risk less cost to serve. Revenue goes on as long as the
contract that brings it; cost to serve as long as the relationship, which is a row of its
own with a negative margin. Risk is pooled by product over two years: losses are rare, and
one customer's write-off of last year says little of the next. Marketing is what a client
decides to spend and no part of it. Money of the same contracts a year apart shows whether
contributions rise or fall.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.optimise import NotIdentified
from crmlib.value.spells import DAYS, RELATIONSHIP

FloatArray = NDArray[np.float64]

LEAST_BOOKED = 6  # months of the ledger, from which a month's contribution is taken
FEWEST_MONTHS = 3.0  # in the year; a younger contract is valued at its product's mean
FEWEST_PAIRED = 50  # customers of a product through both years; of fewer, a change is chance
HALVED, DOUBLED = -0.5, 1.0  # the largest changes of a year that are continued
YEAR = pd.DateOffset(years=1)
ONE_DAY = pd.Timedelta(days=1)
KEYS = ["customer_id", "product"]


@dataclass(frozen=True)
class YearOnYear:
    """Money of the same contracts in two successive years, one element for each customer.

    Attributes
    ----------
    customer_id : array of shape (n,)
    before, after : arrays of shape (n,)
        Of the contracts that the customer had through both years.
    of_all : YearOnYear or None
        The same of all products together: how far a customer departs from the others is
        one matter for all his products. None where this is all there is.
    """

    customer_id: NDArray[np.object_]
    before: FloatArray
    after: FloatArray
    of_all: YearOnYear | None = None

    @property
    def growth(self) -> float:
        """Yearly change of the total, −0.05 for 5 % less."""
        return growth(self.before, self.after, np.ones(self.before.size))


def growth(before: FloatArray, after: FloatArray, weights: FloatArray) -> float:
    """Change from one total to the other under weights; 0 where there was nothing.

    A total that more than doubled or halved is taken to have doubled or halved: no more of
    a change is continued, and none that would turn money into a loss.
    """
    total = float(weights @ before)
    change = float(weights @ after) / total - 1 if total > 0 else 0.0
    return min(max(change, HALVED), DOUBLED)


@dataclass(frozen=True)
class PooledRisk:
    """Revenue and risk of one product in the last two years, one element for each customer.

    In the last year alone where the ledger books no more.

    Attributes
    ----------
    customer_id : array of shape (n,)
    revenue, risk : arrays of shape (n,)
    """

    customer_id: NDArray[np.object_]
    revenue: FloatArray
    risk: FloatArray

    @property
    def share(self) -> float:
        """Share of revenue that risk takes."""
        return float(self.risk.sum() / self.revenue.sum())


@dataclass(frozen=True)
class Contribution:
    """Contracts and relationships with what each contributes a month.

    Attributes
    ----------
    spells : DataFrame
        All contracts, and from a ledger all relationships too (product "relationship"),
        with margin (money a month; negative where it is a cost; 0 where it has ended).
    trends : dict of product to YearOnYear
        How the money of a product's contracts has changed in a year, that of all
        products where few customers had it; products without an entry are taken to stay
        as they are.
    notes : tuple of str
    risks : dict of product to PooledRisk
        What the margins of a product's contracts have borne of its customers' risk;
        products without an entry have none.
    """

    spells: pd.DataFrame
    trends: dict[str, YearOnYear]
    notes: tuple[str, ...]
    risks: dict[str, PooledRisk] = field(default_factory=dict)


def ledger_contribution(
    contracts: pd.DataFrame,
    relationships: pd.DataFrame,
    year: pd.DataFrame,
    before: pd.DataFrame,
    *,
    end: object,
    booked_from: object = None,
) -> Contribution:
    """Contribution of each running contract, and cost of each relationship, by the ledger.

    Parameters
    ----------
    contracts, relationships : DataFrame
        From `contract_spells` and `relationship_spells`.
    year, before : DataFrame
        customer_id, product, line, amount of the twelve whole months that end with `end`
        and of the twelve before them, as `intake.read_account` gives them; `before` is
        empty where the ledger does not reach so far back.
    end : date
        Last day of the last whole month.
    booked_from : date, optional
        First day that the ledger books: months before it are no months without revenue.

    Raises
    ------
    NotIdentified
        If the ledger books less than half a year, or the year has no revenue of a contract.
    """
    until = pd.Timestamp(end)
    opening = until + ONE_DAY - YEAR
    since = opening if booked_from is None else max(opening, pd.Timestamp(booked_from))
    booked = round((until - since).days / DAYS["month"])
    if booked < LEAST_BOOKED:
        raise NotIdentified(f"the ledger books {booked} months: too few to say what a year brings")
    if booked_from is not None and pd.Timestamp(booked_from) > opening - YEAR:
        before = before.iloc[:0]  # half a year before is no year to compare with
    revenue, risk = (_by_contract(year, line) for line in ("revenue", "risk_cost"))
    pooled = _pooled(pd.concat([before, year], ignore_index=True), revenue)
    shares = pd.Series({name: each.share for name, each in pooled.items()}, dtype=float)
    shares = shares.reindex(revenue.index.unique("product")).fillna(0.0)
    held = contracts.assign(months=_months_together(contracts, since, until))
    margin = _margins(held, revenue, shares)
    serving = _costs(year, revenue, risk, shares, set(contracts["product"]))
    served = relationships.assign(months=_months_together(relationships, since, until))
    spent = served["customer_id"].map(serving).fillna(0.0).to_numpy()
    cost = _a_month(served, spent, pd.Series(0, served.index))
    spells = pd.concat(
        [contracts.assign(margin=margin), relationships.assign(margin=-cost)], ignore_index=True
    )
    spells["margin"] = spells["margin"].where(spells["running"], 0.0)
    trends = _trends(contracts, relationships, year, before, since)
    notes = [] if trends else ["the ledger does not cover two years: no trend is seen"]
    if since > opening:
        notes.append(f"margins are those of the {booked} months that the ledger books")
    return Contribution(spells, trends, tuple(notes), pooled)


def stated_contribution(contracts: pd.DataFrame, min_cell: int) -> Contribution:
    """Contribution of each running contract as the table of contracts states it.

    Parameters
    ----------
    contracts : DataFrame
        From `contract_spells`, with margin (money a month).
    min_cell : int
        Fewer customers than this are not counted in words.

    Raises
    ------
    NotIdentified
        If no running contract states its margin.
    """
    stated = contracts.get("margin", pd.Series(np.nan, contracts.index)).astype(float)
    running = contracts["running"] & stated.notna()
    if not running.any():
        raise NotIdentified("no running contract has a margin (contracts.monthly_margin)")
    spells = contracts.assign(running=running, margin=stated.where(running, 0.0))
    lacking = contracts["running"] & stated.isna()
    if not lacking.any():
        return Contribution(spells, {}, ())
    few = contracts.loc[lacking, "customer_id"].nunique() < min_cell
    count = "a few" if few else f"{int(lacking.sum()):,}"
    return Contribution(
        spells, {}, (f"{count} running contracts have no margin and are not valued",)
    )


def realised(contribution: pd.DataFrame) -> pd.Series:
    """Revenue less cost to serve less risk by customer, from rows of the ledger.

    Parameters
    ----------
    contribution : DataFrame
        customer_id, line, amount (costs are positive).
    """
    sign = contribution["line"].map(
        {"revenue": 1.0, "cost_to_serve": -1.0, "risk_cost": -1.0, "marketing": 0.0}
    )
    return (contribution["amount"] * sign).groupby(contribution["customer_id"]).sum()


def stated_until(contracts: pd.DataFrame, since: object, until: object) -> pd.Series:
    """Stated margins of the months between two days, both included, by customer.

    Contracts that state none have brought nothing that is known.
    """
    months = _months(contracts, pd.Timestamp(since), pd.Timestamp(until))
    stated = contracts.get("margin", pd.Series(0.0, contracts.index))
    money = stated.astype(float).fillna(0.0) * months
    return money.groupby(contracts["customer_id"]).sum()


def _by_contract(year: pd.DataFrame, line: str) -> pd.Series:
    rows = year[year["line"] == line]
    return rows.groupby(KEYS, observed=True)["amount"].sum().astype(float)


def _months(spells: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> FloatArray:
    """How long each contract ran between two days, both included, in months."""
    began = pd.to_datetime(spells["start_date"]).clip(lower=since)
    stopped = pd.to_datetime(spells["end_date"]).fillna(until).clip(upper=until)
    days = (stopped - began + ONE_DAY).dt.days.clip(lower=0)
    return days.to_numpy(dtype=float) / DAYS["month"]


def _months_together(spells: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> FloatArray:
    """The same, added up over all that a customer has of a product: they share its money."""
    keys = [spells[name] for name in KEYS]
    months = pd.Series(_months(spells, since, until), spells.index)
    return months.groupby(keys).transform("sum").to_numpy()


def _margins(held: pd.DataFrame, revenue: pd.Series, shares: pd.Series) -> FloatArray:
    """Revenue a month less the share of it that pooled risk takes, of each contract."""
    pairs = pd.MultiIndex.from_frame(held[KEYS])
    money = revenue.reindex(pairs).fillna(0.0).to_numpy()
    if not money[held["running"]].any():
        raise NotIdentified("the ledger has no revenue of a running contract in its last year")
    a_month = _a_month(held, money, held["product"])
    return a_month * (1 - held["product"].map(shares).fillna(0.0).to_numpy())


def _pooled(known: pd.DataFrame, revenue: pd.Series) -> dict[str, PooledRisk]:
    """Revenue and risk by customer of each product whose margins bear risk.

    Losses are rare and large, and one year shows few of them: all years known count.
    """
    earned = revenue.groupby(level="product").sum()
    lines = {line: _by_contract(known, line) for line in ("revenue", "risk_cost")}
    both = pd.concat(lines, axis=1).fillna(0.0)
    return {
        str(product): PooledRisk(
            own.index.get_level_values("customer_id").to_numpy(dtype=object),
            own["revenue"].to_numpy(),
            own["risk_cost"].to_numpy(),
        )
        for product, own in both.groupby(level="product")
        if min(earned.get(product, 0.0), own["revenue"].sum()) > 0 and own["risk_cost"].sum() != 0
    }


def _a_month(spells: pd.DataFrame, money: FloatArray, group: pd.Series) -> FloatArray:
    """Money a month of each contract; of young ones the mean of their group."""
    months = spells["months"].to_numpy()
    enough = months >= FEWEST_MONTHS
    # in the mean, money that several contracts share counts once
    once = enough & ~spells.duplicated(KEYS).to_numpy()
    sums = pd.DataFrame({"money": money, "months": months})[once]
    totals = sums.groupby(group.to_numpy()[once]).sum()
    mean = group.map(totals["money"] / totals["months"]).fillna(0.0).to_numpy()
    return np.where(enough, money / np.where(enough, months, 1.0), mean)


def _costs(
    year: pd.DataFrame,
    revenue: pd.Series,
    risk: pd.Series,
    shares: pd.Series,
    contracted: set[object],
) -> pd.Series:
    """What each relationship costs in the year: service, and what no contract carries.

    Risk of products without revenue is a cost; revenue of products that nobody has a
    contract for makes it smaller.
    """
    served = year[year["line"] == "cost_to_serve"].groupby("customer_id")["amount"].sum()
    product = revenue.index.get_level_values("product")
    loose = (revenue * (1 - shares.reindex(product).to_numpy()))[~product.isin(list(contracted))]
    bare = risk[~risk.index.get_level_values("product").isin(shares.index[shares != 0])]
    parts = [served.astype(float), bare.groupby("customer_id").sum()]
    parts.append(-loose.groupby("customer_id").sum())
    return pd.concat(parts).groupby(level=0).sum()


def _trends(
    contracts: pd.DataFrame,
    relationships: pd.DataFrame,
    year: pd.DataFrame,
    before: pd.DataFrame,
    since: pd.Timestamp,
) -> dict[str, YearOnYear]:
    """Revenue of contracts, and cost of relationships, that ran through both years.

    By product, since a premium that is fixed and spending that falls have no trend in common.
    """
    if before.empty:
        return {}
    start = since - YEAR
    # a second contract of the product would bring what looks like growth of the first
    there = contracts[~(pd.to_datetime(contracts["end_date"]) < start)]
    throughout = there["running"] & (pd.to_datetime(there["start_date"]) <= start)
    same = throughout.groupby([there[name] for name in KEYS]).all()
    pairs = same.index[same.astype(bool)]
    years = {"before": before, "after": year}
    earned = {name: _by_contract(rows, "revenue") for name, rows in years.items()}
    money = pd.concat({name: each.reindex(pairs) for name, each in earned.items()}, axis=1)
    money = money.fillna(0.0)
    of_all = _paired(money)
    trends = dict.fromkeys(map(str, contracts["product"].unique()), of_all)
    for product, own in money.groupby(level="product"):
        if own.index.get_level_values("customer_id").nunique() >= FEWEST_PAIRED:
            trends[str(product)] = _paired(own, of_all)
    kept = relationships["running"] & (pd.to_datetime(relationships["start_date"]) <= start)
    ids = pd.Index(relationships.loc[kept, "customer_id"].unique())
    spent = {
        name: rows[rows["line"] == "cost_to_serve"].groupby("customer_id")["amount"].sum()
        for name, rows in years.items()
    }
    costs = {name: each.reindex(ids).astype(float).fillna(0.0) for name, each in spent.items()}
    trends[RELATIONSHIP] = _paired(pd.DataFrame(costs).rename_axis("customer_id"))
    return trends


def _paired(money: pd.DataFrame, of_all: YearOnYear | None = None) -> YearOnYear:
    """Money before and after, added up by customer."""
    each = money.groupby(level="customer_id").sum()
    ids = each.index.to_numpy(dtype=object)
    return YearOnYear(ids, each["before"].to_numpy(), each["after"].to_numpy(), of_all)
