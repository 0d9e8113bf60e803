"""Which asset serves which initiative, what is missing, and what starts on what is there."""

import pandas as pd
import pytest

from crmlib.roi.assets import asset_matrix, bifocal, missing_for
from crmlib.roi.roadmap import roadmap
from crmlib.stats.optimise import NotIdentified

INITIATIVES = pd.DataFrame(
    {"id": ["call", "engine", "card"], "lever": "grow", "fixed_cost": [1.0, 2.0, 1.0]}
)
ASSETS = pd.DataFrame({
    "id": ["list", "model"], "owned": [True, False], "build_cost": [0.0, 5.0],
    "run_cost": 0.0, "lead_waves": [0, 2],
})  # fmt: skip
REQUIRES = pd.DataFrame(
    {"initiative": ["call", "engine", "engine"], "asset": ["list", "list", "model"]}
)
PROCESSES = pd.DataFrame({
    "initiative": ["call", "call", "card"], "step": ["draw list", "train", "print"],
    "exists": [True, False, True],
})  # fmt: skip


def test_assets_by_initiatives():
    found = asset_matrix(INITIATIVES, ASSETS, REQUIRES)
    assert found.index.tolist() == ["list", "model"]
    assert found.loc["list"].tolist() == ["owned", "owned", "", 2]
    assert found.loc["model"].tolist() == ["", "to build", "", 1]
    with pytest.raises(NotIdentified, match="`lst` is not a known asset"):
        asset_matrix(INITIATIVES, ASSETS, REQUIRES.replace("list", "lst"))


def test_what_is_missing_for_what():
    found = missing_for(INITIATIVES, ASSETS, REQUIRES, PROCESSES)
    assert found["lacks"].tolist() == ["train", "model", ""]
    assert found["ready"].tolist() == [False, False, True]
    assert found.loc["engine", ["assets", "assets_missing"]].tolist() == [2, 1]
    assert found.loc["call", ["steps", "steps_missing"]].tolist() == [2, 1]


def test_what_starts_at_once_and_what_waits_for_a_build():
    plan = roadmap(
        INITIATIVES, ASSETS, REQUIRES, pd.DataFrame({"wave": [1, 2, 3], "cap": [20.0, 0, 0]}),
        pd.DataFrame([[9.0, 8, 7], [30, 29, 28], [-1, -1, -1]], INITIATIVES["id"], [1, 2, 3]),
        risk_aversion=0.0,
    )  # fmt: skip
    found = bifocal(plan, pd.Series({"call": "early", "engine": "build"}))
    assert found.values.tolist() == [
        ["starts at once", "call", 1, 3, "", "early"],
        ["starts later", "engine", 3, 3, "model", "build"],
        ["build", "model", 1, 2, "", "build"],
    ]
    empty = bifocal(roadmap(
        INITIATIVES, ASSETS, REQUIRES, pd.DataFrame({"wave": [1], "cap": [0.0]}),
        pd.DataFrame([[9.0], [30], [-1]], INITIATIVES["id"], [1]), risk_aversion=0.0,
    ))  # fmt: skip
    assert empty.empty
