"""Refusals travel through a chapter, and the value table stays whole without models."""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.intervals import Interval
from crmlib.stats.optimise import NotIdentified
from crmlib.value import (
    BetaGeometric,
    LifetimeValues,
    Refusal,
    attempt,
    fit_repeat_spend,
    realised_concentration,
    stream_contributions,
    stream_values,
    value_inputs,
    value_table,
)

ONCE = pd.DataFrame(
    {
        "customer_id": [f"c{i}" for i in range(20)],
        "frequency": 0,
        "recency": 0.0,
        "observed_time": np.arange(20.0),
        "total_amount": np.arange(1.0, 21.0),
        "mean_repeat_amount": np.nan,
        "last_year_amount": 1.0,
    }
)


def test_a_refusal_is_handed_on_and_the_step_is_not_run():
    first = attempt(BetaGeometric().fit, ONCE["frequency"], ONCE["recency"], ONCE["observed_time"])
    assert isinstance(first, Refusal) and "no customer has a repeat purchase" in first.reason
    assert attempt(pytest.fail, "must not run", first) is first
    assert attempt(pytest.fail, reason=first) is first


def test_only_what_is_not_identified_is_caught():
    def broken() -> None:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        attempt(broken)


def test_spend_without_repeat_purchases_is_not_identified():
    with pytest.raises(NotIdentified, match="no customer has a repeat purchase"):
        fit_repeat_spend(ONCE["frequency"], ONCE["mean_repeat_amount"])


def test_after_a_refusal_value_is_what_was_realised():
    money = ONCE.assign(realised=ONCE["total_amount"] * 0.5, current_value=0.5)
    table = value_table(Refusal("x"), money, [0.5, 0.8], ["high", "medium", "low"])
    assert table["lifetime_value"].tolist() == (ONCE["total_amount"] * 0.5).tolist()
    assert table.loc[19, ["value_decile", "value_tier"]].tolist() == [1, "high"]
    assert table[["p_active", "future_value", "future_value_hi"]].isna().all(axis=None)


def test_margin_turns_revenue_into_contribution():
    inputs = value_inputs(ONCE, 0.25)
    assert inputs["realised"].tolist() == (ONCE["total_amount"] * 0.25).tolist()
    assert inputs["current_value"].tolist() == [0.25] * 20


BASE = ONCE.head(4).assign(customer_id=list("ABCD"))
LEDGER = pd.DataFrame(
    [
        ("B", "revenue", 100.0),
        ("B", "cost_to_serve", 30.0),
        ("B", "risk_cost", 5.0),
        ("B", "marketing", 50.0),
        ("D", "cost_to_serve", 8.0),
        ("stranger", "revenue", 9_999.0),
    ],
    columns=["customer_id", "line", "amount"],
)


def contributions(margin_from, **changes):
    nothing = Refusal("not given")
    given = {"account": nothing, "year": nothing, "contracts": nothing, **changes}
    window = {"start": "2022-01-01", "end": "2023-12-31"}
    found = stream_contributions(margin_from, BASE, margin_rate=0.25, **given, **window)
    assert found["customer_id"].tolist() == ["A", "B", "C", "D"]
    return found["realised"].tolist(), found["current_value"].tolist()


def test_purchases_contribute_their_margin():
    assert contributions("transactions") == ([0.25, 0.5, 0.75, 1.0], [0.25] * 4)


def test_the_ledger_contributes_revenue_less_service_and_risk():
    """Over all time, and in the last year, in which B's risk is not yet."""
    year = LEDGER[LEDGER["line"] != "risk_cost"]
    realised, current = contributions("ledger", account=LEDGER, year=year)
    assert realised == [0, 65, 0, -8]
    assert current == [0, 70, 0, -8]


def test_contracts_contribute_what_they_state_for_the_days_that_they_ran():
    """10 a month from July 2022 to the last of March 2023, and 4 a month all the time."""
    dates = {"start_date": ["2022-07-01", "2020-01-01"], "end_date": ["2023-03-31", None]}
    contracts = pd.DataFrame({"customer_id": ["B", "D"], "margin": [10.0, 4.0], **dates})
    realised, current = contributions("contracts", contracts=contracts)
    month = 365.25 / 12
    assert realised == pytest.approx([0, 10 * 274 / month, 0, 4 * 730 / month])
    assert current == pytest.approx([0, 10 * 90 / month, 0, 4 * 365 / month])
    silent = contracts.drop(columns="margin")
    assert contributions("contracts", contracts=silent) == ([0] * 4, [0] * 4)


@pytest.mark.parametrize("money", [0.0, -3.0])
def test_where_all_together_are_worth_nothing_nobody_is_in_a_better_tier(money):
    """As of contracts that state no margin, or of a ledger of losses."""
    worth = pd.DataFrame({"customer_id": ["a", "b"], "current_value": 0.0, "realised": money})
    table = value_table(Refusal("x"), worth, [0.5, 0.8], ["high", "medium", "low"])
    assert table["value_tier"].tolist() == ["low", "low"]


def test_thresholds_say_who_is_in_a_tier_whatever_the_others_are_worth():
    worth = pd.DataFrame({"customer_id": list("abcd"), "current_value": 0.0,
                          "realised": [500.0, 40.0, 10.0, -3.0]})  # fmt: skip
    cut = ([0.5, 0.8], ["high", "medium", "low"])
    tiers = value_table(Refusal("x"), worth, *cut, [40, 10])["value_tier"]
    assert tiers.tolist() == ["high", "high", "medium", "low"]
    alone = value_table(Refusal("x"), worth[1:], *cut, [40, 10])["value_tier"]
    assert alone.tolist() == tiers[1:].tolist()


def values_of(customers) -> LifetimeValues:
    some = Interval(10.0, 5.0, 15.0, 0.9)
    return LifetimeValues(customers, some, None, {}, pd.DataFrame(), "good", ())


def customers_worth(ids, lifetime, future, **more) -> pd.DataFrame:
    columns = {"customer_id": list(ids), "lifetime_value": lifetime, "future_value": future}
    empty = dict.fromkeys(
        ["p_active", "expected_purchases", "expected_spend", "future_value_lo", "future_value_hi"],
        np.nan,
    )
    return pd.DataFrame({**empty, **columns, **more})


def test_with_contracts_purchases_only_describe_customers():
    """Money is the contracts'; those who never bought have no expectation of purchases."""
    bought = values_of(
        customers_worth("CA", [1, 2], [3, 4], expected_purchases=[7.0, 8.0], expected_spend=[5, 6])
    )
    kept = values_of(customers_worth("ABC", [10.0, 20.0, 30.0], [1.0, 2.0, 3.0]))
    assert stream_values("transactions", bought, kept) is bought
    found = stream_values("ledger", bought, kept)
    assert found.customers["lifetime_value"].tolist() == [10, 20, 30]
    assert found.customers["expected_purchases"].fillna(-1).tolist() == [8, -1, 7]
    assert found.customers["expected_spend"].fillna(-1).tolist() == [6, -1, 5]
    assert kept.customers["expected_purchases"].isna().all()
    refusal = Refusal("no model")
    assert stream_values("contracts", refusal, kept) is kept
    assert stream_values("contracts", bought, refusal) is refusal
    assert stream_values("transactions", refusal, kept) is refusal


def test_customers_without_a_forecast_count_with_what_they_have_brought():
    """B has left nothing behind but its 65; the future of those without model is empty."""
    money = pd.DataFrame(
        {
            "customer_id": list("ABCD"),
            "realised": [0.0, 65.0, 1.0, -8.0],
            "current_value": [0.0, 70.0, 1.0, -8.0],
        }
    )
    values = values_of(customers_worth("CA", [11.0, 30.0], [10.0, 30.0], p_active=[0.5, 1.0]))
    table = value_table(values, money, [0.5, 0.8], ["high", "medium", "low"])
    assert table["lifetime_value"].tolist() == [30, 65, 11, -8]
    assert table["future_value"].fillna(-1).tolist() == [30, -1, 10, -1]
    assert table["p_active"].fillna(-1).tolist() == [1, -1, 0.5, -1]
    assert table["value_tier"].tolist() == ["medium", "high", "low", "low"]
    assert table.columns[:2].tolist() == ["customer_id", "current_value"]


def test_what_was_realised_is_lifetime_value_less_the_future():
    """4, 3, 2 and 1: the best half holds seven tenths; what is ahead plays no part."""
    ahead = np.array([100.0, 0.0, 50.0, 7.0])
    values = values_of(customers_worth("ABCD", np.array([1.0, 4, 2, 3]) + ahead, ahead))
    assert realised_concentration(values).top(0.5) == pytest.approx(0.7)


def test_where_nothing_was_realised_shares_of_it_are_refused():
    values = values_of(customers_worth("AB", [5.0, 3.0], [9.0, 3.0]))
    with pytest.raises(NotIdentified, match="contributed nothing in all"):
        realised_concentration(values)
