"""The integer programme behind a roadmap by waves (R5): its variables and its constraints.

Chapter 05. Time-indexed binaries say in which wave an initiative starts and in which the
build of an asset does; everything a roadmap has to keep to is linear in them. The tables
are read in `roadmap_tables`, the programme is solved in `risk_averse`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

UNLIMITED = np.inf


@dataclass(frozen=True)
class Programme:
    """What is known of initiatives, assets and rules; n initiatives, k assets, w waves.

    Attributes
    ----------
    initiatives, assets : tuple of str
    levers : tuple of str, one for each initiative
    groups : mapping of name to arrays of positions
        At most one initiative of each starts.
    fixed_cost, running_cost : arrays of shape (n,)
        Money when it starts; money in each wave from then on.
    earliest : array of shape (n,)
        First wave, counted from 0, in which it may start.
    build_cost, run_cost, lead : arrays of shape (k,)
        Money when the build starts; money in each wave from when it is ready; waves between.
    owned, unavailable : arrays of bool, shape (k,)
        What is there already and costs nothing more; what cannot be had at all.
    required : array of bool, shape (n, k)
    caps : array of shape (w,)
        Money that each wave adds; infinite where there is no limit.
    returns : array of shape (n, w) or None
        Money that comes back in the first, second … wave of an initiative, where it may be
        spent in later waves.
    shares : mapping of lever to float
        Least share of what initiatives cost.
    values : array of shape (s, n, w)
        Draws of an initiative's net present value by the wave in which it starts.
    pairs : array of int, shape (p, 2)
    pair_values : array of shape (s, p)
        What is added where both are started, in whatever waves.
    discount : array of shape (w,)
        Present value of a unit of money spent on assets in each wave.
    forced, barred : arrays of bool, shape (n,)
        Initiatives that have to start, and that may not.
    cuts : mapping of tail to arrays
        Bounds on CVaR found so far, see `risk_averse.best`; they hold whatever the rules are.
    """

    initiatives: tuple[str, ...]
    assets: tuple[str, ...]
    levers: tuple[str, ...]
    groups: dict[str, NDArray[np.intp]]
    fixed_cost: FloatArray
    running_cost: FloatArray
    earliest: NDArray[np.intp]
    build_cost: FloatArray
    run_cost: FloatArray
    lead: NDArray[np.intp]
    owned: BoolArray
    unavailable: BoolArray
    required: BoolArray
    caps: FloatArray
    returns: FloatArray | None
    shares: dict[str, float]
    values: FloatArray
    pairs: NDArray[np.intp]
    pair_values: FloatArray
    discount: FloatArray
    forced: BoolArray
    barred: BoolArray
    cuts: dict[float, list[FloatArray]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Numbers of initiatives, assets, waves and pairs."""
        return len(self.initiatives), len(self.assets), len(self.caps), len(self.pairs)

    def forcing(self, *positions: int) -> Programme:
        """The same programme in which these initiatives have to start as well."""
        forced = self.forced.copy()
        forced[list(positions)] = True
        return replace(self, forced=forced)

    def first_possible(self) -> NDArray[np.intp]:
        """Earliest wave, from 0, by which all that an initiative needs can be there."""
        waits = np.where(self.owned, 0, np.where(self.unavailable, len(self.caps), self.lead))
        needed = np.where(self.required, waits, 0).max(axis=1, initial=0)
        return np.maximum(self.earliest, needed)


@dataclass(frozen=True)
class Constraints:
    """lower <= matrix @ z <= upper, with z's upper bounds; z = starts, builds, pairs.

    The rows `budget` are in units of `money`.
    """

    matrix: csr_array
    lower: FloatArray
    upper: FloatArray
    most: FloatArray
    budget: slice
    money: float


def spent_by(programme: Programme) -> tuple[FloatArray, FloatArray]:
    """Money spent in each wave, by what starts when.

    Returns
    -------
    arrays of shape (n, w, w) and (k, w, w)
        Initiatives' and assets' cost in wave t (last axis) where started in wave w.
    """
    waves = np.arange(len(programme.caps))
    since = waves[None, :] - waves[:, None]
    initiatives = (since == 0) * programme.fixed_cost[:, None, None]
    initiatives = initiatives + (since >= 0) * programme.running_cost[:, None, None]
    builds = (since == 0) * programme.build_cost[:, None, None]
    ready = since[None] >= programme.lead[:, None, None]
    return initiatives, builds + ready * programme.run_cost[:, None, None]


def returned_by(programme: Programme) -> FloatArray:
    """Money that comes back in wave t (last axis) from what starts in wave w: (n, w, w)."""
    n, _, n_waves, _ = programme.shape
    found = np.zeros((n, n_waves, n_waves))
    if programme.returns is not None:
        for start in range(n_waves):
            found[:, start, start:] = programme.returns[:, : n_waves - start]
    return found


def values_by(programme: Programme) -> FloatArray:
    """Draws of each variable's part in the portfolio's value, shape (s, n·w + k·w + p).

    An asset costs its build and its run to the last wave once, whoever shares it.
    """
    draws = len(programme.values)
    assets = -(spent_by(programme)[1] @ programme.discount).ravel()
    return np.hstack(
        [
            programme.values.reshape(draws, -1),
            np.broadcast_to(assets, (draws, assets.size)),
            programme.pair_values,
        ]
    )


def constraints(programme: Programme) -> Constraints:
    """All rules as rows; money is scaled to the largest cost."""
    money = money_scale(programme)
    blocks = [
        _once(programme),
        _prerequisites(programme),
        _budget(programme, money),
        _exclusive(programme),
        _balance(programme),
        _pairs(programme),
    ]
    rows = np.vstack([block[0] for block in blocks])
    lower, upper = (np.concatenate([block[at] for block in blocks]) for at in (1, 2))
    before = sum(len(block[0]) for block in blocks[:2])
    budget = slice(before, before + len(programme.caps))
    return Constraints(csr_array(rows), lower, upper, _bounds(programme), budget, money)


def money_scale(programme: Programme) -> float:
    """The largest amount that anything costs or brings back in all waves; 1 where nothing does."""
    parts = (*spent_by(programme), returned_by(programme))
    return max(part.sum(axis=2).max(initial=0.0) for part in parts) or 1.0


Block = tuple[FloatArray, FloatArray, FloatArray]


def _bounds(programme: Programme) -> FloatArray:
    """1 for what may start in a wave, 0 for what may not."""
    _, k, n_waves, n_pairs = programme.shape
    waves = np.arange(n_waves)
    starts = (waves >= programme.first_possible()[:, None]) & ~programme.barred[:, None]
    builds = np.broadcast_to(~(programme.owned | programme.unavailable)[:, None], (k, n_waves))
    return np.concatenate([starts.ravel(), builds.ravel(), np.ones(n_pairs)]).astype(float)


def _rows(
    programme: Programme, count: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Empty rows, with views of their parts: starts, builds, pairs."""
    n, k, n_waves, n_pairs = programme.shape
    rows = np.zeros((count, (n + k) * n_waves + n_pairs))
    starts = rows[:, : n * n_waves].reshape(count, n, n_waves)
    builds = rows[:, n * n_waves : (n + k) * n_waves].reshape(count, k, n_waves)
    return rows, starts, builds, rows[:, (n + k) * n_waves :]


def _once(programme: Programme) -> Block:
    n, k, _, _ = programme.shape
    rows, starts, builds, _ = _rows(programme, n + k)
    starts[np.arange(n), np.arange(n)] = 1
    builds[n + np.arange(k), np.arange(k)] = 1
    lower = np.concatenate([programme.forced.astype(float), np.zeros(k)])
    return rows, lower, np.ones(n + k)


def _prerequisites(programme: Programme) -> Block:
    """No start before what it requires has been ready: cumulative starts <= cumulative builds."""
    n_waves = len(programme.caps)
    needed = np.argwhere(programme.required & ~programme.owned)
    rows, starts, builds, _ = _rows(programme, len(needed) * n_waves)
    for number, (initiative, asset) in enumerate(needed):
        for wave in range(n_waves):
            row = number * n_waves + wave
            starts[row, initiative, : wave + 1] = 1
            builds[row, asset, : max(0, wave + 1 - programme.lead[asset])] = -1
    return rows, np.full(len(rows), -np.inf), np.zeros(len(rows))


def _budget(programme: Programme, money: float) -> Block:
    """Cumulative cost up to each wave, less what came back in waves before it."""
    n_waves = len(programme.caps)
    rows, starts, builds, _ = _rows(programme, n_waves)
    cost, asset_cost = spent_by(programme)
    back = np.cumsum(returned_by(programme), axis=2)
    before = np.concatenate([np.zeros_like(back[:, :, :1]), back[:, :, :-1]], axis=2)
    starts[:] = np.moveaxis(np.cumsum(cost, axis=2) - before, 2, 0)
    builds[:] = np.moveaxis(np.cumsum(asset_cost, axis=2), 2, 0)
    caps = np.cumsum(programme.caps) / money
    return rows / money, np.full(n_waves, -np.inf), caps


def _exclusive(programme: Programme) -> Block:
    rows, starts, _, _ = _rows(programme, len(programme.groups))
    for row, members in enumerate(programme.groups.values()):
        starts[row, members] = 1
    return rows, np.full(len(rows), -np.inf), np.ones(len(rows))


def _balance(programme: Programme) -> Block:
    """Cost of a lever's initiatives less its share of all initiatives' cost, at least 0."""
    levers = np.array(programme.levers)
    rows, starts, _, _ = _rows(programme, len(programme.shares))
    cost = spent_by(programme)[0].sum(axis=2)
    for row, (lever, share) in enumerate(programme.shares.items()):
        starts[row] = cost * ((levers == lever) - share)[:, None]
    largest = cost.max(initial=0.0) or 1.0
    return rows / largest, np.zeros(len(rows)), np.full(len(rows), np.inf)


def _pairs(programme: Programme) -> Block:
    """A pair counts exactly where both have started, whatever the sign of what it adds."""
    n_pairs = len(programme.pairs)
    rows, starts, _, pairs = _rows(programme, 3 * n_pairs)
    upper = np.zeros(3 * n_pairs)
    for number, (one, other) in enumerate(programme.pairs):
        at = 3 * number
        pairs[at : at + 2, number] = 1
        starts[at, one] = starts[at + 1, other] = -1
        pairs[at + 2, number] = -1
        starts[at + 2, [one, other]] = 1
        upper[at + 2] = 1
    return rows, np.full(len(rows), -np.inf), upper
