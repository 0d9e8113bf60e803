"""The survey of a quarter of the customers: the input table `survey` (N1–N4).

Sampled with unequal probabilities, which the weights undo; some respondents remain
anonymous, and some answers are missing, more of them with age, which the bank knows: at
random, given the columns of the customers. Items of a block depend on each other through
the latent classes of `needs` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.demo.archetypes import CARD, BoolArray, FloatArray, IntArray
from crmlib.demo.holdings import Holdings
from crmlib.demo.lives import YEAR, Lives
from crmlib.demo.needs import PROFILES, SEGMENTS, STAYING, Needs
from crmlib.demo.people import People
from crmlib.demo.settings import BLOCK, END, BankSettings

ASKED = 0.25  # respondents per customer
CARD_OVERSAMPLED = 1.8  # times the probability of the others, for who holds a card
LINKED = 0.85  # share of respondents whose customer_id is known
MISSING = (0.05, 0.10)  # share of answers up to 50 years of age, and above

BENEFITS = (
    "price", "product_range", "quality",
    "ease", "convenience", "speed",
    "personal_service", "recognition", "rewards",
)  # fmt: skip
IMPORTANCE = {  # mean importance by `BENEFITS`, before it is rounded to 1–5
    "price": (4.6, 3.1, 3.2, 3.0, 2.8, 2.9, 2.2, 1.9, 2.6),
    "convenience": (3.1, 2.6, 3.2, 4.4, 4.5, 4.4, 1.9, 2.1, 2.5),
    "personal": (2.6, 3.2, 3.9, 3.1, 2.4, 2.6, 4.6, 4.0, 2.2),
    "rewards": (3.0, 3.9, 3.3, 3.1, 3.1, 3.0, 2.3, 3.6, 4.6),
}
IMPORTANCE_SD = 1.0
REASONS = tuple(f"chose_for_{segment}" for segment in SEGMENTS)  # yes or no: 1 or 0
OWN_REASON, OTHER_REASON = 0.65, 0.20

ISSUES = (
    "fees", "app", "branch_wait", "complaint_handling", "card_limits", "advice", "statements",
)  # fmt: skip
ISSUE_MEAN = (5.8, 7.0, 6.0, 5.2, 6.6, 6.2, 7.4)
ISSUE_SD, ISSUE_CORRELATION = 1.9, 0.35
WEIGHTS = (0.22, 0.26, 0.08, 0.26, 0.05, 0.12, 0.0)  # points of satisfaction per point
BREAK_ISSUE, BREAK_AT = "app", 7.0  # where more satisfaction with it no longer pays
USELESS_ISSUE = "statements"  # costly to improve, and nobody is more satisfied for it
LEVEL, SATISFACTION_SD = 0.9, 0.6
DISSATISFIED = -1.8  # points on every issue of who goes dissatisfied
SATISFIED = 0.8  # the same of who stays attached, or goes without complaint

# mean of reassessment and of attachment (1–5), and share with a change in life
PROFILE_ITEMS = {
    "stays_emotive": (1.8, 4.6, 0.12),
    "stays_deliberative": (4.4, 3.0, 0.12),
    "stays_inertial": (1.6, 2.2, 0.10),
    "leaves_lifestyle": (2.8, 3.2, 0.85),
    "leaves_deliberative": (4.5, 2.2, 0.12),
    "leaves_dissatisfied": (3.4, 1.6, 0.15),
}
PROFILE_SD = 0.8
STAY_LEVEL, STAY_PER_POINT, STAY_OF_STAYING, STAY_SD = 1.0, 0.5, 2.6, 1.0


@dataclass(frozen=True)
class Respondents:
    """Who of one block's customers answered, and in what they are alike.

    Attributes
    ----------
    ids : array of str, shape (r,)
        `respondent_id`.
    customer : array of int, shape (r,)
        Position among the block's customers.
    weight : array of float, shape (r,)
        How many customers each stands for.
    linked : array of bool, shape (r,)
        Whether the survey holds the `customer_id`.
    segment, profile : array of int, shape (r,)
        Positions in `SEGMENTS` and `PROFILES`.
    """

    ids: np.ndarray
    customer: IntArray
    weight: FloatArray
    linked: BoolArray
    segment: IntArray
    profile: IntArray


def draw_respondents(
    settings: BankSettings, block: int, people: People, holdings: Holdings, needs: Needs
) -> Respondents:
    """A systematic sample of those who were customers within the last year."""
    rng = settings.rng(block, "respondents")
    frame = np.flatnonzero(_recent(holdings.lives))
    wanted = min(round(ASKED * len(people.ids)), len(frame) // 2)
    frame = rng.permutation(frame)
    size = np.where(holdings.exported[frame, CARD], CARD_OVERSAMPLED, 1.0)
    order = np.argsort(size, kind="stable")  # each kind has its share of the sample
    frame, size = frame[order], size[order]
    chance = wanted * size / size.sum()
    ends = chance.cumsum()
    hits = np.searchsorted(ends, rng.random() + np.arange(wanted), side="right")
    hits = np.minimum(hits, len(frame) - 1)
    order = np.argsort(rng.random(wanted))
    chosen, weight = frame[hits][order], (1 / chance[hits][order]).round(3)
    first = round(ASKED * BLOCK) * block
    ids = np.array([f"R{first + at + 1:07d}" for at in range(wanted)], dtype=object)
    linked = rng.random(wanted) < LINKED
    return Respondents(ids, chosen, weight, linked, needs.segment[chosen], needs.profile[chosen])


def _recent(lives: Lives) -> BoolArray:
    """Customers for some time of the window's last year."""
    return (lives.joined < lives.months) & (lives.left >= lives.months - YEAR)


def survey_table(
    settings: BankSettings, block: int, people: People, respondents: Respondents
) -> pd.DataFrame:
    """The input table `survey`: answers as text, None where there is none."""
    rng = settings.rng(block, "survey")
    born = people.attributes["birth_year"].to_numpy()[respondents.customer]
    items = {**_benefits(rng, respondents.segment), **_attitudes(rng, respondents.profile)}
    answers = pd.DataFrame(items).astype(np.int64).astype(str).astype(object)
    share = np.where(END.year - born > 50, MISSING[1], MISSING[0])
    answers = answers.mask(rng.random(answers.shape) < share[:, None], None)
    known = np.where(respondents.linked, people.ids[respondents.customer], None)
    first = pd.DataFrame(
        {"respondent_id": respondents.ids, "customer_id": known, "weight": respondents.weight}
    )
    return pd.concat([first, answers], axis=1)


def _benefits(rng: np.random.Generator, segment: IntArray) -> dict[str, IntArray]:
    means = np.array([IMPORTANCE[name] for name in SEGMENTS])[segment]
    wanted = _scale(means + rng.normal(0, IMPORTANCE_SD, means.shape), 5)
    own = segment[:, None] == np.arange(len(SEGMENTS))
    chose = rng.random(own.shape) < np.where(own, OWN_REASON, OTHER_REASON)
    named = dict(zip([f"wants_{name}" for name in BENEFITS], wanted.T, strict=True))
    return named | dict(zip(REASONS, chose.astype(np.int64).T, strict=True))


def _attitudes(rng: np.random.Generator, profile: IntArray) -> dict[str, IntArray]:
    """Satisfaction by issue and overall, and what tells the loyalty profiles apart."""
    n, names = len(profile), np.array(PROFILES)[profile]
    mood = np.select(
        [names == "leaves_dissatisfied", np.isin(names, ("stays_emotive", "leaves_lifestyle"))],
        [DISSATISFIED, SATISFIED], 0.0,
    )  # fmt: skip
    common = np.sqrt(ISSUE_CORRELATION) * rng.normal(size=(n, 1))
    own = np.sqrt(1 - ISSUE_CORRELATION) * rng.normal(size=(n, len(ISSUES)))
    issues = _scale(np.array(ISSUE_MEAN) + mood[:, None] + ISSUE_SD * (common + own), 10)
    pays = np.where(np.array(ISSUES) == BREAK_ISSUE, BREAK_AT, 10.0)
    satisfied = LEVEL + np.minimum(issues, pays) @ WEIGHTS + rng.normal(0, SATISFACTION_SD, n)
    overall = _scale(satisfied, 10)
    stays = STAY_OF_STAYING * (profile < STAYING)
    intent = STAY_LEVEL + STAY_PER_POINT * overall + stays + rng.normal(0, STAY_SD, n)
    reassess, attached, change = np.array([PROFILE_ITEMS[name] for name in names]).T
    named = {f"satisfied_{name}": answer for name, answer in zip(ISSUES, issues.T, strict=True)}
    return named | {
        "satisfaction": overall,
        "intention_to_stay": _scale(intent, 10),
        "reassessment": _scale(reassess + rng.normal(0, PROFILE_SD, n), 5),
        "attachment": _scale(attached + rng.normal(0, PROFILE_SD, n), 5),
        "life_change": (rng.random(n) < change).astype(np.int64),
    }


def _scale(value: FloatArray, top: int) -> IntArray:
    """Answers on a scale from 1 to `top`."""
    return np.clip(np.rint(value), 1, top).astype(np.int64)
