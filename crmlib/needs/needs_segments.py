"""Benefit segments by name, as later steps take them, and the table of needs (N1, N5).

A segment carries the name that a reader knows it by from here on: in offers, in the fit with
capabilities, in the projection and in `needs.parquet`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.needs.behind_answers import chosen_columns
from crmlib.needs.described import Described, described
from crmlib.needs.latent_class import ClassIntervals, LatentClass
from crmlib.needs.projection import Projection, ProjectionAccuracy, projection_accuracy
from crmlib.needs.survey import Survey
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NeedsSegments:
    """Latent classes of answers under their names.

    Attributes
    ----------
    model : LatentClass
    found : ClassIntervals
        Of the same model.
    names : Series of str, index classes
    """

    model: LatentClass
    found: ClassIntervals
    names: pd.Series

    @property
    def posterior(self) -> pd.DataFrame:
        """Probability of each segment by respondent, columns the names."""
        return self.model.posterior.rename(columns=self.names.to_dict())

    @property
    def sizes(self) -> pd.Series:
        """Respondents by likeliest segment, index the names; all segments."""
        counted = self.model.classes.map(self.names).value_counts()
        return counted.reindex(self.names.to_numpy(), fill_value=0).rename("respondents")

    def customers(self, population: float) -> pd.Series:
        """Customers in each segment, by its share of those for whom respondents stand."""
        return pd.Series(self.model.shares.to_numpy() * population, self.names.to_numpy())

    def described_by(
        self, survey: Survey, about: pd.DataFrame, columns: Sequence[str], *, level: float
    ) -> Described:
        """Who is in each segment, by columns of customers; see `described`.

        Parameters
        ----------
        survey : Survey
        about : DataFrame, index customer_id
        columns : sequence of str
            Of `about`; all of them where none is named.
        level : float
            Nominal coverage.
        """
        known = survey.of_customers(chosen_columns(about, columns))
        return described(
            self.posterior, known, survey.weights, level=level, redrawn=self.found.redrawn()
        )

    def told_by(self, survey: Survey, about: pd.DataFrame, **redrawing: Any) -> ProjectionAccuracy:
        """How well columns of customers tell the segments; see `projection_accuracy`."""
        found = survey.by_customer(self.posterior)
        return projection_accuracy(about, found.posterior, weights=found.weights, **redrawing)

    def wanted(self, items: list[str]) -> Wanted:
        """What counts for each segment: mean answers above the lowest that can be given.

        Parameters
        ----------
        items : list of str
            Items with numbers, all on one scale.

        Raises
        ------
        NotIdentified
            If no item is named, or an item's answers are no numbers.
        """
        means = self.model.means()
        missing = [item for item in items if item not in means.index]
        if missing or not items:
            raise NotIdentified(
                f"{missing[0]} is no item with numbers by which segments were formed"
                if missing
                else "the params score no benefit by which segments were formed"
            )
        probabilities = self.model.item_probabilities.index
        levels = probabilities[probabilities.isin(items, level="item")].get_level_values("answer")
        lowest = float(min(levels))
        drawn = self.found.mean_draws(items).transpose(0, 2, 1) - lowest
        importance = (means.loc[items].T - lowest).set_axis(self.names.to_numpy())
        return Wanted(importance.clip(lower=0), np.maximum(drawn, 0))


def sizes_of(found: NeedsSegments | Refusal) -> pd.Series:
    """Respondents by segment; none where there are no segments."""
    return pd.Series(dtype=float) if isinstance(found, Refusal) else found.sizes


def three_rungs(placed: pd.DataFrame, projection: Projection) -> pd.DataFrame:
    """Value tier, behaviour segment and needs segment of every customer, index customer_id."""
    known = projection.table.set_index("customer_id")["needs_segment"]
    return placed[["value_tier", "behaviour_segment"]].assign(needs_segment=known)


@dataclass(frozen=True, eq=False)
class Wanted:
    """Importance of benefits by segment.

    Attributes
    ----------
    importance : DataFrame of shape (n_segments, n_items)
        Not negative.
    draws : array of shape (n_draws, n_segments, n_items)
        The same with respondents drawn anew.
    """

    importance: pd.DataFrame
    draws: FloatArray


def needs_table(
    ids: pd.Index,
    projection: Projection | Refusal,
    survey: Survey | Refusal,
    profile: pd.Series | Refusal,
) -> pd.DataFrame:
    """The table of needs as it is kept: one row for every customer.

    Parameters
    ----------
    ids : Index of customer_id
        The whole base.
    projection : Projection or Refusal
        Where it was refused nobody has a needs segment.
    survey : Survey or Refusal
    profile : Series or Refusal, index respondent_id
        Loyalty profiles.

    Returns
    -------
    DataFrame
        customer_id, needs_segment, p_<segment>…, loyalty_profile (empty of who did not
        answer; of two respondents of one customer that of the heavier, of equals the first).
    """
    known = pd.DataFrame(index=ids, columns=["needs_segment"], dtype=object)
    if not isinstance(projection, Refusal):
        known = projection.table.set_index("customer_id").reindex(ids)
    told = pd.Series(dtype=object)
    if not isinstance(profile, Refusal) and not isinstance(survey, Refusal):
        linked = survey.customer_id.dropna()
        answered = profile[linked.index]
        order = survey.weights[linked.index].sort_values(ascending=False, kind="stable")
        told = answered[order.index].set_axis(linked[order.index])
        unanswered = profile.cat.categories[-1]
        told = told[(told != unanswered).to_numpy() & ~told.index.duplicated()].astype(object)
    table = known.assign(loyalty_profile=told.reindex(ids).to_numpy(dtype=object))
    return table.rename_axis("customer_id").reset_index()
