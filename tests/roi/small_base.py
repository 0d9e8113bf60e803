"""A small base with known economics, for tests of money."""

import numpy as np
import pandas as pd

from crmlib.roi.economics import SegmentEconomics
from crmlib.roi.increments import Calendar, annuity
from crmlib.roi.retention import PooledRetention

CALENDAR = Calendar(3.0, 0.10)


def economics(**retention_margin: tuple[float, float, int]) -> SegmentEconomics:
    """Segments by name: (retention, margin a year, customers), known almost exactly."""
    many = 1e7
    rows = {
        name: {
            "n": n,
            "future_value": margin * float(annuity(retention, CALENDAR)),
            "future_value_se": 0.0,
            "retention": retention,
            "margin": margin,
            "tier": name.split("_")[0],
            "active": not name.endswith("lapsed"),
        }
        for name, (retention, margin, n) in retention_margin.items()
    }
    table = pd.DataFrame(rows).T.infer_objects().rename_axis("segment")
    counts = pd.DataFrame({"stayed": table["retention"] * many, "watched": many})
    return SegmentEconomics(table, PooledRetention.of(counts), CALENDAR)


def initiative(**changes: object) -> pd.DataFrame:
    """One initiative of the client's, `keep`, that holds customers."""
    row = {
        "reach": 0.5, "take_up": 0.2, "unit_cost": 10.0, "fixed_cost": 1000.0, "half_life": 2.0,
        "effect_unit": "retention_pp", "to_tier": None, "volume": np.nan,
    }  # fmt: skip
    return pd.DataFrame([row | changes], index=pd.Index(["keep"], name="id"))
