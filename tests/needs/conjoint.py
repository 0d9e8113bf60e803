"""Choices made up from known part-worths, for tests of choice models."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ATTRIBUTES = ["fee", "rewards", "app"]
REWARDS = ["cash", "none", "points"]


def choose(utility: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The alternative with the highest utility and Gumbel noise, along the last axis."""
    return (utility + rng.gumbel(size=utility.shape)).argmax(axis=-1)


def conjoint(
    part_worths: NDArray[np.float64],
    tasks: int,
    rng: np.random.Generator,
    none: float | None = None,
) -> pd.DataFrame:
    """Choices among three offers and, with utility `none`, none of them.

    `part_worths`, (N, 4), are of the fee per unit, of points and cash instead of no rewards,
    and of the app.
    """
    people = len(part_worths)
    n = people * tasks * 3
    offers = pd.DataFrame(
        {
            "respondent_id": np.repeat(np.arange(people), tasks * 3),
            "task": np.tile(np.repeat(np.arange(tasks), 3), people),
            "alternative": np.tile(["1", "2", "3"], people * tasks),
            "fee": rng.choice([0.0, 1.0, 2.0, 3.0], n),
            "rewards": rng.choice(REWARDS, n),
            "app": rng.choice([0, 1], n),
        }
    )
    own = part_worths[offers["respondent_id"]]
    utility = own[:, 0] * offers["fee"] + own[:, 3] * offers["app"]
    utility += own[:, 1] * (offers["rewards"] == "points")
    utility += own[:, 2] * (offers["rewards"] == "cash")
    offers["utility"] = utility
    if none is not None:
        without = offers.drop_duplicates(["respondent_id", "task"])
        without = without.assign(alternative="none", utility=none)
        without[ATTRIBUTES] = np.nan
        without["rewards"] = None
        offers = pd.concat([offers, without], ignore_index=True)
        offers = offers.sort_values(["respondent_id", "task", "alternative"], ignore_index=True)
    wide = offers["utility"].to_numpy().reshape(people * tasks, -1)
    chosen = np.arange(wide.shape[1]) == choose(wide, rng)[:, None]
    return offers.drop(columns="utility").assign(chosen=chosen.ravel().astype(int))
