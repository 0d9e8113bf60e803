"""Any purchase model can stand where a BG/NBD fit stands: value, futures, holdout, tracking."""

import numpy as np
import pandas as pd
import pytest

from crmlib.value import (
    BetaGeometricBetaBernoulli,
    GammaGamma,
    ModifiedBetaGeometric,
    ParetoNBD,
    annual_to_continuous,
    foretold,
    holdout_scorecard,
    lifetime_values,
    track_purchases,
)
from crmlib.value.futures import Histories, simulate_spend

HISTORY = ["frequency", "recency", "observed_time"]
SETTINGS = {
    "horizon": 150.0,
    "rate": annual_to_continuous(0.15, 52),
    "margin_rate": 0.3,
    "replications": 21,
    "seed": 11,
    "level": 0.9,
    "tier_cuts": (0.5, 0.8),
    "tier_labels": ("high", "medium", "low"),
}
MODELS = [ModifiedBetaGeometric, ParetoNBD]


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, cdnow):
    return request.param().fit(*(cdnow[c] for c in HISTORY))


def value(table, fitted):
    base = table.assign(current_value=table["realised"] * 0.3)
    base.insert(0, "customer_id", np.arange(len(base)))
    repeat = base[base["mean_repeat_spend"] > 0]
    spend = GammaGamma().fit(repeat["frequency"], repeat["mean_repeat_spend"])
    return base, lifetime_values(base, fitted, spend, **SETTINGS)


def test_lifetime_values(cdnow, fitted):
    base, valued = value(cdnow, fitted)
    history = [base[c] for c in HISTORY]
    table = valued.customers
    assert table.notna().all(axis=None)
    assert table["p_active"].to_numpy() == pytest.approx(fitted.probability_alive(*history))
    ahead = fitted.expected_purchases(150.0, *history)
    assert table["expected_purchases"].to_numpy() == pytest.approx(ahead)
    assert valued.equity.lo < valued.equity.value < valued.equity.hi
    assert valued.to_infinity > valued.equity.value
    assert list(valued.replicates.columns[:4]) == list(fitted.params.index)
    middle = valued.replicates["r"].quantile([0.25, 0.75])  # of a long right tail
    assert np.diff(middle)[0] / 1.35 == pytest.approx(fitted.bse["r"], rel=0.6)


def test_one_time_buyers_may_have_left(cdnow, fitted):
    once = cdnow["frequency"] == 0
    alive = fitted.probability_alive(*(cdnow.loc[once, c] for c in HISTORY))
    assert (alive < 0.75).all()
    assert "bought once" not in " ".join(fitted.verdict.notes)


def test_holdout_and_tracking(cdnow, fitted):
    history = [cdnow[c] for c in HISTORY]
    card = holdout_scorecard(*history, cdnow["holdout"], 39.0, fitted, cdnow["previous_window"])
    assert card.table.loc["model", "total_error"] > -0.2
    naive = card.table.loc[["same_rate", "previous_window"], "mae"]
    assert card.table.loc["model", "mae"] < naive.min()
    told = foretold(fitted, cdnow["holdout"], 39.0, replications=21, seed=1, level=0.9)
    assert told.total.value == pytest.approx(card.predicted.sum())
    assert told.total.lo < told.total.value < told.total.hi
    assert 0.85 < told.inside <= 1
    periods = pd.DataFrame(
        {
            "period_end": pd.to_datetime(["1997-06-30", "1997-09-30"]),
            "time": [25.9, 39.0],
            "repeat_purchases": [1_000, 1_457],
        }
    )
    tracked = track_purchases(fitted, cdnow["observed_time"], 39.0, periods)
    assert tracked["expected"].iloc[1] == pytest.approx(tracked["actual"].iloc[1], rel=0.05)


def test_frequency_distribution_follows_the_observed(cdnow, fitted):
    expected = fitted.frequency_distribution(cdnow["observed_time"], 7)
    observed = cdnow["frequency"].clip(upper=7).value_counts().sort_index()
    assert expected.sum() == pytest.approx(2357)
    assert np.abs(expected - observed).max() < 60


@pytest.mark.parametrize(
    "model, params",
    [
        (ModifiedBetaGeometric(), (0.8, 6.0, 0.8, 2.5)),
        (ParetoNBD(), (0.8, 6.0, 0.9, 15.0)),
        (BetaGeometricBetaBernoulli(), (1.2, 0.75, 0.66, 2.8)),
    ],
    ids=lambda case: type(case).__name__,
)
def test_simulated_futures_average_to_the_expectation(model, params):
    """Purchases of spend 1 each: futures of three histories within 4.5 standard errors."""
    histories = Histories(*np.array([[0, 0, 8, 0], [3, 4, 8, 1], [5, 8, 8, 1]], dtype=float).T)
    futures, rate = 40_000, 0.01
    theta = np.tile(params, (futures, 1))
    shape = 1e8  # amounts that hardly vary around p·v/q = 1
    phi = np.tile([shape, shape, 1.0], (futures, 1))
    rng = np.random.default_rng(1)
    spend = simulate_spend(histories, theta, phi, horizon=12.0, rate=rate, rng=rng, model=model)
    history = histories.frequency, histories.recency, histories.observed_time
    expected = model.purchases_if_alive(np.array(params), history[0], history[2], 12.0, rate)
    expected = expected * model.probability_alive(np.array(params), *history)
    assert (np.abs(spend.mean(axis=1) - expected) < 4.5 * spend.std(axis=1) / 200).all()


def test_occasions_in_holdout_and_totals(donations):
    """BG/BB answers the same questions, in occasions."""
    columns = [donations[c] for c in ("frequency", "recency", "occasions")]
    fitted = BetaGeometricBetaBernoulli().fit(*columns, donations["weights"])
    total = fitted.total_interval(5, replications=21, seed=1, level=0.9)
    assert total.lo < total.value < total.hi
    expected = fitted.expected_purchases(5, *columns) @ donations["weights"]
    assert total.value == pytest.approx(expected)
    assert fitted.expected_purchases(5.9, *columns) == pytest.approx(
        fitted.expected_purchases(5, *columns)
    )
    endless = fitted.discounted_expected_purchases(np.inf, np.log(1.1), [6], [6], [6])
    long = fitted.discounted_expected_purchases(900, np.log(1.1), [6], [6], [6])
    assert endless == pytest.approx(long, rel=1e-9)
    tracked = fitted.expected_cumulative([3, 6], np.zeros(100))
    assert tracked[6] == pytest.approx(100 * fitted.expected_purchases_new(6))


def test_lifetime_values_of_donors(simulate_as):
    """BG/BB in `lifetime_values`: years ahead, gifts of the donor's own size."""
    base = simulate_as("BG/BB", (1.2, 0.75, 0.66, 2.8), np.full(1_200, 6.0), seed=1)
    rng = np.random.default_rng(2)
    size = 200 / rng.gamma(5.0, 1.0, len(base))
    gifts = rng.gamma(4.0 * np.maximum(base["frequency"], 1), size / 4)
    base["mean_repeat_spend"] = np.where(base["frequency"] > 0, gifts, np.nan)
    base["mean_repeat_spend"] /= np.maximum(base["frequency"], 1)
    base["realised"] = base["current_value"] = 10.0
    base.insert(0, "customer_id", np.arange(len(base)))
    fitted = BetaGeometricBetaBernoulli().fit(*(base[c] for c in HISTORY))
    repeat = base[base["frequency"] > 0]
    spend = GammaGamma().fit(repeat["frequency"], repeat["mean_repeat_spend"])
    plan = SETTINGS | {"horizon": 5.0, "rate": np.log(1.1)}
    valued = lifetime_values(base, fitted, spend, **plan)
    table = valued.customers
    assert valued.equity.lo < valued.equity.value < valued.equity.hi
    assert table.notna().all(axis=None)
    ahead = fitted.expected_purchases(5, *(base[c] for c in HISTORY))
    assert table["expected_purchases"].to_numpy() == pytest.approx(ahead)
    assert list(valued.replicates.columns[:4]) == ["alpha", "beta", "gamma", "delta"]
    certain = table["p_active"] > 0.95
    assert (table.loc[certain, "future_value_hi"] > table.loc[certain, "future_value"]).all()
