"""Features that hang together within segments as well get joint cells, and others do not."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import adjusted_rand_score

from crmlib.segments.cells import Cells, cut_points, proportional
from crmlib.segments.classes import Classes, fit_classes
from crmlib.segments.clusters import fit_segments, restored
from crmlib.segments.pairs import EFFECT, effects_left, residual_pairs


def customers(n: int = 4000, together: float = 0.6, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Six features by two kinds of customer; the first two correlate within both kinds."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n)
    matrix = rng.normal(size=(n, 6)) + kind[:, None] * np.array([0, 0, 1.7, -1.7, 1.7, 1.7])
    matrix[:, 1] = together * matrix[:, 0] + np.sqrt(1 - together**2) * matrix[:, 1]
    return matrix, kind


def fitted(matrix: np.ndarray, k: int = 2, seed: int = 1, **changes) -> Classes:
    return fit_classes(matrix, k, seed, starts=5, **changes)


def table_of(matrix: np.ndarray, times: np.ndarray | None = None) -> Cells:
    counts = np.ones(len(matrix)) if times is None else times
    return Cells.of(matrix, cut_points(matrix, counts), counts)


def test_a_pair_that_hangs_together_does_not_pass_for_the_segments(monkeypatch):
    rng = np.random.default_rng(2)
    kind = rng.integers(0, 3, 4000)
    apart = np.array([[0, 0, 0, 0, 0, 0], [0, 0, 1, -1, 1, 1], [0, 0.6, -1, -1, 1, -1]])
    matrix, noise = rng.normal(size=(4000, 6)), rng.normal(size=4000)
    matrix[:, 1] = 0.7 * matrix[:, 0] + np.sqrt(1 - 0.7**2) * noise
    matrix += 1.2 * apart[kind]
    found = fitted(matrix, 3)
    assert found.pairs[0].tolist() == [0, 1]
    with_pair = adjusted_rand_score(kind, found.scores(matrix).argmax(axis=1))
    monkeypatch.setattr("crmlib.segments.pairs.EFFECT", np.inf)
    plain = fitted(matrix, 3)
    without = adjusted_rand_score(kind, plain.scores(matrix).argmax(axis=1))
    assert with_pair > 0.5 > 0.3 > without


def test_features_that_go_their_own_way_get_no_joint_cells():
    matrix, _ = customers(together=0.0)
    found = fitted(matrix)
    assert found.pairs.shape == (0, 2) and found.lifts.shape[:2] == (2, 0)
    # the same features hang together as long as nothing is known of the kinds
    everybody = np.ones((1, len(matrix)))
    effects = effects_left(table_of(matrix), everybody)
    assert effects[2:, 2:][np.triu_indices(4, 1)].min() > EFFECT > effects[:2].max()
    assert fitted(matrix, 1).pairs.tolist() in (
        [[2, 3], [4, 5]],
        [[2, 4], [3, 5]],
        [[2, 5], [3, 4]],
        [[3, 4], [2, 5]],
        [[3, 5], [2, 4]],
        [[4, 5], [2, 3]],
    )


def test_the_effect_left_is_pearsons_statistic_by_hand():
    matrix, kind = customers(1000)
    matrix[::3, 1] = 0.0
    members = np.array([kind == 0, kind == 1], dtype=float)
    times = np.random.default_rng(2).integers(1, 3, 1000).astype(float)
    table = table_of(matrix, times)
    cuts = cut_points(matrix, times)
    there = matrix[:, 1] != 0
    a, b = (np.searchsorted(cuts[j], matrix[there, j]) for j in (0, 1))
    shape = (a.max() + 1, b.max() + 1)
    observed, expected = np.zeros(shape), np.zeros(shape)
    for own in members[:, there] * times[there]:
        here = np.zeros(shape)
        np.add.at(here, (a, b), own)
        observed += here
        expected += np.outer(here.sum(axis=1), here.sum(axis=0)) / here.sum()
    freedom = (shape[0] - 1) * (shape[1] - 1)
    statistic = ((observed - expected) ** 2 / np.maximum(expected, 1)).sum()
    by_hand = np.sqrt((statistic - freedom - 3 * np.sqrt(2 * freedom)) / observed.sum())
    found = effects_left(table, members)
    assert found[0, 1] == found[1, 0] == pytest.approx(by_hand) and by_hand > EFFECT
    assert residual_pairs(table, members) == [(0, 1)]


def test_each_feature_is_in_one_pair_at_most_and_the_largest_effect_comes_first():
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(2, 3000))
    noise = rng.normal(size=(4, 3000))
    matrix = np.column_stack(
        [first, second, first + 0.3 * noise[0], first + noise[1], second + 0.9 * noise[2], noise[3]]
    )
    pairs = residual_pairs(table_of(matrix), np.ones((1, 3000)))
    assert pairs == [(0, 2), (1, 4)]


def test_tables_keep_their_margins_and_share_one_association():
    rng = np.random.default_rng(5)
    counts = rng.gamma(2, 5, (3, 4, 5))
    found = np.ones_like(counts)
    for _ in range(200):
        found = proportional(counts, found)
    size = counts.sum(axis=(1, 2))[:, None]
    np.testing.assert_allclose(found.sum(axis=2), counts.sum(axis=2) / size, atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), counts.sum(axis=1) / size, atol=1e-9)
    together = (found * size[:, :, None]).sum(axis=0)
    np.testing.assert_allclose(together, counts.sum(axis=0), atol=1e-6)
    odds = found * found[:, :1, :1] / found[:, :, :1] / found[:, :1]
    np.testing.assert_allclose(odds[1:], odds[:1].repeat(2, axis=0), rtol=1e-9)


def test_the_likelihood_is_that_of_joint_cells_and_rises_with_every_step():
    matrix, kind = customers(1500)
    table = table_of(matrix).joined([(0, 1), (2, 4)])
    found = table.maximised(np.array([kind == 0, kind == 1], dtype=float))
    heights = []
    for _ in range(30):
        members, height = table.members(found)
        heights.append(height)
        found = table.maximised(members, height, found.chances)
    assert (np.diff(heights) > -0.5).all() and heights[-1] > heights[0] + 1
    again = fitted(matrix)
    cells = np.column_stack([np.searchsorted(again.cuts[j], matrix[:, j]) for j in range(6)])
    (a, b) = again.pairs.astype(int)[0]
    joint = again.chances[:, a, :, None] * again.chances[:, b, None, :] * again.lifts[:, 0]
    np.testing.assert_allclose(joint.sum(axis=(1, 2)), 1, atol=1e-9)
    rest = np.prod([again.chances[:, j, cells[:, j]] for j in range(6) if j not in (a, b)], axis=0)
    whole = again.weights[:, None] * rest * joint[:, cells[:, a], cells[:, b]]
    assert again.log_likelihood(matrix) == pytest.approx(np.log(whole.sum(axis=0)).sum())
    used = np.isfinite(again.cuts).sum(axis=1)
    assert again.parameters == 1 + 2 * used.sum() + used[a] * used[b]


def test_who_lacks_one_of_two_figures_is_judged_by_the_other_alone():
    matrix, _ = customers()
    found = fitted(matrix)
    lacking = matrix[:40].copy()
    lacking[:, 0] = 0.0
    others = Classes(
        found.weights, found.means[:, 1:], found.cuts[1:], found.chances[:, 1:],
        np.empty((0, 2)), found.lifts[:, :0],
    )  # fmt: skip
    np.testing.assert_allclose(found.scores(lacking), others.scores(lacking[:, 1:]))
    # and so the fit itself: who lacks it adds nothing to the joint cells
    table = table_of(lacking).joined([(0, 1)])
    assert table.within[:, len(table.usual) :].nnz == 0


def test_pairs_are_written_down_and_numbered_with_their_segments():
    matrix, _ = customers()
    found = fit_segments(matrix, method="classes", k=2, seed=1)
    assert len(found.shape.pairs) == 1
    again = restored("classes", {name: value.tolist() for name, value in found.arrays().items()})
    np.testing.assert_array_equal(again.membership(matrix), found.membership(matrix))
    assert again.shape.parameters == found.shape.parameters
    turned = found.shape.ordered(np.array([1, 0]))
    np.testing.assert_allclose(turned.scores(matrix), found.shape.scores(matrix)[:, ::-1])
    assert np.isfinite(softmax(found.shape.scores(np.full((1, 6), 1e9)))).all()


def test_a_row_drawn_twice_counts_twice_in_pairs():
    matrix, _ = customers(1500)
    draws = np.random.default_rng(2).integers(0, 3, 1500).astype(float)
    repeated = np.repeat(matrix, draws.astype(int), axis=0)
    first = fitted(matrix[draws > 0], draws=draws[draws > 0])
    again = fitted(repeated)
    assert first.pairs.tolist() == again.pairs.tolist() == [[0, 1]]
    a, b = first.log_likelihood(repeated), again.log_likelihood(repeated)
    assert abs(a - b) < 0.005 * abs(b)
