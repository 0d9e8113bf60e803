"""Who is served above and below what they will be worth (V9), from ledger and future value."""

from __future__ import annotations

from itertools import groupby

import pandas as pd
from matplotlib.axes import Axes

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.refusal import Refusal
from crmlib.value.balance import BALANCED, NO_VALUE, OVER, UNDER, Balance
from crmlib.value.service import CONTRACTS, PURCHASES, ServiceBalance

_WHAT = "The balance of service"
_ALL = "all"
# of whom the balance is, and whom it leaves out
_SERVED = {CONTRACTS: "customers with running contracts", PURCHASES: "customers who bought"}
_OTHERS = {
    CONTRACTS: "customers without a running contract that is valued",
    PURCHASES: "customers of whom no purchases are foretold",
}
_COST, _VALUE = "share of service and marketing cost", "share of future value"
_COLUMNS = ["customers", "cost", "cost_share", "value", "value_share", "gap", "gap_lo", "gap_hi",
            "verdict", "to_move"]  # fmt: skip


def balance_by_decile(found: ServiceBalance | Refusal, n: int, scope: Scope) -> Exhibit:
    """Share of cost beside share of future value for each tenth of customers, best first."""
    if isinstance(found, Refusal):
        return refused("balance_by_decile", _WHAT, found, n, scope)
    balance, bands = found.bands, len(found.bands.groups)
    if bands == 1:
        return scope.withheld("balance_by_decile", _WHAT, balance.n)
    word = {10: "tenth", 5: "fifth", 2: "half"}[bands]
    table = _table(balance, word)
    drawn = table.iloc[:-1]
    figure, ax = theme.axes(height=3.8)
    names = [str(name) for name in drawn[word]]
    series = {
        _COST: (drawn["cost_share"].tolist(), theme.CONTRAST),
        _VALUE: (drawn["value_share"].tolist(), theme.PRIMARY),
    }
    theme.paired_bars(ax, names, series, formats.percent_1)
    top = max(drawn["cost_share"].max(), drawn["value_share"].max())
    _mark_runs(ax, drawn["verdict"].tolist(), top * 1.04)
    theme.tidy(ax, x=f"{word} of customers by future value, best first", y="share of the total")
    theme.percent(ax)
    ax.set_ylim(min(0, drawn["value_share"].min()), top * 1.14)
    first, level = drawn.iloc[0], formats.level(balance.moved.level)
    return scope.exhibit(
        id="balance_by_decile",
        title=f"The best {word} holds {formats.percent(first['value_share'])} of future value, "
        f"gets {formats.percent(first['cost_share'])} of cost",
        table=table,
        figure=figure,
        n=balance.n,
        population=_SERVED[found.of],
        unit="share of cost in the last twelve months and of future value",
        alt=f"Paired bars for each {word} of customers: share of service and marketing cost, and "
        f"share of future value, from {formats.percent(first['cost_share'])} and "
        f"{formats.percent(first['value_share'])} in the best.",
        note=_note(found, level, scope),
    )


def _mark_runs(ax: Axes, verdicts: list[str], height: float) -> None:
    """A line over neighbours with one verdict, which it says."""
    place = 0
    for verdict, run in groupby(verdicts):
        last = place + len(list(run)) - 1
        color = theme.PRIMARY if verdict == UNDER else theme.CONTRAST
        if verdict != BALANCED:
            ax.plot([place - 0.4, last + 0.4], [height, height], color=color, linewidth=1.5)
            middle = (place + last) / 2
            theme.label(ax, middle, height, verdict, color, xytext=(0, 8), ha="center")
        place = last + 1


def _table(balance: Balance, word: str) -> pd.DataFrame:
    """One row per group; in that of all the gap is what would change groups, to equal shares."""
    groups = balance.groups[_COLUMNS].round({"cost": 2, "value": 2, "to_move": 2})
    table = groups.rename_axis(word).reset_index()
    every = {
        word: _ALL, "customers": balance.n, "cost": table["cost"].sum(), "cost_share": 1.0,
        "value": table["value"].sum(), "value_share": 1.0, "verdict": "",
        "to_move": balance.amount, "gap": balance.moved.value, "gap_lo": balance.moved.lo,
        "gap_hi": balance.moved.hi,
    }  # fmt: skip
    whole = pd.concat([table, pd.DataFrame([every])], ignore_index=True)
    return whole.assign(level=balance.moved.level)


# the stream whose value is less the very cost that it is compared with
_NET = {"ledger": ", less the cost of serving them, so that who is dear to serve looks poorer"}


def _note(found: ServiceBalance, level: str, scope: Scope) -> str:
    balance = found.bands
    moved = formats.interval(balance.moved.lo, balance.moved.hi, formats.percent_1)
    remarks = [
        f"Cost: to serve and of marketing, in the ledger. Value: of {found.of}, of customers who "
        f"are expected to bring any{_NET.get(scope.margin_from, '')}. Over- or under-served: the "
        f"{level} bootstrap interval of the difference of shares excludes zero. Until "
        f"shares are equal {formats.percent_1(balance.moved.value)} of the cost ({moved}) would "
        f"have to change groups{_nothing_left(balance)}. Equal shares are no law: what lies "
        "far from them has to be explained or moved."
    ]
    if found.elsewhere:
        remarks.append(f"A further {scope.money(found.elsewhere)} went to {_OTHERS[found.of]}.")
    return " ".join(remarks)


def _nothing_left(balance: Balance) -> str:
    """What moving means for groups that are expected to cost more than they bring."""
    if NO_VALUE not in set(balance.groups["verdict"]):
        return ""
    return (
        ": groups without a value ahead would get nothing, the others by what they bring of the "
        "rest"
    )


def balance_by_tier(found: ServiceBalance | Refusal, scope: Scope) -> Exhibit | None:
    """The same by value tier, with the money that would have to move."""
    if isinstance(found, Refusal) or found.tiers is None or len(found.bands.groups) == 1:
        return None
    table = _table(found.tiers, "tier")
    shares = ["cost_share", "value_share", "gap", "gap_lo", "gap_hi"]
    shown = table.assign(
        customers=table["customers"].map(formats.count),
        **{name: table[name].map(scope.money) for name in ("cost", "value", "to_move")},
        **{name: table[name].map(formats.percent_1) for name in shares},
        level=table["level"].map(formats.level),
    )
    names = {"gap_lo": "from", "gap_hi": "to"}
    return scope.exhibit(
        id="balance_by_tier",
        title=_tier_title(found.tiers),
        table=table,
        formatted=shown.rename(columns=lambda name: names.get(name, name.replace("_", " "))),
        n=found.tiers.n,
        population=_SERVED[found.of],
        unit=f"{scope.currency} in the last twelve months; value: {scope.currency} ahead",
        alt="Table of value tiers with cost, future value, the shares of both, and the money to "
        "move until the shares are equal.",
        note="Gap: share of cost less share of future value, with its "
        f"{formats.level(found.tiers.moved.level)} bootstrap interval; of all, the share of cost "
        "that would change tiers. To move: positive is to be added to the tier. A tier ends with a "
        "band of the exhibit above where only a few customers lie between.",
    )


def _tier_title(balance: Balance) -> str:
    """What would have to move, or that no tier is told apart."""
    verdicts = set(balance.groups["verdict"])
    if not verdicts & {OVER, UNDER}:
        return "No value tier is clearly over- or under-served"
    share = formats.percent_1(balance.moved.value)
    return f"To follow future value, {share} of cost would move between tiers"


def balance_findings(
    found: ServiceBalance | Refusal, brought: float, scope: Scope
) -> list[Finding]:
    """How much of the cost of service goes where little value lies ahead.

    Parameters
    ----------
    brought : float
        What customers brought in the observed time, for the finding's weight.
    """
    if isinstance(found, Refusal) or len(found.bands.groups) == 1:
        return []
    balance = found.bands
    if not set(balance.groups["verdict"]) & {OVER, UNDER}:
        return []
    moved, level = balance.moved, formats.level(balance.moved.level)
    return [
        Finding(
            id="service_to_move",
            kind="estimate",
            sentence=f"To go where future value lies, {formats.percent_1(moved.value)} of service "
            f"and marketing cost would change customers, {scope.money(balance.amount)} a year "
            f"({level} interval {formats.interval(moved.lo, moved.hi, formats.percent_1)}).",
            value=moved.value,
            lo=moved.lo,
            hi=moved.hi,
            unit="share of service and marketing cost",
            exhibit="balance_by_decile",
            size=balance.amount / brought if brought > 0 else 0.0,
        )
    ]
