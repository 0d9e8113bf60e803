"""Card purchases: gamma rates, season, refunds, defects, and cards that lead to customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from whole_bank import make_bank

from crmlib.demo.archetypes import ARCHETYPES
from crmlib.demo.cards import DEFECTS
from crmlib.demo.settings import SEASON


def purchases(bank) -> pd.DataFrame:
    """Rows that are what they seem, with the customer's own id."""
    rows = bank.tables["transactions"].drop_duplicates()
    rows = rows[rows["customer_id"].notna() & (rows["amount"] > 0)]
    rows = rows[~rows["date"].str.endswith("02-30")]
    owner = bank.tables["identities"].set_index("source_id")["customer_id"]
    return rows.assign(owner=rows["customer_id"].map(owner))


def test_there_are_as_many_cards_and_purchases_as_planned(bank):
    contracts = bank.tables["contracts"]
    holders = contracts.loc[contracts["product"] == "credit_card", "customer_id"].nunique()
    assert 0.58 <= holders / len(bank.truth) <= 0.66
    assert 60_000 <= len(bank.tables["transactions"]) <= 110_000
    assert 300_000 <= len(bank.tables["ledger"]) <= 480_000


def test_every_card_leads_to_a_customer_who_holds_one(bank):
    rows = purchases(bank)
    assert rows["owner"].notna().all()
    contracts = bank.tables["contracts"]
    cards = contracts[contracts["product"] == "credit_card"].set_index("customer_id")
    assert rows["owner"].isin(cards.index).all()
    assert (rows["date"] >= rows["owner"].map(cards["start_date"])).all()
    ends = rows["owner"].map(cards["end_date"]).fillna("9999-12-31")
    assert (rows["date"] <= ends).all()


def test_some_customers_have_two_cards_and_some_are_one_household(bank):
    pairs = bank.tables["identities"]
    assert pairs["source_id"].is_unique
    of_cards = pairs[~pairs["source_id"].str.startswith("C")]
    two = of_cards["customer_id"].value_counts() == 2
    assert 0.09 <= two.mean() <= 0.15
    merged = pairs[pairs["source_id"].str.startswith("C")]
    households = bank.truth[bank.truth["customer_id"] != bank.truth["household"]]
    assert merged["source_id"].tolist() == households["customer_id"].tolist()
    assert merged["customer_id"].tolist() == households["household"].tolist()
    assert 0.005 <= len(merged) / len(bank.truth) <= 0.025
    assert not merged["customer_id"].isin(merged["source_id"]).any()


def test_rates_are_gamma_distributed_within_each_archetype(bank):
    """Kolmogorov–Smirnov at .001 for each of six archetypes and four seeds."""
    for each in ARCHETYPES:
        rates = bank.truth.loc[bank.truth["archetype"] == each.name, "card_rate"]
        law = stats.gamma(each.card_shape, scale=each.card_rate / each.card_shape)
        assert stats.kstest(rates, law.cdf).pvalue > 0.001, each.name


def test_purchases_follow_the_rates(bank):
    """Customers with a card through the whole window and no change: Poisson around the rate."""
    contracts = bank.tables["contracts"]
    whole = contracts[
        (contracts["product"] == "credit_card")
        & (contracts["start_date"] < "2023-01-01")
        & contracts["end_date"].isna()
    ]
    truth = bank.truth[bank.truth["migration"] == "none"].set_index("customer_id")
    truth = truth[truth.index.isin(whole["customer_id"])]
    bought = purchases(bank)["owner"].value_counts().reindex(truth.index, fill_value=0)
    expected = 36 * truth["card_rate"]
    error = (bought - expected) / np.sqrt(expected)
    assert abs(bought.sum() / expected.sum() - 1) < 0.02  # defects take .24 %
    assert 0.9 < (error[expected > 5] ** 2).mean() < 1.1
    assert bought.var() > 5 * bought.mean()  # far from one rate for all


def test_december_peaks_and_august_dips(bank):
    counts = purchases_by_month(bank)
    assert counts.idxmax() == 12 and counts.idxmin() in (2, 8)
    assert counts[8] < counts[7] and counts[8] < counts[9]
    assert largest_deviation(counts, SEASON) < 4


def test_without_season_no_month_stands_out():
    counts = purchases_by_month(make_bank(seasonality=False))
    assert largest_deviation(counts, np.ones(12)) < 4
    assert largest_deviation(counts, SEASON) > 10


def largest_deviation(counts: pd.Series, season: np.ndarray) -> float:
    """From the season's months, in standard errors of a Poisson count; 4 is once in 1,300."""
    expected = counts.sum() * season / season.sum()
    return float((abs(counts - expected) / np.sqrt(expected)).max())


def purchases_by_month(bank) -> pd.Series:
    """By calendar month, of customers with a card throughout and without a change."""
    contracts = bank.tables["contracts"]
    whole = contracts[
        (contracts["product"] == "credit_card")
        & (contracts["start_date"] < "2023-01-01")
        & contracts["end_date"].isna()
    ]
    quiet = bank.truth.loc[bank.truth["migration"] == "none", "customer_id"]
    rows = purchases(bank)
    rows = rows[rows["owner"].isin(whole["customer_id"]) & rows["owner"].isin(quiet)]
    return rows["date"].str[5:7].astype(int).value_counts().sort_index()


def test_amounts_scatter_around_each_customers_own(bank):
    rows = purchases(bank)
    rows = rows[rows["amount"] > 0.5]
    ticket = bank.truth.set_index("customer_id")["card_ticket"]
    ratio = np.log(rows["amount"] / rows["owner"].map(ticket))
    assert abs(ratio.mean()) < 0.02
    assert ratio.std() == pytest.approx(0.70, abs=0.02)


def test_refunds_carry_the_number_of_an_earlier_purchase(bank):
    rows = bank.tables["transactions"]
    back = rows[rows["amount"] < 0]
    paid = rows[rows["amount"] > 0].drop_duplicates("order_id").set_index("order_id")
    first = paid.loc[back["order_id"]]
    assert (first["date"].to_numpy() < back["date"].to_numpy()).all()
    assert (first["customer_id"].to_numpy() == back["customer_id"].to_numpy()).all()
    assert (first["amount"].to_numpy() >= -back["amount"].to_numpy()).all()
    assert len(back) == bank.planted["refunds in full"] + bank.planted["refunds in part"]
    assert 0.015 < len(back) / len(rows) < 0.025


def test_defects_are_few_and_counted(bank):
    rows = bank.tables["transactions"]
    found = {
        "exact duplicate row": rows.duplicated().sum(),
        "missing customer_id": rows["customer_id"].isna().sum(),
        "unreadable date": rows["date"].str.endswith("-02-30").sum(),
        "zero amount": (rows["amount"] == 0).sum(),
    }
    assert found == {reason: bank.planted[reason] for reason in DEFECTS}
    assert all(0 < count < 0.002 * len(rows) for count in found.values())
