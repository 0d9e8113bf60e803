"""How many benefit segments a survey shows (N1).

Three readings stand side by side: BIC, which finds the true number where the model holds;
ICL, which also asks that people can be told apart; and the bootstrap likelihood-ratio test of
one class more (McLachlan 1987, *Applied Statistics* 36:318), whose statistic has no known
distribution. None of them knows how many segments a company can serve.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.needs.answers import MISSING, Patterns, read_answers
from crmlib.needs.latent_class import LatentClass
from crmlib.stats.bootstrap import generator
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

_SIMULATED = 2  # purpose of random streams
# Of log-likelihood, left below a summit. A number of classes that is too large has a long
# plateau: its last digits take most of the steps and move no BIC, whose differences are
# whole numbers. The classes that are chosen are climbed to the end.
_ROUGH = 1e-4
# In simulated surveys gains are counted that are as large as one of some tens.
_ROUGH_SIMULATED = 1e-3


@dataclass(frozen=True, eq=False)
class ClassChoice:
    """All numbers of classes that were tried.

    Attributes
    ----------
    table : DataFrame
        One row for each k: k, llf, n_parameters, bic, icl, entropy_r2, classification_error,
        smallest_share, reached, starts, chosen.
    models : dict of int to LatentClass
    chosen : LatentClass
        With the lowest BIC among those whose smallest class is large enough.
    """

    table: pd.DataFrame
    models: dict[int, LatentClass]
    chosen: LatentClass


def choose_classes(
    items: pd.DataFrame,
    *,
    most: int,
    min_share: float = 0.0,
    weights: ArrayLike | None = None,
    ordinal: Sequence[Hashable] = (),
    n_init: int = 10,
    random_state: int = 0,
) -> ClassChoice:
    """Fit 1 to `most` classes and take the number with the lowest BIC.

    Parameters
    ----------
    items, weights, ordinal, n_init, random_state
        As for `LatentClass`.
    most : int
        Classes at most; fewer are tried where there are fewer different sheets.
    min_share : float
        Of the population in the smallest class of a number that may be chosen.

    Raises
    ------
    NotIdentified
        As `LatentClass.fit`.
    """
    if most < 1:
        raise ValueError("most must be at least 1")
    patterns = read_answers(items, ordinal, weights)
    models: dict[int, LatentClass] = {}
    for k in range(1, min(most, len(patterns.codes)) + 1):
        model = LatentClass(k, n_init, random_state, ordinal, _ROUGH)
        models[k] = model.fit_patterns(patterns, items.index)
    allowed = {k: m.bic for k, m in models.items() if m.shares.min() >= min_share}
    best = min(allowed, key=allowed.__getitem__)
    chosen = LatentClass(best, n_init, random_state, ordinal)
    models[best] = chosen.fit_patterns(patterns, items.index)
    table = pd.DataFrame([_row(model) for model in models.values()])
    table["chosen"] = table["k"] == best
    return ClassChoice(table, models, chosen)


def _row(model: LatentClass) -> dict[str, float | int]:
    return {
        "k": model.n_classes, "llf": model.llf, "n_parameters": model.n_parameters,
        "bic": model.bic, "icl": model.icl, "entropy_r2": model.entropy_r2,
        "classification_error": model.classification_error,
        "smallest_share": float(model.shares.min()), "reached": model.reached,
        "starts": len(model.starts),
    }  # fmt: skip


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """Whether one class more describes answers better than chance alone would.

    Attributes
    ----------
    k : int
        Classes of the null model; the other has one more.
    statistic : float
        Twice the gain in log-likelihood.
    p_value : float
        (b + 1) / (B + 1), b of B simulated surveys with as large a gain.
    replications : int
    """

    k: int
    statistic: float
    p_value: float
    replications: int


def likelihood_ratio_test(
    items: pd.DataFrame,
    k: int,
    *,
    replications: int = 99,
    weights: ArrayLike | None = None,
    ordinal: Sequence[Hashable] = (),
    n_init: int = 10,
    n_init_simulated: int = 3,
    random_state: int = 0,
    fitted: Mapping[int, LatentClass] | None = None,
) -> LikelihoodRatioTest:
    """Parametric bootstrap of k classes against k + 1.

    Surveys are simulated from the k classes, with the same weights and the same answers
    missing. Both models are fitted to each, so that chance summits count on both sides.

    Parameters
    ----------
    items, weights, ordinal, n_init, random_state
        As for `LatentClass`.
    n_init_simulated : int
        Starts in each simulated survey. Too few for k + 1
        make the test reject too often.
    fitted : mapping of number of classes to LatentClass, optional
        Fits of these very items with these settings that are there already.

    Raises
    ------
    NotIdentified
        As `LatentClass.fit`, in the survey itself.
    """
    if replications < 1:
        raise ValueError("a test needs replications")
    patterns = read_answers(items, ordinal, weights)

    def fit(sheets: Patterns, classes: int, starts: int, tolerance: float) -> LatentClass:
        one = LatentClass(classes, starts, random_state, ordinal, tolerance)
        return one.fit_patterns(sheets)

    null, more = (
        (fitted or {}).get(classes) or fit(patterns, classes, n_init, _ROUGH)
        for classes in (k, k + 1)
    )
    gain = 2 * (more.llf - null.llf)
    rng = generator(random_state, _SIMULATED, k)
    larger = 0
    for _ in range(replications):
        simulated = _simulated(null, patterns, rng)
        try:
            gains = [fit(simulated, c, n_init_simulated, _ROUGH_SIMULATED).llf for c in (k, k + 1)]
        except NotIdentified:  # fewer different sheets than classes: nothing to be gained
            continue
        larger += 2 * (gains[1] - gains[0]) >= gain
    return LikelihoodRatioTest(k, gain, (larger + 1) / (replications + 1), replications)


def _simulated(model: LatentClass, patterns: Patterns, rng: np.random.Generator) -> Patterns:
    """A survey of the same people, in which the model is true."""
    rows = np.flatnonzero(patterns.index >= 0)
    asked = patterns.codes[patterns.index[rows]] != MISSING
    shares, table = model.shares.to_numpy(), model.item_probabilities.to_numpy()
    who = rng.choice(len(shares), rows.size, p=shares / shares.sum())
    codes = np.full(asked.shape, MISSING, dtype=np.int64)
    first = 0
    for j, item in enumerate(patterns.items):
        chances = table[first : first + len(item.levels)].cumsum(axis=0)
        first += len(item.levels)
        drawn = (rng.random(rows.size) > chances[:-1, who]).sum(axis=0)
        codes[:, j] = np.where(asked[:, j], drawn, MISSING)
    return patterns.of_codes(codes, patterns.each[rows])


def one_class_more(
    tried: ClassChoice,
    items: pd.DataFrame,
    *,
    replications: int,
    weights: ArrayLike | None = None,
) -> LikelihoodRatioTest:
    """Whether the number chosen would gain by one class more; settings as in its fit.

    Raises
    ------
    NotIdentified
        If no replications are asked for.
    """
    if replications == 0:
        raise NotIdentified("no test of one class more is asked for")
    model = tried.chosen
    return likelihood_ratio_test(
        items, model.n_classes, replications=replications, weights=weights,
        ordinal=model.ordinal, n_init=model.n_init, random_state=model.random_state,
        fitted=tried.models,
    )  # fmt: skip
