"""Shrinkage between segments: limits, an independent posterior, and coverage."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from crmlib.roi.shrinkage import shrink, widening
from crmlib.stats.optimise import NotIdentified

# Rubin 1981, J. Educational Statistics 6:377, table 1: coaching in eight schools
SCHOOLS = pd.DataFrame(
    {"estimate": [28.0, 8, -3, 7, -1, 1, 18, 12], "se": [15.0, 10, 16, 11, 9, 11, 10, 18]},
    index=list("ABCDEFGH"),
)


def by_importance(effects, prior_mean, prior_sd, tau_scale, n=400_000):
    """Posterior means and spreads of segments by weighing draws from the prior."""
    rng = np.random.default_rng(1)
    tau = np.abs(rng.normal(0, tau_scale, n))
    mu = rng.normal(prior_mean, prior_sd, n)
    y, se = effects["estimate"].to_numpy(), effects["se"].to_numpy()
    theta = mu[:, None] + tau[:, None] * rng.standard_normal((n, len(y)))
    height = stats.norm.logpdf(y, theta, se).sum(axis=1)
    weight = np.exp(height - height.max())
    mean = np.average(theta, axis=0, weights=weight)
    sd = np.sqrt(np.average((theta - mean) ** 2, axis=0, weights=weight))
    return mean, sd


def test_eight_schools_against_draws_from_the_prior():
    found = shrink(SCHOOLS, prior_mean=5.0, prior_sd=10.0, tau_scale=10.0)
    mean, sd = by_importance(SCHOOLS, 5.0, 10.0, 10.0)
    assert found.table["mean"].to_numpy() == pytest.approx(mean, abs=0.25)
    assert found.table["sd"].to_numpy() == pytest.approx(sd, abs=0.25)


def test_spread_and_common_effect_by_quadrature():
    """Three segments, far from the prior: the double integral over τ and μ."""
    y, se = np.array([4.0, 6.0, 1.0]), np.array([1.0, 0.5, 1.5])

    def height(mu, tau):  # without what cancels
        variance = tau**2 + se**2
        like = math.exp(-0.5 * ((y - mu) ** 2 / variance).sum()) / math.sqrt(variance.prod())
        return like * math.exp(-0.5 * (mu / 1.5) ** 2 - 0.5 * (tau / 2.0) ** 2)

    bounds = (0, 10, -8, 12)  # of τ, and of μ
    total = integrate.dblquad(height, *bounds)[0]
    tau = integrate.dblquad(lambda m, t: t * height(m, t), *bounds)[0] / total
    mu = integrate.dblquad(lambda m, t: m * height(m, t), *bounds)[0] / total
    table = pd.DataFrame({"estimate": y, "se": se})
    found = shrink(table, prior_mean=0.0, prior_sd=1.5, tau_scale=2.0)
    assert found.spread["tau"] @ found.spread["probability"] == pytest.approx(tau, rel=1e-4)
    assert found.overall["mean"] == pytest.approx(mu, rel=1e-4)


@pytest.mark.parametrize(
    ("estimates", "se", "scale"),
    [([1.0, 1.0, 1.0, 1.0], 1e-3, 0.5), ([-50.0, 50.0] * 4, 1.0, 1.0), ([3.0], 1e3, 1e-3)],
)
def test_extreme_trials_against_a_fine_grid(estimates, se, scale):
    """Segments alike to a hair, far beyond the prior, and one that tells nothing."""
    y = np.array(estimates)
    tau = np.geomspace(1e-9, 1e3, 20_001)
    variance = tau[:, None] ** 2 + se**2
    cover = np.linalg.slogdet  # the plain normal density with μ ~ N(0, 1) added to each pair
    height = np.empty(tau.size)
    ones = np.ones((y.size, y.size))
    for at in range(0, tau.size, 5_000):
        part = variance[at : at + 5_000, :, None] * np.eye(y.size) + ones
        solved = np.linalg.solve(part, np.broadcast_to(y[:, None], (*part.shape[:2], 1)))[..., 0]
        height[at : at + 5_000] = -0.5 * (cover(part)[1] + solved @ y)
    height += np.log(tau) - 0.5 * (tau / scale) ** 2
    weight = np.exp(height - height.max())
    weight /= weight.sum()
    own = weight @ (tau**2 / (tau**2 + se**2))
    table = pd.DataFrame({"estimate": y, "se": se})
    found = shrink(table, prior_mean=0.0, prior_sd=1.0, tau_scale=scale)
    assert found.spread["tau"] @ found.spread["probability"] == pytest.approx(
        weight @ tau, rel=0.01
    )
    assert found.table["own"].iloc[0] == pytest.approx(own, rel=0.01, abs=1e-9)


def test_given_the_spread_the_weight_is_tau_squared_over_tau_squared_plus_se_squared():
    """A prior that fixes τ next to 3 and μ at 1: the textbook's formula."""
    one = pd.DataFrame({"estimate": [5.0], "se": [2.0]}, index=["s"])
    found = shrink(one, prior_mean=1.0, prior_sd=1e-6, tau_scale=3.0)
    tau = found.spread["tau"].to_numpy()
    weight = tau**2 / (tau**2 + 4)
    expected = found.spread["probability"].to_numpy() @ (weight * 5 + (1 - weight) * 1)
    assert found.table.loc["s", "mean"] == pytest.approx(expected, rel=1e-6)
    alike = shrink(one, prior_mean=1.0, prior_sd=3.0, tau_scale=0.0)
    assert alike.table.loc["s", "mean"] == pytest.approx((9 * 5 + 4 * 1) / 13)


def test_no_trial_leaves_the_prior():
    found = shrink(SCHOOLS.iloc[:0], prior_mean=0.03, prior_sd=0.02, tau_scale=0.01)
    assert found.overall["mean"] == pytest.approx(0.03)
    assert found.overall["sd"] == pytest.approx(np.hypot(0.02, 0.01), rel=1e-3)
    wider = shrink(SCHOOLS.iloc[:0], prior_mean=0.03, prior_sd=0.02, tau_scale=0.0, widening=2.0)
    assert wider.overall["sd"] == pytest.approx(0.04)
    assert wider.overall["p95"] == pytest.approx(0.03 + 1.6449 * 0.04, rel=1e-4)


def test_precise_trials_are_left_alone_and_noisy_ones_are_not_believed():
    table = pd.DataFrame({"estimate": [9.0, -4.0, 5.0], "se": [1e-4, 1e-4, 1e4]}, list("abc"))
    found = shrink(table, prior_mean=0.0, prior_sd=5.0, tau_scale=5.0).table
    assert found.loc[["a", "b"], "mean"].tolist() == pytest.approx([9.0, -4.0], abs=1e-3)
    assert found.loc["c", "own"] < 1e-3 and abs(found.loc["c", "mean"]) < 5


def test_draws_have_the_posterior_and_move_together():
    found = shrink(SCHOOLS, prior_mean=5.0, prior_sd=10.0, tau_scale=5.0)
    drawn = found.draws(60_000, ["A", "B", "new"], np.random.default_rng(2))
    assert drawn.mean()["A"] == pytest.approx(found.table.loc["A", "mean"], abs=0.1)
    assert drawn.std()["B"] == pytest.approx(found.table.loc["B", "sd"], rel=0.02)
    assert drawn.std()["new"] == pytest.approx(found.overall["sd"], rel=0.02)
    assert drawn.mean()["new"] == pytest.approx(found.overall["mean"], abs=0.1)
    assert drawn.quantile(0.95)["A"] == pytest.approx(found.table.loc["A", "p95"], abs=0.25)
    assert drawn.corr().loc["A", "new"] > 0.2


def rates(segments, simulations, rng):
    """How often 90 % intervals hold the truth: these, and those of DerSimonian & Laird."""
    held = {"integrated": [], "plug-in": []}
    z = stats.norm.ppf(0.95)
    for _ in range(simulations):
        tau, mu = abs(rng.normal(0, 0.5)), rng.normal(0, 1)
        truth = rng.normal(mu, tau, segments)
        se = rng.uniform(0.3, 1.0, segments)
        y = rng.normal(truth, se)
        table = pd.DataFrame({"estimate": y, "se": se})
        found = shrink(table, prior_mean=0.0, prior_sd=1.0, tau_scale=0.5).table
        held["integrated"].append((found["p5"] <= truth) & (truth <= found["p95"]))
        if segments == 1:
            continue
        w = 1 / se**2
        q = (w * (y - np.average(y, weights=w)) ** 2).sum()
        least = max(0, (q - segments + 1) / (w.sum() - (w**2).sum() / w.sum()))
        common = np.average(y, weights=1 / (least + se**2))
        own = least / (least + se**2)
        away = np.abs(own * y + (1 - own) * common - truth)
        held["plug-in"].append(away <= z * np.sqrt(own) * se)
    return {name: float(np.mean(hits)) for name, hits in held.items() if hits}


@pytest.mark.slow
@pytest.mark.parametrize(("segments", "trials"), [(1, 2000), (4, 1000), (12, 500)])
def test_intervals_cover_where_a_plug_in_does_not(segments, trials):
    found = rates(segments, trials, np.random.default_rng([4, segments]))
    assert 0.88 <= found["integrated"] <= 0.92
    if segments > 1:
        assert found["plug-in"] < 0.86


def test_the_best_of_noisy_segments_is_not_what_it_seems():
    """Of equal effects the largest estimate is luck: the winner's curse."""
    rng = np.random.default_rng(5)
    seemed, thought = [], []
    for _ in range(200):
        y = rng.normal(1.0, 1.0, 8)
        table = pd.DataFrame({"estimate": y, "se": 1.0})
        found = shrink(table, prior_mean=1.0, prior_sd=1.0, tau_scale=0.3).table["mean"]
        seemed.append(y.max() - 1)
        thought.append(found.max() - 1)
    assert np.mean(thought) < np.mean(seemed) / 3


def test_units_may_be_rescaled():
    one = shrink(SCHOOLS, prior_mean=5.0, prior_sd=10.0, tau_scale=5.0).table
    other = shrink(SCHOOLS / 1000, prior_mean=0.005, prior_sd=0.01, tau_scale=0.005).table
    assert (other["p5"] * 1000).to_numpy() == pytest.approx(one["p5"].to_numpy(), rel=1e-6)


def test_what_is_no_trial_is_refused_by_its_segment():
    for wrong in ({"se": 0.0}, {"estimate": np.nan}):
        table = SCHOOLS.copy()
        table.loc["C", list(wrong)] = list(wrong.values())
        with pytest.raises(NotIdentified, match="the trial in 'C' has no estimate with"):
            shrink(table, prior_mean=0.0, prior_sd=1.0, tau_scale=1.0)
    with pytest.raises(ValueError, match="stands twice"):
        shrink(pd.concat([SCHOOLS, SCHOOLS]), prior_mean=0.0, prior_sd=1.0, tau_scale=1.0)
    with pytest.raises(ValueError, match="factor of grade B must be 1 or more"):
        widening("B", {"B": 0.5})
    with pytest.raises(ValueError, match="prior_sd"):
        shrink(SCHOOLS, prior_mean=0.0, prior_sd=0.0, tau_scale=1.0)


def test_grades_are_named():
    assert widening("B", {"B": 1.5}) == 1.5 and widening("A", {"B": 1.5}) == 1.0
    with pytest.raises(NotIdentified, match=r"no grade 'F'; known are A \(own trial\)"):
        widening("F", {})
