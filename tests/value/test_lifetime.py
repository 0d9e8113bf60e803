"""Lifetime value: identities, intervals, invariances, refusals (CDNOW sample)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.grouping import group_rows
from crmlib.stats.optimise import NotIdentified
from crmlib.value.lifetime import BOOTSTRAP, annual_to_continuous, lifetime_values
from crmlib.value.purchases import BetaGeometric
from crmlib.value.spend import GammaGamma, Refit

HISTORY = ["frequency", "recency", "observed_time"]
SETTINGS = {
    "horizon": 150.0,
    "rate": annual_to_continuous(0.15, 52),
    "margin_rate": 0.3,
    "replications": 60,
    "seed": 11,
    "level": 0.9,
    "tier_cuts": (0.5, 0.8),
    "tier_labels": ("high", "medium", "low"),
}


def fit(table: pd.DataFrame):
    repeat = table[table["mean_repeat_spend"] > 0]
    purchases = BetaGeometric().fit(*(table[c] for c in HISTORY))
    return purchases, GammaGamma().fit(repeat["frequency"], repeat["mean_repeat_spend"])


def value(table: pd.DataFrame, **changes):
    return lifetime_values(table, *fit(table), **SETTINGS | changes)


@pytest.fixture(scope="module")
def base(cdnow) -> pd.DataFrame:
    return cdnow.reset_index().assign(current_value=cdnow["realised"].to_numpy() * 0.3)


@pytest.fixture(scope="module")
def fits(base):
    return fit(base)


@pytest.fixture(scope="module")
def valued(base, fits):
    return lifetime_values(base, *fits, **SETTINGS)


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


def test_columns_are_the_public_predictions(valued, base, fits):
    purchases, spend = fits
    history = [base[c] for c in HISTORY]
    predictions = {
        "p_active": purchases.probability_alive(*history),
        "expected_purchases": purchases.expected_purchases(150.0, *history),
        "expected_spend": spend.expected_spend(base["frequency"], base["mean_repeat_spend"]),
    }
    for column, predicted in predictions.items():
        assert valued.customers[column].to_numpy() == pytest.approx(predicted), column


def test_future_value_is_the_product_of_the_public_predictions(valued, base, fits):
    purchases, spend = fits
    ahead = purchases.discounted_expected_purchases(
        150.0, SETTINGS["rate"], *(base[c] for c in HISTORY)
    )
    each = spend.expected_spend(base["frequency"], base["mean_repeat_spend"])
    assert valued.customers["future_value"].to_numpy() == pytest.approx(0.3 * ahead * each)


def test_infinity_is_above_any_horizon_and_reached_by_long_ones(valued, base, fits):
    assert valued.to_infinity > 1.1 * valued.equity.value
    few = SETTINGS | {"replications": 21}
    far = lifetime_values(base, *fits, **few | {"horizon": 10_000.0})
    assert far.equity.value == pytest.approx(valued.to_infinity, rel=1e-8)
    assert lifetime_values(base, *fits, **few | {"rate": 0.0}).to_infinity is None


def test_total_interval(valued):
    equity = valued.equity
    assert equity.lo < equity.value < equity.hi
    assert 0.05 < (equity.hi - equity.lo) / equity.value < 0.6
    assert len(valued.replicates) == 60
    assert valued.replicates.notna().all(axis=None)
    spread = valued.replicates["r"].std()
    assert spread == pytest.approx(0.0126, rel=0.5)  # the standard error of the fit


def test_a_replicate_is_a_fit_to_its_resample(valued, base):
    """First replicate: both models fitted anew, without warm start, and the resample valued."""
    columns = (base[c].fillna(0).to_numpy(float) for c in (*HISTORY, "mean_repeat_spend"))
    groups = group_rows(*columns)
    weights = next(bootstrap_weights(groups.weights, 1, generator(SETTINGS["seed"], BOOTSTRAP)))
    x, recency, observed, mean = groups.columns
    purchases = BetaGeometric().fit(x, recency, observed, weights)
    spend = GammaGamma().fit(x[mean > 0], mean[mean > 0], weights[mean > 0])
    ahead = purchases.discounted_expected_purchases(150.0, SETTINGS["rate"], x, recency, observed)
    equity = 0.3 * weights @ (ahead * spend.expected_spend(x, mean))
    expected = [*purchases.params, *spend.params, equity]
    first = valued.replicates.loc[0, "r":"equity"]
    assert first.to_numpy() == pytest.approx(np.array(expected), rel=1e-3)


def test_spread_of_replicates_is_near_the_standard_errors(valued, fits):
    """Of log-parameters; 60 replicates know it within 9 %, the models fit only roughly."""
    for result in fits:
        spread = np.log(valued.replicates[list(result.params.index)]).std().to_numpy()
        assert spread == pytest.approx(np.sqrt(np.diag(result.log_covariance)), rel=0.5)


def test_margin_scales_value_and_its_bounds(valued, base, fits):
    double = lifetime_values(base, *fits, **SETTINGS | {"margin_rate": 0.6})
    money = ["future_value", "future_value_lo", "future_value_hi"]
    assert double.customers[money].to_numpy() == pytest.approx(
        2 * valued.customers[money].to_numpy()
    )
    assert double.equity.hi == pytest.approx(2 * valued.equity.hi)
    assert double.to_infinity == pytest.approx(2 * valued.to_infinity)


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
    in_days = value(days, horizon=150.0 * 7, rate=SETTINGS["rate"] / 7)
    assert in_days.equity.hi == pytest.approx(valued.equity.hi, rel=1e-4)
    assert in_days.to_infinity == pytest.approx(valued.to_infinity, rel=1e-5)


@pytest.mark.parametrize("count", [1, 3])
def test_negative_repeat_spend_counts_as_nothing_and_is_noted_without_a_number(base, count):
    changed = base[::4].reset_index(drop=True)
    rows = changed.index[changed["frequency"] > 0][:count]
    changed.loc[rows, "mean_repeat_spend"] = -5.0
    result = value(changed, replications=20)
    assert "customers with negative repeat spend are valued as if it were 0" in result.notes
    assert (result.customers.loc[rows, "future_value"] > 0).all()


def test_infinite_mean_spend_is_refused(base):
    rng = np.random.default_rng(0)
    heavy = base.assign(mean_repeat_spend=base["mean_repeat_spend"] * rng.pareto(0.5, len(base)))
    with pytest.raises(NotIdentified, match="infinite"):
        value(heavy)


@pytest.fixture
def infinite_refits(monkeypatch):
    """The next so many refits of the spend model find q = .9."""
    refit = Refit.__call__

    def arrange(count: int) -> None:
        coming = iter([True] * count)

        def refitted(self, weights):
            p, q, v = refit(self, weights)
            return np.array([p, 0.9 if next(coming, False) else q, v])

        monkeypatch.setattr(Refit, "__call__", refitted)

    return arrange


def test_infinite_mean_in_a_tail_of_resamples_is_refused(base, fits, infinite_refits):
    infinite_refits(3)
    with pytest.raises(NotIdentified, match=r"infinite \(q ≤ 1\) in 5% of bootstrap samples"):
        lifetime_values(base, *fits, **SETTINGS)


def test_fewer_infinite_means_raise_the_upper_bound(valued, base, fits, infinite_refits):
    """The 95 % quantile of 60, two of them infinite, is between the 57th and the 58th."""
    infinite_refits(2)
    result = lifetime_values(base, *fits, **SETTINGS)
    assert "2 bootstrap samples had infinite mean spend" in result.notes
    equity = np.sort(valued.replicates["equity"][2:])
    assert equity[56] <= result.equity.hi <= equity[57]
    assert equity[2] <= result.equity.lo <= equity[3]


def test_a_refused_purchase_model_is_refused_with_its_reason(base, fits):
    purchases, spend = fits
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


def test_a_horizon_far_beyond_the_data_is_weak(base, fits):
    """Up to four times the longest time observed nothing is said."""
    longest = base["observed_time"].max()
    plan = SETTINGS | {"replications": 20}
    result = lifetime_values(base, *fits, **plan | {"horizon": 4 * longest})
    assert result.grade == "good" and result.notes == ()
    result = lifetime_values(base, *fits, **plan | {"horizon": 5 * longest})
    assert result.grade == "weak"
    assert result.notes == (
        "the horizon is 5.0 times the longest time observed: nothing in the data vouches for it",
    )


@pytest.mark.parametrize("other, name", [(0, "purchases_result"), (1, "spend_result")])
def test_models_of_other_customers_are_refused(base, fits, other, name):
    mixed = list(fits)
    mixed[other] = fit(base[::2])[other]
    with pytest.raises(ValueError, match=f"{name} was not fitted to these customers"):
        lifetime_values(base, *mixed, **SETTINGS)


def test_models_of_as_many_customers_with_other_histories_are_refused(base, fits):
    dearer = base.assign(mean_repeat_spend=base["mean_repeat_spend"] * 1.2)
    with pytest.raises(ValueError, match="spend_result was not fitted to these customers"):
        lifetime_values(dearer, *fits, **SETTINGS)
    earlier = base.assign(recency=base["recency"] * 0.8)
    with pytest.raises(ValueError, match="purchases_result was not fitted to these customers"):
        lifetime_values(earlier, *fits, **SETTINGS)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.drop(columns="realised"), "customers lack realised"),
        (lambda t: t.assign(realised=np.nan), "realised must be finite"),
        (lambda t: t.assign(mean_repeat_spend=np.nan), "mean_repeat_spend must be finite"),
        (lambda t: t.assign(observed_time=0.0), "recency must not exceed observed_time"),
    ],
)
def test_impossible_tables_are_named(base, fits, change, message):
    with pytest.raises(ValueError, match=message):
        lifetime_values(change(base), *fits, **SETTINGS)
