"""Who answered: sheets, weights, and the customers behind them (chapter 04).

A respondent is a sheet of answers. Some are linked to a customer, some answered anonymously;
two who were merged into one customer (a couple's accounts, say) are two sheets and one
customer. Nobody is dropped: what needs a customer is said of who has one, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crmlib.needs.choice_design import DesignChecks
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal


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
