"""What a campaign by lot has shown, whom to contact, and the lists (R2, R7, R9)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.roi.words import called
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.roi import DeliveryCheck, Effect, Targeting
from crmlib.stats.refusal import Refusal

_METHODS = {
    "difference": "plain difference",
    "regression": "adjusted by regression",
    "cuped": "adjusted by CUPED",
}
_POLICIES = {"rule": "best simple rule"}


def trial_effect(
    effects: Mapping[str, Effect] | Refusal,
    split: DeliveryCheck | Refusal,
    names: Mapping[str, str],
    campaign: str | Refusal,
    scope: Scope,
) -> Exhibit | None:
    """The effect of a campaign by lot, plain and adjusted by what was known before."""
    if isinstance(effects, Refusal):
        return refused("trial_effect", "A campaign by lot", effects, 0, scope)
    table = pd.DataFrame(
        [
            {
                "method": name,
                "estimate": found.mean,
                "lo": found.interval.lo,
                "hi": found.interval.hi,
                "variance_reduction": found.variance_reduction,
                "n_treated": found.n_treated,
                "n_control": found.n_control,
            }
            for name, found in effects.items()
        ]
    ).round(4)
    first = next(iter(effects.values()))
    if min(first.n_treated, first.n_control) < scope.min_cell:
        n = first.n_treated + first.n_control
        return scope.withheld("trial_effect", "What a campaign by lot has shown", n)
    figure, ax = theme.axes(height=1.2 + 0.42 * len(table))
    places = np.arange(len(table))
    ax.hlines(places, table["lo"], table["hi"], color=theme.PRIMARY, linewidth=2.4)
    ax.plot(table["estimate"], places, "o", color=theme.PRIMARY, markersize=6)
    ax.axvline(0, color=theme.INK, linewidth=1)
    labels = [_METHODS.get(each, each) for each in table["method"]]
    texts = []
    for at, row in enumerate(table.itertuples()):
        text = f"{formats.money(row.estimate)} ({formats.interval(row.lo, row.hi, formats.money)})"
        reduced = f", variance {formats.signed_percent(-row.variance_reduction)}" if at else ""
        theme.label(ax, row.hi, at, f"{text}{reduced}")
        texts.append(text + reduced)
    low, high = min(0.0, table["lo"].min()), max(0.0, table["hi"].max())
    ax.set_xlim(low - 0.05 * (high - low), high + 0.95 * ((high - low) or 1.0))
    ax.set_yticks(places, labels)
    ax.set_ylim(len(table) - 0.5, -0.5)
    theme.tidy(ax, x=f"effect per customer assigned, {scope.currency}", y="", grid="x")
    theme.says_texts(ax, places, labels, texts, "y")
    sharpest = table.iloc[-1]
    table["per_contact"] = abs(sharpest["estimate"])
    said = "" if isinstance(split, Refusal) else f" Split of the arms: {split.reason}."
    notes = "".join(f" {formats.sentences(note)}" for note in first.notes)
    word = "The campaign" if isinstance(campaign, Refusal) else called(campaign, names, 60)
    level = formats.level(first.interval.level)
    return scope.exhibit(
        id="trial_effect",
        title=_trial_title(sharpest, scope),
        table=table,
        figure=figure,
        n=first.n_treated + first.n_control,
        unit=f"{scope.currency} per customer assigned, cost of contact not taken off",
        alt=f"Effect of a campaign by lot with its interval, estimated in "
        f"{formats.plural(len(table), 'way')}.",
        note=f"{word}: customers contacted against customers drawn to be left alone, {level} "
        "intervals. Adjusted by what customers brought before the first contact, which cannot "
        f"bias a comparison by lot.{said}{notes}",
    )


def _trial_title(row: pd.Series, scope: Scope) -> str:
    if row["lo"] > 0:
        return f"A contact brings {scope.money(row['estimate'])} per customer, before its cost"
    if row["hi"] < 0:
        return f"A contact loses {scope.money(-row['estimate'])} per customer, before its cost"
    return "The campaign has not shown that a contact brings anything"


def _policy(name: str) -> str:
    return _POLICIES.get(name, name)


def targeting_policies(found: Targeting | Refusal, scope: Scope) -> Exhibit | None:
    """Ways of choosing customers against drawing as many by lot."""
    if isinstance(found, Refusal):
        return refused("targeting_policies", "Whom to contact", found, 0, scope)
    if found.n < 2 * scope.min_cell:
        return scope.withheld("targeting_policies", "Whom to contact", found.n)
    table = found.policies.round(4)
    table["recommended"] = ["yes" if each == found.recommended else "no"
                            for each in table["policy"]]  # fmt: skip
    table["rule"] = found.rule.in_words()
    figure, ax = theme.axes(height=1.2 + 0.5 * len(table))
    places = np.arange(len(table))
    colors = [theme.PRIMARY if each == "yes" else theme.REFERENCE for each in table["recommended"]]
    ax.hlines(places, table["against_random_lo"], table["against_random_hi"], color=colors,
              linewidth=2.6)  # fmt: skip
    ax.scatter(table["against_random"], places, color=colors, s=44, zorder=3)
    ax.axvline(0, color=theme.INK, linewidth=1)
    labels = [f"{_policy(row.policy)}\ncontacts {formats.percent(row.depth)}"
              for row in table.itertuples()]  # fmt: skip
    ax.set_yticks(places, labels)
    ax.set_ylim(len(table) - 0.5, -0.5)
    ends = table[["against_random_lo", "against_random_hi"]].to_numpy(float)
    low, high = np.nanmin([0.0, *ends.ravel()]), np.nanmax([0.0, *ends.ravel()])
    ax.set_xlim(low - 0.05 * ((high - low) or 1), high + 0.42 * ((high - low) or 1.0))
    texts = []
    for at, row in enumerate(table.itertuples()):
        text = "contacts all or none"
        if np.isfinite(row.against_random):
            ends_ = (row.against_random_lo, row.against_random_hi)
            text = f"{row.against_random:.2f} ({formats.interval(*ends_, '{:.2f}'.format)})"
        theme.label(ax, np.nanmax([row.against_random_hi, 0.0]), at, text)
        texts.append(text)
    theme.tidy(ax, x=f"{scope.currency} per customer more than as many drawn by lot", y="",
               grid="x")  # fmt: skip
    theme.says_texts(ax, places, labels, texts, "y")
    return scope.exhibit(
        id="targeting_policies",
        title=_policy_title(found),
        table=table,
        figure=figure,
        n=found.n,
        unit=f"{scope.currency} per customer of the trial, cost of contact taken off",
        alt=f"What {formats.plural(len(table), 'way')} of choosing customers bring beyond drawing "
        "as many by lot, with intervals; the recommended one is coloured.",
        note=_policy_note(found, scope),
    )


def _policy_title(found: Targeting) -> str:
    if found.recommended == "rule":
        title = f"Contact customers with {found.rule.in_words()}: it beats chance"
        return title if len(title.split()) <= 12 else "A simple rule beats choosing by chance"
    if found.recommended == "everybody":
        return "Contact everybody: no way of choosing is shown to be better"
    if found.recommended is None:
        return "No way of choosing customers is shown to beat chance"
    return "A model beats the best simple rule and chance"


def _policy_note(found: Targeting, scope: Scope) -> str:
    average = found.average
    between = formats.interval(average.lo, average.hi, "{:.2f}".format)
    said = "the rule" if found.recommended == "rule" else found.recommended or "nothing"
    return (
        f"Recommended: {said}, since {found.reason}. Every customer is judged by a rule or model "
        f"that has not seen them; {formats.level(found.level)} intervals. Recommended is the "
        "simplest way that is surely better than chance, at one rate of error for all together; a "
        f"model must beat the rule, too. Contacting everybody brings {average.value:.2f} "
        f"{scope.currency} per customer ({between}). Found on all customers, the rule is: "
        f"{found.rule.in_words()}."
    )


def qini_curve(found: Targeting | Refusal, scope: Scope) -> Exhibit | None:
    """What contacting the best so many brings, by each way of ranking them."""
    if isinstance(found, Refusal) or found.n < 2 * scope.min_cell:
        return None
    areas = found.qini_area.set_index("policy")
    table = found.qini.merge(areas.reset_index(), on="policy").round(5)
    figure, ax = theme.axes(height=3.7)
    colors = [theme.PRIMARY, theme.CONTRAST, theme.REFERENCE]
    for color, (name, own) in zip(colors, table.groupby("policy", sort=False), strict=False):
        area = areas.loc[str(name)]
        between = formats.interval(area["lo"], area["hi"], "{:.2f}".format)
        text = f"{_policy(str(name))}: {area['area']:.2f} ({between})"
        ax.plot(own["share"], own["gain"], color=color, label=text)
    diagonal = table[table["policy"] == table["policy"].iloc[0]]
    ax.plot(diagonal["share"], diagonal["random"], color=theme.INK, linewidth=1.2, linestyle="--",
            label="drawn by lot")  # fmt: skip
    ax.axhline(0, color=theme.GRID, linewidth=1)
    theme.tidy(ax, x="share of customers contacted, the best first",
               y=f"gain per customer of all, {scope.currency}")  # fmt: skip
    theme.percent(ax, "x")
    ax.legend(frameon=False, labelcolor=theme.INK, loc="lower right")
    names = [formats.percent(share) for share in diagonal["share"]]
    series = {_policy(str(name)): own["gain"].tolist()
              for name, own in table.groupby("policy", sort=False)}  # fmt: skip
    theme.says_values(ax, diagonal["share"].tolist(), names, series, "{:.2f}".format)
    sure = int((areas["lo"] > 0).sum())
    table["surely_better"] = sure
    return scope.exhibit(
        id="qini",
        title=f"{sure} of {len(areas)} rankings find better customers than a lot"
        if sure
        else "No ranking finds better customers than drawing by lot",
        table=table,
        figure=figure,
        n=found.n,
        unit=f"{scope.currency} per customer of the trial, cost of contact not taken off",
        alt=f"{len(areas)} curves of what contacting the best customers brings by the share "
        "contacted, beside the straight line of drawing them by lot.",
        note="Qini: the area between a curve and the straight line, in the legend with its "
        f"{formats.level(found.level)} interval; a ranking that says nothing has area zero. "
        "Customers of equal score share their place. Scores are of customers not seen.",
    )


def targeting_findings(
    found: Targeting | Refusal, brought: float | Refusal, scope: Scope
) -> list[Finding]:
    """What choosing by the recommended policy adds to drawing by lot."""
    if isinstance(found, Refusal) or found.recommended is None:
        return []
    row = found.policies.set_index("policy").reindex([found.recommended]).iloc[0]
    if not np.isfinite(row["against_random"]) or found.n < 2 * scope.min_cell:
        return []
    known = not isinstance(brought, Refusal) and brought > 0
    who = found.rule.in_words() if found.recommended == "rule" else "whom the model chooses"
    ends = (row["against_random_lo"], row["against_random_hi"])
    return [
        Finding(
            id="whom_to_contact",
            kind="estimate",
            sentence=f"Contacting customers with {who} brings {row['against_random']:.2f} "
            f"{scope.currency} per customer more than contacting as many by lot "
            f"({formats.interval(*ends, '{:.2f}'.format)}).",
            value=round(float(row["against_random"]), 4),
            unit=f"{scope.currency} per customer",
            exhibit="targeting_policies",
            lo=round(float(ends[0]), 4),
            hi=round(float(ends[1]), 4),
            size=abs(float(row["against_random"])) * found.n / brought if known else 0.0,
        )
    ]


def _most(channels: pd.Series) -> str:
    return str(channels.mode().iat[0]) if channels.notna().any() else ""


def lists_made(
    lists: pd.DataFrame | Refusal, names: Mapping[str, str], scope: Scope
) -> Exhibit | None:
    """What is on the lists of initiatives that start: customers, holdout, expected worth."""
    if isinstance(lists, Refusal) or lists.empty:
        return None
    held = lists["arm"] == "control"
    own = lists.assign(
        held_out=held, contacted=lists["expected_increment"].mask(held, 0.0)
    ).groupby("initiative", sort=False)
    table = pd.DataFrame(
        {
            "customers": own.size(),
            "held_out": own["held_out"].sum(),
            "increment": own["contacted"].sum(),
            "per_customer": own["expected_increment"].mean(),
            "channel": own["channel"].agg(_most),
        }
    ).reset_index()  # fmt: skip
    shown = table[table["customers"] >= scope.min_cell].copy()
    if shown.empty:
        return scope.withheld("target_lists", "Lists of customers", int(table["customers"].sum()))
    few = shown["held_out"] < scope.min_cell
    # what is expected of the others, over that of each, would tell how few are held out
    told = ["held_out", "increment"]
    shown[told] = shown[told].astype(float).mask(few)
    shown = shown.round(4).reset_index(drop=True)
    total = int(shown["customers"].sum())
    shown["lists"], shown["on_all_lists"] = len(shown), total
    written = pd.DataFrame(
        {
            "Initiative": [called(each, names, 60) for each in shown["initiative"]],
            "Customers": [formats.count(v) for v in shown["customers"]],
            "Left alone": [
                formats.count(v) if np.isfinite(v) else f"under {scope.min_cell}"
                for v in shown["held_out"]
            ],
            f"Others bring, {scope.currency}": [
                formats.money(v) if np.isfinite(v) else "" for v in shown["increment"]
            ],
            f"Each, {scope.currency}": [formats.money(v) for v in shown["per_customer"]],
            "Most prefer": shown["channel"],
        }
    )
    left = len(table) - len(shown)
    note = f" Withheld: {formats.plural(left, 'list')} of {scope.few}." if left else ""
    return scope.exhibit(
        id="target_lists",
        title=f"{formats.plural(len(shown), 'list')} {'holds' if len(shown) == 1 else 'hold'} "
        f"{formats.plural(total, 'name')}, part of them left alone by lot",
        table=shown,
        formatted=written,
        # of the lists that are shown: the others could be told by subtraction
        n=int(lists.loc[lists["initiative"].isin(shown["initiative"]), "customer_id"].nunique()),
        unit=f"customers; {scope.currency}, costs per adopter taken off",
        alt=f"Table of {formats.plural(len(shown), 'list')} with customers, those left alone, and "
        "what is expected.",
        note="`targets.parquet` holds who is on which list. Nobody without consent is; nobody from "
        "whom less is expected than contacting costs. The most promising come first and fixed "
        "costs are not taken off, so that a list may promise more than the return of its "
        f"initiative. Who is left alone by lot shows afterwards what it has brought.{note}",
    )
