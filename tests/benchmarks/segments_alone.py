"""Segments of many customers in a process of its own, so that its peak memory is of that alone.

Called with a task, a number of customers and methods to choose from; prints what it took as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import adjusted_rand_score

from crmlib.segments import scoring
from crmlib.segments.behaviour import BehaviourSegments
from crmlib.segments.choice import choose_segments
from crmlib.segments.clusters import Segmentation, fit_segments
from crmlib.segments.features import active, prepare
from crmlib.segments.ladder import build_ladder
from crmlib.stats.tiers import value_tiers
from tests.benchmarks.measure import fastest

FEATURES, KINDS = 12, 6
MOST, REPLICATIONS, MIN_SHARE = 8, 50, 0.03
TIERS = ["high", "medium", "low"]


def simulate(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Prepared features of overlapping kinds of customer, and the kind of each."""
    centres = np.random.default_rng(9).normal(0, 0.9, (KINDS, FEATURES))
    rng = np.random.default_rng(seed)
    kind = rng.choice(KINDS, n, p=[0.34, 0.2, 0.16, 0.12, 0.1, 0.08])
    # heavier tails than a Gaussian, drawn in as prepared features are
    noise = np.clip(rng.standard_t(6, (n, FEATURES)), -3, 3)
    return centres[kind] + noise, kind


def choose(n: int, *methods: str) -> dict[str, object]:
    """The choice of their number with its gate, by these methods, and the scores of all."""
    matrix, kind = simulate(n)
    started = time.perf_counter()
    choice = choose_segments(
        matrix, methods=methods, most=MOST, min_share=MIN_SHARE,
        replications=REPLICATIONS, seed=1,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    took = {name: score(fit_segments(matrix, method=name, k=MOST, seed=1), matrix)
            for name in methods}  # fmt: skip
    chosen = choice.chosen
    return {
        "choose": seconds, "score": took, "k": chosen.k, "method": chosen.method,
        "weakest": choice.stability.minimum, "truth": adjusted_rand_score(kind, chosen.labels),
    }  # fmt: skip


def score(found: Segmentation, matrix: np.ndarray) -> float:
    """Seconds to place every customer and to say how surely."""
    return fastest(lambda: (found.predict(matrix), found.membership(matrix)))


def newcomers(n: int) -> dict[str, object]:
    """Seconds to put new customers into a ladder, from their features and contributions."""
    learned = 50_000
    matrix, _ = simulate(n + learned)
    features = pd.DataFrame(matrix, columns=[f"feature {at}" for at in range(FEATURES)])
    features = features.assign(frequency=np.exp(matrix[:, 0]).round())
    features.insert(0, "customer_id", np.arange(len(features)).astype(str))
    year = np.exp(matrix[:, 1]) * 100
    money = features[["customer_id"]].assign(current_value=year, realised=2 * year)
    base, values = features[:learned], money[:learned].set_index("customer_id")
    values = values.assign(future_value=year[:learned], lifetime_value=3 * year[:learned])
    values["value_tier"] = value_tiers(values["lifetime_value"], [0.5, 0.8], TIERS)
    model = _formed(base, values)
    new = features[learned:].reset_index(drop=True)
    seconds = fastest(lambda: scoring.score(model, new, money[learned:]))
    return {"score": seconds}


def _formed(base: pd.DataFrame, values: pd.DataFrame) -> scoring.ScoringModel:
    """The scoring model of a base."""
    doing = base[active(base)]
    prepared = prepare(doing, tail=0.01)
    chosen = fit_segments(prepared.matrix, method="kmeans", k=MOST, seed=1)
    names = SimpleNamespace(names=tuple(f"kind {at}" for at in range(MOST)))
    found = BehaviourSegments(SimpleNamespace(chosen=chosen), names)
    rung = found.of_customers(doing["customer_id"], values.index).rename("behaviour_segment")
    ladder = build_ladder(
        values["value_tier"], rung, values["current_value"], tiers=TIERS, capacity=12,
        min_share=0.02, min_customers=30,
    )  # fmt: skip
    return scoring.scoring_model(prepared, found, ladder, doing, values, tiers=TIERS)


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


def main(task: str, customers: str, *methods: str) -> None:
    """What was taken, and the largest memory of this process with interpreter and data."""
    tasks = {"choose": choose, "newcomers": newcomers, "peers": peers}
    took = tasks[task](int(customers), *methods)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(took | {"memory": memory}))


if __name__ == "__main__":
    main(*sys.argv[1:])
