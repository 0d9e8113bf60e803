"""Which stream says what contracts contribute, and what customers are then worth."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.value.contract_base import contract_base, model_contracts, value_contracts
from crmlib.value.contract_lifetime import contract_lifetime_values, contribution
from crmlib.value.running_contracts import ContractValues

START, END = "2023-01-01", "2024-12-31"
TIERS = {"tier_cuts": [0.5, 0.8], "tier_labels": ["high", "medium", "low"]}
PLAN = {
    "horizon_years": 1.0, "annual_rate": 0.1, "replications": 20, "seed": 1, "level": 0.9
}  # fmt: skip


def contracts(customers=120) -> pd.DataFrame:
    """An account each; every third has ended, at days spread over the window."""
    at = np.arange(customers)
    ends = pd.Timestamp(START) + pd.to_timedelta(5 + at * 700 // customers, unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"C{each:03d}" for each in at],
            "contract_id": [f"C{each:03d}-1" for each in at],
            "product": "account",
            "start_date": pd.Timestamp("2020-01-01") + pd.to_timedelta(at, unit="D"),
            "end_date": ends.where(at % 3 == 0),
            "margin": 10.0 + at,
        }
    )


def year(table, revenue=120.0, cost=60.0) -> pd.DataFrame:
    ids = table.loc[table["end_date"].isna(), "customer_id"]
    rows = {"customer_id": ids, "product": "account"}
    return pd.concat(
        [
            pd.DataFrame({**rows, "line": "revenue", "amount": revenue}),
            pd.DataFrame({**rows, "line": "cost_to_serve", "amount": cost}),
        ]
    )


@pytest.fixture(scope="module")
def base():
    return contract_base(contracts(), START, END, min_cell=10)


def found(base, margin_from="ledger", trend="continue", **rows):
    given = {"year": year(base.spells), "before": year(base.spells, revenue=240.0), **rows}
    return contribution(margin_from, base, **given, end=END, trend=trend)


@pytest.mark.parametrize("margin_from", ["transactions", "contracts"])
def test_unless_the_ledger_carries_the_margin_it_is_the_stated_one(base, margin_from):
    nothing = Refusal("no ledger")
    stated = found(base, margin_from, year=nothing, before=nothing)
    running = base.spells["running"]
    assert stated.spells["margin"].tolist() == base.spells["margin"].where(running, 0.0).tolist()
    assert stated.trends == {}


def test_by_the_ledger_customers_are_a_contract_and_a_relationship(base):
    spells = found(base).spells
    running = spells[spells["running"]].groupby("product")["margin"]
    days = 366 / 365.25 * 12  # of 2024, in months
    assert running.min().to_dict() == pytest.approx(
        {"account": 120 / days, "relationship": -60 / days}
    )
    assert running.size().tolist() == [80, 80]


def test_a_trend_goes_on_or_not_as_params_say(base):
    assert found(base).trends["account"].growth == pytest.approx(-0.5)
    still = found(base, trend="none")
    assert (still.trends, still.notes) == ({}, ())
    pd.testing.assert_frame_equal(still.spells, found(base).spells)


def test_rows_of_the_ledger_go_by_the_groups_of_their_contracts(base):
    renamed = year(base.spells).assign(product="acc. no. 7")
    grouped = dataclasses.replace(base, groups={"acc. no. 7": "account"})
    pd.testing.assert_frame_equal(found(grouped, year=renamed).spells, found(base).spells)


def test_what_was_refused_is_handed_on(base):
    refusal = Refusal("no ledger was given")
    assert found(base, year=refusal) is refusal
    assert found(base, before=refusal) is refusal
    assert contribution("contracts", refusal, refusal, refusal, end=END, trend="none") is refusal
    nothing = found(base, year=year(base.spells, revenue=0.0))
    assert "no revenue of a running contract" in nothing.reason


def test_contracts_that_cost_more_than_they_bring_are_refused_as_a_base(base):
    """Values stay: they are losses. What is refused are shares of their total."""
    losing = found(base, year=year(base.spells, cost=150.0), trend="none")
    values = value_contracts(base, model_contracts(base, level=0.9), losing, **PLAN)
    assert values.total.value < 0 and values.top_shares == {}
    contributions = pd.DataFrame(
        {"customer_id": base.spells["customer_id"], "realised": 0.0, "current_value": 0.0}
    )
    with pytest.raises(NotIdentified, match="expected to cost more than they bring"):
        contract_lifetime_values(contributions, values, **TIERS)


CONTRIBUTIONS = pd.DataFrame(
    {
        "customer_id": ["N", "B", "A", "L"],  # nobody's contract runs with N and L
        "realised": [7.0, 50.0, -20.0, 400.0],
        "current_value": [1.0, 2.0, 3.0, 4.0],
    }
)


def valued(**changes) -> ContractValues:
    some = Interval(135.0, 90.0, 170.0, 0.9)
    return ContractValues(
        **{
            "customers": pd.DataFrame(
                {
                    "customer_id": ["A", "B"],
                    "running_contracts": [2, 1],
                    "contract_value": [100.0, 35.0],
                    "contract_value_lo": [40.0, -5.0],
                    "contract_value_hi": [160.0, 60.0],
                }
            ),
            "products": pd.DataFrame({"model": ["sBG"]}, index=["account"]),
            "total": some,
            "chance": some,
            "to_infinity": Interval(900.0, 800.0, 1000.0, 0.9),
            "top_shares": {"top_10": Interval(0.7, 0.6, 0.8, 0.9)},
            "replicates": pd.DataFrame({"equity": [135.0]}),
            "refused": {},
            "grade": "good",
            "notes": ("account: of one product", "of all"),
            **changes,
        }
    )


def test_lifetime_value_is_realised_and_ahead():
    values = contract_lifetime_values(CONTRIBUTIONS, valued(), **TIERS)
    table = values.customers.set_index("customer_id")
    assert table.index.tolist() == ["N", "B", "A", "L"]
    assert table["future_value"].tolist() == [0, 35, 100, 0]
    assert table["future_value_lo"].tolist() == [0, -5, 40, 0]
    assert table["future_value_hi"].tolist() == [0, 60, 160, 0]
    assert table["lifetime_value"].tolist() == [7, 85, 80, 400]
    assert table["current_value"].tolist() == [1, 2, 3, 4]
    assert table["value_tier"].tolist() == ["low", "medium", "low", "high"]
    assert table.loc["L", "value_decile"] == 1


def test_customers_are_active_while_a_contract_runs():
    table = contract_lifetime_values(CONTRIBUTIONS, valued(), **TIERS).customers
    assert table["p_active"].tolist() == [0, 1, 1, 0]
    assert table[["expected_purchases", "expected_spend"]].isna().all(axis=None)


def test_figures_of_the_base_are_those_of_its_contracts():
    contracts = valued()
    values = contract_lifetime_values(CONTRIBUTIONS, contracts, **TIERS)
    assert values.equity is contracts.total and values.to_infinity == 900.0
    assert values.top_shares is contracts.top_shares
    assert values.replicates is contracts.replicates
    assert (values.grade, values.notes[0]) == ("good", "of all")
    running = contracts.customers["customer_id"]
    gone = ~CONTRIBUTIONS["customer_id"].isin(running)
    current = CONTRIBUTIONS["current_value"]
    share = current[gone].sum() / current.sum()
    assert f"without a running contract brought {share:.0%} of what" in values.notes[1]
    idle = CONTRIBUTIONS.assign(current_value=current.mask(gone, 0.0))
    assert contract_lifetime_values(idle, contracts, **TIERS).notes == ("of all",)
    assert contract_lifetime_values(
        CONTRIBUTIONS, valued(to_infinity=None), **TIERS
    ).to_infinity is None  # fmt: skip
