"""Exhibits of the value chapter: what they say is in their table, and refusals are said."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib import value
from crmlib.exhibits import Scope, formats
from crmlib.exhibits import value as exhibits
from crmlib.stats.intervals import Interval

SCOPE = Scope("a test", dt.date(2020, 1, 1), dt.date(2020, 12, 31), "EUR", "week", "revenue")
REFUSAL = value.Refusal("nobody came back")


def amounts() -> np.ndarray:
    return np.random.default_rng(5).pareto(1.5, 1_000) + 1


@pytest.fixture(scope="module")
def curve():
    return value.concentration(amounts())


@pytest.fixture(scope="module")
def redrawn():
    return value.concentration_intervals(amounts(), [0.1, 0.2], replications=50, seed=1, level=0.9)


def scorecard(model: float, same_rate: float, mae: float) -> value.Scorecard:
    """A scorecard with stated errors in total and a mean absolute error for the model."""
    table = pd.DataFrame(
        {
            "total_predicted": [100 * (1 + model), 100 * (1 + same_rate), 140.0],
            "total_actual": 100.0,
            "total_error": [model, same_rate, 0.4],
            "mae": [mae, 0.5, 0.6],
            "spearman": [0.4, 0.5, None],
            "n": 200,
        },
        index=["model", "same_rate", "previous_window"],
    )
    by_frequency = pd.DataFrame(
        {"frequency": ["0", "1"], "predicted": [0.2, 1.0], "actual": [0.1, 1.5], "n": [150, 50]}
    )
    return value.Scorecard(table, by_frequency, np.zeros(200))


def test_concentration_title_is_in_its_table(curve, redrawn):
    exhibit = exhibits.concentration(curve, redrawn, 1_000, SCOPE)
    fifth = exhibit.table.set_index("customers").loc[0.2, "revenue"]
    assert formats.percent(fifth) in exhibit.title
    assert fifth == pytest.approx(np.sort(amounts())[-200:].sum() / amounts().sum())


def test_a_richer_best_fifth_changes_the_title(redrawn):
    poorer, richer = amounts(), np.sort(amounts())
    richer[-200:] *= 3
    titles = [
        exhibits.concentration(value.concentration(a), redrawn, 1_000, SCOPE).title
        for a in (poorer, richer)
    ]
    assert titles[0] != titles[1]


def test_decile_title_is_in_its_table():
    exhibit = exhibits.deciles(value.decile_table(amounts()), SCOPE)
    times = exhibit.table["times_average"].iloc[0]
    assert f"{times:.1f} times" in exhibit.title
    assert times == pytest.approx(np.sort(amounts())[-100:].mean() / amounts().mean())


@pytest.mark.parametrize(
    ("model", "mae", "said"),
    [
        (-0.1, 0.4, "beats both naive forecasts, in total and per customer"),
        (-0.1, 0.9, "beats both naive forecasts in total only"),
        (0.9, 0.4, "beats both naive forecasts per customer only"),
        (0.9, 0.9, "beats neither naive forecast"),
    ],
)
def test_the_scorecard_says_who_wins(model, mae, said):
    exhibit = exhibits.holdout_scorecard(scorecard(model, -0.3, mae), 200, SCOPE)
    assert said in exhibit.title


def test_holdout_error_counts_purchases_after_the_seal_only():
    tracking = pd.DataFrame(
        {
            "period_end": pd.date_range("2020-01-31", periods=4, freq="ME"),
            "actual": [10.0, 20.0, 30.0, 40.0],
            "expected": [12.0, 22.0, 30.0, 37.0],
            "sealed": [False, False, True, True],
        }
    )
    exhibit = exhibits.holdout_tracking(tracking, 9, SCOPE)
    assert exhibit.title == "In the sealed holdout the model ends 25.0% below actual purchases"
    assert exhibit.table["holdout_error"].iloc[-1] == pytest.approx(15 / 20 - 1)


def test_calibration_names_the_largest_gap():
    exhibit = exhibits.holdout_by_frequency(scorecard(0.1, 0.2, 0.3), 200, SCOPE)
    assert exhibit.title == "Forecasts miss most, by 0.50 purchases, at 1 earlier repeats"


def test_frequency_fit_counts_customers_in_the_wrong_place():
    actual = pd.Series([0] * 60 + [1] * 30 + [9] * 10)
    expected = pd.Series([50.0, 40.0, 10.0], index=[0, 1, 2])
    exhibit = exhibits.frequency_fit(actual, expected, 100, SCOPE)
    assert exhibit.table["actual"].tolist() == [60, 30, 10]
    assert "misplaces 10.0% of customers" in exhibit.title


@pytest.mark.parametrize(
    "exhibit",
    [
        exhibits.cohort_retention(REFUSAL, 30, SCOPE),
        exhibits.cohort_revenue(REFUSAL, 30, SCOPE),
        exhibits.holdout_tracking(REFUSAL, 30, SCOPE),
        exhibits.holdout_scorecard(REFUSAL, 30, SCOPE),
        exhibits.holdout_by_frequency(REFUSAL, 30, SCOPE),
        exhibits.model_parameters(REFUSAL, REFUSAL, 30, 0.9, SCOPE),
        exhibits.frequency_fit(pd.Series([0]), REFUSAL, 30, SCOPE),
        exhibits.customer_equity(REFUSAL, 3, 0.1, 30, SCOPE),
        exhibits.future_concentration(value.concentration([1.0, 2.0]), REFUSAL, 30, SCOPE),
    ],
    ids=lambda exhibit: exhibit.id,
)
def test_a_refusal_is_said_in_words(exhibit):
    assert "cannot be computed" in exhibit.title
    assert exhibit.table["reason"].tolist() == ["nobody came back"]


def test_findings_without_a_model_are_counts(curve):
    found = exhibits.findings(curve, REFUSAL, REFUSAL, 3, SCOPE)
    assert [finding.kind for finding in found] == ["census"]


def test_findings_speak_of_a_weak_model_and_of_the_holdout(curve):
    equity, fifth = Interval(1_000.0, 900.0, 1_100.0, 0.9), Interval(0.6, 0.5, 0.7, 0.9)
    values = value.LifetimeValues(
        customers=pd.DataFrame(),
        equity=equity,
        to_infinity=None,
        top_shares={"top_20": fifth},
        replicates=pd.DataFrame(),
        grade="weak",
        notes=("the spend model is weak: x",),
    )
    found = exhibits.findings(curve, scorecard(-0.1, 0.2, 0.3), values, 3, SCOPE)
    said = {finding.id: finding.sentence for finding in found}
    assert "EUR 1,000 of revenue" in said["customer_equity"]
    assert "interval EUR 900 to EUR 1,100; the model is weak" in said["customer_equity"]
    assert said["holdout_total_error"].endswith("foretold 10.0% fewer purchases than came.")
