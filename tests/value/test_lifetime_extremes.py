"""Values of hard cases are finite, or refused with a reason; never a gap, never infinite."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value import (
    BetaGeometric,
    GammaGamma,
    GammaGammaByFrequency,
    ModifiedBetaGeometric,
    ParetoNBD,
    lifetime_values,
)

HISTORY = ["frequency", "recency", "observed_time"]
MODELS = [BetaGeometric, ModifiedBetaGeometric, ParetoNBD]
OPTIONS = {
    "horizon": 156.0,
    "rate": 0.0027,
    "margin_rate": 0.3,
    "replications": 25,
    "seed": 5,
    "level": 0.9,
    "tier_cuts": (0.5, 0.8),
    "tier_labels": ("high", "medium", "low"),
}


def customers(frequency, recency, observed, seed=1, spend=None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = np.asarray(frequency, dtype=float)
    if spend is None:
        each = np.maximum(x, 1)
        spend = rng.gamma(4 * each, 60 / rng.gamma(4, size=x.size)) / (4 * each)
    return pd.DataFrame(
        {
            "customer_id": np.arange(x.size),
            "frequency": x,
            "recency": np.where(x > 0, recency, 0.0),
            "observed_time": observed,
            "mean_repeat_spend": np.where(x > 0, spend, np.nan),
            "realised": 30.0 + x,
            "current_value": 10.0,
        }
    )


def ordinary(count=600, seed=2, leaving=0.15):
    """Purchases at rates of each customer's own, each of them the last with some chance."""
    rng = np.random.default_rng(seed)
    end = rng.integers(20, 40, count).astype(float)
    rate, clock, x, last = rng.gamma(0.9, 1 / 6, count), *np.zeros((3, count))
    active = np.ones(count, dtype=bool)
    while active.any():
        clock = clock + rng.exponential(size=count) / rate
        active &= clock <= end
        x, last = x + active, np.where(active, clock, last)
        active &= rng.random(count) >= leaving
    return x, last, end


def never_leaves():
    return customers(*ordinary(leaving=0.0))


def always_leaves():
    return customers(*ordinary(leaving=1.0))


def bought_at_the_very_end():
    x, _, end = ordinary()
    return customers(x, end, end)


def more_than_a_thousand():
    x, last, end = ordinary(300)
    x[:3], last[:3] = [1_001, 20_000, 1_500], end[:3] * [1, 0.999, 0.5]
    return customers(x, last, end)


def all_equal():
    return customers(np.full(300, 6.0), 30.0, 39.0, spend=np.full(300, 20.0))


def equal_spend():
    return customers(*ordinary(), spend=np.full(600, 20.0))


def half_of_a_percent_came_back():
    x = np.zeros(600)
    x[:3] = [1, 2, 3]
    return customers(x, 10.0, 39.0)


def nobody_came_back():
    return customers(np.zeros(300), 0.0, 39.0)


def infinite_mean():
    x, last, end = ordinary()
    return customers(x, last, end, spend=np.random.default_rng(3).pareto(0.5, x.size) + 0.01)


def nothing_spent():
    return customers(*ordinary(), spend=np.zeros(600))


def seen_for_a_day():
    x, last, end = ordinary()
    end = np.where(np.arange(x.size) % 2, 1 / 7, end)
    return customers(np.where(end < 1, 0, x), last, end)


def one_customer():
    return customers([3.0], [20.0], [39.0], spend=[20.0])


def cents_and_millions():
    x, last, end = ordinary()
    return customers(x, last, end, spend=np.exp(np.random.default_rng(4).uniform(-5, 14, x.size)))


CASES = [
    never_leaves, always_leaves, bought_at_the_very_end, more_than_a_thousand, all_equal,
    equal_spend, half_of_a_percent_came_back, nobody_came_back, infinite_mean, nothing_spent,
    seen_for_a_day, one_customer, cents_and_millions,
]  # fmt: skip
REFUSED = {"nobody_came_back", "infinite_mean", "nothing_spent"}


def finite(valued) -> None:
    table = valued.customers
    numbers = table.drop(columns=["customer_id", "value_tier"]).to_numpy(dtype=float)
    assert np.isfinite(numbers).all()
    assert table["p_active"].between(0, 1).all()
    assert (table[["expected_purchases", "expected_spend", "future_value"]] >= 0).all(axis=None)
    assert (table["future_value_lo"] <= table["future_value_hi"]).all()
    assert np.isfinite(valued.replicates.to_numpy(dtype=float)).all()
    figures = [valued.to_infinity]
    for interval in (valued.equity, *valued.top_shares.values()):
        figures += [interval.value, interval.lo, interval.hi]
    assert np.isfinite(figures).all()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_finite_or_refused_with_a_reason(case, model):
    table = case()
    repeat = table[table["mean_repeat_spend"] > 0]
    try:
        purchases = model().fit(*(table[c] for c in HISTORY))
        if repeat.empty:
            raise NotIdentified("no repeat spend")
        spend = GammaGammaByFrequency().fit(repeat["frequency"], repeat["mean_repeat_spend"])
        valued = lifetime_values(table, purchases, spend, **OPTIONS)
    except NotIdentified as refusal:
        assert len(str(refusal)) > 10
        assert case.__name__ not in {"more_than_a_thousand", "bought_at_the_very_end"}
        return
    assert case.__name__ not in REFUSED
    finite(valued)
    assert valued.grade == "good" or valued.notes


@pytest.mark.parametrize(
    "model, parameter", [(BetaGeometric, "a"), (ModifiedBetaGeometric, "a"), (ParetoNBD, "s")]
)
@pytest.mark.parametrize("distance", [0.0, 1e-12, -1e-9, 1e-6])
def test_no_hole_where_closed_forms_divide_by_nothing(model, parameter, distance):
    """At 1 and beside it the equity is that of the estimate moved there, without a jump."""
    table = customers(*ordinary(400))
    repeat = table[table["frequency"] > 0]
    purchases = model().fit(*(table[c] for c in HISTORY))
    spend = GammaGamma().fit(repeat["frequency"], repeat["mean_repeat_spend"])

    def equity(at: float) -> float:
        moved = replace(
            purchases, params=purchases.params.replace({purchases.params[parameter]: at})
        )
        ahead = moved.discounted_expected_purchases(156.0, 0.0027, *(table[c] for c in HISTORY))
        return float(ahead @ spend.expected_spend(table["frequency"], table["mean_repeat_spend"]))

    assert equity(1 + distance) == pytest.approx(
        (equity(1 - 1e-4) + equity(1 + 1e-4)) / 2, rel=1e-6
    )
