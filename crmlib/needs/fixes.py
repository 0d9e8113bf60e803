"""What to fix first, and where to stop (N4).

Joins how an issue is rated, how much it moves overall satisfaction, where more no
longer pays, what satisfaction is worth and what a point costs. Drivers are correlated
answers, not trials: the evidence is of grade C at best, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.needs.breakpoints import Breakpoint
from crmlib.needs.drivers import Drivers
from crmlib.needs.kinked_line import KinkedLine
from crmlib.needs.raised_answers import AnswerShares
from crmlib.needs.value_of_satisfaction import ValueOfSatisfaction
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

FloatArray = NDArray[np.float64]

EVIDENCE_GRADE = "C"  # associations in a survey; a pilot would lift it
_NUMBERS = ("performance", "before", "beyond", "limit", "cost_per_point", "fixed_cost")


@dataclass(frozen=True)
class IssuesToMend:
    """Issues with a cost, each with the line along which overall satisfaction rises with it.

    Attributes
    ----------
    table : DataFrame
        issue, performance (mean of all who answered it), kink (empty where the line is
        straight), before, beyond (points of overall satisfaction per point of the issue, below
        and above the kink), limit (where more no longer surely pays: a kink that levels off,
        else the end of the scale), cost_per_point (money for a point of the mean answer, over
        the horizon of the value of satisfaction),
        fixed_cost (money, for anything at all to be done).
    draws : mapping of issue to KinkedLine of shape (n_draws,)
        The same line in resamples of respondents.
    answers : mapping of issue to AnswerShares
        How the answers to it are spread.
    left_out : mapping of issue to str
        Issues with a cost that have no line, and why.
    """

    table: pd.DataFrame
    draws: Mapping[str, KinkedLine]
    answers: Mapping[str, AnswerShares]
    left_out: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse a table that cannot be ranked."""
        missing = [name for name in ("issue", "kink", *_NUMBERS) if name not in self.table]
        if missing:
            raise ValueError(f"issues lack the columns {', '.join(missing)}")
        for kind, known in (("a line", self.draws), ("answers", self.answers)):
            unknown = sorted(set(self.table["issue"]) - set(known))
            if unknown:
                raise ValueError(f"each issue needs {kind} of its own: {unknown[0]} has none")
        if self.table["issue"].duplicated().any():
            raise ValueError("an issue stands twice among those to mend")
        numbers = self.table[list(_NUMBERS)].to_numpy(float)
        if not np.isfinite(numbers).all() or (numbers[:, -2:] < 0).any():
            raise ValueError("what is known of an issue must be numbers, its costs 0 or more")


def issues_to_mend(
    found: Drivers,
    breaks: Mapping[str, Breakpoint | Refusal],
    answers: pd.DataFrame,
    cost_per_point: Mapping[str, float],
    fixed_cost: Mapping[str, float],
    scale_top: float,
    *,
    weights: pd.Series | None = None,
) -> IssuesToMend:
    """Put together what `fixes` ranks.

    Parameters
    ----------
    found : Drivers
        Of overall satisfaction, by issue.
    breaks : mapping of issue to Breakpoint or Refusal
        Kinks of the same answers. Where no kink is believed or none could be looked for,
        the issue's line is straight.
    answers : DataFrame of shape (n_respondents, n_issues)
        Of the issues, missing allowed: each is raised from where those who answered it stand,
        whether or not they answered all else.
    cost_per_point : mapping of issue to float
        Money for raising the mean answer by one point; only these issues are ranked.
    fixed_cost : mapping of issue to float
        Money for anything at all to be done; nothing where an issue is not named.
    scale_top : float
        Best answer to an issue.
    weights : Series, index of `answers`, optional
        Survey weights; only their ratios count.

    Raises
    ------
    NotIdentified
        If no issue with a cost has a slope of its own.
    """
    rows, draws, spread, left_out = [], {}, {}, {}
    known = found.table.set_index("item")
    for issue, cost in cost_per_point.items():
        reason = _without_slope(issue, known)
        own = AnswerShares.of(answers.get(issue, pd.Series(dtype=float)), weights)
        if not reason and not own.levels.size:
            reason = "nobody answered it"
        if reason:
            left_out[issue] = reason
            continue
        row, draws[issue] = _line_of(issue, found, breaks.get(issue), scale_top)
        spread[issue] = own
        costs = {"cost_per_point": cost, "fixed_cost": fixed_cost.get(issue, 0.0)}
        rows.append({"issue": issue, "performance": own.mean} | row | costs)
    if not rows:
        reasons = "; ".join(f"{issue}: {reason}" for issue, reason in left_out.items())
        raise NotIdentified(f"no issue with a cost can be ranked ({reasons or 'none has a cost'})")
    return IssuesToMend(pd.DataFrame(rows), draws, spread, left_out)


def _line_of(
    issue: str, found: Drivers, kink: Breakpoint | Refusal | None, scale_top: float
) -> tuple[dict[str, float], KinkedLine]:
    """Kink, slopes and limit of an issue, and its lines in resamples."""
    if isinstance(kink, Breakpoint) and kink.is_break:
        limit = scale_top if kink.limit is None else kink.limit
        parts = (kink.at.value, kink.before.value, kink.beyond.value, limit)
        drawn = kink.draws
    else:
        slope = float(found.table.set_index("item").at[issue, "slope"])
        parts = (np.nan, slope, slope, scale_top)
        drawn = KinkedLine.straight(found.slope_draws[issue].to_numpy(float))
    return dict(zip(("kink", "before", "beyond", "limit"), parts, strict=True)), drawn


def _without_slope(issue: str, known: pd.DataFrame) -> str:
    """Why an issue cannot be ranked; nothing where it can."""
    if issue not in known.index:
        return "not among the drivers"
    note = str(known.at[issue, "notes"])
    if note:
        return "everybody gives it the same answer" if note == "constant" else note
    figures = known.loc[issue, ["performance", "slope"]].to_numpy(float)
    return "" if np.isfinite(figures).all() else "its slope is not known"


@dataclass(frozen=True)
class Fixes:
    """Issues by net value per unit of cost.

    Attributes
    ----------
    table : DataFrame
        Best first: rank, issue, performance (mean answer), target (to which whoever stands
        below it is raised; empty where nobody is), points (raised in the mean over all), lift
        (of mean overall satisfaction), gain, gain_lo, gain_hi, cost, net, net_lo, net_hi,
        net_per_cost (empty where a fix costs nothing), net_per_cost_lo, net_per_cost_hi,
        chance_pays (0–1), fix (bool), cumulative_cost, cumulative_net (of those to fix, else
        empty).
    grade : str
        Of the evidence.
    headroom : float
        Points of overall satisfaction that can be gained at all.
    level : float
    left_out : mapping of issue to str
        Issues with a cost that could not be ranked, and why.
    """

    table: pd.DataFrame
    grade: str
    headroom: float
    level: float
    left_out: Mapping[str, str]

    @property
    def stop(self) -> int:
        """How many issues are worth fixing."""
        return int(self.table["fix"].sum())

    def summary(self) -> str:
        """The ranking, and where it ends."""
        shown = self.table[["issue", "points", "cost", "net", "net_lo", "net_hi", "fix"]]
        return (
            f"Fix {self.stop} of {len(shown)} issues (evidence {self.grade}: associations)\n"
            f"{shown.round(2).to_string(index=False)}"
        )


def fixes(
    issues: IssuesToMend,
    value_per_point: float,
    value_draws: ArrayLike,
    *,
    headroom: float,
    level: float,
) -> Fixes:
    """Net value of raising people to where more of an issue no longer pays, by net per cost.

    Parameters
    ----------
    issues : IssuesToMend
        See `issues_to_mend`.
    value_per_point : float
        Money kept per point of overall satisfaction in the whole base.
    value_draws : array of shape (n_value_draws,)
        The same in resamples.
    headroom : float
        Points between mean overall satisfaction and the end of its scale.
    level : float
        Nominal coverage of the intervals.

    Notes
    -----
    Whoever stands below the target T of an issue is raised to it: points = E[max(T − x, 0)]
    and lift = E[f(max(x, T)) − f(x)] over answers x, f the line; gain = lift × value per
    point. T is the limit, or the kink of a line that weakens there so much that a point beyond
    is worth less than it costs (each further step of T raises the same people in gain and in
    cost, so that slope × value against cost per point decides). Along a straight line to the
    end of the scale the lift is slope × (end − mean answer). Intervals are of the rise to this
    very target, along the lines of resamples; how answers are spread is kept as it is.
    Assumed: a point gained by effort acts as a point that differs between people; gains of
    issues add up, the best first, until overall satisfaction is at the end of its scale (the
    last one is raised only so far); lines and worth of satisfaction err independently (they
    are estimated from different variation of the same sheets); costs are known, and so is
    whether there is a kink. An issue at whose limit all stand already has nothing to gain.
    """
    table = issues.table
    targets = _targets(issues, value_per_point)
    points, lift = _raised(table, issues.answers, targets)
    order = _best_first(lift * value_per_point, _cost(table, points))
    table, targets = table.iloc[order].reset_index(drop=True), targets[order]
    room = _room(lift[order], headroom)
    targets = np.array(
        [
            issues.answers[name].target_within(line, target, most)
            for name, line, target, most in zip(
                table["issue"], _lines(table), targets, room, strict=True
            )
        ]
    )
    points, lift = _raised(table, issues.answers, targets)
    ranked = table[["issue", "performance"]].assign(target=targets, points=points, lift=lift)
    drawn = _drawn(ranked, issues, np.asarray(value_draws, dtype=float))
    ranked["target"] = ranked["target"].where(points > 0)
    ranked = _ranked(ranked, lift * value_per_point, _cost(table, points), drawn, level)
    return Fixes(ranked, EVIDENCE_GRADE, headroom, level, issues.left_out)


def _lines(table: pd.DataFrame) -> list[KinkedLine]:
    """The estimated line of each issue; infinite where it does not bend."""
    parts = table[["kink", "before", "beyond"]].fillna({"kink": np.inf}).to_numpy(float)
    return [KinkedLine(*(np.asarray(part) for part in row)) for row in parts]


def _raised(
    table: pd.DataFrame, answers: Mapping[str, AnswerShares], targets: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean points by which each issue is raised, and the lift of overall satisfaction."""
    spread = [answers[name] for name in table["issue"]]
    each = zip(spread, _lines(table), targets, strict=True)
    points = [found.points(target) for found, target in zip(spread, targets, strict=True)]
    return np.array(points), np.array([float(own.lift(line, to)) for own, line, to in each])


def _targets(issues: IssuesToMend, value_per_point: float) -> FloatArray:
    """Where to stop with each issue; a kink ahead of anybody where the slope beyond fails."""
    kink, before, beyond, limit, cost = (
        issues.table[name].to_numpy(float)
        for name in ("kink", "before", "beyond", "limit", "cost_per_point")
    )
    lowest = np.array([issues.answers[name].levels[0] for name in issues.table["issue"]])
    ahead = (kink > lowest) & (kink < limit)  # false without a kink
    too_flat = (beyond < before) & (beyond * value_per_point <= cost)
    return np.where(ahead & too_flat, kink, limit)


def _cost(table: pd.DataFrame, points: FloatArray) -> FloatArray:
    """Cost of raising each issue by `points`; nothing done costs nothing."""
    fixed, each = (table[name].to_numpy(float) for name in ("fixed_cost", "cost_per_point"))
    return np.where(points > 0, fixed + each * points, 0.0)


def _best_first(gain: FloatArray, cost: FloatArray) -> NDArray[np.intp]:
    """By net value per cost; free gains first, issues with nothing to gain last."""
    net = gain - cost
    free = np.where(net > 0, np.inf, np.where(net < 0, -np.inf, -1.0))
    return np.lexsort((-net, -np.divide(net, cost, out=free, where=cost > 0)))


def _room(lift: FloatArray, headroom: float) -> FloatArray:
    """Points of satisfaction that the scale leaves after those before; losses take no room."""
    upwards = np.maximum(lift, 0.0)
    before = np.concatenate([[0.0], np.cumsum(upwards)[:-1]])
    return np.maximum(headroom - before, 0.0)


def _drawn(ranked: pd.DataFrame, issues: IssuesToMend, worth: FloatArray) -> list[FloatArray]:
    """Gain of each issue in money, in resamples; draws of the worth are used in turn."""
    if worth.size == 0:
        raise ValueError("no draws of the value of a point")
    found = []
    for row in ranked.itertuples():
        lift = issues.answers[row.issue].lift(issues.draws[row.issue], row.target)
        found.append(lift * np.resize(worth, lift.size))
    return found


def _ranked(
    table: pd.DataFrame,
    gain: FloatArray,
    cost: FloatArray,
    drawn: list[FloatArray],
    level: float,
) -> pd.DataFrame:
    tails = [(1 - level) / 2, (1 + level) / 2]
    table["gain"] = gain
    ends = np.array([np.quantile(each, tails) for each in drawn])
    table["gain_lo"], table["gain_hi"] = ends[:, 0], ends[:, 1]
    table["cost"], table["net"] = cost, gain - cost
    table["net_lo"], table["net_hi"] = table["gain_lo"] - cost, table["gain_hi"] - cost
    priced = pd.Series(cost).where(cost > 0)
    for name in ("net", "net_lo", "net_hi"):
        table[name.replace("net", "net_per_cost")] = table[name] / priced
    pays = [(each > spent).mean() for each, spent in zip(drawn, cost, strict=True)]
    table["chance_pays"] = pays
    table["fix"] = table["net"] > 0
    table["cumulative_cost"] = table["cost"].where(table["fix"]).cumsum()
    table["cumulative_net"] = table["net"].where(table["fix"]).cumsum()
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def fixes_by_worth(issues: IssuesToMend, worth: ValueOfSatisfaction, *, level: float) -> Fixes:
    """`fixes` by what a point of overall satisfaction is worth in the base."""
    return fixes(issues, worth.per_point.value, worth.draws, headroom=worth.headroom, level=level)
