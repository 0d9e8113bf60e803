"""What the contracts that run will still bring, and what contracts say to the summary (V7, V8)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.contracts import span_words
from crmlib.exhibits.value.refused import refused
from crmlib.stats.disclosure import is_small
from crmlib.stats.refusal import Refusal
from crmlib.value.contract_base import ContractBase, ContractSurvival
from crmlib.value.running_contracts import ContractValues
from crmlib.value.shown_contracts import OTHERS
from crmlib.value.spells import RELATIONSHIP

_ALL = "all products"
_SERVICE = "cost to serve"
_STATED = (
    "Contribution as contracts state it (monthly_margin); what the client left out of that is not "
    "in it"
)
_TABLES = {"ledger": ("ledger", "contracts")}  # that the value rests on
_WHAT_CONTRIBUTES = {
    "ledger": "Contribution by the ledger: revenue of each contract in its last year less the risk "
    "of its product, as large a part of revenue as in the last two years, while the contract is "
    "expected to run, less cost to serve, while the relationship is.",
    "contracts": f"{_STATED}.",
    "transactions": f"{_STATED}, and it is not to be added to the value of purchases where both "
    "count the same money.",
}


def contract_values(
    values: ContractValues | Refusal,
    base: ContractBase | Refusal,
    horizon_years: float,
    rate: float,
    scope: Scope,
) -> Exhibit | None:
    """What the contracts that run today will still bring, by product."""
    if isinstance(base, Refusal) or base.check.contradicted:
        return None
    if isinstance(values, Refusal):
        return refused("contract_values", "The value of running contracts", values, 0, scope)
    scope = scope.drawing_on(*_TABLES.get(scope.margin_from, ("contracts",)))
    years = formats.years(horizon_years)
    table = _value_table(values, base, f"{_ALL}, next {years}")
    sums = 1 if values.to_infinity is None else 2
    products, whole = table.iloc[:-sums], table.iloc[-sums]
    figure, ax = theme.axes(height=1.2 + 0.36 * len(products))
    places = np.arange(len(products))[::-1]
    colors = [theme.PRIMARY if value >= 0 else theme.CONTRAST for value in products["value"]]
    ax.barh(places, products["value"], color=colors, height=0.62)
    reach = [products["value"] - products["lo"], products["hi"] - products["value"]]
    ax.errorbar(products["value"], places, xerr=reach, fmt="none", ecolor=theme.INK, capsize=3)
    ax.axvline(0, color=theme.INK, linewidth=0.8)
    ax.set_yticks(places, [formats.shortened(name) for name in products["product"]])
    ax.set_ylim(-0.6, len(products) - 0.4)
    theme.tidy(ax, x=f"expected contribution, discounted, {scope.currency}", y="", grid="x")
    theme.thousands(ax, "x")
    series = products[["value", "lo", "hi"]].set_axis(["value", "from", "to"], axis=1)
    theme.says_values(ax, places, list(products["product"]), series, scope.money, along="y")
    total, level = values.total, formats.level(values.total.level)
    span = formats.interval(total.lo, total.hi, scope.money)
    return scope.exhibit(
        id="contract_values",
        title=f"Running contracts are worth {scope.money(total.value)} over the next {years}",
        table=table,
        figure=figure,
        n=int(whole["running_contracts"]),
        population="running contracts",
        unit=f"{scope.currency} of contribution",
        alt=f"Bars of expected contribution by product with {level} intervals, together "
        f"{scope.money(total.value)}, {span}.",
        note=_value_note(values, base, rate, span, scope),
    )


def _value_table(values: ContractValues, base: ContractBase, whole: str) -> pd.DataFrame:
    """Products with enough customers who hold one that runs, best first, then all."""
    valued = base.spells[
        base.spells["running"] & base.spells["product"].isin(values.products.index)
    ]
    if "margin" in valued:
        valued = valued[valued["margin"].notna()]
    holders = valued.groupby("product")["customer_id"].nunique().sort_values(kind="stable")
    small = int(is_small(holders, base.min_cell).sum())
    merged = list(holders.index[: small + 1]) if small else []
    if merged and OTHERS in holders.index:
        merged = list({*merged, OTHERS})
    products = values.products.rename(
        columns={"margin": "monthly_margin", "contract_value": "value"}
    )
    table = products.drop(merged).sort_values("value", ascending=False)
    table = table.rename(index={RELATIONSHIP: _SERVICE})
    sums = ["running_contracts", "monthly_margin", "value"]
    if merged:
        table.loc[OTHERS, sums] = products.loc[merged, sums].sum()
    table = table[["model", *sums, "lo", "hi", "growth"]]
    table["growth"] = table["growth"].where(table["growth"] != 0)
    contracts = products.drop(index=RELATIONSHIP, errors="ignore")
    together = {name: products[name].sum() for name in sums} | {"model": ""}
    together["running_contracts"] = contracts["running_contracts"].sum()
    table.loc[whole] = pd.Series(together | {"lo": values.total.lo, "hi": values.total.hi})
    if values.to_infinity is not None:
        ahead = values.to_infinity
        endless = {"value": ahead.value, "lo": ahead.lo, "hi": ahead.hi, "model": ""}
        table.loc[f"{_ALL}, without a horizon"] = pd.Series(endless)
    table = table.assign(model=table["model"].fillna(""), level=values.total.level)
    return table.rename_axis("product").reset_index()


def _value_note(
    values: ContractValues, base: ContractBase, rate: float, span: str, scope: Scope
) -> str:
    said = [
        f"{formats.level(values.total.level)} bootstrap interval of the total over customers, each "
        f"product's model refitted: {span}. Discounted at {formats.percent(rate, 1)} a year. "
        f"{_WHAT_CONTRIBUTES[scope.margin_from]}",
    ]
    if values.products["growth"].any():
        said.append(
            "Money of the same contracts changed in the last year as the table says, and is taken "
            "to go on to change so for three years at most; a product that few customers had "
            "through both years changes as all of them together."
        )
    if base.check.verdict == "snapshot":
        said.append("The export is a snapshot: the value holds only if losses never changed.")
    valued = [note for note in values.notes if not _is_of_a_product(note, values)]
    return " ".join([*said, formats.sentences(*valued)]).strip()


def _is_of_a_product(note: str, values: ContractValues) -> bool:
    """Whether the exhibit of the models has said it already."""
    return any(note.startswith(f"{name}: ") for name in values.products.index)


def contract_findings(
    base: ContractBase | Refusal,
    lasting: ContractSurvival | Refusal,
    values: ContractValues | Refusal,
    horizon_years: float,
    scope: Scope,
) -> list[Finding]:
    """What contracts say to the summary."""
    if isinstance(base, Refusal):
        return []
    said = [] if isinstance(lasting, Refusal) else _kept_finding(base, lasting)
    if not isinstance(values, Refusal) and scope.margin_from == "transactions":
        said.append(_worth_finding(base, values, horizon_years, scope))
    if base.check.verdict == "snapshot":
        sentence = (
            "The contracts are a snapshot: how long they last is known only if losses were always "
            "what they are now."
        )
        if base.check.contradicted:
            sentence = (
                "How long contracts last cannot be told: the export is a snapshot whose losses "
                "contradict the ages of the contracts that run."
            )
        said.append(
            Finding(
                id="contract_snapshot",
                kind="assumption",
                sentence=sentence,
                value=None,
                unit="",
                exhibit="contract_export",
                size=1.0,
                role="caveat",
            )
        )
    return said


def _kept_finding(base: ContractBase, lasting: ContractSurvival) -> list[Finding]:
    """How many relationships last the shortest time that is shown."""
    own = lasting.table[lasting.table["group"] == RELATIONSHIP]
    if own.empty:
        return []
    first, level = own.iloc[0], formats.level(lasting.level)
    span = formats.interval(first["lo"], first["hi"], formats.percent)
    return [
        Finding(
            id="relationships_kept",
            kind="estimate",
            sentence=f"{formats.percent(first['kept'])} of relationships with contracts last "
            f"{span_words(int(first['years']))} or longer ({level} interval {span}).",
            value=float(first["kept"]),
            lo=float(first["lo"]),
            hi=float(first["hi"]),
            unit="share of relationships",
            exhibit="contract_survival",
            size=_margin_gone(base),
        )
    ]


def _seen(base: ContractBase) -> tuple[pd.DataFrame, pd.Series]:
    """Contracts under observation, and the margin a month of each, or 1 where none is given."""
    seen = base.spells[base.spells["age"] > base.spells["entry_age"]]
    margin = seen["margin"].fillna(0.0) if "margin" in seen else pd.Series(1.0, seen.index)
    return seen, margin


def _margin_gone(base: ContractBase) -> float:
    """Share of the monthly margin of all contracts seen that ended with its contract."""
    seen, margin = _seen(base)
    return float(abs(margin[seen["left"]].sum()) / max(margin.abs().sum(), 1e-9))


def _worth_finding(
    base: ContractBase, values: ContractValues, horizon_years: float, scope: Scope
) -> Finding:
    seen, margin = _seen(base)
    brought = float((margin * (seen["age"] - seen["entry_age"])).sum())
    total, level = values.total, formats.level(values.total.level)
    years = formats.years(horizon_years)
    doubt = "" if values.grade == "good" else f"; the model is {values.grade}"
    return Finding(
        id="contract_value",
        kind="estimate",
        sentence=f"Contracts that run today are worth {scope.money(total.value)} of margin over "
        f"the next {years} ({level} sampling interval "
        f"{formats.interval(total.lo, total.hi, scope.money)}{doubt}).",
        value=total.value,
        lo=total.lo,
        hi=total.hi,
        unit=scope.currency,
        exhibit="contract_values",
        size=abs(total.value / brought) if brought else 0.0,
    )
