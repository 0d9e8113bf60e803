"""Conventional or dynamic: what kind of segmentation this is, by its figures (S7).

Conventional segments are stable, balanced, one-dimensional and made of the company's own
data; dynamic ones are actionable, evolving, hierarchical, multi-dimensional, and take in
data from outside. Neither is asserted: each criterion has a figure and a limit, and is
unknown where the figure is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.segments.audit import FAIL, PASS, UNKNOWN, Audit
from crmlib.segments.distinct import rank_moments
from crmlib.segments.rules import Rules
from crmlib.stats.refusal import Refusal

CONVENTIONAL, DYNAMIC = "conventional", "dynamic"


@dataclass(frozen=True)
class CriteriaRules:
    """From where a criterion reads as dynamic.

    Attributes
    ----------
    evolving : float
        Share of customers who changed their segment since the earlier date.
    balanced : float
        Evenness of sizes (0–1) from which segments count as balanced.
    dimensions : float
        Effective number of dimensions in which segments differ.
    agreement : float
        Agreement of the printed rules with the segments.
    """

    evolving: float = 0.05
    balanced: float = 0.9
    dimensions: float = 1.5
    agreement: float = 0.8


def evenness(sizes: pd.Series) -> float:
    """Effective number of segments over their number: exp(entropy) / K (Hill 1973).

    >>> evenness(pd.Series([5, 5])), evenness(pd.Series([10]))
    (1.0, 1.0)
    """
    share = sizes[sizes > 0] / sizes.sum()
    return round(float(np.exp(-(share * np.log(share)).sum()) / len(sizes)), 12)


def effective_dimensions(segment: pd.Series, figures: pd.DataFrame) -> float:
    """In how many dimensions segments differ: (Σλ)² / Σλ² of the covariance between them.

    Parameters
    ----------
    segment : Series of shape (n_customers,)
    figures : DataFrame of shape (n_customers, n_figures)
        In the same order; ranks are compared, so that units do not matter.

    Notes
    -----
    The participation ratio of the eigenvalues λ; 1 where all segments lie on a line, as
    those of one figure cut into bands do. NaN where they do not differ.
    """
    names, codes = np.unique(segment.to_numpy(dtype=str), return_inverse=True)
    _, means, _ = rank_moments(codes, names.size, figures)
    usable = np.isfinite(means).all(axis=0)
    weights = np.bincount(codes) / codes.size
    centred = means[:, usable] - weights @ means[:, usable]
    eigenvalues = np.linalg.svd(np.sqrt(weights)[:, None] * centred, compute_uv=False) ** 2
    if eigenvalues.sum() <= 1e-12:
        return float("nan")
    return float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())


def conventional_or_dynamic(
    segment: pd.Series,
    figures: pd.DataFrame,
    audit: Audit,
    rules: CriteriaRules,
    *,
    rungs: Sequence[str],
    external: Sequence[str] = (),
    printed: Rules | Refusal | None = None,
    moved: float | None = None,
    appeared: int | None = None,
    vanished: int | None = None,
) -> pd.DataFrame:
    """Each criterion with its figure and reading.

    Parameters
    ----------
    segment : Series of str, shape (n_customers,)
    figures : DataFrame of shape (n_customers, n_figures)
        What the segments could differ in, in the same order.
    audit : Audit
    rules : CriteriaRules
    rungs : sequence of str
        Rungs of the ladder.
    external : sequence of str
        Columns from outside the company that formed the segments.
    printed : Rules, optional
        The rules as printed, with their agreement on held-out customers.
    moved : float, optional
        Share of customers in another segment than at the earlier date.
    appeared, vanished : int, optional
        Segments since then.

    Returns
    -------
    DataFrame
        criterion, conventional, dynamic, figure, unit, reading, sentence.
    """
    agreement = printed.fidelity.agreement.value if isinstance(printed, Rules) else None
    even, wide = evenness(segment.value_counts()), effective_dimensions(segment, figures)
    more = len(rungs) > 1
    own = "one rung" if not more else f"{len(rungs)} rungs: {', '.join(_words(rungs))}"
    outside = f"from outside: {', '.join(_words(external))}" if external else "own data only"
    rows = [
        ("use", "described", "actionable", *_actionable(audit, agreement, rules)),
        ("change", "stable", "evolving", *_evolving(moved, appeared, vanished, rules)),
        ("sizes", "balanced", "of any size", even, "evenness, 1 = equal sizes",
         CONVENTIONAL if even >= rules.balanced else DYNAMIC,
         f"Sizes are as even as {even * segment.nunique():.1f} equal segments' would be, of "
         f"{segment.nunique()}."),
        ("structure", "flat", "hierarchical", len(rungs), "rungs",
         DYNAMIC if more else CONVENTIONAL, f"The ladder has {own}."),
        ("dimensions", "one-dimensional", "multi-dimensional", wide, "effective dimensions",
         UNKNOWN if np.isnan(wide) else DYNAMIC if wide >= rules.dimensions else CONVENTIONAL,
         "Segments do not differ." if np.isnan(wide) else
         f"Segments differ in as many directions as {wide:.1f} independent ones."),
        ("data", "internal", "with outside data", len(external), "outside columns",
         DYNAMIC if external else CONVENTIONAL, f"Formed of {outside}."),
    ]  # fmt: skip
    names = ["criterion", "conventional", "dynamic", "figure", "unit", "reading", "sentence"]
    return pd.DataFrame(rows, columns=names).astype({"figure": float})


def _words(names: Sequence[str]) -> list[str]:
    return [name.replace("_", " ") for name in names]


def _actionable(
    audit: Audit, agreement: float | None, rules: CriteriaRules
) -> tuple[float, str, str, str]:
    """Can be served, can be reached, and can be told by whoever speaks with a customer."""
    unit = "agreement of the printed rules"
    figure = np.nan if agreement is None else agreement
    outcomes = {check: audit.outcome(check) for check in ("capacity", "reachable")}
    failed = [check for check, outcome in outcomes.items() if outcome == FAIL]
    if agreement is not None and agreement < rules.agreement:
        failed.append("rules")
    if failed:
        return figure, unit, CONVENTIONAL, f"Not actionable: {', '.join(failed)} fail."
    open_ = [check for check, outcome in outcomes.items() if outcome != PASS]
    if agreement is None:
        open_.append("rules")
    if open_:
        return figure, unit, UNKNOWN, f"Not known or in doubt: {', '.join(open_)}."
    return figure, unit, DYNAMIC, "Within capacity, reachable, and told by printed rules."


def _evolving(
    moved: float | None, appeared: int | None, vanished: int | None, rules: CriteriaRules
) -> tuple[float, str, str, str]:
    """Customers change segments, and segments come and go."""
    unit = "share of customers in another segment than before"
    if moved is None:
        return np.nan, unit, UNKNOWN, "There is no earlier date to compare with."
    said = f"{100 * moved:.1f}% of customers changed their segment"
    changes = (appeared or 0) + (vanished or 0)
    if appeared is not None or vanished is not None:
        said += f", {appeared or 0} segments appeared and {vanished or 0} vanished"
    reading = DYNAMIC if changes or moved >= rules.evolving else CONVENTIONAL
    return moved, unit, reading, f"{said}."
