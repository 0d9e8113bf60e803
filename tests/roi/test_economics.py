"""Segments' margin and retention lead back to the value that was put in."""

import numpy as np
import pandas as pd
import pytest

from crmlib.roi.economics import SegmentEconomics, stream
from crmlib.roi.increments import Calendar, annuity
from crmlib.stats.optimise import NotIdentified

CALENDAR = Calendar(3.0, 0.10)


def base(rng, sizes):
    names = np.repeat(list(sizes), list(sizes.values()))
    customers = pd.Index([f"c{i}" for i in range(names.size)], name="customer_id")
    value = pd.DataFrame({"future_value": rng.normal(300, 100, names.size)}, customers)
    value["future_value_lo"] = value["future_value"] - 164.4854
    value["future_value_hi"] = value["future_value"] + 164.4854
    return pd.Series(names, customers), value


def watched(counts):
    rows = [
        (name, kept) for name, (stay, go) in counts.items() for kept in [True] * stay + [False] * go
    ]
    return pd.DataFrame(rows, columns=["segment", "stayed"])


@pytest.fixture
def found():
    segment, value = base(np.random.default_rng(1), {"a": 400, "b": 100, "new": 25})
    counts = {"a": (360, 40), "b": (50, 50)}
    return segment, value, SegmentEconomics.of(segment, value, watched(counts), CALENDAR, level=0.9)


def test_every_draw_has_the_value_of_the_segment_on_average(found):
    segment, value, economics = found
    draws = economics.draws(20_000, seed=3)
    worth = draws.margin * annuity(draws.retention, CALENDAR)
    expected = value["future_value"].groupby(segment).mean()
    assert worth.mean(axis=0) == pytest.approx(expected.to_numpy(), rel=0.01)


def test_value_scatters_by_the_standard_error_of_a_mean(found):
    _, _, economics = found
    draws = economics.draws(20_000, seed=3)
    worth = draws.margin * annuity(draws.retention, CALENDAR)
    # customers' own futures scatter by 100 each, independently
    assert worth.std(axis=0) == pytest.approx(100 / np.sqrt([400, 100, 25]), rel=0.03)


def test_retention_is_what_was_watched(found):
    _, _, economics = found
    assert economics.table.loc["a", "retention"] == pytest.approx(0.9, abs=0.01)
    assert economics.table.loc["b", "retention"] == pytest.approx(0.5, abs=0.03)


def test_one_segment_more_moves_no_other(found):
    segment, value, economics = found
    fewer = segment.where(segment != "new")
    without = SegmentEconomics.of(
        fewer, value, watched({"a": (360, 40), "b": (50, 50)}), CALENDAR, level=0.9
    )
    np.testing.assert_array_equal(
        without.draws(50, 3).retention, economics.draws(50, 3).retention[:, :2]
    )


def test_streams_are_told_apart_by_name():
    assert stream(1, "retention of a").random() != stream(1, "retention of b").random()
    assert stream(1, "value of a").random() == stream(1, "value of a").random()


def test_nobody_to_invest_in_is_refused(found):
    segment, value, _ = found
    nobody = pd.Series(np.nan, segment.index, dtype=object)
    with pytest.raises(NotIdentified, match="no customer has a segment"):
        SegmentEconomics.of(nobody, value, watched({"a": (1, 1)}), CALENDAR, level=0.9)
    with pytest.raises(NotIdentified, match="12 months before"):
        SegmentEconomics.of(segment, value, watched({}), CALENDAR, level=0.9)
    with pytest.raises(NotIdentified, match="2 customers with a segment have no future value"):
        SegmentEconomics.of(segment, value.iloc[2:], watched({"a": (1, 1)}), CALENDAR, level=0.9)
