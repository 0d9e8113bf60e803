"""What an adopter is worth more, against month-by-month sums and finite differences."""

import numpy as np
import pytest

from crmlib.roi.increments import (
    Calendar,
    annuity,
    joint_increment,
    margin_increment,
    migration_increment,
    reactivation_increment,
    retained_survival,
    retention_increment,
    survival,
)

CALENDAR = Calendar(3.0, 0.10)


def month_by_month(margin, stay, discount=0.10, months=36):
    """Discounted margin of a customer whose chance to stay a month is `stay(month)`."""
    total, alive = 0.0, 1.0
    for month in range(1, months + 1):
        alive *= stay(month)
        total += alive * margin(month) / 12 / (1 + discount) ** (month / 12)
    return total


def test_annuity_is_the_sum_of_months():
    expected = month_by_month(lambda _: 1.0, lambda _: 0.8 ** (1 / 12))
    assert annuity(0.8, CALENDAR) == pytest.approx(expected, rel=1e-12)


def test_undiscounted_certain_customer_brings_a_unit_a_year():
    assert annuity(1.0, Calendar(2.0, 0.0)) == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize("change", [-0.3, -0.02, 0.03, 0.15])
@pytest.mark.parametrize("half_life", [0.5, 2.0, np.inf])
def test_twelve_month_survival_changes_by_exactly_what_is_said(change, half_life):
    kept = retained_survival(0.7, [(change, half_life)], CALENDAR)
    assert kept[11] == pytest.approx(0.7 + change, abs=1e-12)


def test_an_effect_that_does_not_fade_scales_the_hazard_for_ever():
    kept = retained_survival(0.7, [(0.1, np.inf)], CALENDAR)
    assert kept == pytest.approx(0.8 ** (np.arange(1, 37) / 12), rel=1e-12)


def test_a_faded_effect_leaves_the_usual_hazard():
    kept = retained_survival(0.7, [(0.1, 0.05)], Calendar(20.0, 0.1))
    late = kept[-1] / kept[-13]
    assert late == pytest.approx(0.7, rel=1e-6)


def test_hazards_are_never_negative():
    kept = retained_survival(0.5, [(0.49, 0.1)], CALENDAR)
    assert (np.diff(kept, prepend=1.0) <= 1e-15).all()
    assert kept[11] < 0.99  # it has faded before it could reach that


def test_two_effects_on_survival_multiply_in_the_hazard():
    both = retained_survival(0.7, [(0.1, np.inf), (0.1, np.inf)], CALENDAR)
    ratio = np.log(0.8) / np.log(0.7)
    assert both[11] == pytest.approx(0.7 ** (ratio * ratio), rel=1e-12)
    assert both[11] < 0.7 + 0.2


def test_retention_increment_is_the_difference_of_two_lives():
    more = month_by_month(lambda _: 240.0, lambda _: 0.85 ** (1 / 12))
    less = month_by_month(lambda _: 240.0, lambda _: 0.8 ** (1 / 12))
    found = retention_increment(240.0, 0.8, 0.05, np.inf, CALENDAR)
    assert found == pytest.approx(more - less, rel=1e-10)


def test_keeping_a_customer_who_costs_money_costs_money():
    assert retention_increment(-50.0, 0.8, 0.05, 2.0, CALENDAR) < 0


def test_derivative_in_retention_by_finite_difference():
    """d/dδ of a Σ S^(1+δ/(r log r)) at 0 is a Σ t/12 r^(t/12 − 1) v^t / 12 without fading."""
    t = np.arange(1, 37)
    slope = (240 / 12 * (t / 12) * 0.8 ** (t / 12 - 1) * 1.1 ** (-t / 12)).sum()
    step = 1e-6
    ahead = retention_increment(240.0, 0.8, step, np.inf, CALENDAR)
    back = retention_increment(240.0, 0.8, -step, np.inf, CALENDAR)
    assert (ahead - back) / (2 * step) == pytest.approx(slope, rel=1e-7)


def test_margin_increment_fades_with_its_half_life():
    expected = month_by_month(
        lambda month: 240.0 * 0.05 * 0.5 ** ((month - 0.5) / 12), lambda _: 0.8 ** (1 / 12)
    )
    found = margin_increment(240.0, 0.8, 0.05, 1.0, CALENDAR)
    assert found == pytest.approx(expected, rel=1e-12)


def test_reactivated_customers_bring_what_the_active_bring():
    expected = 0.02 * month_by_month(lambda _: 300.0, lambda _: 0.9 ** (1 / 12))
    found = reactivation_increment(300.0, 0.9, 0.02, np.inf, CALENDAR)
    assert found == pytest.approx(expected, rel=1e-12)


def test_who_moves_up_brings_the_difference():
    up = month_by_month(lambda _: 600.0, lambda _: 0.9 ** (1 / 12))
    here = month_by_month(lambda _: 200.0, lambda _: 0.8 ** (1 / 12))
    found = migration_increment(200.0, 0.8, 600.0, 0.9, 0.04, np.inf, CALENDAR)
    assert found == pytest.approx(0.04 * (up - here), rel=1e-12)


def test_joint_increment_by_months():
    both = joint_increment(240.0, 0.8, [(0.05, np.inf)], [(0.1, np.inf), (0.2, np.inf)], CALENDAR)
    expected = month_by_month(lambda _: 240 * 1.1 * 1.2, lambda _: 0.85 ** (1 / 12))
    expected -= month_by_month(lambda _: 240, lambda _: 0.8 ** (1 / 12))
    assert both == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("retention", [0.0, 1.0])
def test_certain_leaving_and_certain_staying_are_finite(retention):
    found = retention_increment(100.0, retention, [-0.1, 0.0, 0.1], 1.0, CALENDAR)
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(0.0, abs=1e-9)


def test_money_and_time_may_be_rescaled():
    one = retention_increment(240.0, 0.8, 0.05, 2.0, CALENDAR)
    assert retention_increment(24_000.0, 0.8, 0.05, 2.0, CALENDAR) == pytest.approx(100 * one)


def test_shapes_go_together():
    draws = np.array([[0.01], [0.02]])
    found = retention_increment(np.ones((2, 3)), np.full((2, 3), 0.8), draws, 2.0, CALENDAR)
    assert found.shape == (2, 3)
    assert survival(np.full((2, 3), 0.8), CALENDAR).shape == (2, 3, 36)


@pytest.mark.parametrize("wrong", [(0.0, 0.1), (3.0, -0.1), (np.nan, 0.1)])
def test_a_calendar_needs_months(wrong):
    with pytest.raises(ValueError, match=r"horizon|discount"):
        Calendar(*wrong)


def test_a_half_life_is_above_0():
    with pytest.raises(ValueError, match="half-life"):
        margin_increment(1.0, 0.8, 0.1, 0.0, CALENDAR)
