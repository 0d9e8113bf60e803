"""Roadmaps that differ from another in one initiative (R5).

Chapter 05. Next to the best roadmap under the bounds on its risk so far stand others that
seem nearly as good. The solver would come to them one by one, each at the price of a
programme in whole numbers; here they are found by exchange, all at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmlib.roi.programme import BoolArray, Constraints, FloatArray, Programme

TOLERANCE = 1e-9  # of rules, in units of the largest cost


def rounded(programme: Programme, z: FloatArray) -> FloatArray:
    """The roadmap next to a solution in fractions: what starts by half, at its likeliest wave."""
    n, _, n_waves, _ = programme.shape
    parts = z[: n * n_waves].reshape(n, n_waves)
    waves = np.where(parts.sum(axis=1) >= 0.5, parts.argmax(axis=1), n_waves)
    return _of_waves(programme, waves[None])[0]


def nearby(programme: Programme, rules: Constraints, z: FloatArray) -> FloatArray:
    """Roadmaps that keep the rules, with one initiative less, and one more or moved, or either.

    Returns
    -------
    array of shape (m, z.size)
        Each asset is built as late as those that use it allow.
    """
    n, _, n_waves, _ = programme.shape
    starts = z[: n * n_waves].reshape(n, n_waves) > 0.5
    waves = np.where(starts.any(axis=1), starts.argmax(axis=1), n_waves)
    on = np.append(np.flatnonzero(waves < n_waves), n)  # n: none
    into, wave = np.divmod(np.flatnonzero(rules.most[: n * n_waves]), n_waves)
    into, wave = np.append(into, n), np.append(wave, 0)
    leaves, joins = (part.ravel() for part in np.meshgrid(on, np.arange(into.size)))
    near = np.tile(np.append(waves, n_waves), (leaves.size, 1))  # the last column is none
    rows = np.arange(leaves.size)
    near[rows, leaves] = n_waves
    near[rows, into[joins]] = wave[joins]
    near = np.unique(near[:, :n], axis=0)
    found = _of_waves(programme, near)
    return found[kept(rules, found)]


def kept(rules: Constraints, z: FloatArray) -> BoolArray:
    """Whether whole numbers z, of shape (m, z.size), keep all rules, to rounding."""
    left = (rules.matrix @ z.T).T
    inside = (left <= rules.upper + TOLERANCE) & (left >= rules.lower - TOLERANCE)
    return inside.all(axis=1) & (z <= rules.most).all(axis=1)


def _of_waves(programme: Programme, waves: NDArray[np.intp]) -> FloatArray:
    """All of z, of shape (m, z.size), by the wave in which each starts: (m, n), or w for never."""
    n_waves = len(programme.caps)
    every = np.arange(n_waves)
    needed = np.where(programme.required, waves[:, :, None], n_waves).min(axis=1, initial=n_waves)
    build = np.where(programme.owned | (needed == n_waves), -1, needed - programme.lead)
    both = (waves[:, programme.pairs] < n_waves).all(axis=2)
    parts = ((waves[:, :, None] == every), (build[:, :, None] == every), both)
    return np.hstack([part.reshape(len(waves), -1) for part in parts]).astype(float)
