"""What the customers will be worth, and what the chapter says to the summary."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.intervals import Interval
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
    ax.set(xlim=(0, max(1, table["past"].max() * 1.02)), ylim=(-0.6, len(table) - 0.5))
    theme.tidy(ax, x=f"share of {scope.value_word} that they hold", y="", grid="x")
    theme.percent(ax, "x")
    ax.legend(frameon=False, loc="upper left", labelcolor=theme.INK)
    fifth = values.top_shares["top_20"]
    level = formats.percent(fifth.level)
    return scope.exhibit(
        id="future_concentration",
        title=f"The best fifth is expected to hold {formats.percent(fifth.value)} of future value",
        table=table,
        figure=figure,
        n=n,
        unit=f"share of {scope.value_word}",
        alt=f"Dots for the best tenth and the best fifth: share of past {scope.value_word} and of "
        f"future value with {level} intervals.",
        note=f"{level} bootstrap intervals over customers, both models refitted each time. Past "
        "value holds chance, expected value does not; the money test above shows what a best "
        "fifth then brought.",
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
    years = formats.plural(horizon_years, "year")
    rows = [
        ("realised in the last twelve months", customers["current_value"].sum(), None, None),
        ("realised to date", realised, None, None),
        (f"expected in the next {years}, discounted", equity.value, *lo_hi),
        ("… per customer", equity.value / n, equity.lo / n, equity.hi / n),
    ]
    if values.to_infinity is not None:
        rows.append(("… without a horizon, discounted", values.to_infinity, None, None))
    if (scope.end - scope.start).days < 365:
        rows = rows[1:]
    table = pd.DataFrame(rows, columns=["measure", "value", "lo", "hi"])
    table[["value", "lo", "hi"]] = table[["value", "lo", "hi"]].astype(float)
    shown = table.assign(
        **{
            c: ["" if pd.isna(v) else scope.money(v) for v in table[c]]
            for c in ("value", "lo", "hi")
        }
    ).rename(columns={"measure": scope.value_word, "lo": "from", "hi": "to"})
    level = formats.percent(equity.level)
    return scope.exhibit(
        id="customer_equity",
        title=f"Today's customers are worth {scope.money(equity.value)} over the next {years}",
        table=table,
        formatted=shown,
        n=n,
        unit=f"{scope.currency} of {scope.value_word}",
        alt=f"Table of realised and expected {scope.value_word}; expected "
        f"{scope.money(equity.value)}, {level} interval {formats.interval(*lo_hi, scope.money)}.",
        note=f"From and to: what another base drawn like this one would show in {level} of cases; "
        "neither the model's own error, see the sealed holdout, nor the chance in the total is "
        "in it. Discounted at "
        f"{formats.percent(rate, 1)} a year; realised figures are counts and have no interval. "
        + formats.sentences(*values.notes),
    )


def findings(
    past: Concentration,
    scorecard: Scorecard | Refusal,
    values: LifetimeValues | Refusal,
    foretold: Interval | Refusal,
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
    missed = None if isinstance(scorecard, Refusal) else scorecard.table.loc["model", "total_error"]
    if not isinstance(values, Refusal):
        said += _value_findings(values, missed, horizon_years, scope)
    if missed is not None and not isinstance(foretold, Refusal):
        said.append(_holdout_finding(scorecard.table.loc["model"], foretold))
    return said


def _holdout_finding(score: pd.Series, foretold: Interval) -> Finding:
    """The miss in total, with the interval that the forecast's own uncertainty gives it."""
    missed, actual = float(score["total_error"]), float(score["total_actual"])
    error = f"{formats.percent(abs(missed), 1)} {'fewer' if missed < 0 else 'more'}"
    level = formats.percent(foretold.level)
    span = formats.interval(foretold.lo, foretold.hi, formats.count)
    return Finding(
        id="holdout_total_error",
        kind="estimate",
        sentence=f"In a sealed holdout the purchase model foretold {error} purchases than the "
        f"{formats.count(actual)} that came ({level} interval of the forecast {span}).",
        value=missed,
        lo=foretold.lo / actual - 1,
        hi=foretold.hi / actual - 1,
        unit="share of actual purchases",
        exhibit="holdout_scorecard",
    )


def _value_findings(
    values: LifetimeValues, missed: float | None, horizon_years: float, scope: Scope
) -> list[Finding]:
    equity, fifth = values.equity, values.top_shares["top_20"]
    level = formats.percent(equity.level)
    doubt = "" if values.grade == "good" else f"; the model is {values.grade}"
    caveat = ""
    if missed is not None:
        error = f"{formats.percent(abs(missed))} too {'few' if missed < 0 else 'many'}"
        caveat = f"; in a holdout the model foretold {error} purchases"
    return [
        Finding(
            id="customer_equity",
            kind="estimate",
            sentence=f"Today's customers are worth {scope.money(equity.value)} of "
            f"{scope.value_word} over the next {formats.plural(horizon_years, 'year')} ({level} "
            f"sampling interval {formats.interval(equity.lo, equity.hi, scope.money)}{doubt}"
            f"{caveat}).",
            value=equity.value,
            lo=equity.lo,
            hi=equity.hi,
            unit=scope.currency,
            exhibit="customer_equity",
        ),
        Finding(
            id="future_top_fifth_share",
            kind="estimate",
            sentence="The best fifth is expected to hold "
            f"{formats.percent(fifth.value)} of future value ({level} sampling interval "
            f"{formats.interval(fifth.lo, fifth.hi, formats.percent)}{doubt}).",
            value=fifth.value,
            lo=fifth.lo,
            hi=fifth.hi,
            unit="share of future value",
            exhibit="future_concentration",
        ),
    ]
