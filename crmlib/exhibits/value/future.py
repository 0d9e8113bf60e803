"""What the customers will be worth, and what the chapter says to the summary."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.refusal import Refusal
from crmlib.value.concentration import Concentration
from crmlib.value.holdout import Scorecard
from crmlib.value.lifetime import LifetimeValues


def future_concentration(
    past: Concentration, values: LifetimeValues | Refusal, n: int, scope: Scope
) -> Exhibit:
    """Top shares of past and of future value, the latter with intervals."""
    if isinstance(values, Refusal):
        return refused("future_concentration", "Future value", values, n, scope)
    rows = []
    for name, share in (("best 10%", 0.1), ("best 20%", 0.2)):
        ahead = values.top_shares[f"top_{share * 100:.0f}"]
        rows.append((name, past.top(share), ahead.value, ahead.lo, ahead.hi))
    table = pd.DataFrame(rows, columns=["customers", "past", "future", "future_lo", "future_hi"])
    figure, ax = theme.axes(height=2.2)
    places = np.arange(len(table))[::-1]
    ax.plot(table["past"], places, "o", color=theme.REFERENCE, markersize=8, label="past")
    reach = np.abs(table[["future_lo", "future_hi"]].to_numpy().T - table["future"].to_numpy())
    ax.errorbar(table["future"], places - 0.18, xerr=reach, fmt="o", color=theme.PRIMARY,
                markersize=8, capsize=4, label="future, with interval")  # fmt: skip
    ax.set_yticks(places - 0.09, table["customers"])
    ax.set(xlim=(0, 1), ylim=(-0.6, len(table) - 0.5))
    theme.tidy(ax, x=f"share of {scope.value_word} that they hold", y="", grid="x")
    theme.percent(ax, "x")
    ax.legend(frameon=False, loc="upper left", labelcolor=theme.INK)
    fifth = values.top_shares["top_20"]
    level = formats.percent(fifth.level)
    return Exhibit(
        id="future_concentration",
        title=f"The best fifth will hold {formats.percent(fifth.value)} of future value",
        table=table,
        figure=figure,
        source=scope.source,
        period=scope.period,
        n=n,
        unit=f"share of {scope.value_word}",
        alt=f"Dots for the best tenth and the best fifth: share of past {scope.value_word} and of "
        f"future value with {level} intervals.",
        note=f"{level} bootstrap intervals over customers, both models refitted each time. The "
        "best by past and the best by future value are not the same customers.",
    )


def customer_equity(
    values: LifetimeValues | Refusal, horizon_years: float, rate: float, n: int, scope: Scope
) -> Exhibit:
    """What the base is worth from here on, with its interval."""
    if isinstance(values, Refusal):
        return refused("customer_equity", "Customer equity", values, n, scope)
    equity, customers = values.equity, values.customers
    lo_hi = (equity.lo, equity.hi)
    realised = (customers["lifetime_value"] - customers["future_value"]).sum()
    rows = [
        ("realised in the last twelve months", customers["current_value"].sum(), None, None),
        ("realised to date", realised, None, None),
        (f"expected in the next {horizon_years:g} years, discounted", equity.value, *lo_hi),
        ("… per customer", equity.value / n, equity.lo / n, equity.hi / n),
    ]
    if values.to_infinity is not None:
        rows.append(("… without a horizon, discounted", values.to_infinity, None, None))
    table = pd.DataFrame(rows, columns=["measure", "value", "lo", "hi"])
    table[["value", "lo", "hi"]] = table[["value", "lo", "hi"]].astype(float)
    shown = table.assign(
        **{
            c: ["" if pd.isna(v) else scope.money(v) for v in table[c]]
            for c in ("value", "lo", "hi")
        }
    ).rename(columns={"measure": scope.value_word, "lo": "from", "hi": "to"})
    level = formats.percent(equity.level)
    return Exhibit(
        id="customer_equity",
        title=f"Today's customers are worth {scope.money(equity.value)} "
        f"over the next {horizon_years:g} years",
        table=table,
        formatted=shown,
        source=scope.source,
        period=scope.period,
        n=n,
        unit=f"{scope.currency} of {scope.value_word}",
        alt=f"Table of realised and expected {scope.value_word}; expected "
        f"{scope.money(equity.value)}, {level} interval {formats.interval(*lo_hi, scope.money)}.",
        note=f"From and to: {level} bootstrap interval over customers, which does not hold the "
        "model's own error: see the sealed holdout. Discounted at "
        f"{formats.percent(rate, 1)} a year; realised figures are counts and have no interval. "
        + formats.sentences(*values.notes),
    )


def findings(
    past: Concentration,
    scorecard: Scorecard | Refusal,
    values: LifetimeValues | Refusal,
    horizon_years: float,
    scope: Scope,
) -> list[Finding]:
    """What 02_value says to the summary."""
    fifth = past.top(0.2)
    said = [
        Finding(
            id="top_fifth_share",
            kind="census",
            sentence=f"The best fifth of customers brought {formats.percent(fifth)} "
            f"of {scope.value_word}.",
            value=fifth,
            unit=f"share of {scope.value_word}",
            exhibit="concentration",
        )
    ]
    if not isinstance(values, Refusal):
        said += _value_findings(values, horizon_years, scope)
    if (
        not isinstance(scorecard, Refusal)
        and scorecard.table.loc["model", "total_error"] is not None
    ):
        error = float(scorecard.table.loc["model", "total_error"])
        said.append(
            Finding(
                id="holdout_total_error",
                kind="census",
                sentence="In a sealed holdout the purchase model foretold "
                f"{formats.percent(abs(error), 1)} {'fewer' if error < 0 else 'more'} purchases "
                "than came.",
                value=error,
                unit="share of actual purchases",
                exhibit="holdout_scorecard",
            )
        )
    return said


def _value_findings(values: LifetimeValues, horizon_years: float, scope: Scope) -> list[Finding]:
    equity, fifth = values.equity, values.top_shares["top_20"]
    level = formats.percent(equity.level)
    doubt = "" if values.grade == "good" else f"; the model is {values.grade}"
    return [
        Finding(
            id="customer_equity",
            kind="estimate",
            sentence=f"Today's customers are worth {scope.money(equity.value)} of "
            f"{scope.value_word} over the next {horizon_years:g} years ({level} interval "
            f"{formats.interval(equity.lo, equity.hi, scope.money)}{doubt}).",
            value=equity.value,
            lo=equity.lo,
            hi=equity.hi,
            unit=scope.currency,
            exhibit="customer_equity",
        ),
        Finding(
            id="future_top_fifth_share",
            kind="estimate",
            sentence=f"The best fifth by future value holds {formats.percent(fifth.value)} of it "
            f"({level} interval {formats.interval(fifth.lo, fifth.hi, formats.percent)}{doubt}).",
            value=fifth.value,
            lo=fifth.lo,
            hi=fifth.hi,
            unit="share of future value",
            exhibit="future_concentration",
        ),
    ]
