"""What a way of choosing customers is worth, and whether it beats chance (R7).

Every customer is judged by a policy that was fitted without them, by doubly robust scores
(Robins, Rotnitzky & Zhao 1994; Athey & Wager 2021, *Econometrica* 89:133). Who chooses a third
of customers is held against drawing a third by lot: a policy that merely contacts fewer, or
more, has chosen nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

RULE, EVERYBODY = "rule", "everybody"


def doubly_robust(
    outcome: FloatArray,
    treated: BoolArray,
    propensity: FloatArray,
    expected: tuple[FloatArray, FloatArray],
) -> FloatArray:
    """Unbiased score of each customer's effect, shape (n,).

    Parameters
    ----------
    outcome, treated, propensity : arrays of shape (n,)
    expected : arrays of shape (n,)
        Outcome foretold without and with treatment, from customers other than these.

    Notes
    -----
    m1 − m0 + T(Y − m1)/e − (1 − T)(Y − m0)/(1 − e). With e known it is unbiased whatever m is;
    the better m, the less it scatters.
    """
    without, with_ = expected
    arms = np.where(
        treated, (outcome - with_) / propensity, -(outcome - without) / (1 - propensity)
    )
    return with_ - without + arms


def against_random(chosen: BoolArray, worth: FloatArray, fold: NDArray[np.intp]) -> FloatArray:
    """Terms whose mean is a policy's value beyond random targeting at equal depth, shape (n,).

    Notes
    -----
    E[πΓ] − E[π]E[Γ] is the covariance of choice and worth. Depth and mean worth are those of
    each fold, in which the policy is one and the same; estimated over all folds, they would let
    depths that differ by chance look like choice.
    """
    terms = np.empty(len(worth))
    for each in np.unique(fold):
        own = fold == each
        centred = chosen[own] - chosen[own].mean()
        # the covariance of few customers is too small by one of them
        size = own.sum() / max(own.sum() - 1, 1)
        terms[own] = size * centred * (worth[own] - worth[own].mean())
    return terms


def interval(terms: FloatArray, level: float) -> tuple[float, float, float]:
    """Mean of terms that are independent but for means taken off, with normal bounds."""
    mean = float(terms.mean())
    reach = float(stats.norm.ppf((1 + level) / 2) * terms.std(ddof=1) / np.sqrt(len(terms)))
    return mean, mean - reach, mean + reach


def policy_values(
    chosen: Mapping[str, BoolArray], worth: FloatArray, fold: NDArray[np.intp], level: float
) -> pd.DataFrame:
    """Value of each policy, against nobody, random targeting and the rule.

    Returns
    -------
    DataFrame
        policy, depth, value, lo, hi (money per customer of the trial, against contacting
        nobody), against_random and against_rule with _lo and _hi; empty where a policy contacts
        all or none in every fold, and for the rule itself.
    """
    rows = []
    terms = {name: against_random(who, worth, fold) for name, who in chosen.items()}
    for name, who in chosen.items():
        row: dict[str, object] = {"policy": name, "depth": float(who.mean())}
        row |= _named("value", interval(who * worth, level))
        told = chooses_some(who, fold)
        row |= _named("against_random", interval(terms[name], level) if told else (np.nan,) * 3)
        paired = told and name != RULE and RULE in chosen
        row |= _named(
            "against_rule",
            interval(terms[name] - terms[RULE], level) if paired else (np.nan,) * 3,
        )
        rows.append(row)
    return pd.DataFrame(rows).rename(columns={"value_lo": "lo", "value_hi": "hi"})


def chooses_some(who: BoolArray, fold: NDArray[np.intp]) -> bool:
    """Whether a policy contacts some and not all, in any fold."""
    return any(0 < who[fold == each].mean() < 1 for each in np.unique(fold))


def _named(name: str, found: tuple[float, ...]) -> dict[str, float]:
    return dict(zip((name, f"{name}_lo", f"{name}_hi"), found, strict=True))


def recommended(
    chosen: Mapping[str, BoolArray], worth: FloatArray, fold: NDArray[np.intp], level: float
) -> tuple[str | None, str]:
    """The simplest policy that is shown to choose and to pay, and why.

    Parameters
    ----------
    chosen : mapping of policy to array of shape (n,)
        The rule first, then learners, the simplest first.
    level : float
        1 less the rate at which anything is recommended though nothing works.

    Notes
    -----
    Half of the rate α = 1 − level goes to the rule, whose intervals have the level itself; the
    other half is shared by the k others, contacting everybody among them, whose intervals have
    1 − α/k. So on a null trial some lower end lies above zero with a chance of at most α
    (Bonferroni). A policy needs two of them: against random targeting at equal depth and against
    contacting nobody. A learner replaces the rule only if its paired interval against it does
    so, too.
    """
    each = 1 - (1 - level) / (len(chosen) if RULE in chosen else len(chosen) + 1)
    own = {name: level if name == RULE else each for name in chosen}
    average = interval(worth, each)
    terms = {name: against_random(who, worth, fold) for name, who in chosen.items()}
    shown = [
        name
        for name, who in chosen.items()
        if chooses_some(who, fold)
        and interval(terms[name], own[name])[1] > 0
        and interval(who * worth, own[name])[1] > 0
    ]
    if shown:
        best = shown[0]
        for name in shown[1:]:
            if interval(terms[name] - terms[best], each)[1] > 0:
                best = name
        if interval(~chosen[best] * worth, each)[1] > 0:
            return EVERYBODY, "whom it would leave out is worth contacting, too"
        return best, "it beats random targeting of as many, and costs less than it brings"
    if average[1] > 0:
        return EVERYBODY, "contacting pays on average, and no way of choosing is shown to"
    if average[2] < 0:
        return None, "contacting costs more than it brings, and no way of choosing is shown to pay"
    return None, "neither contacting everybody nor any way of choosing is shown to pay"
