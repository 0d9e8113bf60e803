"""Whether a forecast can be trusted: purchase models on time that they have not seen (V13)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.refusal import Refusal
from crmlib.value.choosing import PurchaseChoice
from crmlib.value.holdout import Foretold, Scorecard, by_forecast
from crmlib.value.shown import frequency_groups

_NAIVE = {"same_rate": "same rate as before", "previous_window": "as in the previous window"}
_SCORES = {"mae": "MAE", "spearman": "rank", "lift": "lift"}
_MAY_LACK = ["total_error", "spearman", "lift"]
_SCORES_SAID = (
    "Error: in total. MAE: mean absolute error, purchases per customer. Rank: correlation "
    "(Spearman) of predicted with actual. Lift: purchases of the tenth of customers ranked best, "
    "over the average customer's."
)


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
    scorecard: Scorecard | Refusal,
    foretold: Foretold | Refusal,
    n: int,
    scope: Scope,
) -> Exhibit:
    """The model beside two forecasts that need no model."""
    if isinstance(scorecard, Refusal):
        return refused("holdout_scorecard", "The forecast comparison", scorecard, 0, scope)
    table = scorecard.table.astype(dict.fromkeys(_MAY_LACK, float)).reset_index(names="forecast")
    table = _with_error_interval(table, foretold)
    table = table.replace({"forecast": {"model": scorecard.label, **_NAIVE}})
    signed = ["total_error", "error_lo", "error_hi"]
    shown = table.assign(
        total_predicted=table["total_predicted"].map(formats.count),
        total_actual=table["total_actual"].map(formats.count),
        **{name: table[name].map(formats.signed_percent) for name in signed},
        level=["" if pd.isna(level) else formats.level(level) for level in table["level"]],
        inside=["" if pd.isna(share) else formats.percent(share) for share in table["inside"]],
        **_written_scores(table),
    )
    headings = [
        "forecast", "predicted", "actual", "error", "from", "to", "level", "inside",
        *_SCORES.values(),
    ]  # fmt: skip
    return scope.exhibit(
        id="holdout_scorecard",
        title=_who_wins(table),
        table=table,
        formatted=shown.set_axis(headings, axis=1),
        n=n,
        unit="purchases in the sealed holdout",
        alt="Table of predicted and actual holdout purchases, total error, mean absolute error "
        "per customer, rank correlation and lift for the model and two naive forecasts.",
        note=f"{_SCORES_SAID} {_own_interval(foretold, table['total_actual'].iloc[0])}",
    )


def _written_scores(table: pd.DataFrame) -> dict[str, list[str]]:
    """Error per customer, rank correlation and lift as a reader sees them."""
    digits = {"mae": "{:.3f}", "spearman": "{:.3f}", "lift": "{:.1f}"}
    return {
        name: ["" if pd.isna(value) else write.format(value) for value in table[name]]
        for name, write in digits.items()
    }


def purchase_models(choice: PurchaseChoice | Refusal, n: int, scope: Scope) -> Exhibit:
    """The candidates beside two forecasts that need no model, and which one is used."""
    if isinstance(choice, Refusal):
        return refused("purchase_models", "The choice of a purchase model", choice, 0, scope)
    naive = choice.scorecard.table.drop(index="model").rename(index=_NAIVE)
    naive = naive.rename_axis("label").reset_index()
    table = pd.concat([choice.table.reset_index(drop=True), naive], ignore_index=True)
    figures = ["log_likelihood", "behind", "behind_lo", "behind_hi", "total_error", *_SCORES]
    table = table[["label", "chosen", *figures, "verdict"]]
    table = table.astype(dict.fromkeys(figures, float)).rename(columns={"label": "forecast"})
    table["chosen"] = table["chosen"].eq(True)
    shown = table.assign(
        log_likelihood=table["log_likelihood"].map(lambda v: _written(v, "{:,.1f}")),
        **{name: table[name].map(lambda v: _written(v, "{:.4f}")) for name in figures[1:4]},
        total_error=table["total_error"].map(formats.signed_percent),
        **_written_scores(table),
        verdict=table["verdict"].fillna(""),
        chosen=table["chosen"].map({True: "used", False: ""}),
    )
    headings = [
        "forecast", "choice", "log-likelihood", "behind", "from", "to", "error", *_SCORES.values(),
        "verdict",
    ]  # fmt: skip
    return scope.exhibit(
        id="purchase_models",
        title=_chosen_title(choice),
        table=table,
        formatted=shown.set_axis(headings, axis=1),
        n=n,
        unit="as the headings say; log-density per customer behind the best",
        alt="Table of the purchase models that were tried and of two naive forecasts: likelihood, "
        f"score and errors on the sealed time. {choice.reason}",
        note=f"{choice.reason} Log-likelihood: of the time before the seal. Behind: how much less "
        "likely, in log-density per customer, a model finds what came after the seal than the "
        "best of them does, with its paired interval; where that holds zero the models are not "
        f"told apart, and the smallest error in total decides. {_SCORES_SAID}",
    )


def _chosen_title(choice: PurchaseChoice) -> str:
    label = choice.table.loc[choice.chosen, "label"]
    if choice.forced:
        return f"{label} foretells purchases here because the params say so"
    beats = choice.table.loc[choice.chosen, "beats_naive"]
    if len(choice.rivals) > 1:
        if beats:
            return f"No model stands out; {label} is used, ahead of naive forecasts"
        return f"No model stands out, and a naive forecast beats {label}"
    if beats:
        return f"Of the models tried {label} foretells best, ahead of naive forecasts"
    return f"{label} is the best model, yet a naive forecast beats it"


def _written(value: float, digits: str) -> str:
    return "" if pd.isna(value) else digits.format(value)


def holdout_by_decile(
    scorecard: Scorecard | Refusal, actual: pd.Series, n: int, scope: Scope
) -> Exhibit:
    """Calibration: does what is foretold for a tenth of customers come, tenth by tenth?"""
    if isinstance(scorecard, Refusal):
        return refused("holdout_by_decile", "Calibration by decile", scorecard, 0, scope)
    bands = scope.bands(n, 10)
    if bands == 1:
        return scope.withheld("holdout_by_decile", "Calibration by decile", n)
    table = by_forecast(scorecard, actual, bands)
    gap = table["predicted"] - table["actual"]
    worst = int((gap.abs() * table["n"]).idxmax())
    table = table.assign(gap=gap, gap_size=gap.abs())
    figure, ax = theme.axes(height=3.4)
    names = [str(band) for band in table["band"]]
    theme.paired_bars(
        ax,
        names,
        {
            "foretold": (table["predicted"], theme.CONTRAST),
            "actual": (table["actual"], theme.REFERENCE),
        },
        "{:.2f}".format,
    )
    word = "tenth" if bands == 10 else f"{bands}th part"
    theme.tidy(ax, x=f"{word} of customers, ranked by forecast", y="mean purchases in the holdout")
    side = "above" if gap[worst] > 0 else "below"
    said = f"{abs(gap[worst]):.2f} purchases {side} what came"
    return scope.exhibit(
        id="holdout_by_decile",
        title=f"The forecast misses most for group {names[worst]}: {said}",
        table=table,
        figure=figure,
        n=n,
        unit="mean purchases per customer in the holdout",
        alt=f"Paired bars of foretold and actual mean purchases by {word} of customers, best "
        f"first; largest miss, weighed by customers, in group {names[worst]}: {said}.",
        note="Customers are ranked by what the model foretold for each; a calibrated model has "
        "both bars equal in every group.",
    )


def _with_error_interval(table: pd.DataFrame, foretold: Foretold | Refusal) -> pd.DataFrame:
    """The interval of the model's error behind the error; naive forecasts have none."""
    lo = hi = level = inside = np.nan
    actual = float(table["total_actual"].iloc[0])
    if not isinstance(foretold, Refusal) and actual > 0:
        (lo, hi), level = error_interval(foretold, actual), foretold.total.level
        inside = foretold.inside
    model = table.index == 0
    bounds = {"error_lo": lo, "error_hi": hi, "level": level, "inside": inside}
    table = table.assign(**{name: np.where(model, v, np.nan) for name, v in bounds.items()})
    first = ["forecast", "total_predicted", "total_actual", "total_error", *bounds]
    return table[[*first, *_SCORES]]


def error_interval(foretold: Foretold, actual: float) -> tuple[float, float]:
    """Bounds of the forecast's error in total, as shares of what came."""
    return foretold.total.lo / actual - 1, foretold.total.hi / actual - 1


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


def _own_interval(foretold: Foretold | Refusal, actual: float) -> str:
    """Whether the model's own intervals hold what came, in total and customer by customer."""
    if isinstance(foretold, Refusal):
        return ""
    total = foretold.total
    verb = "holds" if actual in total else "does not hold"
    span = formats.interval(total.lo, total.hi, formats.count)
    level = formats.level(total.level)
    return (
        f"The forecast's own {level} interval, {span}, {verb} the actual total; parameters and "
        f"chance are in it. Of customers' counts {formats.percent(foretold.inside)} lie in their "
        "own interval; since counts are whole, more than the level is no fault."
    )


def holdout_money(money: pd.DataFrame | Refusal, n: int, scope: Scope) -> Exhibit:
    """Foretold against actual amounts: the test of both models together."""
    if isinstance(money, Refusal):
        return refused("holdout_money", "The test in money", money, 0, scope)
    table, word = _with_best_named(money, scope)
    table = table.reset_index(names="forecast").replace({"forecast": _NAIVE})
    best = {
        f"best_{word}_predicted": f"its best {word}, foretold",
        f"best_{word}_actual": f"its best {word}, actual",
    }
    best = {name: heading for name, heading in best.items() if name in table}
    shown = table.assign(
        total_predicted=table["total_predicted"].map(scope.money),
        total_actual=table["total_actual"].map(scope.money),
        total_error=table["total_error"].map(formats.signed_percent),
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
