"""How sure the estimates of a latent-class logit are (N2).

The observed information of a mixture is the expected information of the complete data less
what is not known of the classes: Louis (1982), *JRSS B* 44:226, computed person by person.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmlib.needs.choice_likelihood import MAX_ERROR, Contrasts

FloatArray = NDArray[np.float64]


def covariance_by_louis(
    contrasts: Contrasts,
    coefficients: FloatArray,
    shares: FloatArray,
    posterior: FloatArray,
    weights: FloatArray,
) -> FloatArray | None:
    """Covariance of all coefficients and of the logits of shares.

    Parameters
    ----------
    coefficients : array of shape (p, K)
    shares : array of shape (K,)
    posterior : array of shape (N, K)
    weights : array of shape (N,)
        Where they differ, the covariance is a sandwich over respondents.

    Returns
    -------
    array of shape (K·p + K − 1,) squared, or None
        Class by class, then log(share / first share) of the others; None where the
        likelihood is flat in some direction, so that there is no finite estimate.
    """
    p, k = coefficients.shape
    each = [contrasts.by_respondent(contrasts.scores(one)) for one in coefficients.T]
    complete = np.zeros((k * p + k - 1,) * 2)
    ignorance = np.zeros_like(complete)
    for at, own in enumerate(each):
        held = posterior[:, at] * weights
        tasks = contrasts.for_tasks(held)
        place = slice(at * p, at * p + p)
        complete[place, place] = contrasts.derivatives(coefficients[:, at], tasks)[2]
        known = _class_score(own, at, shares)
        ignorance += known.T @ (known * held[:, None])
    score = np.hstack([
        *(own * posterior[:, at : at + 1] for at, own in enumerate(each)),
        posterior[:, 1:] - shares[1:],
    ])  # fmt: skip
    complete[k * p :, k * p :] = weights.sum() * (
        np.diag(shares[1:]) - np.outer(shares[1:], shares[1:])
    )
    ignorance -= score.T @ (score * weights[:, None])
    values, vectors = np.linalg.eigh(complete - ignorance)
    if values[0] < MAX_ERROR**-2:
        return None
    inverse = vectors / values @ vectors.T
    if np.ptp(weights) == 0:
        return inverse
    weighted = score * weights[:, None]
    return inverse @ (weighted.T @ weighted) @ inverse


def _class_score(own: FloatArray, at: int, shares: FloatArray) -> FloatArray:
    """Score of each respondent's complete data if she is in class `at`, (N, K·p + K − 1)."""
    n, p = own.shape
    k = len(shares)
    score = np.zeros((n, k * p + k - 1))
    score[:, at * p : at * p + p] = own
    score[:, k * p :] = (np.arange(1, k) == at) - shares[1:]
    return score
