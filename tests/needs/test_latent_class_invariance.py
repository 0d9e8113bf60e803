"""What must not change what is found: order, grouping, names of answers, seeds."""

import numpy as np
import pandas as pd
import pytest
from answer_sheets import planted

from crmlib.needs import (
    LatentClass,
    choose_classes,
    likelihood_ratio_test,
    one_class_more,
)
from crmlib.needs.answer_classes import AnswerClasses
from crmlib.needs.answers import read_answers
from crmlib.stats.optimise import NotIdentified


@pytest.fixture(scope="module")
def base():
    return planted(600, seed=2, missing=0.1)


@pytest.fixture(scope="module")
def model(base) -> LatentClass:
    return LatentClass(3).fit(base.sheets)


def test_the_order_of_rows(base, model):
    order = np.random.default_rng(1).permutation(len(base.sheets))
    found = LatentClass(3).fit(base.sheets.iloc[order])
    assert found.llf == pytest.approx(model.llf, abs=1e-9)
    pd.testing.assert_frame_equal(found.posterior.sort_index(), model.posterior, atol=1e-9)


def test_duplicates_are_weights(base):
    times = np.random.default_rng(1).integers(1, 4, len(base.sheets))
    rows = np.repeat(np.arange(len(base.sheets)), times)
    doubled = LatentClass(3).fit(base.sheets.iloc[rows])
    weighted = LatentClass(3).fit(base.sheets, times)
    np.testing.assert_allclose(doubled.shares, weighted.shares, atol=1e-4)
    np.testing.assert_allclose(doubled.item_probabilities, weighted.item_probabilities, atol=2e-3)
    # criteria count respondents: 600 here, and as many as there are rows there
    scale = len(rows) / len(base.sheets)
    assert doubled.llf == pytest.approx(weighted.llf * scale, rel=1e-6)
    again = LatentClass(3).fit(base.sheets, 7 * times)
    assert again.bic == pytest.approx(weighted.bic, rel=1e-12)


def test_items_in_another_order_and_answers_under_other_names(base, model):
    turned = base.sheets[base.sheets.columns[::-1]]
    assert LatentClass(3).fit(turned).llf == pytest.approx(model.llf, abs=1e-4)
    named = base.sheets.replace({0.0: "never", 1.0: "often", 2.0: "always"})
    found = LatentClass(3).fit(named)
    assert found.llf == pytest.approx(model.llf, abs=1e-4)
    assert set(found.item_probabilities.loc["item 0"].index) == {"never", "often", "always"}


def test_no_seed_moves_a_name(base, model):
    for seed in range(1, 6):
        found = LatentClass(3, random_state=seed).fit(base.sheets)
        assert (found.classes == model.classes).mean() > 0.99
        np.testing.assert_allclose(found.shares, model.shares, atol=2e-3)


def test_align_brings_classes_to_their_counterparts(base, model):
    other = LatentClass(3).fit(base.sheets.iloc[::2])
    swapped = LatentClass(3).fit(base.sheets)
    order = np.array([2, 0, 1])
    swapped._state = swapped._classes.ordered(swapped._state, order)
    swapped._shares, swapped._members = swapped._shares[order], swapped._members[:, order]
    swapped.item_probabilities = swapped.item_probabilities.iloc[:, order].set_axis(
        swapped.item_probabilities.columns, axis=1
    )
    swapped.posterior = swapped.posterior.iloc[:, order].set_axis(swapped.posterior.columns, axis=1)
    swapped.align(model)
    pd.testing.assert_frame_equal(swapped.posterior, model.posterior)
    other.align(model)
    assert (other.predict(base.sheets) == model.classes).mean() > 0.9


def test_a_scale_is_the_same_whatever_class_is_first(base):
    """Log odds of neighbouring answers: common steps and one location for each class."""
    patterns = read_answers(base.sheets, list(base.sheets))
    classes = AnswerClasses.of(patterns.items, patterns.codes, patterns.weights)
    members = np.random.default_rng(3).dirichlet(np.full(3, 0.1), len(patterns.codes))
    state = classes.maximise(members, None)
    for order in ([0, 1, 2], [2, 0, 1]):
        turned = classes.ordered(state, np.array(order))
        np.testing.assert_array_equal(turned.table, state.table[:, order])
        (scale,) = classes.scales
        steps, locations = turned.steps[0], turned.locations[0]
        assert not steps[:, 0].any() and not locations[:, 0].any()
        odds = steps[:, :, None] + scale.scores[:, :, None] * locations[:, None, :]
        told = np.log(turned.table[scale.places])
        np.testing.assert_allclose(odds, told - told[:, :1], atol=1e-9)


def test_new_sheets_are_placed_by_the_answers_they_have(base, model):
    pd.testing.assert_frame_equal(model.predict_proba(base.sheets), model.posterior, atol=1e-9)
    silent = base.sheets.iloc[:2] * np.nan
    np.testing.assert_allclose(model.predict_proba(silent), np.tile(model.shares, (2, 1)))


def test_one_class_more_than_there_are_is_chance_and_one_less_is_not():
    base = planted(300, seed=9, k=2, items=5)
    enough = likelihood_ratio_test(base.sheets, 2, replications=19, n_init=4)
    too_few = likelihood_ratio_test(base.sheets, 1, replications=19, n_init=4)
    assert too_few.p_value == 1 / 20 and enough.p_value > 0.05
    assert too_few.statistic > enough.statistic > 0


def test_the_test_of_the_number_chosen_is_the_test_on_its_own():
    base = planted(300, seed=9, k=2, items=5)
    tried = choose_classes(base.sheets, most=3, n_init=4)
    assert tried.chosen.n_classes == 2
    one = one_class_more(tried, base.sheets, replications=19)
    other = likelihood_ratio_test(base.sheets, 2, replications=19, n_init=4)
    assert one.statistic == pytest.approx(other.statistic, abs=1e-3)
    assert (one.k, one.p_value) == (2, other.p_value)
    with pytest.raises(NotIdentified, match="no test of one class more is asked for"):
        one_class_more(tried, base.sheets, replications=0)
