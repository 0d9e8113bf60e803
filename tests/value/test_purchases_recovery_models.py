"""Planted parameters come back, intervals hold them, and predictions equal the simulated future."""

import numpy as np
import pytest

from crmlib.value import (
    BetaGeometric,
    BetaGeometricBetaBernoulli,
    ModifiedBetaGeometric,
    ParetoNBD,
)

HISTORY = ["frequency", "recency", "observed_time"]
WORLDS = {
    "BG/NBD": (BetaGeometric, (0.6, 6.0, 0.8, 2.5), 52.0),
    "MBG/NBD": (ModifiedBetaGeometric, (0.8, 6.0, 0.8, 2.5), 52.0),
    "Pareto/NBD": (ParetoNBD, (0.8, 6.0, 0.9, 15.0), 52.0),
    "BG/BB": (BetaGeometricBetaBernoulli, (1.2, 0.75, 0.66, 2.8), 8.0),
}
AHEAD = {"BG/BB": 5.0}


@pytest.fixture(scope="module", params=WORLDS)
def world(request, simulate_as):
    model, truth, end = WORLDS[request.param]
    ahead = AHEAD.get(request.param, 26.0)
    table = simulate_as(request.param, truth, np.full(30_000, end), seed=5, horizon=ahead)
    return model(), np.array(truth), table, ahead


def test_planted_parameters(world):
    """Every estimate within 4 of its own standard errors, which are small."""
    model, truth, table, _ = world
    fitted = model.fit(*(table[c] for c in HISTORY))
    assert fitted.verdict.grade == "good"
    assert (np.abs(fitted.params - truth) < 4 * fitted.bse).all()
    assert (fitted.bse < 0.15 * truth).all()


def test_predictions_equal_simulation(world):
    """Means by observed frequency within 4.5 standard errors of the simulated world."""
    model, truth, table, ahead = world
    history = [table[c].to_numpy() for c in HISTORY]
    alive = model.probability_alive(truth, *history)
    predicted = alive * model.purchases_if_alive(truth, history[0], history[2], ahead, 0.0)
    for gap in (table["alive"] - alive, table["future"] - predicted):
        assert abs(gap.mean()) < 4.5 * gap.sem()
        by_frequency = gap.groupby(table["frequency"].clip(upper=7))
        assert (by_frequency.mean().abs() <= 4.5 * by_frequency.sem() + 1e-12).all()


def test_new_customers_equal_simulation(world):
    model, truth, table, _ = world
    end = table["observed_time"].iloc[0]
    zero = np.zeros(1)
    stays = model.probability_alive(truth, zero, zero, zero)[0]
    expected = stays * float(model.purchases_if_alive(truth, 0.0, 0.0, end, 0.0))
    assert abs(table["frequency"].mean() - expected) < 4.5 * table["frequency"].sem()
    probabilities = model.frequency_probabilities(truth, np.array([end]), 5)[0]
    observed = np.bincount(table["frequency"].clip(upper=5).astype(int)) / len(table)
    assert np.abs(observed - probabilities).max() < 4.5 * np.sqrt(0.25 / len(table))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MBG/NBD", "Pareto/NBD", "BG/BB"])
def test_coverage(simulate_as, name):
    """200 simulations of 1,500 customers: 95 % intervals of the first and third parameter.

    Monte-Carlo error at 200 is sqrt(.05·.95/200) = 1.54 points: nominal coverage
    lies between 90.4 and 99.6 % with 3 such errors, and so do the bounds.
    """
    simulations = 200
    model, truth, end = WORLDS[name]
    start = np.array(truth)
    held = np.zeros(2)
    for seed in range(simulations):
        table = simulate_as(name, truth, np.full(1_500, end), seed=seed)
        fitted = model().fit(*(table[c] for c in HISTORY), start=start)
        bounds = fitted.conf_int(0.95).iloc[[0, 2]]
        planted = start[[0, 2]]
        held += (bounds["lower"] <= planted) & (planted <= bounds["upper"])
    assert ((held / simulations >= 0.904) & (held / simulations <= 0.996)).all()
