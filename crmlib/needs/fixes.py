"""What to fix first, and where to stop (N4).

Joins how an issue is rated, how much it moves overall satisfaction, where more no
longer pays, what satisfaction is worth and what a point costs. Drivers are correlated
answers, not trials: the evidence is of grade C at best, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

EVIDENCE_GRADE = "C"  # associations in a survey; a pilot would lift it
_NEEDED = ("issue", "performance", "slope", "limit", "cost_per_point")


@dataclass(frozen=True)
class Fixes:
    """Issues by net value per unit of cost.

    Attributes
    ----------
    table : DataFrame
        Best first: rank, issue, performance, target (where to stop), points, lift (of overall
        satisfaction), gain, gain_lo, gain_hi, cost, net, net_lo, net_hi, net_per_cost
        (empty where a fix costs nothing), net_per_cost_lo, net_per_cost_hi, chance_pays
        (0–1), fix (bool), cumulative_cost, cumulative_net (of those to fix, else empty).
    grade : str
        Of the evidence.
    headroom : float
        Points of overall satisfaction that can be gained at all.
    level : float
    """

    table: pd.DataFrame
    grade: str
    headroom: float
    level: float

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
    issues: pd.DataFrame,
    slope_draws: pd.DataFrame,
    value_per_point: float,
    value_draws: ArrayLike,
    *,
    headroom: float,
    level: float,
) -> Fixes:
    """Net value of raising each issue to its limit, ranked by net value per cost.

    Parameters
    ----------
    issues : DataFrame
        issue, performance (mean answer), slope (points of overall satisfaction per point of
        the issue), limit (the break-point, or the end of the scale or of what can be
        reached), cost_per_point (money; over the horizon of the value), and optionally
        fixed_cost (money) for anything at all to be done.
    slope_draws : DataFrame of shape (n_draws, n_issues)
        Slopes in resamples of respondents, one column per issue.
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
    gain = slope × (limit − performance) × value per point. Assumed: a point gained by
    effort acts as a point that differs between people; gains of issues add up, the best
    first, until overall satisfaction is at the end of its scale (the last one is raised
    only so far); slope and worth of
    satisfaction err independently (they are estimated from different variation of the
    same sheets); costs are known. An issue rated at or above its limit has nothing to gain.
    """
    table = _checked(issues, slope_draws)
    points = np.maximum(table["limit"] - table["performance"], 0.0).to_numpy(float)
    slope = table["slope"].to_numpy(float)
    order = _best_first(slope * points * value_per_point, _cost(table, points))
    table, slope = table.iloc[order].reset_index(drop=True), slope[order]
    points = points[order] * _share_with_room(slope * points[order], headroom)
    slopes = slope_draws[table["issue"]].to_numpy(float)
    worth = _paired(np.asarray(value_draws, dtype=float), len(slopes))
    drawn = slopes * points * worth[:, None]
    ranked = table[["issue", "performance"]].assign(
        target=table["performance"] + points, points=points, lift=slope * points
    )
    return _ranked(
        ranked, slope * points * value_per_point, _cost(table, points), drawn, headroom, level
    )


def _checked(issues: pd.DataFrame, slope_draws: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in _NEEDED if name not in issues]
    if missing:
        raise ValueError(f"issues lack the columns {', '.join(missing)}")
    unknown = sorted(set(issues["issue"]) - set(slope_draws.columns))
    if unknown or issues["issue"].duplicated().any():
        raise ValueError(f"each issue needs one column of slopes: {', '.join(unknown)} has none")
    numbers = issues[list(_NEEDED[1:])].to_numpy(float)
    if not np.isfinite(numbers).all() or (numbers[:, -1] < 0).any():
        raise ValueError("performance, slope, limit and cost of an issue must be numbers, cost ≥ 0")
    return issues.reset_index(drop=True)


def _cost(table: pd.DataFrame, points: FloatArray) -> FloatArray:
    """Cost of raising each issue by `points`; nothing done costs nothing."""
    fixed = table.get("fixed_cost", pd.Series(0.0, table.index)).fillna(0.0).to_numpy(float)
    return np.where(points > 0, fixed + table["cost_per_point"].to_numpy(float) * points, 0.0)


def _best_first(gain: FloatArray, cost: FloatArray) -> NDArray[np.intp]:
    """By net value per cost; free gains first, issues with nothing to gain last."""
    net = gain - cost
    free = np.where(net > 0, np.inf, np.where(net < 0, -np.inf, -1.0))
    return np.lexsort((-net, -np.divide(net, cost, out=free, where=cost > 0)))


def _share_with_room(lift: FloatArray, headroom: float) -> FloatArray:
    """Part of each lift that the scale leaves after those before it; losses take no room."""
    upwards = np.maximum(lift, 0.0)
    before = np.concatenate([[0.0], np.cumsum(upwards)[:-1]])
    left = np.maximum(headroom - before, 0.0)
    return np.divide(np.minimum(upwards, left), upwards, out=np.ones_like(lift), where=upwards > 0)


def _paired(draws: FloatArray, size: int) -> FloatArray:
    """As many draws as there are of slopes, all of them used in turn."""
    if draws.size == 0:
        raise ValueError("no draws of the value of a point")
    return np.resize(draws, size)


def _ranked(
    table: pd.DataFrame,
    gain: FloatArray,
    cost: FloatArray,
    drawn: FloatArray,
    headroom: float,
    level: float,
) -> Fixes:
    tails = [(1 - level) / 2, (1 + level) / 2]
    table["gain"] = gain
    table["gain_lo"], table["gain_hi"] = np.quantile(drawn, tails, axis=0)
    table["cost"], table["net"] = cost, gain - cost
    table["net_lo"], table["net_hi"] = table["gain_lo"] - cost, table["gain_hi"] - cost
    priced = pd.Series(cost).where(cost > 0)
    for name in ("net", "net_lo", "net_hi"):
        table[name.replace("net", "net_per_cost")] = table[name] / priced
    table["chance_pays"] = (drawn > cost).mean(axis=0)
    table["fix"] = table["net"] > 0
    table["cumulative_cost"] = table["cost"].where(table["fix"]).cumsum()
    table["cumulative_net"] = table["net"].where(table["fix"]).cumsum()
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return Fixes(table, EVIDENCE_GRADE, headroom, level)
