"""The worth of every initiative, side by side (R3).

Tables of the client's initiatives, who is reached, what the evidence says of effects and what
segments bring go in; draws of net present value in common possible worlds come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.errors import suggestion
from crmlib.roi.cashflow import BusinessCase, EffectUnit
from crmlib.roi.economics import SegmentEconomics, stream
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

_UNITS = get_args(EffectUnit)
_NUMBERS = ("reach", "take_up", "unit_cost", "fixed_cost", "half_life")


@dataclass(frozen=True, eq=False)
class Npv:
    """Net present value of each initiative, begun now.

    Attributes
    ----------
    table : DataFrame, index initiative
        adopters (mean), value (mean, before costs), cost (mean), paid_anyway (mean cost of
        adopters in whom nothing changes), npv (mean), p5, p50, p95, p_positive (0–1), payback
        (months, infinite where never).
    draws : DataFrame of shape (n_draws, n_initiatives)
    cases : mapping of initiative to BusinessCase
    segments : Index
        In the order of the cases' arrays.
    left_out : mapping of initiative to str
        Initiatives without a case, and why.
    """

    table: pd.DataFrame
    draws: pd.DataFrame
    cases: Mapping[str, BusinessCase]
    segments: pd.Index
    left_out: Mapping[str, str]

    def summary(self) -> str:
        """A line for each initiative, the best first."""
        lines = [
            f"{name}: {row['npv']:,.0f} ({row['p5']:,.0f} to {row['p95']:,.0f}), "
            f"above 0 with {row['p_positive']:.0%}"
            for name, row in self.table.sort_values("npv", ascending=False).iterrows()
        ]
        return "\n".join(lines)


def npv(
    initiatives: pd.DataFrame,
    chosen: pd.DataFrame,
    effects: Mapping[str, ArrayLike],
    economics: SegmentEconomics,
    *,
    take_up_cv: float,
    seed: int,
) -> Npv:
    """Reckon every initiative in the same possible worlds.

    Parameters
    ----------
    initiatives : DataFrame, index id
        reach, take_up (shares), unit_cost, fixed_cost (money), half_life (years), effect_unit;
        with `migration_pp` to_tier, with `cpa` volume.
    chosen : DataFrame, index id, one column for each segment of `economics`
        Customers whom the initiative is for; with `cpa`, the segments' shares among new ones.
    effects : mapping of initiative to array of shape (n_draws, n_segments)
        Draws of the effect per adopter, as many for each initiative.
    economics : SegmentEconomics
        Its table has a column `tier`, and `active` where its customers do business.
    take_up_cv : float
        Standard deviation of take-up over its mean: the table's is an estimate.
    seed : int

    Raises
    ------
    NotIdentified
        If no initiative has a case.
    ValueError
        If draws differ in number or have no column for each segment, or an initiative is
        there twice.
    KeyError
        If a segment of `economics` is missing in `chosen`.
    """
    if not (initiatives.index.is_unique and chosen.index.is_unique):
        raise ValueError("an initiative must have one row in `initiatives` and in `chosen`")
    if not take_up_cv >= 0:
        raise ValueError(f"take_up_cv must be 0 or more, got {take_up_cv!r}")
    shapes = {np.shape(each) for each in effects.values()}
    if len(shapes) > 1:
        raise ValueError(f"effects must be drawn alike for all initiatives, got {sorted(shapes)}")
    for shape in shapes:
        if len(shape) != 2 or shape[0] < 1 or shape[1] != len(economics.table):
            raise ValueError(
                f"effects must be of shape (n_draws, {len(economics.table)}), got {shape}"
            )
    cases, left_out = {}, {}
    worlds = economics.draws(next(iter(shapes))[0], seed) if shapes else None
    for name, row in initiatives.iterrows():
        try:
            reached = chosen.loc[name, economics.table.index].to_numpy(float)
            reached = _reached(row, reached)
            if name not in effects:
                raise NotIdentified("nothing is known of its effect")
            if not np.isfinite(effects[name]).all():
                raise NotIdentified("its effect is not a number in some draws")
            cases[name] = BusinessCase(
                unit=row["effect_unit"],
                reached=reached,
                take_up=_take_up(
                    row, worlds.margin.shape[0], take_up_cv, stream(seed, f"take-up of {name}")
                ),
                effect=np.asarray(effects[name], float),
                unit_cost=float(row["unit_cost"]),
                fixed_cost=float(row["fixed_cost"]),
                half_life=float(row["half_life"]),
                economics=worlds,
                calendar=economics.calendar,
                towards=_towards(row, economics.table),
            )
        except NotIdentified as refused:
            left_out[name] = str(refused)
    if not cases:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise NotIdentified(f"no initiative has a business case ({reasons})")
    draws = pd.DataFrame({name: case.npv for name, case in cases.items()})
    table = pd.DataFrame({name: _row(case, draws[name]) for name, case in cases.items()}).T
    return Npv(table.rename_axis("initiative"), draws, cases, economics.table.index, left_out)


def where_it_pays(found: Npv, chosen: pd.DataFrame) -> pd.DataFrame:
    """Customers whom initiatives are for, without segments in which they do not pay.

    "Invest incrementally": an adopter in a segment is expected to bring less than the unit
    cost, so that the segment is left out; the fixed cost is paid either way. An initiative that
    pays in no segment keeps all of them, since nothing of it is to be done.

    Parameters
    ----------
    found : Npv
        Of the customers in `chosen`.
    chosen : DataFrame, index id, one column for each segment
        As for `npv`.
    """
    kept = chosen.copy()
    for name, case in found.cases.items():
        if case.unit == "cpa":
            continue
        there = np.flatnonzero(case.reached)
        worth = case.take_up @ case.increment_in(there) / case.take_up.sum() - case.unit_cost
        if (worth > 0).any():
            kept.loc[name, found.segments[there[worth <= 0]]] = 0
    return kept


def _reached(row: pd.Series, chosen: FloatArray) -> FloatArray:
    """Customers reached in each segment, or won, after a look at the numbers of the row."""
    unit = row["effect_unit"]
    if unit not in _UNITS:
        raise NotIdentified(f"effect_unit {unit} is unknown. {suggestion(str(unit), _UNITS)}")
    for column in _NUMBERS:
        number = pd.to_numeric(row.get(column), errors="coerce")
        if not (pd.notna(number) and np.isfinite(number) and number >= 0):
            found = row.get(column)
            raise NotIdentified(f"its {column} must be a number of 0 or more, found {found}")
        if column in ("reach", "take_up") and number > 1:
            raise NotIdentified(f"its {column} is a share of 0 to 1, found {number}")
    if row["half_life"] == 0:
        raise NotIdentified("its half_life must be above 0 years")
    if not (np.isfinite(chosen).all() and (chosen >= 0).all()):
        raise NotIdentified("how many customers it is for is not known in every segment")
    if chosen.sum() == 0:
        raise NotIdentified("nobody is in the segments that it is for")
    if row["effect_unit"] != "cpa":
        return chosen * float(row["reach"])
    volume = pd.to_numeric(row.get("volume"), errors="coerce")
    if not (pd.notna(volume) and np.isfinite(volume) and volume >= 0):
        raise NotIdentified("it wins customers (cpa) and needs a volume of 0 or more")
    return volume * chosen / chosen.sum()


def _take_up(row: pd.Series, n_draws: int, cv: float, rng: np.random.Generator) -> FloatArray:
    """A beta distribution around the stated share, shape (n_draws,)."""
    mean = 1.0 if row["effect_unit"] == "cpa" else float(row["take_up"])
    if cv == 0 or mean in (0.0, 1.0):
        return np.full(n_draws, mean)
    # no share scatters more than one that is either 0 or 1
    variance = min((cv * mean) ** 2, 0.99 * mean * (1 - mean))
    strength = mean * (1 - mean) / variance - 1
    return rng.beta(mean * strength, (1 - mean) * strength, n_draws)


def _towards(row: pd.Series, table: pd.DataFrame) -> NDArray[np.int64] | None:
    """The segment that each segment's customers become like: the largest active of its tier."""
    if row["effect_unit"] not in ("reactivation_pp", "migration_pp"):
        return None
    tiers = table["tier"]
    if row["effect_unit"] == "migration_pp":
        to_tier = row.get("to_tier")
        if to_tier not in set(tiers):
            raise NotIdentified(
                f"it moves customers to tier {to_tier}. {suggestion(str(to_tier), set(tiers))}"
            )
        tiers = pd.Series(to_tier, table.index)
    active = table[table["active"]].sort_values("n", ascending=False)
    largest = active.groupby("tier", sort=False).head(1).reset_index().set_index("tier")["segment"]
    missing = sorted(set(tiers) - set(largest.index))
    if missing:
        raise NotIdentified(f"nobody in tier {missing[0]} is active: there is nobody to be like")
    return table.index.get_indexer(tiers.map(largest))


def _row(case: BusinessCase, draws: pd.Series) -> dict[str, float]:
    low, middle, high = draws.quantile([0.05, 0.5, 0.95])
    cost = case.costs.mean()
    return {
        "adopters": case.adopters.sum(axis=1).mean(),
        "value": draws.mean() + cost,
        "cost": cost,
        "paid_anyway": case.paid_anyway,
        "npv": draws.mean(),
        "p5": low, "p50": middle, "p95": high,
        "p_positive": float((draws > 0).mean()),
        "payback": case.payback(),
    }  # fmt: skip
