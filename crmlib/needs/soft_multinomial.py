"""Multinomial logit on class posteriors instead of classes (N5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator

FloatArray = NDArray[np.float64]

PENALTIES = (10.0, 1.0, 0.1, 0.03, 0.01, 0.001)  # the first is as good as a constant


class SoftMultinomial(BaseEstimator):
    """Ridge-penalised multinomial logit with soft targets.

    Minimises − Σ wᵢ Σₖ pᵢₖ log qᵢₖ / Σ wᵢ + penalty / 2 · ‖B‖² over coefficients B of all
    classes (intercepts are free). With 0/1 targets it is the usual penalised logit.

    Parameters
    ----------
    penalty : float
        On standardised features.

    Attributes
    ----------
    coef_ : array of shape (n_features, n_classes)
    intercept_ : array of shape (n_classes,)
    """

    def __init__(self, penalty: float = 0.1) -> None:
        self.penalty = penalty

    def fit(
        self,
        features: FloatArray,
        targets: FloatArray,
        weights: FloatArray | None = None,
        start: Self | None = None,
    ) -> Self:
        """Fit from zero, or from where a neighbouring penalty ended.

        Parameters
        ----------
        features : array of shape (n, n_features)
        targets : array of shape (n, n_classes)
            Rows sum to 1.
        weights : array of shape (n,), optional
        start : fitted SoftMultinomial, optional
        """
        share = np.ones(len(features)) if weights is None else weights
        share = (share / share.sum())[:, None]
        design = np.column_stack([np.ones(len(features)), features])
        shape = (design.shape[1], targets.shape[1])
        ridge = np.full((shape[0], 1), self.penalty)
        ridge[0] = 0.0

        def loss(flat: FloatArray) -> tuple[float, FloatArray]:
            beta = flat.reshape(shape)
            log_q = log_softmax(design @ beta, axis=1)
            value = -(share * targets * log_q).sum() + 0.5 * (ridge * beta**2).sum()
            gradient = design.T @ (share * (np.exp(log_q) - targets)) + ridge * beta
            return float(value), gradient.ravel()

        first = np.zeros(shape)
        if start is not None:
            first[0], first[1:] = start.intercept_, start.coef_
        else:
            first[0] = np.log(np.maximum((share * targets).sum(axis=0), 1e-12))
        options = {"maxiter": 500, "gtol": 1e-6, "ftol": 1e-12}
        found = minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", options=options)
        beta = found.x.reshape(shape)
        self.intercept_, self.coef_ = beta[0], beta[1:]
        return self

    def predict_proba(self, features: FloatArray) -> FloatArray:
        """Class probabilities, shape (n, n_classes)."""
        return softmax(features @ self.coef_ + self.intercept_, axis=1)


def fit_by_cross_validation(
    features: FloatArray,
    targets: FloatArray,
    weights: FloatArray,
    fold: NDArray[np.int64],
    penalties: Sequence[float] = PENALTIES,
) -> SoftMultinomial:
    """Fit with the penalty whose held-out log-likelihood is largest.

    Parameters
    ----------
    features, targets, weights
        As in `SoftMultinomial.fit`.
    fold : array of shape (n,)
        Which part each row is held out with, 0 … n_folds − 1.
    penalties : sequence of float, strongest first
    """
    score = np.zeros(len(penalties))
    for part in range(fold.max() + 1):
        held = fold == part
        model: SoftMultinomial | None = None
        for place, penalty in enumerate(penalties):
            model = SoftMultinomial(penalty).fit(
                features[~held], targets[~held], weights[~held], model
            )
            q = np.maximum(model.predict_proba(features[held]), 1e-12)
            score[place] += (weights[held, None] * targets[held] * np.log(q)).sum()
    return SoftMultinomial(penalties[int(score.argmax())]).fit(features, targets, weights)
