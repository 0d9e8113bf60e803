"""BG/NBD against published figures for CDNOW (Fader, Hardie & Lee 2005, and its spreadsheet)."""

import numpy as np
import pytest

from crmlib.value.purchases import BetaGeometric, BetaGeometricResult, PurchaseLikelihood

PUBLISHED = {"r": 0.2425945, "alpha": 4.4136019, "a": 0.7929199, "b": 2.4258881}
HISTORY = ["frequency", "recency", "observed_time"]


@pytest.fixture(scope="module")
def fitted(cdnow) -> BetaGeometricResult:
    return BetaGeometric().fit(*(cdnow[c] for c in HISTORY))


def test_the_sample_is_the_published_one(cdnow):
    assert len(cdnow) == 2357
    assert cdnow["holdout"].sum() == 1882


def test_parameters_and_log_likelihood_as_printed(fitted):
    """FHL 2005, table 2."""
    assert fitted.params.to_numpy() == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=5e-4)
    assert fitted.llf == pytest.approx(-9582.4, abs=0.05)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters(fitted, name):
    """Refined: to 3e-5 standard errors, which is as far as they stopped before the optimum."""
    assert fitted.params[name] == pytest.approx(PUBLISHED[name], abs=3e-5 * fitted.bse[name])


def test_log_likelihood(fitted):
    """Above that of the refined estimates, by 1e-9."""
    assert fitted.llf == pytest.approx(-9582.429, abs=5e-4)
    assert fitted.nobs == 2357
    likelihood = PurchaseLikelihood.of(*fitted.groups.columns)
    refined = np.log(list(PUBLISHED.values()))
    height = likelihood.evaluate(refined, fitted.groups.weights)[0]
    assert height < fitted.llf < height + 1e-8


def test_weeks_of_two_decimals_are_another_data_set(cdnow):
    """The trap of the summary file: its likelihood is another in the third decimal."""
    rounded = BetaGeometric().fit(*(cdnow[c].round(2) for c in HISTORY))
    assert abs(rounded.llf + 9582.429) > 3e-3
    assert rounded.params["b"] != pytest.approx(PUBLISHED["b"], abs=1e-4)


def test_verdict_is_good_and_says_that_one_time_buyers_cannot_leave(fitted):
    assert fitted.verdict.grade == "good"
    assert fitted.verdict.reasons == ()
    assert "customers who bought once" in fitted.verdict.notes[0]


def test_holdout_total(fitted, cdnow):
    predicted = fitted.expected_purchases(39, *(cdnow[c] for c in HISTORY))
    assert predicted.sum() == pytest.approx(1653.4, abs=0.05)


def test_tracking_total_of_the_calibration_period(fitted, cdnow):
    tracked = fitted.expected_cumulative([39.0, 78.0], cdnow["birth"])
    by_customer = [fitted.expected_purchases_new(78 - birth) for birth in cdnow["birth"]]
    assert tracked[78.0] == pytest.approx(np.sum(by_customer), rel=1e-9)
    assert tracked[39.0] < tracked[78.0]


def test_expected_frequencies_sum_to_customers_and_fit_the_observed(fitted, cdnow):
    expected = fitted.frequency_distribution(cdnow["observed_time"], 7)
    observed = cdnow["frequency"].clip(upper=7).value_counts().sort_index()
    assert expected.sum() == pytest.approx(2357)
    # FHL 2005, figure 2: the model follows the histogram within a few per cent
    assert np.abs(expected - observed).max() < 60


def test_summary_has_a_row_per_parameter_and_no_gap(fitted):
    summary = fitted.summary()
    assert list(summary.columns) == ["estimate", "std_err", "lower", "upper"]
    assert summary.notna().all(axis=None)
    assert (summary["lower"] < summary["estimate"]).all()
    assert (summary["estimate"] < summary["upper"]).all()
