"""sBG against Fader & Hardie (2007), "How to Project Customer Retention".

Survivors of two segments, in per cent of those acquired, years 0 to 12 (their Table 1,
after Berry & Linoff 2004); fitted to years 0 to 7 with n = 1,000.
"""

import numpy as np
import pandas as pd
import pytest

from crmlib.value.contracts import ShiftedBetaGeometric

HIGH_END = [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4]
REGULAR = [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3]
YEARS = 8  # columns of which are fitted


def fit(survivors):
    return ShiftedBetaGeometric().fit_survivors(10 * np.array(survivors[:YEARS]))


@pytest.mark.parametrize(
    "survivors, alpha, beta", [(HIGH_END, 0.668, 3.806), (REGULAR, 0.704, 1.182)]
)
def test_published_parameters(survivors, alpha, beta):
    fitted = fit(survivors)
    assert fitted.params["alpha"] == pytest.approx(alpha, abs=0.0005)
    assert fitted.params["beta"] == pytest.approx(beta, abs=0.0005)
    assert fitted.verdict.grade == "good"
    assert fitted.nobs == 1000


def test_log_likelihood():
    """Printed as −1.611 per customer; −1611.158 at n = 1,000 by independent optimisers."""
    assert fit(HIGH_END).llf == pytest.approx(-1611.158, abs=5e-4)


@pytest.mark.parametrize("survivors, error", [(HIGH_END, 0.04), (REGULAR, 0.02)])
def test_projection_to_year_twelve(survivors, error):
    """Published: within 4 % and 2 % of the survivors of year 12."""
    projected = fit(survivors).survival(12)[0]
    assert projected / (survivors[12] / 100) - 1 == pytest.approx(-error, abs=0.006)


def test_mean_loss_and_retention():
    """Published: mean churn probability .15 and .37; retention rises with age."""
    high, regular = fit(HIGH_END), fit(REGULAR)
    assert high.mean_loss == pytest.approx(0.15, abs=0.005)
    assert regular.mean_loss == pytest.approx(0.37, abs=0.005)
    alpha, beta = high.params
    assert high.retention(8)[0] == pytest.approx((beta + 7) / (alpha + beta + 7))
    assert (np.diff(high.retention(range(1, 30))) > 0).all()


def test_summary_has_a_row_per_parameter_and_no_gap():
    summary = fit(HIGH_END).summary()
    assert list(summary.columns) == ["estimate", "std_err", "lower", "upper"]
    assert summary.notna().all(axis=None)
    assert (
        (summary["lower"] < summary["estimate"]) & (summary["estimate"] < summary["upper"])
    ).all()


def test_expected_losses_add_up_to_the_observed():
    bands = fit(HIGH_END).losses()
    assert bands["ended"].sum() == pytest.approx(509)
    assert bands["expected"].sum() == pytest.approx(509, abs=0.5)
    assert list(bands["first"]) == sorted(bands["first"])


def test_cohorts_share_one_model():
    """Two cohorts seen for 7 and for 4 years are the same as their contracts one by one."""
    late = np.array([1000.0, 860.0, 750.0, 661.0, 590.0])
    table = pd.DataFrame([10 * np.array(HIGH_END[:YEARS]), [*late, *[np.nan] * 3]], ["a", "b"])
    cohorts = ShiftedBetaGeometric().fit_survivors(table)
    duration, ended, weights = [], [], []
    for counts in (10 * np.array(HIGH_END[:YEARS]), late):
        periods = len(counts) - 1
        duration += [*range(1, periods + 1), periods]
        ended += [True] * periods + [False]
        weights += [*-np.diff(counts), counts[-1]]
    single = ShiftedBetaGeometric().fit(duration, ended, weights=weights)
    assert cohorts.params.to_numpy() == pytest.approx(single.params.to_numpy(), rel=1e-6)
    assert cohorts.llf == pytest.approx(single.llf, abs=1e-8)
    assert cohorts.nobs == single.nobs == 2000


def test_losses_are_the_same_as_survivors():
    survivors = 10 * np.array(HIGH_END[:YEARS])
    one = ShiftedBetaGeometric().fit_losses(1000, -np.diff(survivors))
    assert one.params.to_numpy() == pytest.approx(fit(HIGH_END).params.to_numpy(), rel=1e-9)
    two = pd.DataFrame([[131, 126, 90], [140, 110, np.nan]], index=["a", "b"])
    counted = pd.DataFrame([[1000, 869, 743, 653], [1000, 860, 750, np.nan]])
    both = ShiftedBetaGeometric().fit_losses([1000, 1000], two)
    same = ShiftedBetaGeometric().fit_survivors(counted)
    assert both.params.to_numpy() == pytest.approx(same.params.to_numpy(), rel=1e-9)
    with pytest.raises(ValueError, match="survivors of cohort b has a hole"):
        ShiftedBetaGeometric().fit_losses(
            [1000] * 2, two.assign(**{"1": [1.0, np.nan]})[[0, "1", 2]].assign(last=1.0)
        )
    with pytest.raises(ValueError, match="survivors of cohort 0 must be finite and not negative"):
        ShiftedBetaGeometric().fit_losses(100, [60, 50])
    with pytest.raises(ValueError, match="sizes has 1 values where 2 were expected"):
        ShiftedBetaGeometric().fit_losses(100, two)
