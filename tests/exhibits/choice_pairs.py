"""Exhibits of choices from small experiments, each of which one argument changes."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import pandas as pd
from title_pairs import Pair

from crmlib.exhibits import Exhibit, Scope
from crmlib.exhibits import needs as exhibits
from crmlib.needs import (
    ConditionalLogit,
    DesignChecks,
    LatentClassLogit,
    MaxDiff,
    Preferences,
    Simulation,
    check_design,
    choice_table,
    held_out,
    simulate,
)

SCOPE = Scope("a bank: conjoint", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution", 10)  # fmt: skip
N, TASKS = 160, 8
PEOPLE = exhibits.Respondents(N, {"fee": "annual fee"})
ATTRIBUTES = ["fee", "points", "adviser"]
LEVEL = 0.95
OFFERS = pd.DataFrame(
    {"fee": [10.0, 60.0], "points": ["many", "few"], "adviser": [0.0, 1.0]},
    index=["plain card", "card with adviser"],
)


def choices(fee: float = -0.04, adviser: float = 1.0, few: int = 50) -> pd.DataFrame:
    """Two offers and none; the last `few` people want points only."""
    rng = np.random.default_rng(5)
    rows = N * TASKS * 3
    table = pd.DataFrame(
        {
            "respondent_id": np.repeat(np.arange(N), TASKS * 3),
            "task": np.tile(np.repeat(np.arange(TASKS), 3), N),
            "alternative": np.tile(["A", "B", "none"], N * TASKS),
            "fee": rng.choice([0.0, 40.0, 80.0], rows),
            "points": rng.choice(["few", "many"], rows),
            "adviser": rng.choice([0.0, 1.0], rows),
            "seconds": np.repeat(rng.choice([18.0, 20.0, 22.0], N), TASKS * 3),
        }
    )
    points = (table["points"] == "many") * np.where(table["respondent_id"] >= N - few, 4.0, 0.5)
    utility = fee * table["fee"] + adviser * table["adviser"] + points
    none = table["alternative"] == "none"
    utility = np.where(none, -1.5, utility) + rng.gumbel(size=rows)
    best = utility.reshape(-1, 3).argmax(axis=1)
    table["chosen"] = (np.arange(3) == best[:, None]).astype(int).ravel()
    table["points"] = table["points"].astype(object)
    table.loc[none, ATTRIBUTES] = np.nan
    return table


@cache
def preferences(
    fee: float = -0.04, adviser: float = 1.0, few: int = 50, classes: int = 2
) -> Preferences:
    table = choice_table(choices(fee, adviser, few), ATTRIBUTES, base={"points": "few"})
    model = LatentClassLogit(classes, n_init=4) if classes > 1 else ConditionalLogit()
    return model.fit(table).preferences()


@cache
def checks(quick: int = 20, fee: str | None = None) -> DesignChecks:
    """The first `quick` people took a second a task."""
    table = choices()
    table.loc[table["respondent_id"] < quick, "seconds"] = 1.0
    better = {"fee": "low"} if fee else None
    return check_design(table, ATTRIBUTES, seconds="seconds", better=better)


def design(alike: float) -> Exhibit:
    """In so many tasks both offers have the same fee."""
    table = choices()
    fixed = (table["task"] < alike * TASKS) & table["fee"].notna()
    table.loc[fixed, "fee"] = 40.0
    return exhibits.choice_design(check_design(table, ATTRIBUTES), PEOPLE, SCOPE)


def respondents(quick: int) -> Exhibit:
    return exhibits.choice_respondents(checks(quick), PEOPLE, ["speeder"], SCOPE)


def models(few: int) -> Exhibit:
    table = choice_table(choices(few=few), ATTRIBUTES)
    tried = {"one for all": ConditionalLogit(), "2 classes": LatentClassLogit(2, n_init=3)}
    return exhibits.choice_models(held_out(table, tried, last=2), PEOPLE, SCOPE)


def importance(adviser: float) -> Exhibit:
    return exhibits.attribute_importance(preferences(adviser=adviser), LEVEL, PEOPLE, SCOPE)


def worths(fee: float) -> Exhibit:
    return exhibits.part_worths(preferences(fee=fee), LEVEL, PEOPLE, SCOPE)


def payment(fee: float, classes: int = 2) -> Exhibit:
    found = preferences(fee=fee, classes=classes)
    return exhibits.what_people_would_pay(found, "fee", "EUR a year", LEVEL, PEOPLE, SCOPE)


def simulation(adviser: float = 1.0, few: int = 50) -> Simulation:
    return simulate(preferences(adviser=adviser, few=few), OFFERS, none=True)


def offers(adviser: float) -> Exhibit:
    found = preferences(adviser=adviser)
    return exhibits.offer_shares(simulation(adviser), found, PEOPLE, SCOPE)


@cache
def maxdiff(speed: float, n: int = 60) -> MaxDiff:
    """Three of four benefits at a time, of which speed is worth so much."""
    rng = np.random.default_rng(7)
    worth = {"speed": speed, "price": 1.5, "advice": 0.5, "range": 0.0}
    rows = []
    for person in range(n):
        for task in range(6):
            shown = rng.choice(list(worth), 3, replace=False)
            utility = np.array([worth[name] for name in shown]) + rng.gumbel(size=3)
            order = utility.argsort()
            for at, name in enumerate(shown):
                rows.append((person, task, name, int(at == order[2]), int(at == order[0])))
    columns = ["respondent_id", "task", "item", "best", "worst"]
    return MaxDiff().fit(pd.DataFrame(rows, columns=columns))


def wanted(speed: float) -> Exhibit:
    people = exhibits.Respondents(60)
    return exhibits.benefits_wanted(maxdiff(speed), LEVEL, people, SCOPE)


PAIRS: dict[str, Pair] = {
    "choice_design": (design, 0.5, 0.75),
    "choice_respondents": (respondents, 20, 30),
    "choice_models": (models, 50, 80),
    "attribute_importance": (importance, 1.0, 4.0),
    "part_worths": (worths, -0.04, -0.08),
    "willingness_to_pay": (payment, -0.04, -0.08),
    "willingness_to_pay of everybody": (lambda fee: payment(fee, classes=1), -0.04, -0.02),
    "offer_shares": (offers, 0.0, 4.0),
    "offer_shares that are close": (offers, 1.9, 2.1),
    "benefits_wanted": (wanted, 3.0, 4.0),
    "benefits_wanted that are close": (wanted, 1.5, 1.6),
}
