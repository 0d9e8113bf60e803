"""Behaviour segments of a million customers: their choice with the gate, and scoring.

Beside it k-means by scikit-learn on all customers, which a sample has to agree with, and
in mini-batches, which are quick and do not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.measure import target
from tests.benchmarks.segments_alone import FEATURES, MOST, REPLICATIONS

ROOT = Path(__file__).parents[2]
MANY = 1_000_000


def main() -> list[str]:
    """Print what each step took; the targets that were missed."""
    peers = alone("peers", MANY)
    for name, seconds in peers["seconds"].items():
        print(
            f"  k-means on {name:<14} {seconds:8.2f} s   adjusted Rand index with all "
            f"{peers['agreement'][name]:.3f}"
        )
    of = f"{MANY:,} customers × {FEATURES}"
    missed = []
    for methods in (["classes"], ["kmeans", "mixture"]):
        took = alone("choose", MANY, *methods)
        print(
            f"  chosen: {took['k']} by {took['method']}, weakest {took['weakest']:.2f}, adjusted "
            f"Rand index with the truth {took['truth']:.3f}"
        )
        asked = f"{of}, {' and '.join(methods)}"
        gated = f"{asked}, 2 to {MOST}, gate of {REPLICATIONS}"
        missed += target(gated, took["choose"], 90, "s")
        missed += target(f"{asked}, peak memory", took["memory"], 2000, "MB")
        for method, seconds in took["score"].items():
            missed += target(f"{of}, scores by {method}", seconds, 5, "s")
    placed = alone("newcomers", MANY)
    missed += target(f"{of}, tier and segment of newcomers", placed["score"], 5, "s")
    return missed


def alone(task: str, customers: int, *methods: str) -> dict[str, object]:
    """What a process of its own took."""
    command = [sys.executable, "-m", "tests.benchmarks.segments_alone", task, str(customers)]
    command += methods
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)
