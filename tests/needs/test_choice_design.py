"""Checks of an experiment: counts by hand, the optimal design, people who did not read."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlib.needs import check_design
from tests.needs.conjoint import ATTRIBUTES, conjoint

BETTER = {"fee": "low", "rewards": ["cash", "points", "none"], "app": "high"}


def tasks(*offers: list[tuple[float, str, int]]) -> pd.DataFrame:
    """One respondent's tasks; the first alternative is chosen."""
    rows = [
        (0, task, at, int(at == 0), *offer)
        for task, offered in enumerate(offers) for at, offer in enumerate(offered)
    ]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["respondent_id", "task", "alternative", "chosen", *ATTRIBUTES]
    )


def test_counts_by_hand():
    found = check_design(
        tasks(
            [(0, "none", 0), (1, "none", 0), (2, "none", 0)],  # the first beats all
            [(1, "cash", 0), (1, "points", 0), (0, "none", 1)],  # the first beats the second
            [(1, "none", 0), (0, "cash", 1)],  # the first, chosen, is beaten
            [(2, "cash", 1), (1, "points", 1)],
        ),
        ATTRIBUTES, better=BETTER,
    )  # fmt: skip
    assert (found.dominated, found.dominant, found.n_tasks) == (3, 2, 4)
    assert found.respondents["chose_dominated"].tolist() == [1]
    assert found.overlap.loc["app", "share"] == pytest.approx(5 / 8)
    assert found.overlap.loc["rewards", "constant"] == pytest.approx(1 / 4)
    cash = found.balance.query("attribute == 'rewards' and level == 'cash'")
    assert cash[["n", "share"]].to_numpy().tolist() == [[3, 0.3]]
    assert np.isnan(found.d_efficiency)  # tasks differ in size


def test_other_attributes_stay_equal():
    twice = tasks([(0, "cash", 0), (1, "none", 0)], [(0, "none", 1), (1, "none", 0)])
    found = check_design(twice, ATTRIBUTES, better={"fee": "low"})
    assert found.dominated == 0
    assert check_design(twice, ATTRIBUTES, better=BETTER).dominated == 2
    assert check_design(twice, ATTRIBUTES).dominated == -1


def test_optimal_design_has_efficiency_one():
    # every profile against the one in which every level is moved on (Street & Burgess 2007)
    levels = [[0, 1, 2], ["cash", "none", "points"], [0, 1]]
    profiles = list(itertools.product(*levels))
    moved = [
        tuple(one[(one.index(value) + 1) % len(one)] for one, value in zip(levels, p, strict=True))
        for p in profiles
    ]
    best = check_design(tasks(*map(list, zip(profiles, moved, strict=True))), ATTRIBUTES)
    assert best.d_efficiency == pytest.approx(1)
    rng = np.random.default_rng(0)
    worse = tasks(*([profiles[a] for a in rng.choice(18, 2, replace=False)] for _ in range(40)))
    assert 0.3 < check_design(worse, ATTRIBUTES).d_efficiency < 0.9


def test_people_who_did_not_take_part():
    rng = np.random.default_rng(9)
    choices = conjoint(np.tile([-0.6, 0.5, 1.0, 0.4], (40, 1)), 10, rng, none=-0.5)
    first, none = choices["respondent_id"] == 3, choices["respondent_id"] == 5
    choices.loc[first, "chosen"] = (choices["alternative"] == "1").astype(int)[first]
    choices.loc[none, "chosen"] = (choices["alternative"] == "none").astype(int)[none]
    seconds = np.where(choices["respondent_id"] == 7, 3.0, 15.0)
    found = check_design(choices.assign(seconds=seconds), ATTRIBUTES, seconds="seconds")
    flags = found.respondents
    assert flags.index[flags["same_position"]].tolist() == [3]
    assert flags.index[flags["always_none"]].tolist() == [5]
    assert flags.index[flags["speeder"]].tolist() == [7]
    assert found.counts.to_dict() == {
        "same_position": 1, "always_none": 1, "speeder": 1, "chose_dominated": 0,
    }  # fmt: skip
    short = choices[choices["task"] < 2]  # two alike are no sign
    assert check_design(short, ATTRIBUTES).counts["same_position"] == 0


@pytest.mark.parametrize(
    ("better", "message"),
    [
        ({"rewards": ["cash"]}, r"better\['rewards'\] does not name the level 'none'"),
        ({"fee": ["low"]}, r"better\['fee'\] does not name the level '0'"),
        ({"rewards": "high"}, r"better\['rewards'\] is 'high', but its levels are words"),
    ],
)
def test_what_is_better_names_levels_that_are_not_there(better, message):
    with pytest.raises(ValueError, match=message):
        check_design(tasks([(0, "none", 0), (1, "cash", 1)]), ATTRIBUTES, better=better)
