"""Intervals of part-worths and of willingness to pay hold the truth as often as they say."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs import ConditionalLogit, choice_table, importance, willingness_to_pay
from tests.needs.conjoint import ATTRIBUTES, choose, conjoint

SIMULATIONS = 2000


@pytest.mark.slow
def test_part_worths_and_willingness_to_pay_are_covered():
    rng = np.random.default_rng(12)
    truth = np.array([-0.6, 1.0 / 3, -0.8 / 3, 0.5])  # fee, cash and none against the mean, app
    made_up = conjoint(np.tile([-0.6, 0.5, 1.0, 0.5], (150, 1)), 5, rng)
    table = choice_table(made_up, ATTRIBUTES, base={"rewards": "points"})
    utility = table.design @ truth
    held = {"fee": 0, "app": 0, "Krinsky-Robb": 0, "delta": 0}
    for at in range(SIMULATIONS):
        simulated = table.with_choices(choose(utility, rng))
        fit = ConditionalLogit().fit(simulated)
        errors = (fit.params - truth) / fit.bse
        for name in ("fee", "app"):
            held[name] += abs(errors[name]) < 1.96
        worth = willingness_to_pay(fit.preferences(400, at), "fee").set_index("attribute")
        app = worth.loc["app"]
        held["Krinsky-Robb"] += app["lower"] < 0.5 / 0.6 < app["upper"]
        held["delta"] += app["delta_lower"] < 0.5 / 0.6 < app["delta_upper"]
    for name, count in held.items():
        assert 0.93 <= count / SIMULATIONS <= 0.97, name


def test_importance_by_hand():
    rng = np.random.default_rng(2)
    found = conjoint(np.tile([-0.6, 0.5, 1.0, 0.4], (200, 1)), 6, rng)
    fit = ConditionalLogit().fit(found, ATTRIBUTES)
    fee, none, points, app = fit.params  # cash is the base
    ranges = np.array([-3 * fee, np.ptp([-none - points, none, points]), app])
    table = importance(fit.preferences())
    np.testing.assert_allclose(table["value"], ranges / ranges.sum())
    assert list(table["attribute"]) == ATTRIBUTES
    assert ((table["lower"] < table["value"]) & (table["value"] < table["upper"])).all()


def test_willingness_to_pay_by_hand():
    rng = np.random.default_rng(2)
    found = conjoint(np.tile([-0.6, 0.5, 1.0, 0.4], (200, 1)), 6, rng)
    table = choice_table(found, ATTRIBUTES, coding="dummy", base={"rewards": "none"})
    fit = ConditionalLogit().fit(table)
    worth = willingness_to_pay(fit.preferences(4000), "fee")
    ratios = -fit.params[["rewards: cash", "rewards: points", "app"]] / fit.params["fee"]
    np.testing.assert_allclose(worth["value"], ratios)
    assert worth["level"].iloc[0] == "cash instead of none"
    np.testing.assert_allclose(worth["upper"], worth["delta_upper"], rtol=0.1)
    assert pd.Series(worth["value"]).between(worth["lower"], worth["upper"]).all()
