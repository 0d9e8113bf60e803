"""Fitting BG/NBD beside `lifetimes`, on customers simulated from the CDNOW parameters."""

import numpy as np
from lifetimes import BetaGeoFitter

from crmlib.value import BetaGeometric
from tests.benchmarks.measure import fastest, report

R, ALPHA, A, B = 0.243, 4.414, 0.793, 2.426  # Fader, Hardie & Lee (2005)
WEEKS = 39


def simulate(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequency, recency and observed time in weeks at daily precision."""
    rng = np.random.default_rng(seed)
    observed = WEEKS - rng.integers(0, 12 * 7, n) / 7
    rate, leaving = rng.gamma(R, 1 / ALPHA, n), rng.beta(A, B, n)
    x, last, clock, active = np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while active.any():
        wait = rng.exponential(1 / np.maximum(rate[active], 1e-12))
        clock[active] += wait
        active &= clock <= observed
        day = np.ceil(clock[active] * 7) / 7
        x[active] += day > last[active]
        last[active] = np.minimum(day, observed[active])
        active[active] = rng.random(active.sum()) > leaving[active]
    return x, last, observed


def main() -> None:
    """100,000 customers: fit, grouping included."""
    data = simulate(100_000)
    ours = fastest(lambda: BetaGeometric().fit(*data))
    theirs = fastest(lambda: BetaGeoFitter().fit(*data), runs=1)
    report("BG/NBD, 100,000 customers", ours, "lifetimes", theirs)
    million = simulate(1_000_000)
    report("BG/NBD, 1,000,000 customers", fastest(lambda: BetaGeometric().fit(*million)),
           "ours at 100,000 × 10", 10 * ours)  # fmt: skip
