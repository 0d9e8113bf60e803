"""Loyalty profiles: exhaustive and exclusive, value reconciled, intervals that hold."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from crmlib.needs.loyalty import (
    PROFILES,
    Cutoffs,
    agreement,
    loyalty_profile,
    value_at_stake,
)
from crmlib.stats.optimise import NotIdentified

CUTS = Cutoffs(attachment=4, reassessment=3, life_change=1, satisfaction=3)
GIVEN = {"population": 10_000, "replications": 100, "seed": 2, "level": 0.9}


def sheets():
    """Every combination of answers around the cut-offs, gaps included."""
    return pd.DataFrame(
        product(
            [2, 3, np.nan], [3, 4, np.nan], [2, 3, np.nan], [0, 1, np.nan],
            ["kept", "reduced", "gone", None],
        ),
        columns=["reassessment", "attachment", "satisfaction", "life_change", "behaviour"],
    )  # fmt: skip


def by_hand(row):
    """The rule once more, person by person."""
    if pd.isna(row.behaviour):
        return "unanswered"
    if row.behaviour == "kept":
        if np.isnan(row.attachment):
            return "unanswered"
        if row.attachment >= 4:
            return "emotive"
        if np.isnan(row.reassessment):
            return "unanswered"
        return "deliberative_stay" if row.reassessment >= 3 else "inertial"
    if np.isnan(row.life_change):
        return "unanswered"
    if row.life_change >= 1:
        return "lifestyle"
    if np.isnan(row.satisfaction):
        return "unanswered"
    return "dissatisfied" if row.satisfaction < 3 else "deliberative_go"


def test_rule_is_exhaustive_and_as_stated():
    answers = sheets()
    found = loyalty_profile(answers, CUTS)
    assert found.notna().all()
    assert found.astype(str).tolist() == [by_hand(row) for row in answers.itertuples()]
    assert set(found) == {*PROFILES, "unanswered"}


def test_labels_may_be_chosen_but_not_mixed_up():
    answers = sheets()
    found = loyalty_profile(answers, CUTS, {"emotive": "in love"})
    assert (found == "in love").sum() == (loyalty_profile(answers, CUTS) == "emotive").sum()
    with pytest.raises(ValueError, match="no loyalty profile is called emotif"):
        loyalty_profile(answers, CUTS, {"emotif": "x"})
    with pytest.raises(ValueError, match="same label"):
        loyalty_profile(answers, CUTS, {"emotive": "inertial"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda a: a.drop(columns="attachment"), "need the items attachment"),
        (lambda a: a.assign(behaviour="left"), "not left"),
    ],
)
def test_bad_answers_are_named(change, reason):
    with pytest.raises(ValueError, match=reason):
        loyalty_profile(change(sheets()), CUTS)


def planted(seed, n=400):
    """Respondents drawn with unequal chances, weighted back."""
    rng = np.random.default_rng(seed)
    share = np.array([0.3, 0.2, 0.2, 0.1, 0.12, 0.08])
    mean = np.array([300.0, 200, 100, 150, 250, 50])
    drawn = share * [1, 2, 1, 2, 1, 2]
    codes = rng.choice(6, n, p=drawn / drawn.sum())
    categories = [*PROFILES, "unanswered"]
    profile = pd.Series(pd.Categorical.from_codes(codes, categories, ordered=True))
    value = pd.DataFrame({"current_value": rng.gamma(2, mean[codes] / 2)})
    return profile, value, pd.Series((share / drawn)[codes]), share, 10_000 * share * mean


def test_shares_and_values_hold_the_planted_truth():
    held = []
    for seed in range(100):
        profile, value, weights, share, worth = planted(seed)
        table = value_at_stake(profile, value, weights=weights, **GIVEN).table
        held.append(
            [
                (table["share_lo"] <= share) & (share <= table["share_hi"]),
                (table["current_value_lo"] <= worth) & (worth <= table["current_value_hi"]),
            ]
        )
    assert (np.mean(held, axis=(0, 2)) >= 0.84).all()
    assert (np.mean(held, axis=(0, 2)) <= 0.95).all()


def test_parts_add_up_to_the_whole_and_gaps_are_counted():
    profile, value, weights, *_ = planted(0)
    profile[:5] = "unanswered"
    value.iloc[5:15] = np.nan
    found = value_at_stake(profile, value, weights=weights, **GIVEN)
    used = slice(15, None)
    mean = np.average(value["current_value"][used], weights=weights[used])
    assert (found.n_unanswered, found.n_without_value) == (5, 10)
    assert found.table["share"].sum() == pytest.approx(1)
    assert found.table["current_value"].sum() == pytest.approx(10_000 * mean)
    assert found.table["n"].sum() == len(profile) - 5
    going = found.table.loc[~found.table["stays"], "current_value"].sum()
    assert found.at_risk["current_value"].value == pytest.approx(going)
    assert going in found.at_risk["current_value"]


def test_without_answers_or_values_there_is_nothing_at_stake():
    profile, value, *_ = planted(0)
    with pytest.raises(NotIdentified, match="has a current_value"):
        value_at_stake(profile, value * np.nan, **GIVEN)
    profile[:] = "unanswered"
    with pytest.raises(NotIdentified, match="no respondent answered"):
        value_at_stake(profile, value, **GIVEN)


def test_agreement_is_whole_for_the_same_groups_and_none_by_chance():
    profile, _, weights, *_ = planted(0)
    same = pd.DataFrame(np.eye(6)[profile.cat.codes], columns=list("fedcba"))
    found = agreement(profile, same, weights)
    assert (found.adjusted_rand, found.agreed) == (1.0, pytest.approx(1.0))
    assert found.matched == dict(zip("fedcba", PROFILES, strict=True))
    assert found.table.to_numpy() == pytest.approx(np.eye(6))
    rng = np.random.default_rng(0)
    noise = pd.DataFrame(rng.dirichlet(np.ones(4), len(profile)))
    by_chance = agreement(profile, noise, weights)
    assert abs(by_chance.adjusted_rand) < 0.05 and by_chance.agreed < 0.35
