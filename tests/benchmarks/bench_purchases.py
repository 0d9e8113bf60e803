"""Fitting purchase models beside `lifetimes`, on customers simulated from the CDNOW parameters."""

import resource

import numpy as np
from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter

from crmlib.value import BetaGeometric, ModifiedBetaGeometric, ParetoNBD
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


PEERS = {
    "BG/NBD": (BetaGeometric, BetaGeoFitter),
    "MBG/NBD": (ModifiedBetaGeometric, ModifiedBetaGeoFitter),
    "Pareto/NBD": (ParetoNBD, ParetoNBDFitter),
}
FEW, MANY = 100_000, 1_000_000


def main() -> None:
    """Fits with grouping included; `lifetimes` sees fewer customers where it is slow."""
    few, many = simulate(FEW), simulate(MANY)
    for name, (model, peer) in PEERS.items():
        size = FEW // 10 if name == "Pareto/NBD" else FEW
        part = tuple(column[:size] for column in few)
        ours = fastest(lambda model=model, part=part: model().fit(*part))
        theirs = fastest(lambda peer=peer, part=part: peer().fit(*part), runs=1)
        report(f"{name}, {size:,} customers", ours, "lifetimes", theirs)
        million = fastest(lambda model=model: model().fit(*many))
        report(f"{name}, {MANY:,} customers", million, f"ours at {size:,}, scaled",
               ours * MANY / size)  # fmt: skip
        fitted = model().fit(*many)
        scored = fastest(lambda fitted=fitted: fitted.expected_purchases(52, *many))
        print(f"  {name + ', scoring ' + format(MANY, ','):<46} {scored:8.3f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory, data and lifetimes included{peak:15,.0f} MB")
