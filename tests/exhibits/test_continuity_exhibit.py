"""What became of earlier segments, as a board sees it."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.exhibits import Scope, trace
from crmlib.exhibits.segments.continuity import segments_since
from crmlib.segments.continuity import continuity
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a bank: ledger", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip


def version(**segments: int) -> pd.DataFrame:
    names = np.repeat(list(segments), list(segments.values()))
    ids = [f"C{at:03d}" for at in range(len(names))]
    return pd.DataFrame({"customer_id": ids, "behaviour_segment": "kind", "segment": names})


@pytest.mark.parametrize(
    ("now", "title"),
    [
        ({"a": 120, "b": 80}, "All segments go on; 90% of customers kept theirs"),
        ({"a": 100, "b": 60, "c": 40}, "New segments came up; 80% of customers kept theirs"),
        ({"a": 200}, "Segments are gone; 50% of customers kept theirs"),
        ({"a": 100, "c": 100}, "Segments came and went; 50% of customers kept theirs"),
        ({"a": 102, "b": 98}, "All segments go on since the version before"),
    ],
)
def test_the_title_follows_what_became_of_segments(now, title):
    found = continuity(version(a=100, b=100), version(**now), min_cell=10)
    exhibit = segments_since(found, SCOPE)
    exhibit._repr_mimebundle_()
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    cells = list(exhibit.table.columns), text.to_numpy().tolist()
    assert exhibit.title == title and len(title.split()) <= 12
    assert trace.untraced(exhibit.title, *cells) == trace.untraced(exhibit.note, *cells) == []


def test_few_customers_are_not_counted():
    exhibit = segments_since(
        continuity(version(a=100, b=6), version(a=100, c=6), min_cell=10), SCOPE
    )
    shown = exhibit.formatted.set_index("segment").loc["b"]
    assert shown["before"] == "fewer than 10 customers"


def test_without_an_earlier_version_nothing_stands():
    assert segments_since(Refusal("the params name no earlier version"), SCOPE) is None
