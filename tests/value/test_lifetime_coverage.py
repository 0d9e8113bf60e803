"""Do intervals of what purchases will bring hold the truth? Judged over 200 small bases.

Customers buy by BG/NBD and spend by Gamma-Gamma with known parameters. Named in advance:
customer equity against its expectation over bases, and what a sealed model foretells in
total against what came. Between 86 and 94 % of 90 % intervals should hold the truth.
Both were found in this band.
"""

import numpy as np
import pandas as pd
import pytest

from crmlib import value
from crmlib.stats.intervals import Interval
from crmlib.value import spend as spending

BASES, CUSTOMERS = 200, 500
PURCHASES, SPEND = np.array([0.8, 6.0, 0.8, 2.5]), np.array([6.0, 4.0, 60.0])
HORIZON, RATE, MARGIN = 52.0, 0.002, 0.3
SEALED = 26.0
# the k-th of so many resamples lies at k / (R + 1): of few of them these tails are 5 %
FEW = 40
LEVEL = 0.9 * (FEW + 1) / (FEW - 1)

pytestmark = pytest.mark.slow


def base(n: int, seed: int) -> pd.DataFrame:
    """Histories at 39 weeks with the purchases of the 26 weeks after, times to a tenth."""
    rng = np.random.default_rng(seed)
    r, alpha, a, b = PURCHASES
    rate, leaves = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    end = rng.integers(270, 390, n) / 10
    at, frequency, recency, after = (np.zeros(n) for _ in range(4))
    active = np.ones(n, dtype=bool)
    while active.any():
        at = at + rng.standard_exponential(n) / rate
        active &= at <= end + SEALED
        seen = active & (at <= end)
        frequency += seen
        after += active & ~seen
        recency = np.where(seen, at, recency)
        active &= rng.random(n) >= leaves
    recency = np.where(frequency > 0, np.maximum(recency.round(1), 0.1), 0.0)
    p, q, v = SPEND
    nu = rng.gamma(q, 1 / v, n)
    mean = rng.gamma(p * np.maximum(frequency, 1), 1 / nu) / np.maximum(frequency, 1)
    return pd.DataFrame(
        {
            "customer_id": np.arange(n), "frequency": frequency, "recency": recency,
            "observed_time": end, "mean_repeat_spend": np.where(frequency > 0, mean, np.nan),
            "realised": 0.0, "current_value": 0.0, "after": after,
        }
    )  # fmt: skip


def held(intervals: list[Interval], truth: list[float]) -> int:
    return sum(number in each for number, each in zip(truth, intervals, strict=True))


def history(customers: pd.DataFrame) -> list[pd.Series]:
    return [customers[name] for name in ("frequency", "recency", "observed_time")]


def test_customer_equity():
    model, many = value.BetaGeometric(), base(100_000, 10_000)
    x, last, end = (column.to_numpy() for column in history(many))
    ahead = model.purchases_if_alive(PURCHASES, x, end, HORIZON, RATE)
    ahead = ahead * model.probability_alive(PURCHASES, x, last, end)
    total = x * many["mean_repeat_spend"].fillna(0.0).to_numpy()
    truth = MARGIN * float((ahead * spending.expected_spend(SPEND, x, total)).mean()) * CUSTOMERS
    intervals = []
    for seed in range(BASES):
        customers = base(CUSTOMERS, seed)
        buyers = customers[customers["frequency"] > 0]
        values = value.lifetime_values(
            customers,
            value.BetaGeometric(n_starts=1).fit(*history(customers)),
            value.GammaGamma().fit(buyers["frequency"], buyers["mean_repeat_spend"]),
            horizon=HORIZON, rate=RATE, margin_rate=MARGIN, replications=FEW, seed=seed,
            level=LEVEL, tier_cuts=[0.5], tier_labels=["high", "low"],
        )  # fmt: skip
        intervals.append(values.equity)
    found = held(intervals, [truth] * BASES)
    assert 172 <= found <= 188, found


def test_what_a_sealed_model_foretells():
    intervals, truth = [], []
    for seed in range(BASES):
        customers = base(CUSTOMERS, seed)
        fit = value.BetaGeometric(n_starts=1).fit(*history(customers))
        told = value.foretold(
            fit, customers["after"], SEALED, replications=FEW, seed=seed, level=LEVEL
        )
        intervals.append(told.total)
        truth.append(float(customers["after"].sum()))
    found = held(intervals, truth)
    assert 172 <= found <= 188, found
