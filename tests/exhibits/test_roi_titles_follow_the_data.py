"""Where plans change the title changes, and its numbers stand in the new table, not the old."""

import pytest
from roi_pairs import PAIRS
from title_pairs import assert_follows


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_the_title_of_a_plan_follows_the_data_and_its_table(pair):
    assert_follows(pair)
