"""Erlang-k of interpurchase times: planted k, coverage, invariances, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from crmlib.stats.optimise import NotIdentified
from crmlib.value import purchase_regularity


def purchases(k, customers, seed, end=60.0):
    """Gamma(k) interpurchase times at a rate of each customer's own, cut at `end`."""
    rng = np.random.default_rng(seed)
    k = np.broadcast_to(k, customers)
    rate = rng.gamma(1.5, 1 / 6, customers)
    waits = rng.gamma(k[:, None], 1 / (k * rate)[:, None], (customers, 200))
    times = np.hstack([np.zeros((customers, 1)), np.cumsum(waits, axis=1)])
    who, which = np.nonzero(times <= end)
    return pd.DataFrame({"customer_id": who, "time": times[who, which]})


@pytest.mark.parametrize("k", [0.5, 1.0, 2.0, 3.0])
def test_planted_k_whatever_the_rates_and_the_end_of_observation(k):
    found = purchase_regularity(purchases(k, 4_000, seed=1), level=0.9999)
    assert k in found.k
    assert found.k.value == pytest.approx(k, rel=0.05)
    assert (found.p_value < 0.001) == (k != 1.0)


def test_likelihood_equals_that_of_the_dirichlet_distribution():
    """Two customers, by scipy's Dirichlet density and a plain search."""
    times = {"a": [0.0, 1.0, 3.5, 5.0], "b": [2.0, 2.5, 7.0]}
    rows = [(name, time) for name, column in times.items() for time in column]

    def loss(k):
        shares = [np.diff(column) / (column[-1] - column[0]) for column in times.values()]
        return -sum(stats.dirichlet.logpdf(share, np.full(share.size, k)) for share in shares)

    best = optimize.minimize_scalar(
        loss, bounds=(0.01, 50), method="bounded", options={"xatol": 1e-9}
    )
    found = purchase_regularity(pd.DataFrame(rows, columns=["customer_id", "time"]))
    assert found.k.value == pytest.approx(best.x, rel=1e-5)
    assert (found.customers, found.intervals) == (2, 5)


def test_p_value_and_interval_tell_one_story():
    """At the level of 1 − p the interval ends at 1."""
    table = purchases(1.05, 400, seed=6)
    p_value = purchase_regularity(table).p_value
    assert 1e-6 < p_value < 0.5
    assert purchase_regularity(table, level=1 - p_value).k.lo == pytest.approx(1.0)


def test_customers_of_unequal_regularity_widen_the_interval():
    """The spread of k over customers shows in the spread over samples, and in the error."""
    mixes = [np.random.default_rng(seed).choice([0.6, 6.0], 400) for seed in range(60)]
    found = [purchase_regularity(purchases(k, 400, seed)).k for seed, k in enumerate(mixes)]
    errors = np.mean([np.log(one.hi / one.lo) / 3.92 for one in found])
    spread = np.std([np.log(one.value) for one in found])
    assert errors == pytest.approx(spread, rel=0.3)


def test_ending_when_activity_ends_does_not_bias():
    """Customers who leave after a number of purchases of their own: k stays 2."""
    table = purchases(2.0, 3_000, seed=3)
    most = np.random.default_rng(4).geometric(0.2, 3_000) + 1
    order = table.groupby("customer_id").cumcount().to_numpy()
    left = table[order < most[table["customer_id"]]]
    assert 2.0 in purchase_regularity(left, level=0.999).k


def test_unit_order_dates_and_repeated_rows_do_not_matter():
    table = purchases(2.0, 300, seed=5)
    table["time"] = table["time"].round()
    one = purchase_regularity(table)
    weeks = purchase_regularity(table.assign(time=table["time"] / 7 + 100))
    dates = purchase_regularity(
        table.assign(time=pd.Timestamp("2025-01-01") + pd.to_timedelta(table["time"], unit="D"))
    )
    shuffled = purchase_regularity(pd.concat([table, table]).sample(frac=1, random_state=1))
    for other in (weeks, dates, shuffled):
        assert other.k.value == pytest.approx(one.k.value, rel=1e-9)
        assert other.k.hi == pytest.approx(one.k.hi, rel=1e-9)
        assert other.intervals == one.intervals


@pytest.mark.parametrize("seed", range(2))
def test_interval_is_wider_for_fewer_customers(seed):
    few, many = (purchase_regularity(purchases(1.5, n, seed)) for n in (100, 1_600))
    ratio = np.log(few.k.hi / few.k.lo) / np.log(many.k.hi / many.k.lo)
    assert ratio == pytest.approx(4, rel=0.35)


@pytest.mark.slow
def test_coverage():
    """200 simulations of 300 customers; 3 Monte-Carlo errors around 95 %: 90.4 to 99.6 %."""
    held = sum(2.0 in purchase_regularity(purchases(2.0, 300, seed)).k for seed in range(200))
    assert 0.904 <= held / 200 <= 0.996


@pytest.mark.parametrize(
    "table, error, message",
    [
        ({"customer_id": [1], "date": [2]}, ValueError, "purchases lack time"),
        ({"customer_id": [1, 1], "time": [2, None]}, ValueError, "row 1 lacks one"),
        ({"customer_id": [1, 1], "time": [2, 3]}, NotIdentified, "three purchases at different"),
        ({"customer_id": [1, 1, 1], "time": [2, 3, 3]}, NotIdentified, "three purchases"),
        ({"customer_id": [1, 1, 1], "time": [2, 3, 4]}, NotIdentified, "equal intervals"),
    ],
)
def test_what_cannot_be_measured_is_said(table, error, message):
    with pytest.raises(error, match=message):
        purchase_regularity(pd.DataFrame(table))


def test_level_is_checked():
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        purchase_regularity(purchases(1.0, 50, seed=1), level=95)
