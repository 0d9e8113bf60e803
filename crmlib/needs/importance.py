"""How much each attribute matters, and what people would pay for it (N2).

Importance is the range of part-worths within an attribute over the sum of the ranges: it
depends on the levels that were shown. Willingness to pay is a ratio of coefficients; its
interval is Krinsky & Robb's (1986, *Review of Economics and Statistics* 68:715), with the delta
method beside it. Where more price is not clearly worse the ratio says nothing, and is not taken.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.needs.choice_coding import ChoiceCoding
from crmlib.needs.preferences import Preferences, figures

FloatArray = NDArray[np.float64]


def importance(preferences: Preferences, *, level: float = 0.95) -> pd.DataFrame:
    """Share of each attribute in the ranges of part-worths.

    Parameters
    ----------
    preferences : Preferences
        ``model.preferences()``.
    level : float
        Nominal coverage of the intervals.

    Returns
    -------
    DataFrame with columns group, attribute, value, lower, upper
        Shares 0–1 that sum to 1 in each group; "all" is the mean of people's shares. Of a
        number the range is between the lowest and the highest that was shown.
    """
    coding = preferences.coding
    names = [attribute.name for attribute in coding.attributes]
    levels = [coding.at_levels(name) for name in names]

    def shares(people: FloatArray) -> FloatArray:
        ranges = np.stack([np.ptp(people @ rows.T, axis=-1) for rows in levels], axis=-1)
        total = ranges.sum(axis=-1, keepdims=True)
        return np.divide(ranges, total, out=np.full_like(ranges, 1 / len(names)), where=total > 0)

    return figures(preferences, shares, pd.Index(names, name="attribute"), level)


def willingness_to_pay(
    preferences: Preferences, price: str, *, level: float = 0.95
) -> pd.DataFrame:
    """What one unit of an attribute, or a level against the base level, is worth in money.

    Parameters
    ----------
    preferences : Preferences
        ``model.preferences()``. Respondents are averaged first: the figure is what the
        average person's part-worths say, since ratios of single people have no mean.
    price : str
        The attribute, a number, that is paid.
    level : float
        Nominal coverage of the intervals.

    Returns
    -------
    DataFrame with columns group, attribute, level, value, lower, upper, std_err, delta_lower, \
delta_upper, reason
        In units of the price. NaN, with the reason, where the price's coefficient is not
        below 0 by its interval.

    Raises
    ------
    ValueError
        If the price is not an attribute in numbers.
    """
    coding = preferences.coding
    if coding.attribute(price).levels:
        raise ValueError(f"the price {price!r} must be a number, not levels")
    one = preferences.averaged if preferences.sampled else preferences
    keys, rows = _against_base(coding, price)
    cost = np.eye(len(coding.names))[coding.place(price).start]
    tables = []
    for at, group in enumerate(one.groups):
        named = {
            "group": [group] * len(keys),
            "attribute": [attribute for attribute, _ in keys],
            "level": [shown for _, shown in keys],
        }
        found = _ratios(
            one.coefficients[at], one.covariance[at], one.draws[:, at], rows, cost, level
        )
        tables.append(pd.DataFrame(named | found))
    return pd.concat(tables, ignore_index=True)


def _against_base(coding: ChoiceCoding, price: str) -> tuple[list[tuple[str, str]], FloatArray]:
    """One unit of each number but the price, each level less the base level; (n, p)."""
    keys: list[tuple[str, str]] = []
    rows = []
    for attribute in coding.attributes:
        if attribute.name == price:
            continue
        if attribute.levels:
            at = coding.at_levels(attribute.name)
            base, *others = attribute.levels
            keys += [(attribute.name, f"{other} instead of {base}") for other in others]
            rows.append(at[1:] - at[0])
        else:
            keys.append((attribute.name, "per unit"))
            rows.append(np.eye(len(coding.names))[coding.place(attribute.name)])
    if not rows:
        raise ValueError("there is no attribute but the price")
    return keys, np.vstack(rows)


def _ratios(
    coefficients: FloatArray,
    covariance: FloatArray,
    draws: FloatArray,
    rows: FloatArray,
    cost: FloatArray,
    level: float,
) -> dict[str, object]:
    """−worth / cost of each row of contrasts, with both intervals."""
    columns = ["value", "lower", "upper", "std_err", "delta_lower", "delta_upper"]
    reach = stats.norm.ppf((1 + level) / 2)
    price, error = cost @ coefficients, np.sqrt(cost @ covariance @ cost)
    if not price + reach * error < 0:
        seems = "positive" if price > 0 else "not clearly below zero"
        reason = f"the price coefficient is {seems}: {price:.3g} ± {reach * error:.2g}"
        return dict.fromkeys(columns, np.nan) | {"reason": reason}
    value = -(rows @ coefficients) / price
    # d(−a/b) = −(da + value·db)/b
    slopes = -(rows + value[:, None] * cost) / price
    delta = np.sqrt(np.einsum("ij,jk,ik->i", slopes, covariance, slopes))
    ratios = -(draws @ rows.T) / (draws @ cost)[:, None]
    lower, upper = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], axis=0)
    bounds = [value, lower, upper, delta, value - reach * delta, value + reach * delta]
    return dict(zip(columns, bounds, strict=True)) | {"reason": ""}
