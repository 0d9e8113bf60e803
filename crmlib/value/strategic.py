"""Who the strategic customers are, by three separate tests (V11).

Does the customer bring revenue, decide the purchase, benefit from it? Who pays
need not be who decides. A strategic customer passes all three; what nobody has
stated about a customer stays unknown and is counted as such.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

TESTS = ("pays", "decides", "benefits")
YES, NO, UNKNOWN = "yes", "no", "unknown"
ANSWERS: dict[Hashable, str] = {True: YES, False: NO, "yes": YES, "no": NO}


@dataclass(frozen=True)
class StrategicCustomers:
    """Customers and value by what the three tests say.

    Attributes
    ----------
    combinations : DataFrame of shape (8, 7)
        pays, decides, benefits (yes / no), customers, customer_share, value,
        value_share; customers with an answer to all three. Yes before no.
    partial : DataFrame
        The same for every pattern with an "unknown" that occurs.
    tests : DataFrame, index pays / decides / benefits
        yes, no, unknown: customers; value_yes, value_no, value_unknown.
    passed : DataFrame, index certain / possible
        customers, value, customer_share, value_share of those who pass all three,
        and of those who at least fail none: the truth lies between.
    answers : DataFrame of shape (n_customers, 4)
        pays, decides, benefits (yes / no / unknown), strategic (yes where all
        three are, no where one is failed, else unknown).
    unknown : tuple of str
        Sentences: which tests nobody was put to, which some were not.
    n : int
        Customers.
    """

    combinations: pd.DataFrame
    partial: pd.DataFrame
    tests: pd.DataFrame
    passed: pd.DataFrame
    answers: pd.DataFrame
    unknown: tuple[str, ...]
    n: int


def strategic_customers(customers: pd.DataFrame, value: ArrayLike) -> StrategicCustomers:
    """Cross the three tests and weigh every combination by customers and value.

    Parameters
    ----------
    customers : DataFrame
        pays, decides, benefits, each optional: true / false, 1 / 0 or yes / no;
        missing where it is not known.
    value : array of shape (n_customers,)
        Money; may be negative.

    Raises
    ------
    ValueError
        If there is no customer, an answer is none of these, or a value is not
        finite.

    Notes
    -----
    Shares of value are NaN where total value is not positive.
    """
    money = np.asarray(value, dtype=float)
    if len(customers) == 0 or money.shape != (len(customers),):
        raise ValueError(f"{len(customers)} customers with values of shape {money.shape}")
    if not np.isfinite(money).all():
        raise ValueError(
            f"value must be finite: it is not at position {_first(~np.isfinite(money))}"
        )
    answers = pd.DataFrame(
        {test: _answers(customers, test) for test in TESTS}, index=customers.index
    )
    failed, stated = (answers == NO).any(axis=1), (answers != UNKNOWN).all(axis=1)
    answers["strategic"] = np.select([failed, stated], [NO, YES], UNKNOWN)
    counted = _count(answers, money)
    known = (counted[list(TESTS)] != UNKNOWN).all(axis=1)
    every = pd.DataFrame(list(product((YES, NO), repeat=3)), columns=list(TESTS))
    combinations = every.merge(counted, how="left", on=list(TESTS)).fillna(0.0)
    return StrategicCustomers(
        combinations=combinations.astype({"customers": int}),
        partial=counted[~known].reset_index(drop=True),
        tests=_by_test(answers, money),
        passed=_passed(answers["strategic"], money),
        answers=answers,
        unknown=_unknown(customers, answers),
        n=len(customers),
    )


def _answers(customers: pd.DataFrame, test: str) -> list[str]:
    """Yes, no or unknown for each customer."""
    if test not in customers:
        return [UNKNOWN] * len(customers)
    given = customers[test].astype(object)
    missing = given.isna().to_numpy()
    found = [
        UNKNOWN if gone else ANSWERS.get(answer if not isinstance(answer, str) else answer.lower())
        for answer, gone in zip(given, missing, strict=True)
    ]
    wrong = [i for i, answer in enumerate(found) if answer is None]
    if wrong:
        raise ValueError(f"{test} must be yes or no: found {given.iloc[wrong[0]]!r}")
    return found


def _count(answers: pd.DataFrame, money: np.ndarray) -> pd.DataFrame:
    """Customers and value of each pattern of answers that occurs, yes before no before unknown."""
    rows = answers.assign(value=money)
    table = rows.groupby(list(TESTS), as_index=False).agg(
        customers=("value", "size"), value=("value", "sum")
    )
    table = _with_shares(table, len(rows), float(money.sum()))
    rank = {YES: 0, NO: 1, UNKNOWN: 2}
    table = table.sort_values(list(TESTS), key=lambda column: column.map(rank), ignore_index=True)
    return table[[*TESTS, "customers", "customer_share", "value", "value_share"]]


def _with_shares(table: pd.DataFrame, customers: int, total: float) -> pd.DataFrame:
    return table.assign(
        customer_share=table["customers"] / customers,
        value_share=table["value"] / (total if total > 0 else np.nan),
    )


def _by_test(answers: pd.DataFrame, money: np.ndarray) -> pd.DataFrame:
    rows = {
        test: {
            **{state: int((answers[test] == state).sum()) for state in (YES, NO, UNKNOWN)},
            **{
                f"value_{state}": float(money[answers[test] == state].sum())
                for state in (YES, NO, UNKNOWN)
            },
        }
        for test in TESTS
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("test")


def _passed(strategic: pd.Series, money: np.ndarray) -> pd.DataFrame:
    certain, possible = strategic == YES, strategic != NO
    table = pd.DataFrame(
        {
            "customers": [int(certain.sum()), int(possible.sum())],
            "value": [float(money[certain].sum()), float(money[possible].sum())],
        },
        index=["certain", "possible"],
    )
    return _with_shares(table, money.size, float(money.sum()))


def _unknown(customers: pd.DataFrame, answers: pd.DataFrame) -> tuple[str, ...]:
    """What is not known, test by test."""
    sentences = []
    for test in TESTS:
        missing = int((answers[test] == UNKNOWN).sum())
        if missing == len(customers):
            sentences.append(f"Whether a customer {test} is known of nobody.")
        elif missing:
            sentences.append(
                f"Whether a customer {test} is not known of {missing:,} of {len(customers):,}."
            )
    return tuple(sentences)


def _first(bad: np.ndarray) -> int:
    return int(np.argmax(bad))
