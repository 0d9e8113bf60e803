"""The bank's own trials of seven initiatives: the input table `pilots` of chapter 05.

Rows sum up two arms by segment, as a report of a trial would. Their distribution is exact
for outcomes of yes and no, and normal for changes of margin; an *assigned* difference is
the effect per adopter times the take-up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.demo.plans import FAVOURITE, HARMFUL, INITIATIVES
from crmlib.demo.settings import BankSettings

FEWEST = 60  # an arm, in a small bank


@dataclass(frozen=True)
class Trial:
    """How an initiative was tried.

    Attributes
    ----------
    n : tuple of int
        An arm of the default bank, by the initiative's segments.
    outcome : str
        retained and reactivated are 0 or 1, margin_change is relative.
    level : float
        Mean outcome without the initiative.
    sd : float
        Of margin_change; not used for outcomes of yes and no.
    estimand : str
        assigned or adopter.
    start : str
        First day.
    window_days : int
        From the first day of each customer.
    looks : int
        Times that the data were looked at; n grows in equal steps.
    """

    n: tuple[int, ...]
    outcome: str
    level: float
    sd: float
    estimand: str
    start: str
    window_days: int
    looks: int = 1


TRIALS = {
    "insurance_offer": Trial(
        (200, 400, 1_200), "margin_change", 0.0, 0.35, "adopter", "2025-02-03", 180),
    "card_limits": Trial(
        (195, 360), "margin_change", 0.02, 0.30, "adopter", "2025-03-03", 180),
    HARMFUL: Trial(
        (280, 1_100, 190), "retained", 0.88, 0.0, "assigned", "2024-05-06", 365, looks=3),
    FAVOURITE: Trial(
        (195, 350, 1_000), "retained", 0.90, 0.0, "adopter", "2024-09-02", 365),
    "self_service": Trial(
        (350, 1_200, 200), "margin_change", -0.01, 0.50, "assigned", "2025-01-13", 270, looks=3),
    "reactivation_letter": Trial(
        (350, 200), "reactivated", 0.05, 0.0, "assigned", "2025-04-07", 180),
    "churn_triggers": Trial(
        (340, 230), "retained", 0.86, 0.0, "assigned", "2024-10-07", 365),
}  # fmt: skip


def pilots_table(settings: BankSettings, effects: pd.DataFrame) -> pd.DataFrame:
    """The input table `pilots`, cells as text.

    Parameters
    ----------
    settings : BankSettings
        Arms are smaller in banks smaller than the default one, and not larger in others.
    effects : DataFrame
        As `plans.draw_effects` returns it.
    """
    rng = settings.rng(0, "pilots")
    known = effects.set_index(["initiative", "segment"])["effect"]
    share = min(1.0, settings.customers / BankSettings().customers)
    rows = []
    for name, trial in TRIALS.items():
        take_up = INITIATIVES[name].take_up if trial.estimand == "assigned" else 1.0
        for segment, size in zip(INITIATIVES[name].segments, trial.n, strict=True):
            n = max(round(size * share), FEWEST)
            for arm, lift in (("treated", known[name, segment] * take_up), ("control", 0.0)):
                for look, (seen, mean, sd) in enumerate(_arm(rng, trial, n, lift), start=1):
                    rows.append(
                        (name, segment, arm, str(seen), f"{mean:.5f}", f"{sd:.5f}",
                         trial.outcome, str(trial.window_days), trial.estimand, trial.start,
                         str(look))
                    )  # fmt: skip
    columns = (
        "initiative", "segment", "arm", "n", "mean", "sd", "outcome", "window_days", "estimand",
        "start", "look",
    )  # fmt: skip
    return pd.DataFrame(rows, columns=list(columns))


def _arm(
    rng: np.random.Generator, trial: Trial, n: int, lift: float
) -> list[tuple[int, float, float]]:
    """n, mean and standard deviation of one arm at each look, from its customers."""
    mean = trial.level + lift
    if trial.outcome == "margin_change":
        outcomes = rng.normal(mean, trial.sd, n)
    else:
        outcomes = (rng.random(n) < mean).astype(float)
    seen = [round(n * look / trial.looks) for look in range(1, trial.looks + 1)]
    return [(m, float(outcomes[:m].mean()), float(outcomes[:m].std(ddof=1))) for m in seen]
