"""Which ages and products of contracts may be shown, so that no few customers are told.

Survival from one shown age to the next is what those lost in between make of it. Ages
are shown only where these are nobody or enough, and where enough are still there;
products of few customers form one group from the start, so that every exhibit has the
same groups and none tells by subtraction what another withholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.disclosure import is_small
from crmlib.value.spells import RELATIONSHIP

OTHERS = "other products"
MOST_PRODUCTS = 12  # apart; a chart of more is not read


def merged_products(contracts: pd.DataFrame, min_cell: int) -> pd.Series:
    """The product of each contract; those of few customers, or beyond a dozen, as one.

    Where a product alone would be merged the next smallest goes with it.

    Parameters
    ----------
    contracts : DataFrame
        customer_id, product.
    min_cell : int
        Customers in the smallest group that may be shown.
    """
    product = contracts["product"].astype(str)
    product = product.where(product != RELATIONSHIP, f"{RELATIONSHIP} (product)")
    holders = contracts["customer_id"].groupby(product).nunique().sort_values(kind="stable")
    merged = max(int(is_small(holders, min_cell).sum()), len(holders) - MOST_PRODUCTS)
    while 0 < merged < len(holders):
        merged += merged == 1
        together = contracts.loc[product.isin(holders.index[:merged]), "customer_id"]
        if together.nunique() >= min_cell:
            break
        merged += 1
    return product.where(~product.isin(holders.index[: max(merged, 0)]), OTHERS)


@dataclass(frozen=True)
class Presence:
    """Who has a contract at which age, and who lost one, as far as it was seen.

    Attributes
    ----------
    customer : array of int, shape (n_contracts,)
        Whose contract it is, from 0.
    entry, age : arrays of shape (n_contracts,)
        Ages at which a contract came under observation and was last seen.
    lost : array of bool, shape (n_contracts,)
        Whether it ended then.
    min_cell : int
        Customers in the smallest group that may be shown.
    """

    customer: NDArray[np.int64]
    entry: NDArray[np.float64]
    age: NDArray[np.float64]
    lost: NDArray[np.bool_]
    min_cell: int

    @classmethod
    def of(
        cls, customer: ArrayLike, entry: ArrayLike, age: ArrayLike, lost: ArrayLike, min_cell: int
    ) -> Presence:
        """Contracts that were never under observation do not count."""
        since, until = np.asarray(entry, dtype=float), np.asarray(age, dtype=float)
        seen = until > since
        who = pd.factorize(np.asarray(customer)[seen])[0]
        return cls(who, since[seen], until[seen], np.asarray(lost, dtype=bool)[seen], min_cell)

    @cached_property
    def most(self) -> int:
        """Most contracts of one customer."""
        return int(np.bincount(self.customer).max(initial=0))

    def is_enough(self, at: int) -> bool:
        """Whether enough customers have a contract beyond an age, having come under it before."""
        ended_there = (self.age == at) & self.lost
        there = (self.entry < at) & (self.age >= at) & ~ended_there
        count = np.count_nonzero(there)
        if count >= self.min_cell * self.most:  # however many contracts a customer has
            return count > 0
        return count >= self.min_cell and np.unique(self.customer[there]).size >= self.min_cell

    def youngest(self) -> int | None:
        """First whole age after which enough are seen; None where there is none."""
        oldest = int(self.age.max(initial=0))
        return next((at for at in range(oldest) if self.is_enough(at + 1)), None)

    def shown(self, ages: ArrayLike, origin: int = 0) -> NDArray[np.int64]:
        """Ages of these, rising, at which survival since `origin` may be shown.

        Enough customers have a contract there, as at all whole ages since the origin, and
        nobody or enough have lost one since the age that is shown before.
        """
        shown, before, reached = [], origin, origin
        for at in np.asarray(ages, dtype=np.int64):
            if not all(self.is_enough(each) for each in range(reached + 1, at + 1)):
                break
            reached = at
            gone = self.lost & (self.age > before) & (self.age <= at)
            if not is_small(np.unique(self.customer[gone]).size, self.min_cell):
                shown.append(at)
                before = at
        return np.array(shown, dtype=np.int64)
