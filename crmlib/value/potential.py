"""How much more customers could bring: share of wallet from outside data (V12).

A wallet is what a customer spends with everybody, estimated by somebody else and
for some customers only. Wallets that cannot be right are counted under a reason;
those with a known wallet are compared with the others, since headroom of all
customers rests on their likeness within a group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified
from crmlib.value.balance import NO_GROUP, group_codes

FloatArray = NDArray[np.float64]

USED, UNKNOWN = "used", "wallet not known"
NOT_POSITIVE, NEGATIVE_SPEND = "wallet not positive", "spend with us negative"
BELOW_SPEND = "wallet below spend with us"
REASONS = (USED, UNKNOWN, NOT_POSITIVE, NEGATIVE_SPEND, BELOW_SPEND)
IMPLAUSIBLE = (NOT_POSITIVE, NEGATIVE_SPEND, BELOW_SPEND)
ALIKE = 0.1  # standardised difference, Austin 2009, Statistics in Medicine 28(25), p. 3087


@dataclass(frozen=True)
class Potential:
    """Share of wallet and headroom by group of customers.

    Attributes
    ----------
    groups : DataFrame, index group
        customers; known (wallet stated), used (and plausible), implausible;
        spend, wallet and headroom = wallet − spend of those used;
        share_of_wallet = spend / wallet with _lo and _hi; mean_headroom per
        customer used; headroom_all = mean headroom × all customers of the group,
        with _lo and _hi: an estimate for as many as are like those used. NaN
        where no wallet can be used, bounds also where only one can.
    share_of_wallet, headroom_all : Interval
        Of the whole base; the sum over groups in which a wallet can be used. A
        group with one such wallet adds its figure and no uncertainty.
    capped : float
        Share of wallet if implausible wallets are taken to be no larger than the
        spend with us: the other reading of them.
    reasons : DataFrame, index reason
        customers, spend, wallet under "used" or the reason why not; all customers.
    not_covered : int
        Customers of groups in which no wallet can be used: without headroom here.
    n : int
        Customers.
    """

    groups: pd.DataFrame
    share_of_wallet: Interval
    headroom_all: Interval
    capped: float
    reasons: pd.DataFrame
    not_covered: int
    n: int


def potential(
    spend: ArrayLike,
    wallet: ArrayLike,
    groups: ArrayLike,
    *,
    replications: int,
    seed: int,
    level: float,
) -> Potential:
    """Share of wallet and headroom, in total and by decile or segment.

    Parameters
    ----------
    spend : array of shape (n_customers,)
        Spend with us, money over the wallet's period.
    wallet : array of shape (n_customers,)
        Spend with everybody, same unit and period; missing where not known.
    groups : array of shape (n_customers,)
        Value decile or segment; a missing one forms the group "not stated".
    replications, seed, level
        Bootstrap over the customers used within each group, nominal coverage.
        The interval holds sampling alone, not the error of the wallets.

    Raises
    ------
    ValueError
        If columns differ in length, a spend is not finite or a wallet infinite.
    NotIdentified
        If no wallet can be used.
    """
    ours, theirs = np.asarray(spend, dtype=float), np.asarray(wallet, dtype=float)
    codes, names = group_codes(groups)
    reason = wallet_reasons(ours, theirs)
    if codes.shape != ours.shape:
        raise ValueError(f"groups has shape {codes.shape} where {ours.shape} was expected")
    used = reason == USED
    if not used.any():
        raise NotIdentified("no wallet can be used: none of those known is plausible")
    frame = pd.DataFrame({"spend": ours, "wallet": theirs, "reason": reason})
    parts = {name: frame[codes == code] for code, name in enumerate(names)}
    drawn = {
        name: _resampled(part[part["reason"] == USED], replications, generator(seed, code))
        for code, (name, part) in enumerate(parts.items())
    }
    rows = {name: _row(parts[name], drawn[name], level) for name in names}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")
    covered = [name for name in names if rows[name]["used"]]
    share, headroom = _whole(table.loc[covered], {n: drawn[n] for n in covered}, level)
    return Potential(
        groups=table,
        share_of_wallet=share,
        headroom_all=headroom,
        capped=_capped(frame),
        reasons=_by_reason(frame),
        not_covered=int(table["customers"].sum() - table.loc[covered, "customers"].sum()),
        n=len(frame),
    )


def wallet_reasons(spend: ArrayLike, wallet: ArrayLike) -> NDArray[np.object_]:
    """For each customer "used", or the reason why the wallet cannot be.

    Parameters
    ----------
    spend, wallet : arrays of shape (n_customers,)
        As for `potential`.
    """
    ours, theirs = np.asarray(spend, dtype=float), np.asarray(wallet, dtype=float)
    if ours.ndim != 1 or ours.size == 0 or ours.shape != theirs.shape:
        raise ValueError(f"spend and wallet have shapes {ours.shape} and {theirs.shape}")
    if not np.isfinite(ours).all() or np.isinf(theirs).any():
        raise ValueError("spend must be finite, and wallet finite or missing")
    rules = [np.isnan(theirs), theirs <= 0, ours < 0, theirs < ours]
    found = np.select(rules, range(1, len(REASONS)), 0)
    return np.array(REASONS, dtype=object)[found]


def compare_known(customers: pd.DataFrame, known: ArrayLike) -> pd.DataFrame:
    """How far customers with a known wallet are like the others.

    Parameters
    ----------
    customers : DataFrame of shape (n_customers, n_columns)
        What both are compared by: spend, value, tenure, region; categories are
        compared level by level, a missing one being a level of its own.
    known : array of bool, shape (n_customers,)

    Returns
    -------
    DataFrame
        column, level (empty for numbers), known, others (means, or shares of the
        level), difference (standardised: over the root of the mean of both
        variances; NaN where neither varies but means differ), alike (|difference|
        < 0.1), n_known, n_others (with the column stated), and of these
        level_known, level_others (of the level; all of them for numbers).

    Raises
    ------
    NotIdentified
        If all wallets are known, or none: there is nobody to compare.
    """
    mask = np.asarray(known, dtype=bool)
    if mask.shape != (len(customers),):
        raise ValueError(f"known has shape {mask.shape} for {len(customers)} customers")
    if mask.all() or not mask.any():
        raise NotIdentified(f"{mask.sum()} of {mask.size} wallets are known: nothing to compare")
    rows = []
    for name, column in customers.items():
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            rows.append({"column": name, "level": "", **_difference(column.to_numpy(float), mask)})
            continue
        stated = column.astype(object).where(column.notna(), NO_GROUP).astype(str)
        for level in sorted(stated.unique()):
            member = (stated == level).to_numpy(float)
            sizes = {"level_known": member[mask].sum(), "level_others": member[~mask].sum()}
            rows.append({"column": name, "level": level, **_difference(member, mask), **sizes})
    return pd.DataFrame(rows).astype({"level_known": int, "level_others": int})


def _difference(values: FloatArray, known: NDArray[np.bool_]) -> dict[str, float | bool]:
    """Means of both sides and their standardised difference."""
    ours, others = (side[~np.isnan(side)] for side in (values[known], values[~known]))
    if not ours.size or not others.size:
        means, gap = (np.nan, np.nan), np.nan
    else:
        means = (float(ours.mean()), float(others.mean()))
        spread = float(np.sqrt((ours.var() + others.var()) / 2))
        same = means[0] == means[1]
        gap = 0.0 if same else (means[0] - means[1]) / spread if spread > 0 else np.nan
    return {
        "known": means[0],
        "others": means[1],
        "difference": gap,
        "alike": bool(abs(gap) < ALIKE),
        "n_known": ours.size,
        "n_others": others.size,
        "level_known": ours.size,
        "level_others": others.size,
    }


def _resampled(used: pd.DataFrame, replications: int, rng: np.random.Generator) -> FloatArray:
    """Mean spend and mean wallet in resamples of a group, shape (replications, 2)."""
    # of one customer a resample says nothing about the spread
    if len(used) < 2:
        return np.full((replications, 2), np.nan)
    sums = used[["spend", "wallet"]].to_numpy()
    weights = bootstrap_weights(len(used), replications, rng)
    return np.array([sizes @ sums for sizes in weights]) / len(used)


def _row(part: pd.DataFrame, drawn: FloatArray, level: float) -> dict[str, float]:
    used = part[part["reason"] == USED]
    ours, theirs, size = float(used["spend"].sum()), float(used["wallet"].sum()), len(used)
    share = ours / theirs if size else np.nan
    mean = (theirs - ours) / size if size else np.nan
    of_wallet = _interval(share, drawn[:, 0] / drawn[:, 1], level)
    ahead = _interval(mean * len(part), (drawn[:, 1] - drawn[:, 0]) * len(part), level)
    return {
        "customers": len(part),
        "known": int((part["reason"] != UNKNOWN).sum()),
        "used": size,
        "implausible": int(part["reason"].isin(IMPLAUSIBLE).sum()),
        "spend": ours,
        "wallet": theirs,
        "headroom": theirs - ours,
        "share_of_wallet": share,
        "share_of_wallet_lo": of_wallet.lo,
        "share_of_wallet_hi": of_wallet.hi,
        "mean_headroom": mean,
        "headroom_all": ahead.value,
        "headroom_all_lo": ahead.lo,
        "headroom_all_hi": ahead.hi,
    }


def _whole(
    table: pd.DataFrame, drawn: dict[object, FloatArray], level: float
) -> tuple[Interval, Interval]:
    """Share of wallet of those used, and headroom of all customers of their groups."""
    # a group of one customer has no spread of its own and stays as it is
    filled = {
        name: np.where(np.isnan(draws), _means(table.loc[name]), draws)
        for name, draws in drawn.items()
    }
    sums = sum(draws * table.loc[name, "used"] for name, draws in filled.items())
    ahead = sum(
        (draws[:, 1] - draws[:, 0]) * table.loc[name, "customers"] for name, draws in filled.items()
    )
    share = float(table["spend"].sum() / table["wallet"].sum())
    single = (table["used"] < 2).all()
    bounds = [sums[:, 0] / sums[:, 1], ahead] if not single else [np.array([np.nan])] * 2
    return (
        _interval(share, bounds[0], level),
        _interval(float(table["headroom_all"].sum()), bounds[1], level),
    )


def _means(row: pd.Series) -> FloatArray:
    return np.array([row["spend"], row["wallet"]]) / row["used"]


def _interval(value: float, draws: FloatArray, level: float) -> Interval:
    """Percentile interval, without bounds where the draws have none."""
    if np.isnan(draws).any():
        return Interval(float(value), np.nan, np.nan, level)
    return percentile_interval(value, draws, level)


def _capped(frame: pd.DataFrame) -> float:
    """Share of wallet with every stated wallet at least as large as the spend with us."""
    known = frame[frame["reason"].isin([USED, NOT_POSITIVE, BELOW_SPEND]) & (frame["spend"] >= 0)]
    wallet = np.maximum(known["spend"], known["wallet"]).sum()
    return float(known["spend"].sum() / wallet) if wallet > 0 else float("nan")


def _by_reason(frame: pd.DataFrame) -> pd.DataFrame:
    groups = frame.groupby("reason")
    table = groups[["spend", "wallet"]].sum().assign(customers=groups.size())
    order = pd.Index(REASONS, name="reason")
    table = table.reindex(order).fillna(0.0).astype({"customers": int})
    return table[["customers", "spend", "wallet"]]
