"""Where each customer stands in the relationship: the lifecycle stage (S5).

Six stages: acquisition (not a customer yet), new (the first months), relationship, at
risk, lapsed, repositioned (back after having been at risk or lapsed). They follow from
signs that a purchase history or contracts give; a sign that nobody has is not guessed,
and a customer without any is "unknown".
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from crmlib.segments.months import DAYS_A_MONTH
from crmlib.stats.refusal import Refusal

BoolArray = NDArray[np.bool_]

ACQUISITION, NEW, RELATIONSHIP = "acquisition", "new", "relationship"
AT_RISK, LAPSED, REPOSITIONED, UNKNOWN = "at risk", "lapsed", "repositioned", "unknown"
STAGES = (ACQUISITION, NEW, RELATIONSHIP, AT_RISK, LAPSED, REPOSITIONED, UNKNOWN)

SIGNS = ("tenure_months", "running", "p_active", "spend_change", "p_chance", "previous_stage",
         "returned_months")  # fmt: skip


@dataclass(frozen=True)
class LifecycleRules:
    """Where one stage ends and the next begins; business settings without defaults.

    Attributes
    ----------
    new_months : float
        A customer is new for so long.
    at_risk_below, lapsed_below : float
        Probability of being active below which a customer is at risk, and below which
        lapsed.
    spend_fall : float
        Fall of spend, as a share of what was spent before, that counts as at risk.
    fall_level : float
        Where purchases are counted: the fall counts only if a customer who buys as ever
        would show it by chance with less than this probability.
    repositioned_months : float
        For so long a customer who came back is repositioned; then in the relationship.
    silent_months : float
        Who bought again after so long without a purchase has come back.
    """

    new_months: float
    at_risk_below: float
    lapsed_below: float
    spend_fall: float
    fall_level: float
    repositioned_months: float
    silent_months: float

    def __post_init__(self) -> None:
        shares = ("at_risk_below", "lapsed_below", "spend_fall", "fall_level")
        for field in fields(self):
            value = getattr(self, field.name)
            top = 1.0 if field.name in shares else float("inf")
            if not 0 <= value <= top:
                raise ValueError(f"{field.name} {value} must lie between 0 and {top:g}")
        if self.lapsed_below > self.at_risk_below:
            raise ValueError(
                f"lapsed_below {self.lapsed_below} lies above at_risk_below {self.at_risk_below}: "
                "nobody would be at risk"
            )

    @classmethod
    def of(cls, settings: _Settings) -> LifecycleRules:
        """The rules of the settings of the chapter on segments."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})

    def in_words(self) -> dict[str, str]:
        """What puts a customer into each stage, in the order in which it is asked."""
        risk, lapsed = f"{100 * self.at_risk_below:g}%", f"{100 * self.lapsed_below:g}%"
        return {
            ACQUISITION: "has neither bought nor signed a contract yet",
            LAPSED: "had contracts, of which none runs; or, without contracts, is active with "
            f"a probability below {lapsed}",
            NEW: f"came less than {self.new_months:g} months ago",
            AT_RISK: f"is active with a probability below {risk}, or spends at least "
            f"{100 * self.spend_fall:g}% less than before and not by chance "
            f"(at {100 * self.fall_level:g}%)",
            REPOSITIONED: f"came back in the last {self.repositioned_months:g} months: after "
            "having been at risk or lapsed, with a contract after all had ended, or, without "
            f"contracts, after {self.silent_months:g} months without a purchase",
            RELATIONSHIP: "none of these",
            UNKNOWN: "neither purchases nor contracts tell",
        }


class _Settings(Protocol):
    """What rules are taken from: the settings of the chapter on segments have it."""

    new_months: float
    at_risk_below: float
    lapsed_below: float
    spend_fall: float
    fall_level: float
    repositioned_months: float
    silent_months: float


def lifecycle_stages(table: pd.DataFrame, rules: LifecycleRules) -> pd.Series:
    """The stage of each customer.

    Parameters
    ----------
    table : DataFrame
        One row per customer, the columns that are known of `SIGNS`, see
        `lifecycle_signs`; NaN where a sign has no meaning for a customer.
    rules : LifecycleRules

    Returns
    -------
    Series of str, index of the table
        Exactly one of `STAGES` for everybody.

    Raises
    ------
    ValueError
        If a probability is none or `previous_stage` is no stage.

    Notes
    -----
    The first that holds: not yet a customer; no contract of several runs, which is
    certain; new; not active by the estimate; at risk; came back. A low probability of
    being active does not make a new customer lapsed: it is estimated from a few weeks.
    """
    sign = {name: _sign(table, name) for name in SIGNS if name != "previous_stage"}
    active = sign["p_active"]
    if ((active < 0) | (active > 1)).any():
        raise ValueError("p_active must lie between 0 and 1")
    before = table.get("previous_stage", pd.Series(UNKNOWN, index=table.index))
    before = before.astype(object).where(before.notna(), UNKNOWN)
    strange = sorted(set(before) - set(STAGES))
    if strange:
        raise ValueError(f"previous_stage {strange[0]!r} is none of {list(STAGES)}")
    bound = ~np.isnan(sign["running"])
    # without a count of purchases nothing is known of chance, and the fall counts
    luck = np.where(np.isnan(sign["p_chance"]), 0.0, sign["p_chance"])
    # a fall of exactly the share counts: 100 to 50 is a fall of one half
    fell = sign["spend_change"] <= -rules.spend_fall + 1e-12
    fell &= luck <= rules.fall_level
    was_away = before.isin([AT_RISK, LAPSED]).to_numpy()
    returned = sign["returned_months"] < rules.repositioned_months
    told = bound | ~np.isnan(active) | ~np.isnan(sign["spend_change"])
    stages = [
        (~(sign["tenure_months"] >= 0), ACQUISITION),
        (bound & (sign["running"] == 0), LAPSED),
        (sign["tenure_months"] < rules.new_months, NEW),
        (~bound & (active < rules.lapsed_below), LAPSED),
        ((active < rules.at_risk_below) | fell, AT_RISK),
        (was_away | returned, REPOSITIONED),
        (told, RELATIONSHIP),
    ]
    found = np.select([holds for holds, _ in stages], [stage for _, stage in stages], UNKNOWN)
    return pd.Series(found, index=table.index, name="lifecycle_stage", dtype="str")


def _sign(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """A column as floats, NaN where it is not there."""
    if name not in table:
        return np.full(len(table), np.nan)
    return table[name].to_numpy(dtype=float, na_value=np.nan)


def lifecycle_signs(
    customers: pd.DataFrame,
    as_of: object,
    *,
    p_active: pd.Series | Refusal | None = None,
    contracts: pd.DataFrame | Refusal | None = None,
    spend: pd.DataFrame | Refusal | None = None,
    comebacks: pd.Series | Refusal | None = None,
    previous_stage: pd.Series | Refusal | None = None,
) -> pd.DataFrame:
    """What is known of each customer at a date, as `lifecycle_stages` takes it.

    A sign that was refused is as one that was not given.

    Parameters
    ----------
    customers : DataFrame
        customer_id, first_date (first purchase; empty where none) and, where stated,
        joined. Days after `as_of` are not known yet.
    as_of : date
        Last day known.
    p_active : Series, index customer_id, optional
        Probability of being active at that day.
    contracts : DataFrame, optional
        customer_id, start_date, end_date (last day; empty while it runs).
    spend : DataFrame, index customer_id, optional
        before, after: spend of two periods of equal length, the later one up to `as_of`;
        purchases_before, purchases_after where they are counted.
    comebacks : Series of datetime, index customer_id, optional
        Last purchase that ended a silence of `silent_months`; see `intake.read_comebacks`.
    previous_stage : Series, index customer_id, optional
        Stages at an earlier date, not longer ago than `repositioned_months`.

    Returns
    -------
    DataFrame of shape (n_customers, 1 + len(SIGNS)), in the order of `customers`
    """
    p_active, contracts, spend, comebacks, previous_stage = (
        None if isinstance(given, Refusal) else given
        for given in (p_active, contracts, spend, comebacks, previous_stage)
    )
    day = pd.Timestamp(as_of)
    ids = customers["customer_id"]
    begun = customers[[c for c in ("first_date", "joined") if c in customers]]
    begun = begun.apply(pd.to_datetime)
    known = begun.where(begun <= day)
    running = returned = pd.Series(np.nan, index=ids)
    if contracts is not None:
        started, running, returned = _contract_signs(contracts, day)
        known = known.assign(contract=ids.map(started))
    signs = pd.DataFrame({"customer_id": ids})
    signs["tenure_months"] = (day - known.min(axis=1)).dt.days / DAYS_A_MONTH
    signs["running"] = ids.map(running)
    signs["p_active"] = np.nan if p_active is None else ids.map(p_active)
    change = pd.DataFrame(columns=["spend_change", "p_chance"], dtype=float)
    if spend is not None:
        change = _change(spend)
    for name in change:
        signs[name] = ids.map(change[name]).astype(float)
    stage = pd.Series(dtype=object) if previous_stage is None else previous_stage
    signs["previous_stage"] = ids.map(stage).astype(object)
    back = pd.DataFrame({"contract": ids.map(returned).astype(float)})
    if comebacks is not None:
        again = (day - pd.to_datetime(comebacks)).dt.days / DAYS_A_MONTH
        silent = ids.map(again[again >= 0]).astype(float)
        # whose contracts run has not been away, however long a card lay idle
        back["purchase"] = silent.where(signs["running"].isna())
    signs["returned_months"] = back.min(axis=1)
    return signs


def spend_between(periods: pd.DataFrame) -> pd.DataFrame:
    """Spend of two periods of equal length, as `lifecycle_signs` takes it.

    Parameters
    ----------
    periods : DataFrame
        The table of `intake.two_periods`: customer_id and first_1 …, second_1 … (booked) or
        value_1, value_2, purchases_1, purchases_2 (bought).

    Returns
    -------
    DataFrame, index customer_id
        before, after and, where counted, purchases_before, purchases_after. Who joined in
        the course of the second period is not there: nothing is known of before.
    """
    rows = periods.set_index("customer_id")
    if "joining" in rows:
        rows = rows[~rows["joining"].astype(bool)]
    if "value_1" in rows:
        names = {"value_1": "before", "value_2": "after", "purchases_1": "purchases_before",
                 "purchases_2": "purchases_after"}  # fmt: skip
        return rows[list(names)].rename(columns=names)
    sums = {
        name: rows.filter(regex=rf"^{part}_\d+$").sum(axis=1)
        for name, part in (("before", "first"), ("after", "second"))
    }
    return pd.DataFrame(sums)


def _contract_signs(
    contracts: pd.DataFrame, day: pd.Timestamp
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """First start, whether any contract runs, and months since a return from none."""
    rows = contracts.assign(
        start=pd.to_datetime(contracts["start_date"]), end=pd.to_datetime(contracts["end_date"])
    )
    rows = rows[rows["start"] <= day].sort_values(["customer_id", "start"], kind="stable")
    runs = rows["end"].isna() | (rows["end"] >= day)
    owner = rows["customer_id"]
    # the latest end so far of the customer's earlier contracts; one still open has no end
    latest = rows["end"].fillna(pd.Timestamp.max.floor("D")).groupby(owner).cummax()
    gap = (rows["start"] - latest.groupby(owner).shift()) > pd.Timedelta(days=1)
    back = rows.loc[gap].groupby("customer_id")["start"].max()
    months = (day - back).dt.days / DAYS_A_MONTH
    return (
        rows.groupby("customer_id")["start"].min(),
        runs.groupby(owner).any().astype(float),
        months,
    )


def _change(spend: pd.DataFrame) -> pd.DataFrame:
    """Change of spend as a share of what was before, and how likely chance does as much.

    With equal rates in both periods the later count is binomial, n = both, p = 1/2
    (Przyborowski & Wilenski 1940, *Biometrika* 31:313); the tail up to it is what chance
    does. Where nothing was spent before, there is no fall.
    """
    before, after = (spend[name].to_numpy(dtype=float) for name in ("before", "after"))
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.where(before > 0, after / before - 1, np.nan)
    chance = np.full(len(spend), np.nan)
    if {"purchases_before", "purchases_after"} <= set(spend):
        then, now = (spend[f"purchases_{name}"].to_numpy(float) for name in ("before", "after"))
        chance = stats.binom.cdf(now, then + now, 0.5)
    return pd.DataFrame({"spend_change": change, "p_chance": chance}, index=spend.index)
