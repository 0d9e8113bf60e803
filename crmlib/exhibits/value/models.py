"""Whether the models can be trusted: sealed holdout, scorecard, parameters, fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.optimise import LikelihoodResult
from crmlib.stats.refusal import Refusal
from crmlib.value.holdout import Scorecard
from crmlib.value.purchases import BetaGeometricResult
from crmlib.value.spend import GammaGammaResult


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
    grades = [
        purchases.verdict.grade,
        "refused" if isinstance(spend, Refusal) else spend.verdict.grade,
    ]
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
        note=f"{_remarks(purchases)} {_remarks(spend)}".strip(),
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
        log_likelihood=table["log_likelihood"]
        .map("{:,.1f}".format)
        .mask(table["model"].duplicated(), ""),
        **{name: table[name].map(lambda v: formats.cell(v, 4)) for name in figures},
    )
    return written.rename(columns=headings)


def _remarks(fit: LikelihoodResult | Refusal) -> str:
    """What a reader must know of a fit, as sentences."""
    if isinstance(fit, Refusal):
        return f"No spend model: {fit.reason}."
    return formats.sentences(*fit.verdict.reasons, *fit.verdict.notes)


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
