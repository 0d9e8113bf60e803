"""When each contract, or each relationship, was under observation, in periods of its age (V7).

A client's export is usually a window: contracts that began before it are seen only
from an age on (delayed entry, or left truncation), and those that had ended by then
are not in it. Contracts that still run are censored at the end of the window.
Klein & Moeschberger (2003), *Survival Analysis*, ch. 3.

A relationship lasts from a customer's first contract to the end of the last: who ends a
card and keeps the account has not left.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

COLUMNS = ("contract_id", "start_date", "end_date")
DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}
ONE_DAY = np.timedelta64(1, "D")
RELATIONSHIP = "relationship"  # their product
FOREVER = np.datetime64("9999-12-31", "D")
CONTINUES = 90  # days without a contract after which a new one begins a new relationship

DayArray = NDArray[np.datetime64]
IntArray = NDArray[np.int64]


def contract_spells(
    contracts: pd.DataFrame, *, start: object = None, end: object, unit: str = "month"
) -> pd.DataFrame:
    """Add to each contract from which age to which age it was seen, and whether it ended.

    Parameters
    ----------
    contracts : DataFrame of shape (n_contracts, …)
        contract_id, start_date, end_date (last day; empty while it runs).
    start : date, optional
        First day from which ends stand in the export. Omitted where the export holds
        every contract that ever began.
    end : date
        Last day of observation.
    unit : {"day", "week", "month", "year"}
        Length of a period; a month ends on the day of the month on which it began.

    Returns
    -------
    DataFrame of shape (n_contracts, …)
        The columns given, and:

        entry, duration, ended
            Whole periods: at risk in periods entry + 1 … duration of the contract's age,
            ended in the last of these or not. Only periods that lie wholly within the
            window count; where none does, entry equals duration.
        entry_age, age, left
            The same in days divided by the length of a unit, to the day.
        running, tenure
            Whether it runs after the last day, and the whole periods completed by then.

    Raises
    ------
    ValueError
        Naming the column, or the first contract whose dates are impossible.

    Notes
    -----
    An end in a period that the window cuts off is not counted: those who would have
    stayed until the end of that period cannot be counted either, and the rate of loss
    would come out too high.
    """
    missing = [column for column in COLUMNS if column not in contracts]
    if missing:
        raise ValueError(f"contracts lack {', '.join(missing)}")
    if unit not in DAYS:
        raise ValueError(f"unit must be one of {', '.join(DAYS)}: found {unit!r}")
    last_day = _day(end)
    began = _days(contracts["start_date"])
    stopped = _days(contracts["end_date"])
    _check_dates(contracts, began, stopped, last_day)
    first_day = began.min(initial=last_day) if start is None else _day(start)
    if first_day > last_day:
        raise ValueError(f"observation ends ({last_day}) before it starts ({first_day})")
    running = np.isnat(stopped) | (stopped > last_day)
    seen_until = np.where(running, last_day, stopped)

    tenure = _lived(began, last_day + ONE_DAY, unit)
    before = first_day - ONE_DAY
    entry = np.where(began < first_day, _lived(began, before, unit) + 1, 0)
    # a contract stops in the period that holds its last day
    period = _lived(began, seen_until, unit) + 1
    ended = ~running & (period > entry) & (period <= tenure)
    # in the unfinished last period: up to the last whole one
    duration = np.maximum(np.minimum(period, tenure), entry)

    # whole days first: a timedelta times 30.4375 would be cut to 30 days
    age = (seen_until + ONE_DAY - began).astype(float) / DAYS[unit]
    entry_age = np.maximum((first_day - began).astype(float) / DAYS[unit], 0.0)
    return contracts.assign(
        entry=entry,
        duration=duration,
        ended=ended,
        entry_age=entry_age,
        age=np.maximum(age, entry_age),
        left=~running & (stopped >= first_day),
        running=running,
        tenure=tenure,
    )


def relationship_spells(
    contracts: pd.DataFrame,
    *,
    start: object = None,
    end: object,
    unit: str = "month",
    gap: int = CONTINUES,
) -> pd.DataFrame:
    """Join each customer's contracts to relationships, and say when each was seen.

    Parameters
    ----------
    contracts : DataFrame of shape (n_contracts, …)
        As in `contract_spells`, with customer_id; margin (money a period) where known.
    start, end, unit
        As in `contract_spells`.
    gap : int
        Days without any contract after which a new one begins a new relationship; a
        contract that begins sooner continues the old one.

    Returns
    -------
    DataFrame of shape (n_relationships, …), ordered by customer and start
        customer_id, contract_id (customer and number), product ("relationship"), so that
        what reads contracts reads these; contracts (joined in it), start_date and
        end_date (last day of the last contract; empty while one runs), margin (of the
        contracts that run after the last day; where it was given), and what
        `contract_spells` adds.

    Raises
    ------
    ValueError
        As in `contract_spells`.

    Notes
    -----
    Where the export lacks contracts that ended before it starts, a relationship may be
    older than it looks. An end in the last `gap` days may yet turn out to be a pause.
    """
    missing = [column for column in ("customer_id", *COLUMNS) if column not in contracts]
    if missing:
        raise ValueError(f"contracts lack {', '.join(missing)}")
    last_day = _day(end)
    began, stopped = _days(contracts["start_date"]), _days(contracts["end_date"])
    _check_dates(contracts, began, stopped, last_day)
    spans = pd.DataFrame(
        {
            "customer_id": contracts["customer_id"].to_numpy(),
            "began": began.astype(np.int64),
            "stopped": np.where(np.isnat(stopped), FOREVER, stopped).astype(np.int64),
            "contracts": 1,
        }
    )
    if "margin" in contracts:
        runs = np.isnat(stopped) | (stopped > last_day)
        spans["margin"] = np.where(runs, contracts["margin"].to_numpy(dtype=float), 0.0)
    opening = began.min(initial=last_day) if start is None else start
    return contract_spells(_joined(spans, gap), start=opening, end=end, unit=unit)


def _joined(spans: pd.DataFrame, gap: int) -> pd.DataFrame:
    """One row per relationship of contracts given in days since 1970."""
    days = spans.sort_values(["customer_id", "began", "stopped"], ignore_index=True)
    until = days.groupby("customer_id")["stopped"].cummax()
    before = until.groupby(days["customer_id"]).shift()  # empty for a customer's first
    fresh = ~(days["began"] - before - 1 <= gap)
    days["number"] = fresh.groupby(days["customer_id"]).cumsum().astype(int)
    sums = [name for name in ("contracts", "margin") if name in days]
    groups = days.groupby(["customer_id", "number"], sort=False)
    found = groups.agg({"began": "min", "stopped": "max"} | dict.fromkeys(sums, "sum"))
    found = found.reset_index()
    found = found.assign(
        contract_id=found["customer_id"].astype(str) + "-" + found["number"].astype(str),
        product=RELATIONSHIP,
        start_date=_from_days(found["began"]),
        end_date=_from_days(found["stopped"]),
    )
    return found[["customer_id", "contract_id", "product", "start_date", "end_date", *sums]]


def _from_days(column: pd.Series) -> pd.Series:
    """Days since 1970 as timestamps, empty for ever."""
    days = column.to_numpy().astype("datetime64[D]")
    return pd.Series(np.where(days == FOREVER, np.datetime64("NaT"), days), column.index).astype(
        "datetime64[s]"
    )


def _day(value: object) -> np.datetime64:
    return np.datetime64(pd.Timestamp(value), "D")


def _days(column: pd.Series) -> DayArray:
    return pd.to_datetime(column).to_numpy().astype("datetime64[D]")


def _check_dates(
    contracts: pd.DataFrame, began: DayArray, stopped: DayArray, last_day: np.datetime64
) -> None:
    """Refuse impossible dates, naming the first contract."""
    rules = {
        "has no start_date": np.isnat(began),
        "ends before it starts": stopped < began,
        f"starts after the last day of observation ({last_day})": began > last_day,
    }
    for rule, broken in rules.items():
        if broken.any():
            contract = contracts["contract_id"].iloc[int(np.argmax(broken))]
            raise ValueError(f"contract {contract} {rule}")
    if contracts["contract_id"].duplicated().any():
        twice = contracts["contract_id"][contracts["contract_id"].duplicated()].iloc[0]
        raise ValueError(f"contract {twice} appears twice")


def _lived(began: DayArray, day: DayArray | np.datetime64, unit: str) -> IntArray:
    """Whole periods of age completed when `day` begins; negative before the start."""
    if unit in ("day", "week"):
        return np.floor_divide((day - began).astype(np.int64), int(DAYS[unit]))
    months = day.astype("datetime64[M]") - began.astype("datetime64[M]")
    # the day of the month; where a month has none such, its period ends with the month
    reached = _day_of_month(day) >= _day_of_month(began)
    completed = months.astype(np.int64) - ~reached
    return completed if unit == "month" else np.floor_divide(completed, 12)


def _day_of_month(day: DayArray | np.datetime64) -> IntArray:
    return (day - day.astype("datetime64[M]")).astype(np.int64)
