"""The review plan: what is read on which day, and the difference that stops a pilot."""

from datetime import date

import numpy as np
import pytest

from crmlib.roi.review import review_plan
from crmlib.roi.sequential import peeking, review_boundaries
from crmlib.stats.optimise import NotIdentified

ASKED = {
    "treated": 4_000,
    "control": 1_000,
    "outcome_sd": 15.0,
    "look_days": [7, 14, 21, 28],
    "alpha": 0.05,
    "kind": "obrien_fleming",
    "guard_rails": ["complaints", "unsubscribes"],
}


def test_effect_is_read_at_the_looks_alone():
    table = review_plan(**ASKED).table
    assert table["check"].tolist() == [
        "guard rail", "guard rail", "delivery", "look", "look", "look", "last look",
    ]  # fmt: skip
    others = table[~table["reads_effect"]]
    assert others[["information", "z", "stop_above", "stop_below"]].isna().all(axis=None)
    assert (others["look"] == 0).all() and others["day"].tolist() == [1, 1, 2]
    assert others["until"].tolist() == [28, 28, 2]
    assert "complaints" in others["reads"].iloc[0]


def test_differences_that_stop_by_hand():
    looks = review_plan(**ASKED).looks
    z = review_boundaries(4, alpha=0.05).table["z"].to_numpy()
    share = np.array([0.25, 0.5, 0.75, 1.0])
    assert looks["information"].tolist() == pytest.approx(share.tolist())
    assert looks["treated"].tolist() == [1_000, 2_000, 3_000, 4_000]
    assert looks["control"].tolist() == [250, 500, 750, 1_000]
    by_hand = z * 15 * np.sqrt(1 / (4_000 * share) + 1 / (1_000 * share))
    assert looks["stop_above"].tolist() == pytest.approx(by_hand.tolist())
    assert (looks["stop_below"] == -looks["stop_above"]).all()


@pytest.mark.slow
def test_pilots_without_effect_stop_as_rarely_as_promised():
    """Customers simulated as they come in; each pilot is read by the plan's own differences."""
    plan = review_plan(**ASKED | {"treated": 400, "control": 200, "look_days": [3, 10, 28]})
    rng = np.random.default_rng(6)
    stopped = np.zeros(20_000, dtype=bool)
    treated, control = (rng.normal(0, 15, (stopped.size, n)) for n in (400, 200))
    for look in plan.looks.itertuples():
        means = [arm[:, : int(n)].mean(axis=1) for arm, n in
                 ((treated, look.treated), (control, look.control))]  # fmt: skip
        stopped |= np.abs(means[0] - means[1]) >= look.stop_above
    assert stopped.mean() == pytest.approx(0.05, abs=0.006)


def test_uneven_days_spend_by_information():
    plan = review_plan(**ASKED | {"look_days": [5, 14, 28]})
    expected = review_boundaries(3, alpha=0.05, information=[5, 14, 28]).table["z"]
    assert plan.boundaries.method == "spending"
    assert plan.looks["z"].tolist() == expected.tolist()
    given = review_plan(**ASKED | {"information": [100, 200, 300, 400]})
    assert given.boundaries.method == "classical"
    late = review_plan(**ASKED | {"information": [10, 100, 300, 500]})
    assert late.looks["information"].tolist() == [0.02, 0.2, 0.6, 1.0]


def test_dates_follow_the_start():
    plan = review_plan(**ASKED | {"start": date(2026, 2, 20)})
    dates = plan.table.set_index("check")["date"]
    assert dates["delivery"] == date(2026, 2, 22) and dates["last look"] == date(2026, 3, 20)
    assert review_plan(**ASKED).table["date"].isna().all()


def test_reading_a_look():
    plan = review_plan(**ASKED)
    first = plan.looks.iloc[0]
    error = 15 * np.sqrt(1 / 1_000 + 1 / 250)
    assert plan.read(1, first["stop_above"] + 1e-9, error) == "stop: effect"
    assert plan.read(1, first["stop_below"] - 1e-9, error) == "stop: harm"
    assert plan.read(1, first["stop_above"] - 1e-6, error) == "go on"
    assert plan.read(4, 0.1, error / 2) == "end: no effect"
    with pytest.raises(ValueError, match="standard_error"):
        plan.read(1, 0.1, 0.0)


def test_daily_reading_stands_beside():
    plan = review_plan(**ASKED)
    assert plan.daily.rate == pytest.approx(peeking(28, critical=1.959964).rate, abs=1e-6)
    assert "27% false positives" in plan.summary()


def test_one_look_on_the_first_day():
    plan = review_plan(**ASKED | {"look_days": [1], "guard_rails": []})
    assert plan.table["check"].tolist() == ["delivery", "last look"]
    assert plan.looks["z"].tolist() == pytest.approx([1.959964])
    assert plan.daily.rate == pytest.approx(0.05)


@pytest.mark.parametrize("wrong, error, message", [
    ({"control": 0}, NotIdentified, "both arms: 4000 treated, 0 control"),
    ({"outcome_sd": 0.0}, NotIdentified, "standard deviation is 0.0"),
    ({"treated": 3, "look_days": [1, 100]}, NotIdentified, "day 1 an arm has no outcome yet"),
    ({"look_days": [7, 7]}, ValueError, "increase"), ({"look_days": [0, 7]}, ValueError, "day 1"),
    ({"look_days": []}, ValueError, "at least one"), ({"look_days": [1.5]}, ValueError, "whole"),
    ({"kind": "none"}, ValueError, "kind"), ({"information": [1, 2]}, ValueError, "do not fit"),
])  # fmt: skip
def test_plans_that_cannot_be_made_are_named(wrong, error, message):
    with pytest.raises(error, match=message):
        review_plan(**ASKED | wrong)
