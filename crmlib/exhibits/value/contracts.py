"""How long contracts last (V7).

The first exhibit says what kind of export the contracts are, for on that rests whether
survival may be read at all; the others are left out where there are no contracts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.refusal import Refusal
from crmlib.value.contract_base import MONTHS, ContractBase, ContractSurvival
from crmlib.value.contract_models import ContractModel
from crmlib.value.contracts import ShiftedBetaGeometricResult
from crmlib.value.export_check import ExportCheck
from crmlib.value.spells import CONTINUES, RELATIONSHIP

_NEAR = 0.05  # difference of survival below which two readings agree


def contract_export(base: ContractBase | Refusal, scope: Scope) -> Exhibit:
    """What kind of export the contracts are: survival by two readings of it."""
    if isinstance(base, Refusal):
        return refused("contract_export", "How long contracts last", base, 0, scope)
    check = base.check
    table = check.table.rename_axis("age_months").reset_index()
    table = table.assign(difference=table["as_if_complete"] - table["at_risk_only"])
    figure, ax = theme.axes(height=3.6)
    years = table["age_months"] / MONTHS
    lines = [("as_if_complete", theme.REFERENCE), ("at_risk_only", theme.PRIMARY)]
    names = {"as_if_complete": "as if complete", "at_risk_only": "among those at risk"}
    for name, color in lines if check.verdict != "histories" else lines[1:]:
        ax.plot(years, table[name], color=color, linewidth=2.2)
        theme.label(ax, years.iloc[-1], table[name].iloc[-1], names[name], color, weight="bold")
    theme.tidy(ax, x="age of the contract, years", y="share of contracts still running")
    theme.percent(ax)
    ax.set(ylim=(0, 1.02), xlim=(0, None))
    ax.margins(x=0.25)
    ages = [_months(age) for age in table["age_months"]]
    series = {names[name]: table[name] for name, _ in lines}
    theme.says_values(ax, years, ages, series, formats.percent)
    last = table.iloc[-1]
    return scope.exhibit(
        id="contract_export",
        title=_what_export(check),
        table=table,
        figure=figure,
        n=len(base.spells),
        population="contracts",
        unit="share of contracts still running",
        alt="Survival by age of the contract, a falling line for each reading: taken as complete "
        f"histories {formats.percent(last['as_if_complete'])} reach {ages[-1]}, among those at "
        f"risk in the window {formats.percent(last['at_risk_only'])}.",
        note=" ".join([*check.words, _ends(base)]),
    )


def _what_export(check: ExportCheck) -> str:
    """Whether survival can be read from the export, and how far two readings are apart."""
    if check.verdict == "histories":
        return "Contracts are followed from their start: survival can be read"
    age = (check.table["as_if_complete"] - check.table["at_risk_only"]).abs().idxmax()
    complete, at_risk = (formats.percent(share) for share in check.table.loc[age])
    last = _months(int(age))
    if check.contradicted:
        return f"Contract survival cannot be trusted: this snapshot gives {complete} or {at_risk}"
    if check.gap < _NEAR:
        return f"Contracts are seen in a {check.verdict}; both readings of survival agree"
    if check.verdict == "snapshot":
        return f"If losses never changed, {at_risk} of contracts last {last}, not {complete}"
    return f"Read rightly, {at_risk} of contracts last {last}, not {complete}"


def _months(age: int) -> str:
    return formats.plural(age, "month")


def _ends(base: ContractBase) -> str:
    if base.ends.plausible:
        return base.ends.words
    return (
        f"No contract ended before {base.since:%Y-%m-%d}: earlier ends seem to be missing from the "
        "export, and survival is read from that day on."
    )


def contract_survival(
    lasting: ContractSurvival | Refusal, base: ContractBase | Refusal, scope: Scope
) -> Exhibit | None:
    """Share of each product's contracts that last one year and longer."""
    if isinstance(base, Refusal) or base.check.contradicted:
        return None
    if isinstance(lasting, Refusal):
        return refused("contract_survival", "How long contracts last", lasting, 0, scope)
    table = lasting.table
    years = sorted(table["years"].unique())
    order = table.groupby("group", sort=False)["kept"].first().sort_values(ascending=False)
    groups = [RELATIONSHIP] * (RELATIONSHIP in order.index)
    groups += [group for group in order.index if group != RELATIONSHIP]
    figure, axes = theme.axes(len(years), height=1.1 + 0.36 * len(groups), sharey=True)
    for ax, year in zip(np.atleast_1d(axes), years, strict=True):
        _draw_kept(ax, table[table["years"] == year], groups, year)
    level = formats.level(lasting.level)
    return scope.exhibit(
        id="contract_survival",
        title=_how_many_last(table),
        table=table.assign(level=lasting.level),
        figure=figure,
        n=len(base.spells),
        population="contracts",
        unit="share still running at that age",
        alt=f"Dots with {level} intervals for {formats.plural(len(groups), 'group')} of contracts: "
        f"the share that lasts {', '.join(span_words(year) for year in years)}.",
        note=_how_read(lasting, base, scope),
    )


def _draw_kept(ax: theme.Axes, rows: pd.DataFrame, groups: list[str], year: int) -> None:
    rows = rows.set_index("group").reindex(groups)
    places = np.arange(len(groups))[::-1]
    reach = [rows["kept"] - rows["lo"], rows["hi"] - rows["kept"]]
    ax.errorbar(rows["kept"], places, xerr=reach, fmt="o", color=theme.PRIMARY, capsize=3)
    ax.set_yticks(places, [formats.shortened(group) for group in groups])
    for at, kept in zip(places, rows["kept"], strict=True):
        if not np.isnan(kept):
            beside = {"xytext": (-11, 0), "ha": "right"} if kept > 0.5 else {"xytext": (11, 0)}
            theme.label(ax, kept, at, formats.percent(kept), theme.MUTED, **beside)
    ax.set(xlim=(0, 1.04), ylim=(-0.6, len(groups) - 0.4), xticks=[0, 0.5, 1])
    ax.set_title(f"{span_words(year)}", loc="left")
    theme.tidy(ax, x="share kept", y="", grid="x")
    theme.percent(ax, "x")
    series = rows[["kept", "lo", "hi"]].set_axis(["kept", "from", "to"], axis=1)
    theme.says_values(ax, places, groups, series, formats.percent, along="y")


def span_words(years: float) -> str:
    """A number of years as a sentence says it."""
    return "a year" if years == 1 else formats.plural(years, "year")


def _how_many_last(table: pd.DataFrame) -> str:
    """The range over products at the age that is shown for most of them."""
    products = table[table["group"] != RELATIONSHIP]
    what = "relationships" if products.empty else "contracts"
    shown = table if products.empty else products
    year = int(shown["years"].mode().iloc[0])  # the youngest of several
    kept = shown.loc[shown["years"] == year, "kept"]
    least, most = formats.percent(kept.min()), formats.percent(kept.max())
    if least == most:
        return f"{most} of {what} last {span_words(year)}"
    return f"Between {least} and {most} of {what} last {span_words(year)}, by product"


def _how_read(lasting: ContractSurvival, base: ContractBase, scope: Scope) -> str:
    said = [
        f"Kaplan–Meier with {formats.level(lasting.level)} intervals; a contract that began before "
        "the window counts from the age at which the window finds it.",
        f"A relationship lasts from a customer's first contract to the end of the last; {CONTINUES}"
        " days without one do not end it.",
    ]
    if base.check.verdict == "snapshot":
        said.append("The export is a snapshot: these shares hold only if losses never changed.")
    if lasting.left_out:
        said.append(
            f"Not shown: {', '.join(lasting.left_out)}, of which too few customers were seen in "
            "their first year."
        )
    if base.merged:
        said.append(f"The {base.merged} products of the fewest customers are one group.")
    said.append(f"Ages at which {scope.few} are seen or lost are left out.")
    return " ".join(said)


def contract_models(
    models: dict[str, ContractModel | Refusal] | Refusal,
    base: ContractBase | Refusal,
    level: float,
    scope: Scope,
) -> Exhibit | None:
    """By product which model values it, its parameters, and how losses follow it."""
    if isinstance(base, Refusal) or isinstance(models, Refusal):  # the first has said why
        return None
    hidden = {name for name in models if base.few_lost(name)}
    rows = {name: _model_row(model, level, name in hidden) for name, model in models.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group").reset_index()
    table = table.dropna(axis=1, how="all")
    follow = int(table["follows_model"].sum())
    title = f"Losses follow the model in {follow} of {len(table)} groups"
    if not follow:
        title = "Losses of no group follow the model"
    return scope.exhibit(
        id="contract_models",
        title=title,
        table=table,
        formatted=_written_models(table),
        n=len(base.spells),
        population="contracts",
        unit="lost: share of new contracts in their first month; alpha, beta: none",
        alt=f"Table of {len(table)} groups of contracts, relationships among them, with the model "
        "that values each, its parameters, and the share of losses at other ages than it expects.",
        note=_why_models(models, hidden, level, scope),
    )


def _written_models(table: pd.DataFrame) -> pd.DataFrame:
    """The table of models for readers: shares as percentages, four digits of a parameter."""

    def written(name: str) -> list[str]:
        share = {"misplaced_losses": 0, "lost_first_month": 2, "lost_lo": 2, "lost_hi": 2}
        return [
            ""
            if pd.isna(value)
            else formats.percent(value, share[name])
            if name in share
            else formats.cell(float(value), 4)
            for value in table[name]
        ]

    figures = table.columns.drop(["group", "model", "follows_model", "verdict"])
    shown = table.assign(
        follows_model=["yes" if follows else "no" for follows in table["follows_model"]],
        **{name: written(name) for name in figures},
    )
    ends = {"lo": "from", "hi": "to"}
    return shown.rename(columns=lambda name: " ".join(ends.get(p, p) for p in name.split("_")))


def _model_row(model: ContractModel | Refusal, level: float, hidden: bool) -> dict[str, object]:
    """One product's line; parameters only of the sBG model, and not where few were lost."""
    names = ["lost_first_month", "lost_lo", "lost_hi"]
    names += [f"{name}{end}" for name in ("alpha", "beta") for end in ("", "_lo", "_hi")]
    row: dict[str, object] = {"model": "none", "follows_model": False, "misplaced_losses": np.nan}
    row |= {"verdict": "refused"} | dict.fromkeys(names, np.nan)
    if isinstance(model, Refusal):
        return row
    row |= {
        "model": model.kind,
        "follows_model": model.kind == "sBG",
        "verdict": "weak" if model.weak else "good",
    }
    if hidden:
        return row
    if model.sbg is not None:
        row["misplaced_losses"] = model.sbg.misplaced
    if not isinstance(model.fitted, ShiftedBetaGeometricResult):
        return row
    stays = model.fitted.survival_interval([1], level=level).iloc[0]
    lost = (1 - stays[name] for name in ("value", "hi", "lo"))
    row |= dict(zip(names[:3], lost, strict=True))
    bounds = model.fitted.conf_int(level)
    if bounds is not None:
        for name, estimate in model.fitted.params.items():
            row |= {name: estimate, f"{name}_lo": bounds.loc[name, "lower"]}
            row[f"{name}_hi"] = bounds.loc[name, "upper"]
    return row


def _why_models(
    models: dict[str, ContractModel | Refusal], hidden: set[str], level: float, scope: Scope
) -> str:
    said = [
        "sBG, the shifted-beta-geometric model (Fader and Hardie 2007): contracts differ in their "
        "risk and the weak end first, so that the old ones are safer; none grows loyal by age. A "
        "life table takes each age as it was, as loans need that end at their term. Misplaced "
        "losses: the share at other ages than sBG expects. "
        f"{formats.level(level)} intervals."
    ]
    for name, model in models.items():
        if name in hidden:
            said.append(f"{name}: {scope.few} were lost, so its figures are withheld.")
        elif isinstance(model, Refusal):
            said.append(f"{model.reason}.")
        else:
            said += [f"{name}: {note}." for note in model.notes[_is_alike(model) :]]
    alike = [name for name, model in models.items() if name not in hidden and _is_alike(model)]
    if alike:
        said.append(
            f"In {', '.join(alike)} contracts do not differ visibly in their risk: a constant "
            "rate of loss fits as well, and alpha and beta mean nothing beyond their ratio."
        )
    return " ".join(said)


def _is_alike(model: ContractModel | Refusal) -> bool:
    """Whether contracts do not differ in their risk, which the model's first note then says."""
    if isinstance(model, Refusal) or model.kind != "sBG" or model.sbg is None:
        return False
    return not model.sbg.differ
