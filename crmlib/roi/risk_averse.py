"""The roadmap with the best mix of mean and of its worst scenarios (R5).

Chapter 05. CVaR is the least of all averages that give no scenario more than 1/(tail·S) of
the weight (Rockafellar & Uryasev 2000; dual form). Each such average is a linear bound, so
that the programme is solved without a row for each scenario: bounds are added where the
solution found needs them (Künzi-Bay & Mayer 2006), and next to it, which ends at the exact
optimum.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_array

from crmlib.roi.nearby import kept, nearby, rounded
from crmlib.roi.programme import Constraints, FloatArray, Programme, constraints, values_by
from crmlib.silence import silent_stdout
from crmlib.stats.optimise import NotIdentified

SCALED_TO = 1e4  # HiGHS stops within 1e-6 of the optimum: 1e-10 of the largest value then
CLOSE = 1e-9  # of the largest value
LOOSE = 1e-3  # of the same, in the relaxation, whose optimum is not the answer
RELAXED_ROUNDS = 60  # bounds from the relaxation, which is cheap, before whole numbers
RELAXATION, WHOLE_NUMBERS = 1, 25  # work of one solution, beside a unit for each node
MAX_WORK = 100_000
KEPT_CUTS = 40  # for the same programme under other rules
CENTRES = 100  # roadmaps whose neighbours are looked at in a round


def tail_weights(values: FloatArray, tail: float) -> FloatArray:
    """Weights of scenarios in CVaR: the worst share `tail` of them, equally.

    Parameters
    ----------
    values : array of shape (s,)
    tail : float
        Share of scenarios, above 0 and at most 1; where it is no whole number of scenarios
        the last one counts in part.
    """
    if not 0 < tail <= 1:
        raise ValueError(f"tail is {tail:g}, expected above 0 and at most 1")
    mass = tail * values.size
    by_rank = np.clip(mass - np.arange(values.size), 0.0, 1.0) / mass
    weights = np.empty(values.size)
    weights[np.argsort(values, kind="stable")] = by_rank
    return weights


def cvar(values: FloatArray, tail: float) -> float:
    """Mean of the worst share `tail` of scenarios (Rockafellar & Uryasev 2000, eq. 3)."""
    return float(tail_weights(values, tail) @ values)


@dataclass(frozen=True)
class Best:
    """The best roadmap: z of whole numbers, its value in all draws, and what was maximised."""

    z: FloatArray
    draws: FloatArray
    objective: float

    def starts(self, programme: Programme) -> FloatArray:
        """Shape (initiatives, waves)."""
        n, _, n_waves, _ = programme.shape
        return self.z[: n * n_waves].reshape(n, n_waves)

    def builds(self, programme: Programme) -> FloatArray:
        """Shape (assets, waves)."""
        n, k, n_waves, _ = programme.shape
        return self.z[n * n_waves : (n + k) * n_waves].reshape(k, n_waves)


class Unfinished(NotIdentified):
    """The best roadmap is not found with the work allowed."""


@dataclass
class Work:
    """What a search may still spend, one unit being some five milliseconds of a small roadmap.

    It is counted in solutions and their nodes, not in time, so that each run ends alike.
    """

    left: float = MAX_WORK

    def spend(self, units: float) -> None:
        """Raise `Unfinished` where it is more than is left."""
        self.left -= units
        if self.left < 0:
            raise Unfinished(
                "the best roadmap is not found within the work allowed: too many roadmaps are "
                "nearly as good as each other. Leave out initiatives that are not worth it in "
                "any case, or set the risk aversion to 0."
            )


def best(
    programme: Programme, risk_aversion: float, tail: float, work: Work | None = None
) -> Best | None:
    """Maximise (1 − λ)·mean + λ·CVaR over all draws.

    Parameters
    ----------
    work : Work
        Shared by several searches that may not take longer than this together.

    Returns
    -------
    Best or None
        None where no roadmap keeps all the rules.

    Raises
    ------
    Unfinished
        If so many roadmaps seem nearly as good that the best of them is not told from the
        others within the work allowed.
    NotIdentified
        If the solver gives up.

    Notes
    -----
    The last bounds on CVaR are kept with the programme: they hold whatever its rules are, so
    that the same programme under another rule starts from them. All of them would slow it.
    """
    values = values_by(programme)
    search = Search(
        programme, constraints(programme), values, values.mean(axis=0), risk_aversion, tail,
        np.abs(values).max(initial=0.0) or 1.0, list(programme.cuts.get(tail, [])),
        work or Work(),
    )  # fmt: skip
    if not search.cuts:
        search.cuts.append(search.mean)  # no tail is better than the mean
    if risk_aversion:
        search.relax()
    found = search.best()
    programme.cuts[tail] = [search.cuts[0], *search.cuts[1:][-KEPT_CUTS:]]
    return found


@dataclass
class Search:
    """A programme with the bounds on CVaR, and the best roadmap, found so far.

    `largest` is the largest value of one variable in one draw.
    """

    programme: Programme
    rules: Constraints
    values: FloatArray
    mean: FloatArray
    risk_aversion: float
    tail: float
    largest: float
    cuts: list[FloatArray]
    work: Work
    found: Best | None = None
    refused: list[FloatArray] = field(default_factory=list)

    def relax(self) -> None:
        """Bounds where the relaxation, which is cheap, needs them; then next to its optimum."""
        for _ in range(RELAXED_ROUNDS):
            z = _solved(self, whole=False)
            if z is None:
                return
            draws = self.values @ z
            weights = tail_weights(draws, self.tail)
            if self._bounds(z) - weights @ draws <= LOOSE * self.largest:
                break
            self.cuts.append(weights @ self.values)
        start = rounded(self.programme, z)
        for centre in (start, np.zeros_like(start)):
            if kept(self.rules, centre[None])[0]:
                self._bounded(centre)
                self._look_around(centre)

    def best(self) -> Best | None:
        """The best roadmap: ends when no other seems better."""
        while True:  # each round bounds or refuses a roadmap for good, and takes work
            z = _solved(self, whole=True)
            if z is None:
                return self.found
            z = _without_idle_builds(self.programme, np.round(z))
            if not kept(self.rules, z[None])[0]:  # the solver's tolerance let it pass
                self.refused.append(z)
                continue
            seems = float(self._seems(z[None])[0])
            self._bounded(z)
            if seems - self._least() <= CLOSE * self.largest:
                return self.found
            self._look_around(z)

    def _least(self) -> float:
        return self.found.objective if self.found else -np.inf

    def _bounds(self, z: FloatArray) -> FloatArray:
        """The least of the bounds on CVaR for z of shape (size,) or (m, size)."""
        return (np.array(self.cuts) @ z.T).min(axis=0)

    def _seems(self, near: FloatArray) -> FloatArray:
        """The objective of each of `near` by its bound, shape (m,)."""
        share = self.risk_aversion
        if share == 0:
            return near @ self.mean
        return (1 - share) * (near @ self.mean) + share * self._bounds(near)

    def _bounded(self, z: FloatArray) -> FloatArray:
        """Value a roadmap that keeps the rules; the bound on CVaR that is met by it."""
        draws, share = self.values @ z, self.risk_aversion
        weights = tail_weights(draws, self.tail)
        objective = (1 - share) * float(draws.mean()) + share * float(weights @ draws)
        if objective > self._least():
            self.found = Best(z, draws, objective)
        self.cuts.append(weights @ self.values)
        return self.cuts[-1]

    def _look_around(self, centre: FloatArray) -> None:
        """Bounds for roadmaps that seem better than the best, from neighbour to neighbour."""
        waiting, seen = [centre], set()
        for _ in range(CENTRES):
            if self.found is not None and self.found.z.tobytes() not in seen:
                waiting.insert(0, self.found.z)
            waiting = [z for z in waiting if z.tobytes() not in seen]
            if not waiting:
                return
            seen.add(waiting[0].tobytes())
            waiting[1:1] = self._bound_nearby(waiting[0])

    def _bound_nearby(self, centre: FloatArray) -> list[FloatArray]:
        """Bound all neighbours that seem better than the best; those that were bounded."""
        near, close = nearby(self.programme, self.rules, centre), CLOSE * self.largest
        seems, bounded = self._seems(near), []
        while len(near) and seems[first := int(seems.argmax())] > self._least() + close:
            bounded.append(near[first])
            cut = self._bounded(near[first])
            share = self.risk_aversion
            seems = np.minimum(seems, near @ ((1 - share) * self.mean + share * cut))
            seems[first] = -np.inf
        return bounded


def _solved(search: Search, *, whole: bool) -> FloatArray | None:
    """Optimum under the bounds on CVaR so far; None where no z keeps the rules.

    Variables are z, how far CVaR is below the mean, and whether each initiative starts at
    all: the solver has less to try where it may decide on that before the wave.
    """
    rules, unit, share = search.rules, search.largest / SCALED_TO, search.risk_aversion
    below = (search.mean - np.array(search.cuts)) / unit if share else search.mean[None] * 0
    size, n, m = rules.most.size, len(search.programme.initiatives), len(below)
    refused = np.array([1 - 2 * z for z in search.refused]).reshape(-1, size)
    rows = [
        [rules.matrix, None, None],
        [csr_array(below), csr_array(-np.ones((m, 1))), None],
        [_any_wave(search.programme), None, -csr_array(np.eye(n))],
    ]
    lower = [rules.lower, np.full(m, -np.inf), np.zeros(n)]
    upper = [rules.upper, np.zeros(m), np.zeros(n)]
    if search.refused:  # a row that this z alone does not keep
        rows.append([csr_array(refused), None, None])
        lower.append(1.0 - np.array([z.sum() for z in search.refused]))
        upper.append(np.full(len(refused), np.inf))
    far = np.abs(below).sum(axis=1).max() + 1.0
    search.work.spend(WHOLE_NUMBERS if whole else RELAXATION)
    with silent_stdout():
        solved = milp(
            np.concatenate([-search.mean / unit, [share], np.zeros(n)]),
            integrality=np.concatenate([np.ones(size), [0], np.ones(n)]) * whole,
            bounds=Bounds(0, np.concatenate([rules.most, [far], np.ones(n)])),
            constraints=LinearConstraint(
                block_array(rows, format="csr"), np.concatenate(lower), np.concatenate(upper)
            ),
            options={
                "mip_rel_gap": 0.0,
                "presolve": share == 0,  # slow with many bounds
                "node_limit": int(search.work.left) + 1,
            },
        )
    search.work.spend(solved.mip_node_count or 0)
    if solved.status == 2:
        return None
    if solved.x is None:
        raise NotIdentified(f"the solver of the roadmap gave up: {solved.message}")
    return solved.x[:size]


def _any_wave(programme: Programme) -> csr_array:
    """Sums of each initiative's starts over waves, shape (n, z.size)."""
    n, k, n_waves, n_pairs = programme.shape
    sums = np.kron(np.eye(n), np.ones(n_waves))
    return csr_array(np.hstack([sums, np.zeros((n, k * n_waves + n_pairs))]))


def _without_idle_builds(programme: Programme, z: FloatArray) -> FloatArray:
    """Builds that cost nothing may be in a solution although nobody uses them."""
    n, k, n_waves, _ = programme.shape
    z = z.copy()
    started = z[: n * n_waves].reshape(n, n_waves).any(axis=1)
    used = programme.required[started].any(axis=0)
    z[n * n_waves : (n + k) * n_waves].reshape(k, n_waves)[~used] = 0
    return z
