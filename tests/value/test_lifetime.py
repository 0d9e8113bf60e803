"""Lifetime value: identities, intervals, invariances, refusals (CDNOW sample)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value import expectations
from crmlib.value.futures import Histories, future_quantiles, simulate_spend
from crmlib.value.lifetime import annual_to_continuous, lifetime_values
from crmlib.value.purchases import BetaGeometric
from crmlib.value.spend import GammaGamma, expected_spend

HISTORY = ["frequency", "recency", "observed_time"]
SETTINGS = {
    "horizon": 156.0,
    "rate": annual_to_continuous(0.15, 52),
    "margin_rate": 0.3,
    "replications": 60,
    "seed": 11,
    "level": 0.9,
    "tier_cuts": (0.5, 0.8),
    "tier_labels": ("high", "medium", "low"),
}


def value(table: pd.DataFrame, **changes):
    repeat = table[table["mean_repeat_spend"] > 0]
    purchases = BetaGeometric().fit(*(table[c] for c in HISTORY))
    spend = GammaGamma().fit(repeat["frequency"], repeat["mean_repeat_spend"])
    return lifetime_values(table, purchases, spend, **SETTINGS | changes)


@pytest.fixture(scope="module")
def base(cdnow) -> pd.DataFrame:
    return cdnow.reset_index().assign(current_value=cdnow["realised"].to_numpy() * 0.3)


@pytest.fixture(scope="module")
def valued(base):
    return value(base)


def test_annual_rate():
    assert annual_to_continuous(0.15, 52) == pytest.approx(np.log(1.15) / 52)
    with pytest.raises(ValueError, match="no discounting"):
        annual_to_continuous(-1.0, 52)


def test_columns_and_identities(valued, base):
    table = valued.customers
    assert list(table.columns) == [
        "customer_id", "current_value", "p_active", "expected_purchases", "expected_spend",
        "future_value", "future_value_lo", "future_value_hi", "lifetime_value",
        "value_decile", "value_tier",
    ]  # fmt: skip
    assert table.notna().all(axis=None)
    assert table["customer_id"].tolist() == base["customer_id"].tolist()
    assert (table["lifetime_value"] - table["future_value"]).to_numpy() == pytest.approx(
        base["realised"].to_numpy()
    )
    assert valued.equity.value == pytest.approx(table["future_value"].sum())
    best = table.nlargest(round(len(table) / 10), "future_value")["future_value"].sum()
    assert valued.top_shares["top_10"].value == pytest.approx(best / valued.equity.value, rel=2e-3)
    by_tier = table.groupby("value_tier")["lifetime_value"]
    assert by_tier.min()["high"] >= by_tier.max()["medium"]
    assert by_tier.sum()["high"] / table["lifetime_value"].sum() == pytest.approx(0.5, abs=0.01)


def test_future_value_is_the_product_of_the_public_predictions(valued, base):
    purchases = BetaGeometric().fit(*(base[c] for c in HISTORY))
    repeat = base[base["frequency"] > 0]
    spend = GammaGamma().fit(repeat["frequency"], repeat["mean_repeat_spend"])
    ahead = purchases.discounted_expected_purchases(
        156.0, SETTINGS["rate"], *(base[c] for c in HISTORY)
    )
    each = spend.expected_spend(base["frequency"], base["mean_repeat_spend"])
    assert valued.customers["future_value"].to_numpy() == pytest.approx(0.3 * ahead * each)


def test_infinity_is_above_any_horizon_and_reached_by_long_ones(valued, base):
    assert valued.to_infinity > 1.1 * valued.equity.value
    far = value(base, horizon=10_000.0, replications=21)
    assert far.equity.value == pytest.approx(valued.to_infinity, rel=1e-8)
    assert value(base, rate=0.0, replications=21).to_infinity is None


def test_total_interval(valued):
    equity = valued.equity
    assert equity.lo < equity.value < equity.hi
    assert 0.05 < (equity.hi - equity.lo) / equity.value < 0.6
    assert len(valued.replicates) == 60
    assert valued.replicates.notna().all(axis=None)
    spread = valued.replicates["r"].std()
    assert spread == pytest.approx(0.0126, rel=0.5)  # the standard error of the fit


def test_same_seed_same_result_and_another_seed_another(valued, base):
    again = value(base)
    pd.testing.assert_frame_equal(again.customers, valued.customers)
    assert again.equity == valued.equity
    assert value(base, seed=12).equity.lo != valued.equity.lo


def test_row_order_changes_nothing(valued, base):
    shuffled = value(base.sample(frac=1, random_state=1)).customers
    ordered = shuffled.sort_values("customer_id", ignore_index=True)
    expected = valued.customers.sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(ordered, expected)


def test_units_of_money_and_time(valued, base):
    cents = base.assign(**{c: base[c] * 100 for c in ("mean_repeat_spend", "realised")})
    in_cents = value(cents)
    assert in_cents.equity.lo == pytest.approx(100 * valued.equity.lo, rel=1e-4)
    assert in_cents.customers["value_tier"].tolist() == valued.customers["value_tier"].tolist()
    days = base.assign(**{c: base[c] * 7 for c in ("recency", "observed_time")})
    in_days = value(days, horizon=156.0 * 7, rate=SETTINGS["rate"] / 7)
    assert in_days.equity.hi == pytest.approx(valued.equity.hi, rel=1e-4)
    assert in_days.to_infinity == pytest.approx(valued.to_infinity, rel=1e-5)


def test_simulated_futures_average_to_the_expectation():
    """40,000 futures of each history at fixed parameters, within 4 standard errors."""
    theta, phi = np.array([0.5, 5.0, 0.8, 2.5]), np.array([6.0, 4.0, 15.0])
    histories = Histories(
        np.array([0.0, 2.0, 8.0]), np.array([0.0, 20.0, 37.0]),
        np.array([39.0, 39.0, 39.0]), np.array([0.0, 25.0, 60.0]),
    )  # fmt: skip
    many = (np.tile(theta, (40_000, 1)), np.tile(phi, (40_000, 1)))
    spend = simulate_spend(histories, *many, horizon=52.0, rate=0.01, rng=np.random.default_rng(0))
    x, end = histories.frequency, histories.observed_time
    ahead = expectations.purchases_if_alive(theta, x, end, 52.0, 0.01)
    ahead = ahead * expectations.probability_alive(theta, x, histories.recency, end)
    expected = ahead * expected_spend(phi, x, x * histories.mean_spend)
    error = spend.std(axis=1) / np.sqrt(40_000)
    assert (np.abs(spend.mean(axis=1) - expected) < 4 * error).all()


def test_future_quantiles_hold_fresh_futures():
    """Tails of a 90 % interval from 4,000 futures in fresh ones; idle futures pile up at 0."""
    histories = Histories(*(np.full(1, value) for value in (8.0, 37.0, 39.0, 60.0)))
    params = (np.tile([0.5, 5.0, 0.8, 2.5], (4_000, 1)), np.tile([6.0, 4.0, 15.0], (4_000, 1)))
    plan = {"horizon": 52.0, "rate": 0.01}
    lo, hi = future_quantiles(
        histories, *params, **plan, level=0.9, seed=np.random.SeedSequence(1)
    )[0]
    fresh = simulate_spend(histories, *params, **plan, rng=np.random.default_rng(2))
    assert (fresh > hi).mean() == pytest.approx(0.05, abs=0.015)
    assert (fresh < lo).mean() <= 0.065


def test_negative_repeat_spend_counts_as_nothing_and_is_noted(base):
    changed = base.copy()
    position = changed.index[changed["frequency"] > 0][0]
    changed.loc[position, "mean_repeat_spend"] = -5.0
    result = value(changed, replications=21)
    assert "1 customers with negative repeat spend" in result.notes[0]
    assert np.isfinite(result.customers.loc[position, "future_value"])


def test_infinite_mean_spend_is_refused(base):
    rng = np.random.default_rng(0)
    heavy = base.assign(mean_repeat_spend=base["mean_repeat_spend"] * rng.pareto(0.5, len(base)))
    with pytest.raises(NotIdentified, match="infinite"):
        value(heavy)


def test_a_refused_purchase_model_is_refused_with_its_reason(base):
    repeat = base[base["mean_repeat_spend"] > 0]
    purchases = BetaGeometric().fit(*(base[c] for c in HISTORY))
    spend = GammaGamma().fit(repeat["frequency"], repeat["mean_repeat_spend"])
    refused = replace(purchases.verdict, grade="refused", reasons=("unbounded",))
    with pytest.raises(NotIdentified, match="purchase model is refused: unbounded"):
        lifetime_values(base, replace(purchases, verdict=refused), spend, **SETTINGS)


def test_a_weak_model_says_so_beside_the_value(base, valued):
    assert valued.grade == "good" and valued.notes == ()
    equal = base.assign(
        mean_repeat_spend=base["mean_repeat_spend"].where(base["frequency"] == 0, 9.0)
    )
    weak = value(equal, replications=20)
    assert weak.grade == "weak"
    assert weak.notes[0].startswith("the spend model is weak: ")


def test_models_of_other_customers_are_refused(base):
    half = base.iloc[::2]
    purchases = BetaGeometric().fit(*(half[c] for c in HISTORY))
    repeat = base[base["frequency"] > 0]
    spend = GammaGamma().fit(repeat["frequency"], repeat["mean_repeat_spend"])
    with pytest.raises(ValueError, match="not fitted to these customers"):
        lifetime_values(base, purchases, spend, **SETTINGS)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.drop(columns="realised"), "customers lack realised"),
        (lambda t: t.assign(realised=np.nan), "realised must be finite"),
        (lambda t: t.assign(mean_repeat_spend=np.nan), "mean_repeat_spend must be finite"),
        (lambda t: t.assign(observed_time=0.0), "recency must not exceed observed_time"),
    ],
)
def test_impossible_tables_are_named(base, change, message):
    purchases = BetaGeometric().fit(*(base[c] for c in HISTORY))
    repeat = base[base["frequency"] > 0]
    spend = GammaGamma().fit(repeat["frequency"], repeat["mean_repeat_spend"])
    with pytest.raises(ValueError, match=message):
        lifetime_values(change(base), purchases, spend, **SETTINGS)
