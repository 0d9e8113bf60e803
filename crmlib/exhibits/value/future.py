"""What the customers will be worth, and what the chapter says to the summary."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.holdout import error_interval
from crmlib.exhibits.value.refused import refused
from crmlib.stats.disclosure import is_small
from crmlib.stats.intervals import Interval
from crmlib.stats.refusal import Refusal
from crmlib.value.concentration import Concentration
from crmlib.value.holdout import Foretold, Scorecard
from crmlib.value.lifetime import LifetimeValues


def future_concentration(
    past: Concentration | Refusal, values: LifetimeValues | Refusal, scope: Scope
) -> Exhibit:
    """Top shares of past and of future value, the latter with intervals."""
    for result in (values, past):
        if isinstance(result, Refusal):
            return refused("future_concentration", "Future value", result, 0, scope)
    n = len(values.customers)
    if scope.bands(n, 10) == 1:
        return scope.withheld("future_concentration", "The concentration of future value", n)
    points = past.banded(scope.bands(n)).set_index("share")["value"]
    rows = []
    for share in _top_shares(n, scope):
        ahead = _ahead(values, share)
        rows.append((share, points[share], ahead.value, ahead.lo, ahead.hi, ahead.level))
    columns = ["customers", "past", "future", "future_lo", "future_hi", "level"]
    table = pd.DataFrame(rows, columns=columns)
    figure, ax = theme.axes(height=2.2)
    places = np.arange(len(table))[::-1]
    ax.plot(table["past"], places, "o", color=theme.REFERENCE, markersize=8, label="past")
    reach = np.abs(table[["future_lo", "future_hi"]].to_numpy().T - table["future"].to_numpy())
    ax.errorbar(table["future"], places - 0.18, xerr=reach, fmt="o", color=theme.PRIMARY,
                markersize=8, capsize=4, label="future, with interval")  # fmt: skip
    names = [f"best {share:.0%}" for share in table["customers"]]
    ax.set_yticks(places - 0.09, names)
    most = float(table[["past", "future_hi"]].max(axis=None))
    ax.set(xlim=(0, max(1, most * 1.02)), ylim=(-0.6, len(table) - 0.5))
    theme.tidy(ax, x=f"share of {scope.value_word} that they hold", y="", grid="x")
    theme.percent(ax, "x")
    shown = table[["past", "future", "future_lo", "future_hi"]]
    series = shown.set_axis(["past", "future", "from", "to"], axis=1)
    theme.says_values(ax, places, names, series, formats.percent, along="y")
    theme.legend_above(ax)
    share = scope.best_share(n)
    best, word = _ahead(values, share), scope.share_word(share)
    level = formats.level(best.level)
    named = " and ".join(f"the best {scope.share_word(s)}" for s in _top_shares(n, scope))
    return scope.exhibit(
        id="future_concentration",
        title=f"The best {word} is expected to hold {formats.percent(best.value)} of future value",
        table=table,
        figure=figure,
        n=n,
        unit=f"share of {scope.value_word}",
        alt=f"Dots for {named}: share of past {scope.value_word} and of "
        f"future value with {level} intervals.",
        note=f"{level} bootstrap intervals over customers, models refitted each time. Past "
        f"value holds chance, expected value does not.{_taken_away(values)}",
    )


def _taken_away(values: LifetimeValues) -> str:
    """Why shares of the best may exceed the whole."""
    if not (values.customers["future_value"] < 0).any():
        return ""
    return (
        " Some customers are expected to cost more than they bring: what they take away makes the "
        "shares of the others larger, up to more than 100%."
    )


def _top_shares(n: int, scope: Scope) -> list[float]:
    """The best tenth and fifth, or what of the curve's grid comes nearest to them."""
    return [0.1, 0.2] if scope.bands(n, 10) == 10 else [scope.best_share(n)]


def _ahead(values: LifetimeValues, share: float) -> Interval:
    """Share of future value of the best `share` of customers."""
    return values.top_shares[f"top_{share * 100:.0f}"]


def customer_equity(
    values: LifetimeValues | Refusal,
    horizon_years: float,
    rate: float,
    scope: Scope,
    rivals: Mapping[str, float] | Refusal = MappingProxyType({}),
) -> Exhibit:
    """What the base is worth from here on, with its interval.

    Parameters
    ----------
    rivals : mapping of model to money
        The same total under models that are not told from the chosen one; shown where value
        rests on purchases.
    """
    if isinstance(values, Refusal):
        return refused("customer_equity", "Customer equity", values, 0, scope)
    n = len(values.customers)
    equity, customers = values.equity, values.customers
    lo_hi = (equity.lo, equity.hi)
    none = (None, None, None)
    realised = (customers["lifetime_value"] - customers["future_value"]).sum()
    years = formats.years(horizon_years)
    rows = [
        ("realised in the last twelve months", customers["current_value"].sum(), *none),
        ("realised to date", realised, *none),
        (f"expected in the next {years}, discounted", equity.value, *lo_hi, equity.level),
        ("… per customer", equity.value / n, equity.lo / n, equity.hi / n, equity.level),
    ]
    others = {} if isinstance(rivals, Refusal) or scope.margin_from != "transactions" else rivals
    rows += [(f"… by {label}, as likely", money, *none) for label, money in others.items()]
    if values.to_infinity is not None:
        rows.append(("… without a horizon, discounted", values.to_infinity, *none))
    withheld = ""
    if (scope.end - scope.start).days < 365:
        rows = rows[1:]
    elif _tells_of_few(customers, scope):
        rows = rows[1:]
        withheld = f"The last twelve months are withheld: they would tell of {scope.few}."
    if scope.margin_rate != 1:
        assumed = f"contribution per {scope.currency} of {scope.amount_word}, assumed"
        rows.append((assumed, scope.margin_rate, *none))
    table = pd.DataFrame(rows, columns=["measure", "value", "lo", "hi", "level"])
    table = table.astype(dict.fromkeys(["value", "lo", "hi", "level"], float))
    written = {"value": scope.money, "lo": scope.money, "hi": scope.money, "level": formats.level}
    shown = table.assign(
        **{
            name: ["" if pd.isna(v) else write(v) for v in table[name]]
            for name, write in written.items()
        }
    ).rename(columns={"measure": scope.value_word, "lo": "from", "hi": "to"})
    if scope.margin_rate != 1:
        shown.loc[shown.index[-1], "value"] = formats.percent(scope.margin_rate, 1)
    level = formats.level(equity.level)
    remarks = [
        f"From and to: {level} bootstrap interval of the expectation, for the chance in who became "
        f"a customer; neither the model's own error{_tested(scope)} nor the chance in the total is "
        f"in it. Discounted at {formats.percent(rate, 1)} a year; realised figures are counts and "
        "have no interval.",
        "Which model is right is not in the interval: see the rows beside it." if others else "",
        _beyond(values),
        formats.sentences(*values.notes),
        withheld,
    ]
    return scope.exhibit(
        id="customer_equity",
        title=_worth(equity.value, years, scope),
        table=table,
        formatted=shown,
        n=n,
        unit=f"{scope.currency} of {scope.value_word}",
        alt=f"Table of realised and expected {scope.value_word}; expected "
        f"{scope.money(equity.value)}, {level} interval {formats.interval(*lo_hi, scope.money)}.",
        note=" ".join(filter(None, remarks)),
    )


def _tested(scope: Scope) -> str:
    """Where the model's own error can be read; no sealed time tests what contracts state."""
    return "" if scope.margin_from == "contracts" else ", see the sealed holdout,"


def _beyond(values: LifetimeValues) -> str:
    if values.to_infinity is None:
        return ""
    return "Without a horizon the model is carried far beyond any time it was tested on."


def _worth(equity: float, years: str, scope: Scope) -> str:
    """What the base is worth, or of a business that lives on more than its purchases, these."""
    if scope.beside or scope.amount_word != "revenue":
        verb = "is worth" if scope.margin_rate == 1 else "will contribute"
        return f"Their {scope.amount_word} {verb} {scope.money(equity)} over {years}"
    return f"Today's customers are worth {scope.money(equity)} over the next {years}"


def _tells_of_few(customers: pd.DataFrame, scope: Scope) -> bool:
    """Whether the last twelve months, or what lies before them, is the money of a few."""
    current = customers["current_value"]
    earlier = customers["lifetime_value"] - customers["future_value"] - current
    # sums of money: what is left of rounding is far below a cent of the largest
    rounding = 1e-9 * (customers["lifetime_value"].abs().max() + 1)
    spenders = [int((amount.abs() > rounding).sum()) for amount in (current, earlier)]
    return bool(is_small(spenders, scope.min_cell).any())


def findings(
    past: Concentration,
    scorecard: Scorecard | Refusal,
    values: LifetimeValues | Refusal,
    foretold: Foretold | Refusal,
    horizon_years: float,
    n: int,
    scope: Scope,
    worth: Scope,
) -> list[Finding]:
    """What purchases, the holdout and value say to the summary; `worth` has value's words."""
    said = [] if scope.bands(n) == 1 else [_past_finding(past, n, scope)]
    if not isinstance(values, Refusal):
        everyone = len(values.customers)
        said += [*_value_findings(values, horizon_years, everyone, worth), *_value_caveats(worth)]
    missed = None if isinstance(scorecard, Refusal) else scorecard.table.loc["model", "total_error"]
    if missed is not None and not isinstance(foretold, Refusal):
        said.append(_holdout_finding(scorecard.table.loc["model"], foretold, worth))
    elif not isinstance(values, Refusal) and worth.margin_from == "transactions":
        said.append(_untested())
    return said


def _untested() -> Finding:
    """Where no holdout could judge the forecast, that is its gravest doubt."""
    return Finding(
        id="holdout_total_error",
        kind="census",
        sentence="No sealed holdout could test the forecast on these data.",
        value=None,
        unit="",
        exhibit="holdout_scorecard",
        size=1.0,
        role="caveat",
    )


def _past_finding(past: Concentration, n: int, scope: Scope) -> Finding:
    share = scope.best_share(n)
    word = scope.share_word(share)
    reached = float(past.banded(scope.bands(n)).set_index("share")["value"].loc[share])
    return Finding(
        id=f"top_{word}_share",
        kind="census",
        sentence=f"The best {word} of customers brought {formats.percent(reached)} "
        f"of {scope.value_word}.",
        value=reached,
        unit=f"share of {scope.value_word}",
        exhibit="concentration",
        size=abs(reached),
    )


def _value_caveats(scope: Scope) -> list[Finding]:
    """What every amount of value takes for granted, and what it leaves out."""
    found = [_margin_caveat(scope)]
    if scope.beside:
        tables = " and ".join(scope.beside)
        found.append(
            Finding(
                id="not_in_value",
                kind="assumption",
                sentence=f"Value is of purchases only: the money in the client's {tables} is not "
                "in it.",
                value=None,
                unit="",
                exhibit="customer_equity",
                size=1.0,
                role="caveat",
            )
        )
    return found


_BY_STREAM = {
    "ledger": "Contribution is the ledger's revenue less risk and cost to serve, not marketing; "
    "of running contracts only.",
    "contracts": "Contribution is the monthly margin that contracts state: what the client left "
    "out of it is not in value.",
}


def _margin_caveat(scope: Scope) -> Finding:
    said = f"Value is {scope.amount_word}: no margin was given, so costs and risk are not in it."
    if scope.margin_rate != 1:
        share = formats.percent(scope.margin_rate, 1)
        said = f"Contribution is taken as {share} of {scope.amount_word}, the same for everyone."
    said = _BY_STREAM.get(scope.margin_from, said)
    return Finding(
        id="margin_rate",
        kind="assumption",
        sentence=said,
        value=None if scope.margin_rate == 1 else scope.margin_rate,
        unit=f"share of {scope.amount_word}",
        exhibit="customer_equity",
        size=1.0,
        role="caveat",
    )


def _holdout_finding(score: pd.Series, foretold: Foretold, worth: Scope) -> Finding:
    """The miss in total, with the interval that the forecast's own uncertainty gives it.

    Where value does not rest on purchases the miss bears on none of it.
    """
    rests = worth.margin_from == "transactions"
    missed, actual = float(score["total_error"]), float(score["total_actual"])
    error = f"{formats.percent(abs(missed), 1)} {'fewer' if missed < 0 else 'more'}"
    level = formats.level(foretold.total.level)
    lo, hi = error_interval(foretold, actual)
    span = formats.interval(lo, hi, formats.percent, 1)
    return Finding(
        id="holdout_total_error",
        kind="estimate",
        sentence=f"In a sealed holdout the purchase model foretold {error} purchases than the "
        f"{formats.count(actual)} that came ({level} interval of the error {span}).",
        value=missed,
        lo=lo,
        hi=hi,
        unit="share of actual purchases",
        exhibit="holdout_scorecard",
        size=abs(missed) if rests else 0.0,
        role="caveat",
    )


def _value_findings(
    values: LifetimeValues, horizon_years: float, n: int, scope: Scope
) -> list[Finding]:
    equity = values.equity
    realised = (values.customers["lifetime_value"] - values.customers["future_value"]).sum()
    size = abs(equity.value / realised) if realised else 0.0
    level = formats.level(equity.level)
    doubt = "" if values.grade == "good" else f"; the model is {values.grade}"
    said = [
        Finding(
            id="customer_equity",
            kind="estimate",
            sentence=f"Today's customers are worth {scope.money(equity.value)} of "
            f"{scope.value_word} over the next {formats.years(horizon_years)} ({level} "
            f"sampling interval {formats.interval(equity.lo, equity.hi, scope.money)}{doubt}).",
            value=equity.value,
            lo=equity.lo,
            hi=equity.hi,
            unit=scope.currency,
            exhibit="customer_equity",
            size=size,
        )
    ]
    if scope.bands(n) > 1:
        word, best = scope.share_word(scope.best_share(n)), _ahead(values, scope.best_share(n))
        said.append(
            Finding(
                id=f"future_top_{word}_share",
                kind="estimate",
                sentence=f"The best {word} is expected to hold "
                f"{formats.percent(best.value)} of future value ({level} sampling interval "
                f"{formats.interval(best.lo, best.hi, formats.percent)}{doubt}).",
                value=best.value,
                lo=best.lo,
                hi=best.hi,
                unit="share of future value",
                exhibit="future_concentration",
                size=abs(best.value) * size,
            )
        )
    return said
