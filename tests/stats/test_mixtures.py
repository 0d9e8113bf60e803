"""The mixture core: monotone, the true summit, told starts, and what happens at its edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import norm

from crmlib.stats.mixtures import (
    Mixture,
    classification_error,
    entropy_r2,
    fit_mixture,
    matched,
    random_memberships,
)


class Normals:
    """Normal densities of known spread; the state is their means."""

    def __init__(self, points: np.ndarray) -> None:
        self.points = points
        self.seen: list[tuple[float, ...]] = []

    def log_density(self, state: tuple[float, ...]) -> np.ndarray:
        self.seen.append(state)
        return norm.logpdf(self.points[:, None], np.array(state))

    def maximise(self, responsibilities, before):
        people = responsibilities.sum(axis=0)
        sums = self.points @ responsibilities
        old = np.zeros(len(people)) if before is None else np.array(before)
        return tuple(np.where(people > 0, sums / np.maximum(people, 1e-300), old))


class Wrong(Normals):
    """Moves the means away from where the likelihood is higher."""

    def maximise(self, responsibilities, before):
        right = np.array(super().maximise(responsibilities, before))
        return tuple(right if before is None else right + 1.0)


def sample(n: int, means: tuple[float, ...], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice(means, n) + rng.standard_normal(n)


def starts_for(points: np.ndarray, k: int, n_init: int = 3) -> list[np.ndarray]:
    return random_memberships(len(points), k, n_init, np.random.default_rng(4))


def test_the_summit_is_that_of_direct_maximisation():
    # classes that overlap: plain EM needs many hundred steps here
    points = sample(300, (0.0, 1.6))
    weights = np.random.default_rng(1).integers(1, 4, 300).astype(float)

    def loss(theta):
        shares = np.array([np.log1p(-1 / (1 + np.exp(-theta[0]))), -np.log1p(np.exp(-theta[0]))])
        return -weights @ logsumexp(norm.logpdf(points[:, None], theta[1:]) + shares, axis=1)

    direct = minimize(loss, [0.0, -0.5, 2.0], method="BFGS", options={"gtol": 1e-7})
    found = fit_mixture(Normals(points), weights, starts_for(points, 2))
    assert found.converged
    assert found.llf == pytest.approx(-direct.fun, abs=1e-6)
    assert sorted(found.state) == pytest.approx(sorted(direct.x[1:]), abs=1e-3)


def test_leaps_save_steps_and_a_climb_ends_where_plain_steps_end():
    points = sample(300, (0.0, 1.6))
    start = starts_for(points, 2, 1)[0]
    found = fit_mixture(Normals(points), np.ones(300), [start])
    normals, members, steps, height = Normals(points), start, 0, -np.inf
    while True:
        state = normals.maximise(members, None)
        scores = normals.log_density(state) + np.log(members.mean(axis=0))
        llf = logsumexp(scores, axis=1).sum()
        members = np.exp(scores - logsumexp(scores, axis=1)[:, None])
        steps += 1
        if llf - height < 1e-10:
            break
        height = llf
    assert found.llf == pytest.approx(llf, abs=1e-6)
    assert found.steps < steps / 3


def test_a_maximisation_that_leads_down_is_a_defect():
    points = sample(100, (0.0, 4.0))
    with pytest.raises(ArithmeticError, match="down"):
        fit_mixture(Wrong(points), np.ones(100), starts_for(points, 2))


def test_weights_are_repeated_rows_and_order_does_not_matter():
    points = sample(60, (0.0, 3.0))
    times = np.random.default_rng(2).integers(0, 4, 60)
    memberships = starts_for(points, 2)
    weighted = fit_mixture(Normals(points), times.astype(float), memberships)
    repeated = np.repeat(np.arange(60), times)[::-1]
    rows = fit_mixture(
        Normals(points[repeated]), np.ones(len(repeated)), [m[repeated] for m in memberships]
    )
    assert rows.llf == pytest.approx(weighted.llf, abs=1e-6)
    assert rows.shares == pytest.approx(weighted.shares, abs=1e-4)
    assert rows.posterior == pytest.approx(weighted.posterior[repeated], abs=1e-4)


def test_starts_tell_how_many_reach_the_best():
    points = np.concatenate([np.full(20, at) + np.linspace(-0.5, 0.5, 20) for at in (0, 20, 40)])
    # three well separated groups, two starts that split a group and join the others
    good, bad = (0.0, 20.0, 40.0), (-1.0, 1.0, 30.0)
    found = fit_mixture(Normals(points), np.ones(60), [bad, good, bad])
    assert found.reached == 1
    assert found.starts["llf"].iloc[1] == found.llf == found.starts["llf"].max()
    assert found.starts["llf"].iloc[0] < found.llf - 100
    assert sorted(found.state) == pytest.approx([0.0, 20.0, 40.0])


def test_a_climb_that_is_cut_short_says_so():
    points = sample(300, (0.0, 1.0))
    found = fit_mixture(Normals(points), np.ones(300), starts_for(points, 2), most_steps=3)
    assert not found.converged
    assert not found.starts["converged"].any()


def test_a_fitted_mixture_is_a_start_that_stays():
    points = sample(100, (0.0, 3.0))
    found = fit_mixture(Normals(points), np.ones(100), starts_for(points, 2))
    again = fit_mixture(Normals(points), np.ones(100), [found])
    assert again.llf == pytest.approx(found.llf, abs=1e-6)
    assert again.steps < 10


def test_a_class_without_members_is_finite_and_named():
    points = sample(50, (0.0,))
    members = np.column_stack([np.ones(50), np.zeros(50)])
    found = fit_mixture(Normals(points), np.ones(50), [members])
    assert np.isfinite(found.llf)
    assert np.isfinite(found.posterior).all()
    assert found.vanished.tolist() == [1]


def test_one_class_needs_no_climb():
    points = sample(50, (2.0,))
    found = fit_mixture(Normals(points), np.ones(50), [np.ones((50, 1))])
    assert found.state == pytest.approx((points.mean(),))
    assert found.shares.tolist() == [1.0]
    assert isinstance(found, Mixture)


def test_a_unit_that_is_impossible_but_without_weight_costs_nothing():
    class Bounded(Normals):
        def log_density(self, state):
            return np.where(self.points[:, None] > 50, -np.inf, super().log_density(state))

    points = np.append(sample(50, (0.0, 3.0)), 99.0)
    weights = np.append(np.ones(50), 0.0)
    found = fit_mixture(Bounded(points), weights, starts_for(points, 2))
    assert np.isfinite(found.llf)
    assert found.posterior[-1] == pytest.approx(found.shares)


@pytest.mark.parametrize("weights", [[-1.0, 2.0], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_weights_must_be_people(weights):
    with pytest.raises(ValueError, match="weights"):
        fit_mixture(Normals(np.zeros(2)), np.array(weights), [np.ones((2, 1))])


def test_more_starts_do_not_move_the_first():
    few, many = (random_memberships(5, 3, m, np.random.default_rng(9)) for m in (2, 6))
    assert all((a == b).all() for a, b in zip(few, many[:2], strict=True))
    assert np.allclose(many[-1].sum(axis=1), 1)


def test_entropy_and_error_at_their_ends():
    sure, shares, weights = np.eye(2)[[0, 1, 1, 0]], np.array([0.5, 0.5]), np.ones(4)
    assert entropy_r2(sure, shares, weights) == pytest.approx(1)
    assert classification_error(sure, weights) == pytest.approx(0)
    nothing = np.full((4, 2), 0.5)
    assert entropy_r2(nothing, shares, weights) == pytest.approx(0)
    assert classification_error(nothing, weights) == pytest.approx(0.5)
    one = np.ones((4, 1))
    assert entropy_r2(one, np.ones(1), weights) == 1


def test_classes_are_matched_at_the_least_total_cost():
    assert matched([[3.0, 1.0, 2.0], [1.0, 0.0, 5.0], [2.0, 2.0, 0.0]]).tolist() == [1, 0, 2]
