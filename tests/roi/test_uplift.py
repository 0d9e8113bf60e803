"""Whom to contact: nothing where nothing works, the planted rule where one does."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.roi import uplift
from crmlib.roi.features import Features
from crmlib.roi.one_rule import OneRule
from crmlib.stats.optimise import NotIdentified

NAMES = ["x0", "x1", "x2", "x3", "word"]
NOISE = 20.0


def trial(n: int, seed: int, responds: float = 0.0, others: float = 0.0) -> pd.DataFrame:
    """A trial by lot in which customers with x2 of .5 and more respond."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({f"x{at}": rng.normal(size=n) for at in range(4)})
    table["word"] = rng.choice(["a", "b", "c"], n)
    treated = rng.random(n) < 0.5
    effect = np.where(table["x2"] >= 0.5, responds, others)
    level = 3 * table["x0"] + 2 * (table["word"] == "a")
    outcome = level + effect * treated + rng.normal(0, NOISE, n)
    return table.assign(treated=treated, outcome=outcome)


def targeted(table, cost=0.0, seed=0, **changes):
    how = {"features": NAMES, "learners": (), "random_state": seed} | changes
    return uplift(table, outcome="outcome", treated="treated", cost=cost, **how)


@pytest.mark.slow
@pytest.mark.parametrize("cost", [0.0, 1.0])
def test_on_a_null_trial_nothing_is_recommended(cost):
    found = [targeted(trial(800, seed), cost, seed).recommended for seed in range(100)]
    assert sum(each is not None for each in found) <= 5


@pytest.mark.slow
def test_a_random_score_is_not_recommended_where_everybody_responds_alike():
    found = [
        targeted(trial(800, seed, 2.0, 2.0), 2.0, seed, features=["x1"]).recommended
        for seed in range(100)
    ]
    assert sum(each is not None for each in found) <= 5


RESPONDS, OTHERS, COST, SHARE = 14.0, -1.0, 4.0, 0.43  # as in the demo bank's campaign


def campaign(n: int, seed: int) -> pd.DataFrame:
    """A trial of which one of three segments responds, beside columns that say nothing."""
    rng = np.random.default_rng(seed)
    shares = [SHARE, 0.6 * (1 - SHARE), 0.4 * (1 - SHARE)]
    table = pd.DataFrame(
        {
            "segment": rng.choice(["responders", "second", "third"], n, p=shares),
            "channel": rng.choice(["web", "post", "call"], n),
            "x0": rng.normal(size=n),
            "x1": rng.normal(size=n),
        }
    )
    treated = rng.random(n) < 0.5
    effect = np.where(table["segment"] == "responders", RESPONDS, OTHERS)
    outcome = 3 * table["x0"] + effect * treated + rng.normal(0, NOISE, n)
    return table.assign(treated=treated, outcome=outcome)


def enough_for_the_oracle() -> int:
    """Customers with whom the planted segment passes each test of the rule with 95 % power.

    A score of an effect scatters by 2σ where half are treated. Against a lot the segment gains
    s (1 − s) (a − b), against nobody s (a − cost).
    """
    reach = stats.norm.ppf(0.975) + stats.norm.ppf(0.95)
    both = SHARE * (1 - SHARE)
    apart, net = RESPONDS - OTHERS, RESPONDS - COST
    against_lot = both * (4 * NOISE**2 + both * apart**2) / (both * apart) ** 2
    against_nobody = SHARE * (4 * NOISE**2 + (1 - SHARE) * net**2) / (SHARE * net) ** 2
    return int(np.ceil(reach**2 * max(against_lot, against_nobody)))


@pytest.mark.slow
def test_a_planted_responder_segment_is_contacted_by_the_simple_rule():
    n, names = enough_for_the_oracle(), ["segment", "channel", "x0", "x1"]
    found = [
        targeted(campaign(n, seed), COST, seed, features=names, folds=10) for seed in range(100)
    ]
    assert sum(each.recommended == "rule" for each in found) >= 80
    assert sum(each.rule.variable == "segment" for each in found) >= 90


def test_learners_are_judged_beside_the_rule_and_replace_it_only_where_they_beat_it():
    found = targeted(trial(2_000, 1, 16.0, -4.0), 2.0, learners=("two models",), folds=3)
    policies = found.policies.set_index("policy")
    assert found.recommended == "rule"
    assert np.isnan(policies.at["rule", "against_rule"])
    # effects of two columns, which no rule on one of them can tell
    rng = np.random.default_rng(2)
    table = trial(3_000, 2)
    both = (table["x1"] > 0) == (table["x2"] > 0)
    table["outcome"] += np.where(both, 15.0, -15.0) * table["treated"] + rng.normal(size=3_000)
    found = targeted(table, 0.0, learners=("two models",), folds=3)
    assert found.recommended == "two models"
    assert found.policies.set_index("policy").at["two models", "against_rule_lo"] > 0
    who = found.chooses(table)
    assert (who == both).mean() > 0.75


def test_everybody_is_contacted_where_whom_the_rule_leaves_out_responds_too():
    found = targeted(trial(4_000, 3, 30.0, 15.0), 1.0)
    assert found.recommended == "everybody" and found.chooses(trial(10, 1)).all()
    nobody = targeted(trial(4_000, 3), 10.0)
    assert nobody.recommended is None and "costs more than it brings" in nobody.reason
    assert not nobody.chooses(trial(10, 1)).any()


def test_gaps_rare_words_and_columns_that_never_vary_do_no_harm():
    table = trial(2_000, 4, 16.0, -4.0)
    table.loc[table.index[::7], "x2"] = np.nan
    table["constant"], table["empty"] = 1.0, np.nan
    table.loc[table.index[:3], "word"] = "rare"
    found = targeted(table, 2.0, features=[*NAMES, "constant", "empty"])
    assert found.recommended == "rule" and found.rule.variable == "x2"
    assert not found.chooses(table)[table["x2"].isna()].any()


def test_the_unit_of_a_column_and_of_the_outcome_changes_nothing():
    table = trial(2_000, 5, 16.0, -4.0)
    plain = targeted(table, 2.0)
    other = targeted(table.assign(x2=1000 * table["x2"] + 7), 2.0)
    assert plain.chooses(table).tolist() == other.chooses(
        table.assign(x2=1000 * table["x2"] + 7)
    ).tolist()  # fmt: skip
    cents = targeted(table.assign(outcome=100 * table["outcome"]), 2.0, value=0.01)
    pd.testing.assert_frame_equal(plain.policies, cents.policies)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.assign(treated=True), "the arm control has 0 customers"),
        (lambda t: t.iloc[:40], "5 folds need 50"),
        (lambda t: t.assign(outcome=1.0), "`outcome` never varies"),
        (lambda t: t.assign(outcome=t["outcome"].where(t.index > 2)), "3 customers have no"),
        (lambda t: t[["treated", "outcome"]].assign(**dict.fromkeys(NAMES, 1.0)), "nothing to cho"),
        (lambda t: t.drop(columns="x1"), "no column `x1`"),
    ],
)
def test_a_trial_that_cannot_tell_is_named(change, says):
    with pytest.raises(NotIdentified, match=says):
        targeted(change(trial(300, 6)))


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="no learner is called"):
        targeted(trial(300, 6), learners=("magic",))
    with pytest.raises(ValueError, match="propensity"):
        targeted(trial(300, 6), propensity=1.0)


def test_the_rule_is_the_best_of_all_that_could_be():
    table = trial(400, 7, 16.0, -4.0)
    worth = np.random.default_rng(1).normal(size=400) + np.where(table["x2"] > 0.5, 1.0, -0.5)
    features = Features.of(table, NAMES)
    found = OneRule.fit(table, features, worth)
    gain = worth[found.chooses(table, features)].sum() / 400
    tried = [
        worth[side].sum() / 400
        for name in ("x0", "x1", "x2", "x3")
        for bound in np.quantile(table[name], np.arange(1, 10) / 10, method="higher")
        for side in (table[name] >= bound, table[name] < bound)
    ]
    words = [["a"], ["b"], ["c"], ["a", "b"], ["a", "c"], ["b", "c"]]
    tried += [worth[table["word"].isin(each)].sum() / 400 for each in words]
    assert gain == pytest.approx(max(tried))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (OneRule("household_size", at_least=3.0), "household size at least 3"),
        (OneRule("balance", below=3200.5), "balance below 3,200.5"),
        (OneRule("region", words=("Coast", "North")), "region Coast or North"),
        (OneRule(""), "nobody"),
    ],
)
def test_a_rule_reads_as_somebody_would_say_it(rule, words):
    assert rule.in_words() == words
