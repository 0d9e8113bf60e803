"""What the bank's customers want and why they stay or go: the truth behind the survey (N1–N5).

Every customer has a needs segment, which hangs together with the archetype, the preferred
channel, age and income without following from them, and a loyalty profile, which hangs
together with what the customer's business has done. Both are latent: no table holds them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlib.demo.archetypes import ARCHETYPES, INCOME_BANDS, BoolArray, FloatArray, IntArray
from crmlib.demo.lives import SHRINKS, Lives
from crmlib.demo.people import People
from crmlib.demo.settings import END, BankSettings

SEGMENTS = ("price", "convenience", "personal", "rewards")
PROFILES = (
    "stays_emotive", "stays_deliberative", "stays_inertial",
    "leaves_lifestyle", "leaves_deliberative", "leaves_dissatisfied",
)  # fmt: skip
STAYING = 3  # the first profiles are of those who stay

# Log-odds of SEGMENTS by customer column; they add up.
BY_ARCHETYPE = {
    "advised_affluent": (-1.6, -0.4, 2.0, 0.8),
    "card_enthusiast": (-0.6, 0.4, -1.0, 2.4),
    "everyday_family": (1.3, 0.4, -0.2, 0.0),
    "credit_user": (2.0, -0.4, -0.2, 0.2),
    "app_native": (0.0, 2.4, -2.0, 0.6),
    "passbook_saver": (0.4, -1.6, 2.2, -1.2),
}
BY_CHANNEL = {
    "branch": (0.0, -0.8, 1.2, -0.2),
    "call_centre": (0.2, -0.4, 0.8, 0.0),
    "online": (0.3, 0.6, -0.6, 0.1),
    "mobile": (-0.1, 1.2, -1.0, 0.3),
}
BY_TEN_YEARS_OF_AGE = (0.0, -0.25, 0.25, 0.0)  # above and below 45
BY_INCOME_BAND = (-0.3, 0.0, 0.1, 0.3)  # above and below the middle one

# Shares of PROFILES by what the customer's business has done.
KEPT = (0.28, 0.27, 0.33, 0.03, 0.04, 0.05)
REDUCED = (0.06, 0.08, 0.11, 0.21, 0.20, 0.34)


@dataclass(frozen=True)
class Needs:
    """The latent classes of one block's customers.

    Attributes
    ----------
    segment : array of int, shape (n,)
        Position in `SEGMENTS`.
    chances : array of float, shape (n, 4)
        Probabilities of the segments, given the customer's columns and archetype.
    profile : array of int, shape (n,)
        Position in `PROFILES`.
    reduced : array of bool, shape (n,)
        Gone, or with less business than before, at the end of the window.
    """

    segment: IntArray
    chances: FloatArray
    profile: IntArray
    reduced: BoolArray


def draw_needs(settings: BankSettings, block: int, people: People, lives: Lives) -> Needs:
    """Needs segment and loyalty profile of one block's customers."""
    rng, n = settings.rng(block, "needs"), len(people.ids)
    chances = segment_chances(people)
    segment = pick(rng, chances)
    shrunk = (lives.direction == SHRINKS) & (lives.moved < lives.months)
    reduced = shrunk | (lives.left < lives.months)
    profile = pick(rng, np.where(reduced[:, None], REDUCED, np.broadcast_to(KEPT, (n, 6))))
    return Needs(segment, chances, profile, reduced)


def segment_chances(people: People) -> FloatArray:
    """Probability of each needs segment, shape (n, 4): a multinomial logit."""
    table = people.attributes
    names = np.array([BY_ARCHETYPE[each.name] for each in ARCHETYPES])
    channel = np.array([BY_CHANNEL[each] for each in table["preferred_channel"]])
    age = (END.year - table["birth_year"].to_numpy() - 45) / 10
    band = np.array([INCOME_BANDS.index(each) for each in table["income_band"]]) - 2
    odds = names[people.archetype] + channel
    odds = odds + np.outer(age, BY_TEN_YEARS_OF_AGE) + np.outer(band, BY_INCOME_BAND)
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def pick(rng: np.random.Generator, shares: FloatArray) -> IntArray:
    """One position for each row of probabilities."""
    draws = rng.random((len(shares), 1))
    return np.minimum((shares.cumsum(axis=1) < draws).sum(axis=1), shares.shape[1] - 1)
