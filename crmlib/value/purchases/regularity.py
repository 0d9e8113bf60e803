"""How regular customers' purchases are: the Erlang-k of their interpurchase times.

All models here let an active customer buy at random (k = 1). Regular buyers
(k > 1) betray much sooner that they have left; Platzer & Reutterer (2016),
"Ticking Away the Moments", Marketing Science 35(5), cited as PR, measure k from
the interpurchase times and let it stand for the shape of a gamma distribution.

Given their sum, the interpurchase times of one customer are Dirichlet(k, …, k)
shares of it, whatever the customer's own rate and wherever observation or the
customer's activity ended. k is therefore estimated by maximum likelihood from
the shares, and heavy and light buyers count alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

LARGEST_LOG_K = 12.0


@dataclass(frozen=True)
class Regularity:
    """Regularity of interpurchase times.

    Attributes
    ----------
    k : Interval
        1 for purchases at random, above 1 for regular ones, below 1 for purchases
        in clumps.
    p_value : float
        Of random purchases (k = 1), two-sided, with the error of the interval: the
        95 % interval holds 1 where it is above .05.
    customers, intervals : int
        With two interpurchase times or more, and how many they have.
    """

    k: Interval
    p_value: float
    customers: int
    intervals: int


def purchase_regularity(purchases: pd.DataFrame, level: float = 0.95) -> Regularity:
    """Erlang-k of interpurchase times by conditional maximum likelihood, with its interval.

    Parameters
    ----------
    purchases : DataFrame
        One row per purchase: customer_id, time (a date or a number). Purchases of
        a customer at the same time count once.
    level : float
        Nominal coverage, between 0 and 1. The interval is Wald's on the log scale
        with standard errors that are robust to customers of unequal regularity.

    Raises
    ------
    ValueError
        If a column is missing, a time is missing, or `level` is out of range.
    NotIdentified
        If no customer has three purchases at different times, or all
        interpurchase times of every customer are equal.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    counts, log_shares = _shares(purchases)
    score_at_most = _scores(LARGEST_LOG_K, counts, log_shares).sum()
    if score_at_most > 0:
        raise NotIdentified("every customer buys at equal intervals: k has no upper bound")
    log_k = _solve(counts, log_shares)
    k = float(np.exp(log_k))
    scores = _scores(log_k, counts, log_shares)
    slope = k**2 * (counts**2 * special.polygamma(1, k * counts)).sum()
    slope -= k**2 * special.polygamma(1, k) * counts.sum()
    error = float(np.sqrt((scores**2).sum()) / -slope)
    reach = stats.norm.ppf((1 + level) / 2) * error
    return Regularity(
        k=Interval(k, float(k * np.exp(-reach)), float(k * np.exp(reach)), level),
        p_value=float(2 * stats.norm.sf(abs(log_k) / error)),
        customers=counts.size,
        intervals=int(counts.sum()),
    )


def _shares(purchases: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Interpurchase times of each customer with two or more, and Σ log of their shares."""
    missing = [name for name in ("customer_id", "time") if name not in purchases]
    if missing:
        raise ValueError(f"purchases lack {', '.join(missing)}")
    rows = purchases[["customer_id", "time"]]
    if rows.isna().any(axis=None):
        row = int(rows.isna().any(axis=1).to_numpy().argmax())
        raise ValueError(f"purchases must have a customer and a time: row {row} lacks one")
    rows = rows.drop_duplicates().sort_values(["customer_id", "time"], kind="stable")
    wait = rows.groupby("customer_id", observed=True)["time"].diff()
    if pd.api.types.is_timedelta64_dtype(wait):
        wait = wait / pd.Timedelta(days=1)
    later = wait.notna()
    times = pd.DataFrame(
        {"customer": rows["customer_id"][later], "wait": wait[later].astype(float)}
    )
    times["log"] = np.log(times["wait"])
    totals = times.groupby("customer", observed=True).agg(
        count=("wait", "size"), total=("wait", "sum"), logs=("log", "sum")
    )
    totals = totals[totals["count"] > 1]
    if totals.empty:
        raise NotIdentified("no customer has three purchases at different times")
    counts = totals["count"].to_numpy(dtype=float)
    return counts, totals["logs"].to_numpy() - counts * np.log(totals["total"].to_numpy())


def _scores(log_k: float, counts: FloatArray, log_shares: FloatArray) -> FloatArray:
    """Derivative of each customer's Dirichlet log-density by log k, shape (n_customers,)."""
    k = np.exp(log_k)
    return k * (counts * (special.digamma(k * counts) - special.digamma(k)) + log_shares)


def _solve(counts: FloatArray, log_shares: FloatArray) -> float:
    """Root of the score; it falls in k, so that bisection cannot fail."""
    low, high = -LARGEST_LOG_K, LARGEST_LOG_K
    for _ in range(80):
        middle = (low + high) / 2
        if _scores(middle, counts, log_shares).sum() > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
