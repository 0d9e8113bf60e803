"""When acquisition pays back, and where it does so best, by how and when customers were won."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.refusal import Refusal
from crmlib.value.payback import ALL, BY_CHANNEL, Payback

_WHAT = "Payback of acquisition"
_EVERYONE = "all who were acquired"
_MOST_PANELS = 4
_FIGURES = ["acquisition_cost", "payback", "payback_lo", "payback_hi", "months"]
_HEADINGS = {  # short: a page is not wide
    "acquisition_cost": "cost",
    "payback_lo": "from",
    "payback_hi": "to",
    "customers_after": "observed",
    "repaid_after": "repaid",
    "return_after": "return",
    "return_lo": "from ",  # a second column of this name
    "return_hi": "to ",
    "after_months": "months",
}
_COUNTS = ["customers", "payback", "payback_lo", "payback_hi", "customers_after", "after_months"]
_MONEY = ["acquisition_cost"]
_SHARES = ["repaid_after", "return_after", "return_lo", "return_hi", "level"]
_ORDER = ["customers", *_MONEY, *_COUNTS[1:5], *_SHARES[:-1], "after_months", "level"]


def acquisition_payback(found: Payback | Refusal, n: int, scope: Scope) -> Exhibit:
    """Cumulated contribution per acquired customer beside the cost, by channel where known."""
    if isinstance(found, Refusal):
        return refused("acquisition_payback", _WHAT, found, n, scope)
    drawn = _drawn(found)
    figure, panels = theme.axes(len(drawn), height=3.5, sharey=True, squeeze=False)
    for place, (ax, (_, group)) in enumerate(zip(panels[0], drawn.iterrows(), strict=True)):
        _panel(ax, group, found, scope, first=place == 0)
    lines = found.lines.merge(drawn[["kind", "group"]])["contribution"]
    panels[0][0].set_ylim(min(0, lines.min()), 1.05 * max(lines.max(), drawn[_FIGURES[0]].max()))
    whole, level = found.groups.iloc[0], formats.level(found.level)
    return scope.exhibit(
        id="acquisition_payback",
        title=_payback_title(found),
        table=_line_table(found),
        figure=figure,
        n=found.n,
        population="customers acquired",
        unit=f"{scope.currency} of {scope.value_word} per acquired customer, cumulative",
        alt=f"Rising lines of cumulated {scope.value_word} per acquired customer by months since "
        f"joining, each beside its mean acquisition cost; over all customers {_reached(whole)}.",
        note="Month since joining: the line adds up each month's average over the customers "
        "observed so long. Payback is the month from which on it stays at or above the mean "
        f"cost, marked with its {level} bootstrap interval over customers; no line is continued "
        f"beyond what was observed. {_said(whole, level)}{_other_panels(found)}"
        f"{_notes(found)}",
    )


def _drawn(found: Payback) -> pd.DataFrame:
    """The channels with most customers, or all as one where ways of acquisition are not known."""
    channels = found.groups[found.groups["kind"] == BY_CHANNEL]
    return channels.iloc[:_MOST_PANELS] if len(channels) > 1 else found.groups.iloc[:1]


def _panel(ax: Axes, group: pd.Series, found: Payback, scope: Scope, *, first: bool) -> None:
    """One group's line, its cost, and where they cross."""
    own = (found.lines["kind"] == group["kind"]) & (found.lines["group"] == group["group"])
    line, cost = found.lines[own], group["acquisition_cost"]
    name = _EVERYONE if group["kind"] == ALL else formats.shortened(str(group["group"]), 20)
    ax.axhline(cost, color=theme.CONTRAST, linewidth=1.2, linestyle=(0, (3, 3)))
    ax.plot(line["month"], line["contribution"], color=theme.PRIMARY, linewidth=2.4)
    right = line["month"].iloc[-1]
    theme.label(ax, right, cost, f"cost {formats.money(cost)}", theme.CONTRAST,
                xytext=(0, -7), ha="right")  # fmt: skip
    crossing = f"not by month {group['months']:.0f}"
    if pd.notna(group["payback"]):
        crossing = f"repaid by month {group['payback']:.0f}"
        lo, hi = group["payback_lo"], group["payback_hi"]
        ax.plot([lo, right if pd.isna(hi) else hi], [cost, cost], color=theme.INK, linewidth=3,
                solid_capstyle="butt")  # fmt: skip
        ax.plot([group["payback"]], [cost], "o", color=theme.INK, markersize=6)
    ax.set_title(f"{name}\n{crossing}", color=theme.INK, loc="left")
    unit = f"{scope.currency} per acquired customer" if first else ""
    theme.tidy(ax, x="months since joining", y=unit)
    theme.thousands(ax)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    names = [f"by month {month}" for month in line["month"]]
    theme.says_values(ax, line["month"], names, {name: line["contribution"]}, scope.money)


def _payback_title(found: Payback) -> str:
    whole = found.groups.iloc[0]
    if pd.isna(whole["payback"]):
        return f"Within {_months(whole['months'])} acquired customers have not repaid their cost"
    said = f"Acquisition pays back after {_months(whole['payback'])}"
    channels = found.groups.loc[found.groups["kind"] == BY_CHANNEL, "payback"]
    if len(channels) < 2 or channels.isna().all():
        return said
    if channels.isna().any():
        return f"{said}, through some channels not yet"
    if channels.min() == channels.max():
        return said
    return f"{said}, by channel {channels.min():.0f} to {channels.max():.0f}"


def _months(number: float) -> str:
    return formats.plural(int(number), "month")


def _reached(group: pd.Series) -> str:
    """Whether and when the line gets to the cost, in words."""
    if pd.isna(group["payback"]):
        return f"the cost is not reached within the {_months(group['months'])} observed"
    return f"the cost is reached after {_months(group['payback'])}"


def _said(group: pd.Series, level: str) -> str:
    """The same with its interval, a sentence."""
    lo, hi = group["payback_lo"], group["payback_hi"]
    if pd.isna(lo):
        span = "nor in any but a few redrawn bases"
    elif pd.isna(hi):
        span = f"{level} interval from {lo:.0f} to beyond the {_months(group['months'])} observed"
    else:
        span = f"{level} interval {lo:.0f} to {hi:.0f}"
    return f"Over all, {_reached(group)} ({span})."


def _other_panels(found: Payback) -> str:
    channels = int((found.groups["kind"] == BY_CHANNEL).sum())
    more = channels - _MOST_PANELS
    if more <= 0:
        return ""
    return f" The data have {formats.plural(more, 'channel')} more, which won fewer customers."


def _notes(found: Payback) -> str:
    said = formats.sentences(*found.notes)
    return f" {said}" if said else ""


def _line_table(found: Payback) -> pd.DataFrame:
    """Months of the lines, all first, each beside its group's cost and payback month."""
    keys = ["kind", "group"]
    lines = found.lines[found.lines["kind"].isin([ALL, BY_CHANNEL])]
    table = lines.merge(found.groups[[*keys, *_FIGURES]], on=keys, how="left")
    table = table.rename(columns={"months": "months_observed"})
    return table.assign(level=found.level).round({"contribution": 4, "acquisition_cost": 4})


def acquisition_quality(found: Payback | Refusal, scope: Scope) -> Exhibit | None:
    """What acquisition has brought for its money by channel and by half-year of joining."""
    if isinstance(found, Refusal):
        return None
    whole, months = found.groups.iloc[0], _months(found.after)
    table = _quality_table(found)
    share = formats.percent(whole["return_after"])
    title = f"After {months} acquisition has brought {share} of its cost"
    if pd.isna(whole["return_after"]):
        title = f"Too few acquired customers have been observed for {months}"
    level = formats.level(found.level)
    withheld = found.groups["repaid_after"].isna() & (found.groups["customers_after"] > 0)
    few = f" Shares of customers (·) are withheld where they would tell of {scope.few}."
    return scope.exhibit(
        id="acquisition_quality",
        title=title,
        table=table,
        formatted=_written(table, found),
        n=found.n,
        population="customers acquired",
        unit=f"{scope.currency} per customer, share of customers, {scope.value_word} as a share "
        "of acquisition cost",
        alt=f"Table of {len(table)} groups of acquired customers, all, by channel and by half-year "
        "of joining: cost, payback month, and what they brought for their cost.",
        note="Cost: mean per customer. Payback: month since joining, not continued beyond what "
        f"was observed. Of those observed for {months}, return is their contribution in this "
        "time as a share of their cost, and repaid is the share of customers whose own "
        f"contribution has reached their own cost. {level} bootstrap intervals over customers. "
        "That a channel's customers bring more need not be its doing: it may reach other "
        f"people.{few if withheld.any() else ''}{_notes(found)}",
    )


def _quality_table(found: Payback) -> pd.DataFrame:
    """All, channels and half-years, one below the other."""
    table = found.groups.assign(after_months=found.after, level=found.level)
    named = table["kind"].where(table["kind"] != ALL, "") + " " + table["group"]
    return table[_ORDER].assign(group=named.str.strip())[["group", *_ORDER]]


def _written(table: pd.DataFrame, found: Payback) -> pd.DataFrame:
    """The table as readers see it; the same columns."""
    ways = [(_COUNTS, formats.count), (_MONEY, formats.money), (_SHARES, formats.percent)]
    shown = table.astype(object)
    for names, write in ways:
        for name in names:
            shown[name] = ["–" if pd.isna(value) else write(value) for value in table[name]]
    shown["level"] = formats.level(found.level)
    late, months = table["payback"].isna(), found.groups["months"]
    shown.loc[late, "payback"] = [f"not by {month:.0f}" for month in months[late]]
    hidden = table["repaid_after"].isna() & (table["customers_after"] > 0)
    shown.loc[hidden, "repaid_after"] = "·"
    return shown.rename(columns=_HEADINGS)


def acquisition_findings(found: Payback | Refusal, brought: float, scope: Scope) -> list[Finding]:
    """When acquisition pays back, or what it has returned so far.

    Parameters
    ----------
    brought : float
        What customers brought in the observed time, for the findings' weight.
    """
    if isinstance(found, Refusal):
        return []
    whole, level = found.groups.iloc[0], formats.level(found.level)
    size = found.spent / brought if brought > 0 else 0.0
    said = []
    if whole[["payback", "payback_lo", "payback_hi"]].notna().all():
        span = f"{whole['payback_lo']:.0f} to {whole['payback_hi']:.0f}"
        said.append(
            Finding(
                id="acquisition_payback_month",
                kind="estimate",
                sentence="On average an acquired customer has repaid "
                f"{scope.money(whole['acquisition_cost'])} of acquisition cost after "
                f"{_months(whole['payback'])} ({level} interval {span}).",
                value=float(whole["payback"]),
                lo=float(whole["payback_lo"]),
                hi=float(whole["payback_hi"]),
                unit="months since joining",
                exhibit="acquisition_payback",
                size=size,
            )
        )
    worst = _worst(found)
    if worst is not None:
        span = formats.interval(worst["return_lo"], worst["return_hi"], formats.percent)
        said.append(
            Finding(
                id="acquisition_weakest_channel",
                kind="estimate",
                sentence=f"Customers won by {worst['group']} have brought "
                f"{formats.percent(worst['return_after'])} of their acquisition cost after "
                f"{_months(found.after)} ({level} interval {span}), against "
                f"{formats.percent(whole['return_after'])} over all channels.",
                value=float(worst["return_after"]),
                lo=float(worst["return_lo"]),
                hi=float(worst["return_hi"]),
                unit="contribution as a share of acquisition cost",
                exhibit="acquisition_quality",
                size=size * worst["customers"] * worst["acquisition_cost"] / found.spent,
            )
        )
    return said


def _worst(found: Payback) -> pd.Series | None:
    """The channel that is weakest beyond chance: its interval lies below that of all."""
    channels = found.groups[found.groups["kind"] == BY_CHANNEL]
    channels = channels.dropna(subset=["return_after", "return_lo", "return_hi"])
    if len(channels) < 2:
        return None
    weakest = channels.loc[channels["return_after"].idxmin()]
    return weakest if weakest["return_hi"] < found.groups["return_lo"].iloc[0] else None
