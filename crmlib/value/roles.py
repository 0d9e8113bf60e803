"""The three tests of a strategic customer on a client's base, as far as they may be shown (V11).

The tests are crossed by `crmlib.value.strategic`; here it is decided which groups and
which combinations of answers hold enough customers, beside the sums that tell of them.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        test, answer and the same figures; tests that would tell of a few are left out.
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
    total = value.sum()
    patterns["value_share"] = patterns["value"] / (total if total > 0 else np.nan)
    group = _strategic(patterns)
    groups = patterns.groupby(group)[_FIGURES].sum(min_count=1)
    tests = [test for test in TESTS if not _few_answered(patterns, test, min_cell)]
    named, hidden = _withheld(patterns, group, tests, min_cell)
    safe = hidden is not None and not is_small(groups["customers"], min_cell).any()
    shown = ~hidden if safe else np.zeros(len(patterns), dtype=bool)
    return Strategic(
        result=result,
        word=str(brought.name),
        groups=groups,
        groups_shown=safe,
        patterns=patterns.assign(shown=shown),
        patterns_shown=bool(shown.any()),
        by_test=_by_test(patterns, named if safe else ()),
    )


def _strategic(patterns: pd.DataFrame) -> pd.Series:
    """Yes where all three tests are passed, no where one is failed, else unknown."""
    answers = patterns[list(TESTS)]
    failed, stated = (answers == NO).any(axis=1), (answers != UNKNOWN).all(axis=1)
    return pd.Series(np.select([failed, stated], [NO, YES], UNKNOWN), index=patterns.index)


def _few_answered(patterns: pd.DataFrame, test: str, min_cell: int) -> bool:
    """Whether an answer to a test is that of a few."""
    return bool(is_small(patterns.groupby(test)["customers"].sum(), min_cell).any())


def _by_test(patterns: pd.DataFrame, tests: Sequence[str]) -> pd.DataFrame:
    """Figures of each answer to some tests."""
    tables = []
    for test in tests:
        table = patterns.groupby(test)[_FIGURES].sum(min_count=1)
        table = table.reindex([answer for answer in _ANSWERS if answer in table.index])
        tables.append(table.rename_axis("answer").reset_index().assign(test=test))
    columns = ["test", "answer", *_FIGURES]
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True)[columns]


def _withheld(
    patterns: pd.DataFrame, group: pd.Series, tests: Sequence[str], min_cell: int
) -> tuple[tuple[str, ...], np.ndarray | None]:
    """As many tests as may stand beside the groups, and the combinations to withhold then.

    None where the groups alone already tell of a few.
    """
    whole = [np.ones(len(patterns), dtype=bool)]
    whole += [(group == answer).to_numpy() for answer in group.unique()]
    for size in range(len(tests), -1, -1):
        for some in combinations(tests, size):
            rows = whole + [
                (patterns[test] == answer).to_numpy()
                for test in some
                for answer in patterns[test].unique()
            ]
            both = [one & other for one, other in combinations(rows, 2)]
            both += [one & ~other for one in rows for other in rows]
            found = withhold(patterns["customers"], np.array(rows), min_cell, groups=np.array(both))
            if found.safe:
                return some, found.cells
    return (), None
