"""What customers did since they answered, and what is at stake with them."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs.customer_standing import (
    HELD,
    behaviour_of,
    loyalty_classes,
    standing,
    value_shares,
)
from crmlib.needs.survey import Survey
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
    assert found.held[HELD].tolist() == [held]
    without = standing(one, placed, valued, Refusal("too short"), reduced=[], gone=["lapsed"])
    assert without.held[HELD].tolist() == [now]


def test_kept_share_of_spend():
    index = pd.Index(["a", "b"], name="customer_id")
    placed = pd.DataFrame({"lifecycle_stage": ["at risk", "lapsed"]}, index=index)
    valued = pd.DataFrame({"current_value": [1.0, 1.0]}, index=index)
    found = standing(
        SURVEY, placed, valued, Refusal("no"), reduced=["at risk"], gone=["lapsed"]
    ).kept(0.4)
    assert found.fillna(-1).tolist() == [0.4, 0, 0, -1]


def test_value_by_segment_is_that_of_members_where_answers_are_uncertain():
    rng = np.random.default_rng(1)
    member = rng.integers(0, 2, 4000)
    said = np.where(rng.random(4000) < 0.8, member, 1 - member)
    posterior = pd.DataFrame(np.where(np.eye(2)[said] == 1, 0.8, 0.2), columns=["x", "y"])
    held = pd.DataFrame({HELD: np.where(member == 0, 30.0, 10.0)})
    found = value_shares(posterior, held, pd.Series(1.0, posterior.index))
    assert found.sum() == pytest.approx(1)
    assert found["x"] == pytest.approx(0.75, abs=0.03)


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
