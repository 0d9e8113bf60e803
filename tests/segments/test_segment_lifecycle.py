"""Lifecycle stages: one for everybody, by the rules in words, from purchases or contracts."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.segments.lifecycle import (
    ACQUISITION,
    AT_RISK,
    LAPSED,
    NEW,
    RELATIONSHIP,
    REPOSITIONED,
    STAGES,
    UNKNOWN,
    LifecycleRules,
    lifecycle_signs,
    lifecycle_stages,
    spend_between,
)

RULES = LifecycleRules(
    new_months=6, at_risk_below=0.5, lapsed_below=0.2, spend_fall=0.5, fall_level=0.05,
    repositioned_months=12, silent_months=9,
)  # fmt: skip
DAY = dt.date(2025, 12, 31)


def stage(**signs) -> str:
    return lifecycle_stages(pd.DataFrame({k: [v] for k, v in signs.items()}), RULES).item()


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ({"tenure_months": np.nan}, ACQUISITION),
        ({"tenure_months": -1.0}, ACQUISITION),
        ({"tenure_months": 0.0, "p_active": 1.0}, NEW),
        ({"tenure_months": 5.9, "p_active": 0.1}, NEW),
        ({"tenure_months": 6.0, "p_active": 0.1}, LAPSED),
        ({"tenure_months": 3.0, "running": 0.0}, LAPSED),
        ({"tenure_months": 30.0, "running": 1.0, "p_active": 0.1}, AT_RISK),
        ({"tenure_months": 30.0, "p_active": 0.2}, AT_RISK),
        ({"tenure_months": 30.0, "p_active": 0.5}, RELATIONSHIP),
        ({"tenure_months": 30.0, "p_active": 0.9, "spend_change": -0.5}, AT_RISK),
        ({"tenure_months": 30.0, "running": 1.0, "spend_change": -0.49}, RELATIONSHIP),
        ({"tenure_months": 30.0, "spend_change": -0.9, "p_chance": 0.06}, RELATIONSHIP),
        ({"tenure_months": 30.0, "spend_change": -0.9, "p_chance": 0.04}, AT_RISK),
        ({"tenure_months": 30.0, "p_active": 0.9, "previous_stage": LAPSED}, REPOSITIONED),
        ({"tenure_months": 30.0, "p_active": 0.3, "previous_stage": LAPSED}, AT_RISK),
        ({"tenure_months": 30.0, "running": 1.0, "returned_months": 11.0}, REPOSITIONED),
        ({"tenure_months": 30.0, "running": 1.0, "returned_months": 12.0}, RELATIONSHIP),
        ({"tenure_months": 30.0, "p_active": 0.9, "previous_stage": NEW}, RELATIONSHIP),
        ({"tenure_months": 30.0}, UNKNOWN),
    ],
)
def test_each_stage_by_its_rule(signs, expected):
    assert stage(**signs) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-5, 400) | st.just(np.nan),
            st.sampled_from([0.0, 1.0, np.nan]),
            st.floats(0, 1) | st.just(np.nan),
            st.floats(-1, 9) | st.just(np.nan),
            st.sampled_from([*STAGES, None, np.nan]),
        ),
        min_size=1,
    )
)
def test_everybody_has_exactly_one_stage(rows):
    names = ["tenure_months", "running", "p_active", "spend_change", "previous_stage"]
    found = lifecycle_stages(pd.DataFrame(rows, columns=names), RULES)
    assert found.isin(STAGES).all() and len(found) == len(rows)


def test_the_rules_in_words_say_every_figure_and_every_stage():
    words = LifecycleRules(4, 0.55, 0.15, 0.35, 0.02, 8, 7).in_words()
    assert set(words) == set(STAGES)
    said = " ".join(words.values())
    for figure in ("4 months", "55%", "15%", "35%", "2%", "8 months", "7 months"):
        assert figure in said


def contracts(*rows) -> pd.DataFrame:
    columns = ["customer_id", "start_date", "end_date"]
    return pd.DataFrame(rows, columns=columns)


def test_signs_from_contracts():
    """Left, stayed, came back after a gap, changed from one contract to the next without one."""
    held = contracts(
        ("left", "2020-01-01", "2025-06-30"),
        ("stays", "2020-01-01", None),
        ("stays", "2021-01-01", "2022-01-01"),
        ("back", "2020-01-01", "2025-01-31"),
        ("back", "2025-07-01", None),
        ("swaps", "2020-01-01", "2025-05-31"),
        ("swaps", "2025-06-01", None),
        ("later", "2026-02-01", None),
    )
    base = pd.DataFrame(
        {"customer_id": ["left", "stays", "back", "swaps", "later", "card"],
         "first_date": [None, "2025-12-01", None, None, None, "2025-11-30"],
         "joined": ["2019-12-15", None, None, None, None, None]}
    )  # fmt: skip
    signs = lifecycle_signs(base, DAY, contracts=held).set_index("customer_id")
    assert signs["running"].to_dict() == pytest.approx(
        {"left": 0, "stays": 1, "back": 1, "swaps": 1, "later": np.nan, "card": np.nan},
        nan_ok=True,
    )
    assert signs["returned_months"].notna().tolist() == [False, False, True, False, False, False]
    assert signs.loc["left", "tenure_months"] == pytest.approx(72.5, abs=0.1)
    stages = lifecycle_stages(signs, RULES)
    assert stages.tolist() == [LAPSED, RELATIONSHIP, REPOSITIONED, RELATIONSHIP, ACQUISITION, NEW]
    earlier = lifecycle_signs(base, dt.date(2025, 3, 1), contracts=held)
    assert lifecycle_stages(earlier, RULES).tolist()[2] == LAPSED, "later days are not known yet"


def test_a_comeback_is_told_by_purchases_and_by_contracts():
    base = pd.DataFrame({"customer_id": ["a", "b", "c"], "first_date": "2020-01-01"})
    days = pd.Series(pd.to_datetime(["2025-11-30", "2024-01-01"]), index=["a", "b"])
    alive = pd.Series(0.9, index=["a", "b", "c"])
    signs = lifecycle_signs(base, DAY, p_active=alive, comebacks=days)
    assert lifecycle_stages(signs, RULES).tolist() == [REPOSITIONED, RELATIONSHIP, RELATIONSHIP]
    earlier = lifecycle_signs(base, dt.date(2024, 6, 1), p_active=alive, comebacks=days)
    assert lifecycle_stages(earlier, RULES).tolist() == [RELATIONSHIP, REPOSITIONED, RELATIONSHIP]
    held = contracts(("a", "2020-01-01", None))
    bound = lifecycle_signs(base, DAY, p_active=alive, comebacks=days, contracts=held)
    assert lifecycle_stages(bound, RULES)[0] == RELATIONSHIP, "an idle card is no absence"


def test_spend_of_two_periods_as_intake_gives_it():
    booked = pd.DataFrame({"customer_id": ["a", "b"], "first_1": [1.0, 2], "first_2": [3.0, 4],
                           "second_1": [5.0, 6], "second_2": [7.0, 8],
                           "joining": [False, True]})  # fmt: skip
    assert spend_between(booked).to_dict("index") == {"a": {"before": 4.0, "after": 12.0}}
    bought = pd.DataFrame({"customer_id": ["a"], "purchases_1": [8], "value_1": [80.0],
                           "purchases_2": [0], "value_2": [0.0]})  # fmt: skip
    base = pd.DataFrame({"customer_id": ["a"], "first_date": "2020-01-01"})
    signs = lifecycle_signs(base, DAY, spend=spend_between(bought))
    assert signs["spend_change"].item() == -1
    assert signs["p_chance"].item() == pytest.approx(0.5**8)


def test_who_buys_at_one_rate_is_seldom_called_at_risk():
    """Four purchases a year at one rate: a fall of one half is common, and is chance."""
    rng = np.random.default_rng(3)
    n = 20_000
    then, now = rng.poisson(4, n), rng.poisson(4, n)
    spend = pd.DataFrame(
        {"before": then * 10.0, "after": now * 10.0, "purchases_before": then,
         "purchases_after": now}, index=np.arange(n),
    )  # fmt: skip
    base = pd.DataFrame({"customer_id": np.arange(n), "first_date": "2020-01-01"})
    counted = lifecycle_stages(lifecycle_signs(base, DAY, spend=spend), RULES)
    uncounted = lifecycle_stages(
        lifecycle_signs(base, DAY, spend=spend[["before", "after"]]), RULES
    )
    assert (counted == AT_RISK).mean() < 0.05
    assert (uncounted == AT_RISK).mean() > 0.2
    halved = spend.assign(purchases_before=40, purchases_after=15, before=400.0, after=150.0)
    assert (lifecycle_stages(lifecycle_signs(base, DAY, spend=halved), RULES) == AT_RISK).all()


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="nobody would be at risk"):
        LifecycleRules(6, 0.2, 0.5, 0.5, 0.05, 12, 9)
    with pytest.raises(ValueError, match="spend_fall 50"):
        LifecycleRules(6, 0.5, 0.2, 50, 0.05, 12, 9)
    with pytest.raises(ValueError, match="p_active"):
        stage(tenure_months=9.0, p_active=1.2)
    with pytest.raises(ValueError, match="'gone' is none of"):
        stage(tenure_months=9.0, previous_stage="gone")
