"""Segments are found, numbered, placed and refused; their number is chosen by the rule."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from crmlib.segments.choice import SegmentChoice, choose_segments
from crmlib.segments.clusters import fit_segments, restored
from crmlib.segments.stability import Stability
from crmlib.stats.optimise import NotIdentified

SHARES = [0.4, 0.3, 0.2, 0.1]
BOTH = ["kmeans", "mixture", "classes"]


def four_groups(n: int = 1200, seed: int = 3, apart: float = 2.5) -> tuple[np.ndarray, np.ndarray]:
    """Prepared features of customers in four groups of different sizes, and the group."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(8).normal(0, apart, (4, 5))
    group = rng.choice(4, n, p=SHARES)
    return centres[group] + rng.normal(size=(n, 5)), group


def chosen(matrix: np.ndarray, **changes) -> SegmentChoice:
    settings = {"methods": BOTH, "most": 6, "min_share": 0.05, "replications": 20, "seed": 1}
    return choose_segments(matrix, **settings | changes)


@pytest.mark.parametrize("method", BOTH)
def test_planted_groups_are_found_and_numbered_by_size(method):
    matrix, group = four_groups()
    found = fit_segments(matrix, method=method, k=4, seed=1)
    assert adjusted_rand_score(group, found.labels) > 0.95
    assert (np.diff(found.sizes) < 0).all() and found.sizes.sum() == len(matrix)


@pytest.mark.parametrize("method", BOTH)
def test_numbers_do_not_depend_on_the_seed_or_the_order_of_customers(method):
    matrix, _ = four_groups()
    order = np.random.default_rng(1).permutation(len(matrix))
    first = fit_segments(matrix, method=method, k=4, seed=1)
    other = fit_segments(matrix, method=method, k=4, seed=99)
    moved = fit_segments(matrix[order], method=method, k=4, seed=1)
    assert (first.labels == other.labels).mean() > 0.99
    assert (first.labels[order] == moved.labels).mean() > 0.99


@pytest.mark.parametrize("method", BOTH)
def test_a_sample_places_all_customers(method):
    matrix, group = four_groups()
    found = fit_segments(matrix, method=method, k=4, seed=1, sample=400)
    assert found.fitted_on == 400 and len(found.labels) == len(matrix)
    assert adjusted_rand_score(group, found.labels) > 0.93


@pytest.mark.parametrize("method", BOTH)
def test_labels_are_the_likeliest_membership_and_survive_being_written_down(method):
    matrix, _ = four_groups(apart=1.0)
    found = fit_segments(matrix, method=method, k=3, seed=1)
    shares = found.membership(matrix)
    assert np.allclose(shares.sum(axis=1), 1)
    assert (shares.argmax(axis=1) == found.labels).all()
    assert (found.predict(matrix) == found.labels).all()
    again = restored(method, {name: value.tolist() for name, value in found.arrays().items()})
    assert (again.predict(matrix) == found.labels).all()
    assert np.allclose(again.membership(matrix), shares)


def test_a_mixtures_density_is_that_of_scikit_learn():
    matrix, _ = four_groups()
    found = fit_segments(matrix, method="mixture", k=3, seed=1)
    model = GaussianMixture(3)
    model.weights_, model.means_ = found.shape.weights, found.centres
    model.covariances_ = found.shape.covariances
    model.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(found.shape.covariances))
    assert np.allclose(model.predict_proba(matrix), found.membership(matrix))
    assert found.shape.log_likelihood(matrix) == pytest.approx(model.score(matrix) * len(matrix))


def test_the_likelihood_of_spheres_by_hand():
    matrix = np.array([[0.0], [2.0], [10.0], [12.0]])
    found = fit_segments(matrix, method="kmeans", k=2, seed=1)
    # two halves, each row one away from its centre: variance 1
    expected = 4 * (np.log(0.5) - np.log(2 * np.pi) / 2 - 0.5)
    assert found.shape.variance == pytest.approx(1)
    assert found.shape.log_likelihood(matrix) == pytest.approx(expected)


def test_the_planted_number_is_chosen_and_all_that_was_tried_is_kept():
    matrix, group = four_groups()
    choice = chosen(matrix)
    table = choice.table
    assert choice.chosen.k == 4 and adjusted_rand_score(group, choice.chosen.labels) > 0.95
    assert list(zip(table["method"], table["k"], strict=True)) == [
        (method, k) for method in BOTH for k in range(2, 8)
    ]
    assert table["chosen"].sum() == 1 and table.loc[table["chosen"], "passes"].all()
    assert choice.stability.passes and len(choice.stability.by_segment) == 4
    assert "4 segments" in choice.reason and "With 5" in choice.reason


def test_a_stable_cut_through_one_group_is_not_taken_for_two(monkeypatch):
    # even where chance is taken for certainty: BIC sees that nothing more is described
    monkeypatch.setattr(Stability, "sure", property(lambda gate: gate.minimum))
    rng = np.random.default_rng(4)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    matrix = centres[rng.choice(3, 600, p=[0.5, 0.3, 0.2])] + rng.normal(size=(600, 2))
    table = chosen(matrix, methods=["kmeans"], most=5).table.set_index("k")
    assert table.at[4, "minimum"] > 0.75 and not table.at[4, "passes"]
    assert table.at[3, "chosen"]


def test_a_number_near_the_gate_needs_to_pass_beyond_the_error_of_the_resamples(monkeypatch):
    monkeypatch.setattr(Stability, "sure", property(lambda gate: gate.minimum - 0.3))
    choice = chosen(four_groups()[0], methods=["kmeans"])
    assert not choice.table["passes"].any() and choice.stability.passes
    assert "No number of segments passes beyond the error of the resamples." in choice.reason


def test_the_number_from_before_is_kept_while_it_passes_and_nothing_clear_is_new():
    crowd = np.random.default_rng(2).normal(size=(600, 2))
    matrix = np.vstack([crowd, crowd[:200] + np.array([9.0, 0.0])])
    two = chosen(matrix, methods=["kmeans"], most=4)
    assert two.chosen.k == 2
    # three cut the crowd in halves that come back now and then: no reason to leave two
    assert chosen(matrix, methods=["kmeans"], most=4, keep=2).chosen.k == 2
    groups, _ = four_groups()
    assert chosen(groups, methods=["kmeans"], keep=3).chosen.k == 4, "a clear fourth is taken"
    assert chosen(groups, methods=["kmeans"], keep=5).chosen.k == 4, "what fails is not kept"


def test_a_kept_number_says_so():
    rng = np.random.default_rng(4)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    matrix = centres[rng.choice(3, 600, p=[0.5, 0.3, 0.2])] + rng.normal(size=(600, 2))
    kept = chosen(matrix, methods=["kmeans"], most=5, keep=4)
    assert kept.chosen.k == 4 and "as many as before, still pass" in kept.reason
    assert kept.stability.passes


def test_capacity_sets_the_limit_and_says_so():
    choice = chosen(four_groups()[0], most=3, methods=["kmeans"])
    table = choice.table.set_index("k")
    assert choice.chosen.k == 3 and "but 3 are wanted at most" in choice.reason
    assert not table.at[4, "within_capacity"] and not table.at[4, "passes"]


def test_a_segment_below_the_least_share_stops_the_number():
    choice = chosen(four_groups()[0], min_share=0.15, methods=["kmeans"])
    assert choice.chosen.k == 3 and choice.chosen.sizes.min() >= 0.15 * 1200
    assert "smallest would hold" in choice.reason


def test_where_one_segment_is_always_too_small_there_is_no_choice():
    crowd = np.random.default_rng(1).normal(0, 0.1, (500, 2))
    matrix = np.vstack([crowd, crowd[:5] + 9])
    with pytest.raises(NotIdentified, match=r"one segment holds less than 5\.0%"):
        chosen(matrix, most=2, methods=["kmeans"])


def test_without_stable_segments_nothing_is_forced():
    noise = np.random.default_rng(2).normal(size=(400, 8))
    choice = chosen(noise, methods=["kmeans"], replications=40)
    assert not choice.table["passes"].any() and not choice.stability.passes
    best = choice.table.set_index("k")["minimum"].loc[:6].idxmax()
    assert choice.chosen.k == best
    assert choice.stability.replications == 40, "what is shown was tested in full"
    assert "not fit to go live" in choice.reason


def test_the_same_seed_gives_the_same_choice():
    matrix, _ = four_groups(500)
    first, again = chosen(matrix, most=4), chosen(matrix, most=4)
    pd.testing.assert_frame_equal(first.table, again.table)
    assert (first.chosen.labels == again.chosen.labels).all()


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.empty((0, 3)), "there is none"),
        (np.ones((1, 3)), "there is one"),
        (np.ones((50, 3)), "all 50 customers behave alike"),
    ],
)
def test_nothing_to_tell_apart_is_refused_in_words(matrix, said):
    with pytest.raises(NotIdentified, match=said):
        chosen(matrix)


@pytest.mark.parametrize("method", BOTH)
def test_fewer_different_customers_than_segments(method):
    matrix = np.repeat([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]], 20, axis=0)
    with pytest.raises(NotIdentified, match="4 customers who differ, there are only 3"):
        fit_segments(matrix, method=method, k=4, seed=1)
    assert chosen(matrix, methods=[method], replications=5).chosen.k in (2, 3)
    assert fit_segments(np.ones((1, 2)), method=method, k=1, seed=1).labels.tolist() == [0]


def test_two_customers_get_a_choice():
    choice = chosen(np.array([[0.0, 1.0], [1.0, 0.0]]), replications=5)
    assert choice.chosen.labels.tolist() in ([0, 1], [1, 0])


def test_later_customers_far_away_or_none_are_placed():
    found = fit_segments(four_groups()[0], method="mixture", k=4, seed=1)
    assert found.predict(np.full((1, 5), 1e6)).shape == (1,)
    assert np.isfinite(found.membership(np.full((1, 5), 1e6))).all()
    assert found.predict(np.empty((0, 5))).shape == (0,)
    assert found.membership(np.empty((0, 5))).shape == (0, 4)


def test_gaps_and_unknown_methods_are_said():
    with pytest.raises(ValueError, match="no gaps"):
        fit_segments(np.array([[1.0], [np.nan]]), method="kmeans", k=1, seed=1)
    with pytest.raises(ValueError, match="kmeans, mixture"):
        fit_segments(np.eye(3), method="medoids", k=2, seed=1)
