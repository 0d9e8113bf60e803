"""What became of the customers who answered, and what is at stake with them (N3).

Loyalty profiles are made of four answers and of what the customer did since: kept the spend,
reduced it, or went.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.needs.latent_class import LatentClass
from crmlib.needs.loyalty import GONE, KEPT, PROFILES, REDUCED
from crmlib.needs.survey import Survey
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

_STARTS = 4  # of the classes that loyalty profiles are held against
HELD = "yearly_value"  # what a customer brings a year, or brought before going
ANSWERED = ("reassessment", "attachment", "satisfaction", "life_change")  # loyalty's items


def behaviour_of(
    stage: pd.Series, reduced: Sequence[str] = (), gone: Sequence[str] = ()
) -> pd.Series:
    """Whether customers kept their spend, reduced it or are gone, by lifecycle stage.

    Parameters
    ----------
    stage : Series of str
        Missing or "unknown" of who is not known: so is behaviour.
    reduced, gone : sequence of str
        Stages that count as such; all others count as kept.
    """
    words = {"unknown": None} | dict.fromkeys(reduced, REDUCED) | dict.fromkeys(gone, GONE)
    found = stage.astype(object).map(lambda at: words.get(at, KEPT), na_action="ignore")
    return found.where(found.notna(), None).rename("behaviour")


@dataclass(frozen=True, eq=False)
class Standing:
    """What became of respondents' spend, and what is at stake with them.

    Attributes
    ----------
    behaviour : Series of kept, reduced or gone, index respondent_id
        None of who is linked to no customer.
    held : DataFrame with the column `HELD`, same index
        What a customer brings a year; of who went or shrank what they brought in the year
        before, where that is known and was more: what they bring now is what is left.
    """

    behaviour: pd.Series
    held: pd.DataFrame

    def kept(self, when_reduced: float) -> pd.Series:
        """Share of spend that is kept: 1, `when_reduced`, or 0 of who is gone; NaN if unknown."""
        shares: Mapping[str, float] = {KEPT: 1.0, REDUCED: when_reduced, GONE: 0.0}
        return self.behaviour.map(shares).astype(np.float64)


def standing(
    survey: Survey,
    placed: pd.DataFrame,
    valued: pd.DataFrame,
    earlier: pd.DataFrame | Refusal,
    *,
    reduced: Sequence[str],
    gone: Sequence[str],
) -> Standing:
    """What customers behind the sheets did with their spend, and what they bring.

    Parameters
    ----------
    survey : Survey
    placed, valued : DataFrame, index customer_id
        With lifecycle_stage, and with current_value (money of the last year).
    earlier : DataFrame or Refusal, index customer_id
        With `before`, money of the year before the last.
    reduced, gone : sequence of str
        Lifecycle stages that count as such.
    """
    behaviour = behaviour_of(survey.of_customers(placed["lifecycle_stage"]), reduced, gone)
    held = survey.of_customers(valued["current_value"]).astype(float)
    if not isinstance(earlier, Refusal):
        before = survey.of_customers(earlier["before"])
        went = behaviour.isin([REDUCED, GONE])
        held = held.where(~went | ~(before > held), before)
    return Standing(behaviour, held.to_frame(HELD))


def value_shares(posterior: pd.DataFrame, held: pd.DataFrame, weights: pd.Series) -> pd.Series:
    """Share of value by needs segment, of respondents whose value is known; sums to 1.

    Parameters
    ----------
    posterior : DataFrame of shape (n, n_segments), index respondent_id
    held : DataFrame, same index
        Of a `Standing`.
    weights : Series, same index
    """
    soft, weight = posterior.to_numpy(float), weights.to_numpy(float)
    money = held[HELD].fillna(0.0).clip(lower=0).to_numpy() * weight
    # sums by posterior mix members of several segments; how much is known and divided out
    weighted = soft * weight[:, None]
    mixing = weighted.T @ soft / np.maximum(weighted.sum(axis=0), 1e-300)[:, None]
    sums = np.linalg.lstsq(mixing.T, soft.T @ money, rcond=1e-8)[0].clip(min=0)
    return pd.Series(sums / max(float(sums.sum()), 1e-300), posterior.columns)


def loyalty_classes(answers: pd.DataFrame, weights: pd.Series, *, seed: int) -> pd.DataFrame:
    """Latent classes of the answers that loyalty profiles are made of, as many as profiles.

    Returns
    -------
    DataFrame of shape (n, 6)
        Probability of each class.
    """
    model = LatentClass(len(PROFILES), n_init=_STARTS, random_state=seed, ordinal=ANSWERED)
    return model.fit(answers, weights).posterior


def loyalty_answers(survey: Survey, items: Mapping[str, str], found: Standing) -> pd.DataFrame:
    """What loyalty profiles are made of, by the names that the rule knows.

    Parameters
    ----------
    survey : Survey
    items : mapping of reassessment, attachment, satisfaction and life_change to an item
    found : Standing

    Raises
    ------
    NotIdentified
        If an item is not named.
    """
    missing = [name for name in ANSWERED if name not in items]
    if missing:
        raise NotIdentified(f"the params name no survey item on {missing[0]}")
    columns = {name: survey.answers[items[name]] for name in ANSWERED}
    return pd.DataFrame(columns).assign(behaviour=found.behaviour)
