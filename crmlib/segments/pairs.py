"""Pairs of features that hang together within segments as well (S1).

Latent classes take features to go their own way within a segment. Where two do not (who
saves here also has the salary paid here, who uses the app less uses the web more) segments
are spent on the pair, and what else sets customers apart is not seen. Bivariate residuals
tell (Vermunt & Magidson 2005, *Technical Guide for Latent GOLD 4.0*): Pearson's statistic
between how many customers are in each pair of cells and how many the classes expect. It
grows with the customers; what is asked is how large the effect is, so a pair counts by
Cohen's w (1988, *Statistical Power Analysis*, ch. 7), the root of the statistic per customer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmlib.segments.cells import Cells, Pairs

FloatArray = NDArray[np.float64]

EFFECT = 0.2  # Cohen's w from which features hang together; .1 is small, .3 medium
_SURE = 3.0  # standard deviations of the statistic by which it has to be more than chance
_LEAST = 1.0  # customers expected in a pair of cells: a lone one is no hundredfold surprise


def residual_pairs(table: Cells, members: FloatArray) -> Pairs:
    """Pairs of features with more than a small effect left, each feature in one at most.

    Parameters
    ----------
    table : Cells
        Customers, without joint cells.
    members : array of shape (k, n)
        Probability of each customer's segments.

    Returns
    -------
    list of (int, int)
        Features by position, the pair with the largest effect first.
    """
    effects = np.triu(effects_left(table, members))
    pairs: list[tuple[int, int]] = []
    while effects.max() >= EFFECT:
        a, b = divmod(int(effects.argmax()), len(effects))
        pairs.append((a, b))
        effects[[a, b]] = effects[:, [a, b]] = 0.0
    return pairs


def effects_left(table: Cells, members: FloatArray) -> FloatArray:
    """Cohen's w of what classes leave between two features, shape (p, p), symmetric.

    Of what is more than chance: the statistic's expectation, which is its degrees of
    freedom, and three of its standard deviations are taken off.
    """
    p = int(table.feature[-1]) + 1
    cells = [np.flatnonzero(table.feature == j) for j in range(p)]
    weighted = table.within.multiply(table.times[:, None]).tocsr()
    observed = (table.of_cell @ weighted).toarray()
    given, which = _patterns(table, p)
    # customers of each segment in each cell, among those who have a figure of another feature
    held = [table.of_cell @ ((row * table.times)[:, None] * given) for row in members]
    found = np.zeros((p, p))
    for a in range(p):
        for b in range(a + 1, p):
            of_a = np.array([counts[cells[a], which[b]] for counts in held])
            of_b = np.array([counts[cells[b], which[a]] for counts in held])
            here = observed[np.ix_(cells[a], cells[b])]
            found[a, b] = found[b, a] = _effect(here, of_a, of_b)
    return found


def _patterns(table: Cells, p: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """The different columns of who has a figure (n, few), and each feature's place in them."""
    has = np.zeros((table.within.shape[0], p))
    rows = np.repeat(np.arange(len(has)), np.diff(table.within.indptr))
    has[rows, table.feature[table.within.indices]] = 1.0
    full = has.all(axis=0)
    # most features have no gap, and need not be compared
    few = np.flatnonzero(~full)
    which = np.zeros(p, dtype=np.int64)
    which[few] = 1 + np.arange(few.size)
    return np.column_stack([np.ones(len(has)), has[:, few]]), which


def _effect(observed: FloatArray, of_a: FloatArray, of_b: FloatArray) -> float:
    """From counts of pairs of cells (a, b), and of each segment's cells (k, a), (k, b)."""
    sizes = of_a.sum(axis=1)
    there = sizes > 0
    freedom = (observed.shape[0] - 1) * (observed.shape[1] - 1)
    if not there.any() or not freedom:
        return 0.0
    expected = (of_a[there] / sizes[there, None]).T @ of_b[there]
    statistic = float(((observed - expected) ** 2 / np.maximum(expected, _LEAST)).sum())
    beyond = statistic - freedom - _SURE * np.sqrt(2 * freedom)
    return float(np.sqrt(max(beyond, 0.0) / observed.sum()))
