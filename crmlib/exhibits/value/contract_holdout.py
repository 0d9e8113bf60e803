"""Whether the value of contracts can be trusted: a sealed year, foretold and actual (V13)."""

from __future__ import annotations

import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.refusal import Refusal
from crmlib.value.contract_holdout import ContractHoldout


def contract_holdout(found: ContractHoldout | Refusal, scope: Scope) -> Exhibit | None:
    """What the last year's contribution would have been foretold as; nothing without a ledger."""
    if scope.margin_from != "ledger":
        return None
    if isinstance(found, Refusal):
        return refused("contract_holdout", "The test of contract values", found, 0, scope)
    told, actual = found.foretold, found.actual
    bounds = [told.value, told.lo, told.hi]
    rows = [
        ["models of contracts", *bounds, actual, *(_error(v, actual) for v in bounds), told.level],
        ["all goes on as before", found.as_before, None, None, actual,
         _error(found.as_before, actual), None, None, None],
    ]  # fmt: skip
    columns = ["forecast", "foretold", "lo", "hi", "actual", "error", "error_lo", "error_hi",
               "level"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table = table.astype(dict.fromkeys(columns[1:], float)).assign(missed=table["error"].abs())
    shown = table.assign(
        **{n: [_money(v, scope) for v in table[n]] for n in ("foretold", "lo", "hi", "actual")},
        **{n: table[n].map(formats.signed_percent) for n in ("error", "error_lo", "error_hi")},
        missed=["" if pd.isna(v) else formats.percent_1(v) for v in table["missed"]],
        level=["" if pd.isna(level) else formats.level(level) for level in table["level"]],
    )
    headings = ["forecast", "foretold", "from", "to", "actual", "error", "from", "to", "level"]
    names = ", ".join(found.left_out)
    without = f" Contracts of {names} are not in it." if names else ""
    verb = "holds" if actual in told else "does not hold"
    return scope.during(found.start, found.end).exhibit(
        id="contract_holdout",
        title=_title(table),
        table=table,
        formatted=shown.set_axis([*headings, "missed by"], axis=1),
        n=found.customers,
        unit=f"{scope.currency} of contribution in the sealed year",
        alt="Table of the contribution of a sealed year, foretold by models of contracts and as it "
        "had been before, with what came.",
        note=f"Of customers with a contract that ran when the year began.{without} The forecast's "
        f"own {formats.level(told.level)} interval {verb} what came; parameters, how long "
        "contracts last, how margins change and what risk costs are in it, the chance in what "
        "service costs is not.",
    )


def _title(table: pd.DataFrame) -> str:
    error = table["error"].iloc[0]
    if pd.isna(error):
        return "In the sealed year contracts contributed nothing"
    ours, naive = (formats.percent(missed, 1) for missed in table["missed"])
    return f"Models missed a sealed year by {ours}, a naive forecast by {naive}"


def _error(foretold: float, actual: float) -> float:
    return foretold / actual - 1 if actual > 0 else float("nan")


def _money(value: float, scope: Scope) -> str:
    return "" if pd.isna(value) else scope.money(value)


def contract_holdout_findings(found: ContractHoldout | Refusal, scope: Scope) -> list[Finding]:
    """How far the value of contracts can be trusted, as a doubt of its size."""
    if scope.margin_from == "transactions":
        return []
    if scope.margin_from == "contracts":
        return [
            _untested("No sealed year can test margins that contracts state.", "customer_equity")
        ]
    if isinstance(found, Refusal) or not found.actual > 0:
        sentence = "No sealed year could test the value of contracts on these data."
        return [_untested(sentence, "contract_holdout")]
    told = found.foretold
    lo, hi = (_error(bound, found.actual) for bound in (told.lo, told.hi))
    span = formats.interval(lo, hi, formats.percent, 1)
    side = "less" if found.error < 0 else "more"
    return [
        Finding(
            id="contract_holdout_error",
            kind="estimate",
            sentence=f"For a sealed year the models of contracts foretold "
            f"{formats.percent(abs(found.error), 1)} {side} contribution than the "
            f"{scope.money(found.actual)} that came ({formats.level(told.level)} interval of the "
            f"error {span}).",
            value=found.error,
            lo=lo,
            hi=hi,
            unit="share of actual contribution",
            exhibit="contract_holdout",
            size=abs(found.error),
            role="caveat",
        )
    ]


def _untested(sentence: str, exhibit: str) -> Finding:
    """Where no year could judge the value of contracts, that is its gravest doubt."""
    return Finding(
        id="contract_holdout_error",
        kind="census",
        sentence=sentence,
        value=None,
        unit="",
        exhibit=exhibit,
        size=1.0,
        role="caveat",
    )
