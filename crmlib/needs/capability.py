"""How well what segments want fits what the company does well (N7).

What counts for a segment (importance of each need) is held against the client's own
scores of how well it serves that need, and summed to three disciplines: product
leadership, operational excellence, customer intimacy (Treacy & Wiersema 1993).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.needs.needs_segments import Wanted
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

DISCIPLINES = ("product leadership", "operational excellence", "customer intimacy")


@dataclass(frozen=True)
class CapabilityFit:
    """Fit by segment, its gaps, and the discipline that each segment asks for.

    Attributes
    ----------
    segments : DataFrame
        One row per segment: segment, fit (0–1), fit_lo, fit_hi, discipline (asked for most),
        discipline_share (of importance), chance (that it is asked for most; empty without
        draws), delivered (the company's score in it, 0–1), leads (the company's own best
        discipline is the one asked for).
    gaps : DataFrame
        segment, need, importance, score (0–1), gap = importance × (1 − score), gap_lo,
        gap_hi; largest first.
    disciplines : DataFrame of shape (n_segments, n_disciplines)
        Importance of each discipline, rows sum to 1.
    company : Series, index disciplines
        The company's mean score in the needs of each discipline, 0–1; empty where no need
        belongs to one.
    """

    segments: pd.DataFrame
    gaps: pd.DataFrame
    disciplines: pd.DataFrame
    company: pd.Series

    def summary(self) -> str:
        """Fit and discipline by segment."""
        shown = self.segments[["segment", "fit", "fit_lo", "fit_hi", "discipline", "leads"]]
        return f"Fit with the company's capabilities\n{shown.round(2).to_string(index=False)}"


def capability_fit(
    importance: pd.DataFrame,
    scores: pd.Series,
    disciplines: pd.DataFrame,
    *,
    scale: tuple[float, float],
    level: float,
    draws: ArrayLike | None = None,
) -> CapabilityFit:
    """Weigh the client's own scores by what each segment wants.

    Parameters
    ----------
    importance : DataFrame of shape (n_segments, n_needs)
        Not negative; scaled to sum to 1 in each segment.
    scores : Series, index needs
        The client's own capability scores on `scale`.
    disciplines : DataFrame of shape (n_needs, n_disciplines)
        How much of a need belongs to each discipline; rows sum to 1.
    scale : (float, float)
        Worst and best score.
    level : float
        Nominal coverage.
    draws : array of shape (n_draws, n_segments, n_needs), optional
        Importance drawn anew; without it intervals are empty.

    Raises
    ------
    ValueError
        If a need has no score or no discipline, a score lies off the scale, or a segment
        wants nothing.

    Notes
    -----
    fit = Σ importance × score, so that 1 − fit = Σ gap. Scores are the client's opinion
    of itself and carry no interval.
    """
    needs = list(importance.columns)
    score = _scaled(scores.reindex(needs), scale)
    belongs = _belonging(disciplines, needs)
    wanted = _shares(importance.to_numpy(float)[None])[0]
    if draws is None:
        drawn = np.empty((0, *wanted.shape))
    else:
        drawn = _shares(np.asarray(draws, dtype=float))
    if drawn.shape[1:] != wanted.shape:
        raise ValueError(f"draws have shape {drawn.shape[1:]}, importance {wanted.shape}")
    weight = belongs.sum(axis=0)
    company = np.divide(score @ belongs, weight, out=np.full(len(weight), np.nan), where=weight > 0)
    asked = wanted @ belongs
    names = np.array([str(name) for name in disciplines.columns], dtype=object)
    first = asked.argmax(axis=1)
    segments = pd.DataFrame({"segment": importance.index, "fit": wanted @ score})
    segments["fit_lo"], segments["fit_hi"] = _tails(drawn @ score, level)
    segments["discipline"] = names[first]
    segments["discipline_share"] = asked[np.arange(len(first)), first]
    same = (drawn @ belongs).argmax(axis=2) == first
    segments["chance"] = same.mean(axis=0) if len(same) else np.nan
    segments["delivered"] = company[first]
    segments["leads"] = first == int(np.nanargmax(company))
    return CapabilityFit(
        segments=segments,
        gaps=_gaps(importance, wanted, drawn, score, level),
        disciplines=pd.DataFrame(asked, index=importance.index, columns=names),
        company=pd.Series(company, index=names),
    )


def _scaled(scores: pd.Series, scale: tuple[float, float]) -> FloatArray:
    """Scores on 0–1."""
    worst, best = scale
    if not worst < best:
        raise ValueError(f"a scale runs from its worst to its best score, not {worst} to {best}")
    missing = scores.index[scores.isna()]
    if len(missing):
        raise ValueError(f"no capability score for {', '.join(map(str, missing))}")
    off = scores.index[(scores < worst) | (scores > best)]
    if len(off):
        raise ValueError(f"capability off the scale {worst} to {best}: {', '.join(map(str, off))}")
    return (scores.to_numpy(float) - worst) / (best - worst)


def _belonging(disciplines: pd.DataFrame, needs: list) -> FloatArray:
    table = disciplines.reindex(needs).to_numpy(float)
    whole = np.isfinite(table).all(axis=1) & (table >= 0).all(axis=1)
    bad = ~whole | (np.abs(table.sum(axis=1) - 1) > 1e-6)
    if bad.any():
        named = ", ".join(str(need) for need, wrong in zip(needs, bad, strict=True) if wrong)
        raise ValueError(f"shares of disciplines must sum to 1 for every need, not for {named}")
    return table


def _shares(importance: FloatArray) -> FloatArray:
    total = importance.sum(axis=-1, keepdims=True)
    if not (np.isfinite(importance).all() and (importance >= 0).all() and (total > 0).all()):
        raise ValueError("importance of needs must not be negative, and not zero for all of them")
    return importance / total


def _tails(draws: FloatArray, level: float) -> FloatArray:
    """Lower and upper bounds over the first axis, empty where there are no draws."""
    if len(draws) == 0:
        return np.full((2, *draws.shape[1:]), np.nan)
    return np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)


def _gaps(
    importance: pd.DataFrame,
    wanted: FloatArray,
    drawn: FloatArray,
    score: FloatArray,
    level: float,
) -> pd.DataFrame:
    lo, hi = _tails(drawn * (1 - score), level)
    n_segments, n_needs = wanted.shape
    table = pd.DataFrame(
        {
            "segment": np.repeat(importance.index.to_numpy(), n_needs),
            "need": np.tile(importance.columns.to_numpy(), n_segments),
            "importance": wanted.ravel(),
            "score": np.tile(score, n_segments),
            "gap": (wanted * (1 - score)).ravel(),
            "gap_lo": lo.ravel(),
            "gap_hi": hi.ravel(),
        }
    )
    return table.sort_values("gap", ascending=False, kind="stable", ignore_index=True)


def fit_with(
    wanted: Wanted,
    capabilities: Mapping[str, float],
    disciplines: Mapping[str, str],
    *,
    scale: Sequence[float],
    level: float,
) -> CapabilityFit:
    """The fit of what segments want with scores and disciplines by need, see `capability_fit`.

    Parameters
    ----------
    wanted : Wanted
        Of the needs that are scored.
    capabilities, disciplines : mapping of need to score, and to one of `DISCIPLINES`
    scale : (float, float)
        Worst and best score.
    level : float

    Raises
    ------
    NotIdentified
        If a need has no discipline.
    """
    missing = [need for need in wanted.importance if need not in disciplines]
    if missing:
        raise NotIdentified(f"the params name no discipline that {missing[0]} asks for")
    asked = pd.DataFrame(
        {name: [float(disciplines[need] == name) for need in wanted.importance]
         for name in DISCIPLINES},
        index=wanted.importance.columns,
    )  # fmt: skip
    worst, best = scale
    return capability_fit(
        wanted.importance, pd.Series(dict(capabilities)), asked,
        scale=(worst, best), level=level, draws=wanted.draws,
    )  # fmt: skip
