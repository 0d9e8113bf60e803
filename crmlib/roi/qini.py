"""How well scores rank customers by what contacting them brings: the Qini curve (R7).

Radcliffe (2007), *Direct Marketing Analytics Journal* 1:14, in its doubly robust form
(Yadlowsky et al. 2025, *JASA*, rank-weighted average treatment effects): gain(φ) is what
contacting the share φ with the highest scores brings per customer of all, costs not taken off.
The area between the curve and the diagonal, on which a random score lies, is the coefficient.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.roi.policy import interval

FloatArray = NDArray[np.float64]


def ranks(scores: FloatArray, fold: NDArray[np.intp]) -> FloatArray:
    """Share of customers of the own fold with a higher score, ties at their middle, (n,)."""
    found = np.empty(len(scores))
    for each in np.unique(fold):
        own = fold == each
        found[own] = (stats.rankdata(-scores[own], method="average") - 0.5) / own.sum()
    return found


def qini_areas(
    scores: Mapping[str, FloatArray], effect: FloatArray, fold: NDArray[np.intp], level: float
) -> pd.DataFrame:
    """Area between curve and diagonal of each score, with its interval.

    Parameters
    ----------
    scores : mapping of policy to array of shape (n,)
    effect : array of shape (n,)
        Doubly robust scores of the effect, in money.

    Returns
    -------
    DataFrame
        policy, area, lo, hi (money per customer).

    Notes
    -----
    ∫ gain(φ) − φ·gain(1) dφ = cov(1 − r, Γ) with r the rank as a share; ranks and means are
    taken within folds. A score that says nothing has area 0 on average.
    """
    rows = []
    for name, values in scores.items():
        rank = ranks(values, fold)
        terms = np.empty(len(effect))
        for each in np.unique(fold):
            own = fold == each
            size = own.sum() / max(own.sum() - 1, 1)
            centred = rank[own].mean() - rank[own]
            terms[own] = size * centred * (effect[own] - effect[own].mean())
        area, lo, hi = interval(terms, level)
        rows.append({"policy": name, "area": area, "lo": lo, "hi": hi})
    return pd.DataFrame(rows)


def qini_curves(
    scores: Mapping[str, FloatArray], effect: FloatArray, fold: NDArray[np.intp], points: int = 20
) -> pd.DataFrame:
    """The curves, customers of tied scores contacted in equal parts.

    Returns
    -------
    DataFrame
        policy, share (0 … 1), gain, random (the diagonal), money per customer.
    """
    shares = np.linspace(0, 1, points + 1)
    total = float(effect.mean())
    rows = []
    for name, values in scores.items():
        rank = ranks(values, fold)
        gain = np.zeros(points + 1)
        # a tied block is spread over its width in ranks
        for each in np.unique(fold):
            own = fold == each
            order, inverse, count = np.unique(rank[own], return_inverse=True, return_counts=True)
            sums = np.bincount(inverse, effect[own])
            half = count / own.sum() / 2
            part = np.clip((shares[:, None] - (order - half)) / (2 * half), 0, 1)
            gain += part @ sums / len(effect)
        rows.append(
            pd.DataFrame({"policy": name, "share": shares, "gain": gain, "random": shares * total})
        )
    return pd.concat(rows, ignore_index=True)
