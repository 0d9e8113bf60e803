"""Simulated futures against the model's story told again, one purchase at a time."""

import numpy as np
import pytest

from crmlib.value import expectations
from crmlib.value.futures import Histories, future_quantiles, simulate_spend
from crmlib.value.spend import expected_spend

HISTORIES = {  # frequency, recency, observed time, mean repeat spend
    "one-time": (0, 0.0, 39.0, 0.0),
    "lapsed": (3, 12.0, 39.0, 40.0),
    "heavy": (8, 37.0, 39.0, 60.0),
}
THETA = {"loyal": (0.5, 5.0, 0.8, 2.5), "leaving": (2.0, 20.0, 1.5, 1.0)}  # r, alpha, a, b
PHI = {"loyal": (1.2, 9.0, 200.0), "leaving": (4.0, 10.0, 60.0)}  # p, q, v: finite 8th moment
PLAN = {"horizon": 52.0, "rate": 0.01}
FUTURES = 20_000
CASES = [(world, who) for world in THETA for who in HISTORIES]


def histories(*names: str) -> Histories:
    return Histories(*np.array([HISTORIES[name] for name in names], dtype=float).T)


def one_future(history, theta, phi, rng) -> float:
    """Discounted spend of one customer: BG/NBD process with Gamma-Gamma amounts."""
    x, recency, end, mean = history
    (r, alpha, a, b), (p, q, v) = theta, phi
    left = a / (b + x - 1) * ((alpha + end) / (alpha + recency)) ** (r + x) if x else 0.0
    if rng.random() > 1 / (1 + left):
        return 0.0
    buying = rng.gamma(r + x, 1 / (alpha + end))
    dropout = rng.beta(a, b + x)
    nu = rng.gamma(p * x + q, 1 / (v + x * mean))
    time, total = rng.exponential(1 / buying), 0.0
    while time <= PLAN["horizon"]:
        total += rng.gamma(p, 1 / nu) * np.exp(-PLAN["rate"] * time)
        if rng.random() < dropout:
            break
        time += rng.exponential(1 / buying)
    return total


@pytest.fixture(scope="module")
def simulated() -> dict[tuple[str, str], np.ndarray]:
    """Futures of every history; the two worlds alternate over the parameter rows."""
    theta, phi = (np.tile(list(world.values()), (FUTURES, 1)) for world in (THETA, PHI))
    rng = np.random.default_rng(3)
    spend = simulate_spend(histories(*HISTORIES), theta, phi, **PLAN, rng=rng)
    return {
        (world, who): spend[row, first :: len(THETA)]
        for first, world in enumerate(THETA)
        for row, who in enumerate(HISTORIES)
    }


@pytest.mark.parametrize("world, who", CASES)
def test_average_is_the_expectation(simulated, world, who):
    """Within 4.5 standard errors of the formula."""
    spend, theta = simulated[world, who], np.array(THETA[world])
    x, recency, end, mean = np.array(HISTORIES[who])
    ahead = expectations.purchases_if_alive(theta, x, end, PLAN["horizon"], PLAN["rate"])
    alive = expectations.probability_alive(theta, x, recency, end)
    expected = ahead * alive * expected_spend(PHI[world], x, x * mean)
    assert abs(spend.mean() - expected) < 4.5 * spend.std() / np.sqrt(FUTURES)


@pytest.mark.parametrize("world, who", CASES)
def test_spread_is_that_of_the_story(simulated, world, who):
    """Variance and shares below five quantiles agree with a plain loop within 4.5 errors."""
    rng = np.random.default_rng(CASES.index((world, who)))
    told = np.array(
        [one_future(HISTORIES[who], THETA[world], PHI[world], rng) for _ in range(FUTURES)]
    )
    spend = simulated[world, who]
    squares = [(sample - sample.mean()) ** 2 for sample in (spend, told)]
    error = np.sqrt(sum(square.var() for square in squares) / FUTURES)
    assert abs(squares[0].mean() - squares[1].mean()) < 4.5 * error
    for quantile in np.quantile(told, [0.05, 0.25, 0.5, 0.75, 0.95]):
        below, reference = (spend <= quantile).mean(), (told <= quantile).mean()
        error = np.sqrt(2 * reference * (1 - reference) / FUTURES)
        assert abs(below - reference) < 4.5 * error


def test_quantiles_hold_fresh_futures():
    """Tails of a 90 % interval from 4,000 futures in fresh ones; idle futures pile up at 0."""
    heavy = histories("heavy")
    params = [np.tile(world["loyal"], (4_000, 1)) for world in (THETA, PHI)]
    seed = np.random.SeedSequence(1)
    lo, hi = future_quantiles(heavy, *params, **PLAN, level=0.9, seed=seed)[0]
    fresh = simulate_spend(heavy, *params, **PLAN, rng=np.random.default_rng(2))
    assert (fresh > hi).mean() == pytest.approx(0.05, abs=0.02)  # 4 errors of two samples
    assert (fresh < lo).mean() <= 0.07
