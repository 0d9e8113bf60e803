"""The account of each segment, and the targets its manager is judged by (S10)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.segments.accounts import ALL, SegmentAccounts
from crmlib.stats.refusal import Refusal

_ACCOUNTS = "The account of each segment"
_MONEY = ("revenue", "cost_to_serve", "risk_cost", "marketing", "profit", "profit_change",
          "profit_per_customer")  # fmt: skip
_HEADINGS = {"cost_to_serve": "service", "risk_cost": "risk", "profit_change": "change",
             "profit_per_customer": "a customer", "profit_share": "share"}  # fmt: skip


def segment_accounts(found: SegmentAccounts | Refusal, n: int, scope: Scope) -> Exhibit:
    """This year's profit and loss of each segment beside the year before."""
    if isinstance(found, Refusal):
        return refused("segment_accounts", _ACCOUNTS, found, n, scope)
    scope = scope.drawing_on("ledger").during(found.start, found.end)
    money = [name for name in _MONEY if found.compared or name != "profit_change"]
    table = found.table[["segment", "customers", *money]].round(2)
    total = float(table["profit"].iloc[-1])
    table["profit_share"] = table["profit"] / total if total > 0 else np.nan
    shown = table.assign(
        customers=table["customers"].map(formats.count),
        **{name: [_plain(scope.money(amount), scope) for amount in table[name]] for name in money},
        profit_share=["" if pd.isna(s) else formats.percent(s) for s in table["profit_share"]],
    )
    title = _title(table, scope)
    compared = "the year before, with the same customers" if found.compared else ""
    return scope.exhibit(
        id="segment_accounts",
        title=title,
        table=table,
        formatted=shown.rename(columns=_HEADINGS),
        n=found.n,
        unit=scope.currency,
        alt=f"Table of {len(table) - 1} segments, most profitable first, and their sum: customers, "
        f"revenue, cost to serve, risk cost, marketing and profit of the year"
        f"{', beside ' + compared if compared else ''}. {title}.",
        note="Profit: revenue less cost to serve, risk cost and marketing, of those who are in the "
        "segment today, in the last twelve months that the ledger books. "
        + (
            "The year before is theirs, too, wherever they then were. "
            if found.compared
            else "The year before is not booked whole. "
        )
        + "The segments add up to the ledger.",
    )


def _plain(amount: str, scope: Scope) -> str:
    """An amount without the currency, which the unit says."""
    return amount.removeprefix(f"{scope.currency} ")


def _title(table: pd.DataFrame, scope: Scope) -> str:
    each = table[table["segment"] != ALL]
    least = float(each["profit"].min())
    if least < 0:
        return f"The weakest segment earns {scope.money(least)}"
    if each["profit_share"].isna().any():
        return "No segment earns a profit or brings a loss"
    best = formats.percent(float(each["profit_share"].max()))
    return f"No segment brings a loss; the best earns {best} of profit"


def segment_targets(
    table: pd.DataFrame, owners: Mapping[str, str], n: int, scope: Scope
) -> Exhibit | None:
    """Each target beside the actual figure and, of size, the forecast; none where none is set."""
    if table.empty:
        return None
    kinds = table["measure"] == "customers"
    given = table if owners else table.drop(columns="owner")
    short = given.assign(expected=table["expected"].round(1), actual=table["actual"].round(2),
                         to_go=table["to_go"].round(2))  # fmt: skip
    shown = short.assign(
        measure=short["measure"].str.replace("_", " "),
        **{name: [_written(v, size, scope) for v, size in zip(short[name], kinds, strict=True)]
           for name in ("actual", "target", "to_go", "expected")},
    )  # fmt: skip
    title = _targets_title(table)
    return scope.exhibit(
        id="segment_targets",
        title=title,
        table=short,
        formatted=shown.rename(columns={"to_go": "to go", "expected": "expected in a year"}),
        n=n,
        unit=f"customers; {scope.currency} a year",
        alt=f"Table of {len(table)} targets of segments: the figure of today, the target, what is "
        f"missing to it, and the size expected in a year. {title}.",
        note="To go: target less the figure of today. Expected: size in a year if customers go on "
        "to move between kinds of behaviour as in the past year and spread over value tiers as "
        "today; none is told where the segment holds customers without behaviour.",
    )


def _written(value: float, size: bool, scope: Scope) -> str:
    if pd.isna(value):
        return ""
    return formats.count(value) if size else scope.money(value)


def _targets_title(table: pd.DataFrame) -> str:
    """How many targets are reached; of a cost that is one that is not exceeded."""
    known = table.dropna(subset="actual")
    if known.empty:
        return "Targets are set; no figure to hold them against is known"
    costs = known["measure"].isin(["cost_to_serve", "risk_cost", "marketing"])
    reached = (known["to_go"] <= 0).where(~costs, known["to_go"] >= 0)
    if reached.all():
        return "Every target is reached today"
    if not reached.any():
        return "No target is reached yet"
    return "Some targets are reached today, others are not"
