"""What exhibits of choices say, withhold and refuse."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from choice_pairs import (
    ATTRIBUTES,
    LEVEL,
    OFFERS,
    PAIRS,
    PEOPLE,
    SCOPE,
    checks,
    choices,
    maxdiff,
    models,
    offers,
    payment,
    preferences,
    respondents,
    simulation,
    wanted,
    worths,
)
from title_pairs import assert_follows, body

from crmlib.exhibits import needs as exhibits
from crmlib.exhibits import trace
from crmlib.needs import (
    ConditionalLogit,
    HierarchicalLogit,
    choice_table,
    importance,
    willingness_to_pay,
)
from crmlib.stats.refusal import Refusal

NO = Refusal("'fee' is the same for all alternatives of every task")


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_the_title_of_choices_follows_the_data_and_its_table(pair):
    assert_follows(pair)


def test_a_class_of_few_respondents_is_withheld_with_what_would_tell_of_it():
    scope = dataclasses.replace(SCOPE, min_cell=60)  # the smaller class has some 50
    found = preferences()
    exhibit = exhibits.attribute_importance(found, LEVEL, PEOPLE, scope)
    assert set(exhibit.table["group"]) == {"everybody"}
    assert "Withheld" in exhibit.note and "2 groups" in exhibit.note
    open_to_all = exhibits.attribute_importance(found, LEVEL, PEOPLE, SCOPE)
    assert set(open_to_all.table["group"]) == {"everybody", "class 1", "class 2"}


def test_too_few_respondents_show_nothing():
    scope = dataclasses.replace(SCOPE, min_cell=1000)
    found = preferences()
    shown = [
        exhibits.attribute_importance(found, LEVEL, PEOPLE, scope),
        exhibits.part_worths(found, LEVEL, PEOPLE, scope),
        exhibits.what_people_would_pay(found, "fee", "EUR", LEVEL, PEOPLE, scope),
        exhibits.offer_shares(simulation(), found, PEOPLE, scope),
        exhibits.benefits_wanted(maxdiff(3.0), LEVEL, PEOPLE, scope),
    ]
    assert all("cannot be shown" in each.title for each in shown)
    assert exhibits.importance_findings(found, LEVEL, PEOPLE, scope) == []
    assert exhibits.payment_findings(found, "fee", "EUR", LEVEL, PEOPLE, scope) == []
    assert exhibits.offer_findings(simulation(), found, PEOPLE, scope) == []
    assert exhibits.wanted_findings(maxdiff(3.0), LEVEL, PEOPLE, scope) == []


def test_a_refusal_is_told_once():
    told = [
        exhibits.choice_design(NO, PEOPLE, SCOPE),
        exhibits.choice_models(NO, PEOPLE, SCOPE),
        exhibits.benefits_wanted(NO, LEVEL, PEOPLE, SCOPE),
    ]
    assert all(NO.reason in each.alt and each.population == "respondents" for each in told)
    silent = [
        exhibits.choice_respondents(NO, PEOPLE, [], SCOPE),
        exhibits.attribute_importance(NO, LEVEL, PEOPLE, SCOPE),
        exhibits.part_worths(NO, LEVEL, PEOPLE, SCOPE),
        exhibits.what_people_would_pay(NO, "fee", "EUR", LEVEL, PEOPLE, SCOPE),
        exhibits.offer_shares(NO, NO, PEOPLE, SCOPE),
    ]
    assert silent == [None] * 5
    assert exhibits.choice_caveats(NO, SCOPE) == []


def test_a_class_that_does_not_shun_the_price_is_named_and_has_no_figure():
    found = preferences()
    willing = np.array(found.coefficients)
    willing[1, found.coding.place("fee").start] = 0.02
    odd = dataclasses.replace(found, coefficients=willing)
    exhibit = exhibits.what_people_would_pay(odd, "fee", "EUR a year", LEVEL, PEOPLE, SCOPE)
    second = exhibit.table[exhibit.table["group"] == "class 2"]
    assert second["value"].isna().all() and second["reason"].str.contains("positive").all()
    assert "class 2" in exhibit.note
    assert exhibit.table.loc[exhibit.table["group"] == "class 1", "value"].notna().all()


def test_what_is_unwelcome_is_told_as_a_gain():
    found = preferences(adviser=-2.0, classes=1)
    exhibit = exhibits.what_people_would_pay(found, "fee", "EUR a year", LEVEL, PEOPLE, SCOPE)
    row = exhibit.table.set_index("gain").loc["no adviser"]
    plain = willingness_to_pay(found, "fee", level=LEVEL).set_index("attribute").loc["adviser"]
    assert row["value"] == pytest.approx(-plain["value"], abs=1e-4)
    assert row["lower"] == pytest.approx(-plain["upper"], abs=1e-4)
    assert row["upper"] == pytest.approx(-plain["lower"], abs=1e-4)


def test_base_levels_are_marked_and_numbers_count_over_what_was_shown():
    table = worths(-0.04).table
    of_class = table[table["group"] == "class 1"].set_index(["attribute", "level"])
    assert of_class.loc[("points", "few"), "base"] == "yes"
    found = preferences()
    per_unit = found.coefficients[0, found.coding.place("fee").start]
    shown = of_class.loc[("annual fee", "0 to 80"), "part_worth"]
    assert shown == pytest.approx(80 * per_unit, abs=1e-4)


def test_none_is_compared_with_an_offer_in_the_middle():
    found = preferences(classes=1)
    exhibit = exhibits.part_worths(found, LEVEL, PEOPLE, SCOPE)
    none = exhibit.table.set_index("attribute").loc["none", "part_worth"]
    places = [found.coding.place(name).start for name in ("fee", "adviser")]
    fee, adviser = found.coefficients[0, places]
    expected = found.coefficients[0, -1] - 40 * fee - 0.5 * adviser
    assert none == pytest.approx(expected, abs=1e-4)


def test_importance_is_that_of_the_library_and_sums_to_one():
    exhibit = exhibits.attribute_importance(preferences(), LEVEL, PEOPLE, SCOPE)
    sums = exhibit.table.groupby("group")["value"].sum()
    assert np.allclose(sums, 1, atol=1e-3)
    found = importance(preferences()).query("group == 'all'").set_index("attribute")["value"]
    first = exhibit.table.iloc[0]
    assert first["value"] == pytest.approx(found.max(), abs=1e-4)


def test_shares_of_offers_hold_none_and_sum_to_one():
    table = offers(0.0).table
    assert {"plain card", "card with adviser", "none"} == set(table["offer"])
    assert np.allclose(table.groupby("group")["value"].sum(), 1, atol=1e-3)


def test_few_careless_respondents_are_withheld():
    table = respondents(5).table.set_index("sign")
    quick = next(sign for sign in table.index if "usual time" in sign)
    assert np.isnan(table.loc[quick, "respondents"])
    assert respondents(20).table.set_index("sign").loc[quick, "respondents"] == 20


def test_who_is_left_out_of_the_models_is_told():
    assert "20 respondents" in respondents(20).note
    assert "fewer than 10 respondents" in respondents(5).note
    kept = exhibits.choice_respondents(checks(20), PEOPLE, [], SCOPE)
    assert "Nobody was left out" in kept.note


def test_nobody_is_said_to_choose_what_is_beaten_where_no_direction_is_named():
    assert not checks_table().str.contains("beaten").any()
    assert checks_table("low").str.contains("beaten").any()


def checks_table(fee: str | None = None) -> pd.Series:
    return exhibits.choice_respondents(checks(20, fee), PEOPLE, [], SCOPE).table["sign"]


def test_the_simplest_model_that_is_not_worse_is_marked_as_used():
    table = models(50).table
    assert list(table.loc[table["used"] == "yes", "model"]) == ["2 classes"]
    assert table.loc[table["used"] == "yes", "lower"].iloc[0] <= 0


def test_findings_carry_the_interval_and_their_numbers_stand_in_the_exhibit():
    found = preferences()
    shown = {
        each.id: each
        for each in (
            respondents(20),
            exhibits.attribute_importance(found, LEVEL, PEOPLE, SCOPE),
            payment(-0.04),
            offers(1.0),
            wanted(3.0),
        )
    }
    told = [
        *exhibits.choice_caveats(checks(20), SCOPE),
        *exhibits.importance_findings(found, LEVEL, PEOPLE, SCOPE),
        *exhibits.payment_findings(found, "fee", "EUR a year", LEVEL, PEOPLE, SCOPE),
        *exhibits.offer_findings(simulation(), found, PEOPLE, SCOPE),
        *exhibits.wanted_findings(maxdiff(3.0), LEVEL, exhibits.Respondents(60), SCOPE),
    ]
    assert len(told) == 5
    for finding in told:
        assert trace.untraced(finding.sentence, *body(shown[finding.exhibit])) == []
        assert finding.kind == "census" or finding.lo <= finding.value <= finding.hi


def test_respondents_of_a_hierarchical_logit_are_shown_together():
    model = HierarchicalLogit(draws=300, burn=150, chains=2)
    found = model.fit(choice_table(choices(), ATTRIBUTES)).preferences()
    exhibit = exhibits.part_worths(found, LEVEL, PEOPLE, SCOPE)
    assert set(exhibit.table["group"]) == {"everybody"}
    paid = exhibits.what_people_would_pay(found, "fee", "EUR", LEVEL, PEOPLE, SCOPE)
    assert paid.title.startswith("People would pay")


def test_long_names_leave_titles_short_enough():
    names = (*ATTRIBUTES, *OFFERS.index, "class 1", "class 2", "many", "few")
    long = {name: f"{name} two three four five six seven eight nine" for name in names}
    people, found = exhibits.Respondents(PEOPLE.n, long), preferences()
    exhibits.choice_design(checks(20), people, SCOPE)
    exhibits.part_worths(found, LEVEL, people, SCOPE)
    exhibits.what_people_would_pay(found, "fee", "EUR", LEVEL, people, SCOPE)
    exhibit = exhibits.offer_shares(simulation(), found, people, SCOPE)
    assert len(exhibit.title.split()) <= 12


ALIKE = {
    "attributes": ({"fee": "cost", "adviser": "cost"}, "attribute", "cost (fee)"),
    "levels": ({"few": "points", "many": "points"}, "level", "points (few)"),
    "classes": ({"class 1": "savers", "class 2": "savers"}, "group", "savers (class 1)"),
    "everybody": ({"class 1": "everybody"}, "group", "everybody (class 1)"),
    "offers": (dict.fromkeys(["plain card", "none"], "card"), "offer", "card (none)"),
    "benefits": (dict.fromkeys(["speed", "price"], "x"), "item", "x (speed)"),
}


@pytest.mark.parametrize(("words", "column", "told"), ALIKE.values(), ids=ALIKE)
def test_names_with_the_same_words_are_told_apart_by_the_names_themselves(words, column, told):
    people, found = exhibits.Respondents(PEOPLE.n, words), preferences()
    shown = [
        exhibits.choice_design(checks(20), people, SCOPE),
        exhibits.attribute_importance(found, LEVEL, people, SCOPE),
        exhibits.part_worths(found, LEVEL, people, SCOPE),
        exhibits.what_people_would_pay(found, "fee", "EUR", LEVEL, people, SCOPE),
        exhibits.offer_shares(simulation(), found, people, SCOPE),
        exhibits.benefits_wanted(maxdiff(3.0), LEVEL, people, SCOPE),
    ]
    tables = [each.table for each in shown if column in each.table]
    assert tables and any(told in set(table[column]) for table in tables)
    plain = exhibits.part_worths(found, LEVEL, PEOPLE, SCOPE).table
    assert len(shown[2].table) == len(plain)
    assert not shown[2].table.duplicated(["group", "attribute", "level"]).any()


def test_levels_with_the_same_words_are_told_apart_in_what_is_paid_for():
    people = exhibits.Respondents(PEOPLE.n, {"few": "points", "many": "points"})
    table = exhibits.what_people_would_pay(preferences(), "fee", "EUR", LEVEL, people, SCOPE).table
    assert "points (many) instead of points (few)" in set(table["gain"])


def test_none_is_left_out_of_a_title_whatever_it_is_called():
    people = exhibits.Respondents(PEOPLE.n, {"none": "no card at all"})
    found = preferences(fee=0.0, classes=1)
    exhibit = exhibits.part_worths(found, LEVEL, people, SCOPE)
    assert "no card at all" in set(exhibit.table["attribute"])
    assert "no card at all" not in exhibit.title


def test_the_same_level_of_two_attributes_is_told_with_its_attribute():
    table = choices()
    offered = table["points"].notna()
    rng = np.random.default_rng(2)
    table["miles"] = pd.Series(rng.choice(["few", "many"], len(table)), dtype=object)
    table.loc[~offered, "miles"] = np.nan
    arranged = choice_table(table, [*ATTRIBUTES, "miles"], base={"points": "few", "miles": "few"})
    found = ConditionalLogit().fit(arranged).preferences()
    exhibit = exhibits.what_people_would_pay(found, "fee", "EUR", LEVEL, PEOPLE, SCOPE)
    assert {"points: many instead of few", "miles: many instead of few"} < set(
        exhibit.table["gain"]
    )
