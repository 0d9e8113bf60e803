"""Exhibits of investment: titles follow the data and stand in their tables, few are not shown."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import roi_pairs as small

from crmlib import roi
from crmlib.exhibits import roi as exhibits
from crmlib.exhibits.exhibit import MAX_TITLE_WORDS
from crmlib.exhibits.trace import untraced
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

SCOPE, N = small.SCOPE, small.N
NO = Refusal("nothing was given")
LONG = "A very long name of an initiative with $ signs & <b>tags</b> that goes on and on and on"


def reach(kind):
    chapter = small.chapter(kind)
    name = chapter.appraised.most_trimmed()
    found = chapter.appraised.next_reached(
        name, chapter.base, chapter.chosen.table, steps=5, level=0.9
    )
    return exhibits.next_customers(found, name, chapter.names, SCOPE)


def claims(kind):
    chapter = small.chapter(kind)
    weighed = roi.claims(chapter.known.claims, chapter.plans.initiatives, chapter.chosen,
                         chapter.base.economics, seed=1)  # fmt: skip
    return exhibits.claims_weighed(weighed, chapter.plans, chapter.names, N, SCOPE)


def drivers(kind):
    chapter = small.chapter(kind)
    swings = chapter.appraised.tornados(list(chapter.found.table.index), most=3)
    grades = chapter.plans.initiatives["evidence"]
    return exhibits.value_drivers(swings, grades, {"B": 1.25}, chapter.names, N, SCOPE)


def frontier(kind):
    chapter = small.chapter(kind)
    table = roi.frontier(chapter.plan, [0.0, 0.3], [0.1, 0.5, 1.0, 1.5])
    return exhibits.budget_frontier(table, chapter.plan, N, SCOPE)


def prices(kind):
    chapter = small.chapter(kind)
    return exhibits.rule_prices(roi.rule_prices(chapter.plan, 500.0), 500.0, N, SCOPE)


def review(kind):
    chapter = small.chapter(kind)
    return roi.first_review(
        chapter.steps, chapter.found, chapter.known, chapter.lists(), days=180, looks=3,
        alpha=0.05, kind="obrien_fleming", guard_rails=["complaints"], margin_sd=0.5,
    )  # fmt: skip


def of(kind, make):
    chapter = small.chapter(kind)
    return make(chapter, chapter.names)


MADE = {
    "start": lambda k: exhibits.start_monday(small.chapter(k).programme, N, SCOPE),
    "missing": lambda k: of(k, lambda c, names: exhibits.what_is_missing(
        c.plans.matrix(), c.plans.missing(), names, N, SCOPE)),
    "effects": lambda k: of(k, lambda c, names: exhibits.effects_known(c.known, names, N, SCOPE)),
    "claims": claims,
    "worth": lambda k: of(k, lambda c, names: exhibits.initiative_worth(
        c.found, names, {"x": "no reason."}, N, SCOPE)),
    "anyway": lambda k: of(k, lambda c, names: exhibits.paid_anyway(c.found, names, N, SCOPE)),
    "break_even": lambda k: of(k, lambda c, names: exhibits.break_even_points(
        c.found, c.appraised.break_evens(), names, N, SCOPE)),
    "drivers": drivers,
    "reach": reach,
    "overlap": lambda k: of(k, lambda c, names: exhibits.overlapping(
        c.pairs, c.plan, names, N, SCOPE)),
    "steps": lambda k: of(k, lambda c, names: exhibits.what_to_do_next(
        c.steps, c.found, names, N, SCOPE)),
    "size": lambda k: of(k, lambda c, names: exhibits.pilot_sizes(c.steps, names, SCOPE)),
    "plan": lambda k: of(k, lambda c, names: exhibits.plan_by_wave(
        roi.bifocal(c.plan), c.plan, names, 3, N, SCOPE)),
    "left_out": lambda k: of(k, lambda c, names: exhibits.what_does_not_start(
        roi.not_started(c.plan), c.plan, names, N, SCOPE)),
    "spend": lambda k: exhibits.spend_by_wave(small.chapter(k).plan, N, SCOPE),
    "frontier": frontier,
    "assets": lambda k: of(k, lambda c, names: exhibits.asset_values(
        roi.shadow_values(c.plan), names, N, SCOPE)),
    "prices": prices,
    "levers": lambda k: of(k, lambda c, names: exhibits.lever_balance(c.plan, c.found, N, SCOPE)),
    "lists": lambda k: of(k, lambda c, names: exhibits.lists_made(c.lists(), names, SCOPE)),
    "review": lambda k: of(k, lambda c, names: exhibits.review_calendar(review(k), names, SCOPE)),
    "peeking": lambda k: exhibits.cost_of_peeking(review(k), SCOPE),
}  # fmt: skip
# Two clients of whom an exhibit must say different things
CHANGED = {
    "start": ("plain", "dear"), "missing": ("plain", "build"), "effects": ("plain", "harm"),
    "worth": ("plain", "dear"), "anyway": ("plain", "pilot"), "break_even": ("plain", "dear"),
    "steps": ("plain", "harm"), "size": ("plain", "pilot"), "plan": ("plain", "build"),
    "left_out": ("dear", "harm"), "spend": ("plain", "build"), "assets": ("plain", "dear"),
    "levers": ("plain", "dear"), "lists": ("plain", "one"),
}  # fmt: skip


def checked(exhibit):
    """What holds for every exhibit: a title that its table bears out, and readable cells."""
    assert exhibit.title and len(exhibit.title.split()) <= MAX_TITLE_WORDS
    table = exhibit.table.map(lambda value: "" if pd.isna(value) else str(value))
    assert not untraced(exhibit.title, list(table.columns), table.to_numpy().tolist())
    if exhibit.formatted is not None:
        words = exhibit.formatted.astype(str).to_numpy().ravel().tolist()
        assert not [cell for cell in words if cell in ("nan", "None", "NaT", "<NA>", "inf")]
    else:
        assert exhibit.figure is None or exhibit.png()
    for text in (exhibit.title, exhibit.note, exhibit.alt):
        assert "nan" not in text.split() and ".." not in text
    exhibit._repr_mimebundle_()
    if exhibit.figure is not None:
        assert any(letter.isdigit() for letter in exhibit.alt) and len(exhibit.alt.split()) >= 12
    return exhibit


@pytest.mark.parametrize("name", MADE)
def test_every_exhibit_reads_and_bears_out_its_title(name):
    exhibit = MADE[name]("harm")
    if exhibit is not None:
        checked(exhibit)


@pytest.mark.parametrize("name", CHANGED)
def test_titles_follow_the_data(name):
    first, second = (checked(MADE[name](kind)) for kind in CHANGED[name])
    assert first.title != second.title


@pytest.mark.parametrize("name", MADE)
def test_where_nothing_pays_nothing_breaks(name):
    try:
        exhibit = MADE[name]("dear")
    except NotIdentified:
        return  # the chapter shows the reason
    if exhibit is not None:
        checked(exhibit)


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


@pytest.mark.parametrize("name", ["start", "worth", "plan", "assets", "steps"])
def test_long_names_of_a_client_fit(name):
    chapter = small.chapter("harm")
    names = dict.fromkeys(chapter.names, LONG)
    made = {
        "start": lambda: exhibits.start_monday(replace(chapter.programme, names=names), N, SCOPE),
        "worth": lambda: exhibits.initiative_worth(chapter.found, names, {}, N, SCOPE),
        "plan": lambda: exhibits.plan_by_wave(
            roi.bifocal(chapter.plan), chapter.plan, names, 3, N, SCOPE
        ),
        "assets": lambda: exhibits.asset_values(roi.shadow_values(chapter.plan), names, N, SCOPE),
        "steps": lambda: exhibits.what_to_do_next(chapter.steps, chapter.found, names, N, SCOPE),
    }
    checked(made[name]())


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
    ]  # fmt: skip
    assert silent == [None] * len(silent)
    assert exhibits.start_findings(NO, 1.0, SCOPE) == []
    assert exhibits.next_step_findings(NO, NO, {}, 1.0, SCOPE) == []
    assert exhibits.targeting_findings(NO, 1.0, SCOPE) == []


def test_lists_and_holdouts_of_few_are_withheld():
    lists = small.chapter().lists()
    few = lists.groupby("initiative").head(12)
    shown = exhibits.lists_made(few, small.chapter().names, SCOPE)
    held = few["arm"].eq("control").groupby(few["initiative"]).sum()
    assert (held < SCOPE.min_cell).all() and shown.table["held_out"].isna().all()
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
    first = review("pilot")
    assert first.initiative == "bold" and first.plan.looks["day"].tolist() == [122, 244, 365]
    # without a pilot, the list with most customers left alone
    other = review("plain")
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
