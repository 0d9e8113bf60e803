"""The roadmap with the best mix of mean and of its worst scenarios (R5).

Chapter 05. CVaR is the least of all averages that give no scenario more than 1/(tail·S) of
the weight (Rockafellar & Uryasev 2000; dual form). Each such average is a linear bound, so
that the programme is solved without a row for each scenario: bounds are added where the
solution found needs them (Künzi-Bay & Mayer 2006), which ends at the exact optimum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack, vstack

from crmlib.roi.programme import Constraints, FloatArray, Programme, constraints, values_by
from crmlib.silence import silent_stdout

SCALED_TO = 1e4  # HiGHS stops within 1e-6 of the optimum: 1e-10 of the largest value then
CLOSE = 1e-9  # of the largest value
LOOSE = 1e-4  # of the same, in the relaxation, whose optimum is not the answer
MAX_ROUNDS = 2_000
RELAXED_ROUNDS = 40  # bounds from the relaxation, which is cheap, before whole numbers


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


def best(programme: Programme, risk_aversion: float, tail: float) -> Best | None:
    """Maximise (1 − λ)·mean + λ·CVaR over all draws.

    Returns
    -------
    Best or None
        None where no roadmap keeps all the rules.

    Notes
    -----
    Bounds on CVaR are kept with the programme: they hold whatever its rules are, so that
    the same programme under another rule starts from them.
    """
    values = values_by(programme)
    unit = np.abs(values).max(initial=0.0) / SCALED_TO or 1.0
    rules, cuts = constraints(programme), programme.cuts.setdefault(tail, [])
    extra: list[tuple[FloatArray, float]] = []
    found: Best | None = None
    mean, whole = values.mean(axis=0), False
    if not cuts:
        cuts.append(mean)  # no tail is better than the mean
    for round_ in range(MAX_ROUNDS):
        whole = whole or risk_aversion == 0 or round_ >= RELAXED_ROUNDS
        z = _solved(rules, mean / unit, [c / unit for c in cuts], risk_aversion, extra, whole)
        if z is None:
            return found
        if whole:
            z = _without_idle_builds(programme, np.round(z))
            if not _kept(rules, z):  # the solver's tolerance let it pass
                extra.append(_not_again(z))
                continue
        bound = min(float(cut @ z) for cut in cuts)
        draws = values @ z
        weights = tail_weights(draws, tail)
        worst = float(weights @ draws)
        if whole:
            objective = (1 - risk_aversion) * float(draws.mean()) + risk_aversion * worst
            if found is None or objective > found.objective:
                found = Best(z, draws, objective)
        if risk_aversion == 0 or bound - worst <= (CLOSE if whole else LOOSE) * unit * SCALED_TO:
            if whole:
                return found
            whole = True
            continue
        cuts.append(weights @ values)
    raise RuntimeError("the roadmap's bounds did not meet")


def _solved(
    rules: Constraints,
    mean: FloatArray,
    cuts: list[FloatArray],
    risk_aversion: float,
    extra: list[tuple[FloatArray, float]],
    whole: bool,
) -> FloatArray | None:
    """Optimum under the bounds on CVaR so far; the last variable is CVaR itself."""
    size = mean.size
    far = max(np.abs(cut).sum() for cut in cuts) + 1.0
    cost = -np.append((1 - risk_aversion) * mean, risk_aversion)
    rows = np.array(cuts)
    blocks = [
        hstack([rules.matrix, csr_array((rules.matrix.shape[0], 1))]),
        csr_array(np.column_stack([-rows, np.ones(len(rows))])),
    ]
    lower = [rules.lower, np.full(len(rows), -np.inf)]
    upper = [rules.upper, np.zeros(len(rows))]
    if extra:
        rows = np.array([row for row, _ in extra])
        blocks.append(csr_array(np.column_stack([rows, np.zeros(len(rows))])))
        lower.append(np.array([least for _, least in extra]))
        upper.append(np.full(len(rows), np.inf))
    with silent_stdout():
        solved = milp(
            cost,
            integrality=np.append(np.full(size, int(whole)), 0),
            bounds=Bounds(np.append(np.zeros(size), -far), np.append(rules.most, far)),
            constraints=LinearConstraint(
                vstack(blocks, format="csr"), np.concatenate(lower), np.concatenate(upper)
            ),
            options={"mip_rel_gap": 0.0},
        )
    if solved.status == 2:
        return None
    if solved.x is None:
        raise RuntimeError(solved.message)
    return solved.x[:-1]


def _kept(rules: Constraints, z: FloatArray) -> bool:
    """Whether all rules hold for whole numbers, to rounding."""
    left = rules.matrix @ z
    return bool((left <= rules.upper + CLOSE).all() and (left >= rules.lower - CLOSE).all())


def _not_again(z: FloatArray) -> tuple[FloatArray, float]:
    """A row that this z alone does not keep."""
    return 1 - 2 * z, 1 - float(z.sum())


def _without_idle_builds(programme: Programme, z: FloatArray) -> FloatArray:
    """Builds that cost nothing may be in a solution although nobody uses them."""
    n, k, n_waves, _ = programme.shape
    z = z.copy()
    started = z[: n * n_waves].reshape(n, n_waves).any(axis=1)
    used = programme.required[started].any(axis=0)
    z[n * n_waves : (n + k) * n_waves].reshape(k, n_waves)[~used] = 0
    return z
