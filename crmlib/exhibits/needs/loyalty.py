"""Why customers stay or go, what is at stake, and whether the rule is borne out (N3)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from crmlib.exhibits import formats, heat, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.needs.groups import (
    RESPONDENTS,
    fitting,
    hidden_groups,
    interval_bars,
    said,
    share_of,
    survey_refused,
    withheld_note,
)
from crmlib.exhibits.scope import Scope
from crmlib.needs.loyalty import Agreement, ValueAtStake
from crmlib.stats.refusal import Refusal

_WHAT = "Loyalty profiles"


def loyalty_profiles(
    stake: ValueAtStake | Refusal, value: str, level: float, n: int, scope: Scope
) -> Exhibit:
    """Share of customers and value at stake by profile, those who stay apart from the others.

    Parameters
    ----------
    value : str
        The column of values that is at stake.
    level : float
        Nominal coverage of the intervals of `stake`.
    """
    if isinstance(stake, Refusal):
        return survey_refused("loyalty_profiles", _WHAT, stake, n, scope)
    table = _profile_table(stake, value, scope)
    shown = table.dropna(subset="share").reset_index(drop=True)
    if shown.empty:
        return scope.withheld("loyalty_profiles", _WHAT, n, RESPONDENTS)
    colors = [theme.PRIMARY if stays == "yes" else theme.CONTRAST for stays in shown["stays"]]
    figure, axes = theme.axes(columns=2, height=0.9 + 0.42 * len(shown))
    interval_bars(axes[0], shown, "share", shown["profile"], formats.percent, colors)
    theme.tidy(axes[0], x=f"share of customers, {formats.level(level)} interval", y="", grid="x")
    theme.percent(axes[0], "x")
    interval_bars(axes[1], shown, "value", [""] * len(shown), formats.money, colors)
    theme.tidy(axes[1], x=f"{said(value)}, {scope.currency}", y="", grid="x")
    axes[1].xaxis.set_major_formatter(lambda number, _: formats.money(number) if number else "0")
    axes[1].xaxis.set_major_locator(MaxNLocator(3))
    return scope.exhibit(
        id="loyalty_profiles",
        title=_profile_title(table, scope),
        table=table,
        figure=figure,
        n=int(stake.table["n"].sum()),
        population=RESPONDENTS,
        unit=f"share of customers; {said(value)} in {scope.currency}",
        alt=f"Bars of {len(shown)} loyalty profiles with intervals: share of customers, and "
        f"{said(value)}. Profiles of those who stay and of those who go differ in colour.",
        note=f"By a rule with stated cut-offs. {stake.n_unanswered:,} respondents did not answer "
        "enough for a profile and are taken to be like the others; "
        f"{stake.n_without_value:,} are linked to no value."
        + withheld_note(table["share"].isna().to_numpy(), scope),
    )


def _profile_table(stake: ValueAtStake, value: str, scope: Scope) -> pd.DataFrame:
    rows = stake.table
    hidden = hidden_groups(rows["n"], scope.min_cell)
    table = pd.DataFrame(
        {
            "profile": rows["profile"].map(said),
            "stays": np.where(rows["stays"], "yes", "no"),
            "respondents": rows["n"].mask(hidden),
        }
    )
    for end in ("", "_lo", "_hi"):
        table[f"share{end}"] = rows[f"share{end}"].round(4).mask(hidden)
    for end in ("", "_lo", "_hi"):
        table[f"value{end}"] = rows[f"{value}{end}"].round(2).mask(hidden)
    if hidden.any():  # a sum over all would tell what is withheld
        return table
    risk = stake.at_risk[value]
    table["going_value"], table["going_value_lo"] = round(risk.value, 2), round(risk.lo, 2)
    table["going_value_hi"] = round(risk.hi, 2)
    return table


def _profile_title(table: pd.DataFrame, scope: Scope) -> str:
    if "going_value" in table:
        money = scope.money(table["going_value"].iloc[0])
        return f"{money} is at stake with customers who go or shrink"
    first = table.sort_values("share", ascending=False, kind="stable").iloc[0]
    share = formats.percent(first["share"])
    return fitting(
        f"{share} of customers are {first['profile']}",
        f"The most frequent loyalty profile has {share} of customers",
    )


def loyalty_check(
    check: Agreement | Refusal, profile: pd.Series | Refusal, scope: Scope
) -> Exhibit | None:
    """How the rule's profiles fall into latent classes of the same answers.

    Parameters
    ----------
    profile : Series or Refusal
        Of each respondent.
    """
    if isinstance(check, Refusal) or isinstance(profile, Refusal):
        return None
    counts = profile.value_counts().reindex(check.table.index, fill_value=0)
    hidden = hidden_groups(counts, scope.min_cell)
    cells = check.table[~hidden]
    if cells.empty:
        return scope.withheld("loyalty_check", "The check of profiles", check.n, RESPONDENTS)
    table = cells.rename_axis("profile").reset_index()
    table = table.melt(id_vars="profile", var_name="latent_class", value_name="share").round(4)
    matched = [check.matched.get(str(name)) for name in table["latent_class"]]
    table["matched"] = np.where(matched == table["profile"], "yes", "no")
    table = table.assign(profile=table["profile"].map(said), agreed=round(check.agreed, 4),
                         adjusted_rand=round(check.adjusted_rand, 4))  # fmt: skip
    figure, ax = theme.axes(height=1.0 + 0.42 * len(cells))
    texts = [[formats.percent(value) for value in row] for row in cells.to_numpy()]
    rows, heads = [said(name) for name in cells.index], [str(name) for name in cells.columns]
    heat.table(ax, cells.to_numpy(), texts, rows, heads)
    agreed = formats.percent(check.agreed)
    return scope.exhibit(
        id="loyalty_check",
        title=f"Latent classes agree with the loyalty rule for {agreed} of respondents",
        table=table,
        figure=figure,
        n=check.n,
        population=RESPONDENTS,
        unit="share of a profile's respondents",
        alt=f"Table of {len(cells)} loyalty profiles by {cells.shape[1]} latent classes; the "
        "darker a cell, the more of the profile's respondents are in the class.",
        note="Each class is matched with one profile so that most agree. The adjusted Rand index "
        f"is {check.adjusted_rand:.2f}; 0 is chance, 1 the same groups."
        + withheld_note(hidden, scope),
    )


def loyalty_findings(
    stake: ValueAtStake | Refusal, value: str, brought: float | Refusal, scope: Scope
) -> list[Finding]:
    """The value of those who go or shrink."""
    if isinstance(stake, Refusal) or "going_value" not in _profile_table(stake, value, scope):
        return []
    risk = stake.at_risk[value]
    return [
        Finding(
            id="value_at_stake",
            kind="estimate",
            sentence=f"{scope.money(risk.value)} of {said(value)} "
            f"({formats.interval(risk.lo, risk.hi, scope.money)}) lies with customers who go or "
            "shrink.",
            value=round(risk.value, 2),
            unit=scope.currency,
            exhibit="loyalty_profiles",
            lo=round(risk.lo, 2),
            hi=round(risk.hi, 2),
            size=share_of(risk.value, brought),
        )
    ]
