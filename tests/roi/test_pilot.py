"""Worth of a pilot: against simulated customers, every size there is, and the known case."""

import numpy as np
import pytest

from crmlib.roi.pilot import Launch, pilot
from crmlib.stats.optimise import NotIdentified

KNOWN = Launch(200_000, -0.02, 0.25, outcome_sd=15.0, launch_cost=5_000)


def planned(launch):
    return pilot(launch, effect_to_see=0.5, alpha=0.05, power=0.8)


def test_the_known_case():
    """Recomputed by an independent optimiser: 14,141 per arm, worth 9,845, P(go) .405."""
    plan = planned(KNOWN)
    assert (plan.verdict, plan.n_per_arm) == ("pilot", 14_141)
    assert plan.worth == pytest.approx(9_845, abs=0.5)
    assert plan.p_go == pytest.approx(0.405, abs=5e-4)
    assert plan.reason.startswith("a pilot of 14,141 per arm is worth 9,845 more than stopping")
    assert plan.break_even == 0.025 and plan.decide_now == 0
    assert plan.worth < plan.learning < plan.perfect


@pytest.mark.parametrize("mean, cost, n", [(-0.02, 5_000.0, 14_141), (0.05, -900.0, 4_000)])
def test_value_equals_simulated_launches(mean, cost, n):
    """Effects, pilots and decisions drawn one by one; no closed form in it."""
    launch = Launch(200_000, mean, 0.25, 15.0, cost, pilot_cost=100.0, pilot_unit_cost=0.5)
    rng = np.random.default_rng(1)
    effect = rng.normal(mean, 0.25, 400_000)
    treated = effect + rng.normal(0, 15.0 / np.sqrt(n), effect.size)
    control = rng.normal(0, 15.0 / np.sqrt(n), effect.size)
    precision = 1 / 0.25**2, n / (2 * 15.0**2)
    posterior = (mean * precision[0] + (treated - control) * precision[1]) / sum(precision)
    left = 200_000 - 2 * n
    go = left * posterior > cost
    value = n * effect + go * (left * effect - cost) - 100.0 - 0.5 * n
    error = value.std() / np.sqrt(value.size)
    assert float(launch.value(n)) == pytest.approx(value.mean(), abs=4 * error)
    assert float(launch.chance_of_launch(n)) == pytest.approx(go.mean(), abs=0.004)


def any_launch(rng):
    """A decision near its break-even, where the size matters."""
    population = int(rng.integers(2, 6_000))
    spread = rng.gamma(1.0)
    return Launch(
        population,
        rng.normal(0, 0.5) * spread,
        spread,
        outcome_sd=spread * rng.gamma(1.0) * 20,
        launch_cost=population * spread * rng.normal(0, 0.5),
        pilot_cost=population * spread * rng.choice([0, 0.02, 0.2]),
        pilot_unit_cost=spread * rng.choice([0, 0.1]),
        largest_arm=int(rng.integers(1, population)) if rng.random() < 0.2 else None,
    )


def test_the_best_of_all_sizes_is_found():
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(200):
        launch = any_launch(rng)
        plan = planned(launch)
        worth = launch.value(np.arange(launch.most + 1)) - launch.decide_now
        scale = abs(launch.launch_cost) + launch.population * launch.prior_sd
        assert plan.worth == pytest.approx(worth.max(), abs=1e-9 * scale)
        assert worth[plan.n_per_arm] == pytest.approx(worth.max(), abs=1e-9 * scale)
        held += plan.verdict == "pilot"
    assert 40 < held < 180


def test_a_large_population_is_searched_to_the_last_customer():
    launch = Launch(40_000_000, -0.02, 0.25, outcome_sd=150.0, launch_cost=1_000_000)
    n = planned(launch).n_per_arm
    near = launch.value(np.arange(n - 2_000, n + 2_001))
    assert near.argmax() == 2_000


@pytest.mark.parametrize("mean, cost, verdict", [(0.5, 100.0, "go"), (-0.5, 0.0, "stop")])
def test_where_no_pilot_pays_the_decision_is_made_now(mean, cost, verdict):
    plan = planned(Launch(50_000, mean, 0.01, outcome_sd=1.0, launch_cost=cost))
    assert (plan.verdict, plan.n_per_arm, plan.worth) == (verdict, 0, 0.0)
    assert plan.p_go == (verdict == "go")
    assert plan.value == plan.decide_now == max(0.0, 50_000 * mean - cost)
    assert plan.reason.endswith("no pilot is worth its cost")


def test_a_costly_pilot_is_not_held():
    dear = Launch(200_000, -0.02, 0.25, outcome_sd=15.0, launch_cost=5_000, pilot_cost=9_846)
    assert planned(dear).verdict == "stop"
    assert planned(Launch(**{**dear.__dict__, "pilot_cost": 9_845})).verdict == "pilot"


def test_money_in_cents_changes_no_size():
    cents = Launch(200_000, -2.0, 25.0, outcome_sd=1_500.0, launch_cost=500_000)
    plan = pilot(cents, effect_to_see=50.0, alpha=0.05, power=0.8)
    assert (plan.n_per_arm, plan.power_size.treated) == (14_141, planned(KNOWN).power_size.treated)
    assert plan.worth == pytest.approx(100 * planned(KNOWN).worth)


def test_size_for_power_stands_beside():
    plan = planned(KNOWN)
    arms = plan.power_size_corrected.treated
    assert plan.power_size.treated == 14_128  # 2·(1.96 + .8416)²·225/.25
    assert plan.power_worth == pytest.approx(float(KNOWN.value(arms)))
    few = Launch(200_000, -0.02, 0.25, 15.0, 5_000, largest_arm=900)
    assert planned(few).power_worth is None and planned(few).n_per_arm == 900


def test_curve_holds_no_pilot_and_the_best_one():
    curve = planned(KNOWN).curve.set_index("n_per_arm")
    assert curve.at[0, "worth"] == 0 and curve["worth"].idxmax() == 14_141
    assert curve.index[-1] == 100_000 and np.isfinite(curve.to_numpy()).all()


def test_what_is_earned_without_learning_is_told_apart():
    """Launching does not pay, treating without it does: such a pilot is no experiment."""
    plan = planned(Launch(1_000, 1.0, 0.01, outcome_sd=5.0, launch_cost=5_000))
    assert plan.n_per_arm == 500 and plan.learning == 0
    assert plan.reason.endswith("only 0 of that comes from what is learnt")


@pytest.mark.parametrize("population", [1, 2, 3])
@pytest.mark.parametrize("prior_sd", [0.0, 1.0])
@pytest.mark.parametrize("outcome_sd", [0.0, 1.0])
@pytest.mark.parametrize("launch_cost", [-2.0, 0.0, 2.0])
def test_ends_are_finite(population, prior_sd, outcome_sd, launch_cost):
    plan = planned(Launch(population, 0.5, prior_sd, outcome_sd, launch_cost))
    numbers = [plan.worth, plan.value, plan.decide_now, plan.p_go, plan.perfect, plan.learning]
    assert np.isfinite(numbers).all() and np.isfinite(plan.curve.to_numpy()).all()
    if prior_sd == 0:
        assert plan.verdict != "pilot" and plan.worth == 0


def test_what_cannot_be_decided_is_named():
    with pytest.raises(NotIdentified, match="reaches no customer"):
        Launch(0, 1.0, 1.0, 1.0, 0.0)
    with pytest.raises(NotIdentified, match="effect to be seen is 0"):
        pilot(KNOWN, effect_to_see=0.0, alpha=0.05, power=0.8)
    for wrong in ({"prior_sd": -1.0}, {"outcome_sd": np.nan}, {"population": 2.5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Launch(**{**KNOWN.__dict__, **wrong})
