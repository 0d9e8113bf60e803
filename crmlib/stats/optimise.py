"""Maximum likelihood for positive parameters, with a verdict on the fit.

Parameters are estimated on the log scale from several starts (L-BFGS-B, analytic
gradient), finished by Newton steps. The Hessian is differenced from the analytic
gradient. A fit says itself whether it can be trusted: "good", "weak" or "refused".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats
from scipy.linalg import LinAlgError, cho_factor, cho_solve

FloatArray = NDArray[np.float64]
Objective = Callable[[FloatArray], tuple[float, FloatArray]]

LOG_BOUND = 12.0  # a parameter 160,000 times above or below its natural scale has run away
RUNAWAY = LOG_BOUND - 3  # beyond it there is no finite optimum
HELD_AT = LOG_BOUND - 1  # where a parameter that has run away is held
SLACK = 0.01  # log-likelihood units that this may cost
MAX_CONDITION = 1e5  # of the Hessian in log-parameters, which does not depend on sample size
MAX_LOG_SE = 1.0  # one standard error then spans a factor of e
MAX_DECREMENT = 1e-2  # distance to the optimum in standard errors
MAX_SPREAD = 0.1  # log-likelihood units between starts that should have met


class NotIdentified(ValueError):
    """The data cannot tell the model's parameters, or what is asked of them; says why."""


@dataclass(frozen=True)
class Verdict:
    """How far a fit can be trusted.

    Attributes
    ----------
    grade : {"good", "weak", "refused"}
    reasons : tuple of str
        Why it is not good; empty for a good fit.
    gradient_norm : float
        Largest absolute derivative of the mean log-likelihood by a log-parameter.
    condition : float
        Condition number of the Hessian in log-parameters; inf where not positive definite.
    spread : float
        Log-likelihood of the best start minus that of the worst.
    notes : tuple of str
        What a reader should know although it does not weaken the fit.
    """

    grade: str
    reasons: tuple[str, ...]
    gradient_norm: float
    condition: float
    spread: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Optimum:
    """Maximum of a log-likelihood in log-parameters, with Hessian and verdict."""

    log_params: FloatArray
    llf: float
    hessian: FloatArray
    verdict: Verdict

    @property
    def covariance(self) -> FloatArray | None:
        """Covariance of the log-parameters, None where the data do not determine them."""
        return _inverse(-self.hessian) if np.isfinite(self.verdict.condition) else None


def maximise(
    objective: Objective, starts: Sequence[ArrayLike], names: Sequence[str], nobs: float
) -> Optimum:
    """Maximise a log-likelihood over log-parameters.

    Parameters
    ----------
    objective : callable
        Log-parameters to (log-likelihood, its gradient).
    starts : sequence of arrays of shape (n_params,)
        In log-parameters on the data's natural scale (all near 0).
    names : sequence of str
        Used in the verdict's reasons.
    nobs : float
        Number of observations; the search works on the mean log-likelihood.
    """
    finals = [_search(objective, np.asarray(start, dtype=float), nobs) for start in starts]
    heights = np.array([objective(theta)[0] for theta in finals])
    best = int(np.argmax(heights))
    theta, hessian = _newton(objective, finals[best])
    if (np.abs(theta) > RUNAWAY).any():
        pinned = _pinned(objective, theta, nobs)
        if objective(pinned)[0] >= objective(theta)[0] - SLACK:
            theta, hessian = pinned, hessian_by_differences(objective, pinned)
    llf, gradient = objective(theta)
    spread = float(max(llf, heights[best]) - heights.min())
    verdict = _judge(theta, gradient, hessian, spread, heights, names, nobs)
    return Optimum(theta, float(llf), hessian, verdict)


def hessian_by_differences(
    objective: Objective, theta: FloatArray, step: float = 1e-4
) -> FloatArray:
    """Hessian as central differences of the analytic gradient, symmetrised."""
    rows = [
        (objective(theta + shift)[1] - objective(theta - shift)[1]) / (2 * step)
        for shift in step * np.eye(theta.size)
    ]
    return (np.array(rows) + np.array(rows).T) / 2


def refitted(
    objective: Objective,
    start: FloatArray,
    hessian: FloatArray,
    names: Sequence[str],
    nobs: float,
) -> FloatArray:
    """Log-parameters of a resample: by `chord_newton`, or by a search from the old optimum."""
    found = chord_newton(objective, start, hessian)
    return maximise(objective, [start], names, nobs).log_params if found is None else found


def chord_newton(
    objective: Objective,
    start: FloatArray,
    hessian: FloatArray,
    tolerance: float = 1e-4,
    max_steps: int = 40,
) -> FloatArray | None:
    """Newton's method with a Hessian that is not renewed, for refits close to a known optimum.

    Directions along which the likelihood hardly changes (a ridge, or a parameter that
    has run away) are not moved along: no figure depends on where on a ridge one stands.

    Parameters
    ----------
    start, hessian
        Optimum of the full data and the Hessian there.
    tolerance : float
        Stop when the distance to the optimum is below this many standard errors.

    Returns
    -------
    array of shape (n_params,) or None
        None where the steps do not converge; the caller then searches anew.
    """
    curvature, directions = np.linalg.eigh(-hessian)
    curved = curvature > max(curvature[-1], 0) / MAX_CONDITION
    inverse = directions[:, curved] / curvature[curved] @ directions[:, curved].T
    if not curved.any():
        return None
    theta = start.copy()
    for _ in range(max_steps):
        gradient = objective(theta)[1]
        step = inverse @ gradient
        if not np.isfinite(step).all() or np.abs(step).max() > 2:
            return None
        theta = theta + step
        if gradient @ step < tolerance**2:
            return theta
    return None


def distance_in_errors(objective: Objective, theta: FloatArray, hessian: FloatArray) -> float:
    """Newton decrement: how many standard errors `theta` lies from the objective's optimum."""
    inverse = _inverse(-hessian)
    gradient = objective(theta)[1]
    return np.inf if inverse is None else float(np.sqrt(gradient @ inverse @ gradient))


@dataclass(frozen=True)
class LikelihoodResult:
    """A maximum-likelihood fit, read like a statsmodels result.

    Attributes
    ----------
    params : Series
        Estimates on their natural scale.
    log_covariance : array of shape (n_params, n_params) or None
        Covariance of the log-parameters; None where the verdict says why.
    llf : float
        Log-likelihood at the optimum, in the units of the data passed in.
    nobs : float
        Sum of weights.
    verdict : Verdict
    """

    params: pd.Series
    log_covariance: FloatArray | None
    llf: float
    nobs: float
    verdict: Verdict

    @property
    def bse(self) -> pd.Series | None:
        """Standard errors by the delta method, None where the data do not determine them."""
        covariance = self.cov_params()
        if covariance is None:
            return None
        return pd.Series(np.sqrt(np.diag(covariance)), index=self.params.index, name="std_err")

    def cov_params(self) -> pd.DataFrame | None:
        """Covariance on the natural scale by the delta method, or None."""
        if self.log_covariance is None:
            return None
        jacobian = np.outer(self.params, self.params)
        names = self.params.index
        return pd.DataFrame(self.log_covariance * jacobian, index=names, columns=names)

    def conf_int(self, level: float = 0.95) -> pd.DataFrame | None:
        """Wald intervals computed on the log scale, so that both bounds are positive.

        Returns
        -------
        DataFrame of shape (n_params, 2), columns lower and upper, or None
        """
        if self.log_covariance is None:
            return None
        reach = stats.norm.ppf((1 + level) / 2) * np.sqrt(np.diag(self.log_covariance))
        bounds = {"lower": self.params * np.exp(-reach), "upper": self.params * np.exp(reach)}
        return pd.DataFrame(bounds)

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Estimates with standard errors and interval, one row per parameter.

        Where the data do not determine the parameters there is only the column
        ``estimate``; ``verdict.reasons`` says why.
        """
        table = self.params.to_frame("estimate")
        return table if self.bse is None else table.join(self.bse).join(self.conf_int(level))


def _search(objective: Objective, start: FloatArray, nobs: float) -> FloatArray:
    """L-BFGS-B within bounds far outside of any sensible estimate."""

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = objective(theta)
        return -value / nobs, -gradient / nobs

    found = optimize.minimize(
        loss,
        np.clip(start, -LOG_BOUND, LOG_BOUND),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-LOG_BOUND, LOG_BOUND)] * start.size,
        options={"maxiter": 500, "ftol": 1e-11, "gtol": 1e-7, "maxcor": 20},
    )
    return found.x


def _newton(objective: Objective, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Newton steps to the optimum; stops where the Hessian is not negative definite."""
    value, gradient = objective(theta)
    hessian = hessian_by_differences(objective, theta)
    for _ in range(10):
        inverse = _inverse(-hessian)
        if inverse is None or gradient @ inverse @ gradient < 1e-12:
            break
        proposal = theta + inverse @ gradient
        if np.abs(proposal).max() > LOG_BOUND:
            break
        new_value, new_gradient = objective(proposal)
        if not new_value >= value - 1e-9 * abs(value):
            break
        far = np.abs(proposal - theta).max() > 1e-3
        theta, value, gradient = proposal, new_value, new_gradient
        if far:  # after a short step the Hessian is still the right one
            hessian = hessian_by_differences(objective, theta)
    return theta, hessian


def _pinned(objective: Objective, theta: FloatArray, nobs: float) -> FloatArray:
    """The optimum with the parameter that ran furthest held at one stated place.

    Where a search along a ridge ends is decided by the last digit of the likelihood, and
    so by the processor; from a stated point on the ridge all processors see one optimum.
    """
    held = int(np.argmax(np.abs(theta)))
    free = np.arange(theta.size) != held
    point = theta.copy()
    point[held] = np.sign(theta[held]) * HELD_AT

    def of_others(others: FloatArray) -> tuple[float, FloatArray]:
        point[free] = others
        value, gradient = objective(point)
        return value, gradient[free]

    # along a ridge the others moved with it
    starts = [theta[free], theta[free] - (theta[held] - point[held])]
    finals = [_search(of_others, np.clip(s, -LOG_BOUND, LOG_BOUND), nobs) for s in starts]
    best = max(finals, key=lambda found: of_others(found)[0])
    point[free] = _newton(of_others, best)[0]
    return point


def _inverse(matrix: FloatArray) -> FloatArray | None:
    """Inverse of a positive definite matrix, None for any other."""
    try:
        return cho_solve(cho_factor(matrix), np.eye(len(matrix)))
    except (LinAlgError, ValueError):
        return None


def _judge(
    theta: FloatArray,
    gradient: FloatArray,
    hessian: FloatArray,
    spread: float,
    heights: FloatArray,
    names: Sequence[str],
    nobs: float,
) -> Verdict:
    """Grade a fit by gradient, curvature, runaway parameters and agreement of starts."""
    refusals, doubts = [], []
    inverse = _inverse(-hessian)
    eigenvalues, vectors = np.linalg.eigh(-hessian)
    runaway = [n for n, t in zip(names, theta, strict=True) if abs(t) >= RUNAWAY]
    condition = np.inf
    if inverse is not None and not runaway:
        condition = float(eigenvalues[-1] / eigenvalues[0])
    norm = float(np.abs(gradient).max() / nobs)
    ridge = ", ".join(n for n, v in zip(names, vectors[:, 0], strict=True) if abs(v) > 0.3)
    if runaway:
        doubts.append(f"runaway parameter: no finite optimum for {', '.join(runaway)}")
    if condition > MAX_CONDITION:
        doubts.append(f"ridge: the likelihood hardly changes along {ridge}")
    elif np.sqrt(np.diag(inverse)).max() > MAX_LOG_SE:
        worst = names[int(np.argmax(np.diag(inverse)))]
        doubts.append(f"{worst} is known only within a factor of three; ridge along {ridge}")
    stopped_short = norm > 1e-4
    if inverse is not None:
        stopped_short = np.sqrt(gradient @ inverse @ gradient) > MAX_DECREMENT
    if stopped_short and not runaway:
        refusals.append(f"not converged: gradient {norm:.2g} per customer")
    missed = int((heights < heights.max() - MAX_SPREAD).sum())
    if 2 * missed >= len(heights) > 1:
        doubts.append(f"{missed} of {len(heights)} starts ended in a lower optimum")
    grade = "refused" if refusals else "weak" if doubts else "good"
    return Verdict(grade, (*refusals, *doubts), norm, condition, spread)
