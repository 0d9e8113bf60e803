"""Roadmaps too large to try each, against one programme with a row for every scenario.

Rockafellar & Uryasev (2000, eq. 17): the worst mean is the highest of η − Σ(η − value)⁺/(tail·S),
which is written out here in full; the product never does, and adds bounds where it needs them.
"""

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from tests.roi.small_programmes import Case, objective, random_case
from tests.roi.test_roadmap import solved


@dataclass
class Direct:
    """A programme that is written row by row; variables are called by what they stand for."""

    at: dict[object, int] = field(default_factory=dict)
    whole: list[bool] = field(default_factory=list)
    rows: list[tuple[dict[object, float], float]] = field(default_factory=list)
    gain: dict[object, float] = field(default_factory=dict)

    def add(self, *names: object, whole: bool = True) -> None:
        for name in names:
            self.at[name] = len(self.at)
            self.whole.append(whole)

    def below(self, terms: dict[object, float], most: float = 0.0) -> None:
        self.rows.append((terms, most))

    def maximised(self) -> dict[object, float]:
        matrix = np.zeros((len(self.rows), len(self.at)))
        for row, (terms, _) in zip(matrix, self.rows, strict=True):
            for name, factor in terms.items():
                row[self.at[name]] += factor
        aim = np.zeros(len(self.at))
        for name, factor in self.gain.items():
            aim[self.at[name]] = -factor
        whole = np.array(self.whole)
        low, high = np.where(whole, 0.0, -np.inf), np.where(whole, 1.0, np.inf)
        for name, place in self.at.items():
            if name[0] == "short":
                low[place] = 0.0
        found = milp(
            aim, integrality=whole, bounds=Bounds(low, high),
            constraints=LinearConstraint(matrix, -np.inf, [most for _, most in self.rows]),
            options={"mip_rel_gap": 0.0},
        )  # fmt: skip
        return dict(zip(self.at, found.x, strict=True))


def directly(case: Case) -> float:
    """The objective of the best plan, valued by sorting its scenarios."""
    plans, assets = case.initiatives.set_index("id"), case.assets.set_index("id")
    settings, waves = case.settings, range(len(case.budgets))
    every = len(waves)
    worth, spent = {}, {}  # of each choice: value in every scenario, and cost by wave
    model = Direct()
    for place, (name, row) in enumerate(plans.iterrows()):
        for wave in range(int(row["earliest_wave"]) - 1, every):
            start = ("start", name, wave)
            model.add(start)
            worth[start] = case.values[:, place, wave]
            cost = np.zeros(every)
            cost[wave] = row["fixed_cost"]
            cost[wave:] += row["running_cost"]
            spent[start] = cost
        model.below(dict.fromkeys(_starts(model, name), 1.0), 1.0)
    for name, row in assets[~assets["owned"]].iterrows():
        for wave in waves:
            build = ("build", name, wave)
            model.add(build)
            cost = np.zeros(every)
            cost[wave] = row["build_cost"]
            cost[wave + int(row["lead_waves"]) :] += row["run_cost"]
            spent[build] = cost
            worth[build] = np.full(len(case.values), -(cost @ settings["discount"]))
    for need in case.requires.itertuples():
        if not assets.at[need.asset, "owned"]:
            for _, name, wave in _starts(model, need.initiative):
                last = wave - int(assets.at[need.asset, "lead_waves"])
                ready = {("build", need.asset, at): -1.0 for at in range(last + 1)}
                model.below({("start", name, wave): 1.0} | ready)
    for _, group in plans[plans["exclusive_group"] != ""].groupby("exclusive_group"):
        model.below({each: 1.0 for name in group.index for each in _starts(model, name)}, 1.0)
    for pair, extra in settings["interactions"].items():
        both = ("both", pair, 0)
        model.add(both)
        worth[both] = extra
        one, other = (dict.fromkeys(_starts(model, name), 1.0) for name in pair)
        model.below({both: 1.0} | dict.fromkeys(one, -1.0))
        model.below({both: 1.0} | dict.fromkeys(other, -1.0))
        model.below(one | other | {both: -1.0}, 1.0)
    _keep_budgets(model, case, spent)
    for lever, share in settings["minimum_share"].items():
        if (plans["lever"] == lever).any():
            model.below({
                each: spent[each].sum() * (share - (plans.at[each[1], "lever"] == lever))
                for each in spent if each[0] == "start"
            })  # fmt: skip
    _aim(model, worth, settings)
    chosen = model.maximised()
    value = sum((round(chosen[each]) * worth[each] for each in worth), np.zeros(len(case.values)))
    return objective(value, settings)


def _starts(model: Direct, name: str) -> list[tuple[str, str, int]]:
    return [each for each in model.at if each[0] == "start" and each[1] == name]


def _keep_budgets(model: Direct, case: Case, spent: dict[object, np.ndarray]) -> None:
    places = {name: at for at, name in enumerate(case.initiatives["id"])}
    for wave, cap in enumerate(case.budgets["cap"].cumsum()):
        terms = {each: cost[: wave + 1].sum() for each, cost in spent.items()}
        if case.settings["self_funding"]:
            for kind, name, begun in spent:
                if kind == "start":  # what came back before this wave
                    back = case.settings["returns"][places[name], : max(wave - begun, 0)]
                    terms[kind, name, begun] -= back.sum()
        model.below(terms, cap)


def _aim(model: Direct, worth: dict[object, np.ndarray], settings: dict) -> None:
    share, scenarios = settings["risk_aversion"], len(next(iter(worth.values())))
    model.gain = {each: (1 - share) * value.mean() for each, value in worth.items()}
    model.add(("level", None, 0), whole=False)
    model.gain["level", None, 0] = share
    for scenario in range(scenarios):
        short = ("short", None, scenario)
        model.add(short, whole=False)
        model.gain[short] = -share / (settings["tail"] * scenarios)
        own = {each: -value[scenario] for each, value in worth.items()}
        model.below(own | {("level", None, 0): 1.0, short: -1.0})


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 8, 10, 11, 17, 19, 20, 21])  # with all four risk aversions
def test_a_row_for_every_scenario_finds_nothing_better(seed):
    case = random_case(seed, n=12, k=4, money=2.0)
    found = solved(case)
    assert found.objective == pytest.approx(directly(case), abs=1e-9)
    assert found.starts["wave"].notna().sum() > 1
