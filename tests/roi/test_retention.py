"""Pooled retention: what segments lend each other, and intervals that cover."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

from crmlib.roi.retention import PooledRetention


def counts(*pairs):
    table = pd.DataFrame(pairs, columns=["stayed", "watched"])
    return table.set_index(pd.Index([f"s{i}" for i in range(len(pairs))]))


def drawn(found, name, n_draws=20_000):
    common = found.common(n_draws, np.random.default_rng(1))
    return found.draws(name, common, np.random.default_rng(2))


def test_posterior_mean_is_the_double_integral():
    """Two segments, integrated by quadrature over rate and weight."""
    stayed, watched = np.array([18.0, 5.0]), np.array([20.0, 10.0])

    def parts(weight, rate):
        strength = watched.mean() * weight / (1 - weight)
        a, b = rate * strength, (1 - rate) * strength
        height = special.betaln(stayed + a, watched - stayed + b) - special.betaln(a, b)
        return (1 - weight) * np.exp(height.sum()), (stayed[0] + a) / (watched[0] + strength)

    edge = 1e-6
    bounds = (edge, 1 - edge, edge, 1 - edge)
    total = integrate.dblquad(lambda w, r: parts(w, r)[0], *bounds, epsrel=1e-4)[0]
    first = integrate.dblquad(lambda w, r: np.prod(parts(w, r)), *bounds, epsrel=1e-4)[0]
    found = PooledRetention.of(counts((18, 20), (5, 10)))
    assert found.mean()["s0"] == pytest.approx(first / total, abs=2e-3)


def test_alike_segments_lend_each_other_much_and_unlike_ones_little():
    alike = PooledRetention.of(counts((40, 50), (41, 50), (40, 50), (7, 10)))
    unlike = PooledRetention.of(counts((49, 50), (5, 50), (40, 50), (7, 10)))
    assert alike.mean()["s3"] - 0.7 > 3 * abs(unlike.mean()["s3"] - 0.7)


def test_a_segment_that_nobody_watched_is_like_all_and_less_sure():
    found = PooledRetention.of(counts((90, 100), (70, 100), (80, 100), (0, 0)))
    assert found.mean()["s3"] == pytest.approx(0.8, abs=0.03)
    assert drawn(found, "s3").std() > 1.5 * drawn(found, "s2").std()


def test_draws_have_the_posterior_mean():
    found = PooledRetention.of(counts((18, 20), (5, 10), (30, 60)))
    for name in found.counts.index:
        assert drawn(found, name).mean() == pytest.approx(found.mean()[name], abs=0.004)


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b"), [(12, 4), (60, 20), (2, 2)])
def test_intervals_cover_the_truth(a, b):
    rng = np.random.default_rng([a, b])
    inside = []
    for _ in range(100):
        truth = rng.beta(a, b, 10)
        kept = rng.binomial(60, truth)
        found = PooledRetention.of(counts(*((k, 60) for k in kept)))
        common = found.common(1000, rng)
        for name, true in zip(found.counts.index, truth, strict=True):
            lo, hi = np.quantile(found.draws(name, common, rng), [0.05, 0.95])
            inside.append(lo <= true <= hi)
    assert 0.86 <= np.mean(inside) <= 0.94  # of 1,000


def test_one_segment_and_sure_segments_are_finite():
    for table in (counts((3, 3)), counts((0, 40)), counts((10**6, 10**6), (0, 10))):
        found = PooledRetention.of(table)
        assert np.isfinite(drawn(found, "s0", 100)).all()
        assert found.mean().between(0, 1).all()
