"""Whom an initiative is for, in words."""

import pandas as pd
import pytest

from crmlib.roi.selection import pieces, selected
from crmlib.stats.optimise import NotIdentified

GROUPS = pd.DataFrame(
    {
        "value_tier": ["high", "high", "low", "low", None],
        "lifecycle_stage": ["new", "at risk", "new", "lapsed", "at risk"],
    }
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("all", [True] * 5),
        ("high", [True, True, False, False, False]),
        ("high & at risk", [False, True, False, False, False]),
        (" high&new ; lapsed", [True, False, False, True, False]),
        ("all & new", [True, False, True, False, False]),
    ],
)
def test_conditions_and_alternatives(words, expected):
    assert selected(words, GROUPS).tolist() == expected


def test_pieces_are_written_in_one_way():
    assert pieces("high&new;  low & lapsed ;") == ["high & new", "low & lapsed"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("hihg", r"no group of customers is called 'hihg'\. Did you mean `high`"),
        ("", "a selection of customers is empty"),
        ("high & ", r"no group of customers is called ''"),
    ],
)
def test_words_that_name_nobody(words, says):
    with pytest.raises(NotIdentified, match=says):
        selected(words, GROUPS)


def test_a_name_of_two_groupings_is_refused():
    both = GROUPS.assign(needs_segment="new")
    with pytest.raises(NotIdentified, match="'new' names groups of lifecycle_stage and of needs"):
        selected("new", both)
