"""Effects from rows of pilots, per assigned and per adopter."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.roi.pilots import effects_of_pilots, per_adopter
from crmlib.stats.optimise import NotIdentified


def arm(arm="treated", **changes):
    return {
        "initiative": "call", "segment": "high", "arm": arm, "n": 200, "mean": 0.9, "sd": 0.3,
        "outcome": "stayed", "window_days": 90, "estimand": "assigned", "look": 1,
    } | changes  # fmt: skip


def test_an_effect_is_welch_from_summaries():
    rows = pd.DataFrame([arm(), arm("control", n=150, mean=0.85, sd=0.36)])
    found = effects_of_pilots(rows).table.iloc[0]
    other = stats.ttest_ind_from_stats(0.9, 0.3, 200, 0.85, 0.36, 150, equal_var=False)
    assert found["estimate"] / found["se"] == pytest.approx(other.statistic)
    assert found["df"] == pytest.approx(
        (0.09 / 200 + 0.1296 / 150) ** 2 / ((0.09 / 200) ** 2 / 199 + (0.1296 / 150) ** 2 / 149)
    )
    assert (found["n_treated"], found["n_control"]) == (200, 150)


def test_the_last_look_counts_and_all_are_kept():
    rows = pd.DataFrame(
        [arm(a, look=k, mean=0.8 + 0.01 * k * (a == "treated")) for k in (3, 1, 2)
         for a in ("treated", "control")]
    )  # fmt: skip
    found = effects_of_pilots(rows)
    assert found.table["look"].tolist() == [3]
    assert found.table["estimate"].tolist() == pytest.approx([0.03])
    assert found.looks["look"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ([], "there are 0 rows of the arm control, one is needed"),
        ([arm("control"), arm("control")], "there are 2 rows of the arm control"),
        ([arm("placebo")], "an arm is called 'placebo'"),
        ([arm("control", n=1)], "fewer than 2 customers"),
        ([arm("control", sd=np.nan)], "n, mean or sd is missing"),
        ([arm("control", sd=-0.1)], "below 0"),
    ],
)
def test_rows_that_make_no_effect_are_told_one_by_one(other, says):
    good = [arm(segment="low"), arm("control", segment="low")]
    found = effects_of_pilots(pd.DataFrame([arm(), *other, *good]))
    assert found.table["segment"].tolist() == ["low"]
    assert found.left_out["segment"].tolist() == ["high"]
    assert says in found.left_out["reason"].iloc[0]
    with pytest.raises(NotIdentified, match="the pilots make no effect"):
        effects_of_pilots(pd.DataFrame([arm(), *other]))


def test_an_outcome_that_never_varies_is_left_out():
    rows = pd.DataFrame([arm(sd=0.0), arm("control", sd=0.0)])
    with pytest.raises(NotIdentified, match="never varies"):
        effects_of_pilots(rows)


def test_take_up_is_counted_once():
    """Only adopters change: what is found per adopter is what was put into them."""
    rng = np.random.default_rng(1)
    estimates = []
    for _ in range(300):
        adopts = rng.random(500) < 0.4
        treated, control = rng.normal(2.0 * adopts, 1.0), rng.normal(0.0, 1.0, 500)
        rows = pd.DataFrame(
            [arm(n=500, mean=treated.mean(), sd=treated.std(ddof=1)),
             arm("control", n=500, mean=control.mean(), sd=control.std(ddof=1))]
        )  # fmt: skip
        elsewhere = rng.binomial(500, 0.4) / 500
        found = per_adopter(effects_of_pilots(rows).table, elsewhere, 500).iloc[0]
        estimates.append((found["estimate"], found["se"]))
    estimate, se = np.array(estimates).T
    assert estimate.mean() == pytest.approx(2.0, abs=0.03)
    assert estimate.std() == pytest.approx(se.mean(), rel=0.25)


def test_an_effect_per_adopter_stays_as_it_is():
    table = pd.DataFrame({"estimand": ["adopter", "assigned"], "estimate": 0.1, "se": 0.02})
    found = per_adopter(table, 0.5)
    assert found["estimate"].tolist() == [0.1, 0.2] and found["se"].tolist() == [0.02, 0.04]
    assert found["estimand"].tolist() == ["adopter", "adopter"]
    assert per_adopter(table.iloc[:1], 0.0)["estimate"].tolist() == [0.1]


def test_nobody_adopts():
    table = pd.DataFrame({"estimand": ["assigned"], "estimate": [0.1], "se": [0.02]})
    with pytest.raises(NotIdentified, match="nobody takes it up"):
        per_adopter(table, 0.0)


def test_looks_are_numbers_and_a_broken_last_one_is_told():
    rows = [arm(a, look=k) for k in ("2", "10") for a in ("treated", "control")]
    found = effects_of_pilots(pd.DataFrame(rows))
    assert found.table[["look", "is_last"]].values.tolist() == [[10, True]]
    broken = effects_of_pilots(pd.DataFrame([*rows[:3]]))
    assert broken.table[["look", "is_last"]].values.tolist() == [[2, False]]
    assert broken.left_out["look"].tolist() == [10]
    with pytest.raises(NotIdentified, match="look numbers the looks at a pilot, found 'last'"):
        effects_of_pilots(pd.DataFrame([arm(look="last")]))
