"""Signs within segments: a segment's own where it has one, that of all where it has not."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.signs import signs_by_segment
from crmlib.segments.triggers import announced_by
from crmlib.stats.optimise import NotIdentified

END = dt.date(2025, 12, 31)
SINCE = dt.date(2024, 12, 31)
MONTHS = pd.date_range("2023-01-01", periods=36, freq="MS")


def base(n: int = 3_000, seed: int = 0, callers: float = 6.0) -> tuple[pd.DataFrame, ...]:
    """Customers who call; before leaving those of segment *a* call more, others do not.

    Those of *few* are too few to be judged.
    """
    rng = np.random.default_rng(seed)
    segment = np.where(np.arange(n) < 40, "few", np.where(rng.random(n) < 0.5, "a", "b"))
    event = np.where(rng.random(n) < 0.35, rng.integers(3, 36, n), 99)
    before = event[:, None] - np.arange(36)
    near = (before >= 0) & (before <= 2) & (segment != "b")[:, None]
    calls = rng.poisson(rng.gamma(2, 0.2, n)[:, None] * np.where(near, callers, 1.0))
    ids = np.array([f"C{i:04d}" for i in range(n)], dtype=object)
    rows = pd.DataFrame({"customer_id": np.repeat(ids, 36), "month": np.tile(MONTHS, n),
                         "calls": calls.ravel().astype(float)})  # fmt: skip
    rows = rows[(before >= 0).ravel()]
    left = pd.DataFrame({"customer_id": ids, "at": event}).query("at < 36")
    left["month"] = MONTHS[left["at"]]
    return rows, left, pd.Series(segment, index=pd.Index(ids, name="customer_id"))


OPTIONS = {"end": END, "usual": 6, "lead": 3, "rate": 0.05, "level": 0.9, "fewest": 10}


@pytest.fixture(scope="module")
def judged():
    rows, left, segment = base()
    found = announced_by(rows, left, **OPTIONS)
    signs = signs_by_segment(found, rows, left, segment, since=SINCE, end=END, fewest=10)
    return found, signs


def test_a_segment_has_its_own_sign_and_others_that_of_all(judged):
    found, signs = judged
    table = signs.table
    assert table["own"].to_dict() == {"a": True, "b": False, "few": False}
    assert table.loc["a", "lift_lo"] > 1 and table.loc["a", "direction"] == "up"
    clearest = found.confirmed.iloc[0]
    assert table.loc["b", "lift"] == table.loc["few", "lift"] == clearest["lift"]
    # who never shows it dilutes what holds for all
    each = signs.judged.query("segment == 'a'").set_index(["direction", "by", "recent"])
    assert each.loc[tuple(clearest[["direction", "by", "recent"]]), "lift"] > clearest["lift"]


def test_where_few_events_follow_nothing_is_judged(judged):
    _, signs = judged
    few = signs.judged.query("segment == 'few'")
    assert len(few) and few[["lift", "p", "p_adjusted"]].isna().all(axis=None)


def test_no_segment_has_a_sign_where_segments_are_drawn_by_lot():
    rows, left, segment = base()
    found = announced_by(rows, left, **OPTIONS)
    lots = pd.Series(np.random.default_rng(1).choice(["x", "y"], len(segment)), segment.index)
    signs = signs_by_segment(found, rows, left, lots, since=SINCE, end=END, fewest=10)
    lifts = signs.table["lift"]
    assert signs.table["own"].all() and lifts.max() / lifts.min() < 2


def test_events_before_the_segments_were_formed_do_not_count():
    rows, left, segment = base()
    found = announced_by(rows, left, **OPTIONS)
    late = dt.date(2025, 9, 30)
    signs = signs_by_segment(found, rows, left, segment, since=late, end=END, fewest=10)
    assert not signs.table["own"].any() and signs.judged["fired"].eq(0).all()


def test_without_a_confirmed_sign_none_is_judged():
    rows, left, segment = base(callers=1.0)
    found = announced_by(rows, left, **OPTIONS)
    with pytest.raises(NotIdentified, match="no change of behaviour was confirmed"):
        signs_by_segment(found, rows, left, segment, since=SINCE, end=END, fewest=10)
