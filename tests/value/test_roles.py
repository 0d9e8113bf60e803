"""The three tests on a base: groups, combinations, and what may be shown of them."""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value.roles import strategic_base
from crmlib.value.strategic import TESTS


def people(cells: dict[tuple[object, object, object], int]) -> pd.DataFrame:
    rows = [answers for answers, count in cells.items() for _ in range(count)]
    table = pd.DataFrame(rows, columns=list(TESTS), dtype=object)
    return table.assign(customer_id=[f"c{i}" for i in range(len(table))])


def worth(table: pd.DataFrame) -> pd.Series:
    return pd.Series(2.0, index=table["customer_id"], name="profit")


CELLS = {
    (True, True, True): 60, (True, False, True): 25, (True, True, None): 20,
    (False, False, True): 15, (True, None, None): 30,
}  # fmt: skip


def test_groups_add_up_and_unknown_is_no_failure():
    table = people(CELLS)
    found = strategic_base(table, worth(table), 10)
    assert found.groups["customers"].to_dict() == {"no": 40, "unknown": 50, "yes": 60}
    assert found.groups["value"].sum() == 2 * len(table) and found.word == "profit"
    assert found.groups_shown and found.patterns["shown"].all()
    tests = found.by_test.set_index(["test", "answer"])["customers"]
    assert tests["pays", "no"] == 15 and tests["benefits", "unknown"] == 50


def test_who_brought_nothing_counts_with_nothing():
    table = people(CELLS)
    found = strategic_base(table, worth(table).iloc[:60], 10)
    assert found.groups["value"].to_dict() == {"no": 0, "unknown": 0, "yes": 120}


def test_a_small_combination_is_withheld_with_another():
    table = people(CELLS | {(False, True, True): 3})
    found = strategic_base(table, worth(table), 10)
    hidden = found.patterns[~found.patterns["shown"]]
    assert len(hidden) >= 2 and (hidden["customers"] == 3).any()
    assert hidden["customers"].sum() >= 10


def test_a_test_with_an_answer_of_few_is_left_out():
    table = people(CELLS | {(True, True, False): 4})
    tests = set(strategic_base(table, worth(table), 10).by_test["test"])
    assert tests == {"pays"}, "who decides would tell of the four by the group that fails a test"


def test_a_test_that_tells_of_a_few_beside_the_groups_is_left_out():
    """Not known to decide are 39; of these 30 fail no test: 9 do not pay."""
    cells = {(True, True, True): 60, (True, False, True): 25, (True, None, True): 30,
             (False, True, True): 30, (False, False, True): 11, (False, None, True): 9}  # fmt: skip
    table = people(cells)
    found = strategic_base(table, worth(table), 10)
    assert found.groups_shown and "decides" not in set(found.by_test["test"])
    nine = found.patterns["customers"] == 9
    assert not found.patterns.loc[nine, "shown"].any() and found.patterns["shown"].any()


def test_where_a_group_is_small_nothing_may_be_shown():
    table = people({(True, True, True): 50, (False, True, True): 4})
    found = strategic_base(table, worth(table), 10)
    assert not found.groups_shown and not found.patterns_shown and found.by_test.empty


def test_columns_that_nobody_gave_are_asked_for():
    table = people(CELLS)
    with pytest.raises(NotIdentified, match=r"inputs\.customers"):
        strategic_base(table[["customer_id"]], worth(table), 10)
    found = strategic_base(table[["customer_id", "pays"]], worth(table), 10)
    assert found.result.unknown[0] == "Whether a customer decides is known of nobody."
    assert np.isclose(found.groups["customer_share"].sum(), 1)
