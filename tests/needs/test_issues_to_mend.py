"""Issues along the lines that answers tell: kinks, straight lines, what is left out."""

import numpy as np
import pandas as pd
import pytest

from crmlib.needs.breakpoints import breakpoints
from crmlib.needs.drivers import drivers
from crmlib.needs.fixes import fixes, issues_to_mend
from crmlib.stats.optimise import NotIdentified

GIVEN = {"replications": 99, "seed": 5, "level": 0.9}
TOP, WORTH = 10.0, 1000.0
COSTS = {"service": 1.0, "app": 1.0}


def truth(service, kink, beyond):
    """Points of satisfaction at a rating of service; below the kink a point brings 0.6."""
    return 0.6 * np.minimum(service, kink) + beyond * np.maximum(service - kink, 0)


def survey(kink=6.5, beyond=0.0, seed=0, n=400):
    """Service rises up to a kink, app along a straight line of 0.3; both are correlated."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    answers = {
        name: np.clip(np.round(5.5 + 1.5 * common + 1.5 * rng.normal(size=n)), 1, 10)
        for name in ("service", "app")
    }
    items = pd.DataFrame(answers)
    noise = (0.5 + items["service"] / 10) * rng.normal(size=n)
    return items, truth(items["service"], kink, beyond) + 0.3 * items["app"] + noise


def mended(items, satisfaction, costs=COSTS):
    found = drivers(items, satisfaction, **GIVEN)
    breaks = breakpoints(items, satisfaction, alpha=0.05, **GIVEN)
    return found, issues_to_mend(found, breaks, items, costs, {"app": 50.0}, TOP)


def gains(issues):
    return fixes(issues, WORTH, [WORTH], headroom=9.0, level=0.9).table.set_index("issue")


def true_rise(items, target, kink, beyond):
    """Mean of what each person gains who is raised to the target, one at a time."""
    gained = [
        truth(max(own, target), kink, beyond) - truth(own, kink, beyond) for own in items["service"]
    ]
    return sum(gained) / len(gained)


@pytest.mark.parametrize(("kink", "beyond"), [(6.5, 0.0), (7.0, 0.25), (5.5, 0.0)])
def test_gain_is_that_of_people_raised_one_by_one_along_the_true_line(kink, beyond):
    items, satisfaction = survey(kink, beyond, n=6000)
    found, issues = mended(items, satisfaction)
    service = gains(issues).loc["service"]
    assert service["target"] == pytest.approx(TOP if beyond else kink, abs=0.4)
    raised = [max(service["target"] - own, 0) for own in items["service"]]
    assert service[["points", "cost"]].tolist() == pytest.approx([np.mean(raised)] * 2)
    true = WORTH * true_rise(items, service["target"], kink, beyond)
    assert service["gain"] == pytest.approx(true, rel=0.08)
    slope = found.table.set_index("item").at["service", "slope"]
    assert abs(WORTH * slope * service["points"] / true - 1) > 0.1


def test_intervals_of_gain_hold_the_true_rise():
    held, along_the_slope = [], []
    for seed in range(60):
        items, satisfaction = survey(seed=seed, n=500)
        found, issues = mended(items, satisfaction)
        service = gains(issues).loc["service"]
        true = WORTH * true_rise(items, service["target"], 6.5, 0.0)
        held.append(service["gain_lo"] <= true <= service["gain_hi"])
        drawn = WORTH * service["points"] * found.slope_draws["service"]
        low, high = np.quantile(drawn, [0.05, 0.95])
        along_the_slope.append(low <= true <= high)
    assert 0.78 <= np.mean(held) <= 0.98, np.mean(held)
    assert np.mean(along_the_slope) < 0.6, np.mean(along_the_slope)


def test_a_straight_line_to_the_top_gains_as_if_all_stood_at_the_mean():
    items, satisfaction = survey()
    weights = pd.Series(np.random.default_rng(2).uniform(0, 3, len(items)))
    items.loc[::7, "app"] = np.nan
    found = drivers(items, satisfaction, weights=weights, **GIVEN)
    issues = issues_to_mend(found, {}, items, {"app": 10.0}, {}, TOP, weights=weights)
    app, known = gains(issues).loc["app"], items["app"].notna()
    mean = np.average(items.loc[known, "app"], weights=weights[known])
    slope = found.table.set_index("item").at["app", "slope"]
    assert app["performance"] == pytest.approx(mean)
    assert app[["points", "cost"]].tolist() == pytest.approx([TOP - mean, 10 * (TOP - mean)])
    assert app["gain"] == pytest.approx(WORTH * slope * (TOP - mean))


def test_the_table_is_that_of_drivers_where_a_line_is_straight():
    found, issues = mended(*survey())
    known, table = found.table.set_index("item"), issues.table.set_index("issue")
    assert table.loc["app", ["before", "beyond"]].tolist() == [known.at["app", "slope"]] * 2
    assert np.isnan(table.at["app", "kink"]) and table.at["app", "limit"] == TOP
    means = known.loc[table.index, "performance"].to_dict()
    assert table["performance"].to_dict() == pytest.approx(means)
    assert table["fixed_cost"].tolist() == [0.0, 50.0]
    assert (issues.draws["app"].before == found.slope_draws["app"]).all()
    assert table.at["service", "limit"] == table.at["service", "kink"]


def test_an_issue_without_a_slope_is_left_out_with_the_reason():
    items, satisfaction = survey()
    items = items.assign(twin=items["app"], same=3.0, yes=(items["service"] > 5) * 1.0)
    costs = dict.fromkeys(["app", "same", "unasked", "yes"], 1.0)
    _, issues = mended(items, satisfaction, costs)
    assert issues.table["issue"].tolist() == ["yes"]  # too few levels for a kink, yet a slope
    assert "repeated by other items" in issues.left_out["app"]
    assert "same answer" in issues.left_out["same"]
    assert "not among the drivers" in issues.left_out["unasked"]
    ranked = fixes(issues, WORTH, [WORTH], headroom=9.0, level=0.9)
    assert ranked.left_out == issues.left_out
    with pytest.raises(NotIdentified, match="same: everybody gives it the same answer"):
        mended(items, satisfaction, {"same": 1.0})
