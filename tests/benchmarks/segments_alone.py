"""Segments of many customers in a process of its own, so that its peak memory is of that alone.

Called with a task and a number of customers; prints what it took as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import adjusted_rand_score

from crmlib.segments.choice import choose_segments
from crmlib.segments.clusters import Segmentation, fit_segments
from tests.benchmarks.measure import fastest

FEATURES, KINDS = 12, 6
MOST, REPLICATIONS, MIN_SHARE = 8, 50, 0.03


def simulate(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Prepared features of overlapping kinds of customer, and the kind of each."""
    centres = np.random.default_rng(9).normal(0, 0.9, (KINDS, FEATURES))
    rng = np.random.default_rng(seed)
    kind = rng.choice(KINDS, n, p=[0.34, 0.2, 0.16, 0.12, 0.1, 0.08])
    # heavier tails than a Gaussian, drawn in as prepared features are
    noise = np.clip(rng.standard_t(6, (n, FEATURES)), -3, 3)
    return centres[kind] + noise, kind


def choose(n: int) -> dict[str, object]:
    """The choice of their number with its gate, by both methods, and the scores of all."""
    matrix, kind = simulate(n)
    started = time.perf_counter()
    choice = choose_segments(
        matrix, methods=["kmeans", "mixture"], most=MOST, min_share=MIN_SHARE,
        replications=REPLICATIONS, seed=1,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    took = {name: score(fit_segments(matrix, method=name, k=MOST, seed=1), matrix)
            for name in ("kmeans", "mixture")}  # fmt: skip
    chosen = choice.chosen
    return {
        "choose": seconds, "score": took, "k": chosen.k, "method": chosen.method,
        "weakest": choice.stability.minimum, "truth": adjusted_rand_score(kind, chosen.labels),
    }  # fmt: skip


def score(found: Segmentation, matrix: np.ndarray) -> float:
    """Seconds to place every customer and to say how surely."""
    return fastest(lambda: (found.predict(matrix), found.membership(matrix)))


def peers(n: int) -> dict[str, object]:
    """One k-means on all, on a sample, and in mini-batches: seconds, and agreement with all."""
    matrix, _ = simulate(n)
    found, seconds = {}, {}
    for name, fit in (
        ("all customers", lambda: KMeans(KINDS, n_init=10, random_state=1).fit_predict(matrix)),
        ("sample", lambda: fit_segments(matrix, method="kmeans", k=KINDS, seed=1).labels),
        ("mini-batches", lambda: MiniBatchKMeans(KINDS, random_state=1).fit_predict(matrix)),
    ):
        started = time.perf_counter()
        found[name] = fit()
        seconds[name] = time.perf_counter() - started
    agreement = {name: adjusted_rand_score(found["all customers"], found[name]) for name in found}
    return {"seconds": seconds, "agreement": agreement}


def main(task: str, customers: str) -> None:
    """What was taken, and the largest memory of this process with interpreter and data."""
    took = {"choose": choose, "peers": peers}[task](int(customers))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(took | {"memory": memory}))


if __name__ == "__main__":
    main(*sys.argv[1:])
