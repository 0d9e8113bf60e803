"""Kaplan–Meier: by hand, against a naive loop, and with delayed entry against simulation."""

import numpy as np
import pytest
from scipy import stats

from crmlib.stats.optimise import NotIdentified
from crmlib.value.survival import kaplan_meier, kaplan_meier_by_group

# Remission in weeks under 6-MP, Freireich et al. (1963), the standard example:
# Klein & Moeschberger (2003), section 1.2, and their Kaplan–Meier estimates in table 4.1A
REMISSION = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def naive(age, ended, entry):
    """Survival and Greenwood's sum at each age of an end, one age at a time."""
    survival, greenwood, rows = 1.0, 0.0, []
    for t in sorted({a for a, e in zip(age, ended, strict=True) if e}):
        at_risk = sum(b < t <= a for a, b in zip(age, entry, strict=True))
        lost = sum(bool(e) and a == t for a, e in zip(age, ended, strict=True))
        survival *= 1 - lost / at_risk
        greenwood += lost / (at_risk * (at_risk - lost)) if at_risk > lost else np.inf
        rows.append((t, at_risk, lost, survival, np.sqrt(greenwood)))
    return np.array(rows).T


def test_textbook_values():
    curve = kaplan_meier(REMISSION, RELAPSED, level=0.95)
    assert list(curve.table.index) == [6, 7, 10, 13, 16, 22, 23]
    assert curve.table["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    printed = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.table["survival"].to_numpy() == pytest.approx(printed, abs=6e-4)
    assert (curve.median.value, curve.median.lo, curve.median.hi) == (23, 13, None)
    assert (curve.contracts, curve.events) == (21, 9)


def test_by_hand():
    """Ages 1, 2+, 3, 3, 4+: 4/5, then two of three end: 4/15."""
    curve = kaplan_meier([1, 2, 3, 3, 4], [1, 0, 1, 1, 0], level=0.9)
    assert curve.table["survival"].tolist() == pytest.approx([4 / 5, 4 / 15])
    assert curve.at([0, 0.9, 1, 2.5, 3, 4])["survival"].tolist() == pytest.approx(
        [1, 1, 4 / 5, 4 / 5, 4 / 15, 4 / 15]
    )


@pytest.mark.parametrize("seed", range(5))
def test_equals_a_naive_loop_with_delayed_entry(seed):
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 6, 150) * (rng.random(150) < 0.6)
    age = entry + rng.integers(1, 12, 150)
    ended = rng.random(150) < 0.5
    curve = kaplan_meier(age, ended, entry, level=0.9)
    t, at_risk, lost, survival, error = naive(age, ended, entry)
    shown = len(curve.table)
    assert curve.table.index.to_numpy() == pytest.approx(t[:shown])
    assert curve.table["at_risk"].to_numpy() == pytest.approx(at_risk[:shown])
    assert curve.table["ended"].to_numpy() == pytest.approx(lost[:shown])
    assert curve.table["survival"].to_numpy() == pytest.approx(survival[:shown])
    # log(−log S) ± z σ/|log S|, Klein & Moeschberger eq. 4.3.2
    inner = (survival[:shown] < 1) & (survival[:shown] > 0)
    z = stats.norm.ppf(0.95)
    cloglog = np.log(-np.log(survival[:shown][inner]))
    spread = z * error[:shown][inner] / -np.log(survival[:shown][inner])
    upper, lower = np.exp(-np.exp(cloglog - spread)), np.exp(-np.exp(cloglog + spread))
    assert curve.table["upper"].to_numpy()[inner] == pytest.approx(upper)
    assert curve.table["lower"].to_numpy()[inner] == pytest.approx(lower)


def window(seed, count=30_000):
    """Weibull lifetimes, begun evenly over 20 years; the export shows the last three."""
    rng = np.random.default_rng(seed)
    began = rng.uniform(0, 20, count)
    lifetime = 6.0 * rng.weibull(0.8, count)
    entry = np.maximum(17 - began, 0)
    seen = lifetime > entry
    return np.minimum(lifetime, 20 - began)[seen], (lifetime <= 20 - began)[seen], entry[seen]


def test_delayed_entry_recovers_survival_where_the_naive_curve_fails():
    age, ended, entry = window(seed=1)
    ages = np.array([1.0, 3.0, 6.0, 10.0, 15.0])
    truth = np.exp(-((ages / 6.0) ** 0.8))
    right = kaplan_meier(age, ended, entry, level=0.9).at(ages)["survival"].to_numpy()
    wrong = kaplan_meier(age, ended, level=0.9).at(ages)["survival"].to_numpy()
    assert right == pytest.approx(truth, abs=0.015)
    assert (wrong > truth + 0.1).all()


@pytest.mark.slow
def test_coverage_with_delayed_entry():
    """400 windows, pointwise 90 % intervals at three ages.

    Monte-Carlo error at 400 is 1.5 points: nominal coverage lies within 85.5 and 94.5 %
    with 3 such errors.
    """
    ages = np.array([1.0, 4.0, 10.0])
    truth = np.exp(-((ages / 6.0) ** 0.8))
    held = np.zeros(3)
    for seed in range(400):
        curve = kaplan_meier(*window(100 + seed, 3_000), level=0.9).at(ages)
        held += (curve["lower"].to_numpy() <= truth) & (truth <= curve["upper"].to_numpy())
    assert ((held / 400 >= 0.855) & (held / 400 <= 0.945)).all()


def test_origin_conditions_on_having_come_so_far():
    age, ended, entry = window(seed=2)
    whole, late = (kaplan_meier(age, ended, entry, level=0.9, origin=o) for o in (0.0, 4.0))
    at_ten = whole.at([4.0, 10.0])["survival"].to_numpy()
    assert late.at(4.0)["survival"].iloc[0] == 1
    assert late.at(10.0)["survival"].iloc[0] == pytest.approx(at_ten[1] / at_ten[0])
    with pytest.raises(NotIdentified, match="from age 4 to"):
        late.at(3.0)


def test_a_curve_stops_where_those_at_risk_run_out():
    """One old contract ends alone while another of them is seen later: not survival 0."""
    age = [1, 2, 3, 4, 5, 5, 50, 70]
    ended = [1, 1, 1, 1, 1, 0, 1, 0]
    entry = [0, 0, 0, 0, 0, 0, 40, 60]
    curve = kaplan_meier(age, ended, entry, level=0.9)
    assert curve.until == 50
    assert curve.table["survival"].iloc[-1] > 0
    assert "stops at age 50" in curve.notes[0]


def test_a_curve_that_would_break_off_at_once_is_refused_with_advice():
    """The first one at risk ends alone at age 1, all others come under observation at 5."""
    age, ended, entry = [1, 6, 7, 8, 9], [1, 1, 1, 0, 0], [0, 5, 5, 5, 5]
    with pytest.raises(NotIdentified, match="start the curve at an age where more are at risk"):
        kaplan_meier(age, ended, entry, level=0.9)
    later = kaplan_meier(age, ended, entry, level=0.9, origin=5.0)
    assert later.table["survival"].tolist() == pytest.approx([3 / 4, 2 / 4])


def test_everyone_ends():
    curve = kaplan_meier([1, 2, 3], [1, 1, 1], level=0.9)
    assert curve.table["survival"].iloc[-1] == 0
    assert np.isfinite(curve.table).all(axis=None)
    assert curve.table["upper"].iloc[-1] == curve.table["upper"].iloc[-2]
    # everybody at one age: nothing is known of the bounds but 0 and 1
    at_once = kaplan_meier([2, 2, 2], [1, 1, 1], level=0.9).table
    assert (at_once["lower"].iloc[0], at_once["upper"].iloc[0]) == (0, 1)


def test_log_rank_textbook_value():
    """6-MP against placebo: χ² = 16.79 (Klein & Moeschberger; as computed by R's survdiff)."""
    age, ended = REMISSION + PLACEBO, RELAPSED + [1] * 21
    groups = kaplan_meier_by_group(age, ended, ["6-MP"] * 21 + ["placebo"] * 21, level=0.95)
    assert groups.chi2 == pytest.approx(16.79, abs=0.005)
    assert groups.df == 1
    assert groups.p_value == pytest.approx(stats.chi2.sf(16.793, 1), rel=1e-3)
    assert groups.curves["placebo"].median.value == 8


def test_log_rank_equals_a_naive_loop_with_delayed_entry():
    rng = np.random.default_rng(4)
    entry = rng.integers(0, 5, 300).astype(float)
    age, ended = entry + rng.integers(1, 9, 300), rng.random(300) < 0.6
    group = rng.choice(["a", "b", "c"], 300)
    names = ["b", "c"]
    gap, variance = np.zeros(2), np.zeros((2, 2))
    for t in np.unique(age[ended]):
        risk = (entry < t) & (t <= age)
        n, d = risk.sum(), (ended & (age == t)).sum()
        share = np.array([(risk & (group == g)).sum() / n for g in names])
        gap += [(ended & (age == t) & (group == g)).sum() for g in names] - d * share
        if n > 1:
            spread = d * (n - d) / (n - 1)
            variance += spread * (np.diag(share) - np.outer(share, share))
    found = kaplan_meier_by_group(age, ended, group, entry, level=0.9)
    assert found.chi2 == pytest.approx(gap @ np.linalg.solve(variance, gap), rel=1e-8)
    assert found.df == 2


def test_a_group_without_ends_is_left_out_by_name():
    age, ended = [1, 2, 3, 1, 2, 4, 9, 9], [1, 1, 0, 1, 0, 1, 0, 0]
    groups = kaplan_meier_by_group(age, ended, [*"aaabbb", *"cc"], level=0.9)
    assert list(groups.curves) == ["a", "b"]
    assert "no contract ended" in groups.left_out["c"]
    with pytest.raises(NotIdentified, match="fewer than two groups"):
        kaplan_meier_by_group(age[:3], ended[:3], ["a"] * 3, level=0.9)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1, -2], [1, 0]), "age must not be negative: found -2 at position 1"),
        (([1, 2], [1, 3]), "ended must be yes or no"),
        (([1, 2], [1, 0], [0, 3]), "entry must not exceed age: found 3 at 1"),
        (([1, 2], [1]), "ended has 1 values where 2 were expected"),
    ],
)
def test_impossible_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        kaplan_meier(*arguments, level=0.9)


def test_nobody_ended():
    with pytest.raises(NotIdentified, match="no contract ended after age 0"):
        kaplan_meier([1, 2], [0, 0], level=0.9)
    with pytest.raises(NotIdentified, match="no contract was at risk after age 5"):
        kaplan_meier([1, 2], [1, 1], level=0.9, origin=5.0)
