"""What a renewable contract is worth: closed forms (V7, V8).

The constant-retention formula m·r/(1 + i − r), with the first margin one period ahead,
how it moves with retention, and the Markov-chain value of Pfeifer & Carraway (2000),
"Modeling Customer Relationships as Markov Chains", J. Interactive Marketing 14(2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def retention_value(margin: ArrayLike, retention: ArrayLike, rate: float) -> FloatArray:
    """Value of a margin that comes each period while the contract is renewed, m·r/(1 + i − r).

    Parameters
    ----------
    margin : array
        Per period; the first comes one period ahead, if renewed. May be negative.
    retention : array
        Probability of renewal, 0–1, the same each period.
    rate : float
        Effective discount rate per period.

    Raises
    ------
    ValueError
        If an argument is out of range, or the value is infinite (retention 1 at rate 0).

    >>> float(retention_value(100.0, 0.8, 0.1).round(2))
    266.67
    """
    m, r = _checked(margin, retention, rate)
    return m * r / (1 + rate - r)


def retention_value_slope(margin: ArrayLike, retention: ArrayLike, rate: float) -> FloatArray:
    """Change of `retention_value` with retention, m·(1 + i)/(1 + i − r)².

    A point of retention is worth a hundredth of it.
    """
    m, r = _checked(margin, retention, rate)
    return m * (1 + rate) / (1 + rate - r) ** 2


def _checked(margin: ArrayLike, retention: ArrayLike, rate: float) -> tuple[FloatArray, FloatArray]:
    m, r = np.asarray(margin, dtype=float), np.asarray(retention, dtype=float)
    if not np.isfinite(m).all():
        raise ValueError("margin must be finite")
    if not ((r >= 0) & (r <= 1)).all():
        raise ValueError("retention must lie between 0 and 1")
    if not np.isfinite(rate) or rate < 0:
        raise ValueError(f"rate must be 0 or more: found {rate!r}")
    if (r >= 1 + rate).any():
        raise ValueError("at retention 1 and rate 0 the value is infinite")
    return m, r


def migration_value(transition: ArrayLike, payoff: ArrayLike, rate: float) -> FloatArray:
    """Value of being in each state now, (I − P/(1 + d))⁻¹ R, this period's payoff included.

    Parameters
    ----------
    transition : array of shape (n_states, n_states)
        Probability to move from row to column in a period; rows sum to 1.
    payoff : array of shape (n_states,)
        Margin of a period spent in each state.
    rate : float
        Effective discount rate per period, above 0.

    Returns
    -------
    array of shape (n_states,)

    Raises
    ------
    ValueError
        Naming the row of the matrix, or the argument.

    Notes
    -----
    Pfeifer & Carraway (2000), eq. 5.
    """
    moves, margin = np.asarray(transition, dtype=float), np.asarray(payoff, dtype=float)
    if moves.ndim != 2 or moves.shape[0] != moves.shape[1] or margin.shape != moves.shape[:1]:
        raise ValueError(
            f"transition {moves.shape} must be square and payoff {margin.shape} have its length"
        )
    if not np.isfinite(margin).all():
        raise ValueError("payoff must be finite")
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"rate must be above 0: found {rate!r}")
    wrong = ~(moves >= 0).all(axis=1) | ~np.isclose(moves.sum(axis=1), 1.0, atol=1e-9)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"transition row {row} must hold probabilities that sum to 1")
    return np.linalg.solve(np.eye(len(margin)) - moves / (1 + rate), margin)


def recency_transition(probabilities: Sequence[float]) -> FloatArray:
    """Transition matrix of customers by periods since the last purchase, the last state lost.

    From state k (last purchase k periods ago) a customer buys with the k-th probability
    and returns to the first state, or moves on to the next; the last state is for good.

    Returns
    -------
    array of shape (len(probabilities) + 1, len(probabilities) + 1)
    """
    buys = np.asarray(probabilities, dtype=float)
    if buys.ndim != 1 or buys.size == 0 or not ((buys >= 0) & (buys <= 1)).all():
        raise ValueError("probabilities must lie between 0 and 1, one per period since purchase")
    matrix = np.diag(np.append(1 - buys, 0.0)[:-1], 1)
    matrix[:-1, 0] += buys
    matrix[-1, -1] = 1.0
    return matrix
