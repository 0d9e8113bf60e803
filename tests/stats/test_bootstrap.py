"""Bootstrap weights: multinomial moments, streams, percentile intervals."""

import numpy as np
import pytest

from crmlib.stats.bootstrap import bootstrap_weights, generator
from crmlib.stats.intervals import Interval, percentile_interval


def test_weights_are_multinomial_counts():
    """Mean n·p and variance n·p(1−p) of each group over 20,000 resamples, within 5 %."""
    counts = np.array([10, 0, 30, 60])
    draws = np.array(list(bootstrap_weights(counts, 20_000, generator(1))))
    assert (draws.sum(axis=1) == 100).all()
    assert (draws[:, 1] == 0).all()
    share = counts / 100
    np.testing.assert_allclose(draws.mean(axis=0), counts, rtol=0.01)
    np.testing.assert_allclose(draws.var(axis=0), 100 * share * (1 - share), rtol=0.05)


def test_same_seed_same_weights_and_purposes_differ():
    def draw(*key):
        return next(bootstrap_weights(50, 1, generator(*key))).tolist()

    assert draw(4, 0) == draw(4, 0)
    assert draw(4, 0) != draw(4, 1)
    assert draw(4, 0) != draw(5, 0)


@pytest.mark.parametrize("counts", [[1.5, 2], [-1, 2], [0, 0], []])
def test_impossible_counts(counts):
    with pytest.raises(ValueError, match="whole numbers of customers"):
        next(bootstrap_weights(counts, 1, generator(0)))


def test_percentile_interval():
    interval = percentile_interval(50.0, np.arange(101.0), 0.9)
    assert isinstance(interval, Interval)
    assert (interval.value, interval.level) == (50.0, 0.9)
    assert (interval.lo, interval.hi) == pytest.approx((5.0, 95.0))
    assert 5.1 in interval
    assert 4.9 not in interval
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        percentile_interval(1.0, [1.0], 90)
    with pytest.raises(ValueError, match="finite"):
        percentile_interval(1.0, [np.nan], 0.9)
