"""Spend where it depends on how often a customer buys (V5).

Gamma-Gamma assumes that spend per purchase and frequency are independent. Here
customers of a band of repeat frequency have their own distribution of spend,
Gamma(q, v) over customers; p, how much the amounts of one customer vary, is that of
everybody. Against the pooled model, which is the same with one band, it is tested
by the likelihood ratio (2 × (bands − 1) degrees of freedom).

A scale v of each band alone will not do: where customers who come often also differ
less from each other, v makes up for that, too, and tells the wrong mean. On the
master file of CDNOW it says 31 and 43 for the lowest and the highest band whose
customers spend 34 and 40.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.optimise import NotIdentified
from crmlib.value.frequency_bands import LEAST_IN_BAND, FrequencyBands, even_bands
from crmlib.value.purchases.shared import nested
from crmlib.value.spend import GammaGamma, GammaGammaResult

FloatArray = NDArray[np.float64]
SpendModel = Literal["auto", "gamma_gamma", "by_frequency"]

SIGNIFICANT = 0.01  # of dependence and of the likelihood ratio, both


@dataclass(frozen=True)
class GammaGammaByFrequency:
    """Gamma-Gamma estimator with a distribution of spend for each band of repeat frequency.

    Attributes
    ----------
    bands : FrequencyBands, optional
        Chosen so that each holds about equally many customers where omitted.
    n_starts : int
        Searches from 1 to 3 different places.
    """

    bands: FrequencyBands | None = None
    n_starts: int = 3

    def get_params(self) -> dict[str, int | FrequencyBands | None]:
        """Settings by name, as in scikit-learn."""
        return {"bands": self.bands, "n_starts": self.n_starts}

    def fit(
        self, frequency: ArrayLike, mean_spend: ArrayLike, weights: ArrayLike | None = None
    ) -> GammaGammaResult:
        """Maximum likelihood on customers with a repeat purchase and positive spend.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Repeat purchases, at least 1.
        mean_spend : array of shape (n_customers,)
            Mean amount of the repeat purchases, positive.
        weights : array of shape (n_customers,), optional

        Raises
        ------
        ValueError
            Naming the argument and the first offending value.
        NotIdentified
            If a band has too few customers, or as for the pooled model.
        """
        pooled = GammaGamma(self.n_starts).fit(frequency, mean_spend, weights)
        times, customers = pooled.groups.columns[0], pooled.groups.weights
        bands = self.bands or even_bands(times, customers)
        if len(bands.starts) == 1:
            return replace(pooled, pooled=pooled)
        _check_sizes(bands, times, customers)
        start = np.repeat(pooled.params.to_numpy(), [1, *[len(bands.starts)] * 2])
        fitted = GammaGamma(self.n_starts, bands).fit(frequency, mean_spend, weights, start)
        verdict = nested(
            fitted.verdict, fitted.llf, pooled.llf, "with one distribution of spend for all"
        )
        note = (
            "customers without repeat purchase are valued with the mean spend of those "
            f"with {bands.labels[0]} repeat purchase{'' if bands.labels[0] == '1' else 's'}"
        )
        verdict = replace(verdict, notes=(*verdict.notes, note))
        return replace(fitted, verdict=verdict, pooled=pooled)


def _check_sizes(bands: FrequencyBands, frequency: FloatArray, customers: FloatArray) -> None:
    """Refuse a band of few customers; without their number, which nobody may see."""
    sizes = np.bincount(bands.of(frequency), customers, len(bands.starts))
    for label, size in zip(bands.labels, sizes, strict=True):
        if size < LEAST_IN_BAND:
            raise NotIdentified(
                f"fewer than {LEAST_IN_BAND} customers with {label} repeat purchases: "
                "how their spend differs cannot be told, merge them with their neighbours"
            )


def fit_spend(
    frequency: ArrayLike, mean_spend: ArrayLike, model: SpendModel = "auto"
) -> GammaGammaResult:
    """The pooled model or the one by frequency, and in `choice` which and why.

    Parameters
    ----------
    frequency, mean_spend : arrays of shape (n_customers,)
        As for `GammaGammaByFrequency.fit`.
    model : {"auto", "gamma_gamma", "by_frequency"}
        "auto" takes the pooled model unless rank correlation and likelihood ratio
        are both significant at 1 % and the richer fit is as trustworthy.

    Raises
    ------
    ValueError, NotIdentified
        As the models.
    """
    if model not in ("auto", "gamma_gamma", "by_frequency"):
        raise ValueError(f"spend model must be auto, gamma_gamma or by_frequency: got {model!r}")
    if model == "gamma_gamma":
        pooled = GammaGamma().fit(frequency, mean_spend)
        return replace(pooled, choice="One distribution of spend for all customers, as set.")
    richer = GammaGammaByFrequency().fit(frequency, mean_spend)
    if model == "by_frequency":
        return replace(richer, choice=_words(richer, "as set"))
    pooled = richer.pooled or richer
    against = _against_bands(richer)
    if against:
        return replace(pooled, choice=f"One distribution of spend for all customers: {against}.")
    return replace(richer, choice=_words(richer, "since spend depends on frequency"))


def dependence_p_value(result: GammaGammaResult) -> float:
    """Two-sided p-value of Spearman's correlation under independence, by Student's t."""
    rho, freedom = result.dependence, result.nobs - 2
    if rho is None or freedom <= 0:
        return 1.0
    t = rho * np.sqrt(freedom / max(1 - rho**2, np.finfo(float).tiny))
    return float(2 * stats.t.sf(abs(t), freedom))


def _against_bands(richer: GammaGammaResult) -> str:
    """Why the pooled model stays, or "" where it does not."""
    if len(richer.bands.starts) == 1:
        return "too few with repeat purchases for groups by frequency"
    if dependence_p_value(richer) >= SIGNIFICANT:
        return "the rank correlation of spend and frequency is no more than chance"
    if richer.likelihood_ratio()["p_value"] >= SIGNIFICANT:
        return f"groups by frequency would fit no better than by chance ({_tested(richer)})"
    if richer.verdict.grade != "good" and richer.pooled.verdict.grade != richer.verdict.grade:
        return f"groups by frequency cannot be trusted ({'; '.join(richer.verdict.reasons)})"
    return ""


def _words(richer: GammaGammaResult, why: str) -> str:
    """The richer model, why it was taken, and what the test of it says."""
    if len(richer.bands.starts) == 1:
        return "One distribution of spend for all customers: too few for groups by frequency."
    return (
        "A distribution of spend for each group by number of repeat purchases "
        f"({', '.join(richer.bands.labels)}), {why}: {_tested(richer)} against one for all."
    )


def _tested(richer: GammaGammaResult) -> str:
    test = richer.likelihood_ratio()
    chance = "p < 0.001" if test["p_value"] < 0.001 else f"p = {test['p_value']:.2g}"
    freedom = int(test["degrees_of_freedom"])
    degrees = "1 degree" if freedom == 1 else f"{freedom} degrees"
    return f"likelihood ratio {test['statistic']:.1f} with {degrees} of freedom, {chance}"
