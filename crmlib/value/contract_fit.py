"""What contracts at risk and lost say about the sBG model beyond its parameters (V7).

Whether anything can be learnt from them, whether contracts differ at all, and whether
losses by age follow the model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.stats.optimise import NotIdentified, Verdict
from crmlib.value.life_table import Exposure

FloatArray = NDArray[np.float64]

FEWEST_EXPECTED = 5.0  # losses in a band of the test of fit
SLACK = 1e-2  # log-likelihood units that a run-away optimum may fall short of its limit
NO_GAIN = 0.5  # log-likelihood units by which sBG must beat a constant rate of loss
MISFIT, MISFIT_P = 0.1, 0.001  # share of losses in the wrong band, and its chance if all is well


def check_identified(counts: Exposure) -> None:
    """Refuse counts that no pair of parameters can be learnt from, with the reason."""
    if counts.tenure.size == 0:
        raise NotIdentified("no contract was under observation for a whole period")
    if counts.ended.sum() == 0:
        raise NotIdentified("no contract ended while it was observed: the risk is unknown")
    if counts.ended.sum() >= counts.at_risk.sum() * (1 - 1e-12):
        raise NotIdentified("every contract ended in its first observed period: nobody stayed")
    if counts.tenure.size == 1:
        raise NotIdentified(
            f"contracts were observed in one period of age only (period {counts.tenure[0]}): "
            "how customers differ cannot be seen"
        )


def constant_rate_llf(counts: Exposure) -> float:
    """Log-likelihood of the geometric distribution, to which sBG comes as α + β grows."""
    rate, lost = counts.rate, counts.ended.sum()
    return float(lost * np.log(rate) + (counts.at_risk.sum() - lost) * np.log1p(-rate))


def risk_rises(counts: Exposure) -> bool:
    """Whether, from a constant rate of loss, no difference between contracts would fit better.

    The derivative of the log-likelihood by 1/(α+β) at 0, where sBG is that constant rate:
    Σ (t−1)·(stayed/(1−rate) − at risk).
    """
    stayed = counts.at_risk - counts.ended
    return float((counts.tenure - 1) @ (stayed / (1 - counts.rate) - counts.at_risk)) <= 0


def expected_losses(counts: Exposure, params: FloatArray) -> pd.DataFrame:
    """Observed and expected losses, neighbouring periods joined until enough are expected."""
    alpha, beta = params
    expected = counts.at_risk * alpha / (alpha + beta + counts.tenure - 1)
    # a band per so many expected losses, a dozen at most; the last, short one joins its neighbour
    width = max(FEWEST_EXPECTED, expected.sum() / 12)
    band = np.floor((np.cumsum(expected) - expected) / width)
    table = pd.DataFrame(
        {
            "first": counts.tenure,
            "last": counts.tenure,
            "at_risk": counts.at_risk,
            "ended": counts.ended,
            "expected": expected,
        }
    )
    how = {"first": "min", "last": "max", "at_risk": "sum", "ended": "sum", "expected": "sum"}
    bands = table.groupby(band).agg(how)
    if len(bands) > 1 and bands["expected"].iloc[-1] < FEWEST_EXPECTED:
        joined = [*range(len(bands) - 1), len(bands) - 2]
        bands = bands.groupby(np.array(joined)).agg(how)
    return bands.reset_index(drop=True)


def misplaced_share(bands: pd.DataFrame) -> float:
    """Share of losses, 0–1, that fall into other bands of age than expected."""
    moved = (bands["ended"] - bands["expected"]).abs().sum() / 2
    return float(moved / bands["ended"].sum())


def judge_fit(verdict: Verdict, counts: Exposure, params: FloatArray, llf: float) -> Verdict:
    """Add to the optimiser's verdict what the data say about the model itself."""
    gain = llf - constant_rate_llf(counts)
    reasons, grade = list(verdict.reasons), verdict.grade
    if gain < -SLACK:
        grade = "refused"
        reasons.insert(
            0,
            "a constant rate of loss, which the model contains, fits better by "
            f"{-gain:.3g} log-likelihood units",
        )
    elif gain < NO_GAIN and grade != "refused":
        grade = "weak"
        reasons = [
            "contracts do not differ visibly in their risk: a constant rate of "
            f"{counts.rate:.2%} a period fits as well, alpha and beta mean nothing beyond "
            "their ratio"
        ]
    bands = expected_losses(counts, params)
    chi2 = ((bands["ended"] - bands["expected"]) ** 2 / bands["expected"]).sum()
    misplaced = misplaced_share(bands)
    chance = stats.chi2.sf(chi2, max(len(bands) - 2, 1))
    if chance < MISFIT_P and misplaced > MISFIT:
        grade = "weak" if grade == "good" else grade
        reasons.append(
            f"losses do not follow the model by age: {misplaced:.0%} of them fall into other "
            "ages than expected"
        )
    return replace(verdict, grade=grade, reasons=tuple(reasons))
