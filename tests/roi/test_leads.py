"""Lists of customers: who is on them, what they are worth, and who is left alone by lot."""

import numpy as np
import pandas as pd
import pytest

from crmlib.roi import appraise, evidence, leads
from crmlib.roi.increments import annuity, retention_increment
from tests.roi.small_client import base, customers, initiatives

GOOD = {"segments": "relationship", "unit_cost": 1.0, "prior_mean": 0.03, "prior_sd": 0.001}


def lists(table, people=None, only=None, holdout_share=0.1):
    given = base()
    chosen = given.select(table)
    known = evidence(table, None, spread=0.0, factors={}, n_draws=600, seed=3)
    found = appraise(table, given, chosen, known, take_up_cv=0.0, trim=True, seed=3).found
    people = pd.DataFrame(index=given.groups.index) if people is None else people
    return given, found, leads(
        list(table.index), found, chosen.table, given, people, reach=table["reach"],
        holdout_share=holdout_share, seed=3, only=only,
    )  # fmt: skip


def test_the_best_are_listed_as_far_as_the_initiative_reaches():
    _, found, made = lists(initiatives(one=GOOD | {"reach": 0.5}))
    assert list(made.columns) == [
        "customer_id", "initiative", "expected_increment", "channel", "arm",
    ]  # fmt: skip
    worth = made["expected_increment"].to_numpy()
    assert (np.diff(worth) <= 0).all() and (worth > 0).all()
    reached = dict(zip(found.segments, found.cases["one"].reached > 0, strict=True))
    eligible = sum(
        number for cell, number in customers().pipe(
            lambda t: t.groupby(t["value_tier"] + " & " + t["lifecycle_stage"]).size()
        ).items() if reached[cell]
    )  # fmt: skip
    assert len(made) == np.ceil(0.5 * eligible)


def test_expected_worth_follows_from_the_customers_own_value():
    given, found, made = lists(initiatives(one=GOOD | {"reach": 1.0}))
    row = made.iloc[0]
    cell = given.cell[row["customer_id"]]
    retention = float(found.cases["one"].expected().economics.retention[0][
        list(found.segments).index(cell)])  # fmt: skip
    margin = given.future_value[row["customer_id"]] / annuity(retention, given.economics.calendar)
    effect = float(found.cases["one"].effect.mean())
    gained = retention_increment(margin, retention, effect, 2.0, given.economics.calendar)
    assert row["expected_increment"] == pytest.approx(0.4 * (float(gained) - 1.0), rel=1e-3)


def test_nobody_without_consent_is_listed_and_channels_are_their_own():
    table = customers()
    people = pd.DataFrame(
        {"consent": np.arange(len(table)) % 3 > 0, "preferred_channel": "post"}, index=table.index
    )
    _, _, made = lists(initiatives(one=GOOD | {"reach": 1.0}), people)
    assert people.loc[made["customer_id"], "consent"].all() and set(made["channel"]) == {"post"}


def test_a_part_is_left_alone_by_lot_the_same_at_every_run():
    _, _, made = lists(initiatives(one=GOOD | {"reach": 1.0}), holdout_share=0.3)
    share = (made["arm"] == "control").mean()
    assert abs(share - 0.3) < 4 * np.sqrt(0.3 * 0.7 / len(made))
    _, _, again = lists(initiatives(other=GOOD, one=GOOD | {"reach": 1.0}), holdout_share=0.3)
    own = again[again["initiative"] == "one"].reset_index(drop=True)
    pd.testing.assert_frame_equal(made, own)


def test_a_rule_that_was_shown_to_pay_decides_and_who_is_won_has_no_list():
    table = customers()
    rule = pd.Series(table["behaviour_segment"] == "online", table.index)
    _, _, made = lists(initiatives(one=GOOD), only={"one": rule})
    assert rule[made["customer_id"]].all()
    won = {"effect_unit": "cpa", "prior_mean": 1.0, "prior_sd": 0.1, "volume": 5.0}
    assert lists(initiatives(one=won))[2].empty
