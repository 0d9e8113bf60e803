"""Small roadmaps with every rule, and the best of all by trying each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Case:
    """Tables of a roadmap and its settings."""

    initiatives: pd.DataFrame
    assets: pd.DataFrame
    requires: pd.DataFrame
    budgets: pd.DataFrame
    values: np.ndarray
    settings: dict


def random_case(seed: int, n: int = 4, k: int = 2, money: float = 1.0) -> Case:
    """Initiatives and assets in three waves; which rules there are hangs on the seed."""
    rng = np.random.default_rng(seed)
    waves, draws = 3, int(rng.integers(15, 40))
    ids, names = [f"i{j}" for j in range(n)], [f"a{j}" for j in range(k)]
    initiatives = pd.DataFrame({
        "id": ids, "lever": rng.choice(["grow", "retain"], n),
        "fixed_cost": rng.uniform(0, 50, n), "running_cost": rng.uniform(0, 5, n),
        "earliest_wave": rng.integers(1, 3, n),
        "exclusive_group": rng.choice(["", "g"], n, p=[0.6, 0.4]),
    })  # fmt: skip
    assets = pd.DataFrame({
        "id": names, "build_cost": rng.uniform(0, 20, k), "run_cost": rng.uniform(0, 3, k),
        "lead_waves": rng.integers(0, 3, k), "owned": rng.random(k) < 0.3,
    })  # fmt: skip
    needs = [(i, a) for i in ids for a in names if rng.random() < 0.4]
    requires = pd.DataFrame(needs, columns=["initiative", "asset"])
    budgets = pd.DataFrame({"wave": [1, 2, 3], "cap": money * rng.uniform(10, 50, waves)})
    values = rng.normal(25, 40, (draws, n, 1)) * [1, 0.9, 0.8] + rng.normal(0, 3, (draws, n, waves))
    funding = bool(seed % 2)
    settings = {
        "risk_aversion": [0.0, 0.3, 0.7, 1.0][seed % 4],
        "tail": 0.1 if seed % 3 else 0.25,
        "self_funding": funding,
        "returns": rng.uniform(0, 20, (n, waves)) if funding else None,
        "minimum_share": {"grow": 0.3} if seed % 3 == 0 else {},
        "interactions": {pair: rng.normal(-5, 15, draws) for pair in (("i0", "i1"), ("i1", "i3"))},
        "discount": np.array([1, 0.97, 0.94]),
    }
    return Case(initiatives, assets, requires, budgets, values, settings)


def best_of_all(case: Case) -> float:
    """The highest objective over all start waves and builds that keep the rules."""
    plans = case.initiatives.set_index("id")
    waves = len(case.budgets)
    found = -np.inf
    for wave in product(range(-1, waves), repeat=len(plans)):
        started = {name: at for name, at in zip(plans.index, wave, strict=True) if at >= 0}
        if _allowed(started, plans, case, waves):
            found = max(found, _with_best_builds(started, plans, case, waves))
    return found


def _allowed(started: dict[str, int], plans: pd.DataFrame, case: Case, waves: int) -> bool:
    groups = [plans.loc[name, "exclusive_group"] for name in started]
    groups = [group for group in groups if group]
    if len(set(groups)) < len(groups):
        return False
    if any(at + 1 < plans.loc[name, "earliest_wave"] for name, at in started.items()):
        return False
    cost = {
        name: plans.loc[name, "fixed_cost"] + plans.loc[name, "running_cost"] * (waves - at)
        for name, at in started.items()
    }
    for lever, share in case.settings["minimum_share"].items():
        own = sum(cost[name] for name in started if plans.loc[name, "lever"] == lever)
        if (plans["lever"] == lever).any() and own < share * sum(cost.values()) - 1e-9:
            return False
    return True


def _with_best_builds(
    started: dict[str, int], plans: pd.DataFrame, case: Case, waves: int
) -> float:
    cost, back, value = np.zeros(waves), np.zeros(waves), np.zeros(len(case.values))
    for name, at in started.items():
        value = value + case.values[:, plans.index.get_loc(name), at]
        cost[at] += plans.loc[name, "fixed_cost"]
        cost[at:] += plans.loc[name, "running_cost"]
        if case.settings["self_funding"]:
            back[at:] += case.settings["returns"][plans.index.get_loc(name), : waves - at]
    for pair, extra in case.settings["interactions"].items():
        if set(pair) <= set(started):
            value = value + extra
    options = []
    for asset in case.assets.itertuples():
        users = case.requires.loc[case.requires["asset"] == asset.id, "initiative"]
        needed = [started[name] for name in users if name in started]
        last = min(needed) - asset.lead_waves if needed else None
        idle = asset.owned or not needed
        options.append([None] if idle else range(last + 1))
    found = -np.inf
    for builds in product(*options):
        spent, worth = cost.copy(), value
        for asset, at in zip(case.assets.itertuples(), builds, strict=True):
            if at is not None:
                own = np.zeros(waves)
                own[at] += asset.build_cost
                own[at + asset.lead_waves :] += asset.run_cost
                spent, worth = spent + own, worth - own @ case.settings["discount"]
        funds = case.budgets["cap"].cumsum().to_numpy() + back.cumsum() - back
        if (spent.cumsum() <= funds + 1e-9).all():
            found = max(found, objective(worth, case.settings))
    return found


def objective(worth: np.ndarray, settings: dict) -> float:
    """(1 − λ)·mean + λ·CVaR by sorting."""
    mass = settings["tail"] * worth.size
    weights = np.clip(mass - np.arange(worth.size), 0, 1) / mass
    worst = float(np.sort(worth) @ weights)
    return (1 - settings["risk_aversion"]) * worth.mean() + settings["risk_aversion"] * worst
