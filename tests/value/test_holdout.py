"""The sealed holdout scorecard on CDNOW, and by hand."""

import numpy as np
import pytest

from crmlib.value.holdout import holdout_money, holdout_scorecard
from crmlib.value.purchases import BetaGeometric
from crmlib.value.spend import GammaGamma

HISTORY = ["frequency", "recency", "observed_time"]


@pytest.fixture(scope="module")
def scorecard(cdnow):
    history = [cdnow[c] for c in HISTORY]
    fitted = BetaGeometric().fit(*history)
    return holdout_scorecard(*history, cdnow["holdout"], 39.0, fitted, cdnow["previous_window"])


def test_cdnow_totals(scorecard):
    """Actual 1,882 and BG/NBD 1653.4 in 39 weeks: Fader, Hardie & Lee 2005, recomputed."""
    model = scorecard.table.loc["model"]
    assert model["total_actual"] == 1882
    assert model["total_predicted"] == pytest.approx(1653.4, abs=0.05)
    assert model["total_error"] == pytest.approx(1653.4 / 1882 - 1, abs=1e-4)
    assert model["n"] == 2357


def test_model_wins_on_total_and_mae_and_may_lose_on_rank(scorecard):
    table = scorecard.table
    naive = table.drop(index="model")
    assert abs(table.loc["model", "total_error"]) < naive["total_error"].abs().min()
    assert table.loc["model", "mae"] < naive["mae"].min()
    # recomputed from the public transactions
    assert table.loc["model", "spearman"] == pytest.approx(0.449, abs=5e-4)
    assert table.loc["same_rate", "spearman"] == pytest.approx(0.490, abs=5e-4)


def test_same_rate_by_hand(scorecard, cdnow):
    expected = (cdnow["frequency"] / cdnow["observed_time"] * 39).sum()
    assert scorecard.table.loc["same_rate", "total_predicted"] == pytest.approx(expected)
    total = scorecard.table.loc["previous_window", "total_predicted"]
    assert total == cdnow["previous_window"].sum()


def test_by_frequency_adds_up(scorecard, cdnow):
    table = scorecard.by_frequency
    assert table.index.tolist() == list(range(8))
    assert table["n"].sum() == 2357
    assert table["actual"] @ table["n"] == pytest.approx(1882)
    assert table["predicted"] @ table["n"] == pytest.approx(scorecard.predicted.sum())
    ones = cdnow[cdnow["frequency"] == 1]
    assert table["actual"][1] == pytest.approx(ones["holdout"].mean())
    ended = cdnow["frequency"] + cdnow["holdout"]
    crossed = [(cdnow["frequency"] <= k).sum() - (ended <= k).sum() for k in range(8)]
    assert table["crossing"].tolist() == crossed


def test_undefined_figures_are_none_and_a_first_day_customer_is_no_gap(cdnow):
    history = (np.array([0, 0, 2]), np.array([0, 0, 5.0]), np.array([0.0, 9, 9]))
    fitted = BetaGeometric().fit(*(cdnow[c] for c in HISTORY))
    quiet = holdout_scorecard(*history, [0, 0, 0], 5.0, fitted, [0, 0, 1]).table
    assert quiet["total_error"].tolist() == [None] * 3
    assert quiet["spearman"].tolist() == [None] * 3
    assert np.isfinite(quiet["mae"].astype(float)).all()


def test_impossible_input_is_named(cdnow):
    history = [cdnow[c] for c in HISTORY]
    fitted = BetaGeometric().fit(*history)
    with pytest.raises(ValueError, match="actual has 1 values where 2357"):
        holdout_scorecard(*history, [1], 39.0, fitted, cdnow["previous_window"])
    with pytest.raises(ValueError, match="previous_window must not be negative"):
        holdout_scorecard(*history, cdnow["holdout"], 39.0, fitted, -cdnow["frequency"])


def test_money_is_scored_in_total_and_for_the_fifth_each_forecast_ranks_best(cdnow):
    history = (cdnow["frequency"], cdnow["recency"], cdnow["observed_time"])
    result = BetaGeometric().fit(*history)
    actual = np.random.default_rng(8).poisson(1.0, len(cdnow)) * 10.0
    previous = np.arange(len(cdnow), dtype=float)
    card = holdout_scorecard(*history, actual, 39.0, result, actual)
    mean = cdnow["mean_repeat_spend"]
    repeat = mean > 0
    spend = GammaGamma().fit(cdnow["frequency"][repeat], mean[repeat])
    table = holdout_money(card, spend, cdnow["frequency"], mean, actual, previous, best_share=0.2)
    expected = card.predicted * spend.expected_spend(cdnow["frequency"], mean)
    fifth = round(len(cdnow) / 5)
    best = np.argsort(-expected, kind="stable")[:fifth]
    row = table.loc["BG/NBD and Gamma-Gamma"]
    assert row["total_predicted"] == pytest.approx(expected.sum())
    assert row["total_error"] == pytest.approx(expected.sum() / actual.sum() - 1)
    assert row["best_predicted"] == pytest.approx(np.sort(expected)[-fifth:].sum() / expected.sum())
    assert row["best_actual"] == pytest.approx(actual[best].sum() / actual.sum())
    naive = table.loc["previous_window"]
    assert naive["best_actual"] == pytest.approx(actual[-fifth:].sum() / actual.sum())


def test_money_without_spend_has_no_error(cdnow):
    history = (cdnow["frequency"], cdnow["recency"], cdnow["observed_time"])
    result = BetaGeometric().fit(*history)
    nothing = np.zeros(len(cdnow))
    card = holdout_scorecard(*history, nothing, 39.0, result, nothing)
    repeat = cdnow["mean_repeat_spend"] > 0
    spend = GammaGamma().fit(cdnow["frequency"][repeat], cdnow["mean_repeat_spend"][repeat])
    mean = cdnow["mean_repeat_spend"]
    table = holdout_money(card, spend, cdnow["frequency"], mean, nothing, nothing, best_share=0.2)
    assert (
        table["total_error"].isna().all()
        and table.loc["BG/NBD and Gamma-Gamma", "total_predicted"] > 0
    )
