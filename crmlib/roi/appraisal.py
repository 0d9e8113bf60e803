"""Every initiative's worth, as it was planned and where it pays (R3).

The chain of the chapter in one step: whom it is for, what is known of its effect, what the
segments bring. "Invest incrementally" is then taken at its word: segments in which an adopter
brings less than he costs are left out, and what that adds is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from crmlib.roi.base import Base, Selections
from crmlib.roi.break_even import BreakEven, break_even, tornado
from crmlib.roi.cashflow import LIVES
from crmlib.roi.evidence import Evidence
from crmlib.roi.npv import Npv, npv, where_it_pays
from crmlib.roi.reach import MarginalReach, marginal_reach
from crmlib.stats.optimise import NotIdentified


@dataclass(frozen=True, eq=False)
class Appraisal:
    """What initiatives are worth.

    Attributes
    ----------
    found : Npv
        Where they pay, or as planned if segments are not to be left out.
    whole : Npv
        As planned.
    left_out : mapping of initiative to str
        Of which there is no case, and why; claims are not among them.
    """

    found: Npv
    whole: Npv
    left_out: Mapping[str, str]

    def break_evens(self) -> dict[str, BreakEven]:
        """From what effect, cost and take-up each pays."""
        return {name: break_even(case) for name, case in self.found.cases.items()}

    def tornados(self, names: list[str], most: int) -> dict[str, pd.DataFrame]:
        """What moves the worth of these, of so many at most that bring most."""
        best = self.found.table.loc[names, "npv"].nlargest(most, keep="first").index
        return {str(name): tornado(self.found.cases[name]) for name in best}

    def most_trimmed(self) -> str:
        """The initiative on a customer's own value that gains most by leaving segments out."""
        own = [name for name, case in self.whole.cases.items() if case.unit in LIVES]
        if not own:
            raise NotIdentified("no initiative moves what its customers stay or bring")
        gain = self.found.table["npv"] - self.whole.table["npv"]
        # of those that pay somewhere; one that pays nowhere is no question of reach
        pays = self.found.table["npv"] > 0
        candidates = [name for name in own if pays[name]] or own
        return str(gain[candidates].idxmax())

    def next_reached(
        self, name: str, base: Base, chosen: pd.DataFrame, *, steps: int, level: float
    ) -> MarginalReach:
        """What the next customers of an initiative bring, everybody it is for in steps."""
        members = base.cell[chosen.index[chosen[name]]]
        at = pd.Series(self.whole.segments.get_indexer(members), members.index)
        return marginal_reach(
            self.whole.cases[name], at, base.future_value, steps=steps, level=level
        )


def appraise(
    initiatives: pd.DataFrame,
    base: Base,
    chosen: Selections,
    known: Evidence,
    *,
    take_up_cv: float,
    trim: bool,
    seed: int,
) -> Appraisal:
    """Reckon every initiative that rests on more than a claim.

    Parameters
    ----------
    initiatives : DataFrame, index id
    base : Base
    chosen : Selections
    known : Evidence
    take_up_cv : float
        As for `crmlib.roi.npv`.
    trim : bool
        Whether segments in which an adopter does not pay are left out.
    seed : int

    Raises
    ------
    NotIdentified
        If no initiative has a business case, with the reasons.
    """
    effects = known.by_cell(chosen.parts)
    left_out = {**known.left_out, **chosen.left_out}
    for name in [name for name in effects if _by_nobody(initiatives.loc[name])]:
        left_out[name] = "nobody would adopt it: its reach, take_up or volume is 0"
        del effects[name]
    if not effects:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        reasons = reasons or "all are claims without evidence (grade E)"
        raise NotIdentified(f"no initiative has a business case ({reasons})")
    rows = initiatives.loc[list(effects)]
    how = {"take_up_cv": take_up_cv, "seed": seed}
    whole = npv(rows, chosen.chosen, effects, base.economics, **how)
    found = whole
    if trim:
        kept = where_it_pays(whole, chosen.chosen)
        found = npv(rows, kept, effects, base.economics, **how)
    return Appraisal(found, whole, left_out | dict(whole.left_out))


def _by_nobody(row: pd.Series) -> bool:
    """Whether the client's own figures say that nobody adopts."""
    shares = ["volume"] if row["effect_unit"] == "cpa" else ["reach", "take_up"]
    return any(row.get(each) == 0 for each in shares)
