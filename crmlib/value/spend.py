"""What a customer spends per purchase (Gamma-Gamma).

Amounts of one customer vary by Gamma(p, ν), ν over customers by Gamma(q, v):
Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value", cited as FH,
after Colombo & Jiang (1999). The model sees the mean over *repeat* purchases
only; the first purchase in it is the usual mistake, since first baskets differ.
FH assume that spend does not depend on frequency; here q and v may differ between
bands of frequency (`spend_by_frequency`), and one band for everyone is their model.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from crmlib.stats.grouping import Groups, group_rows
from crmlib.stats.optimise import (
    LikelihoodResult,
    NotIdentified,
    Objective,
    Verdict,
    maximise,
    refitted,
)
from crmlib.value.frequency_bands import EVERYONE, FrequencyBands
from crmlib.value.observations import check_column, check_weights

FloatArray = NDArray[np.float64]

# natural-scale starts in units of the mean spend; all have a finite mean
STARTS = ((2.0, 3.0, 1.0), (6.0, 4.0, 0.5), (1.0, 2.0, 1.0))


@dataclass(frozen=True)
class SpendLikelihood:
    """Gamma-Gamma log-likelihood of grouped customers, analytic gradient in log-parameters."""

    frequency: tuple[FloatArray, NDArray[np.int64]]  # distinct values, index of each group
    total: FloatArray  # repeat purchases × mean spend, shape (n_groups,)
    bands: FrequencyBands = EVERYONE

    @classmethod
    def of(
        cls, frequency: FloatArray, mean_spend: FloatArray, bands: FrequencyBands = EVERYONE
    ) -> SpendLikelihood:
        """Prepare grouped columns, each of shape (n_groups,)."""
        return cls(np.unique(frequency, return_inverse=True), frequency * mean_spend, bands)

    def objective(self, weights: FloatArray) -> Objective:
        """Log-likelihood under these group weights as a function of log-parameters."""
        x, of_x = self.frequency
        weight_x = np.bincount(of_x, weights, x.size)
        band, n_bands = self.bands.of(x), len(self.bands.starts)
        log_total = np.log(self.total)
        log_total_x = np.bincount(of_x, weights * log_total, x.size)
        # density of the mean instead of the total: one factor x per customer
        constant = weight_x @ np.log(x) - weights @ log_total

        def evaluate(log_params: FloatArray) -> tuple[float, FloatArray]:
            """FH eq. 1a: Γ(px+q)/(Γ(px)Γ(q)) · v^q z^(px−1) x^(px) / (v+xz)^(px+q)."""
            params = np.exp(log_params)
            p, (q, v) = params[0], of_bands(params)[:, band]
            log_v = of_bands(log_params)[1, band]
            shape = p * x + q
            reached = v[of_x] + self.total
            log_reached_x = np.bincount(of_x, weights * np.log(reached), x.size)
            value = (
                weight_x
                @ (special.gammaln(shape) - special.gammaln(p * x) - special.gammaln(q) + q * log_v)
                + p * x @ log_total_x
                - shape @ log_reached_x
                + constant
            )
            inner = weight_x * (special.digamma(shape) - special.digamma(p * x))
            d_p = x @ (inner + log_total_x - log_reached_x)
            d_q = weight_x * (special.digamma(shape) - special.digamma(q) + log_v) - log_reached_x
            d_v = q / v * weight_x - shape * np.bincount(of_x, weights / reached, x.size)
            by_band = [np.bincount(band, slope, n_bands) for slope in (d_q, d_v)]
            return float(value), params * np.concatenate([[d_p], *by_band])

        return evaluate


def parameter_names(bands: FrequencyBands) -> tuple[str, ...]:
    """Names p, q, v, or p and then a q and a v for each band of frequency."""
    if len(bands.starts) == 1:
        return ("p", "q", "v")
    return ("p", *(f"{name}: {label}" for name in ("q", "v") for label in bands.labels))


def of_bands(params: FloatArray) -> FloatArray:
    """q and v of each band, shape (2, n_bands, …), from parameters p, q …, v … along axis 0."""
    return params[1:].reshape(2, -1, *params.shape[1:])


def expected_spend(
    params: ArrayLike,
    frequency: ArrayLike,
    total: ArrayLike,
    bands: FrequencyBands = EVERYONE,
) -> FloatArray:
    """Expected spend per purchase given `frequency` purchases that sum to `total`, FH eq. 5.

    p (v + x·z̄) / (p·x + q − 1); without purchases the mean p·v/(q − 1) of the lowest
    band, which is that of the population where there is one band.
    """
    array = np.asarray(params, dtype=float)
    p, (q, v) = array[0], of_bands(array)[:, bands.of(frequency)]
    return p * (v + np.asarray(total)) / (p * np.asarray(frequency) + q - 1)


@dataclass(frozen=True)
class GammaGammaResult(LikelihoodResult):
    """A fitted Gamma-Gamma model: parameters p, q, v (money) and what follows from them.

    Attributes
    ----------
    dependence : float or None
        Spearman's correlation of mean spend and frequency over the fitted customers.
        The model with one band assumes that the two are independent; even then it
        is above 0 where spend is skewed, for means of few purchases lie lower more
        often than means of many. None where frequency or spend
        does not vary.
    bands : FrequencyBands
        Of repeat frequency, each with its own q and v.
    pooled : GammaGammaResult or None
        The same customers in one band, where there are bands to compare it with.
    choice : str
        Which of the two models this is and why, in words, where that was chosen.
    """

    dependence: float | None
    groups: Groups  # distinct (frequency, mean spend) that were fitted
    money_scale: float  # the search worked in this many money units
    log_hessian: FloatArray  # in log-parameters
    bands: FrequencyBands = EVERYONE
    pooled: GammaGammaResult | None = field(default=None, repr=False)
    choice: str = ""

    def likelihood_ratio(self) -> pd.Series | None:
        """Test of one q and v for all bands: statistic, degrees_of_freedom, p_value.

        None for a model that has but one.
        """
        if self.pooled is None:
            return None
        statistic = max(2 * (self.llf - self.pooled.llf), 0.0)
        freedom = self.params.size - self.pooled.params.size
        p_value = float(stats.chi2.sf(statistic, freedom)) if freedom else 1.0
        return pd.Series(
            {"statistic": statistic, "degrees_of_freedom": freedom, "p_value": p_value}
        )

    @property
    def mean(self) -> float:
        """Mean of spend per purchase over the customers fitted, p·v/(q − 1).

        Raises
        ------
        NotIdentified
            If a q ≤ 1: the mean of the population is infinite.
        """
        params = self._usable()
        q, v = of_bands(params)
        return float(params[0] * (self._shares @ (v / (q - 1))))

    @property
    def median(self) -> float:
        """Median of customers' mean spend p/ν over those fitted; finite for every q."""
        params = self.params.to_numpy()
        p, (q, v) = params[0], of_bands(params)
        medians = p * v / special.gammaincinv(q, 0.5)
        if np.ptp(medians) == 0:
            return float(medians[0])

        def above(spend: float) -> float:
            return float(self._shares @ special.gammainc(q, p * v / spend)) - 0.5

        return float(optimize.brentq(above, medians.min(), medians.max()))

    @property
    def _shares(self) -> FloatArray:
        """Share of the customers fitted in each band."""
        band = self.bands.of(self.groups.columns[0])
        return np.bincount(band, self.groups.weights, len(self.bands.starts)) / self.nobs

    def expected_spend(self, frequency: ArrayLike, mean_spend: ArrayLike) -> FloatArray:
        """Expected spend per purchase given each history, shape (n_customers,).

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Repeat purchases, 0 or more.
        mean_spend : array of shape (n_customers,)
            Mean over repeat purchases; ignored (may be NaN) where frequency is 0, and
            the mean of the lowest band expected.

        Raises
        ------
        NotIdentified
            If a q ≤ 1: the population mean is infinite.
        ValueError
            Naming the argument and the first offending value.
        """
        params = self._usable()
        x = check_column("frequency", frequency)
        history = np.asarray(mean_spend, dtype=float)
        if history.shape != x.shape:
            raise ValueError(f"mean_spend has shape {history.shape}, frequency {x.shape}")
        spend = check_column("mean_spend", np.where(x > 0, history, 0.0))
        return expected_spend(params, x, x * spend, self.bands)

    def _usable(self) -> FloatArray:
        params = self.params.to_numpy()
        least = of_bands(params)[0].min()
        if least <= 1:
            raise NotIdentified(
                f"mean spend is infinite (q = {least:.3g} ≤ 1); the median is {self.median:,.2f}"
            )
        return params


@dataclass(frozen=True)
class GammaGamma:
    """Gamma-Gamma estimator; `n_starts` (1–3) searches from different places.

    p is common to all `bands` of repeat frequency, each has its own q and v.
    """

    n_starts: int = 3
    bands: FrequencyBands = EVERYONE

    def get_params(self) -> dict[str, int | FrequencyBands]:
        """Settings by name, as in scikit-learn."""
        return {"n_starts": self.n_starts, "bands": self.bands}

    def fit(
        self,
        frequency: ArrayLike,
        mean_spend: ArrayLike,
        weights: ArrayLike | None = None,
        start: ArrayLike | None = None,
    ) -> GammaGammaResult:
        """Maximum likelihood on customers with a repeat purchase and positive spend.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Repeat purchases, at least 1.
        mean_spend : array of shape (n_customers,)
            Mean amount of the repeat purchases, positive.
        weights : array of shape (n_customers,), optional
        start : array of shape (1 + 2 n_bands,), optional
            Parameters of a model inside this one; then the first start.

        Raises
        ------
        ValueError
            Naming the argument and the first offending value.
        NotIdentified
            If nobody has two repeat purchases: p cannot be told from q and v.
        """
        x = check_column("frequency", frequency)
        spend = check_column("mean_spend", mean_spend, x.size)
        for name, column, least in (("frequency", x, x < 1), ("mean_spend", spend, spend <= 0)):
            if least.any():
                first = int(np.argmax(least))
                rule = "at least 1" if name == "frequency" else "positive"
                raise ValueError(f"{name} must be {rule}: {column[first]:g} at position {first}")
        groups = group_rows(x, spend, weights=check_weights(weights, x.size))
        times, means = groups.columns
        weight, nobs = groups.weights, float(groups.weights.sum())
        if not (weight[times > 1] > 0).any():
            raise NotIdentified("nobody has two repeat purchases: p cannot be told from q and v")
        scale = float(weight @ means / nobs)
        objective = SpendLikelihood.of(times, means / scale, self.bands).objective(weight)
        names = parameter_names(self.bands)
        each = [1, *[len(self.bands.starts)] * 2]
        unit = _unit(scale, self.bands)
        places = [] if start is None else [np.asarray(start, dtype=float) / unit]
        places += [np.repeat(place, each) for place in STARTS]
        best = maximise(objective, np.log(places[: self.n_starts]), names, nobs)
        params = np.exp(best.log_params) * unit
        return GammaGammaResult(
            params=pd.Series(params, index=list(names), name="estimate"),
            log_covariance=best.covariance,
            llf=best.llf - nobs * float(np.log(scale)),
            nobs=nobs,
            verdict=_with_infinite_mean(best.verdict, float(of_bands(params)[0].min())),
            dependence=_spearman(times, means, weight),
            groups=groups,
            money_scale=scale,
            log_hessian=best.hessian,
            bands=self.bands,
        )


@dataclass(frozen=True)
class Refit:
    """Warm refits of one Gamma-Gamma fit under new group weights."""

    likelihood: SpendLikelihood
    log_params: FloatArray  # on the scaled money
    hessian: FloatArray
    unit: FloatArray

    @classmethod
    def of(cls, result: GammaGammaResult, groups: Groups | None = None) -> Refit:
        """Prepare refits on the result's own groups or on another grouping of the customers."""
        frequency, mean_spend = (groups or result.groups).columns
        unit = _unit(result.money_scale, result.bands)
        likelihood = SpendLikelihood.of(frequency, mean_spend / result.money_scale, result.bands)
        return cls(likelihood, np.log(result.params.to_numpy() / unit), result.log_hessian, unit)

    def objective(self, weights: FloatArray) -> Objective:
        """Log-likelihood under these weights as a function of log-parameters."""
        return self.likelihood.objective(weights)

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Natural-scale parameters under these weights of shape (n_groups,)."""
        objective = self.objective(weights)
        names = parameter_names(self.likelihood.bands)
        found = refitted(objective, self.log_params, self.hessian, names, weights.sum())
        return np.exp(found) * self.unit


def _unit(scale: float, bands: FrequencyBands) -> FloatArray:
    """What one unit of each parameter is worth after money was divided by `scale`."""
    return np.repeat([1, 1, scale], [1, *[len(bands.starts)] * 2])


def _with_infinite_mean(verdict: Verdict, q: float) -> Verdict:
    if q > 1:
        return verdict
    reason = f"infinite mean: q = {q:.3g} ≤ 1, expected spend does not exist"
    return replace(verdict, grade="refused", reasons=(reason, *verdict.reasons))


def _spearman(x: FloatArray, y: FloatArray, weights: FloatArray) -> float | None:
    """Spearman's rank correlation of weighted rows: Pearson's of the mid-ranks."""
    ranks = []
    for column in (x, y):
        values, index = np.unique(column, return_inverse=True)
        if values.size < 2:
            return None
        mass = np.bincount(index, weights)
        rank = (np.cumsum(mass) - mass / 2)[index]
        ranks.append(rank - weights @ rank / weights.sum())
    first, second = ranks
    spread = np.sqrt((weights @ first**2) * (weights @ second**2))
    return float((weights * first) @ second / spread)
