"""Exhibits of investment: titles follow the data and stand in their tables, few are not shown."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import roi_pairs as small
from matplotlib.text import Text
from title_pairs import body

from crmlib import roi
from crmlib.exhibits import roi as exhibits
from crmlib.exhibits import trace
from crmlib.exhibits.exhibit import MAX_TITLE_WORDS
from crmlib.stats.refusal import Refusal

SCOPE, N = small.SCOPE, small.N
NO = Refusal("nothing was given")
LONG = "A very long name of an initiative with $ signs & <b>tags</b> that goes on and on and on"


# What is said of nothing else than what there is: kinds of client without this exhibit
SILENT = {
    "plain": {"roadmap_left_out"},
    "dear": {"overlapping", "target_lists"},
    "harm": set(),
    "one wave": {"roadmap_left_out"},
    "endless": {"claims_weighed", "overlapping", "target_lists"},
    "one": {"claims_weighed", "overlapping", "roadmap_left_out"},
}
# Words that follow the data where no number stands in the title
WORDS = {
    "pilot_size": ("plain", "No pilot of any size is worth its cost"),
    "next_customers": ("plain", "Every further customer still brings more than he costs"),
    "initiative_worth": ("dear", "No initiative pays in four cases of five"),
    "roadmap_plan": ("dear", "Nothing starts under these budgets and rules"),
    "start_monday": ("poorer", "Nothing starts under these budgets and rules"),
    "asset_values": ("dear", "No asset moves what the plan is worth"),
    "rule_prices": ("plain", "No rule costs the plan anything"),
    "value_drivers": ("plain", "What is least known is the effect itself"),
}
BROKEN = re.compile(r"\b(nan|inf|None|NaT|<NA>)\b")


def checked(exhibit):
    """What holds for every exhibit: a title that its table bears out, and readable words."""
    assert exhibit.title and len(exhibit.title.split()) <= MAX_TITLE_WORDS
    assert not trace.untraced(exhibit.title, *body(exhibit))
    words = [exhibit.title, exhibit.note, exhibit.alt, exhibit.unit]
    if exhibit.formatted is not None:
        words += [str(each) for each in (*exhibit.formatted, *exhibit.formatted.to_numpy().flat)]
    if exhibit.figure is not None:
        words += [str(text.get_text()) for text in exhibit.figure.findobj(Text)]
        assert any(letter.isdigit() for letter in exhibit.alt) and len(exhibit.alt.split()) >= 12
    assert not [said for said in words if BROKEN.search(said) or ".." in said]
    exhibit._repr_mimebundle_()
    return exhibit


@pytest.mark.parametrize("kind", SILENT)
@pytest.mark.parametrize("name", small.MADE)
def test_every_exhibit_of_every_client_reads_and_bears_out_its_title(name, kind):
    exhibit = small.MADE[name](small.chapter(kind))
    assert (exhibit is None) == (name in SILENT[kind])
    if exhibit is not None:
        assert checked(exhibit).id == name


@pytest.mark.parametrize("name", WORDS)
def test_titles_without_a_number_follow_the_data_too(name):
    kind, title = WORDS[name]
    assert checked(small.MADE[name](small.chapter(kind))).title == title


@pytest.mark.parametrize("name", small.MADE)
def test_long_names_of_a_client_fit(name):
    checked(small.MADE[name](small.chapter("harm").named(LONG)))


def test_a_pilot_that_teaches_nothing_says_whence_its_worth_comes():
    """Held for nothing, of an initiative that nothing found could make worth its fixed cost."""
    why = small.MADE["next_steps"](small.chapter("dear")).formatted["Why"]
    assert why.str.contains("mostly by what its own customers bring").all()
    why = small.MADE["next_steps"](small.chapter("pilot")).formatted["Why"]
    assert not why.str.contains("mostly").any()


@pytest.mark.parametrize(("kind", "drawn"), [("endless", True), ("pilot", False)])
def test_the_size_for_power_is_marked_where_a_pilot_may_be_so_large(kind, drawn):
    shown = small.MADE["pilot_size"](small.chapter(kind))
    assert (shown.table["for_power"].iloc[0] <= shown.table["n_per_arm"].max()) == drawn
    words = [text.get_text() for text in shown.figure.findobj(Text)]
    assert any(said.startswith("a test with power") for said in words) == drawn


def test_a_single_look_has_no_first_and_no_last():
    shown = checked(exhibits.where_it_stops(small.chapter().review(looks=1), SCOPE))
    assert shown.title == "The only look stops beyond 1.96 standard errors"


def test_nothing_to_start_is_told_from_nothing_that_can_start():
    brief = exhibits.in_brief(small.chapter("dear").programme, SCOPE).text
    assert "No initiative is expected" in brief and "Pilot before any launch: " in brief
    brief = exhibits.in_brief(small.chapter("poorer").programme, SCOPE).text
    assert "Under these budgets" in brief and "Pilot" not in brief
    chapter = small.chapter("dear")
    nowhere = chapter.steps.table.assign(verdict="stop")
    stopped = replace(chapter.programme, steps=replace(chapter.steps, table=nowhere))
    shown = checked(exhibits.start_monday(stopped, N, SCOPE))
    assert shown.title == "No initiative is worth its cost"


def test_what_is_never_paid_back_says_so():
    cells = small.MADE["break_even_points"](small.chapter("endless")).formatted
    assert cells["Paid back after"].tolist() == ["not in the time counted"]


def test_a_claim_that_cannot_be_weighed_stands_with_its_reason():
    chapter = small.chapter("claims")
    weighed = replace(
        roi.claims(chapter.known.claims, chapter.plans.initiatives, chapter.chosen,
                   chapter.base.economics, seed=1),
        left_out={"third": "its segment is empty"},
    )  # fmt: skip
    shown = checked(exhibits.claims_weighed(weighed, chapter.plans, chapter.names, N, SCOPE))
    assert shown.title.startswith("3 claims")
    assert shown.formatted["Remark"].tolist()[-1] == "its segment is empty"
    assert shown.formatted.iloc[-1]["Pays from"] == ""


def test_a_board_reads_start_cost_return_and_doubt():
    text = exhibits.in_brief(small.chapter("pilot").programme, SCOPE).text
    for word in ("Start on Monday", "What it costs", "What it returns", "change our mind"):
        assert f"{word}:**" in text
    assert "Pilot before any launch: Try it" in text
    plan = small.chapter("pilot").plan
    assert SCOPE.money(plan.mean) in text and SCOPE.money(plan.spend["cost"].sum()) in text
    assert "nothing" in exhibits.in_brief(small.chapter("dear").programme, SCOPE).text
    assert (
        "Build meanwhile: there" in exhibits.in_brief(small.chapter("build").programme, SCOPE).text
    )


def test_harm_is_a_finding_and_the_plan_is_one():
    chapter = small.chapter("harm")
    (stop,) = exhibits.next_step_findings(chapter.steps, chapter.found, chapter.names, 1e6, SCOPE)
    assert stop.sentence.startswith("Stop Lower prices") and stop.hi < 0
    assert exhibits.next_step_findings(
        small.chapter().steps, small.chapter().found, {}, 1e6, SCOPE
    ) == []  # fmt: skip
    (plan,) = exhibits.start_findings(chapter.programme, 1e6, SCOPE)
    assert plan.lo < plan.value < plan.hi and plan.size == pytest.approx(plan.value / 1e6, rel=1e-3)
    assert exhibits.start_findings(small.chapter("dear").programme, 1e6, SCOPE) == []


def test_what_was_refused_is_told_once_and_the_rest_is_silent():
    told = [
        exhibits.start_monday(NO, N, SCOPE), exhibits.what_is_missing(NO, NO, {}, N, SCOPE),
        exhibits.effects_known(NO, {}, N, SCOPE), exhibits.plan_by_wave(NO, NO, {}, 3, N, SCOPE),
        exhibits.initiative_worth(NO, {}, {}, N, SCOPE), exhibits.review_calendar(NO, {}, SCOPE),
        exhibits.trial_effect(NO, NO, {}, NO, SCOPE), exhibits.targeting_policies(NO, SCOPE),
    ]  # fmt: skip
    assert all("nothing was given" in each.table.to_string() for each in told)
    silent = [
        exhibits.in_brief(NO, SCOPE), exhibits.claims_weighed(NO, NO, {}, N, SCOPE),
        exhibits.paid_anyway(NO, {}, N, SCOPE), exhibits.break_even_points(NO, NO, {}, N, SCOPE),
        exhibits.value_drivers(NO, NO, {}, {}, N, SCOPE),
        exhibits.next_customers(NO, NO, {}, SCOPE),
        exhibits.overlapping(NO, NO, {}, N, SCOPE), exhibits.what_to_do_next(NO, NO, {}, N, SCOPE),
        exhibits.pilot_sizes(NO, {}, SCOPE), exhibits.what_does_not_start(NO, NO, {}, N, SCOPE),
        exhibits.spend_by_wave(NO, N, SCOPE), exhibits.budget_frontier(NO, NO, N, SCOPE),
        exhibits.asset_values(NO, {}, N, SCOPE), exhibits.rule_prices(NO, NO, N, SCOPE),
        exhibits.lever_balance(NO, NO, N, SCOPE), exhibits.cost_of_peeking(NO, SCOPE),
        exhibits.lists_made(NO, {}, SCOPE), exhibits.qini_curve(NO, SCOPE),
        exhibits.where_it_stops(NO, SCOPE),
    ]  # fmt: skip
    assert silent == [None] * len(silent)
    assert exhibits.start_findings(NO, 1.0, SCOPE) == []
    assert exhibits.next_step_findings(NO, NO, {}, 1.0, SCOPE) == []
    assert exhibits.targeting_findings(NO, 1.0, SCOPE) == []


def test_a_list_expects_nothing_of_whom_it_leaves_alone():
    lists = small.chapter().lists()
    shown = exhibits.lists_made(lists, small.chapter().names, SCOPE).table.set_index("initiative")
    contacted = lists[lists["arm"] == "treated"].groupby("initiative")["expected_increment"].sum()
    assert shown["increment"].to_dict() == pytest.approx(contacted.to_dict(), rel=1e-6)
    assert (shown["increment"] < shown["per_customer"] * shown["customers"]).all()


def test_lists_and_holdouts_of_few_are_withheld():
    lists = small.chapter().lists()
    few = lists.groupby("initiative").head(12)
    shown = exhibits.lists_made(few, small.chapter().names, SCOPE)
    held = few["arm"].eq("control").groupby(few["initiative"]).sum()
    assert (held < SCOPE.min_cell).all() and shown.table["held_out"].isna().all()
    assert shown.table["increment"].isna().all()
    assert "under 10" in shown.formatted.to_string()
    assert "cannot be shown" in exhibits.lists_made(few.head(5), {}, SCOPE).title


def test_budgets_without_a_limit_have_no_line():
    plan = small.chapter().plan
    free = replace(plan, spend=plan.spend.assign(cap=np.inf))
    assert checked(exhibits.spend_by_wave(free, N, SCOPE)).title == "The plan has no limit of money"


def test_titles_of_targeting_follow_what_is_recommended():
    titles = {
        checked(exhibits.targeting_policies(small.choosing(*each), SCOPE)).title
        for each in ((20.0, 5.0), (20.0, -8.0), (0.0, 5.0))
    }
    assert len(titles) == 3
    found = small.choosing()
    (finding,) = exhibits.targeting_findings(found, 1e5, SCOPE)
    assert "size at least 3" in finding.sentence and finding.lo > 0
    assert exhibits.targeting_findings(small.choosing(0.0), 1e5, SCOPE) == []
    curves = {
        checked(exhibits.qini_curve(small.choosing(each), SCOPE)).title for each in (20.0, 0.0)
    }
    assert len(curves) == 2


def test_titles_of_a_trial_follow_its_interval():
    titles = set()
    for responds in (20.0, 0.0, -20.0):
        campaign = small.campaign(responds)
        shown = exhibits.trial_effect(
            campaign.effects(0.9), campaign.split(0.05), {}, campaign.name, SCOPE
        )
        titles.add(checked(shown).title)
    assert len(titles) == 3


def test_a_pilot_of_retention_is_read_after_a_year_and_the_first_review_is_the_pilots():
    first = small.chapter("pilot").review()
    assert first.initiative == "bold" and first.plan.looks["day"].tolist() == [122, 244, 365]
    # without a pilot, the list with most customers left alone
    other = small.chapter().review()
    arms = small.chapter().lists().groupby(["initiative", "arm"]).size().unstack()
    assert other.initiative == arms["control"].idxmax()
    last = other.plan.looks.iloc[-1]
    assert last["treated"] == arms.loc[other.initiative, "treated"]


def test_a_list_or_a_population_of_few_cannot_be_told_by_subtraction():
    lists = small.chapter().lists()
    lists = lists.assign(customer_id=lists["customer_id"] + lists["initiative"])
    big, other = lists["initiative"].unique()[:2]
    few = pd.concat(
        [lists[lists["initiative"] == big], lists[lists["initiative"] == other].head(4)]
    )
    shown = exhibits.lists_made(few, small.chapter().names, SCOPE)
    assert shown.n == (few["initiative"] == big).sum() and "Withheld: 1 list" in shown.note
    chapter = small.chapter("pilot")
    steps = replace(chapter.steps, table=chapter.steps.table.assign(population=4))
    table = exhibits.what_to_do_next(steps, chapter.found, chapter.names, N, SCOPE)
    assert table.table["population"].isna().all() and exhibits.pilot_sizes(steps, {}, SCOPE) is None
    checked(table)
