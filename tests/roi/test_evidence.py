"""Beliefs and trials of initiatives: what counts, what does not, and that draws are theirs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.roi import evidence, shrink
from tests.roi.small_client import NOT_GIVEN, initiatives, pilot_rows

HOW = {"spread": 0.5, "factors": {"B": 1.25}, "n_draws": 20_000, "seed": 3}


def row(found, initiative, segment):
    return found.table.set_index(["initiative", "segment"]).loc[(initiative, segment)]


def test_without_trials_the_belief_is_drawn_widened_by_its_grade():
    found = evidence(initiatives(one={"segments": "high; low"}), NOT_GIVEN, **HOW)
    drawn = found.draws["one"]
    # common N(.02, (1.25 × .01)²), segments scatter half-normally around it with scale .005
    tau = stats.halfnorm(scale=0.005)
    assert drawn.mean().tolist() == pytest.approx([0.02, 0.02], abs=4e-4)
    sd = np.sqrt(0.0125**2 + tau.var() + tau.mean() ** 2)
    assert drawn.std().tolist() == pytest.approx([sd, sd], rel=0.03)
    # what both share: its variance is their covariance
    assert drawn.cov().iloc[0, 1] == pytest.approx(0.0125**2, rel=0.05)
    assert row(found, "one", "high")["n"] == 0


def test_trials_move_the_belief_as_shrinkage_says():
    rows = pilot_rows("one", "high") + pilot_rows("one", "low", treated=0.91, n=2000)
    found = evidence(
        initiatives(one={"segments": "high; low", "evidence": "A"}), pd.DataFrame(rows), **HOW
    )
    trials = pd.DataFrame(
        {"estimate": [0.05, 0.01], "se": [0.3 * np.sqrt(2 / 400), 0.3 * np.sqrt(2 / 2000)]},
        index=["high", "low"],
    )
    expected = shrink(trials, prior_mean=0.02, prior_sd=0.01, tau_scale=0.005)
    for segment in ("high", "low"):
        assert row(found, "one", segment)["mean"] == pytest.approx(
            expected.table.loc[segment, "mean"]
        )
        assert found.draws["one"][segment].mean() == pytest.approx(
            expected.table.loc[segment, "mean"], abs=4e-4
        )
    assert row(found, "one", "high")["n"] == 800
    assert found.outcome_sd["one"] == pytest.approx(0.3)


def test_an_effect_on_all_assigned_is_divided_by_take_up_once():
    plans = initiatives(one={"segments": "high", "take_up": 0.5})
    found = [
        evidence(plans, pd.DataFrame(pilot_rows("one", "high", estimand=each)), **HOW)
        for each in ("assigned", "adopter")
    ]
    assigned, adopter = (row(each, "one", "high") for each in found)
    assert assigned["estimate"] == pytest.approx(2 * adopter["estimate"])
    assert assigned["se"] == pytest.approx(2 * adopter["se"])


def test_a_claim_is_no_evidence_until_it_is_tried_and_then_only_its_trial_counts():
    claim = {"segments": "high", "evidence": "E", "prior_mean": 0.15, "prior_sd": 0.02}
    found = evidence(initiatives(one=claim), None, **HOW)
    assert found.claims == ("one",) and "one" not in found.draws and found.table.empty
    tried = evidence(
        initiatives(one=claim), pd.DataFrame(pilot_rows("one", "high", treated=0.90)), **HOW
    )
    assert tried.claims == ()
    # a trial without effect, around a prior of nothing: the claim has not moved it
    assert row(tried, "one", "high")["mean"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"outcome": "clicks"}, "it measured `clicks`, its effect is read from `retained`"),
        ({"window_days": 90}, "retained over 90 days says nothing of a year"),
        ({"sd": 0.0}, "the outcome never varies"),
    ],
)
def test_a_trial_that_bears_on_no_effect_is_named_and_not_used(changes, says):
    found = evidence(
        initiatives(one={"segments": "high"}),
        pd.DataFrame(pilot_rows("one", "high", **changes)),
        **HOW,
    )
    assert row(found, "one", "high")["n"] == 0
    assert says in found.unused["reason"].iloc[0]


def test_a_pilot_with_one_arm_is_named():
    rows = pd.DataFrame(pilot_rows("one", "high"))
    found = evidence(initiatives(one={"segments": "high"}), rows[rows["arm"] == "treated"], **HOW)
    assert "0 rows of the arm control" in found.unused["reason"].iloc[0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"prior_sd": 0.0}, "its prior_sd above 0"),
        ({"prior_mean": np.nan}, "its prior_mean must be a number"),
        ({"take_up": 0.0}, "nobody takes it up"),
    ],
)
def test_an_initiative_of_which_nothing_can_be_known_is_left_out(changes, says):
    rows = pd.DataFrame(pilot_rows("one", "high", estimand="assigned"))
    found = evidence(initiatives(one={"segments": "high"} | changes, two={}), rows, **HOW)
    assert says in found.left_out["one"] and "two" in found.draws


def test_draws_do_not_depend_on_the_other_initiatives():
    alone = evidence(initiatives(one={}), None, **HOW)
    together = evidence(initiatives(other={}, one={}), None, **HOW)
    pd.testing.assert_frame_equal(alone.draws["one"], together.draws["one"])


def test_nobody_is_paid_for_being_won():
    won = {"effect_unit": "cpa", "prior_mean": 10.0, "prior_sd": 20.0, "volume": 5.0}
    found = evidence(initiatives(one=won), None, **HOW)
    assert found.draws["one"].min().min() == 0
