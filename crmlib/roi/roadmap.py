"""What to start and what to build in which wave (R5).

Chapter 05. The roadmap with the best mix of mean and worst scenarios under budgets, lead
times of shared assets, exclusive groups and minimum shares per lever. Mean against CVaR
after Rockafellar & Uryasev (2000); early wins on assets at hand while others are built are
the bifocal roadmap of the field.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlib.roi.infeasible import why_impossible
from crmlib.roi.not_started import worthless
from crmlib.roi.programme import FloatArray, Programme, returned_by, spent_by
from crmlib.roi.risk_averse import Best, best, cvar
from crmlib.roi.roadmap_tables import programme as read_programme
from crmlib.stats.optimise import NotIdentified


@dataclass(frozen=True)
class Roadmap:
    """The best roadmap.

    Attributes
    ----------
    starts : DataFrame
        initiative, lever, wave (from 1, empty where it does not start: `not_started` says why).
    builds : DataFrame
        asset, wave, ready (first wave in which it can be used, beyond the last where the
        horizon ends before), used_by (ids, parted by a comma).
    spend : DataFrame
        wave, cost, cumulative, cap (cumulative budget, with what came back before where
        that may be spent; infinite where there is no limit), returned (in this wave).
    objective : float
        (1 − λ)·mean + λ·CVaR.
    mean, cvar, chance_positive : float
        Of the portfolio's value: over draws, in the worst share `tail` of them, P(value > 0).
    draws : array of shape (s,)
        The portfolio's net present value.
    risk_aversion, tail : float
    programme : Programme
        What was solved, for `not_started`, `shadow_values`, `rule_prices` and `frontier`.
    solution : Best
    """

    starts: pd.DataFrame
    builds: pd.DataFrame
    spend: pd.DataFrame
    objective: float
    mean: float
    cvar: float
    chance_positive: float
    draws: FloatArray
    risk_aversion: float
    tail: float
    programme: Programme
    solution: Best

    def summary(self) -> str:
        """What starts when, and what it is worth."""
        started = self.starts.dropna(subset="wave").sort_values("wave", kind="stable")
        shown = "; ".join(f"wave {row.wave}: {row.initiative}" for row in started.itertuples())
        return (
            f"{shown or 'nothing starts'}\n"
            f"mean {self.mean:,.0f}, worst {self.tail:.0%} {self.cvar:,.0f}, "
            f"P(value > 0) {self.chance_positive:.0%}"
        )


def roadmap(
    initiatives: pd.DataFrame,
    assets: pd.DataFrame,
    requires: pd.DataFrame,
    budgets: pd.DataFrame,
    values: ArrayLike | pd.DataFrame,
    *,
    risk_aversion: float,
    tail: float = 0.1,
    self_funding: bool = False,
    returns: ArrayLike | None = None,
    minimum_share: Mapping[str, float] | None = None,
    interactions: Mapping[tuple[str, str], ArrayLike] | None = None,
    discount: ArrayLike | None = None,
    forced: Collection[str] = (),
) -> Roadmap:
    """Choose start waves and builds by mean and worst scenarios of the portfolio's value.

    Parameters
    ----------
    initiatives : DataFrame
        id, lever, fixed_cost (money in the wave of the start), optional running_cost (money
        in each wave from the start on), optional earliest_wave (from 1), optional
        exclusive_group (one name, or several parted by `;`; at most one of each starts).
    assets : DataFrame
        id, build_cost (money in the wave in which the build starts), run_cost (money in each
        wave from when it is ready, to the last wave), lead_waves (built in wave w, used from
        wave w + lead_waves), owned. What is owned is there from wave 1; its cost is sunk.
    requires : DataFrame
        initiative, asset.
    budgets : DataFrame
        wave (each of 1, 2, … once), cap (money that the wave adds; what is not spent is kept).
    values : array of shape (s, n, w) or (n, w), or DataFrame (ids × waves 1…w) of means
        Draws of net present value, net of the initiative's own costs, of initiative i (in the
        order of the table) started in wave w.
    risk_aversion : float
        λ of (1 − λ)·mean + λ·CVaR, 0 to 1.
    tail : float
        Share of draws that CVaR averages.
    self_funding : bool
        Whether returns of waves before w may be spent in wave w.
    returns : array of shape (n, w), needed for self-funding
        Expected money that comes back in the first, second … wave of an initiative, from the
        wave of its start on.
    minimum_share : mapping of lever to float
        Least share of what initiatives cost in all waves (assets, which are shared, are
        left out). A lever without any initiative is held to nothing.
    interactions : mapping of pair of ids to float or array of shape (s,)
        What is added to the value where both are started, in whatever waves: negative where
        they overlap.
    discount : array of shape (w,)
        Present value of a unit of money spent on assets in each wave; without it assets are
        charged undiscounted.
    forced : collection of ids
        Initiatives that have to start in some wave.

    Raises
    ------
    NotIdentified
        If a table holds what it may not, if forced starts cannot be met (says why and what
        would resolve it), if risk counts and there are no draws, or if so many roadmaps are
        nearly as good as each other that the best is not found within the work allowed.
    ValueError
        If λ or the tail is out of range, or an array has another shape.

    Notes
    -----
    Portfolio value = Σ values + Σ interactions − builds and runs of assets, each paid once.
    Solved to optimality over all draws handed in, not over a sample of them, so that what is
    reported is what was maximised; twenty initiatives take a second as a rule, and some of
    which many are nearly as good take several. An initiative whose value is 0 in every draw is not
    started unless forced, not even to fill a lever's minimum share.
    """
    if not 0 <= risk_aversion <= 1:
        raise ValueError(f"risk_aversion is {risk_aversion:g}, expected 0 to 1")
    if not 0 < tail <= 1:
        raise ValueError(f"tail is {tail:g}, expected above 0 and at most 1")
    if self_funding and returns is None:
        raise ValueError("self_funding needs the returns of each initiative by wave")
    read = read_programme(
        initiatives, assets, requires, budgets, values,
        returns=returns if self_funding else None, minimum_share=minimum_share,
        interactions=interactions, discount=discount, forced=forced,
    )  # fmt: skip
    if risk_aversion and len(read.values) == 1:
        raise NotIdentified(
            "values: one value for each initiative and wave cannot tell the worst scenarios; "
            "hand in draws, or set the risk aversion to 0."
        )
    read = replace(read, barred=worthless(read) & ~read.forced)
    return of_programme(read, risk_aversion, tail)


def of_programme(programme: Programme, risk_aversion: float, tail: float) -> Roadmap:
    """The best roadmap of a programme that is read already; raises as `roadmap`."""
    solution = best(programme, risk_aversion, tail)
    if solution is None:
        raise NotIdentified(why_impossible(programme))
    draws = solution.draws
    return Roadmap(
        starts=_starts(programme, solution),
        builds=_builds(programme, solution),
        spend=_spend(programme, solution),
        objective=solution.objective,
        mean=float(draws.mean()),
        cvar=cvar(draws, tail),
        chance_positive=float((draws > 0).mean()),
        draws=draws,
        risk_aversion=risk_aversion,
        tail=tail,
        programme=programme,
        solution=solution,
    )


def _starts(programme: Programme, solution: Best) -> pd.DataFrame:
    starts = solution.starts(programme)
    wave = pd.Series(starts.argmax(axis=1) + 1, dtype="Int64").where(starts.any(axis=1))
    return pd.DataFrame(
        {"initiative": list(programme.initiatives), "lever": list(programme.levers), "wave": wave}
    )


def _builds(programme: Programme, solution: Best) -> pd.DataFrame:
    started = solution.starts(programme).any(axis=1)
    rows = [
        {
            "asset": programme.assets[asset],
            "wave": int(wave) + 1,
            "ready": int(wave + programme.lead[asset]) + 1,
            "used_by": ", ".join(
                programme.initiatives[each]
                for each in np.flatnonzero(started & programme.required[:, asset])
            ),
        }
        for asset, wave in np.argwhere(solution.builds(programme))
    ]
    return pd.DataFrame(rows, columns=["asset", "wave", "ready", "used_by"])


def _spend(programme: Programme, solution: Best) -> pd.DataFrame:
    cost, asset_cost = spent_by(programme)
    starts, builds = solution.starts(programme), solution.builds(programme)
    spent = np.einsum("iw,iwt->t", starts, cost) + np.einsum("kw,kwt->t", builds, asset_cost)
    back = np.einsum("iw,iwt->t", starts, returned_by(programme))
    caps = np.cumsum(programme.caps) + np.cumsum(back) - back
    waves = np.arange(1, len(spent) + 1)
    return pd.DataFrame(
        {"wave": waves, "cost": spent, "cumulative": np.cumsum(spent), "cap": caps,
         "returned": back}
    )  # fmt: skip
