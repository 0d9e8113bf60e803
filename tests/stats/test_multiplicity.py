"""Holm's correction: by hand, whatever the order, and with what was no test left out."""

import numpy as np
from statsmodels.stats.multitest import multipletests

from crmlib.stats.multiplicity import holm


def test_by_hand():
    assert holm([0.01, 0.04, 0.03]).round(10).tolist() == [0.03, 0.06, 0.06]
    assert holm([0.5, 0.9]).tolist() == holm([0.6, 0.7]).tolist() == [1, 1]


def test_what_was_no_test_does_not_count():
    found = holm([0.01, np.nan, 0.04])
    assert np.isnan(found[1]) and found[[0, 2]].round(10).tolist() == [0.02, 0.04]
    assert np.isnan(holm([np.nan, np.nan])).all() and holm([]).size == 0


def test_the_order_does_not_matter():
    rng = np.random.default_rng(1)
    p, order = rng.random(50) ** 3, rng.permutation(50)
    assert (holm(p)[order] == holm(p[order])).all()


def test_statsmodels_finds_the_same():
    p = np.random.default_rng(2).random(200) ** 4
    p[10:20] = p[30]
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)
