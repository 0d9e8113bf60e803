"""Profit is as unequal as in real banks, and the ledger scatters around its truth.

Sources of the ranges: segment decks and workshops of 2000 to 2004 put four fifths of a
bank's profit on a fifth of its customers (76 to 90 % by product), and find 15 to 30 %
of customers unprofitable.
"""

from __future__ import annotations

import numpy as np
import pytest
from whole_bank import make_bank

from crmlib import value
from crmlib.demo.archetypes import ARCHETYPES
from crmlib.demo.tariff import WRITE_OFF


def test_a_fifth_of_the_customers_holds_most_of_the_profit(bank):
    curve = value.concentration(bank.profit)
    assert 0.75 <= curve.top(0.2) <= 0.90


def test_some_customers_are_unprofitable_and_the_whale_curve_says_so(bank):
    assert 0.15 <= (bank.profit < 0).mean() <= 0.30
    assert value.concentration(bank.profit).curve["value"].max() > 1.05


def test_every_customer_stands_in_the_ledger_with_the_profit_of_the_truth(bank):
    found = bank.truth.set_index("customer_id")["profit"]
    assert np.allclose(bank.profit.reindex(found.index, fill_value=0), found, atol=0.005)
    assert bank.profit.index.isin(found.index).all()


def test_the_ledger_scatters_around_the_expected_profit(bank):
    """Four standard errors: the scatter of customers, and write-offs, which may be none."""
    error = bank.truth["profit"] - bank.truth["expected_profit"]
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(error))
    mean, sd = WRITE_OFF
    for each in ARCHETYPES:
        errors = error[bank.truth["archetype"] == each.name]
        write_offs = each.default_risk * 3 * len(errors) * np.exp(2 * mean + 2 * sd**2)
        assert abs(errors.sum()) < 4 * np.sqrt(len(errors) * errors.var() + write_offs), each.name
    assert np.corrcoef(bank.truth["profit"], bank.truth["expected_profit"])[0, 1] > 0.9


def test_profit_of_archetypes_is_ordered_as_planted(bank):
    mean = bank.truth.groupby("archetype")["profit"].mean()
    assert mean.idxmax() == "advised_affluent"
    assert mean.nsmallest(2).index.isin(["app_native", "passbook_saver"]).all()
    assert set(mean.index) == {each.name for each in ARCHETYPES}


def test_costs_are_positive_and_lines_are_complete(bank):
    ledger = bank.tables["ledger"]
    assert (ledger["amount"] > 0).all()
    assert set(ledger["line"]) == {"revenue", "cost_to_serve", "risk_cost", "marketing"}
    served = ledger["line"] == "cost_to_serve"
    assert (ledger["channel"].notna() == served).all()
    key = ["customer_id", "month", "product", "line", "channel"]
    assert not ledger.duplicated(key).any()


def test_revenue_is_of_products_that_are_held(bank):
    """No revenue before the contract's month of opening, nor behind its end."""
    ledger, contracts = bank.tables["ledger"], bank.tables["contracts"]
    earned = ledger[ledger["line"] == "revenue"].merge(contracts, on=["customer_id", "product"])
    assert len(earned) == (ledger["line"] == "revenue").sum()
    month = earned["month"].astype(str).str[:7]
    assert (month >= earned["start_date"].str[:7]).all()
    behind = month > earned["end_date"].str[:7].fillna("9999")
    # savings are booked at the end of the quarter in which the contract ends
    assert set(earned.loc[behind, "product"]) <= {"savings"}
    assert behind.mean() < 0.005


@pytest.mark.parametrize("product", ["current_account", "savings", "insurance"])
def test_a_contract_earns_its_monthly_margin(product):
    """Of customers without a change; the noise of a month is 5 %, of the whole less."""
    bank = make_bank()
    ledger, contracts = bank.tables["ledger"], bank.tables["contracts"]
    quiet = bank.truth.loc[bank.truth["migration"] == "none", "customer_id"]
    old = contracts[
        (contracts["product"] == product)
        & contracts["end_date"].isna()
        & (contracts["start_date"] < "2023-01-01")
        & contracts["customer_id"].isin(quiet)
    ].set_index("customer_id")["monthly_margin"]
    rows = ledger[(ledger["line"] == "revenue") & (ledger["product"] == product)]
    earned = rows.groupby("customer_id")["amount"].sum().reindex(old.index) / 36
    assert earned.sum() == pytest.approx(old.sum(), rel=0.01)
    assert np.allclose(earned, old, rtol=0.06, atol=0.02)
