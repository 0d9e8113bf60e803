"""The models on all data: parameters, verdicts, fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.optimise import LikelihoodResult
from crmlib.stats.refusal import Refusal
from crmlib.value.purchases import PurchaseModel, PurchaseResult
from crmlib.value.shown import count_frequencies, frequency_groups
from crmlib.value.spend import GammaGammaResult


def model_parameters(
    purchases: PurchaseResult | Refusal,
    spend: GammaGammaResult | Refusal,
    n: int,
    level: float,
    scope: Scope,
) -> Exhibit:
    """Parameters of both models with standard errors, intervals and verdicts."""
    if isinstance(purchases, Refusal):
        return refused("model_parameters", "The purchase model", purchases, n, scope)
    model = purchases.model
    parts = [_parameter_rows(f"{model.label} (purchases)", purchases, level)]
    if not isinstance(spend, Refusal):
        parts.append(_spend_rows(spend, level))
    table = pd.concat(parts, ignore_index=True)
    shown = _written_parameters(table)
    grades = [
        purchases.verdict.grade,
        "refused" if isinstance(spend, Refusal) else spend.verdict.grade,
    ]
    said = "The data pin down the parameters of both models"
    if set(grades) != {"good"}:
        said = f"Verdicts: the purchase model is {grades[0]}, the spend model {grades[1]}"
    return scope.exhibit(
        id="model_parameters",
        title=said,
        table=table,
        formatted=shown,
        n=n,
        unit=_units(model, scope),
        alt="Table of the parameters of the purchase and the spend model with standard errors and "
        "intervals.",
        note=f"{_remarks(purchases)} {_remarks(spend)}".strip(),
    )


def _units(model: PurchaseModel, scope: Scope) -> str:
    """The units of both models' parameters."""
    timed = dict(zip(model.names, model.time_powers, strict=True))
    plain = [name for name in timed if not timed[name]]
    times = ", ".join(name for name in timed if timed[name])
    return f"{', '.join(plain)}, p, q: none; {times}: {scope.time_unit}s; v: {scope.currency}"


def _parameter_rows(name: str, fit: LikelihoodResult, level: float) -> pd.DataFrame:
    table = fit.summary(level).rename_axis("parameter").reset_index()
    return table.assign(model=name, log_likelihood=fit.llf)[
        ["model", *table.columns, "log_likelihood"]
    ]


def _spend_rows(fit: GammaGammaResult, level: float) -> pd.DataFrame:
    by_frequency = " by frequency" if len(fit.bands.starts) > 1 else ""
    return _parameter_rows(f"Gamma-Gamma{by_frequency} (spend)", fit, level)


def _written_parameters(table: pd.DataFrame) -> pd.DataFrame:
    """The parameter table for readers: four significant digits, headings in words."""
    headings = {"std_err": "standard error", "log_likelihood": "log-likelihood"}
    figures = table.columns.drop(["model", "parameter", "log_likelihood"])
    again = table["model"].duplicated()
    written = table.assign(
        model=table["model"].mask(again, ""),
        log_likelihood=table["log_likelihood"].map("{:,.1f}".format).mask(again, ""),
        **{name: table[name].map(lambda v: formats.cell(v, 4)) for name in figures},
    )
    return written.rename(columns=headings)


def _remarks(fit: LikelihoodResult | Refusal) -> str:
    """What a reader must know of a fit, as sentences."""
    if isinstance(fit, Refusal):
        return f"No spend model: {fit.reason}."
    said = formats.sentences(*fit.verdict.reasons, *fit.verdict.notes)
    if isinstance(fit, GammaGammaResult):
        if fit.dependence is not None:
            said += f" Spend and frequency correlate by {fit.dependence:.2f} (Spearman)"
            by_frequency = len(fit.bands.starts) > 1
            said += "." if by_frequency else "; the spend model assumes that they do not."
        said += f" {fit.choice}"
    return said.strip()


def frequency_fit(
    actual: pd.Series, expected: pd.Series | Refusal, n: int, scope: Scope
) -> Exhibit:
    """Customers by number of repeat purchases, observed and under the model."""
    if isinstance(expected, Refusal):
        return refused("frequency_fit", "The fit of the purchase model", expected, n, scope)
    counts = count_frequencies(actual, most=int(expected.index[-1]))
    groups = frequency_groups(counts, scope.min_cell)
    labels, places = groups.labels(), groups.of(expected.index)
    if len(labels) == 1:
        return scope.withheld("frequency_fit", "The fit of the model", n)
    table = pd.DataFrame(
        {
            "repeat_purchases": labels,
            "actual": np.bincount(places, counts).astype(int),
            "expected": np.bincount(places, expected),
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
        formats.count,
    )
    theme.tidy(ax, x="repeat purchases", y="customers")
    theme.thousands(ax)
    misplaced = float((table["actual"] - table["expected"]).abs().sum() / 2 / n)
    return scope.exhibit(
        id="frequency_fit",
        title=f"Model and actual purchase counts differ for {formats.percent(misplaced, 1)} "
        "of customers",
        table=table.assign(misplaced_share=[misplaced] + [np.nan] * (len(table) - 1)),
        figure=figure,
        n=n,
        unit="customers",
        alt="Paired bars of expected and actual customers by number of repeat purchases; "
        f"{formats.percent(misplaced, 1)} of customers would have to move for a perfect fit.",
        note="On the data that the model was fitted to."
        + (f" Groups of {scope.few} are merged." if len(groups.starts) < len(counts) else ""),
    )
