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


@pytest.fixture(scope="session")
def donations() -> pd.DataFrame:
    """Donors first seen in 1995 by donations 1996-2001: 22 cells, 11,104 donors.

    Fader, Hardie & Shang (2010), as in `donations.csv` of lifetimes 0.11.3.
    """
    cells = """
        0 0 3464  1 1 1091  1 2 277  1 3 129  1 4 78   1 5 119  1 6 129  2 2 613
        2 3 255   2 4 155   2 5 173  2 6 234  3 3 322  3 4 181  3 5 225  3 6 357
        4 4 240   4 5 284   4 6 512  5 5 335  5 6 728  6 6 1203"""
    table = np.array(cells.split(), dtype=int).reshape(-1, 3)
    columns = ["frequency", "recency", "weights"]
    return pd.DataFrame(table, columns=columns).assign(occasions=6)


@pytest.fixture(scope="session")
def simulate_as() -> Simulation:
    """Customers of any model's world, by its story and nothing else."""

    def simulated(model, params, observed_time, seed, horizon=0.0) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        end = np.asarray(observed_time, dtype=float)
        if model == "BG/BB":
            return _on_occasions(params, end, rng, horizon)
        first, scale, third, fourth = params
        rate = rng.gamma(first, 1 / scale, end.size)
        life, dropout = np.full(end.size, np.inf), np.zeros(end.size)
        if model == "Pareto/NBD":
            life = rng.exponential(size=end.size) / rng.gamma(third, 1 / fourth, end.size)
        else:
            dropout = rng.beta(third, fourth, end.size)
        active = np.ones(end.size, dtype=bool)
        if model == "MBG/NBD":
            active = rng.random(end.size) >= dropout
        frequency, recency, future, clock = np.zeros((4, end.size))
        left_at = np.where(active, life, 0.0)
        while active.any():
            clock = clock + rng.exponential(size=end.size) / rate
            active &= clock <= np.minimum(end + horizon, life)
            before = active & (clock <= end)
            frequency += before
            recency[before] = clock[before]
            future += active & (clock > end)
            leaves = active & (rng.random(end.size) < dropout)
            left_at[leaves] = clock[leaves]
            active &= ~leaves
        columns = {"frequency": frequency, "recency": recency, "observed_time": end}
        return pd.DataFrame(columns | {"future": future, "alive": left_at > end})

    return simulated


def _on_occasions(params, end, rng, horizon) -> pd.DataFrame:
    alpha, beta, gamma, delta = params
    buying, leaving = rng.beta(alpha, beta, end.size), rng.beta(gamma, delta, end.size)
    frequency, recency, future = np.zeros((3, end.size))
    active, alive = np.ones((2, end.size), dtype=bool)
    for occasion in range(1, int(end.max() + horizon) + 1):
        active &= rng.random(end.size) >= leaving
        bought = active & (rng.random(end.size) < buying)
        seen = bought & (occasion <= end)
        frequency += seen
        recency[seen] = occasion
        future += bought & (occasion > end) & (occasion <= end + horizon)
        alive = np.where(occasion <= end, active, alive)
    columns = {"frequency": frequency, "recency": recency, "observed_time": end}
    return pd.DataFrame(columns | {"future": future, "alive": alive})
