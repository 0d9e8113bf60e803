"""Who is in which benefit segment, by customer columns (N1, the third step).

A respondent's likeliest class is not always theirs, and a table of customer columns by
likeliest class therefore shows classes more alike than they are. Means and shares are
corrected after Bolck, Croon & Hagenaars (2004), *Political Analysis* 12:3, in the form of
Vermunt (2010), *Political Analysis* 18:450. That classes were estimated from the same sheets
makes figures less sure (Bakk, Oberski & Vermunt 2014, *Political Analysis* 22:520).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, f, norm

from crmlib.needs.customer_columns import FEWEST
from crmlib.stats.multiplicity import holm
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal, attempt

FloatArray = NDArray[np.float64]
_MOST_CONDITION = 1e4  # condition of the classification table beyond which it cannot be inverted
_OTHERS = "others"
_MOST_LEVELS = 20


@dataclass(frozen=True)
class Described:
    """Customer columns by class, corrected for classification error.

    Attributes
    ----------
    table : DataFrame
        One row per column, class and level: column, level ("mean" of a numeric column),
        class, value (mean in the column's unit or share 0–1), lower, upper, all (over all
        classes), spread (standard deviation of customers, in the same unit), p (Wald test
        that classes are equal, corrected by Holm over columns; NaN for a single class).
        A corrected share may lie a little beyond 0 or 1.
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


@dataclass(frozen=True, eq=False)
class _Survey:
    """Respondents: posterior and BCH weights (n, n_classes), survey weights (n,)."""

    classes: pd.Index
    posterior: FloatArray
    bch: FloatArray
    weights: FloatArray


@dataclass(frozen=True, eq=False)
class _Coded:
    """A column: values (n, n_levels), 0 in gaps; 1 where there is a value (n,)."""

    levels: pd.Index
    values: FloatArray
    known: FloatArray
    numeric: bool


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
    assigned, counted = _assigned(posterior), _weights(weights, len(posterior))
    empty = posterior.columns[counted @ assigned == 0]
    if len(empty):
        raise NotIdentified(f"nobody is assigned to {empty[0]}: it cannot be described")
    weighted = posterior.to_numpy(dtype=float) * counted[:, None]
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
    redrawn: Iterable[tuple[FloatArray, FloatArray]] | None = None,
) -> Described:
    """Means and shares of customer columns by latent class (BCH).

    Parameters
    ----------
    posterior : DataFrame of shape (n, n_classes)
        Probability of each class, index respondent.
    columns : DataFrame of shape (n_linked, n_columns)
        Numbers are described by means, anything else by shares; index respondent. Missing
        values are left out column by column. Levels of fewer than `FEWEST` respondents
        are pooled.
    weights : array of shape (n,), optional
        Survey weights in the order of `posterior`.
    level : float
        Nominal coverage of the intervals.
    redrawn : iterable of (array of shape (n, n_classes), array of shape (n,)), optional
        With respondents drawn anew and classes fitted anew: the posterior of all of them, and
        how often each is drawn, as `ClassIntervals.redrawn` gives them.

    Raises
    ------
    NotIdentified
        Where classes cannot be told apart, or no column can be described; says why.
    ValueError
        Where a respondent stands twice, or weights are not numbers of 0 or more.

    Notes
    -----
    Covariances come from the redrawn respondents, and hold all that is estimated: answers'
    probabilities, the classification table and the figures. Without `redrawn`, they are a
    sandwich over respondents that takes the probabilities of answers as known; where these
    were estimated from the same sheets such intervals are too short. Intervals of shares are
    cut at 0 and 1.
    """
    for table, what in ((posterior, "posterior"), (columns, "columns")):
        if table.index.has_duplicates:
            twice = table.index[table.index.duplicated()][0]
            raise ValueError(f"respondent {twice} stands twice in {what}")
    errors, counted = classification_table(posterior, weights), _weights(weights, len(posterior))
    survey = _Survey(posterior.columns, posterior.to_numpy(float), _corrected(posterior, errors),
                     counted)  # fmt: skip
    known = columns.reindex(posterior.index)
    left_out: dict[str, str] = {}
    coded = dict(_usable(known, survey, left_out))
    drawn = {} if redrawn is None else _redrawn_means(coded, posterior, counted, redrawn)
    parts = [
        _column(name, column, survey, level, drawn.get(name)) for name, column in coded.items()
    ]
    if not parts:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise NotIdentified(reasons or "no column of customers is given")
    corrected = holm([part["p"].iloc[0] for part in parts])
    table = pd.concat(
        [part.assign(p=p) for part, p in zip(parts, corrected, strict=True)], ignore_index=True
    )
    linked = int(known.notna().any(axis=1).sum())
    return Described(table, errors, linked, len(posterior), level, left_out)


def _usable(
    known: pd.DataFrame, survey: _Survey, left_out: dict[str, str]
) -> Iterator[tuple[Hashable, _Coded]]:
    """Columns that can be described; of the others the reason goes to `left_out`."""
    for name in known:
        column = attempt(_coded, known[name])
        if isinstance(column, Refusal):
            left_out[str(name)] = column.reason
            continue
        # who has a value by class, corrected: what the means of a class rest on
        people = column.known @ survey.bch
        totals = (survey.weights * column.known) @ survey.bch
        if (totals <= 0).any() or people.min() < FEWEST:
            at = survey.classes[int(np.argmin(people))]
            left_out[str(name)] = f"fewer than {FEWEST} respondents of {at} have a value"
            continue
        yield name, column


def _column(
    name: Hashable, column: _Coded, survey: _Survey, level: float, drawn: FloatArray | None
) -> pd.DataFrame:
    """Rows of one column; p as yet uncorrected."""
    weighted = survey.bch * survey.weights[:, None]
    means, totals = _means(column, weighted)
    k, levels = means.shape
    overall = totals @ means / totals.sum()
    counted = survey.weights * column.known
    spread = np.sqrt(counted @ (column.values - overall) ** 2 / counted.sum())
    if drawn is None:
        covariance = _sandwich(column, means, totals, survey)
    else:
        covariance = np.cov(drawn.reshape(len(drawn), -1).T).reshape(k, levels, k, levels)
    margin = norm.ppf((1 + level) / 2) * np.sqrt(np.einsum("klkl->kl", covariance))
    lower, upper = means - margin, means + margin
    if not column.numeric:
        lower, upper = np.clip(lower, 0, 1), np.clip(upper, 0, 1)
    return pd.DataFrame(
        {
            "column": name,
            "level": np.tile(column.levels.to_numpy(dtype=object), k),
            "class": np.repeat(survey.classes.to_numpy(), levels),
            "value": means.ravel(),
            "lower": lower.ravel(),
            "upper": upper.ravel(),
            "all": np.tile(overall, k),
            "spread": np.tile(spread, k),
            "p": _equal(means, covariance, levels if column.numeric else levels - 1,
                        None if drawn is None else len(drawn)),
        }
    )  # fmt: skip


def _means(column: _Coded, weighted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means (n_classes, n_levels) and the sums of weights (n_classes,) that they rest on."""
    totals = column.known @ weighted
    return weighted.T @ column.values / totals[:, None], totals


def _redrawn_means(
    coded: Mapping[Hashable, _Coded],
    posterior: pd.DataFrame,
    weights: FloatArray,
    redrawn: Iterable[tuple[FloatArray, FloatArray]],
) -> dict[Hashable, FloatArray]:
    """Means of each column in each redrawn survey, shape (R, n_classes, n_levels)."""
    found: dict[Hashable, list[FloatArray]] = {name: [] for name in coded}
    tried, told = 0, 0
    for chances, times in redrawn:
        tried += 1
        table = pd.DataFrame(chances, posterior.index, posterior.columns)
        errors = attempt(classification_table, table, weights * times)
        if isinstance(errors, Refusal):
            continue
        told += 1
        weighted = _corrected(table, errors) * (weights * times)[:, None]
        for name, column in coded.items():
            found[name].append(_means(column, weighted)[0])
    if told <= tried / 2:
        raise NotIdentified(
            f"in {tried - told} of {tried} redrawn surveys the classes cannot be told apart"
        )
    return {name: np.array(means) for name, means in found.items()}


def _coded(column: pd.Series) -> _Coded:
    """A number as it is; of words one column of 0 and 1 for each, rare ones together."""
    if pd.api.types.is_datetime64_any_dtype(column):
        raise NotIdentified("it holds days; years or months as numbers could be described")
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric:
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        known = np.isfinite(numbers)
        table = pd.DataFrame({"mean": np.where(known, numbers, 0.0)})
        distinct = np.unique(numbers[known]).size
    else:
        known = column.notna().to_numpy()
        words = pd.get_dummies(_pooled(column[known].astype(str)), dtype=float)
        table, distinct = words.reindex(column.index, fill_value=0.0), words.shape[1]
    if not known.any():
        raise NotIdentified("no respondent has a value")
    if distinct < 2:
        raise NotIdentified("there are no two values that enough respondents have")
    if not numeric and distinct > _MOST_LEVELS:
        raise NotIdentified(f"it has more than {_MOST_LEVELS} different words")
    return _Coded(table.columns, table.to_numpy(), known.astype(float), numeric)


def _pooled(words: pd.Series) -> pd.Series:
    """Levels that few have under one name, with the next rarest where they are few together."""
    counts = words.value_counts(ascending=True)
    rare = int((counts < FEWEST).sum())
    while 0 < rare < len(counts) and counts.iloc[:rare].sum() < FEWEST:
        rare += 1
    return words.where(~words.isin(counts.index[:rare]), _OTHERS)


def _sandwich(column: _Coded, means: FloatArray, totals: FloatArray, survey: _Survey) -> FloatArray:
    """Covariance of means where posteriors are right, (n_classes, n_levels) twice.

    A respondent's influence has two parts: through the sums of the column, and through the
    classification table D, by which the inverse changes as -inv(D) dD inv(D). With
    Σ_i w_i v_iu (z_i - m_t) = T_u (m_u - m_t), where v are the BCH weights and T their
    totals, the second part is -v_it Σ_u (m_u - m_t) T_u / T_t · w_i p_iu / Σ_j w_j p_ju.
    """
    weighted = survey.bch * survey.weights[:, None]
    # one row per respondent, classes outer and levels inner
    apart_from = column.values[:, None, :] - means
    through_sums = (weighted * column.known[:, None])[:, :, None] * apart_from
    apart = (means[None, :, :] - means[:, None, :]) * totals[None, :, None]
    belongs = survey.posterior / (survey.weights @ survey.posterior)
    through_table = weighted[:, :, None] * np.einsum("iu,tul->itl", belongs, apart)
    influence = (through_sums - through_table) / totals[:, None]
    flat = influence.reshape(len(influence), -1)
    return (flat.T @ flat).reshape(*means.shape, *means.shape)


def _equal(means: FloatArray, covariance: FloatArray, free: int, drawn: int | None) -> float:
    """p-value of the Wald test that classes have equal means of the first `free` levels.

    A covariance from few redrawn surveys is itself uncertain: Hotelling's T² then.
    """
    k = len(means)
    if k == 1:
        return float("nan")
    joint = covariance[:, :free, :, :free].reshape(k * free, k * free)
    contrast = np.kron(np.eye(k)[1:] - np.eye(k)[0], np.eye(free))
    gap = contrast @ means[:, :free].ravel()
    spread = contrast @ joint @ contrast.T
    statistic = float(gap @ np.linalg.pinv(spread, hermitian=True) @ gap)
    rank = int(np.linalg.matrix_rank(spread, hermitian=True))
    if drawn is None:
        return float(chi2.sf(statistic, rank))
    if drawn <= rank + 1:  # fewer surveys than figures to compare
        return float("nan")
    return float(f.sf(statistic * (drawn - rank) / (rank * (drawn - 1)), rank, drawn - rank))


def _corrected(posterior: pd.DataFrame, errors: pd.DataFrame) -> FloatArray:
    """BCH weights: one row sums to one and has the true class's indicator as its mean."""
    return _assigned(posterior) @ np.linalg.inv(errors.to_numpy())


def _assigned(posterior: pd.DataFrame) -> FloatArray:
    """One in the column of each respondent's likeliest class."""
    return np.eye(posterior.shape[1])[posterior.to_numpy().argmax(axis=1)]


def _weights(weights: ArrayLike | None, n: int) -> FloatArray:
    counted = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    if counted.shape != (n,) or not np.isfinite(counted).all() or (counted < 0).any():
        raise ValueError(f"expected {n} weights of 0 or more, one per respondent")
    return counted
