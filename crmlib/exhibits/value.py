"""Exhibits and findings of 02_value: where the value is, how sure we are, what it will be.

Each function takes a result of `crmlib.value` and returns one exhibit. Where a
step was refused, its exhibit says so in words instead of showing a figure.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import LikelihoodResult
from crmlib.stats.refusal import Refusal
from crmlib.value.cohorts import Cohorts
from crmlib.value.concentration import Concentration
from crmlib.value.holdout import Scorecard
from crmlib.value.lifetime import LifetimeValues
from crmlib.value.purchases import BetaGeometricResult
from crmlib.value.spend import GammaGammaResult

# Points that consultants compare with: share of customers, share of value, name.
BENCHMARKS = [(0.20, 0.80, "80/20 rule"), (0.20, 0.76, "cards 76/20")]
_CURVE = np.round(np.concatenate([np.arange(0, 0.2, 0.01), np.arange(0.2, 1.001, 0.05)]), 2)


def refused(id: str, what: str, refusal: Refusal, n: int, scope: Scope) -> Exhibit:
    """The exhibit that stands where a figure could not be computed."""
    return Exhibit(
        id=id,
        title=f"{what} cannot be computed from these data",
        table=pd.DataFrame({"not computed": [what], "reason": [refusal.reason]}),
        source=scope.source,
        period=scope.period,
        n=n,
        unit="none",
        alt=f"{what} cannot be computed: {refusal.reason}",
    )


def concentration(
    curve: Concentration, intervals: Mapping[object, Interval], n: int, scope: Scope
) -> Exhibit:
    """Cumulative share of value, best customers first, beside two benchmarks."""
    table = pd.DataFrame(
        {"customers": _CURVE, scope.value_word: [curve.top(share) for share in _CURVE]}
    )
    fifth = curve.top(0.2)
    figure, ax = theme.axes(height=4.2)
    dense = np.linspace(0, 1, 201)
    ax.plot(dense, [curve.top(s) for s in dense], color=theme.PRIMARY, linewidth=2.4)
    ax.plot([0, 1], [0, 1], color=theme.REFERENCE, linewidth=1)
    theme.label(ax, 0.62, 0.58, "if all were equal", theme.MUTED, va="top")
    for (x, y, name), above in zip(BENCHMARKS, (6, -7), strict=True):
        ax.plot([0, x, x], [y, y, 0], color=theme.CONTRAST, linewidth=0.9, linestyle=(0, (3, 3)))
        ax.plot([x], [y], "o", color=theme.CONTRAST, markersize=5)
        theme.label(ax, 0, y, name, theme.CONTRAST, xytext=(5, above))
    ax.plot([0.2], [fifth], "o", color=theme.PRIMARY, markersize=6)
    text = f"best fifth: {formats.percent(fifth)}"
    theme.label(ax, 0.2, fifth, text, theme.PRIMARY, xytext=(9, -10), weight="bold")
    theme.tidy(ax, x="share of customers, best first", y=f"share of {scope.value_word}")
    for axis in "xy":
        theme.percent(ax, axis)
    ax.set(xlim=(0, 1), ylim=(0, max(1.02, table[scope.value_word].max() * 1.02)))
    gini = "undefined (some values are negative)" if curve.gini is None else f"{curve.gini:.3f}"
    again = intervals[0.2]
    return Exhibit(
        id="concentration",
        title=f"The best fifth of customers brings {formats.percent(fifth)} of {scope.value_word}",
        table=table,
        figure=figure,
        source=scope.source,
        period=scope.period,
        n=n,
        unit=f"cumulative share of customers and of {scope.value_word}",
        alt=f"Curve of cumulative {scope.value_word} by customers, best first: the best fifth "
        f"holds {formats.percent(fifth)}, against 80% and 76% of the two benchmarks.",
        note=f"A count of the observed base. Gini {gini}. Another base drawn like this one would "
        f"show {formats.interval(again.lo, again.hi, formats.percent, 1)} for the best fifth "
        f"({formats.percent(again.level)} bootstrap interval). Benchmarks: the rule of thumb "
        "80/20, and card business, where 20% of relationships gave 76% of profit.",
    )


def deciles(table: pd.DataFrame, scope: Scope) -> Exhibit:
    """Value by tenth of the customers, best first."""
    figure, ax = theme.axes(height=3.4)
    names = [str(d) for d in table["decile"]]
    ax.bar(names, table["share"], color=theme.PRIMARY, width=0.75)
    for place, share in enumerate(table["share"]):
        theme.label(ax, place, share, formats.percent(share, 1), xytext=(0, 7), ha="center")
    ax.set_ylim(top=table["share"].max() * 1.1)
    theme.tidy(ax, x="decile of customers, best first", y=f"share of {scope.value_word}")
    theme.percent(ax)
    best, mean = table.iloc[0], table["value"].sum() / table["customers"].sum()
    shown = table.assign(times_average=table["mean"] / mean)
    times = shown["times_average"].iloc[0]
    return Exhibit(
        id="deciles",
        title=f"A top-decile customer brings {times:.1f} times the average",
        table=shown,
        figure=figure,
        source=scope.source,
        period=scope.period,
        n=int(table["customers"].sum()),
        unit=f"share of {scope.value_word}",
        alt=f"Bars of {scope.value_word} by decile of customers, from "
        f"{formats.percent(best['share'], 1)} in the best to "
        f"{formats.percent(table['share'].iloc[-1], 1)} in the last.",
        note=f"Mean per customer in the top decile {scope.money(best['mean'])}, "
        f"over all {scope.money(mean)}.",
    )


def cohort_retention(cohorts: Cohorts | Refusal, n: int, scope: Scope) -> Exhibit:
    """Share of each monthly cohort that buys in a month, by months since acquisition."""
    if isinstance(cohorts, Refusal):
        return refused("cohort_retention", "Retention by cohort", cohorts, n, scope)
    after = cohorts.average.iloc[1:]
    figure, ax = theme.axes(height=3.6)
    for _, row in cohorts.retention.iterrows():
        ax.plot(row.index[1:], row.iloc[1:], color=theme.REFERENCE, linewidth=0.8, alpha=0.7)
    ax.plot(after.index, after["retention"], color=theme.PRIMARY, linewidth=2.4)
    theme.label(ax, after.index[-1], after["retention"].iloc[-1], "all cohorts", theme.PRIMARY)
    theme.tidy(ax, x="months since the month of the first purchase", y="share of cohort buying")
    theme.percent(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(bottom=0)
    return Exhibit(
        id="cohort_retention",
        title=_retention_title(after),
        table=_cohort_table(cohorts, "retention"),
        figure=figure,
        source=scope.source,
        period=scope.period,
        n=int(cohorts.sizes.sum()),
        unit="share of the cohort with a purchase in the month",
        alt="Lines of the share of each cohort that buys in a month, by months since the first "
        f"purchase; over all cohorts {formats.percent(after['retention'].iloc[0], 1)} in month 1 "
        f"and {formats.percent(after['retention'].iloc[-1], 1)} in month {after.index[-1]}.",
        note=f"Thin lines: {len(cohorts.sizes)} monthly cohorts; month 0, in which everyone buys, "
        "is left out. Non-contractual: who pauses has not left.",
    )


def _retention_title(after: pd.DataFrame) -> str:
    last = min(12, int(after.index[-1]))
    first, later = after["retention"].iloc[0], after["retention"].loc[last]
    said = f"{formats.percent(first)} of a cohort buys in month 1"
    return said if last == 1 else f"{said}, {formats.percent(later)} in month {last}"


def _cohort_table(cohorts: Cohorts, measure: str) -> pd.DataFrame:
    """Ages down, all cohorts and each cohort across."""
    table = getattr(cohorts, measure).T
    table.columns = [str(c) for c in table.columns]
    table.insert(0, "all_cohorts", cohorts.average[measure])
    return table.rename_axis("month").reset_index()


def cohort_revenue(cohorts: Cohorts | Refusal, n: int, scope: Scope) -> Exhibit:
    """Cumulative revenue per acquired customer by months since acquisition."""
    if isinstance(cohorts, Refusal):
        return refused("cohort_revenue", "Revenue by cohort", cohorts, n, scope)
    average = cohorts.average["revenue_per_customer"]
    figure, ax = theme.axes(height=3.6)
    for _, row in cohorts.revenue_per_customer.iterrows():
        ax.plot(row.index, row, color=theme.REFERENCE, linewidth=0.8, alpha=0.7)
    ax.plot(average.index, average, color=theme.PRIMARY, linewidth=2.4)
    theme.label(ax, average.index[-1], average.iloc[-1], "all cohorts", theme.PRIMARY)
    theme.tidy(ax, x="months since the month of the first purchase",
               y=f"{scope.currency} per acquired customer")  # fmt: skip
    theme.thousands(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(bottom=0)
    months = min(12, int(average.index[-1]))
    reached = average.loc[months]
    return Exhibit(
        id="cohort_revenue",
        title=f"By month {months} an acquired customer has brought {scope.money(reached)}",
        table=_cohort_table(cohorts, "revenue_per_customer"),
        figure=figure,
        source=scope.source,
        period=scope.period,
        n=int(cohorts.sizes.sum()),
        unit=f"{scope.currency} of revenue per acquired customer, cumulative",
        alt="Rising lines of cumulative revenue per acquired customer by months since the first "
        f"purchase; over all cohorts {scope.money(average.iloc[0])} in month 0 and "
        f"{scope.money(reached)} by month {months}.",
        note="Divide acquisition cost per customer into this curve to read the payback. Averages "
        "at high ages rest on the older cohorts alone.",
    )


def holdout_tracking(tracking: pd.DataFrame | Refusal, n: int, scope: Scope) -> Exhibit:
    """Cumulative repeat purchases against what the sealed model foretold."""
    if isinstance(tracking, Refusal):
        return refused("holdout_tracking", "The holdout test", tracking, n, scope)
    table = tracking
    open_, sealed = table[~table["sealed"]], table[table["sealed"]]
    base = open_.iloc[-1] if len(open_) else table.iloc[0]
    last = table.iloc[-1]
    actual = last["actual"] - base["actual"]
    miss = (last["expected"] - base["expected"]) / actual - 1 if actual else float("nan")
    figure, ax = theme.axes(height=3.8)
    ax.axvspan(base["period_end"], last["period_end"], color=theme.GRID, alpha=0.45, linewidth=0)
    ax.plot(table["period_end"], table["actual"], color=theme.INK)
    ax.plot(table["period_end"], table["expected"], color=theme.CONTRAST, linestyle=(0, (4, 2)))
    higher = "actual" if last["actual"] >= last["expected"] else "expected"
    for name, color in (("actual", theme.INK), ("expected", theme.CONTRAST)):
        shift = 7 if name == higher else -7
        theme.label(ax, last["period_end"], last[name], name, color, xytext=(6, shift))
    ax.set_ylim(bottom=0, top=last[["actual", "expected"]].max() * 1.08)
    theme.label(ax, base["period_end"], ax.get_ylim()[1] * 0.96, "sealed from here", theme.MUTED)
    theme.tidy(ax, x="", y="repeat purchases, cumulative")
    theme.thousands(ax)
    theme.few_dates(ax)
    direction = "below" if miss < 0 else "above"
    return Exhibit(
        id="holdout_tracking",
        title=f"In the sealed holdout the model ends {formats.percent(abs(miss), 1)} "
        f"{direction} actual purchases",
        table=table[["period_end", "actual", "expected", "sealed"]].assign(
            holdout_error=np.where(table.index == table.index[-1], miss, np.nan)
        ),
        figure=figure,
        source=scope.source,
        period=scope.period,
        n=n,
        unit="repeat purchases, cumulative",
        alt=f"Two rising lines, actual and expected cumulative repeat purchases; over the sealed "
        f"part expected purchases end {formats.percent(abs(miss), 1)} {direction} actual ones.",
        note=f"The model is fitted before the shaded time, {len(sealed)} {scope.time_unit}s, and "
        "has not seen it. Expected is what the model says of all customers from their first "
        "purchase on, not yet of each customer's own history.",
    )


def holdout_scorecard(scorecard: Scorecard | Refusal, n: int, scope: Scope) -> Exhibit:
    """The model beside two forecasts that need no model."""
    if isinstance(scorecard, Refusal):
        return refused("holdout_scorecard", "The forecast comparison", scorecard, n, scope)
    names = {"model": "BG/NBD", "same_rate": "same rate as before",
             "previous_window": "as in the previous window"}  # fmt: skip
    table = scorecard.table.reset_index(names="forecast").replace({"forecast": names})
    shown = table.assign(
        total_predicted=table["total_predicted"].map(formats.count),
        total_actual=table["total_actual"].map(formats.count),
        total_error=[_signed_percent(error) for error in table["total_error"]],
        mae=table["mae"].map("{:.3f}".format),
        spearman=["" if pd.isna(rho) else f"{rho:.3f}" for rho in table["spearman"]],
        n=table["n"].map(formats.count),
    ).set_axis(
        ["forecast", "predicted", "actual", "error in total", "mean absolute error",
         "rank correlation", "customers"], axis=1
    )  # fmt: skip
    wins = [
        words
        for words, column in (("total", "total_error"), ("customer", "mae"))
        if table[column].abs().idxmin() == 0
    ]
    said = {
        2: "The model beats both naive forecasts, in total and per customer",
        1: f"The model beats both naive forecasts per {wins[0] if wins else ''} only",
        0: "The model beats neither naive forecast: treat value with care",
    }[len(wins)].replace("per total", "in total")
    return Exhibit(
        id="holdout_scorecard",
        title=said,
        table=table,
        formatted=shown,
        source=scope.source,
        period=scope.period,
        n=n,
        unit="purchases in the sealed holdout",
        alt="Table of predicted and actual holdout purchases, total error, mean absolute error "
        "per customer and rank correlation for the model and two naive forecasts.",
        note="Mean absolute error: purchases per customer. Rank correlation (Spearman): of "
        "predicted with actual; a naive forecast may rank well and still miss the total.",
    )


def _signed_percent(share: float | None) -> str:
    return "" if share is None or pd.isna(share) else f"{100 * share:+.1f}%"


def holdout_by_frequency(scorecard: Scorecard | Refusal, n: int, scope: Scope) -> Exhibit:
    """Does the model tell apart who buys often from who does not?"""
    if isinstance(scorecard, Refusal):
        return refused("holdout_by_frequency", "The calibration check", scorecard, n, scope)
    table = scorecard.by_frequency
    figure, ax = theme.axes(height=3.4)
    theme.paired_bars(
        ax,
        table["frequency"],
        {
            "expected": (table["predicted"], theme.CONTRAST),
            "actual": (table["actual"], theme.REFERENCE),
        },
    )
    ax.legend(frameon=False, loc="upper left", labelcolor=theme.INK)
    theme.tidy(ax, x="repeat purchases before the seal", y="mean purchases in the holdout")
    worst = table.loc[(table["predicted"] - table["actual"]).abs().idxmax()]
    gap = worst["predicted"] - worst["actual"]
    return Exhibit(
        id="holdout_by_frequency",
        title=f"Forecasts miss most, by {abs(gap):.2f} purchases, "
        f"at {worst['frequency']} earlier repeats",
        table=table.assign(gap=table["predicted"] - table["actual"]),
        figure=figure,
        source=scope.source,
        period=scope.period,
        n=n,
        unit="mean purchases per customer in the holdout",
        alt="Paired bars of expected and actual mean holdout purchases by repeat purchases before "
        f"the seal; the largest gap is {gap:+.2f} at {worst['frequency']}.",
        note=f"Customers per pair of bars: {formats.count(table['n'].max())} down to "
        f"{formats.count(table['n'].min())}.",
    )


def model_parameters(
    purchases: BetaGeometricResult | Refusal,
    spend: GammaGammaResult | Refusal,
    n: int,
    level: float,
    scope: Scope,
) -> Exhibit:
    """Parameters of both models with standard errors, intervals and verdicts."""
    if isinstance(purchases, Refusal):
        return refused("model_parameters", "The purchase model", purchases, n, scope)
    parts = [_parameter_rows("BG/NBD (purchases)", purchases, level)]
    if not isinstance(spend, Refusal):
        parts.append(_parameter_rows("Gamma-Gamma (spend)", spend, level))
    table = pd.concat(parts, ignore_index=True)
    shown = _written_parameters(table)
    grades = [purchases.verdict.grade, "refused" if isinstance(spend, Refusal) else spend.verdict.grade]
    said = "Both models are well determined by these data"
    if set(grades) != {"good"}:
        said = f"Verdicts: the purchase model is {grades[0]}, the spend model {grades[1]}"
    return Exhibit(
        id="model_parameters",
        title=said,
        table=table,
        formatted=shown,
        source=scope.source,
        period=scope.period,
        n=n,
        unit=f"r, a, b, p, q: none; alpha: {scope.time_unit}s; v: {scope.currency}",
        alt="Table of the parameters of the purchase and the spend model with standard errors and "
        "intervals.",
        note=" ".join(_remarks(purchases) + _remarks(spend)),
    )


def _parameter_rows(name: str, fit: LikelihoodResult, level: float) -> pd.DataFrame:
    table = fit.summary(level).rename_axis("parameter").reset_index()
    return table.assign(model=name, log_likelihood=fit.llf)[
        ["model", *table.columns, "log_likelihood"]
    ]


def _written_parameters(table: pd.DataFrame) -> pd.DataFrame:
    """The parameter table for readers: four significant digits, headings in words."""
    headings = {"std_err": "standard error", "log_likelihood": "log-likelihood of the model"}
    figures = table.columns.drop(["model", "parameter", "log_likelihood"])
    written = table.assign(
        model=table["model"].mask(table["model"].duplicated(), ""),
        log_likelihood=table["log_likelihood"].map("{:,.1f}".format).mask(
            table["model"].duplicated(), ""
        ),
        **{name: table[name].map(lambda v: formats.cell(v, 4)) for name in figures},
    )
    return written.rename(columns=headings)


def _remarks(fit: LikelihoodResult | Refusal) -> list[str]:
    """What a reader must know of a fit, as sentences."""
    if isinstance(fit, Refusal):
        return [f"No spend model: {fit.reason}."]
    return _sentences(*fit.verdict.reasons, *fit.verdict.notes)


def _sentences(*remarks: str) -> list[str]:
    return [f"{text[0].upper()}{text[1:]}." for text in remarks]


def frequency_fit(
    actual: pd.Series, expected: pd.Series | Refusal, n: int, scope: Scope
) -> Exhibit:
    """Customers by number of repeat purchases, observed and under the model."""
    if isinstance(expected, Refusal):
        return refused("frequency_fit", "The fit of the purchase model", expected, n, scope)
    labels = [str(k) for k in expected.index[:-1]] + [f"{expected.index[-1]}+"]
    observed = actual.clip(upper=expected.index[-1]).value_counts()
    table = pd.DataFrame(
        {
            "repeat_purchases": labels,
            "actual": observed.reindex(expected.index, fill_value=0).to_numpy(),
            "expected": expected.to_numpy(),
        }
    )
    figure, ax = theme.axes(height=3.4)
    theme.paired_bars(
        ax,
        labels,
        {
            "expected": (table["expected"], theme.CONTRAST),
            "actual": (table["actual"], theme.REFERENCE),
        },
    )
    theme.tidy(ax, x="repeat purchases", y="customers")
    theme.thousands(ax)
    misplaced = float((table["actual"] - table["expected"]).abs().sum() / 2 / n)
    return Exhibit(
        id="frequency_fit",
        title=f"The model misplaces {formats.percent(misplaced, 1)} of customers by purchase count",
        table=table.assign(misplaced_share=[misplaced] + [np.nan] * (len(table) - 1)),
        figure=figure,
        source=scope.source,
        period=scope.period,
        n=n,
        unit="customers",
        alt="Paired bars of expected and actual customers by number of repeat purchases; "
        f"{formats.percent(misplaced, 1)} of customers would have to move for a perfect fit.",
    )


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
    rows = [
        ("realised in the last twelve months", customers["current_value"].sum(), None, None),
        ("realised to date", (customers["lifetime_value"] - customers["future_value"]).sum(), None, None),
        (f"expected in the next {horizon_years:g} years, discounted", equity.value, *lo_hi),
        ("… per customer", equity.value / n, equity.lo / n, equity.hi / n),
    ]  # fmt: skip
    if values.to_infinity is not None:
        rows.append(("… without a horizon, discounted", values.to_infinity, None, None))
    table = pd.DataFrame(rows, columns=["measure", "value", "lo", "hi"])
    table[["value", "lo", "hi"]] = table[["value", "lo", "hi"]].astype(float)
    shown = table.assign(
        **{c: ["" if pd.isna(v) else scope.money(v) for v in table[c]] for c in ("value", "lo", "hi")}
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
        + " ".join(_sentences(*values.notes)),
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
    if not isinstance(scorecard, Refusal) and scorecard.table.loc["model", "total_error"] is not None:
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
