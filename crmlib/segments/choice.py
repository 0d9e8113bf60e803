"""How many behaviour segments there are (S1, S4): as many as are stable, and no more.

Stability, separation and what the company can serve decide together. Every number that was
tried is kept with its figures, so that a reader can disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import silhouette_score

from crmlib.segments.clusters import (
    SAMPLE,
    Segmentation,
    checked,
    different_rows,
    drawn_rows,
    fit_on,
    refit,
)
from crmlib.segments.densities import METHODS
from crmlib.segments.stability import GATE, Stability, stability
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_GATE, _SILHOUETTE = 304, 305  # purposes of random streams
_SEEN = 3_000  # customers whose silhouette is taken: it costs the square


@dataclass(frozen=True, eq=False)
class SegmentChoice:
    """How many segments of which kind, and all that were tried.

    Attributes
    ----------
    table : DataFrame
        One row per method and k: method, k, minimum, mean (Jaccard coefficients of the
        segments), ari, replications, sure (minimum less two standard errors), silhouette,
        bic, smallest_share, verdict, within_capacity, passes, chosen.
    chosen : Segmentation
    stability : Stability
        Of the chosen one, by segment.
    reason : str
        Why it was chosen, in sentences.
    most : int
        Segments that the company can serve.
    min_share : float
        Share of customers that the smallest segment must have.
    gate_on : int
        Customers among whom stability was tested.
    fitted_on : int
        Customers whom segments were found on.
    """

    table: pd.DataFrame
    chosen: Segmentation
    stability: Stability
    reason: str
    most: int
    min_share: float
    gate_on: int
    fitted_on: int


def choose_segments(
    matrix: ArrayLike,
    *,
    methods: Sequence[str],
    most: int,
    min_share: float,
    replications: int,
    seed: int,
    sample: int = 50_000,
    gate: int = 10_000,
    keep: int | None = None,
) -> SegmentChoice:
    """Choose how many segments there are, by stability, size, capacity and separation.

    A candidate passes where its weakest segment comes back with a mean Jaccard coefficient
    of at least .75, by two standard errors of the resamples, its smallest segment has
    `min_share` of customers, there are at most `most` segments, and its BIC is lower than
    that of every smaller number of the same method that passes, so that each segment more
    describes something. Of those that pass, the largest number is taken; between two methods
    the one with the higher silhouette. The number that an earlier version had is kept as
    long as its weakest segment has .75 and no larger one passes by four standard errors:
    else chance would change the number from one version to the next.
    Where none passes, the one within size and capacity whose weakest segment is the most
    stable is shown; below .75 it is not fit to go live.

    Parameters
    ----------
    matrix : array of shape (n, p)
        Prepared features, one row per customer, without gaps.
    methods : sequence of {"kmeans", "mixture", "classes"}
    most : int
        Segments that the company can serve, at least 2. One more is tried, to say whether
        it is the company or the customers who set the limit.
    min_share : float
        Between 0 and 1; no less than the smallest group that may be shown.
    replications : int
        Resamples of the gate; a candidate gets fewer where they clearly decide it, the
        chosen one gets all.
    seed : int
    sample, gate : int
        Customers that segments are found on, and among whom stability is tested. Fewer
        make segments look less stable, not more.

    keep : int, optional
        Segments that the earlier version had.

    Returns
    -------
    SegmentChoice

    Raises
    ------
    NotIdentified
        If fewer than two customers differ, or some segment is always too small.
    """
    rows = checked(matrix)
    if most < 2 or not methods:
        raise ValueError("a choice needs a method and at least two segments")
    if different_rows(rows, 2) < 2:
        raise NotIdentified(_alike(len(rows)))
    chosen = rows[drawn_rows(len(rows), sample, seed, SAMPLE)]
    tested = drawn_rows(len(chosen), gate, seed, _GATE)
    seen = drawn_rows(len(chosen), _SEEN, seed, _SILHOUETTE)
    tried: list[_Candidate] = []
    for method in methods:
        for k in range(2, most + 2):
            try:
                found = fit_on(chosen, chosen, method, k, seed)
            except NotIdentified:
                break
            tried.append(_try(found, chosen, tested, seen, replications, seed))
    if not tried:
        raise NotIdentified("the customers who differ are too few for two segments")
    return _decide(tried, rows, chosen[tested], most, min_share, replications, seed, keep)


def _alike(n: int) -> str:
    if n < 2:
        return f"segments need at least two customers, there {'is one' if n else 'is none'}"
    return f"all {n:,} customers behave alike in these features"


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Segments that were tried, and how they do."""

    found: Segmentation
    stability: Stability
    silhouette: float
    bic: float
    smallest: float

    def row(self) -> dict[str, Any]:
        gate = self.stability
        return {
            "method": self.found.method, "k": self.found.k, "minimum": gate.minimum,
            "mean": gate.mean, "ari": gate.ari, "replications": gate.replications,
            "sure": gate.sure, "silhouette": self.silhouette, "bic": self.bic,
            "smallest_share": self.smallest, "verdict": gate.verdict,
        }  # fmt: skip


def _try(
    found: Segmentation,
    rows: FloatArray,
    tested: IntArray,
    seen: IntArray,
    replications: int,
    seed: int,
) -> _Candidate:
    """The gate and the figures beside it, of segments found on these rows."""
    gate = _gate(found, rows[tested], replications, seed, until_clear_of=GATE)
    shown = found.labels[seen]
    apart = silhouette_score(rows[seen], shown) if 1 < len(set(shown)) < len(seen) else np.nan
    bic = found.shape.parameters * np.log(len(rows)) - 2 * found.shape.log_likelihood(rows)
    return _Candidate(found, gate, float(apart), float(bic), found.sizes.min() / len(rows))


def _gate(
    found: Segmentation,
    tested: FloatArray,
    replications: int,
    seed: int,
    until_clear_of: float | None = None,
) -> Stability:
    """The stability of these segments among the customers tested."""
    return stability(
        tested, fit=refit(found.method, found.k), labels=found.predict(tested),
        replications=replications, seed=seed, until_clear_of=until_clear_of,
    )  # fmt: skip


def _decide(
    tried: list[_Candidate],
    rows: FloatArray,
    tested: FloatArray,
    most: int,
    min_share: float,
    replications: int,
    seed: int,
    keep: int | None,
) -> SegmentChoice:
    """Apply the rule until the one it takes was tested in full; place all customers in it."""
    table, best = _ranked(tried, most, min_share, keep)
    while tried[best].stability.replications < replications:
        gate = _gate(tried[best].found, tested, replications, seed)
        tried[best] = replace(tried[best], stability=gate)
        table, best = _ranked(tried, most, min_share, keep)
    found, gate = tried[best].found, tried[best].stability
    whole = replace(found, labels=found.predict(rows))
    reason = _reason(table, best, most, min_share, keep)
    return SegmentChoice(table, whole, gate, reason, most, min_share, len(tested), found.fitted_on)


def _ranked(
    tried: list[_Candidate], most: int, min_share: float, keep: int | None
) -> tuple[pd.DataFrame, int]:
    """All that was tried with what speaks for it, and the row that the rule takes."""
    table = pd.DataFrame([one.row() for one in tried])
    table["within_capacity"] = table["k"] <= most
    allowed = table["within_capacity"] & (table["smallest_share"] >= min_share)
    if not allowed.any():
        raise NotIdentified(
            f"whatever their number, one segment holds less than {min_share:.1%} of customers"
        )
    table["passes"] = _worth(table, allowed & (table["sure"] >= GATE))
    still = allowed & (table["k"] == keep) & (table["minimum"] >= GATE)
    clearly = 2 * table["sure"] - table["minimum"] >= GATE  # by four standard errors
    more = table["passes"] & clearly & (table["k"] > (keep or 0))
    if still.any() and not more.any():
        among, by = table[still], ["silhouette"]
    elif table["passes"].any():
        among, by = table[table["passes"]], ["k", "silhouette"]
    else:
        among, by = table[allowed], ["minimum", "silhouette"]
    best = int(among.sort_values(by, ascending=False, kind="stable").index[0])
    table["chosen"] = table.index == best
    return table, best


def _worth(table: pd.DataFrame, stable: pd.Series) -> pd.Series:
    """Those among the stable whose BIC is lower than with any fewer segments."""
    passes = stable.copy()
    for _, rows in table[stable].groupby("method"):
        lowest = np.inf
        for at, row in rows.sort_values("k").iterrows():
            passes[at] = row["bic"] < lowest
            lowest = min(lowest, row["bic"])
    return passes


def _reason(table: pd.DataFrame, best: int, most: int, min_share: float, keep: int | None) -> str:
    """Why this one, and what stands against one segment more, in sentences."""
    row = table.loc[best]
    k, method = int(row["k"]), METHODS[row["method"]].label
    weakest = f"the weakest has a Jaccard coefficient of {row['minimum']:.2f}"
    if row["minimum"] >= GATE and k == keep:
        return (
            f"{k} segments by {method}, as many as before, still pass: {weakest}, of {GATE} needed."
        )
    if row["minimum"] >= GATE and not row["passes"]:
        return (
            f"No number of segments passes beyond the error of the resamples. {k} by {method} come "
            f"nearest: {weakest}, of {GATE} needed."
        )
    if not row["passes"]:
        return (
            f"No number of segments passes the gate. {k} by {method} come nearest: {weakest} "
            f"({row['verdict']}), and {GATE} are needed. They describe customers and are not fit "
            "to go live."
        )
    # how many the smallest holds is left to the exhibit, which knows what may be shown
    rule = (
        f"{k} segments by {method} are the most that pass: {weakest}, of {GATE} needed, and none "
        f"holds less than {min_share:.1%} of customers."
    )
    return f"{rule} {_next(table, k, str(row['method']), most, min_share)}".strip()


def _next(table: pd.DataFrame, k: int, method: str, most: int, min_share: float) -> str:
    """What stands against one segment more by the same method."""
    more = table[(table["method"] == method) & (table["k"] == k + 1)]
    if more.empty:
        return ""
    row = more.iloc[0]
    if row["minimum"] < GATE:
        return f"With {k + 1} the weakest would have {row['minimum']:.2f} ({row['verdict']})."
    if row["sure"] < GATE:
        return f"With {k + 1} the weakest would have {row['minimum']:.2f}, too near to be sure."
    if row["smallest_share"] < min_share:
        return f"With {k + 1} the smallest would hold less than {min_share:.1%} of customers."
    if k + 1 > most:
        return f"{k + 1} would be stable, too, but {most} are wanted at most."
    return f"{k + 1} would be stable, too, but describe customers no better (BIC)."
