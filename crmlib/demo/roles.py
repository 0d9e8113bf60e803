"""Who pays, who decides and who benefits: what the bank knows of each customer's part (V11).

Most customers do all three. Parents pay for the young, one of a household often decides
for the others, and some pay for what others use. Who pays the bank sees; the other two
it has to ask, and a fifth of the customers has not answered. The random numbers are these
columns' own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.demo.archetypes import BoolArray
from crmlib.demo.settings import END, BankSettings

TESTS = ("pays", "decides", "benefits")
YOUNG, OLD = 25, 65  # below and above this age others often pay and decide
PARENT = (45, 60)  # ages at which some pay for what their children use
YOUNG_KEPT = 0.35  # share of the young for whom others pay
OTHERS_KEPT = 0.02
# probability to decide: by living alone or not, and of those for whom others do more
DECIDES = {"alone": 0.97, "together": 0.82, "household member": 0.25, "kept": 0.40, "old": 0.85}
PAYS_FOR_OTHERS = 0.15  # share of parents in a household of three or more who do not benefit
BENEFITS = 0.97
ASKED, ANSWERED = 0.87, 0.92  # of the customers; of the two questions, each by itself


def draw_roles(
    settings: BankSettings, block: int, attributes: pd.DataFrame, members: BoolArray
) -> pd.DataFrame:
    """The three columns for the customers of one block: yes, no, or empty where not known.

    Parameters
    ----------
    attributes : DataFrame of shape (n, …)
        birth_year, household_size.
    members : array of bool, shape (n,)
        Members of another customer's household.
    """
    n, rng = len(attributes), settings.rng(block, "roles")
    age = END.year - attributes["birth_year"].to_numpy()
    size = attributes["household_size"].to_numpy()
    kept = rng.random(n) < np.where(age < YOUNG, YOUNG_KEPT, OTHERS_KEPT)
    chance = np.select(
        [members, kept, (age > OLD) & (size > 1), size > 1],
        [DECIDES["household member"], DECIDES["kept"],
         DECIDES["together"] * DECIDES["old"], DECIDES["together"]],
        DECIDES["alone"],
    )  # fmt: skip
    decides = rng.random(n) < chance
    parent = (age >= PARENT[0]) & (age <= PARENT[1]) & (size >= 3) & ~kept
    benefits = rng.random(n) < np.where(parent, BENEFITS - PAYS_FOR_OTHERS, BENEFITS)
    asked = rng.random(n) < ASKED
    known = asked[:, None] & (rng.random((n, 2)) < ANSWERED)
    return pd.DataFrame(
        {
            "pays": _words(~kept, np.ones(n, dtype=bool)),
            "decides": _words(decides, known[:, 0]),
            "benefits": _words(benefits, known[:, 1]),
        },
        index=attributes.index,
    )


def _words(answer: BoolArray, known: BoolArray) -> np.ndarray:
    return np.select([~known, answer], [None, "yes"], "no").astype(object)
