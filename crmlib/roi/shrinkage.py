"""What trials in a few segments say of each and of all (R2).

A trial in one segment is noisy, and the best of several noisy ones is mostly luck. Segments'
effects are taken to scatter around a common one; how widely is not known and is integrated
over, since any single value for it makes intervals too short where segments are few (Gelman et
al. 2013, *Bayesian Data Analysis*, section 5.4; Röver 2020, *J. Stat. Software* 93(6)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

GRADES: Mapping[str, str] = {
    "A": "own trial",
    "B": "another company's trial",
    "C": "quasi-experiment",
    "D": "benchmark",
    "E": "opinion",
}
NO_EVIDENCE = ("E",)  # shown with what it would need, never counted

_POINTS = 300  # of the spread's grid, evenly in its logarithm
_NEAREST, _FARTHEST = 1e-4, 8.0  # of the smallest, and times the largest, that it may be
_HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Shrunk:
    """Posterior of one initiative's effect by segment.

    Attributes
    ----------
    table : DataFrame, index segment
        estimate, se (as they were put in), mean, sd, p5, p50, p95 (posterior), own (weight of
        the segment's own trial against what all share, 0–1; it also bears on what all share).
    overall : Series
        mean, sd, p5, p50, p95 of the effect in a segment without a trial.
    spread : DataFrame
        tau, probability: posterior of the standard deviation between segments.
    """

    table: pd.DataFrame
    overall: pd.Series
    spread: pd.DataFrame
    _model: _Model

    def draws(self, n_draws: int, segments: list[str], rng: np.random.Generator) -> pd.DataFrame:
        """Effects that are possible, together in all segments, shape (n_draws, n_segments).

        Segments without a trial scatter around the common effect like the others.
        """
        model = self._model
        at = rng.choice(model.tau.size, n_draws, p=model.probability)
        tau = model.tau[at]
        common = rng.normal(model.common_mean[at], model.common_sd[at])
        drawn = {}
        for segment in segments:
            noise = rng.standard_normal(n_draws)
            if segment not in self.table.index:
                drawn[segment] = common + tau * noise
                continue
            estimate, se = self.table.loc[segment, ["estimate", "se"]].astype(float)
            own = tau**2 / (tau**2 + se**2)
            drawn[segment] = own * estimate + (1 - own) * common + np.sqrt(own) * se * noise
        return pd.DataFrame(drawn)

    def summary(self) -> str:
        """Posterior means, a line for each segment."""
        lines = [
            f"{name}: {row['mean']:.4g} ({row['p5']:.4g} to {row['p95']:.4g}), own trial weighs "
            f"{row['own']:.0%}"
            for name, row in self.table.iterrows()
        ]
        return "\n".join([*lines, f"elsewhere: {self.overall['mean']:.4g}"])


@dataclass(frozen=True, eq=False)
class _Model:
    """Posterior on the grid of the spread: its probability, and the common effect given it."""

    tau: FloatArray
    probability: FloatArray
    common_mean: FloatArray
    common_sd: FloatArray


def shrink(
    effects: pd.DataFrame,
    *,
    prior_mean: float,
    prior_sd: float,
    tau_scale: float,
    widening: float = 1.0,
) -> Shrunk:
    """Draw segments' effects towards each other and towards the prior.

    Parameters
    ----------
    effects : DataFrame, index segment
        estimate and se, in one unit; no row where nothing was tried.
    prior_mean, prior_sd : float
        Of the common effect before any trial.
    tau_scale : float
        The spread between segments is half-normal with this scale (Gelman 2006, *Bayesian
        Analysis* 1:515); 0 where segments are taken to be alike.
    widening : float
        By which `prior_sd` is multiplied; see `widening`. A grade says what the *prior* rests
        on: the weaker that is, the more the trials weigh.

    Raises
    ------
    NotIdentified
        If an estimate is no number or a standard error is not above 0, naming the segment.
    ValueError
        If the prior is no distribution.

    Notes
    -----
    Given the spread τ everything is normal: y_s ~ N(μ, τ² + SE_s²), μ ~ N(m, (w s)²). The
    likelihood of τ with μ integrated out is in closed form, and τ is summed over a grid.
    """
    if not (np.isfinite([prior_mean, prior_sd, tau_scale, widening]).all() and prior_sd > 0):
        raise ValueError(f"prior_sd must be above 0, got {prior_sd!r}, and all be finite")
    if tau_scale < 0 or widening < 1:
        raise ValueError("tau_scale must be 0 or more, and widening 1 or more")
    if effects.index.has_duplicates:
        raise ValueError("a segment stands twice among the effects")
    y, se = (effects[name].to_numpy(float) for name in ("estimate", "se"))
    wrong = ~(np.isfinite(y) & np.isfinite(se) & (se > 0))
    if wrong.any():
        name, at = effects.index[wrong][0], int(np.flatnonzero(wrong)[0])
        raise NotIdentified(
            f"the trial in {name!r} has no estimate with a standard error above 0: found {y[at]} "
            f"and {se[at]}"
        )
    model = _posterior(y, se, prior_mean, prior_sd * widening, tau_scale)
    own = model.tau[:, None] ** 2 / (model.tau[:, None] ** 2 + se**2)
    means = own * y + (1 - own) * model.common_mean[:, None]
    sds = np.sqrt(own * se**2 + ((1 - own) * model.common_sd[:, None]) ** 2)
    table = _described(means, sds, model.probability, effects.index)
    table.insert(0, "estimate", y)
    table.insert(1, "se", se)
    table["own"] = model.probability @ own
    elsewhere = np.hypot(model.common_sd, model.tau)[:, None]
    overall = _described(model.common_mean[:, None], elsewhere, model.probability, ["elsewhere"])
    spread = pd.DataFrame({"tau": model.tau, "probability": model.probability})
    return Shrunk(table.rename_axis("segment"), overall.iloc[0], spread, model)


def widening(grade: str, factors: Mapping[str, float]) -> float:
    """How many times as wide the prior becomes for evidence of a grade.

    Parameters
    ----------
    grade : str
        A to E, see `GRADES`.
    factors : mapping of grade to float
        The engagement's own, 1 or more.

    Raises
    ------
    NotIdentified
        If there is no such grade.
    """
    if grade not in GRADES:
        known = ", ".join(f"{key} ({words})" for key, words in GRADES.items())
        raise NotIdentified(f"evidence has no grade {grade!r}; known are {known}")
    factor = float(factors.get(grade, 1.0))
    if not factor >= 1:
        raise ValueError(f"the factor of grade {grade} must be 1 or more, got {factor:g}")
    return factor


def _posterior(y: FloatArray, se: FloatArray, mean: float, sd: float, scale: float) -> _Model:
    """Of the spread and, given it, of the common effect."""
    tau = _grid(y, se, scale)
    variance = tau[:, None] ** 2 + se**2
    weight = (1 / variance).sum(axis=1)
    pull = ((y - mean) / variance).sum(axis=1)
    # μ integrated out by Sherman & Morrison
    height = -0.5 * (
        np.log(variance).sum(axis=1)
        + np.log1p(sd**2 * weight)
        + ((y - mean) ** 2 / variance).sum(axis=1)
        - sd**2 * pull**2 / (1 + sd**2 * weight)
    )
    if scale > 0:
        # the prior, and the width of each point's part of an even grid in log τ
        height = height - 0.5 * (tau / scale) ** 2 + np.log(tau)
    probability = np.exp(height - height.max())
    left = sd**2 / (1 + sd**2 * weight)
    return _Model(tau, probability / probability.sum(), mean + left * pull, np.sqrt(left))


def _grid(y: FloatArray, se: FloatArray, scale: float) -> FloatArray:
    """Spreads from far below what trials can tell apart to far above what they show."""
    if scale == 0:
        return np.zeros(1)
    lowest = _NEAREST * min([scale, *se])
    highest = _FARTHEST * max([scale, np.ptp(y) if y.size else 0.0])
    return np.geomspace(lowest, highest, _POINTS)


def _described(
    means: FloatArray, sds: FloatArray, probability: FloatArray, index: pd.Index | list[str]
) -> pd.DataFrame:
    """Mean, spread and quantiles of mixtures of normals, (G, S) with weights (G,)."""
    mean = probability @ means
    variance = probability @ (sds**2 + means**2) - mean**2
    found = {"mean": mean, "sd": np.sqrt(np.maximum(variance, 0))}
    for name, level in (("p5", 0.05), ("p50", 0.5), ("p95", 0.95)):
        low, high = (means - 10 * sds).min(axis=0), (means + 10 * sds).max(axis=0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = probability @ special.ndtr((middle - means) / sds) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found[name] = (low + high) / 2
    return pd.DataFrame(found, index=index)
