"""Whether the models can be trusted: sealed holdout, scorecard, parameters, fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import LikelihoodResult
from crmlib.stats.refusal import Refusal
from crmlib.value.holdout import Scorecard
from crmlib.value.purchases import BetaGeometricResult
from crmlib.value.shown import count_frequencies, frequency_groups
from crmlib.value.spend import GammaGammaResult

POOLED_TEST = ["likelihood_ratio", "degrees_of_freedom", "p_value"]  # of spend by frequency


def holdout_tracking(tracking: pd.DataFrame | Refusal, n: int, scope: Scope) -> Exhibit:
    """Cumulative repeat purchases against what the sealed model foretold."""
    if isinstance(tracking, Refusal):
        return refused("holdout_tracking", "The holdout test", tracking, 0, scope)
    table = tracking
    open_, sealed = table[~table["sealed"]], table[table["sealed"]]
    base = open_.iloc[-1] if len(open_) else table.iloc[0]
    last = table.iloc[-1]
    actual, expected = (last[name] - base[name] for name in ("actual", "expected"))
    miss = expected / actual - 1 if actual else float("nan")
    table = table[["period_end", "actual", "expected", "sealed"]].assign(
        actual_after_seal=(table["actual"] - base["actual"]).where(table["sealed"]),
        expected_after_seal=(table["expected"] - base["expected"]).where(table["sealed"]),
        holdout_error=np.where(table.index == table.index[-1], miss, np.nan),
    )
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
    ends = table["period_end"]
    names = [f"until {end:%Y-%m-%d}" for end in ends]
    theme.says_values(ax, ends, names, table[["actual", "expected"]], formats.count)
    theme.tidy(ax, x="", y="repeat purchases, cumulative")
    theme.thousands(ax)
    theme.few_dates(ax)
    said = f"Nobody bought in the sealed holdout; the model foretold {formats.count(expected)}"
    if actual:
        size = f"{formats.percent(abs(miss), 1)} too {'few' if miss < 0 else 'many'}"
        said = f"Without customers' own histories, the model foretells {size} purchases"
    return scope.exhibit(
        id="holdout_tracking",
        title=said,
        table=table,
        figure=figure,
        n=n,
        unit="repeat purchases, cumulative",
        alt="Two rising lines, actual and expected cumulative repeat purchases; over the sealed "
        f"time they rise by {formats.count(actual)} and by {formats.count(expected)}.",
        note="The model is fitted before the shaded time, "
        f"{formats.plural(int(sealed['periods'].sum()), scope.time_unit)}, and has not seen it. "
        "Expected: from each customer's first purchase on, without that customer's own history, "
        f"which the next exhibit takes into account.{_left_out(tracking, scope)}",
    )


def _left_out(tracking: pd.DataFrame, scope: Scope) -> str:
    """How many points of the curve are withheld, as a sentence behind the note."""
    periods = int((tracking["periods"] - 1).sum())
    if not periods:
        return ""
    return (
        f" The ends of {formats.plural(periods, scope.time_unit)} are withheld: from one to the "
        f"next {scope.few} may have bought."
    )


def holdout_scorecard(
    scorecard: Scorecard | Refusal, foretold: Interval | Refusal, n: int, scope: Scope
) -> Exhibit:
    """The model beside two forecasts that need no model."""
    if isinstance(scorecard, Refusal):
        return refused("holdout_scorecard", "The forecast comparison", scorecard, 0, scope)
    names = {
        "model": "BG/NBD",
        "same_rate": "same rate as before",
        "previous_window": "as in the previous window",
    }
    figures = ["total_error", "spearman"]
    table = scorecard.table.astype(dict.fromkeys(figures, float)).reset_index(names="forecast")
    table = _with_error_interval(table, foretold).replace({"forecast": names})
    signed = ["total_error", "error_lo", "error_hi"]
    shown = table.assign(
        total_predicted=table["total_predicted"].map(formats.count),
        total_actual=table["total_actual"].map(formats.count),
        **{name: table[name].map(_signed_percent) for name in signed},
        level=["" if pd.isna(level) else formats.level(level) for level in table["level"]],
        mae=table["mae"].map("{:.3f}".format),
        spearman=["" if pd.isna(rho) else f"{rho:.3f}" for rho in table["spearman"]],
    )
    headings = ["forecast", "predicted", "actual", "error in total", "from", "to", "level"]
    return scope.exhibit(
        id="holdout_scorecard",
        title=_who_wins(table),
        table=table,
        formatted=shown.set_axis([*headings, "mean absolute error", "rank correlation"], axis=1),
        n=n,
        unit="purchases in the sealed holdout",
        alt="Table of predicted and actual holdout purchases, total error, mean absolute error "
        "per customer and rank correlation for the model and two naive forecasts.",
        note="Mean absolute error: purchases per customer. Rank correlation (Spearman): of "
        f"predicted with actual. {_own_interval(foretold, table['total_actual'].iloc[0])}",
    )


def _with_error_interval(table: pd.DataFrame, foretold: Interval | Refusal) -> pd.DataFrame:
    """The interval of the model's error behind the error; naive forecasts have none."""
    lo = hi = level = np.nan
    actual = float(table["total_actual"].iloc[0])
    if not isinstance(foretold, Refusal) and actual > 0:
        (lo, hi), level = error_interval(foretold, actual), foretold.level
    model = table.index == 0
    bounds = {"error_lo": lo, "error_hi": hi, "level": level}
    table = table.assign(**{name: np.where(model, v, np.nan) for name, v in bounds.items()})
    first = ["forecast", "total_predicted", "total_actual", "total_error", *bounds]
    return table[[*first, "mae", "spearman"]]


def error_interval(foretold: Interval, actual: float) -> tuple[float, float]:
    """Bounds of the forecast's error in total, as shares of what came."""
    return foretold.lo / actual - 1, foretold.hi / actual - 1


def _who_wins(table: pd.DataFrame) -> str:
    """On which of three criteria the model, in the first row, beats every naive forecast."""
    lost = {
        "totals": table["total_error"].abs(),
        "customers": table["mae"],
        "ranking": -table["spearman"],
    }
    won = [name for name, loss in lost.items() if loss.iloc[0] < loss.iloc[1:].min()]
    if not won:
        return "The model beats no naive forecast: treat value with care"
    if len(won) == len(lost):
        return "The model beats the naive forecasts on totals, customers and ranking"
    failed = [name for name in lost if name not in won]
    return f"The model beats naive forecasts on {' and '.join(won)}, not on {' and '.join(failed)}"


def _own_interval(foretold: Interval | Refusal, actual: float) -> str:
    """Whether the model's own interval for the total holds what came."""
    if isinstance(foretold, Refusal):
        return ""
    verb = "holds" if actual in foretold else "does not hold"
    span = formats.interval(foretold.lo, foretold.hi, formats.count)
    level = formats.level(foretold.level)
    return f"The forecast's own {level} interval, {span}, {verb} the actual total."


def holdout_money(money: pd.DataFrame | Refusal, n: int, scope: Scope) -> Exhibit:
    """Foretold against actual amounts: the test of both models together."""
    if isinstance(money, Refusal):
        return refused("holdout_money", "The test in money", money, 0, scope)
    names = {"model": "BG/NBD and Gamma-Gamma", "previous_window": "as in the previous window"}
    table, word = _with_best_named(money, scope)
    table = table.reset_index(names="forecast").replace({"forecast": names})
    best = {
        f"best_{word}_predicted": f"its best {word}, foretold",
        f"best_{word}_actual": f"its best {word}, actual",
    }
    best = {name: heading for name, heading in best.items() if name in table}
    shown = table.assign(
        total_predicted=table["total_predicted"].map(scope.money),
        total_actual=table["total_actual"].map(scope.money),
        total_error=table["total_error"].map(_signed_percent),
        n=table["n"].map(formats.count),
        **{name: table[name].map(_percent_or_empty) for name in best},
    )
    headings = ["forecast", "predicted", "actual", "error in total", *best.values(), "customers"]
    error = table["total_error"].iloc[0]
    said = f"No {scope.amount_word} came in the sealed holdout"
    if not pd.isna(error):
        side = "little" if error < 0 else "much"
        said = f"In money the models foretell {formats.percent(abs(error), 1)} too {side}"
    alt = f"Table of foretold and actual {scope.amount_word} in the holdout, in total"
    note = f"Shares of the best customers are withheld: they would be {scope.few}."
    if best:
        alt += f" and as the share of the {word} of customers that each forecast ranks best"
        note = (
            f"Its best {word}: the customers whom a forecast ranks highest, the share of the "
            "total it foretold for them, and the share they then brought."
        )
    return scope.exhibit(
        id="holdout_money",
        title=said,
        table=table,
        formatted=shown.set_axis(headings, axis=1),
        n=n,
        unit=f"{scope.currency} of {scope.amount_word} in the sealed holdout",
        alt=f"{alt}.",
        note=note,
    )


def _with_best_named(money: pd.DataFrame, scope: Scope) -> tuple[pd.DataFrame, str]:
    """The table with its share of best customers in the columns' names, and that share in words.

    Without these columns, and no word, where the share is all customers: no
    smaller group of best customers may then be shown.
    """
    share = float(money["best_share"].iloc[0])
    plain = money.drop(columns="best_share")
    if share == 1:
        return plain.drop(columns=["best_predicted", "best_actual"]), ""
    word = scope.share_word(share)
    named = {f"best_{figure}": f"best_{word}_{figure}" for figure in ("predicted", "actual")}
    return plain.rename(columns=named), word


def _percent_or_empty(share: float) -> str:
    return "" if pd.isna(share) else formats.percent(share, 1)


def _signed_percent(share: float | None) -> str:
    return "" if share is None or pd.isna(share) else f"{100 * share:+.1f}%"


def holdout_by_frequency(scorecard: Scorecard | Refusal, n: int, scope: Scope) -> Exhibit:
    """Does the model tell apart who buys often from who does not?"""
    if isinstance(scorecard, Refusal):
        return refused("holdout_by_frequency", "The calibration check", scorecard, 0, scope)
    table = _calibration(scorecard.by_frequency, scope.min_cell)
    if len(table) == 1:
        return scope.withheld("holdout_by_frequency", "The calibration check", n)
    figure, ax = theme.axes(height=3.4)
    theme.paired_bars(
        ax,
        table["frequency"],
        {
            "expected": (table["predicted"], theme.CONTRAST),
            "actual": (table["actual"], theme.REFERENCE),
        },
        "{:.2f}".format,
    )
    theme.tidy(ax, x="repeat purchases before the seal", y="mean purchases in the holdout")
    gaps = table["actual"] - table["predicted"]
    worst = (gaps.abs() * table["n"]).idxmax()
    repeats = table["frequency"].loc[worst]
    noun = "repeat" if repeats == "1" else "repeats"
    direction = "more" if gaps[worst] > 0 else "fewer"
    return scope.exhibit(
        id="holdout_by_frequency",
        title=f"Customers with {repeats} {noun} each bought {abs(gaps[worst]):.2f} {direction} "
        "than foretold",
        table=table.assign(gap=gaps),
        figure=figure,
        n=n,
        unit="mean purchases per customer in the holdout",
        alt="Paired bars of expected and actual mean holdout purchases by repeat purchases before "
        f"the seal; at {repeats} {noun} actual is {abs(gaps[worst]):.2f} {direction}.",
        note="The title names the pair whose gap moves the total most. Customers per pair of bars: "
        f"{formats.count(table['n'].max())} down to {formats.count(table['n'].min())}.",
    )


def _calibration(by_frequency: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Expected and actual means of the groups by frequency that may be shown.

    Also beside the table of purchase days, which has the same customers by their
    frequency at the end: where few passed a limit in the holdout, both tables
    together would count them, and the groups on both sides are one here.
    """
    groups = frequency_groups(by_frequency["n"], min_cell, by_frequency["crossing"])
    sums = by_frequency[["predicted", "actual"]].mul(by_frequency["n"], axis=0)
    sums = sums.assign(n=by_frequency["n"]).groupby(groups.of(by_frequency.index)).sum()
    table = pd.DataFrame(
        {
            "frequency": groups.labels(),
            "predicted": (sums["predicted"] / sums["n"]).to_numpy(),
            "actual": (sums["actual"] / sums["n"]).to_numpy(),
            "n": sums["n"].to_numpy(),
        }
    )
    return table[table["n"] > 0].reset_index(drop=True)


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
        parts.append(_spend_rows(spend, level))
    table = pd.concat(parts, ignore_index=True)
    shown = _written_parameters(table.drop(columns=POOLED_TEST, errors="ignore"))
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


def _spend_rows(fit: GammaGammaResult, level: float) -> pd.DataFrame:
    """A row per parameter; for a model by frequency also the test against the pooled one."""
    test = fit.likelihood_ratio()
    if test is None:
        return _parameter_rows("Gamma-Gamma (spend)", fit, level)
    rows = _parameter_rows("Gamma-Gamma by frequency (spend)", fit, level)
    return rows.assign(**dict(zip(POOLED_TEST, test, strict=True)))


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
