"""Latent classes: a million answer sheets, and a survey with gaps beside stepmix."""

from __future__ import annotations

import numpy as np
import pandas as pd
from stepmix.stepmix import StepMix

from crmlib.needs import LatentClass
from tests.benchmarks.measure import fastest, report, target

STARTS = 10


def sheets(n: int, items: int, levels: int, classes: int, missing: float) -> pd.DataFrame:
    """Answers of people in classes with random probabilities."""
    rng = np.random.default_rng(1)
    chances = rng.dirichlet(np.full(levels, 0.7), (classes, items)).cumsum(axis=2)
    member = rng.integers(0, classes, n)
    answers = (rng.random((n, items, 1)) > chances[member][:, :, :-1]).sum(axis=2)
    table = pd.DataFrame(answers, columns=[f"item {j}" for j in range(items)])
    return table.mask(rng.random(table.shape) < missing) if missing else table


def main() -> list[str]:
    """Print what each step took; the targets that were missed."""
    many = sheets(1_000_000, 8, 3, 4, 0.0)
    seconds = fastest(lambda: LatentClass(4, n_init=STARTS).fit(many))
    missed = target(f"1,000,000 sheets × 8 items, {STARTS} starts", seconds, 5, "s")
    survey = sheets(2_000, 10, 4, 5, 0.1)
    ours = fastest(lambda: LatentClass(5, n_init=STARTS).fit(survey))
    missed += target(f"2,000 × 10 with gaps, 5 classes, {STARTS} starts", ours, 5, "s")
    peer = StepMix(
        5, measurement="categorical_nan", n_init=STARTS, random_state=0, progress_bar=0
    )  # fmt: skip
    theirs = fastest(lambda: peer.fit(survey.to_numpy()), runs=1)
    report("2,000 × 10 with gaps", ours, "stepmix", theirs)
    return missed
