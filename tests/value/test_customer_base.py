"""Refusals travel through a chapter, and the value table stays whole without models."""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value import (
    BetaGeometric,
    Refusal,
    attempt,
    fit_repeat_spend,
    stream_contributions,
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
    brought = stream_contributions(
        "transactions", ONCE, margin_rate=0.5, account=Refusal("x"), year=Refusal("x"),
        contracts=Refusal("x"), start="2020-01-01", end="2020-12-31",
    )  # fmt: skip
    table = value_table(Refusal("x"), brought, [0.5, 0.8], ["high", "medium", "low"])
    assert table["lifetime_value"].tolist() == (ONCE["total_amount"] * 0.5).tolist()
    assert table.loc[19, ["value_decile", "value_tier"]].tolist() == [1, "high"]
    assert table[["p_active", "future_value", "future_value_hi"]].isna().all(axis=None)


def test_margin_turns_revenue_into_contribution():
    inputs = value_inputs(ONCE, 0.25)
    assert inputs["realised"].tolist() == (ONCE["total_amount"] * 0.25).tolist()
    assert inputs["current_value"].tolist() == [0.25] * 20
