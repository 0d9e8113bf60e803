"""Customers of two tiers and three stages, with plans: a client that fits on a page."""

import numpy as np
import pandas as pd

from crmlib.roi import Base, Calendar, Plans
from crmlib.stats.refusal import Refusal

CALENDAR = Calendar(3.0, 0.10)
CELLS = {  # customers, future value of each, stayed of those watched a year ago
    "high & relationship": (100, 900.0, (95, 100)),
    "high & lapsed": (20, 0.0, (0, 0)),
    "low & relationship": (400, 60.0, (360, 400)),
    "low & new": (80, 80.0, (70, 80)),
    "low & lapsed": (100, 0.0, (0, 0)),
}


def customers() -> pd.DataFrame:
    """One row each: value_tier, lifecycle_stage, behaviour_segment and future value with bounds."""
    rows = []
    for cell, (number, value, _) in CELLS.items():
        tier, stage = cell.split(" & ")
        for at in range(number):
            rows.append((tier, stage, "online" if at % 2 else "branch", value))
    columns = ["value_tier", "lifecycle_stage", "behaviour_segment", "future_value"]
    table = pd.DataFrame(rows, columns=columns)
    table.index = pd.Index([f"C{at:04d}" for at in range(len(table))], name="customer_id")
    spread = 0.2 * table["future_value"]
    return table.assign(
        future_value_lo=table["future_value"] - spread,
        future_value_hi=table["future_value"] + spread,
    )


def watched() -> pd.DataFrame:
    """Customers of a year ago, and whether they have stayed."""
    rows = [
        (*cell.split(" & "), at < stayed)
        for cell, (_, _, (stayed, seen)) in CELLS.items()
        for at in range(seen)
    ]
    return pd.DataFrame(rows, columns=["value_tier", "lifecycle_stage", "stayed"])


def base() -> Base:
    table = customers()
    return Base.of(table, table, watched(), CALENDAR, level=0.9)


INITIATIVE = {
    "name": "Keep them", "lever": "retain", "horizon": "early", "segments": "all", "reach": 0.5,
    "take_up": 0.4, "unit_cost": 5.0, "fixed_cost": 500.0, "effect_unit": "retention_pp",
    "prior_mean": 0.02, "prior_sd": 0.01, "evidence": "B", "half_life": 2.0, "from_tier": None,
    "to_tier": None, "volume": np.nan, "exclusive_group": None, "earliest_wave": np.nan,
}  # fmt: skip


def initiatives(**of: dict[str, object]) -> pd.DataFrame:
    """By id, each with what differs from `INITIATIVE`."""
    rows = [{"id": name, **INITIATIVE, **changes} for name, changes in of.items()]
    return pd.DataFrame(rows).set_index("id")


def pilot_rows(initiative: str, segment: str, **changes: object) -> list[dict[str, object]]:
    """Both arms of a trial: the treated at `treated`, control at `control`."""
    found = {"n": 400, "sd": 0.3, "outcome": "retained", "window_days": 365,
             "estimand": "adopter", "look": 1, "treated": 0.95, "control": 0.90}  # fmt: skip
    found |= changes
    means = {arm: found.pop(arm) for arm in ("treated", "control")}
    return [
        {"initiative": initiative, "segment": segment, "arm": arm, "mean": mean, **found}
        for arm, mean in means.items()
    ]


def plans(table: pd.DataFrame, **tables: object) -> Plans:
    """With two assets, one of them to be built for `needs_it`, and two waves."""
    assets = pd.DataFrame(
        {"id": ["there", "to_come"], "type": "data", "build_cost": [100.0, 200.0],
         "run_cost": [1.0, 2.0], "lead_waves": [1, 1], "owned": [True, False]}
    )  # fmt: skip
    given = {
        "processes": pd.DataFrame(
            {"initiative": [table.index[0]], "step": ["measure"], "exists": [False]}
        ),
        "assets": assets,
        "requires": pd.DataFrame({"initiative": [table.index[0]], "asset": ["there"]}),
        "budgets": pd.DataFrame({"wave": [1, 2], "cap": [5000.0, 5000.0]}),
    }
    return Plans.of(table.reset_index(), **(given | tables))


NOT_GIVEN = Refusal("the client gave no such table")
