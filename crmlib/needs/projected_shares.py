"""Shares of segments in the whole base, freed from the errors of projection (N5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

FloatArray = NDArray[np.float64]

_TIGHT = 1e3  # how much more the sum to 1 counts than the fit


def confusion(posteriors: FloatArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean prediction for members of each segment, shape (n_segments, n_segments).

    Parameters
    ----------
    posteriors : array of shape (n, n_segments)
        Of respondents, from their answers.
    predicted : array of shape (n, n_segments)
        From their customer columns, by a model that has not seen them.
    weights : array of shape (n,)

    Notes
    -----
    Rows weighted by posteriors mix members of several segments, by
    D = mean posterior of those weighted by posterior; D is divided out (Bolck, Croon &
    Hagenaars 2004, *Estimating latent structure models with categorical variables*,
    Political Analysis 12:3). Rows sum to 1 and may leave 0–1 by sampling error.
    """
    weighted = weights[:, None] * posteriors
    total = weighted.sum(axis=0)[:, None]
    mixed = weighted.T @ predicted / total
    classification = weighted.T @ posteriors / total
    return np.linalg.lstsq(classification, mixed, rcond=1e-8)[0]


def corrected_shares(mean_prediction: FloatArray, confused: FloatArray) -> FloatArray:
    """Shares on the simplex whose confused image is nearest to the mean prediction.

    Parameters
    ----------
    mean_prediction : array of shape (n_segments,)
        Over the whole base.
    confused : array of shape (n_segments, n_segments)
        Rows as in `confusion`.

    Notes
    -----
    Right where customers of a segment look alike in and outside the survey, whatever the
    segments' shares there (label shift); mean predictions themselves are right where
    customers who look alike belong to the segments alike (covariate shift).
    """
    size = len(mean_prediction)
    system = np.vstack([confused.T, np.full((1, size), _TIGHT)])
    shares, _ = nnls(system, np.append(mean_prediction, _TIGHT))
    return shares / shares.sum()
