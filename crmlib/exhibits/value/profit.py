"""What customers and products earn after what they cost (V3), from the client's ledger.

All are counts of the observed base. Customers appear in bands, products with as many
customers as may be shown.
"""

from __future__ import annotations

import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.disclosure import is_small
from crmlib.stats.refusal import Refusal
from crmlib.value.profit import SUMS, Profit, Unprofitable, WhaleCurve

_BEST, _LOSING = "best customers", "customers who bring losses"
_BANDS = 10
OTHERS = "other products"


def profit_curve(
    earned: Profit | Refusal,
    curve: WhaleCurve | Refusal,
    losing: Unprofitable | Refusal,
    n: int,
    scope: Scope,
) -> Exhibit:
    """The whale curve: how profit accumulates from the best customer to the worst."""
    for result in (earned, curve, losing):
        if isinstance(result, Refusal):
            return refused("profit_curve", "Profit by customer", result, n, scope)
    n = losing.n
    if scope.bands(n) == 1:
        return scope.withheld("profit_curve", "Profit by customer", n)
    table = _curve_table(curve, losing, scope)
    drawn, share = table[table["group"] == _BEST], scope.best_share(n)
    reached, word = _held(table, share), scope.share_word(share)
    figure, ax = theme.axes(height=4.0)
    ax.axhline(1, color=theme.REFERENCE, linewidth=1)
    ax.plot(drawn["customers"], drawn["profit"], color=theme.PRIMARY, linewidth=2.4)
    ax.plot([share], [reached], "o", color=theme.PRIMARY, markersize=6)
    said = f"best {word}: {formats.percent(reached)}"
    theme.label(ax, share, reached, said, theme.PRIMARY, xytext=(9, -10), weight="bold")
    peak = drawn.loc[drawn["profit"].idxmax()]
    if peak["profit"] > 1:
        said = f"peak {formats.percent(peak['profit'])}"
        theme.label(ax, *peak[["customers", "profit"]], said, theme.MUTED, xytext=(0, 8))
    theme.tidy(ax, x="share of customers, most profitable first", y="share of profit")
    for axis in "xy":
        theme.percent(ax, axis)
    ax.set(xlim=(0, 1), ylim=(min(0, drawn["profit"].min()), drawn["profit"].max() * 1.08))
    names = [f"best {formats.percent(customers)}" for customers in drawn["customers"]]
    theme.says_values(ax, drawn["customers"], names, {"": drawn["profit"]}, formats.percent)
    lost = table[table["group"] == _LOSING]
    title = f"The best {word} of customers earns {formats.percent(reached)} of profit"
    if len(lost):
        part = formats.percent(lost["customers"].iloc[0])
        title = (
            f"The best {word} earns {formats.percent(reached)} of profit; {part} of customers "
            "bring losses"
        )
    return scope.exhibit(
        id="profit_curve",
        title=title,
        table=table,
        figure=figure,
        n=n,
        population="customers in the ledger",
        unit="cumulative share of customers and of profit",
        alt=f"Curve of cumulative profit by customers, most profitable first: the best {word} "
        f"holds {formats.percent(reached)}; the curve peaks at {formats.percent(peak['profit'])} "
        "of the total before unprofitable customers pull it back.",
        note="Profit: revenue less cost to serve, risk cost and marketing. Above 100% stands "
        f"what unprofitable customers take away again. {_redrawn(curve, losing, share, word)}",
    )


def _curve_table(curve: WhaleCurve, losing: Unprofitable, scope: Scope) -> pd.DataFrame:
    """Points of the curve at bands of customers, and those who bring losses where not few.

    What these lose is read from the curve's shown points: their exact loss beside the
    nearest point would be the profit of the few customers in between.
    """
    points = curve.curve.banded(scope.bands(losing.n))
    step = max(1, (len(points) - 1) // 20)
    table = points.iloc[::step][["share", "value"]].set_axis(["customers", "profit"], axis=1)
    table.insert(0, "group", _BEST)
    table["lost"] = float("nan")
    if not losing.customers or is_small([losing.customers, losing.n - losing.customers],
                                        scope.min_cell).any():  # fmt: skip
        return table.reset_index(drop=True)
    lost = max(float(table["profit"].max()) - 1, 0.0)
    last = pd.DataFrame([(_LOSING, losing.share.value, -lost, lost)], columns=table.columns)
    return pd.concat([table, last], ignore_index=True)


def _held(table: pd.DataFrame, share: float) -> float:
    best = table[table["group"] == _BEST]
    return float(best.loc[(best["customers"] - share).abs().idxmin(), "profit"])


def _redrawn(curve: WhaleCurve, losing: Unprofitable, share: float, word: str) -> str:
    top, level = curve.top_shares[share], formats.level(losing.share.level)
    return (
        "Read as a sample of those who might have become customers, the best "
        f"{word} earns {formats.interval(top.lo, top.hi, formats.percent)} and "
        f"{formats.interval(losing.share.lo, losing.share.hi, formats.percent)} bring losses "
        f"({level} bootstrap intervals)."
    )


def profit_by_decile(earned: Profit | Refusal, scope: Scope) -> Exhibit | None:
    """The account of each tenth of customers; nothing where the curve has said why not."""
    if isinstance(earned, Refusal):
        return None
    n = len(earned.customers)
    if scope.bands(n, _BANDS) < _BANDS:
        return scope.withheld("profit_by_decile", "Profit by decile", n)
    groups = earned.customers.groupby("profit_decile")
    table = groups[SUMS].sum().round(2)
    table.insert(0, "customers", groups.size())
    table = table.assign(mean_profit=table["profit"] / table["customers"])
    table = table.rename_axis("decile").reset_index()
    figure, ax = theme.axes(height=3.4)
    colors = [theme.PRIMARY if money >= 0 else theme.CONTRAST for money in table["profit"]]
    names = [str(decile) for decile in table["decile"]]
    ax.bar(names, table["profit"], color=colors, width=0.75)
    ax.axhline(0, color=theme.INK, linewidth=0.8)
    theme.tidy(ax, x="decile of customers, most profitable first", y=f"profit, {scope.currency}")
    theme.thousands(ax)
    series = {name.replace("_", " "): table[name] for name in SUMS}
    said = [f"decile {name}" for name in names]
    theme.says_values(ax, range(len(names)), said, series, scope.money)
    last, first = table.iloc[-1], table.iloc[0]
    title = "Every decile of customers earns a profit"
    if last["profit"] < 0:
        title = f"The last group of customers brings a loss of {scope.money(-last['profit'])}"
    return scope.exhibit(
        id="profit_by_decile",
        title=title,
        table=table.assign(loss=(-table["profit"]).where(table["profit"] < 0)),
        figure=figure,
        n=n,
        population="customers in the ledger",
        unit=f"{scope.currency} in the observed time",
        alt=f"Bars of profit by decile of customers, from {scope.money(first['profit'])} in the "
        f"first to {scope.money(last['profit'])} in the last.",
        note=f"A customer of the first decile earns {scope.money(first['mean_profit'])}, of the "
        f"last {scope.money(last['mean_profit'])}; the data have the account of each decile.",
    )


def profit_by_product(earned: Profit | Refusal, scope: Scope) -> Exhibit | None:
    """The account of each product, most profitable first."""
    if isinstance(earned, Refusal):
        return None
    n, table = len(earned.customers), shown_products(earned, scope.min_cell)
    if len(table) < 2:
        return scope.withheld("profit_by_product", "Profit by product", n)
    best = table["profit_share"].max()
    money = SUMS
    shown = table.assign(
        **{name: [scope.money(value) for value in table[name]] for name in money},
        profit_share=[formats.percent(share) for share in table["profit_share"]],
        customers=["" if pd.isna(k) else formats.count(k) for k in table["customers"]],
    )
    return scope.exhibit(
        id="profit_by_product",
        title=f"The strongest of {len(table)} products earns {formats.percent(best)} of profit",
        table=table,
        formatted=shown.rename(columns=lambda name: name.replace("_", " ")),
        n=n,
        population="customers in the ledger",
        unit=f"{scope.currency} in the observed time",
        alt=f"Table of {len(table)} products with revenue, costs, profit and customers; the most "
        f"profitable has {formats.percent(best)} of profit.",
        note="A customer counts under each product held. Costs stand where the ledger books them.",
    )


def shown_products(earned: Profit, min_cell: int) -> pd.DataFrame:
    """Products with enough customers; the others, and the next smallest with them, as one."""
    products = earned.products.sort_values("customers")
    small = is_small(products["customers"].tolist(), min_cell)
    merged = 0 if not small.any() else int(small.sum()) + 1
    few, kept = products.iloc[:merged], products.iloc[merged:]
    money = SUMS
    table = kept[[*money, "profit_share", "customers"]].astype({"customers": float})
    if merged:
        table.loc[OTHERS] = [*few[money].sum(), few["profit_share"].sum(), float("nan")]
    table = table.rename_axis("product").reset_index().round(dict.fromkeys(money, 2))
    return table.sort_values("profit", ascending=False, ignore_index=True)


def profit_findings(
    earned: Profit | Refusal, curve: WhaleCurve | Refusal, losing: Unprofitable | Refusal,
    scope: Scope,
) -> list[Finding]:  # fmt: skip
    """Who earns the profit, and who takes some of it away again."""
    if any(isinstance(result, Refusal) for result in (earned, curve, losing)):
        return []
    if scope.bands(losing.n) == 1:
        return []
    table, share = _curve_table(curve, losing, scope), scope.best_share(losing.n)
    reached, word = _held(table, share), scope.share_word(share)
    said = [
        Finding(
            id=f"top_{word}_profit_share",
            kind="census",
            sentence=f"The best {word} of customers earned {formats.percent(reached)} of profit.",
            value=reached,
            unit="share of profit",
            exhibit="profit_curve",
            size=abs(reached),
        )
    ]
    lost = table[table["group"] == _LOSING]
    if len(lost):
        part, taken = float(lost["customers"].iloc[0]), float(lost["lost"].iloc[0])
        said.append(
            Finding(
                id="unprofitable_share",
                kind="census",
                sentence=f"{formats.percent(part)} of customers cost more than they brought: "
                f"without them profit would be at least {formats.percent(taken, 1)} higher.",
                value=part,
                unit="share of customers",
                exhibit="profit_curve",
                size=abs(taken),
            )
        )
    return said
