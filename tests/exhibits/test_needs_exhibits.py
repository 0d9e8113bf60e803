"""Exhibits of needs: titles follow the data and stand in their tables, few are not shown."""

from dataclasses import replace

import needs_pairs as small
import pandas as pd
import pytest

from crmlib.exhibits import needs
from crmlib.exhibits.needs.groups import hidden_groups
from crmlib.exhibits.trace import untraced
from crmlib.stats.refusal import Refusal

SCOPE, N = small.SCOPE, small.N
BROUGHT = 1e6
SIZES = pd.Series([180, 120], list(small.SEGMENTS))


def classes(share):
    model = small.classes(share)
    return model, model.intervals(10), needs.proposed_names(model)


PAIRS = {
    "classes": lambda k: needs.choice_of_classes(small.tried(k), small.ONE_MORE, N, SCOPE),
    "benefits": lambda share: needs.benefit_segments(*classes(share), SCOPE),
    "portraits": lambda older: needs.who_they_are(small.who(older), SIZES, 0.01, N, SCOPE),
    "loyalty": lambda share: needs.loyalty_profiles(
        small.stake(dissatisfied=share), "future_value", 0.9, N, SCOPE
    ),
    "check": lambda agreed: needs.loyalty_check(*small.checked(agreed), SCOPE),
    "drivers": lambda service: needs.satisfaction_drivers(small.driven(service), 0.9, N, SCOPE),
    "breaks": lambda p: needs.break_points({"fees": small.breakpoint(p)}, 0.9, SCOPE),
    "fixes": lambda cost: needs.issues_to_fix(small.ranked(cost), small.driven(), SCOPE),
    "accuracy": lambda blur: needs.projection_accuracy(
        small.projected(blur).held_out, 0.9, N, SCOPE
    ),
    "shares": lambda blur: needs.projected_shares(small.projected(blur), 0.9, SCOPE),
    "sets": lambda cost: needs.broad_or_specific(small.offered(cost), 0.9, N, SCOPE),
    "offers": lambda cost: needs.what_to_offer(small.offered(cost), SIZES, SCOPE),
    "fit": lambda score: needs.fit_by_segment(small.fitted(score), SIZES, 0.9, SCOPE),
    "gaps": lambda score: needs.capability_gaps(small.fitted(score), SIZES, SCOPE),
}
CHANGED = {
    "classes": (3, 2), "benefits": (0.6, 0.3), "portraits": (20.0, 5.0),
    "loyalty": (0.2, 0.4), "check": (0.9, 0.7), "drivers": (0.6, 0.3),
    "breaks": (0.001, 0.5), "fixes": (1.0, 1000.0), "accuracy": (0.5, 0.8),
    "sets": (10.0, 1000.0), "fit": (4.5, 1.5), "gaps": (4.5, 1.5),
}  # fmt: skip


TRIED = [*((name, values[0]) for name, values in CHANGED.items()), ("shares", 0.5),
         ("offers", 10.0)]  # fmt: skip


def lost(text, table):
    """Numbers of a text that its exhibit's table does not hold."""
    cells = table.map(lambda value: "" if pd.isna(value) else str(value))
    return untraced(text, list(table.columns), cells.to_numpy().tolist())


@pytest.mark.parametrize("name", CHANGED)
def test_the_title_follows_the_data(name):
    first, second = (PAIRS[name](value) for value in CHANGED[name])
    assert first.title != second.title


@pytest.mark.parametrize(("name", "value"), TRIED)
def test_numbers_of_the_title_stand_in_the_table_and_the_picture_draws(name, value):
    exhibit = PAIRS[name](value)
    assert not lost(exhibit.title, exhibit.table)
    data, _ = exhibit._repr_mimebundle_()
    assert "image/svg+xml" in data or "text/html" in data


def test_findings_are_estimates_whose_numbers_stand_in_their_exhibits():
    model, found, names = classes(0.6)
    driven, stake = small.driven(), small.stake()
    told = [
        (
            needs.benefit_findings(model, found, names, Refusal("no value"), SCOPE),
            PAIRS["benefits"](0.6),
        ),
        (
            needs.loyalty_findings(stake, "future_value", BROUGHT, SCOPE),
            PAIRS["loyalty"](0.2),
        ),
        (needs.driver_findings(driven, SCOPE), PAIRS["drivers"](0.6)),
        (
            needs.fix_findings(small.ranked(1.0), small.driven(), BROUGHT, SCOPE),
            PAIRS["fixes"](1.0),
        ),
        (needs.projection_findings(small.projected().held_out, SCOPE), PAIRS["accuracy"](0.5)),
        (needs.specific_findings(small.offered(10.0), N, BROUGHT, SCOPE), PAIRS["sets"](10.0)),
        (needs.gap_findings(small.fitted(4.5), SIZES, SCOPE), PAIRS["gaps"](4.5)),
    ]
    for (finding,), exhibit in told:
        assert (finding.kind, finding.exhibit) == ("estimate", exhibit.id)
        assert finding.lo <= finding.value <= finding.hi
        assert not lost(finding.sentence, exhibit.table)


def test_names_are_what_a_class_wants_more_than_others_and_can_be_edited():
    model = small.classes()
    assert [set(name.split(" and ")) for name in needs.proposed_names(model)] == [
        {"price", "speed"},
        {"service", "care"},
    ]
    first = needs.proposed_names(model).iloc[0]
    assert needs.proposed_names(model, {first: "bargain hunters"}).iloc[0] == "bargain hunters"


def test_profiles_of_few_respondents_are_withheld_with_the_sum_that_tells_them():
    exhibit = needs.loyalty_profiles(small.stake(dissatisfied=0.02), "future_value", 0.9, N, SCOPE)
    shown = exhibit.table.dropna(subset="share")
    assert "dissatisfied" not in set(shown["profile"])
    assert "going_value" not in exhibit.table
    few = small.stake(dissatisfied=0.02)
    assert needs.loyalty_findings(few, "future_value", BROUGHT, SCOPE) == []


def test_issues_without_a_rank_are_told_with_the_reason():
    ranked = replace(small.ranked(1.0), left_out={"waiting_time": "not among the drivers"})
    note = needs.issues_to_fix(ranked, small.driven(), SCOPE).note
    assert note.endswith("Left out: waiting time (not among the drivers).")
    assert "Left out" not in needs.issues_to_fix(small.ranked(1.0), small.driven(), SCOPE).note


def test_one_small_group_takes_another_with_it():
    assert hidden_groups([200, 50, 3], 10).tolist() == [False, True, True]


def test_no_segment_is_shown_where_all_would_be_small():
    exhibit = needs.what_to_offer(small.offered(10.0), SIZES, replace(SCOPE, min_cell=500))
    assert "too small" in exhibit.title


def test_a_refusal_is_told_once_in_the_survey_s_words():
    no = Refusal("nobody answered")
    told = [
        needs.choice_of_classes(no, small.ONE_MORE, N, SCOPE),
        needs.loyalty_profiles(no, "future_value", 0.9, N, SCOPE),
        needs.satisfaction_drivers(no, 0.9, N, SCOPE),
        needs.projection_accuracy(no, 0.9, N, SCOPE),
        needs.issues_to_fix(no, small.driven(), SCOPE),
        needs.broad_or_specific(no, 0.9, N, SCOPE),
        needs.fit_by_segment(no, SIZES, 0.9, SCOPE),
    ]
    assert all(e.population == "respondents" and "nobody answered" in e.alt for e in told)
    silent = [
        needs.loyalty_check(no, no, SCOPE),
        needs.break_points(no, 0.9, SCOPE),
        needs.issues_to_fix(no, no, SCOPE),
        needs.projected_shares(no, 0.9, SCOPE),
        needs.what_to_offer(no, SIZES, SCOPE),
        needs.capability_gaps(no, SIZES, SCOPE),
        needs.needs_ladder(no, N, SCOPE),
        needs.needs_audit(no, SCOPE, N),
    ]
    assert silent == [None] * 8
    assert needs.fix_findings(no, small.driven(), BROUGHT, SCOPE) == []


def test_a_finding_weighs_its_share_of_what_customers_brought():
    (known,) = needs.loyalty_findings(small.stake(), "future_value", BROUGHT, SCOPE)
    assert known.size == pytest.approx(known.value / BROUGHT)
    unknown = Refusal("no purchases")
    (finding,) = needs.loyalty_findings(small.stake(), "future_value", unknown, SCOPE)
    assert finding.size == 0


def test_the_test_of_one_class_more_is_told_where_it_was_asked_for():
    said = needs.choice_of_classes(small.tried(), small.ONE_MORE, N, SCOPE).note
    assert "One class more than 3: p = 0.25" in said
    silent = needs.choice_of_classes(small.tried(), Refusal("not asked for"), N, SCOPE).note
    assert "One class more" not in silent


def test_own_names_that_two_segments_have_are_told():
    edited = {"price": "savers", "care": "savers", "speed": "fast"}
    names = pd.Series(["savers", "savers", "fast"])
    assert needs.taken_names(names, edited) == ["price", "care"]


def test_what_is_largest_leads_and_what_chance_explains_is_left_out():
    exhibit = PAIRS["portraits"](20.0)
    assert list(exhibit.table["column"].unique()) == ["age", "channel"]
    assert "Age: 60" in exhibit.title or "Age: 59" in exhibit.title
    assert (exhibit.table["columns_apart"] == 2).all()


def test_segments_that_nothing_known_tells_apart_are_said_to_be_alike():
    alike = small.who(20.0)
    table = alike.table.assign(p=0.5)
    exhibit = needs.who_they_are(replace(alike, table=table), SIZES, 0.01, N, SCOPE)
    assert exhibit.title == "Nothing known of customers tells who wants what"
    assert exhibit.table["columns_described"].tolist() == [3]


def test_portraits_of_few_are_withheld():
    few = pd.Series([295, 5], list(small.SEGMENTS))
    exhibit = needs.who_they_are(small.who(20.0), few, 0.01, N, SCOPE)
    assert "too small" in exhibit.title
