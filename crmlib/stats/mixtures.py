"""One EM algorithm for every finite mixture: people in classes that nobody has recorded (N2, N3).

What tells the classes apart is the caller's: probabilities of answers in latent class
analysis, part-worths in latent-class choice. Here are the shares of classes, everybody's
posterior, the climb to the top of the likelihood from several starts, and how sure the
classes are. Units are grouped rows with weights: people who gave the same answers are one.
Dempster, Laird & Rubin (1977), *JRSS B* 39:1; McLachlan & Peel (2000), *Finite Mixture Models*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import entr

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
State = TypeVar("State")

REACHED = 1e-3  # log-likelihood units within which two starts ended on the same summit
VANISHED = 1e-6  # share below which a class has no people left
_CALM = 2  # cycles in a row that promise no further gain before the climb is over
_ROUNDING = 1e-13  # of the log-likelihood: a gain below this is none
_FALL = 1e-8  # of the log-likelihood: a loss beyond this is no rounding
_FLOOR = 0.1  # of a membership is left by a leap: what becomes 0 stays 0
_REACH = 4.0  # longest first leap in EM steps, and by how much it grows or shrinks


class Classes(Protocol[State]):
    """What a mixture is a mixture of; `State` holds the parameters of all classes."""

    def log_density(self, state: State) -> FloatArray:
        """Log probability of each unit given each class, shape (n, K); -inf is legal."""
        ...

    def maximise(self, responsibilities: FloatArray, before: State | None) -> State:
        """Parameters that raise the likelihood of weighted memberships, or leave it.

        `responsibilities`, shape (n, K), are memberships times the units' weights. `before`
        is the state of the last step, None at a start from memberships. The maximum itself is
        not needed, a rise is enough. A class without members must get finite parameters.
        """
        ...


@dataclass(frozen=True, eq=False)
class Mixture(Generic[State]):
    """The best of several climbs.

    Attributes
    ----------
    state
        Parameters of all classes.
    shares : array of shape (K,)
        Share of each class in the sum of weights.
    posterior : array of shape (n, K)
        Probability of each class for each unit.
    llf : float
        Weighted log-likelihood.
    steps : int
        EM steps of the best climb.
    converged : bool
    starts : DataFrame, one row for each start
        ``start``, ``llf``, ``steps``, ``converged``.
    """

    state: State
    shares: FloatArray
    posterior: FloatArray
    llf: float
    steps: int
    converged: bool
    starts: pd.DataFrame

    @property
    def reached(self) -> int:
        """Number of starts that ended on the best summit."""
        return int((self.starts["llf"] >= self.starts["llf"].max() - REACHED).sum())

    @property
    def vanished(self) -> IntArray:
        """Positions of classes that nobody is in."""
        return np.flatnonzero(self.shares < VANISHED)


@dataclass(frozen=True, eq=False)
class _Point(Generic[State]):
    """Where a climb stands: parameters, and the memberships (K, n) that follow from them."""

    state: State
    shares: FloatArray
    members: FloatArray
    llf: float


def fit_mixture(
    classes: Classes[State],
    weights: FloatArray,
    starts: Sequence[FloatArray | State | Mixture[State]],
    *,
    tolerance: float = 1e-7,
    most_steps: int = 5000,
) -> Mixture[State]:
    """Climb from every start, and keep the highest summit.

    Parameters
    ----------
    classes : Classes
        Densities and their maximisation.
    weights : array of shape (n,)
        People whom each unit stands for; not negative, not all 0.
    starts : sequence
        Memberships of shape (n, K), or states (begun with equal shares), or fitted mixtures.
        An array is always read as memberships.
    tolerance : float
        Log-likelihood that a climb may leave below its summit, as projected from the gains
        of its last steps (Böhning et al. 1994, *Ann. Inst. Stat. Math.* 46:373).
    most_steps : int
        Of a climb; one that is not over by then counts as not converged.

    Raises
    ------
    ValueError
        For weights that are negative, not finite or all 0, or no starts.
    ArithmeticError
        If a maximisation lowers the likelihood, which is a defect of `classes`.

    Notes
    -----
    Two steps of EM and a leap in their direction (SQUAREM: Varadhan & Roland 2008, *Scand.
    J. Stat.* 35:335, scheme S3), here of memberships, so that it needs to know nothing about
    the state. A leap that ends lower than the two steps is not taken. Of summits of one
    height the first start's is kept.
    """
    weights = np.asarray(weights, dtype=float)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise ValueError("weights must be finite and not negative, and not all zero")
    if not starts:
        raise ValueError("a mixture needs at least one start")
    climbs = [
        _climb(classes, weights, _begun(classes, weights, start), tolerance, most_steps)
        for start in starts
    ]
    heights = np.array([at.llf for at, _, _ in climbs])
    # which of several equal summits is highest is decided by the processor's last digit
    best = int(np.argmax(heights >= heights.max() - 10 * tolerance))
    table = pd.DataFrame(
        {
            "start": np.arange(len(climbs)),
            "llf": heights,
            "steps": [steps for _, steps, _ in climbs],
            "converged": [over for _, _, over in climbs],
        }
    )
    at, steps, over = climbs[best]
    return Mixture(at.state, at.shares, at.members.T.copy(), at.llf, steps, over, table)


def _begun(
    classes: Classes[State], weights: FloatArray, start: FloatArray | State | Mixture[State]
) -> _Point[State]:
    if isinstance(start, Mixture):
        return _expected(classes, weights, start.state, start.shares)
    if isinstance(start, np.ndarray):
        return _maximised(classes, weights, np.ascontiguousarray(start.T), None)
    k = classes.log_density(start).shape[1]
    return _expected(classes, weights, start, np.full(k, 1 / k))


def _climb(
    classes: Classes[State],
    weights: FloatArray,
    at: _Point[State],
    tolerance: float,
    most_steps: int,
) -> tuple[_Point[State], int, bool]:
    """From a start to its summit: the last point, the steps taken, whether it is over."""
    steps, calm, reach = 0, 0, _REACH
    while steps < most_steps:
        first = _stepped(classes, weights, at)
        second = _stepped(classes, weights, first)
        steps += 2
        stretch = _stretch(weights, at, first, second)
        calm = calm + 1 if _still_to_gain(at, first, second, stretch) < tolerance else 0
        if calm == _CALM:
            return second, steps, True
        leap = min(stretch, reach)
        if leap > 1:
            beyond = _leapt(classes, weights, (at, first, second), leap)
            steps += 1
            taken = beyond.llf >= second.llf
            if not taken:
                reach = max(reach / _REACH, 1.0 + 1 / _REACH)
            elif leap == reach:
                reach *= _REACH
            second = beyond if taken else second
        at = second
    return at, steps, False


def _expected(
    classes: Classes[State], weights: FloatArray, state: State, shares: FloatArray
) -> _Point[State]:
    """Memberships and log-likelihood from parameters: the E step."""
    # classes along the first axis: sums over a few classes of a row each are slow
    with np.errstate(divide="ignore"):  # a class without people has probability 0
        scores = np.ascontiguousarray(classes.log_density(state).T) + np.log(shares)[:, None]
    highest = scores.max(axis=0)
    highest[~np.isfinite(highest)] = 0.0
    parts = np.exp(scores - highest)
    total = parts.sum(axis=0)
    impossible = total == 0
    if impossible.any():  # in every class: what it says about the class is nothing
        parts[:, impossible] = shares[:, None]
    with np.errstate(divide="ignore"):
        heights = np.log(total) + highest
    counted = weights > 0
    llf = float(weights[counted] @ heights[counted])
    return _Point(state, shares, parts / np.where(impossible, shares.sum(), total), llf)


def _maximised(
    classes: Classes[State], weights: FloatArray, members: FloatArray, before: State | None
) -> _Point[State]:
    """Parameters from memberships (K, n), the M step, and the E step behind it."""
    held = members * weights
    people = held.sum(axis=1)
    state = classes.maximise(held.T, before)
    return _expected(classes, weights, state, people / people.sum())


def _stepped(classes: Classes[State], weights: FloatArray, at: _Point[State]) -> _Point[State]:
    """One step of EM, which cannot lead down."""
    after = _maximised(classes, weights, at.members, at.state)
    if not after.llf >= at.llf - _FALL * (1 + abs(at.llf)):
        raise ArithmeticError(f"an EM step led from {at.llf:.6f} down to {after.llf:.6f}")
    return after


def _stretch(
    weights: FloatArray, at: _Point[State], first: _Point[State], second: _Point[State]
) -> float:
    """Steps that one leap is worth: ‖first step‖ over ‖change of step‖ (scheme S3)."""
    step = first.members - at.members
    change = second.members - first.members - step
    lengths = [float(np.sqrt(((part * part) @ weights).sum())) for part in (step, change)]
    return lengths[0] / lengths[1] if lengths[1] > 0 else 1.0


def _leapt(
    classes: Classes[State], weights: FloatArray, path: Sequence[_Point[State]], leap: float
) -> _Point[State]:
    """Beyond two steps of EM in their direction."""
    at, first, second = (point.members for point in path)
    step = first - at
    members = at + 2 * leap * step + leap**2 * (second - first - step)
    members = np.maximum(members, _FLOOR * second)
    return _maximised(classes, weights, members / members.sum(axis=0), path[2].state)


def _still_to_gain(
    at: _Point[State], first: _Point[State], second: _Point[State], stretch: float
) -> float:
    """Log-likelihood that further steps promise: the last gain, continued as it declines.

    After a leap the first of two steps mends what the leap has torn, and the gains decline
    faster than they will go on to; the stretch then remembers the slow direction.
    """
    before, last = first.llf - at.llf, second.llf - first.llf
    if not last > _ROUNDING * abs(second.llf):
        return 0.0
    decline = last / before if before > last else 1 - _ROUNDING
    return last * max(decline / (1 - decline), stretch)


def doubts(mixture: Mixture[State]) -> list[str]:
    """What weakens a fit whatever its classes are, in words."""
    found = []
    if not mixture.converged:
        found.append("the climb to the highest likelihood was not over when it was stopped")
    if mixture.reached == 1 < len(mixture.starts):
        found.append(
            f"only one of {len(mixture.starts)} starts reached the highest likelihood: "
            "there may be a higher one"
        )
    if mixture.vanished.size:
        found.append(f"{mixture.vanished.size} classes have nobody in them")
    return found


def random_memberships(n: int, k: int, n_init: int, rng: np.random.Generator) -> list[FloatArray]:
    """Starts for `fit_mixture`: memberships drawn evenly over all that are possible.

    Each start has a stream of its own, so that more starts do not move the first.
    """
    return [one.dirichlet(np.ones(k), n) for one in rng.spawn(n_init)]


def entropy_r2(posterior: FloatArray, shares: FloatArray, weights: ArrayLike) -> float:
    """How far answers settle the class, 0 (no better than shares) to 1 (beyond doubt).

    One minus the mean entropy of posteriors over the entropy of the shares (Vermunt &
    Magidson 2016, *Technical Guide for Latent GOLD 5.1*, section 8.1.2). 1 for one class.
    """
    doubt = float(np.average(entr(posterior).sum(axis=1), weights=weights))
    most = float(entr(np.asarray(shares)).sum())
    return 1 - doubt / most if most > 0 else 1.0


def classification_error(posterior: FloatArray, weights: ArrayLike) -> float:
    """Expected share of people whose likeliest class is not theirs."""
    return float(1 - np.average(posterior.max(axis=1), weights=weights))


def matched(cost: ArrayLike) -> IntArray:
    """For each row the column that it belongs to, one to one at the least total cost.

    The Hungarian method (Kuhn 1955). Rows are classes of a reference, columns classes found:
    entry `i` of the result is the found class that is the reference's class i.
    """
    return np.asarray(linear_sum_assignment(np.asarray(cost, dtype=float))[1], dtype=np.int64)
