"""How likely each needs segment takes an offer that is made to it (N6).

Choices tell what groups of respondents would take; the same respondents' answers tell in
which needs segment they are. A segment's chance is the mean over its respondents, each in
choice groups and in needs segments as probably as the models have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.needs.choice_tables import ChoiceTable
from crmlib.needs.latent_class_logit import LatentClassLogit
from crmlib.needs.offers import Offers, best_offers
from crmlib.needs.preferences import ChoiceModel, Preferences, logit_rule
from crmlib.needs.projected_shares import confusion
from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

FloatArray = NDArray[np.float64]

_FEWEST = 10  # respondents of a segment who chose
_SAMPLE = 0  # purpose of random numbers


@dataclass(frozen=True, eq=False)
class OfferChances:
    """Chance that an offer is taken rather than none, by segment.

    Attributes
    ----------
    chances : DataFrame of shape (n_segments, n_offers)
        0–1.
    draws : array of shape (n_draws, n_segments, n_offers)
        Part-worths drawn anew, and respondents with them.
    respondents : Series of float, index segments
        How many who chose are expected in each segment.
    n_respondents : int
        Who both chose and answered.
    """

    chances: pd.DataFrame
    draws: FloatArray
    respondents: pd.Series
    n_respondents: int


def offer_chances(
    model: ChoiceModel,
    table: ChoiceTable,
    offers: pd.DataFrame,
    segments: pd.DataFrame,
    *,
    seed: int,
) -> OfferChances:
    """Chances that members of each segment take an offer made to them, by the logit rule.

    Parameters
    ----------
    model : ConditionalLogit, LatentClassLogit or HierarchicalLogit
        Fitted on `table`.
    table : ChoiceTable
    offers : DataFrame
        One row per offer, its name as index, one column per attribute.
    segments : DataFrame of shape (n, n_segments), index respondent_id
        Probability of each needs segment.
    seed : int

    Raises
    ------
    NotIdentified
        If people never had the option to take none, or too few of a segment chose.
    """
    preferences = model.preferences()
    if not preferences.coding.none:
        raise NotIdentified(
            "people never had the option to take none, so that it is not known how many would "
            "take an offer at all"
        )
    asked = pd.Index(table.respondents).astype(str)
    sheets = segments.set_axis(segments.index.astype(str))
    both = asked.isin(sheets.index)
    soft = sheets.loc[asked[both]].to_numpy(float)
    weight = table.weights[both]
    sizes = pd.Series(soft.sum(axis=0), segments.columns)
    few = [str(name) for name in sizes.index[sizes < _FEWEST]]
    if few:
        raise NotIdentified(f"fewer than {_FEWEST} respondents who chose are in {', '.join(few)}")
    groups = _groups(model, preferences, table)[both]
    rows = preferences.coding.matrix(offers)
    # of single people the mean over draws: a chance is no straight line of part-worths
    taken = (
        np.mean([_taken(draw, rows) for draw in preferences.draws], axis=0)
        if preferences.sampled
        else _taken(preferences.coefficients, rows)
    )
    chances = _of_members(soft, weight, groups, taken)
    drawn = bootstrap_weights(len(weight), len(preferences.draws), generator(seed, _SAMPLE))
    draws = np.array(
        [
            _of_members(soft, weight * counts, groups, _taken(coefficients, rows))
            for counts, coefficients in zip(drawn, preferences.draws, strict=True)
        ]
    )
    return OfferChances(
        pd.DataFrame(chances, segments.columns, offers.index), draws, sizes, int(both.sum())
    )


def _groups(model: ChoiceModel, preferences: Preferences, table: ChoiceTable) -> FloatArray:
    """Probability of each group of preferences by respondent, (N, G).

    Groups are classes of people, everybody, or the respondents themselves.
    """
    if isinstance(model, LatentClassLogit):
        return model.posterior.loc[table.respondents].to_numpy(float)
    if len(preferences.groups) == 1:
        return np.ones((table.n_respondents, 1))
    return np.eye(table.n_respondents)


def _taken(coefficients: FloatArray, rows: FloatArray) -> FloatArray:
    """Chance of each offer beside none alone, (G, n_offers)."""
    none = coefficients[:, -1:]
    beside = np.stack([coefficients @ rows.T, np.broadcast_to(none, (len(none), len(rows)))], -1)
    return logit_rule(beside)[:, :, 0]


def _of_members(
    soft: FloatArray, weight: FloatArray, groups: FloatArray, taken: FloatArray
) -> FloatArray:
    """Mean chances of members of each segment, (n_segments, n_offers).

    The uncertainty of answers is divided out (see `confusion`): averaged by posteriors alone,
    segments would look more alike than they are.
    """
    return np.clip(confusion(soft, groups, weight) @ taken, 0.0, 1.0)


def offers_for(
    found: OfferChances,
    sizes: pd.Series,
    margins: Mapping[str, float],
    costs: Mapping[str, float],
    *,
    level: float,
    recognised: pd.DataFrame | Refusal,
) -> Offers:
    """Best sets of offers for segments of some sizes, see `best_offers`.

    Parameters
    ----------
    found : OfferChances
    sizes : Series, index segments
        Customers.
    margins, costs : mapping of offer to money
        Of a taker; of having the offer at all, nothing where it is not named.
    level : float
        Nominal coverage.
    recognised : DataFrame or Refusal
        Where nobody can be recognised without being asked, everybody is made the same offer.

    Raises
    ------
    NotIdentified
        If an offer has no margin.
    """
    names = list(found.chances.columns)
    missing = [name for name in names if name not in margins]
    if missing:
        raise NotIdentified(f"the params name no margin of the offer {missing[0]}")
    segments = found.chances.index
    if isinstance(recognised, Refusal):
        alike = np.tile(np.eye(len(segments))[0], (len(segments), 1))
        recognised = pd.DataFrame(alike, segments, segments)
    return best_offers(
        found.chances, sizes, pd.Series(dict(margins)),
        {name: costs.get(name, 0.0) for name in names},
        level=level, draws=found.draws, recognised=recognised,
    )  # fmt: skip
