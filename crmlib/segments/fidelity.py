"""How often rules agree with the segments themselves, and with what is achievable (S3).

Both are counted on customers of whom neither the rules nor the flexible classifier have
learned. The classifier, a random forest (Breiman 2001, *Machine Learning* 45:5), says what
the same figures could tell at best; the share of it that rules lose is the price of being
readable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.ensemble import RandomForestClassifier

from crmlib.stats.bootstrap import generator
from crmlib.stats.intervals import Interval, percentile_interval

IntArray = NDArray[np.int64]

MOST_LEARNED = 20_000  # customers of whom the flexible classifier learns
TREES = 200
_LOST = 42  # a stream of random numbers of its own


@dataclass(frozen=True)
class Fidelity:
    """Agreement with the segments, on held-out customers.

    Attributes
    ----------
    agreement : Interval
        Share of customers whom the rules put into their own segment (Wilson 1927).
    ceiling : Interval
        The same of the flexible classifier.
    lost : Interval
        Share of the ceiling that the rules lose, by bootstrap over customers, paired.
    naive : float
        What everybody in the largest segment would give.
    by_segment : DataFrame
        segment, held_out, found (share of its customers whom the rules put into it),
        placed (customers whom they put into it), right (share of these who belong).
    n : int
        Customers held out.
    """

    agreement: Interval
    ceiling: Interval
    lost: Interval
    naive: float
    by_segment: pd.DataFrame
    n: int


def wilson(right: int, n: int, level: float) -> Interval:
    """Interval of a share by inverting the score test (Wilson 1927, JASA 22:209, p. 210).

    >>> found = wilson(81, 263, 0.95)
    >>> round(found.lo, 4), round(found.hi, 4)
    (0.2553, 0.3662)
    """
    z = stats.norm.ppf((1 + level) / 2)
    share = right / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Interval(share, float(max(centre - half, 0)), float(min(centre + half, 1)), level)


def measure_fidelity(
    features: pd.DataFrame,
    codes: IntArray,
    placed: IntArray,
    names: ArrayLike,
    *,
    learn: IntArray,
    out: IntArray,
    replications: int,
    level: float,
    seed: int,
) -> Fidelity:
    """Count agreement on held-out customers.

    Parameters
    ----------
    features : DataFrame of shape (n_customers, n_features)
    codes, placed : int arrays of shape (n_customers,)
        Own segment, and segment by the rules, as positions in `names`.
    learn, out : int arrays
        Positions of customers of whom may be learned, and who are held out.
    """
    labels = np.asarray(names, dtype=object)
    learned = learn[:MOST_LEARNED]
    # a figure that nobody has is nothing to learn from
    told = features.loc[:, features.iloc[learned].notna().any()].to_numpy()
    forest = RandomForestClassifier(TREES, random_state=seed)
    guessed = forest.fit(told[learned], codes[learned])
    best = guessed.predict(told[out]) == codes[out]
    ours = placed[out] == codes[out]
    largest = np.bincount(codes[learn]).argmax()
    return Fidelity(
        agreement=wilson(int(ours.sum()), out.size, level),
        ceiling=wilson(int(best.sum()), out.size, level),
        lost=_lost(ours, best, replications, level, seed),
        naive=float((codes[out] == largest).mean()),
        by_segment=_by_segment(codes[out], placed[out], labels),
        n=out.size,
    )


def _lost(
    ours: NDArray[np.bool_], best: NDArray[np.bool_], replications: int, level: float, seed: int
) -> Interval:
    """1 − agreement / ceiling; customers drawn anew are counts of four kinds."""
    kinds = np.bincount(2 * ours.astype(int) + best, minlength=4)
    drawn = generator(seed, _LOST).multinomial(kinds.sum(), kinds / kinds.sum(), replications)
    right, most = drawn[:, 2] + drawn[:, 3], drawn[:, 1] + drawn[:, 3]
    value = 1 - ours.sum() / max(best.sum(), 1)
    return percentile_interval(value, 1 - right / np.maximum(most, 1), level)


def _by_segment(own: IntArray, placed: IntArray, names: NDArray[np.object_]) -> pd.DataFrame:
    """Found and right, segment by segment, of held-out customers."""
    there, put = (np.bincount(codes, minlength=names.size) for codes in (own, placed))
    both = np.bincount(own[own == placed], minlength=names.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        found, right = both / there, both / put
    return pd.DataFrame(
        {"segment": names, "held_out": there, "found": found, "placed": put, "right": right}
    )
