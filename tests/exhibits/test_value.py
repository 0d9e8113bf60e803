"""Exhibits of the value chapter: what they say is in their table, and refusals are said."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib import value
from crmlib.exhibits import Scope, formats
from crmlib.exhibits import value as exhibits
from crmlib.stats.intervals import Interval
from crmlib.value import Foretold

SCOPE = Scope("a test", dt.date(2020, 1, 1), dt.date(2020, 12, 31), "EUR", "week", "revenue", 10)
REFUSAL = value.Refusal("nobody came back")


def amounts() -> np.ndarray:
    return np.random.default_rng(5).pareto(1.5, 1_000) + 1


@pytest.fixture(scope="module")
def curve():
    return value.concentration(amounts())


@pytest.fixture(scope="module")
def redrawn():
    return value.concentration_intervals(amounts(), [0.2, 0.5], replications=50, seed=1, level=0.9)


def scorecard(model: float, same_rate: float, mae: float, spearman: float = 0.4) -> value.Scorecard:
    """A scorecard with stated errors in total and a mean absolute error for the model."""
    table = pd.DataFrame(
        {
            "total_predicted": [100 * (1 + model), 100 * (1 + same_rate), 140.0],
            "total_actual": 100.0,
            "total_error": [model, same_rate, 0.4],
            "mae": [mae, 0.5, 0.6],
            "spearman": [spearman, 0.5, None],
            "lift": [3.0, 2.5, None],
            "n": 200,
        },
        index=["model", "same_rate", "previous_window"],
    )
    by_frequency = pd.DataFrame(
        {"predicted": [0.2, 1.0], "actual": [0.1, 1.5], "n": [150, 50], "crossing": [20, 10]}
    )
    by_frequency = by_frequency.reindex(range(8)).fillna({"n": 0, "crossing": 0})
    return value.Scorecard(table, by_frequency, np.zeros(200), "BG/NBD")


def test_concentration_title_is_in_its_table(curve, redrawn):
    exhibit = exhibits.concentration(curve, redrawn, 1_000, SCOPE)
    fifth = exhibit.table.set_index("customers").loc[0.2, "revenue"]
    assert formats.percent(fifth) in exhibit.title
    assert fifth == pytest.approx(np.sort(amounts())[-200:].sum() / amounts().sum())


def test_concentration_without_an_interval_says_why(curve):
    exhibit = exhibits.concentration(curve, REFUSAL, 1_000, SCOPE)
    assert "may have no positive total (nobody came back)" in exhibit.note


def test_a_richer_best_fifth_changes_the_title(redrawn):
    poorer, richer = amounts(), np.sort(amounts())
    richer[-200:] *= 3
    titles = [
        exhibits.concentration(value.concentration(a), redrawn, 1_000, SCOPE).title
        for a in (poorer, richer)
    ]
    assert titles[0] != titles[1]


def test_decile_title_is_in_its_table():
    exhibit = exhibits.deciles(value.band_table(amounts(), 10), SCOPE)
    times = exhibit.table["times_average"].iloc[0]
    assert f"{times:.1f} times" in exhibit.title
    assert times == pytest.approx(np.sort(amounts())[-100:].mean() / amounts().mean())


@pytest.mark.parametrize(
    ("model", "mae", "spearman", "said"),
    [
        (-0.1, 0.4, 0.9, "beats the naive forecasts on totals, customers and ranking"),
        (-0.1, 0.4, 0.4, "on totals and customers, not on ranking"),
        (-0.1, 0.9, 0.9, "on totals and ranking, not on customers"),
        (0.9, 0.4, 0.4, "on customers, not on totals and ranking"),
        (-0.3, 0.5, 0.5, "beats no naive forecast"),  # level with the best is not better
    ],
)
def test_the_scorecard_says_who_wins(model, mae, spearman, said):
    score = scorecard(model, -0.3, mae, spearman)
    assert said in exhibits.holdout_scorecard(score, REFUSAL, 200, SCOPE).title


@pytest.mark.parametrize(("hi", "verb"), [(95.0, "does not hold"), (105.0, "holds")])
def test_the_scorecard_says_whether_the_forecast_holds_the_total(hi, verb):
    foretold = Foretold(Interval(90.0, 80.0, hi, 0.9), inside=0.93)
    exhibit = exhibits.holdout_scorecard(scorecard(-0.1, -0.3, 0.4), foretold, 200, SCOPE)
    assert f"interval, 80 to {hi:.0f}, {verb} the actual total;" in exhibit.note
    assert "93% lie in their own interval" in exhibit.note


def test_a_holdout_without_purchases_is_said_in_words():
    score = scorecard(-0.1, -0.3, 0.4)
    score.table["total_error"] = pd.Series([None, None, None], dtype=object).to_numpy()
    exhibit = exhibits.holdout_scorecard(score, REFUSAL, 200, SCOPE)
    assert exhibit.formatted["error"].tolist() == ["", "", ""]
    tracking = pd.DataFrame(
        {
            "period_end": pd.date_range("2020-01-31", periods=2, freq="ME"),
            "actual": [5.0, 5.0],
            "expected": [5.0, 8.0],
            "sealed": [False, True],
            "periods": 1,
        }
    )
    title = exhibits.holdout_tracking(tracking, 9, SCOPE).title
    assert title == "Nobody bought in the sealed holdout; the model foretold 3"


def test_money_is_tested_in_total_and_for_the_best_fifth():
    money = pd.DataFrame(
        {
            "total_predicted": [80.0, 130.0],
            "total_actual": 100.0,
            "total_error": [-0.2, 0.3],
            "best_share": 0.2,
            "best_predicted": [0.7, 0.6],
            "best_actual": [0.5, 0.4],
            "n": 200,
        },
        index=["model", "previous_window"],
    )
    exhibit = exhibits.holdout_money(money, 200, SCOPE)
    assert exhibit.title == "In money the models foretell 20.0% too little"
    assert exhibit.formatted.iloc[0, 4:6].tolist() == ["70.0%", "50.0%"]
    halves = exhibits.holdout_money(money.assign(best_share=0.5), 30, SCOPE)
    assert "its best half, actual" in halves.formatted
    nobody = exhibits.holdout_money(money.assign(best_share=1.0), 15, SCOPE)
    assert not [name for name in nobody.table if name.startswith("best_")]
    assert "withheld" in nobody.note


def test_holdout_error_counts_purchases_after_the_seal_only():
    tracking = pd.DataFrame(
        {
            "period_end": pd.date_range("2020-01-31", periods=4, freq="ME"),
            "actual": [10.0, 20.0, 30.0, 40.0],
            "expected": [12.0, 22.0, 30.0, 37.0],
            "sealed": [False, False, True, True],
            "periods": 1,
        }
    )
    exhibit = exhibits.holdout_tracking(tracking, 9, SCOPE)
    assert exhibit.title == (
        "Without customers' own histories, the model foretells 25.0% too few purchases"
    )
    assert exhibit.table["holdout_error"].iloc[-1] == pytest.approx(15 / 20 - 1)


def test_calibration_names_the_largest_gap():
    exhibit = exhibits.holdout_by_frequency(scorecard(0.1, 0.2, 0.3), 200, SCOPE)
    assert exhibit.title == "Customers with 1 repeat each bought 0.50 more than foretold"


def test_frequency_fit_counts_customers_in_the_wrong_place():
    actual = pd.Series([0] * 60 + [1] * 30 + [9] * 10)
    expected = pd.Series([50.0, 40.0, 10.0], index=[0, 1, 2])
    exhibit = exhibits.frequency_fit(actual, expected, 100, SCOPE)
    assert exhibit.table["actual"].tolist() == [60, 30, 10]
    assert exhibit.title == "Model and actual purchase counts differ for 10.0% of customers"


@pytest.mark.parametrize(
    "exhibit",
    [
        exhibits.cohort_retention(REFUSAL, 30, SCOPE),
        exhibits.cohort_revenue(REFUSAL, 30, SCOPE),
        exhibits.holdout_tracking(REFUSAL, 30, SCOPE),
        exhibits.holdout_scorecard(REFUSAL, REFUSAL, 30, SCOPE),
        exhibits.holdout_money(REFUSAL, 30, SCOPE),
        exhibits.holdout_by_frequency(REFUSAL, 30, SCOPE),
        exhibits.model_parameters(REFUSAL, REFUSAL, 30, 0.9, SCOPE),
        exhibits.frequency_fit(pd.Series([0]), REFUSAL, 30, SCOPE),
        exhibits.customer_equity(REFUSAL, 3, 0.1, SCOPE),
        exhibits.future_concentration(value.concentration([1.0, 2.0]), REFUSAL, SCOPE),
    ],
    ids=lambda exhibit: exhibit.id,
)
def test_a_refusal_is_said_in_words(exhibit):
    assert "cannot be computed" in exhibit.title
    assert exhibit.table["reason"].tolist() == ["nobody came back"]


def test_findings_without_a_model_are_counts(curve):
    found = exhibits.findings(curve, REFUSAL, REFUSAL, REFUSAL, 3, 1_000, SCOPE, SCOPE)
    assert [finding.kind for finding in found] == ["census"]


def test_findings_speak_of_a_weak_model_and_of_the_holdout(curve):
    equity, fifth = Interval(1_000.0, 900.0, 1_100.0, 0.9), Interval(0.6, 0.5, 0.7, 0.9)
    values = value.LifetimeValues(
        customers=pd.DataFrame({"lifetime_value": [1.5] * 1_000, "future_value": [1.0] * 1_000}),
        equity=equity,
        to_infinity=None,
        top_shares={"top_20": fifth},
        replicates=pd.DataFrame(),
        grade="weak",
        notes=("the spend model is weak: x",),
    )
    foretold = Foretold(Interval(90.0, 80.0, 95.0, 0.9), inside=0.93)
    found = exhibits.findings(
        curve, scorecard(-0.1, 0.2, 0.3), values, foretold, 3, 1_000, SCOPE, SCOPE
    )
    said = {finding.id: finding.sentence for finding in found}
    assert "EUR 1,000 of revenue" in said["customer_equity"]
    assert "interval EUR 900 to EUR 1,100; the model is weak" in said["customer_equity"]
    assert "holdout" not in said["customer_equity"], "that stands in another exhibit"
    assert "foretold 10.0% fewer purchases than the 100 that came" in said["holdout_total_error"]
    (error,) = [finding for finding in found if finding.id == "holdout_total_error"]
    assert (error.lo, error.hi) == pytest.approx((-0.2, -0.05))
    table = exhibits.holdout_scorecard(scorecard(-0.1, 0.2, 0.3), foretold, 200, SCOPE).table
    shown = table[["total_error", "error_lo", "error_hi", "level"]]
    assert shown.iloc[0].tolist() == [error.value, error.lo, error.hi, 0.9]
    assert shown.iloc[1:, 1:].isna().all(axis=None), "naive forecasts have no interval"


def lifetime(n: int = 50) -> value.LifetimeValues:
    """Values of customers who were worth 10 each and will be worth 4 each."""
    customers = pd.DataFrame(
        {"current_value": 3.0, "future_value": 4.0, "lifetime_value": 14.0}, index=range(n)
    )
    shares = {"top_10": Interval(0.5, 0.4, 0.6, 0.9), "top_20": Interval(0.7, 0.65, 0.8, 0.9)}
    equity = Interval(4.0 * n, 3.0 * n, 6.0 * n, 0.9)
    return value.LifetimeValues(customers, equity, 9.0 * n, shares, pd.DataFrame(), "good", ())


def test_equity_is_shown_in_total_per_customer_and_beside_the_past():
    exhibit = exhibits.customer_equity(lifetime(), 1, 0.1, SCOPE)
    table = exhibit.table.set_index("measure")
    assert "realised in the last twelve months" in table.index
    assert table.loc["realised to date", "value"] == 500
    ahead = table.loc["expected in the next year, discounted"]
    assert ahead.tolist() == [200, 150, 300, 0.9]
    assert (table.loc["… per customer"] * 50).tolist()[:3] == ahead.tolist()[:3]
    assert table.loc["… without a horizon, discounted", "value"] == 450
    assert exhibit.title == "Today's customers are worth EUR 200 over the next year"


def test_less_than_a_year_has_no_last_twelve_months():
    half = SCOPE.during(dt.date(2020, 7, 1), SCOPE.end)
    table = exhibits.customer_equity(lifetime(), 3, 0.1, half).table
    assert table["measure"].iloc[0] == "realised to date"


def test_future_shares_stand_between_their_bounds(curve):
    table = exhibits.future_concentration(curve, lifetime(1_000), SCOPE).table
    assert table["past"].tolist() == pytest.approx([curve.top(0.1), curve.top(0.2)])
    assert table[["future_lo", "future", "future_hi"]].to_numpy().tolist() == [
        [0.4, 0.5, 0.6],
        [0.65, 0.7, 0.8],
    ]


def test_shares_above_the_whole_are_on_the_chart_and_explained(curve):
    """Where some customers are expected to cost more than they bring."""
    plain = lifetime(1_000)
    assert "cost more" not in exhibits.future_concentration(curve, plain, SCOPE).note
    dear = plain.customers.assign(future_value=np.where(plain.customers.index < 300, -4.0, 9.0))
    shares = {"top_10": Interval(0.8, 0.7, 0.9, 0.9), "top_20": Interval(1.1, 1.0, 1.3, 0.9)}
    exhibit = exhibits.future_concentration(
        curve, replace(plain, customers=dear, top_shares=shares), SCOPE
    )
    assert exhibit.figure.axes[0].get_xlim()[1] > 1.3
    assert "cost more than they bring" in exhibit.note and "more than 100%" in exhibit.note


@pytest.fixture(scope="module")
def cohorts() -> value.Cohorts:
    cells = pd.DataFrame(
        {
            "cohort": pd.Timestamp("2019-01-01"),
            "period_index": range(14),
            "active_customers": [100, 40, *range(30, 18, -1)],
            "revenue": 500.0,
            "cohort_size": 100,
        }
    )
    return value.cohorts(cells)


def test_cohort_titles_are_in_their_tables(cohorts):
    retention = exhibits.cohort_retention(cohorts, 100, SCOPE)
    assert retention.title == "40% of a cohort buys in month 1, 20% in month 12"
    assert retention.table.set_index("month")["all_cohorts"].loc[[1, 12]].tolist() == [0.4, 0.2]
    revenue = exhibits.cohort_revenue(cohorts, 100, SCOPE)
    assert revenue.title == "By month 12 an acquired customer has brought EUR 65.00"
    assert revenue.table.set_index("month")["all_cohorts"].loc[12] == 65
    assert "of revenue per acquired customer" in revenue.unit


def simulated(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequency, recency and 50 weeks of observation of BG/NBD customers."""
    rng = np.random.default_rng(4)
    x, last = np.zeros(n), np.zeros(n)
    for i, (rate, leaving) in enumerate(
        zip(rng.gamma(0.5, 1 / 5, n), rng.beta(1, 2.5, n), strict=True)
    ):
        clock = rng.exponential(1 / rate)
        while clock <= 50:
            x[i], last[i] = x[i] + 1, clock
            clock += rng.exponential(1 / rate) if rng.random() > leaving else np.inf
    return x, last, np.full(n, 50.0)


def test_parameters_are_written_with_their_interval():
    fit = value.BetaGeometric().fit(*simulated(3_000))
    exhibit = exhibits.model_parameters(fit, REFUSAL, 3_000, 0.9, SCOPE)
    rows = exhibit.table.set_index("parameter")
    assert rows["estimate"].to_dict() == fit.params.to_dict()
    assert (rows["lower"] < rows["estimate"]).all() and (rows["estimate"] < rows["upper"]).all()
    assert "the spend model refused" in exhibit.title and "nobody came back" in exhibit.note


def test_spend_by_frequency_has_rows_per_group_and_says_why():
    rng = np.random.default_rng(2)
    x = 1.0 + rng.poisson(2.0, 3_000)
    spend = rng.gamma(4 * x, 1 / rng.gamma(3, 1 / (20 * np.sqrt(x)))) / x
    fit = value.fit_repeat_spend(pd.Series(x), pd.Series(spend), "auto")
    assert len(fit.bands.starts) > 1
    purchases = value.BetaGeometric().fit(*simulated(3_000))
    exhibit = exhibits.model_parameters(purchases, fit, 3_000, 0.9, SCOPE)
    rows = exhibit.table[exhibit.table["model"] == "Gamma-Gamma by frequency (spend)"]
    assert rows.set_index("parameter")["estimate"].to_dict() == fit.params.to_dict()
    assert fit.choice in exhibit.note and "repeat purchase are valued" in exhibit.note
    assert "assumes that they do not" not in exhibit.note


def choice(apart: bool, same_rate: float = 0.4) -> value.PurchaseChoice:
    """Two candidates, of which the first is used."""
    cards = {kind: scorecard(0.1, same_rate, 0.3) for kind in ("bg_nbd", "pareto_nbd")}
    figures = {"log_likelihood": -10.0, "score": 1.0, "behind": 0.0, "behind_lo": 0.0,
               "behind_hi": 0.1, "total_error": 0.1, "mae": 0.3, "spearman": 0.4, "lift": 3.0,
               "beats_naive": same_rate > 0.1, "verdict": "good"}  # fmt: skip
    rows = [{"label": "BG/NBD", **figures, "told_apart": False, "chosen": True}]
    rows += [{"label": "Pareto/NBD", **figures, "told_apart": apart, "chosen": False}]
    table = pd.DataFrame(rows, index=list(cards))
    return value.PurchaseChoice(table, tuple(cards), False, "Why.", {}, cards)


@pytest.mark.parametrize(
    ("apart", "same_rate", "title"),
    [
        (True, 0.4, "Of the models tried BG/NBD foretells best, ahead of naive forecasts"),
        (True, 0.05, "BG/NBD is the best model, yet a naive forecast beats it"),
        (False, 0.4, "No model stands out; BG/NBD is used, ahead of naive forecasts"),
        (False, 0.05, "No model stands out, and a naive forecast beats BG/NBD"),
    ],
)
def test_a_model_is_called_best_only_where_it_is_told_apart(apart, same_rate, title):
    assert exhibits.purchase_models(choice(apart, same_rate), 200, SCOPE).title == title


def test_spending_of_which_a_part_is_margin_contributes_and_is_not_worth_that():
    cards = replace(SCOPE, amount_word="card spending", value_word="contribution of card spending")
    title = exhibits.customer_equity(lifetime(), 3, 0.1, replace(cards, margin_rate=0.02)).title
    assert title == "Their card spending will contribute EUR 200 over 3 years"
    whole = exhibits.customer_equity(lifetime(), 3, 0.1, cards).title
    assert whole == "Their card spending is worth EUR 200 over 3 years"
