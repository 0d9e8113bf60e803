"""Whom to contact: a trial of 20,000 customers by a dozen columns, rule and two learners."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.roi.uplift import uplift
from tests.benchmarks.measure import fastest, target

CUSTOMERS, COLUMNS = 20_000, 12


def trial() -> pd.DataFrame:
    """By lot; customers with x2 above .5 respond."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({f"x{at}": rng.normal(size=CUSTOMERS) for at in range(COLUMNS)})
    treated = rng.random(CUSTOMERS) < 0.5
    effect = np.where(table["x2"] > 0.5, 10.0, -4.0)
    return table.assign(
        treated=treated, outcome=effect * treated + rng.normal(0, 20, CUSTOMERS)
    )  # fmt: skip


def main() -> list[str]:
    """Print what it took; the targets that were missed."""
    table = trial()
    columns = [f"x{at}" for at in range(COLUMNS)]
    seconds = fastest(
        lambda: uplift(
            table, outcome="outcome", treated="treated", features=columns, cost=2.0, folds=5
        ),
        enough=10,
    )
    return target(f"{CUSTOMERS:,} customers, {COLUMNS} columns, 5 folds", seconds, 4, "s")
