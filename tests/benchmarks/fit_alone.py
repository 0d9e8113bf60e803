"""One fit in a process of its own, so that its peak memory is of that fit alone.

Called with a task, a model and a file of histories; prints what it took as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable

import numpy as np

from crmlib import value
from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.grouping import group_rows
from crmlib.value.lifetime import FEW_NODES
from crmlib.value.purchases import PurchaseResult, Refit
from tests.benchmarks.measure import fastest

HORIZON = 52.0  # weeks
REFITS = 200
ENOUGH = 15.0  # seconds after which a step is not repeated
OURS = {
    "BG/NBD": value.BetaGeometric,
    "MBG/NBD": value.ModifiedBetaGeometric,
    "Pareto/NBD": value.ParetoNBD,
}
PEERS = {
    "BG/NBD": "BetaGeoFitter",
    "MBG/NBD": "ModifiedBetaGeoFitter",
    "Pareto/NBD": "ParetoNBDFitter",
}
History = list[np.ndarray]


def fit_ours(model: str, history: History) -> dict[str, object]:
    """Fit with its grouping, then P(active) and expected purchases of every customer."""
    fitted = OURS[model]().fit(*history)

    def score() -> None:
        fitted.probability_alive(*history)
        fitted.expected_purchases(HORIZON, *history)

    seconds = fastest(lambda: OURS[model]().fit(*history), enough=ENOUGH)
    return {"fit": seconds, "score": fastest(score), "params": fitted.params.tolist()}


def refit_ours(model: str, history: History) -> dict[str, object]:
    """Bootstrap over customers: every resample fitted, valued and ranked."""
    fitted = OURS[model]().fit(*history)
    return {"refits": fastest(lambda: list(redraw(fitted)), enough=ENOUGH)}


def redraw(fitted: PurchaseResult) -> list[tuple[float, float, float]]:
    """Total, Gini and top-decile share of expected purchases, once per resample."""
    refit, (x, recency, observed) = Refit.of(fitted), fitted.groups.columns
    pairs = group_rows(x, observed)
    found = []
    for weights in bootstrap_weights(fitted.groups.weights, REFITS, generator(1)):
        params = refit(weights)
        ahead = fitted.model.purchases_if_alive(params, *pairs.columns, HORIZON, 0.0, FEW_NODES)
        ahead = ahead[pairs.index] * fitted.model.probability_alive(params, x, recency, observed)
        curve = value.concentration(ahead, weights)
        found.append((float(weights @ ahead), curve.gini, curve.top(0.1)))
    return found


def fit_peer(model: str, history: History) -> dict[str, object]:
    """`lifetimes` on one row per customer."""
    return _peer(model, lambda fitter: fitter.fit(*history))


def fit_peer_with_weights(model: str, history: History) -> dict[str, object]:
    """`lifetimes` on distinct rows with weights, which it takes but does not make."""

    def fit(fitter):
        groups = group_rows(*history)
        return fitter.fit(*groups.columns, weights=groups.weights)

    return _peer(model, fit)


def _peer(model: str, fit: Callable) -> dict[str, object]:
    import lifetimes

    fitted = []
    make = getattr(lifetimes, PEERS[model])
    seconds = fastest(lambda: fitted.append(fit(make())), enough=ENOUGH)
    return {"fit": seconds, "params": fitted[-1].params_.tolist()}


TASKS = {
    "ours": fit_ours,
    "refits": refit_ours,
    "raw": fit_peer,
    "weights": fit_peer_with_weights,
}


def main(task: str, model: str, path: str) -> None:
    """Seconds, estimates, and the largest memory of this process with interpreter and data."""
    with np.load(path) as file:
        history = [file[name] for name in ("frequency", "recency", "observed_time")]
    took = TASKS[task](model, history)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(took | {"memory": memory}))


if __name__ == "__main__":
    main(*sys.argv[1:])
