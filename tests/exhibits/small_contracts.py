"""Contracts of two products whose rates of loss are stated, and what is computed from them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib import value
from crmlib.exhibits import Scope
from crmlib.value.contract_base import ContractBase
from crmlib.value.contribution import stated_contribution
from crmlib.value.running_contracts import ContractValues

START, END = pd.Timestamp("2022-01-01"), pd.Timestamp("2024-12-31")
SCOPE = Scope(
    "a bank: contracts", START.date(), END.date(), "EUR", "month", "revenue", 10,
)  # fmt: skip
LEVEL, REDRAWN = 0.9, {"replications": 20, "seed": 1, "level": 0.9}


def ahead_of(base: ContractBase, models: dict, horizon_years: float = 3.0) -> ContractValues:
    """What running contracts will bring by the margins that they state."""
    stated = stated_contribution(base.spells, base.min_cell)
    plan = {"horizon_years": horizon_years, "annual_rate": 0.1, **REDRAWN}
    return value.value_contracts(base, models, stated, **plan)


def contracts(
    account: float = 0.01, card: float = 0.04, n: int = 600, term: int = 0, seed: int = 1
) -> pd.DataFrame:
    """Begun over eight years, ends since START known; with `term`, loans of so many months."""
    rng = np.random.default_rng(seed)
    rows = []
    for product, hazard in (("account", account), ("card", card), ("loan", 0.0)):
        if product == "loan" and not term:
            continue
        began = END - pd.to_timedelta(rng.integers(0, 96 * 30, n), "D")
        drawn = np.ceil(rng.exponential(30.4375, n) / hazard) if hazard else term * 30.4375
        ended = began + pd.to_timedelta(drawn, "D")
        rows.append(
            pd.DataFrame(
                {
                    "customer_id": [f"c{i:04}" for i in range(n)],
                    "contract_id": [f"{product}{i:04}" for i in range(n)],
                    "product": product,
                    "start_date": began,
                    "end_date": pd.Series(ended).where(ended <= END),
                    "margin": rng.gamma(2.0, 5.0, n),
                }
            )
        )
    table = pd.concat(rows, ignore_index=True)
    known = table["end_date"].isna() | (table["end_date"] >= START)
    return table[known].reset_index(drop=True)


def snapshot(lost: float) -> pd.DataFrame:
    """Contracts begun over 60 months, of which a share left on the last day."""
    rng = np.random.default_rng(2)
    ids = [f"c{i:04}" for i in range(3_000)]
    months = rng.integers(1, 60, len(ids)).tolist()
    began = [END + pd.Timedelta(days=1) - pd.DateOffset(months=month) for month in months]
    gone = rng.random(len(ids)) < lost
    return pd.DataFrame(
        {
            "customer_id": ids,
            "contract_id": ids,
            "product": "line",
            "start_date": began,
            "end_date": np.where(gone, END, np.datetime64("NaT")),
        }
    )


def based(table: pd.DataFrame, start: pd.Timestamp = START) -> ContractBase:
    return value.contract_base(table, start, END, SCOPE.min_cell)


def last_month(lost: float) -> ContractBase:
    """The snapshot, seen through a window of its last month."""
    return based(snapshot(lost), pd.Timestamp("2024-12-01"))


def attributes(base: ContractBase, seed: int = 1) -> pd.DataFrame:
    """Two towns; in one of them most of those who left."""
    people = base.relationships.groupby("customer_id")["left"].max().reset_index()
    chance = np.random.default_rng(seed).random(len(people))
    north = chance < np.where(people["left"], 0.75, 0.45)
    return people.assign(town=np.where(north, "north", "south"))[["customer_id", "town"]]
