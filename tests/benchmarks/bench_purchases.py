"""Fitting purchase models beside `lifetimes`, on customers simulated from the CDNOW parameters.

`lifetimes` runs in the same minutes on the same customers, each as one row and as
distinct rows with weights. Every fit has a process and one BLAS thread of its own.
Its log-likelihood is that of its estimates under our likelihood of all customers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from crmlib.stats.grouping import Groups, group_rows
from tests.benchmarks.fit_alone import OURS, REFITS
from tests.benchmarks.measure import target

ROOT = Path(__file__).parents[2]
R, ALPHA, A, B = 0.243, 4.414, 0.793, 2.426  # Fader, Hardie & Lee (2005)
WEEKS = 39
FEW, MANY = 100_000, 1_000_000
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# what `lifetimes` can do within minutes
PEERS = {
    ("BG/NBD", FEW): ("raw", "weights"),
    ("BG/NBD", MANY): ("raw", "weights"),
    ("MBG/NBD", FEW): ("raw", "weights"),
    ("MBG/NBD", MANY): ("weights",),
    ("Pareto/NBD", FEW): ("raw", "weights"),
    ("Pareto/NBD", MANY): ("weights",),
}


def simulate(n: int, seed: int = 1) -> dict[str, np.ndarray]:
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
    return {"frequency": x, "recency": last, "observed_time": observed}


def main() -> list[str]:
    """Print what each fit took; the targets that were missed."""
    ours, missed = {}, []
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        for size in (FEW, MANY):
            history = simulate(size)
            groups = group_rows(*history.values())
            file = Path(folder) / f"{size}.npz"
            np.savez(file, **history)
            for model in OURS:
                ours[model, size] = compare(model, size, groups, file)
        refits = alone("refits", "BG/NBD", file)["refits"]
        print(
            f"  Pareto/NBD, {REFITS} refits: {alone('refits', 'Pareto/NBD', file)['refits']:.2f} s"
        )
    for model in OURS:
        few, many = ours[model, FEW], ours[model, MANY]
        print(
            f"  {model}: ten times the customers take {many['fit'] / few['fit']:.1f} times as long"
        )
    bg, pareto = ours["BG/NBD", MANY], ours["Pareto/NBD", MANY]
    million = f"{MANY:,} customers"
    missed += target(f"BG/NBD, {million}, fit", bg["fit"], 1, "s")
    missed += target(f"Pareto/NBD, {million}, fit", pareto["fit"], 6, "s")
    for name, took in (("BG/NBD", bg), ("Pareto/NBD", pareto)):
        missed += target(f"{name}, fit and scores", took["fit"] + took["score"], 10, "s")
        missed += target(f"{name}, peak memory", took["memory"], 350, "MB")
    return missed + target(f"BG/NBD, {REFITS} refits, totals and shares", refits, 15, "s")


def compare(model: str, size: int, groups: Groups, file: Path) -> dict[str, object]:
    """Our fit and those of `lifetimes`, a line each."""
    likelihood = OURS[model]().likelihood(*groups.columns)
    print(f"  {model}, {size:,} customers, {groups.weights.size:,} distinct histories")
    ours = alone("ours", model, file)
    names = {"raw": "lifetimes", "weights": "lifetimes with weights"}
    fits = {"crmlib": ours} | {names[k]: alone(k, model, file) for k in PEERS[model, size]}
    for name, took in fits.items():
        height = likelihood.evaluate(np.log(took["params"]), groups.weights)[0]
        ratio = took["fit"] / ours["fit"]
        print(
            f"    {name:<24} {took['fit']:8.3f} s  {ratio:6.1f} x  {took['memory']:5,.0f} MB"
            f"  log-likelihood {height:,.3f}"
        )
    print(f"    {'crmlib, scores':<24} {ours['score']:8.3f} s")
    return ours


def alone(task: str, model: str, file: Path) -> dict[str, object]:
    """What a process of its own took."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.fit_alone"]
    run = subprocess.run(
        [*command, task, model, str(file)],
        cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(run.stdout)
