"""Raising people to a target: against each person by hand, and the end of the scale by a grid."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs.kinked_line import KinkedLine
from crmlib.needs.raised_answers import AnswerShares

LINES = {
    "straight": (np.inf, 0.4, 0.4),
    "levels off": (6.5, 0.7, 0.1),
    "takes off": (6.5, 0.1, 0.9),
    "falls at first": (4.5, -0.3, 0.8),
}


def people(n=300, seed=3):
    rng = np.random.default_rng(seed)
    answers = pd.Series(rng.integers(1, 11, n).astype(float))
    answers[::11] = np.nan
    return answers, pd.Series(rng.uniform(0, 2, n))


def height(line, x):
    at, before, beyond = line
    return before * min(x, at) + (beyond * (x - at) if x > at else 0.0)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize("target", [0.0, 3.2, 6.5, 10.0])
def test_points_and_lift_are_those_of_each_person(line, target):
    answers, weights = people()
    known = answers.notna()
    own, weight = answers[known], weights[known]
    points = np.average([max(target - x, 0) for x in own], weights=weight)
    lift = np.average([height(line, max(x, target)) - height(line, x) for x in own], weights=weight)
    found = AnswerShares.of(answers, weights)
    assert found.mean == pytest.approx(np.average(own, weights=weight))
    assert found.points(target) == pytest.approx(points)
    drawn = found.lift(KinkedLine(*(np.full(2, part) for part in line)), target)
    assert drawn == pytest.approx(np.array([lift, lift]))


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize("most", [0.05, 0.4, 50.0])
def test_the_target_within_is_the_farthest_of_a_grid(line, most):
    found = AnswerShares.of(*people())
    each = KinkedLine(*(np.asarray(part) for part in line))
    grid = np.linspace(1, 10, 3601)
    farthest = max(target for target in grid if found.lift(each, target) <= most)
    assert found.target_within(each, 10.0, most) == pytest.approx(farthest, abs=0.003)


def test_nobody_is_raised_without_room():
    found = AnswerShares.of(*people())
    line = KinkedLine(*(np.asarray(part) for part in LINES["straight"]))
    assert found.points(found.target_within(line, 10.0, 0.0)) == 0
