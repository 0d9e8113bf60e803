"""Births, deaths and drift are found where they are planted, and almost never elsewhere."""

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.alarms import (
    BELOW,
    BLURRED,
    BORN,
    DRIFT,
    DYING,
    KEEPS,
    alarms,
    step_down,
)
from crmlib.segments.drift import Surprises, population_stability
from tests.segments.moving_base import CENTRES, drawn, formed, judged, shot

N = 3_000


def two_dates(change, seed=0, n=N, noise=0.3):
    """The same customers twice, a tenth replaced; `change(rows, rng)` plants what happens."""
    rng = np.random.default_rng(seed)
    before = drawn(n, rng)
    after = before + noise * rng.standard_normal(before.shape)
    new = rng.random(n) < 0.1
    after[new] = drawn(int(new.sum()), rng)
    # both dates are measured with the same noise
    before = before + noise * rng.standard_normal(before.shape)
    ids = np.arange(n)
    later = np.where(new, ids + n, ids)
    rows, keep = change(after, rng)
    segments = formed(before)
    return shot(ids, before, segments), shot(later[keep], rows[keep], segments)


def nothing(rows, rng):
    return rows, np.ones(len(rows), dtype=bool)


def undisturbed(seed):
    """Nothing has happened: alternately other customers, and the same ones a year older."""
    if seed % 2:
        return two_dates(nothing, seed, n=1_500)
    rng = np.random.default_rng(seed)
    rows = drawn(3_000, rng)
    segments = formed(rows[:1_500])
    return shot(range(1_500), rows[:1_500], segments), shot(
        range(1_500, 3_000), rows[1_500:], segments
    )


@pytest.mark.slow
def test_at_most_three_of_a_hundred_undisturbed_bases_raise_an_alarm():
    raised = [
        judged(*undisturbed(seed), replications=99, seed=seed)[0].raised for seed in range(100)
    ]
    assert sum(raised) <= 3


def test_a_born_segment_is_found_with_its_members():
    def birth(rows, rng):
        rows[:300] = [3.0, 3.0, 3.0, 3.0, 1.0] + 0.7 * rng.standard_normal((300, 5))
        return rows, np.ones(len(rows), dtype=bool)

    before, after = two_dates(birth)
    found, born, _, _ = judged(before, after)
    assert len(found.born) == 1
    members = set(born.members(found.born[0]))
    planted = set(after.ids[:300])
    assert len(members & planted) > 0.9 * len(planted)
    assert len(members & planted) > 0.8 * len(members)
    assert set(found.table.loc[found.table["kind"] == "birth", "says"]) == {"", BORN}
    mean = born.profile.loc[found.born[0]]
    np.testing.assert_allclose(mean[:4], 3.0, atol=0.3)


def test_a_born_segment_inside_the_reach_of_a_broad_one_is_found():
    """Between two segments that were formed as one, where no distance from a centre tells."""
    rng = np.random.default_rng(4)
    wide = np.array([[-3.0, 0, 0, 0, 0], [3.0, 0, 0, 0, 0], [0, 30.0, 0, 0, 0]])
    before = drawn(2_000, rng, (0.4, 0.4, 0.2), wide)
    after = drawn(2_300, rng, (0.4, 0.4, 0.2), wide)
    after[:300, :4] = 0.4 * rng.standard_normal((300, 4))  # at the very centre of the broad one
    segments = formed(before, k=2)
    found, born, _, _ = judged(
        shot(range(2_000), before, segments), shot(range(5_000, 7_300), after, segments)
    )
    assert len(found.born) == 1
    planted = set(range(5_000, 5_300))
    assert len(planted & set(born.members(found.born[0]))) > 0.8 * len(planted)
    assert born.groups.loc[found.born[0], "distance"] < 0.5


def test_growth_of_a_segment_that_exists_is_no_birth():
    rng = np.random.default_rng(2)
    before, after = drawn(N, rng), drawn(N, rng, (0.2, 0.3, 0.2, 0.3))
    segments = formed(before)
    found, _, _, _ = judged(
        shot(range(N), before, segments), shot(range(N, 2 * N), after, segments)
    )
    assert found.raised
    assert found.born == ()


def test_a_dying_segment_is_named_and_no_other():
    def death(rows, rng):
        dying = np.linalg.norm(rows[:, :4] - CENTRES[2, :4], axis=1) < 3
        return rows, ~(dying & (rng.random(len(rows)) < 0.4))

    before, after = two_dates(death)
    found, _, retired, _ = judged(before, after)
    segment = before.named.iloc[np.linalg.norm(before.matrix - CENTRES[2], axis=1).argmin()]
    assert found.verdicts[segment] == DYING
    assert (found.verdicts.drop(segment) == KEEPS).all()
    assert retired.table.loc[segment, "renewal"] < 0.5


def test_a_segment_that_shrinks_but_is_renewed_is_not_dying():
    rng = np.random.default_rng(6)
    before, after = drawn(N, rng), drawn(N, rng, (0.5, 0.3, 0.1, 0.1))
    segments = formed(before)
    found, _, _, _ = judged(
        shot(range(N), before, segments), shot(range(1_000, N + 1_000), after, segments)
    )
    assert found.raised
    assert DYING not in set(found.verdicts)


def test_segments_that_merge_are_no_longer_distinct():
    def merge(rows, rng):
        third = np.linalg.norm(rows[:, :4] - CENTRES[2, :4], axis=1) < 3
        fourth = np.linalg.norm(rows[:, :4] - CENTRES[3, :4], axis=1) < 3
        middle = (CENTRES[2] + CENTRES[3]) / 2
        for part in (third, fourth):
            rows[part] = middle + rng.standard_normal((int(part.sum()), 5))
        return rows, np.ones(len(rows), dtype=bool)

    found, _, _, _ = judged(*two_dates(merge))
    assert BLURRED in set(found.table["says"])


def test_drift_of_one_feature_is_named():
    def drift(rows, rng):
        return rows + np.array([0, 0, 0, 0.25, 0]), np.ones(len(rows), dtype=bool)

    found, _, _, _ = judged(*two_dates(drift))
    drifted = found.table.loc[found.table["says"] == DRIFT, "what"]
    assert "breadth" in set(drifted)
    assert not {"spend", "visits", "calls", "tenure"} & set(drifted)
    assert found.born == ()


def test_a_segment_below_minimum_size_is_no_alarm():
    rng = np.random.default_rng(8)
    shares = (0.45, 0.33, 0.21, 0.01)
    rows = drawn(2 * N, rng, shares, CENTRES * 2)
    segments = formed(np.vstack([rows[:N], np.tile(CENTRES[3] * 2, (60, 1))]))
    found, _, _, _ = judged(
        shot(range(N), rows[:N], segments), shot(range(N, 2 * N), rows[N:], segments)
    )
    assert not found.raised
    assert sorted(found.verdicts)[0] == BELOW
    assert (found.verdicts == KEEPS).sum() == 3


def test_the_order_of_customers_changes_nothing():
    before, after = two_dates(nothing)
    found = judged(before, after)[0].table
    turned = [s.of(np.arange(s.n)[::-1].copy()) for s in (before, after)]
    again = judged(*turned)[0].table
    pd.testing.assert_frame_equal(found, again)


def test_step_down_by_hand():
    """Two tests, four swaps: the largest is compared with both, the other with itself."""
    tested = Surprises("x", ("a", "b"), np.array([5.0, 2.0]),
                    np.array([[1.0, 3.0], [0.5, 1.0], [6.0, 0.0], [1.0, 1.0]]))  # fmt: skip
    np.testing.assert_allclose(step_down([tested]), [2 / 5, 2 / 5])
    wider = Surprises("x", ("a", "b"), np.array([7.0, 2.0]), tested.swapped)
    np.testing.assert_allclose(step_down([wider]), [1 / 5, 2 / 5])


def test_too_few_swaps_for_the_rate_are_refused():
    with pytest.raises(ValueError, match="at least 99 swaps"):
        judged(*two_dates(nothing, n=400), replications=50)


def test_births_with_other_swaps_than_the_other_tests_are_refused():
    pair = two_dates(nothing, n=400)
    stability, born, retired = (judged(*pair, replications=r)[at] for r, at in
                                ((199, 3), (99, 1), (199, 2)))  # fmt: skip
    with pytest.raises(ValueError, match="births have 99 swaps, the other tests 199"):
        alarms(population_stability(stability, level=0.99), born, retired, rate=0.01)
