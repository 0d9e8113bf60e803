"""The three tests of a strategic customer on a client's base, as far as they may be shown (V11).

The tests are crossed by `crmlib.value.strategic`; here it is decided which groups and
which combinations of answers hold enough customers, beside the sums that tell of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from crmlib.stats.disclosure import is_small, withhold
from crmlib.stats.optimise import NotIdentified
from crmlib.value.strategic import NO, TESTS, UNKNOWN, YES, StrategicCustomers, strategic_customers

_ANSWERS = (YES, NO, UNKNOWN)
_FIGURES = ["customers", "customer_share", "value", "value_share"]


@dataclass(frozen=True)
class Strategic:
    """Strategic customers, and what of it may be shown.

    Attributes
    ----------
    result : StrategicCustomers
    word : str
        What the value is: "profit" or "contribution".
    groups : DataFrame, index yes / unknown / no
        customers, customer_share, value, value_share of those who pass all three tests,
        may pass them, and fail one; only answers that occur.
    groups_shown : bool
        Whether each of these holds enough customers.
    patterns : DataFrame
        pays, decides, benefits, the same figures, and shown (bool).
    patterns_shown : bool
        Whether any combination may stand beside the other tables.
    by_test : DataFrame
        test, answer and the same figures; tests with an answer of few are left out.
    """

    result: StrategicCustomers
    word: str
    groups: pd.DataFrame
    groups_shown: bool
    patterns: pd.DataFrame
    patterns_shown: bool
    by_test: pd.DataFrame


def strategic_base(people: pd.DataFrame, brought: pd.Series, min_cell: int) -> Strategic:
    """Put the three tests to a base.

    Parameters
    ----------
    people : DataFrame
        customer_id and, of pays, decides and benefits, at least one.
    brought : Series, index customer_id
        What each brought, called "profit" or "contribution"; nothing where missing.
    min_cell : int
        Smallest group that may be shown.

    Raises
    ------
    NotIdentified
        If none of the three columns is there.
    """
    if not set(TESTS) & set(people):
        raise NotIdentified(
            "nothing tells who pays, decides or benefits (columns pays, decides, benefits of "
            "inputs.customers)"
        )
    value = people["customer_id"].map(brought).fillna(0.0).to_numpy(float)
    result = strategic_customers(people, value)
    known = result.combinations[result.combinations["customers"] > 0]
    patterns = pd.concat([known, result.partial], ignore_index=True)
    group = _strategic(patterns)
    groups = patterns.groupby(group)[_FIGURES].sum(min_count=1)
    safe = not is_small(groups["customers"], min_cell).any()
    by_test = _by_test(patterns, min_cell)
    hidden = _withheld(patterns, group, by_test, min_cell) if safe else None
    shown = np.zeros(len(patterns), dtype=bool) if hidden is None else ~hidden
    return Strategic(
        result=result,
        word=str(brought.name),
        groups=groups,
        groups_shown=safe,
        patterns=patterns.assign(shown=shown),
        patterns_shown=bool(shown.any()),
        by_test=by_test if safe else by_test.iloc[:0],
    )


def _strategic(patterns: pd.DataFrame) -> pd.Series:
    """Yes where all three tests are passed, no where one is failed, else unknown."""
    answers = patterns[list(TESTS)]
    failed, stated = (answers == NO).any(axis=1), (answers != UNKNOWN).all(axis=1)
    return pd.Series(np.select([failed, stated], [NO, YES], UNKNOWN), index=patterns.index)


def _by_test(patterns: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Figures of each answer to each test that hides no few."""
    tables = []
    for test in TESTS:
        table = patterns.groupby(test)[_FIGURES].sum(min_count=1)
        table = table.reindex([answer for answer in _ANSWERS if answer in table.index])
        if not is_small(table["customers"], min_cell).any():
            tables.append(table.rename_axis("answer").reset_index().assign(test=test))
    columns = ["test", "answer", *_FIGURES]
    return (
        pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
    )


def _withheld(
    patterns: pd.DataFrame, group: pd.Series, by_test: pd.DataFrame, min_cell: int
) -> np.ndarray | None:
    """Combinations to withhold beside the groups and the tests; None where nothing is safe."""
    rows = [np.ones(len(patterns), dtype=bool)]
    rows += [(group == answer).to_numpy() for answer in group.unique()]
    shown = zip(by_test["test"], by_test["answer"], strict=True)
    rows += [(patterns[test] == answer).to_numpy() for test, answer in shown]
    both = [one & other for one, other in combinations(rows, 2)]
    both += [one & ~other for one in rows for other in rows]
    found = withhold(patterns["customers"], np.array(rows), min_cell, groups=np.array(both))
    return found.cells if found.safe else None
