"""Respondents, and the customers behind them: nobody is lost, nobody counts twice."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs.needs_segments import needs_table
from crmlib.needs.projection import Projection
from crmlib.needs.survey import Survey, in_earnest, weights_of
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
