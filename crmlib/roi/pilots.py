"""Effects of pilots from the rows that a client has of them (R2).

One row says what one arm in one segment did by one look. Two rows make an effect; the last look
counts, and an effect per customer assigned becomes one per adopter only here, once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.stats.optimise import NotIdentified

ARMS = ("treated", "control")
_OF = ["initiative", "segment", "outcome", "estimand"]


@dataclass(frozen=True)
class PilotEffects:
    """Effects by initiative, segment and outcome.

    Attributes
    ----------
    table : DataFrame
        initiative, segment, outcome, estimand, look, estimate (treated less control), se, df
        (Welch's), n_treated, n_control, is_last; the last look of each that makes an effect,
        and whether it is the last of all.
    looks : DataFrame
        The same for every look.
    left_out : DataFrame
        initiative, segment, outcome, estimand, look, reason: rows that make no effect.
    """

    table: pd.DataFrame
    looks: pd.DataFrame
    left_out: pd.DataFrame


def effects_of_pilots(pilots: pd.DataFrame) -> PilotEffects:
    """Treated less control, wherever both arms were measured.

    Parameters
    ----------
    pilots : DataFrame
        initiative, segment, arm (treated or control), n, mean, sd, outcome, estimand, look.

    Raises
    ------
    NotIdentified
        If a look is no number, or no two rows make an effect.
    """
    looked = pd.to_numeric(pilots["look"], errors="coerce")
    if looked.isna().any():
        odd = pilots.loc[looked.isna(), "look"].iloc[0]
        raise NotIdentified(f"look numbers the looks at a pilot, found {odd!r}")
    pilots = pilots.assign(look=looked)
    rows, left_out = [], []
    for key, arms in pilots.groupby([*_OF, "look"], dropna=False, sort=True):
        named = dict(zip([*_OF, "look"], key, strict=True))
        reason = _without_effect(arms)
        if reason:
            left_out.append(named | {"reason": reason})
            continue
        at = arms.set_index("arm").loc[list(ARMS)]
        parts = (at["sd"] ** 2 / at["n"]).astype(float)
        rows.append(
            named
            | {
                "estimate": float(at.loc["treated", "mean"] - at.loc["control", "mean"]),
                "se": float(np.sqrt(parts.sum())),
                "df": float(parts.sum() ** 2 / (parts**2 / (at["n"] - 1)).sum()),
                "n_treated": int(at.loc["treated", "n"]),
                "n_control": int(at.loc["control", "n"]),
            }
        )
    if not rows:
        why = left_out[0]["reason"] if left_out else "there is no row"
        raise NotIdentified(f"the pilots make no effect: {why}")
    looks = pd.DataFrame(rows)
    of_all = pilots.groupby(_OF, dropna=False)["look"].max().rename("of_all").reset_index()
    last = looks.groupby(_OF, sort=False, dropna=False).tail(1).reset_index(drop=True)
    last["is_last"] = last.merge(of_all, on=_OF, how="left")["of_all"].to_numpy() == last["look"]
    columns = [*_OF, "look", "reason"]
    return PilotEffects(last, looks, pd.DataFrame(left_out, columns=columns))


def _without_effect(arms: pd.DataFrame) -> str:
    """Why these rows make no effect; empty where they do."""
    found = list(arms["arm"])
    odd = [arm for arm in found if arm not in ARMS]
    if odd:
        return f"an arm is called {odd[0]!r}: treated and control are known"
    for arm in ARMS:
        if found.count(arm) != 1:
            return f"there are {found.count(arm)} rows of the arm {arm}, one is needed"
    if not np.isfinite(arms[["n", "mean", "sd"]].to_numpy(float)).all():
        return "n, mean or sd is missing"
    if (arms["n"] < 2).any():
        return "an arm has fewer than 2 customers"
    if (arms["sd"] < 0).any():
        return "a standard deviation is below 0"
    if (arms["sd"] == 0).all():
        return "the outcome never varies: its standard deviation is 0 in both arms"
    return ""


def per_adopter(
    effects: pd.DataFrame, take_up: float, n_take_up: int | None = None
) -> pd.DataFrame:
    """Estimates and standard errors per adopter, whatever they were measured per.

    Parameters
    ----------
    effects : DataFrame
        estimand (assigned or adopter), estimate, se.
    take_up : float
        Share of the assigned who adopt.
    n_take_up : int, optional
        Customers whom the share was counted on; known exactly without it.

    Raises
    ------
    NotIdentified
        If an effect per assigned is to be divided by a take-up of 0.

    Notes
    -----
    An effect on everybody assigned came about by those who adopted (Bloom 1984, *Evaluation
    Review* 8:225): estimate / p, with the delta method for a p that was counted on other
    customers. Counted on the very same, p and the effect move together, and the standard
    error is too large.
    """
    if not 0 <= take_up <= 1:
        raise ValueError(f"take_up must lie between 0 and 1, got {take_up!r}")
    assigned = (effects["estimand"] == "assigned").to_numpy()
    if not assigned.any():
        return effects.copy()
    if take_up == 0:
        raise NotIdentified("nobody takes it up, so that there is no effect per adopter")
    share_variance = take_up * (1 - take_up) / n_take_up if n_take_up else 0.0
    estimate = effects["estimate"] / take_up
    se = np.sqrt(effects["se"] ** 2 + estimate**2 * share_variance) / take_up
    return effects.assign(
        estimate=effects["estimate"].where(~assigned, estimate),
        se=effects["se"].where(~assigned, se),
        estimand="adopter",
    )
