"""Values of policies: unbiased scores, intervals that cover, false claims at the stated rate."""

import numpy as np
import pandas as pd
import pytest

from crmlib.roi.policy import (
    EVERYBODY,
    RULE,
    against_random,
    chooses_some,
    doubly_robust,
    interval,
    policy_values,
    recommended,
)
from crmlib.roi.qini import qini_areas, qini_curves

FOLDS = np.arange(600) % 5


def scores(rng, effect, share=0.3, sd=5.0, wrong=3.0):
    """Doubly robust scores of a trial with this effect, from outcome models that are wrong."""
    n = len(effect)
    treated = rng.random(n) < share
    level = rng.normal(size=n)
    outcome = level + effect * treated + rng.normal(0, sd, n)
    foretold = (np.full(n, wrong), np.full(n, -wrong))
    return doubly_robust(outcome, treated, np.full(n, share), foretold)


def test_scores_are_unbiased_whatever_the_outcome_models_say():
    rng = np.random.default_rng(1)
    effect = np.where(np.arange(200_000) % 2, 2.0, -1.0)
    found = scores(rng, effect)
    for side in (0, 1):
        own = found[np.arange(200_000) % 2 == side]
        assert abs(own.mean() - effect[side]) < 4 * own.std() / np.sqrt(own.size)


def test_value_beyond_a_lot_is_the_covariance_within_folds():
    rng = np.random.default_rng(2)
    worth, who = rng.normal(size=600), rng.random(600) < 0.3
    by_hand = [np.cov(who[f == FOLDS], worth[f == FOLDS])[0, 1] for f in range(5)]
    assert against_random(who, worth, FOLDS).mean() == pytest.approx(np.mean(by_hand))


def test_a_policy_of_all_or_none_has_chosen_nothing():
    everybody = np.ones(600, dtype=bool)
    assert not chooses_some(everybody, FOLDS)
    # in each fold all or none: depths that differ by fold are no choice, either
    assert not chooses_some(FOLDS < 2, FOLDS)
    worth = np.random.default_rng(3).normal(5, 1, 600)
    table = policy_values({RULE: everybody}, worth, FOLDS, 0.95)
    assert np.isnan(table.at[0, "against_random"]) and table.at[0, "value"] > 0


@pytest.mark.slow
def test_intervals_cover_in_fresh_samples():
    rng = np.random.default_rng(5)
    hits = np.zeros((2_000, 3))
    for at in range(2_000):
        responds = rng.random(600) < 0.4
        noise = rng.random(600)
        who, other = noise < np.where(responds, 0.7, 0.3), rng.random(600) < 0.5
        worth = scores(rng, np.where(responds, 3.0, 0.5), wrong=0.0)
        table = policy_values({RULE: who, "other": other}, worth, FOLDS, 0.95)
        value = 0.4 * 0.7 * 3.0 + 0.6 * 0.3 * 0.5
        depth, mean = 0.4 * 0.7 + 0.6 * 0.3, 0.4 * 3.0 + 0.6 * 0.5
        beyond = value - depth * mean
        first, second = table.iloc[0], table.iloc[1]
        hits[at] = (
            first["lo"] < value < first["hi"],
            first["against_random_lo"] < beyond < first["against_random_hi"],
            second["against_rule_lo"] < -beyond < second["against_rule_hi"],
        )
    assert ((hits.mean(axis=0) > 0.93) & (hits.mean(axis=0) < 0.97)).all()


@pytest.mark.slow
@pytest.mark.parametrize("mean", [0.0, -0.5])
def test_where_nothing_works_something_is_recommended_at_the_stated_rate(mean):
    rng = np.random.default_rng(6)
    claims = 0
    for _ in range(2_000):
        worth = rng.normal(mean, 5, 600)
        chosen = {name: rng.random(600) < 0.4 for name in (RULE, "one", "two")}
        claims += recommended(chosen, worth, FOLDS, 0.95)[0] is not None
    # 5 %, and four standard errors of 2,000 draws
    assert claims / 2_000 <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 2_000)


def test_each_way_of_recommending_has_its_reason():
    rng = np.random.default_rng(7)
    good = rng.random(600) < 0.5
    noise = rng.normal(0, 1, 600)
    rule = {RULE: good}
    assert recommended(rule, np.where(good, 3, -3) + noise, FOLDS, 0.95)[0] == RULE
    everybody, why = recommended(rule, np.where(good, 5, 2) + noise, FOLDS, 0.95)
    assert everybody == EVERYBODY and "leave out" in why
    everybody, why = recommended({RULE: rng.random(600) < 0.5}, 2 + noise, FOLDS, 0.95)
    assert everybody == EVERYBODY and "on average" in why
    nobody, why = recommended(rule, -3 + noise, FOLDS, 0.95)
    assert nobody is None and "costs more" in why
    nobody, why = recommended(rule, noise - noise.mean(), FOLDS, 0.95)
    assert nobody is None and "neither" in why
    # chooses better than a lot and still loses: nothing to recommend
    assert recommended(rule, np.where(good, -1, -4) + noise, FOLDS, 0.95)[0] is None


def test_more_candidates_need_more_to_be_believed():
    rng = np.random.default_rng(14)
    worth = rng.normal(0, 1, 600)
    # on average 2.2 standard errors above zero: beyond 1.96, and not beyond 2.39
    worth += 2.2 * worth.std(ddof=1) / np.sqrt(600) - worth.mean()
    nobody = np.zeros(600, dtype=bool)
    assert recommended({RULE: nobody}, worth, FOLDS, 0.95)[0] == EVERYBODY
    three = dict.fromkeys((RULE, "one", "two"), nobody)
    assert recommended(three, worth, FOLDS, 0.95)[0] is None


def test_a_learner_replaces_the_rule_only_where_it_surely_does_better():
    rng = np.random.default_rng(8)
    good = rng.random(600) < 0.5
    worth = np.where(good, 3, -3) + rng.normal(0, 1, 600)
    nearly = np.where(rng.random(600) < 0.02, ~good, good)
    assert recommended({RULE: nearly, "model": nearly}, worth, FOLDS, 0.95)[0] == RULE
    rough = np.where(rng.random(600) < 0.3, ~good, good)
    assert recommended({RULE: rough, "model": good}, worth, FOLDS, 0.95)[0] == "model"


def test_the_area_is_that_between_the_curve_and_the_diagonal():
    rng = np.random.default_rng(9)
    one_fold = np.zeros(600, dtype=int)
    effect, score = rng.normal(1, 2, 600), rng.normal(size=600)
    area = qini_areas({"score": score}, effect, one_fold, 0.95).at[0, "area"]
    gain = np.concatenate([[0], np.cumsum(effect[np.argsort(-score)]) / 600])
    share = np.arange(601) / 600
    by_hand = np.trapezoid(gain - share * gain[-1], share)
    assert area == pytest.approx(by_hand * 600 / 599, rel=1e-9)
    curve = qini_curves({"score": score}, effect, one_fold, points=20)
    assert curve["gain"].tolist() == pytest.approx(gain[::30].tolist())
    assert curve["random"].iloc[-1] == pytest.approx(effect.mean())


def test_a_constant_score_lies_on_the_diagonal():
    effect = np.random.default_rng(10).normal(1, 2, 600)
    same = np.ones(600)
    assert qini_areas({"same": same}, effect, FOLDS, 0.95).at[0, "area"] == pytest.approx(0)
    curve = qini_curves({"same": same}, effect, FOLDS)
    np.testing.assert_allclose(curve["gain"], curve["random"], atol=1e-12)


def test_scores_are_ranked_within_their_fold():
    rng = np.random.default_rng(11)
    effect, score = rng.normal(size=600), rng.normal(size=600)
    shifted = score + 100 * FOLDS
    first, second = (
        qini_areas({"s": each}, effect, FOLDS, 0.95).at[0, "area"] for each in (score, shifted)
    )
    assert first == pytest.approx(second)


@pytest.mark.slow
def test_the_interval_of_a_random_scores_area_holds_zero():
    rng = np.random.default_rng(12)
    hits = []
    for _ in range(2_000):
        table = qini_areas({"s": rng.normal(size=600)}, rng.normal(1, 5, 600), FOLDS, 0.95)
        hits.append(table.at[0, "lo"] < 0 < table.at[0, "hi"])
    assert 0.93 < np.mean(hits) < 0.97


def test_an_interval_is_that_of_a_mean():
    terms = np.random.default_rng(13).normal(2, 3, 400)
    mean, lo, hi = interval(terms, 0.9)
    expected = pd.Series(terms).sem() * 1.6448536269514722
    assert (mean, hi - mean, mean - lo) == pytest.approx((terms.mean(), expected, expected))
