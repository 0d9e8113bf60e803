"""What is known of effects, and what is only claimed (R2)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.roi.words import WHAT_CHANGES, called, effect
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.roi import GRADES, Claims, Evidence, Plans
from crmlib.stats.refusal import Refusal

_SURE = 0.95


def effects_known(
    known: Evidence | Refusal, names: Mapping[str, str], n: int, scope: Scope
) -> Exhibit:
    """Posterior of every effect by segment, with what was believed and what trials found."""
    if isinstance(known, Refusal):
        return refused("effects_known", "What is known of effects", known, n, scope)
    shares = known.table[known.table["unit"] != "cpa"] if len(known.table) else known.table
    if shares.empty:
        nothing = Refusal("no initiative has evidence of an effect on customers")
        return refused("effects_known", "What is known of effects", nothing, n, scope)
    table = _known_table(shares)
    figure, ax = theme.axes(height=1.1 + 0.29 * len(table))
    places = np.arange(len(table))
    ax.hlines(places, table["p5"], table["p95"], color=theme.PRIMARY, linewidth=2.2)
    ax.plot(table["mean"], places, "o", color=theme.PRIMARY, markersize=5.5, label="known now")
    ax.plot(table["prior_mean"], places, "|", color=theme.REFERENCE, markersize=11,
            markeredgewidth=1.8, label="believed")  # fmt: skip
    tried = table["trial"].notna()
    ax.plot(table.loc[tried, "trial"], places[tried], "D", color=theme.CONTRAST, markersize=4,
            label="own trial")  # fmt: skip
    ax.axvline(0, color=theme.INK, linewidth=1)
    labels = [
        f"{called(row.initiative, names, 26)} · {formats.shortened(row.segment, 22)}"
        for row in table.itertuples()
    ]
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    theme.tidy(ax, x="effect per adopter, 90% interval", y="", grid="x")
    theme.percent(ax, "x")
    theme.legend_above(ax)
    texts = [
        f"{effect(row.mean, row.unit)} ({effect(row.p5, row.unit)} to {effect(row.p95, row.unit)})"
        for row in table.itertuples()
    ]
    theme.says_texts(ax, places, labels, texts, "y")
    table["effects"] = len(table)
    table["good"] = int((table["p_below"] < 1 - _SURE).sum())
    table["harm"] = int((table["p_below"] > _SURE).sum())
    return scope.exhibit(
        id="effects_known",
        title=_known_title(table),
        table=table.round(5),
        figure=figure,
        n=int(known.table["n"].sum()),
        population="customers in trials",
        unit="change per adopter, as a share",
        alt=f"Effects of {table['initiative'].nunique()} initiatives in {len(table)} groups of "
        "customers with intervals, beside what was believed and what trials found.",
        note=_known_note(known, names),
    )


def _known_table(shares: pd.DataFrame) -> pd.DataFrame:
    columns = ["initiative", "segment", "unit", "grade", "n", "estimate", "se", "prior_mean",
               "prior_sd", "mean", "p5", "p95", "p_below", "own"]  # fmt: skip
    table = shares[columns].rename(columns={"estimate": "trial", "se": "trial_se"})
    order = table.groupby("initiative")["mean"].transform("mean")
    table = table.assign(order=order).sort_values(["order", "mean"], ascending=False, kind="stable")
    return table.drop(columns="order").reset_index(drop=True)


def _known_title(table: pd.DataFrame) -> str:
    sure, harm = int(table["good"].iloc[0]), int(table["harm"].iloc[0])
    told = f"{sure} of {len(table)} effects are good almost surely"
    return f"{told}, {harm} {'do' if harm > 1 else 'does'} harm" if harm else told


def _known_note(known: Evidence, names: Mapping[str, str]) -> str:
    grades = ", ".join(
        f"{grade} {GRADES[grade]}" for grade in sorted(set(known.table["grade"])) if grade in GRADES
    )
    said = [
        "Of an initiative's trials the last look counts; an effect per customer assigned is "
        "divided by take-up once. Trials in few customers are drawn towards each other and "
        f"towards what was believed, by as much as they scatter. Grades: {grades}."
    ]
    if known.claims:
        listed = ", ".join(called(each, names, 60) for each in known.claims)
        said.append(f"Claims without evidence are not here: {listed}.")
    if len(known.unused):
        row = known.unused.iloc[0]
        said.append(
            f"{formats.plural(len(known.unused), 'trial result')} not used, such as "
            f"{called(row['initiative'], names, 60)} in {row['segment']}: {row['reason']}."
        )
    if known.left_out:
        reasons = "; ".join(
            f"{called(k, names, 60)}: {why.rstrip('.')}" for k, why in known.left_out.items()
        )
        said.append(f"Left out: {reasons}.")
    return " ".join(said)


def claims_weighed(
    weighed: Claims | Refusal,
    plans: Plans | Refusal,
    names: Mapping[str, str],
    n: int,
    scope: Scope,
) -> Exhibit | None:
    """Claims of decks beside the effect from which they would pay."""
    if isinstance(weighed, Refusal) or isinstance(plans, Refusal):
        return None
    if weighed.table.empty and not weighed.left_out:
        return None
    rows = weighed.table.reset_index()
    first = plans.first_wave().reindex(rows["initiative"])
    rows["first_wave"] = first.to_numpy(float)
    rows["note"] = [
        f"cannot be ready within {formats.plural(plans.waves, 'wave')}"
        if wave > plans.waves
        else ""
        for wave in first
    ]
    for name, why in weighed.left_out.items():
        rows.loc[len(rows), ["initiative", "note"]] = [name, why]
    written = pd.DataFrame(
        {
            "Claim": [called(each, names, 60) for each in rows["initiative"]],
            "Changes": [WHAT_CHANGES.get(each, "") for each in rows["unit"]],
            "Claimed": [_effect(v, u) for v, u in zip(rows["claimed"], rows["unit"], strict=True)],
            "Pays from": [
                _effect(v, u) or ("no effect" if isinstance(u, str) else "")
                for v, u in zip(rows["break_even"], rows["unit"], strict=True)
            ],
            "Customers": [formats.count(v) if np.isfinite(v) else "" for v in rows["adopters"]],
            f"Cost, {scope.currency}": [
                formats.money(v) if np.isfinite(v) else "" for v in rows["cost"]
            ],
            "Remark": rows["note"],
        }
    )  # fmt: skip
    number = len(rows)
    rows["claims"] = number
    return scope.exhibit(
        id="claims_weighed",
        title=f"{formats.plural(number, 'claim')} {'are' if number != 1 else 'is'} not evidence, "
        "and not counted",
        table=rows.round(4),
        formatted=written,
        n=n,
        unit=f"effect per adopter; {scope.currency}",
        alt=f"Table of {formats.plural(number, 'claim')} with the claimed effect and the one "
        "from which the initiative would pay.",
        note="Graded E, opinion: no part of any return in this report. A pilot would have to "
        "show at least what the claim pays from; assets that it alone would need come on top.",
    )


def _effect(value: float, unit: object) -> str:
    return effect(float(value), str(unit)) if isinstance(unit, str) else ""
