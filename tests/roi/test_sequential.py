"""Boundaries and false positives of several looks: published tables, other integrals, paths."""

import numpy as np
import pytest
from scipy import special, stats

from crmlib.roi.sequential import crossing, peeking, review_boundaries


def simulated(z, information, drift, paths, seed=0):
    """First crossings above and below in simulated experiments, as shares; shape (2, looks)."""
    shares = np.asarray(information, dtype=float) / information[-1]
    steps = np.diff(shares, prepend=0)
    rng = np.random.default_rng(seed)
    moved = rng.normal(drift * steps, np.sqrt(steps), (paths, len(z))).cumsum(axis=1)
    at = moved / np.sqrt(shares)
    beyond = np.abs(at) >= z
    first = np.where(beyond.any(axis=1), beyond.argmax(axis=1), -1)
    end = at[np.arange(paths), first]
    return np.array(
        [
            [np.mean((first == look) & (side * end > 0)) for look in range(len(z))]
            for side in (1, -1)
        ]
    )


def test_obrien_fleming_of_five_looks():
    """Jennison & Turnbull (2000), table 2.3: c = 2.040 at the last of five looks."""
    found = review_boundaries(5, alpha=0.05)
    assert found.table["z"].round(3).tolist() == [4.562, 3.226, 2.634, 2.281, 2.040]
    assert found.method == "classical"


@pytest.mark.parametrize(
    "looks, alpha, constant",
    [(2, 0.05, 2.178), (5, 0.05, 2.413), (10, 0.05, 2.555), (5, 0.01, 2.986)],
)
def test_pocock_constants(looks, alpha, constant):
    """Jennison & Turnbull (2000), table 2.1."""
    z = review_boundaries(looks, alpha=alpha, kind="pocock").table["z"]
    assert z.round(3).unique().tolist() == [constant]


@pytest.mark.parametrize("looks, constant", [(2, 1.977), (4, 2.024), (10, 2.087)])
def test_obrien_fleming_constants(looks, constant):
    """Jennison & Turnbull (2000), table 2.3."""
    assert review_boundaries(looks, alpha=0.05).table["z"].iloc[-1] == pytest.approx(
        constant, abs=6e-4
    )


def test_repeated_tests_at_the_value_of_one():
    """Armitage, McPherson & Rowe (1969): 5 % becomes 8.3, 10.7, 12.6, 14.2 … 19.3 (ten), 24.8."""
    found = peeking(20, critical=1.959964).table.set_index("looks")["false_positive"]
    expected = {1: 0.05, 2: 0.083, 3: 0.107, 4: 0.126, 5: 0.142, 10: 0.193, 20: 0.248}
    for looks, rate in expected.items():
        assert found[looks] == pytest.approx(rate, abs=6e-4)


def test_two_weeks_of_daily_looks_give_22_percent():
    found = peeking(14)
    paths = simulated(np.full(14, 1.96), np.arange(1, 15), 0.0, 200_000)
    assert found.rate == pytest.approx(0.22, abs=0.005)
    assert found.rate == pytest.approx(paths.sum(), abs=0.004)


@pytest.mark.parametrize("drift", [0.0, 1.5, -3.0])
def test_crossings_equal_the_multivariate_normal(drift):
    """Three uneven looks: the chance not to have crossed is a box under the joint normal."""
    z, information = np.array([2.7, 2.2, 2.0]), np.array([2.0, 3.0, 7.0])
    shares = information / 7
    covariance = np.sqrt(np.minimum.outer(shares, shares) / np.maximum.outer(shares, shares))
    found = crossing(z, information, drift)
    for looks in (1, 2, 3):
        box = stats.multivariate_normal(drift * np.sqrt(shares[:looks]), covariance[:looks, :looks])
        inside = box.cdf(z[:looks], lower_limit=-z[:looks], rng=1)
        assert found.total[looks - 1] == pytest.approx(1 - inside, abs=1e-5)


def test_crossings_of_uneven_looks_equal_simulated_paths():
    z, information = np.array([3.0, 2.4, 2.5, 2.1]), np.array([10.0, 12.0, 60.0, 61.0])
    found = crossing(z, information, 1.8)
    paths = simulated(z, information, 1.8, 200_000)
    assert found.upper == pytest.approx(paths[0], abs=0.004)
    assert found.lower == pytest.approx(paths[1], abs=0.004)


def test_many_looks_tend_to_brownian_motion():
    """P(max |B| over [0, 1] ≥ c) by reflection; whole steps overshoot by .5826 (Siegmund 1985)."""
    looks = 400
    z = review_boundaries(looks, alpha=0.05).table["z"].iloc[-1]
    level = z + 0.5826 / np.sqrt(looks)
    terms = [(-1) ** k * special.ndtr(-(2 * k + 1) * level) for k in range(4)]
    assert 4 * sum(terms) == pytest.approx(0.05, abs=2e-4)


@pytest.mark.parametrize("kind, expected", [
    ("obrien_fleming", [4.877, 3.357, 2.680, 2.290, 2.031]),
    ("pocock", [2.438, 2.427, 2.410, 2.397, 2.386]),
])  # fmt: skip
def test_spending_at_five_even_looks(kind, expected):
    """Lan–DeMets boundaries as programs for them print (DeMets & Lan 1994, Statist. Med. 13)."""
    found = review_boundaries(5, alpha=0.05, kind=kind, information=[1, 2, 3, 4, 5])
    assert found.table["z"].tolist() == pytest.approx(expected, abs=6e-4)
    assert found.method == "spending"


@pytest.mark.parametrize("kind", ["obrien_fleming", "pocock"])
@pytest.mark.parametrize("information", [[1, 2, 9], [30, 31, 32, 90], [1, 100, 1_000]])
def test_spending_holds_its_rate_at_uneven_looks(kind, information):
    found = review_boundaries(len(information), alpha=0.05, kind=kind, information=information)
    z = found.table["z"].to_numpy()
    paths = simulated(z, np.array(information, float), 0.0, 200_000, seed=4)
    assert paths.sum() == pytest.approx(0.05, abs=0.002)
    assert found.table["spent"].iloc[-1] == pytest.approx(0.05, abs=1e-9)
    due = {
        "obrien_fleming": lambda t: 4 - 4 * stats.norm.cdf(stats.norm.ppf(1 - 0.0125) / t**0.5),
        "pocock": lambda t: 0.05 * np.log(1 + (np.e - 1) * t),
    }[kind]
    shares = np.array(information) / information[-1]
    assert found.table["spent"].tolist() == pytest.approx(due(shares).tolist(), abs=1e-9)


def test_power_equals_simulated_paths_and_the_published_inflation():
    """Five O'Brien–Fleming looks need 1.028 times the sample (J & T 2000, table 2.4)."""
    found = review_boundaries(5, alpha=0.05)
    drift = np.sqrt(1.028) * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8))
    assert found.power(drift) == pytest.approx(0.80, abs=5e-4)
    z = found.table["z"].to_numpy()
    paths = simulated(z, np.arange(1.0, 6.0), drift, 100_000)
    assert found.power(drift) == pytest.approx(paths[0].sum(), abs=0.006)


def test_what_an_interim_z_says():
    found = review_boundaries(3, alpha=0.05)
    limit = found.table["z"].iloc[0]
    assert found.read(1, limit) == "stop: effect" and found.read(1, -limit) == "stop: harm"
    assert found.read(1, limit - 1e-9) == "go on" == found.read(2, 0.0)
    assert found.read(3, 1.9) == "end: no effect"
    with pytest.raises(ValueError, match="looks are 1 to 3"):
        found.read(4, 0.0)


def test_one_look_is_the_single_test():
    for kind in ("obrien_fleming", "pocock"):
        for information in (None, [77]):
            found = review_boundaries(1, alpha=0.05, kind=kind, information=information)
            assert found.table["z"].tolist() == pytest.approx([1.959964])


@pytest.mark.parametrize("kind", ["obrien_fleming", "pocock"])
@pytest.mark.parametrize("information", [None, np.arange(1, 201)])
def test_two_hundred_looks_are_finite(kind, information):
    found = review_boundaries(200, alpha=0.05, kind=kind, information=information)
    assert np.isfinite(found.table.to_numpy()).all()
    assert found.table["spent"].iloc[-1] == pytest.approx(0.05, abs=1e-8)


def test_extreme_drift_and_rates_are_finite():
    found = review_boundaries(3, alpha=1e-6)
    assert found.power(100.0) == pytest.approx(1.0) and found.power(-100.0) == 0.0
    assert review_boundaries(3, alpha=0.9).table["spent"].iloc[-1] == pytest.approx(0.9)


@pytest.mark.parametrize("wrong, message", [
    ({"looks": 0}, "looks"), ({"looks": 501}, "1 to 500"), ({"alpha": 0.0}, "alpha"),
    ({"kind": "haybittle"}, "kind must be one of"), ({"information": [1, 1, 2]}, "increase"),
    ({"information": [1, 2]}, "do not fit"), ({"information": [1, 2, 2.0001]}, "apart"),
])  # fmt: skip
def test_misuse_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        review_boundaries(**{"looks": 3, "alpha": 0.05} | wrong)
