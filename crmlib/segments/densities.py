"""The shapes that behaviour segments may have: equal spheres, ellipsoids, or latent classes.

K-means is the limit of equal spheres, a Gaussian mixture has ellipsoids. Both are found
with scikit-learn and then kept as plain arrays, so that a version can write them down and
score customers who come later. Latent classes have no shape, see `crmlib.segments.classes`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from crmlib.segments.classes import Classes, fit_classes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# share of a feature's variance that is added within each segment of a mixture: where all
# members agree exactly (nobody uses the branch) the density would grow without bound, and
# fits would chase such points
SOFTENING = 0.01
_CONSTANT = 1e-12  # spread of a column that is rounding
_STEPS = 200  # of the EM algorithm at most
_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Spheres:
    """Segments around centres, with one spread in all directions: k-means.

    Attributes
    ----------
    means : array of shape (k, p)
    variance : float
        Of a feature within a segment, the same for all.
    """

    means: FloatArray
    variance: float
    label: ClassVar[str] = "k-means"

    def scores(self, matrix: FloatArray) -> FloatArray:
        """Log of each segment's density at each row, but for a constant; shape (n, k).

        The largest belongs to the nearest centre.
        """
        # |x|² is left out of |x − m|²: it is the same for all segments
        nearness = matrix @ self.means.T - (self.means**2).sum(axis=1) / 2
        return nearness / self.variance

    def log_likelihood(self, matrix: FloatArray) -> float:
        """Of the rows, each in its nearest segment, by share and sphere."""
        n, p = matrix.shape
        scores = self.scores(matrix)
        sizes = np.bincount(scores.argmax(axis=1), minlength=len(self.means))
        apart = (matrix**2).sum() / self.variance / 2 - scores.max(axis=1).sum()
        shares = sizes[sizes > 0] @ np.log(sizes[sizes > 0] / n)
        return float(shares - apart - n * p / 2 * (_LOG_2PI + np.log(self.variance)))

    @property
    def parameters(self) -> int:
        """Free numbers: centres, shares and the one variance."""
        k, p = self.means.shape
        return k * p + k

    def ordered(self, order: IntArray) -> Spheres:
        """The same with segment `order[i]` as number i."""
        return Spheres(self.means[order], self.variance)

    def arrays(self) -> dict[str, FloatArray]:
        """What a file has to hold, by name."""
        return {"means": self.means, "variance": np.array(self.variance)}


@dataclass(frozen=True, eq=False)
class Ellipsoids:
    """Segments with a share, a centre and a covariance of their own: a Gaussian mixture.

    Attributes
    ----------
    weights : array of shape (k,)
        Shares of customers, sum 1.
    means : array of shape (k, p)
    covariances : array of shape (k, p, p)
    """

    weights: FloatArray
    means: FloatArray
    covariances: FloatArray
    label: ClassVar[str] = "Gaussian mixture"

    def scores(self, matrix: FloatArray) -> FloatArray:
        """Log of each segment's share times its density at each row; shape (n, k)."""
        k, p = self.means.shape
        found = np.empty((len(matrix), k))
        for j in range(k):
            factor = np.linalg.cholesky(self.covariances[j])
            # of the inverse factor, one product for all rows: solving row by row is slower
            inverse = solve_triangular(factor, np.eye(p), lower=True)
            apart = matrix @ inverse.T - inverse @ self.means[j]
            half = np.einsum("ij,ij->i", apart, apart) / 2
            found[:, j] = np.log(self.weights[j]) - half - np.log(np.diag(factor)).sum()
        return found - p / 2 * _LOG_2PI

    def log_likelihood(self, matrix: FloatArray) -> float:
        """Of the rows under the mixture."""
        return float(logsumexp(self.scores(matrix), axis=1).sum())

    @property
    def parameters(self) -> int:
        """Free numbers: centres, shares and covariances."""
        k, p = self.means.shape
        return k * p + k - 1 + k * p * (p + 1) // 2

    def ordered(self, order: IntArray) -> Ellipsoids:
        """The same with segment `order[i]` as number i."""
        return Ellipsoids(self.weights[order], self.means[order], self.covariances[order])

    def arrays(self) -> dict[str, FloatArray]:
        """What a file has to hold, by name."""
        return {"weights": self.weights, "means": self.means, "covariances": self.covariances}


Shape = Spheres | Ellipsoids | Classes


def fit_spheres(
    matrix: FloatArray, k: int, seed: int, *, starts: int, draws: FloatArray | None = None
) -> Spheres:
    """K-means; rows that were drawn more than once carry weight.

    Parameters
    ----------
    matrix : array of shape (n, p)
        At least k different rows.
    k, seed, starts : int
        Segments, seed of the starts, and how many starts, of which the best is taken.
    draws : array of shape (n,), optional
    """
    found = _kmeans(matrix, k, seed, starts, draws)
    total = len(matrix) if draws is None else draws.sum()
    variance = found.inertia_ / (total * matrix.shape[1])
    # as many segments as different rows leave no spread
    return Spheres(found.cluster_centers_, max(variance, np.finfo(float).tiny ** 0.5))


def fit_ellipsoids(
    matrix: FloatArray, k: int, seed: int, *, starts: int, draws: FloatArray | None = None
) -> Ellipsoids:
    """A Gaussian mixture with full covariances, by EM from the best k-means partition.

    One good start instead of several by chance: what differs between two fits is then
    the customers and not the luck of the start. EM runs on columns of one spread, so that
    their scale matters to the start alone. Arguments as for `fit_spheres`.
    """
    start = _kmeans(matrix, k, seed, starts, draws)
    # scikit-learn's mixture takes no weights, so a row that was drawn twice stands there twice
    times = np.ones(len(matrix), int) if draws is None else draws.astype(int)
    rows, labels = np.repeat(matrix, times, axis=0), np.repeat(start.labels_, times)
    spread = rows.std(axis=0)
    spread[spread < _CONSTANT] = 1.0
    rows, means = rows / spread, start.cluster_centers_ / spread
    if k == 1:  # in closed form, and also where there is a single customer
        covariances = np.linalg.inv(_precisions(rows, labels, k))
        return Ellipsoids(
            np.ones(1), start.cluster_centers_, covariances * spread[:, None] * spread
        )
    model = GaussianMixture(
        k, covariance_type="full", reg_covar=SOFTENING, max_iter=_STEPS, random_state=seed,
        init_params="random_from_data", weights_init=np.bincount(labels, minlength=k) / len(rows),
        means_init=means, precisions_init=_precisions(rows, labels, k),
    )  # fmt: skip
    with warnings.catch_warnings():
        # a mixture that still creeps after so many steps is judged by its stability
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows)
    covariances = model.covariances_ * spread[:, None] * spread
    return Ellipsoids(model.weights_, model.means_ * spread, covariances)


def _kmeans(matrix: FloatArray, k: int, seed: int, starts: int, draws: FloatArray | None) -> KMeans:
    with warnings.catch_warnings():
        # fewer distinct rows than segments in a resample: some segments stay empty
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(k, n_init=starts, random_state=seed).fit(matrix, sample_weight=draws)


def _precisions(rows: FloatArray, labels: IntArray, k: int) -> FloatArray:
    """Inverse covariance of the rows under each label, softened as the mixture's are."""
    p = rows.shape[1]
    found = np.empty((k, p, p))
    for j in range(k):
        members = rows[labels == j]
        around = members - members.mean(axis=0) if len(members) else np.zeros((1, p))
        covariance = around.T @ around / len(around) + SOFTENING * np.eye(p)
        found[j] = np.linalg.inv(covariance)
    return found


# the names that params use
METHODS = {"kmeans": Spheres, "mixture": Ellipsoids, "classes": Classes}
FITS = {"kmeans": fit_spheres, "mixture": fit_ellipsoids, "classes": fit_classes}
