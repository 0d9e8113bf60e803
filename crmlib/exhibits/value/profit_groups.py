"""Profit by product and decile, by channel of service, and of the costliest customers (V3).

The same customers are cut in several ways here and in `crmlib.exhibits.value.profit`.
What one table withholds no other may tell: cells are withheld against the totals by
decile and by product, and groups that would tell of a few beside the curve are not shown.
"""

from __future__ import annotations

from textwrap import shorten

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import MAX_TITLE_WORDS, Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.profit import OTHERS, shown_products
from crmlib.stats.disclosure import band_ends, is_small, withhold
from crmlib.stats.refusal import Refusal
from crmlib.stats.tiers import best_first
from crmlib.value.profit import SUMS, Profit, costliest_groups
from crmlib.value.shown_groups import tells_of_few

_DECILES = 10
_MOST_ROWS = 12  # products in the picture; the rest of them stands as one
_LONGEST = 24  # letters of a product's name beside the picture; the table has all
_OTHER_CHANNELS = "other channels"
_MEANS = {"mean_revenue": "revenue", "mean_cost_to_serve": "cost to serve",
          "mean_risk_cost": "risk cost", "mean_marketing": "marketing",
          "mean_profit": "profit"}  # fmt: skip


def profit_heat(earned: Profit | Refusal, scope: Scope) -> Exhibit | None:
    """Profit of each product with each tenth of customers, losses in another colour."""
    if isinstance(earned, Refusal):
        return None
    n = len(earned.customers)
    if scope.bands(n, _DECILES) < _DECILES:
        return None  # the exhibit by decile has said why
    table = _heat_table(earned, scope)
    if table is None:
        return scope.withheld("profit_heat", "Profit by product and decile", n)
    wide = table.pivot(index="product", columns="decile", values="profit")
    wide = wide.loc[table["product"].unique()]
    texts = [["·" if np.isnan(v) else formats.money(v) for v in row] for row in wide.to_numpy()]
    figure, ax = theme.axes(height=1.1 + 0.42 * len(wide))
    columns = [str(decile) for decile in wide.columns]
    names = [shorten(name, _LONGEST, placeholder="…") or name[:_LONGEST] for name in wide.index]
    heat.table(ax, wide, texts, names, columns, size=7.5)
    ax.set_xlabel(f"decile of customers, most profitable first; profit in {scope.currency}")
    said = ["\n".join(f"decile {d}: {t}" for d, t in zip(columns, row, strict=True))
            for row in texts]  # fmt: skip
    theme.says_texts(ax, range(len(wide)), list(wide.index), said, "y")
    withheld = int(table["profit"].isna().sum())
    few = (
        f" Withheld (·), since they would tell of {scope.few}: {formats.plural(withheld, 'cell')}."
    )
    return scope.exhibit(
        id="profit_heat",
        title=_heat_title(table, scope),
        table=table,
        figure=figure,
        n=n,
        population="customers in the ledger",
        unit=f"{scope.currency} in the observed time",
        alt=f"Table of profit by {len(wide)} products and ten deciles of customers; losses and "
        "profits are coloured, the darker the larger.",
        note="A count of the observed base; each row and each column adds up to the exhibits by "
        f"product and by decile.{few if withheld else ''}",
    )


def _heat_table(earned: Profit, scope: Scope) -> pd.DataFrame | None:
    """Product by decile, most profitable product first; empty where it would tell of a few."""
    cells = earned.product_deciles
    rows = shown_products(earned, scope.min_cell)["product"]
    named = [name for name in rows if name != OTHERS][: _MOST_ROWS - 1]
    kept = cells["product"].where(cells["product"].isin(named), OTHERS)
    groups = cells.assign(product=kept).groupby(["product", "profit_decile"], sort=False)
    # of products in one row the largest has at least so many customers
    table = groups.agg(profit=("profit", "sum"), customers=("customers", "max"),
                       of=("decile_customers", "first")).reset_index()  # fmt: skip
    order = [*named, OTHERS] if (kept == OTHERS).any() else named
    table["place"] = table["product"].map({name: at for at, name in enumerate(order)})
    table = table.sort_values(["place", "profit_decile"], ignore_index=True)
    by_product = table["product"].to_numpy() == np.array(order, dtype=object)[:, None]
    by_decile = table["profit_decile"].to_numpy() == np.arange(1, _DECILES + 1)[:, None]
    totals = np.vstack([by_product, by_decile])
    found = withhold(table["customers"], totals, scope.min_cell, overlapping=True)
    if not found.safe or found.cells.all():
        return None
    # how many do not have a product is told by the customers of all deciles who do
    without = withhold(table["of"] - table["customers"], by_product, scope.min_cell)
    unknown = found.cells | without.cells | (table["product"] == OTHERS)
    profit = table["profit"].round(2).mask(found.cells)
    return pd.DataFrame(
        {
            "product": table["product"],
            "decile": table["profit_decile"],
            "profit": profit,
            "loss": (-profit).where(profit < 0),
            "customers": table["customers"].astype(float).mask(unknown),
        }
    )


def _heat_title(table: pd.DataFrame, scope: Scope) -> str:
    """Where most is lost."""
    losing = table.dropna(subset="loss")
    if losing.empty:
        return "No product loses money with any decile of customers"
    worst = losing.loc[losing["loss"].idxmax()]
    lost, name = scope.money(worst["loss"]), str(worst["product"])
    title = f"{name} loses {lost} in decile {worst['decile']}, more than elsewhere"
    if len(title.split()) > MAX_TITLE_WORDS or any(letter.isdigit() for letter in name):
        return f"One product loses {lost} in decile {worst['decile']} alone"
    return title


def profit_by_channel(earned: Profit | Refusal, scope: Scope) -> Exhibit | None:
    """The account of customers by the channel that serves them most."""
    if isinstance(earned, Refusal) or isinstance(earned.channels, Refusal):
        return None
    n, group = len(earned.customers), _channel_of(earned, scope)
    if group is None:
        return scope.withheld("profit_by_channel", "Profit by channel of service", n)
    groups = earned.customers.groupby(group.rename("channel"))
    table = groups[SUMS].sum().round(2)
    table.insert(0, "customers", groups.size())
    total = earned.total
    table["profit_share"] = table["profit"] / (total if total > 0 else np.nan)
    table["profit_per_customer"] = table["profit"] / table["customers"]
    table = table.sort_values("profit_per_customer", ascending=False).reset_index()
    best, last = table.iloc[0], table.iloc[-1]
    money = [*SUMS, "profit_per_customer"]
    shown = table.assign(
        customers=table["customers"].map(formats.count),
        **{name: table[name].map(scope.money) for name in money},
        profit_share=table["profit_share"].map(formats.percent),
    )
    return scope.exhibit(
        id="profit_by_channel",
        title=f"By channel a customer earns {scope.money(best['profit_per_customer'])} down to "
        f"{formats.money(last['profit_per_customer'])}",
        table=table,
        formatted=shown.rename(columns=_headings),
        n=n,
        population="customers in the ledger",
        unit=f"{scope.currency} in the observed time",
        alt=f"Table of {len(table)} channels with customers, revenue, costs and profit; per "
        f"customer from {scope.money(best['profit_per_customer'])} to "
        f"{scope.money(last['profit_per_customer'])}.",
        note="Each customer stands under the channel with most of his cost to serve. That a "
        "channel's customers earn less need not be the channel's doing.",
    )


def _headings(name: str) -> str:
    """Short enough for a sheet of paper."""
    return {"profit_share": "share", "profit_per_customer": "per customer"}.get(
        name, name.replace("_", " ")
    )


def _channel_of(earned: Profit, scope: Scope) -> pd.Series | None:
    """Channel of each customer, the small ones as one; None where they may not be shown."""
    if "main_channel" not in earned.customers:
        return None
    channel = earned.customers["main_channel"]
    sizes = channel.value_counts().sort_values(kind="stable")
    small = is_small(sizes, scope.min_cell)
    merged = sizes.index[: int(small.sum()) + 1] if small.any() else []
    group = channel.where(~channel.isin(merged), _OTHER_CHANNELS)
    curve = _band_of(earned, scope)
    if group.nunique() < 2 or tells_of_few([curve, group], scope.min_cell):
        return None
    return group


def _band_of(earned: Profit, scope: Scope) -> np.ndarray:
    """The band of the curve, and so the decile, in which each customer is shown."""
    n = len(earned.customers)
    bands = scope.bands(n)
    ends = band_ends(n, bands)[:: max(1, bands // 20)]
    band = np.empty(n, dtype=np.int64)
    order = best_first(earned.customers["profit"], earned.customers["customer_id"])
    band[order] = np.searchsorted(ends, np.arange(n), side="right")
    return band


def costliest(earned: Profit | Refusal, scope: Scope) -> Exhibit | None:
    """What the most expensive customers cost and bring, as groups."""
    if isinstance(earned, Refusal):
        return None
    n = len(earned.customers)
    groups = _cost_groups(earned, scope)
    if groups is None:
        return scope.withheld("costliest", "The costliest customers", n)
    table = groups.drop(columns=["unprofitable", "mean_cost", "main_channel_share"],
                        errors="ignore")  # fmt: skip
    names = ["costliest" if row.from_share == 0 else "next" if row.to_share < 1 else "all other"
             for row in groups.itertuples()]  # fmt: skip
    spans = groups["to_share"] - groups["from_share"]
    table.insert(0, "group", [f"{name} {formats.percent(span)}" for name, span in
                              zip(names, spans, strict=True)])  # fmt: skip
    shown = table.assign(
        **{name: table[name].map(formats.percent) for name in
           ("from_share", "to_share", "cost_share")},
        customers=table["customers"].map(formats.count),
        **{name: table[name].map(scope.money) for name in _MEANS},
    ).rename(columns=_MEANS)  # fmt: skip
    first = table.iloc[0]
    word = "at a loss" if first["mean_profit"] < 0 else "yet profitably"
    part, share = formats.percent(first["to_share"]), formats.percent(first["cost_share"])
    return scope.exhibit(
        id="costliest",
        title=f"The costliest {part} of customers cause {share} of cost, {word}",
        table=table,
        formatted=shown.rename(columns=lambda name: name.replace("_", " ")),
        n=n,
        population="customers in the ledger",
        unit=f"{scope.currency} per customer in the observed time",
        alt="Table of customers ranked by what they cost: per customer revenue, costs and profit; "
        f"the costliest {part} cause {share} of all cost.",
        note="Cost: to serve, of risk and of marketing. Revenue, costs and profit are means per "
        "customer of the group. The main channel has most of the group's cost to serve.",
    )


def _cost_groups(earned: Profit, scope: Scope) -> pd.DataFrame | None:
    """The groups that may be shown: the finer ones, else the costliest tenth and the others."""
    n, others = len(earned.customers), [_band_of(earned, scope)]
    channel = _channel_of(earned, scope)
    if channel is not None:
        others.append(channel.to_numpy())
    coarser = costliest_groups(earned.customers, (0.1,)) if scope.bands(n, 10) == 10 else None
    for groups in (earned.costliest, coarser):
        if groups is None or not (groups["cost_share"] >= 0).all():
            continue
        if is_small(groups["customers"], scope.min_cell).any() or len(groups) < 2:
            continue
        cost = earned.customers[["cost_to_serve", "risk_cost", "marketing"]].sum(axis=1)
        place = np.empty(n, dtype=np.int64)
        order = best_first(cost, earned.customers["customer_id"])
        place[order] = np.repeat(np.arange(len(groups)), groups["customers"])
        if not tells_of_few([*others, place], scope.min_cell):
            return groups
    return None
