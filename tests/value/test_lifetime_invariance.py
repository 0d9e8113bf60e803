"""Values do not depend on units of time and money or on the order of rows, whatever the models."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from crmlib.value import (
    BetaGeometric,
    BetaGeometricBetaBernoulli,
    FrequencyBands,
    GammaGammaByFrequency,
    ModifiedBetaGeometric,
    ParetoNBD,
    lifetime_values,
)

HISTORY = ["frequency", "recency", "observed_time"]
PURCHASES = {
    "BG/NBD": (BetaGeometric(), (0.6, 5.0, 0.9, 2.5)),
    "MBG/NBD": (ModifiedBetaGeometric(), (0.6, 5.0, 0.9, 2.5)),
    "Pareto/NBD": (ParetoNBD(), (0.6, 5.0, 0.9, 9.0)),
    "BG/BB": (BetaGeometricBetaBernoulli(), (1.2, 0.75, 0.8, 3.0)),
}
BY_FREQUENCY = GammaGammaByFrequency(FrequencyBands((1, 3)))  # one band: test_lifetime.py
PLAN = {"horizon": 26.0, "rate": 0.0027, "margin_rate": 0.3}
OPTIONS = {
    "replications": 20,
    "seed": 5,
    "level": 0.9,
    "tier_cuts": (0.5, 0.8),
    "tier_labels": ("high", "medium", "low"),
}
MONEY = ["current_value", "expected_spend", "future_value", "lifetime_value"]
BOUNDS = ["future_value_lo", "future_value_hi"]


def value(table, purchases, spend, **plan):
    repeat = table[table["mean_repeat_spend"] > 0]
    fits = (
        purchases.fit(*(table[c] for c in HISTORY)),
        spend.fit(repeat["frequency"], repeat["mean_repeat_spend"]),
    )
    return lifetime_values(table, *fits, **PLAN | OPTIONS | plan)


@pytest.fixture(scope="module")
def worlds(simulate_as):
    tables = {}
    for seed, (name, (_, params)) in enumerate(PURCHASES.items()):
        rng = np.random.default_rng(seed)
        table = simulate_as(name, params, rng.integers(8, 40, 1_200).astype(float), seed=seed)
        x = table["frequency"].to_numpy()
        level = 12 * rng.gamma(5, 1 / 4, x.size) * np.where(x >= 3, 1.6, 1.0)
        spend = np.where(x > 0, level * rng.gamma(4 * np.maximum(x, 1)) / (4 * np.maximum(x, 1)), 0)
        tables[name] = table[HISTORY].assign(
            customer_id=[f"c{i:04}" for i in range(x.size)],
            mean_repeat_spend=np.where(x > 0, spend, np.nan),
            realised=20 + x * spend,
            current_value=x * spend / 2,
        )
    return tables


@pytest.fixture(scope="module", params=PURCHASES)
def case(request, worlds):
    name = request.param
    models = PURCHASES[name][0], BY_FREQUENCY
    return worlds[name], models, value(worlds[name], *models)


def same(found, expected, money=1.0):
    """Equal to the tolerance of refits; a simulated future may move by one draw."""
    table, reference = found.customers, expected.customers
    assert_allclose(table[MONEY], reference[MONEY] * money, rtol=1e-5)
    assert_allclose(table["p_active"], reference["p_active"], rtol=1e-6)
    assert_allclose(table["expected_purchases"], reference["expected_purchases"], rtol=1e-5)
    moved = np.abs(table[BOUNDS] / money - reference[BOUNDS]) > 1e-3 * (1 + reference[BOUNDS])
    assert moved.to_numpy().mean() < 0.02
    assert table["value_tier"].tolist() == reference["value_tier"].tolist()
    for name in ("value", "lo", "hi"):
        equity = getattr(expected.equity, name)
        assert getattr(found.equity, name) == pytest.approx(equity * money, rel=1e-4)
        for share, interval in expected.top_shares.items():
            share_found = getattr(found.top_shares[share], name)
            assert share_found == pytest.approx(getattr(interval, name), rel=1e-4)
    assert found.to_infinity == pytest.approx(expected.to_infinity * money, rel=1e-4)


@pytest.mark.parametrize("unit", [7.0, 7 / 365.25], ids=["days", "years"])
@pytest.mark.parametrize("case", ["BG/NBD", "MBG/NBD", "Pareto/NBD"], indirect=True)
def test_time_unit(case, unit):
    """BG/BB counts occasions, which have no unit."""
    table, models, expected = case
    other = table.assign(**{c: table[c] * unit for c in ("recency", "observed_time")})
    plan = {"horizon": PLAN["horizon"] * unit, "rate": PLAN["rate"] / unit}
    same(value(other, *models, **plan), expected)


def test_currency(case):
    table, models, expected = case
    money = ["mean_repeat_spend", "realised", "current_value"]
    same(value(table.assign(**{c: table[c] * 100 for c in money}), *models), expected, 100.0)


def test_order_of_rows(case):
    table, models, expected = case
    shuffled = value(table.sample(frac=1, random_state=3), *models).customers
    pd.testing.assert_frame_equal(
        shuffled.sort_values("customer_id", ignore_index=True), expected.customers
    )
