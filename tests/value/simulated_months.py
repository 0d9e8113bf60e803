"""Purchases of a BG/NBD base by day, with a planted season and trend."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crmlib import value

START = pd.Timestamp("2021-01-01")
UNIT = 30.4375  # days


def simulated(
    seed: int, n: int = 1500, months: int = 36, season=None, yearly: float = 0.0, early: float = 0.4
) -> tuple[pd.DataFrame, pd.Series, dt.date]:
    """Days of purchase (customer, date), first days by customer, and the last day observed.

    A share `early` of customers first buys in the first quarter, the others later. Season
    and trend stretch the clock on which customers buy, so that dropout after a purchase is
    that of the model.
    """
    rng = np.random.default_rng(seed)
    end = START + pd.DateOffset(months=months) - pd.Timedelta(days=1)
    days = pd.date_range(START, end)
    speed = np.ones(len(days)) if season is None else np.asarray(season)[days.month - 1]
    speed = speed * (1 + yearly) ** (np.arange(len(days)) / 365.25)
    clock = np.concatenate([[0.0], np.cumsum(speed)])  # inner time at the start of each day
    quarter = rng.random(n) < early
    born = np.where(quarter, rng.uniform(0, 90, n), rng.uniform(90, len(days), n)).astype(int)
    rate = rng.gamma(0.9, 1 / 0.9, n) / UNIT
    leaving = rng.beta(0.5, 6.0, n)
    now, who = clock[born] + speed[born], np.arange(n)
    bought = [np.column_stack([who, born])]
    while who.size:
        now = now + rng.exponential(1 / rate[who])
        here = now < clock[-1]
        who, now = who[here], now[here]
        bought.append(np.column_stack([who, np.searchsorted(clock, now, side="right") - 1]))
        stays = rng.random(who.size) >= leaving[who]
        who, now = who[stays], now[stays]
    rows = np.unique(np.vstack(bought), axis=0)
    frame = pd.DataFrame({"customer": rows[:, 0], "date": days[rows[:, 1]]})
    return frame, pd.Series(days[born]), end.date()


def cells_of(bought: pd.DataFrame, first: pd.Series) -> pd.DataFrame:
    """What intake counts by cohort and month."""
    born = bought["customer"].map(first)
    again = bought["date"] > born
    rows = bought.assign(
        cohort=born.dt.to_period("M").dt.to_timestamp(),
        month=bought["date"].dt.to_period("M").dt.to_timestamp(),
        batch=bought["customer"] % 20,
        again=again,
        returning=bought["customer"].where(again),
    )
    return rows.groupby(["cohort", "month", "batch"], as_index=False).agg(
        customers=("customer", "nunique"),
        revenue=("customer", "size"),
        repeat_purchases=("again", "sum"),
        repeat_customers=("returning", "nunique"),
    )


def fitted(bought: pd.DataFrame, first: pd.Series, end: dt.date) -> value.PurchaseResult:
    """BG/NBD fitted to these purchases."""
    days = bought.groupby("customer")["date"].agg(["size", "max"])
    recency = (days["max"] - first).dt.days / UNIT
    observed = (pd.Timestamp(end) - first).dt.days / UNIT
    return value.BetaGeometric(n_starts=1).fit(days["size"] - 1.0, recency, observed)


def people(first: pd.Series) -> pd.DataFrame:
    """The customers, whose ids as text stand in the order of their numbers."""
    return pd.DataFrame(
        {"customer_id": [f"c{i:06}" for i in first.index], "first_date": first.to_numpy()}
    )


def read(seed: int, **kwargs) -> value.SeasonAndTrend:
    """Simulate, fit and test."""
    bought, first, end = simulated(seed, **kwargs)
    return value.season_and_trend(
        cells_of(bought, first), fitted(bought, first, end), people(first), START.date(), end,
        days_per_unit=UNIT, min_cell=10, level=0.9,
    )  # fmt: skip
