"""Carry survey segments over to all customers, as far as columns allow (N5).

Only respondents were asked what they want. A multinomial logit learns from them how
needs show in customer columns; its accuracy is measured on respondents it has not
seen, against guessing and against what could be reached, before anybody is projected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from crmlib.needs.customer_columns import Encoding, learn_encoding
from crmlib.needs.projected_shares import confusion, corrected_shares
from crmlib.needs.soft_multinomial import SoftMultinomial, fit_by_cross_validation
from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

FOLDS, INNER_FOLDS = 5, 3
_FEWEST = 10  # respondents of a segment
_BINS = 32  # of a column in trees; what a survey's few hundred people can tell apart
_SPLIT, _SAMPLE = range(2)  # purposes of random numbers


@dataclass(frozen=True)
class ProjectionAccuracy:
    """Accuracy of the projection on respondents that the model has not seen.

    Attributes
    ----------
    hit_rate : Interval
        Chance that a respondent belongs to the segment predicted, freed of the uncertainty of
        answers.
    chance : float
        The same when all are put into the largest segment (of the other respondents).
    gain : Interval
        Hit rate less chance, in the same resamples.
    nearest : float
        Hit rate of the nearest mean profile, a rule that a salesperson could follow.
    ceiling_columns : float
        Hit rate of boosted trees on the same columns: an estimate of what these allow.
    ceiling_answers : float
        Hit rate of the answers themselves: nobody can hit more of uncertain segments.
    confusion : DataFrame
        Mean probability predicted (columns) for members of each segment (rows).
    survey_shares : Series
        Weighted shares among the respondents used.
    n_respondents, n_unlinked : int
        Used; and those who are not among the customers, or have no posterior or weight.
    left_out : dict of str to str
        Columns not used, with the reason.
    """

    hit_rate: Interval
    chance: float
    gain: Interval
    nearest: float
    ceiling_columns: float
    ceiling_answers: float
    confusion: pd.DataFrame
    survey_shares: pd.Series
    n_respondents: int
    n_unlinked: int
    left_out: dict[str, str]
    _fitted: _Fitted = field(repr=False)

    @property
    def recognised(self) -> pd.DataFrame:
        """Chance that a member of a segment (row) is taken for one of a segment (column).

        Of held-out respondents by the segment predicted for them; rows sum to 1.
        """
        fitted = self._fitted
        taken_for = np.eye(len(self.confusion))[fitted.predicted.argmax(axis=1)]
        table = confusion(fitted.posteriors, taken_for, fitted.weights).clip(min=0)
        table = table / table.sum(axis=1, keepdims=True)
        return pd.DataFrame(table, self.confusion.index, self.confusion.columns)

    @property
    def is_better_than_chance(self) -> bool:
        """Whether the interval of the gain lies above zero."""
        return self.gain.lo > 0

    def summary(self) -> str:
        """Accuracy in four lines."""
        return (
            f"Projection, {self.n_respondents} respondents held out in turn\n"
            f"hit rate {self.hit_rate.value:.1%} ({self.hit_rate.lo:.1%} to "
            f"{self.hit_rate.hi:.1%}), chance {self.chance:.1%}\n"
            f"gain {self.gain.value:+.1%} ({self.gain.lo:+.1%} to {self.gain.hi:+.1%})\n"
            f"nearest profile {self.nearest:.1%}, ceiling of the columns about "
            f"{self.ceiling_columns:.1%}, of the answers {self.ceiling_answers:.1%}"
        )


@dataclass(frozen=True)
class Projection:
    """Segment of every customer.

    Attributes
    ----------
    table : DataFrame
        customer_id, needs_segment (most probable), p_<segment>….
    shares : DataFrame
        One row per segment: segment, survey, modal (share of customers put into it), mean (of
        probabilities), corrected (by the confusion matrix), corrected_lo, corrected_hi.
    held_out : ProjectionAccuracy
    penalty : float
        Of the model, chosen by cross-validation.
    """

    table: pd.DataFrame
    shares: pd.DataFrame
    held_out: ProjectionAccuracy
    penalty: float

    @property
    def probabilities(self) -> pd.DataFrame:
        """Of each segment by customer, index customer_id."""
        return self.table.set_index("customer_id").drop(columns="needs_segment")

    def summary(self) -> str:
        """Accuracy and shares."""
        return f"{self.held_out.summary()}\n{self.shares.round(3).to_string(index=False)}"


@dataclass(frozen=True)
class _Fitted:
    """What `project` needs of the held-out fits."""

    encoding: Encoding
    features: FloatArray
    posteriors: FloatArray
    weights: FloatArray
    folds: NDArray[np.int64]
    models: tuple[SoftMultinomial, ...]
    predicted: FloatArray
    replications: int
    seed: int
    level: float


Rule = Callable[[_Fitted, NDArray[np.bool_], FloatArray], NDArray[np.int64]]


def projection_accuracy(
    customers: pd.DataFrame,
    posteriors: pd.DataFrame,
    *,
    replications: int,
    seed: int,
    level: float,
    weights: pd.Series | None = None,
    trees: bool = True,
) -> ProjectionAccuracy:
    """Measure how well customer columns tell the segments of respondents.

    Parameters
    ----------
    customers : DataFrame of shape (n_customers, n_columns), index customer_id
        Columns known of everybody: numbers, words, dates, with gaps.
    posteriors : DataFrame of shape (n_respondents, n_segments), index customer_id
        Chances of belonging to each segment, from answers; 0/1 for modal classes.
    replications, seed, level
        Bootstrap over respondents (held-out predictions kept); nominal coverage.
    weights : Series, index as posteriors, optional
        Survey weights.
    trees : bool
        Whether boosted trees are grown for the ceiling; without them it is NaN.

    Raises
    ------
    NotIdentified
        If no column can be used, or a segment has too few linked respondents.

    Notes
    -----
    Five-fold cross-fitting; the penalty is chosen within the four other folds. Hits are the
    diagonal of the confusion of predicted with true segments, from which the uncertainty of
    answers is divided out (see `confusion`): counted by the posterior of the segment
    predicted, columns would get no credit for deciding where answers are in doubt. It takes
    answers and columns to be independent within a segment. Where answers are uncertain,
    probabilities are drawn towards the mean (they predict posteriors); shares are corrected
    for it, single customers are not.
    """
    if posteriors.index.has_duplicates or customers.index.has_duplicates:
        raise ValueError("a customer appears twice: one row each in customers and in posteriors")
    given = pd.Series(1.0, posteriors.index) if weights is None else weights[posteriors.index]
    used = posteriors.notna().all(axis=1) & (given > 0) & posteriors.index.isin(customers.index)
    soft, weight = posteriors[used].to_numpy(float), given[used].to_numpy(float)
    _check_segments(soft, posteriors.columns)
    people = customers.loc[posteriors.index[used]]
    encoding = learn_encoding(people)
    features = encoding.transform(people)
    if features.shape[1] == 0:
        raise NotIdentified("no column of the customers varies enough to tell segments apart")
    rng = generator(seed, _SPLIT)
    folds = rng.permutation(np.arange(len(soft)) % FOLDS)
    models = tuple(_fit(features, soft, weight, folds != part, rng) for part in range(FOLDS))
    predicted = np.empty_like(soft)
    for part, model in enumerate(models):
        predicted[folds == part] = model.predict_proba(features[folds == part])
    fitted = _Fitted(
        encoding, features, soft, weight, folds, models, predicted, replications, seed, level
    )
    return _measured(fitted, posteriors.columns, int((~used).sum()), trees)


def _check_segments(soft: FloatArray, names: pd.Index) -> None:
    members = soft.sum(axis=0)
    if len(names) < 2:
        raise NotIdentified("one segment holds everybody: there is nothing to project")
    if len(soft) == 0:
        raise NotIdentified("no respondent is linked to a customer")
    few = [str(name) for name, size in zip(names, members, strict=True) if size < _FEWEST]
    if few:
        raise NotIdentified(
            f"fewer than {_FEWEST} respondents linked to a customer belong to {', '.join(few)}"
        )


def _fit(
    features: FloatArray,
    soft: FloatArray,
    weight: FloatArray,
    rows: NDArray[np.bool_],
    rng: np.random.Generator,
) -> SoftMultinomial:
    inner = rng.permutation(np.arange(int(rows.sum())) % INNER_FOLDS)
    return fit_by_cross_validation(features[rows], soft[rows], weight[rows], inner)


def _measured(fitted: _Fitted, names: pd.Index, n_unlinked: int, trees: bool) -> ProjectionAccuracy:
    """Hits of each rule, respondent by respondent, and their weighted means."""
    soft, weight = fitted.posteriors, fitted.weights
    predicted, constant = fitted.predicted.argmax(axis=1), _by_fold(fitted, _largest)

    def rate(segments: NDArray[np.int64], counts: FloatArray | float = 1.0) -> float:
        return _hit_rate(soft, segments, weight * counts)

    resamples = bootstrap_weights(len(soft), fitted.replications, generator(fitted.seed, _SAMPLE))
    draws = np.array([[rate(predicted, c), rate(constant, c)] for c in resamples])
    hit, chance = rate(predicted), rate(constant)
    table = confusion(soft, fitted.predicted, weight)
    return ProjectionAccuracy(
        hit_rate=percentile_interval(hit, draws[:, 0], fitted.level),
        chance=chance,
        gain=percentile_interval(hit - chance, draws[:, 0] - draws[:, 1], fitted.level),
        nearest=rate(_by_fold(fitted, _nearest)),
        ceiling_columns=rate(_by_fold(fitted, _boosted)) if trees else np.nan,
        ceiling_answers=float(np.average(soft.max(axis=1), weights=weight)),
        confusion=pd.DataFrame(table, index=names, columns=names),
        survey_shares=pd.Series(np.average(soft, axis=0, weights=weight), index=names),
        n_respondents=len(soft),
        n_unlinked=n_unlinked,
        left_out=fitted.encoding.left_out,
        _fitted=fitted,
    )


def _hit_rate(soft: FloatArray, segments: NDArray[np.int64], weight: FloatArray) -> float:
    """Share of respondents whose true segment is the one given, (n,), of all together."""
    table = confusion(soft, np.eye(soft.shape[1])[segments], weight)
    shares = np.average(soft, axis=0, weights=weight)
    return float(np.clip(shares @ np.diag(table), 0, 1))


def _by_fold(fitted: _Fitted, rule: Rule) -> NDArray[np.int64]:
    """Segments by a rule that learns from the other folds."""
    found = np.empty(len(fitted.folds), dtype=np.int64)
    for part in range(FOLDS):
        held = fitted.folds == part
        found[held] = rule(fitted, ~held, fitted.features[held])
    return found


def _largest(fitted: _Fitted, rows: NDArray[np.bool_], new: FloatArray) -> NDArray[np.int64]:
    share = fitted.weights[rows] @ fitted.posteriors[rows]
    return np.full(len(new), share.argmax())


def _nearest(fitted: _Fitted, rows: NDArray[np.bool_], new: FloatArray) -> NDArray[np.int64]:
    """The segment whose mean profile is nearest in standardised columns."""
    member = fitted.weights[rows, None] * fitted.posteriors[rows]
    profiles = member.T @ fitted.features[rows] / member.sum(axis=0)[:, None]
    return ((new[:, None, :] - profiles) ** 2).sum(axis=2).argmin(axis=1)


def _boosted(fitted: _Fitted, rows: NDArray[np.bool_], new: FloatArray) -> NDArray[np.int64]:
    trees = HistGradientBoostingClassifier(
        max_iter=40,
        max_leaf_nodes=7,
        max_bins=_BINS,
        early_stopping=False,
        random_state=fitted.seed,
    )
    modal = fitted.posteriors[rows].argmax(axis=1)
    if np.unique(modal).size < 2:
        return np.full(len(new), modal[0])
    # on few rows threads cost ten times what they save where other chapters run beside
    with threadpool_limits(limits=1, user_api="openmp"):
        trees.fit(fitted.features[rows], modal, sample_weight=fitted.weights[rows])
        return trees.predict(new)


def project(held_out: ProjectionAccuracy, customers: pd.DataFrame) -> Projection:
    """Segment, probabilities and shares for the whole base.

    Parameters
    ----------
    held_out : ProjectionAccuracy
        As `projection_accuracy` yields it.
    customers : DataFrame, index customer_id
        With the columns that were learnt from.

    Raises
    ------
    NotIdentified
        If the projection is no better than guessing the largest segment.

    Notes
    -----
    Corrected shares divide the confusion matrix out of the mean probabilities of the
    five held-out models, whose confusion it is; their interval holds sampling error of
    the matrix, models kept. They assume that customers of a segment look alike in and
    outside the survey.
    """
    fitted, gain = held_out._fitted, held_out.gain
    if not held_out.is_better_than_chance:
        raise NotIdentified(
            f"customer columns tell needs segments no better than chance: "
            f"{held_out.hit_rate.value:.1%} hits, {held_out.chance:.1%} by the largest segment "
            f"(difference {gain.lo:+.1%} to {gain.hi:+.1%})"
        )
    rng = generator(fitted.seed, _SPLIT, 1)
    everybody = np.ones(len(fitted.features), dtype=bool)
    model = _fit(fitted.features, fitted.posteriors, fitted.weights, everybody, rng)
    base = fitted.encoding.transform(customers)
    chances = model.predict_proba(base)
    names = held_out.survey_shares.index
    modal = chances.argmax(axis=1)
    table = pd.DataFrame({"customer_id": customers.index, "needs_segment": names[modal]})
    for place, name in enumerate(names):
        table[f"p_{name}"] = chances[:, place]
    shares = pd.DataFrame(
        {
            "segment": names,
            "survey": held_out.survey_shares.to_numpy(),
            "modal": np.bincount(modal, minlength=len(names)) / len(modal),
            "mean": chances.mean(axis=0),
        }
    )
    by_models = np.mean([each.predict_proba(base).mean(axis=0) for each in fitted.models], axis=0)
    shares["corrected"] = corrected_shares(by_models, held_out.confusion.to_numpy())
    shares["corrected_lo"], shares["corrected_hi"] = _share_bounds(fitted, by_models)
    return Projection(table, shares, held_out, model.penalty)


def _share_bounds(fitted: _Fitted, mean_prediction: FloatArray) -> FloatArray:
    """Bounds of corrected shares over resamples of respondents, shape (2, n_segments)."""
    resamples = bootstrap_weights(
        len(fitted.weights), fitted.replications, generator(fitted.seed, _SAMPLE)
    )
    draws = [
        corrected_shares(
            mean_prediction, confusion(fitted.posteriors, fitted.predicted, fitted.weights * c)
        )
        for c in resamples
    ]
    return np.quantile(draws, [(1 - fitted.level) / 2, (1 + fitted.level) / 2], axis=0)
