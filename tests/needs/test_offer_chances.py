"""Chances of offers by needs segment, person by person and against what was planted."""

import numpy as np
import pandas as pd
import pytest
from conjoint import ATTRIBUTES, conjoint

from crmlib.needs.choice_holdout import held_out
from crmlib.needs.choice_tables import choice_table
from crmlib.needs.choosing import (
    attributes_of,
    choice_models,
    fit_chosen,
    fit_classes,
    offer_table,
    price_of,
)
from crmlib.needs.conditional_logit import ConditionalLogit
from crmlib.needs.hierarchical_logit import HierarchicalLogit
from crmlib.needs.latent_class_logit import LatentClassLogit
from crmlib.needs.offer_chances import offer_chances, offers_for
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

NAMES = ["savers", "users"]
TASTES = np.array([[-2.0, 0.5, 0.5, 0.2], [-0.4, 0.3, 0.2, 2.0]])
NONE = -0.5
OFFERS = offer_table({"plain": {"fee": 1.0, "rewards": "none", "app": 0},
                      "app": {"fee": 2.0, "rewards": "points", "app": 1}})  # fmt: skip


def asked(people: int = 300, tasks: int = 8, seed: int = 5):
    """Choices of two kinds of people, who are in the needs segments of the same kinds."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, people)
    choices = conjoint(TASTES[kind], tasks, rng, none=NONE)
    segments = pd.DataFrame(np.eye(2)[kind], columns=NAMES)
    return choice_table(choices, ATTRIBUTES), segments


def planted() -> np.ndarray:
    """Chance of each offer against none, by kind."""
    plain = TASTES[:, 0] * 1.0
    full = TASTES[:, 0] * 2.0 + TASTES[:, 1] + TASTES[:, 3]
    return 1 / (1 + np.exp(NONE - np.column_stack([plain, full])))


@pytest.mark.parametrize("model", [LatentClassLogit(2, random_state=1),
                                   HierarchicalLogit(draws=300, burn=200)])  # fmt: skip
def test_planted_chances_are_recovered(model):
    table, segments = asked()
    found = offer_chances(model.fit(table), table, OFFERS, segments, seed=1)
    # single people are drawn towards the mean of all
    off = 0.08 if isinstance(model, LatentClassLogit) else 0.12
    assert np.abs(found.chances.to_numpy() - planted()).max() < off
    low, high = np.quantile(found.draws, [0.005, 0.995], axis=0)
    assert (low < found.chances).all(axis=None) and (found.chances < high).all(axis=None)
    assert found.respondents.sum() == pytest.approx(300) and found.n_respondents == 300


def test_uncertain_answers_do_not_make_segments_alike():
    """Each sheet says its own kind with a chance of .8; members' chances are still recovered."""
    table, certain = asked(900)
    rng = np.random.default_rng(2)
    said = np.where(rng.random(900) < 0.8, certain["users"], certain["savers"])
    users = np.where(said == 1, 0.8, 0.2)
    segments = pd.DataFrame({"savers": 1 - users, "users": users})
    model = LatentClassLogit(2, random_state=1).fit(table)
    found = offer_chances(model, table, OFFERS, segments, seed=1)
    assert np.abs(found.chances.to_numpy() - planted()).max() < 0.1
    plain = segments.T @ model.posterior.to_numpy()
    plain = plain.div(plain.sum(axis=1), axis=0)
    assert plain.max(axis=None) < 0.75  # by posteriors alone members would look mixed


def test_with_certain_answers_a_segment_has_the_mean_of_its_people():
    table, segments = asked(60)
    model = LatentClassLogit(2, random_state=1).fit(table)
    found = offer_chances(model, table, OFFERS, segments, seed=1)
    preferences = model.preferences()
    rows = preferences.coding.matrix(OFFERS)
    for name in NAMES:
        people = np.flatnonzero(segments[name] == 1)
        for offer in range(2):
            taken = [1 / (1 + np.exp(own[-1] - rows[offer] @ own))
                     for own in preferences.coefficients]  # fmt: skip
            each = [model.posterior.to_numpy()[person] @ taken for person in people]
            assert found.chances.loc[name].iloc[offer] == pytest.approx(np.mean(each))


def test_one_for_all_gives_all_segments_the_same_chances():
    table, segments = asked(80)
    found = offer_chances(ConditionalLogit().fit(table), table, OFFERS, segments, seed=1)
    assert np.ptp(found.chances.to_numpy(), axis=0) == pytest.approx([0, 0])


def test_what_cannot_be_said_is_refused():
    table, segments = asked(80)
    model = ConditionalLogit().fit(table)
    with pytest.raises(NotIdentified, match="fewer than 10 respondents who chose are in users"):
        few = pd.DataFrame({"savers": [1.0] * 80, "users": [0.0] * 80})
        offer_chances(model, table, OFFERS, few, seed=1)
    forced = choice_table(conjoint(TASTES[np.zeros(50, int)], 4, np.random.default_rng(1)),
                          ATTRIBUTES)  # fmt: skip
    with pytest.raises(NotIdentified, match="never had the option to take none"):
        offer_chances(ConditionalLogit().fit(forced), forced, OFFERS, segments[:50], seed=1)
    with pytest.raises(NotIdentified, match="name no offers"):
        offer_table({})


def test_where_nobody_is_recognised_all_are_made_one_offer():
    table, segments = asked()
    likely = offer_chances(LatentClassLogit(2).fit(table), table, OFFERS, segments, seed=1)
    sizes = pd.Series([500.0, 500.0], NAMES)
    margins = {"plain": 10.0, "app": 12.0}
    blind = offers_for(likely, sizes, margins, {}, level=0.9, recognised=Refusal("no"))
    known = offers_for(likely, sizes, margins, {}, level=0.9,
                       recognised=pd.DataFrame(np.eye(2), NAMES, NAMES))  # fmt: skip
    single = (likely.chances * pd.Series(margins)).sum() * 500
    assert blind.best.profit.value == pytest.approx(single.max())
    assert blind.table["gain"].max() == pytest.approx(0)
    each = (likely.chances * pd.Series(margins)).max(axis=1).sum() * 500
    assert known.best.profit.value == pytest.approx(each) and each > single.max()
    with pytest.raises(NotIdentified, match="no margin of the offer app"):
        offers_for(likely, sizes, {"plain": 1.0}, {}, level=0.9, recognised=Refusal("no"))


def test_classes_are_shown_where_single_people_are_believed():
    table, _ = asked(120, tasks=6)
    models = choice_models(2, random_state=1)
    assert list(models) == ["one for all", "2 classes", "each person"]
    judged = held_out(table, models, last=2, level=0.9)
    believed = fit_chosen(judged, models, table, n_init=7)
    shown = fit_classes(judged, models, table, HierarchicalLogit(), n_init=7)
    assert isinstance(shown, LatentClassLogit) and shown.n_init == 7
    assert believed is fit_classes(judged, models, table, believed, n_init=7) or isinstance(
        believed, HierarchicalLogit
    )


def test_attributes_and_price_are_those_named_or_found():
    choices = conjoint(TASTES[:1].repeat(20, axis=0), 4, np.random.default_rng(1), none=NONE)
    assert attributes_of(choices.assign(seconds=3)) == ATTRIBUTES
    assert attributes_of(choices, ["fee"]) == ["fee"]
    with pytest.raises(NotIdentified, match="no column that describes an offer"):
        attributes_of(choices[["respondent_id", "task"]])
    preferences = ConditionalLogit().fit(choices, ATTRIBUTES).preferences()
    assert price_of(preferences, "fee") == "fee"
    with pytest.raises(NotIdentified, match="name no price"):
        price_of(preferences, "")
    with pytest.raises(NotIdentified, match=r"rewards .* is not in numbers"):
        price_of(preferences, "rewards")
