"""Who is in which benefit segment, by customer columns (N1, the third step).

A respondent's likeliest class is not always theirs, and a table of customer columns by
likeliest class therefore shows classes more alike than they are. Means and shares are
corrected after Bolck, Croon & Hagenaars (2004), *Political Analysis* 12:3, in the form of
Vermunt (2010), *Political Analysis* 18:450.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, norm

from crmlib.stats.multiplicity import holm
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal, attempt

FloatArray = NDArray[np.float64]
_FEWEST = 10  # respondents with a word that is told by itself
_MOST_LEVELS = 20
_OTHERS = "others"
_MOST_CONDITION = 1e4  # condition of the classification table beyond which it cannot be inverted


@dataclass(frozen=True)
class Described:
    """Customer columns by class, corrected for classification error.

    Attributes
    ----------
    table : DataFrame
        One row per column, level and class: column, level ("mean" of a numeric column),
        class, value (mean in the column's unit or share 0–1), lower, upper, all (over all
        classes), p (Wald test that classes are equal, corrected by Holm over columns).
    classification : DataFrame of shape (n_classes, n_classes)
        Probability of being assigned to the column's class for members of the row's class.
    n_linked, n_asked : int
        Respondents with a known customer, and all.
    level : float
        Nominal coverage.
    left_out : dict of str to str
        Columns that are not described, with the reason.
    """

    table: pd.DataFrame
    classification: pd.DataFrame
    n_linked: int
    n_asked: int
    level: float
    left_out: dict[str, str]


def classification_table(posterior: pd.DataFrame, weights: ArrayLike | None = None) -> pd.DataFrame:
    """Probability of each likeliest class given the true class (Vermunt 2010, eq. 6).

    Parameters
    ----------
    posterior : DataFrame of shape (n, n_classes)
    weights : array of shape (n,), optional

    Raises
    ------
    NotIdentified
        Where nobody is assigned to a class, or classes cannot be told apart.
    """
    assigned = _assigned(posterior)
    empty = posterior.columns[assigned.sum(axis=0) == 0]
    if len(empty):
        raise NotIdentified(f"nobody is assigned to {empty[0]}: it cannot be described")
    weighted = posterior.to_numpy(dtype=float) * _weights(weights, len(posterior))[:, None]
    table = weighted.T @ assigned / weighted.sum(axis=0)[:, None]
    if np.linalg.cond(table) > _MOST_CONDITION:
        raise NotIdentified("the classes cannot be told apart from who is assigned to them")
    return pd.DataFrame(table, index=posterior.columns, columns=posterior.columns)


def described(
    posterior: pd.DataFrame,
    columns: pd.DataFrame,
    weights: ArrayLike | None = None,
    *,
    level: float,
) -> Described:
    """Means and shares of customer columns by latent class (BCH).

    Standard errors are a sandwich over respondents, who may have negative BCH weights; the
    classification table is taken as known, which makes intervals a little wide (97 % where
    95 % are asked for, in simulated surveys of 250). Intervals of shares are cut at 0 and 1.

    Parameters
    ----------
    posterior : DataFrame of shape (n, n_classes)
        Probability of each class, index respondent.
    columns : DataFrame of shape (n_linked, n_columns)
        Numbers are described by means, anything else by shares; index respondent. Missing
        values are left out column by column; words that few have are told together.
    weights : array of shape (n,), optional
        Survey weights in the order of `posterior`.
    level : float
        Nominal coverage of the intervals.

    Raises
    ------
    NotIdentified
        Where a class cannot be described, or no column can; says why.
    """
    errors = classification_table(posterior, weights)
    shares = _assigned(posterior) @ np.linalg.inv(errors.to_numpy())
    bch = pd.DataFrame(
        shares * _weights(weights, len(posterior))[:, None],
        index=posterior.index,
        columns=posterior.columns,
    )
    linked = posterior.index.isin(columns.dropna(how="all").index)
    known = columns.reindex(posterior.index[linked])
    tried = {name: attempt(_column, known[name], bch.loc[linked], level) for name in known}
    left_out = {str(name): part.reason for name, part in tried.items() if _refused(part)}
    parts = [part for part in tried.values() if not _refused(part)]
    if not parts:
        reasons = list(left_out.values())
        raise NotIdentified(reasons[0] if reasons else "no column of customers is given")
    corrected = holm([part["p"].iloc[0] for part in parts])
    parts = [part.assign(p=p) for part, p in zip(parts, corrected, strict=True)]
    table = pd.concat(parts, ignore_index=True)
    return Described(table, errors, int(linked.sum()), len(posterior), level, left_out)


def _refused(part: object) -> bool:
    return isinstance(part, Refusal)


def _coded(column: pd.Series) -> pd.DataFrame:
    """A number as it is; of words one column of 0 and 1 for each, rare ones together."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.astype(float).to_frame("mean")
    words = column.astype(str)
    counts = words.value_counts()
    words = words.where(words.map(counts) >= _FEWEST, _OTHERS)
    if words.nunique() > _MOST_LEVELS:
        raise NotIdentified(f"column {column.name} has more than {_MOST_LEVELS} different words")
    return pd.get_dummies(words, dtype=float)


def _column(column: pd.Series, bch: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Rows of one column; p as yet uncorrected."""
    known = column.notna().to_numpy()
    column, weight = column[known], bch.to_numpy()[known]
    if column.nunique() < 2:
        raise NotIdentified(f"column {column.name} has fewer than two values to compare")
    coded = _coded(column)
    numeric = list(coded.columns) == ["mean"]
    if coded.shape[1] < 2 and not numeric:
        raise NotIdentified(f"column {column.name} has no two words that enough people share")
    totals = weight.sum(axis=0)
    if (totals <= 0).any():
        at = bch.columns[int(np.argmin(totals))]
        raise NotIdentified(f"too few linked respondents of {at} to describe it by {column.name}")
    values = coded.to_numpy()
    means = weight.T @ values / totals[:, None]
    # One row per respondent, classes outer and levels inner: influence on each mean.
    influence = weight[:, :, None] * (values[:, None, :] - means) / totals[:, None]
    covariance = np.einsum("ikl,imn->klmn", influence, influence)
    margin = norm.ppf((1 + confidence) / 2) * np.sqrt(np.einsum("klkl->kl", covariance))
    lower, upper = means - margin, means + margin
    if not numeric:
        lower, upper = np.clip(lower, 0, 1), np.clip(upper, 0, 1)
    k, levels = means.shape
    return pd.DataFrame(
        {
            "column": column.name,
            "level": np.tile(coded.columns.to_numpy(dtype=object), k),
            "class": np.repeat(bch.columns.to_numpy(), levels),
            "value": means.ravel(),
            "lower": lower.ravel(),
            "upper": upper.ravel(),
            "all": np.tile(totals @ means / totals.sum(), k),
            "p": _equal(means, covariance, levels if numeric else levels - 1),
        }
    )


def _equal(means: FloatArray, covariance: FloatArray, free: int) -> float:
    """p-value of the Wald test that classes have equal means of the first `free` levels."""
    k = len(means)
    if k == 1:
        return float("nan")
    joint = covariance[:, :free, :, :free].reshape(k * free, k * free)
    contrast = np.kron(np.eye(k)[1:] - np.eye(k)[0], np.eye(free))
    gap = contrast @ means[:, :free].ravel()
    spread = contrast @ joint @ contrast.T
    return float(chi2.sf(gap @ np.linalg.pinv(spread) @ gap, np.linalg.matrix_rank(spread)))


def _assigned(posterior: pd.DataFrame) -> FloatArray:
    """One in the column of each respondent's likeliest class."""
    return np.eye(posterior.shape[1])[posterior.to_numpy().argmax(axis=1)]


def _weights(weights: ArrayLike | None, n: int) -> FloatArray:
    return np.ones(n) if weights is None else np.asarray(weights, dtype=float)
