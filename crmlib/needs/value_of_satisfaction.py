"""What one point of overall satisfaction is worth in kept value (N4).

Satisfaction → chance that a customer keeps spending → value at stake. The link is an
association among people asked once; the chapter grades it C at best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
_STEPS = 50  # of Newton; a separable outcome never settles
_FEWEST = 10  # respondents who keep, and who do not


@dataclass(frozen=True)
class ValueOfSatisfaction:
    """Worth of one point of satisfaction in the whole base.

    Attributes
    ----------
    per_point : Interval
        Money kept in the population when everybody's satisfaction rises a little, per point.
    log_odds : Interval
        Of keeping, per point of satisfaction.
    draws : array of shape (replications,)
        `per_point` in each resample of respondents.
    kept : float
        Weighted share that keeps, 0–1.
    satisfaction, headroom : float
        Weighted mean on the scale, and what is missing to its upper end.
    n_respondents : int
    """

    per_point: Interval
    log_odds: Interval
    draws: FloatArray
    kept: float
    satisfaction: float
    headroom: float
    n_respondents: int

    def summary(self) -> str:
        """The worth of a point in a line."""
        return (
            f"One point of satisfaction: {self.per_point.value:,.0f} "
            f"({self.per_point.lo:,.0f} to {self.per_point.hi:,.0f}), "
            f"{self.n_respondents} respondents"
        )


def value_of_satisfaction(
    satisfaction: pd.Series,
    kept: pd.Series,
    value: pd.Series,
    *,
    population: float,
    scale_top: float,
    replications: int,
    seed: int,
    level: float,
    weights: pd.Series | None = None,
) -> ValueOfSatisfaction:
    """Mean marginal value of satisfaction over respondents, times the population.

    Parameters
    ----------
    satisfaction : Series of shape (n_respondents,)
        Overall satisfaction in points.
    kept : Series, same index
        Share of spend that is kept, 0–1: 1 stays, 0 gone, between reduced.
    value : Series, same index
        Value at stake with each respondent, money; what keeping all of the spend is worth.
    population : float
        Customers for whom the respondents stand.
    scale_top : float
        Best answer of the satisfaction item.
    replications, seed, level
        Bootstrap over respondents; percentile interval.
    weights : Series, same index, optional
        Survey weights. Rows with a gap are left out.

    Raises
    ------
    NotIdentified
        If nearly all keep or nearly none does, satisfaction does not vary, or it tells
        keepers from leavers without error.

    Notes
    -----
    A logit of `kept` on satisfaction (for shares: quasi-likelihood, Papke & Wooldridge
    1996, J. Appl. Econometrics 11:619); worth of a point = population × mean of
    value × b·p·(1 − p). Assumes that satisfaction acts alike on customers of all values,
    and that what differs between people also holds when one person's satisfaction moves.
    """
    columns = [satisfaction.rename(0), kept.rename(1), value.rename(2)]
    if weights is not None:
        columns.append(weights.rename(3))
    table = pd.concat(columns, axis=1).reindex(satisfaction.index).dropna().to_numpy(float)
    weight = table[:, 3] if weights is not None else np.ones(len(table))
    x, y, worth = table[:, 0], table[:, 1], table[:, 2]
    if ((y < 0) | (y > 1)).any():
        raise ValueError("kept is a share of spend between 0 and 1")
    if min(y.sum(), (1 - y).sum()) < _FEWEST:
        raise NotIdentified(
            f"of {len(y)} respondents about {y.sum():.0f} kept their spend: too few keep, "
            "or too few go, to see what satisfaction is worth"
        )
    found = _worth(x, y, worth, weight)
    if found is None:
        raise NotIdentified("satisfaction does not vary, or tells keepers from leavers perfectly")
    resamples = bootstrap_weights(len(x), replications, generator(seed))
    fits = [_worth(x, y, worth, weight * counts) for counts in resamples]
    draws = np.array([fit for fit in fits if fit is not None])
    if len(draws) < replications * 0.9:
        raise NotIdentified("too few respondents to see what satisfaction is worth")
    mean = float(np.average(x, weights=weight))
    return ValueOfSatisfaction(
        per_point=percentile_interval(population * found[1], population * draws[:, 1], level),
        log_odds=percentile_interval(found[0], draws[:, 0], level),
        draws=population * draws[:, 1],
        kept=float(np.average(y, weights=weight)),
        satisfaction=mean,
        headroom=max(scale_top - mean, 0.0),
        n_respondents=len(x),
    )


def _worth(
    x: FloatArray, y: FloatArray, worth: FloatArray, weight: FloatArray
) -> tuple[float, float] | None:
    """Log-odds per point and mean marginal value per person; None where not identified."""
    weight = weight / weight.sum()
    centred = x - weight @ x
    spread = np.sqrt(weight @ centred**2)
    if spread <= 1e-9 * max(1.0, np.abs(x).max()):
        return None
    z = centred / spread
    design = np.column_stack([np.ones_like(z), z])
    share = np.clip(weight @ y, 1e-6, 1 - 1e-6)
    beta = np.array([np.log(share / (1 - share)), 0.0])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        curvature = (design * (weight * chance * (1 - chance))[:, None]).T @ design
        if np.linalg.det(curvature) < 1e-12:
            return None
        step = np.linalg.solve(curvature, design.T @ (weight * (y - chance)))
        # a full step may overshoot where nearly all keep
        beta = beta + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() < 1e-10:
            slope = beta[1] / spread
            return float(slope), float(weight @ (worth * slope * chance * (1 - chance)))
    return None
