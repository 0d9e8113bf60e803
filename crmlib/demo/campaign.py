"""A randomised campaign for insurance: the input table `contacts` of chapter 05.

Half of the chosen customers, by lot, were offered insurance in one week of the last
September. It pays with larger households alone, which the bank could see beforehand. The
outcome is the campaign's own measurement and stands beside the ledger, not in it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.demo.archetypes import INSURANCE, FloatArray
from crmlib.demo.holdings import Holdings
from crmlib.demo.ledger import COST, REVENUE
from crmlib.demo.people import People
from crmlib.demo.settings import END, BankSettings

CAMPAIGN = "insurance_offer"
FIRST_DAY, DAYS = np.datetime64("2025-09-01"), 5
WINDOW = 90  # days of outcome
CHOSEN = 0.85  # share of those who may be contacted and have no insurance
RESPONDERS_FROM = 3  # persons in the household
EFFECT, EFFECT_ELSEWHERE = 14.0, -1.0  # EUR in the window, by being assigned
CONTACT_COST = 4.0  # EUR a person contacted
PRE_MONTHS = 3  # June to August
PRE_CLIP = (-50.0, 250.0)  # EUR; a written-off debt says nothing of the next quarter
LEVEL, PER_PRE, SD = 5.0, 0.5, 32.0  # EUR: the outcome without the offer
ANSWERED, ANSWERED_ELSEWHERE = 0.20, 0.04
_CHANNELS = {"branch": "letter", "call_centre": "call", "online": "email", "mobile": "email"}


def contacts_table(
    settings: BankSettings, block: int, people: People, holdings: Holdings, book: np.ndarray
) -> pd.DataFrame:
    """Who was in the campaign, in which arm, and what came of it: cells as text."""
    rng = settings.rng(block, "campaign")
    month = _month(settings)
    who = np.flatnonzero(_eligible(people, holdings, month))
    who = np.sort(rng.choice(who, round(CHOSEN * len(who)), replace=False))
    n = len(who)
    treated = rng.permutation(np.arange(n) % 2 == 0)
    large = people.attributes["household_size"].to_numpy()[who] >= RESPONDERS_FROM
    before = pre_contribution(settings, book)[who].clip(*PRE_CLIP)
    usual = LEVEL + PER_PRE * before + rng.normal(0, SD, n)
    outcome = usual + treated * np.where(large, EFFECT, EFFECT_ELSEWHERE)
    sent = FIRST_DAY + rng.integers(0, DAYS, n)
    answers = treated & (rng.random(n) < np.where(large, ANSWERED, ANSWERED_ELSEWHERE))
    answered = sent + np.minimum(1 + rng.exponential(9.0, n).astype(np.int64), 60)
    liked = people.attributes["preferred_channel"].to_numpy()[who]
    return pd.DataFrame(
        {
            "customer_id": people.ids[who],
            "campaign": CAMPAIGN,
            "arm": np.where(treated, "treated", "control").astype(object),
            "channel": [_CHANNELS[each] for each in liked],
            "sent_at": np.datetime_as_string(sent, unit="D").astype(object),
            "responded_at": np.where(answers, np.datetime_as_string(answered, unit="D"), None),
            "outcome": [f"{each:.2f}" for each in outcome],
        }
    )


def pre_contribution(settings: BankSettings, book: np.ndarray) -> FloatArray:
    """Contribution in the three months before the campaign, EUR, shape (n,)."""
    month = _month(settings)
    past = book[..., month - PRE_MONTHS : month]
    revenue = past[:, :, REVENUE].sum(axis=(1, 2), dtype=np.int64)
    return (revenue - past[:, :, COST:].sum(axis=(1, 2, 3), dtype=np.int64)) / 100


def _eligible(people: People, holdings: Holdings, month: int) -> np.ndarray:
    """Customers in the month before who may be contacted, have no insurance and live alone
    in the file: of two who are merged it would not be clear who was meant."""
    merged = people.household != people.ids
    merged |= np.isin(people.ids, people.household[merged])
    before = month - 1
    insured = holdings.held[:, INSURANCE, before]
    consents = people.attributes["consent"].to_numpy(dtype=bool)
    return holdings.lives.active[:, before] & consents & ~insured & ~merged


def _month(settings: BankSettings) -> int:
    """The campaign's month of the window, from 0."""
    last = np.datetime64(END, "M") - FIRST_DAY.astype("datetime64[M]")
    return settings.months - 1 - int(last.astype(np.int64))
