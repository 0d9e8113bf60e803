"""The roadmap: twenty initiatives on eight assets in four waves, over all draws."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.roi.frontier import frontier
from crmlib.roi.not_started import not_started
from crmlib.roi.roadmap import Roadmap, roadmap
from tests.benchmarks.measure import fastest, target

ASSETS, WAVES = 8, 4


def solved(n: int, draws: int, risk_aversion: float, seed: int = 1) -> Roadmap:
    """The best roadmap of initiatives by lot; with seed 1 many are nearly as good."""
    rng = np.random.default_rng(seed)
    ids, assets = [f"i{j}" for j in range(n)], [f"a{j}" for j in range(ASSETS)]
    initiatives = pd.DataFrame({
        "id": ids, "lever": rng.choice(["grow", "retain", "acquire"], n),
        "fixed_cost": rng.uniform(5, 50, n), "earliest_wave": rng.integers(1, 3, n),
        "exclusive_group": rng.choice(["", "g", "h"], n, p=[0.6, 0.2, 0.2]),
    })  # fmt: skip
    platform = pd.DataFrame({
        "id": assets, "build_cost": rng.uniform(0, 40, ASSETS),
        "run_cost": rng.uniform(0, 3, ASSETS), "lead_waves": rng.integers(0, 3, ASSETS),
        "owned": rng.random(ASSETS) < 0.3,
    })  # fmt: skip
    needs = [(i, a) for i in ids for a in assets if rng.random() < 0.25]
    requires = pd.DataFrame(needs, columns=["initiative", "asset"])
    budgets = pd.DataFrame({"wave": range(1, WAVES + 1), "cap": rng.uniform(40, 80, WAVES)})
    mean, noise = rng.normal(30, 40, (1, n, 1)), rng.normal(0, 60, (draws, n, 1))
    overlaps = [(ids[j], ids[j + 1]) for j in range(0, 10, 2)]
    return roadmap(
        initiatives, platform, requires, budgets, mean + noise * [1, 0.97, 0.94, 0.91],
        risk_aversion=risk_aversion, minimum_share={"grow": 0.2},
        interactions={pair: rng.normal(-5, 5, draws) for pair in overlaps},
    )  # fmt: skip


def main() -> list[str]:
    """Print what each step took; the targets that were missed."""
    missed = []
    for risk_aversion in (0.0, 0.5, 1.0):
        seconds = fastest(lambda share=risk_aversion: solved(20, 500, share), enough=10)
        missed += target(f"20 initiatives, 500 draws, λ = {risk_aversion:g}", seconds, 5, "s")
    seconds = fastest(lambda: solved(14, 10_000, 0.5), enough=10)
    missed += target("14 initiatives, 10,000 draws, λ = 0.5", seconds, 3, "s")
    found = solved(20, 500, 0.5)
    seconds = fastest(lambda: not_started(found), enough=10)
    missed += target("20 initiatives, why some do not start", seconds, 10, "s")
    small = solved(14, 2_000, 0.5)
    scales = [0.5, 0.75, 1.0, 1.25, 1.5]
    seconds = fastest(lambda: frontier(small, [0, 0.25, 0.5, 0.75, 1], scales), enough=30)
    return missed + target("14 initiatives, frontier of 5 × 5", seconds, 30, "s")
