"""Where more satisfaction no longer pays: one break in a straight line (N4).

An outcome rises with an item, and from some point on more, or less. A line with one
kink is fitted, other items held; that there is a kink at all is tested against the
straight line, since the best of many kinks always fits better than none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.needs.kinked_line import KinkedLine
from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.multiplicity import holm
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal, attempt

FloatArray = NDArray[np.float64]
_CANDIDATES = 41  # points at which a kink is tried
_TRIM = 0.1  # share of respondents who stay on either side of a kink
_PER_TERM = 10  # answers per coefficient, at least
_ENOUGH = 0.9  # of the resamples must be identified
_SAMPLE, _TEST = range(2)  # purposes of random numbers


@dataclass(frozen=True)
class Breakpoint:
    """A straight line or one with a kink.

    Attributes
    ----------
    item : str
    at : Interval
        The best kink, in points of the item; of meaning only where there `is_break`.
    slope : Interval
        Points of outcome per point of the item on the straight line.
    before, beyond : Interval
        The same below and above the kink.
    p_value : float
        Of a straight line, by the wild bootstrap of the largest F over all kinks.
    p_corrected : float
        The same, for the number of items looked at (Holm).
    alpha : float
        Below it a kink is believed.
    n_complete : int
    draws : KinkedLine of shape (n_draws,)
        The best kink and its slopes in resamples of respondents, believed or not.
    """

    item: str
    at: Interval
    slope: Interval
    before: Interval
    beyond: Interval
    p_value: float
    p_corrected: float
    alpha: float
    n_complete: int
    draws: KinkedLine = field(repr=False, compare=False)

    @property
    def is_break(self) -> bool:
        """Whether the line has a kink."""
        return self.p_corrected < self.alpha

    @property
    def shape(self) -> str:
        """One of straight, levels off (a smaller slope behind the kink), takes off."""
        if not self.is_break:
            return "straight"
        return "levels off" if self.beyond.value < self.before.value else "takes off"

    @property
    def limit(self) -> float | None:
        """Where more no longer surely pays: the kink, if the slope beyond may be zero."""
        return self.at.value if self.shape == "levels off" and self.beyond.lo <= 0 else None

    @property
    def line(self) -> KinkedLine:
        """The line that is believed, with a kink or straight."""
        if not self.is_break:
            return KinkedLine.straight(self.slope.value)
        parts = (self.at, self.before, self.beyond)
        return KinkedLine(*(np.asarray(part.value) for part in parts))

    def gain(self, start: float, end: float) -> float:
        """Points of outcome for raising the item from `start` to `end`, along the line."""
        return float(self.line.gain(start, end))

    def summary(self) -> str:
        """The shape in a line."""
        if not self.is_break:
            return f"{self.item}: straight, slope {self.slope.value:.3f} (p {self.p_corrected:.3f})"
        return (
            f"{self.item}: {self.shape} at {self.at.value:.2f} ({self.at.lo:.2f} to "
            f"{self.at.hi:.2f}), slope {self.before.value:.3f} before, "
            f"{self.beyond.value:.3f} beyond (p {self.p_corrected:.3f})"
        )


def breakpoint_of(
    item: pd.Series,
    outcome: pd.Series,
    *,
    alpha: float,
    replications: int,
    seed: int,
    level: float,
    others: pd.DataFrame | None = None,
    weights: pd.Series | None = None,
) -> Breakpoint:
    """Fit a line with one kink, test it against the straight one.

    Parameters
    ----------
    item, outcome : Series of shape (n_respondents,), same index
        Numbers, missing allowed; the complete rows are used.
    alpha : float
        Chance of a false kink that is accepted.
    replications, seed, level
        Of both bootstraps; nominal coverage of the percentile intervals.
    others : DataFrame, same index, optional
        Items that are held (linearly) while this one moves.
    weights : Series, same index, optional
        Survey weights.

    Raises
    ------
    NotIdentified
        If the item has fewer than three levels, or fewer people answered than are needed.

    Notes
    -----
    Kinks are tried at equal distances between the item's second and second last level,
    inside the central four fifths of the answers. Under the straight line the kink
    is not identified and F has no F distribution: its largest value is compared with those
    of lines plus residuals of random sign (Hansen 1996, *Inference when a nuisance
    parameter is not identified under the null hypothesis*, Econometrica 64:413), which
    also holds where answers scatter more at one end of the scale.
    """
    x, y, base, weight = _complete(item, outcome, others, weights)
    kinks = _candidates(x, weight, item.name)
    hinges = np.maximum(x[:, None] - kinks, 0)
    point = _kinked(y, base, hinges, kinks, weight)
    if point is None:
        raise NotIdentified(f"other items repeat {item.name!s}: its slope is not its own")
    tested = _sup_f_p(y, base, hinges, weight, replications, generator(seed, _TEST))
    resamples = bootstrap_weights(len(x), replications, generator(seed, _SAMPLE))
    fits = [_kinked(y, base, hinges, kinks, weight * counts) for counts in resamples]
    draws = np.array([fit for fit in fits if fit is not None])
    if len(draws) < _ENOUGH * replications:
        raise NotIdentified(f"too few answers to find where {item.name!s} stops paying")
    at, slope, before, beyond = (
        percentile_interval(value, draws[:, place], level) for place, value in enumerate(point)
    )
    return Breakpoint(
        item=str(item.name),
        at=at,
        slope=slope,
        before=before,
        beyond=beyond,
        p_value=tested,
        p_corrected=tested,
        alpha=alpha,
        n_complete=len(x),
        draws=KinkedLine(draws[:, 0], draws[:, 2], draws[:, 3]),
    )


def breakpoints(
    items: pd.DataFrame,
    outcome: pd.Series,
    *,
    alpha: float,
    replications: int,
    seed: int,
    level: float,
    weights: pd.Series | None = None,
) -> dict[str, Breakpoint | Refusal]:
    """A kink in each item, the other items held, corrected for their number (Holm).

    Parameters as in `breakpoint_of`. An item that cannot be fitted carries its reason.
    """
    given = {"alpha": alpha, "replications": replications, "seed": seed, "level": level}
    found = {
        str(name): attempt(
            breakpoint_of,
            items[name],
            outcome,
            others=items.drop(columns=name),
            weights=weights,
            **given,
        )
        for name in items
    }
    fitted = {name: each for name, each in found.items() if isinstance(each, Breakpoint)}
    corrected = holm([each.p_value for each in fitted.values()])
    for (name, each), p in zip(fitted.items(), corrected, strict=True):
        found[name] = replace(each, p_corrected=float(p))
    return found


def _complete(
    item: pd.Series, outcome: pd.Series, others: pd.DataFrame | None, weights: pd.Series | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Item, outcome, design of the straight line (constant, item, others), weights."""
    held = pd.DataFrame(index=item.index) if others is None else others
    columns = [item.rename(0), outcome.reindex(item.index).rename(1), held.reindex(item.index)]
    table = pd.concat(columns, axis=1).astype(float).to_numpy()
    weight = np.ones(len(item)) if weights is None else weights.reindex(item.index).to_numpy(float)
    used = np.isfinite(table).all(axis=1) & (weight > 0)
    table, weight = table[used], weight[used]
    x, y = table[:, 0], table[:, 1]
    if len(x) < _PER_TERM * (table.shape[1] + 1):
        raise NotIdentified(
            f"{len(x)} complete answers are too few to find where {item.name!s} stops paying"
        )
    # centred, so that a constant column is zero and a scale far from it costs no digits
    base = np.column_stack([np.ones(len(x)), x - x.mean(), table[:, 2:] - table[:, 2:].mean(0)])
    return x, y, base, weight / weight.mean()


def _candidates(x: FloatArray, weight: FloatArray, name: object) -> FloatArray:
    """Kinks that are tried; both slopes need two levels of the item."""
    levels = np.unique(x)
    if levels.size < 3:
        raise NotIdentified(f"{name!s} has {levels.size} levels; a kink needs at least 3")
    order = np.argsort(x, kind="stable")
    below = np.cumsum(weight[order]) / weight.sum()
    low, high = x[order][np.searchsorted(below, [_TRIM, 1 - _TRIM])]
    low, high = max(low, levels[1]), min(high, levels[-2])
    if low > high:
        raise NotIdentified(f"too few answers to {name!s} differ for a kink to be seen")
    return np.unique(np.linspace(low, high, _CANDIDATES))


def _residualised(base: FloatArray, columns: FloatArray) -> FloatArray:
    """What the design leaves of each column; a design that repeats itself does no harm."""
    values, vectors = np.linalg.eigh(base.T @ base)
    known = values > 1e-10 * values.max()
    basis = base @ (vectors[:, known] / np.sqrt(values[known]))
    return columns - basis @ (basis.T @ columns)


def _scores(y: FloatArray, hinges: FloatArray) -> FloatArray:
    """Fall in the sum of squares by each kink, (n_kinks, n_outcomes); all residualised."""
    size = (hinges**2).sum(axis=0)
    usable = size > 1e-8 * size.max(initial=0.0)
    divisor = np.where(usable, size, 1.0)[:, None]
    return np.where(usable[:, None], (hinges.T @ y) ** 2 / divisor, 0.0)


def _kinked(
    y: FloatArray, base: FloatArray, hinges: FloatArray, kinks: FloatArray, weight: FloatArray
) -> tuple[float, float, float, float] | None:
    """Kink, slope of the straight line, slopes before and beyond; None where not identified."""
    drawn = weight > 0
    root = np.sqrt(weight[drawn])[:, None]
    design, outcome = base[drawn] * root, y[drawn, None] * root
    tried = hinges[drawn] * root
    own = _residualised(np.delete(design, 1, axis=1), design[:, 1:2])
    if (own**2).sum() <= 1e-8 * (design[:, 1] ** 2).sum():
        return None
    left = _residualised(design, np.column_stack([outcome, tried]))
    scores = _scores(left[:, :1], left[:, 1:])[:, 0]
    best = int(scores.argmax())
    if scores[best] == 0.0:
        return None
    slope = float((own.T @ outcome).item() / (own**2).sum())
    full = np.column_stack([design, tried[:, best]])
    coefficients = np.linalg.lstsq(full, outcome[:, 0], rcond=1e-10)[0]
    before, change = coefficients[1], coefficients[-1]
    return float(kinks[best]), slope, float(before), float(before + change)


def _sup_f_p(
    y: FloatArray,
    base: FloatArray,
    hinges: FloatArray,
    weight: FloatArray,
    replications: int,
    rng: np.random.Generator,
) -> float:
    """(b + 1) / (B + 1), b the resamples of a straight line whose best kink gains as much."""
    root = np.sqrt(weight)[:, None]
    tried = _residualised(base * root, hinges * root)
    residual = _residualised(base * root, y[:, None] * root)
    signs = rng.integers(0, 2, (len(y), replications)) * 2 - 1
    made = _residualised(base * root, residual * signs)

    def largest(outcomes: FloatArray) -> FloatArray:
        gained, total = _scores(outcomes, tried).max(axis=0), (outcomes**2).sum(axis=0)
        return gained / np.maximum(total - gained, 1e-300)

    reached = largest(made) >= largest(residual)[0]
    return float((reached.sum() + 1) / (replications + 1))
