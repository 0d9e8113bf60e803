"""What is known of every initiative's effect: what was believed, and what was tried (R2).

A belief is a prior, wider the weaker its grade; own trials draw it towards what they found and
towards each other. A claim (grade E) is no evidence: until it is tried, it is shown with what it
would have to bring, and with a trial only the trial counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.roi.economics import stream
from crmlib.roi.pilots import effects_of_pilots, per_adopter
from crmlib.roi.selection import pieces
from crmlib.roi.shrinkage import NO_EVIDENCE, Shrunk, shrink, widening
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

# What a trial must have measured to bear on an effect, and over how many days a change of
# 12-month survival can be read
OUTCOMES: Mapping[str, str] = {
    "retention_pp": "retained",
    "margin_pct": "margin_change",
    "reactivation_pp": "reactivated",
    "migration_pp": "moved_up",
}
_A_YEAR = (330, 400)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Effects per adopter by initiative and piece of its segments.

    Attributes
    ----------
    table : DataFrame
        initiative, segment, unit, grade, n (customers of its trials, both arms), estimate, se
        (of the trial, per adopter; empty where none), prior_mean, prior_sd (widened), mean, p5,
        p50, p95 (posterior), p_below (chance of an effect below 0), own (weight of its own
        trial).
    draws : mapping of initiative to DataFrame of shape (n_draws, n_pieces)
    outcome_sd : mapping of initiative to float
        Standard deviation of the outcome between customers of its trials' control arms.
    claims : tuple of str
        Initiatives of which there is but a claim.
    unused : DataFrame
        initiative, segment, outcome, look, reason: trials that bear on no effect.
    left_out : mapping of initiative to str
        Of which nothing is known, and why.
    """

    table: pd.DataFrame
    draws: Mapping[str, pd.DataFrame]
    outcome_sd: Mapping[str, float]
    claims: tuple[str, ...]
    unused: pd.DataFrame
    left_out: Mapping[str, str]

    def by_cell(self, parts: Mapping[str, pd.Series]) -> dict[str, np.ndarray]:
        """Draws for every cell, arrays of shape (n_draws, n_cells), by initiative.

        Parameters
        ----------
        parts : mapping of initiative to Series, index cell
            The piece that a cell belongs to; initiatives without one are left out.
        """
        return {
            name: drawn[parts[name]].to_numpy()
            for name, drawn in self.draws.items()
            if name in parts
        }


def evidence(
    initiatives: pd.DataFrame,
    pilots: pd.DataFrame | Refusal | None,
    *,
    spread: float,
    factors: Mapping[str, float],
    n_draws: int,
    seed: int,
) -> Evidence:
    """Beliefs and trials of every initiative, as draws.

    Parameters
    ----------
    initiatives : DataFrame, index id
        segments, take_up, effect_unit, prior_mean, prior_sd, evidence (grade A to E).
    pilots : DataFrame, optional
        As `crmlib.roi.effects_of_pilots` takes them, with window_days.
    spread : float
        Scale of the standard deviation between segments, in units of prior_sd.
    factors : mapping of grade to float
        By which the prior is widened.
    n_draws, seed : int

    Notes
    -----
    Draws of an initiative do not depend on which others there are.
    """
    given = None if isinstance(pilots, Refusal) else pilots
    trials = _Trials.of(initiatives, given)
    rows, draws, claims, left_out = [], {}, [], {}
    for name, row in initiatives.iterrows():
        tried = trials.effects[trials.effects["initiative"] == name]
        if row["evidence"] in NO_EVIDENCE and tried.empty:
            claims.append(str(name))
            continue
        try:
            found, prior_sd = _shrunk(row, tried, spread, factors)
        except NotIdentified as refused:
            left_out[str(name)] = str(refused)
            continue
        words = pieces(str(row["segments"]))
        drawn = found.draws(n_draws, words, stream(seed, f"effect of {name}"))
        if row["effect_unit"] == "cpa":
            drawn = drawn.clip(lower=0.0)  # nobody is paid for being won over
        draws[str(name)] = drawn
        rows += _rows(str(name), row, tried, found, drawn, prior_sd)
    return Evidence(
        pd.DataFrame(rows), draws, trials.outcome_sd, tuple(claims), trials.unused, left_out
    )


@dataclass(frozen=True, eq=False)
class _Trials:
    """Effects of trials that bear on what their initiative changes."""

    effects: pd.DataFrame
    outcome_sd: dict[str, float]
    unused: pd.DataFrame

    @classmethod
    def of(cls, initiatives: pd.DataFrame, pilots: pd.DataFrame | None) -> _Trials:
        columns = ["initiative", "segment", "outcome", "look", "reason"]
        if pilots is None or pilots.empty:
            return cls(pd.DataFrame({"initiative": []}), {}, pd.DataFrame(columns=columns))
        rows = pilots.assign(
            initiative=pilots["initiative"].astype(str),
            segment=[(pieces(str(each)) or [str(each)])[0] for each in pilots["segment"]],
            arm=pilots["arm"].astype(str).str.strip().str.lower(),
        )
        unit = rows["initiative"].map(initiatives["effect_unit"])
        reason = _beside_the_point(rows, unit)
        unused = rows.assign(reason=reason).loc[reason != "", columns]
        rows = rows[reason == ""]
        if rows.empty:
            return cls(pd.DataFrame({"initiative": []}), {}, unused.drop_duplicates())
        try:
            found = effects_of_pilots(rows)
        except NotIdentified as refused:
            unused = pd.concat([unused, rows.assign(reason=str(refused))[columns]])
            return cls(pd.DataFrame({"initiative": []}), {}, unused.drop_duplicates())
        unused = pd.concat([unused, found.left_out[columns]]).drop_duplicates()
        last = rows[
            rows["look"] == rows.groupby(["initiative", "segment"])["look"].transform("max")
        ]
        control = last[last["arm"] == "control"]
        variance = (control["n"] * control["sd"] ** 2).groupby(control["initiative"]).sum()
        pooled = np.sqrt(variance / control.groupby("initiative")["n"].sum())
        return cls(found.table, pooled.to_dict(), unused.reset_index(drop=True))


def _beside_the_point(rows: pd.DataFrame, unit: pd.Series) -> pd.Series:
    """Why a row of a trial bears on no effect; empty where it does."""
    wanted = unit.map(OUTCOMES)
    of_another = (
        "it measured `" + rows["outcome"].astype(str) + "`, its effect is read from `"
        + wanted.astype(str) + "`"
    )  # fmt: skip
    too_short = "retained over " + rows["window_days"].astype(str) + " days says nothing of a year"
    reason = pd.Series("", index=rows.index).mask(wanted != rows["outcome"], of_another)
    reason = reason.mask(unit.isna(), "no initiative has this id")
    yearly = (unit == "retention_pp") & ~rows["window_days"].between(*_A_YEAR)
    return reason.mask((reason == "") & yearly, too_short)


def _shrunk(
    row: pd.Series, tried: pd.DataFrame, spread: float, factors: Mapping[str, float]
) -> tuple[Shrunk, float]:
    mean, sd = float(row["prior_mean"]), float(row["prior_sd"])
    if not (np.isfinite(mean) and np.isfinite(sd) and sd > 0):
        raise NotIdentified(
            f"its prior_mean must be a number and its prior_sd above 0, found {mean:g} and {sd:g}"
        )
    if row["evidence"] in NO_EVIDENCE:  # what was claimed only says how far off it may be
        mean, sd = 0.0, max(sd, abs(mean))
    wider = widening(str(row["evidence"]), factors)
    effects = pd.DataFrame({"estimate": [], "se": []}, dtype=float)
    if len(tried):
        twice = tried.loc[tried["segment"].duplicated(), "segment"]
        if len(twice):
            raise NotIdentified(
                f"its trial in {twice.iloc[0]} is there per assigned and per adopter: give one"
            )
        effects = per_adopter(tried.set_index("segment"), float(row["take_up"]))
    found = shrink(
        effects[["estimate", "se"]], prior_mean=mean, prior_sd=sd,
        tau_scale=spread * sd, widening=wider,
    )  # fmt: skip
    return found, sd * wider


def _rows(
    name: str, row: pd.Series, tried: pd.DataFrame, found: Shrunk, drawn: pd.DataFrame, sd: float
) -> list[dict[str, object]]:
    """A row for each piece, and for each trial elsewhere."""
    sizes = tried.set_index("segment")[["n_treated", "n_control"]].sum(axis=1) if len(tried) else {}
    rows = []
    for segment in dict.fromkeys([*drawn, *found.table.index]):
        own = segment in found.table.index
        posterior = found.table.loc[segment] if own else found.overall
        below = drawn[segment] if segment in drawn else pd.Series(dtype=float)
        rows.append(
            {
                "initiative": name,
                "segment": segment,
                "unit": row["effect_unit"],
                "grade": row["evidence"],
                "n": int(sizes[segment]) if own else 0,
                "estimate": posterior["estimate"] if own else np.nan,
                "se": posterior["se"] if own else np.nan,
                "prior_mean": float(row["prior_mean"]),
                "prior_sd": sd,
                **{each: posterior[each] for each in ("mean", "p5", "p50", "p95")},
                "p_below": float((below < 0).mean()) if below.size else np.nan,
                "own": posterior["own"] if own else 0.0,
            }
        )
    return rows
