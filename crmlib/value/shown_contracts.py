"""Which ages and products of contracts may be shown, so that no few customers are told.

Survival from one shown age to the next is what those lost in between make of it. Ages
are shown only where these are nobody or enough, and where enough are still there;
products of few customers form one group from the start, so that every exhibit has the
same groups and none tells by subtraction what another withholds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.disclosure import is_small

OTHERS = "other products"


def merged_products(contracts: pd.DataFrame, min_cell: int) -> pd.Series:
    """The product of each contract; those of few customers, and the next, as one.

    Parameters
    ----------
    contracts : DataFrame
        customer_id, product.
    min_cell : int
        Customers in the smallest group that may be shown.
    """
    product = contracts["product"].astype(str)
    holders = contracts["customer_id"].groupby(product).nunique().sort_values(kind="stable")
    merged = int(is_small(holders, min_cell).sum())
    while 0 < merged < len(holders):
        merged += 1
        together = contracts.loc[product.isin(holders.index[:merged]), "customer_id"]
        if together.nunique() >= min_cell:
            break
    return product.where(~product.isin(holders.index[:merged]), OTHERS)


def shown_ages(
    customer: ArrayLike,
    entry: ArrayLike,
    age: ArrayLike,
    lost: ArrayLike,
    ages: ArrayLike,
    min_cell: int,
) -> NDArray[np.int64]:
    """Ages at which survival may be shown, from the first on.

    Parameters
    ----------
    customer : array of shape (n_contracts,)
        Whose contract it is.
    entry, age : arrays of shape (n_contracts,)
        Ages at which a contract came under observation and was last seen.
    lost : array of bool, shape (n_contracts,)
        Whether it ended then.
    ages : array of int
        Whole periods that are wanted, rising.
    min_cell : int
        Customers in the smallest group that may be shown.

    Returns
    -------
    array of int
        Those at which enough customers have a contract, as at all whole ages before,
        and since the last of which nobody or enough have lost one.
    """
    who = pd.factorize(np.asarray(customer))[0]
    since, until = np.asarray(entry, dtype=float), np.asarray(age, dtype=float)
    ended = np.asarray(lost, dtype=bool)
    wanted = np.asarray(ages, dtype=np.int64)
    most = int(np.bincount(who).max()) if who.size else 0

    def enough(at: int) -> bool:
        there = (since < at) & ((until > at) | ((until == at) & ~ended))
        count = np.count_nonzero(there)
        if count >= min_cell * most:  # however many contracts a customer has
            return True
        return count >= min_cell and np.unique(who[there]).size >= min_cell

    shown, before, reached = [], 0, 0
    for at in wanted:
        if not all(enough(each) for each in range(reached + 1, at + 1)):
            break
        reached = at
        gone = np.unique(who[ended & (since < until) & (until > before) & (until <= at)]).size
        if not is_small(gone, min_cell):
            shown.append(at)
            before = at
    return np.array(shown, dtype=np.int64)
