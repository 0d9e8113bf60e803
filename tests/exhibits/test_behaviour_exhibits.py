"""The exhibits of behaviour segments: what they say, draw, withhold and refuse."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.exhibits import Exhibit, Scope, formats, trace
from crmlib.exhibits.segments import behaviour
from crmlib.segments.behaviour import BehaviourSegments
from crmlib.segments.choice import SegmentChoice, choose_segments
from crmlib.segments.naming import Names, name_segments
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a test", dt.date(2024, 1, 1), dt.date(2024, 12, 31), "EUR", "month", "revenue", 10)
FEATURES = ["frequency", "cost_share_online", "cost_in_online", "mean_ticket"]
N = 400
REFUSED = Refusal("all 9 customers behave alike")


def matrix(shares: tuple[float, ...] = (0.5, 0.3, 0.2), apart: float = 4.0) -> np.ndarray:
    rng = np.random.default_rng(2)
    centres = np.random.default_rng(6).normal(0, apart, (len(shares), 4))
    counts = np.round(np.array(shares) * N).astype(int)
    return np.repeat(centres, counts, axis=0) + rng.normal(size=(counts.sum(), 4))


def chosen(rows: np.ndarray, **changes) -> SegmentChoice:
    settings = {"methods": ["kmeans", "mixture"], "most": 3, "min_share": 0.05, "seed": 1}
    return choose_segments(rows, replications=12, **settings | changes)


def named(rows: np.ndarray, choice: SegmentChoice) -> Names:
    return name_segments(pd.DataFrame(rows, columns=FEATURES), choice.chosen.labels)


@pytest.fixture(scope="module")
def clear() -> tuple[SegmentChoice, Names]:
    """Three groups that anybody finds."""
    rows = matrix()
    choice = chosen(rows)
    return choice, named(rows, choice)


@pytest.fixture(scope="module")
def noise() -> tuple[SegmentChoice, Names]:
    """One crowd without groups."""
    rows = np.random.default_rng(3).normal(size=(N, 4))
    choice = chosen(rows, methods=["kmeans"], most=4)
    return choice, named(rows, choice)


@pytest.fixture(scope="module")
def tiny() -> tuple[SegmentChoice, Names]:
    """Three groups of which one is of four customers."""
    rows = matrix((0.6, 0.39, 0.01), apart=8.0)
    choice = chosen(rows, methods=["kmeans"], min_share=0.001)
    return choice, named(rows, choice)


def untraced(exhibit: Exhibit, text: str) -> list[str]:
    """Numbers of a text that stand nowhere in the exhibit's CSV."""
    file = formats.safe_table(exhibit.table).to_csv(index=False, lineterminator="\n")
    header, *rows = csv.reader(io.StringIO(file))
    return trace.untraced(text, header, rows)


def test_the_choice_says_how_many_and_marks_it(clear):
    choice, _ = clear
    exhibit = behaviour.choice_of_segments(choice, N, SCOPE)
    assert exhibit.title == f"3 behaviour segments come back, the weakest by {1:.2f}"
    assert untraced(exhibit, exhibit.title) == [] == untraced(exhibit, exhibit.note)
    assert len(exhibit.table) == 6 and (exhibit.table["chosen"] == "yes").sum() == 1
    for ax in exhibit.figure.axes:
        rings = [line for line in ax.lines if line.get_markersize() == 11]
        assert [list(line.get_xdata()) for line in rings] == [[3]]


def test_where_nothing_passes_the_title_says_so(noise):
    choice, names = noise
    exhibit = behaviour.choice_of_segments(choice, N, SCOPE)
    assert exhibit.title.startswith("No number of segments is stable: the best reaches 0.")
    assert untraced(exhibit, exhibit.title) == [] and "no" in set(exhibit.table["passes"])
    assert "not fit to go live" in exhibit.note
    (caveat,) = behaviour.behaviour_findings(choice, N, SCOPE)
    assert caveat.role == "caveat" and untraced(exhibit, caveat.sentence) == []
    gate = behaviour.stability_gate(BehaviourSegments(choice, names), N, SCOPE)
    assert "go live" in gate.title and untraced(gate, gate.title) == []


def test_the_gate_shows_the_weakest_first_with_its_verdict(clear):
    choice, names = clear
    exhibit = behaviour.stability_gate(BehaviourSegments(choice, names), N, SCOPE)
    table = exhibit.table
    assert table["jaccard"].is_monotonic_increasing and set(table["segment"]) == set(names.names)
    assert table["customers"].sum() == N and set(table["verdict"]) == {"highly stable"}
    assert exhibit.title == "Every behaviour segment comes back, the weakest by 1.00"
    assert untraced(exhibit, exhibit.note) == []


def test_broken_segments_are_counted_in_another_colour(clear):
    choice, names = clear
    broken = replace(choice.stability, by_segment=np.array([0.9, 0.5, 0.8]))
    exhibit = behaviour.stability_gate(
        BehaviourSegments(replace(choice, stability=broken), names), N, SCOPE
    )
    assert exhibit.title == "Not every segment is fit to go live: the weakest has 0.50"
    assert exhibit.table["verdict"].tolist() == ["not trusted", "valid", "highly stable"]
    colors = {patch.get_facecolor() for patch in exhibit.figure.axes[0].patches}
    assert len(colors) == 2


def test_profiles_are_differences_from_the_others_largest_segment_first(clear):
    choice, names = clear
    exhibit = behaviour.segment_profiles(BehaviourSegments(choice, names), N, SCOPE)
    table = exhibit.table
    assert table["customers"].is_monotonic_decreasing and len(table) == 3 * 4
    assert table["customers"].iloc[0] == 200
    first = table[table["segment"] == names.names[0]].set_index("feature")["difference"]
    assert first["spend per purchase day"] == pytest.approx(
        names.differences["mean_ticket"].iloc[0], abs=1e-3
    )
    assert untraced(exhibit, exhibit.title) == []
    # one column for the two features that say "online"
    assert len(exhibit.figure.axes[0].get_xticks()) == 3 and "leaves out features" in exhibit.note


def test_a_segment_of_a_few_is_withheld_with_another_that_would_tell(tiny):
    choice, names = tiny
    assert sorted(choice.chosen.sizes) == [4, 156, 240]
    for exhibit in (
        behaviour.segment_profiles(BehaviourSegments(choice, names), N, SCOPE),
        behaviour.stability_gate(BehaviourSegments(choice, names), N, SCOPE),
    ):
        sizes = exhibit.table.groupby("segment")["customers"].first()
        assert sizes.isna().sum() == 2 and sizes.max() == 240
        assert exhibit.table["share"].isna().eq(exhibit.table["customers"].isna()).all()
    profile = behaviour.segment_profiles(BehaviourSegments(choice, names), N, SCOPE)
    assert profile.table.groupby("segment")["difference"].count().tolist().count(0) == 2
    assert "2 segments" in profile.note
    tried = behaviour.choice_of_segments(choice, N, SCOPE)
    assert tried.table.loc[tried.table["segments"] == 3, "smallest_share"].isna().all()
    assert "1.0%" not in tried.note


def test_where_all_segments_are_of_a_few_nothing_is_shown(tiny):
    choice, names = tiny
    exhibit = behaviour.segment_profiles(
        BehaviourSegments(choice, names), N, replace(SCOPE, min_cell=300)
    )
    assert "cannot be shown" in exhibit.title


def test_a_refusal_is_said_once():
    exhibit = behaviour.choice_of_segments(REFUSED, 9, SCOPE)
    assert exhibit.title == "Behaviour segments cannot be computed from these data"
    assert REFUSED.reason in exhibit.alt
    assert behaviour.stability_gate(REFUSED, 9, SCOPE) is None
    assert behaviour.segment_profiles(REFUSED, 9, SCOPE) is None
    assert behaviour.behaviour_findings(REFUSED, 9, SCOPE) == []


def test_long_names_and_names_with_figures_keep_the_title_short(clear):
    choice, names = clear
    own = tuple(f"Customers of 2024 who come in by channel {i}" for i in range(3))
    exhibit = behaviour.segment_profiles(
        BehaviourSegments(choice, replace(names, names=own)), N, SCOPE
    )
    assert exhibit.title == "The largest of 3 segments holds 50% of customers"


def test_names_with_markup_and_money_are_drawn(clear):
    choice, names = clear
    odd = replace(names, names=("$a$ & <b>", "=1+1", "x" * 90))
    assert behaviour.segment_profiles(BehaviourSegments(choice, odd), N, SCOPE).png()
    assert behaviour.stability_gate(BehaviourSegments(choice, odd), N, SCOPE).png()


def test_what_has_come_and_gone_is_said(clear):
    choice, names = clear
    found = BehaviourSegments(
        choice, replace(names, unused=("rich",)), new=("online",), gone=("by post",)
    )
    note = behaviour.segment_profiles(found, N, SCOPE).note
    for words in ("New since the earlier version: online.", "No longer there: by post.", "rich"):
        assert words in note
