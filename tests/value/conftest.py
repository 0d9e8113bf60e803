"""CDNOW histories and simulated customers shared by the tests of value."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

CDNOW = Path(__file__).parents[2] / "data" / "cdnow"
CALIBRATION_END, HOLDOUT_END = pd.Timestamp("1997-09-30"), pd.Timestamp("1998-06-30")


@pytest.fixture(scope="session")
def cdnow_days() -> pd.DataFrame:
    """One row per purchase day of the 2,357 sample customers: same-day rows are summed."""
    rows = pd.read_csv(
        CDNOW / "transactions.csv.gz", dtype={"customer_id": str}, parse_dates=["date"]
    )
    sample = pd.read_csv(CDNOW / "sample_customers.csv", dtype=str)["customer_id"]
    rows = rows[rows["customer_id"].isin(sample)]
    days = rows.groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    return days.assign(first=days.groupby("customer_id")["date"].transform("min"))


@pytest.fixture(scope="session")
def cdnow(cdnow_days: pd.DataFrame) -> pd.DataFrame:
    """Calibration in weeks, holdout purchase days, spend per repeat and per any purchase day."""
    seen = cdnow_days[cdnow_days["date"] <= CALIBRATION_END]
    by_customer = seen.groupby("customer_id")
    first, last = by_customer["date"].min(), by_customer["date"].max()
    later = cdnow_days[cdnow_days["date"] > CALIBRATION_END].groupby("customer_id").size()
    window = seen[(seen["date"] > seen["first"])].groupby("customer_id").size()
    repeat = seen[seen["date"] > seen["first"]].groupby("customer_id")["amount"].mean()
    return pd.DataFrame(
        {
            "frequency": by_customer.size() - 1,
            "recency": (last - first).dt.days / 7,
            "observed_time": (CALIBRATION_END - first).dt.days / 7,
            "birth": (first - pd.Timestamp("1997-01-01")).dt.days / 7,
            "mean_repeat_spend": repeat,
            "mean_any_spend": by_customer["amount"].mean(),
            "realised": by_customer["amount"].sum(),
            "holdout": later,
            "previous_window": window,
        }
    ).fillna({"holdout": 0, "previous_window": 0})


Simulation = Callable[..., pd.DataFrame]


@pytest.fixture(scope="session")
def simulate() -> Simulation:
    """Customers of a BG/NBD world, by the story of the model and nothing else."""

    def simulated(params, observed_time, seed, horizon=0.0) -> pd.DataFrame:
        r, alpha, a, b = params
        rng = np.random.default_rng(seed)
        end = np.asarray(observed_time, dtype=float)
        rate = rng.gamma(r, 1 / alpha, end.size)
        dropout = rng.beta(a, b, end.size)
        frequency, recency, future = np.zeros((3, end.size))
        active = np.ones(end.size, dtype=bool)
        clock = np.zeros(end.size)
        while active.any():
            clock = clock + rng.exponential(size=end.size) / rate
            active &= clock <= end + horizon
            before = active & (clock <= end)
            frequency += before
            recency[before] = clock[before]
            future += active & (clock > end)
            active &= rng.random(end.size) >= dropout
        return pd.DataFrame(
            {"frequency": frequency, "recency": recency, "observed_time": end, "future": future}
        )

    return simulated
