"""What is planted in survey, conjoint and MaxDiff can be found again, and not too easily.

Each quantity is estimated by an instrument that knows the true classes, or by Bayes' rule
with the planted numbers: the ceiling of any analysis.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import softmax
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from whole_bank import Bank, make_bank

from crmlib.demo import experiments, survey
from crmlib.demo.needs import PROFILES, SEGMENTS, STAYING

WANTS = [f"wants_{name}" for name in survey.BENEFITS]
ISSUES = [f"satisfied_{name}" for name in survey.ISSUES]


@pytest.fixture(scope="module")
def default() -> Bank:
    return make_bank()


@pytest.fixture(scope="module")
def answers(default) -> pd.DataFrame:
    """The survey as numbers, with the truth of each respondent."""
    rows = default.tables["survey"].drop(columns="customer_id")
    items = rows.columns[2:]
    rows[items] = rows[items].apply(pd.to_numeric)
    return rows.merge(default.needs_truth["respondents"], on="respondent_id", validate="1:1")


def test_no_segment_and_no_profile_is_small(bank):
    known = bank.needs_truth["needs"]
    assert known["needs_segment"].value_counts(normalize=True).min() > 0.1
    assert set(known["loyalty_profile"]) == set(PROFILES)
    assert bank.needs_truth["respondents"]["loyalty_profile"].value_counts().min() >= 60


def test_bayes_rule_finds_the_segments_and_is_sometimes_wrong(answers):
    chance = np.zeros((len(answers), len(SEGMENTS)))
    for at, segment in enumerate(SEGMENTS):
        for name, mean in zip(WANTS, survey.IMPORTANCE[segment], strict=True):
            given = answers[name]
            low = np.where(given == 1, -np.inf, given - 0.5)
            high = np.where(given == 5, np.inf, given + 0.5)
            sd = survey.IMPORTANCE_SD
            odds = np.log(norm.cdf(high, mean, sd) - norm.cdf(low, mean, sd))
            chance[:, at] += np.where(given.isna(), 0, odds)
        for reason in survey.REASONS:
            own = reason == f"chose_for_{segment}"
            share = survey.OWN_REASON if own else survey.OTHER_REASON
            odds = np.where(answers[reason] == 1, np.log(share), np.log(1 - share))
            chance[:, at] += np.where(answers[reason].isna(), 0, odds)
    truth = answers["needs_segment"].map(SEGMENTS.index)
    chance += np.log(truth.value_counts(normalize=True).sort_index().to_numpy())
    assert 0.70 < adjusted_rand_score(truth, chance.argmax(axis=1)) < 0.92


def test_columns_of_customers_tell_something_of_the_segment_and_not_all(default):
    who = default.tables["customers"].merge(default.needs_truth["needs"], on="customer_id")
    features = pd.get_dummies(who[["preferred_channel", "income_band", "occupation"]])
    features["age"] = (1980 - who["birth_year"]) / 10
    train = np.arange(len(who)) % 2 == 0
    fitted = LogisticRegression(max_iter=300).fit(features[train], who["needs_segment"][train])
    hit = fitted.score(features[~train], who["needs_segment"][~train])
    largest = who["needs_segment"].value_counts(normalize=True).max()
    assert largest + 0.15 < hit < 0.75


def test_weights_undo_the_oversampling_of_card_holders(bank):
    """The weighted share is that of the customers of the last year."""
    months = bank.truth["left"].fillna("9999") >= "2025-01"
    frame = bank.truth.loc[months, ["customer_id"]]
    contracts = bank.tables["contracts"]
    holders = set(contracts.loc[contracts["product"] == "credit_card", "customer_id"])
    truth = frame["customer_id"].isin(holders).mean()
    rows = bank.tables["survey"].merge(bank.needs_truth["respondents"], on="respondent_id")
    holds = rows["customer_id_y"].isin(holders)
    weighted = np.average(holds, weights=rows["weight"])
    assert holds.mean() > truth + 0.05
    assert weighted == pytest.approx(truth, abs=0.005)
    assert rows["weight"].sum() == pytest.approx(len(frame), rel=0.01)


def test_links_and_gaps_are_as_stated(bank):
    rows = bank.tables["survey"]
    assert len(rows) == round(survey.ASKED * bank.settings.customers) == 1_500
    assert rows["customer_id"].notna().mean() == pytest.approx(survey.LINKED, abs=0.04)
    assert 0.05 < rows.iloc[:, 3:].isna().mean().mean() < 0.10
    linked = rows.dropna(subset="customer_id")
    known = bank.needs_truth["respondents"].set_index("respondent_id")["customer_id"]
    assert (linked["respondent_id"].map(known) == linked["customer_id"]).all()
    assert known.is_unique and known.isin(bank.truth["customer_id"]).all()


def test_who_goes_has_a_profile_of_those_who_go(bank):
    truth = bank.truth.merge(bank.needs_truth["needs"], on="customer_id")
    less = (truth["migration"] == "down") | (truth["left"] <= "2025-12")
    leaves = truth["loyalty_profile"].isin(PROFILES[STAYING:])
    assert leaves[less].mean() == pytest.approx(0.75, abs=0.04)
    assert leaves[~less].mean() == pytest.approx(0.12, abs=0.02)


def test_profiles_differ_in_what_they_are_asked(answers):
    mean = answers.groupby("loyalty_profile")[["reassessment", "attachment", "life_change"]].mean()
    assert mean["attachment"].idxmax() == "stays_emotive"
    assert mean["life_change"].idxmax() == "leaves_lifestyle"
    assert set(mean["reassessment"].nlargest(2).index) == {
        "stays_deliberative", "leaves_deliberative"
    }  # fmt: skip
    assert answers.groupby("loyalty_profile")["satisfaction"].mean().idxmin() == (
        "leaves_dissatisfied"
    )


def test_a_regression_finds_the_drivers_and_the_break_point(answers):
    rows = answers[[*ISSUES, "satisfaction"]].dropna()
    bent = rows[ISSUES].assign(over=(rows["satisfied_app"] - survey.BREAK_AT).clip(lower=0))
    fit = sm.OLS(rows["satisfaction"], sm.add_constant(bent)).fit()
    weights = pd.Series(survey.WEIGHTS, index=ISSUES)
    assert ((fit.params[ISSUES] - weights).abs() < 4 * fit.bse[ISSUES]).all()
    assert abs(fit.params["satisfied_statements"]) < 0.04
    assert fit.tvalues["over"] < -3
    assert 0.5 < fit.rsquared < 0.9


def choice_logit(cards: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Part-worths and their standard errors by Newton's method on (task, card, attribute)."""
    worth = np.zeros(cards.shape[2])
    for _ in range(25):
        share = softmax(cards @ worth, axis=1)
        gradient = np.einsum("ta,tak->k", chosen - share, cards)
        inner = cards - np.einsum("ta,tak->tk", share, cards)[:, None]
        information = np.einsum("ta,tak,tal->kl", share, inner, inner, optimize=True)
        worth = worth + np.linalg.solve(information, gradient)
    return worth, np.sqrt(np.diag(np.linalg.inv(information)))


def test_choices_reveal_the_part_worths_of_each_segment(default):
    """The mean of the scattered part-worths, which pulls estimates a little towards zero."""
    rows = default.tables["choices"].merge(
        default.needs_truth["respondents"], on="respondent_id", validate="m:1"
    )
    rows = rows[rows["answers"] == "usual"].reset_index(drop=True)
    coded = pd.DataFrame(
        {
            "rate": pd.to_numeric(rows["rate"]).fillna(0),
            "fee": pd.to_numeric(rows["fee"]).fillna(0),
            "cashback": 1.0 * (rows["rewards"] == "cashback"),
            "miles": 1.0 * (rows["rewards"] == "miles"),
            "adviser": 1.0 * (rows["service"] == "adviser"),
            "full": 1.0 * (rows["digital"] == "full"),
            "card": 1.0 * (rows["alternative"] != "none"),
        }
    )
    for segment, truth in experiments.MEAN_PART_WORTHS.items():
        own = (rows["needs_segment"] == segment).to_numpy()
        cards = coded.to_numpy()[own].reshape(-1, 4, len(experiments.PART_WORTHS))
        found, std_err = choice_logit(cards, rows["chosen"].to_numpy()[own].reshape(-1, 4))
        assert (np.abs(found - truth) < 4 * std_err + 0.15 * np.abs(truth)).all(), segment
    assert 0.05 < rows.loc[rows["chosen"] == 1, "alternative"].eq("none").mean() < 0.25


def test_straight_liners_and_speeders_are_few_and_are_what_they_are_called(default):
    rows = default.tables["choices"].merge(
        default.needs_truth["respondents"], on="respondent_id", validate="m:1"
    )
    people = rows.groupby("respondent_id")["answers"].first()
    assert people.value_counts().between(8, 600).all() and len(people) == 600
    chosen = rows[rows["chosen"] == 1]
    assert (chosen.loc[chosen["answers"] == "straight-liner", "alternative"] == "A").all()
    seconds = chosen.groupby("answers")["seconds"].median()
    assert seconds["speeder"] < 4 < 10 < seconds["usual"]
    assert (chosen.groupby(["respondent_id", "task"]).size() == 1).all()
    assert chosen.groupby("respondent_id").size().eq(12).all()


def test_best_minus_worst_follows_the_worth_of_each_benefit(default):
    rows = default.tables["maxdiff"].merge(
        default.needs_truth["respondents"], on="respondent_id", validate="m:1"
    )
    tasks = rows.groupby(["respondent_id", "task"])
    assert (tasks["best"].sum() == 1).all() and (tasks["worst"].sum() == 1).all()
    assert not (rows["best"] & rows["worst"]).any() and (tasks["item"].nunique() == 4).all()
    score = (rows["best"] - rows["worst"]).groupby([rows["needs_segment"], rows["item"]]).mean()
    for segment, worth in zip(SEGMENTS, experiments.mean_worths(), strict=True):
        counted = score[segment].reindex(list(survey.BENEFITS))
        assert np.corrcoef(counted, worth)[0, 1] > 0.95, segment
