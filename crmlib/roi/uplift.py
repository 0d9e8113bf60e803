"""Whom to contact: uplift learners against the best simple rule, in money (R7).

Chapter 05. Three ways of choosing customers are fitted to a trial by lot: the best rule on one
variable, the class transformation (Jaśkowski & Jaroszewicz 2012, here of any outcome: Athey &
Imbens 2016), and two models of the outcome, one for each arm (T-learner). All are judged on
customers they have not seen, and none is recommended unless it beats chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import StratifiedKFold

from crmlib.roi.features import Features
from crmlib.roi.one_rule import OneRule
from crmlib.roi.policy import (
    EVERYBODY,
    RULE,
    doubly_robust,
    interval,
    policy_values,
    recommended,
)
from crmlib.roi.qini import qini_areas, qini_curves
from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

TRANSFORMED, BY_ARM = "class transformation", "two models"
LEARNERS = (TRANSFORMED, BY_ARM)
_PER_FOLD = 10  # customers of each arm in each fold, at least
_PENALTY = 10.0  # of the ridge that only makes scores scatter less
_TREES = {"max_iter": 25, "max_leaf_nodes": 8, "learning_rate": 0.15, "early_stopping": False}


@dataclass(frozen=True, eq=False)
class Targeting:
    """Ways of choosing customers, judged.

    Attributes
    ----------
    policies : DataFrame
        See `crmlib.roi.policy.policy_values`.
    recommended : str or None
        A policy of the table, "everybody", or None.
    reason : str
    rule : OneRule
        Fitted to all customers of the trial.
    qini : DataFrame
        policy, share, gain, random.
    qini_area : DataFrame
        policy, area, lo, hi.
    average : Interval
        Worth of contacting everybody, money per customer, cost taken off.
    n : int
    level : float
    """

    policies: pd.DataFrame
    recommended: str | None
    reason: str
    rule: OneRule
    qini: pd.DataFrame
    qini_area: pd.DataFrame
    average: Interval
    n: int
    level: float
    _features: Features
    _models: Mapping[str, _Learner]
    _cost: float

    def chooses(self, customers: pd.DataFrame) -> pd.Series:
        """Whom the recommended policy contacts among any customers; nobody where there is none.

        Parameters
        ----------
        customers : DataFrame
            The columns that the trial was fitted by; index kept.
        """
        if self.recommended is None:
            who = np.zeros(len(customers), dtype=bool)
        elif self.recommended == EVERYBODY:
            who = np.ones(len(customers), dtype=bool)
        elif self.recommended == RULE:
            who = self.rule.chooses(customers, self._features)
        else:
            model = self._models[self.recommended]
            who = model.predict(self._features.matrix(customers)) > self._cost
        return pd.Series(who, customers.index)

    def summary(self) -> str:
        """What is recommended, and what contacting brings."""
        said = self.recommended or "nothing"
        if said == RULE:
            said = f"contact {self.rule.in_words()}"
        return f"{said}: {self.reason}\n{self.policies.round(3).to_string(index=False)}"


def uplift(
    table: pd.DataFrame,
    *,
    outcome: str,
    treated: str,
    features: Sequence[str],
    cost: float,
    value: float = 1.0,
    folds: int = 5,
    random_state: int = 0,
    level: float = 0.95,
    propensity: float | None = None,
    learners: Sequence[str] = LEARNERS,
) -> Targeting:
    """Fit and judge ways of choosing whom to contact.

    Parameters
    ----------
    table : DataFrame
        One row for each customer of a trial by lot.
    outcome, treated : str
        Columns: what came of it; whether contacted.
    features : sequence of str
        Columns known *before* the trial.
    cost : float
        Of a contact, money that the outcome does not hold.
    value : float
        Money per unit of the outcome.
    folds : int
    random_state : int
        Of the split into folds.
    level : float
        Of intervals, and of the recommendation, see `crmlib.roi.policy.recommended`.
    propensity : float, optional
        Share drawn to be contacted; what was observed without it.
    learners : sequence of str
        Of `LEARNERS`, beside the rule.

    Raises
    ------
    NotIdentified
        If an arm is too small for the folds, the outcome never varies or is no number, or no
        feature varies.
    ValueError
        For a propensity that is no probability, or an unknown learner.

    Notes
    -----
    Scores are made doubly robust by a ridge regression in each arm. Trees of the learners are
    small: effects differ less between customers than outcomes do.
    """
    unknown = [name for name in learners if name not in LEARNERS]
    if unknown:
        raise ValueError(f"no learner is called {unknown[0]!r}, known are {LEARNERS}")
    known = Features.of(table, features)
    gained, contacted = _read(table, outcome, treated, value, folds)
    share = float(contacted.mean()) if propensity is None else propensity
    if not 0 < share < 1:
        raise ValueError(f"propensity must lie between 0 and 1, got {share!r}")
    trial = _Trial(table.reset_index(drop=True), known.matrix(table), gained, contacted, share)
    fold = np.empty(len(table), dtype=np.intp)
    effect = np.empty(len(table))
    scores = {name: np.empty(len(table)) for name in (RULE, *learners)}
    chosen = {name: np.empty(len(table), dtype=bool) for name in scores}
    split = StratifiedKFold(folds, shuffle=True, random_state=random_state)
    for number, (seen, unseen) in enumerate(split.split(trial.matrix, contacted)):
        fold[unseen] = number
        effect[unseen] = trial.effects(seen, unseen)
        rule = OneRule.fit(trial.table.iloc[seen], known, trial.effects(seen, seen) - cost)
        rest = trial.table.iloc[unseen]
        scores[RULE][unseen] = rule.scores(rest, known)
        chosen[RULE][unseen] = rule.chooses(rest, known)
        for name in learners:
            foretold = _Learner.fit(name, trial, seen).predict(trial.matrix[unseen])
            scores[name][unseen], chosen[name][unseen] = foretold, foretold > cost
    everyone = np.arange(len(table))
    best, reason = recommended(chosen, effect - cost, fold, level)
    return Targeting(
        policies=policy_values(chosen, effect - cost, fold, level),
        recommended=best,
        reason=reason,
        rule=OneRule.fit(trial.table, known, trial.effects(everyone, everyone) - cost),
        qini=qini_curves(scores, effect, fold),
        qini_area=qini_areas(scores, effect, fold, level),
        average=Interval(*interval(effect - cost, level), level),
        n=len(table),
        level=level,
        _features=known,
        _models={best: _Learner.fit(best, trial, everyone)} if best in learners else {},
        _cost=cost,
    )


def _read(
    table: pd.DataFrame, outcome: str, treated: str, value: float, folds: int
) -> tuple[FloatArray, BoolArray]:
    """Outcome in money and arm of every customer."""
    gained = pd.to_numeric(table[outcome], errors="coerce").to_numpy(float) * value
    arm = pd.to_numeric(table[treated].astype(float), errors="coerce").to_numpy()
    if not np.isin(arm, [0, 1]).all():
        raise NotIdentified(f"`{treated}` must be yes or no for every customer")
    if not np.isfinite(gained).all():
        missing = int((~np.isfinite(gained)).sum())
        raise NotIdentified(f"{missing} customers have no `{outcome}` that is a number")
    contacted = arm.astype(bool)
    for name, size in (("treated", contacted.sum()), ("control", (~contacted).sum())):
        if size < folds * _PER_FOLD:
            raise NotIdentified(
                f"the arm {name} has {size} customers: {folds} folds need {folds * _PER_FOLD}"
            )
    if np.ptp(gained) == 0:
        raise NotIdentified(f"`{outcome}` never varies: nothing can be told from it")
    return gained, contacted


@dataclass(frozen=True, eq=False)
class _Trial:
    """The trial as arrays, in the order of its table."""

    table: pd.DataFrame
    matrix: FloatArray
    gained: FloatArray
    contacted: BoolArray
    share: float

    def effects(self, seen: NDArray[np.intp], of: NDArray[np.intp]) -> FloatArray:
        """Doubly robust scores of some customers, outcomes foretold from others."""
        foretold = []
        for arm in (False, True):
            own = seen[self.contacted[seen] == arm]
            model = Ridge(alpha=_PENALTY).fit(self.matrix[own], self.gained[own])
            foretold.append(model.predict(self.matrix[of]))
        shares = np.full(len(of), self.share)
        without, with_ = foretold
        return doubly_robust(self.gained[of], self.contacted[of], shares, (without, with_))


@dataclass(frozen=True, eq=False)
class _Learner:
    """A model of the effect."""

    models: tuple[HistGradientBoostingRegressor, ...]

    @classmethod
    def fit(cls, name: str, trial: _Trial, seen: NDArray[np.intp]) -> _Learner:
        if name == TRANSFORMED:
            weight = (trial.contacted - trial.share) / (trial.share * (1 - trial.share))
            # an outcome's mean would only add scatter
            centred = trial.gained - trial.gained[seen].mean()
            return cls((_trees(trial.matrix[seen], (centred * weight)[seen]),))
        arms = [seen[trial.contacted[seen] == arm] for arm in (False, True)]
        return cls(tuple(_trees(trial.matrix[own], trial.gained[own]) for own in arms))

    def predict(self, matrix: FloatArray) -> FloatArray:
        foretold = [model.predict(matrix) for model in self.models]
        return foretold[0] if len(foretold) == 1 else foretold[1] - foretold[0]


def _trees(matrix: FloatArray, target: FloatArray) -> HistGradientBoostingRegressor:
    leaf = max(20, len(target) // 40)
    return HistGradientBoostingRegressor(min_samples_leaf=leaf, random_state=0, **_TREES).fit(
        matrix, target
    )
