"""Closed forms of contract value: published figures, sums, derivative, refusals."""

import numpy as np
import pytest

from crmlib.value.contract_value import (
    migration_value,
    recency_transition,
    retention_value,
    retention_value_slope,
)


def test_equals_the_sum_of_payments():
    k = np.arange(1, 2_000)
    for margin, retention, rate in [(100.0, 0.8, 0.1), (-3.0, 0.99, 0.01), (5.0, 0.0, 0.2)]:
        expected = (margin * retention**k / (1 + rate) ** k).sum()
        assert retention_value(margin, retention, rate) == pytest.approx(expected)


def test_slope_equals_differences():
    step = 1e-6
    high, low = (retention_value(100.0, 0.8 + d, 0.1) for d in (step, -step))
    assert retention_value_slope(100.0, 0.8, 0.1) == pytest.approx((high - low) / (2 * step))
    assert retention_value_slope(100.0, 0.8, 0.1) == pytest.approx(100 * 1.1 / 0.3**2)


def test_migration_value_published():
    """Pfeifer & Carraway (2000): 231.08, 57.29, 21.01 with the payment of this period."""
    transition = recency_transition([0.5, 0.2, 0.1])
    value = migration_value(transition, [100.0, 0, 0, 0], 0.1)
    assert value == pytest.approx([231.08, 57.29, 21.01, 0], abs=0.005)


def test_migration_value_equals_the_sum_over_periods():
    rng = np.random.default_rng(0)
    transition = rng.dirichlet(np.ones(4), 4)
    payoff = rng.normal(0, 10, 4)
    total, state = np.zeros(4), np.eye(4)
    for _ in range(600):
        total += state @ payoff
        state = state @ transition / 1.05
    assert migration_value(transition, payoff, 0.05) == pytest.approx(total)


def test_one_state_of_retention_is_the_retention_formula():
    """Two states, there and gone: the formula and this period's payment."""
    value = migration_value([[0.8, 0.2], [0, 1]], [100.0, 0], 0.1)
    assert value[0] == pytest.approx(100 + retention_value(100, 0.8, 0.1))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: retention_value(1, 1.1, 0.1), "retention must lie between 0 and 1"),
        (lambda: retention_value(np.nan, 0.5, 0.1), "margin must be finite"),
        (lambda: retention_value(1, 0.5, -0.1), "rate must be 0 or more"),
        (lambda: retention_value(1, 1.0, 0.0), "the value is infinite"),
        (lambda: migration_value([[1, 0.1], [0, 1]], [1, 0], 0.1), "row 0 must hold"),
        (lambda: migration_value([[0.5, 0.5], [-1, 2]], [1, 0], 0.1), "row 1 must hold"),
        (lambda: migration_value([[1, 0]], [1], 0.1), "must be square"),
        (lambda: migration_value([[1]], [1], 0.0), "rate must be above 0"),
        (lambda: recency_transition([0.5, 1.5]), "probabilities must lie between 0 and 1"),
    ],
)
def test_impossible_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
