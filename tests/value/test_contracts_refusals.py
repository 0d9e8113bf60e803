"""What sBG refuses or doubts, with the reason: no loss, one period, misfit, impossible input."""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value.contracts import ShiftedBetaGeometric

GOOD = {"duration": [1, 3, 5, 5], "ended": [True, True, False, True], "entry": [0, 0, 2, 0]}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"ended": [False] * 4}, "no contract ended while it was observed"),
        ({"duration": [1, 1, 1, 1], "entry": [0] * 4}, r"one period of age only \(period 1\)"),
        ({"duration": [4] * 4, "entry": [3] * 4}, r"one period of age only \(period 4\)"),
        ({"duration": [1, 2, 5, 9], "ended": [1] * 4, "entry": [0, 1, 4, 8]}, "nobody stayed"),
        ({"duration": [2] * 4, "ended": [0] * 4, "entry": [2] * 4}, "for a whole period"),
    ],
)
def test_not_identified(change, message):
    with pytest.raises(NotIdentified, match=message):
        ShiftedBetaGeometric().fit(**GOOD | change)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"duration": [1, 2.5, 5, 5]}, "duration must be whole periods: found 2.5 at position 1"),
        ({"duration": [1, -2, 5, 5]}, "duration must not be negative: found -2 at position 1"),
        ({"duration": [1, np.nan, 5, 5]}, "duration must be finite"),
        ({"duration": []}, "duration must be a non-empty column"),
        ({"ended": [1, 0, 2, 0]}, "ended must be yes or no: found 2 at position 2"),
        ({"ended": [1, 0]}, "ended has 2 values where 4 were expected"),
        ({"entry": [0, 4, 0, 0]}, "entry must not exceed duration: found 4 at position 1"),
        ({"entry": [1, 0, 0, 0]}, "entry must be below duration where the contract ended"),
        ({"weights": [1, 1, -1, 1]}, "weights must not be negative"),
    ],
)
def test_impossible_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        ShiftedBetaGeometric().fit(**GOOD | change)


@pytest.mark.parametrize(
    "rows, message",
    [
        ([[100, 90, 95]], "survivors of cohort a has more survivors than the period before"),
        ([[100, np.nan, 80]], "survivors of cohort a has a hole"),
        ([[np.nan, 90, 80]], "survivors of cohort a must begin with a number"),
        ([[0, 0, 0]], "survivors of cohort a must begin with a number"),
        ([[100, 90, -1]], "survivors of cohort a must be finite and not negative"),
    ],
)
def test_impossible_survivors_are_named(rows, message):
    with pytest.raises(ValueError, match=message):
        ShiftedBetaGeometric().fit_survivors(pd.DataFrame(rows, index=["a"]))


def test_losses_at_a_term_are_named_as_misfit():
    """Loans that all end after 24 months: the model of differing customers does not fit."""
    duration = np.repeat([6, 24, 24], [50, 800, 150])
    ended = np.repeat([True, True, False], [50, 800, 150])
    fitted = ShiftedBetaGeometric().fit(duration, ended)
    assert fitted.verdict.grade == "weak"
    assert any("do not follow the model by age" in reason for reason in fitted.verdict.reasons)
    assert fitted.misplaced > 0.25


def test_few_contracts_stay_finite():
    """Three losses among six: whatever the verdict, every figure is a number."""
    fitted = ShiftedBetaGeometric().fit([1, 1, 2, 3, 3, 3], [1, 1, 1, 0, 0, 0])
    table = fitted.residual_lifetime_interval([0, 3, 100], 0.1, level=0.9)
    assert np.isfinite(table).all(axis=None)
    assert (table["lo"] <= table["value"]).all()
    assert (table["value"] <= table["hi"]).all()
    assert np.isfinite(fitted.survival_interval([1, 10, 1000], level=0.9)).all(axis=None)
    assert np.isfinite(fitted.summary()).all(axis=None)
