"""Respondents, and the customers behind them: nobody is lost, nobody counts twice."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs import survey as module
from crmlib.needs.needs_segments import needs_table
from crmlib.needs.projection import Projection
from crmlib.needs.survey import (
    Survey,
    behaviour_of,
    figures_of,
    in_earnest,
    loyalty_classes,
    standing,
    weights_of,
)
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

SHEETS = pd.DataFrame(
    {
        "respondent_id": ["r1", "r2", "r3", "r4"],
        "customer_id": ["a", "b", "b", None],
        "weight": [1.0, 3.0, 1.0, 2.0],
        "wants": [5.0, 1.0, np.nan, 2.0],
    }
)
SURVEY = Survey.of(SHEETS)


def test_a_survey_is_taken_apart_and_keeps_its_order():
    assert SURVEY.answers.columns.tolist() == ["wants"] and len(SURVEY) == 4
    assert SURVEY.customer_id.tolist() == ["a", "b", "b", None]
    assert SURVEY.weights.tolist() == [1, 3, 1, 2]
    plain = Survey.of(SHEETS.drop(columns=["customer_id", "weight"]))
    assert plain.weights.tolist() == [1] * 4 and plain.customer_id.isna().all()
    with pytest.raises(ValueError, match="r1 has two sheets"):
        Survey.of(pd.concat([SHEETS, SHEETS[:1]]))


def test_whom_they_stand_for():
    assert SURVEY.population(900, "relative") == 900
    assert SURVEY.population(Refusal("none"), "customers") == 7
    with pytest.raises(NotIdentified, match="nothing tells how many customers"):
        SURVEY.population(Refusal("none"), "relative")


def test_columns_of_customers_come_in_the_order_of_sheets():
    table = pd.DataFrame({"age": [30, 40]}, index=["b", "c"])
    found = SURVEY.of_customers(table)["age"]
    assert found.index.tolist() == ["r1", "r2", "r3", "r4"]
    assert found.isna().tolist() == [True, False, False, True] and found["r3"] == 30


def test_two_sheets_of_one_customer_count_once_by_their_weights():
    posterior = pd.DataFrame({"x": [1.0, 0.8, 0.0, 0.5], "y": [0.0, 0.2, 1.0, 0.5]},
                             index=SURVEY.answers.index)  # fmt: skip
    found = SURVEY.by_customer(posterior)
    assert found.posterior.loc["b"].tolist() == pytest.approx([0.6, 0.4])
    assert found.weights.to_dict() == {"a": 1, "b": 4}
    alone = Survey.of(SHEETS.assign(customer_id=None))
    with pytest.raises(NotIdentified, match="no respondent is linked"):
        alone.by_customer(posterior)


def test_weights_are_taken_only_where_all_who_chose_have_one():
    chose = pd.DataFrame({"respondent_id": ["r2", "r2", "r4"]})
    assert weights_of(SURVEY, chose).to_dict() == {"r2": 3, "r4": 2}
    assert weights_of(SURVEY, pd.DataFrame({"respondent_id": ["r2", "x"]})) is None
    assert weights_of(Refusal("no survey"), chose) is None


def test_only_who_is_flagged_is_left_out():
    class Checks:
        respondents = pd.DataFrame(
            {"same_position": [True, False, False], "always_none": [False, True, False]},
            index=["r1", "r2", "r3"],
        )

    choices = pd.DataFrame({"respondent_id": ["r1", "r2", "r3", "r1"], "task": [1, 1, 1, 2]})
    kept = in_earnest(choices, Checks, ["same_position", "speeder"])
    assert kept["respondent_id"].tolist() == ["r2", "r3"]
    with pytest.raises(NotIdentified, match="nobody is left"):
        in_earnest(choices[choices["respondent_id"] == "r1"], Checks, ["same_position"])


def test_behaviour_follows_the_stage_and_gaps_stay_gaps():
    stage = pd.Series(["lapsed", "at risk", "new", "unknown", None])
    found = behaviour_of(stage, ["at risk"], ["lapsed"])
    assert found.fillna("?").tolist() == ["gone", "reduced", "kept", "?", "?"]


@pytest.mark.parametrize(
    ("stage", "now", "before", "held"),
    [
        ("relationship", 10, 50, 10),  # who stays holds what they bring
        ("at risk", 10, 50, 50),  # who shrank, what they brought
        ("lapsed", 0, 50, 50),
        ("lapsed", 20, 5, 20),  # unless they bring more
        ("at risk", 10, np.nan, 10),  # or nothing is known of before
    ],
)
def test_at_stake_is_what_a_customer_brought_before_going(stage, now, before, held):
    one = Survey.of(SHEETS[:1])
    index = pd.Index(["a"], name="customer_id")
    placed = pd.DataFrame({"lifecycle_stage": [stage]}, index=index)
    valued = pd.DataFrame({"current_value": [now]}, index=index)
    earlier = pd.DataFrame({"before": [before]}, index=index)
    found = standing(one, placed, valued, earlier, reduced=["at risk"], gone=["lapsed"])
    assert found.held[module.HELD].tolist() == [held]
    without = standing(one, placed, valued, Refusal("too short"), reduced=[], gone=["lapsed"])
    assert without.held[module.HELD].tolist() == [now]


def test_kept_share_of_spend():
    index = pd.Index(["a", "b"], name="customer_id")
    placed = pd.DataFrame({"lifecycle_stage": ["at risk", "lapsed"]}, index=index)
    valued = pd.DataFrame({"current_value": [1.0, 1.0]}, index=index)
    found = standing(
        SURVEY, placed, valued, Refusal("no"), reduced=["at risk"], gone=["lapsed"]
    ).kept(0.4)
    assert found.fillna(-1).tolist() == [0.4, 0, 0, -1]


def test_every_customer_stands_once_in_the_table_of_needs():
    ids = pd.Index(["a", "b", "c"], name="customer_id")
    chances = {"customer_id": ids, "needs_segment": ["x", "y", "x"], "p_x": [0.9, 0.2, 0.6],
               "p_y": [0.1, 0.8, 0.4]}  # fmt: skip
    projection = Projection(pd.DataFrame(chances), pd.DataFrame(), None, 1.0)
    kinds = ["fans", "inertial", "unanswered"]
    profile = pd.Series(pd.Categorical(["unanswered", "fans", "inertial", "fans"], kinds),
                        index=SURVEY.answers.index)  # fmt: skip
    table = needs_table(ids, projection, SURVEY, profile)
    assert table.columns.tolist() == [*chances, "loyalty_profile"]
    assert table["customer_id"].tolist() == ["a", "b", "c"]
    # the heavier of two sheets speaks; who did not answer, or was not asked, has no profile
    assert table["loyalty_profile"].fillna("?").tolist() == ["?", "fans", "?"]
    empty = needs_table(ids, Refusal("no"), Refusal("no"), Refusal("no"))
    assert empty["needs_segment"].isna().all() and empty["loyalty_profile"].isna().all()


def test_value_by_segment_is_that_of_members_where_answers_are_uncertain():
    rng = np.random.default_rng(1)
    member = rng.integers(0, 2, 4000)
    said = np.where(rng.random(4000) < 0.8, member, 1 - member)
    posterior = pd.DataFrame(np.where(np.eye(2)[said] == 1, 0.8, 0.2), columns=["x", "y"])
    held = pd.DataFrame({module.HELD: np.where(member == 0, 30.0, 10.0)})
    found = module.value_shares(posterior, held, pd.Series(1.0, posterior.index))
    assert found.sum() == pytest.approx(1)
    assert found["x"] == pytest.approx(0.75, abs=0.03)


def test_figures_of_customers_are_numbers_once():
    valued = pd.DataFrame(
        {"future_value": [1.0, 2.0], "value_decile": [1, 2], "value_tier": ["a", "b"]}, ["x", "y"]
    )
    about = pd.DataFrame(
        {"age": [30.0, 40.0], "region": ["n", "s"], "future_value": [9.0, 9.0]}, ["x", "y"]
    )
    found = figures_of(valued, about)
    assert found.columns.tolist() == ["customer_id", "future_value", "age"]
    assert found.values.tolist() == [["x", 1.0, 30.0], ["y", 2.0, 40.0]]


def test_loyalty_classes_are_probabilities_of_those_who_answered():
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 2, 300)
    answers = pd.DataFrame(
        {
            "attachment": np.where(kind, 5.0, 1.0),
            "reassessment": np.where(kind, 1.0, 5.0),
            "satisfaction": np.where(kind, 9.0, 2.0),
            "life_change": np.where(kind, 0.0, 1.0),
        }
    )
    noisy = answers.where(rng.random(answers.shape) > 0.1, 3.0)
    found = loyalty_classes(noisy, pd.Series(1.0, noisy.index), seed=1)
    assert found.sum(axis=1).to_numpy() == pytest.approx(1)
    modal = found.to_numpy().argmax(axis=1)
    # no class holds people of both kinds
    for one in np.unique(modal):
        assert np.mean(kind[modal == one]) < 0.05 or np.mean(kind[modal == one]) > 0.95
