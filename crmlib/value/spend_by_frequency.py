"""Spend where it depends on how often a customer buys (V6).

Gamma-Gamma assumes that spend per purchase and frequency are independent. Here
customers of a band of repeat frequency have their own distribution of spend,
Gamma(q, v) over customers; p, how much the amounts of one customer vary, is that of
everybody. Against the pooled model, which is the same with one band, it is tested
by the likelihood ratio (2 × (bands − 1) degrees of freedom).

A scale v of each band alone will not do: where customers who come often also differ
less from each other, v makes up for that, too, and tells the wrong mean. On the
master file of CDNOW it says 31 and 43 for the lowest and the highest band whose
customers spend 34 and 40.

Nor does a significant ratio prove dependence: amounts that are not Gamma show as
spread that does not shrink with frequency as it should, bands take that up, and p
runs away. On CDNOW p is 28 with bands and 5 without, where the amounts of single
customers say 3 to 4; customers then keep too much of their own mean, and sealed
forecasts of spend become worse. Such a fit is weak.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.optimise import NotIdentified, Verdict
from crmlib.value.frequency_bands import LEAST_IN_BAND, FrequencyBands, even_bands
from crmlib.value.purchases.shared import nested
from crmlib.value.spend import GammaGamma, GammaGammaResult

FloatArray = NDArray[np.float64]
SpendModel = Literal["auto", "gamma_gamma", "by_frequency"]

SIGNIFICANT = 0.01  # of unequal means and of the likelihood ratio, both
MOST_MOVED = 2.0  # times that p may change when bands are free, up or down


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
        verdict = _with_moved_p(verdict, float(fitted.params["p"]), float(pooled.params["p"]))
        note = (
            "customers without repeat purchase are valued with the mean spend of those "
            f"with {bands.labels[0]} repeat purchase{'' if bands.labels[0] == '1' else 's'}"
        )
        verdict = replace(verdict, notes=(*verdict.notes, note))
        return replace(fitted, verdict=verdict, pooled=pooled)


def _with_moved_p(verdict: Verdict, p: float, pooled: float) -> Verdict:
    """Doubt a fit whose bands changed how much one customer's amounts vary."""
    if 1 / MOST_MOVED <= p / pooled <= MOST_MOVED:
        return verdict
    reason = (
        f"p is {p:.3g} with groups by frequency and {pooled:.3g} without: "
        "they make up for amounts that are not Gamma"
    )
    grade = "weak" if verdict.grade == "good" else verdict.grade
    return replace(verdict, grade=grade, reasons=(*verdict.reasons, reason))


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
        "auto" takes the pooled model unless the bands' mean spend and the likelihood
        differ, both significantly at 1 %, and the richer fit has a good verdict.

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


def equal_means_p_value(result: GammaGammaResult) -> float:
    """P-value of one mean spend in all bands, whatever the distribution of spend.

    Bands' means against their average, each with its own standard error, as χ² of
    bands − 1 degrees of freedom. Spearman's correlation will not do: it is above 0
    for skewed spend that does not depend on frequency at all.
    """
    frequency, spend = result.groups.columns
    band, n_bands = result.bands.of(frequency), len(result.bands.starts)
    if n_bands == 1:
        return 1.0
    customers = np.bincount(band, result.groups.weights, n_bands)
    means = np.bincount(band, result.groups.weights * spend, n_bands) / customers
    squares = np.bincount(band, result.groups.weights * (spend - means[band]) ** 2, n_bands)
    variances = squares / (customers - 1) / customers
    if (variances == 0).any():
        return 1.0 if np.ptp(means) == 0 else 0.0
    common = np.average(means, weights=1 / variances)
    return float(stats.chi2.sf(((means - common) ** 2 / variances).sum(), n_bands - 1))


def _against_bands(richer: GammaGammaResult) -> str:
    """Why the pooled model stays, or "" where it does not."""
    if len(richer.bands.starts) == 1:
        return "too few with repeat purchases for groups by frequency"
    if equal_means_p_value(richer) >= SIGNIFICANT:
        return "the mean spend of groups by frequency differs by no more than chance"
    if richer.likelihood_ratio()["p_value"] >= SIGNIFICANT:
        return f"groups by frequency would fit no better than by chance ({_tested(richer)})"
    if richer.verdict.grade != "good":
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
