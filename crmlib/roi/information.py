"""What it is worth to know more before choosing, from draws (R4).

Perfect information about everything (EVPI), about some parameters (EVPPI) and a sample
(EVSI), each with the error of the draws it rests on. Partial information by regression of
net benefits on what would be known: Strong, Oakley & Brennan (2014), *Medical Decision
Making* 34; for samples Strong et al. (2015), ibid. 35. Closed forms: `crmlib.roi.normal_loss`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.preprocessing import SplineTransformer

from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

_KNOTS = (2, 4, 7, 11)  # candidates for the smoothness of a regression
_FEW = 8  # distinct values up to which a parameter has a mean for each
_DRAWS_PER_TERM = 10


@dataclass(frozen=True)
class InformationValue:
    """Expected gain of choosing with more knowledge than now.

    Attributes
    ----------
    value : float
        In the unit of the net benefits; never negative.
    standard_error : float
        From the draws, not from the model that made them.
    n_draws : int
    best_now : int
        Column of the option that is best without more knowledge.
    """

    value: float
    standard_error: float
    n_draws: int
    best_now: int


def perfect_information(net_benefits: ArrayLike) -> InformationValue:
    """Worth of knowing everything that is drawn, before choosing (EVPI).

    Parameters
    ----------
    net_benefits : array of shape (n_draws, n_options) or (n_draws,)
        A column per option, rows drawn together; one column is weighed against doing nothing.

    Raises
    ------
    NotIdentified
        If there are fewer than two draws.
    ValueError
        If a draw is not finite.

    Notes
    -----
    E[max NB] − max E[NB]. Where options are equal on average the larger of two sample means is
    taken, which lowers the value by no more than its standard error.
    """
    benefits = _options(net_benefits)
    return _valued(benefits, benefits)


def partial_information(net_benefits: ArrayLike, known: pd.DataFrame) -> InformationValue:
    """Worth of knowing some quantities before choosing (EVPPI; EVSI where they are a sample's).

    Parameters
    ----------
    net_benefits : array of shape (n_draws, n_options) or (n_draws,)
        As for `perfect_information`.
    known : DataFrame of shape (n_draws, n_quantities)
        What would be known, from the same draws: parameters, or statistics of a sample simulated
        from each draw. Columns that do not vary tell nothing.

    Raises
    ------
    NotIdentified
        If there are too few draws for a regression on so many quantities.
    ValueError
        If rows do not match or a number is not finite.

    Notes
    -----
    E[NB | known] is fitted by each quantity, cubic splines of its rank and products of all pairs,
    the number of knots by generalised cross-validation; quantities of few values have a mean for
    each. Interactions of three quantities are not fitted. The standard error is that of the mean
    gain of the fitted choice over draws: at the best choice the fit's error is of second order.
    """
    benefits = _options(net_benefits)
    if len(known) != len(benefits):
        raise ValueError(f"{len(benefits)} draws of net benefits, {len(known)} of what is known")
    given = known.to_numpy(float)
    if not np.isfinite(given).all():
        raise ValueError("what is known must be finite numbers in every draw")
    given = given[:, np.ptp(given, axis=0) > 0] if given.size else given[:, :0]
    # differences from one option: what all options share decides nothing and is only noise
    against = benefits - benefits[:, [int(benefits.mean(axis=0).argmax())]]
    return _valued(against, _fitted(against, given))


def value_of_information(net_benefits: ArrayLike, parameters: pd.DataFrame) -> pd.DataFrame:
    """Worth of knowing everything, and each parameter alone.

    Parameters
    ----------
    net_benefits : array of shape (n_draws, n_options) or (n_draws,)
    parameters : DataFrame of shape (n_draws, n_parameters)

    Returns
    -------
    DataFrame
        known ("everything", then parameters, the most valuable first), value, standard_error,
        share (of the value of everything; 0 where that is 0).
    """
    everything = perfect_information(net_benefits)
    alone = {
        str(name): partial_information(net_benefits, parameters[[name]])
        for name in parameters.columns
    }
    ordered = sorted(alone.items(), key=lambda pair: -pair[1].value)
    rows = [
        {
            "known": name,
            "value": found.value,
            "standard_error": found.standard_error,
            "share": found.value / everything.value if everything.value > 0 else 0.0,
        }
        for name, found in [("everything", everything), *ordered]
    ]
    return pd.DataFrame(rows)


def _options(net_benefits: ArrayLike) -> FloatArray:
    """Net benefits with a column per option, at least two."""
    benefits = np.asarray(net_benefits, dtype=float)
    if benefits.ndim == 1:
        benefits = benefits[:, None]
    if benefits.ndim != 2 or benefits.shape[1] == 0:
        raise ValueError(f"net benefits need a column per option, got shape {benefits.shape}")
    if benefits.shape[1] == 1:
        benefits = np.column_stack([np.zeros(len(benefits)), benefits])
    if not np.isfinite(benefits).all():
        raise ValueError("net benefits must be finite numbers in every draw")
    if len(benefits) < 2:
        raise NotIdentified(f"{len(benefits)} draws cannot say what knowing more is worth")
    return benefits


def _valued(benefits: FloatArray, expected: FloatArray) -> InformationValue:
    """Gain of choosing by `expected` in each draw over the one choice that is best on average."""
    best = int(benefits.mean(axis=0).argmax())
    n = len(benefits)
    chosen = expected.argmax(axis=1)
    gain = expected.max(axis=1) - expected[:, best]
    found = benefits[np.arange(n), chosen] - benefits[:, best]
    return InformationValue(
        value=max(float(gain.mean()), 0.0),
        standard_error=float(found.std(ddof=1) / np.sqrt(n)),
        n_draws=n,
        best_now=best,
    )


def _fitted(benefits: FloatArray, given: FloatArray) -> FloatArray:
    """E[benefits | given] at each draw, with the smoothness that predicts best."""
    n = len(benefits)
    best, least = np.broadcast_to(benefits.mean(axis=0), benefits.shape), np.inf
    if given.shape[1] == 0:
        return best
    tried = 0
    for knots in _KNOTS:
        terms = _terms(given, knots)
        if terms.shape[1] * _DRAWS_PER_TERM > n:
            continue
        tried += 1
        # of the orthonormal basis: collinear terms are dropped, not inverted
        basis, sizes, _ = np.linalg.svd(terms, full_matrices=False)
        basis = basis[:, sizes > sizes[0] * 1e-10]
        fitted = basis @ (basis.T @ benefits)
        left = np.square(benefits - fitted).sum()
        score = left / (1 - basis.shape[1] / n) ** 2
        if score < least:
            best, least = fitted, score
    if not tried:
        raise NotIdentified(
            f"{n} draws are too few for a regression on {given.shape[1]} quantities: "
            f"at least {_terms(given, _KNOTS[0]).shape[1] * _DRAWS_PER_TERM} are needed"
        )
    return best


def _terms(given: FloatArray, knots: int) -> FloatArray:
    """A constant, splines of each column, and products of pairs of columns."""
    columns = [np.ones((len(given), 1))]
    for column in given.T:
        levels = np.unique(column)
        if levels.size <= _FEW:
            columns.append((column[:, None] == levels[1:]).astype(float))
            continue
        # along ranks: with a long tail all knots but one would lie where hardly a draw is
        splines = SplineTransformer(n_knots=knots, degree=3)
        ranks = stats.rankdata(column)[:, None] / len(column)
        scaled = (column - column.mean()) / column.std()
        columns += [scaled[:, None], splines.fit_transform(ranks)[:, 1:]]
    scaled = (given - given.mean(axis=0)) / given.std(axis=0)
    for first in range(given.shape[1]):
        for second in range(first):
            x, y = scaled[:, first], scaled[:, second]
            columns.append(np.column_stack([x * y, x * x * y, x * y * y, x * x * y * y]))
    return np.hstack(columns)
