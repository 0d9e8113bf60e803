"""Roadmaps against the best of all that there are, and by hand."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.roi.frontier import frontier, rule_prices, shadow_values
from crmlib.roi.nearby import nearby
from crmlib.roi.not_started import NOT_SEARCHED, not_started
from crmlib.roi.programme import constraints, values_by
from crmlib.roi.risk_averse import Unfinished, Work, best, cvar
from crmlib.roi.roadmap import roadmap
from crmlib.stats.optimise import NotIdentified
from tests.roi.small_programmes import best_of_all, objective, random_case


def solved(case, **changes):
    tables = (case.initiatives, case.assets, case.requires, case.budgets, case.values)
    return roadmap(*tables, **case.settings | changes)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(36))
def test_nothing_is_better(seed):
    case = random_case(seed)
    found = solved(case)
    assert found.objective == pytest.approx(best_of_all(case), abs=1e-9)
    assert objective(found.draws, case.settings) == pytest.approx(found.objective, abs=1e-9)
    assert (found.spend["cumulative"] <= found.spend["cap"] + 1e-6).all()


def by_hand(**changes):
    """A brings 40 at once, B 50 once asset k (20, a wave) is built, C 30 instead of A."""
    tables = {
        "initiatives": pd.DataFrame({
            "id": ["A", "B", "C"], "lever": ["grow", "retain", "grow"],
            "fixed_cost": [10.0, 10.0, 5.0], "exclusive_group": ["x", None, "x"],
        }),
        "assets": pd.DataFrame({
            "id": ["k"], "build_cost": [20.0], "run_cost": [1.0], "lead_waves": [1],
            "owned": [False],
        }),
        "requires": pd.DataFrame({"initiative": ["B"], "asset": ["k"]}),
        "budgets": pd.DataFrame({"wave": [1, 2], "cap": [30.0, 11.0]}),
        "values": pd.DataFrame([[40.0, 36.0], [60.0, 50.0], [30.0, 27.0]], list("ABC"), [1, 2]),
    }  # fmt: skip
    return roadmap(**tables | changes, risk_aversion=0.0)


def test_by_hand():
    found = by_hand()
    assert dict(zip(found.starts["initiative"], found.starts["wave"], strict=True)) == {
        "A": 1, "B": 2, "C": pd.NA,
    }  # fmt: skip
    assert found.objective == 40 + 50 - 20 - 1
    assert found.builds.values.tolist() == [["k", 1, 2, "B"]]
    assert found.spend["cost"].tolist() == [30, 11]


def test_why_something_is_left_out_is_true():
    told = not_started(by_hand()).set_index("initiative")
    assert told.loc["C", "reason"] == "another of its exclusive group is worth more (group `x`)"
    assert told.loc["C", "cost_of_starting"] == pytest.approx(10)
    poor = by_hand(budgets=pd.DataFrame({"wave": [1, 2], "cap": [12.0, 0.0]}))
    told = not_started(poor).set_index("initiative")["reason"]
    assert told["B"] == "no budget: with money without limit it would start"
    late = by_hand(
        assets=pd.DataFrame({"id": ["k"], "build_cost": [20.0], "run_cost": [1.0],
                             "lead_waves": [2], "owned": [False]})
    )  # fmt: skip
    told = not_started(late).set_index("initiative")["reason"]
    assert told["B"] == "asset `k` cannot be built in time (lead of 2 in 2 waves)"
    worthless = by_hand(values=pd.DataFrame(0.0, list("ABC"), [1, 2]))
    assert not_started(worthless)["reason"].str.startswith("nothing to gain").all()
    loss = by_hand(values=pd.DataFrame(-7.0, list("ABC"), [1, 2]))
    told = not_started(loss).set_index("initiative")
    assert told.loc["A", "cost_of_starting"] == 7
    assert told.loc["A", "reason"] == "not worth it: starting it would lower the objective by 7"


@pytest.mark.parametrize(
    ("cap", "reason"),
    [
        (10.0, "its risk: by the mean of outcomes alone it would start"),
        (5.0, "its risk, and the budget or other rules: without both it would start"),
    ],
)
def test_a_mean_that_its_worst_outcomes_do_not_allow_is_told_as_risk(cap, reason):
    """Nine draws of 100 and one of −500: 40 on average, and −230 with half the weight on it."""
    draws = np.array([100.0] * 9 + [-500.0])[:, None, None]
    found = roadmap(
        pd.DataFrame({"id": ["A"], "lever": ["grow"], "fixed_cost": [10.0]}),
        pd.DataFrame({"id": [], "build_cost": [], "run_cost": [], "lead_waves": [], "owned": []}),
        pd.DataFrame({"initiative": [], "asset": []}),
        pd.DataFrame({"wave": [1], "cap": [cap]}), draws, risk_aversion=0.5, tail=0.1,
    )  # fmt: skip
    told = not_started(found).iloc[0]
    assert told["reason"] == reason
    assert cap < 10 or told["cost_of_starting"] == pytest.approx(230)


def test_an_owned_asset_that_is_taken_away_changes_the_roadmap():
    owned = by_hand(
        assets=pd.DataFrame({"id": ["k"], "build_cost": [20.0], "run_cost": [1.0],
                             "lead_waves": [1], "owned": [True]})
    )  # fmt: skip
    assert owned.objective == 100 and owned.starts["wave"].tolist() == [1, 1, pd.NA]
    worth = shadow_values(owned).iloc[0]
    assert worth["lost_without"] == 100 - 40 and worth["gained_if_owned"] == 0
    built = shadow_values(by_hand()).iloc[0]
    assert built["lost_without"] == 69 - 40 and built["gained_if_owned"] == 100 - 69


def test_no_money_is_an_empty_roadmap():
    found = by_hand(budgets=pd.DataFrame({"wave": [1, 2], "cap": [0.0, 0.0]}))
    assert found.objective == 0 and found.starts["wave"].isna().all()
    assert "nothing starts" in found.summary()


def test_prices_of_rules():
    found = rule_prices(by_hand(), 10.0).set_index(["rule", "of"])["gain"]
    assert found["exclusive", "x"] == pytest.approx(40 + 30 - 69)  # C and A, no money for B then
    assert found["budget more", "1"] == pytest.approx(0)
    assert found["budget less", "1"] == pytest.approx(-29)


@pytest.mark.parametrize("seed", [1, 6, 11])
def test_more_money_is_never_worse(seed):
    case = random_case(seed)
    poor, rich = (
        solved(replace(case, budgets=case.budgets.assign(cap=case.budgets["cap"] * times)))
        for times in (0.5, 2.0)
    )
    assert poor.objective <= solved(case).objective <= rich.objective


def test_the_frontier_trades_mean_for_the_worst_scenarios():
    case = random_case(2)
    found = frontier(solved(case), [0.0, 0.5, 1.0], [0.0, 1.0])
    full = found[found["budget_scale"] == 1].sort_values("risk_aversion")
    assert (np.diff(full["mean"]) <= 1e-9).all() and (np.diff(full["cvar"]) >= -1e-9).all()
    assert (found.loc[found["budget_scale"] == 0, "mean"].abs() < 1e-9).all()


def test_a_forced_start_is_made_or_refused_by_name():
    case = random_case(5)
    forced = solved(case, forced=["i2"], self_funding=False, returns=None, minimum_share={})
    assert forced.starts.set_index("initiative")["wave"].notna()["i2"]
    with pytest.raises(NotIdentified, match="no roadmap starts `B` within the budgets: 19 more"):
        by_hand_forced(budgets=pd.DataFrame({"wave": [1, 2], "cap": [12.0, 0.0]}))


def by_hand_forced(**changes):
    tables = {
        "initiatives": pd.DataFrame({"id": ["B"], "lever": ["retain"], "fixed_cost": [10.0]}),
        "assets": pd.DataFrame({"id": ["k"], "build_cost": [20.0], "run_cost": [1.0],
                                "lead_waves": [1], "owned": [False]}),
        "requires": pd.DataFrame({"initiative": ["B"], "asset": ["k"]}),
        "budgets": pd.DataFrame({"wave": [1, 2], "cap": [31.0, 0.0]}),
        "values": pd.DataFrame([[60.0, 50.0]], ["B"], [1, 2]),
    }  # fmt: skip
    return roadmap(**tables | changes, risk_aversion=0.0, forced=["B"])


@pytest.mark.parametrize(
    ("table", "column", "value", "says"),
    [
        ("initiatives", "fixed_cost", -5.0, "column `fixed_cost` of `A` is -5.0, expected an amou"),
        ("assets", "lead_waves", 0.5, "column `lead_waves` of `k` is 0.5, expected a whole number"),
        ("assets", "owned", "perhaps", "column `owned` of `k` is `perhaps`, expected true"),
        ("requires", "asset", "kk", "requires: `kk` is not a known asset. Did you mean `k`"),
        ("requires", "initiative", "k", "assets cannot require assets"),
        ("budgets", "wave", 7, "column `wave` holds 7, 7, expected each of 1, 2, 3"),
        ("initiatives", "id", "A", "id `A` stands in more than one row"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_are_refused_by_row_and_column(table, column, value, says):
    given = {
        "initiatives": pd.DataFrame({"id": ["A", "B"], "lever": "grow", "fixed_cost": 1.0}),
        "assets": pd.DataFrame({"id": ["k"], "build_cost": [2.0], "run_cost": [1.0],
                                "lead_waves": [1], "owned": [False]}),
        "requires": pd.DataFrame({"initiative": ["B"], "asset": ["k"]}),
        "budgets": pd.DataFrame({"wave": [1, 2], "cap": [3.0, 1.0]}),
        "values": pd.DataFrame(1.0, ["A", "B"], [1, 2]),
    }  # fmt: skip
    given[table] = given[table].assign(**{column: value})
    with pytest.raises(NotIdentified) as refused:
        roadmap(**given, risk_aversion=0.0)
    assert says in str(refused.value)


def test_exclusions_in_a_circle_are_groups_like_others():
    plans = pd.DataFrame({
        "id": ["A", "B", "C"], "lever": "grow", "fixed_cost": 1.0,
        "exclusive_group": ["x; z", "x; y", "y; z"],
    })  # fmt: skip
    found = by_hand(initiatives=plans, requires=pd.DataFrame({"initiative": [], "asset": []}))
    assert found.starts["wave"].notna().sum() == 1
    with pytest.raises(NotIdentified, match="exclude each other"):
        roadmap(
            plans, pd.DataFrame({"id": [], "build_cost": [], "run_cost": [], "lead_waves": [],
                                 "owned": []}),
            pd.DataFrame({"initiative": [], "asset": []}),
            pd.DataFrame({"wave": [1], "cap": [9.0]}), np.ones((1, 3, 1)),
            risk_aversion=0.0, forced=["A", "B"],
        )  # fmt: skip


def test_the_worst_scenarios_need_scenarios():
    with pytest.raises(NotIdentified, match="cannot tell the worst scenarios"):
        roadmap(
            pd.DataFrame({"id": ["A"], "lever": ["grow"], "fixed_cost": [1.0]}),
            pd.DataFrame({"id": [], "build_cost": [], "run_cost": [], "lead_waves": [],
                          "owned": []}),
            pd.DataFrame({"initiative": [], "asset": []}),
            pd.DataFrame({"wave": [1], "cap": [9.0]}), np.ones((1, 1)), risk_aversion=0.5,
        )  # fmt: skip


def test_a_value_that_is_missing_is_refused_by_its_initiative():
    values = pd.DataFrame([[40.0, 36.0], [60.0, np.nan], [30.0, 27.0]], list("ABC"), [1, 2])
    with pytest.raises(NotIdentified, match="initiative `B` has a value that is missing"):
        by_hand(values=values)
    with pytest.raises(NotIdentified, match="wave 2 has no column, but a budget"):
        by_hand(values=values[[1]])


def test_a_search_without_work_left_is_refused_and_told():
    found = solved(random_case(2))
    with pytest.raises(Unfinished, match="set the risk aversion to 0"):
        best(found.programme, 0.7, 0.25, Work(3))


def test_what_is_not_searched_to_the_end_has_no_cost(monkeypatch):
    found = by_hand(values=pd.DataFrame(-7.0, list("ABC"), [1, 2]))
    whole = not_started(found).set_index("initiative")
    assert whole["cost_of_starting"].notna().all()
    monkeypatch.setattr(sys.modules["crmlib.roi.not_started"], "WORK", 110)  # some of it, not all
    told, again = (not_started(found).set_index("initiative") for _ in range(2))
    pd.testing.assert_frame_equal(told, again)
    left = told["cost_of_starting"].isna()
    assert left.any() and (told.loc[left, "reason"] == NOT_SEARCHED).all()
    pd.testing.assert_frame_equal(told[~left], whole[~left])


@pytest.mark.parametrize("seed", range(0, 12, 3))
def test_neighbours_keep_the_rules_as_the_solver_knows_them(seed):
    found = solved(random_case(seed))
    rules = constraints(found.programme)
    near = nearby(found.programme, rules, found.solution.z)
    assert len(near) and np.isin(near, [0, 1]).all()
    left = near @ rules.matrix.toarray().T
    assert (left <= rules.upper + 1e-9).all() and (left >= rules.lower - 1e-9).all()
    share, draws = found.risk_aversion, near @ values_by(found.programme).T
    worth = [(1 - share) * each.mean() + share * cvar(each, found.tail) for each in draws]
    assert max(worth) <= found.objective + 1e-9


def test_neighbours_are_one_start_more_less_moved_or_exchanged():
    found = by_hand(budgets=pd.DataFrame({"wave": [1, 2], "cap": [90.0, 90.0]}))
    near = nearby(found.programme, constraints(found.programme), found.solution.z)
    starts = {tuple(np.where(z.any(axis=1), z.argmax(axis=1) + 1, 0))
              for z in near[:, :6].reshape(-1, 3, 2)}  # fmt: skip
    assert starts == {(1, 2, 0), (0, 2, 0), (1, 0, 0), (2, 2, 0), (2, 0, 0), (0, 2, 1), (0, 2, 2)}


@pytest.mark.parametrize("seed", range(4))
def test_bounds_found_under_other_rules_do_not_change_the_best(seed):
    case = random_case(4 * seed + 2)
    found = solved(case)
    poor = replace(found.programme, caps=found.programme.caps / 2)
    for share in (0.3, 1.0):
        fresh = replace(poor, cuts={})
        after = best(poor, share, found.tail).objective
        assert after == pytest.approx(best(fresh, share, found.tail).objective, abs=1e-9)
