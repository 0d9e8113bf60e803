"""Why customers stay or go: six loyalty profiles, and the value at stake in each (N3).

Three profiles of those who keep their spend (emotive, deliberative, inertial) and three
of those who reduce it or leave (life change, deliberative, dissatisfied), by a rule with
stated cut-offs, after the loyalty profiles of segment management.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

KEPT, REDUCED, GONE = "kept", "reduced", "gone"
UNANSWERED = "unanswered"
PROFILES = (
    "emotive",
    "deliberative_stay",
    "inertial",
    "lifestyle",
    "deliberative_go",
    "dissatisfied",
)
_STAYING = 3  # the first profiles are those who stay
_ITEMS = ("reassessment", "attachment", "satisfaction", "life_change", "behaviour")


@dataclass(frozen=True)
class Cutoffs:
    """From which answer on an item counts as high, in points of its scale.

    Attributes
    ----------
    attachment, reassessment, life_change : float
        This answer or more: attached, reconsiders, life has changed.
    satisfaction : float
        Less than this answer: dissatisfied.
    """

    attachment: float
    reassessment: float
    life_change: float
    satisfaction: float


def loyalty_profile(
    answers: pd.DataFrame, cutoffs: Cutoffs, labels: Mapping[str, str] | None = None
) -> pd.Series:
    """Exactly one profile for each respondent.

    Parameters
    ----------
    answers : DataFrame of shape (n_respondents, ≥ 5)
        reassessment, attachment, satisfaction, life_change (numbers, missing allowed) and
        behaviour (kept / reduced / gone, missing allowed).
    cutoffs : Cutoffs
    labels : mapping, optional
        Names to be shown instead of those in `PROFILES` and `UNANSWERED`.

    Returns
    -------
    Series of ordered categories, same index
        Unanswered where an answer is missing on the way through the rule.

    Raises
    ------
    ValueError
        If a column is missing, behaviour has another word, or labels are unknown or alike.

    Notes
    -----
    Who keeps spend: emotive if attached; otherwise deliberative if they reconsider,
    inertial if they do not. Who reduces or leaves: lifestyle if life has changed;
    otherwise dissatisfied if dissatisfied, deliberative if content (they found better).
    """
    names = _labelled(labels)
    _check(answers)
    high = {
        name: _at_least(answers[name], getattr(cutoffs, name))
        for name in ("attachment", "reassessment", "life_change", "satisfaction")
    }
    behaviour = answers["behaviour"]
    stays, goes = behaviour.isin([KEPT]).to_numpy(), behaviour.isin([REDUCED, GONE]).to_numpy()
    attached, changed = high["attachment"], high["life_change"]
    cold, same = stays & (attached == 0), goes & (changed == 0)
    conditions = [
        stays & (attached == 1),
        cold & (high["reassessment"] == 1),
        cold & (high["reassessment"] == 0),
        goes & (changed == 1),
        same & (high["satisfaction"] == 1),
        same & (high["satisfaction"] == 0),
    ]
    codes = np.select(conditions, range(len(PROFILES)), default=len(PROFILES))
    return pd.Series(
        pd.Categorical.from_codes(codes, list(names.values()), ordered=True),
        index=answers.index,
        name="loyalty_profile",
    )


def _labelled(labels: Mapping[str, str] | None) -> dict[str, str]:
    names = {name: name for name in (*PROFILES, UNANSWERED)}
    unknown = sorted(set(labels or {}) - set(names))
    if unknown:
        raise ValueError(f"no loyalty profile is called {', '.join(unknown)}")
    names |= dict(labels or {})
    if len(set(names.values())) < len(names):
        raise ValueError("two loyalty profiles have the same label")
    return names


def _check(answers: pd.DataFrame) -> None:
    missing = [name for name in _ITEMS if name not in answers]
    if missing:
        raise ValueError(f"loyalty profiles need the items {', '.join(missing)}")
    words = sorted(set(answers["behaviour"].dropna()) - {KEPT, REDUCED, GONE})
    if words:
        raise ValueError(f"behaviour is kept, reduced or gone, not {', '.join(map(str, words))}")


def _at_least(column: pd.Series, cut: float) -> FloatArray:
    """1 at the cut or above, 0 below it, NaN where nothing is answered."""
    answer = column.to_numpy(float, na_value=np.nan)
    return np.where(np.isnan(answer), np.nan, answer >= cut)


@dataclass(frozen=True)
class ValueAtStake:
    """Share of population and value by loyalty profile.

    Attributes
    ----------
    table : DataFrame
        One row per profile, in their order: profile, stays (bool), n, share (of the
        population, 0–1), share_lo, share_hi, and for every value column its sum in the
        population with `_lo` and `_hi`, and its share of the whole as `<column>_share`.
    at_risk : dict of str to Interval
        Sum of each value column over those who go or shrink.
    n_unanswered, n_without_value : int
        Respondents without profile; answered but without value (they count in shares).
    population : float
    """

    table: pd.DataFrame
    at_risk: dict[str, Interval]
    n_unanswered: int
    n_without_value: int
    population: float

    def summary(self) -> str:
        """Shares and values by profile."""
        shown = self.table.drop(columns="stays").round(3).to_string(index=False)
        return f"Loyalty profiles of {self.population:,.0f} customers\n{shown}"


def value_at_stake(
    profile: pd.Series,
    values: pd.DataFrame,
    *,
    population: float,
    replications: int,
    seed: int,
    level: float,
    weights: pd.Series | None = None,
) -> ValueAtStake:
    """Scale profiles and the values of their holders to the population.

    Parameters
    ----------
    profile : Series
        As `loyalty_profile` yields it, one row per respondent.
    values : DataFrame, same index
        current_value, future_value or the like in money; missing where a respondent is
        linked to no customer.
    population : float
        Customers for whom the respondents stand.
    replications, seed, level
        Bootstrap over respondents; percentile intervals.
    weights : Series, same index, optional
        Survey weights.

    Raises
    ------
    NotIdentified
        If nobody answered, or nobody who did has a value.

    Notes
    -----
    Those who did not answer are taken to be like those who did; those without a value
    like others of all profiles. A sum is population × weighted mean of value · [profile].
    """
    codes = profile.cat.codes.to_numpy()
    names = list(profile.cat.categories[: len(PROFILES)])
    weight = np.ones(len(profile)) if weights is None else weights[profile.index].to_numpy(float)
    answered = (codes >= 0) & (codes < len(PROFILES)) & (weight > 0)
    member = (codes[answered, None] == np.arange(len(PROFILES))).astype(float)
    money = values.reindex(profile.index).to_numpy(float)[answered]
    known = np.isfinite(money)
    if not answered.any():
        raise NotIdentified("no respondent answered the items of the loyalty profiles")
    for name, any_known in zip(values.columns, known.any(axis=0), strict=True):
        if not any_known:
            raise NotIdentified(f"no respondent with a loyalty profile has a {name}")
    weight, money = weight[answered], np.where(known, money, 0.0)
    point = _scaled(weight, member, money, known, population)
    resamples = bootstrap_weights(len(weight), replications, generator(seed))
    draws = np.array([_scaled(weight * c, member, money, known, population) for c in resamples])
    return ValueAtStake(
        table=_by_profile(names, member, point, draws, list(values.columns), level),
        at_risk={
            name: percentile_interval(
                float(point[place, _STAYING:].sum()), draws[:, place, _STAYING:].sum(axis=1), level
            )
            for place, name in enumerate(values.columns, start=1)
        },
        n_unanswered=int((~answered).sum()),
        n_without_value=int((~known).any(axis=1).sum()),
        population=population,
    )


def _scaled(
    weight: FloatArray, member: FloatArray, money: FloatArray, known: NDArray, population: float
) -> FloatArray:
    """Shares, then sums of each value, by profile: shape (1 + n_values, n_profiles)."""
    shares = weight @ member / weight.sum()
    base = np.maximum(weight @ known, 1e-300)[:, None]  # a resample may hold nobody with a value
    return np.vstack([shares, population * ((weight[:, None] * money).T @ member) / base])


def _by_profile(
    names: list[str],
    member: FloatArray,
    point: FloatArray,
    draws: FloatArray,
    columns: list[str],
    level: float,
) -> pd.DataFrame:
    lo, hi = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    table = pd.DataFrame(
        {
            "profile": names,
            "stays": np.arange(len(names)) < _STAYING,
            "n": member.sum(axis=0).astype(int),
        }
    )
    for place, name in enumerate(["share", *columns]):
        table[name] = point[place]
        table[f"{name}_lo"], table[f"{name}_hi"] = lo[place], hi[place]
        if place:
            whole = point[place].sum()
            table[f"{name}_share"] = point[place] / whole if whole > 0 else np.nan
    return table


@dataclass(frozen=True)
class Agreement:
    """How far a latent-class solution tells the same story as the rule.

    Attributes
    ----------
    table : DataFrame
        Weighted share of each class (columns) within each profile (rows).
    adjusted_rand : float
        Of modal classes with profiles; 0 by chance, 1 for the same groups.
    agreed : float
        Share of respondents whose modal class is the one matched to their profile.
    matched : dict of str to str
        Class to profile, one to one, so that most agree.
    n : int
    """

    table: pd.DataFrame
    adjusted_rand: float
    agreed: float
    matched: dict[str, str]
    n: int


def agreement(
    profile: pd.Series, posteriors: pd.DataFrame, weights: pd.Series | None = None
) -> Agreement:
    """Hold the rule against posteriors of latent classes fitted to the same items.

    Parameters
    ----------
    profile : Series
        As `loyalty_profile` yields it.
    posteriors : DataFrame of shape (n_respondents, n_classes)
        Rows sum to 1; index of respondents, of whom those with a profile are used.
    weights : Series, same index as profile, optional
    """
    answered = profile[profile.cat.codes.between(0, len(PROFILES) - 1)]
    both = answered.index.intersection(posteriors.dropna().index)
    if both.empty:
        raise NotIdentified("no respondent has both a loyalty profile and latent classes")
    rule, soft = answered[both].astype(str), posteriors.loc[both]
    weight = pd.Series(1.0, both) if weights is None else weights[both]
    sums = soft.mul(weight, axis=0).groupby(rule).sum()
    order = [name for name in profile.cat.categories if name in sums.index]
    modal = soft.idxmax(axis=1).astype(str)
    counts = weight.groupby([rule.rename("rule"), modal.rename("modal")]).sum().unstack()
    counts = counts.fillna(0.0)
    rows, columns = linear_sum_assignment(counts.to_numpy(), maximize=True)
    return Agreement(
        table=sums.div(sums.sum(axis=1), axis=0).loc[order],
        adjusted_rand=float(adjusted_rand_score(rule, modal)),
        agreed=float(counts.to_numpy()[rows, columns].sum() / weight.sum()),
        matched={counts.columns[c]: counts.index[r] for r, c in zip(rows, columns, strict=True)},
        n=len(both),
    )
