"""Changes in customers' lives: as often as planted, seen in the data, expected exactly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crmlib.demo import cards, holdings, ledger, lives, people, tariff
from crmlib.demo.archetypes import ARCHETYPES, LOAN
from crmlib.demo.settings import BLOCK, BankSettings


def rate(bank, kind: pd.Series) -> float:
    return kind.sum() / bank.years


def test_changes_are_as_frequent_as_planted(bank):
    """Of customer years; the ranges are the brief's, the sampling error is a tenth of them."""
    truth = bank.truth
    last = str(bank.settings.calendar[-1])
    assert 0.12 <= rate(bank, truth["migration"] == "down") <= 0.18
    assert 0.05 <= rate(bank, truth["left"] <= last) <= 0.07
    assert 0.02 <= rate(bank, truth["migration"] == "up") <= 0.06


def test_more_value_is_lost_to_shrinking_than_to_leaving(bank):
    """In expectation, and at least half as much again; both are sensible parts of the profit."""
    truth = bank.truth
    shrunk = truth.loc[truth["migration"] == "down", "lost_by_migration"].sum()
    gone = truth["lost_by_leaving"].sum()
    assert shrunk > 1.5 * gone > 0
    assert 0.1 < shrunk / bank.profit.sum() * 3 < 0.5  # of a year's profit, over three years


def test_the_ledger_shows_what_migration_takes(bank):
    """Revenue of the year before and after, in the middle of the window, of who stays."""
    truth = bank.truth.set_index("customer_id")
    middle = truth["migration_month"].between("2024-01", "2025-01") & truth["left"].isna()
    moved = truth[middle & (truth["migration"] == "down")]
    rows = bank.tables["ledger"]
    balances = rows[
        (rows["line"] == "revenue")
        & rows["product"].isin(["current_account", "savings"])
        & rows["customer_id"].isin(moved.index)
    ]
    month = pd.to_datetime(balances["month"]).dt.to_period("M")
    at = balances["customer_id"].map(moved["migration_month"]).astype("period[M]")
    age = month.astype("int64") - at.astype("int64")
    before = balances.loc[age.between(-12, -1), "amount"].sum()
    after = balances.loc[age.between(0, 11), "amount"].sum()
    assert 0.4 < after / before < 0.8  # the factor is 4/9 on average, fees stay


def test_who_leaves_ends_everything_in_that_month(bank):
    last = str(bank.settings.calendar[-1])
    gone = bank.truth[bank.truth["left"] <= last].set_index("customer_id")["left"]
    contracts = bank.tables["contracts"]
    mine = contracts[contracts["customer_id"].isin(gone.index)]
    ends = mine.groupby("customer_id")["end_date"].agg(lambda dates: dates.fillna("9999").max())
    assert ends.str[:7].equals(gone.reindex(ends.index))
    rows = bank.tables["ledger"]
    behind = rows["month"].astype(str).str[:7] > rows["customer_id"].map(gone).fillna("9999")
    assert not behind.any()


def test_leavers_call_before_they_leave(bank):
    """Three times as often in the last three months: an early sign that can be found."""
    gone = bank.truth[bank.truth["left"].between("2023-09", "2025-12")]
    rows = bank.tables["ledger"]
    calls = rows[(rows["channel"] == "call_centre") & rows["customer_id"].isin(gone["customer_id"])]
    left = calls["customer_id"].map(gone.set_index("customer_id")["left"]).astype("period[M]")
    age = left.astype("int64") - pd.to_datetime(calls["month"]).dt.to_period("M").astype("int64")
    usual = calls.loc[age.between(3, 8), "amount"].sum() / 6
    late = calls.loc[age.between(0, 2), "amount"].sum() / 3
    assert 2.2 < late / usual < 4.2


def test_one_archetype_is_born_and_one_dies(bank):
    joined = bank.tables["customers"].set_index("customer_id")["joined"]
    archetype = bank.truth.set_index("customer_id")["archetype"]
    phases = {each.name: each.phase for each in ARCHETYPES}
    phase = archetype.map(phases)
    born = str(bank.settings.calendar[bank.settings.born_month])
    assert joined[phase == "emerging"].min() >= born
    assert joined[phase == "dying"].max() < "2023-01-01"
    rows = bank.tables["ledger"][["customer_id", "month"]].drop_duplicates()
    month = rows["month"].astype(str).str[:7]
    share = {
        at: archetype[rows.loc[month == at, "customer_id"]].value_counts(normalize=True)
        for at in ("2023-03", "2025-12")
    }
    assert "app_native" not in share["2023-03"].index
    assert share["2025-12"]["app_native"] > 0.08
    assert share["2025-12"]["passbook_saver"] < 0.75 * share["2023-03"]["passbook_saver"]


@pytest.fixture(scope="module")
def known():
    """20,000 customers over 36 months."""
    settings = BankSettings(customers=10 * BLOCK, seed=5)
    made = []
    for block in range(10):
        persons = people.draw_customers(settings, block, BLOCK)
        life = lives.draw_lives(settings, block, persons)
        made.append((persons, life, holdings.draw_holdings(settings, block, persons, life)))
    return settings, made


def until(life: lives.Lives, months: int) -> lives.Lives:
    """The same lives as they stand after some months: what comes later is not known yet."""
    known = life.moved < months
    return dataclasses.replace(
        life,
        months=months,
        moved=np.where(known, life.moved, lives.NEVER),
        direction=np.where(known, life.direction, lives.STAYS),
        factor=np.where(known, life.factor, 1.0),
    )


def test_the_expected_year_is_what_happens_on_average(known):
    """The last of three years against its expectation after two; four standard errors."""
    _, made = known
    for quantity in ("active", "level", "warns"):
        errors = []
        for _, life, _ in made:
            expected = getattr(lives.expect_next_year(until(life, 24)), quantity).sum(axis=1)
            here = life.active[:, 24:]
            happened = here * (life.level[:, 24:] if quantity == "level" else 1)
            if quantity == "warns":
                happened = here & life.warns[:, 24:]
            errors.append((happened.sum(axis=1) - expected)[life.joined < 24])
        error = np.concatenate(errors)
        assert error.std() > 0
        assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(error)), quantity


def test_the_expected_profit_is_what_the_ledger_brings_on_average(known):
    settings, made = known
    shorter = dataclasses.replace(settings, months=24)
    errors, brought = [], 0.0
    for block, (persons, life, held) in enumerate(made):
        buyers = cards.draw_buyers(settings, block, persons)
        bought = cards.draw_purchases(settings, block, held, buyers)
        terms = tariff.draw_tariff(settings, block, persons, buyers)
        book = ledger.draw_ledger(settings, block, held, terms, bought)[..., 24:]
        opened = held.opened.copy()
        opened[opened[:, LOAN] >= 36, LOAN] = lives.NEVER  # taken in a year that is not foretold
        past = until(life, 24)
        then = dataclasses.replace(held, lives=past, opened=opened)
        ahead = lives.expect_next_year(past)
        expected = tariff.expected_next_year(shorter, then, terms, ahead)
        profit = ledger.profit_by_customer(book)
        errors.append((profit - expected)[life.joined < 24])
        brought += profit[life.joined < 24].sum()
    error = np.concatenate(errors)
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(error))
    assert abs(error.sum()) < 0.03 * brought
