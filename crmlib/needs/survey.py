"""Who answered: sheets, weights, and the customers behind them (chapter 04).

A respondent is a sheet of answers. Some are linked to a customer, some answered anonymously;
two who were merged into one customer (a couple's accounts, say) are two sheets and one
customer. Nobody is dropped: what needs a customer is said of who has one, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlib.needs.choice_design import DesignChecks
from crmlib.needs.latent_class import LatentClass
from crmlib.needs.loyalty import GONE, KEPT, PROFILES, REDUCED
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

_STARTS = 4  # of the classes that loyalty profiles are held against
HELD = "yearly_value"  # what a customer brings a year, or brought before going
ANSWERED = ("reassessment", "attachment", "satisfaction", "life_change")  # loyalty's items


@dataclass(frozen=True, eq=False)
class Survey:
    """Sheets of a survey, one row per respondent.

    Attributes
    ----------
    answers : DataFrame of shape (n, n_items), index respondent_id
        Everything but weight and customer.
    weights : Series of shape (n,), same index
        1 where the survey carries none.
    customer_id : Series of shape (n,), same index
        None of who is linked to no customer.
    """

    answers: pd.DataFrame
    weights: pd.Series
    customer_id: pd.Series

    @classmethod
    def of(cls, survey: pd.DataFrame) -> Survey:
        """Take apart a survey.

        Parameters
        ----------
        survey : DataFrame
            respondent_id, items, and where given customer_id and weight.

        Raises
        ------
        ValueError
            If a respondent has two sheets.
        """
        sheets = survey.set_index("respondent_id")
        if not sheets.index.is_unique:
            twice = sheets.index[sheets.index.duplicated()][0]
            raise ValueError(f"respondent {twice} has two sheets")
        weights = sheets.get("weight", pd.Series(1.0, sheets.index)).astype(float)
        ids = sheets.get("customer_id", pd.Series(None, sheets.index, dtype=object)).astype(object)
        return cls(
            answers=sheets.drop(columns=["weight", "customer_id"], errors="ignore"),
            weights=weights,
            customer_id=ids.where(ids.notna(), None),
        )

    def __len__(self) -> int:
        return len(self.answers)

    def items(
        self, names: Sequence[str], what: str, say: Callable[[str], str] = str
    ) -> pd.DataFrame:
        """Some items of the sheets.

        Parameters
        ----------
        names : sequence of str
        say : callable
            An item's name to what a reader calls it, which names the columns.
        what : str
            What they are needed for, as a reader calls it.

        Raises
        ------
        NotIdentified
            If none is named: the params say which items tell it.
        """
        if not names:
            raise NotIdentified(f"the params name no survey items on {what}")
        return self.answers[list(names)].rename(columns=say)

    def population(self, customers: int | Refusal, weights_are: str) -> float:
        """How many customers the respondents stand for.

        Parameters
        ----------
        customers : int or Refusal
            Size of the base.
        weights_are : {"customers", "relative"}
            Whether a weight says for how many customers a respondent stands; else the
            respondents stand for the base.

        Raises
        ------
        NotIdentified
            If neither weights nor a base tell it.
        """
        if weights_are == "customers":
            return float(self.weights.sum())
        if isinstance(customers, Refusal):
            raise NotIdentified("nothing tells how many customers the respondents stand for")
        return float(customers)

    def of_customers(self, table: pd.DataFrame | pd.Series) -> Any:
        """Rows of the customers behind the sheets, in the sheets' order.

        Parameters
        ----------
        table : DataFrame or Series, index customer_id

        Returns
        -------
        the same kind, index respondent_id
            Empty of who is linked to no customer, or to one that the table does not hold.
        """
        return table.reindex(self.customer_id.to_numpy()).set_axis(self.answers.index)

    def by_customer(self, posterior: pd.DataFrame) -> ByCustomer:
        """Posteriors by customer; of who sent several sheets their weighted mean.

        Parameters
        ----------
        posterior : DataFrame of shape (n, n_segments), index respondent_id

        Raises
        ------
        NotIdentified
            If no respondent is linked to a customer.
        """
        linked = self.customer_id.dropna()
        if linked.empty:
            raise NotIdentified("no respondent is linked to a customer")
        weights, ids = self.weights[linked.index], linked.to_numpy()
        sums = posterior.loc[linked.index].mul(weights, axis=0).groupby(ids).sum()
        totals = weights.groupby(ids).sum()
        return ByCustomer(sums.div(totals, axis=0), totals)


@dataclass(frozen=True, eq=False)
class ByCustomer:
    """Posteriors and weights of customers who answered, both with index customer_id."""

    posterior: pd.DataFrame
    weights: pd.Series


def weights_of(survey: Survey | Refusal, choices: pd.DataFrame | Refusal) -> pd.Series | None:
    """Survey weights of those who chose; None where not all of them are in the survey."""
    if isinstance(survey, Refusal) or isinstance(choices, Refusal):
        return None
    known = survey.weights.rename(index=str)
    chose = choices["respondent_id"].astype(str).unique()
    return known[chose] if pd.Index(chose).isin(known.index).all() else None


def in_earnest(
    choices: pd.DataFrame, checks: DesignChecks, left_out: Sequence[str]
) -> pd.DataFrame:
    """Choices of those who are not flagged.

    Parameters
    ----------
    choices : DataFrame
        respondent_id and whatever else.
    checks : DesignChecks
        Of the same choices.
    left_out : sequence of str
        Flags of `checks.respondents`: same_position, speeder, always_none.

    Raises
    ------
    NotIdentified
        If nobody is left.
    """
    flags = [flag for flag in left_out if flag in checks.respondents]
    flagged = checks.respondents[flags].any(axis=1)
    out = set(flagged.index[flagged].astype(str))
    kept = choices[~choices["respondent_id"].astype(str).isin(out)]
    if kept.empty:
        raise NotIdentified("nobody is left whose choices show that the tasks were read")
    return kept


def respondents_in(table: Survey | pd.DataFrame | Refusal) -> int:
    """How many people a survey, or a table of choices, is of; nobody where none was given."""
    if isinstance(table, Refusal):
        return 0
    return len(table) if isinstance(table, Survey) else int(table["respondent_id"].nunique())


def about_customers(attributes: pd.DataFrame, placed: pd.DataFrame | Refusal) -> pd.DataFrame:
    """What is known of all customers: attributes, value tier and behaviour.

    Parameters
    ----------
    attributes : DataFrame, index customer_id
        Days count as years and parts of them.
    placed : DataFrame or Refusal, index customer_id
        value_tier and behaviour_segment, where customers were segmented.
    """
    known = attributes.copy()
    for name in known.select_dtypes("datetime"):
        day = known[name]
        known[name] = day.dt.year + (day.dt.day_of_year - 1) / 365.25
    if isinstance(placed, Refusal):
        return known
    return known.join(placed[["value_tier", "behaviour_segment"]])


def figures_of(valued: pd.DataFrame, about: pd.DataFrame) -> pd.DataFrame:
    """Figures in which segments may differ, for an audit: customer_id and numbers.

    Parameters
    ----------
    valued : DataFrame, index customer_id
        The table of value.
    about : DataFrame, index customer_id
        As `about_customers` gives it.
    """
    numbers = valued.select_dtypes("number").drop(columns="value_decile", errors="ignore")
    more = about.select_dtypes("number")
    more = more[more.columns.difference(numbers.columns)]
    return numbers.join(more).rename_axis("customer_id").reset_index()


def chosen_columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The columns named, or all where none is."""
    return table[list(names)] if names else table


def brought_so_far(valued: pd.DataFrame) -> float:
    """Money that all customers together have brought, by the table of value."""
    return float((valued["lifetime_value"] - valued["future_value"]).sum())


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
