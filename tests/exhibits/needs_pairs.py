"""Results of a small survey, of which exhibits of needs are made."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import pandas as pd

from crmlib.exhibits import Scope
from crmlib.needs.breakpoints import Breakpoint
from crmlib.needs.capability import DISCIPLINES, CapabilityFit, capability_fit
from crmlib.needs.class_choice import ClassChoice, LikelihoodRatioTest
from crmlib.needs.described import Described, described
from crmlib.needs.drivers import Drivers, drivers
from crmlib.needs.fixes import Fixes, fixes, issues_to_mend
from crmlib.needs.kinked_line import KinkedLine
from crmlib.needs.latent_class import LatentClass
from crmlib.needs.loyalty import (
    Agreement,
    Cutoffs,
    ValueAtStake,
    agreement,
    loyalty_profile,
    value_at_stake,
)
from crmlib.needs.offers import Offers, best_offers
from crmlib.needs.projection import Projection, project, projection_accuracy
from crmlib.stats.intervals import Interval

SCOPE = Scope("a bank: survey", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
N = 300
REDRAWN = {"replications": 20, "seed": 1, "level": 0.9}
SEGMENTS = ("price", "service")


@cache
def classes(share: float = 0.6) -> LatentClass:
    """Two classes, one that wants price, one that wants service."""
    rng = np.random.default_rng(1)
    first = rng.random(N) < share
    answers = {
        name: np.where(rng.random(N) < np.where(first == wants, 0.9, 0.1), 5, 1)
        for name, wants in (("price", True), ("speed", True), ("service", False), ("care", False))
    }
    return LatentClass(2, n_init=3).fit(pd.DataFrame(answers))


def tried(best: int = 3) -> ClassChoice:
    """Two to four classes, of which one number is chosen."""
    k = np.array([2, 3, 4])
    table = pd.DataFrame(
        {"k": k, "llf": -900.0 + k, "bic": 1900.0 + abs(k - best), "icl": 1950.0 + abs(k - best),
         "classification_error": k / 50, "reached": 3, "starts": 5, "chosen": k == best}
    )  # fmt: skip
    return ClassChoice(table, {}, classes())


ONE_MORE = LikelihoodRatioTest(3, 4.0, 0.25, 99)


def stake(attached: float = 0.5, dissatisfied: float = 0.2) -> ValueAtStake:
    """All who stay emotive or inertial; who goes is dissatisfied, in such a share."""
    rng = np.random.default_rng(2)
    answers = pd.DataFrame(
        {
            "reassessment": 1.0,
            "attachment": np.where(rng.random(N) < attached, 5.0, 1.0),
            "satisfaction": 2.0,
            "life_change": 0.0,
            "behaviour": np.where(np.arange(N) < dissatisfied * N, "gone", "kept"),
        }
    )
    values = pd.DataFrame({"future_value": rng.gamma(2, 500, N)})
    profile = loyalty_profile(answers, Cutoffs(4, 4, 1, 6))
    return value_at_stake(profile, values, population=1000, **REDRAWN)


def checked(agreed: float) -> tuple[Agreement, pd.Series]:
    """Who is attached, and latent classes that say the same of such a share of people."""
    attached = np.arange(N) % 2
    answers = pd.DataFrame({"reassessment": 1.0, "attachment": np.where(attached, 5.0, 1.0),
                            "satisfaction": 8.0, "life_change": 0.0,
                            "behaviour": "kept"})  # fmt: skip
    profile = loyalty_profile(answers, Cutoffs(4, 4, 1, 6))
    told = np.where(np.arange(N) < agreed * N, attached, 1 - attached)
    return agreement(
        profile, pd.DataFrame(np.eye(2)[told], columns=["class 1", "class 2"])
    ), profile


def answered(service: float = 0.6) -> tuple[pd.DataFrame, pd.Series]:
    """Answers to two issues, and satisfaction, of which service counts so much."""
    rng = np.random.default_rng(3)
    items = pd.DataFrame({name: rng.integers(1, 11, N) for name in ("fees", "service")})
    return items, service * items["service"] + (1 - service) * items["fees"] + rng.normal(size=N)


@cache
def driven(service: float = 0.6) -> Drivers:
    """Satisfaction by two issues, of which service counts so much and fees the rest."""
    return drivers(*answered(service), **REDRAWN)


def breakpoint(p: float) -> Breakpoint:
    """A kink at 7 that is believed where `p` is small."""
    near = [Interval(value, value - 0.1, value + 0.1, 0.9) for value in (7.0, 0.3, 0.5, 0.0)]
    drawn = KinkedLine(*(np.full(3, near[place].value) for place in (0, 2, 3)))
    return Breakpoint("fees", *near, p, p, 0.05, N, drawn)


def ranked(cost: float) -> Fixes:
    """What to fix where a point of an issue costs so much."""
    found = driven()
    costs = dict.fromkeys(found.table["item"], cost)
    issues = issues_to_mend(found, {}, answered()[0], costs, {}, 9.0)
    return fixes(issues, 100.0, [90.0, 110.0], headroom=4.0, level=0.9)


@cache
def projected(blur: float = 0.5) -> Projection:
    """One column that tells which of two segments somebody is in, but for so much blur."""
    rng = np.random.default_rng(4)
    ids = pd.Index([f"C{at}" for at in range(600)], name="customer_id")
    first = rng.random(600) < 0.65
    customers = pd.DataFrame({"age": first + blur * rng.normal(size=600)}, ids)
    chances = pd.DataFrame({"price": first * 1.0, "service": 1.0 - first}, ids).iloc[:N]
    held = projection_accuracy(customers, chances, trees=False, **REDRAWN)
    return project(held, customers)


def offered(cost: float) -> Offers:
    """Two segments that like different offers, each of which costs so much to have."""
    chances = pd.DataFrame([[0.3, 0.1], [0.1, 0.25]], list(SEGMENTS), ["basic", "premium"])
    draws = chances.to_numpy() + 0.02 * np.random.default_rng(5).normal(size=(20, 2, 2))
    sizes = pd.Series([600.0, 400.0], list(SEGMENTS))
    margin = pd.Series(10.0, chances.columns)
    return best_offers(chances, sizes, margin, dict.fromkeys(chances, cost), level=0.9, draws=draws)


def fitted(service: float) -> CapabilityFit:
    """Two segments and two needs, of which the company serves one by such a score."""
    importance = pd.DataFrame([[4.0, 1.0], [1.0, 4.0]], list(SEGMENTS), ["price", "service"])
    belongs = pd.DataFrame([[0, 1, 0], [0, 0, 1]], importance.columns, list(DISCIPLINES))
    draws = importance.to_numpy() + 0.1 * np.random.default_rng(6).normal(size=(20, 2, 2))
    scores = pd.Series({"price": 3.0, "service": service})
    return capability_fit(importance, scores, belongs, scale=(1, 5), level=0.9, draws=draws)


@cache
def who(older: float) -> Described:
    """Who wants service is so many years older, and likes the branch rather."""
    rng = np.random.default_rng(7)
    first = rng.random(N) < 0.6
    posterior = pd.DataFrame({"price": first * 1.0, "service": 1.0 - first})
    branch = rng.random(N) < np.where(first, 0.3, 0.5)
    about = pd.DataFrame(
        {
            "age": rng.normal(40 + older * ~first, 8),
            "channel": np.where(branch, "branch", "online"),
            "height": rng.normal(170, 9, N),
        }
    )
    return described(posterior, about, level=0.9)
