"""Who the bank's customers and prospects are: archetype, attributes, day of joining.

Attributes follow from the archetype by chance alone: they tell something of it, and no
combination of them gives it away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.demo import roles
from crmlib.demo.archetypes import (
    ARCHETYPES,
    BRANCH,
    CHANNELS,
    INCOME_BANDS,
    OCCUPATIONS,
    REGIONS,
    SHARES,
    BoolArray,
    FloatArray,
    IntArray,
    of_members,
)
from crmlib.demo.settings import BLOCK, END, PROSPECTS_PER_CUSTOMER, BankSettings

ADULT = 18
JOINING_A_YEAR = 0.10  # share of the customers of a year who joined in it
LAST_JOINING = 15  # nobody joins in the last days of the window
HOUSEHOLDS = 0.03  # share of neighbours in the file who are one household
PERSON_SHAPE = 5.0  # of gamma factors with mean 1 on all contacts of a person,
CHANNEL_SHAPE = 4.0  # and on those by each channel
OWN_CHANNEL = 0.7  # the preferred channel is the one used most, else any
ACQUIRED_BY = ("branch", "online", "partner", "referral")
ACQUISITION_COST = np.array([145.0, 60.0, 95.0, 30.0])  # EUR, mean
_BY_PHASE = {  # shares of ACQUIRED_BY
    "stable": (0.40, 0.28, 0.17, 0.15),
    "emerging": (0.03, 0.52, 0.12, 0.33),
    "dying": (0.85, 0.02, 0.03, 0.10),
}


@dataclass(frozen=True)
class People:
    """Customers of one block, or prospects: one element of each array for each person.

    Attributes
    ----------
    ids : array of str
        `customer_id`.
    household : array of str
        `customer_id` of the person whose household it is.
    archetype : array of int
        Position in `ARCHETYPES`.
    joined : array of datetime64[D]
        Empty (NaT) for prospects.
    joined_month : array of int
        Month of the window, from 0; negative before it.
    contacts : array of shape (n, 4)
        Contacts a month that are expected by `CHANNELS`.
    attributes : DataFrame
        Further columns of the table `customers`.
    """

    ids: np.ndarray
    household: np.ndarray
    archetype: IntArray
    joined: np.ndarray
    joined_month: IntArray
    contacts: FloatArray
    attributes: pd.DataFrame


def draw_customers(settings: BankSettings, block: int, n: int) -> People:
    """The customers of one block."""
    rng = settings.rng(block, "people")
    archetype = rng.choice(len(ARCHETYPES), n, p=SHARES)
    born = _births(rng, archetype)
    joined = _joining(rng, settings, archetype, born)
    born = np.minimum(born, joined.astype("datetime64[Y]").astype(np.int64) + 1970 - ADULT)
    contacts = _contacts(rng, archetype)
    ids = _ids("C", block * BLOCK, n)
    household = ids.copy()
    pairs = np.flatnonzero(rng.random(n // 2) < HOUSEHOLDS)
    household[2 * pairs + 1] = ids[2 * pairs]
    attributes = _attributes(rng, archetype, born, contacts)
    attributes.loc[2 * pairs + 1, "region"] = attributes.loc[2 * pairs, "region"].to_numpy()
    attributes["acquisition_channel"], attributes["acquisition_cost"] = _acquisition(
        rng, archetype, joined >= np.datetime64(settings.start)
    )
    members = np.zeros(n, dtype=bool)
    members[2 * pairs + 1] = True
    attributes = attributes.join(roles.draw_roles(settings, block, attributes, members))
    month = (joined.astype("datetime64[M]") - settings.first_month).astype(np.int64)
    return People(ids, household, archetype, joined, month, contacts, attributes)


def draw_prospects(settings: BankSettings, block: int, n: int) -> People:
    """People who are not customers yet: none of the archetype that dies out."""
    rng = settings.rng(block, "prospects")
    n = round(PROSPECTS_PER_CUSTOMER * n)
    dying = np.array([each.phase == "dying" for each in ARCHETYPES])
    archetype = rng.choice(len(ARCHETYPES), n, p=np.where(dying, 0, SHARES) / SHARES[~dying].sum())
    contacts = _contacts(rng, archetype)
    attributes = _attributes(rng, archetype, _births(rng, archetype), contacts)
    attributes["acquisition_channel"], attributes["acquisition_cost"] = None, np.nan
    attributes[list(roles.TESTS)] = None
    ids = _ids("P", round(PROSPECTS_PER_CUSTOMER * BLOCK) * block, n)
    never = np.full(n, "NaT", dtype="datetime64[D]")
    return People(ids, ids, archetype, never, np.zeros(n, dtype=np.int64), contacts, attributes)


def customers_table(people: People, *, prospects: bool) -> pd.DataFrame:
    """The input table `customers`, as a bank would export it; money in cents."""
    table = people.attributes
    first = pd.DataFrame(
        {
            "customer_id": people.ids,
            "joined": np.datetime_as_string(people.joined, unit="D"),
            "preferred_channel": table["preferred_channel"],
            "consent": np.where(table["consent"], "yes", "no"),
            "is_prospect": "yes" if prospects else "no",
            **{test: table[test] for test in roles.TESTS},
            "acquisition_cost": table["acquisition_cost"],
        }
    )
    first["joined"] = first["joined"].mask(first["joined"] == "NaT", None)
    own = ["preferred_channel", "consent", *roles.TESTS, "acquisition_cost"]
    return pd.concat([first, table.drop(columns=own)], axis=1)


def _contacts(rng: np.random.Generator, archetype: IntArray) -> FloatArray:
    """Contacts a month by channel: the archetype's, times the person's and the channel's own."""
    n = len(archetype)
    person = rng.gamma(PERSON_SHAPE, 1 / PERSON_SHAPE, (n, 1))
    channel = rng.gamma(CHANNEL_SHAPE, 1 / CHANNEL_SHAPE, (n, len(CHANNELS)))
    return of_members("contacts", archetype) * person * channel


def _ids(letter: str, before: int, n: int) -> np.ndarray:
    numbers = np.arange(before + 1, before + n + 1)
    return np.char.add(letter, np.char.zfill(numbers.astype(str), 8)).astype(object)


def _births(rng: np.random.Generator, archetype: IntArray) -> IntArray:
    mean, sd = of_members("born", archetype).T
    years = np.rint(rng.normal(mean, sd)).astype(np.int64)
    return np.clip(years, END.year - 97, END.year - ADULT)


def _joining(
    rng: np.random.Generator, settings: BankSettings, archetype: IntArray, born: IntArray
) -> np.ndarray:
    """Days of joining: in the window, or a gamma distributed tenure before it."""
    n, start = len(archetype), np.datetime64(settings.start)
    days = int((np.datetime64(END) - start).astype(int)) - LAST_JOINING
    phase = np.array([each.phase for each in ARCHETYPES])[archetype]
    new = rng.random(n) < 1 - np.exp(-JOINING_A_YEAR * settings.months / 12)
    new = np.where(phase == "stable", new, phase == "emerging")
    opens = settings.first_month + np.int64(settings.born_month)
    earliest = np.where(phase == "emerging", (opens.astype("datetime64[D]") - start).astype(int), 0)
    inside = earliest + np.floor(rng.random(n) * (days - earliest)).astype(np.int64)
    tenure = rng.gamma(1.5, of_members("tenure", archetype) / 1.5)
    tenure = np.clip(tenure, 0.02, np.maximum(settings.start.year - born - ADULT, 0.1))
    return start + np.where(new, inside, -np.ceil(365.25 * tenure).astype(np.int64))


def _attributes(
    rng: np.random.Generator, archetype: IntArray, born: IntArray, contacts: FloatArray
) -> pd.DataFrame:
    n = len(archetype)
    most_used = np.argmax(contacts * [8.0, 4.0, 1.0, 1.0], axis=1)  # a visit is worth clicks
    liked = np.where(rng.random(n) < OWN_CHANNEL, most_used, rng.integers(0, len(CHANNELS), n))
    return pd.DataFrame(
        {
            "preferred_channel": _words(CHANNELS, liked),
            "consent": rng.random(n) < np.where(liked == BRANCH, 0.66, 0.80),
            "birth_year": born,
            "gender": _words(("f", "m"), (rng.random(n) < 0.49).astype(np.int64)),
            "region": _words(REGIONS, _pick(rng, of_members("regions", archetype))),
            "income_band": _words(INCOME_BANDS, _pick(rng, of_members("income", archetype))),
            "occupation": _words(OCCUPATIONS, _pick(rng, of_members("occupations", archetype))),
            "household_size": 1 + np.minimum(rng.poisson(of_members("household", archetype)), 6),
        }
    )


def _acquisition(
    rng: np.random.Generator, archetype: IntArray, in_window: BoolArray
) -> tuple[pd.Series, FloatArray]:
    """How those who joined in the window were won, and what it cost; nothing of the others."""
    shares = np.array([_BY_PHASE[each.phase] for each in ARCHETYPES])[archetype]
    way = _pick(rng, shares)
    cost = np.rint(100 * ACQUISITION_COST[way] * rng.gamma(6.0, 1 / 6.0, len(way)))
    return (
        _words(ACQUIRED_BY, way).where(in_window, None),
        np.where(in_window, cost, np.nan),
    )


def _pick(rng: np.random.Generator, shares: FloatArray) -> IntArray:
    """One category for each row of probabilities."""
    draws = rng.random((len(shares), 1))
    return np.minimum((shares.cumsum(axis=1) < draws).sum(axis=1), shares.shape[1] - 1)


def _words(known: tuple[str, ...], positions: IntArray) -> pd.Series:
    return pd.Series(np.array(known, dtype=object)[positions])
