"""What customers spend elsewhere (V12): share of wallet, headroom, and for whom it is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.disclosure import is_small
from crmlib.stats.refusal import Refusal
from crmlib.value.potential import IMPLAUSIBLE
from crmlib.value.wallets import WalletPotential

_WHAT = "Share of wallet"
_ALL = "all"
_COLUMNS = ["customers", "used", "share_of_wallet", "share_of_wallet_lo", "share_of_wallet_hi",
            "headroom_all", "headroom_all_lo", "headroom_all_hi", "mean_headroom"]  # fmt: skip


def share_of_wallet(
    found: WalletPotential | Refusal, labels: Sequence[str], n: int, scope: Scope
) -> Exhibit:
    """Share of wallet and what is open, by value tier, with intervals."""
    if isinstance(found, Refusal):
        return refused("share_of_wallet", _WHAT, found, n, scope)
    table = _table(found, labels, scope)
    if table is None:
        return scope.withheld("share_of_wallet", _WHAT, n)
    drawn = table.iloc[:-1] if len(table) > 1 else table
    places = np.arange(len(drawn))[::-1]
    figure, (shares, bars) = theme.axes(2, height=1.3 + 0.5 * len(drawn), sharey=True)
    reach = _reach(drawn, "share_of_wallet")
    shares.errorbar(drawn["share_of_wallet"], places, xerr=reach, fmt="o", color=theme.PRIMARY,
                    markersize=7, capsize=3)  # fmt: skip
    bars.barh(places, drawn["headroom_all"], color=theme.PRIMARY, height=0.6)
    bars.errorbar(drawn["headroom_all"], places, xerr=_reach(drawn, "headroom_all"), fmt="none",
                  ecolor=theme.INK, capsize=3, linewidth=1)  # fmt: skip
    for place, row in zip(places, drawn.to_dict("records"), strict=True):
        theme.label(
            shares, row["share_of_wallet_hi"], place, formats.percent(row["share_of_wallet"])
        )
        high = np.nan_to_num(row["headroom_all_hi"], nan=row["headroom_all"])
        theme.label(bars, high, place, formats.money(row["headroom_all"]))
    shares.set_yticks(places, drawn["tier"])
    shares.set(xlim=(-0.03, 1), ylim=(-0.6, len(drawn) - 0.4))
    bars.set_xlim(0, np.nanmax(drawn[["headroom_all", "headroom_all_hi"]].to_numpy()) * 1.25)
    theme.tidy(shares, x="share of wallet", y="value tier", grid="x")
    theme.tidy(bars, x=f"spent elsewhere, {scope.currency} a year", y="", grid="x")
    theme.percent(shares, "x")
    theme.thousands(bars, "x")
    bars.xaxis.set_major_locator(MaxNLocator(3))
    series = {"share of wallet": drawn["share_of_wallet"]}
    theme.says_values(shares, places, drawn["tier"], series, formats.percent, along="y")
    theme.says_values(bars, places, drawn["tier"], {"elsewhere": drawn["headroom_all"]},
                      scope.money, along="y")  # fmt: skip
    whole = table.iloc[-1]
    share, open_ = formats.percent(whole["share_of_wallet"]), scope.money(whole["headroom_all"])
    return scope.exhibit(
        id="share_of_wallet",
        title=f"Share of wallet is {share}; {open_} a year is open",
        table=table,
        figure=figure,
        n=int(whole["customers"]),
        population=_population(found),
        unit=f"share of {scope.amount_word}, and {scope.currency} of it a year",
        alt=f"Dots for the share of wallet of {len(drawn)} groups of customers and bars for what "
        f"they spend elsewhere, with intervals; in all {share} and {open_}.",
        note=_note(found, whole, scope),
    )


def _population(found: WalletPotential) -> str:
    return "customers who have not left" if found.knows_leavers else "customers"


def _reach(drawn: pd.DataFrame, name: str) -> np.ndarray:
    """Distances to both ends of an interval; none where it has no ends."""
    ends = drawn[[f"{name}_lo", f"{name}_hi"]].to_numpy().T
    return np.nan_to_num(np.abs(ends - drawn[name].to_numpy()))


def _table(found: WalletPotential, labels: Sequence[str], scope: Scope) -> pd.DataFrame | None:
    """Groups, best tier first, then all; only all where a group would tell of a few."""
    groups = found.found.groups
    order = [label for label in labels if label in groups.index]
    order += [name for name in groups.index if name not in order]
    potential = found.found
    used = int(groups["used"].sum())
    every = pd.Series(
        {
            "customers": potential.n, "used": used,
            "share_of_wallet": potential.share_of_wallet.value,
            "share_of_wallet_lo": potential.share_of_wallet.lo,
            "share_of_wallet_hi": potential.share_of_wallet.hi,
            "headroom_all": potential.headroom_all.value,
            "headroom_all_lo": potential.headroom_all.lo,
            "headroom_all_hi": potential.headroom_all.hi,
            "mean_headroom": groups["headroom"].sum() / used,
        },
        name=_ALL,
    )  # fmt: skip
    parts = groups.loc[order, _COLUMNS]
    if _few(parts, scope).any() or (parts["used"] == 0).any():
        parts = parts.iloc[:0]
    table = pd.concat([parts, every.to_frame().T]).rename_axis("tier").reset_index()
    if _few(table, scope).any():
        return None
    table[["customers", "used"]] = table[["customers", "used"]].astype(int)
    margin = scope.margin_rate
    return table.assign(
        contribution=table["headroom_all"] * margin,
        contribution_lo=table["headroom_all_lo"] * margin,
        contribution_hi=table["headroom_all_hi"] * margin,
        level=potential.share_of_wallet.level,
    )


def _few(table: pd.DataFrame, scope: Scope) -> pd.Series:
    """Groups in which few have a wallet that is used, or few have none."""
    sizes = np.column_stack([table["customers"], table["used"], table["customers"] - table["used"]])
    return pd.Series(is_small(sizes.astype(int), scope.min_cell).any(axis=1), index=table.index)


def _note(found: WalletPotential, whole: pd.Series, scope: Scope) -> str:
    potential = found.found
    level = formats.level(potential.share_of_wallet.level)
    interval = formats.interval(
        potential.share_of_wallet.lo, potential.share_of_wallet.hi, formats.percent, 1
    )
    remarks = [
        f"Spending of the last twelve months over what {formats.count(whole['used'])} customers "
        f"spend with everybody by outside data ({level} bootstrap interval {interval}, not the "
        "error of the estimates). Open: their mean headroom, for all customers of their group."
    ]
    reasons = potential.reasons["customers"]
    named = [
        f"{formats.count(reasons[reason])} × {reason}"
        for reason in IMPLAUSIBLE
        if reasons[reason] and not is_small(reasons[reason], scope.min_cell)
    ]
    if named:
        remarks.append(
            f"Not used since implausible: {'; '.join(named)}. Taken to be as large as the spend "
            f"with us, these wallets would make the share {formats.percent(potential.capped, 1)}."
        )
    elif reasons[list(IMPLAUSIBLE)].any():
        remarks.append(f"Wallets of {scope.few} are not plausible and are not used.")
    if scope.margin_rate != 1:
        remarks.append(
            f"Contribution: {formats.percent(scope.margin_rate, 1)} of it, were it all won."
        )
    return " ".join(remarks)


def wallet_likeness(
    found: WalletPotential | Refusal, labels: Sequence[str], scope: Scope
) -> Exhibit | None:
    """In which respects those with a known wallet differ from the others for whom they stand."""
    if isinstance(found, Refusal) or _table(found, labels, scope) is None:
        return None
    if found.likeness.empty:
        return None
    table = found.likeness
    alike = int(table["alike"].sum())
    shown = table.assign(
        known=[
            _written(value, level)
            for value, level in zip(table["known"], table["level"], strict=True)
        ],
        others=[
            _written(value, level)
            for value, level in zip(table["others"], table["level"], strict=True)
        ],
        difference=[f"{value:.2f}" for value in table["difference"]],
        alike=["yes" if value else "no" for value in table["alike"]],
    )
    return scope.exhibit(
        id="wallet_likeness",
        title=f"Those with known wallets resemble others in {alike} of {len(table)} respects",
        table=table,
        formatted=shown,
        n=found.found.n,
        population=_population(found),
        unit="means, and shares of the level; differences in standard deviations",
        alt=f"Table of {len(table)} respects in which customers with a known wallet are compared "
        f"with the others; in {alike} they are alike.",
        note="Of each attribute the level that differs most. Alike: less than 0.1 standard "
        "deviations apart (Austin 2009). What is open to the others rests on this likeness.",
    )


def _written(value: float, level: str) -> str:
    """A share of a level, or a mean."""
    return formats.percent(value, 1) if level else formats.significant(value, 4)


def potential_findings(
    found: WalletPotential | Refusal, labels: Sequence[str], brought: float, scope: Scope
) -> list[Finding]:
    """What is left on the table, in spending and in contribution.

    Parameters
    ----------
    brought : float
        What customers brought in the observed time, for the finding's weight: were it all
        won, the open spending would contribute so much of it a year.
    """
    if isinstance(found, Refusal):
        return []
    table = _table(found, labels, scope)
    if table is None or np.isnan(found.found.headroom_all.lo):
        return []
    whole = table.iloc[-1]
    lo, hi = whole["headroom_all_lo"], whole["headroom_all_hi"]
    earns = ""
    if scope.margin_rate != 1:
        earns = f", of which {scope.money(whole['contribution'])} would be contribution"
    return [
        Finding(
            id="open_wallet",
            kind="estimate",
            sentence=f"Customers spend {scope.money(whole['headroom_all'])} a year elsewhere"
            f"{earns} ({formats.level(whole['level'])} interval of the spending "
            f"{formats.interval(lo, hi, scope.money)}).",
            value=float(whole["headroom_all"]),
            lo=float(lo),
            hi=float(hi),
            unit=f"{scope.currency} a year",
            exhibit="share_of_wallet",
            size=float(whole["contribution"] / brought) if brought > 0 else 0.0,
        )
    ]
