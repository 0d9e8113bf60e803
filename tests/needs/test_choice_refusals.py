"""Choices that say nothing, or too much, are refused by name or answered finitely."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs import (
    ConditionalLogit,
    HierarchicalLogit,
    LatentClassLogit,
    choice_table,
    held_out,
    simulate,
    willingness_to_pay,
)
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import attempt
from tests.needs.conjoint import ATTRIBUTES, conjoint

MODELS = [ConditionalLogit(), LatentClassLogit(2, n_init=2), HierarchicalLogit(50, 50)]


@pytest.fixture
def choices() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return conjoint(np.tile([-0.6, 0.5, 1.0, 0.4], (60, 1)), 4, rng)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_attribute_that_never_varies(choices, model):
    with pytest.raises(NotIdentified, match="'brand' is the same for all alternatives"):
        model.fit(choices.assign(brand=choices["task"] * 1.0), [*ATTRIBUTES, "brand"])


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_attributes_that_go_together(choices, model):
    with pytest.raises(NotIdentified, match="fee, monthly always differ together"):
        model.fit(choices.assign(monthly=choices["fee"] / 12 + 3), [*ATTRIBUTES, "monthly"])


@pytest.mark.parametrize("model", MODELS[:2], ids=lambda m: type(m).__name__)
def test_attribute_that_decides_everything(choices, model):
    with pytest.raises(NotIdentified, match="no finite part-worth of 'gift'"):
        model.fit(choices.assign(gift=choices["chosen"]), [*ATTRIBUTES, "gift"])


def test_task_with_one_alternative(choices):
    alone = choices[choices["chosen"] == 1].drop_duplicates("respondent_id")
    alone = alone.iloc[:7].assign(task=99)
    fit = ConditionalLogit().fit(pd.concat([choices, alone]), ATTRIBUTES)
    assert "7 tasks with a single alternative" in fit.notes[0]
    assert fit.llf == pytest.approx(ConditionalLogit().fit(choices, ATTRIBUTES).llf)
    assert (fit.predict_proba(alone) == 1).all()
    with pytest.raises(NotIdentified, match="no task has two alternatives"):
        ConditionalLogit().fit(alone, ATTRIBUTES)


@pytest.mark.parametrize("model", MODELS[:2], ids=lambda m: type(m).__name__)
def test_person_with_one_task(choices, model):
    some = choices[(choices["respondent_id"] > 20) | (choices["task"] == 0)]
    fit = model.fit(some, ATTRIBUTES)
    assert fit.n_respondents == 60
    assert np.isfinite(fit.llf)
    judged = held_out(some, {"logit": ConditionalLogit()}, ATTRIBUTES)
    assert judged.n_respondents == 39  # who has one task keeps it


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chosen": 0}, "240 tasks have none, 0 more than one; the first begins in row 0"),
        ({"chosen": 1}, "0 tasks have none, 240 more than one"),
        ({"chosen": 2}, "'chosen' must be 0 or 1, found 2.0 in row 0"),
        ({"alternative": "a"}, "an alternative stands twice in one task, 480 times"),
        ({"fee": np.inf}, "'fee' must be a finite number, found inf in row 0"),
        ({"respondent_id": None}, "'respondent_id' is empty in row 0"),
    ],
)
def test_tables_that_are_wrong(choices, change, message):
    with pytest.raises(ValueError, match=message):
        choice_table(choices.assign(**change), ATTRIBUTES)


def test_an_attribute_that_is_no_column_is_not_among_those_there_are(choices):
    known = ", ".join(ATTRIBUTES)
    with pytest.raises(ValueError, match=f"no attribute 'brand'; there are {known}$"):
        choice_table(choices, [*ATTRIBUTES, "brand"])


def test_half_an_offer(choices):
    choices.loc[4, "fee"] = np.nan
    with pytest.raises(ValueError, match="row 4 has no 'fee' but other attributes"):
        choice_table(choices, ATTRIBUTES)


def test_positive_price_is_not_divided_by(choices):
    rng = np.random.default_rng(6)
    keen = conjoint(np.tile([0.6, 0.5, 1.0, 0.4], (60, 1)), 4, rng)
    table = willingness_to_pay(ConditionalLogit().fit(keen, ATTRIBUTES).preferences(), "fee")
    assert table[["value", "lower", "upper"]].isna().all(axis=None)
    assert table["reason"].str.contains("price coefficient is positive").all()
    vague = conjoint(np.tile([0.0, 0.5, 1.0, 0.4], (60, 1)), 4, np.random.default_rng(1))
    fit = ConditionalLogit().fit(vague, ATTRIBUTES)
    table = willingness_to_pay(fit.preferences(), "fee")
    assert table["value"].isna().all()
    with pytest.raises(ValueError, match="'rewards' must be a number"):
        willingness_to_pay(fit.preferences(), "rewards")


def test_more_classes_than_people_can_tell(choices):
    few = choices[choices["respondent_id"] < 9]
    with pytest.raises(NotIdentified, match="2 classes have 9 parameters, but only 9 people"):
        LatentClassLogit(2).fit(few, ATTRIBUTES)


def test_a_class_too_many_is_finite(choices):
    fit = LatentClassLogit(4, n_init=3).fit(choices, ATTRIBUTES)
    assert np.isfinite(fit.params).all(axis=None)
    assert fit.shares.sum() == pytest.approx(1)
    assert fit.llf >= ConditionalLogit().fit(choices, ATTRIBUTES).llf


def test_offers_that_were_never_shown(choices):
    preferences = ConditionalLogit().fit(choices, ATTRIBUTES).preferences()
    offers = pd.DataFrame(
        {"fee": [1, 9], "rewards": ["cash", "miles"], "app": [1, 1]}, index=["a", "b"]
    )
    with pytest.raises(ValueError, match="'rewards' is 'miles' in row b"):
        simulate(preferences, offers, none=False)
    with pytest.raises(ValueError, match="never had the option to take none"):
        simulate(preferences, offers.iloc[:1], none=True)
    with pytest.raises(ValueError, match="one offer alone"):
        simulate(preferences, offers.iloc[:1], none=False)
    with pytest.raises(ValueError, match="offer 'b' has no 'fee'"):
        simulate(preferences, offers.assign(fee=[1, None]), none=False)


def test_rows_with_half_an_offer_refuse_choices_in_words(choices):
    choices.loc[[4, 9], "fee"] = np.nan
    refusal = attempt(choice_table, choices, ATTRIBUTES)
    assert refusal.reason == (
        f"2 of {len(choices)} rows have some attributes and not others: row 4 has no 'fee' but "
        "other attributes; only the none option has empty attributes, and all of them"
    )
