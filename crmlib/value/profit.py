"""What customers, products and channels of service earn after what they cost (V3).

Profit = revenue − cost to serve − risk cost − marketing, from a ledger summed by
customer, product and line. Losses are legal: the cumulative curve is then a whale
curve, which rises above the total before the unprofitable pull it back (Kaplan &
Narayanan 2001, "Measuring and Managing Customer Profitability", Journal of Cost
Management 15(5)). All but `Profit.customers`
is by groups, each with its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.stats.tiers import best_first, value_deciles
from crmlib.tables import LINES
from crmlib.value.concentration import Concentration, concentration, curve_points

COSTS = LINES[1:]  # all but revenue
SUMS = [*LINES, "profit"]
NOT_STATED = "not stated"  # service that the ledger puts under no channel
NOT_SERVED = "not served"  # customers without any cost to serve
# 0.30 − 0.10 − 0.20 is −2.8e-17 in binary: a customer who breaks even brings no loss
_BREAKS_EVEN = 1e-12


@dataclass(frozen=True)
class Profit:
    """Profit by customer, product and channel; every table adds up to the same totals.

    Attributes
    ----------
    customers : DataFrame of shape (n_customers, 7 or 8)
        customer_id, the four lines, profit, profit_decile (1 = best), and
        main_channel where channels are stated.
    products : DataFrame, index product
        The four lines, profit, customers (who have a row on it: they count under
        each of their products), profit_share (of total profit; NaN where that is
        not positive). Most profitable first.
    product_deciles : DataFrame
        profit_decile, product, the four lines, profit, customers (of the decile
        who have the product), decile_customers; every combination has a row.
    channels : DataFrame or Refusal, index channel
        Customers by main channel of service, each under one: the four lines,
        profit, customers, profit_share, unprofitable (customers).
    service : DataFrame or Refusal, index channel
        Cost to serve where it arises: cost_to_serve, share, customers (who were
        served there: they count under each of their channels).
    costliest : DataFrame
        See `costliest_groups`.
    """

    customers: pd.DataFrame
    products: pd.DataFrame
    product_deciles: pd.DataFrame
    channels: pd.DataFrame | Refusal
    service: pd.DataFrame | Refusal
    costliest: pd.DataFrame

    @property
    def total(self) -> float:
        """Profit of all customers."""
        return float(self.customers["profit"].sum())


@dataclass(frozen=True)
class WhaleCurve:
    """How profit accumulates from the best customer to the worst.

    Attributes
    ----------
    curve : Concentration
    top_shares : dict of float to Interval
        Share of total profit held by these shares of best customers.
    peak : Interval
        Highest point of the curve: profit of the profitable over total profit.
    peak_at : Interval
        Share of customers at the peak: those with a profit.
    """

    curve: Concentration
    top_shares: dict[float, Interval]
    peak: Interval
    peak_at: Interval


@dataclass(frozen=True)
class Unprofitable:
    """Customers who cost more than they bring: how many, and how much it is.

    `share` of all customers; `loss` in money, 0 or less; of `n` customers.
    """

    share: Interval
    customers: int
    loss: float
    n: int


def profit(
    amounts: pd.DataFrame,
    *,
    customer_ids: Iterable[object] | None = None,
    costliest: Sequence[float] = (0.01, 0.1),
) -> Profit:
    """Profit by customer, product, decile and channel of service.

    Parameters
    ----------
    amounts : DataFrame
        customer_id, product, line (revenue, cost_to_serve, risk_cost or
        marketing), amount (money; costs are positive), channel where known. Rows
        are summed, so months may be summed before or not.
    customer_ids : iterable, optional
        All customers: those without a row have a profit of 0. Where omitted, the
        customers of the rows.
    costliest : increasing shares of customers
        Bounds of the groups of `costliest_groups`.

    Raises
    ------
    ValueError
        If a column is missing, a line unknown, an amount not a number, or a row
        belongs to none of `customer_ids`.
    NotIdentified
        If there is no row.
    """
    rows = _checked(amounts)
    table = _by_customer(rows, customer_ids)
    deciles = table.set_index("customer_id")["profit_decile"]
    channels = service = Refusal("no channel of service is stated in the ledger")
    if "channel" in rows:
        main = _main_channels(rows)
        table["main_channel"] = table["customer_id"].map(main).fillna(NOT_SERVED).astype(object)
        channels, service = _by_main_channel(table), _by_service(rows)
    return Profit(
        customers=table,
        products=_by_product(rows),
        product_deciles=_by_product_and_decile(rows, deciles),
        channels=channels,
        service=service,
        costliest=costliest_groups(table, costliest, rows),
    )


def costliest_groups(
    customers: pd.DataFrame, shares: Sequence[float], amounts: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The most expensive customers as groups, never one by one.

    Parameters
    ----------
    customers : DataFrame
        `Profit.customers`.
    shares : increasing shares between 0 and 1
        With (0.01, 0.1) the groups are the costliest hundredth, the rest of the
        costliest tenth, and all others; rounded up to whole customers.
    amounts : DataFrame, optional
        Rows with line, amount and channel, for the main channel of each group.

    Returns
    -------
    DataFrame
        from_share, to_share (of customers ranked by their three costs together),
        customers, cost_share (of all costs; NaN where these are not positive),
        unprofitable (customers), mean_ of each line, of cost and of profit, and
        where channels are stated main_channel (which has most of the group's cost
        to serve) with main_channel_share. A row per group that has customers.
    """
    edges = np.array([0.0, *shares, 1.0])
    if (np.diff(edges) <= 0).any():
        raise ValueError(f"shares must increase between 0 and 1, got {tuple(shares)}")
    cost = customers[list(COSTS)].sum(axis=1)
    order = best_first(cost, customers["customer_id"])
    ranked = customers.iloc[order].assign(cost=cost.iloc[order])
    # rounding before rounding up: 0.07 × 100 is 7.000000000000001
    ends = np.ceil(np.round(edges * len(ranked), 9)).astype(int)
    ranked["group"] = np.repeat(np.arange(edges.size - 1), np.diff(ends))
    groups = ranked.groupby("group")
    sizes = groups.size()
    found = pd.DataFrame(
        {
            "from_share": edges[sizes.index],
            "to_share": edges[sizes.index + 1],
            "customers": sizes,
            "cost_share": _shares(groups["cost"].sum()),
            "unprofitable": groups["profit"].agg(lambda money: int((money < 0).sum())),
        }
    ).join(groups[[*LINES, "cost", "profit"]].mean().add_prefix("mean_"))
    if amounts is not None and "channel" in amounts:
        group_of = ranked.set_index("customer_id")["group"]
        found = found.join(_main_channel_of(amounts, amounts["customer_id"].map(group_of)))
    return found.reset_index(drop=True)


def customer_profits(earned: Profit) -> pd.Series:
    """Profit of each customer, for what is computed from nothing else."""
    return earned.customers["profit"]


def unprofitable(profits: ArrayLike, *, replications: int, seed: int, level: float) -> Unprofitable:
    """Share of customers who bring a loss, with an interval by bootstrap over customers.

    Parameters
    ----------
    profits : array of shape (n_customers,)
    replications, seed, level
        Bootstrap samples, their seed, nominal coverage.
    """
    ranked = np.sort(np.asarray(profits, dtype=float))
    best_first(ranked)  # refuses what is empty or not finite
    losing = ranked < 0
    draws = [
        sizes @ losing / ranked.size
        for sizes in bootstrap_weights(ranked.size, replications, generator(seed))
    ]
    share = percentile_interval(losing.mean(), draws, level)
    return Unprofitable(share, int(losing.sum()), float(ranked[losing].sum()), ranked.size)


def whale_curve(
    profits: ArrayLike, shares: Sequence[float], *, replications: int, seed: int, level: float
) -> WhaleCurve:
    """Whale curve of profit, its peak and top shares with intervals.

    Parameters
    ----------
    profits : array of shape (n_customers,)
        Money; may be negative.
    shares : sequence of float
        Shares of best customers, 0–1.
    replications, seed, level
        Bootstrap over customers, percentile intervals of this nominal coverage.

    Raises
    ------
    NotIdentified
        If total profit is not positive, here or in a resample: an interval of
        shares of it would have no bounds.
    """
    ranked = np.sort(np.asarray(profits, dtype=float))[::-1]
    whole = concentration(ranked)
    samples = bootstrap_weights(ranked.size, replications, generator(seed))
    try:
        draws = np.array([_landmarks(ranked, sizes, shares) for sizes in samples])
    except NotIdentified as error:  # of a resample: the base itself has passed
        raise NotIdentified("total profit is near zero: shares of it have no bounds") from error
    points = _landmarks(ranked, np.ones(ranked.size), shares)
    *tops, peak, peak_at = (
        percentile_interval(point, column, level)
        for point, column in zip(points, draws.T, strict=True)
    )
    return WhaleCurve(whole, dict(zip(shares, tops, strict=True)), peak, peak_at)


def _landmarks(ranked: np.ndarray, sizes: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Top shares, height of the peak, share of customers there."""
    points = curve_points(ranked, sizes)
    tops = np.interp(shares, *points.T).tolist()
    return [*tops, float(points[:, 1].max()), float(sizes @ (ranked > 0) / sizes.sum())]


def _checked(amounts: pd.DataFrame) -> pd.DataFrame:
    """The rows with amounts as floats and no missing channel of service."""
    missing = [c for c in ("customer_id", "product", "line", "amount") if c not in amounts]
    if missing:
        raise ValueError(f"ledger lacks {', '.join(missing)}")
    if amounts.empty:
        raise NotIdentified("the ledger has no row: there is no profit to show")
    rows = amounts.assign(amount=amounts["amount"].astype(float))
    unknown = set(rows["line"].dropna().unique()) - set(LINES)
    if unknown or rows["line"].isna().any():
        found = min(map(str, unknown), default="an empty one")
        raise ValueError(f"ledger line must be one of {', '.join(LINES)}: found {found}")
    bad = np.flatnonzero(~np.isfinite(rows["amount"]))
    if bad.size:
        raise ValueError(f"ledger amount must be a finite number, found none at row {bad[0]}")
    if "channel" not in rows or rows["channel"].isna().all():
        return rows.drop(columns="channel", errors="ignore")
    return rows.assign(channel=rows["channel"].astype(object).fillna(NOT_STATED))


def _sums(rows: pd.DataFrame, by: str | list[str]) -> pd.DataFrame:
    """The four lines and profit by some columns."""
    keys = [by] if isinstance(by, str) else by
    lines = rows.groupby([*keys, "line"], observed=True)["amount"].sum().unstack("line")
    return _with_profit(lines.reindex(columns=list(LINES)).fillna(0.0))


def _with_profit(lines: pd.DataFrame) -> pd.DataFrame:
    lines.columns.name = None
    earned = lines["revenue"] - lines[list(COSTS)].sum(axis=1)
    breaks_even = earned.abs() <= _BREAKS_EVEN * lines.abs().sum(axis=1)
    return lines.assign(profit=earned.mask(breaks_even, 0.0))


def _by_customer(rows: pd.DataFrame, customer_ids: Iterable[object] | None) -> pd.DataFrame:
    table = _sums(rows, "customer_id")
    if customer_ids is not None:
        everyone = pd.Index(customer_ids, name="customer_id")
        if everyone.has_duplicates:
            raise ValueError(f"customer {everyone[everyone.duplicated()][0]} is listed twice")
        strangers = table.index.difference(everyone)
        if len(strangers):
            raise ValueError(f"{len(strangers)} customers of the ledger are not in the base")
        table = table.reindex(everyone, fill_value=0.0)
    table = table.sort_index().reset_index()
    return table.assign(profit_decile=value_deciles(table["profit"], table["customer_id"]))


def _by_product(rows: pd.DataFrame) -> pd.DataFrame:
    table = _sums(rows, "product").assign(
        customers=rows.groupby("product", observed=True)["customer_id"].nunique()
    )
    table["profit_share"] = _shares(table["profit"])
    return table.sort_values("profit", ascending=False, kind="stable")


def _by_product_and_decile(rows: pd.DataFrame, deciles: pd.Series) -> pd.DataFrame:
    keys = ["profit_decile", "product"]
    placed = rows.assign(profit_decile=rows["customer_id"].map(deciles))
    every = pd.MultiIndex.from_product(
        [sorted(deciles.unique()), sorted(rows["product"].unique())], names=keys
    )
    customers = placed.groupby(keys, observed=True)["customer_id"].nunique()
    table = _sums(placed, keys).assign(customers=customers).reindex(every, fill_value=0)
    table = table.reset_index()
    return table.assign(decile_customers=table["profit_decile"].map(deciles.value_counts()))


def _main_channels(rows: pd.DataFrame) -> pd.Series:
    """Channel with most of each customer's cost to serve; of equals, the first by name."""
    served = rows[rows["line"] == "cost_to_serve"]
    cost = served.groupby(["customer_id", "channel"], observed=True)["amount"].sum()
    return cost.unstack().sort_index(axis=1).idxmax(axis=1)


def _by_main_channel(customers: pd.DataFrame) -> pd.DataFrame:
    groups = customers.groupby(customers["main_channel"].rename("channel"))
    table = groups[SUMS].sum()
    table["customers"] = groups.size()
    table["profit_share"] = _shares(table["profit"])
    table["unprofitable"] = groups["profit"].agg(lambda money: int((money < 0).sum()))
    return table.sort_values("profit", ascending=False, kind="stable")


def _by_service(rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows[rows["line"] == "cost_to_serve"].groupby("channel", observed=True)
    cost = groups["amount"].sum()
    return pd.DataFrame(
        {
            "cost_to_serve": cost,
            "share": _shares(cost),
            "customers": groups["customer_id"].nunique(),
        }
    ).sort_values("cost_to_serve", ascending=False, kind="stable")


def _main_channel_of(rows: pd.DataFrame, group: pd.Series) -> pd.DataFrame:
    """Channel that has most of each group's cost to serve, and its share of it."""
    served = rows["line"] == "cost_to_serve"
    cost = rows[served].groupby([group[served].rename("group"), "channel"], observed=True)["amount"]
    by_channel = cost.sum().unstack(fill_value=0.0).sort_index(axis=1)
    total = by_channel.sum(axis=1)
    return pd.DataFrame(
        {
            "main_channel": by_channel.idxmax(axis=1),
            "main_channel_share": (by_channel.max(axis=1) / total).where(total > 0),
        }
    )


def _shares(money: pd.Series) -> pd.Series:
    """Shares of the total, NaN where the total is not positive."""
    total = money.sum()
    return money / total if total > 0 else money * np.nan
