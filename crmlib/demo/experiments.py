"""What respondents choose: a credit card conjoint and a MaxDiff of benefits (N2).

Both follow random utility with Gumbel errors of scale 1. Part-worths depend on the needs
segment of `needs` and scatter from person to person. A few respondents of the conjoint
always take the first card, and a few click through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.demo.archetypes import BoolArray, FloatArray, IntArray
from crmlib.demo.needs import SEGMENTS
from crmlib.demo.settings import BankSettings
from crmlib.demo.survey import BENEFITS, IMPORTANCE, Respondents

INVITED = 0.4  # share of respondents in each of the two; half of them are in both
TASKS, CARDS = 12, 3
RATES = (9.9, 14.9, 19.9)  # percent a year
FEES = (0, 30, 60, 90)  # EUR a year
REWARDS = ("points", "cashback", "miles")
SERVICE = ("call_centre", "adviser")
DIGITAL = ("basic", "full")
PART_WORTHS = ("rate", "fee", "cashback", "miles", "adviser", "full", "card")
MEAN_PART_WORTHS = {  # rate per percent, fee per EUR; card is against none
    "price": (-0.28, -0.050, 0.5, 0.1, 0.1, 0.3, 6.6),
    "convenience": (-0.13, -0.024, 0.3, 0.3, 0.0, 1.9, 2.6),
    "personal": (-0.12, -0.020, 0.1, 0.0, 2.0, 0.1, 2.6),
    "rewards": (-0.11, -0.018, 1.5, 2.0, 0.2, 0.4, 1.6),
}
SD_PART_WORTHS = (0.03, 0.004, 0.3, 0.3, 0.3, 0.3, 0.5)
STRAIGHT_LINERS, SPEEDERS = 0.03, 0.04
SECONDS = {"usual": (15.0, 0.45), "speeder": (1.6, 0.2)}  # per task: median, sd of its log

SETS, SHOWN = 10, 4
WORTH_PER_POINT, WORTH_SD = 1.3, 0.4  # of a benefit per point of mean importance


@dataclass(frozen=True)
class Conjoint:
    """The participants of one block and their choices.

    Attributes
    ----------
    table : DataFrame
        The input table `choices`.
    who : array of int, shape (p,)
        Positions among the block's respondents.
    part_worths : array of float, shape (p, 7)
        By `PART_WORTHS`.
    straight, speeding : array of bool, shape (p,)
        Who always takes the first card, and who clicks through.
    """

    table: pd.DataFrame
    who: IntArray
    part_worths: FloatArray
    straight: BoolArray
    speeding: BoolArray


def draw_conjoint(settings: BankSettings, block: int, respondents: Respondents) -> Conjoint:
    """Choices among three credit cards and none, twelve times each."""
    rng, who = settings.rng(block, "conjoint"), _invited(settings, block, respondents, 0.0)
    n, means = len(who), np.array([MEAN_PART_WORTHS[name] for name in SEGMENTS])
    worth = means[respondents.segment[who]] + rng.normal(0, SD_PART_WORTHS, (n, len(PART_WORTHS)))
    worth[:, :2] = np.minimum(worth[:, :2], (-0.01, -0.002))  # nobody likes to pay
    luck = rng.random(n)
    straight = luck < STRAIGHT_LINERS
    speeding = (luck >= STRAIGHT_LINERS) & (luck < STRAIGHT_LINERS + SPEEDERS)
    levels = _cards(rng, n)
    utility = np.einsum("ntak,nk->nta", _coded(levels), worth)
    utility = np.concatenate([utility, np.zeros((n, TASKS, 1))], axis=2)
    utility[speeding] = 0
    chosen = (utility + rng.gumbel(size=utility.shape)).argmax(axis=2)
    chosen[straight] = 0
    median, spread = np.where(speeding[:, None], SECONDS["speeder"], SECONDS["usual"]).T
    seconds = np.exp(np.log(median[:, None]) + spread[:, None] * rng.normal(size=(n, TASKS)))
    table = _conjoint_table(respondents.ids[who], levels, chosen, seconds)
    return Conjoint(table, who, worth, straight, speeding)


def _invited(
    settings: BankSettings, block: int, respondents: Respondents, after: float
) -> IntArray:
    """Positions of the respondents who are invited, of a shuffled list from `after` on."""
    n = len(respondents.ids)
    order = settings.rng(block, "invited").permutation(n)
    first = round(after * n)
    return np.sort(order[first : first + round(INVITED * n)])


def _cards(rng: np.random.Generator, n: int) -> IntArray:
    """Levels of five attributes, shape (n, tasks, cards, 5); cards of a task share few."""
    shape = (n, TASKS)
    rate, rewards = (_shuffled(rng, shape, 3) for _ in range(2))
    fee = _shuffled(rng, shape, 4)[..., :CARDS]
    pairs = [_shuffled(rng, shape, 4)[..., :CARDS] % 2 for _ in range(2)]
    return np.stack([rate, fee, rewards, *pairs], axis=-1)


def _shuffled(rng: np.random.Generator, shape: tuple[int, ...], levels: int) -> IntArray:
    return rng.random((*shape, levels)).argsort(axis=-1)


def _coded(levels: IntArray) -> FloatArray:
    """Columns of `PART_WORTHS` for every card, shape (n, tasks, cards, 7)."""
    rate, fee, rewards, service, digital = np.moveaxis(levels, -1, 0)
    columns = [
        np.array(RATES)[rate], np.array(FEES, dtype=float)[fee],
        rewards == 1, rewards == 2, service == 1, digital == 1, np.ones(rate.shape),
    ]  # fmt: skip
    return np.stack([np.asarray(column, dtype=float) for column in columns], axis=-1)


def _conjoint_table(
    ids: np.ndarray, levels: IntArray, chosen: IntArray, seconds: FloatArray
) -> pd.DataFrame:
    """Four rows a task; the last one, without attributes, is to take no card."""
    n, rows = len(ids), TASKS * (CARDS + 1)
    words = [np.array(each).astype(str) for each in (RATES, FEES, REWARDS, SERVICE, DIGITAL)]
    attributes = {}
    for at, name in enumerate(("rate", "fee", "rewards", "service", "digital")):
        shown = words[at][levels[..., at]].astype(object)
        none = np.full((n, TASKS, 1), None, dtype=object)
        attributes[name] = np.concatenate([shown, none], axis=2).ravel()
    return pd.DataFrame(
        {
            "respondent_id": ids.repeat(rows),
            "task": np.tile(np.arange(1, TASKS + 1).repeat(CARDS + 1), n),
            "alternative": np.tile(["A", "B", "C", "none"], n * TASKS).astype(object),
            "chosen": (chosen[..., None] == np.arange(CARDS + 1)).astype(np.int64).ravel(),
            **attributes,
            "seconds": np.rint(seconds).astype(np.int64).clip(1).repeat(CARDS + 1, axis=1).ravel(),
        }
    )


def maxdiff_table(settings: BankSettings, block: int, respondents: Respondents) -> pd.DataFrame:
    """Best and worst of four benefits, ten times each: the input table `maxdiff`.

    The best is chosen from all four, the worst from the other three.
    """
    rng, who = settings.rng(block, "maxdiff"), _invited(settings, block, respondents, 0.2)
    n, means = len(who), mean_worths()[respondents.segment[who]]
    worth = means + rng.normal(0, WORTH_SD, means.shape)
    shown = _shuffled(rng, (n, SETS), len(BENEFITS))[..., :SHOWN]
    utility = np.take_along_axis(worth[:, None, :].repeat(SETS, axis=1), shown, axis=2)
    best = (utility + rng.gumbel(size=shown.shape)).argmax(axis=2)[..., None] == np.arange(SHOWN)
    dislike = np.where(best, -np.inf, rng.gumbel(size=shown.shape) - utility)
    worst = dislike.argmax(axis=2)[..., None] == np.arange(SHOWN)
    return pd.DataFrame(
        {
            "respondent_id": respondents.ids[who].repeat(SETS * SHOWN),
            "task": np.tile(np.arange(1, SETS + 1).repeat(SHOWN), n),
            "item": np.array(BENEFITS, dtype=object)[shown].ravel(),
            "best": best.astype(np.int64).ravel(),
            "worst": worst.astype(np.int64).ravel(),
        }
    )


def mean_worths() -> FloatArray:
    """Worth of each benefit in the MaxDiff by needs segment, shape (4, 9); they sum to 0."""
    points = np.array([IMPORTANCE[name] for name in SEGMENTS])
    return WORTH_PER_POINT * (points - points.mean(axis=1, keepdims=True))
