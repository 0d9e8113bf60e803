"""What to fix first: by hand, capped by the scale, with intervals; and the worth of a point."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmlib.needs.fixes import IssuesToMend, fixes
from crmlib.needs.kinked_line import KinkedLine
from crmlib.needs.raised_answers import AnswerShares
from crmlib.needs.value_of_satisfaction import value_of_satisfaction
from crmlib.stats.optimise import NotIdentified

ISSUES = pd.DataFrame(
    {
        "issue": ["fees", "branch", "app", "phone"],
        "performance": [6.0, 5.0, 7.0, 8.0],
        "kink": np.nan,
        "before": [0.5, 0.1, 0.2, 0.4],
        "beyond": [0.5, 0.1, 0.2, 0.4],
        "limit": [8.0, 9.0, 9.0, 7.5],
        "cost_per_point": [200.0, 100.0, 50.0, 10.0],
        "fixed_cost": 0.0,
    }
)


def alike(issues):
    """Everybody stands at the mean."""
    means = issues.set_index("issue")["performance"]
    return {name: AnswerShares(np.array([mean]), np.ones(1)) for name, mean in means.items()}


def straight(n=400, sd=0.05, seed=0, **change):
    """The issues along straight lines, whose slopes err by `sd`."""
    issues = ISSUES.assign(**change)
    noise = np.random.default_rng(seed).normal(0, sd, (n, len(issues)))
    slopes = (issues["before"].to_numpy() + noise).T
    lines = {
        name: KinkedLine.straight(each) for name, each in zip(ISSUES["issue"], slopes, strict=True)
    }
    return IssuesToMend(issues, lines, alike(issues), {})


def kinked(at, before, beyond, n=3, **change):
    """Fees alone, along a line with a kink that is known."""
    issues = ISSUES.iloc[:1].assign(kink=at, before=before, beyond=beyond, **change)
    line = KinkedLine(*(np.full(n, part) for part in (at, before, beyond)))
    return IssuesToMend(issues, {"fees": line}, alike(issues), {})


def ranked(issues, headroom=9.0):
    return fixes(issues, 1000.0, [1000.0], headroom=headroom, level=0.9).table.set_index("issue")


def test_ranked_by_net_value_per_cost_as_by_hand():
    found = fixes(straight(), 1000.0, [1000.0], headroom=9.0, level=0.9)
    table = found.table.set_index("issue")
    # app: 0.2·2·1000 = 400 for 100; fees: 0.5·2·1000 = 1000 for 400; branch: 400 for 400
    assert table.index.tolist() == ["app", "fees", "branch", "phone"]
    assert table["net"].tolist() == pytest.approx([300, 600, 0, 0])
    assert table["net_per_cost"].tolist()[:3] == pytest.approx([3, 1.5, 0])
    assert table["fix"].tolist() == [True, True, False, False]
    assert table["cumulative_net"].tolist()[:2] == pytest.approx([300, 900])
    assert (table.loc["phone", ["points", "cost", "gain"]] == 0).all()  # above its limit
    assert (found.stop, found.grade) == (2, "C")
    # noise of .05 on a slope is 100 on the gain of two points
    assert table.loc["fees", "net_lo"] == pytest.approx(600 - 164, abs=20)
    assert table.loc["fees", "net_hi"] == pytest.approx(600 + 164, abs=20)
    assert table.loc["branch", "chance_pays"] == pytest.approx(0.5, abs=0.08)


def test_gains_end_where_the_scale_ends():
    table = ranked(straight(), headroom=0.9)
    assert table["lift"].tolist() == pytest.approx([0.4, 0.5, 0, 0])
    assert table.loc["fees", ["points", "cost", "gain"]].tolist() == pytest.approx([1, 200, 500])
    assert table.loc["branch", ["points", "cost", "gain"]].tolist() == [0, 0, 0]
    assert np.isnan(table.loc["branch", "target"])  # no room: nobody is raised
    assert table.loc["fees", ["gain_lo", "gain_hi"]].mean() == pytest.approx(500, abs=15)


def test_a_line_with_a_kink_gains_at_its_own_slope_on_either_side():
    weaker = ranked(kinked(7.0, 0.9, 0.3, limit=9.0)).loc["fees"]
    assert weaker[["points", "gain", "cost"]].tolist() == pytest.approx([3, 1500, 600])
    assert weaker[["gain_lo", "gain_hi"]].tolist() == pytest.approx([1500, 1500])
    flat = ranked(kinked(7.0, 0.9, 0.0, limit=7.0)).loc["fees"]
    assert flat[["target", "gain", "cost"]].tolist() == pytest.approx([7, 900, 200])
    stronger = ranked(kinked(7.0, 0.1, 0.8, limit=9.0)).loc["fees"]
    assert stronger[["points", "gain"]].tolist() == pytest.approx([3, 100 + 1600])


def test_raising_ends_at_a_kink_beyond_which_a_point_costs_more_than_it_brings():
    table = ranked(kinked(7.0, 0.9, 0.15, limit=9.0))  # 150 for 200 a point
    assert table.loc["fees", ["target", "gain", "cost"]].tolist() == pytest.approx([7, 900, 200])
    above = ranked(kinked(5.0, 0.9, 0.15, limit=9.0)).loc["fees"]  # the kink lies behind
    assert above[["target", "net"]].tolist() == pytest.approx([9, 450 - 600])
    assert not above["fix"]


@pytest.mark.parametrize(
    ("line", "points"),
    [
        ((7.0, 0.9, 0.3), 2.0),  # 0.9 up to the kink, 0.3 of 0.6 beyond
        ((7.0, 1.5, 0.3), 0.8),  # the scale ends before the kink
        ((7.0, 0.2, 2.0), 1.5),
        ((7.0, -0.8, 4.0), 1.5),  # falls at first
    ],
)
def test_the_end_of_the_scale_is_reached_along_the_kinked_line(line, points):
    found = ranked(kinked(*line, limit=9.0), headroom=1.2).loc["fees"]
    assert found[["points", "lift"]].tolist() == pytest.approx([points, 1.2])
    assert found["cost"] == pytest.approx(200 * points)


def test_a_fixed_cost_and_a_free_fix_count():
    issues = straight(fixed_cost=[0, 0, 500, 0], cost_per_point=[0.0, 100.0, 50.0, 10.0])
    table = ranked(issues)
    assert table.index[0] == "fees"
    assert np.isnan(table["net_per_cost"].iloc[0])
    assert table.loc["app", "net"] == pytest.approx(400 - 600)


def test_a_driver_that_lowers_satisfaction_is_never_fixed():
    slopes = [-0.5, 0.1, 0.2, 0.4]
    assert not ranked(straight(before=slopes, beyond=slopes)).loc["fees", "fix"]


@pytest.mark.parametrize(
    ("issues", "reason"),
    [
        (ISSUES.drop(columns="limit"), "lack the columns limit"),
        (ISSUES.assign(issue=["fees", "branch", "app", "x"]), "x has none"),
        (ISSUES.assign(cost_per_point=-1.0), "costs 0 or more"),
        (ISSUES.assign(before=np.nan), "must be numbers"),
    ],
)
def test_bad_issues_are_refused(issues, reason):
    with pytest.raises(ValueError, match=reason):
        IssuesToMend(issues, straight().draws, alike(ISSUES), {})


def people(n=500, seed=0, slope=0.5):
    rng = np.random.default_rng(seed)
    satisfaction = pd.Series(rng.integers(1, 11, n).astype(float))
    value = pd.Series(rng.gamma(2, 100, n))
    chance = 1 / (1 + np.exp(-slope * (satisfaction - 5)))
    kept = pd.Series((rng.random(n) < chance).astype(float))
    return satisfaction, kept, value, pd.Series(rng.uniform(0.5, 2, n))


def worth(people, **change):
    satisfaction, kept, value, weights = people
    given = {"population": 10_000, "scale_top": 10, "replications": 100, "seed": 1, "level": 0.9}
    return value_of_satisfaction(satisfaction, kept, value, weights=weights, **{**given, **change})


def test_worth_of_a_point_is_the_marginal_effect_of_a_logit():
    satisfaction, kept, value, weights = people()
    kept = kept * 0.7 + 0.1  # shares of spend
    fit = sm.GLM(
        kept, sm.add_constant(satisfaction), family=sm.families.Binomial(), var_weights=weights
    ).fit()
    chance = fit.predict()
    margin = np.average(value * fit.params.iloc[1] * chance * (1 - chance), weights=weights)
    found = worth((satisfaction, kept, value, weights))
    assert found.log_odds.value == pytest.approx(fit.params.iloc[1], rel=1e-8)
    assert found.per_point.value == pytest.approx(10_000 * margin, rel=1e-8)
    assert found.headroom == pytest.approx(10 - np.average(satisfaction, weights=weights))
    moved = [chance_at(fit, satisfaction + step) for step in (0.001, -0.001)]
    numeric = np.average(value * (moved[0] - moved[1]) / 0.002, weights=weights)
    assert found.per_point.value == pytest.approx(10_000 * numeric, rel=1e-4)


def chance_at(fit, satisfaction):
    return fit.predict(sm.add_constant(satisfaction))


def test_interval_of_the_worth_holds_the_truth():
    satisfaction = np.arange(1, 11)
    chance = 1 / (1 + np.exp(-0.5 * (satisfaction - 5)))
    truth = 10_000 * 200 * 0.5 * np.mean(chance * (1 - chance))
    found = [worth(people(400, seed)).per_point for seed in range(100)]
    assert 82 <= sum(truth in each for each in found) <= 97


def test_worth_is_refused_where_nobody_goes_or_satisfaction_decides_all():
    satisfaction, kept, value, weights = people()
    with pytest.raises(NotIdentified, match="too few keep"):
        worth((satisfaction, kept * 0 + 1, value, weights))
    with pytest.raises(NotIdentified, match="perfectly"):
        worth((satisfaction, (satisfaction > 5).astype(float), value, weights))
    with pytest.raises(NotIdentified, match="does not vary"):
        worth((satisfaction * 0, kept, value, weights))
