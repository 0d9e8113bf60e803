"""Contracts of the demo bank, most of which began before its window, against planted risks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.value import (
    contract_models,
    contract_spells,
    ends_together,
    export_check,
    kaplan_meier_by_group,
    recorded_ends,
    running_values,
)

BANK = Path(__file__).parents[2] / "data" / "demo_bank"
WINDOW = {"start": "2023-01-01", "end": "2025-12-31"}
TERM = "personal_loan"  # ends at its term; the others by chance


@pytest.fixture(scope="module")
def spells() -> pd.DataFrame:
    contracts = pd.read_csv(BANK / "contracts.csv")
    return contract_spells(contracts, **WINDOW).rename(columns={"monthly_margin": "margin"})


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return pd.read_csv(BANK / "truth" / "customers.csv.gz").set_index("customer_id")


def risk_of_a_month(spells: pd.DataFrame, leave: pd.Series) -> pd.Series:
    """Planted probability of each contract to end in a month, its customer's risk given."""
    constants = json.loads((BANK / "truth" / "bank.json").read_text())["constants"]
    own = dict(zip(constants["products"], constants["product_ended_a_month"], strict=True))
    # one product lasts as long as the customer: the first of these that there is
    rank = spells["product"].map({"current_account": 0, "savings": 1, "credit_card": 2})
    anchor = rank.eq(rank.groupby(spells["customer_id"]).transform("min"))
    ends = spells["product"].map(own).mask(anchor, 0.0)
    return 1 - (1 - spells["customer_id"].map(leave)) * (1 - ends)


def after_migration(truth: pd.DataFrame) -> pd.Series:
    """Probability of leaving in a month once a customer has migrated, or never will."""
    constants = json.loads((BANK / "truth" / "bank.json").read_text())["constants"]
    times = {
        "none": 1.0,
        "down": constants["leaving_after_migration_down_times"],
        "up": constants["leaving_after_migration_up_times"],
    }
    return truth["leave_risk"] * truth["migration"].fillna("none").map(times)


@pytest.fixture(scope="module")
def monthly_risk(spells, truth) -> pd.Series:
    """Planted probability of each contract to end in a month after the window."""
    return risk_of_a_month(spells, after_migration(truth))


@pytest.fixture(scope="module")
def risk_in_window(spells, truth) -> pd.Series:
    """The same of a month within it, on average over those before and after the migration."""
    first = pd.to_datetime(spells["start_date"]).clip(lower=pd.Timestamp(WINDOW["start"]))
    last = pd.to_datetime(spells["end_date"]).fillna(pd.Timestamp(WINDOW["end"]))
    moved = pd.to_datetime(spells["customer_id"].map(truth["migration_month"])).fillna(last)
    share = ((last - moved) / (last - first).clip(lower=pd.Timedelta(days=1))).clip(0, 1)
    before = risk_of_a_month(spells, truth["leave_risk"])
    return before + share * (risk_of_a_month(spells, after_migration(truth)) - before)


def test_the_export_is_a_window_and_its_ends_are_complete(spells):
    for product, own in spells.groupby("product"):
        check = export_check(own["duration"], own["ended"], own["entry"], unit="month")
        assert check.verdict == "window", product
        assert check.agree == (product == TERM)
    assert recorded_ends(spells["end_date"], **WINDOW).plausible


def test_rates_of_loss_are_the_planted_ones(spells, risk_in_window):
    """Per product within 10 %; running customers are those with the lower risks."""
    models = contract_models(spells, level=0.9)
    for product, model in models.items():
        if product == TERM:
            assert model.kind == "life table"
            continue
        planted = risk_in_window[spells["product"] == product]
        at_risk = (spells["duration"] - spells["entry"])[planted.index]
        assert model.kind == "sBG"
        assert model.counts.rate == pytest.approx(np.average(planted, weights=at_risk), rel=0.1)


def test_loans_end_at_their_terms(spells):
    model = contract_models(spells, level=0.9)[TERM]
    hazard = model.fitted.table["hazard"]
    assert hazard.idxmax() == 60
    assert (hazard.loc[[24, 36, 48]] > 5 * hazard.median()).all()


def test_values_of_next_year_are_the_planted_ones(spells, monthly_risk):
    """Expected margin of twelve months, of products without term, within 3 %."""
    rate = 1.1 ** (1 / 12) - 1
    models = contract_models(spells, level=0.9)
    found = running_values(
        spells,
        models,
        horizon=12,
        rate=rate,
        together=ends_together(spells),
        replications=40,
        seed=2025,
        level=0.9,
    )
    running = spells[spells["running"]]
    month = np.arange(1.0, 13.0)
    stays = 1 - monthly_risk[running.index].to_numpy()[:, None]
    brings = running["margin"] * (stays**month * (1 + rate) ** -month).sum(axis=1)
    planted = brings.groupby(running["product"]).sum().drop(TERM)
    value = found.products["contract_value"].drop(TERM)
    assert value.to_numpy() == pytest.approx(planted.to_numpy(), rel=0.03)
    assert found.refused == {}
    assert found.to_infinity is not None


def test_accounts_outlast_cards_and_loans(spells):
    groups = kaplan_meier_by_group(
        spells["age"], spells["left"], spells["product"], spells["entry_age"], level=0.9
    )
    at_five_years = {
        name: curve.at(60.0)["survival"].iloc[0]
        for name, curve in groups.curves.items()
        if curve.until >= 60
    }
    assert at_five_years["current_account"] > at_five_years["credit_card"]
    assert at_five_years["credit_card"] > at_five_years["insurance"]
    assert groups.left_out == {}
    assert groups.p_value < 1e-6
