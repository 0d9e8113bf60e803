"""Whether purchases have a season or a trend, and what the forecast then cannot promise."""

from __future__ import annotations

import calendar
import datetime as dt

import numpy as np
import pandas as pd

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.value.refused import refused
from crmlib.stats.refusal import Refusal
from crmlib.value.season import SeasonAndTrend

_MONTH, _SEASON, _TREND = "month observed", "season factor", "trend per year"


def season_and_trend(found: SeasonAndTrend | Refusal, n: int, scope: Scope) -> Exhibit:
    """What came beside what the model expects, by month, and the season in it."""
    if isinstance(found, Refusal):
        return refused("season_and_trend", "The test for season and trend", found, 0, scope)
    table = _table(found)
    told = not found.reason
    figure, axes = theme.axes(2 if told else 1, height=3.4, sharey=True)
    ratios = table[table["figure"] == _MONTH]
    _draw_months(axes[0] if told else axes, pd.to_datetime(ratios["when"]), ratios["ratio"])
    pictured = "A line of actual over expected repeat purchases by month"
    if told:
        _draw_season(axes[1], found.factors)
        pictured += "; dots with intervals of the season factor of each calendar month"
    said = _title(found)
    return scope.exhibit(
        id="season_and_trend",
        title=said,
        table=table,
        figure=figure,
        n=n,
        unit="actual over expected repeat purchases",
        alt=f"{pictured}. {said}.",
        note=_note(found, scope),
    )


def _table(found: SeasonAndTrend) -> pd.DataFrame:
    """One row per month, then per calendar month, then the trend.

    Ratios of single months are given to a hundredth: exact, they could be multiplied
    back to counts, and these set beside other counts that end on another day.
    """
    months = pd.DataFrame(
        {
            "figure": _MONTH,
            "when": found.months["month"].dt.strftime("%Y-%m"),
            "ratio": found.months["ratio"].round(2),
            "months_used": len(found.months),
        }
    )
    if found.reason:
        return months
    factors, yearly = found.factors, found.yearly
    season = pd.DataFrame(
        {
            "figure": _SEASON,
            "when": [calendar.month_name[int(m)] for m in factors["calendar_month"]],
            "ratio": factors["factor"],
            "difference": factors["factor"] - 1,
            "lo": factors["lo"] - 1,
            "hi": factors["hi"] - 1,
            "level": factors["level"],
            "p_value": found.season_p,
        }
    )
    trend = pd.DataFrame(
        {"figure": [_TREND], "when": "", "difference": yearly.value, "lo": yearly.lo,
         "hi": yearly.hi, "level": yearly.level, "p_value": found.trend_p}
    )  # fmt: skip
    table = pd.concat([months, season, trend], ignore_index=True)
    return table.assign(size=table["difference"].abs())


def _draw_months(ax: theme.Axes, months: pd.Series, ratio: pd.Series) -> None:
    ax.axhline(1, color=theme.REFERENCE, linewidth=1)
    ax.plot(months, ratio, color=theme.PRIMARY, marker="o", markersize=3)
    theme.tidy(ax, x="", y="actual purchases, 1 as the model expects")
    theme.few_dates(ax)
    names = [f"{month:%B %Y}" for month in months]
    theme.says_values(ax, months, names, {"": ratio}, "{:.2f}".format)


def _draw_season(ax: theme.Axes, factors: pd.DataFrame) -> None:
    names = [calendar.month_name[int(m)] for m in factors["calendar_month"]]
    places = np.arange(len(names))
    reach = np.abs(factors[["lo", "hi"]].to_numpy().T - factors["factor"].to_numpy())
    ax.axhline(1, color=theme.REFERENCE, linewidth=1)
    ax.errorbar(places, factors["factor"], yerr=reach, fmt="o", color=theme.PRIMARY,
                markersize=5, capsize=3)  # fmt: skip
    ax.set_xticks(places, [name[0] for name in names])
    theme.tidy(ax, x="month of the year", y="season factor, 1 an average month")
    series = factors[["factor", "lo", "hi"]].set_axis(["factor", "from", "to"], axis=1)
    theme.says_values(ax, places, names, series, "{:.2f}".format)


def _peak(found: SeasonAndTrend) -> pd.Series:
    """The calendar month furthest from the average one."""
    return found.factors.loc[(found.factors["factor"] - 1).abs().idxmax()]


def _month_said(found: SeasonAndTrend) -> str:
    peak = _peak(found)
    off, name = peak["factor"] - 1, calendar.month_name[int(peak["calendar_month"])]
    return f"{name} runs {formats.percent(abs(off))} {'above' if off > 0 else 'below'} the model"


def _title(found: SeasonAndTrend) -> str:
    if found.reason:
        months = formats.plural(len(found.months), "month")
        return f"{months} cannot tell season from trend"
    yearly = found.yearly.value
    size = formats.percent(abs(yearly), 1)
    if found.season == "season" and found.trend == "trend":
        return f"{_month_said(found)}, and purchases {_goes(yearly)} {size} yearly"
    if found.season == "season":
        return f"{_month_said(found)}: purchases have a season"
    if found.trend == "trend":
        side = "above" if yearly > 0 else "behind"
        return f"Purchases {_goes(yearly)} {size} a year {side} what the model expects"
    return "Neither season nor trend is seen beyond chance"


def _goes(yearly: float) -> str:
    return "rise" if yearly > 0 else "fall"


def _note(found: SeasonAndTrend, scope: Scope) -> str:
    """How to read the picture, and what a stationary model cannot promise."""
    said = [
        "Expected: of the model fitted to all data, by days of first purchase, each month's new "
        "customers at their own level."
    ]
    if found.reason:
        said += [
            formats.sentences(found.reason),
            "Until then take forecasts for whole years, not for single months.",
        ]
    else:
        said += [
            "Season factors stand beside the mean of the twelve months, trend taken out, with "
            f"{formats.level(found.yearly.level)} intervals.",
            f"Tests: season {_p(found.season_p)}, trend {_p(found.trend_p)}.",
        ]
        said += _cannot_promise(found)
    if found.left_out:
        months = formats.plural(found.left_out, "month")
        said.append(
            f"{months} left out: too little is expected there, or it would tell of {scope.few}."
        )
    return " ".join(said)


def _cannot_promise(found: SeasonAndTrend) -> list[str]:
    said = []
    if found.season == "season":
        said.append(
            "The model knows no season: its forecast holds for whole years, not for single months "
            "or parts of a year."
        )
    if found.trend == "trend":
        said.append(
            "The model takes what customers do for lasting: if the trend goes on, its forecast "
            "drifts from what comes by as much every year. Where most customers came at once, "
            "trend and their growing older cannot be told apart."
        )
    if not said:
        said.append("What is smaller than the intervals are wide may still be there.")
    return said


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def season_findings(
    found: SeasonAndTrend | Refusal, horizon_years: float, end: dt.date, worth: Scope
) -> list[Finding]:
    """Season and trend as caveats of a forecast that knows neither."""
    if isinstance(found, Refusal) or found.reason:
        return []
    # where value does not rest on purchases, their season bears on none of it
    rests = worth.margin_from == "transactions"
    said = []
    level = formats.level(found.yearly.level)
    if found.season == "season":
        peak = _peak(found)
        value, lo, hi = (float(peak[name]) - 1 for name in ("factor", "lo", "hi"))
        span = formats.interval(lo, hi, formats.percent)
        moved = abs(found.part_year(end, horizon_years))
        said.append(
            Finding(
                id="season_of_purchases",
                kind="estimate",
                sentence=f"Purchases have a season: {_month_said(found)} ({level} interval "
                f"{span}), so forecasts hold for whole years only.",
                value=value,
                lo=lo,
                hi=hi,
                unit="share of what the model expects",
                exhibit="season_and_trend",
                size=moved if rests else 0.0,
                role="caveat",
            )
        )
    if found.trend == "trend":
        yearly = found.yearly
        span = formats.interval(yearly.lo, yearly.hi, formats.percent, 1)
        size = formats.percent(abs(yearly.value), 1)
        said.append(
            Finding(
                id="trend_of_purchases",
                kind="estimate",
                sentence=f"Beside the model purchases {_goes(yearly.value)} by {size} a year "
                f"({level} interval {span}): if that goes on, the forecast drifts as much.",
                value=yearly.value,
                lo=yearly.lo,
                hi=yearly.hi,
                unit="change per year, as a share",
                exhibit="season_and_trend",
                size=abs(yearly.value) * horizon_years / 2 if rests else 0.0,
                role="caveat",
            )
        )
    return said
