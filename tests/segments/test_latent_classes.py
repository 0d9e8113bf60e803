"""Latent classes explain that features go together, ask for no shape, and can be written down."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from crmlib.segments.cells import CELLS, cut_points
from crmlib.segments.classes import Classes, fit_classes
from crmlib.segments.clusters import fit_segments, restored

# three kinds of customer: probability of holding each of five products, and usual amount
HOLDS = np.array([[0.9, 0.1, 0.8, 0.2, 0.9], [0.2, 0.9, 0.7, 0.1, 0.1], [0.7, 0.3, 0.1, 0.9, 0.3]])
AMOUNT = np.array([[1, 2, 5, 1, 8], [4, 1, 1, 6, 2], [1, 6, 2, 2, 1]], dtype=float)


def holders(n: int = 3000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Amounts of who holds a product, −1 of who does not, and the kind of each customer."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    holds = rng.random((n, 5)) < HOLDS[kind]
    return np.where(holds, AMOUNT[kind] * rng.lognormal(0, 0.8, (n, 5)), -1.0), kind


def fitted(matrix: np.ndarray, k: int = 3, seed: int = 1, **changes) -> Classes:
    return fit_classes(matrix, k, seed, starts=5, **changes)


def labels(found: Classes, matrix: np.ndarray) -> np.ndarray:
    return found.scores(matrix).argmax(axis=1)


def test_kinds_that_hold_a_product_or_not_are_found_where_distances_fail():
    matrix, kind = holders()
    found = adjusted_rand_score(kind, labels(fitted(matrix), matrix))
    scaled = np.log1p(matrix + 1)
    spheres = KMeans(3, n_init=10, random_state=1).fit_predict(scaled / scaled.std(axis=0))
    assert found > 0.72 and found > adjusted_rand_score(kind, spheres) + 0.1


def test_only_the_order_of_figures_matters():
    matrix, _ = holders()
    stretched = np.where(matrix > 0, matrix**3, matrix - 7)
    first, other = fitted(matrix), fitted(stretched)
    np.testing.assert_array_equal(labels(first, matrix), labels(other, stretched))
    np.testing.assert_allclose(first.chances, other.chances)


def test_two_humps_of_one_feature_are_no_segment_and_two_features_together_are():
    rng = np.random.default_rng(3)
    side = rng.integers(0, 2, 2000)
    others = rng.normal(size=(2000, 4))
    alone = np.column_stack([8 * side - 4 + rng.normal(size=2000), others])
    pair = alone.copy()
    pair[:, 1:4] += 3 * side[:, None]
    n = len(alone)
    bic = [[f.parameters * np.log(n) - 2 * f.log_likelihood(m)
            for f in (fitted(m, 1), fitted(m, 2))] for m in (alone, pair)]  # fmt: skip
    assert bic[0][0] < bic[0][1], "one feature's humps alone"
    assert bic[1][1] < bic[1][0]
    assert adjusted_rand_score(side, labels(fitted(pair, 2), pair)) > 0.95


def test_a_customer_without_a_figure_is_judged_by_the_others():
    matrix, _ = holders()
    found = fitted(matrix)
    lacking = matrix[:50].copy()
    lacking[:, 2] = 0.0
    without = Classes(
        found.weights, found.means[:, [0, 1, 3, 4]], found.cuts[[0, 1, 3, 4]],
        found.chances[:, [0, 1, 3, 4]], found.pairs, found.lifts,
    )  # fmt: skip
    assert not len(found.pairs)
    np.testing.assert_allclose(found.scores(lacking), without.scores(lacking[:, [0, 1, 3, 4]]))
    assert np.allclose(found.chances.sum(axis=2), 1)


def test_cells_hold_a_tenth_and_a_figure_that_many_share_has_its_own():
    rng = np.random.default_rng(1)
    column = np.append(np.full(450, -2.0), rng.permutation(550) + 1.0)
    cuts = cut_points(column[:, None], np.ones(1000))[0]
    sizes = np.bincount(np.searchsorted(cuts, column))
    assert cuts[0] == -0.5 and sizes[0] == 450
    assert len(sizes) == 7 and (sizes[1:-1] == 1000 / CELLS).all()
    # no figure is known of those at 0: they are in no cell
    assert cut_points(np.zeros((4, 1)), np.ones(4)).shape == (1, 0)


def test_a_row_drawn_twice_counts_twice():
    matrix, _ = holders(400)
    draws = np.random.default_rng(2).integers(0, 3, 400).astype(float)
    repeated = np.repeat(matrix, draws.astype(int), axis=0)
    drawn = matrix[draws > 0]
    first = fitted(drawn, draws=draws[draws > 0])
    np.testing.assert_allclose(first.cuts, cut_points(repeated, np.ones(len(repeated))))
    assert first.weights.sum() == pytest.approx(1)
    again = fitted(repeated)
    a, b = first.log_likelihood(repeated), again.log_likelihood(repeated)
    assert abs(a - b) < 0.005 * abs(b)


def test_the_likelihood_is_the_product_over_features_and_cannot_be_raised():
    matrix, _ = holders(1500)
    found = fitted(matrix)
    cells = np.column_stack([np.searchsorted(found.cuts[j], matrix[:, j]) for j in range(5)])
    joint = found.weights * np.prod([found.chances[:, j, cells[:, j]].T for j in range(5)], axis=0)
    assert found.log_likelihood(matrix) == pytest.approx(np.log(joint.sum(axis=1)).sum())
    # at a summit, memberships give back the shares and chances that they came from
    members = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(members.mean(axis=0), found.weights, atol=0.004)
    for j in range(5):
        shares = pd.DataFrame(members).groupby(cells[:, j]).sum() / members.sum(axis=0)
        np.testing.assert_allclose(
            shares.to_numpy().T, found.chances[:, j, : len(shares)], atol=0.01
        )
    used = [len(np.unique(column)) for column in cells.T]
    assert found.parameters == 2 + 3 * sum(size - 1 for size in used)


def test_it_is_written_down_and_places_all_as_before():
    matrix, _ = holders()
    found = fit_segments(matrix, method="classes", k=3, seed=1)
    again = restored("classes", {name: value.tolist() for name, value in found.arrays().items()})
    assert (again.predict(matrix) == found.labels).all()
    np.testing.assert_array_equal(again.membership(matrix), found.membership(matrix))
    assert again.shape.parameters == found.shape.parameters
    far = np.full((1, 5), 1e9)
    assert np.isfinite(found.membership(far)).all()


def test_another_seed_finds_the_same_segments_and_one_seed_the_same_figures():
    matrix, _ = holders()
    first = fit_segments(matrix, method="classes", k=3, seed=1)
    other = fit_segments(matrix, method="classes", k=3, seed=2)
    assert (first.labels == other.labels).mean() > 0.98
    same = fit_segments(matrix, method="classes", k=3, seed=1)
    np.testing.assert_array_equal(first.shape.chances, same.shape.chances)
