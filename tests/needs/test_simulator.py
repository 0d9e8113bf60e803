"""Shares of preference: by hand, by class, for respondents."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs import ConditionalLogit, HierarchicalLogit, LatentClassLogit, simulate
from tests.needs.conjoint import ATTRIBUTES, conjoint

OFFERS = pd.DataFrame(
    {"fee": [0.0, 3.0, 4.0], "rewards": ["none", "cash", "cash"], "app": [0, 1, 1]},
    index=["basic", "gold", "black"],
)


@pytest.fixture(scope="module")
def choices() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    worth = np.vstack([np.tile([-1.5, 0.2, 0.3, 0.1], (70, 1)), np.tile([-0.2, 1, 2, 1], (50, 1))])
    return conjoint(worth, 8, rng, none=-1.5)


def test_logit_rule_by_hand(choices):
    fit = ConditionalLogit().fit(choices, ATTRIBUTES)
    found = simulate(fit.preferences(), OFFERS, none=True)
    fee, none, points, app, without = fit.params
    cash = -none - points
    odds = np.exp([none, 3 * fee + cash + app, 4 * fee + cash + app, without])
    np.testing.assert_allclose(found.shares["share"], odds / odds.sum())
    assert list(found.shares["offer"]) == ["basic", "gold", "black", "none"]
    assert found.notes == ("fee of black is 4; people were shown 0 to 3",)
    assert found.shares["lower"].lt(found.shares["share"]).all()
    again = simulate(fit.preferences(), OFFERS, none=True)
    pd.testing.assert_frame_equal(found.shares, again.shares)


def test_total_is_the_mean_of_classes(choices):
    fit = LatentClassLogit(2, n_init=3).fit(choices, ATTRIBUTES)
    shares = simulate(fit.preferences(), OFFERS, none=True).shares
    table = shares.pivot(index="offer", columns="group", values="share")
    mean = table[["class 1", "class 2"]] @ fit.shares
    np.testing.assert_allclose(table["all"], mean)
    np.testing.assert_allclose(table.sum(), 1)
    assert table.at["gold", "class 2"] > 2 * table.at["gold", "class 1"]
    # people do not leave an offer for its like in proportion: total against one logit
    bounds = fit.share_intervals()
    assert ((bounds["lower"] < [70 / 120, 50 / 120]) & (bounds["upper"] > bounds["share"])).all()


def test_respondents_are_averaged(choices):
    fit = HierarchicalLogit(500, 300, chains=2).fit(choices, ATTRIBUTES)
    found = simulate(fit.preferences(), OFFERS, none=False).shares
    assert set(found["group"]) == {"all"}
    assert found["share"].sum() == pytest.approx(1)
    classes = LatentClassLogit(2, n_init=3).fit(choices, ATTRIBUTES)
    other = simulate(classes.preferences(), OFFERS, none=False).shares
    other = other[other["group"] == "all"]
    np.testing.assert_allclose(found["share"], other["share"], atol=0.06)
