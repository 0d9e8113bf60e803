"""What became of earlier segments: counted by hand, and nothing told of a few."""

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.continuity import CONTINUED, EVERYBODY, FRESH, GONE, continuity
from crmlib.stats.optimise import NotIdentified


def table(first: int, **segments: int) -> pd.DataFrame:
    """So many customers in each segment, numbered on from the first."""
    names = np.repeat(list(segments), list(segments.values()))
    ids = [f"C{at:03d}" for at in range(first, first + len(names))]
    return pd.DataFrame({"customer_id": ids, "behaviour_segment": "kind", "segment": names})


def rows(found) -> pd.DataFrame:
    return found.table[found.table["rung"] == "segment"].set_index("segment")


def test_by_hand():
    # the first 20 have left; of b, 20 of 60 have moved to c, which is new
    found = continuity(table(0, a=100, b=60, old=40), table(20, a=80, b=40, c=120), min_cell=10)
    told = rows(found)
    assert told["fate"].to_dict() == {
        "a": CONTINUED, "b": CONTINUED, "c": FRESH, "old": GONE, EVERYBODY: "",
    }  # fmt: skip
    assert told["before"].to_dict() == {"a": 100, "b": 60, "c": 0, "old": 40, EVERYBODY: 200}
    assert told["now"].to_dict() == {"a": 80, "b": 40, "c": 120, "old": 0, EVERYBODY: 240}
    kept = told["kept_share"]
    assert (kept["a"], kept["b"], kept["old"]) == (1, pytest.approx(2 / 3), 0)
    assert np.isnan(kept["c"]) and kept[EVERYBODY] == pytest.approx(120 / 180) == found.kept()
    assert found.fates() == {CONTINUED, FRESH, GONE} and found.known == 180


def test_shares_that_tell_of_a_few_are_withheld():
    found = continuity(table(0, a=100, b=95), table(0, a=104, b=91), min_cell=10)
    told = rows(found)
    assert told["kept_share"].isna().tolist() == [False, True, True]
    few = rows(continuity(table(0, a=100, b=6), table(0, a=106), min_cell=10))
    assert np.isnan(few.loc["b", "before"])


def test_the_order_of_rows_does_not_matter():
    then, now = table(0, a=100, b=60), table(20, a=80, b=60)
    found = continuity(then, now, min_cell=10).table
    shuffled = continuity(
        then.sample(frac=1, random_state=1), now.sample(frac=1, random_state=2), min_cell=10
    )
    pd.testing.assert_frame_equal(found, shuffled.table)


def test_with_nobody_in_both_nothing_is_compared():
    with pytest.raises(NotIdentified, match="no customer of the earlier version"):
        continuity(table(0, a=20), table(500, a=20), min_cell=10)
